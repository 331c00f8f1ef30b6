//! The collector of owned objects: what a deleted object owned is deleted too, unless it was made
//! an orphan before.
//!
//! Source: `attemptToDeleteItem` and `attemptToOrphan` of
//! `pkg/controller/garbagecollector/garbagecollector.go`, Kubernetes 1.34: an object without an
//! owner is read, so is its owner, then it is deleted.

use super::TaskDuty;
use crate::journal::{DeletionCause, Fact, Propagation, Sink};
use crate::model::{Change, PodId, PodUid, ReplicaSetId, TaskChange, WorkloadId};
use crate::policy::Cx;
use crate::sim::control::Memory;
use crate::sim::control::client::Client;
use crate::sim::control::work_queue::WorkQueue;
use crate::sim::host::Host;
use crate::sim::world::World;
use crate::sim::{Event, Owned, TaskEvent};
use serde::{Deserialize, Serialize};

/// Objects that are collected at the same time (`--concurrent-gc-syncs`).
const WORKERS: u32 = 20;
/// Reads before an object is deleted: of itself and of its owner.
const READS: u32 = 2;

/// The collector.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Collector {
    pub(super) client: Client,
    queue: WorkQueue<Owned>,
}

impl Collector {
    pub(super) fn new() -> Collector {
        Collector { client: Client::default(), queue: WorkQueue::new(WORKERS) }
    }
}

impl Memory {
    /// What a change, about to be taken into the view, leaves without an owner.
    pub(in crate::sim::control) fn left_without_owner(
        &self,
        cx: Cx<'_>,
        change: &Change,
    ) -> Vec<TaskDuty> {
        let pods = |owned: &dyn Fn(PodId, PodUid) -> bool| -> Vec<TaskDuty> {
            let mut found: Vec<Owned> = (cx.view.pods())
                .filter(|(pod, view)| !view.deleting && owned(*pod, view.uid))
                .map(|(pod, view)| Owned::Pod(view.uid, pod))
                .collect();
            found.sort_unstable();
            found.into_iter().map(TaskDuty::Collect).collect()
        };
        match *change {
            Change::OwnerRemoved { workload, orphaned: false } => {
                let sets = cx.view.rollouts().sets_of(workload);
                sets.map(|(set, _)| TaskDuty::Collect(Owned::Set(set))).collect()
            }
            Change::ReplicaSetRemoved { set } => {
                pods(&|pod, _| self.replicas.set_of(pod) == Some(set))
            }
            Change::Task(TaskChange::JobRemoved { job }) => {
                pods(&|_, uid| self.tasks.jobs.job_of(uid) == Some(job))
            }
            _ => Vec::new(),
        }
    }
}

impl World {
    pub(super) fn collect_owned<S: Sink>(&mut self, host: &mut Host<'_, S>, owned: Owned) {
        self.control.memory.tasks.collector.queue.add(owned);
        self.collect_more(host);
    }

    fn collect_more<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let collector = &mut self.control.memory.tasks.collector;
        if !collector.queue.starts() {
            return;
        }
        while let Some(owned) = collector.queue.take() {
            let sent = collector.client.send(host.now, READS);
            let read = sent + self.timing.request * u64::from(READS);
            host.store_at(read, Event::Task(TaskEvent::OwnedIsRead { owned }));
        }
    }

    /// The store has told of an object, and that its owner is gone.
    pub(super) fn owned_is_read<S: Sink>(&mut self, host: &mut Host<'_, S>, owned: Owned) {
        let there = match owned {
            Owned::Set(set) => self.store.truth.rollouts().set(set).is_some(),
            Owned::Pod(uid, pod) => {
                self.store.truth.pod_if(pod, uid).is_some_and(|view| !view.deleting)
            }
        };
        if !there {
            self.owned_is_done(host, owned);
            return;
        }
        let sent = self.control.memory.tasks.collector.client.send(host.now, 1);
        let at = sent + self.timing.request;
        host.store_at(at, Event::Task(TaskEvent::OwnedGoes { owned }));
    }

    /// The deletion of an object without an owner reaches the store.
    pub(super) fn owned_goes<S: Sink>(&mut self, host: &mut Host<'_, S>, owned: Owned) {
        match owned {
            Owned::Set(set) if self.store.truth.rollouts().set(set).is_some() => {
                host.fact(Fact::ReplicaSetRemoved { set });
                self.commit(host, Change::ReplicaSetRemoved { set });
            }
            Owned::Set(_) => {}
            Owned::Pod(uid, pod) => {
                self.deletion_arrives(host, pod, uid, DeletionCause::OwnerDeleted);
            }
        }
        self.owned_is_done(host, owned);
    }

    fn owned_is_done<S: Sink>(&mut self, host: &mut Host<'_, S>, owned: Owned) {
        self.control.memory.tasks.collector.queue.put_back(owned);
        self.collect_more(host);
    }

    /// Somebody deletes what stands above all others of a workload: its Deployment, its ReplicaSet
    /// that nobody owns, or its Job.
    pub(in crate::sim) fn delete_owner<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        propagation: Propagation,
    ) {
        let owned = match propagation {
            Propagation::Background => return self.owner_goes(host, workload, propagation),
            Propagation::Orphan => self.store.truth.rollouts().sets_of(workload).count(),
        };
        // Each is patched, then the finalizer of the owner.
        let requests = u32::try_from(owned).expect("sets are counted in 32 bits") + 1;
        let sent = self.control.memory.tasks.collector.client.send(host.now, requests);
        let at = sent + self.timing.request;
        host.store_at(at, Event::Task(TaskEvent::OwnerIsOrphaned { workload }));
    }

    pub(super) fn owner_goes<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        propagation: Propagation,
    ) {
        let truth = &self.store.truth;
        let is_deployment = truth.rollouts().deployment(workload).is_some();
        let sets: Vec<ReplicaSetId> = match is_deployment {
            true => Vec::new(),
            false => truth.rollouts().sets_of(workload).map(|(set, _)| set).collect(),
        };
        let jobs: Vec<_> = truth.tasks().jobs_of(workload).map(|(job, _)| job).collect();
        host.fact(Fact::OwnerDeleted { workload, propagation });
        if is_deployment {
            let orphaned = propagation == Propagation::Orphan;
            self.commit(host, Change::OwnerRemoved { workload, orphaned });
        }
        for set in sets {
            self.owned_goes_at_once(host, set);
        }
        for job in jobs {
            self.job_goes(host, job);
        }
    }

    fn owned_goes_at_once<S: Sink>(&mut self, host: &mut Host<'_, S>, set: ReplicaSetId) {
        host.fact(Fact::ReplicaSetRemoved { set });
        self.commit(host, Change::ReplicaSetRemoved { set });
    }
}
