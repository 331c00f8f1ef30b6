//! The ReplicaSet controller: five workers over one queue of services, one client.
//!
//! A sync that changes something lasts until its requests are answered, and the next one of the
//! same service waits until the pods that it asked for, or asked to stop, have been seen.

use super::Client;
use crate::ground::{Id, Purpose, Table, Time};
use crate::journal::{DeletionCause, Sink};
use crate::model::{
    Catalog, Lifetime, PodId, PodName, PodPhase, PodSpecId, PodUid, PodView, WorkloadId,
    WorkloadKind,
};
use crate::policy::kube::control::{
    DeletionPhase, RankedPod, SlowStart, deletion_order, missing_replicas, ranks, surplus_replicas,
};
use crate::policy::kube::kubelet::Role;
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::world::{NewPod, World};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

/// Services that are synced at the same time (`--concurrent-replicaset-syncs`).
const WORKERS: u32 = 5;

/// Purpose of the draw that stands for the unique identifier of a pod, which is random upstream.
const POD_UID: Purpose = Purpose::new("pod-uid");

/// Where a service is in the queue of the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
enum Turn {
    /// Not in it.
    #[default]
    None,
    /// In it.
    Waiting,
    /// With a worker.
    Taken,
    /// With a worker, and something has happened meanwhile.
    TakenAgain,
}

/// What the controller remembers of one service.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct ReplicaSet {
    /// What its pods are made of; `None` for batch.
    spec: Option<PodSpecId>,
    /// Pods seen that are neither terminating nor ended.
    active: u32,
    /// Pods asked for and not seen yet.
    creations: u32,
    /// Pods asked to stop and not seen to do so yet.
    deletions: BTreeSet<PodUid>,
    /// Pods created so far: the number of the next one.
    created: u32,
    /// Lost pods that nobody has taken the place of.
    lost: VecDeque<PodUid>,
    turn: Turn,
    /// Creations of the present sync that are still to be sent.
    start: SlowStart,
    /// Creations of the present batch that are not answered yet.
    unanswered: u32,
}

/// The controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ReplicaSets {
    pub(super) client: Client,
    sets: Table<WorkloadId, ReplicaSet>,
    queue: VecDeque<WorkloadId>,
    idle: u32,
    /// Since when the pods of services are ready, by row.
    ready_since: Table<PodId, Time>,
}

impl ReplicaSets {
    pub(super) fn new(catalog: &Catalog, services: &[(WorkloadId, PodSpecId)]) -> ReplicaSets {
        let mut sets: Table<WorkloadId, ReplicaSet> = Table::new();
        for _ in catalog.workloads.ids() {
            sets.push(ReplicaSet::default());
        }
        for (workload, spec) in services {
            sets[*workload].spec = Some(*spec);
        }
        ReplicaSets {
            client: Client::default(),
            sets,
            queue: VecDeque::new(),
            idle: WORKERS,
            ready_since: Table::new(),
        }
    }

    /// True if the controller waits for a pod of this workload to appear.
    pub(super) fn expects(&self, workload: WorkloadId) -> bool {
        self.sets[workload].creations > 0
    }

    /// The names of pods that are there already are not given again: numbers go on after this one.
    pub(super) fn number_taken(&mut self, workload: WorkloadId, number: u32) {
        let set = &mut self.sets[workload];
        set.created = set.created.max(number.saturating_add(1));
    }

    /// A pod appeared; true if the service is to be synced.
    pub(super) fn pod_appears(&mut self, workload: WorkloadId) -> bool {
        let set = &mut self.sets[workload];
        set.active += 1;
        let expected = set.creations > 0;
        set.creations -= u32::from(expected);
        expected && set.creations == 0
    }

    /// A pod of a service became ready at `at`.
    pub(super) fn pod_is_ready(&mut self, pod: PodId, at: Time) {
        while self.ready_since.len() <= pod.index() {
            self.ready_since.push(Time::ZERO);
        }
        self.ready_since[pod] = at;
    }

    /// A pod stops counting for its owner. `replaced`: its owner wants another in its place.
    pub(super) fn pod_leaves(&mut self, view: &PodView, replaced: bool) {
        let set = &mut self.sets[view.workload];
        set.active -= 1;
        let asked_to = set.deletions.remove(&view.uid);
        if replaced && !asked_to {
            set.lost.push_back(view.uid);
        }
    }

    /// Lets a service wait for its sync.
    fn enqueue(&mut self, workload: WorkloadId) {
        let turn = &mut self.sets[workload].turn;
        match turn {
            Turn::None => {
                *turn = Turn::Waiting;
                self.queue.push_back(workload);
            }
            Turn::Waiting | Turn::TakenAgain => {}
            Turn::Taken => *turn = Turn::TakenAgain,
        }
    }

    /// The next service, if a worker is free.
    fn take(&mut self) -> Option<WorkloadId> {
        if self.idle == 0 {
            return None;
        }
        let workload = self.queue.pop_front()?;
        self.idle -= 1;
        self.sets[workload].turn = Turn::Taken;
        Some(workload)
    }

    /// A worker is done with a service.
    fn put_back(&mut self, workload: WorkloadId) {
        self.idle += 1;
        let again = self.sets[workload].turn == Turn::TakenAgain;
        self.sets[workload].turn = Turn::None;
        if again {
            self.enqueue(workload);
        }
    }
}

impl World {
    pub(super) fn enqueue_sync<S: Sink>(&mut self, host: &mut Host<'_, S>, workload: WorkloadId) {
        self.control.memory.replicas.enqueue(workload);
        self.sync_services(host);
    }

