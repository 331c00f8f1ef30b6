//! The collector of pods: finished ones beyond the threshold, and those of nodes that are gone or
//! out of service. Only passes that can find something take place.

use super::{Client, Memory};
use crate::ground::{Key, Purpose, Span, Time};
use crate::journal::{DeletionCause, Fact, Sink};
use crate::model::{
    Catalog, Change, Condition, FailedReason, FinishedPods, NodeId, NodeStatus, PodId, PodPhase,
    PodUid, PodView,
};
use crate::policy::Cx;
use crate::policy::kube::control::{
    GcCause, GcNode, GcPod, GcPods, NodeMark, PodGcParams, Quarantine, garbage_pods,
};
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const PASS_PHASE: Purpose = Purpose::new("pod-gc-phase");

/// Requests for a pod that has not finished: its status is patched, then it is deleted.
const REQUESTS_UNFINISHED: u32 = 2;

/// A finished pod that stays in the store, in the order in which they go: evicted ones first, then
/// the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Finished {
    other_than_evicted: bool,
    created: Time,
    uid: PodUid,
    pod: PodId,
}

/// The collector.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Garbage {
    pub(super) client: Client,
    finished: BTreeSet<Finished>,
    quarantine: Quarantine,
    /// Nodes that are gone and may have left pods behind.
    gone: BTreeSet<NodeId>,
    /// Nodes with the taint of that name.
    out_of_service: BTreeSet<NodeId>,
    /// The next pass may find something.
    wanted: bool,
    /// When the next pass is, if it is one that may find something.
    pass: Option<Time>,
    /// Until when the last pass sends its requests.
    busy_until: Time,
    /// Pods that kubelets evicted and that are still there.
    evicted: BTreeSet<PodUid>,
}

impl Garbage {
    fn key(&self, pod: PodId, view: &PodView) -> Finished {
        Finished {
            other_than_evicted: !self.evicted.contains(&view.uid),
            created: view.created.truncate_to_second(),
            uid: view.uid,
            pod,
        }
    }

    /// True if one more finished pod may be one too many.
    pub(super) fn is_nearly_full(&self, params: &PodGcParams, unread: u64) -> bool {
        let unread = usize::try_from(unread).unwrap_or(usize::MAX);
        params.excess(self.finished.len().saturating_add(unread).saturating_add(1)) > 0
    }

    fn pod_finishes(&mut self, cx: Cx<'_>, params: &PodGcParams, pod: PodId) {
        let Some(view) = cx.view.pod(pod) else { return };
        if cx.catalog.workloads[view.workload].finished == FinishedPods::Keep {
            self.finished.insert(self.key(pod, view));
            self.wanted |= params.excess(self.finished.len()) > 0;
        }
    }

    fn pod_goes(&mut self, cx: Cx<'_>, pod: PodId) {
        let Some(view) = cx.view.pod(pod) else { return };
        if view.phase.is_terminal() {
            self.finished.remove(&self.key(pod, view));
        }
        self.evicted.remove(&view.uid);
    }

    fn node_changes(&mut self, cx: Cx<'_>, node: NodeId, status: &NodeStatus) {
        if is_out_of_service(cx.catalog, status) {
            self.out_of_service.insert(node);
            self.wanted |= status.ready != Condition::True;
        } else {
            self.out_of_service.remove(&node);
        }
    }
}

pub(super) fn is_out_of_service(catalog: &Catalog, status: &NodeStatus) -> bool {
    catalog
        .names
        .find(NodeMark::OutOfService.key())
        .is_some_and(|key| catalog.taints(status.taints).iter().any(|taint| taint.key == key))
}

impl Memory {
    /// Takes note of what concerns the collector in a change that the view is about to take.
    pub(super) fn collector_observes(&mut self, cx: Cx<'_>, change: &Change) {
        let Memory { garbage, gc_params: params, .. } = self;
        match *change {
            Change::PodPhase { pod, phase } if phase.is_terminal() => {
                garbage.pod_finishes(cx, params, pod);
            }
            Change::PodRemoved { pod } => garbage.pod_goes(cx, pod),
            Change::PodDeleting { pod } if !garbage.out_of_service.is_empty() => {
                let node = cx.view.pod(pod).and_then(|view| view.node);
                garbage.wanted |= node.is_some_and(|node| garbage.out_of_service.contains(&node));
            }
            Change::NodeUpdated { node, ref status } => garbage.node_changes(cx, node, status),
            Change::NodeRemoved { node } => {
                garbage.out_of_service.remove(&node);
                garbage.gone.insert(node);
                garbage.wanted = true;
            }
            _ => {}
        }
    }
}

impl World {
    /// Notes that a kubelet evicts a pod, which may stay in the store as Failed: such pods are
    /// collected first. To be called before its phase is written.
    pub(in crate::sim) fn note_eviction(&mut self, uid: PodUid) {
        self.control.memory.garbage.evicted.insert(uid);
    }

