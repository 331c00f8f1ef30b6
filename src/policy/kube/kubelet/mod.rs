//! What the kubelet of Kubernetes 1.34 decides, as pure functions and small memories.

mod backoff;
mod crash_backoff;
#[cfg(test)]
pub(in crate::policy::kube) mod golden;
mod image_backoff;
mod phase;
mod probe;
mod start_order;

pub use backoff::{Backoff, BackoffParams};
pub use crash_backoff::{after_restart, restart_not_before, runs_again};
pub use image_backoff::{ImageWait, after_failed_pull, pull_not_before, pull_wait};
pub use phase::{
    ContainerState, ContainerStatus, NotReady, Phase, PodConditions, Role, conditions, final_phase,
    is_initialized, phase, reported_phase,
};
pub use probe::{
    Answer, ProbeChange, ProbeKind, ProbeParams, ProbeResult, ProbeWorker, Probed, Tick,
};
pub use start_order::{StartStep, start_step};
