//! Compares two lines value by value.

use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// One value that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Line, counted from 1.
    pub line: usize,
    /// The pod of the line; empty where lines are not about one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pod: String,
    /// Dotted path of the value in the line, such as `rejected.n1.code`.
    pub field: String,
    /// Our value; nothing if we have none.
    pub ours: Option<Value>,
    /// The recorded value; nothing if there is none.
    pub theirs: Option<Value>,
}

/// Fields that name the line instead of telling what was decided.
const NAMES: [&str; 2] = ["pod", "attempt"];

/// Every value of the recorded line that is not ours, and of ours that was not recorded.
pub(super) fn differences(
    line: usize,
    ours: &Map<String, Value>,
    theirs: &Value,
) -> Vec<Difference> {
    let mut theirs = theirs.as_object().cloned().unwrap_or_default();
    let pod = theirs.get("pod").and_then(Value::as_str).unwrap_or("").to_owned();
    theirs.retain(|key, _| !NAMES.contains(&key.as_str()));
    let mut found = Vec::new();
    let mut tell = |field: &str, ours: Option<&Value>, theirs: Option<&Value>| {
        found.push(Difference {
            line,
            pod: pod.clone(),
            field: field.to_owned(),
            ours: ours.cloned(),
            theirs: theirs.cloned(),
        });
    };
    of_objects("", ours, &theirs, &mut tell);
    found
}

fn of_objects(
    path: &str,
    ours: &Map<String, Value>,
    theirs: &Map<String, Value>,
    tell: &mut impl FnMut(&str, Option<&Value>, Option<&Value>),
) {
    let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    for key in keys {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (ours.get(key), theirs.get(key)) {
            (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
                of_objects(&path, ours, theirs, tell);
            }
            (ours, theirs) if ours != theirs => tell(&path, ours, theirs),
            _ => {}
        }
    }
}
