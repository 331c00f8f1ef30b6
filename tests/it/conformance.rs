//! `wavetank conformance` as users meet it, on recordings where they can be found.

use crate::shared::shared;
use serde_json::Value;
use std::path::{Path, PathBuf};
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

fn recorded_timeline() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/timelines/scale")
}

/// A copy of our own recorded timeline, with a part of one of its files changed.
fn changed_timeline(folder: &Path, file: &str, from: &str, to: &str) -> Output {
    let timeline = folder.join("changed");
    std::fs::create_dir_all(&timeline).unwrap();
    for entry in std::fs::read_dir(recorded_timeline()).unwrap() {
        let entry = entry.unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let name = entry.file_name();
        let both = file == "timeline" && name.to_str().unwrap().starts_with("timeline-");
        let text = if name == file || both {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        } else {
            text
        };
        std::fs::write(timeline.join(name), text).unwrap();
    }
    conformance(folder, &["--show", "100"])
}

#[test]
fn a_timeline_is_run_and_compared() {
    let agrees = conformance(&recorded_timeline(), &[]);
    let told = text(&agrees.stdout);
    assert_eq!(agrees.status.code(), Some(0), "{told}{}", text(&agrees.stderr));
    assert!(told.starts_with("1 timelines, 1 agree as a whole.\n  scale  "), "{told}");

    let folder = tempfile::tempdir().unwrap();
    for (file, from, to, difference) in [
        // Another reason of a condition, another life of a pod, another final state.
        ("timeline", "=True/NewReplicaSetAvailable", "=True/Rolled", "condition Progressing\n"),
        (
            "timeline",
            "[\"succeeded\"]",
            "[\"failed\"]",
            "lives of pods of Deployment shop shop:1\n",
        ),
        ("timeline", "\"revision\": \"2\"", "\"revision\": \"7\"", "Deployment shop: revision\n"),
        // Pods that start half a second later than the set-up says.
        ("setup.json", "\"startMs\": 500", "\"startMs\": 1000", "shop:2: running, "),
        // Something that the script did later.
        ("actions.json", "\"atMs\": 600", "\"atMs\": 5600", "Deployment shop: specReplicas, "),
    ] {
        let differs = changed_timeline(folder.path(), file, from, to);
        let told = text(&differs.stdout);
        assert_eq!(differs.status.code(), Some(1), "{to}: {told}{}", text(&differs.stderr));
        assert!(told.starts_with("1 timelines, 0 agree as a whole.\n"), "{to}: {told}");
        assert!(told.contains(difference), "{to}: {told}");
    }
}

#[test]
fn what_is_not_known_of_a_timeline_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let kind = "\"kind\": \"Node\"";
    let unknown = changed_timeline(folder.path(), "timeline-2.jsonl", kind, "\"kind\": \"Load\"");
    assert_eq!(unknown.status.code(), Some(2));
    let told = text(&unknown.stderr);
    assert!(told.contains("timeline-2.jsonl:"), "{told}");
    assert!(told.contains("`kind` is `Load`, which is not known"), "{told}");
    let field =
        changed_timeline(folder.path(), "setup.json", "\"endMs\"", "\"bends\": 1, \"endMs\"");
    assert_eq!(field.status.code(), Some(2));
    assert!(text(&field.stderr).contains("unknown field `bends`"), "{}", text(&field.stderr));

    let from = "\"spec\": {\"replicas\": 3}";
    let to = "\"spec\": {\"replicas\": 3, \"minReadySeconds\": 2}";
    let not_covered = changed_timeline(folder.path(), "actions.json", from, to);
    assert_eq!(not_covered.status.code(), Some(1), "nothing compared is no agreement");
    let told = text(&not_covered.stdout);
    let row = "Not covered yet, and not compared:\n  changed                        a patch of";
    assert!(told.starts_with(row), "{told}");
}

/// Timelines of a real control plane that agree as a whole.
const AGREEING: [&str; 16] = [
    "s01-rolling-default",
    "s02-surge1-unavail0",
    "s04-minready5",
    "s05-recreate",
    "s06-bad-release-undo",
    "s08b-scale-down-mid-rollout",
    "s08c-scale-stuck-rollout",
    "s09-pause-resume",
    "s09b-pause-late",
    "s11a-statefulset-ordered",
    "s11b-statefulset-partition",
    "s11c-statefulset-parallel",
    "s11d-statefulset-stuck",
    "s19v-scale-down-plain",
    "s24-slow-termination",
    "s25-readiness-flap",
];

#[test]
fn timelines_of_a_real_control_plane_agree() {
    let Some(recorded) = shared("golden/kube-controllers/timelines") else { return };
    for name in AGREEING {
        let agrees = conformance(&recorded.join(name), &[]);
        let told = text(&agrees.stdout);
        assert_eq!(agrees.status.code(), Some(0), "{told}{}", text(&agrees.stderr));
        assert!(told.starts_with("1 timelines, 1 agree as a whole.\n"), "{told}");
    }
}
