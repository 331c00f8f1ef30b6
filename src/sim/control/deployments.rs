//! The Deployment controller: five workers over one queue of Deployments, one client.
//!
//! The writes of a sync are sent one after the other. Each says which version of its object it was
//! made for; if somebody else has written meanwhile, the store refuses it, and the Deployment is
//! synced again after a while.

use super::work_queue::WorkQueue;
use super::{Client, Duty};
use crate::journal::{Fact, Sink};
use crate::model::{Change, Deployment, DeploymentStatus, ReplicaSetId, WorkloadId};
use crate::policy::Cx;
use crate::policy::kube::control::{DeploymentWrite, deployment_sync};
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Deployments that are synced at the same time (`--concurrent-deployment-syncs`).
const WORKERS: u32 = 5;

/// A write that is still to be made, and the version of its object that it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    write: DeploymentWrite,
    version: u32,
}

/// The controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Deployments {
    pub(super) client: Client,
    queue: WorkQueue<WorkloadId>,
    pending: BTreeMap<WorkloadId, VecDeque<Pending>>,
}

impl Deployments {
    pub(super) fn new() -> Deployments {
        Deployments {
            client: Client::default(),
            queue: WorkQueue::new(WORKERS),
            pending: BTreeMap::new(),
        }
    }

    /// Takes note of a change; what is to be done about it.
    pub(super) fn observe(&self, cx: Cx<'_>, change: &Change) -> Option<Duty> {
        let of_set = |set: ReplicaSetId| {
            let set = cx.view.rollouts().set(set)?;
            cx.view.rollouts().deployment(set.workload)?;
            Some(Duty::SyncDeployment(set.workload))
        };
        match *change {
            Change::DeploymentWritten { workload, .. }
            | Change::DeploymentObserved { workload, .. } => Some(Duty::SyncDeployment(workload)),
            Change::ReplicaSetAdded { workload, .. } => {
                cx.view.rollouts().deployment(workload)?;
                Some(Duty::SyncDeployment(workload))
            }
            Change::ReplicaSetWritten { set, .. }
            | Change::ReplicaSetObserved { set, .. }
            | Change::ReplicaSetRemoved { set } => of_set(set),
            _ => None,
        }
    }
}

impl World {
    pub(in crate::sim) fn enqueue_deployment<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
    ) {
        self.control.memory.deployments.queue.add(workload);
        self.sync_deployments(host);
    }

    /// Lets free workers sync what waits.
    fn sync_deployments<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        while let Some(workload) = self.control.memory.deployments.queue.take() {
            self.sync_deployment(host, workload);
        }
    }

    fn sync_deployment<S: Sink>(&mut self, host: &mut Host<'_, S>, workload: WorkloadId) {
        let rollouts = self.control.feed.view(&self.store).rollouts();
        let Some(deployment) = rollouts.deployment(workload) else {
            self.control.memory.deployments.queue.put_back(workload);
            return;
        };
        let sets: Vec<_> = rollouts.sets_of(workload).map(|(id, set)| (id, *set)).collect();
        let present = |set| self.control.memory.replicas.present_but(workload, set);
        let decided = deployment_sync(deployment, &sets, present, host.now);
        let mut versions: BTreeMap<Option<ReplicaSetId>, u32> =
            sets.iter().map(|(id, set)| (Some(*id), set.version)).collect();
        versions.insert(None, deployment.version);
        let mut writes = VecDeque::new();
        for write in decided.writes {
            // What the sync itself has written it knows.
            let version = versions.entry(write.set()).or_default();
            writes.push_back(Pending { write, version: *version });
            *version += 1;
        }
        if let Some(at) = decided.look_at {
            host.turn(at, Event::DeploymentLooks { workload });
        }
        self.control.memory.deployments.pending.insert(workload, writes);
        self.send_deployment_write(host, workload);
    }

    /// Sends the next write of a sync, or ends it.
    fn send_deployment_write<S: Sink>(&mut self, host: &mut Host<'_, S>, workload: WorkloadId) {
        let deployments = &mut self.control.memory.deployments;
        let left = deployments.pending.get(&workload).map_or(0, VecDeque::len);
        if left > 0 {
            let at = deployments.client.send(host.now, 1) + self.timing.request;
            host.store_at(at, Event::DeploymentWriteArrives { workload });
            return;
        }
        deployments.pending.remove(&workload);
        deployments.queue.succeeded(workload);
        deployments.queue.put_back(workload);
        self.sync_deployments(host);
    }

    pub(in crate::sim) fn deployment_write_arrives<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
    ) {
        let deployments = &mut self.control.memory.deployments;
        let pending = deployments.pending.get_mut(&workload).and_then(VecDeque::pop_front);
        let Pending { write, version } = pending.expect("a write that was sent is known");
        let rollouts = self.store.truth.rollouts();
        let deployment = rollouts.deployment(workload).copied();
        let now_is = match write.set() {
            Some(set) => rollouts.set(set).map(|set| set.version),
            None => deployment.map(|deployment| deployment.version),
        };
        let creates = matches!(write, DeploymentWrite::Create { .. });
        if creates && deployment.is_some() || now_is == Some(version) {
            self.make_deployment_write(host, workload, write);
            self.send_deployment_write(host, workload);
        } else {
            let deployments = &mut self.control.memory.deployments;
            deployments.pending.remove(&workload);
            let again = deployments.queue.failed(workload, host.now);
            deployments.queue.put_back(workload);
            host.turn(again, Event::DeploymentLooks { workload });
            self.sync_deployments(host);
        }
    }

    fn make_deployment_write<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        write: DeploymentWrite,
    ) {
        match write {
            DeploymentWrite::Create { template, spec } => {
                let (set, created) = (self.store.truth.rollouts().next_set(), host.now);
                self.introduce_pod_spec_once(host, template);
                host.fact(Fact::ReplicaSetCreated { set, workload, spec: template });
                let (replicas, revision) = (spec.replicas, spec.revision);
                host.fact(Fact::ReplicaSetScaled { set, replicas, revision });
                let change = Change::ReplicaSetAdded { set, workload, template, created, spec };
                self.commit(host, change);
            }
            DeploymentWrite::Write { set, spec } => {
                let before = self.store.truth.rollouts().set(set).map(|set| set.spec);
                let told = |spec: crate::model::ReplicaSetSpec| (spec.replicas, spec.revision);
                if before.map(told) != Some(told(spec)) {
                    let (replicas, revision) = told(spec);
                    host.fact(Fact::ReplicaSetScaled { set, replicas, revision });
                }
                self.commit(host, Change::ReplicaSetWritten { set, spec });
            }
            DeploymentWrite::Remove { set } => {
                host.fact(Fact::ReplicaSetRemoved { set });
                self.commit(host, Change::ReplicaSetRemoved { set });
            }
            DeploymentWrite::Status(status) => {
                let reason = |status: &DeploymentStatus| status.progressing.map(|one| one.reason);
                let before = self.store.truth.rollouts().deployment(workload).copied();
                let before = before.as_ref().and_then(|one: &Deployment| reason(&one.status));
                if let Some(reason) = reason(&status).filter(|now| Some(*now) != before) {
                    host.fact(Fact::RolloutProgress { workload, reason });
                }
                self.commit(host, Change::DeploymentObserved { workload, status });
            }
        }
    }
}
