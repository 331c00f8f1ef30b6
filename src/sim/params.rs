//! How much of reality is simulated, and how long each part of it takes.

use super::kubelet_params::KubeletDelays;
use super::{KubeletParams, RegistryParams, VolumeParams};
use crate::ground::{Problem, Span};
use crate::policy::kube::control::{NodeLifecycleParams, PodGcParams, TokenBucket, ZoneParams};
use crate::policy::kube::discovery::DiscoveryParams;
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
    /// Twice as many requests per second, with the same burst.
    pub(super) fn doubled(self) -> RateParams {
        RateParams { qps: self.qps * 2.0, ..self }
    }

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
    /// What the scheduler may send: its bindings. Kubernetes 1.34: 50 requests per second, burst
    /// 100.
    pub scheduler: RateParams,
    /// What each controller may send; every one has a client of its own. Kubernetes 1.34: 20
    /// requests per second, burst 30 (`--kube-api-qps`, `--kube-api-burst`).
    pub controllers: RateParams,
    /// What each kubelet may send. Kubernetes 1.34: 50 requests per second, burst 100.
    pub kubelet: RateParams,
}

impl Default for ApiParams {
    fn default() -> ApiParams {
        ApiParams {
            request_latency: Span::from_millis(10),
            watch_delay: Span::from_millis(20),
            scheduler: RateParams { qps: 50.0, burst: 100 },
            controllers: RateParams { qps: 20.0, burst: 30 },
            kubelet: RateParams { qps: 50.0, burst: 100 },
        }
    }
}

impl ApiParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let rates = [
            ("scheduler", self.scheduler),
            ("controllers", self.controllers),
            ("kubelet", self.kubelet),
        ];
        rates
            .into_iter()
            .flat_map(|(path, rate)| rate.check().into_iter().map(move |p| p.under(path)))
            .collect()
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
    /// Where images come from.
    pub registry: RegistryParams,
    /// Volumes of storage drivers.
    pub volumes: VolumeParams,
    /// Heartbeats and their absence.
    pub node_lifecycle: NodeLifecycleParams,
    /// Zones that lose many nodes at once.
    pub zones: ZoneParams,
    /// The collector of pods that nobody needs.
    pub pod_gc: PodGcParams,
    /// How clients find the pods of services.
    pub discovery: DiscoveryParams,
    /// Only at `placement` detail.
    pub placement: PlacementParams,
}

impl SimParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let parts = [
            ("api", self.api.check()),
            ("kubelet", self.kubelet.check()),
            ("registry", self.registry.check()),
            ("node_lifecycle", self.node_lifecycle.check()),
            ("zones", self.zones.check()),
            ("pod_gc", self.pod_gc.check()),
            ("discovery", self.discovery.check()),
        ];
        let under = |(path, found): (&'static str, Vec<Problem>)| {
            found.into_iter().map(move |problem| problem.under(path))
        };
        parts.into_iter().flat_map(under).collect()
    }
}

/// The delays that hold at a level of detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Timing {
    pub(super) detail: Detail,
    pub(super) request: Span,
    pub(super) watch: Span,
    pub(super) think: Span,
    #[serde(with = "as_text")]
    pub(super) kubelet: KubeletParams,
    pub(super) delays: KubeletDelays,
    pub(super) registry: RegistryParams,
    pub(super) detection: Span,
    pub(super) node_lifecycle: NodeLifecycleParams,
    pub(super) zones: ZoneParams,
    pub(super) pod_gc: PodGcParams,
    #[serde(with = "as_text")]
    pub(super) discovery: DiscoveryParams,
    /// What each controller may send; `None`: as much as it likes.
    pub(super) controllers: Option<RateParams>,
    /// What the scheduler may send.
    pub(super) scheduler: Option<RateParams>,
    /// What each kubelet may send.
    pub(super) kubelets: Option<RateParams>,
}

/// Parameters of which some can be written in several ways are kept as text in a saved run.
mod as_text {
    use serde::de::{DeserializeOwned, Error as _};
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        params: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serde_json::to_string(params).map_err(S::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text).map_err(D::Error::custom)
    }
}

impl Timing {
    /// The delays of these parameters at this level; `think` is the scheduler's own, `delays` those
    /// of the kubelets in `params` with their tables loaded.
    pub(super) fn new(
        params: &SimParams,
        detail: Detail,
        think: Span,
        delays: KubeletDelays,
    ) -> Timing {
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
            kubelet: params.kubelet.clone(),
            delays,
            registry: params.registry,
            detection: params.placement.detection_delay,
            node_lifecycle: params.node_lifecycle,
            zones: params.zones,
            pod_gc: params.pod_gc,
            discovery: params.discovery,
            controllers: limited.then_some(params.api.controllers),
            scheduler: limited.then_some(params.api.scheduler),
            kubelets: limited.then_some(params.api.kubelet),
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
