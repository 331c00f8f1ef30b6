//! Replays the recordings that can be found.

use super::{recorded_cases, replay_case};
use crate::ground::shared;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

/// Replays cases; so many lines at least there are, and are decided on the fast path too.
fn replay_all(wanted: impl Fn(&str) -> bool, least: usize, least_fast: usize) {
    let Some(folder) = shared("golden/kube-scheduler") else { return };
    let (mut lines, mut agreeing, mut fast, mut shown) = (0, 0, 0, Vec::new());
    for folder in recorded_cases(&folder) {
        if !wanted(&folder.file_name().unwrap().to_string_lossy()) {
            continue;
        }
        let report = replay_case(&folder).unwrap();
        lines += report.lines;
        agreeing += report.agreeing;
        fast += report.fast;
        let few = report.differences.into_iter().take(3);
        shown.extend(few.map(|difference| format!("{}: {difference:?}", report.case)));
    }
    shown.truncate(30);
    assert_eq!(agreeing, lines, "lines that agree\n{}", shown.join("\n"));
    assert!(lines >= least, "{lines} lines");
    assert!(fast >= least_fast, "{fast} lines on the fast path");
}

#[test]
fn hand_written_recordings() {
    replay_all(|name| !name.starts_with("random") && !name.starts_with("large"), 371, 336);
}

#[test]
fn random_recordings() {
    replay_all(|name| name.starts_with("random"), 6645, 6124);
}

#[test]
fn large_recordings() {
    replay_all(|name| name.starts_with("large"), 2064, 2064);
}

/// The recorded lines of a case.
fn lines(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("expected.jsonl")).unwrap_or_else(|_| {
        let mut text = String::new();
        let packed = std::fs::read(folder.join("expected.jsonl.gz")).unwrap();
        GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
        text
    });
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A value of the same kind that is another.
fn flipped(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_i64().unwrap() + 1),
        Value::String(text) => json!(format!("{text}x")),
        Value::Array(list) if list.is_empty() => json!(["x"]),
        Value::Array(list) => {
            let mut list = list.clone();
            list[0] = flipped(&list[0]);
            Value::Array(list)
        }
        Value::Object(fields) => {
            let mut fields = fields.clone();
            let (_, first) = fields.iter_mut().next().unwrap();
            *first = flipped(first);
            Value::Object(fields)
        }
        other => panic!("{other}"),
    }
}

/// Follows the first field of each object; the path of the value reached.
fn path_of(value: &Value, path: String) -> String {
    match value {
        Value::Object(fields) => {
            let (key, value) = fields.iter().next().unwrap();
            path_of(value, format!("{path}.{key}"))
        }
        _ => path,
    }
}

/// What a line names itself by, and fields on which the lines after depend: those have a test of
/// their own.
const OTHERS: [&str; 7] =
    ["pod", "attempt", "outcome", "chosen", "nominated", "victims", "cleared_nominations"];

/// Copies the files of a case, with `lines` as what is expected.
fn copy_case(from: &Path, to: &Path, lines: &[Value]) {
    for file in std::fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("expected") {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(to.join("expected.jsonl"), text.join("\n")).unwrap();
}

#[test]
fn one_flipped_value_of_each_kind_is_reported_where_it_is() {
    let Some(folder) = shared("golden/kube-scheduler") else { return };
    let mut flipped_kinds: BTreeSet<String> = BTreeSet::new();
    for case in [
        "preempt-clears-lower-nominations",
        "preempt-nominated-counts",
        "preempt-policy-never",
        "preempt-pdb",
        "volume-wait-static",
        "volume-bound-node-affinity",
        "node-name",
        "scheduling-gates",
        "sampling-percentage",
        "fit-extended-gpu",
    ] {
        let folder = folder.join(case);
        let recorded = lines(&folder);
        for (at, line) in recorded.iter().enumerate() {
            for (key, value) in line.as_object().unwrap() {
                let place = path_of(value, key.clone());
                if OTHERS.contains(&key.as_str()) || !flipped_kinds.insert(key.clone()) {
                    continue;
                }
                let mut changed = recorded.clone();
                changed[at][key] = flipped(value);
                let copy = tempfile::tempdir().unwrap();
                copy_case(&folder, copy.path(), &changed);
                let report = replay_case(copy.path()).unwrap();
                let told: Vec<(usize, &str)> =
                    report.differences.iter().map(|d| (d.line, d.field.as_str())).collect();
                assert!(told.contains(&(at + 1, place.as_str())), "{case}: {place}: {told:?}");
            }
        }
    }
    let kinds: Vec<&str> = flipped_kinds.iter().map(String::as_str).collect();
    assert_eq!(
        kinds,
        [
            "best",
            "candidates",
            "feasible",
            "feasible_count",
            "message",
            "node_order",
            "nominated_node",
            "nominated_top",
            "postfilter_message",
            "prefilter",
            "profile",
            "rejected",
            "scores",
            "start_index",
            "top",
            "top_count",
            "total",
            "volumes",
        ]
    );
}

/// What has effects is told too, and the lines after follow what was recorded.
#[test]
fn a_recorded_effect_that_is_not_ours_is_told_and_followed() {
    let Some(folder) = shared("golden/kube-scheduler") else { return };
    for (case, outcome, key) in [
        ("fit-least-allocated", "scheduled", "chosen"),
        ("preempt-tie", "preempting", "nominated"),
        ("preempt-pdb", "preempting", "victims"),
        ("preempt-policy-never", "unschedulable", "outcome"),
    ] {
        let folder = folder.join(case);
        let mut recorded = lines(&folder);
        let at = recorded
            .iter()
            .position(|line| line["outcome"] == outcome && line.get(key).is_some())
            .unwrap_or_else(|| panic!("{case} has {key}"));
        let other = match key {
            "chosen" => recorded[at]["feasible"][0].clone(),
            "nominated" => recorded[at]["nominated_top"][1].clone(),
            "victims" => json!([]),
            _ => json!("gated"),
        };
        let other =
            if other == recorded[at][key] { recorded[at]["feasible"][1].clone() } else { other };
        recorded[at][key] = other;
        recorded.truncate(at + 1);
        let copy = tempfile::tempdir().unwrap();
        copy_case(&folder, copy.path(), &recorded);
        let report = replay_case(copy.path()).unwrap();
        let told: Vec<(usize, &str)> =
            report.differences.iter().map(|d| (d.line, d.field.as_str())).collect();
        assert_eq!(told, [(at + 1, key)], "{case}");
    }
}
