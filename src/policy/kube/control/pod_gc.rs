//! Which pods the garbage collector of pods removes.
//!
//! Source: `pkg/controller/podgc/gc_controller.go`, Kubernetes 1.34. Its passes come one period
//! after another; a pass over a cluster without finished, terminating or orphaned pods does
//! nothing, so only the pass after such a change needs to take place.

use crate::ground::{Problem, Span, Time};
use crate::model::NodeId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// When and how much is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PodGcParams {
    /// Time from pass to pass. Kubernetes 1.34: 20s.
    pub period: Span,
    /// How long a node has to be missing before its pods are removed. Kubernetes 1.34: 40s.
    pub quarantine: Span,
    /// Most finished pods that are kept, zero for all (`--terminated-pod-gc-threshold`).
    /// Kubernetes 1.34: 12500.
    pub terminated_threshold: u32,
}

impl Default for PodGcParams {
    fn default() -> PodGcParams {
        PodGcParams {
            period: Span::from_secs(20),
            quarantine: Span::from_secs(40),
            terminated_threshold: 12_500,
        }
    }
}

impl PodGcParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        if !self.period.is_zero() {
            return Vec::new();
        }
        vec![
            Problem::new("period", "`period` is zero, which would never end")
                .hint("write a length such as `20s`"),
        ]
    }

    /// Of so many finished pods, how many are too many.
    pub fn excess(&self, finished: usize) -> usize {
        match self.terminated_threshold {
            0 => 0,
            most => finished.saturating_sub(most as usize),
        }
    }

    /// The first pass at or after `now`, if one takes place at `phase`.
    pub fn next_pass(&self, now: Time, phase: Span) -> Time {
        now.next_tick(self.period, phase)
    }
}

/// What the collector sees of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcPod {
    /// The node that it is bound to.
    pub node: Option<NodeId>,
    /// Succeeded or Failed.
    pub finished: bool,
    /// Failed with the reason Evicted.
    pub evicted: bool,
    /// It has a deletion timestamp.
    pub deleting: bool,
    /// When it was created; compared in whole seconds, then by place in the list, which should be
    /// in order of name.
    pub created: Time,
}

/// What the collector sees of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcNode {
    /// The Ready condition is true.
    pub ready: bool,
    /// It has a taint of the key `node.kubernetes.io/out-of-service`.
    pub out_of_service: bool,
}

/// Why a pod is removed. Removal is at once (grace 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum GcCause {
    /// More finished pods than the threshold.
    TooManyFinished,
    /// It terminates on a node that is out of service. It is marked Failed first.
    OutOfService,
    /// Its node is gone. It is marked Failed first, with DisruptionTarget.
    Orphaned,
    /// It terminates and never had a node.
    Unscheduled,
}

/// Nodes that are missing, and when each may be taken as gone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine(BTreeMap<NodeId, Time>);

impl Quarantine {
    /// The pass at which the quarantine of a node is over, `None` if there is none.
    pub fn next_due(&self, params: &PodGcParams, phase: Span) -> Option<Time> {
        self.0.values().min().map(|release| params.next_pass(*release, phase))
    }

    /// Puts missing nodes in, and takes those out that have been in for long enough: the ones that
    /// are still missing.
    fn step(
        &mut self,
        params: &PodGcParams,
        missing: &BTreeSet<NodeId>,
        now: Time,
    ) -> BTreeSet<NodeId> {
        for node in missing {
            self.0.entry(*node).or_insert(now + params.quarantine);
        }
        let over: BTreeSet<NodeId> =
            self.0.iter().filter(|(_, release)| **release <= now).map(|(node, _)| *node).collect();
        self.0.retain(|node, _| !over.contains(node));
        over.intersection(missing).copied().collect()
    }
}

/// What the collector sees of all pods.
#[derive(Debug, Clone, Copy)]
pub struct GcPods<'a> {
    /// Number of finished pods.
    pub finished: usize,
    /// Pods of which some may be garbage. Of the finished ones beyond the threshold, those that go
    /// first must be among them.
    pub candidates: &'a [GcPod],
}

/// One pass: places of the candidates to be removed, with the cause, in order. `node` looks up a
/// node, `None` if there is no such node. A pod is listed once, for the first cause.
pub fn garbage_pods(
    params: &PodGcParams,
    quarantine: &mut Quarantine,
    pods: GcPods<'_>,
    node: impl Fn(NodeId) -> Option<GcNode>,
    now: Time,
) -> Vec<(usize, GcCause)> {
    let excess = params.excess(pods.finished);
    let pods = pods.candidates;
    let mut causes: BTreeMap<usize, GcCause> = BTreeMap::new();
    let mut garbage = Vec::new();
    let mut remove = |at: usize, cause: GcCause| {
        causes.entry(at).or_insert_with(|| {
            garbage.push((at, cause));
            cause
        });
    };
    for at in first_finished(excess, pods) {
        remove(at, GcCause::TooManyFinished);
    }
    for (at, pod) in pods.iter().enumerate() {
        let host = pod.node.and_then(&node);
        if pod.deleting && host.is_some_and(|host| !host.ready && host.out_of_service) {
            remove(at, GcCause::OutOfService);
        }
    }
    let missing: BTreeSet<NodeId> =
        pods.iter().filter_map(|pod| pod.node).filter(|host| node(*host).is_none()).collect();
    let gone = quarantine.step(params, &missing, now);
    for (at, pod) in pods.iter().enumerate() {
        if pod.node.is_some_and(|host| gone.contains(&host)) {
            remove(at, GcCause::Orphaned);
        }
    }
    for (at, pod) in pods.iter().enumerate() {
        if pod.deleting && pod.node.is_none() {
            remove(at, GcCause::Unscheduled);
        }
    }
    garbage
}

