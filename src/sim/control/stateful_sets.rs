//! The StatefulSet controller: five workers over one queue of sets, one client.
//!
//! A sync sends its writes step by step: a revision, then pods batch by batch, then what the set
//! has, then old revisions. A refused pod ends the batches of the sync, and the set is synced again
//! after a while. The missing claims of a pod are sent with it, and reach the store just before it.

use super::recorder::Recorder;
use super::work_queue::WorkQueue;
use super::{Client, Duty};
use crate::ground::Time;
use crate::journal::{DeletionCause, Fact, Sink};
use crate::model::{
    Change, Lifetime, PodId, PodName, PodPhase, PodSpecId, PodUid, StatefulSet, StatefulSetRecord,
    WorkloadId,
};
use crate::policy::Cx;
use crate::policy::kube::control::{
    ControllerRevision, HistoryLimit, RevisionWrite, StatefulAct, StatefulPhase, StatefulPod,
    StatefulSetView, latest_revision, surplus_revisions, sync_stateful_set,
};
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::world::{NewPod, World};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Sets that are synced at the same time (`--concurrent-statefulset-syncs`).
const WORKERS: u32 = 5;

/// A pod of a set that is there, in whatever state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Member {
    pod: PodId,
    ordinal: u32,
    revision: PodSpecId,
    /// Since when it is ready, in whole seconds as the API has times.
    ready: Option<Time>,
}

/// What is sent together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    /// A revision is created or gets another number.
    Revision(ControllerRevision<PodSpecId>),
    /// Pods come or go.
    Pods(Vec<PodAct>),
    /// Writes what the set has.
    Record(StatefulSetRecord, u32),
    /// An old revision is deleted.
    Forget(PodSpecId),
}

/// A pod that comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum PodAct {
    /// It is created, with so many claims that are missing.
    Create { ordinal: u32, revision: PodSpecId, claims: u32 },
    /// It is asked to stop.
    Delete { pod: PodId, uid: PodUid, cause: DeletionCause },
}

/// What the controller remembers of one set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Family {
    members: BTreeMap<PodUid, Member>,
    /// Pods that went without having been asked to by the controller, by ordinal.
    lost: BTreeMap<u32, PodUid>,
    /// Pods that the controller asked to stop and that are still there.
    asked: BTreeSet<PodUid>,
    /// What is left of the present sync.
    steps: VecDeque<Step>,
    /// The present sync was refused a pod.
    refused: bool,
    /// When it is looked at because a ready pod becomes available, or because a sync failed.
    look: Option<Time>,
}

/// The controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StatefulSetLoop {
    pub(super) client: Client,
    recorder: Recorder<WorkloadId>,
    queue: WorkQueue<WorkloadId>,
    families: BTreeMap<WorkloadId, Family>,
}

impl StatefulSetLoop {
    pub(super) fn new() -> StatefulSetLoop {
        StatefulSetLoop {
            client: Client::default(),
            recorder: Recorder::new(),
            queue: WorkQueue::new(WORKERS),
            families: BTreeMap::new(),
        }
    }

    /// Takes note of a change; what is to be done about it.
    pub(super) fn observe(&mut self, cx: Cx<'_>, at: Time, change: &Change) -> Option<Duty> {
        let workload = match *change {
            Change::StatefulSetWritten { workload, .. }
            | Change::StatefulSetObserved { workload, .. } => workload,
            Change::PodAdded { pod, uid, spec, workload, name, .. } => {
                let set = cx.view.stateful_sets().get(workload)?;
                let own = cx.catalog.names.text(cx.catalog.workloads[workload].name);
                let ordinal = name.ordinal_in(own, &cx.catalog.names)?;
                // A pod that was there before the run is taken to be of the template of then.
                let known = set.revisions.iter().any(|(template, _)| *template == spec);
                let revision = if known { spec } else { set.goal.template };
                let member = Member { pod, ordinal, revision, ready: None };
                self.families.entry(workload).or_default().members.insert(uid, member);
                workload
            }
            Change::PodPhase { pod, .. }
            | Change::PodDeleting { pod }
            | Change::PodRemoved { pod } => {
                let row = cx.view.pod(pod)?;
                let family = self.families.get_mut(&row.workload)?;
                let member = family.members.get_mut(&row.uid)?;
                match *change {
                    Change::PodPhase { phase: PodPhase::Ready, .. } if member.ready.is_none() => {
                        member.ready = Some(at.truncate_to_second());
                    }
                    Change::PodPhase { phase, .. } if phase != PodPhase::Ready => {
                        member.ready = None;
                    }
                    Change::PodRemoved { .. } => {
                        let ordinal = member.ordinal;
                        family.members.remove(&row.uid);
                        if !family.asked.remove(&row.uid) {
                            family.lost.insert(ordinal, row.uid);
                        }
                    }
                    _ => {}
                }
                row.workload
            }
            _ => return None,
        };
        Some(Duty::SyncStatefulSet(workload))
    }
}

