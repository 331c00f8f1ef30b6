//! The ReplicaSet controller: five workers over one queue of sets, one client.
//!
//! A sync that changes something lasts until its requests are answered, and the next one of the
//! same set waits until the pods that it asked for, or asked to stop, have been seen. Each sync
//! ends with writing what the set has, if that is new.

use super::recorder::Recorder;
use super::work_queue::WorkQueue;
use super::{Client, Duty};
use crate::ground::{Id, Purpose, Table, Time};
use crate::journal::{DeletionCause, Fact, Sink};
use crate::model::{
    Change, Lifetime, NodeId, PodId, PodName, PodPhase, PodSpecId, PodUid, PodView, ReplicaSetId,
    ReplicaSetStatus, WorkloadId,
};
use crate::policy::Cx;
use crate::policy::kube::control::{
    DeletionPhase, RankedPod, SlowStart, deletion_order, missing_replicas, ranks,
    replica_set_census, surplus_replicas,
};
use crate::policy::kube::kubelet::Role;
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::world::{NewPod, World};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Sets that are synced at the same time (`--concurrent-replicaset-syncs`).
const WORKERS: u32 = 5;

/// Purpose of the draw that stands for the unique identifier of a pod, which is random upstream.
const POD_UID: Purpose = Purpose::new("pod-uid");

/// A pod of a set that is neither terminating nor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Member {
    pod: PodId,
    /// Since when it is ready, in whole seconds as the API has times.
    ready: Option<Time>,
}

/// What the controller remembers of one set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Set {
    members: BTreeMap<PodUid, Member>,
    /// When it is looked at because a ready pod becomes available.
    look: Option<Time>,
    /// Pods asked for and not seen yet.
    creations: u32,
    /// Pods asked to stop and not seen to do so yet.
    deletions: BTreeSet<PodUid>,
    /// Creations of the present sync that are still to be sent.
    start: SlowStart,
    /// Creations of the present batch that are not answered yet.
    unanswered: u32,
    /// What the present sync is going to write.
    status: ReplicaSetStatus,
}

/// What the controller remembers of a workload.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Family {
    /// Pods created so far: the number of the next one.
    created: u32,
    /// Lost pods that nobody has taken the place of.
    lost: VecDeque<PodUid>,
    /// Pods that are there and have not ended, by set, terminating ones too.
    present: BTreeMap<ReplicaSetId, u32>,
}

/// The controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ReplicaSets {
    pub(super) client: Client,
    recorder: Recorder<ReplicaSetId>,
    sets: Table<ReplicaSetId, Set>,
    families: BTreeMap<WorkloadId, Family>,
    /// The set that a pod belongs to, by row.
    set_of: Table<PodId, Option<ReplicaSetId>>,
    queue: WorkQueue<ReplicaSetId>,
}

impl ReplicaSets {
    pub(super) fn new() -> ReplicaSets {
        ReplicaSets {
            client: Client::default(),
            recorder: Recorder::new(),
            sets: Table::new(),
            families: BTreeMap::new(),
            set_of: Table::new(),
            queue: WorkQueue::new(WORKERS),
        }
    }

    fn set(&mut self, set: ReplicaSetId) -> &mut Set {
        while self.sets.len() <= set.index() {
            self.sets.push(Set::default());
        }
        &mut self.sets[set]
    }

    /// The set that the pod in a row belongs to.
    pub(super) fn set_of(&self, pod: PodId) -> Option<ReplicaSetId> {
        self.set_of.get(pod).copied().flatten()
    }

    /// True if the controller waits for a pod of this workload to appear.
    pub(super) fn expects(&self, cx: Cx<'_>, workload: WorkloadId) -> bool {
        let mut sets = cx.view.rollouts().sets_of(workload);
        sets.any(|(set, _)| self.sets.get(set).is_some_and(|set| set.creations > 0))
    }

    /// The names of pods that are there already are not given again: numbers go on after this one.
    pub(super) fn number_taken(&mut self, workload: WorkloadId, number: u32) {
        let family = self.families.entry(workload).or_default();
        family.created = family.created.max(number.saturating_add(1));
    }

    /// Pods of a set that are there and have not ended, terminating ones too.
    pub(super) fn unfinished(&self, workload: WorkloadId, set: ReplicaSetId) -> u32 {
        let family = self.families.get(&workload);
        family.and_then(|family| family.present.get(&set)).copied().unwrap_or(0)
    }

