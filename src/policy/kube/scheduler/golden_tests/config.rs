//! The part of a `KubeSchedulerConfiguration` that the recordings use, as profiles. Later the
//! reader of real configurations takes its place.

use super::convert::{list, node_affinity, text};
use crate::ground::Names;
use crate::model::{Plugin, Resource};
use crate::policy::kube::scheduler::profile::{DEFAULT_SCHEDULER, Profile, Strategy, Weighted};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// A YAML document without anchors and tags as JSON.
fn yaml(document: &str) -> Value {
    enum Open {
        List(Vec<Value>),
        Object(Map<String, Value>, Option<String>),
    }
    let mut open: Vec<Open> = Vec::new();
    let mut root = Value::Null;
    for event in Parser::new_from_str(document) {
        let done = match event.unwrap().0 {
            Event::Scalar(text, ScalarStyle::Plain, ..) => {
                serde_json::from_str(&text).unwrap_or(Value::String(text.into_owned()))
            }
            Event::Scalar(text, ..) => Value::String(text.into_owned()),
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Object(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop().unwrap() {
                Open::List(items) => Value::Array(items),
                Open::Object(object, _) => Value::Object(object),
            },
            _ => continue,
        };
        match open.last_mut() {
            None => root = done,
            Some(Open::List(items)) => items.push(done),
            Some(Open::Object(object, key)) => match key.take() {
                None => *key = done.as_str().map(str::to_owned),
                Some(key) => {
                    object.insert(key, done);
                }
            },
        }
    }
    root
}

fn weighted(resources: &Value, names: &mut Names) -> Vec<Weighted> {
    let one = |value: &Value, names: &mut Names| Weighted {
        resource: match text(value, "name") {
            "cpu" => Resource::Cpu,
            "memory" => Resource::Memory,
            "ephemeral-storage" => Resource::EphemeralStorage,
            other => Resource::Extended(names.intern(other)),
        },
        weight: value["weight"].as_i64().unwrap_or(1),
    };
    list(resources).iter().map(|resource| one(resource, names)).collect()
}

fn apply_arguments(profile: &mut Profile, name: &str, args: &Value, names: &mut Names) {
    let arguments = &mut profile.arguments;
    match name {
        "NodeAffinity" => {
            arguments.added_affinity = node_affinity(&args["addedAffinity"], names);
        }
        "NodeResourcesFit" => {
            let mut intern = |value: &Value| {
                list(value).iter().map(|name| names.intern(name.as_str().unwrap())).collect()
            };
            arguments.ignored_resources = intern(&args["ignoredResources"]);
            arguments.ignored_resource_groups = intern(&args["ignoredResourceGroups"]);
            let strategy = &args["scoringStrategy"];
            if strategy.is_null() {
                return;
            }
            if !strategy["resources"].is_null() {
                arguments.fit_resources = weighted(&strategy["resources"], names);
            }
            let point = |point: &Value| {
                (point["utilization"].as_i64().unwrap(), point["score"].as_i64().unwrap() * 10)
            };
            arguments.fit_strategy = match text(strategy, "type") {
                "LeastAllocated" => Strategy::LeastAllocated,
                "MostAllocated" => Strategy::MostAllocated,
                "RequestedToCapacityRatio" => {
                    let shape = list(&strategy["requestedToCapacityRatio"]["shape"]);
                    Strategy::RequestedToCapacityRatio(shape.iter().map(point).collect())
                }
                other => panic!("strategy {other}"),
            };
        }
        // Plugins that are not built; lines in which they matter are not compared.
        "DefaultPreemption" | "InterPodAffinity" | "PodTopologySpread" => {}
        other => panic!("arguments of {other}"),
    }
}

fn apply_plugins(profile: &mut Profile, plugins: &Value) {
    for entry in list(&plugins["multiPoint"]["enabled"]) {
        if let Some(plugin) = Plugin::from_name(text(entry, "name")) {
            profile.set_weight(plugin, entry["weight"].as_i64().unwrap_or(1));
        }
    }
    let defaults = profile.score.clone();
    for entry in list(&plugins["score"]["disabled"]) {
        match text(entry, "name") {
            "*" => profile.score.clear(),
            name => profile.disable_score(Plugin::from_name(name).unwrap()),
        }
    }
    for entry in list(&plugins["score"]["enabled"]) {
        let plugin = Plugin::from_name(text(entry, "name")).unwrap();
        if defaults.iter().any(|(other, _)| *other == plugin) {
            profile.disable_score(plugin);
            profile.score.push((plugin, entry["weight"].as_i64().unwrap_or(1)));
        }
    }
    for entry in list(&plugins["filter"]["disabled"]) {
        let plugin = Plugin::from_name(text(entry, "name")).unwrap();
        profile.filter.retain(|other| *other != plugin);
    }
}

/// The profiles of a configuration, or the default one.
pub(super) fn profiles(document: Option<&str>, names: &mut Names) -> Vec<Profile> {
    let Some(document) = document else {
        return vec![Profile::default_for(DEFAULT_SCHEDULER, names)];
    };
    let document = yaml(document);
    let profile = |value: &Value, names: &mut Names| {
        let mut profile = Profile::default_for(text(value, "schedulerName"), names);
        apply_plugins(&mut profile, &value["plugins"]);
        for entry in list(&value["pluginConfig"]) {
            apply_arguments(&mut profile, text(entry, "name"), &entry["args"], names);
        }
        profile
    };
    list(&document["profiles"]).iter().map(|value| profile(value, names)).collect()
}
