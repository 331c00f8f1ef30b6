//! What is there before anything happens: pods of a snapshot, and the first list of each process.

use super::host::Host;
use super::machine::Program;
use super::setup::{Keeper, PodSetup};
use super::world::{World, cx};
use crate::ground::Time;
use crate::journal::{Fact, Sink};
use crate::model::{
    Change, DeploymentSpec, DeviceMask, Lifetime, NodeId, ObjectId, PodPhase, PodSpecId,
    ReplicaSetSpec, StatefulSetGoal, WorkloadId,
};
use crate::policy::kube::control::Fenceposts;
use crate::policy::{Scheduler, choose_devices};

impl World {
    /// Lists the objects that are neither nodes nor pods.
    pub(super) fn install_objects(&mut self, objects: &[ObjectId]) {
        for object in objects {
            self.list(Time::ZERO, Change::ObjectSet { object: *object });
        }
    }

    /// Creates the pods that are there at the start, before the controllers know of anything.
    pub(super) fn install_pods<S: Sink>(&mut self, host: &mut Host<'_, S>, pods: &[PodSetup]) {
        for setup in pods {
            self.install_pod(host, setup);
        }
    }

    /// Creates the Deployment of a workload, and its first ReplicaSet, or its StatefulSet, and its
    /// first revision.
    pub(super) fn install_keeper<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        keeper: Keeper,
    ) {
        let (set, created) = (self.store.truth.rollouts().next_set(), host.now);
        let template = keeper.template();
        if let Keeper::StatefulSet(goal) = keeper {
            self.install_stateful_set(host, workload, goal);
            return;
        }
        let spec = match keeper {
            Keeper::Deployment(spec) => {
                let DeploymentSpec { template: spec_id, replicas, paused, min_ready, .. } = spec;
                host.fact(Fact::DeploymentWritten { workload, spec: spec_id, replicas, paused });
                self.list(created, Change::DeploymentWritten { workload, spec });
                let max = replicas + Fenceposts::of(&spec).surge;
                let (desired, max, revision) = (Some(replicas), Some(max), Some(1));
                ReplicaSetSpec { replicas, desired, max, revision, min_ready }
            }
            Keeper::StatefulSet(_) => unreachable!("it was installed above"),
            Keeper::ReplicaSet { replicas, min_ready, .. } => {
                let (desired, max, revision) = (None, None, None);
                ReplicaSetSpec { replicas, desired, max, revision, min_ready }
            }
        };
        host.fact(Fact::ReplicaSetCreated { set, workload, spec: template });
        let (replicas, revision) = (spec.replicas, spec.revision.unwrap_or(0));
        host.fact(Fact::ReplicaSetScaled { set, replicas, revision });
        self.list(created, Change::ReplicaSetAdded { set, workload, template, created, spec });
    }

    fn install_stateful_set<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        goal: StatefulSetGoal,
    ) {
        let (template, replicas) = (goal.template, goal.spec.replicas);
        host.fact(Fact::StatefulSetWritten { workload, spec: template, replicas });
        self.list(host.now, Change::StatefulSetWritten { workload, goal });
        let number = 1;
        host.fact(Fact::RevisionWritten { workload, spec: template, revision: number });
        self.list(host.now, Change::RevisionWritten { workload, template, number });
    }

    fn install_pod<S: Sink>(&mut self, host: &mut Host<'_, S>, setup: &PodSetup) {
        let PodSetup { workload, spec, name, node } = *setup;
        let (pod, uid) = self.store.next_pod();
        self.adopt_job_pod(workload, uid, name);
        let (stem, number, digits) = name.parts();
        self.introduce_pod_spec_once(host, spec);
        self.introduce_name(host, stem);
        self.tell_services_of(host, spec);
        host.fact(Fact::PodCreated { pod: uid, spec, workload, stem, number, digits });
        self.adopt_number(workload, name);
        let key = name.key(&self.catalog.names);
        let lifetime = Lifetime::Forever;
        self.fleet.install(pod, Program::new(uid, key, lifetime));
        let created = host.now;
        for object in self.claims_made_for(spec, name) {
            self.list(host.now, Change::ObjectSet { object });
        }
        self.list(host.now, Change::PodAdded { pod, uid, spec, workload, name, created });
        let Some(node) = node else {
            if self.catalog.pod_spec(spec).scheduling_gates.is_empty() {
                host.fact(Fact::Queued { pod: uid });
            }
            return;
        };
        let devices = self.free_devices(spec, node);
        host.fact(Fact::Bound { pod: uid, node, devices });
        host.fact(Fact::Started { pod: uid });
        host.fact(Fact::Ready { pod: uid });
        self.list(host.now, Change::PodBound { pod, node, devices });
        self.list(host.now, Change::PodStarted { pod, at: host.now });
        self.list(host.now, Change::PodPhase { pod, phase: PodPhase::Ready });
        self.kubelet_has_pod(host, pod, node);
    }

    /// Devices of its node for a pod that runs there.
    fn free_devices(&self, spec: PodSpecId, node: NodeId) -> DeviceMask {
        let Some(request) = &self.catalog.pod_spec(spec).devices else {
            return DeviceMask::NONE;
        };
        let group = self.store.truth.node_spec(node, &self.catalog).devices;
        let left = &self.store.truth.holds(node).device_left;
        choose_devices(request, group, left).expect("plans refuse pods that do not fit their node")
    }

    /// Commits what is there at the start; nobody is woken.
    pub(super) fn list(&mut self, now: Time, change: Change) {
        let shared = self.scheduler.feed.is_shared();
        if shared {
            let cx = cx(&self.catalog, &self.store.truth, now, self.draws);
            self.scheduler.policy.observe(cx, &change);
            self.control.memory.observe(cx, now, &change);
        }
        self.monitored(&change);
        self.store.commit(now, change, !shared, &self.catalog);
    }

    /// Every process lists what is there, and begins.
    pub(super) fn sync_views<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        while let Some(commit) = self.scheduler.feed.next(&self.store) {
            let scheduler = &mut self.scheduler;
            let cx = cx(&self.catalog, scheduler.feed.view(&self.store), host.now, self.draws);
            scheduler.policy.observe(cx, &commit.change);
            scheduler.feed.take(&commit, &self.catalog);
        }
        while let Some(commit) = self.control.feed.next(&self.store) {
            let view = self.control.feed.view(&self.store);
            let cx = cx(&self.catalog, view, host.now, self.draws);
            self.control.memory.observe(cx, commit.at, &commit.change);
            self.control.feed.take(&commit, &self.catalog);
        }
        self.trim_log();
        self.control.start();
        if self.scheduler.policy.pending() > 0 {
            self.wake_scheduler(host, host.now);
        }
        self.wake_controllers(host, host.now);
    }
}