    /// Takes note of a change that concerns a pod of a set; what is to be done about it.
    pub(super) fn observe(&mut self, cx: Cx<'_>, at: Time, change: &Change) -> Option<Duty> {
        match *change {
            Change::PodAdded { pod, uid, spec, workload, .. } => {
                let mut sets = cx.view.rollouts().sets_of(workload);
                // A pod of another template was there before the run: it belongs to the first set.
                let first = sets.next()?;
                let fits = std::iter::once(first).chain(sets).find(|(_, s)| s.template == spec);
                let (set, _) = fits.unwrap_or(first);
                self.pod_appears(pod, uid, set, workload)
            }
            Change::PodPhase { pod, phase } if !phase.is_terminal() => {
                let row = cx.view.pod(pod)?;
                let set = self.set_of(pod)?;
                let ready = (phase == PodPhase::Ready).then(|| at.truncate_to_second());
                self.readiness(set, row.uid, ready).then_some(Duty::Sync(set))
            }
            Change::ReplicaSetRemoved { set } => {
                self.recorder.forget(&set);
                None
            }
            Change::ReplicaSetWritten { set, .. } | Change::ReplicaSetAdded { set, .. } => {
                Some(Duty::Sync(set))
            }
            // Terminating pods are present until they have ended.
            Change::PodPhase { pod, .. } => self.pod_ends(cx, pod),
            Change::PodRemoved { pod } => {
                let duty = self.pod_ends(cx, pod);
                if let Some(set) = self.set_of.get_mut(pod) {
                    *set = None;
                }
                duty
            }
            _ => None,
        }
    }

    fn pod_appears(
        &mut self,
        pod: PodId,
        uid: PodUid,
        set: ReplicaSetId,
        workload: WorkloadId,
    ) -> Option<Duty> {
        while self.set_of.len() <= pod.index() {
            self.set_of.push(None);
        }
        self.set_of[pod] = Some(set);
        *self.families.entry(workload).or_default().present.entry(set).or_default() += 1;
        let row = self.set(set);
        row.members.insert(uid, Member { pod, ready: None });
        let expected = row.creations > 0;
        row.creations -= u32::from(expected);
        (row.creations == 0).then_some(Duty::Sync(set))
    }

    /// A member is ready since, or is not any more; true if that is new.
    fn readiness(&mut self, set: ReplicaSetId, uid: PodUid, since: Option<Time>) -> bool {
        let row = self.set(set);
        let Some(member) = row.members.get_mut(&uid) else { return false };
        let changes = member.ready.is_some() != since.is_some();
        if changes {
            member.ready = since;
        }
        changes
    }

    /// A pod is not there any more, or has ended, and was until now.
    fn pod_ends(&mut self, cx: Cx<'_>, pod: PodId) -> Option<Duty> {
        let view = cx.view.pod(pod)?;
        let set = self.set_of(pod)?;
        if view.phase.is_terminal() {
            return None;
        }
        let family = self.families.entry(view.workload).or_default();
        let present = family.present.get_mut(&set).expect("a pod of a set is counted");
        *present -= 1;
        if *present > 0 {
            return None;
        }
        family.present.remove(&set);
        // Recreate waits for the last pod of the old templates.
        cx.view.rollouts().deployment(view.workload)?;
        Some(Duty::SyncDeployment(view.workload))
    }

    /// A pod stops counting for its set. `replaced`: its owner wants another in its place.
    pub(super) fn pod_leaves(
        &mut self,
        pod: PodId,
        view: &PodView,
        replaced: bool,
    ) -> Option<Duty> {
        let set = self.set_of(pod)?;
        let row = self.set(set);
        row.members.remove(&view.uid)?;
        let asked_to = row.deletions.remove(&view.uid);
        if replaced && !asked_to {
            self.families.entry(view.workload).or_default().lost.push_back(view.uid);
        }
        Some(Duty::Sync(set))
    }
}

