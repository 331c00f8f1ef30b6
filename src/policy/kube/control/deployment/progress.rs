//! Whether a rollout is complete, gets ahead or has stalled.
//!
//! Source: `DeploymentComplete`, `DeploymentProgressing`, `DeploymentTimedOut` of
//! `pkg/controller/deployment/util/deployment_util.go`, Kubernetes 1.34.

use crate::ground::Time;
use crate::model::{DeploymentSpec, DeploymentStatus, ProgressReason};

/// True if all pods are of the present template and available, no other is left, and the
/// controller has seen the specification, which has the number `generation`.
pub fn rollout_is_complete(
    spec: &DeploymentSpec,
    generation: u32,
    status: &DeploymentStatus,
) -> bool {
    status.updated == spec.replicas
        && status.replicas == spec.replicas
        && status.available == spec.replicas
        && status.observed >= generation
}

/// True if more pods are of the present template, ready or available than before, or fewer are old.
pub fn rollout_progresses(before: &DeploymentStatus, after: &DeploymentStatus) -> bool {
    let old = |status: &DeploymentStatus| i64::from(status.replicas) - i64::from(status.updated);
    after.updated > before.updated
        || old(after) < old(before)
        || after.ready > before.ready
        || after.available > before.available
}

/// True if nothing was heard of progress for longer than the deadline, or that is said already. A
/// rollout that was completed does not stall.
pub fn rollout_timed_out(spec: &DeploymentSpec, status: &DeploymentStatus, now: Time) -> bool {
    let (Some(deadline), Some(progressing)) = (spec.progress_deadline, status.progressing) else {
        return false;
    };
    match progressing.reason {
        ProgressReason::NewReplicaSetAvailable => false,
        ProgressReason::ProgressDeadlineExceeded => true,
        _ => progressing.last_update + deadline < now,
    }
}
