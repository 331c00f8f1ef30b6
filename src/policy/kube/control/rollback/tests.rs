//! Rollback policies, one decision after the other.

use super::*;
use crate::ground::Time;
use crate::model::Progressing;

fn status(reason: ProgressReason, observed: u32) -> DeploymentStatus {
    let progressing = Some(Progressing { reason, last_update: Time::ZERO });
    DeploymentStatus { observed, progressing, ..DeploymentStatus::default() }
}

#[test]
fn a_stalled_rollout_is_undone_once() {
    let mut memory = RollbackMemory::default();
    let stalled = status(ProgressReason::ProgressDeadlineExceeded, 2);
    let policy = RollbackPolicy::OnProgressDeadline;
    let moving = status(ProgressReason::ReplicaSetUpdated, 2);
    assert!(!policy.undoes(&mut memory, &moving, 2));
    assert!(!policy.undoes(&mut memory, &stalled, 3), "a status about another specification");
    assert!(policy.undoes(&mut memory, &stalled, 2));
    assert!(!policy.undoes(&mut memory, &stalled, 2));
    let again = status(ProgressReason::ProgressDeadlineExceeded, 3);
    assert!(!policy.undoes(&mut memory, &again, 3), "the rollback itself has stalled");
    let next = status(ProgressReason::ProgressDeadlineExceeded, 4);
    assert!(policy.undoes(&mut memory, &next, 4), "another release");
    assert!(!RollbackPolicy::None.undoes(&mut RollbackMemory::default(), &stalled, 2));
}
