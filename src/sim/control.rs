//! The controller manager: one view, and the loops that replace lost pods and evict pods from
//! tainted nodes.

use super::Event;
use super::feed::Feed;
use super::host::Host;
use super::world::{NewPod, World, cx};
use crate::ground::{Id, Table, Time};
use crate::journal::{DeletionCause, Fact, Sink};
use crate::model::{
    Catalog, Change, Lifetime, LossPolicy, NodeId, PodId, PodName, PodPhase, PodSpecId, PodUid,
    PodView, TaintsId, View, WorkloadId, WorkloadKind,
};
use crate::policy::Cx;
use crate::policy::kube::control::{EvictionTimer, eviction_timer, missing_replicas};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// What the controller of one service remembers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Replicas {
    /// What its pods are made of; `None` for batch.
    spec: Option<PodSpecId>,
    /// Pods seen that are neither terminating nor ended.
    active: u32,
    /// Pods asked for and not seen yet.
    expected: u32,
    /// Pods created so far: the number of the next one.
    created: u32,
    /// Lost pods that nobody has taken the place of.
    lost: VecDeque<PodUid>,
}

/// A batch pod that was lost and is to be created again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct LostPod {
    uid: PodUid,
    spec: PodSpecId,
    workload: WorkloadId,
    name: PodName,
}

/// When a pod has to leave its tainted node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Timer {
    uid: PodUid,
    eviction: EvictionTimer,
}

/// What is to be done about something observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Duty {
    /// See whether a service lacks pods.
    Sync(WorkloadId),
    /// Replace a batch pod.
    Replace(PodId, LostPod),
    /// A pod may stay on its node only until then.
    Evict(PodId, PodUid, Time),
}

/// The controller manager process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Control {
    pub(super) feed: Feed,
    pub(super) memory: Memory,
}

/// What the controllers remember.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Memory {
    replicas: Table<WorkloadId, Replicas>,
    timers: Table<PodId, Option<Timer>>,
    duties: VecDeque<Duty>,
    /// Replacements asked for, in order.
    replacing: VecDeque<(LostPod, Lifetime)>,
    /// Lifetimes of lost pods that left the store before their owner saw to them.
    lifetimes: BTreeMap<PodUid, Lifetime>,
}

impl Control {
    pub(super) fn new(
        catalog: &Catalog,
        services: &[(WorkloadId, PodSpecId)],
        feed: Feed,
    ) -> Control {
        let mut memory = Memory {
            replicas: Table::new(),
            timers: Table::new(),
            duties: VecDeque::new(),
            replacing: VecDeque::new(),
            lifetimes: BTreeMap::new(),
        };
        for _ in catalog.workloads.ids() {
            memory.replicas.push(Replicas::default());
        }
        for (workload, spec) in services {
            memory.replicas[*workload].spec = Some(*spec);
            memory.duties.push_back(Duty::Sync(*workload));
        }
        Control { feed, memory }
    }
}

impl Memory {
    /// True if a change, about to be made to `truth`, may give a controller something to do.
    /// Others are taken in later, in order.
    pub(super) fn cares_about(&self, change: &Change, truth: &View) -> bool {
        match *change {
            Change::NodeUpdated { .. } | Change::PodDeleting { .. } => true,
            Change::PodAdded { workload, .. } => self.replicas[workload].expected > 0,
            Change::PodBound { node, .. } => truth.node(node).status.taints != Catalog::NO_TAINTS,
            Change::PodPhase { phase, .. } => phase == PodPhase::Failed,
            Change::NodeAdded { .. }
            | Change::NodeRemoved { .. }
            | Change::PodRemoved { .. }
            | Change::PodStarted { .. }
            | Change::PodNominated { .. }
            | Change::PodPreempted { .. }
            | Change::ObjectSet { .. }
            | Change::ObjectRemoved { .. } => false,
        }
    }

