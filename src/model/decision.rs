//! The words of a decision: who refused a pod where and why, and what each plugin scored.

use super::{Catalog, NodeId, Resource, Taint};
use crate::ground::{Name, Names};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Everything that can refuse or score, named as upstream names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Plugin {
    /// Pods with scheduling gates wait.
    SchedulingGates,
    /// Order of the queue.
    PrioritySort,
    /// Cordoned nodes.
    NodeUnschedulable,
    /// `spec.nodeName`.
    NodeName,
    /// Taints.
    TaintToleration,
    /// Node selector and node affinity.
    NodeAffinity,
    /// Host ports.
    NodePorts,
    /// Resources.
    NodeResourcesFit,
    /// Volumes that exclude each other.
    VolumeRestrictions,
    /// Volumes per node.
    NodeVolumeLimits,
    /// Claims and volumes.
    VolumeBinding,
    /// Zones of volumes.
    VolumeZone,
    /// Spread over domains.
    PodTopologySpread,
    /// Affinity between pods.
    InterPodAffinity,
    /// Resource claims.
    DynamicResources,
    /// Preemption.
    DefaultPreemption,
    /// Even use of resources.
    NodeResourcesBalancedAllocation,
    /// Images that are there already.
    ImageLocality,
    /// Binding.
    DefaultBinder,
    /// GPUs, whole and shared (ours: upstream has no such plugin in tree).
    Devices,
    /// The whole of the baseline orchestrator's scheduler.
    FirstFit,
}

impl Plugin {
    /// All plugins, in order.
    pub const ALL: [Plugin; 21] = [
        Plugin::SchedulingGates,
        Plugin::PrioritySort,
        Plugin::NodeUnschedulable,
        Plugin::NodeName,
        Plugin::TaintToleration,
        Plugin::NodeAffinity,
        Plugin::NodePorts,
        Plugin::NodeResourcesFit,
        Plugin::VolumeRestrictions,
        Plugin::NodeVolumeLimits,
        Plugin::VolumeBinding,
        Plugin::VolumeZone,
        Plugin::PodTopologySpread,
        Plugin::InterPodAffinity,
        Plugin::DynamicResources,
        Plugin::DefaultPreemption,
        Plugin::NodeResourcesBalancedAllocation,
        Plugin::ImageLocality,
        Plugin::DefaultBinder,
        Plugin::Devices,
        Plugin::FirstFit,
    ];

    /// The plugin with this name.
    pub fn from_name(name: &str) -> Option<Plugin> {
        Plugin::ALL.into_iter().find(|plugin| plugin.to_string() == name)
    }
}

impl fmt::Display for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A set of plugins.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct PluginSet(pub u32);

impl PluginSet {
    /// No plugin.
    pub const EMPTY: PluginSet = PluginSet(0);

    /// The set of these plugins.
    pub const fn of(plugins: &[Plugin]) -> PluginSet {
        let mut set = PluginSet::EMPTY;
        let mut at = 0;
        while at < plugins.len() {
            set.insert(plugins[at]);
            at += 1;
        }
        set
    }

    /// Plugins that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: PluginSet) -> PluginSet {
        PluginSet(self.0 & other.0)
    }

    /// Plugins that are in at least one of the sets.
    #[must_use]
    pub const fn union(self, other: PluginSet) -> PluginSet {
        PluginSet(self.0 | other.0)
    }

    /// Adds a plugin.
    pub const fn insert(&mut self, plugin: Plugin) {
        self.0 |= 1 << plugin as u32;
    }

    /// True if the plugin is in the set.
    pub const fn contains(self, plugin: Plugin) -> bool {
        self.0 & (1 << plugin as u32) != 0
    }

    /// True for no plugin.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The plugins in the set, in order.
    pub fn iter(self) -> impl Iterator<Item = Plugin> {
        Plugin::ALL.into_iter().filter(move |plugin| self.contains(*plugin))
    }
}

impl fmt::Display for PluginSet {
    /// The names in ascending order: `[NodeAffinity NodePorts]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<String> = self.iter().map(|plugin| plugin.to_string()).collect();
        names.sort_unstable();
        write!(f, "[{}]", names.join(" "))
    }
}

/// How final a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Code {
    /// Removing pods may help.
    Unschedulable,
    /// Removing pods cannot help.
    UnschedulableAndUnresolvable,
}

/// Why a plugin refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// There are no nodes.
    NoNodes,
    /// The pod waits for this gate.
    Gated(Name),
    /// The node is cordoned.
    NodeUnschedulable,
    /// `spec.nodeName` is another node.
    OtherNodeName,
    /// A taint is not tolerated.
    UntoleratedTaint(Taint),
    /// Selector or required node affinity does not match.
    NodeAffinity,
    /// The profile's added affinity does not match.
    AddedNodeAffinity,
    /// A host port is taken.
    HostPort,
    /// As many pods as the node takes.
    TooManyPods,
    /// Too little of a resource is left.
    Insufficient(Resource),
    /// The node has no device of an accepted model.
    DeviceModel,
    /// The request is for more devices than the node has.
    TooFewDevices,
    /// No device, or not enough free devices, has as much left.
    DeviceFragmented,
    /// The terms of the node affinity name nodes that exclude each other.
    AffinityConflict,
    /// The node is not among those to which these plugins narrowed the search.
    OutsideNodeSet(PluginSet),
    /// No node is among those to which each of these plugins narrowed the search.
    NoCommonNode(PluginSet),
    /// The node is not ready (baseline).
    NotReady,
}

