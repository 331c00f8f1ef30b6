//! Which parameters of the orchestrator differ from their defaults, found by comparing the two as
//! JSON, so that no parameter is named twice.

use crate::scenario::{OrchestratorParams, ScenarioFile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A parameter that is not as it would be if nobody had set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// Its path, as `--set` takes it.
    pub path: String,
    /// Its value.
    pub value: String,
    /// What it is if nothing is said; empty if there is none.
    pub default: String,
}

/// The parameters of a scenario that differ from their defaults, by path.
pub fn changed(file: &ScenarioFile) -> Vec<Changed> {
    let mut found = Vec::new();
    compare("detail", &json(&file.detail), &json(&default_of(&file.detail)), &mut found);
    let default = match &file.orchestrator {
        OrchestratorParams::Kubernetes(_) => OrchestratorParams::Kubernetes(Box::default()),
        OrchestratorParams::Baseline(_) => OrchestratorParams::Baseline(Default::default()),
    };
    let (found_params, default) = (json(&file.orchestrator), json(&default));
    if matches!(file.orchestrator, OrchestratorParams::Baseline(_)) {
        found.push(Changed {
            path: "orchestrator".to_owned(),
            value: "baseline".to_owned(),
            default: OrchestratorParams::default().key().to_owned(),
        });
    }
    compare("orchestrator", &found_params, &default, &mut found);
    found
}

/// What a value of this type is if nothing is said.
fn default_of<T: Default>(_: &T) -> T {
    T::default()
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("what scenarios are made of can be written as JSON")
}

/// A value on one line.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn compare(path: &str, value: &Value, default: &Value, found: &mut Vec<Changed>) {
    if value == default {
        return;
    }
    if let (Value::Object(values), Value::Object(defaults)) = (value, default) {
        let missing = defaults.keys().filter(|key| !values.contains_key(*key));
        for key in values.keys().chain(missing) {
            let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned();
            let (value, default) = (of(values), of(defaults));
            let path = format!("{path}.{key}");
            compare(&path, &value.unwrap_or_default(), &default.unwrap_or_default(), found);
        }
        return;
    }
    found.push(Changed { path: path.to_owned(), value: shown(value), default: shown(default) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_told_with_its_path() {
        let mut found = Vec::new();
        let value = json!({"a": {"b": 1, "c": "5s", "d": [1]}, "e": true});
        let default = json!({"a": {"b": 1, "c": "10s", "d": [1]}, "f": null, "g": 2});
        compare("x", &value, &default, &mut found);
        let mut lines: Vec<String> =
            found.iter().map(|c| format!("{} {} {}", c.path, c.value, c.default)).collect();
        lines.sort();
        assert_eq!(lines, ["x.a.c 5s 10s", "x.e true ", "x.g  2"]);
    }
}
