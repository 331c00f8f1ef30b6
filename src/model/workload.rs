//! Workloads: who owns pods and what happens when one is lost.

use crate::ground::{Key, Name, Span, define_id};
use serde::{Deserialize, Serialize};

define_id! {
    /// A workload, in order of introduction.
    WorkloadId;
}

/// What kind of workload it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkloadKind {
    /// Keeps this many pods alive until the end of the run.
    Service {
        /// Desired number of pods.
        replicas: u32,
        /// The service counts as available while at least so many pods are ready.
        min_serving: u32,
    },
    /// Pods that arrive, run for their lifetime and finish.
    Batch,
}

/// What the owner does about a pod that was lost with its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LossPolicy {
    /// Creates a replacement, which starts from the beginning.
    Replace,
    /// Nothing: the pod has no owner.
    Forget,
}

/// What becomes of pods that have finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FinishedPods {
    /// They leave the store at once.
    Remove,
    /// They stay until somebody deletes them or there are too many.
    Keep,
}

/// An owner of pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Name, unique within the run.
    pub name: Name,
    /// Key of the draws made for its pods, a hash of the name.
    pub key: Key,
    /// Kind.
    pub kind: WorkloadKind,
    /// What becomes of lost pods.
    pub on_loss: LossPolicy,
    /// What becomes of finished pods.
    pub finished: FinishedPods,
    /// How long its containers take to start, on top of what the kubelet does.
    pub startup: Option<Span>,
}