/// So many finished pods: evicted ones first, then the oldest.
fn first_finished(excess: usize, pods: &[GcPod]) -> Vec<usize> {
    let mut finished: Vec<usize> = (0..pods.len()).filter(|at| pods[*at].finished).collect();
    finished.sort_by_key(|at| (!pods[*at].evicted, pods[*at].created.truncate_to_second()));
    finished.truncate(excess);
    finished
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: GcPod = GcPod {
        node: Some(NodeId(1)),
        finished: false,
        evicted: false,
        deleting: false,
        created: Time::ZERO,
    };
    const DELETING: GcPod = GcPod { deleting: true, ..RUNNING };

    fn all(candidates: &[GcPod]) -> GcPods<'_> {
        let finished = candidates.iter().filter(|pod| pod.finished).count();
        GcPods { finished, candidates }
    }

    fn seconds(at: u64) -> Time {
        Time::from_secs(at)
    }

    /// Passes at `phase` and every 20 s after it: the first that removes the only pod.
    fn removed_at(phase: u64, pod: GcPod, node: impl Fn(Time) -> Option<GcNode>) -> u64 {
        let params = PodGcParams::default();
        let mut quarantine = Quarantine::default();
        (0..)
            .map(|pass| phase + 20 * pass)
            .find(|at| {
                let now = seconds(*at);
                !garbage_pods(&params, &mut quarantine, all(&[pod]), |_| node(now), now).is_empty()
            })
            .unwrap()
    }

    #[test]
    fn pods_of_a_deleted_node_go_forty_to_eighty_seconds_later() {
        let there = GcNode { ready: false, out_of_service: false };
        for deleted in 0..20 {
            let at = removed_at(0, RUNNING, |now| (now < seconds(deleted)).then_some(there));
            assert!((deleted + 40..=deleted + 80).contains(&at), "{deleted}: {at}");
        }
    }

    #[test]
    fn terminating_pods_of_a_node_out_of_service_go_at_the_next_pass() {
        for tainted in 0..20 {
            let node = |now| Some(GcNode { ready: false, out_of_service: now >= seconds(tainted) });
            let at = removed_at(0, DELETING, node);
            assert!((tainted..=tainted + 20).contains(&at), "{tainted}: {at}");
        }
    }

    #[test]
    fn causes() {
        let params = PodGcParams::default();
        let now = seconds(100);
        let node = |ready, out_of_service| Some(GcNode { ready, out_of_service });
        for (pod, host, expected) in [
            (RUNNING, node(false, true), None),
            (DELETING, node(true, true), None),
            (DELETING, node(false, false), None),
            (DELETING, node(false, true), Some(GcCause::OutOfService)),
            (GcPod { node: None, ..DELETING }, None, Some(GcCause::Unscheduled)),
            (GcPod { node: None, ..RUNNING }, None, None),
            (RUNNING, None, Some(GcCause::Orphaned)),
        ] {
            let mut quarantine = Quarantine(BTreeMap::from([(NodeId(1), now)]));
            let garbage = garbage_pods(&params, &mut quarantine, all(&[pod]), |_| host, now);
            assert_eq!(garbage.first().map(|(_, cause)| *cause), expected, "{pod:?} {host:?}");
        }
    }

    #[test]
    fn a_node_that_comes_back_leaves_quarantine_for_nothing() {
        let params = PodGcParams::default();
        let mut quarantine = Quarantine::default();
        let there = Some(GcNode { ready: true, out_of_service: false });
        for (now, host) in [(0, None), (20, there), (40, there), (60, None), (80, None)] {
            let now = seconds(now);
            assert!(
                garbage_pods(&params, &mut quarantine, all(&[RUNNING]), |_| host, now).is_empty()
            );
        }
        assert_eq!(quarantine.next_due(&params, Span::ZERO), Some(seconds(100)));
        let garbage =
            garbage_pods(&params, &mut quarantine, all(&[RUNNING]), |_| None, seconds(100));
        assert_eq!(garbage, [(0, GcCause::Orphaned)]);
        assert_eq!(quarantine.next_due(&params, Span::ZERO), None);
    }

    #[test]
    fn evicted_pods_go_first_then_the_oldest() {
        let finished = GcPod { finished: true, ..RUNNING };
        let mut pods: Vec<GcPod> =
            (0..12_510).map(|at| GcPod { created: seconds(20_000 - at), ..finished }).collect();
        for at in [3, 7, 9] {
            pods[at].evicted = true;
        }
        let params = PodGcParams::default();
        let there = |_| Some(GcNode { ready: true, out_of_service: false });
        let garbage =
            garbage_pods(&params, &mut Quarantine::default(), all(&pods), there, seconds(30_000));
        let places: Vec<usize> = garbage.iter().map(|(at, _)| *at).collect();
        assert_eq!(places, [9, 7, 3, 12_509, 12_508, 12_507, 12_506, 12_505, 12_504, 12_503]);
        let keep = PodGcParams { terminated_threshold: 0, ..params };
        assert!(
            garbage_pods(&keep, &mut Quarantine::default(), all(&pods), there, seconds(1))
                .is_empty()
        );
    }
}
