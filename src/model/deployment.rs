//! Deployments and what is written about them, as the API server has them.

use super::{IntOrPercent, PodSpecId};
use crate::ground::{Span, Time};
use serde::{Deserialize, Serialize};

/// How pods of an old template are replaced by those of a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RolloutStrategy {
    /// All old pods go before the first new one comes.
    Recreate,
    /// Little by little.
    RollingUpdate {
        /// Most pods above the number wanted; a share is rounded up.
        max_surge: IntOrPercent,
        /// Most pods below the number wanted; a share is rounded down.
        max_unavailable: IntOrPercent,
    },
}

impl Default for RolloutStrategy {
    /// What the API server writes where nothing is said (`pkg/apis/apps/v1/defaults.go`,
    /// Kubernetes 1.34).
    fn default() -> RolloutStrategy {
        let quarter = IntOrPercent::Percent(25);
        RolloutStrategy::RollingUpdate { max_surge: quarter, max_unavailable: quarter }
    }
}

/// What a Deployment is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeploymentSpec {
    /// Number of pods wanted.
    pub replicas: u32,
    /// What they are made of; the template is known by its content.
    pub template: PodSpecId,
    /// How old pods are replaced.
    pub strategy: RolloutStrategy,
    /// How long a pod is ready before it is available, whole seconds.
    pub min_ready: Span,
    /// After how long without progress a rollout is said to have stalled; `None`: never.
    pub progress_deadline: Option<Span>,
    /// Old ReplicaSets without pods that are kept.
    pub history_limit: u32,
    /// A changed template is not rolled out.
    pub paused: bool,
}

impl DeploymentSpec {
    /// A Deployment of which nothing but pods and their number is said
    /// (`pkg/apis/apps/v1/defaults.go`, Kubernetes 1.34).
    pub fn new(replicas: u32, template: PodSpecId) -> DeploymentSpec {
        DeploymentSpec {
            replicas,
            template,
            strategy: RolloutStrategy::default(),
            min_ready: Span::ZERO,
            progress_deadline: Some(Span::from_secs(600)),
            history_limit: 10,
            paused: false,
        }
    }
}

/// Why the condition Progressing is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum ProgressReason {
    /// The ReplicaSet of the present template was created.
    NewReplicaSetCreated = 0,
    /// One that was there already fits the present template.
    FoundNewReplicaSet = 1,
    /// Pods of the present template came, got ready or available, or old ones went.
    ReplicaSetUpdated = 2,
    /// The rollout is complete.
    NewReplicaSetAvailable = 3,
    /// Nothing happened for too long.
    ProgressDeadlineExceeded = 4,
    /// It is paused.
    DeploymentPaused = 5,
    /// It goes on after a pause.
    DeploymentResumed = 6,
    /// A ReplicaSet could not be created.
    ReplicaSetCreateError = 7,
}

/// The condition Progressing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Progressing {
    /// Why.
    pub reason: ProgressReason,
    /// When something last moved, in whole seconds as the API has times.
    pub last_update: Time,
}

/// What the Deployment controller last wrote about a Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct DeploymentStatus {
    /// Pods of all its ReplicaSets.
    pub replicas: u32,
    /// Pods of the present template.
    pub updated: u32,
    /// Ready pods.
    pub ready: u32,
    /// Available pods.
    pub available: u32,
    /// Pods that its ReplicaSets are to have beyond the available ones.
    pub unavailable: u32,
    /// Number of the specification that this is about.
    pub observed: u32,
    /// Number of the present revision (annotation `deployment.kubernetes.io/revision`, which the
    /// controller writes together with the status); 0 before there is one.
    pub revision: u32,
    /// The condition Available, if it was ever written.
    pub is_available: Option<bool>,
    /// The condition Progressing, if it is kept.
    pub progressing: Option<Progressing>,
}

/// What the ReplicaSet controller last wrote about a ReplicaSet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ReplicaSetStatus {
    /// Its pods that have not ended and are not asked to stop.
    pub replicas: u32,
    /// Those that are ready.
    pub ready: u32,
    /// Those that are available.
    pub available: u32,
    /// Number of the specification that this is about.
    pub observed: u32,
}
