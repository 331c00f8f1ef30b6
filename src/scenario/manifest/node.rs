//! Nodes as `kubectl get nodes -o yaml` prints them (core/v1, Kubernetes 1.34).

use super::affinity::EffectWord;
use super::convert::Reader;
use super::object::ObjectMeta;
use super::resources::{GPU_RESOURCE, amounts};
use super::rest::with_rest;
use crate::ground::{Bytes, Name, Quantity};
use crate::model::{Amounts, DeviceGroup, ImageOnNode, NodeSpec, Taint, Taints, normalized_image};
use crate::scenario::names::check_qualified;
use crate::scenario::tree::join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most pods at a time on a node that does not say (the kubelet's default, Kubernetes 1.34).
const PODS_DEFAULT: u32 = 110;
/// Labels that say of which model the GPUs of a node are, the best one first.
const GPU_LABELS: [&str; 2] = ["nvidia.com/gpu.product", "cloud.google.com/gke-accelerator"];

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeManifest {
    /// Name and labels.
    pub metadata: ObjectMeta,
    /// What the control plane wants of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<NodeSpecManifest>,
    /// What its kubelet says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<NodeStatusManifest>,
}

with_rest! {
    /// What the control plane wants of a node.
    pub struct NodeSpecManifest reads NodeSpecRead, knows NodeSpecKeys {
        /// Taints.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub taints: Vec<NodeTaintManifest>,
        /// Cordoned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub unschedulable: Option<bool>,
    }
    refused: []
    without_effect: ["configSource", "externalID", "podCIDR", "podCIDRs", "providerID"]
}

/// A taint of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeTaintManifest {
    /// Key.
    pub key: String,
    /// Value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What it does to pods that do not tolerate it.
    pub effect: EffectWord,
    /// Since when it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_added: Option<String>,
}

with_rest! {
    /// What a kubelet says about its node.
    pub struct NodeStatusManifest reads NodeStatusRead, knows NodeStatusKeys {
        /// What pods may request, `pods` included; the capacity if left out.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub allocatable: BTreeMap<String, String>,
        /// What the machine has.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub capacity: BTreeMap<String, String>,
        /// How it is.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub conditions: Vec<NodeConditionManifest>,
        /// Images that it has.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub images: Vec<NodeImageManifest>,
    }
    refused: []
    without_effect: [
        "addresses", "config", "daemonEndpoints", "declaredFeatures", "features", "nodeInfo",
        "phase", "runtimeHandlers", "volumesAttached", "volumesInUse",
    ]
}

with_rest! {
    /// A condition of a node.
    pub struct NodeConditionManifest reads NodeConditionRead, knows NodeConditionKeys {
        /// What it is about, such as `Ready`.
        #[serde(rename = "type")]
        pub kind: String,
        /// `True`, `False` or `Unknown`.
        pub status: String,
    }
    refused: []
    without_effect: ["lastHeartbeatTime", "lastTransitionTime", "message", "reason"]
}

/// An image that a node has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeImageManifest {
    /// Its names, by digest and by tag.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Its size, bytes.
    #[serde(default)]
    pub size_bytes: u64,
}

impl NodeManifest {
    /// True unless its Ready condition says something else.
    pub fn is_ready(&self) -> bool {
        let conditions = self.status.iter().flat_map(|status| &status.conditions);
        conditions.filter(|one| one.kind == "Ready").all(|one| one.status == "True")
    }
}

/// What a node becomes in the model.
#[derive(Debug)]
pub(in crate::scenario) struct ReadNode {
    /// What it shares with equal nodes. Labels are only those that the object has.
    pub spec: NodeSpec,
    /// Its taints.
    pub taints: Taints,
    /// The names and the size of each of its images.
    pub images: Vec<(Vec<Name>, Bytes)>,
}

/// Converts a node; the result is meaningless if there are problems.
pub(in crate::scenario) fn convert_node(reader: &mut Reader<'_>, node: &NodeManifest) -> ReadNode {
    reader.meta(&node.metadata);
    let labels = reader.labels(&node.metadata.labels, "metadata.labels");
    let taints = node.spec.as_ref().map(|spec| {
        reader.rest(&spec.rest, "spec");
        taints(reader, &spec.taints)
    });
    let mut read = ReadNode {
        spec: NodeSpec { labels, pods: PODS_DEFAULT, ..NodeSpec::default() },
        taints: taints.unwrap_or_default(),
        images: Vec::new(),
    };
    let Some(status) = &node.status else {
        no_size(reader, "");
        return read;
    };
    reader.rest(&status.rest, "status");
    size(reader, status, &node.metadata.labels, &mut read.spec);
    images(reader, status, &mut read);
    read
}

