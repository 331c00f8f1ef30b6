//! ReplicaSets, as the API server has them.

use super::{DeploymentSpec, DeploymentStatus, PodSpecId, ReplicaSetStatus, WorkloadId};
use crate::ground::{Span, Time, define_id};
use serde::{Deserialize, Serialize};

define_id! {
    /// A ReplicaSet, in order of creation; never used again.
    ReplicaSetId;
}

/// What a ReplicaSet is to be, with what its Deployment notes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReplicaSetSpec {
    /// Number of pods wanted.
    pub replicas: u32,
    /// Number of pods of the whole Deployment (annotation
    /// `deployment.kubernetes.io/desired-replicas`).
    pub desired: Option<u32>,
    /// Most pods of the whole Deployment (annotation `deployment.kubernetes.io/max-replicas`).
    pub max: Option<u32>,
    /// Number of the revision (annotation `deployment.kubernetes.io/revision`).
    pub revision: Option<u32>,
    /// How long a pod is ready before it is available, whole seconds.
    pub min_ready: Span,
}

/// A ReplicaSet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaSet {
    /// The workload that its pods belong to.
    pub workload: WorkloadId,
    /// What its pods are made of.
    pub template: PodSpecId,
    /// When it was created.
    pub created: Time,
    /// What it is to be.
    pub spec: ReplicaSetSpec,
    /// What it has.
    pub status: ReplicaSetStatus,
    /// How often its specification was written.
    pub generation: u32,
    /// How often it was written.
    pub version: u32,
}

/// A Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// What it is to be.
    pub spec: DeploymentSpec,
    /// What it is.
    pub status: DeploymentStatus,
    /// How often its specification was written.
    pub generation: u32,
    /// How often it was written.
    pub version: u32,
}
