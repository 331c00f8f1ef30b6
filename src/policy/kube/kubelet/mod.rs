//! What the kubelet of Kubernetes 1.34 decides, as pure functions and small memories.

mod admission;
mod backoff;
mod crash_backoff;
mod critical;
mod eviction;
mod eviction_params;
mod eviction_rank;
#[cfg(test)]
pub(in crate::policy::kube) mod golden;
mod image_backoff;
mod images;
mod phase;
mod probe;
mod probe_result;
mod qos;
mod shutdown;
mod start_order;
mod termination;

pub use admission::{Arrival, Rejection, Room, admission_failures, admits_under_pressure};
pub use backoff::{Backoff, BackoffParams};
pub use crash_backoff::{after_restart, restart_not_before, runs_again};
pub use critical::{RunningPod, lasting_failures, preempted_for_critical};
pub use eviction::{EvictionMemory, Observation};
pub use eviction_params::{EvictionParams, Level, Signal, Threshold};
pub use eviction_rank::{Candidate, LocalStorage, eviction_order, eviction_victim};
pub use image_backoff::{ImageWait, after_failed_pull, pull_not_before, pull_wait};
pub use images::{
    ImageDisk, ImageGcParams, PullNeed, PullParams, PullQueue, StoredImage, pull_need,
};
pub use phase::{
    ContainerState, ContainerStatus, NotReady, Phase, PodConditions, Role, conditions, final_phase,
    is_initialized, phase, reported_phase,
};
pub use probe::{ProbeChange, ProbeWorker, Probed, Tick};
pub use probe_result::{Answer, ProbeResult};
pub use qos::{
    CRITICAL_PRIORITY, KILLED_EXIT_CODE, NODE_CRITICAL_PRIORITY, OomProcess, Qos, oom_score_adj,
    oom_victim, qos,
};
pub use shutdown::{PriorityGrace, ShutdownParams, ShutdownPod, ShutdownStop, shut_down};
pub use start_order::{StartStep, start_step};
pub use termination::{GraceInputs, Stopped, Stopping, all_gone, stop_grace, stop_pod};