/// The pods of a set as the policy sees them.
fn policy_pods(cx: Cx<'_>, family: &Family) -> Vec<StatefulPod<PodSpecId>> {
    let pods = family.members.values().filter_map(|member| {
        let row = cx.view.pod(member.pod)?;
        let phase = match row.phase {
            PodPhase::Pending => StatefulPhase::Pending,
            phase if phase.is_terminal() => StatefulPhase::Ended,
            _ => StatefulPhase::Running(member.ready),
        };
        let (ordinal, revision, terminating) = (member.ordinal, member.revision, row.deleting);
        Some(StatefulPod { ordinal, revision, phase, terminating })
    });
    pods.collect()
}

/// The revisions of a set as the policy sees them.
pub(in crate::sim) fn revisions_of(set: &StatefulSet) -> Vec<ControllerRevision<PodSpecId>> {
    let revision = |(template, number): &(PodSpecId, u32)| {
        let (template, number) = (*template, *number);
        ControllerRevision { template, number }
    };
    set.revisions.iter().map(revision).collect()
}

impl World {
    pub(super) fn enqueue_stateful_set<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
    ) {
        self.control.memory.stateful_sets.queue.add(workload);
        self.sync_stateful_sets(host);
    }

    /// The time to look at a set has come, unless it was put off.
    pub(in crate::sim) fn stateful_set_looks<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
    ) {
        let family = self.control.memory.stateful_sets.families.entry(workload).or_default();
        if family.look == Some(host.now) {
            family.look = None;
            self.enqueue_stateful_set(host, workload);
        }
    }

    /// Lets free workers sync what waits.
    fn sync_stateful_sets<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        if !self.control.memory.stateful_sets.queue.starts() {
            return;
        }
        while let Some(workload) = self.control.memory.stateful_sets.queue.take() {
            self.sync_stateful_set(host, workload);
        }
    }

    fn sync_stateful_set<S: Sink>(&mut self, host: &mut Host<'_, S>, workload: WorkloadId) {
        let view = self.control.feed.view(&self.store);
        let Some(set) = view.stateful_sets().get(workload) else {
            self.control.memory.stateful_sets.queue.put_back(workload);
            return;
        };
        let cx = crate::sim::world::cx(&self.catalog, view, host.now, self.draws);
        let none = Family::default();
        let family = self.control.memory.stateful_sets.families.get(&workload).unwrap_or(&none);
        let pods = policy_pods(cx, family);
        let revisions = revisions_of(set);
        let update = set.goal.template;
        let current = set.record.map_or(update, |record| record.current);
        let sync = sync_stateful_set(
            &StatefulSetView {
                spec: set.goal.spec,
                deleting: false,
                current,
                update,
                pods: &pods,
                stale_claims: &[],
            },
            host.now,
        );
        let mut steps = VecDeque::new();
        steps.extend(latest_revision(&revisions, update).map(|write| match write {
            RevisionWrite::Create(revision) | RevisionWrite::Renumber(revision) => {
                Step::Revision(revision)
            }
        }));
        for batch in &sync.batches {
            let acts = batch.iter().filter_map(|act| self.pod_act(workload, set, family, act));
            let mut acts: Vec<PodAct> = acts.collect();
            // Each has a goroutine, of which the one that is started last runs first.
            let last = acts.len().min(1);
            acts.rotate_right(last);
            steps.push_back(Step::Pods(acts));
        }
        let record = StatefulSetRecord {
            counts: sync.status,
            current: sync.current,
            update,
            observed: set.generation,
        };
        if set.record != Some(record) {
            steps.push_back(Step::Record(record, set.version));
        }
        let in_use = |template: PodSpecId| {
            template == current || pods.iter().any(|pod| pod.revision == template)
        };
        let limit = HistoryLimit::Unused(set.goal.history_limit);
        let surplus = surplus_revisions(&revisions, update, in_use, limit);
        steps.extend(surplus.into_iter().map(Step::Forget));
        let family = self.control.memory.stateful_sets.families.entry(workload).or_default();
        family.steps = steps;
        family.refused = false;
        if let Some(at) = sync.next_available
            && family.look != Some(at)
        {
            family.look = Some(at);
            host.turn(at, Event::StatefulSetLooks { workload });
        }
        self.stateful_step(host, workload);
    }

    /// What a decision means for a pod; `None` if the pod is not there any more.
    fn pod_act(
        &self,
        workload: WorkloadId,
        set: &StatefulSet,
        family: &Family,
        act: &StatefulAct<PodSpecId>,
    ) -> Option<PodAct> {
        match *act {
            StatefulAct::Create { ordinal, revision } => {
                let claims = self.missing_replica_claims(workload, revision, ordinal);
                Some(PodAct::Create { ordinal, revision, claims })
            }
            StatefulAct::Delete { ordinal } => {
                let (uid, member) =
                    family.members.iter().find(|(_, member)| member.ordinal == ordinal)?;
                let cause = if !set.goal.spec.has_ordinal(ordinal) {
                    DeletionCause::ScaleDown
                } else {
                    DeletionCause::Update
                };
                Some(PodAct::Delete { pod: member.pod, uid: *uid, cause })
            }
        }
    }

    /// Sends the next step of a sync, or ends it.
    fn stateful_step<S: Sink>(&mut self, host: &mut Host<'_, S>, workload: WorkloadId) {
        let sets = &mut self.control.memory.stateful_sets;
        let family = sets.families.get_mut(&workload).expect("a set that is synced is known");
        let Some(step) = family.steps.front() else {
            let refused = family.refused;
            self.stateful_sync_ends(host, workload, refused);
            return;
        };
        let Step::Pods(acts) = step else {
            let at = sets.client.send(host.now, 1) + self.timing.request;
            host.store_at(at, Event::StatefulWriteArrives { workload });
            return;
        };
        let mut answered = host.now;
        for act in acts {
            match *act {
                PodAct::Create { ordinal, revision, claims } => {
                    answered = sets.client.send(host.now, 1 + claims) + self.timing.request;
                    let event = Event::StatefulPodArrives { workload, ordinal, revision };
                    host.store_at(answered, event);
                }
                PodAct::Delete { pod, uid, cause } => {
                    family.asked.insert(uid);
                    answered = sets.client.send(host.now, 1) + self.timing.request;
                    host.store_at(answered, Event::DeletionArrives { pod, uid, cause });
                }
            }
        }
        host.turn(answered, Event::StatefulPodsAnswered { workload });
    }

    fn stateful_sync_ends<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        refused: bool,
    ) {
        let sets = &mut self.control.memory.stateful_sets;
        if refused {
            let again = sets.queue.failed(workload, host.now);
            let family = sets.families.entry(workload).or_default();
            family.look = Some(again);
            host.turn(again, Event::StatefulSetLooks { workload });
        } else {
            sets.queue.succeeded(workload);
        }
        sets.queue.put_back(workload);
        self.sync_stateful_sets(host);
    }

    /// All pods of a batch are answered.
    pub(in crate::sim) fn stateful_pods_answered<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
    ) {
        let family = self.control.memory.stateful_sets.families.entry(workload).or_default();
        let step = family.steps.pop_front();
        if family.refused {
            family.steps.retain(|step| !matches!(step, Step::Pods(_)));
        }
        if let Some(Step::Pods(acts)) = step {
            self.record_stateful_events(host, workload, &acts);
        }
        self.stateful_step(host, workload);
    }

    /// Tells users about what was done, an Event for each pod and each claim.
    fn record_stateful_events<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        acts: &[PodAct],
    ) {
        let sets = &mut self.control.memory.stateful_sets;
        if !sets.client.is_limited() {
            return;
        }
        for act in acts {
            let claims = match act {
                PodAct::Create { claims, .. } => *claims,
                PodAct::Delete { .. } => 0,
            };
            (0..1 + claims).for_each(|_| sets.recorder.record(workload, host.now));
        }
        self.send_stateful_event(host);
    }

    fn send_stateful_event<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let sets = &mut self.control.memory.stateful_sets;
        if sets.recorder.next() {
            let sent = sets.client.send(host.now, 1);
            host.turn(sent + self.timing.request * 2, Event::StatefulEventAnswered);
        }
    }

    /// The Event of the controller that was on its way is answered.
    pub(in crate::sim) fn stateful_event_answered<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        self.control.memory.stateful_sets.recorder.sent();
        self.send_stateful_event(host);
    }

    /// The creation of a replica reaches the store, which refuses a name that is taken.
    pub(in crate::sim) fn stateful_pod_arrives<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        (ordinal, spec): (u32, PodSpecId),
    ) {
        let own = self.catalog.names.text(self.catalog.workloads[workload].name);
        let stem = format!("{own}-");
        let name = PodName::numbered(self.catalog.names.intern(&stem), ordinal);
        let text = name.text(&self.catalog.names);
        let taken =
            self.store.truth.pods().any(|(_, row)| {
                row.workload == workload && row.name.text(&self.catalog.names) == text
            });
        let gone = self.store.truth.stateful_sets().get(workload).is_none();
        let family = self.control.memory.stateful_sets.families.entry(workload).or_default();
        if taken || gone {
            family.refused = true;
            return;
        }
        let replaces = family.lost.remove(&ordinal);
        self.introduce_pod_spec_once(host, spec);
        let lifetime = Lifetime::Forever;
        self.create_pod(host, NewPod { spec, workload, name, lifetime, replaces });
    }

    /// A write about a set reaches the store.
    pub(in crate::sim) fn stateful_write_arrives<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
    ) {
        let row = self.store.truth.stateful_sets().get(workload);
        let version = row.map(|set| set.version);
        let sets = &mut self.control.memory.stateful_sets;
        let family = sets.families.entry(workload).or_default();
        let step = family.steps.pop_front().expect("a write that was sent is known");
        match (step, version) {
            (Step::Record(record, seen), Some(version)) if version != seen => {
                // It is read again, and written once more.
                family.steps.push_front(Step::Record(record, version));
                let at = sets.client.send(host.now, 2) + self.timing.request * 2;
                host.store_at(at, Event::StatefulWriteArrives { workload });
                return;
            }
            (Step::Revision(revision), Some(_)) => {
                let ControllerRevision { template, number } = revision;
                self.introduce_pod_spec_once(host, template);
                host.fact(Fact::RevisionWritten { workload, spec: template, revision: number });
                self.commit(host, Change::RevisionWritten { workload, template, number });
            }
            (Step::Record(record, _), Some(_)) => {
                let counts = record.counts;
                host.fact(Fact::StatefulSetObserved {
                    workload,
                    replicas: counts.replicas,
                    ready: counts.ready,
                    updated: counts.updated,
                });
                self.commit(host, Change::StatefulSetObserved { workload, record });
            }
            (Step::Forget(template), Some(_)) => {
                host.fact(Fact::RevisionRemoved { workload, spec: template });
                self.commit(host, Change::RevisionRemoved { workload, template });
            }
            (Step::Pods(_), _) => unreachable!("pods are answered as a batch"),
            (_, None) => {}
        }
        self.stateful_step(host, workload);
    }
}
