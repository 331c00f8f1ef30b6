//! Batch work: arrivals times a mix of pods times their lifetimes.

use super::arrivals::ArrivalParams;
use crate::ground::{Bytes, MilliCpu, Span, SpanDistParams};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Pods that arrive, run for a drawn lifetime and finish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchParams {
    /// When pods arrive.
    pub arrivals: ArrivalParams,
    /// What arrives: each arrival is one of these, at random by weight.
    pub pods: Vec<PodParams>,
    /// When arrivals begin.
    #[serde(default)]
    pub from: Span,
    /// No arrivals at or after this time; until the end of the run if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Span>,
    /// No more arrivals than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// One kind of pod in a mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodParams {
    /// Its share of the arrivals is its weight over the sum of all weights.
    #[serde(default = "one")]
    pub weight: u32,
    /// CPU request.
    #[serde(default)]
    pub cpu: MilliCpu,
    /// Memory request.
    #[serde(default)]
    pub memory: Bytes,
    /// GPU request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuParams>,
    /// Priority.
    #[serde(default)]
    pub priority: i32,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// How long it runs; for ever if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<SpanDistParams>,
}

const fn one() -> u32 {
    1
}

/// A request for GPUs of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpuParams {
    /// Number of GPUs, 1 to 32.
    #[serde(default = "one_gpu")]
    pub count: u8,
    /// Thousandths of each GPU, 1 to 1000; below 1000 only with `count` 1.
    #[serde(default = "whole_gpu")]
    pub milli: u32,
    /// Accepted models; every model if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
}

const fn one_gpu() -> u8 {
    1
}

const fn whole_gpu() -> u32 {
    1000
}