impl Reason {
    /// The text, as the upstream plugin words it where there is one (Kubernetes 1.34).
    pub fn text(&self, catalog: &Catalog) -> String {
        let names: &Names = &catalog.names;
        match self {
            Reason::NoNodes => "no nodes available to schedule pods".to_owned(),
            Reason::Gated(gate) => {
                format!("waiting for scheduling gates: [{}]", names.text(*gate))
            }
            Reason::NodeUnschedulable => "node(s) were unschedulable".to_owned(),
            Reason::OtherNodeName => "node(s) didn't match the requested node name".to_owned(),
            Reason::UntoleratedTaint(taint) => format!(
                "node(s) had untolerated taint {{{}: {}}}",
                names.text(taint.key),
                names.text(taint.value)
            ),
            Reason::NodeAffinity => "node(s) didn't match Pod's node affinity/selector".to_owned(),
            Reason::AddedNodeAffinity => {
                "node(s) didn't match scheduler-enforced node affinity".to_owned()
            }
            Reason::HostPort => {
                "node(s) didn't have free ports for the requested pod ports".to_owned()
            }
            Reason::TooManyPods => "Too many pods".to_owned(),
            Reason::Insufficient(resource) => {
                format!("Insufficient {}", resource.text(names))
            }
            Reason::DeviceModel => "node(s) had no device of an accepted model".to_owned(),
            Reason::TooFewDevices => "node(s) had fewer devices than requested".to_owned(),
            Reason::DeviceFragmented => "node(s) had no device with enough left".to_owned(),
            Reason::AffinityConflict => "pod affinity terms conflict".to_owned(),
            Reason::OutsideNodeSet(plugins) => {
                format!("node(s) didn't satisfy plugin(s) {plugins}")
            }
            Reason::NoCommonNode(plugins) => {
                format!("node(s) didn't satisfy plugin(s) {plugins} simultaneously")
            }
            Reason::NotReady => "node(s) were not ready".to_owned(),
        }
    }
}

impl Resource {
    /// The name of the resource as users write it.
    pub fn text<'n>(&self, names: &'n Names) -> &'n str {
        match self {
            Resource::Cpu => "cpu",
            Resource::Memory => "memory",
            Resource::EphemeralStorage => "ephemeral-storage",
            Resource::Pods => "pods",
            Resource::Device => "gpu",
            Resource::Extended(name) => names.text(*name),
        }
    }
}

/// The "no" of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Who refused.
    pub plugin: Plugin,
    /// How final it is.
    pub code: Code,
    /// Why.
    pub reasons: Vec<Reason>,
}

impl Refusal {
    /// The texts of the reasons; the gates that a pod waits for are one reason.
    pub fn texts(&self, catalog: &Catalog) -> Vec<String> {
        let gates: Vec<&str> = self
            .reasons
            .iter()
            .filter_map(|reason| match reason {
                Reason::Gated(gate) => Some(catalog.names.text(*gate)),
                _ => None,
            })
            .collect();
        if !gates.is_empty() {
            return vec![format!("waiting for scheduling gates: [{}]", gates.join(" "))];
        }
        self.reasons.iter().map(|reason| reason.text(catalog)).collect()
    }
}

/// What was found out about one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The first filter that refused.
    Refused(Refusal),
    /// It is feasible: weighted score of each plugin that scored, none when it was the only one.
    Feasible(Vec<(Plugin, i64)>),
}

/// One node and what was found out about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeVerdict {
    /// Node.
    pub node: NodeId,
    /// Verdict.
    pub verdict: Verdict,
}

/// Everything about one attempt, filled only when somebody asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explain {
    /// A refusal of the pod as a whole, before any node was looked at.
    pub refused_before_nodes: Option<Refusal>,
    /// The plugins that narrowed the search to named nodes; the others were not looked at.
    pub narrowed_by: PluginSet,
    /// The nodes looked at, in the order of the search.
    pub nodes: Vec<NodeVerdict>,
}

impl Explain {
    /// Why no node was found, among `total` nodes, as upstream words it
    /// (scheduler `framework/types.go`, `FitError`, Kubernetes 1.34).
    pub fn fit_error(&self, total: usize, catalog: &Catalog) -> String {
        if total == 0 {
            return Reason::NoNodes.text(catalog);
        }
        if let Some(refusal) = &self.refused_before_nodes {
            let texts = refusal.texts(catalog).join(", ");
            return format!("0/{total} nodes are available: {texts}.");
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut refused = 0;
        for node in &self.nodes {
            if let Verdict::Refused(refusal) = &node.verdict {
                refused += 1;
                for text in refusal.texts(catalog) {
                    *counts.entry(text).or_default() += 1;
                }
            }
        }
        if !self.narrowed_by.is_empty() && refused < total {
            let outside = Reason::OutsideNodeSet(self.narrowed_by).text(catalog);
            *counts.entry(outside).or_default() += total - refused;
        }
        let mut parts: Vec<String> =
            counts.iter().map(|(text, count)| format!("{count} {text}")).collect();
        parts.sort_unstable();
        format!("0/{total} nodes are available: {}.", parts.join(", "))
    }
}
