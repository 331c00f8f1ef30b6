//! The controllers of Kubernetes 1.34, as pure functions.

mod controller_revision;
mod cron_job;
mod daemon_node;
mod daemon_rollout;
mod daemon_set;
mod deletion_order;
mod deployment;
mod disruption;
mod job;
mod monitoring;
mod node_lifecycle;
mod node_taints;
mod pod_gc;
mod replica_set;
mod replicas;
mod rollback;
mod stateful_claims;
mod stateful_set;
mod taint_eviction;
mod token_bucket;
mod volumes;
mod zones;

pub use controller_revision::{
    ControllerRevision, HistoryLimit, RevisionWrite, latest_revision, surplus_revisions,
};
pub use cron_job::{
    Calendar, Concurrency, CronJobSpec, CronJobSync, CronJobView, CronSkip, FinishedRun, Missed,
    MissedRuns, Schedule, ScheduleError, UnknownTimeZone, job_name, missed_runs, next_run_look,
    surplus_runs, sync_cron_job,
};
pub use daemon_node::{daemon_fit, pin_daemon, tolerate_as_daemon};
pub use daemon_rollout::{DaemonUpdate, roll_daemons};
pub use daemon_set::{
    DaemonCare, DaemonFit, DaemonNode, DaemonPhase, DaemonPod, DaemonPodPlace, DaemonSetStatus,
    DaemonSetView, DaemonWrites, FAILED_DAEMON_BACKOFF, care_for_daemons, daemon_set_census,
};
pub use deletion_order::{DeletionPhase, RankedPod, deletion_order, ranks};
pub use deployment::{
    DeploymentSync, DeploymentView, DeploymentWrite, Fenceposts, NewReplicaSet, NextLook,
    NotUndone, OwnedReplicaSet, Resized, after_refused_replica_set, rollout_is_complete,
    rollout_progresses, rollout_timed_out, sync_deployment, sync_on_course, undo_rollout,
};
pub use disruption::{
    BudgetStatus, BudgetView, BudgetedPod, DRAIN_RETRY, EVICTION_TIMEOUT, EvictedPod, NoScale,
    PodScale, answer_eviction, count_budget,
};
pub use job::{
    FailedPodFacts, IndexFailures, IndexSet, JOB_SYNC_BATCH, JobBackoff, JobFailure, JobOutcome,
    JobPod, JobPodPhase, JobSpec, JobStatus, JobSuccess, JobSuspension, JobSync, JobView,
    NewJobPod, PerIndexLimits, PodFailureAction, PodFailurePattern, PodFailureRule, PodReplacement,
    SuccessRule, meets_success_policy, pod_failure_action, sync_job,
};
pub use monitoring::{Alert, AlertMetric, AlertRule, MetricsView};
pub use node_lifecycle::{
    Finding, NodeHealth, NodeLifecycleParams, NodeSigns, NodeStartupParams, UNREACHABLE_TAINT,
};
pub use node_taints::{NodeConditions, NodeMark, TaintStep, taint_step};
pub use pod_gc::{GcCause, GcNode, GcPod, GcPods, PodGcParams, Quarantine, garbage_pods};
pub use replica_set::{Census, is_available, replica_set_census};
pub use replicas::{SlowStart, missing_replicas, surplus_replicas};
pub use rollback::{
    AnalysisParams, BlueGreenParams, CanaryLimits, CanaryParams, CanaryStep, Course, Pace,
    ReleaseView, RollbackMemory, RollbackPolicy, SetSize, next_sizes,
};
pub use stateful_claims::{ClaimOwner, claim_name, claim_owner};
pub use stateful_set::{
    StatefulAct, StatefulPhase, StatefulPod, StatefulSetSync, StatefulSetView, sync_stateful_set,
};
pub use taint_eviction::{EvictionTimer, eviction_timer};
pub use token_bucket::TokenBucket;
pub use volumes::{
    ClaimStep, bind as bind_volume, claim_step, driver_of, place_at_once, provisioned,
};
pub use zones::{EXCLUDE_DISRUPTION_LABEL, Outage, Zone, ZoneCount, ZoneParams, Zones};
