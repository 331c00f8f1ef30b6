//! The status that a sync leaves, and when to look again if it does not change.
//!
//! Source: `calculateStatus` of `pkg/controller/deployment/sync.go`, and
//! `pkg/controller/deployment/progress.go`, Kubernetes 1.34.

use super::draft::{Conflict, Draft};
use super::fenceposts::least_available;
use super::progress::{rollout_is_complete, rollout_progresses, rollout_timed_out};
use super::sets::Sets;
use super::sync::NextLook;
use super::view::DeploymentView;
use crate::ground::{Span, Time};
use crate::model::{DeploymentStatus, ProgressReason};

/// What the API server's answer to a refused creation of a ReplicaSet makes of the status, if that
/// is written.
pub fn after_refused_replica_set(view: &DeploymentView<'_>, now: Time) -> Option<DeploymentStatus> {
    let mut draft = Draft::new(view, now);
    view.spec.progress_deadline?;
    draft.set_progress(ProgressReason::ReplicaSetCreateError);
    Some(draft.status)
}

/// Added to the time at which a deadline passes, against clocks that differ.
const SLACK: Span = Span::from_secs(1);
/// The wait of the work queue after the first failure.
const RETRY: Span = Span::from_millis(5);

impl Draft<'_> {
    /// Writes what the ReplicaSets add up to, without a word about progress.
    pub(super) fn finish_resize(&mut self, sets: &Sets<'_>) -> Result<NextLook, Conflict> {
        let next = self.counted(sets);
        if next != self.status {
            self.status = next;
            self.send_status()?;
        }
        Ok(NextLook::WhenChanged)
    }

    /// Writes what the ReplicaSets add up to, and how the rollout gets on.
    pub(super) fn finish_rollout(&mut self, sets: &Sets<'_>) -> Result<NextLook, Conflict> {
        let before = self.status;
        let mut next = self.counted(sets);
        let spec = &self.view.spec;
        if spec.progress_deadline.is_none() {
            next.progressing = None;
        } else if !was_complete(&before, &next) {
            self.judge_progress(&before, &mut next);
        }
        self.status = next;
        if next == before {
            return Ok(self.next_look());
        }
        self.send_status()?;
        Ok(NextLook::WhenChanged)
    }

    /// The counts are those of the ReplicaSets as the sync found them, before it scaled any.
    fn counted(&self, sets: &Sets<'_>) -> DeploymentStatus {
        let sum = |of: fn(&super::view::OwnedReplicaSet<'_>) -> u32| {
            sets.all().map(|member| of(&member.set)).sum::<u32>()
        };
        let available = sets.available();
        DeploymentStatus {
            replicas: sum(|set| set.status.replicas),
            updated: sets.new.map_or(0, |new| new.set.status.replicas),
            ready: sum(|set| set.status.ready),
            available,
            unavailable: sets.replicas().saturating_sub(available),
            observed: self.view.generation,
            is_available: Some(available >= least_available(&self.view.spec)),
            ..self.status
        }
    }

    fn judge_progress(&mut self, before: &DeploymentStatus, next: &mut DeploymentStatus) {
        let spec = &self.view.spec;
        if rollout_is_complete(spec, self.view.generation, next) {
            self.set_progress(ProgressReason::NewReplicaSetAvailable);
        } else if rollout_progresses(before, next) {
            // The one condition whose time moves on although its reason stays.
            self.status.progressing = None;
            self.set_progress(ProgressReason::ReplicaSetUpdated);
        } else if rollout_timed_out(spec, next, self.now) {
            self.set_progress(ProgressReason::ProgressDeadlineExceeded);
        }
        next.progressing = self.status.progressing;
    }

    /// Without a change nothing asks for a sync at the time when the rollout counts as stalled, so
    /// the controller asks itself.
    fn next_look(&self) -> NextLook {
        let spec = &self.view.spec;
        let (Some(deadline), Some(progressing)) = (spec.progress_deadline, self.status.progressing)
        else {
            return NextLook::WhenChanged;
        };
        // What was complete once does not stall. Upstream looks again and again, as often as its
        // queue lets it, at one that has lost pods since, and never finds anything.
        let settled = matches!(
            progressing.reason,
            ProgressReason::ProgressDeadlineExceeded | ProgressReason::NewReplicaSetAvailable
        );
        if settled || rollout_is_complete(spec, self.view.generation, &self.status) {
            return NextLook::WhenChanged;
        }
        let end = progressing.last_update + deadline;
        if end < self.now + SLACK {
            // Upstream tries again each 5 ms until the deadline has passed.
            NextLook::At(end.max(self.now) + RETRY)
        } else {
            NextLook::At(end + SLACK)
        }
    }
}

/// True if the last rollout is complete and no other has begun.
fn was_complete(before: &DeploymentStatus, next: &DeploymentStatus) -> bool {
    let reason = before.progressing.map(|progressing| progressing.reason);
    next.replicas == next.updated && reason == Some(ProgressReason::NewReplicaSetAvailable)
}
