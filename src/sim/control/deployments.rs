//! The Deployment controller: five workers over one queue of Deployments, one client.
//!
//! The writes of a sync are sent one after the other. Each says which version of its object it was
//! made for; if somebody else has written meanwhile, the store refuses it, and the Deployment is
//! synced again after a while.

use super::work_queue::WorkQueue;
use super::{Client, Duty};
use crate::ground::Time;
use crate::journal::{Fact, Sink};
use crate::model::{
    Change, Deployment, DeploymentStatus, PodSpecId, ReplicaSet, ReplicaSetId, ReplicaSetSpec,
    WorkloadId,
};
use crate::policy::Cx;
use crate::policy::kube::control::{
    DeploymentView, DeploymentWrite, NextLook, OwnedReplicaSet, ReleaseView, Resized,
    RollbackMemory, RollbackPolicy, sync_deployment, sync_on_course,
};
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Deployments that are synced at the same time (`--concurrent-deployment-syncs`).
const WORKERS: u32 = 5;

/// Names that order ReplicaSets by creation.
pub(in crate::sim) fn set_names(sets: &[(ReplicaSetId, ReplicaSet)]) -> Vec<String> {
    sets.iter().map(|(id, _)| format!("{:010}", id.0)).collect()
}

/// ReplicaSets as the policy sees them; `unfinished` counts the pods of one that have not ended.
pub(in crate::sim) fn owned_sets<'n>(
    sets: &[(ReplicaSetId, ReplicaSet)],
    names: &'n [String],
    unfinished: impl Fn(ReplicaSetId) -> u32,
) -> Vec<OwnedReplicaSet<'n>> {
    let owned = |((id, set), name): (&(ReplicaSetId, ReplicaSet), &'n String)| OwnedReplicaSet {
        name,
        created: set.created.truncate_to_second(),
        template: set.template,
        replicas: set.spec.replicas,
        min_ready: set.spec.min_ready,
        revision: set.spec.revision,
        desired: set.spec.desired,
        max: set.spec.max,
        generation: set.generation,
        deleting: false,
        status: set.status,
        unfinished_pods: unfinished(*id),
    };
    sets.iter().zip(names).map(owned).collect()
}

/// A request that is still to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Request {
    /// Creates a ReplicaSet of this template.
    Create { template: PodSpecId, spec: ReplicaSetSpec },
    /// Writes what a ReplicaSet is to be.
    Write { set: ReplicaSetId, spec: ReplicaSetSpec },
    /// Deletes a ReplicaSet.
    Remove { set: ReplicaSetId },
    /// Writes what the Deployment is.
    Status(DeploymentStatus),
    /// Is refused, whatever happens.
    Refused,
}

impl Request {
    /// The ReplicaSet that it writes, if it is one that is there.
    fn set(&self) -> Option<ReplicaSetId> {
        match self {
            Request::Write { set, .. } | Request::Remove { set } => Some(*set),
            Request::Create { .. } | Request::Status(_) | Request::Refused => None,
        }
    }
}

/// A request, and the version of its object that it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    request: Request,
    version: u32,
}

