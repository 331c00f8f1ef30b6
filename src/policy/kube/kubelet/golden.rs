//! Reads recorded decisions of the real components for tests, if they are beside the repository.

use crate::ground::shared;
use serde_json::Value;
use std::fs;

/// The cases of one topic, one JSON object each; empty, with a word to the reader, where the
/// recordings are not there.
pub(in crate::policy::kube) fn decisions(topic: &str) -> Vec<Value> {
    let Some(path) = shared(&format!("golden/kube-controllers/decisions/{topic}.jsonl")) else {
        return Vec::new();
    };
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Fails with the first few disagreements.
pub(in crate::policy::kube) fn report(topic: &str, cases: usize, wrong: &[String]) {
    let first = wrong.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{topic}: {} of {cases} cases differ:\n{first}", wrong.len());
}