    /// Takes note of a change that the view is about to take.
    pub(super) fn observe(&mut self, cx: Cx<'_>, change: &Change) {
        match *change {
            Change::PodAdded { workload, .. } => {
                let row = &mut self.replicas[workload];
                row.active += 1;
                if row.expected > 0 {
                    row.expected -= 1;
                    if row.expected == 0 {
                        self.duties.push_back(Duty::Sync(workload));
                    }
                }
            }
            Change::PodDeleting { pod } => self.pod_leaves(cx, pod, true),
            Change::PodPhase { pod, phase } if phase.is_terminal() => {
                self.pod_leaves(cx, pod, phase == PodPhase::Failed);
            }
            Change::PodRemoved { pod } => {
                self.pod_leaves(cx, pod, true);
                if let Some(timer) = self.timers.get_mut(pod) {
                    *timer = None;
                }
            }
            Change::NodeUpdated { node, status } => {
                if status.taints != cx.view.node(node).status.taints {
                    self.node_taints_change(cx, node, status.taints);
                }
            }
            Change::PodBound { pod, node, .. } => {
                self.pod_meets_taints(cx, pod, cx.view.node(node).status.taints);
            }
            Change::PodPhase { .. }
            | Change::NodeAdded { .. }
            | Change::NodeRemoved { .. }
            | Change::PodStarted { .. }
            | Change::PodNominated { .. }
            | Change::PodPreempted { .. }
            | Change::ObjectSet { .. }
            | Change::ObjectRemoved { .. } => {}
        }
    }

    /// A pod stops counting for its owner, unless it stopped before.
    fn pod_leaves(&mut self, cx: Cx<'_>, pod: PodId, lost: bool) {
        let Some(view) = cx.view.pod(pod) else { return };
        if view.deleting || view.phase.is_terminal() {
            return;
        }
        let row = &mut self.replicas[view.workload];
        row.active -= 1;
        let workload = &cx.catalog.workloads[view.workload];
        if !lost || workload.on_loss == LossPolicy::Forget {
            return;
        }
        match workload.kind {
            WorkloadKind::Service { .. } => {
                row.lost.push_back(view.uid);
                self.duties.push_back(Duty::Sync(view.workload));
            }
            WorkloadKind::Batch => {
                let PodView { uid, spec, workload, name, .. } = *view;
                let lost = LostPod { uid, spec, workload, name };
                self.duties.push_back(Duty::Replace(pod, lost));
            }
        }
    }

    fn node_taints_change(&mut self, cx: Cx<'_>, node: NodeId, taints: TaintsId) {
        let mut pods = cx.view.holds(node).pods.clone();
        pods.sort_unstable_by_key(|pod| cx.view.pod(*pod).map(|view| view.uid));
        for pod in pods {
            self.pod_meets_taints(cx, pod, taints);
        }
    }

    /// Sets, keeps or cancels the timer of a pod on a node with these taints.
    fn pod_meets_taints(&mut self, cx: Cx<'_>, pod: PodId, taints: TaintsId) {
        let Some(&PodView { uid, spec, .. }) = cx.view.pod(pod) else { return };
        while self.timers.len() <= pod.index() {
            self.timers.push(None);
        }
        let running = self.timers[pod].filter(|timer| timer.uid == uid).map(|timer| timer.eviction);
        let tolerations = &cx.catalog.pod_spec(spec).tolerations;
        let next = eviction_timer(running, cx.catalog.taints(taints), tolerations, cx.now);
        self.timers[pod] = next.map(|eviction| Timer { uid, eviction });
        if let Some(timer) = next.filter(|_| next != running) {
            self.duties.push_back(Duty::Evict(pod, uid, timer.at));
        }
    }
}

impl World {
    /// Wakes the controllers at `at` unless they are woken earlier anyway.
    pub(super) fn wake_controllers<S: Sink>(&mut self, host: &mut Host<'_, S>, at: Time) {
        if self.control.feed.wake_at(at) {
            host.turn(at, Event::ControllersWake);
        }
    }

