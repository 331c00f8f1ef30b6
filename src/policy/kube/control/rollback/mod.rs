//! Who goes back to the previous revision when a rollout gets nowhere, or makes things worse.
//! Kubernetes itself only says that a rollout has stalled; somebody else has to act.
//!
//! A pipeline watches the status and undoes. Canary and blue/green decide in place of the
//! Deployment controller how many pods each revision has, as Argo Rollouts does it; they answer
//! with a [`Course`]. All remember what they need in [`RollbackMemory`].

mod analysis;
mod blue_green;
mod canary;
mod canary_sizes;
#[cfg(test)]
mod loop_tests;
mod release;
#[cfg(test)]
mod tests;

pub use analysis::AnalysisParams;
pub use blue_green::BlueGreenParams;
pub use canary::{CanaryParams, CanaryStep};
pub use canary_sizes::{CanaryLimits, SetSize, next_sizes};
pub use release::{Course, Pace, ReleaseView};

use super::monitoring::MetricsView;
use crate::model::{DeploymentStatus, PodSpecId, ProgressReason};
use release::Release;
use serde::{Deserialize, Serialize};

/// Who rolls a Deployment back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum RollbackPolicy {
    /// Nobody: plain Kubernetes.
    #[default]
    None,
    /// A pipeline that waits for the rollout (`kubectl rollout status`) and undoes it at the first
    /// status with the reason ProgressDeadlineExceeded.
    OnProgressDeadline,
    /// A release gets its pods step by step while its answers are analysed.
    Canary(CanaryParams),
    /// A release gets all its pods at once, and users only when they are there.
    BlueGreen(BlueGreenParams),
}

/// What is remembered of the rollbacks of a Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RollbackMemory {
    /// Number of the specification up to which nothing is undone: that of the last rollback. A
    /// pipeline that has rolled back has failed and is over.
    settled: u32,
    /// The revision that the service goes back to.
    stable: Option<PodSpecId>,
    /// The release that is under way, or was given up.
    release: Option<Release>,
}

impl RollbackPolicy {
    /// True if it decides in place of the Deployment controller.
    pub fn is_progressive(&self) -> bool {
        matches!(self, RollbackPolicy::Canary(_) | RollbackPolicy::BlueGreen(_))
    }

    /// True if it acts when a progress deadline has passed.
    pub fn needs_deadline(&self) -> bool {
        match self {
            RollbackPolicy::None => false,
            RollbackPolicy::OnProgressDeadline => true,
            RollbackPolicy::Canary(params) => params.progress_deadline_abort,
            RollbackPolicy::BlueGreen(params) => params.progress_deadline_abort,
        }
    }

    /// True if the rollout of a Deployment with this status, whose specification has the number
    /// `generation`, is undone now; asked once for each status that is written.
    pub fn undoes(
        &self,
        memory: &mut RollbackMemory,
        status: &DeploymentStatus,
        generation: u32,
    ) -> bool {
        let about_this = status.observed == generation;
        let undoes = match self {
            RollbackPolicy::OnProgressDeadline => {
                is_stalled(status) && about_this && generation > memory.settled
            }
            RollbackPolicy::None | RollbackPolicy::Canary(_) | RollbackPolicy::BlueGreen(_) => {
                false
            }
        };
        if undoes {
            memory.settled = generation + 1;
        }
        undoes
    }

    /// Where a Deployment is to go now; `None` where the Deployment controller itself decides.
    pub fn course(
        &self,
        memory: &mut RollbackMemory,
        view: &ReleaseView<'_>,
        metrics: &dyn MetricsView,
    ) -> Option<Course> {
        if !self.is_progressive() {
            return None;
        }
        let template = view.spec.template;
        let stable = *memory.stable.get_or_insert(template);
        if template == stable {
            memory.release = None;
            // The service selects the revision that it was switched to, and goes on to.
            let (active, pace) = match self {
                RollbackPolicy::BlueGreen(_) => (Some(stable), Pace::AtOnce),
                _ => (None, Pace::of(view.spec)),
            };
            return Some(Course { active, ..Course::settled(view, stable, pace) });
        }
        let release = memory.release.filter(|release| release.template == template);
        let mut release = release.unwrap_or_else(|| Release::new(template, view.now));
        let course = match self {
            RollbackPolicy::Canary(params) => params.course(&mut release, view, stable, metrics),
            RollbackPolicy::BlueGreen(params) => params.course(&mut release, view, stable, metrics),
            RollbackPolicy::None | RollbackPolicy::OnProgressDeadline => return None,
        };
        memory.release = Some(release);
        if release.is_over() {
            (memory.stable, memory.release) = (Some(template), None);
        }
        Some(course)
    }
}

/// True if a status says that nothing happened for too long.
fn is_stalled(status: &DeploymentStatus) -> bool {
    let exceeded = ProgressReason::ProgressDeadlineExceeded;
    status.progressing.is_some_and(|progressing| progressing.reason == exceeded)
}
