//! How much of reality is simulated, and how long each part of it takes.

use crate::ground::{DistForm, DistParams, LognormalForm, Span, SpanDist, SpanDistParams};
use crate::policy::kube::control::NodeLifecycleParams;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much of reality a run contains. The same code runs at each level, with parts switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    /// Arrival, queue, decision, bind, finish; no latencies and no kubelets. A crash takes a
    /// node's pods back to the queue after `placement.detection_delay`.
    Placement,
    /// Plus API and watch delays, kubelets and heartbeats.
    #[default]
    Lifecycle,
}

/// Timing of the API server and of those who watch it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiParams {
    /// From sending a write to its commit. A modelling choice: 10ms.
    pub request_latency: Span,
    /// From a commit to the watchers that react to it. A modelling choice within the 10 to 50 ms
    /// seen in practice: 20ms.
    pub watch_delay: Span,
}

impl Default for ApiParams {
    fn default() -> ApiParams {
        ApiParams { request_latency: Span::from_millis(10), watch_delay: Span::from_millis(20) }
    }
}

/// What a node's agent does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KubeletParams {
    /// From the kubelet seeing a bound pod to all its containers running. A modelling choice around
    /// the 1.5 s of an image that is there already.
    pub start_delay: SpanDistParams,
}

impl Default for KubeletParams {
    fn default() -> KubeletParams {
        let form = DistForm::Lognormal(LognormalForm {
            median: Span::from_millis(1500),
            p95: Some(Span::from_secs(3)),
            mean: None,
            sigma: None,
        });
        KubeletParams { start_delay: DistParams::try_from(form).expect("p95 is above the median") }
    }
}

/// What replaces heartbeats and evictions at `placement` detail.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlacementParams {
    /// From the crash of a node to its pods being back in the queue. Default 0s.
    pub detection_delay: Span,
}

/// All timing of the simulated machinery around the policies.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SimParams {
    /// API server.
    pub api: ApiParams,
    /// Kubelets.
    pub kubelet: KubeletParams,
    /// Heartbeats and their absence.
    pub node_lifecycle: NodeLifecycleParams,
    /// Only at `placement` detail.
    pub placement: PlacementParams,
}

/// The delays that hold at a level of detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Timing {
    pub(super) detail: Detail,
    pub(super) request: Span,
    pub(super) watch: Span,
    pub(super) think: Span,
    pub(super) start: Option<SpanDist>,
    pub(super) detection: Span,
    pub(super) node_lifecycle: NodeLifecycleParams,
}

impl Timing {
    /// The delays of these parameters at this level; `think` is the scheduler's own, `start` the
    /// start delay of `params` with its table loaded.
    pub(super) fn new(params: &SimParams, detail: Detail, think: Span, start: SpanDist) -> Timing {
        let lifecycle = detail == Detail::Lifecycle;
        let only_lifecycle = |span: Span| if lifecycle { span } else { Span::ZERO };
        Timing {
            detail,
            request: only_lifecycle(params.api.request_latency),
            watch: only_lifecycle(params.api.watch_delay),
            think: only_lifecycle(think),
            start: lifecycle.then_some(start),
            detection: params.placement.detection_delay,
            node_lifecycle: params.node_lifecycle,
        }
    }

    /// True if a component believes at once what the store knows, so that it needs no replica.
    pub(super) fn views_are_shared(&self) -> bool {
        self.watch.is_zero() && self.request.is_zero() && self.think.is_zero()
    }
}
