//! Containers as users write them.

use super::pod::RestartWord;
use super::probe::{LifecycleManifest, ProbeManifest};
use super::rest::with_rest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

with_rest! {
    /// A container.
    pub struct ContainerManifest reads ContainerRead, knows ContainerKeys {
        /// Name, unique in the pod.
        pub name: String,
        /// Image.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub image: Option<String>,
        /// Requests and limits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub resources: Option<ResourcesManifest>,
        /// Ports.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub ports: Vec<PortManifest>,
        /// `Always` makes an init container a sidecar.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub restart_policy: Option<RestartWord>,
        /// When the image is pulled; by its tag if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub image_pull_policy: Option<PullWord>,
        /// Has it started?
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub startup_probe: Option<ProbeManifest>,
        /// Should it get traffic?
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub readiness_probe: Option<ProbeManifest>,
        /// Should it be killed?
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub liveness_probe: Option<ProbeManifest>,
        /// What runs at its start and before its end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub lifecycle: Option<LifecycleManifest>,
    }
    refused: [("volumeDevices", "remove it, with the volume it uses")]
    without_effect: [
        "args", "command", "env", "envFrom", "resizePolicy", "restartPolicyRules",
        "securityContext", "stdin", "stdinOnce", "terminationMessagePath",
        "terminationMessagePolicy", "tty", "volumeMounts", "workingDir",
    ]
}

with_rest! {
    /// Requests and limits by name of the resource.
    pub struct ResourcesManifest reads ResourcesRead, knows ResourcesKeys {
        /// What is reserved.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub requests: BTreeMap<String, String>,
        /// What is never exceeded; a request if there is none of that resource.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub limits: BTreeMap<String, String>,
    }
    refused: [("claims", "ask for whole GPUs with `nvidia.com/gpu` or `gpu:` instead")]
    without_effect: []
}

/// When an image is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PullWord {
    /// At each start.
    Always,
    /// If it is not there.
    IfNotPresent,
    /// Never.
    Never,
}

/// A port of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortManifest {
    /// Number, 1 to 65535.
    pub container_port: u16,
    /// Port of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port: Option<u16>,
    /// Address of the node; every address if left out.
    #[serde(default, rename = "hostIP", skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<String>,
    /// Protocol; TCP if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<ProtocolWord>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProtocolWord {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}
