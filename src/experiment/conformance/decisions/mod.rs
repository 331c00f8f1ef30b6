//! Single decisions of controllers and of the kubelet, one file a topic and one JSON object a line.
//!
//! The input of each line goes through the policy that runs use, and what comes out is compared
//! with everything that was recorded. A field of an input that nothing here reads is an error, so
//! no part of a recording is passed over.

mod control;
mod cron_job;
mod daemon_set;
mod deployment;
mod disruption;
mod job;
mod kubelet;
mod stateful_set;

use super::Unreadable;
use super::compare::{Difference, differences};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// What a line says and what we say, field by field.
struct Compared {
    ours: Map<String, Value>,
    theirs: Value,
}

/// Replays one line.
type Replay = fn(&Value) -> Result<Compared, String>;

/// Topics whose policies exist.
const COVERED: [(&str, Replay); 16] = [
    ("cronjob-schedule", cron_job::schedule),
    ("daemonset-update-step", daemon_set::update_step),
    ("deployment-fenceposts", deployment::fenceposts),
    ("deployment-progress", deployment::progress),
    ("deployment-proportional-scale", deployment::proportional_scale),
    ("deployment-rolling-step", deployment::rolling_step),
    ("job-backoff", job::backoff),
    ("job-indexes", job::indexes),
    ("kubelet-crash-backoff", kubelet::crash_backoff),
    ("kubelet-eviction-rank", kubelet::eviction_rank),
    ("kubelet-probe-timing", kubelet::probe_timing),
    ("node-zone-state", control::node_zone_state),
    ("pdb-expected", disruption::expected),
    ("pod-deletion-order", control::pod_deletion_order),
    ("statefulset-step", stateful_set::step),
    ("taint-toleration-delay", control::taint_toleration_delay),
];

/// Topics whose policies are still to be written.
const LATER: [&str; 10] = [
    "hpa-behavior-sequences",
    "hpa-default-sequences",
    "hpa-external-average-value",
    "hpa-external-value",
    "hpa-object-average-value",
    "hpa-object-value",
    "hpa-pods",
    "hpa-reconcile-sequences",
    "hpa-resource-average-value",
    "hpa-resource-utilization",
];

/// The recorded decisions of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedTopic {
    /// Its name, which is that of its file.
    pub name: String,
    /// This version can replay it.
    pub is_covered: bool,
    file: PathBuf,
}

/// What came of one topic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopicReport {
    /// Its name.
    pub topic: String,
    /// Lines compared.
    pub cases: usize,
    /// Lines on which everything is equal.
    pub agreeing: usize,
    /// Every value that differs, in the order of the lines.
    pub differences: Vec<Difference>,
}

/// The topics recorded in a folder, or in its folder `decisions`, in order of name.
pub fn recorded_topics(folder: &Path) -> Vec<RecordedTopic> {
    let inner = folder.join("decisions");
    let folder = if inner.is_dir() { inner } else { folder.to_owned() };
    let mut known: Vec<(&str, bool)> = COVERED.iter().map(|(name, _)| (*name, true)).collect();
    known.extend(LATER.map(|name| (name, false)));
    known.sort_unstable();
    known
        .into_iter()
        .map(|(name, is_covered)| RecordedTopic {
            name: name.to_owned(),
            is_covered,
            file: folder.join(format!("{name}.jsonl")),
        })
        .filter(|topic| topic.file.is_file())
        .collect()
}

impl RecordedTopic {
    fn lines(&self) -> Result<Vec<Value>, Unreadable> {
        let text = std::fs::read_to_string(&self.file).map_err(|error| Unreadable {
            place: self.file.display().to_string(),
            text: format!("the file cannot be read: {error}"),
        })?;
        let parse = |(at, line)| {
            serde_json::from_str(line).map_err(|error| self.unreadable(at, error.to_string()))
        };
        text.lines().enumerate().map(parse).collect()
    }

    fn unreadable(&self, at: usize, text: String) -> Unreadable {
        Unreadable { place: format!("{}:{}", self.file.display(), at + 1), text }
    }

    /// How many lines it has.
    pub fn cases(&self) -> Result<usize, Unreadable> {
        Ok(self.lines()?.len())
    }
}

/// Replays one topic; one that is not covered agrees on nothing.
pub fn replay_topic(topic: &RecordedTopic) -> Result<TopicReport, Unreadable> {
    let lines = topic.lines()?;
    let mut report = TopicReport {
        topic: topic.name.clone(),
        cases: lines.len(),
        agreeing: 0,
        differences: Vec::new(),
    };
    let covered = COVERED.iter().find(|(name, _)| *name == topic.name);
    let Some((_, replay)) = covered else { return Ok(report) };
    for (at, line) in lines.iter().enumerate() {
        let compared = replay(line).map_err(|text| topic.unreadable(at, text))?;
        let found = differences(at + 1, &compared.ours, &compared.theirs);
        report.agreeing += usize::from(found.is_empty());
        report.differences.extend(found);
    }
    Ok(report)
}

/// The input of a line.
fn input<T: DeserializeOwned>(line: &Value) -> Result<T, String> {
    let input = line.get("input").ok_or("the line has no `input`")?;
    T::deserialize(input).map_err(|error| format!("`input`: {error}"))
}

/// Compares an object with the output of a line.
fn with_output(line: &Value, ours: Value) -> Result<Compared, String> {
    let theirs = line.get("output").ok_or("the line has no `output`")?.clone();
    compared(ours, theirs)
}

fn compared(ours: Value, theirs: Value) -> Result<Compared, String> {
    match ours {
        Value::Object(ours) if theirs.is_object() => Ok(Compared { ours, theirs }),
        _ => Err("what was recorded is not an object".to_owned()),
    }
}

#[cfg(test)]
mod tests;
