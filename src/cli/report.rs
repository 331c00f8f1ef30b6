//! `wavetank report`: makes the page and the pictures of a run again from what it left.

use super::terminal::print;
use super::{Answer, Failure, OutputArgs};
use crate::report::{RebuildError, rebuild};
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wavetank report reports/runs/quickstart/base/7\n  \
                        wavetank report reports/runs/my-scenario")]
pub(super) struct ReportArgs {
    /// The folder of a run, or of a scenario whose variants were run together.
    folder: PathBuf,
    #[command(flatten)]
    look: OutputArgs,
}

/// Writes the pages again and says where they are.
pub(super) fn report(args: &ReportArgs) -> Result<Answer, Failure> {
    let rebuilt = rebuild(&args.folder).map_err(|error| {
        let help = match &error {
            RebuildError::Missing(_) | RebuildError::NotARun(_) => {
                "name a folder such as reports/runs/SCENARIO/VARIANT/SEED; `wavetank run` prints it"
            }
            RebuildError::Read { .. } | RebuildError::Saved { .. } => {
                "run the scenario again; the command stands in summary.json beside it"
            }
            RebuildError::Write(_) => "make the folder writable, or copy it elsewhere first",
        };
        Failure::input(error.to_string(), help)
    })?;
    if !args.look.quiet {
        let mut out = String::new();
        for page in &rebuilt.pages {
            writeln!(out, "Report: {}", page.display()).expect("a string takes any text");
        }
        print(&out)?;
    }
    Ok(Answer::Held)
}
