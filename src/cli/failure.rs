//! Why a command could not do its work, and the exit code that says so.

use super::terminal::{Style, Terminal};
use std::io::ErrorKind;
use std::process::ExitCode;

/// A command that could not do its work.
#[derive(Debug)]
pub(super) enum Failure {
    /// The input is wrong; each text is a whole message with its place and its remedy.
    Input(Vec<String>),
    /// The reader of our output went away, which is fine.
    BrokenPipe,
    /// Something is wrong with wavetank or its surroundings.
    Internal(String),
}

impl Failure {
    /// Input that is wrong in one way, with what to do about it.
    pub(super) fn input(message: impl Into<String>, help: impl Into<String>) -> Failure {
        Failure::Input(vec![format!("error: {}\n  = help: {}", message.into(), help.into())])
    }

    /// Prints the failure and returns its exit code.
    pub(super) fn report(&self, terminal: &Terminal) -> ExitCode {
        match self {
            Failure::BrokenPipe => ExitCode::SUCCESS,
            Failure::Input(messages) => {
                for message in messages {
                    let (first, rest) = message.split_once('\n').unwrap_or((message, ""));
                    let first = first.strip_prefix("error").map_or_else(
                        || first.to_owned(),
                        |tail| format!("{}{tail}", terminal.paint(Style::Error, "error")),
                    );
                    terminal.error_line(first.trim_end());
                    for line in rest.lines() {
                        terminal.error_line(line);
                    }
                    terminal.error_line("");
                }
                if messages.len() > 1 {
                    terminal.error_line(&format!("{} errors; nothing was run.", messages.len()));
                }
                ExitCode::from(2)
            }
            Failure::Internal(message) => {
                let label = terminal.paint(Style::Error, "internal error");
                terminal.error_line(&format!("{label}: {message}"));
                ExitCode::from(3)
            }
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        if error.kind() == ErrorKind::BrokenPipe {
            Failure::BrokenPipe
        } else {
            Failure::Internal(format!("the output cannot be written: {error}."))
        }
    }
}

/// Prints what clap says about wrong usage, help and version, in its own colours.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    let code = error.exit_code();
    match error.print() {
        Err(problem) if problem.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        _ => ExitCode::from(u8::try_from(code).unwrap_or(2)),
    }
}
