//! The machines of a scenario: groups of equal nodes, and nodes of a trace.

use crate::ground::{Bytes, MilliCpu};
use crate::scenario::flat;
use crate::scenario::manifest::EffectWord;
use crate::stimulus::TraceFormat;
use schemars::JsonSchema;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The machines.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterParams {
    /// Groups of nodes, which join at the start in this order, before those of the objects.
    #[serde(default)]
    pub nodes: Vec<NodeEntry>,
}

/// One entry of the list of nodes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum NodeEntry {
    /// Equal nodes.
    Group(Box<NodeGroup>),
    /// The machines of a trace.
    Trace(TraceNodesEntry),
}

/// The machines of a trace as an entry of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceNodesEntry {
    /// The trace.
    pub trace: TraceNodes,
}

/// The machines of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceNodes {
    /// Format of the file.
    pub format: TraceFormat,
    /// The list of machines; gzip is detected.
    pub nodes: PathBuf,
}

/// Equal nodes. What is given is what pods may request, the reserve of the system taken off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeGroup {
    /// Name of the group; the nodes are called `<name>-0`, `<name>-1`, ...
    pub name: String,
    /// Number of nodes, at least 1.
    pub count: u32,
    /// CPU of each.
    pub cpu: MilliCpu,
    /// Memory of each, with its unit.
    #[serde(with = "sized")]
    #[schemars(with = "Bytes")]
    pub memory: Bytes,
    /// Most pods at a time on each (the kubelet's default, Kubernetes 1.34).
    #[serde(default = "default_pods")]
    pub pods: u32,
    /// Node-local storage of each, with its unit.
    #[serde(default = "default_storage", with = "sized")]
    #[schemars(with = "Bytes")]
    pub ephemeral_storage: Bytes,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Taints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<TaintParams>,
    /// Zones, to which the nodes are dealt in turn; each node gets the label
    /// `topology.kubernetes.io/zone`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// Racks in each zone, to which the nodes of the zone are dealt in turn; each node gets the
    /// label `topology.wavetank/rack`, such as `general-a-rack-0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub racks: Option<u32>,
    /// Amounts of other resources by name, in whole units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extended: BTreeMap<String, u64>,
    /// GPUs of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<GpuGroup>,
    /// Container images that are there at the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageParams>,
}

const fn default_pods() -> u32 {
    110
}

const fn default_storage() -> Bytes {
    Bytes(100 << 30)
}

/// A taint of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaintParams {
    /// Key.
    pub key: String,
    /// Value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What it does to pods that do not tolerate it.
    pub effect: EffectWord,
}

/// The GPUs of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpuGroup {
    /// Number, 1 to 32.
    pub count: u8,
    /// Model of each.
    pub model: String,
}

/// A container image on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageParams {
    /// Name; without tag or digest it means `:latest`.
    pub name: String,
    /// Size, with its unit.
    #[serde(with = "sized")]
    #[schemars(with = "Bytes")]
    pub size: Bytes,
}

impl<'de> Deserialize<'de> for NodeEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NodeEntry, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = NodeEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a group of nodes or `trace`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NodeEntry, A::Error> {
        let Some(first) = map.next_key::<String>()? else {
            return Err(de::Error::custom(
                "an entry of the list of nodes is empty; write for example \
                 `{name: general, count: 3, cpu: 8, memory: 32Gi}`",
            ));
        };
        if first != "trace" {
            return flat::replay(first, map).map(|group| NodeEntry::Group(Box::new(group)));
        }
        let trace = map.next_value()?;
        while map.next_key::<String>()?.is_some() {
            map.next_value::<Refused>()?;
        }
        Ok(NodeEntry::Trace(TraceNodesEntry { trace }))
    }
}

/// A value that has no place beside `trace`.
struct Refused;

impl<'de> Deserialize<'de> for Refused {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Refused, D::Error> {
        Err(de::Error::custom(
            "nothing can stand beside `trace`; remove it: machines are as the trace has them",
        ))
    }
}

/// Bytes that need a unit: `32` is refused, `32Gi` and `0` are not.
pub(super) mod sized {
    use crate::ground::{Bytes, QuantityError};
    use serde::de::{self, Deserialize, Deserializer};
    use serde::{Serialize, Serializer};

    pub(in crate::scenario) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bare = text.chars().all(|c| c.is_ascii_digit() || c == '.');
        if bare && text.chars().any(|c| matches!(c, '1'..='9')) {
            return Err(de::Error::custom(QuantityError::MissingUnit(text)));
        }
        text.parse().map_err(de::Error::custom)
    }

    pub(in crate::scenario) fn serialize<S: Serializer>(
        bytes: &Bytes,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = bytes.to_string();
        let bare = text != "0" && text.chars().all(|c| c.is_ascii_digit());
        // An odd number of bytes has no larger unit; thousandths of a byte are one.
        if bare { format!("{text}000m").serialize(serializer) } else { text.serialize(serializer) }
    }
}