    /// Sees to the next pass of the collector, if it may find something.
    pub(super) fn plan_garbage_pass<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let params = self.timing.pod_gc;
        let garbage = &self.control.memory.garbage;
        if !garbage.wanted && garbage.quarantine.next_due(&params, Span::ZERO).is_none() {
            return;
        }
        let phase = self.collector_phase();
        let garbage = &mut self.control.memory.garbage;
        let due = garbage.quarantine.next_due(&params, phase);
        let wanted = garbage.wanted.then(|| params.next_pass(host.now, phase));
        let free = params.next_pass(garbage.busy_until, phase);
        let Some(at) = due.into_iter().chain(wanted).min().map(|at| at.max(free)) else { return };
        if garbage.pass.is_none_or(|pass| at < pass) {
            garbage.pass = Some(at);
            host.turn(at, Event::GarbagePass);
        }
    }

    fn collector_phase(&self) -> Span {
        self.draw_phase(PASS_PHASE, Key::of("pod-gc"), self.timing.pod_gc.period)
    }

    /// One pass of the collector.
    pub(in crate::sim) fn garbage_pass<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let garbage = &mut self.control.memory.garbage;
        if garbage.pass != Some(host.now) {
            return;
        }
        garbage.pass = None;
        garbage.wanted = false;
        let rows = self.garbage_candidates();
        let view = self.control.feed.view(&self.store);
        let seen = |row: &PodId| {
            let pod = view.pod(*row).expect("candidates are there");
            GcPod {
                node: pod.node,
                finished: pod.phase.is_terminal(),
                evicted: self.control.memory.garbage.evicted.contains(&pod.uid),
                deleting: pod.deleting,
                created: pod.created,
            }
        };
        let candidates: Vec<GcPod> = rows.iter().map(seen).collect();
        let uids: Vec<PodUid> =
            rows.iter().map(|row| view.pod(*row).expect("as before").uid).collect();
        let node = |node: NodeId| {
            let row = view.node(node);
            row.present.then(|| GcNode {
                ready: row.status.ready == Condition::True,
                out_of_service: is_out_of_service(&self.catalog, &row.status),
            })
        };
        let garbage = &mut self.control.memory.garbage;
        let pods = GcPods { finished: garbage.finished.len(), candidates: &candidates };
        let params = &self.timing.pod_gc;
        let found = garbage_pods(params, &mut garbage.quarantine, pods, node, host.now);
        for (at, cause) in found {
            let requests = if candidates[at].finished { 1 } else { REQUESTS_UNFINISHED };
            let sent = garbage.client.send(host.now, requests);
            garbage.busy_until = sent;
            let arrives = sent + self.timing.request;
            let (pod, uid) = (rows[at], uids[at]);
            host.store_at(arrives, Event::GarbageGoes { pod, uid, cause });
        }
        self.plan_garbage_pass(host);
    }

    /// The pods among which garbage may be: finished ones that go first, and those of nodes that
    /// are gone or out of service. In order of age.
    fn garbage_candidates(&mut self) -> Vec<PodId> {
        let view = self.control.feed.view(&self.store);
        let garbage = &mut self.control.memory.garbage;
        let excess = self.timing.pod_gc.excess(garbage.finished.len());
        let mut rows: BTreeSet<(PodUid, PodId)> =
            garbage.finished.iter().take(excess).map(|pod| (pod.uid, pod.pod)).collect();
        if !garbage.gone.is_empty() {
            let on = |pod: &Finished| view.pod(pod.pod).and_then(|pod| pod.node);
            let left_behind: Vec<(NodeId, PodUid, PodId)> = garbage
                .finished
                .iter()
                .filter_map(|pod| Some((on(pod)?, pod.uid, pod.pod)))
                .filter(|(node, ..)| garbage.gone.contains(node))
                .collect();
            garbage.gone.retain(|node| {
                !view.holds(*node).pods.is_empty()
                    || left_behind.iter().any(|(host, ..)| host == node)
            });
            rows.extend(left_behind.iter().map(|(_, uid, pod)| (*uid, *pod)));
        }
        for node in garbage.gone.union(&garbage.out_of_service) {
            let held = view.holds(*node).pods.iter();
            rows.extend(held.filter_map(|pod| Some((view.pod(*pod)?.uid, *pod))));
        }
        rows.into_iter().map(|(_, pod)| pod).collect()
    }

    /// The collector removes a pod from the store.
    pub(in crate::sim) fn garbage_goes<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        cause: GcCause,
    ) {
        let Some(view) = self.store.truth.pod_if(pod, uid).copied() else { return };
        if !view.deleting && !view.phase.is_terminal() {
            debug_assert_eq!(cause, GcCause::Orphaned, "others are terminating or have finished");
            host.fact(Fact::Deleting { pod: uid, cause: DeletionCause::NodeLost });
            self.commit(host, Change::PodDeleting { pod });
        }
        if !view.phase.is_terminal() && view.node.is_some() {
            host.fact(Fact::Failed { pod: uid, reason: FailedReason::NodeGone });
            self.commit(host, Change::PodPhase { pod, phase: PodPhase::Failed });
        }
        self.tell_removed(host, pod);
        self.remove_pod(host, pod);
    }
}
