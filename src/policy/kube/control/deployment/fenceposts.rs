//! How far a Deployment may go above and below the number of pods wanted.
//!
//! Source: `ResolveFenceposts`, `MaxSurge`, `MaxUnavailable`, `NewRSNewReplicas` of
//! `pkg/controller/deployment/util/deployment_util.go`, Kubernetes 1.34.

use crate::model::{DeploymentSpec, IntOrPercent, RolloutStrategy};

/// Both limits as numbers of pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fenceposts {
    /// Most pods above the number wanted.
    pub surge: u32,
    /// Most pods below the number wanted.
    pub unavailable: u32,
}

impl Fenceposts {
    /// A rollout has to get ahead: if both limits come to 0, one pod may be unavailable.
    pub fn resolve(surge: IntOrPercent, unavailable: IntOrPercent, replicas: u32) -> Fenceposts {
        let surge = surge.rounded_up(replicas);
        let unavailable = unavailable.rounded_down(replicas);
        Fenceposts { surge, unavailable: unavailable.max(u32::from(surge + unavailable == 0)) }
    }

    /// The limits that a Deployment keeps: none of its pods beyond those wanted can be missing,
    /// and neither limit has a meaning for Recreate.
    pub fn of(spec: &DeploymentSpec) -> Fenceposts {
        match spec.strategy {
            RolloutStrategy::Recreate => Fenceposts { surge: 0, unavailable: 0 },
            RolloutStrategy::RollingUpdate { max_surge, max_unavailable } => {
                let resolved = Fenceposts::resolve(max_surge, max_unavailable, spec.replicas);
                let unavailable = resolved.unavailable.min(spec.replicas);
                Fenceposts { unavailable, ..resolved }
            }
        }
    }
}

/// Most pods that the ReplicaSets of a Deployment are to have together while they change.
pub(super) fn most(spec: &DeploymentSpec) -> u32 {
    spec.replicas.saturating_add(Fenceposts::of(spec).surge)
}

/// Fewest available pods that the controller leaves by its own choice.
pub(super) fn least_available(spec: &DeploymentSpec) -> u32 {
    spec.replicas - Fenceposts::of(spec).unavailable
}

/// How many pods the ReplicaSet of the present template is to have next, if it has `new` now and
/// all ReplicaSets together `all`.
pub(super) fn next_new_size(spec: &DeploymentSpec, new: u32, all: u32) -> u32 {
    match spec.strategy {
        RolloutStrategy::Recreate => spec.replicas,
        RolloutStrategy::RollingUpdate { .. } => {
            let room = most(spec).saturating_sub(all);
            new + room.min(spec.replicas.saturating_sub(new))
        }
    }
}
