//! Timing of kubelets, container runtimes and image pulls.

use crate::ground::{
    Bytes, DistError, DistForm, DistParams, Problem, Span, SpanDist, SpanDistParams, TableLoader,
    UniformForm,
};
use crate::policy::kube::kubelet::{BackoffParams, EvictionParams, ImageGcParams, PullParams};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a node's agent and its container runtime do, and how long each step takes.
///
/// The life of a pod of one container whose image is there adds up, at the defaults, to: `pickup`
/// 100ms, `mount` 100 to 300ms, `sandbox` 400ms, `container_start` 200ms, then up to one `relist`
/// of 1s until the kubelet sees the container, `status_report` 100ms. With the watch delay before
/// and the request latency after, the store has it running 0.93s to 2.13s after it was bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KubeletParams {
    /// From learning of a pod to beginning with it. A modelling choice: 100ms.
    pub pickup: Span,
    /// Mounting the volumes of a pod, of which every pod has at least the token of its service
    /// account unless it declines. A modelling choice: 100 to 300ms.
    pub mount: SpanDistParams,
    /// Sandbox and network of a pod. A modelling choice: 400ms.
    pub sandbox: SpanDistParams,
    /// Creating and starting one container whose image is there, unless its application says
    /// otherwise. A modelling choice: 200ms.
    pub container_start: SpanDistParams,
    /// When a container without probes is ready. Kubernetes 1.34: at once.
    pub unprobed: Unprobed,
    /// Time between two looks at the containers of the node, at each of which the kubelet learns
    /// what started and ended. Kubernetes 1.34: 1s.
    pub relist: Span,
    /// From a changed status to the request that reports it. A modelling choice: 100ms.
    pub status_report: Span,
    /// After something failed, a pod is looked at again after this and up to half as much more.
    /// Kubernetes 1.34: 10s.
    pub retry: Span,
    /// How often a node reports its conditions when they change. Kubernetes 1.34: 10s.
    pub node_status: Span,
    /// Restarts of containers that end.
    pub crash_backoff: BackoffParams,
    /// Pulls of images that fail.
    pub image_backoff: BackoffParams,
    /// Pulls at a time.
    pub pulls: PullParams,
    /// When images that nobody uses are thrown away.
    pub image_gc: ImageGcParams,
    /// When pods are evicted for lack of memory or disk.
    pub eviction: EvictionParams,
}

fn constant(millis: u64) -> SpanDistParams {
    DistParams::try_from(DistForm::Constant(Span::from_millis(millis))).expect("a length is fine")
}

impl Default for KubeletParams {
    fn default() -> KubeletParams {
        let mount = UniformForm { min: Span::from_millis(100), max: Span::from_millis(300) };
        KubeletParams {
            pickup: Span::from_millis(100),
            mount: DistParams::try_from(DistForm::Uniform(mount)).expect("min is below max"),
            sandbox: constant(400),
            container_start: constant(200),
            unprobed: Unprobed::AtOnce,
            relist: Span::from_secs(1),
            status_report: Span::from_millis(100),
            retry: Span::from_secs(10),
            node_status: Span::from_secs(10),
            crash_backoff: BackoffParams::default(),
            image_backoff: BackoffParams::default(),
            pulls: PullParams::default(),
            image_gc: ImageGcParams::default(),
            eviction: EvictionParams::default(),
        }
    }
}

impl KubeletParams {
    /// The delays that are drawn, by the name of their field.
    pub fn drawn_mut(&mut self) -> [(&'static str, &mut SpanDistParams); 3] {
        [
            ("mount", &mut self.mount),
            ("sandbox", &mut self.sandbox),
            ("container_start", &mut self.container_start),
        ]
    }

    /// The delays that are drawn, ready to be sampled. `load` loads a table.
    ///
    /// # Errors
    /// If the table of an empirical distribution cannot be used.
    pub fn delays(&self, load: &mut TableLoader<'_>) -> Result<KubeletDelays, DistError> {
        Ok(KubeletDelays {
            mount: self.mount.resolve(load)?,
            sandbox: self.sandbox.resolve(load)?,
            container_start: self.container_start.resolve(load)?,
        })
    }

    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (path, span) in
            [("relist", self.relist), ("retry", self.retry), ("node_status", self.node_status)]
        {
            if span.is_zero() {
                let text = format!("`{path}` is zero, which would never end");
                problems.push(Problem::new(path, text).hint("write a length such as `1s`"));
            }
        }
        let parts = [
            ("crash_backoff", self.crash_backoff.check()),
            ("image_backoff", self.image_backoff.check()),
            ("pulls", self.pulls.check()),
            ("image_gc", self.image_gc.check()),
            ("eviction", self.eviction.check()),
        ];
        for (path, found) in parts {
            problems.extend(found.into_iter().map(|problem| problem.under(path)));
        }
        problems
    }
}

/// When a container without probes is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unprobed {
    /// As soon as it runs.
    #[default]
    AtOnce,
    /// While it would answer a readiness probe: what stands in for kubelets in clusters of
    /// simulated nodes, such as KWOK, plays pods without probing them.
    AsProbed,
}

/// The delays of kubelets that are drawn, ready to be sampled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KubeletDelays {
    /// Mounting the volumes of a pod.
    pub mount: SpanDist,
    /// Sandbox and network of a pod.
    pub sandbox: SpanDist,
    /// Creating and starting one container.
    pub container_start: SpanDist,
}

/// The registry of images and the way from there to a node: an image takes the latency, the
/// download of what is missing at the least of three rates, and the time to unpack it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RegistryParams {
    /// A question for a manifest. A modelling choice: 300ms.
    pub latency: Span,
    /// Bytes per second of one layer's download. A modelling choice within the 10 to 150 MB/s seen
    /// in practice: 50M.
    pub layer_rate: Bytes,
    /// Layers of one image that are downloaded at a time. Container runtimes: 3.
    pub layers_at_a_time: u32,
    /// Bytes per second that a node can receive, shared by its pulls. Default 125M, one gigabit.
    pub node_rate: Bytes,
    /// Bytes per second that the registry can send, shared by all pulls; `null` for no limit.
    pub egress: Option<Bytes>,
    /// Bytes per second at which an image is unpacked, counted unpacked. A modelling choice within
    /// the 50 to 200 MB/s seen in practice: 100M.
    pub unpack_rate: Bytes,
}

impl Default for RegistryParams {
    fn default() -> RegistryParams {
        RegistryParams {
            latency: Span::from_millis(300),
            layer_rate: Bytes(50_000_000),
            layers_at_a_time: 3,
            node_rate: Bytes(125_000_000),
            egress: None,
            unpack_rate: Bytes(100_000_000),
        }
    }
}

impl RegistryParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let rates = [
            ("layer_rate", Some(self.layer_rate)),
            ("node_rate", Some(self.node_rate)),
            ("egress", self.egress),
            ("unpack_rate", Some(self.unpack_rate)),
        ];
        let mut problems = Vec::new();
        for (path, rate) in rates {
            if rate == Some(Bytes::ZERO) {
                let text = format!("`{path}` is zero, so no pull would ever end");
                problems.push(Problem::new(path, text).hint("write a rate such as `50M`"));
            }
        }
        if self.layers_at_a_time == 0 {
            let text = "`layers_at_a_time` is zero, so no pull would ever end";
            problems.push(Problem::new("layers_at_a_time", text).hint("write 1 or more"));
        }
        problems
    }
}
