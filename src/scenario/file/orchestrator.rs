//! Who places the pods.

use crate::policy::KubeSchedulerParams;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An orchestrator with its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrchestratorParams {
    /// Kubernetes.
    Kubernetes(Box<KubernetesParams>),
    /// First fit, restart at once: the simplest that works.
    Baseline(BaselineParams),
}

impl Default for OrchestratorParams {
    fn default() -> OrchestratorParams {
        OrchestratorParams::Kubernetes(Box::default())
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
}

/// A version of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum KubernetesVersion {
    /// 1.34.
    #[default]
    #[serde(rename = "1.34")]
    V1_34,
}

/// First fit has no parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineParams {}
