//! Jobs: pods that run to their end, so many at a time, until enough have succeeded.
//!
//! What is asked and what is known is here; `sync.rs` decides, `manage.rs` says how many pods come
//! and go.
//!
//! Source: `pkg/controller/job/job_controller.go` and `pkg/apis/batch/v1/defaults.go`, Kubernetes
//! 1.34. Upstream counts a pod in two writes, the first of which lists it as not counted yet; here
//! it is one decision, and [`JobSync::counted`] tells what the first write lists.

mod backoff;
mod indexes;
mod manage;
mod pod_failure;
mod sync;

pub use backoff::JobBackoff;
pub use indexes::IndexSet;
pub use pod_failure::{
    FailedPodFacts, PodFailureAction, PodFailurePattern, PodFailureRule, SuccessRule,
    meets_success_policy, pod_failure_action,
};
pub use sync::sync_job;

pub use crate::model::{JobFailure, JobOutcome, JobSuccess};

use crate::ground::{Span, Time};
use serde::{Deserialize, Serialize};

/// Changes of pods are handled together: a change queues its Job so much later
/// (`syncJobBatchPeriod`).
pub const JOB_SYNC_BATCH: Span = Span::from_secs(1);
/// Most pods that one sync creates, or deletes (`MaxPodCreateDeletePerSync`).
const MOST_PER_SYNC: usize = 500;

/// When a pod that goes is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PodReplacement {
    /// As soon as it is asked to stop.
    TerminatingOrFailed,
    /// When it has failed.
    Failed,
}

/// The limits of an indexed Job that counts failures for each index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PerIndexLimits {
    /// Most failures of an index that are forgiven (`backoffLimitPerIndex`).
    pub failures: u32,
    /// Most indexes that may fail before the Job does; `None`: all may.
    pub failed_indexes: Option<u32>,
}

/// What a Job is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// Most pods at a time.
    pub parallelism: u32,
    /// Successes that complete it; `None`: the first one does, and the others are awaited.
    pub completions: Option<u32>,
    /// Each success is one of an index below `completions`.
    pub indexed: bool,
    /// Most failures that are forgiven.
    pub backoff_limit: u32,
    /// Failures are counted for each index too.
    pub per_index: Option<PerIndexLimits>,
    /// What failed pods do.
    pub pod_failure_policy: Option<Vec<PodFailureRule>>,
    /// When an indexed Job is complete before all indexes are.
    pub success_policy: Vec<SuccessRule>,
    /// When pods are replaced.
    pub replacement: PodReplacement,
    /// How long it may be active.
    pub active_deadline: Option<Span>,
    /// It has no pods for now.
    pub suspended: bool,
    /// How long it stays after its end.
    pub ttl: Option<Span>,
    /// Containers that fail are restarted in their pod (`restartPolicy: OnFailure`).
    pub restarts_containers: bool,
}

impl JobSpec {
    /// A Job of which nothing is said.
    pub fn new() -> JobSpec {
        JobSpec {
            parallelism: 1,
            completions: Some(1),
            indexed: false,
            backoff_limit: 6,
            per_index: None,
            pod_failure_policy: None,
            success_policy: Vec::new(),
            replacement: PodReplacement::TerminatingOrFailed,
            active_deadline: None,
            suspended: false,
            ttl: None,
            restarts_containers: false,
        }
    }

    /// The back-off limit that is written where none is given.
    pub const fn default_backoff_limit(per_index: bool) -> u32 {
        if per_index { i32::MAX as u32 } else { 6 }
    }

    /// The replacement policy that is written where none is given.
    pub const fn default_replacement(has_pod_failure_policy: bool) -> PodReplacement {
        if has_pod_failure_policy {
            PodReplacement::Failed
        } else {
            PodReplacement::TerminatingOrFailed
        }
    }

    /// When a Job that ended then is deleted, with its pods
    /// (`pkg/controller/ttlafterfinished`).
    pub fn deleted_at(&self, finished: Time) -> Option<Time> {
        self.ttl.map(|ttl| finished + ttl)
    }
}

impl Default for JobSpec {
    fn default() -> JobSpec {
        JobSpec::new()
    }
}

