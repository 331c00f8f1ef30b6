//! What a run starts from.

use super::{Detail, KubeletDelays, SimParams};
use crate::ground::{Draws, Name, Span};
use crate::model::{
    Catalog, NodeId, NodeSpecId, ObjectId, PodName, PodSpecId, TaintsId, WorkloadId,
};
use crate::policy::AnyScheduler;

/// A node that is there, ready, at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeSetup {
    /// Name, unique.
    pub name: Name,
    /// Value of the label `kubernetes.io/hostname`.
    pub hostname: Option<Name>,
    /// Specification.
    pub spec: NodeSpecId,
    /// Taints.
    pub taints: TaintsId,
    /// Cordoned.
    pub unschedulable: bool,
}

/// A pod that is there at the start, before controllers make up what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodSetup {
    /// Owner: it counts the pod as one of its own.
    pub workload: WorkloadId,
    /// Specification.
    pub spec: PodSpecId,
    /// Name, unique.
    pub name: PodName,
    /// The node on which it runs and is ready, by position in the list of nodes. `None`: it was
    /// just created.
    pub node: Option<NodeId>,
}

/// Everything a world is built from. Stimuli are not part of it: they arrive.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Names, specifications and workloads used below.
    pub catalog: Catalog,
    /// Nodes in order of joining.
    pub nodes: Vec<NodeSetup>,
    /// Objects that are neither nodes nor pods.
    pub objects: Vec<ObjectId>,
    /// The pod specification of each service workload.
    pub services: Vec<(WorkloadId, PodSpecId)>,
    /// Pods that are there already, in order of creation.
    pub pods: Vec<PodSetup>,
    /// The scheduler.
    pub scheduler: AnyScheduler,
    /// How long one scheduling cycle takes at `lifecycle` detail.
    pub think_time: Span,
    /// The delays of the kubelets in `params`, with their tables loaded.
    pub delays: KubeletDelays,
    /// Timing of everything else.
    pub params: SimParams,
    /// Level of detail.
    pub detail: Detail,
    /// Random draws.
    pub draws: Draws,
}
