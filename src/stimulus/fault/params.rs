//! What a scenario says about failures.

use crate::ground::{Span, SpanDistParams};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultAction {
    /// A node loses power; everything on it stops.
    NodeCrash,
}

/// How a failing node begins the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultStart {
    /// As if it had just been repaired.
    #[default]
    New,
    /// As if it had been failing and being repaired for ever, and is up now: its first time to
    /// failure is the rest of an interval that covers the start.
    Equilibrium,
}

/// Failures at random.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewalParams {
    /// Time from a repair (at first: from the start) to the next failure, for each node.
    pub time_to_failure: SpanDistParams,
    /// How the run begins.
    #[serde(default)]
    pub start: FaultStart,
}

/// A failure at a time (`at`), or failures at random (`rate`), of each of the chosen nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultParams {
    /// What fails.
    pub action: FaultAction,
    /// When, once. Exactly one of `at` and `rate` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Span>,
    /// How often, at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<RenewalParams>,
    /// Time from the failure to the repair, drawn for each node; never repaired if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<SpanDistParams>,
    /// Names of the nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
    /// Labels of the nodes, all of which must be there. Every node if neither this nor `nodes` is
    /// given; not both.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
}
