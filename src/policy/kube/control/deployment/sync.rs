//! One sync of a Deployment.
//!
//! Source: `syncDeployment` of `pkg/controller/deployment/deployment_controller.go`, Kubernetes
//! 1.34.

use super::draft::{Conflict, Draft};
use super::view::{DeploymentView, DeploymentWrite};
use crate::ground::Time;
use crate::model::{ProgressReason, RolloutStrategy};

/// What a sync does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentSync {
    /// Its requests, in the order in which they are sent, each after the answer to the one before.
    /// If one is refused, those after it are not sent, and the sync is tried again.
    pub writes: Vec<DeploymentWrite>,
    /// When the next sync comes.
    pub next: NextLook,
}

/// When a Deployment is synced next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextLook {
    /// When something of it changes.
    WhenChanged,
    /// Also at this time.
    At(Time),
    /// At once, after the wait of the work queue for a failed sync.
    Retry,
}

/// One sync at `now`.
pub fn sync_deployment(view: &DeploymentView<'_>, now: Time) -> DeploymentSync {
    let mut draft = Draft::new(view, now);
    let next = draft.sync().unwrap_or(NextLook::Retry);
    DeploymentSync { writes: draft.writes, next }
}

impl Draft<'_> {
    fn sync(&mut self) -> Result<NextLook, Conflict> {
        let spec = &self.view.spec;
        if self.view.deleting {
            let sets = self.number_sets()?;
            return self.finish_resize(&sets);
        }
        self.note_hold(spec.paused)?;
        if spec.paused || self.was_resized()? {
            return self.follow_size();
        }
        match spec.strategy {
            RolloutStrategy::Recreate => self.recreate(),
            RolloutStrategy::RollingUpdate { .. } => self.roll(),
        }
    }

    /// Tells in the condition Progressing that a pause begins or ends, so that its time does not
    /// count as a stall. What has stalled before stays so.
    pub(super) fn note_hold(&mut self, holds: bool) -> Result<(), Conflict> {
        let reason = self.status.progressing.map(|progressing| progressing.reason);
        let stalled = reason == Some(ProgressReason::ProgressDeadlineExceeded);
        if self.view.spec.progress_deadline.is_none() || stalled {
            return Ok(());
        }
        let noted = reason == Some(ProgressReason::DeploymentPaused);
        if holds == noted {
            return Ok(());
        }
        self.set_progress(match holds {
            true => ProgressReason::DeploymentPaused,
            false => ProgressReason::DeploymentResumed,
        });
        self.send_status()
    }

    /// True if an active ReplicaSet was scaled for another size of the Deployment.
    fn was_resized(&mut self) -> Result<bool, Conflict> {
        let sets = self.number_sets()?;
        let replicas = self.view.spec.replicas;
        let other = |desired: Option<u32>| desired.is_some_and(|desired| desired != replicas);
        Ok(sets.active().iter().any(|member| other(member.set.desired)))
    }

    /// Only the sizes of the ReplicaSets follow; no rollout goes on.
    fn follow_size(&mut self) -> Result<NextLook, Conflict> {
        let sets = self.number_sets()?;
        self.resize_sets(&sets)?;
        if self.view.spec.paused {
            self.clean_up(&sets.old);
        }
        self.finish_resize(&sets)
    }
}
