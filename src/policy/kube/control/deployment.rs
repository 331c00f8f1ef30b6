//! One sync of a Deployment.

use crate::ground::Time;
use crate::model::{
    Deployment, DeploymentStatus, PodSpecId, ReplicaSet, ReplicaSetId, ReplicaSetSpec,
};
use serde::{Deserialize, Serialize};

/// Something that a sync writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeploymentWrite {
    /// A ReplicaSet of this template.
    Create {
        /// Template.
        template: PodSpecId,
        /// What it is to be.
        spec: ReplicaSetSpec,
    },
    /// What a ReplicaSet is to be.
    Write {
        /// ReplicaSet.
        set: ReplicaSetId,
        /// What it is to be.
        spec: ReplicaSetSpec,
    },
    /// A ReplicaSet goes.
    Remove {
        /// ReplicaSet.
        set: ReplicaSetId,
    },
    /// What the Deployment is.
    Status(DeploymentStatus),
}

impl DeploymentWrite {
    /// The ReplicaSet that is written, if it is one that is there.
    pub fn set(&self) -> Option<ReplicaSetId> {
        match self {
            DeploymentWrite::Write { set, .. } | DeploymentWrite::Remove { set } => Some(*set),
            DeploymentWrite::Create { .. } | DeploymentWrite::Status(_) => None,
        }
    }
}

/// What a sync does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeploymentSync {
    /// In this order.
    pub writes: Vec<DeploymentWrite>,
    /// When it is to be looked at again.
    pub look_at: Option<Time>,
}

/// One sync.
pub fn deployment_sync(
    _deployment: &Deployment,
    _sets: &[(ReplicaSetId, ReplicaSet)],
    _present_but: impl Fn(Option<ReplicaSetId>) -> u32,
    _now: Time,
) -> DeploymentSync {
    DeploymentSync::default()
}

/// How far a rollout may go above and below the number of pods wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fenceposts {
    /// Pods above.
    pub surge: u32,
    /// Pods below.
    pub unavailable: u32,
}

/// The fenceposts of a Deployment.
pub fn fenceposts(_spec: &crate::model::DeploymentSpec) -> Fenceposts {
    Fenceposts { surge: 0, unavailable: 0 }
}
