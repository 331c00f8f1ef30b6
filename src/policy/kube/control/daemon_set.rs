//! The pods of a DaemonSet: one on each node that suits, and what is counted.
//!
//! How old pods are replaced is `daemon_rollout.rs`, which nodes suit `daemon_node.rs`.
//!
//! Source: `podsShouldBeOnNode`, `manage` and `updateDaemonSetStatus` of
//! `pkg/controller/daemon/daemon_controller.go`, Kubernetes 1.34.

use super::is_available;
use crate::ground::{Span, Time};
use crate::policy::kube::kubelet::{Backoff, BackoffParams};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Most pods that one sync creates, and most that it deletes (`BurstReplicas`).
const BURST: usize = 250;

/// The back-off of a node on which pods of the set fail (`failedPodsBackoff`).
pub const FAILED_DAEMON_BACKOFF: BackoffParams =
    BackoffParams { base: Span::from_secs(1), cap: Span::from_secs(15 * 60) };

/// Does the set want a pod on a node?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DaemonFit {
    /// Yes.
    Runs,
    /// None is created, but one that is there stays: only a NoSchedule taint keeps pods away.
    Stays,
    /// No.
    Leaves,
    /// There is no such node any more.
    Gone,
}

/// How far a pod of a DaemonSet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DaemonPhase {
    /// Pending or Running; ready since then (whole seconds), `None` if it is not.
    Live(Option<Time>),
    /// Succeeded.
    Succeeded,
    /// Failed.
    Failed,
}

/// A pod of a DaemonSet, as its controller knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaemonPod<'a> {
    /// Name.
    pub name: &'a str,
    /// It has the present template.
    pub updated: bool,
    /// It is bound to its node.
    pub bound: bool,
    /// When it was created, in whole seconds.
    pub created: Time,
    /// How far it is.
    pub phase: DaemonPhase,
    /// It is asked to stop.
    pub terminating: bool,
}

impl DaemonPod<'_> {
    fn ready_since(&self) -> Option<Time> {
        match self.phase {
            DaemonPhase::Live(since) => since,
            DaemonPhase::Succeeded | DaemonPhase::Failed => None,
        }
    }

    /// It has been ready for long enough.
    pub(super) fn is_available(&self, min_ready: Span, now: Time) -> bool {
        is_available(self.ready_since(), min_ready, now)
    }

    /// Its node is free for another: it has ended, and only its object is still to go.
    fn is_left(&self) -> bool {
        self.terminating && !matches!(self.phase, DaemonPhase::Live(_))
    }

    /// Bound pods first, then older ones.
    fn seniority(&self) -> (Reverse<bool>, Time, &str) {
        (Reverse(self.bound), self.created, self.name)
    }
}

/// A node with the pods of the set that are on it, or that wait to be bound to it.
#[derive(Debug, Clone, Copy)]
pub struct DaemonNode<'a> {
    /// Does it suit?
    pub fit: DaemonFit,
    /// Pods.
    pub pods: &'a [DaemonPod<'a>],
    /// The back-off after pods failed on it, if any did.
    pub backoff: Option<Backoff>,
}

impl<'a> DaemonNode<'a> {
    /// Pods that take the node's place, with their places in the list.
    pub(super) fn present(&self) -> impl Iterator<Item = (usize, &'a DaemonPod<'a>)> + use<'a> {
        self.pods.iter().enumerate().filter(|(_, pod)| !pod.is_left())
    }
}

/// What a sync looks at.
#[derive(Debug, Clone, Copy)]
pub struct DaemonSetView<'a> {
    /// How long a pod is ready before it is available, whole seconds.
    pub min_ready: Span,
    /// More than one pod may be on a node during an update.
    pub surges: bool,
    /// Nodes in ascending order of name, those that are gone and still have pods included.
    pub nodes: &'a [DaemonNode<'a>],
}

/// A pod of a [`DaemonSetView`]: place of its node, and its own place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DaemonPodPlace {
    /// Place of the node.
    pub node: usize,
    /// Place in the node's list.
    pub pod: usize,
}

/// Writes of a sync: creations, in batches that double ([`super::SlowStart`]), then deletions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DaemonWrites {
    /// Nodes for which a pod is created.
    pub create: Vec<usize>,
    /// Pods that are deleted.
    pub delete: Vec<DaemonPodPlace>,
}

impl DaemonWrites {
    /// Leaves what is above the burst to a later sync.
    pub(super) fn within_burst(mut self) -> DaemonWrites {
        self.create.truncate(BURST);
        self.delete.truncate(BURST);
        self
    }

    /// True if nothing is written.
    pub fn is_empty(&self) -> bool {
        self.create.is_empty() && self.delete.is_empty()
    }
}

/// What the first part of a sync does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DaemonCare {
    /// Writes. While the controller has not seen all that it wrote, a sync writes only status.
    pub writes: DaemonWrites,
    /// Back-offs that start or grow now, by node.
    pub backoffs: Vec<(usize, Backoff)>,
    /// When a failed pod is looked at again that its node's back-off keeps.
    pub next_look: Option<Time>,
}

