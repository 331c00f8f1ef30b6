//! What a run starts from.

use super::task_setup::JobSetup;
use super::{Detail, KubeletDelays, MonitoringSetup, SimParams, VolumeDelays};
use crate::ground::{Draws, Name, Span};
use crate::model::{
    Catalog, DeploymentSpec, NodeId, NodeSpecId, ObjectId, PodName, PodSpecId, StatefulSetGoal,
    TaintsId, WorkloadId,
};
use crate::policy::AnyScheduler;
use crate::policy::kube::control::RollbackPolicy;

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

/// Who keeps the pods of a workload alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// A Deployment, whose first ReplicaSet is there.
    Deployment(DeploymentSpec),
    /// A StatefulSet, whose revision is there.
    StatefulSet(StatefulSetGoal),
    /// A ReplicaSet of nobody.
    ReplicaSet {
        /// Number of pods wanted.
        replicas: u32,
        /// What they are made of.
        template: PodSpecId,
        /// How long a pod is ready before it is available, whole seconds.
        min_ready: Span,
    },
}

impl Keeper {
    /// What the pods are made of.
    pub fn template(&self) -> PodSpecId {
        match self {
            Keeper::Deployment(spec) => spec.template,
            Keeper::StatefulSet(goal) => goal.template,
            Keeper::ReplicaSet { template, .. } => *template,
        }
    }

    /// Number of pods wanted.
    pub fn replicas(&self) -> u32 {
        match self {
            Keeper::Deployment(spec) => spec.replicas,
            Keeper::StatefulSet(goal) => goal.spec.replicas,
            Keeper::ReplicaSet { replicas, .. } => *replicas,
        }
    }

    /// The same for pods that are made of this.
    #[must_use]
    pub fn of(self, pods: PodSpecId) -> Keeper {
        match self {
            Keeper::Deployment(spec) => {
                Keeper::Deployment(DeploymentSpec { template: pods, ..spec })
            }
            Keeper::StatefulSet(goal) => {
                Keeper::StatefulSet(StatefulSetGoal { template: pods, ..goal })
            }
            Keeper::ReplicaSet { replicas, min_ready, .. } => {
                Keeper::ReplicaSet { replicas, template: pods, min_ready }
            }
        }
    }
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
    /// Who keeps the pods of each service workload alive.
    pub services: Vec<(WorkloadId, Keeper)>,
    /// Jobs, each with its workload.
    pub jobs: Vec<(WorkloadId, JobSetup)>,
    /// Who rolls Deployments back.
    pub rollbacks: Vec<(WorkloadId, RollbackPolicy)>,
    /// What is monitored.
    pub monitoring: MonitoringSetup,
    /// Pods that are there already, in order of creation.
    pub pods: Vec<PodSetup>,
    /// The scheduler.
    pub scheduler: AnyScheduler,
    /// How long one scheduling cycle takes at `lifecycle` detail.
    pub think_time: Span,
    /// The delays of the kubelets in `params`, with their tables loaded.
    pub delays: KubeletDelays,
    /// The delays of the volumes in `params`, with their tables loaded.
    pub volume_delays: VolumeDelays,
    /// Timing of everything else.
    pub params: SimParams,
    /// Level of detail.
    pub detail: Detail,
    /// Random draws.
    pub draws: Draws,
}
