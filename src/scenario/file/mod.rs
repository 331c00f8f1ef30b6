//! The scenario file as types. Every other module's parameters are one field here; their paths are
//! the nesting.

mod application;
mod cluster;
mod orchestrator;
mod rollback;
mod usage;
mod workload;

pub use application::{
    ApplicationParams, COMPRESSED_SHARE_DEFAULT, CompressedParams, CrashParams, IMAGE_SIZE_DEFAULT,
    LAYERS_DEFAULT, LayerParams, LayersParams, StopParams,
};
pub use cluster::{ClusterParams, GpuGroup, ImageParams, NodeEntry, NodeGroup, TaintParams};
pub use cluster::{TraceNodes, TraceNodesEntry};
pub use orchestrator::{BaselineParams, KubernetesParams, KubernetesVersion, OrchestratorParams};
pub(in crate::scenario) use rollback::millionths;
pub use rollback::{
    Analysis, BlueGreen, Canary, MonitoringParams, RollbackParams, RuleParams, Step,
};
pub use usage::{GrowthParams, Percent, Size, UsageAmount, UsageParams};
pub use workload::{
    BatchWorkload, LoadWorkload, LostPods, ServiceWorkload, TraceWorkload, WorkloadHead,
    WorkloadParams,
};

use super::Expectation;
use crate::ground::Span;
use crate::sim::Detail;
use crate::stimulus::{FaultParams, TimelineParams};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A scenario: a cluster, what runs on it, what happens to it, and what is expected of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// Version of this form: `wavetank/v1`.
    #[serde(rename = "apiVersion")]
    pub api_version: ApiVersion,
    /// `Scenario`.
    pub kind: ScenarioKind,
    /// Name: letters, digits, `-`, `_` and `.`; folders of results are called after it.
    pub name: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Seed of all random draws.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// End of the run. May be left out only if everything ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Span>,
    /// Folder in which the files that are named below are looked for: from the folder of this file,
    /// or, on the command line, from the working directory. Without it, the folder of this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// How much of reality is simulated.
    #[serde(default)]
    pub detail: Detail,
    /// The machines. May be left out if there are nodes among the objects.
    #[serde(default)]
    pub cluster: ClusterParams,
    /// Who places the pods.
    #[serde(default)]
    pub orchestrator: OrchestratorParams,
    /// Kubernetes objects as they are: files, and folders with all files in them that end in
    /// .yaml, .yml or .json.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<PathBuf>,
    /// What runs beside the objects.
    #[serde(default)]
    pub workloads: Vec<WorkloadParams>,
    /// How images behave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applications: Vec<ApplicationParams>,
    /// What "available" means, by the name of a service workload, of a Deployment or of a
    /// ReplicaSet (`namespace/name` outside the namespace `default`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, ServiceGoal>,
    /// What operators do at set times, by the names of kubectl.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<TimelineParams>,
    /// Who goes back to the previous revision when a rollout fails, by the name of a service
    /// workload or of a Deployment; nobody does otherwise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rollback: BTreeMap<String, RollbackParams>,
    /// What is watched of each Deployment, and when somebody is told; nothing is otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<MonitoringParams>,
    /// What fails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultParams>,
    /// The same scenario with something changed, run side by side.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variants: BTreeMap<String, VariantParams>,
    /// What has to hold at the end, such as `wait.time_to_bind.p99 <= 10s`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Expectation>,
}

const fn default_seed() -> u64 {
    1
}

/// Version of the form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The first one.
    #[serde(rename = "wavetank/v1")]
    V1,
}

/// Kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ScenarioKind {
    /// A scenario.
    Scenario,
}

/// What "available" means for a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceGoal {
    /// The service is available while at least so many pods are ready, 1 to its replicas.
    pub min_serving: u32,
}

/// What is different in a variant.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantParams {
    /// New values by path, such as `cluster.nodes.0.count: 5`; null removes.
    #[serde(default)]
    pub set: BTreeMap<String, serde_json::Value>,
}
