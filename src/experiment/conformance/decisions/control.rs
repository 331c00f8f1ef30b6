//! Decisions of the ReplicaSet, node lifecycle and taint eviction controllers.

use super::{Compared, compared, input};
use crate::ground::{Names, Span, Time};
use crate::model::{Effect, NodeId, Taint, Toleration, TolerationOperator};
use crate::policy::kube::control::{
    DeletionPhase, RankedPod, ZoneCount, ZoneParams, deletion_order, eviction_timer, ranks,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::str::FromStr;

/// The ages of a recording count back from here.
const NOW: Time = Time::from_secs(1_000_000);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Owned {
    pods: Vec<RecordedPod>,
    siblings: Option<Vec<RecordedPod>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RecordedPod {
    name: String,
    uid: String,
    node: Option<String>,
    phase: String,
    ready: bool,
    ready_age_s: Option<u64>,
    age_s: u64,
    restarts: u32,
    deletion_cost: Option<i32>,
}

impl RecordedPod {
    fn ranked(&self, nodes: &mut Names) -> Result<RankedPod<&str>, String> {
        let ago = |seconds: u64| NOW - Span::from_secs(seconds);
        let node = self.node.as_deref().filter(|name| !name.is_empty());
        Ok(RankedPod {
            node: node.map(|name| NodeId(nodes.intern(name).0)),
            phase: match self.phase.as_str() {
                "Pending" => DeletionPhase::Pending,
                "Unknown" => DeletionPhase::Unknown,
                "Running" => DeletionPhase::Running,
                other => return Err(format!("`{other}` is no phase of an active pod")),
            },
            ready_since: self.ready_age_s.filter(|_| self.ready).map(ago),
            deletion_cost: self.deletion_cost.unwrap_or(0),
            rank: 0,
            restarts: self.restarts,
            sidecar_restarts: 0,
            created: ago(self.age_s),
            uid: &self.uid,
        })
    }
}

fn ranked<'a>(
    pods: &'a [RecordedPod],
    nodes: &mut Names,
) -> Result<Vec<RankedPod<&'a str>>, String> {
    pods.iter().map(|pod| pod.ranked(nodes)).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RecordedOrder {
    order: Vec<String>,
    rank: BTreeMap<String, u32>,
    /// Pods that do not differ: the one at each of these places and the one before it.
    tie_before: Option<Vec<usize>>,
    #[serde(rename = "intransitive")]
    _intransitive: Option<bool>,
}

/// Pods that do not differ stand in no order, so those of ours are put as they were recorded.
pub(super) fn pod_deletion_order(line: &Value) -> Result<Compared, String> {
    let owned: Owned = input(line)?;
    let theirs = RecordedOrder::deserialize(&line["output"])
        .map_err(|error| format!("`output`: {error}"))?;
    let mut nodes = Names::new();
    let mut pods = ranked(&owned.pods, &mut nodes)?;
    let siblings = ranked(owned.siblings.as_deref().unwrap_or_default(), &mut nodes)?;
    let on = |pods: &[RankedPod<&str>]| pods.iter().map(|pod| pod.node).collect::<Vec<_>>();
    let found = ranks(on(&pods).into_iter(), on(&siblings).into_iter());
    for (pod, rank) in pods.iter_mut().zip(&found) {
        pod.rank = *rank;
    }
    let mut order: Vec<&str> = deletion_order(&pods, NOW)
        .into_iter()
        .map(|place| owned.pods[place].name.as_str())
        .collect();
    let ties = theirs.tie_before.unwrap_or_default();
    let mut from = 0;
    while from < order.len().min(theirs.order.len()) {
        let to = (from + 1..order.len()).find(|at| !ties.contains(at)).unwrap_or(order.len());
        let recorded = |name: &str| theirs.order[from..].iter().position(|other| other == name);
        order[from..to].sort_by_key(|name| recorded(name));
        from = to;
    }
    let rank: BTreeMap<&str, u32> =
        owned.pods.iter().map(|pod| pod.name.as_str()).zip(found).collect();
    let theirs = json!({"order": theirs.order, "rank": theirs.rank});
    compared(json!({"order": order, "rank": rank}), theirs)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ZoneInput {
    large_cluster_size: u32,
    no_condition: u32,
    nodes: u32,
    ready: u32,
    ready_false: u32,
    ready_unknown: u32,
    unhealthy_zone_threshold: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ZoneOutput {
    evictions_per_second: String,
    not_ready: u32,
    state: String,
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

pub(super) fn node_zone_state(line: &Value) -> Result<Compared, String> {
    let read: ZoneInput = input(line)?;
    let theirs =
        ZoneOutput::deserialize(&line["output"]).map_err(|error| format!("`output`: {error}"))?;
    let params = ZoneParams {
        large_zone: read.large_cluster_size,
        unhealthy_threshold: number(&read.unhealthy_zone_threshold)?,
        ..ZoneParams::default()
    };
    // A node without the condition is not counted as ready, like one that is not.
    let not_ready = read.ready_false + read.ready_unknown + read.no_condition;
    if read.ready + not_ready != read.nodes {
        return Err("the nodes do not add up".to_owned());
    }
    let count = ZoneCount { ready: read.ready, not_ready };
    let state = params.state(count);
    let ours = json!({
        "evictionsPerSecond": params.rate(state, count),
        "notReady": not_ready,
        "state": format!("{state:?}"),
    });
    let theirs = json!({
        "evictionsPerSecond": number::<f64>(&theirs.evictions_per_second)?,
        "notReady": theirs.not_ready,
        "state": theirs.state,
    });
    compared(ours, theirs)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stay {
    taints: Option<Vec<String>>,
    tolerations: Option<Vec<RecordedToleration>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RecordedToleration {
    key: String,
    operator: String,
    value: String,
    effect: String,
    toleration_seconds: Option<i64>,
}

fn effect(text: &str) -> Result<Effect, String> {
    match text {
        "NoSchedule" => Ok(Effect::NoSchedule),
        "PreferNoSchedule" => Ok(Effect::PreferNoSchedule),
        "NoExecute" => Ok(Effect::NoExecute),
        other => Err(format!("`{other}` is no effect of a taint")),
    }
}

fn taint(text: &str, names: &mut Names) -> Result<Taint, String> {
    let parts = text.split_once('=').and_then(|(key, rest)| Some((key, rest.split_once(':')?)));
    let (key, (value, kind)) = parts.ok_or_else(|| format!("`{text}` is not key=value:effect"))?;
    Ok(Taint { key: names.intern(key), value: names.intern(value), effect: effect(kind)? })
}

impl RecordedToleration {
    fn toleration(&self, names: &mut Names) -> Result<Toleration, String> {
        let given = |text: &str| !text.is_empty();
        Ok(Toleration {
            key: given(&self.key).then(|| names.intern(&self.key)),
            operator: match self.operator.as_str() {
                "Exists" => TolerationOperator::Exists,
                "Equal" | "" => TolerationOperator::Equal,
                other => return Err(format!("`{other}` is no operator of a toleration")),
            },
            value: names.intern(&self.value),
            effect: given(&self.effect).then(|| effect(&self.effect)).transpose()?,
            seconds: self.toleration_seconds,
        })
    }
}

/// To leave after 0 s is to leave now: the eviction is asked for at the same moment.
pub(super) fn taint_toleration_delay(line: &Value) -> Result<Compared, String> {
    let stay: Stay = input(line)?;
    let mut names = Names::new();
    let mut taints = Vec::new();
    for text in stay.taints.unwrap_or_default() {
        taints.push(taint(&text, &mut names)?);
    }
    let mut tolerations = Vec::new();
    for recorded in stay.tolerations.unwrap_or_default() {
        tolerations.push(recorded.toleration(&mut names)?);
    }
    let ours = match eviction_timer(None, &taints, &tolerations, NOW) {
        None => json!({"evict": "never"}),
        Some(timer) if timer.at == NOW => json!({"evict": "now"}),
        Some(timer) => {
            let seconds = timer.at.since(NOW).as_nanos() / 1_000_000_000;
            json!({"evict": "after", "afterS": seconds})
        }
    };
    let after_nothing = line["output"]["afterS"] == 0;
    let theirs = if after_nothing { json!({"evict": "now"}) } else { line["output"].clone() };
    compared(ours, theirs)
}
