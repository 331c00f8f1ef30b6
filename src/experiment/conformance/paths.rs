//! Compares the two paths of the scheduler: what the fast one found with what the plain one found.

use super::compare::Difference;
use super::replay::{Found, Replay};
use crate::model::{Code, NodeId};
use serde_json::{Map, Value, json};

/// Every value that differs, as fields `fast.*`, ours being that of the fast path.
pub(super) fn differences(
    replay: &Replay,
    (line, theirs): (usize, &Value),
    fast: &Found,
    plain: &Found,
) -> Vec<Difference> {
    if fast == plain {
        return Vec::new();
    }
    let (ours, expected) = (fields(replay, fast), fields(replay, plain));
    let pod = theirs["pod"].as_str().unwrap_or("");
    let differing = expected.iter().filter(|(field, value)| ours[field.as_str()] != **value);
    differing
        .map(|(field, value)| Difference {
            line,
            pod: pod.to_owned(),
            field: format!("fast.{field}"),
            ours: Some(ours[field.as_str()].clone()),
            theirs: Some(value.clone()),
        })
        .collect()
}

fn fields(replay: &Replay, found: &Found) -> Map<String, Value> {
    let names = |nodes: &[NodeId]| -> Vec<String> {
        nodes.iter().map(|node| replay.node_name(*node).to_owned()).collect()
    };
    let rejected: Map<String, Value> = found
        .examined
        .refused
        .iter()
        .map(|(node, plugin, code)| {
            let code = match code {
                Code::Unschedulable => "Unschedulable",
                Code::UnschedulableAndUnresolvable => "UnschedulableAndUnresolvable",
            };
            let verdict = json!({"plugin": plugin.to_string(), "code": code});
            (replay.node_name(*node).to_owned(), verdict)
        })
        .collect();
    let fields = [
        ("actions", json!(found.actions)),
        ("feasible", json!(names(&found.examined.feasible))),
        ("next_start", json!(found.next_start)),
        ("rejected", Value::Object(rejected)),
        ("top", json!(names(&found.examined.best))),
    ];
    fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect()
}
