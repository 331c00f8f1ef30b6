//! Node affinity and tolerations as users write them.

use super::pod_terms::PodAffinityManifest;
use super::rest::with_rest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

with_rest! {
    /// Where a pod wants to be.
    pub struct Affinity reads AffinityRead, knows AffinityKeys {
        /// By the labels of nodes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub node_affinity: Option<NodeAffinityManifest>,
        /// Near which pods.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pod_affinity: Option<PodAffinityManifest>,
        /// Far from which pods.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pod_anti_affinity: Option<PodAffinityManifest>,
    }
    refused: []
    without_effect: []
}

/// Nodes that are needed or preferred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeAffinityManifest {
    /// What a node must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_during_scheduling_ignored_during_execution: Option<NodeSelector>,
    /// What makes a node better.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferred_during_scheduling_ignored_during_execution: Vec<PreferredTerm>,
}

/// Terms of which one must match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeSelector {
    /// The terms, at least one.
    pub node_selector_terms: Vec<NodeSelectorTermManifest>,
}

/// Conditions that must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeSelectorTermManifest {
    /// Conditions on labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<RequirementManifest>,
    /// Conditions on `metadata.name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_fields: Vec<RequirementManifest>,
}

/// A term with its weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreferredTerm {
    /// Weight, 1 to 100.
    pub weight: i32,
    /// The term.
    pub preference: NodeSelectorTermManifest,
}

/// A condition on a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequirementManifest {
    /// Key of the label.
    pub key: String,
    /// Comparison.
    pub operator: OperatorWord,
    /// Values to compare with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OperatorWord {
    /// The value is listed.
    In,
    /// The label is absent or its value is not listed.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is absent.
    DoesNotExist,
    /// The value is an integer above the one listed.
    Gt,
    /// The value is an integer below the one listed.
    Lt,
}

/// A taint that is tolerated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TolerationManifest {
    /// Key; every key if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Comparison; `Equal` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<TolerationOperatorWord>,
    /// Value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Effect; every effect if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectWord>,
    /// Seconds that a running pod stays; for ever if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// How a toleration compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TolerationOperatorWord {
    /// Key and value are equal.
    Equal,
    /// The key is there.
    Exists,
}

/// What a taint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EffectWord {
    /// New pods stay away.
    NoSchedule,
    /// New pods prefer other nodes.
    PreferNoSchedule,
    /// New pods stay away and running pods are evicted.
    NoExecute,
}
