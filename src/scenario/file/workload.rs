//! What runs: services, generated batch work, traces, and pods of a trace at a chosen load.

use crate::ground::Span;
use crate::scenario::flat::{Take, required, split};
use crate::scenario::manifest::{PodManifest, PodTemplate};
use crate::stimulus::{BatchParams, LoadParams, TraceParams};
use schemars::JsonSchema;
use serde::de::{Deserializer, MapAccess};
use serde::{Deserialize, Serialize};

/// A workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadParams {
    /// Pods that are kept alive until the end.
    Service(Box<ServiceWorkload>),
    /// Pods that arrive at random, run and finish.
    Batch(BatchWorkload),
    /// The pods of a trace, when they came.
    Trace(TraceWorkload),
    /// Pods drawn from a trace, as many as make a chosen load.
    Load(LoadWorkload),
}

impl WorkloadParams {
    /// Name of the workload.
    pub fn name(&self) -> &str {
        match self {
            WorkloadParams::Service(service) => &service.name,
            WorkloadParams::Batch(batch) => &batch.head.name,
            WorkloadParams::Trace(trace) => &trace.head.name,
            WorkloadParams::Load(load) => &load.head.name,
        }
    }

    /// The key under which the file has it.
    pub fn key(&self) -> &'static str {
        match self {
            WorkloadParams::Service(_) => "service",
            WorkloadParams::Batch(_) => "batch",
            WorkloadParams::Trace(_) => "trace",
            WorkloadParams::Load(_) => "load",
        }
    }
}

/// Pods that are kept alive until the end: all are created at the start, and each that is lost is
/// replaced. They belong to a ReplicaSet of the name of the workload that selects them by all
/// their labels, so that kube-scheduler spreads them over hosts and zones as it does by default.
/// Without labels they get `app: NAME`, as from `kubectl create deployment NAME`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceWorkload {
    /// Name, unique among the workloads.
    pub name: String,
    /// Number of pods.
    pub replicas: u32,
    /// The pod: a Kubernetes PodSpec. Exactly one of `pod` and `template` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<Box<PodManifest>>,
    /// The pod with its metadata: a Kubernetes pod template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Box<PodTemplate>>,
    /// How long its containers take to start, on top of what the kubelet does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Span>,
}

/// What a workload does about pods that are lost with their node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LostPods {
    /// Creates a replacement, which starts from the beginning.
    #[default]
    Replace,
    /// Nothing.
    Forget,
}

/// What workloads that come from a source have in common.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct WorkloadHead {
    /// Name, unique among the workloads.
    pub name: String,
    /// What becomes of pods that are lost with their node.
    #[serde(default)]
    pub lost_pods: LostPods,
    /// How long its containers take to start, on top of what the kubelet does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Span>,
}

#[derive(Default)]
struct HeadKeys {
    name: Option<String>,
    lost_pods: LostPods,
    startup: Option<Span>,
}

impl Take for HeadKeys {
    const KEYS: &'static [&'static str] = &["name", "lost_pods", "startup"];

    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "name" => self.name = Some(map.next_value()?),
            "lost_pods" => self.lost_pods = map.next_value()?,
            _ => self.startup = map.next_value()?,
        }
        Ok(())
    }
}

macro_rules! headed {
    ($($(#[$doc:meta])* $name:ident $params:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
        pub struct $name {
            /// Name, and what becomes of lost pods.
            #[serde(flatten)]
            pub head: WorkloadHead,
            /// The source of the pods.
            #[serde(flatten)]
            pub params: $params,
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let (keys, params): (HeadKeys, $params) = split(deserializer)?;
                let HeadKeys { name, lost_pods, startup } = keys;
                let name = required(name, "name")?;
                Ok($name { head: WorkloadHead { name, lost_pods, startup }, params })
            }
        }
    )*};
}

headed! {
    /// Pods that arrive at random, run and finish.
    BatchWorkload BatchParams;
    /// The pods of a trace, when they came.
    TraceWorkload TraceParams;
    /// Pods drawn from a trace, as many as make a chosen load.
    LoadWorkload LoadParams;
}
