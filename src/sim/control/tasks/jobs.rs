//! What the Job controller remembers, and what it makes of a change.

use super::TaskDuty;
use crate::ground::{Name, Time};
use crate::model::{Change, Condition, JobId, PodId, PodPhase, PodUid, TaskChange, WorkloadId};
use crate::policy::Cx;
use crate::policy::kube::control::{
    FailedPodFacts, IndexFailures, JOB_SYNC_BATCH, JobPod, JobPodPhase, JobSpec, JobStatus,
    NewJobPod, SlowStart,
};
use crate::sim::control::client::Client;
use crate::sim::control::work_queue::WorkQueue;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Jobs that are synced at the same time (`--concurrent-job-syncs`).
const WORKERS: u32 = 5;

/// A pod of a Job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    /// Its row, once the controller has seen it.
    pub(super) pod: Option<PodId>,
    /// The controller created it and waits to see it.
    expected: bool,
    index: Option<u32>,
    failures: IndexFailures,
    phase: JobPodPhase,
    terminating: bool,
    pub(super) counted: bool,
    /// It is not in the store any more, or would not be without its finalizer.
    pub(super) gone: bool,
    bound: bool,
    created: Time,
    ended: Time,
    /// When its last container ended, as its last status says.
    pub(super) exited: Option<Time>,
    /// Exit codes of its containers, as its last status says.
    pub(super) exits: Vec<(Name, i32)>,
    /// It was disrupted: its condition DisruptionTarget.
    pub(super) disrupted: bool,
}

impl Member {
    /// A pod about to be created.
    pub(super) fn new(new: NewJobPod, expected: bool) -> Member {
        Member {
            pod: None,
            expected,
            index: new.index,
            failures: new.index_failures,
            phase: JobPodPhase::Pending,
            terminating: false,
            counted: false,
            gone: false,
            bound: false,
            created: Time::ZERO,
            ended: Time::ZERO,
            exited: None,
            exits: Vec::new(),
            disrupted: false,
        }
    }

    /// As the policy sees it; `restarts`: of all containers together, and the most of one.
    pub(super) fn seen<'m>(
        &'m self,
        disruption: &'m [(Name, Condition)],
        (restarts, most_restarts): (u32, u32),
    ) -> JobPod<'m> {
        JobPod {
            phase: self.phase,
            terminating: self.terminating,
            counted: self.counted,
            index: self.index,
            index_failures: self.failures,
            bound: self.bound,
            created: self.created,
            ended: self.ended,
            restarts,
            most_restarts,
            facts: FailedPodFacts {
                exits: &self.exits,
                conditions: if self.disrupted { disruption } else { &[] },
            },
        }
    }

    fn ends(&mut self, phase: JobPodPhase, at: Time) {
        if !matches!(self.phase, JobPodPhase::Succeeded | JobPodPhase::Failed) {
            self.phase = phase;
            self.ended = self.exited.unwrap_or(at).truncate_to_second();
        }
    }
}

/// How far a sync is that waits for answers. Upstream counts a pod in two writes of the status,
/// between which it takes the finalizers off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Pods are to be deleted.
    Delete,
    /// Pods are to be created.
    Create,
    /// Pods that ended are to be listed in the status.
    List,
    /// Finalizers are to be taken off.
    Release,
    /// The status is to be written.
    Write,
    /// The status was sent.
    Written,
}

/// What is left of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Work {
    pub(super) stage: Stage,
    pub(super) delete: Vec<PodUid>,
    pub(super) create: VecDeque<NewJobPod>,
    pub(super) start: SlowStart,
    /// Creations of the present batch that are not answered yet.
    pub(super) unanswered: u32,
    pub(super) counted: Vec<PodUid>,
    pub(super) status: JobStatus,
    pub(super) next_look: Option<Time>,
}

/// What the controller remembers of one Job.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) status: JobStatus,
    pub(super) members: BTreeMap<PodUid, Member>,
    /// Pods asked for and not seen yet.
    pub(super) creations: u32,
    /// Pods asked to stop and not seen to do so yet.
    pub(super) deletions: BTreeSet<PodUid>,
    /// Pods created so far, of each index.
    pub(super) created: BTreeMap<Option<u32>, u32>,
    pub(super) work: Option<Work>,
    /// When it is looked at.
    pub(super) look: Option<Time>,
}

/// The controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sim::control) struct Jobs {
    pub(in crate::sim::control) client: Client,
    /// The client of the controller that deletes Jobs some time after their end.
    pub(in crate::sim::control) ttl_client: Client,
    pub(super) queue: WorkQueue<JobId>,
    /// What the Jobs of each workload are to be.
    pub(super) specs: BTreeMap<WorkloadId, JobSpec>,
    pub(super) rows: BTreeMap<JobId, Row>,
    /// The Job of each of their pods.
    of: BTreeMap<PodUid, JobId>,
}

