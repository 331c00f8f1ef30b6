//! Jobs, as one component believes them to be.

use super::{PodSpecId, WorkloadId};
use crate::ground::{Id, Name, Table, Time, define_id};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

define_id! {
    /// A Job, in order of creation; never used again.
    JobId;
}

/// Why a Job is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum JobSuccess {
    /// Enough pods succeeded.
    CompletionsReached = 0,
    /// A rule of its success policy is met.
    SuccessPolicy = 1,
}

/// Why a Job failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum JobFailure {
    /// More pods failed than are forgiven.
    BackoffLimitExceeded = 2,
    /// It was active for too long.
    DeadlineExceeded = 3,
    /// A pod failed in a way that fails the Job.
    PodFailurePolicy = 4,
    /// More indexes failed than may.
    MaxFailedIndexesExceeded = 5,
    /// All indexes have ended, and some of them failed.
    FailedIndexes = 6,
}

/// How a Job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JobOutcome {
    /// Condition SuccessCriteriaMet, then Complete.
    Complete(JobSuccess),
    /// Condition FailureTarget, then Failed.
    Failed(JobFailure),
}

impl JobOutcome {
    /// A number that tells it from the others.
    pub const fn code(self) -> u8 {
        match self {
            JobOutcome::Complete(why) => why as u8,
            JobOutcome::Failed(why) => why as u8,
        }
    }
}

/// What the Job controller last wrote about a Job, as far as others read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JobCounts {
    /// Pods that neither have ended nor are asked to stop.
    pub active: u32,
    /// Pods, or indexes, that succeeded.
    pub succeeded: u32,
    /// Pods that failed.
    pub failed: u32,
    /// How it ended, and when.
    pub end: Option<(JobOutcome, Time)>,
}

/// A Job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The workload that its pods belong to.
    pub workload: WorkloadId,
    /// Name, with its namespace.
    pub name: Name,
    /// What its pods are made of.
    pub template: PodSpecId,
    /// When it was created.
    pub created: Time,
    /// What is written about it.
    pub counts: JobCounts,
}

/// One change of Jobs in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskChange {
    /// A Job was created.
    JobAdded {
        /// Job.
        job: JobId,
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// Its name.
        name: Name,
        /// What its pods are made of.
        template: PodSpecId,
        /// When the store created it.
        created: Time,
    },
    /// The Job controller wrote what a Job has.
    JobObserved {
        /// Job.
        job: JobId,
        /// What it has.
        counts: JobCounts,
    },
    /// A Job is gone.
    JobRemoved {
        /// Job.
        job: JobId,
    },
}

/// Jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    jobs: Table<JobId, Option<Job>>,
    of: BTreeMap<WorkloadId, Vec<JobId>>,
}

impl Tasks {
    /// A Job, if it is there.
    pub fn job(&self, job: JobId) -> Option<&Job> {
        self.jobs.get(job)?.as_ref()
    }

    /// The Jobs of a workload, in order of creation.
    pub fn jobs_of(&self, workload: WorkloadId) -> impl Iterator<Item = (JobId, &Job)> {
        let ids = self.of.get(&workload).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|job| Some((*job, self.job(*job)?)))
    }

    /// The identifier that the next Job gets.
    pub fn next_job(&self) -> JobId {
        self.jobs.next_id()
    }

    /// Takes a change in.
    ///
    /// # Panics
    /// If the change does not follow from what is there.
    pub(super) fn apply(&mut self, change: &TaskChange) {
        match *change {
            TaskChange::JobAdded { job, workload, name, template, created } => {
                while self.jobs.len() <= job.index() {
                    self.jobs.push(None);
                }
                let counts = JobCounts::default();
                let row = Job { workload, name, template, created, counts };
                self.jobs[job] = Some(row);
                self.of.entry(workload).or_default().push(job);
            }
            TaskChange::JobObserved { job, counts } => self.expect_job(job).counts = counts,
            TaskChange::JobRemoved { job } => {
                let workload = self.expect_job(job).workload;
                self.jobs[job] = None;
                if let Some(list) = self.of.get_mut(&workload) {
                    list.retain(|other| *other != job);
                }
            }
        }
    }

    fn expect_job(&mut self, job: JobId) -> &mut Job {
        self.jobs[job].as_mut().expect("a change names a Job that is there")
    }
}
