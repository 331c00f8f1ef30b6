//! Decisions of the disruption controller.

use super::{Compared, input, with_output};
use crate::ground::{Span, Time};
use crate::model::DisruptionLimit;
use crate::policy::kube::control::{BudgetView, BudgetedPod, PodScale, count_budget};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The ages of a recording count back from here.
const NOW: Time = Time::from_secs(1_000_000);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expected {
    min_available: Option<String>,
    max_unavailable: Option<String>,
    controllers: Vec<RecordedController>,
    pods: Vec<RecordedPod>,
    disrupted_pods: Vec<Disrupted>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedController {
    name: String,
    replicas: u32,
    #[serde(rename = "kind")]
    _kind: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedPod {
    name: String,
    controller: String,
    ready: bool,
    #[serde(default)]
    deleting: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Disrupted {
    pod: String,
    evicted_ago_s: u64,
}

pub(super) fn expected(line: &Value) -> Result<Compared, String> {
    let read: Expected = input(line)?;
    let parse = |text: &str| text.parse().map_err(|error| format!("`{text}` is {error}"));
    let limit = match (&read.min_available, &read.max_unavailable) {
        (Some(least), None) => DisruptionLimit::MinAvailable(parse(least)?),
        (None, Some(most)) => DisruptionLimit::MaxUnavailable(parse(most)?),
        _ => return Err("exactly one limit is expected".to_owned()),
    };
    let places: BTreeMap<&str, usize> =
        read.controllers.iter().enumerate().map(|(at, owner)| (owner.name.as_str(), at)).collect();
    let evicted: BTreeMap<&str, Time> = (read.disrupted_pods.iter())
        .map(|entry| (entry.pod.as_str(), NOW - Span::from_secs(entry.evicted_ago_s)))
        .collect();
    let pods: Vec<BudgetedPod> = (read.pods.iter())
        .map(|pod| BudgetedPod {
            scale: match places.get(pod.controller.as_str()) {
                Some(place) => PodScale::Of(*place),
                None => PodScale::Unmanaged,
            },
            ready: pod.ready,
            terminating: pod.deleting,
            evicted: evicted.get(pod.name.as_str()).copied(),
        })
        .collect();
    let replicas: Vec<u32> = read.controllers.iter().map(|owner| owner.replicas).collect();
    let view = BudgetView { limit, replicas: &replicas, pods: &pods };
    let (count, _) = count_budget(&view, NOW).map_err(|error| error.to_string())?;
    let ours = json!({
        "currentHealthy": count.healthy,
        "desiredHealthy": count.desired,
        "disruptionsAllowed": count.allowed,
        "expectedPods": count.expected,
        "unmanaged": pods.iter().filter(|pod| pod.scale == PodScale::Unmanaged).count(),
    });
    with_output(line, ours)
}
