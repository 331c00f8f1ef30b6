//! From a recorded timeline to a scenario: the recorded objects, nodes, behaviours and actions in
//! the words of a scenario file, loaded and built as any other.

use super::recording::Recording;
use super::setup::{Action, NodeSetup, Played, Settle, Setup, Step};
use super::trace::Micros;
use crate::scenario::{Input, Scenario};
use crate::sim::Keeper;
use serde_json::{Map, Value, json};
use std::path::Path;

/// From the request of a client to its effect, and from there to those who watch. On the machine
/// of the recordings, which runs a whole control plane, both and one decision of the scheduler
/// add up to 9 ms from the creation of a pod to its binding; how they share it is not seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Latencies {
    /// From a request to its effect, microseconds.
    pub(super) request: Micros,
    /// From there to those who watch.
    pub(super) watch: Micros,
}

const THINK_TIME: &str = "1ms";

/// How late what the stand-in for the kubelets does comes at most; the recordings show a median of
/// 8 to 10 ms, and seldom much more.
const LATE_MOST: &str = "20ms";

/// A scenario that plays a recorded timeline.
#[derive(Debug)]
pub(super) struct Script {
    /// The scenario.
    pub(super) scenario: Scenario,
    /// When the script starts, after the start of the run.
    pub(super) origin: Micros,
    /// When requests of the script reach the store, after the start of the script.
    pub(super) times: Vec<Micros>,
    /// End of the recording.
    pub(super) end: Micros,
}

/// Makes the scenario; or says why that cannot be done.
pub(super) fn script(
    folder: &Path,
    setup: &Setup,
    steps: &[Step],
    recording: &Recording,
    latencies: Latencies,
) -> Result<Script, String> {
    if setup.align_second.is_some() {
        return Err("the wall clock takes part".to_owned());
    }
    let origin = origin(setup, recording);
    let end = setup.end_ms as Micros * 1000;
    let mut timeline = Vec::new();
    for step in steps {
        let at = text(origin + arrival(step, latencies));
        for mut entry in entries(step, recording)? {
            entry.insert("at".to_owned(), Value::from(at.clone()));
            timeline.push(Value::Object(entry));
        }
    }
    let images = images(setup, recording);
    let nodes: Result<Vec<Value>, String> =
        setup.nodes.iter().map(|one| node(one, &images)).collect();
    let applications: Result<Vec<Value>, String> =
        images.iter().map(|image| application(image, setup)).collect();
    let (request, watch) = (text(latencies.request), text(latencies.watch));
    let file = json!({
        "apiVersion": "wavetank/v1",
        "kind": "Scenario",
        "name": "timeline",
        "until": text(origin + end),
        "cluster": {"nodes": nodes?},
        "orchestrator": {"kubernetes": {
            "scheduler": {"think_time": THINK_TIME},
            "api": {"request_latency": request, "watch_delay": watch},
            "registry": {"latency": "0s"},
            "kubelet": {
                "pickup": "0s", "mount": "0s", "container_start": "0s",
                "sandbox": {"uniform": {"min": "0s", "max": LATE_MOST}},
                "status_report": "0s", "relist": "1ms", "retry": "10ms", "unprobed": "as-probed",
            },
        }},
        "objects": ["objects.yaml"],
        "applications": applications?,
        "timeline": timeline,
    });
    let name = folder.join("setup.json").display().to_string();
    let input = Input::Text { name, text: file.to_string().into(), folder: folder.to_owned() };
    let loaded = Scenario::load(&input, &[]).map_err(|diagnostics| {
        let first = diagnostics.first().map(|one| one.message.clone());
        first.unwrap_or_default()
    })?;
    let scenario = loaded.scenarios.into_iter().next().ok_or("there is no scenario")?;
    let times = steps.iter().map(|step| arrival(step, latencies)).collect();
    Ok(Script { scenario, origin, times, end })
}

/// When the request of a step reaches the store.
fn arrival(step: &Step, latencies: Latencies) -> Micros {
    step.at_ms as Micros * 1000 + latencies.request
}

