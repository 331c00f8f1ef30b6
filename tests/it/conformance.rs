//! `wavetank conformance` as users meet it, on recordings where they can be found.

use crate::shared::shared;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn conformance(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wavetank"));
    command.arg("conformance").arg(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn agreement_and_disagreement() {
    let Some(recorded) = shared("golden/kube-scheduler") else { return };
    let recorded = recorded.join("preempt-tie");
    let agrees = conformance(&recorded, &[]);
    assert_eq!(agrees.status.code(), Some(0), "{}", text(&agrees.stderr));
    assert!(text(&agrees.stdout).starts_with("1 cases, 1 agree as a whole.\n"));

    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("changed");
    std::fs::create_dir(&case).unwrap();
    for name in ["cluster.json", "pods.json"] {
        std::fs::copy(recorded.join(name), case.join(name)).unwrap();
    }
    let lines = std::fs::read_to_string(recorded.join("expected.jsonl")).unwrap();
    let first = lines.lines().next().unwrap();
    let changed = first.replacen("\"feasible_count\":0", "\"feasible_count\":7", 1);
    assert_ne!(first, changed);
    std::fs::write(case.join("expected.jsonl"), lines.replacen(first, &changed, 1)).unwrap();
    let differs = conformance(folder.path(), &[]);
    assert_eq!(differs.status.code(), Some(1));
    let told = text(&differs.stdout);
    assert!(told.contains("changed, line 1, pod default/"), "{told}");
    assert!(told.contains(": feasible_count\n  recorded: 7\n  wavetank: 0\n"), "{told}");
    let json = conformance(folder.path(), &["-o", "json"]);
    assert_eq!(json.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&found["cases"], &found["cases_agreeing"]), (&Value::from(1), &Value::from(0)));
    let difference = &found["reports"][0]["differences"][0];
    assert_eq!((&difference["theirs"], &difference["ours"]), (&Value::from(7), &Value::from(0)));

    std::fs::write(case.join("expected.jsonl"), "{\"pod\": \"default/nobody\"}").unwrap();
    let unreadable = conformance(folder.path(), &[]);
    assert_eq!(unreadable.status.code(), Some(2));
    let told = text(&unreadable.stderr);
    assert!(told.contains("expected.jsonl:1: there is no pod `default/nobody`"), "{told}");
}
