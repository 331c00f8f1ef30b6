//! Reads recorded decisions of the real components for tests, if they are beside the repository.

use serde_json::Value;
use std::fs;

/// The cases of one topic, one JSON object each; empty, with a word to the reader, where the
/// recordings are not there.
pub(in crate::policy::kube) fn decisions(topic: &str) -> Vec<Value> {
    let folder =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/golden/kube-controllers/decisions");
    let path = format!("{folder}/{topic}.jsonl");
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("skipped: {path} is not there");
        return Vec::new();
    };
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Fails with the first few disagreements.
pub(in crate::policy::kube) fn report(topic: &str, cases: usize, wrong: &[String]) {
    let first = wrong.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{topic}: {} of {cases} cases differ:\n{first}", wrong.len());
}
