//! Decisions of the Job controller.

use super::{Compared, compared, input, with_output};
use crate::ground::{Span, Time};
use crate::policy::kube::control::{IndexSet, JobBackoff};
use serde::Deserialize;
use serde_json::{Value, json};

/// The second of a run at which a recording starts; pods may have ended before.
const ZERO: u64 = 1_000_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BackoffStep {
    at_s: i64,
    failed_at_s: Vec<i64>,
    succeeded_at_s: Vec<i64>,
    #[serde(rename = "failuresAfterLastSuccess")]
    _failures: u32,
    #[serde(rename = "remainingS")]
    _remaining: u64,
}

/// Step by step, each from what the one before left.
pub(super) fn backoff(line: &Value) -> Result<Compared, String> {
    if (&line["baseS"], &line["maxS"]) != (&json!(10), &json!(600)) {
        return Err("only waits from 10 s to 600 s can be compared".to_owned());
    }
    let steps: Vec<BackoffStep> =
        Vec::deserialize(&line["steps"]).map_err(|error| format!("`steps`: {error}"))?;
    let second = |at: i64| {
        let at = ZERO.checked_add_signed(at).ok_or_else(|| format!("{at} s is too early"))?;
        Ok::<Time, String>(Time::from_secs(at))
    };
    let seconds =
        |times: &[i64]| times.iter().map(|at| second(*at)).collect::<Result<Vec<Time>, String>>();
    let mut backoff = JobBackoff::default();
    let mut ours = Vec::new();
    for step in &steps {
        backoff = backoff.after(&seconds(&step.succeeded_at_s)?, &seconds(&step.failed_at_s)?);
        let until = backoff.until().unwrap_or_default();
        let remaining: Span = until.since(second(step.at_s)?);
        ours.push(json!({
            "atS": step.at_s,
            "failedAtS": step.failed_at_s,
            "succeededAtS": step.succeeded_at_s,
            "failuresAfterLastSuccess": backoff.failures,
            "remainingS": remaining.as_nanos() / 1_000_000_000,
        }));
    }
    compared(json!({"steps": ours}), json!({"steps": line["steps"]}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Indexes {
    active: Vec<u32>,
    completed_indexes: String,
    completions: u32,
    newly_succeeded: Vec<u32>,
    want: usize,
}

pub(super) fn indexes(line: &Value) -> Result<Compared, String> {
    let read: Indexes = input(line)?;
    let mut completed = IndexSet::parse(&read.completed_indexes, read.completions);
    completed.merge(&read.newly_succeeded.into_iter().collect());
    let mut taken = completed.clone();
    taken.merge(&read.active.into_iter().collect());
    let ours = json!({
        "completedCount": completed.len(),
        "completedIndexes": completed.to_string(),
        "nextIndexes": taken.first_missing(read.want, read.completions),
    });
    with_output(line, ours)
}