/// The first part of a sync: a pod for each node that suits and has none, and pods that ended, are
/// too many or do not belong there deleted.
pub fn care_for_daemons(view: &DaemonSetView<'_>, now: Time) -> DaemonCare {
    let mut care = DaemonCare::default();
    for (place, node) in view.nodes.iter().enumerate() {
        match node.fit {
            DaemonFit::Runs if node.present().next().is_none() => care.writes.create.push(place),
            DaemonFit::Runs | DaemonFit::Stays => care.tend(view, place, now),
            DaemonFit::Leaves => care.clear(place, node, |_| true),
            DaemonFit::Gone => care.clear(place, node, |pod| !pod.bound),
        }
    }
    care.writes = care.writes.within_burst();
    care
}

impl DaemonCare {
    fn clear(&mut self, place: usize, node: &DaemonNode<'_>, goes: fn(&DaemonPod<'_>) -> bool) {
        let going = node.present().filter(|(_, pod)| !pod.terminating && goes(pod));
        self.writes.delete.extend(going.map(|(pod, _)| DaemonPodPlace { node: place, pod }));
    }

    /// Of a node that suits: failed pods go if its back-off lets them, and all live ones but the
    /// ones that an update needs.
    fn tend(&mut self, view: &DaemonSetView<'_>, place: usize, now: Time) {
        let node = &view.nodes[place];
        let mut backoff = node.backoff;
        let mut live: Vec<(usize, &DaemonPod<'_>)> = Vec::new();
        for (pod, found) in node.present().filter(|(_, pod)| !pod.terminating) {
            match found.phase {
                DaemonPhase::Live(_) => live.push((pod, found)),
                DaemonPhase::Succeeded => {
                    self.writes.delete.push(DaemonPodPlace { node: place, pod });
                }
                DaemonPhase::Failed => match kept_until(backoff, now) {
                    Some(at) => self.next_look = Some(self.next_look.map_or(at, |n| n.min(at))),
                    None => {
                        let next = FAILED_DAEMON_BACKOFF.advance(backoff, now, now);
                        backoff = Some(next);
                        self.backoffs.push((place, next));
                        self.writes.delete.push(DaemonPodPlace { node: place, pod });
                    }
                },
            }
        }
        live.sort_by(|(_, one), (_, other)| one.seniority().cmp(&other.seniority()));
        let surplus = if view.surges { surge_surplus(view, &live, now) } else { rest(&live) };
        self.writes
            .delete
            .extend(surplus.into_iter().map(|pod| DaemonPodPlace { node: place, pod }));
    }
}

/// Until when the back-off of a node keeps a failed pod, `None` if it does not.
fn kept_until(backoff: Option<Backoff>, now: Time) -> Option<Time> {
    let backoff = backoff.filter(|backoff| !FAILED_DAEMON_BACKOFF.is_expired(backoff, now))?;
    Some(backoff.advanced + backoff.delay).filter(|until| *until > now)
}