fn no_size(reader: &mut Reader<'_>, path: &str) {
    let text = "the node does not say how large it is";
    let hint = "write for example `status: {allocatable: {cpu: 4, memory: 16Gi, pods: 110}}`";
    reader.wrong(path.to_owned(), text, hint);
}

fn size(
    reader: &mut Reader<'_>,
    status: &NodeStatusManifest,
    labels: &BTreeMap<String, String>,
    spec: &mut NodeSpec,
) {
    let (path, written) = match (status.allocatable.is_empty(), status.capacity.is_empty()) {
        (true, true) => return no_size(reader, "status"),
        (true, false) => ("status.capacity", &status.capacity),
        (false, _) => ("status.allocatable", &status.allocatable),
    };
    spec.allocatable = of_node(reader, written, path);
    if let Some(text) = written.get("pods") {
        match text.parse::<Quantity>().map(Quantity::ceil).map(u32::try_from) {
            Ok(Ok(pods)) => spec.pods = pods,
            _ => reader.wrong(join(path, "pods"), format!("`{text}` is not a number of pods"), ""),
        }
    }
    for (key, amount) in [("cpu", spec.allocatable.cpu.0), ("memory", spec.allocatable.memory.0)] {
        if amount == 0 {
            let text = format!("a node without `{key}` runs nothing");
            reader.wrong(path.to_owned(), text, &format!("write `{key}` with an amount above 0"));
        }
    }
    if path != "status.capacity" {
        let capacity = of_node(reader, &status.capacity, "status.capacity");
        spec.memory_capacity = capacity.memory;
        spec.disk_capacity = capacity.ephemeral_storage;
    } else {
        spec.memory_capacity = spec.allocatable.memory;
        spec.disk_capacity = spec.allocatable.ephemeral_storage;
    }
    let gpu = reader.catalog.names.intern(GPU_RESOURCE);
    let count = spec.allocatable.extended.get(gpu);
    spec.allocatable.extended.set(gpu, 0);
    if count > 0 {
        let model = GPU_LABELS.iter().find_map(|label| labels.get(*label));
        let model = reader.catalog.names.intern(model.map_or("nvidia", String::as_str));
        match u8::try_from(count).ok().filter(|count| *count <= 32) {
            Some(count) => spec.devices = Some(DeviceGroup { count, model }),
            None => {
                let text = format!("{count} GPUs are more than 32");
                reader.wrong(join(path, GPU_RESOURCE), text, "write 32 or fewer");
            }
        }
    }
}

/// The amounts of a node, without what only nodes have: slots for pods and for attached volumes.
fn of_node(reader: &mut Reader<'_>, written: &BTreeMap<String, String>, path: &str) -> Amounts {
    let mut of_pods = BTreeMap::new();
    for (key, value) in written {
        if key.starts_with("attachable-volumes-") {
            reader.has_no_effect(join(path, key));
        } else if key != "pods" {
            of_pods.insert(key.clone(), value.clone());
        }
    }
    amounts(reader, &of_pods, path)
}

fn taints(reader: &mut Reader<'_>, written: &[NodeTaintManifest]) -> Taints {
    let mut read = Taints::new();
    for (at, one) in written.iter().enumerate() {
        let path = format!("spec.taints.{at}");
        reader.problems.extend(check_qualified(&one.key, &join(&path, "key")));
        let same = |other: &NodeTaintManifest| other.key == one.key && other.effect == one.effect;
        if written[..at].iter().any(same) {
            let text = format!("the taint `{}` is there twice with one effect", one.key);
            reader.wrong(path, text, "keep one of them");
        }
        read.push(Taint {
            key: reader.catalog.names.intern(&one.key),
            value: reader.catalog.names.intern(one.value.as_deref().unwrap_or("")),
            effect: one.effect.into(),
        });
    }
    read
}

/// Every name of an image is one that the scheduler looks for.
fn images(reader: &mut Reader<'_>, status: &NodeStatusManifest, read: &mut ReadNode) {
    let mut by_text: BTreeMap<String, ImageOnNode> = BTreeMap::new();
    for image in &status.images {
        let size = Bytes(image.size_bytes);
        let mut names = Vec::new();
        for name in image.names.iter().filter(|name| !name.starts_with("<none>")) {
            let text = normalized_image(name).into_owned();
            let name = reader.catalog.names.intern(&text);
            names.push(name);
            by_text.insert(text, ImageOnNode { name, size });
        }
        read.images.push((names, size));
    }
    read.spec.images = by_text.into_values().collect();
}