    /// Lets free workers sync what waits.
    fn sync_services<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        while let Some(workload) = self.control.memory.replicas.take() {
            self.sync(host, workload);
        }
    }

    /// One sync of a service: creates the pods that it lacks, or deletes those that it has too
    /// many.
    fn sync<S: Sink>(&mut self, host: &mut Host<'_, S>, workload: WorkloadId) {
        let sets = &mut self.control.memory.replicas;
        let set = &mut sets.sets[workload];
        let waits = set.creations > 0 || !set.deletions.is_empty();
        let kind = self.catalog.workloads[workload].kind;
        let WorkloadKind::Service { replicas, .. } = kind else {
            unreachable!("only services are synced");
        };
        let missing = missing_replicas(replicas, set.active);
        let surplus = surplus_replicas(replicas, set.active);
        if waits || missing + surplus == 0 {
            sets.put_back(workload);
        } else if missing > 0 {
            set.creations = missing;
            set.start = SlowStart::new(missing);
            self.create_batch(host, workload);
        } else {
            self.delete_surplus(host, workload, surplus as usize);
        }
    }

    /// Sends the next batch of creations, or ends the sync.
    fn create_batch<S: Sink>(&mut self, host: &mut Host<'_, S>, workload: WorkloadId) {
        let sets = &mut self.control.memory.replicas;
        let set = &mut sets.sets[workload];
        set.unanswered = set.start.next_batch();
        if set.unanswered == 0 {
            sets.put_back(workload);
            return;
        }
        for _ in 0..set.unanswered {
            let sent = sets.client.send(host.now, 1);
            host.store_at(sent + self.timing.request, Event::ReplicaArrives { workload });
        }
    }

    pub(in crate::sim) fn replica_arrives<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
    ) {
        let stem = format!("{}-", self.catalog.names.text(self.catalog.workloads[workload].name));
        let stem = self.catalog.names.intern(&stem);
        let set = &mut self.control.memory.replicas.sets[workload];
        let name = PodName::numbered(stem, set.created);
        set.created += 1;
        set.unanswered -= 1;
        let batch_over = set.unanswered == 0;
        let spec = set.spec.expect("only services create replicas");
        let replaces = set.lost.pop_front();
        let lifetime = Lifetime::Forever;
        self.create_pod(host, NewPod { spec, workload, name, lifetime, replaces });
        if batch_over {
            self.create_batch(host, workload);
            self.sync_services(host);
        }
    }

    /// Asks so many pods of a service to stop; the sync ends when all requests are answered.
    fn delete_surplus<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        surplus: usize,
    ) {
        let pods = self.first_to_delete(workload, surplus, host.now);
        let sets = &mut self.control.memory.replicas;
        let mut answered = host.now;
        for (pod, uid) in pods {
            sets.sets[workload].deletions.insert(uid);
            answered = sets.client.send(host.now, 1) + self.timing.request;
            let cause = DeletionCause::ScaleDown;
            host.store_at(answered, Event::DeletionArrives { pod, uid, cause });
        }
        host.turn(answered, Event::SyncEnds { workload });
    }

    /// The deletions of a sync are answered.
    pub(in crate::sim) fn sync_ends<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
    ) {
        self.control.memory.replicas.put_back(workload);
        self.sync_services(host);
    }

    /// The pods of a service that are deleted first, as the controller sees them.
    fn first_to_delete(
        &self,
        workload: WorkloadId,
        count: usize,
        now: Time,
    ) -> Vec<(PodId, PodUid)> {
        let view = self.control.feed.view(&self.store);
        let mut pods: Vec<(PodId, &PodView)> = view
            .pods()
            .filter(|(_, pod)| {
                pod.workload == workload && !pod.deleting && !pod.phase.is_terminal()
            })
            .collect();
        pods.sort_unstable_by_key(|(_, pod)| pod.uid);
        let found = ranks(pods.iter().map(|(_, pod)| pod.node), std::iter::empty());
        let ranked: Vec<RankedPod<u64>> =
            pods.iter().zip(found).map(|((row, pod), rank)| self.ranked(*row, pod, rank)).collect();
        let order = deletion_order(&ranked, now);
        order.into_iter().take(count).map(|at| (pods[at].0, pods[at].1.uid)).collect()
    }

    fn ranked(&self, row: PodId, pod: &PodView, rank: u32) -> RankedPod<u64> {
        let ready = pod.phase == PodPhase::Ready;
        let since = self.control.memory.replicas.ready_since.get(row).copied();
        let key = pod.name.key(&self.catalog.names);
        // Kubelets report restarts within a status that is at most seconds old.
        let program = self.fleet.program(row).filter(|program| program.uid == pod.uid);
        let restarts = |role| program.map_or(0, |program| program.restarts(role));
        RankedPod {
            node: pod.node,
            phase: match pod.phase {
                PodPhase::Pending => DeletionPhase::Pending,
                _ => DeletionPhase::Running,
            },
            ready_since: since.filter(|_| ready).map(Time::truncate_to_second),
            deletion_cost: self.catalog.pod_spec(pod.spec).deletion_cost,
            rank,
            restarts: restarts(Role::Main),
            sidecar_restarts: restarts(Role::Sidecar),
            created: pod.created.truncate_to_second(),
            uid: self.draws.stream(POD_UID, key, 0).bits64(),
        }
    }

    /// A pod of a service that is already there counts, and its number is not given again.
    pub(in crate::sim) fn adopt_number(&mut self, workload: WorkloadId, name: PodName) {
        let (stem, number, digits) = name.parts();
        let owner = self.catalog.names.text(self.catalog.workloads[workload].name);
        let own_stem = self.catalog.names.text(stem).strip_suffix('-') == Some(owner);
        if own_stem && digits > 0 {
            self.control.memory.replicas.number_taken(workload, number);
        }
    }
}
