//! What the Deployment controller sees, and the requests that it sends.

use crate::ground::{Span, Time};
use crate::model::{DeploymentSpec, DeploymentStatus, PodSpecId, ReplicaSetStatus};

/// What the controller believes about a Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeploymentView<'a> {
    /// What it is to be.
    pub spec: DeploymentSpec,
    /// What the controller last wrote about it.
    pub status: DeploymentStatus,
    /// Number of the specification.
    pub generation: u32,
    /// It has a deletion timestamp.
    pub deleting: bool,
    /// The ReplicaSets that it owns, in any order; requests name them by their places here.
    pub sets: &'a [OwnedReplicaSet<'a>],
}

/// A ReplicaSet of a Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnedReplicaSet<'a> {
    /// Name.
    pub name: &'a str,
    /// When it was created, in whole seconds.
    pub created: Time,
    /// What its pods are made of; the template is known by its content.
    pub template: PodSpecId,
    /// Number of pods that it is to have.
    pub replicas: u32,
    /// How long its pods are ready before they are available.
    pub min_ready: Span,
    /// Annotation `deployment.kubernetes.io/revision`.
    pub revision: Option<u32>,
    /// Annotation `deployment.kubernetes.io/desired-replicas`.
    pub desired: Option<u32>,
    /// Annotation `deployment.kubernetes.io/max-replicas`.
    pub max: Option<u32>,
    /// Number of its specification.
    pub generation: u32,
    /// It has a deletion timestamp.
    pub deleting: bool,
    /// What the ReplicaSet controller last wrote about it.
    pub status: ReplicaSetStatus,
    /// Its pods that have not ended, those asked to stop included.
    pub unfinished_pods: u32,
}

/// A request of the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentWrite {
    /// Creates the ReplicaSet of the present template.
    Create(NewReplicaSet),
    /// Updates a ReplicaSet: it is of the present template, and its revision becomes the greatest.
    Adopt {
        /// Place of the ReplicaSet.
        set: usize,
        /// Its revision from now on.
        revision: u32,
        /// The revision that it had, which goes to the annotation `revision-history`; `None` if
        /// it stays, or had none.
        former: Option<u32>,
        /// How long its pods are ready before they are available.
        min_ready: Span,
    },
    /// Updates a ReplicaSet: another number of pods, or annotations that follow the Deployment.
    Scale {
        /// Place of the ReplicaSet.
        set: usize,
        /// How.
        resized: Resized,
    },
    /// Deletes a ReplicaSet.
    Delete {
        /// Place of the ReplicaSet.
        set: usize,
    },
    /// Updates the status of the Deployment.
    Status(DeploymentStatus),
    /// A request about an object that an earlier request of the same sync has changed: the API
    /// server refuses it as a conflict. It costs a request and ends the sync.
    Refused,
}

/// A ReplicaSet that is created; its template is that of the Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewReplicaSet {
    /// What its pods are made of.
    pub template: PodSpecId,
    /// Number of pods.
    pub replicas: u32,
    /// How long its pods are ready before they are available.
    pub min_ready: Span,
    /// Annotation `deployment.kubernetes.io/revision`.
    pub revision: u32,
    /// Annotation `deployment.kubernetes.io/desired-replicas`.
    pub desired: u32,
    /// Annotation `deployment.kubernetes.io/max-replicas`.
    pub max: u32,
}

/// How a ReplicaSet is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resized {
    /// Number of pods before.
    pub from: u32,
    /// Number of pods from now on; the same if only annotations change.
    pub to: u32,
    /// Annotation `deployment.kubernetes.io/desired-replicas`.
    pub desired: u32,
    /// Annotation `deployment.kubernetes.io/max-replicas`.
    pub max: u32,
}