/// When the script starts: as long after the objects are applied as in the first recorded run or
/// up to a second later, so that it starts at the same fraction of a second, as times that are cut
/// to seconds show it.
fn origin(setup: &Setup, recording: &Recording) -> Micros {
    if setup.settle == Settle::None {
        return 0;
    }
    let fraction = (recording.unix.fract() * 1e6) as Micros;
    let pause = setup.settle_pause_ms as Micros * 1000;
    let warm_up = (-recording.applied).max(pause);
    const SECOND: Micros = 1_000_000;
    let whole = ((warm_up - fraction).max(0) + SECOND - 1) / SECOND;
    whole * SECOND + fraction
}

/// A length in the words of a scenario.
fn text(micros: Micros) -> String {
    format!("{micros}us")
}

fn millis(millis: u64) -> String {
    format!("{millis}ms")
}

/// All images that containers have.
fn images(setup: &Setup, recording: &Recording) -> Vec<String> {
    let named = setup.behaviours.keys().filter(|image| *image != "default");
    let mut images: Vec<String> = named.chain(&recording.images).cloned().collect();
    images.sort_unstable();
    images.dedup();
    images
}

/// A node as a group of one.
fn node(node: &NodeSetup, images: &[String]) -> Result<Value, String> {
    let mut group = Map::new();
    group.insert("name".to_owned(), json!(node.name));
    group.insert("count".to_owned(), json!(1));
    group.insert("labels".to_owned(), json!(node.labels));
    let images: Vec<Value> =
        images.iter().map(|image| json!({"name": image, "size": "1M"})).collect();
    group.insert("images".to_owned(), json!(images));
    for (resource, amount) in &node.allocatable {
        let (key, amount) = match resource.as_str() {
            "cpu" | "memory" => (resource.as_str(), json!(amount)),
            "ephemeral-storage" => ("ephemeral_storage", json!(amount)),
            "pods" => {
                let pods: u32 = amount.parse().map_err(|_| format!("`pods` is `{amount}`"))?;
                ("pods", json!(pods))
            }
            other => return Err(format!("nodes offer `{other}`, which no timeline has yet")),
        };
        group.insert(key.to_owned(), amount);
    }
    Ok(Value::Object(group))
}

/// The name that a recording has for a node that is a group of one.
pub(super) fn recorded_node(name: &str) -> &str {
    name.strip_suffix("-0").unwrap_or(name)
}

/// How an image behaves.
fn application(image: &str, setup: &Setup) -> Result<Value, String> {
    let played = setup.behaviours.get(image).or_else(|| setup.behaviours.get("default"));
    let default = Played::default();
    let played = played.unwrap_or(&default);
    let fails = played.fail_first_pods.is_some()
        || !played.fail_first_attempt_of_index.is_empty()
        || !played.fail_always_index.is_empty();
    if fails {
        return Err("some pods of an image are to fail".to_owned());
    }
    let mut one = Map::new();
    let mut tell = |key: &str, value: Value| one.insert(key.to_owned(), value);
    tell("image", json!(image));
    tell("size", json!("1M"));
    tell("container_start", json!(millis(played.start_ms)));
    tell("stop", json!(millis(played.termination_ms)));
    match u64::try_from(played.ready_ms) {
        Ok(ready) => tell("ready_after", json!(millis(ready))),
        Err(_) => tell("never_ready", json!(true)),
    };
    if let Some(after) = played.crash_after_ms {
        tell("crash", json!({"after": millis(after)}));
    }
    if let Some(run) = played.run_ms {
        tell("run_for", json!(millis(run)));
    }
    Ok(Value::Object(one))
}

/// A line of the script as entries of a timeline.
fn entries(step: &Step, recording: &Recording) -> Result<Vec<Map<String, Value>>, String> {
    let name = step.name.clone().unwrap_or_default();
    let kind = step.kind.as_deref().unwrap_or("object");
    let entry = |key: &str, value: Value| {
        let mut map = Map::new();
        map.insert(key.to_owned(), value);
        vec![map]
    };
    match step.action {
        Action::PodReady | Action::PodUnready => {
            let ready = step.action == Action::PodReady;
            let pods = step.pods.iter().map(|pod| readiness(*pod, ready, recording));
            pods.collect()
        }
        Action::PodDelete => {
            let pods = step.pods.iter().map(|pod| replica(*pod, recording));
            let pods: Result<Vec<&str>, String> = pods.collect();
            Ok(entry("delete", json!({"pods": pods?})))
        }
        Action::Undo => Ok(entry("rollout-undo", json!({"workload": name}))),
        Action::Patch => {
            let patch = step.patch.as_ref().and_then(|patch| patch.get("spec"));
            let fields = patch.and_then(Value::as_object).ok_or("a patch of no specification")?;
            let mut fields = fields.iter();
            match (fields.next(), fields.next()) {
                (Some((field, value)), None) => patched(&name, field, value)
                    .map(|(key, value)| entry(key, value))
                    .ok_or_else(|| format!("a patch of `spec.{field}` of a {kind}")),
                _ => Err("a patch of several fields".to_owned()),
            }
        }
        _ => Err(not_known(step)),
    }
}

