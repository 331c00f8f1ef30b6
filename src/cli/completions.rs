//! `wavetank completions`: the completion script of a shell.

use super::terminal::print;
use super::{Answer, Failure};
use clap::{Args, Command};
use clap_complete::Shell;

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wavetank completions bash > wavetank.bash")]
pub(super) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub(super) fn completions(args: &CompletionsArgs, mut cli: Command) -> Result<Answer, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli, "wavetank", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Answer::Held)
}
