//! Who places the pods, and the timing of everything around the decisions.

use crate::ground::{Problem, Span};
use crate::policy::KubeSchedulerParams;
use crate::policy::kube::control::{NodeLifecycleParams, PodGcParams, ZoneParams};
use crate::policy::kube::discovery::DiscoveryParams;
use crate::sim::{
    ApiParams, KubeletParams, PlacementParams, RegistryParams, SimParams, VolumeParams,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An orchestrator with its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrchestratorParams {
    /// Kubernetes.
    Kubernetes(Box<KubernetesParams>),
    /// First fit, restart at once: the simplest that works.
    Baseline(Box<BaselineParams>),
}

impl Default for OrchestratorParams {
    fn default() -> OrchestratorParams {
        OrchestratorParams::Kubernetes(Box::default())
    }
}

impl OrchestratorParams {
    /// The key under which the file has it.
    pub fn key(&self) -> &'static str {
        match self {
            OrchestratorParams::Kubernetes(_) => "kubernetes",
            OrchestratorParams::Baseline(_) => "baseline",
        }
    }

    /// Timing of everything around the decisions.
    pub fn machinery(&self) -> SimParams {
        match self {
            OrchestratorParams::Kubernetes(kube) => kube.machinery(),
            OrchestratorParams::Baseline(baseline) => baseline.machinery(),
        }
    }

    /// Time that one decision takes at `lifecycle` detail.
    pub fn think_time(&self) -> Span {
        match self {
            OrchestratorParams::Kubernetes(kube) => kube.scheduler.think_time,
            OrchestratorParams::Baseline(baseline) => baseline.think_time,
        }
    }

    /// What is wrong with the parameters, with paths below the key.
    pub fn check(&self) -> Vec<Problem> {
        let scheduler = match self {
            OrchestratorParams::Kubernetes(kube) => kube.scheduler.check(),
            OrchestratorParams::Baseline(_) => Vec::new(),
        };
        let mut problems: Vec<Problem> =
            scheduler.into_iter().map(|problem| problem.under("scheduler")).collect();
        problems.extend(self.machinery().check());
        problems
    }
}

/// Kubernetes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesParams {
    /// Version whose decisions are made.
    pub version: KubernetesVersion,
    /// The scheduler.
    pub scheduler: KubeSchedulerParams,
    /// The API server and its watchers.
    pub api: ApiParams,
    /// The kubelets.
    pub kubelet: KubeletParams,
    /// Where images come from.
    pub registry: RegistryParams,
    /// Volumes of storage drivers.
    pub volumes: VolumeParams,
    /// Heartbeats of nodes and their absence.
    pub node_lifecycle: NodeLifecycleParams,
    /// Zones that lose many nodes at once.
    pub zones: ZoneParams,
    /// The collector of pods that nobody needs.
    pub pod_gc: PodGcParams,
    /// How clients find the pods of services.
    pub discovery: DiscoveryParams,
    /// What stands in for heartbeats at `placement` detail.
    pub placement: PlacementParams,
}

impl KubernetesParams {
    /// Timing of everything around the decisions.
    fn machinery(&self) -> SimParams {
        SimParams {
            api: self.api.clone(),
            kubelet: self.kubelet.clone(),
            registry: self.registry,
            volumes: self.volumes.clone(),
            node_lifecycle: self.node_lifecycle,
            zones: self.zones,
            pod_gc: self.pod_gc,
            discovery: self.discovery,
            placement: self.placement.clone(),
        }
    }
}

/// A version of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum KubernetesVersion {
    /// 1.34.
    #[default]
    #[serde(rename = "1.34")]
    V1_34,
}

/// The baseline orchestrator: pods in order of arrival, each on the first node that takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BaselineParams {
    /// How long one decision takes at `lifecycle` detail.
    pub think_time: Span,
    /// Its store and those who watch it.
    pub api: ApiParams,
    /// The agents on its nodes.
    pub kubelet: KubeletParams,
    /// Where images come from.
    pub registry: RegistryParams,
    /// Volumes of storage drivers.
    pub volumes: VolumeParams,
    /// Heartbeats of nodes and their absence.
    pub node_lifecycle: NodeLifecycleParams,
    /// Zones that lose many nodes at once.
    pub zones: ZoneParams,
    /// The collector of pods that nobody needs.
    pub pod_gc: PodGcParams,
    /// How clients find the pods of services.
    pub discovery: DiscoveryParams,
    /// What stands in for heartbeats at `placement` detail.
    pub placement: PlacementParams,
}

impl Default for BaselineParams {
    fn default() -> BaselineParams {
        BaselineParams {
            think_time: Span::from_millis(2),
            api: ApiParams::default(),
            kubelet: KubeletParams::default(),
            registry: RegistryParams::default(),
            volumes: VolumeParams::default(),
            node_lifecycle: NodeLifecycleParams::default(),
            zones: ZoneParams::default(),
            pod_gc: PodGcParams::default(),
            discovery: DiscoveryParams::default(),
            placement: PlacementParams::default(),
        }
    }
}

impl BaselineParams {
    /// Timing of everything around the decisions.
    fn machinery(&self) -> SimParams {
        SimParams {
            api: self.api.clone(),
            kubelet: self.kubelet.clone(),
            registry: self.registry,
            volumes: self.volumes.clone(),
            node_lifecycle: self.node_lifecycle,
            zones: self.zones,
            pod_gc: self.pod_gc,
            discovery: self.discovery,
            placement: self.placement.clone(),
        }
    }
}
