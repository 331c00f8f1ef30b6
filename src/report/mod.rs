//! Results to text, tables, pictures and files. Computes nothing new: every number comes from the
//! results of a run by way of the catalog of metrics.

mod chart;
mod csv;
#[cfg(test)]
mod example;
mod explain;
mod fact_words;
mod files;
mod json;
mod text;
mod words;

pub use chart::{Figure, Plotted, figures};
pub use csv::{PodsWriter, nodes_csv, pods_csv, recovery_csv, series_csv};
pub use explain::{
    AttemptRow, EXPLAIN_SCHEMA, ExplainHead, Explanation, PluginScore, RefusalRow, Step,
    explain_schema, explanation, explanation_text,
};
pub use files::{Streamed, WriteError, write_file, write_run};
pub use json::{HOST_SCHEMA, SUMMARY_SCHEMA, Summary, summary, summary_schema};
pub use text::{Look, Shown, text};

use crate::metrics::Results;
use serde::{Deserialize, Serialize};

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
    /// What was measured.
    pub results: Results,
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