    pub(super) fn controllers_wake<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        if !self.control.feed.woken(host.now) {
            return;
        }
        while let Some(commit) = self.control.feed.ripe(&self.store, host.now) {
            let Control { feed, memory } = &mut self.control;
            let cx = cx(&self.catalog, feed.view(&self.store), host.now, self.draws);
            memory.observe(cx, &commit.change);
            feed.take(&commit, &self.catalog);
        }
        self.trim_log();
        while let Some(duty) = self.control.memory.duties.pop_front() {
            match duty {
                Duty::Sync(workload) => self.sync(host, workload),
                Duty::Replace(pod, lost) => self.replace(host, pod, lost),
                Duty::Evict(pod, uid, at) => host.turn(at, Event::StayEnds { pod, uid }),
            }
        }
        if let Some(at) = self.control.feed.next_wanted(&self.store) {
            self.wake_controllers(host, at);
        }
    }

    /// One sync of a service: creates the pods that it lacks.
    fn sync<S: Sink>(&mut self, host: &mut Host<'_, S>, workload: WorkloadId) {
        let WorkloadKind::Service { replicas, .. } = self.catalog.workloads[workload].kind else {
            return;
        };
        let row = &mut self.control.memory.replicas[workload];
        let missing = missing_replicas(replicas, row.active, row.expected);
        row.expected += missing;
        for _ in 0..missing {
            host.store(self.timing.request, Event::ReplicaArrives { workload });
        }
    }

    pub(super) fn replica_arrives<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
    ) {
        let stem = format!("{}-", self.catalog.names.text(self.catalog.workloads[workload].name));
        let stem = self.catalog.names.intern(&stem);
        let row = &mut self.control.memory.replicas[workload];
        let name = PodName::numbered(stem, row.created);
        row.created += 1;
        let spec = row.spec.expect("only services create replicas");
        let replaces = row.lost.pop_front();
        let lifetime = Lifetime::Forever;
        self.create_pod(host, NewPod { spec, workload, name, lifetime, replaces });
    }

    /// Asks for the replacement of a batch pod.
    fn replace<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, lost: LostPod) {
        let lifetime = match self.fleet.program_if(pod, lost.uid) {
            Some(program) => {
                program.replaced = true;
                program.lifetime
            }
            None => {
                let lifetime = self.control.memory.lifetimes.remove(&lost.uid);
                lifetime.expect("kept when the pod was removed")
            }
        };
        self.control.memory.replacing.push_back((lost, lifetime));
        host.store(self.timing.request, Event::ReplacementArrives);
    }

    /// Keeps the lifetime of a pod that is about to be removed and whose owner still has to see
    /// to its replacement.
    pub(super) fn remember_lifetime(&mut self, pod: PodId) {
        let view = self.store.truth.pod(pod).expect("only what is there is removed");
        let workload = &self.catalog.workloads[view.workload];
        let program = self.fleet.program(pod).expect("a pod in the store has a program");
        let owed = workload.on_loss == LossPolicy::Replace
            && workload.kind == WorkloadKind::Batch
            && view.phase != PodPhase::Succeeded
            && !program.replaced;
        if owed {
            self.control.memory.lifetimes.insert(program.uid, program.lifetime);
        }
    }

    pub(super) fn replacement_arrives<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let next = self.control.memory.replacing.pop_front();
        let (LostPod { uid, spec, workload, name }, lifetime) = next.expect("one for each event");
        let stem = format!("{}-r", name.text(&self.catalog.names));
        let name = PodName::numbered(self.catalog.names.intern(&stem), 1);
        self.create_pod(host, NewPod { spec, workload, name, lifetime, replaces: Some(uid) });
    }

    /// The time that a pod may stay on its tainted node is over.
    pub(super) fn stay_ends<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, uid: PodUid) {
        let timer = self.control.memory.timers.get(pod).copied().flatten();
        if timer.is_none_or(|timer| timer.uid != uid || timer.eviction.at != host.now) {
            return;
        }
        self.control.memory.timers[pod] = None;
        let cause = DeletionCause::TaintEviction;
        host.store(self.timing.request, Event::DeletionArrives { pod, uid, cause });
    }

    pub(super) fn deletion_arrives<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        cause: DeletionCause,
    ) {
        if self.store.truth.pod_if(pod, uid).is_none_or(|view| view.deleting) {
            return;
        }
        host.fact(Fact::Deleting { pod: uid, cause });
        self.commit(host, Change::PodDeleting { pod });
        self.kubelet_sees_deletion(host, pod);
    }
}