/// The condition Suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum JobSuspension {
    /// It never was: there is no such condition.
    #[default]
    Never,
    /// True.
    Suspended,
    /// False: it was once.
    Resumed,
}

/// What is written about a Job, with what its controller remembers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JobStatus {
    /// Pods that neither have ended nor are asked to stop. While a sync waits for a back-off it
    /// writes zero, as upstream does.
    pub active: u32,
    /// Those that are ready.
    pub ready: u32,
    /// Pods that are asked to stop and still there.
    pub terminating: u32,
    /// Pods that succeeded, or indexes.
    pub succeeded: u32,
    /// Pods that failed.
    pub failed: u32,
    /// Indexes that succeeded.
    pub completed_indexes: IndexSet,
    /// Indexes that failed for good.
    pub failed_indexes: IndexSet,
    /// Since when it is active.
    pub started: Option<Time>,
    /// The condition Suspended.
    pub suspension: JobSuspension,
    /// How it is going to end: its pods are asked to stop.
    pub outcome: Option<JobOutcome>,
    /// When it had ended.
    pub finished: Option<Time>,
    /// Failures since the last success. Upstream keeps it in memory.
    pub backoff: JobBackoff,
}

/// How far a pod of a Job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JobPodPhase {
    /// Pending.
    Pending,
    /// Running; ready since then (whole seconds), `None` if it is not.
    Running(Option<Time>),
    /// Succeeded.
    Succeeded,
    /// Failed.
    Failed,
}

/// Failures of an index before a pod of it was created, as annotations of the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IndexFailures {
    /// Those that count.
    pub counted: u32,
    /// Those that a rule ignored.
    pub ignored: u32,
}

/// A pod of a Job, as its controller knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobPod<'a> {
    /// How far it is.
    pub phase: JobPodPhase,
    /// It is asked to stop.
    pub terminating: bool,
    /// It is counted in the status, or need not be: it has lost its finalizer.
    pub counted: bool,
    /// Its completion index.
    pub index: Option<u32>,
    /// What it was created with.
    pub index_failures: IndexFailures,
    /// It is bound to a node.
    pub bound: bool,
    /// When it was created, in whole seconds.
    pub created: Time,
    /// When it ended, in whole seconds; of one that is asked to stop, when that was.
    pub ended: Time,
    /// Restarts of all its containers.
    pub restarts: u32,
    /// Most restarts of one of them.
    pub most_restarts: u32,
    /// What the rules for failed pods see.
    pub facts: FailedPodFacts<'a>,
}

impl JobPod<'_> {
    /// It has neither ended nor is it asked to stop.
    pub fn is_active(&self) -> bool {
        !self.has_ended() && !self.terminating
    }

    fn has_ended(&self) -> bool {
        matches!(self.phase, JobPodPhase::Succeeded | JobPodPhase::Failed)
    }

    fn is_ready(&self) -> bool {
        matches!(self.phase, JobPodPhase::Running(Some(_)))
    }
}

/// What a sync looks at.
#[derive(Debug, Clone, Copy)]
pub struct JobView<'a> {
    /// The specification.
    pub spec: &'a JobSpec,
    /// The status as written last.
    pub status: &'a JobStatus,
    /// Its pods in order of creation.
    pub pods: &'a [JobPod<'a>],
    /// It is being deleted: pods are counted, none come or go.
    pub deleting: bool,
    /// The controller has seen all pods that it created or deleted.
    pub is_current: bool,
}

/// A pod to create.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewJobPod {
    /// Its completion index.
    pub index: Option<u32>,
    /// What is written into its annotations.
    pub index_failures: IndexFailures,
}

/// What one sync does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSync {
    /// Pods that are created, in batches that double ([`super::SlowStart`]).
    pub create: Vec<NewJobPod>,
    /// Pods that are deleted, by place.
    pub delete: Vec<usize>,
    /// Pods that lose their finalizer, by place: those that the status now counts, and those that
    /// it need not count.
    pub counted: Vec<usize>,
    /// The status to write.
    pub status: JobStatus,
    /// When it has to be looked at again, if nothing changes.
    pub next_look: Option<Time>,
}

#[cfg(test)]
mod tests;