impl World {
    pub(in crate::sim) fn enqueue_sync<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        set: ReplicaSetId,
    ) {
        self.control.memory.replicas.queue.add(set);
        self.sync_sets(host);
    }

    /// Lets free workers sync what waits.
    fn sync_sets<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        if !self.control.memory.replicas.queue.starts() {
            return;
        }
        while let Some(set) = self.control.memory.replicas.queue.take() {
            self.sync_set(host, set);
        }
    }

    pub(in crate::sim) fn set_is_done<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        set: ReplicaSetId,
    ) {
        self.control.memory.replicas.queue.put_back(set);
        self.sync_sets(host);
    }

    /// One sync of a set: creates the pods that it lacks, or deletes those that it has too many.
    fn sync_set<S: Sink>(&mut self, host: &mut Host<'_, S>, id: ReplicaSetId) {
        let view = self.control.feed.view(&self.store);
        let sets = &mut self.control.memory.replicas;
        let Some(row) = view.rollouts().set(id) else {
            sets.queue.put_back(id);
            return;
        };
        let (wanted, min_ready, generation) =
            (row.spec.replicas, row.spec.min_ready, row.generation);
        let set = sets.set(id);
        let ready = set.members.values().map(|member| member.ready);
        let census = replica_set_census(ready, min_ready, generation, host.now);
        let active = census.status.replicas;
        set.status = census.status;
        if let Some(at) = census.next_available.filter(|at| set.look != Some(*at)) {
            set.look = Some(at);
            host.turn(at, Event::SetLooks { set: id });
        }
        let waits = set.creations > 0 || !set.deletions.is_empty();
        let missing = missing_replicas(wanted, active);
        let surplus = surplus_replicas(wanted, active);
        if waits || missing + surplus == 0 {
            self.write_set_status(host, id);
        } else if missing > 0 {
            set.creations = missing;
            set.start = SlowStart::new(missing);
            self.create_batch(host, id);
        } else {
            self.delete_surplus(host, id, surplus as usize);
        }
    }

    /// Sends the next batch of creations, or ends the sync.
    fn create_batch<S: Sink>(&mut self, host: &mut Host<'_, S>, id: ReplicaSetId) {
        let sets = &mut self.control.memory.replicas;
        let set = &mut sets.sets[id];
        set.unanswered = set.start.next_batch();
        if set.unanswered == 0 {
            self.write_set_status(host, id);
            return;
        }
        for _ in 0..set.unanswered {
            let sent = sets.client.send(host.now, 1);
            host.store_at(sent + self.timing.request, Event::ReplicaArrives { set: id });
        }
    }

    pub(in crate::sim) fn replica_arrives<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        id: ReplicaSetId,
    ) {
        // Pods of a set that was deleted meanwhile are refused, as the owner is looked for.
        let row = self.store.truth.rollouts().set(id).copied();
        let set = &mut self.control.memory.replicas.sets[id];
        set.unanswered -= 1;
        let batch_over = set.unanswered == 0;
        match row {
            Some(row) => {
                self.create_replica(host, row.workload, row.template);
                self.record_events(host, id, 1);
            }
            None => set.creations -= 1,
        }
        if batch_over {
            self.create_batch(host, id);
        }
    }

    fn create_replica<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        spec: PodSpecId,
    ) {
        let stem = format!("{}-", self.catalog.names.text(self.catalog.workloads[workload].name));
        let stem = self.catalog.names.intern(&stem);
        let family = self.control.memory.replicas.families.entry(workload).or_default();
        let name = PodName::numbered(stem, family.created);
        family.created += 1;
        let replaces = family.lost.pop_front();
        let lifetime = Lifetime::Forever;
        self.introduce_pod_spec_once(host, spec);
        self.create_pod(host, NewPod { spec, workload, name, lifetime, replaces });
    }

    /// Asks so many pods of a set to stop; what it has is written when all are answered.
    fn delete_surplus<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        id: ReplicaSetId,
        surplus: usize,
    ) {
        let pods = self.first_to_delete(id, surplus, host.now);
        let sets = &mut self.control.memory.replicas;
        let mut answered = host.now;
        let count = pods.len() as u32;
        for (pod, uid) in pods {
            sets.sets[id].deletions.insert(uid);
            answered = sets.client.send(host.now, 1) + self.timing.request;
            let cause = DeletionCause::ScaleDown;
            host.store_at(answered, Event::DeletionArrives { pod, uid, cause });
        }
        host.turn(answered, Event::DeletionsAnswered { set: id, pods: count });
    }

    pub(in crate::sim) fn deletions_answered<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        id: ReplicaSetId,
        pods: u32,
    ) {
        self.record_events(host, id, pods);
        self.write_set_status(host, id);
    }

    /// Tells users about what was done to pods of a set, an Event for each.
    fn record_events<S: Sink>(&mut self, host: &mut Host<'_, S>, id: ReplicaSetId, pods: u32) {
        let sets = &mut self.control.memory.replicas;
        if sets.client.is_limited() {
            (0..pods).for_each(|_| sets.recorder.record(id, host.now));
            self.send_event(host);
        }
    }

    fn send_event<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let sets = &mut self.control.memory.replicas;
        if sets.recorder.next() {
            let sent = sets.client.send(host.now, 1);
            host.turn(sent + self.timing.request * 2, Event::SetEventAnswered);
        }
    }

    pub(in crate::sim) fn set_event_answered<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        self.control.memory.replicas.recorder.sent();
        self.send_event(host);
    }

    /// Writes what a set has, if that is new, and ends the sync.
    pub(in crate::sim) fn write_set_status<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        id: ReplicaSetId,
    ) {
        let row = self.control.feed.view(&self.store).rollouts().set(id).copied();
        let sets = &mut self.control.memory.replicas;
        match row {
            Some(row) if row.status != sets.sets[id].status => {
                let at = sets.client.send(host.now, 1) + self.timing.request;
                host.store_at(at, Event::SetStatusArrives { set: id, version: row.version });
            }
            _ => self.set_is_done(host, id),
        }
    }

    pub(in crate::sim) fn set_status_arrives<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        id: ReplicaSetId,
        version: u32,
    ) {
        let row = self.store.truth.rollouts().set(id).copied();
        let status = self.control.memory.replicas.sets[id].status;
        match row {
            Some(row) if row.version != version => {
                // It is read again, and written once more.
                let client = &mut self.control.memory.replicas.client;
                let at = client.send(host.now, 2) + self.timing.request * 2;
                host.store_at(at, Event::SetStatusArrives { set: id, version: row.version });
                return;
            }
            Some(row) if row.status != status => {
                host.fact(Fact::ReplicaSetObserved {
                    set: id,
                    replicas: status.replicas,
                    ready: status.ready,
                    available: status.available,
                });
                self.commit(host, Change::ReplicaSetObserved { set: id, status });
            }
            _ => {}
        }
        // The answer takes as long as the request.
        host.turn(host.now + self.timing.request, Event::SetStatusAnswered { set: id });
    }

    /// The pods of a set that are deleted first, as the controller sees them.
    fn first_to_delete(&self, id: ReplicaSetId, count: usize, now: Time) -> Vec<(PodId, PodUid)> {
        let view = self.control.feed.view(&self.store);
        let sets = &self.control.memory.replicas;
        let pods: Vec<(PodUid, Member)> =
            sets.sets[id].members.iter().map(|(uid, member)| (*uid, *member)).collect();
        let rows: Vec<&PodView> =
            pods.iter().filter_map(|(_, member)| view.pod(member.pod)).collect();
        debug_assert_eq!(rows.len(), pods.len(), "members are there");
        let workload = view.rollouts().set(id).map(|set| set.workload);
        let siblings = workload.into_iter().flat_map(|workload| {
            view.rollouts().sets_of(workload).filter(|(other, _)| *other != id)
        });
        let elsewhere: Vec<Option<NodeId>> = siblings
            .filter_map(|(other, _)| sets.sets.get(other))
            .flat_map(|set| set.members.values())
            .filter_map(|member| Some(view.pod(member.pod)?.node))
            .collect();
        let found = ranks(rows.iter().map(|row| row.node), elsewhere.into_iter());
        let ranked: Vec<RankedPod<u64>> = pods
            .iter()
            .zip(&rows)
            .zip(found)
            .map(|(((_, member), row), rank)| self.ranked(*member, row, rank))
            .collect();
        let order = deletion_order(&ranked, now);
        order.into_iter().take(count).map(|at| (pods[at].1.pod, pods[at].0)).collect()
    }

    fn ranked(&self, member: Member, pod: &PodView, rank: u32) -> RankedPod<u64> {
        let key = pod.name.key(&self.catalog.names);
        // Kubelets report restarts within a status that is at most seconds old.
        let program = self.fleet.program(member.pod).filter(|program| program.uid == pod.uid);
        let restarts = |role| program.map_or(0, |program| program.restarts(role));
        RankedPod {
            node: pod.node,
            phase: match pod.phase {
                PodPhase::Pending => DeletionPhase::Pending,
                _ => DeletionPhase::Running,
            },
            ready_since: member.ready,
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
