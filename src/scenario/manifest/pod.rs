//! Pods as users write them.

use super::affinity::{Affinity, TolerationManifest};
use super::container::{ContainerManifest, ResourcesManifest};
use super::object::ObjectMeta;
use super::pod_terms::SpreadManifest;
use super::rest::with_rest;
use super::volumes::VolumeManifest;
use crate::stimulus::GpuParams;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

with_rest! {
    /// A pod with its metadata, and what wavetank adds to it.
    pub struct PodTemplate reads PodTemplateRead, knows PodTemplateKeys {
        /// Labels and namespace.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub metadata: Option<Metadata>,
        /// The pod.
        pub spec: PodManifest,
        /// GPUs, whole or in fractions. Not a part of Kubernetes: a real pod asks for
        /// `nvidia.com/gpu`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub gpu: Option<GpuParams>,
    }
    refused: []
    without_effect: []
}

with_rest! {
    /// A pod as an object of its own.
    pub struct PodObject reads PodObjectRead, knows PodObjectKeys {
        /// Name, namespace, labels and owner.
        pub metadata: ObjectMeta,
        /// The pod.
        pub spec: PodManifest,
    }
    refused: []
    without_effect: ["status"]
}

with_rest! {
    /// Metadata of a pod.
    pub struct Metadata reads MetadataRead, knows MetadataKeys {
        /// Labels.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub labels: BTreeMap<String, String>,
        /// Annotations, of which only `controller.kubernetes.io/pod-deletion-cost` of a pod
        /// matters.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub annotations: BTreeMap<String, String>,
        /// Namespace; `default` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub namespace: Option<String>,
    }
    refused: []
    without_effect: [
        "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp",
        "finalizers", "generateName", "generation", "managedFields", "name", "ownerReferences",
        "resourceVersion", "selfLink", "uid",
    ]
}

with_rest! {
    /// A Kubernetes PodSpec.
    pub struct PodManifest reads PodManifestRead, knows PodManifestKeys {
        /// Containers, at least one.
        pub containers: Vec<ContainerManifest>,
        /// Init containers, and sidecars (`restartPolicy: Always`).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub init_containers: Vec<ContainerManifest>,
        /// Requests and limits of the pod as a whole, in place of what its containers add up to:
        /// CPU, memory and huge pages.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub resources: Option<ResourcesManifest>,
        /// Requests added to those of the containers.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub overhead: BTreeMap<String, String>,
        /// Labels that a node must have.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub node_selector: BTreeMap<String, String>,
        /// Nodes that are needed or preferred.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub affinity: Option<Affinity>,
        /// How it is spread with pods like it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub topology_spread_constraints: Vec<SpreadManifest>,
        /// Taints that are tolerated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub tolerations: Vec<TolerationManifest>,
        /// Every container port is a port of the node.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub host_network: Option<bool>,
        /// What the pod waits for before it is scheduled.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub scheduling_gates: Vec<Gate>,
        /// Priority; that of the class if left out, 0 without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub priority: Option<i32>,
        /// Priority class: one among the objects, or one that Kubernetes brings.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub priority_class_name: Option<String>,
        /// May it displace others?
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub preemption_policy: Option<PreemptionWord>,
        /// Profile of the scheduler; `default-scheduler` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub scheduler_name: Option<String>,
        /// The node on which the pod is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub node_name: Option<String>,
        /// Seconds between the request to stop and the kill; 30 if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub termination_grace_period_seconds: Option<u32>,
        /// What happens when a container ends; `Always` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub restart_policy: Option<RestartWord>,
        /// Seconds from its start to its end as failed, if it still runs then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub active_deadline_seconds: Option<u32>,
        /// Volumes.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub volumes: Vec<VolumeManifest>,
        /// `false`: it has no volume with the token of its service account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub automount_service_account_token: Option<bool>,
    }
    refused: [
        ("ephemeralContainers", "remove it: a template has none"),
        ("readinessGates", "remove it"),
        ("resourceClaims", "ask for whole GPUs with `nvidia.com/gpu` or `gpu:` instead"),
        ("runtimeClassName", "write the overhead of the class as `overhead:`"),
    ]
    without_effect: [
        "dnsConfig", "dnsPolicy", "enableServiceLinks", "hostAliases", "hostIPC", "hostPID",
        "hostUsers", "hostname", "hostnameOverride", "imagePullSecrets", "os",
        "securityContext", "serviceAccount", "serviceAccountName", "setHostnameAsFQDN",
        "shareProcessNamespace", "subdomain",
    ]
}

/// Something that a pod waits for before it is scheduled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Name.
    pub name: String,
}

/// May a pod displace others?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PreemptionWord {
    /// Yes, those of lower priority.
    PreemptLowerPriority,
    /// No.
    Never,
}

/// What happens when a container ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RestartWord {
    /// It is started again.
    Always,
    /// It is started again if it failed.
    OnFailure,
    /// It stays as it is.
    Never,
}
