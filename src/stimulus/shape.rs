//! The pods of a trace as a stream of any chosen load.

use super::{Ratio, TraceParams};
use crate::ground::{Span, SpanDistParams};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The resource that a load is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoadResource {
    /// Thousandths of GPUs.
    Gpu,
    /// Thousandths of cores.
    Cpu,
    /// Bytes of memory.
    Memory,
}

/// A Poisson stream of pods that are drawn from a trace, with replacement, at the rate at which
/// they ask for a chosen share of the cluster on average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadParams {
    /// Where the pods are drawn from: rows with a lifetime above zero, request and lifetime
    /// together. Its `time_scale` has no meaning here and is refused.
    pub trace: TraceParams,
    /// Mean of what is asked for over what there is, such as `80%`; above 100% the queue grows.
    pub load: Ratio,
    /// The resource that `load` counts.
    pub of: LoadResource,
    /// Lifetimes to draw instead of those of the trace, which then may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetimes: Option<SpanDistParams>,
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
