//! `results.json`: what a report is made of, so that it can be made again from the folder of a run.
//!
//! The table of pods is not in it: it has a file of its own, and no page shows a pod at a time.

use super::RunReport;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// The schema of `results.json`, with its version: it changes whenever an older program could not
/// read the file any more, or this one an older file.
pub const RESULTS_SCHEMA: &str = "wavetank.results/1";

/// Why results cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// They are of another version.
    #[error("it is of the form `{0}`, and this program reads `{RESULTS_SCHEMA}`")]
    Schema(String),
    /// They are broken.
    #[error("it is broken or cut off: {0}")]
    Json(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: String,
}

#[derive(Deserialize)]
struct Saved {
    report: RunReport,
}

/// Writes a report without its table of pods.
pub(super) fn save(report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Saving<'r> {
        schema: &'static str,
        report: &'r RunReport,
    }
    serde_json::to_writer(&mut *out, &Saving { schema: RESULTS_SCHEMA, report })?;
    out.write_all(b"\n")
}

/// Reads what `save` wrote.
pub fn read_results(text: &str) -> Result<RunReport, SavedError> {
    let head: Head = serde_json::from_str(text)?;
    if head.schema != RESULTS_SCHEMA {
        return Err(SavedError::Schema(head.schema));
    }
    let saved: Saved = serde_json::from_str(text)?;
    Ok(saved.report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::example_report;

    #[test]
    fn a_report_is_read_back_exactly_but_for_its_pods() {
        let mut report = example_report("packed", true);
        let mut bytes = Vec::new();
        save(&report, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let back = read_results(&text).unwrap();
        report.results.pods = Default::default();
        assert_eq!(back, report);
        let other = text.replacen("results/1", "results/0", 1);
        let error = read_results(&other).unwrap_err().to_string();
        assert!(error.contains("wavetank.results/0") && error.contains("results/1"), "{error}");
        let error = read_results(&text[..text.len() / 2]).unwrap_err().to_string();
        assert!(error.contains("cut off"), "{error}");
        assert!(read_results("[]").is_err());
    }
}