/// What makes a pod, by order of creation among all, ready or not.
fn readiness(pod: usize, ready: bool, recording: &Recording) -> Result<Map<String, Value>, String> {
    let pods = &recording.trace.pods;
    let owner = &pods.get(pod).ok_or("a pod that is not recorded")?.owner;
    let name = owner.strip_prefix("Deployment ").ok_or("a pod of no Deployment")?;
    let number = pods[..pod].iter().filter(|other| other.owner == *owner).count();
    let one = json!({"workload": name, "pod": number, "ready": ready});
    Ok(Map::from_iter([("readiness".to_owned(), one)]))
}

/// The name of a pod, by order of creation among all, if it has the same name in every run.
fn replica(pod: usize, recording: &Recording) -> Result<&str, String> {
    let pod = recording.trace.pods.get(pod).ok_or("a pod that is not recorded")?;
    let fixed = pod.owner.starts_with("StatefulSet ");
    if fixed { Ok(&pod.name) } else { Err("the deletion of a pod whose name is drawn".to_owned()) }
}

/// A step that no timeline of a scenario has, in words.
fn not_known(step: &Step) -> String {
    let Step { action, object, nodes, node, pods, value, values, .. } = step;
    let kind = object.as_ref().and_then(|object| object.get("kind")).and_then(Value::as_str);
    let mut words = vec![format!("the action {action:?}")];
    words.extend(kind.map(|kind| format!("of a {kind}")));
    words.extend(node.as_ref().map(|node| format!("of {}", node.name)));
    words.extend((!nodes.is_empty()).then(|| format!("of {} nodes", nodes.len())));
    words.extend((!pods.is_empty()).then(|| format!("of {} pods", pods.len())));
    words.extend(value.as_ref().map(|value| format!("with `{value}`")));
    words.extend((!values.is_empty()).then(|| format!("with {} values", values.len())));
    words.join(" ")
}

/// What a patch of one field of a specification is, in the words of a timeline.
fn patched(name: &str, field: &str, value: &Value) -> Option<(&'static str, Value)> {
    match field {
        "replicas" => Some(("scale", json!({"workload": name, "replicas": value}))),
        "paused" if value.as_bool()? => Some(("rollout-pause", json!(name))),
        "paused" => Some(("rollout-resume", json!(name))),
        "updateStrategy" => {
            let rolling = value.get("rollingUpdate").and_then(|rolling| only(rolling, "partition"));
            let one = json!({"workload": name, "partition": rolling?});
            Some(("set-partition", one))
        }
        "template" => {
            let containers = only(only(value, "spec")?, "containers")?.as_array()?;
            let [container] = containers.as_slice() else { return None };
            let fields = container.as_object()?;
            let (container, image) = (fields.get("name")?, fields.get("image")?);
            let one = json!({"workload": name, "container": container, "image": image});
            (fields.len() == 2).then_some(("set-image", one))
        }
        _ => None,
    }
}

/// The value of the only field of an object.
fn only<'v>(value: &'v Value, field: &str) -> Option<&'v Value> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get(field)
}

/// True if a workload waits for seconds to pass from timestamps that are cut to seconds before its
/// pods count.
pub(super) fn counts_seconds(script: &Script) -> bool {
    script.scenario.plan.services.iter().any(|(_, keeper)| match keeper {
        Keeper::Deployment(spec) => !spec.min_ready.is_zero(),
        Keeper::StatefulSet(goal) => !goal.spec.min_ready.is_zero(),
        Keeper::ReplicaSet { min_ready, .. } => !min_ready.is_zero(),
    })
}