/// The requests of a sync, with the versions of their objects that the sync knows of.
fn requests(
    deployment: &Deployment,
    sets: &[(ReplicaSetId, ReplicaSet)],
    writes: &[DeploymentWrite],
) -> VecDeque<Pending> {
    let mut sets: Vec<(ReplicaSetId, ReplicaSet)> = sets.to_vec();
    let mut version = deployment.version;
    let mut pending = VecDeque::with_capacity(writes.len());
    for write in writes {
        let request = match *write {
            DeploymentWrite::Create(new) => {
                let spec = ReplicaSetSpec {
                    replicas: new.replicas,
                    desired: Some(new.desired),
                    max: Some(new.max),
                    revision: Some(new.revision),
                    min_ready: new.min_ready,
                };
                Request::Create { template: new.template, spec }
            }
            DeploymentWrite::Adopt { set, revision, min_ready, .. } => {
                let (set, row) = &mut sets[set];
                row.spec = ReplicaSetSpec { revision: Some(revision), min_ready, ..row.spec };
                Request::Write { set: *set, spec: row.spec }
            }
            DeploymentWrite::Scale { set, resized } => {
                let (set, row) = &mut sets[set];
                let Resized { to, desired, max, .. } = resized;
                let (desired, max) = (Some(desired), Some(max));
                row.spec = ReplicaSetSpec { replicas: to, desired, max, ..row.spec };
                Request::Write { set: *set, spec: row.spec }
            }
            DeploymentWrite::Delete { set } => Request::Remove { set: sets[set].0 },
            DeploymentWrite::Status(status) => Request::Status(status),
            DeploymentWrite::Refused => Request::Refused,
        };
        // The sync knows the version that its own requests leave behind.
        let of_set = request.set();
        let known = match sets.iter_mut().find(|(set, _)| Some(*set) == of_set) {
            Some((_, row)) => &mut row.version,
            None => &mut version,
        };
        pending.push_back(Pending { request, version: *known });
        *known += u32::from(!matches!(request, Request::Create { .. } | Request::Refused));
    }
    pending
}

/// The controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Deployments {
    pub(super) client: Client,
    queue: WorkQueue<WorkloadId>,
    pending: BTreeMap<WorkloadId, VecDeque<Pending>>,
    /// Who rolls which Deployment back.
    pipelines: BTreeMap<WorkloadId, (RollbackPolicy, RollbackMemory)>,
    /// When each is looked at although nothing has changed.
    looks: BTreeMap<WorkloadId, Time>,
}

impl Deployments {
    /// A controller beside pipelines that roll back.
    pub(super) fn new(rollbacks: &[(WorkloadId, RollbackPolicy)]) -> Deployments {
        let pipeline = |policy| (policy, RollbackMemory::default());
        Deployments {
            pipelines: rollbacks.iter().map(|(w, policy)| (*w, pipeline(policy.clone()))).collect(),
            client: Client::default(),
            queue: WorkQueue::new(WORKERS),
            pending: BTreeMap::new(),
            looks: BTreeMap::new(),
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

impl Deployments {
    /// Shows a pipeline the status of the Deployment that it watches.
    pub(super) fn watch(&mut self, cx: Cx<'_>, change: &Change) -> Option<Duty> {
        let Change::DeploymentObserved { workload, status } = change else { return None };
        let (policy, memory) = self.pipelines.get_mut(workload)?;
        let generation = cx.view.rollouts().deployment(*workload)?.generation;
        policy.undoes(memory, status, generation).then_some(Duty::Undo(*workload))
    }
}

impl World {
    pub(super) fn enqueue_deployment<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
    ) {
        self.control.memory.deployments.queue.add(workload);
        self.sync_deployments(host);
    }

    /// The time to look at a Deployment has come, unless it was put off.
    pub(in crate::sim) fn deployment_looks<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
    ) {
        let looks = &mut self.control.memory.deployments.looks;
        if looks.get(&workload) == Some(&host.now) {
            looks.remove(&workload);
            self.enqueue_deployment(host, workload);
        }
    }

    /// Lets free workers sync what waits.
    fn sync_deployments<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        if !self.control.memory.deployments.queue.starts() {
            return;
        }
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
        let names = set_names(&sets);
        let replicas = &self.control.memory.replicas;
        let owned = owned_sets(&sets, &names, |set| replicas.unfinished(workload, set));
        let Deployment { spec, status, generation, .. } = *deployment;
        let seen = DeploymentView { spec, status, generation, deleting: false, sets: &owned };
        let measured = self.monitor.measured(workload, spec.replicas, &self.catalog);
        let release = ReleaseView { spec: &spec, status: &status, sets: &owned, now: host.now };
        let pipeline = self.control.memory.deployments.pipelines.get_mut(&workload);
        let course = pipeline
            .filter(|_| !spec.paused)
            .and_then(|(policy, memory)| policy.course(memory, &release, &measured));
        let decided = match &course {
            Some(course) => sync_on_course(&seen, course, host.now),
            None => sync_deployment(&seen, host.now),
        };
        let requests = requests(deployment, &sets, &decided.writes);
        if let Some(course) = course {
            if let Some(decision) = course.decision {
                host.fact(Fact::ReleaseDecided { workload, decision });
            }
            self.introduce_pod_spec_once(host, spec.template);
            self.route(host, workload, course.active);
        }
        let deployments = &mut self.control.memory.deployments;
        if let NextLook::At(at) = decided.next
            && deployments.looks.insert(workload, at) != Some(at)
        {
            host.turn(at, Event::DeploymentLooks { workload });
        }
        deployments.pending.insert(workload, requests);
        if decided.next != NextLook::Retry {
            deployments.queue.succeeded(workload);
        }
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
        let Pending { request, version } = pending.expect("a request that was sent is known");
        let rollouts = self.store.truth.rollouts();
        let deployment = rollouts.deployment(workload).map(|deployment| deployment.version);
        let accepted = match request {
            Request::Create { .. } => deployment.is_some(),
            Request::Write { set, .. } | Request::Remove { set } => {
                rollouts.set(set).is_some_and(|set| set.version == version)
            }
            Request::Status(_) => deployment == Some(version),
            Request::Refused => false,
        };
        if accepted {
            self.make_deployment_write(host, workload, request);
            self.send_deployment_write(host, workload);
            return;
        }
        let deployments = &mut self.control.memory.deployments;
        deployments.pending.remove(&workload);
        let again = deployments.queue.failed(workload, host.now);
        deployments.looks.insert(workload, again);
        deployments.queue.put_back(workload);
        host.turn(again, Event::DeploymentLooks { workload });
        self.sync_deployments(host);
    }