impl Jobs {
    pub(super) fn new() -> Jobs {
        Jobs {
            client: Client::default(),
            ttl_client: Client::default(),
            queue: WorkQueue::new(WORKERS),
            specs: BTreeMap::new(),
            rows: BTreeMap::new(),
            of: BTreeMap::new(),
        }
    }

    /// The Job of a pod.
    pub(in crate::sim::control) fn job_of(&self, pod: PodUid) -> Option<JobId> {
        self.of.get(&pod).copied()
    }

    /// A pod of a Job that is about to be created.
    pub(super) fn expect(&mut self, job: JobId, uid: PodUid, member: Member) {
        self.of.insert(uid, job);
        self.rows.entry(job).or_default().members.insert(uid, member);
    }

    /// What is known of a pod, if it is one of a Job.
    pub(super) fn member(&mut self, uid: PodUid) -> Option<&mut Member> {
        let job = self.of.get(&uid)?;
        self.rows.get_mut(job)?.members.get_mut(&uid)
    }

    /// A Job is no more.
    pub(super) fn forget(&mut self, job: JobId) {
        let Some(row) = self.rows.remove(&job) else { return };
        for uid in row.members.keys() {
            self.of.remove(uid);
        }
    }

    /// Pods that are counted and gone are not looked at any more.
    pub(super) fn drop_counted(&mut self, job: JobId) {
        let Some(row) = self.rows.get_mut(&job) else { return };
        let of = &mut self.of;
        row.members.retain(|uid, member| {
            let kept = !(member.gone && member.counted);
            if !kept {
                of.remove(uid);
            }
            kept
        });
    }

    /// True if a change of a pod concerns the controller.
    pub(super) fn cares_about(&self, cx: Cx<'_>, change: &Change) -> bool {
        match *change {
            Change::Task(TaskChange::JobAdded { .. } | TaskChange::JobRemoved { .. }) => true,
            Change::PodAdded { uid, .. } => self.of.contains_key(&uid),
            Change::PodBound { pod, .. }
            | Change::PodPhase { pod, .. }
            | Change::PodDeleting { pod }
            | Change::PodRemoved { pod } => {
                !self.of.is_empty()
                    && cx.view.pod(pod).is_some_and(|view| self.of.contains_key(&view.uid))
            }
            _ => false,
        }
    }

    /// Takes note of a change, made at `at`; what is to be done about it.
    pub(in crate::sim::control) fn observe(
        &mut self,
        cx: Cx<'_>,
        at: Time,
        change: &Change,
    ) -> Option<TaskDuty> {
        let pod = match *change {
            Change::Task(TaskChange::JobAdded { job, .. } | TaskChange::JobRemoved { job }) => {
                return Some(TaskDuty::Job(job, cx.now));
            }
            Change::PodAdded { pod, uid, created, .. } => {
                let job = self.job_of(uid)?;
                let row = self.rows.get_mut(&job)?;
                let member = row.members.get_mut(&uid)?;
                member.pod = Some(pod);
                member.created = created.truncate_to_second();
                row.creations -= u32::from(member.expected);
                return Some(TaskDuty::Job(job, cx.now + JOB_SYNC_BATCH));
            }
            Change::PodBound { pod, .. }
            | Change::PodPhase { pod, .. }
            | Change::PodDeleting { pod }
            | Change::PodRemoved { pod } => pod,
            _ => return None,
        };
        if self.of.is_empty() {
            return None;
        }
        let uid = cx.view.pod(pod)?.uid;
        let job = self.job_of(uid)?;
        let row = self.rows.get_mut(&job)?;
        let member = row.members.get_mut(&uid)?;
        match *change {
            Change::PodBound { .. } => member.bound = true,
            Change::PodPhase { phase: PodPhase::Succeeded, .. } => {
                member.ends(JobPodPhase::Succeeded, at);
            }
            Change::PodPhase { phase: PodPhase::Failed, .. } => {
                member.ends(JobPodPhase::Failed, at);
            }
            Change::PodPhase { phase, .. } => {
                let ready = (phase == PodPhase::Ready).then(|| at.truncate_to_second());
                member.phase = JobPodPhase::Running(ready);
            }
            Change::PodDeleting { .. } => {
                if !member.terminating {
                    member.terminating = true;
                    member.ended = at.truncate_to_second();
                }
                row.deletions.remove(&uid);
            }
            _ => {
                member.ends(JobPodPhase::Failed, at);
                member.gone = true;
                row.deletions.remove(&uid);
                self.drop_counted(job);
            }
        }
        Some(TaskDuty::Job(job, cx.now + JOB_SYNC_BATCH))
    }
}
