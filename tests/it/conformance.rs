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

#[test]
fn decisions_topic_by_topic() {
    let Some(recorded) = shared("golden/kube-controllers/decisions") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (covered, later) = ("deployment-fenceposts.jsonl", "hpa-pods.jsonl");
    for name in [covered, later] {
        let lines = std::fs::read_to_string(recorded.join(name)).unwrap();
        std::fs::write(folder.path().join(name), lines).unwrap();
    }
    let agrees = conformance(folder.path(), &[]);
    assert_eq!(agrees.status.code(), Some(0), "{}", text(&agrees.stderr));
    let told = text(&agrees.stdout);
    assert!(told.starts_with("400 decisions, 400 agree: 100 %.\n"), "{told}");
    let row = "\nNot covered yet, and not compared:\n  hpa-pods ";
    assert!(told.contains(row), "{told}");

    let path = folder.path().join(covered);
    let lines = std::fs::read_to_string(&path).unwrap();
    let changed = lines.replacen("\"surge\":0", "\"surge\":7", 1);
    assert_ne!(lines, changed);
    std::fs::write(&path, changed).unwrap();
    let differs = conformance(folder.path(), &[]);
    assert_eq!(differs.status.code(), Some(1));
    let told = text(&differs.stdout);
    assert!(told.contains("deployment-fenceposts, line 1: surge\n"), "{told}");
    assert!(told.contains("  recorded: 7\n  wavetank: 0\n"), "{told}");
    let json = conformance(folder.path(), &["-o", "json"]);
    let found: Value = serde_json::from_slice(&json.stdout).unwrap();
    let topic = &found["topics"][0];
    assert_eq!((&topic["cases"], &topic["agreeing"]), (&Value::from(400), &Value::from(399)));
    assert_eq!(found["not_covered"][0]["recording"], "hpa-pods");

    std::fs::remove_file(&path).unwrap();
    let nothing = conformance(folder.path(), &[]);
    assert_eq!(nothing.status.code(), Some(1), "what was not compared does not agree");
}