    fn has_set_of(&self, workload: WorkloadId, template: PodSpecId) -> bool {
        let mut sets = self.store.truth.rollouts().sets_of(workload);
        sets.any(|(_, set)| set.template == template)
    }

    fn make_deployment_write<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        request: Request,
    ) {
        let told = |spec: &ReplicaSetSpec| (spec.replicas, spec.revision.unwrap_or(0));
        match request {
            // Its name comes from the template: one that is there already is taken for it.
            Request::Create { template, .. } if self.has_set_of(workload, template) => {}
            Request::Create { template, spec } => {
                let (set, created) = (self.store.truth.rollouts().next_set(), host.now);
                self.introduce_pod_spec_once(host, template);
                host.fact(Fact::ReplicaSetCreated { set, workload, spec: template });
                let (replicas, revision) = told(&spec);
                host.fact(Fact::ReplicaSetScaled { set, replicas, revision });
                let change = Change::ReplicaSetAdded { set, workload, template, created, spec };
                self.commit(host, change);
            }
            Request::Write { set, spec } => {
                let before = self.store.truth.rollouts().set(set).map(|set| set.spec);
                let (replicas, revision) = told(&spec);
                if before.as_ref().map(told) != Some((replicas, revision)) {
                    host.fact(Fact::ReplicaSetScaled { set, replicas, revision });
                }
                self.commit(host, Change::ReplicaSetWritten { set, spec });
            }
            Request::Remove { set } => {
                host.fact(Fact::ReplicaSetRemoved { set });
                self.commit(host, Change::ReplicaSetRemoved { set });
            }
            Request::Status(status) => {
                let reason = |status: &DeploymentStatus| status.progressing.map(|one| one.reason);
                let before = self.store.truth.rollouts().deployment(workload).copied();
                let before = before.as_ref().and_then(|one: &Deployment| reason(&one.status));
                if let Some(reason) = reason(&status).filter(|now| Some(*now) != before) {
                    host.fact(Fact::RolloutProgress { workload, reason });
                }
                self.commit(host, Change::DeploymentObserved { workload, status });
            }
            Request::Refused => unreachable!("what is refused is not made"),
        }
    }
}
