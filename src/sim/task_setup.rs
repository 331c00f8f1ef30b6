//! Jobs from which a run starts.

use crate::ground::Name;
use crate::model::PodSpecId;
use crate::policy::kube::control::{JobSpec, JobStatus};

/// A Job that is there at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSetup {
    /// Name, with its namespace.
    pub name: Name,
    /// What its pods are made of.
    pub template: PodSpecId,
    /// What it is to be.
    pub spec: JobSpec,
    /// What is known of it already.
    pub status: JobStatus,
}
