//! What a scenario says about a trace.

use crate::ground::{Bytes, Span};
use crate::stimulus::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How a trace is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TraceFormat {
    /// Alibaba cluster-trace-gpu-v2023 ("openb"): the pod list, and the node list in `nodes`.
    #[serde(rename = "alibaba-gpu-2023")]
    AlibabaGpu2023,
    /// Our own: CSV with units in the cells, or the sorted block form; told apart by its first
    /// bytes.
    #[serde(rename = "native")]
    Native,
}

/// What to do with a row that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BadRows {
    /// Stop with file, line and column.
    #[default]
    Refuse,
    /// Leave it out and count it by reason.
    Skip,
}

/// Changes to the lifetimes of a trace's pods: first scaled, then cut.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LifetimeParams {
    /// Factor for every lifetime; 1 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Ratio>,
    /// Longest lifetime; longer ones are cut to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Span>,
}

/// A trace that is replayed through the simulated scheduler: creation times, requests and
/// lifetimes count; where and when the recorded cluster placed a pod does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceParams {
    /// Format of the files.
    pub format: TraceFormat,
    /// The list of pods; gzip is detected.
    pub pods: PathBuf,
    /// The list of machines, for a scenario that takes its nodes from the trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<PathBuf>,
    /// Only pods created at or after this time of the trace; it becomes time 0. Pods created
    /// before are left out, even if they were still running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Span>,
    /// Only pods created before this time of the trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Span>,
    /// Factor for the times between creations: 0.5 lets pods arrive twice as fast. 1 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_scale: Option<Ratio>,
    /// Changes to the lifetimes.
    #[serde(default)]
    pub lifetime: LifetimeParams,
    /// What to do with a row that cannot be read.
    #[serde(default)]
    pub bad_rows: BadRows,
    /// Memory for rows. A trace that needs more is streamed, or, if it is not in order of time,
    /// first sorted on disk.
    #[serde(default = "default_memory")]
    pub memory: Bytes,
}

/// 256 MiB, room for over six million rows.
const fn default_memory() -> Bytes {
    Bytes(256 << 20)
}

impl TraceParams {
    /// The whole of a trace as it is.
    pub fn new(format: TraceFormat, pods: impl Into<PathBuf>) -> TraceParams {
        TraceParams {
            format,
            pods: pods.into(),
            nodes: None,
            from: None,
            to: None,
            time_scale: None,
            lifetime: LifetimeParams::default(),
            bad_rows: BadRows::default(),
            memory: default_memory(),
        }
    }
}
