//! How much of reality is simulated, and how long each part of it takes.

use crate::ground::{DistForm, DistParams, LognormalForm, Problem, Span, SpanDist, SpanDistParams};
use crate::policy::kube::control::{NodeLifecycleParams, PodGcParams, TokenBucket, ZoneParams};
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

/// How often a client may ask the API server for something.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateParams {
    /// Requests per second, in the long run.
    pub qps: f64,
    /// Requests that may be sent at once after a pause.
    pub burst: u32,
}

impl RateParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !self.qps.is_finite() || self.qps <= 0.0 {
            let text = format!("`qps` is {}, so no request would ever be sent", self.qps);
            problems.push(Problem::new("qps", text).hint("write requests per second, such as 20"));
        }
        if self.burst == 0 {
            let text = "`burst` is 0, so no request would ever be sent";
            problems.push(Problem::new("burst", text).hint("write a number such as 30"));
        }
        problems
    }

    /// A full bucket from which each request takes one token.
    pub fn bucket(&self) -> TokenBucket {
        TokenBucket::new(Span::from_secs_f64(1.0 / self.qps), self.burst)
    }
}

/// Timing of the API server and of those who watch it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiParams {
    /// From sending a write to its commit. A modelling choice: 10ms.
    pub request_latency: Span,
    /// From a commit to the watchers that react to it. A modelling choice within the 10 to 50 ms
    /// seen in practice: 20ms.
    pub watch_delay: Span,
    /// What each controller may send; every one has a client of its own. Kubernetes 1.34: 20
    /// requests per second, burst 30 (`--kube-api-qps`, `--kube-api-burst`).
    pub controllers: RateParams,
}

impl Default for ApiParams {
    fn default() -> ApiParams {
        ApiParams {
            request_latency: Span::from_millis(10),
            watch_delay: Span::from_millis(20),
            controllers: RateParams { qps: 20.0, burst: 30 },
        }
    }
}

impl ApiParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let rates = [("controllers", self.controllers)];
        rates
            .into_iter()
            .flat_map(|(path, rate)| rate.check().into_iter().map(move |p| p.under(path)))
            .collect()
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
    /// Zones that lose many nodes at once.
    pub zones: ZoneParams,
    /// The collector of pods that nobody needs.
    pub pod_gc: PodGcParams,
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
    pub(super) zones: ZoneParams,
    pub(super) pod_gc: PodGcParams,
    /// What each controller may send; `None`: as much as it likes.
    pub(super) controllers: Option<RateParams>,
}

impl Timing {
    /// The delays of these parameters at this level; `think` is the scheduler's own, `start` the
    /// start delay of `params` with its table loaded.
    pub(super) fn new(params: &SimParams, detail: Detail, think: Span, start: SpanDist) -> Timing {
        let lifecycle = detail == Detail::Lifecycle;
        let only_lifecycle = |span: Span| if lifecycle { span } else { Span::ZERO };
        let request = only_lifecycle(params.api.request_latency);
        let watch = only_lifecycle(params.api.watch_delay);
        let think = only_lifecycle(think);
        let limited = !(request.is_zero() && watch.is_zero() && think.is_zero());
        Timing {
            detail,
            request,
            watch,
            think,
            start: lifecycle.then_some(start),
            detection: params.placement.detection_delay,
            node_lifecycle: params.node_lifecycle,
            zones: params.zones,
            pod_gc: params.pod_gc,
            controllers: limited.then_some(params.api.controllers),
        }
    }

    /// True at a level of detail with kubelets and heartbeats.
    pub(super) fn is_lifecycle(&self) -> bool {
        self.detail == Detail::Lifecycle
    }

    /// True if a component believes at once what the store knows, so that it needs no replica.
    pub(super) fn views_are_shared(&self) -> bool {
        self.watch.is_zero() && self.request.is_zero() && self.think.is_zero()
    }
}
