//! Decisions of the Deployment controller.

use super::{Compared, input, with_output};
use crate::ground::{Span, Time};
use crate::model::{
    DeploymentSpec, DeploymentStatus, IntOrPercent, PodSpecId, ProgressReason, Progressing,
    ReplicaSetStatus, RolloutStrategy,
};
use crate::policy::kube::control::{
    DeploymentView, DeploymentWrite, Fenceposts, OwnedReplicaSet, rollout_is_complete,
    rollout_progresses, rollout_timed_out, sync_deployment,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The ages of a recording count back from here.
const NOW: Time = Time::from_secs(1_000_000);
/// The template that the Deployment has.
const PRESENT: PodSpecId = PodSpecId(0);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Limits {
    max_surge: String,
    max_unavailable: String,
    replicas: u32,
}

/// The limits as numbers or shares: surge, then unavailable.
fn parse_limits(surge: &str, unavailable: &str) -> Result<(IntOrPercent, IntOrPercent), String> {
    let parse = |text: &str| text.parse().map_err(|error| format!("`{text}` is {error}"));
    Ok((parse(surge)?, parse(unavailable)?))
}

fn rolling(surge: &str, unavailable: &str, replicas: u32) -> Result<DeploymentSpec, String> {
    let (max_surge, max_unavailable) = parse_limits(surge, unavailable)?;
    let strategy = RolloutStrategy::RollingUpdate { max_surge, max_unavailable };
    Ok(DeploymentSpec { strategy, ..DeploymentSpec::new(replicas, PRESENT) })
}

pub(super) fn fenceposts(line: &Value) -> Result<Compared, String> {
    let limits: Limits = input(line)?;
    let (surge, unavailable) = parse_limits(&limits.max_surge, &limits.max_unavailable)?;
    let resolved = Fenceposts::resolve(surge, unavailable, limits.replicas);
    let spec = rolling(&limits.max_surge, &limits.max_unavailable, limits.replicas)?;
    let kept = Fenceposts::of(&spec);
    let ours = json!({
        "surge": resolved.surge,
        "unavailable": resolved.unavailable,
        "effectiveMaxSurge": kept.surge,
        "effectiveMaxUnavailable": kept.unavailable,
        "minAvailable": limits.replicas - kept.unavailable,
    });
    with_output(line, ours)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Counts {
    available: u32,
    observed_gen: u32,
    ready: u32,
    replicas: u32,
    updated: u32,
}

impl Counts {
    fn status(&self) -> DeploymentStatus {
        DeploymentStatus {
            replicas: self.replicas,
            updated: self.updated,
            ready: self.ready,
            available: self.available,
            observed: self.observed_gen,
            ..DeploymentStatus::default()
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProgressInput {
    generation: u32,
    new_status: Counts,
    old_status: Counts,
    #[serde(rename = "progressDeadlineS")]
    progress_deadline: Option<u64>,
    #[serde(rename = "progressingAgeS")]
    progressing_age: u64,
    progressing_reason: Value,
    replicas: u32,
}

pub(super) fn progress(line: &Value) -> Result<Compared, String> {
    let read: ProgressInput = input(line)?;
    let spec = DeploymentSpec {
        progress_deadline: read.progress_deadline.map(Span::from_secs),
        ..DeploymentSpec::new(read.replicas, PRESENT)
    };
    let progressing = match read.progressing_reason.as_str() {
        None | Some("") => None,
        Some(_) => {
            let reason = ProgressReason::deserialize(&read.progressing_reason)
                .map_err(|error| format!("`progressingReason`: {error}"))?;
            let last_update = NOW - Span::from_secs(read.progressing_age);
            Some(Progressing { reason, last_update })
        }
    };
    let old = read.old_status.status();
    let new = DeploymentStatus { progressing, ..read.new_status.status() };
    let ours = json!({
        "complete": rollout_is_complete(&spec, read.generation, &new),
        "progressing": rollout_progresses(&old, &new),
        "timedOut": rollout_timed_out(&spec, &new, NOW),
    });
    with_output(line, ours)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Step {
    max_surge: String,
    max_unavailable: String,
    replicas: u32,
    replica_sets: Vec<RecordedSet>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RecordedSet {
    name: String,
    revision: u32,
    age_s: u64,
    new: bool,
    spec_replicas: u32,
    replicas: u32,
    ready: u32,
    available: u32,
    desired_annotation: Option<u32>,
    max_annotation: Option<u32>,
}

impl RecordedSet {
    fn owned(&self, place: usize) -> OwnedReplicaSet<'_> {
        let other = PodSpecId(u32::try_from(place).expect("a handful of sets") + 1);
        OwnedReplicaSet {
            name: &self.name,
            created: NOW - Span::from_secs(self.age_s),
            template: if self.new { PRESENT } else { other },
            replicas: self.spec_replicas,
            min_ready: Span::ZERO,
            revision: Some(self.revision),
            desired: self.desired_annotation,
            max: self.max_annotation,
            generation: 1,
            deleting: false,
            status: ReplicaSetStatus {
                replicas: self.replicas,
                ready: self.ready,
                available: self.available,
                observed: 1,
            },
            unfinished_pods: self.replicas,
        }
    }
}

/// One sync; for each write of another size whether the set is the new one, and what was written.
fn scaled(step: &Step) -> Result<Vec<(bool, Value)>, String> {
    let sets: Vec<OwnedReplicaSet<'_>> =
        step.replica_sets.iter().enumerate().map(|(place, set)| set.owned(place)).collect();
    let newest = step.replica_sets.iter().find(|set| set.new).map_or(0, |set| set.revision);
    let reason = ProgressReason::ReplicaSetUpdated;
    let status = DeploymentStatus {
        replicas: sets.iter().map(|set| set.status.replicas).sum(),
        revision: newest,
        progressing: Some(Progressing { reason, last_update: NOW }),
        ..DeploymentStatus::default()
    };
    let spec = rolling(&step.max_surge, &step.max_unavailable, step.replicas)?;
    let view = DeploymentView { spec, status, generation: 1, deleting: false, sets: &sets };
    let writes = sync_deployment(&view, NOW).writes;
    let scales = writes.into_iter().filter_map(|write| match write {
        DeploymentWrite::Scale { set, resized } if resized.from != resized.to => {
            let recorded = &step.replica_sets[set];
            let (name, from, to) = (&recorded.name, resized.from, resized.to);
            Some((recorded.new, json!({"name": name, "from": from, "to": to})))
        }
        _ => None,
    });
    Ok(scales.collect())
}

fn updates(scales: Vec<(bool, Value)>) -> Vec<Value> {
    scales.into_iter().map(|(_, update)| update).collect()
}

pub(super) fn proportional_scale(line: &Value) -> Result<Compared, String> {
    let step: Step = input(line)?;
    with_output(line, json!({ "updates": updates(scaled(&step)?) }))
}

pub(super) fn rolling_step(line: &Value) -> Result<Compared, String> {
    let step: Step = input(line)?;
    let kept = Fenceposts::of(&rolling(&step.max_surge, &step.max_unavailable, step.replicas)?);
    let scales = scaled(&step)?;
    let which = match scales.first() {
        None => "none",
        Some((true, _)) => "new",
        Some((false, _)) => "old",
    };
    let ours = json!({
        "effectiveMaxSurge": kept.surge,
        "effectiveMaxUnavailable": kept.unavailable,
        "step": which,
        "updates": updates(scales),
    });
    with_output(line, ours)
}