/// All but the oldest.
fn rest(live: &[(usize, &DaemonPod<'_>)]) -> Vec<usize> {
    live.iter().skip(1).map(|(pod, _)| *pod).collect()
}

/// All but the oldest of the present template and the oldest other one; and that one too, once it
/// is not ready or the new one is available.
fn surge_surplus(
    view: &DaemonSetView<'_>,
    live: &[(usize, &DaemonPod<'_>)],
    now: Time,
) -> Vec<usize> {
    let oldest = |updated| live.iter().find(|(_, pod)| pod.updated == updated);
    let kept = [oldest(true), oldest(false)];
    let mut surplus: Vec<usize> =
        (live.iter()).filter(|found| !kept.contains(&Some(found))).map(|(pod, _)| *pod).collect();
    if let [Some((_, new)), Some((place, old))] = kept
        && (old.ready_since().is_none() || new.is_available(view.min_ready, now))
    {
        surplus.push(*place);
    }
    surplus
}

/// What a DaemonSet, as its controller counts, has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DaemonSetStatus {
    /// Nodes that suit.
    pub desired: u32,
    /// Of these, those with a pod.
    pub current: u32,
    /// Those whose oldest pod is of the present template.
    pub updated: u32,
    /// Those whose oldest pod is ready.
    pub ready: u32,
    /// Those whose oldest pod is available.
    pub available: u32,
    /// Nodes that do not suit and have a pod.
    pub misscheduled: u32,
}

impl DaemonSetStatus {
    /// Nodes that suit and have no available pod.
    pub fn unavailable(&self) -> u32 {
        self.desired - self.available
    }
}

/// Counts.
pub fn daemon_set_census(view: &DaemonSetView<'_>, now: Time) -> DaemonSetStatus {
    let mut status = DaemonSetStatus::default();
    for node in view.nodes.iter().filter(|node| node.fit != DaemonFit::Gone) {
        let oldest = node.present().map(|(_, pod)| pod).min_by_key(|pod| pod.seniority());
        if node.fit != DaemonFit::Runs {
            status.misscheduled += u32::from(oldest.is_some());
            continue;
        }
        status.desired += 1;
        let Some(pod) = oldest else { continue };
        status.current += 1;
        status.updated += u32::from(pod.updated);
        status.ready += u32::from(pod.ready_since().is_some());
        status.available += u32::from(pod.is_available(view.min_ready, now));
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1_000);

    fn pod(name: &'static str, created: u64) -> DaemonPod<'static> {
        DaemonPod {
            name,
            updated: true,
            bound: true,
            created: Time::from_secs(created),
            phase: DaemonPhase::Live(Some(Time::from_secs(10))),
            terminating: false,
        }
    }

    fn node<'a>(fit: DaemonFit, pods: &'a [DaemonPod<'a>]) -> DaemonNode<'a> {
        DaemonNode { fit, pods, backoff: None }
    }

    fn view<'a>(surges: bool, nodes: &'a [DaemonNode<'a>]) -> DaemonSetView<'a> {
        DaemonSetView { min_ready: Span::ZERO, surges, nodes }
    }

    fn place(node: usize, pod: usize) -> DaemonPodPlace {
        DaemonPodPlace { node, pod }
    }

    #[test]
    fn one_pod_on_each_node_that_suits() {
        let ended = DaemonPod { phase: DaemonPhase::Succeeded, terminating: true, ..pod("e", 1) };
        let going = DaemonPod { terminating: true, ..pod("g", 1) };
        let done = DaemonPod { phase: DaemonPhase::Succeeded, ..pod("d", 1) };
        let waiting = DaemonPod { bound: false, ..pod("w", 1) };
        let (one, other) = ([ended], [going]);
        let (two, four) = ([pod("b", 5), pod("a", 5)], [pod("y", 9), waiting, pod("o", 2), done]);
        let nodes = [
            node(DaemonFit::Runs, &[]),
            node(DaemonFit::Runs, &one),
            node(DaemonFit::Runs, &other),
            node(DaemonFit::Runs, &two),
            node(DaemonFit::Stays, &four),
            node(DaemonFit::Stays, &[]),
            node(DaemonFit::Leaves, &two),
            node(DaemonFit::Gone, &four),
        ];
        let care = care_for_daemons(&view(false, &nodes), NOW);
        assert_eq!(care.writes.create, [0, 1]);
        let deleted: Vec<_> = care.writes.delete.iter().map(|at| (at.node, at.pod)).collect();
        let kept_oldest = [(3, 0), (4, 3), (4, 0), (4, 1)];
        assert_eq!(deleted, [&kept_oldest[..], &[(6, 0), (6, 1), (7, 1)]].concat());
        let status = daemon_set_census(&view(false, &nodes), NOW);
        let expected = DaemonSetStatus {
            desired: 4,
            current: 2,
            updated: 2,
            ready: 2,
            available: 2,
            misscheduled: 2,
        };
        assert_eq!((status, status.unavailable()), (expected, 2));
    }

    #[test]
    fn failed_pods_are_replaced_ever_more_slowly() {
        let failed = [DaemonPod { phase: DaemonPhase::Failed, ..pod("f", 1) }];
        let mut backoff = None;
        let mut now = NOW;
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            let nodes = [DaemonNode { fit: DaemonFit::Runs, pods: &failed, backoff }];
            let care = care_for_daemons(&view(false, &nodes), now);
            assert_eq!(care.writes.delete, [place(0, 0)], "{seconds}");
            backoff = Some(care.backoffs[0].1);
            assert_eq!(backoff.unwrap().delay, Span::from_secs(seconds));
            let nodes = [DaemonNode { fit: DaemonFit::Runs, pods: &failed, backoff }];
            let kept = care_for_daemons(&view(false, &nodes), now);
            assert!(kept.writes.is_empty());
            now = kept.next_look.unwrap();
        }
        now += Span::from_secs(1_801);
        let nodes = [DaemonNode { fit: DaemonFit::Runs, pods: &failed, backoff }];
        let care = care_for_daemons(&view(false, &nodes), now);
        assert_eq!(care.backoffs[0].1.delay, Span::from_secs(1), "it was forgotten");
    }

    #[test]
    fn a_surge_has_two_pods_until_the_new_one_is_available() {
        let old = DaemonPod { updated: false, ..pod("old", 1) };
        let fresh = DaemonPod { phase: DaemonPhase::Live(None), ..pod("new", 2) };
        let ill = DaemonPod { phase: DaemonPhase::Live(None), ..old };
        for (pods, deleted) in [
            ([old, fresh], None),
            ([ill, fresh], Some(0)),
            ([old, pod("new", 2)], Some(0)),
            ([old, DaemonPod { updated: false, ..pod("more", 2) }], Some(1)),
        ] {
            let nodes = [node(DaemonFit::Runs, &pods)];
            let care = care_for_daemons(&view(true, &nodes), NOW);
            let expected: Vec<_> = deleted.map(|pod| place(0, pod)).into_iter().collect();
            assert_eq!(care.writes.delete, expected, "{pods:?}");
        }
    }

    #[test]
    fn a_sync_writes_no_more_than_the_burst() {
        let nodes = [node(DaemonFit::Runs, &[]); 300];
        assert_eq!(care_for_daemons(&view(false, &nodes), NOW).writes.create.len(), 250);
    }
}
