//! A release under way, and where a policy wants it to go.

use super::analysis::Analysis;
use super::is_stalled;
use crate::ground::Time;
use crate::model::{DeploymentSpec, DeploymentStatus, PodSpecId, ReleaseDecision};
use crate::policy::kube::control::{Fenceposts, OwnedReplicaSet};
use serde::{Deserialize, Serialize};

/// What a policy sees of a Deployment.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseView<'a> {
    /// What it is to be.
    pub spec: &'a DeploymentSpec,
    /// What was last written about it.
    pub status: &'a DeploymentStatus,
    /// Its ReplicaSets.
    pub sets: &'a [OwnedReplicaSet<'a>],
    /// The time.
    pub now: Time,
}

impl ReleaseView<'_> {
    /// Pods wanted and available of a revision.
    pub(super) fn of(&self, template: PodSpecId) -> (u32, u32) {
        let set = self.sets.iter().find(|set| set.template == template);
        set.map_or((0, 0), |set| (set.replicas, set.status.available))
    }
}

/// How the ReplicaSets of a release change their sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Each takes its size in one go: the others do not depend on it.
    AtOnce,
    /// Step by step.
    Within {
        /// Most pods of all revisions together.
        most: u32,
        /// Fewest available pods that are left.
        least: u32,
    },
}

/// Where a Deployment is to go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// Pods of the present template.
    pub new: u32,
    /// The revision that the service goes back to.
    pub stable: PodSpecId,
    /// Pods of that revision, if it is another.
    pub kept: u32,
    /// How the ReplicaSets get there.
    pub pace: Pace,
    /// The revision that requests go to; `None`: all.
    pub active: Option<PodSpecId>,
    /// Nothing is to happen for a while, and that is no stall.
    pub holds: bool,
    /// What was decided just now.
    pub decision: Option<ReleaseDecision>,
    /// When to look again although nothing has changed.
    pub next: Option<Time>,
}

impl Pace {
    /// Within the limits of the Deployment.
    pub(super) fn of(spec: &DeploymentSpec) -> Pace {
        let posts = Fenceposts::of(spec);
        Pace::Within {
            most: spec.replicas.saturating_add(posts.surge),
            least: spec.replicas - posts.unavailable,
        }
    }
}

impl Course {
    /// All pods are of the stable revision.
    pub(super) fn settled(view: &ReleaseView<'_>, stable: PodSpecId, pace: Pace) -> Course {
        Course {
            new: view.spec.replicas,
            stable,
            kept: 0,
            pace,
            active: None,
            holds: false,
            decision: None,
            next: None,
        }
    }

    /// Also looks again at this time, if it is earlier.
    pub(super) fn look_at(&mut self, at: Time) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }
}

/// A release under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Release {
    /// Its pods.
    pub(super) template: PodSpecId,
    /// When it began.
    pub(super) began: Time,
    /// Number of the present step.
    pub(super) step: u32,
    /// When the present step was reached.
    pub(super) reached: Option<Time>,
    /// The analysis that runs.
    pub(super) analysis: Option<Analysis>,
    /// When it was given up.
    pub(super) aborted: Option<Time>,
    /// When, after that, all stable pods were available.
    pub(super) replaced: Option<Time>,
    /// It is promoted as soon as all its pods are available.
    pub(super) cleared: bool,
    /// When requests went over to it.
    pub(super) promoted: Option<Time>,
    /// Nothing is left to be done.
    pub(super) over: bool,
}

impl Release {
    /// One that begins now.
    pub(super) fn new(template: PodSpecId, began: Time) -> Release {
        Release {
            template,
            began,
            step: 0,
            reached: None,
            analysis: None,
            aborted: None,
            replaced: None,
            cleared: false,
            promoted: None,
            over: false,
        }
    }

    /// True if the status says that nothing of the release happened for too long.
    pub(super) fn is_stalled(&self, status: &DeploymentStatus) -> bool {
        let began = self.began.truncate_to_second();
        is_stalled(status) && status.progressing.is_some_and(|told| told.last_update > began)
    }

    /// Gives the release up.
    pub(super) fn abort(&mut self, now: Time) -> ReleaseDecision {
        self.aborted = Some(now);
        ReleaseDecision::Abort
    }

    /// True if the release is the stable revision from now on.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }
}
