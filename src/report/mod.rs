//! Results to text, tables, pictures and files. Computes nothing new: every number comes from the
//! results of a run by way of the catalog of metrics.

mod changed;
mod chart;
mod csv;
#[cfg(test)]
mod example;
mod explain;
mod fact_words;
mod files;
mod json;
mod page;
mod rebuild;
mod saved;
mod text;
mod timeline;
mod words;

pub use changed::{Changed, changed};
pub use chart::{Figure, Plotted, figures};
pub use csv::{
    PodsWriter, discovery_csv, nodes_csv, pods_csv, recovery_csv, releases_csv, series_csv,
};
pub use explain::{
    AttemptRow, ChangeRow, EXPLAIN_SCHEMA, ExplainHead, Explanation, NodeRow, OutlookRow,
    PluginScore, RefusalRow, Step, explain_schema, explanation, explanation_text,
};
pub use files::{Streamed, WriteError, write_file, write_run};
pub use json::{HOST_SCHEMA, SUMMARY_SCHEMA, Summary, summary, summary_schema};
pub use rebuild::{RebuildError, Rebuilt, rebuild, write_comparison};
pub use saved::{RESULTS_SCHEMA, SavedError, read_results};
pub use text::{Look, Shown, text};

pub use timeline::{Drawn, TIMELINE_SCHEMA, TimelineLimits, TimelineWriter};

use crate::metrics::Results;
use crate::scenario::Outcome;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use text::answer;

/// Everything about a run that does not depend on the machine it ran on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the variant, empty if the scenario has none.
    pub variant: String,
    /// Seed.
    pub seed: u64,
    /// Version of the program.
    pub version: String,
    /// The exact command that gives this run again.
    pub command: String,
    /// Digest of all facts.
    pub digest: String,
    /// What had to hold, and whether it did.
    pub expectations: Vec<Expected>,
    /// Parameters that differ from their defaults.
    pub changed: Vec<Changed>,
    /// What was measured.
    pub results: Results,
}

/// Something that had to hold at the end of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expected {
    /// As the scenario has it.
    pub text: String,
    /// The metric that it is about.
    pub metric: String,
    /// What it was; none if there was nothing to measure it on.
    pub actual: Option<f64>,
    /// True if it held.
    pub held: bool,
}

impl From<&Outcome> for Expected {
    fn from(outcome: &Outcome) -> Expected {
        Expected {
            text: outcome.expectation.to_string(),
            metric: outcome.expectation.metric.clone(),
            actual: outcome.actual,
            held: outcome.passed,
        }
    }
}

/// What depends on the machine, kept apart from everything else.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Processor time of the run, seconds.
    pub cpu_seconds: f64,
    /// Time on the wall, seconds.
    pub wall_seconds: f64,
    /// When the run was started, as a text.
    pub started: String,
}
