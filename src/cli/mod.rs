//! The command line: one file per verb; the only place with a terminal, a wall clock and an
//! environment.

mod completions;
mod conformance;
mod examples;
mod explain;
mod failure;
mod report;
mod run;
mod swarm;
mod terminal;
mod validate;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use failure::Failure;
use std::process::ExitCode;
use terminal::Terminal;

/// A deterministic discrete-event simulator for container clusters: your manifests, your traces,
/// your failures; the same answer every time.
///
/// Without a command, `wavetank` plays the quickstart.
#[derive(Debug, Parser)]
#[command(name = "wavetank", version, max_term_width = 100)]
#[command(after_help = "Example:\n  wavetank run scenarios/quickstart.yaml --seed 8")]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run one scenario with one seed, each of its variants side by side.
    Run(run::RunArgs),
    /// Parse and check a scenario without running it.
    Validate(validate::ValidateArgs),
    /// Tell the life of one pod: each step with its reason, each attempt with who refused it where.
    Explain(explain::ExplainArgs),
    /// Make the report of a run again from what the run left in its folder.
    Report(report::ReportArgs),
    /// Replay recorded decisions of real systems and print the agreement.
    Conformance(conformance::ConformanceArgs),
    /// Play made-up scenarios, one for each seed, with every check switched on.
    Swarm(swarm::SwarmArgs),
    /// List, print and copy the scenarios that come with wavetank.
    Examples(examples::ExamplesArgs),
    /// Print the completion script of a shell.
    Completions(completions::CompletionsArgs),
}

/// Options that every verb with an answer has.
#[derive(Debug, Clone, Args)]
struct OutputArgs {
    /// When to use colour.
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    color: ColorChoice,
    /// Print no progress and no summary, only errors.
    #[arg(long, short)]
    quiet: bool,
}

/// When to use colour. `auto` means on a terminal, unless NO_COLOR is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// Runs the command and returns its exit code: 0 answered and every expectation held; 1 an
/// expectation failed; 2 wrong usage or invalid input; 3 an internal error.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return failure::usage(&error),
    };
    let verb = cli.verb.unwrap_or_else(|| Verb::Run(run::RunArgs::quickstart()));
    let answered = match verb {
        Verb::Run(args) => run::run(&args),
        Verb::Validate(args) => validate::validate(&args),
        Verb::Explain(args) => explain::explain(&args),
        Verb::Report(args) => report::report(&args),
        Verb::Conformance(args) => conformance::conformance(&args),
        Verb::Swarm(args) => swarm::swarm(&args),
        Verb::Examples(args) => examples::examples(&args),
        Verb::Completions(args) => completions::completions(&args, Cli::command()),
    };
    match answered {
        Ok(answer) => answer.exit_code(),
        Err(failure) => failure.report(&Terminal::stderr(ColorChoice::Auto)),
    }
}

/// What a verb that could do its work found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Everything held.
    Held,
    /// An expectation did not.
    Failed,
}

impl Answer {
    fn exit_code(self) -> ExitCode {
        match self {
            Answer::Held => ExitCode::SUCCESS,
            Answer::Failed => ExitCode::from(1),
        }
    }
}
