//! The words of a decision: who refuses a pod and why.

use super::{Catalog, ClaimRef, PodName, Resource, Taint};
use crate::ground::{Name, Names};
use serde::{Deserialize, Serialize};
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
    /// A disk that the pod names is in use on the node.
    DiskConflict,
    /// A claim that one pod alone may use is in use.
    ClaimInUse,
    /// There is no claim of this name.
    NoClaim(Name),
    /// The claim of an ephemeral volume has not been made yet.
    NoEphemeralClaim {
        /// The pod.
        pod: PodName,
        /// The volume.
        volume: Name,
    },
    /// A claim is bound to a volume that is gone.
    ClaimLost {
        /// The claim.
        claim: Name,
        /// The volume.
        volume: Name,
    },
    /// A claim is on its way out.
    ClaimDeleting(Name),
    /// A claim is not bound and does not wait for a pod.
    UnboundImmediateClaims,
    /// A claim of an ephemeral volume was made for another pod.
    ForeignClaim {
        /// The claim.
        claim: ClaimRef,
        /// The pod.
        pod: PodName,
    },
    /// There is no volume of this name.
    NoVolume(Name),
    /// There is no storage class of this name.
    NoStorageClass(Name),
    /// A claim names neither a volume nor a class.
    ClaimWithoutClass,
    /// A claim that is to be bound at once names no volume.
    ClaimWithoutVolume,
    /// As many volumes as the node can attach.
    TooManyVolumes,
    /// No volume can be bound, and none made, for the node.
    NoVolumeToBind,
    /// A volume cannot be used on the node.
    VolumeElsewhere,
    /// Too little storage is left for the node.
    StorageFull,
    /// A claim is bound to a volume that does not exist.
    VolumeMissing,
    /// A volume is in another zone.
    VolumeZone,
    /// The node lacks the label of a spread constraint.
    SpreadLabelMissing,
    /// A spread constraint would be broken.
    SpreadSkew,
    /// Pods that the pod needs near are not there.
    PodAffinity,
    /// Pods that the pod keeps away from are there.
    PodAntiAffinity,
    /// Pods that keep away from the pod are there.
    ExistingAntiAffinity,
    /// No pod on the node may be preempted.
    NoVictims,
    /// Removing pods cannot help on the node.
    PreemptionNotHelpful,
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
            other => other.fixed_text(names),
        }
    }
}

impl Reason {
    /// Texts of the plugins about storage, other pods and preemption.
    fn fixed_text(&self, names: &Names) -> String {
        let text = match self {
            Reason::DiskConflict => "node(s) had no available disk",
            Reason::ClaimInUse => {
                "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access \
                 mode already in-use by another pod"
            }
            Reason::TooManyVolumes => "node(s) exceed max volume count",
            Reason::NoVolumeToBind => "node(s) didn't find available persistent volumes to bind",
            Reason::VolumeElsewhere => "node(s) didn't match PersistentVolume's node affinity",
            Reason::StorageFull => "node(s) did not have enough free storage",
            Reason::VolumeMissing => {
                "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
            }
            Reason::VolumeZone => "node(s) had no available volume zone",
            Reason::SpreadLabelMissing => {
                "node(s) didn't match pod topology spread constraints \
                (missing required label)"
            }
            Reason::SpreadSkew => "node(s) didn't match pod topology spread constraints",
            Reason::PodAffinity => "node(s) didn't match pod affinity rules",
            Reason::PodAntiAffinity => "node(s) didn't match pod anti-affinity rules",
            Reason::ExistingAntiAffinity => {
                "node(s) didn't satisfy existing pods anti-affinity rules"
            }
            Reason::NoVictims => "No preemption victims found for incoming pod",
            Reason::PreemptionNotHelpful => "Preemption is not helpful for scheduling",
            claims => return claims.storage_text(names),
        };
        text.to_owned()
    }

    /// The text of what is wrong with the claims of a pod.
    fn storage_text(&self, names: &Names) -> String {
        let text = |name: &Name| names.text(*name);
        match self {
            Reason::NoClaim(claim) => {
                format!("persistentvolumeclaim {:?} not found", text(claim))
            }
            Reason::NoEphemeralClaim { pod, volume } => format!(
                "waiting for ephemeral volume controller to create the persistentvolumeclaim {:?}",
                pod.claim_text(*volume, names)
            ),
            Reason::ClaimLost { claim, volume } => format!(
                "persistentvolumeclaim {:?} bound to non-existent persistentvolume {:?}",
                text(claim),
                text(volume)
            ),
            Reason::ClaimDeleting(claim) => {
                format!("persistentvolumeclaim {:?} is being deleted", text(claim))
            }
            Reason::ForeignClaim { claim: ClaimRef { namespace, name }, pod } => format!(
                "PVC {namespace}/{} was not created for pod {namespace}/{} (pod is not owner)",
                text(name),
                pod.own_text(names),
                namespace = text(namespace),
            ),
            Reason::NoVolume(volume) => {
                format!("persistentvolume {:?} not found", text(volume))
            }
            Reason::NoStorageClass(class) => {
                format!("storageclass.storage.k8s.io {:?} not found", text(class))
            }
            Reason::ClaimWithoutClass => {
                "PersistentVolumeClaim had no pv name and storageClass name".to_owned()
            }
            Reason::ClaimWithoutVolume => "PersistentVolume had no name".to_owned(),
            _ => "pod has unbound immediate PersistentVolumeClaims".to_owned(),
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
