//! The controller manager: one view, and the controllers that replace lost pods, look after nodes,
//! evict pods from tainted nodes and collect what nobody needs. Each has a client of its own.

mod batch;
mod client;
mod deployments;
mod disruptions;
mod endpoint_slices;
mod node_lifecycle;
mod node_taints;
mod pod_gc;
mod recorder;
mod replicas;
mod stateful_sets;
mod taint_eviction;
mod tasks;
mod volumes;
mod work_queue;

use super::Event;
use super::event::TaintWrite;
use super::feed::Feed;
use super::host::Host;
use super::params::Timing;
use super::services::Services;
use super::world::{World, cx};
use crate::ground::Time;
use crate::journal::{Fact, Sink};
use crate::model::{
    Catalog, Change, FinishedPods, LossPolicy, NodeId, ObjectKey, OperatorAction, PodId, PodPhase,
    PodUid, ReleaseDecision, ReplicaSetId, ServiceId, WorkloadId, WorkloadKind,
};
use crate::policy::Cx;
use crate::policy::kube::control::{PodGcParams, RollbackPolicy};
use batch::{Batch, LostPod};
use client::Client;
use deployments::Deployments;
pub(super) use deployments::{owned_sets, set_names};
use disruptions::Disruptions;
use endpoint_slices::SliceLoop;
use node_lifecycle::NodeLifecycle;
use pod_gc::Garbage;
use replicas::ReplicaSets;
use serde::{Deserialize, Serialize};
use stateful_sets::StatefulSetLoop;
pub(super) use stateful_sets::revisions_of;
use std::collections::VecDeque;
use taint_eviction::Evictions;
use tasks::{TaskDuty, TaskMemory};
use volumes::{VolumeDuty, VolumeMemory};

/// What is to be done about something observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Duty {
    /// See whether a ReplicaSet has the pods that it wants.
    Sync(ReplicaSetId),
    /// See whether a Deployment is what it is to be.
    SyncDeployment(WorkloadId),
    /// See whether a StatefulSet is what it is to be.
    SyncStatefulSet(WorkloadId),
    /// Count what a disruption budget allows.
    CountBudget(ObjectKey),
    /// See whether the slices of a service list its pods.
    SyncService(ServiceId),
    /// Replace a batch pod.
    Replace(PodId, LostPod),
    /// A pipeline undoes a rollout.
    Undo(WorkloadId),
    /// A pod may stay on its node only until then.
    Evict(PodId, PodUid, Time),
    /// Something about a Job or an object without an owner.
    Task(TaskDuty),
    /// Something about claims or volumes.
    Volume(VolumeDuty),
    /// The NoSchedule taints of a node do not follow from its conditions.
    Mark(NodeId),
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
    deployments: Deployments,
    replicas: ReplicaSets,
    stateful_sets: StatefulSetLoop,
    batch: Batch,
    disruptions: Disruptions,
    slices: SliceLoop,
    evictions: Evictions,
    tasks: TaskMemory,
    volumes: VolumeMemory,
    nodes: NodeLifecycle,
    garbage: Garbage,
    gc_params: PodGcParams,
    duties: VecDeque<Duty>,
}

impl Control {
    pub(super) fn new(
        feed: Feed,
        timing: &Timing,
        rollbacks: &[(WorkloadId, RollbackPolicy)],
    ) -> Control {
        let memory = Memory {
            deployments: Deployments::new(rollbacks),
            replicas: ReplicaSets::new(),
            stateful_sets: StatefulSetLoop::new(),
            batch: Batch::default(),
            disruptions: Disruptions::new(),
            slices: SliceLoop::new(),
            evictions: Evictions::new(),
            tasks: TaskMemory::new(),
            volumes: VolumeMemory::new(timing),
            nodes: NodeLifecycle::new(timing.is_lifecycle()),
            garbage: Garbage::default(),
            gc_params: timing.pod_gc,
            duties: VecDeque::new(),
        };
        let mut control = Control { feed, memory };
        control.set_params(timing);
        control
    }

