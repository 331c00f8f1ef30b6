//! Which pods a ReplicaSet controller deletes when a set is scaled down: the choices that were
//! recorded, judged by our policy from what was recorded of the pods.
//!
//! A choice is judged where nothing else happened between the new size and its deletions, so that
//! what the controller saw is known. Pods that the policy does not tell apart may take each
//! other's place.

use super::judge::Deviation;
use super::series::seconds;
use super::trace::{Micros, PodEvent, PodLife, Trace};
use crate::ground::Time;
use crate::model::NodeId;
use crate::policy::kube::control::{DeletionPhase, RankedPod, deletion_order, ranks};
use serde_json::Value;

/// What is recorded of a pod beside its life.
#[derive(Debug, Clone, Default)]
pub(super) struct PodDetails {
    /// Kind and name of the ReplicaSet that it belongs to, as objects are called.
    pub(super) set: Option<String>,
    /// Unique identifier.
    pub(super) uid: String,
    /// When it was created, seconds since 1970.
    pub(super) created: u64,
    /// Its node, once it is bound.
    pub(super) node: String,
    /// Since when it is ready, seconds since 1970, from each time on.
    pub(super) ready_since: Vec<(Micros, u64)>,
}

/// A recorded run as choices are judged.
#[derive(Clone, Copy)]
pub(super) struct Choices<'t> {
    pub(super) trace: &'t Trace,
    pub(super) details: &'t [PodDetails],
    /// The wall clock at the start of the script.
    pub(super) unix: f64,
}

/// How long after a set's new size its deletions begin at most.
const DELAY: Micros = 1_000_000;

impl Choices<'_> {
    /// Choices that were judged, and those that our policy would not make.
    pub(super) fn judge(&self) -> (usize, Vec<Deviation>) {
        let mut judged = 0;
        let mut deviations = Vec::new();
        let sets = self.trace.objects.iter().filter(|(key, _)| key.starts_with("ReplicaSet "));
        for (key, states) in sets {
            let wanted = |at: usize| states[at].1.get("specReplicas").and_then(Value::as_i64);
            for at in 1..states.len() {
                let (Some(before), Some(now)) = (wanted(at - 1), wanted(at)) else { continue };
                let next = (at + 1..states.len()).find(|later| wanted(*later) != Some(now));
                let until = next.map_or(Micros::MAX, |later| states[later].0);
                if now < before
                    && let Some(found) = self.choice(key, (states[at].0, until), now)
                {
                    judged += 1;
                    deviations.extend(found);
                }
            }
        }
        (judged, deviations)
    }

    /// The choice that a set's new size leads to, if it can be judged; and what is wrong with it.
    fn choice(
        &self,
        key: &str,
        (from, until): (Micros, Micros),
        size: i64,
    ) -> Option<Option<Deviation>> {
        let pods: Vec<usize> = (0..self.trace.pods.len())
            .filter(|pod| self.details[*pod].set.as_deref() == Some(key))
            .filter(|pod| is_active(&self.trace.pods[*pod], from))
            .collect();
        let surplus = pods.len().checked_sub(usize::try_from(size).ok()?)?;
        let deleting = |pod: &usize| self.trace.pods[*pod].first(PodEvent::Deleting);
        let mut deleted: Vec<(Micros, usize)> =
            pods.iter().filter_map(|pod| Some((deleting(pod)?, *pod))).collect();
        deleted.sort_unstable();
        deleted.truncate(surplus);
        let (first, last) = (deleted.first()?.0, deleted.last()?.0);
        let whole = deleted.len() == surplus && last < until && first < from + DELAY;
        let owner = &self.trace.pods[pods[0]].owner;
        if !whole || !self.nothing_else(owner, from, last) {
            return None;
        }
        let chosen: Vec<usize> = deleted.into_iter().map(|(_, pod)| pod).collect();
        let ranked = self.ranked(owner, &pods, from);
        let now = self.moment(from);
        let goes_first = |one: usize, other: usize| {
            let (one, other) = (&ranked[one], &ranked[other]);
            deletion_order(&[other.clone(), one.clone()], now) == [1, 0]
        };
        let place = |pod: &usize| chosen.contains(pod);
        let wrong = (0..pods.len()).find_map(|spared| {
            let passed = (0..pods.len()).find(|taken| {
                place(&pods[*taken]) && !place(&pods[spared]) && goes_first(spared, *taken)
            });
            Some((spared, passed?))
        });
        let name = |at: usize| self.trace.pods[pods[at]].name.clone();
        Some(wrong.map(|(spared, taken)| Deviation {
            what: format!("{key}: pods deleted when it is scaled to {size}"),
            exact: true,
            at: Some(seconds(from)),
            recorded: [format!("{} goes", name(taken)), format!("{} goes", name(taken))],
            ours: format!("{} goes before it", name(spared)),
        }))
    }

    /// True if no pod of a workload comes, goes or changes meanwhile but for deletions.
    fn nothing_else(&self, owner: &str, from: Micros, to: Micros) -> bool {
        let margin = 20_000;
        let changes = [
            PodEvent::Created,
            PodEvent::Bound,
            PodEvent::Running,
            PodEvent::Ready,
            PodEvent::Unready,
        ];
        let pods = self.trace.pods.iter().filter(|pod| pod.owner == owner);
        let events = pods.flat_map(|pod| &pod.events);
        let mut within = events.filter(|(at, _)| *at >= from - margin && *at <= to);
        !within.any(|(_, event)| changes.contains(event))
    }

    fn moment(&self, at: Micros) -> Time {
        let micros = self.unix * 1e6 + at as f64;
        Time::from_nanos(micros as u64 * 1000)
    }

    /// The pods as the policy sees them.
    fn ranked(&self, owner: &str, pods: &[usize], at: Micros) -> Vec<RankedPod<String>> {
        let mut names: Vec<&str> = self.details.iter().map(|pod| pod.node.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let node = |pod: usize| {
            let bound = self.trace.pods[pod].first(PodEvent::Bound).is_some_and(|time| time <= at);
            let place = names.binary_search(&self.details[pod].node.as_str()).ok()?;
            bound.then_some(NodeId(u32::try_from(place).ok()?))
        };
        let siblings = (0..self.trace.pods.len()).filter(|pod| !pods.contains(pod));
        let siblings = siblings.filter(|pod| {
            let pod = &self.trace.pods[*pod];
            pod.owner == owner && is_active(pod, at)
        });
        let found = ranks(pods.iter().map(|pod| node(*pod)), siblings.map(node));
        let ranked = |(pod, rank): (&usize, u32)| {
            let (life, details) = (&self.trace.pods[*pod], &self.details[*pod]);
            let runs = life.first(PodEvent::Running).is_some_and(|time| time <= at);
            let since = details.ready_since.iter().take_while(|(time, _)| *time <= at).last();
            let since = since.filter(|_| is_ready(life, at)).map(|(_, since)| *since);
            RankedPod {
                node: node(*pod),
                phase: if runs { DeletionPhase::Running } else { DeletionPhase::Pending },
                ready_since: since.map(Time::from_secs),
                deletion_cost: 0,
                rank,
                restarts: 0,
                sidecar_restarts: 0,
                created: Time::from_secs(details.created),
                uid: details.uid.clone(),
            }
        };
        pods.iter().zip(found).map(ranked).collect()
    }
}

