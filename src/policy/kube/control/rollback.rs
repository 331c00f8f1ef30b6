//! Who goes back to the previous revision when a rollout gets nowhere. Kubernetes itself only says
//! so; somebody else has to act.

use crate::model::{DeploymentStatus, ProgressReason};
use serde::{Deserialize, Serialize};

/// Who rolls a Deployment back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum RollbackPolicy {
    /// Nobody: plain Kubernetes.
    #[default]
    None,
    /// A pipeline that waits for the rollout (`kubectl rollout status`) and undoes it at the first
    /// status with the reason ProgressDeadlineExceeded.
    OnProgressDeadline,
}

/// What is remembered of the rollbacks of a Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RollbackMemory {
    /// Number of the specification up to which nothing is undone: that of the last rollback. A
    /// pipeline that has rolled back has failed and is over.
    settled: u32,
}

impl RollbackPolicy {
    /// True if the rollout of a Deployment with this status, whose specification has the number
    /// `generation`, is undone now; asked once for each status that is written.
    pub fn undoes(
        self,
        memory: &mut RollbackMemory,
        status: &DeploymentStatus,
        generation: u32,
    ) -> bool {
        let stalled = status.progressing.is_some_and(|progressing| {
            progressing.reason == ProgressReason::ProgressDeadlineExceeded
        });
        let about_this = status.observed == generation;
        let undoes = match self {
            RollbackPolicy::None => false,
            RollbackPolicy::OnProgressDeadline => {
                stalled && about_this && generation > memory.settled
            }
        };
        if undoes {
            memory.settled = generation + 1;
        }
        undoes
    }
}

#[cfg(test)]
mod tests {
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
}