    /// Takes over parameters that may have changed.
    pub(super) fn set_params(&mut self, timing: &Timing) {
        self.feed.set_delay(timing.watch);
        let memory = &mut self.memory;
        memory.gc_params = timing.pod_gc;
        for client in [
            &mut memory.deployments.client,
            &mut memory.replicas.client,
            &mut memory.stateful_sets.client,
            &mut memory.batch.client,
            &mut memory.disruptions.client,
            &mut memory.slices.client,
            &mut memory.evictions.client,
            &mut memory.nodes.client,
            &mut memory.garbage.client,
        ] {
            client.set_rate(timing.controllers);
        }
        memory.tasks.set_rate(timing);
        memory.volumes.set_rate(timing);
    }

    /// The services that select pods.
    pub(super) fn services(&self) -> &Services {
        &self.memory.slices.services
    }

    /// The same, to be changed.
    pub(super) fn services_mut(&mut self) -> &mut Services {
        &mut self.memory.slices.services
    }

    /// The row of a pod behind a service, as far as the controllers know.
    pub(super) fn pod_of(&self, service: ServiceId, pod: PodUid) -> Option<PodId> {
        self.memory.slices.pod_of(service, pod)
    }

    /// What was there at the start is known, and only what services lack is left to be done.
    pub(super) fn start(&mut self) {
        self.memory.nodes.start();
    }
}

impl Memory {
    /// True if a change, about to be made to `truth`, may give a controller something to do.
    /// `unread` changes have not been observed yet. Others are taken in later, in order.
    pub(super) fn cares_about(&self, cx: Cx<'_>, change: &Change, unread: u64) -> bool {
        if self.tasks.cares_about(cx, change)
            || self.slices.cares_about(cx, change)
            || self.volumes.cares_about(cx, change)
            || !disruptions::touched(cx, change).is_empty()
        {
            return true;
        }
        match *change {
            Change::NodeAdded { .. }
            | Change::NodeUpdated { .. }
            | Change::NodeRemoved { .. }
            | Change::PodDeleting { .. }
            | Change::DeploymentWritten { .. }
            | Change::DeploymentObserved { .. }
            | Change::ReplicaSetAdded { .. }
            | Change::ReplicaSetWritten { .. }
            | Change::ReplicaSetObserved { .. }
            | Change::ReplicaSetRemoved { .. }
            | Change::StatefulSetWritten { .. }
            | Change::StatefulSetObserved { .. }
            | Change::RevisionWritten { .. }
            | Change::RevisionRemoved { .. } => true,
            Change::PodAdded { workload, .. } => {
                self.replicas.expects(cx, workload)
                    || cx.view.stateful_sets().get(workload).is_some()
            }
            Change::PodBound { node, .. } => cx.view.node(node).status.taints != Catalog::NO_TAINTS,
            Change::PodPhase { pod, phase } if phase.is_terminal() => {
                phase == PodPhase::Failed
                    || is_of_service(cx, pod)
                    || (is_kept(cx, pod) && self.garbage.is_nearly_full(&self.gc_params, unread))
            }
            Change::PodPhase { pod, .. } | Change::PodRemoved { pod } => is_of_service(cx, pod),
            Change::PodStarted { .. }
            | Change::PodNominated { .. }
            | Change::PodPreempted { .. }
            | Change::ObjectSet { .. }
            | Change::ObjectRemoved { .. }
            | Change::Task(_)
            | Change::Slice(_)
            | Change::OwnerRemoved { .. } => false,
        }
    }