/// True if a pod is there, is not asked to stop and has not ended.
fn is_active(pod: &PodLife, at: Micros) -> bool {
    let by = |event: PodEvent| pod.first(event).is_some_and(|time| time <= at);
    let ends = [PodEvent::Deleting, PodEvent::Succeeded, PodEvent::Failed, PodEvent::Gone];
    by(PodEvent::Created) && !ends.into_iter().any(by)
}

fn is_ready(pod: &PodLife, at: Micros) -> bool {
    let events = pod.events.iter().take_while(|(time, _)| *time <= at);
    events.fold(false, |ready, (_, event)| match event {
        PodEvent::Ready => true,
        PodEvent::Unready => false,
        _ => ready,
    })
}

#[cfg(test)]
mod tests {
    use super::super::trace::State;
    use super::*;

    /// A set of three pods, two of them on one node, that is scaled to two: this pod goes.
    fn judge(gone: usize) -> (usize, Vec<Deviation>) {
        let mut trace = Trace::default();
        let mut details = Vec::new();
        for (at, node) in ["a", "a", "b"].into_iter().enumerate() {
            let mut events = vec![
                (-9_000_000, PodEvent::Created),
                (-8_990_000, PodEvent::Bound),
                (-6_000_000, PodEvent::Running),
                (-5_000_000, PodEvent::Ready),
            ];
            events.extend((at == gone).then_some((50_000, PodEvent::Deleting)));
            let (owner, image) = ("ReplicaSet web".to_owned(), "web:1".to_owned());
            trace.pods.push(PodLife { name: format!("{at}"), owner, image, index: None, events });
            details.push(PodDetails {
                set: Some("ReplicaSet web".to_owned()),
                uid: format!("{at}"),
                created: 991,
                node: node.to_owned(),
                ready_since: vec![(-5_000_000, 995)],
            });
        }
        for (at, size) in [(-9_010_000, 3), (10_000, 2)] {
            let state = State::from([("specReplicas".to_owned(), Value::from(size))]);
            trace.object("ReplicaSet web".to_owned(), at, state);
        }
        Choices { trace: &trace, details: &details, unix: 1000.5 }.judge()
    }

    #[test]
    fn a_pod_beside_another_of_its_set_goes_first() {
        assert_eq!(judge(0), (1, Vec::new()));
        assert_eq!(judge(1), (1, Vec::new()));
        let (judged, deviations) = judge(2);
        assert_eq!((judged, deviations.len()), (1, 1));
        assert_eq!(deviations[0].ours, "0 goes before it");
    }
}