    /// Takes note of a change, made at `at`, that the view is about to take.
    pub(super) fn observe(&mut self, cx: Cx<'_>, at: Time, change: &Change) {
        match *change {
            Change::PodDeleting { pod } => self.pod_leaves(cx, pod, true),
            Change::PodPhase { pod, phase } if phase.is_terminal() => {
                self.pod_leaves(cx, pod, phase == PodPhase::Failed);
            }
            Change::PodRemoved { pod } => {
                self.pod_leaves(cx, pod, true);
                self.evictions.forget(pod);
            }
            Change::NodeUpdated { node, status }
                if status.taints != cx.view.node(node).status.taints =>
            {
                self.node_taints_change(cx, node, status.taints);
            }
            Change::PodBound { pod, node, .. } => {
                self.pod_meets_taints(cx, pod, cx.view.node(node).status.taints);
            }
            _ => {}
        }
        let left = self.left_without_owner(cx, change);
        self.duties.extend(left.into_iter().map(Duty::Task));
        let duty = self.tasks.jobs.observe(cx, at, change);
        self.duties.extend(duty.map(Duty::Task));
        let duty = self.replicas.observe(cx, at, change);
        self.duties.extend(duty);
        self.duties.extend(self.deployments.observe(cx, change));
        self.duties.extend(self.deployments.watch(cx, change));
        self.duties.extend(self.stateful_sets.observe(cx, at, change));
        self.duties.extend(disruptions::duties(cx, change));
        let services = self.slices.observe(cx, change);
        self.duties.extend(services.into_iter().map(Duty::SyncService));
        self.nodes_observe(cx, change);
        self.collector_observes(cx, change);
        self.storage_observes(cx, change);
    }

    /// A pod stops counting for its owner, unless it stopped before.
    fn pod_leaves(&mut self, cx: Cx<'_>, pod: PodId, lost: bool) {
        let Some(view) = cx.view.pod(pod) else { return };
        if view.deleting || view.phase.is_terminal() {
            return;
        }
        let workload = &cx.catalog.workloads[view.workload];
        let replaced = lost && workload.on_loss == LossPolicy::Replace;
        match workload.kind {
            WorkloadKind::Service { .. } => {
                let duty = self.replicas.pod_leaves(pod, view, replaced);
                self.duties.extend(duty);
            }
            WorkloadKind::Batch if replaced => {
                self.duties.push_back(Duty::Replace(pod, LostPod::new(view)));
            }
            WorkloadKind::Batch => {}
        }
    }
}

/// True if the owner of a pod keeps a number of pods alive, however they end.
fn is_of_service(cx: Cx<'_>, pod: PodId) -> bool {
    cx.view.pod(pod).is_some_and(|view| {
        matches!(cx.catalog.workloads[view.workload].kind, WorkloadKind::Service { .. })
    })
}

/// True if a pod stays in the store when it has finished.
fn is_kept(cx: Cx<'_>, pod: PodId) -> bool {
    cx.view
        .pod(pod)
        .is_some_and(|view| cx.catalog.workloads[view.workload].finished == FinishedPods::Keep)
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
            memory.observe(cx, commit.at, &commit.change);
            feed.take(&commit, &self.catalog);
        }
        self.trim_log();
        while let Some(duty) = self.control.memory.duties.pop_front() {
            match duty {
                Duty::Sync(set) => self.enqueue_sync(host, set),
                Duty::SyncDeployment(workload) => self.enqueue_deployment(host, workload),
                Duty::SyncStatefulSet(workload) => self.enqueue_stateful_set(host, workload),
                Duty::CountBudget(budget) => self.enqueue_budget(host, budget),
                Duty::SyncService(service) => self.enqueue_service(host, service),
                Duty::Undo(workload) => {
                    let action = OperatorAction::Undo { revision: None };
                    let decision = ReleaseDecision::Undo;
                    host.fact(Fact::ReleaseDecided { workload, decision });
                    host.store(self.timing.request, Event::OperatorActs { workload, action });
                }
                Duty::Replace(pod, lost) => self.replace(host, pod, lost),
                Duty::Task(duty) => self.see_to(host, duty),
                Duty::Volume(duty) => self.see_to_storage(host, duty),
                Duty::Evict(pod, uid, at) => host.turn(at, Event::StayEnds { pod, uid }),
                Duty::Mark(node) => self.write_taints(host, node, TaintWrite::NoSchedule),
            }
        }
        self.plan_look(host);
        self.plan_garbage_pass(host);
        self.plan_attach_pass(host);
        if let Some(at) = self.control.feed.next_wanted(&self.store) {
            self.wake_controllers(host, at);
        }
    }
}
