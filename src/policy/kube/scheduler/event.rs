//! Cluster events: what a change of the store means to pods that wait (`framework/events.go`,
//! `eventhandlers.go`, Kubernetes 1.34).

use super::framework::NodeFacts;
use crate::model::{
    Catalog, Change, Claim, NodeStatus, Object, Plugin, PluginSet, PodSpec, StorageCapacity,
    StorageClass, StorageDriver, StorageNode, View, Volume,
};

/// Something that may let a waiting pod pass a plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    /// A node joined.
    NodeAdded(NodeFacts<'a>),
    /// A node changed in one respect.
    NodeChanged { aspect: Aspect, old: NodeFacts<'a>, new: NodeFacts<'a> },
    /// A node left.
    NodeGone(NodeFacts<'a>),
    /// A pod came to a node.
    PodAssigned(&'a PodSpec),
    /// A pod that held a node left it: it was deleted or it ended, or its binding failed.
    PodGone(&'a PodSpec),
    /// A claim is new or changed.
    ClaimSet { old: Option<&'a Claim>, new: &'a Claim },
    /// A volume is new or changed.
    VolumeSet { old: Option<&'a Volume>, new: &'a Volume },
    /// A storage class is new or changed.
    StorageClassSet { old: Option<&'a StorageClass>, new: &'a StorageClass },
    /// The storage drivers of a node are new or changed.
    StorageNodeSet { old: Option<&'a StorageNode>, new: &'a StorageNode },
    /// A storage driver is new or changed.
    DriverSet { old: Option<&'a StorageDriver>, new: &'a StorageDriver },
    /// Capacity of a storage class is new or changed.
    CapacitySet { old: Option<&'a StorageCapacity>, new: &'a StorageCapacity },
}

/// What about a node changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aspect {
    Allocatable,
    Labels,
    /// The taints changed, or the node is not cordoned any more.
    Taints,
}

impl Event<'_> {
    /// The plugins that registered for the event.
    pub(crate) fn interest(&self) -> PluginSet {
        use Plugin::*;
        match self {
            Event::NodeAdded(_) => PluginSet::of(&[
                NodeUnschedulable,
                NodeName,
                TaintToleration,
                NodeAffinity,
                NodePorts,
                NodeResourcesFit,
                VolumeRestrictions,
                VolumeBinding,
                VolumeZone,
                PodTopologySpread,
                InterPodAffinity,
                Devices,
            ]),
            Event::NodeChanged { aspect, .. } => match aspect {
                Aspect::Allocatable => PluginSet::of(&[NodeResourcesFit, Devices]),
                Aspect::Labels => PluginSet::of(&[
                    NodeAffinity,
                    VolumeBinding,
                    VolumeZone,
                    PodTopologySpread,
                    InterPodAffinity,
                ]),
                Aspect::Taints => {
                    PluginSet::of(&[NodeUnschedulable, TaintToleration, PodTopologySpread])
                }
            },
            Event::NodeGone(_) => PluginSet::of(&[PodTopologySpread]),
            Event::PodAssigned(_) => PluginSet::of(&[PodTopologySpread, InterPodAffinity]),
            Event::PodGone(_) => PluginSet::of(&[
                NodePorts,
                NodeResourcesFit,
                VolumeRestrictions,
                NodeVolumeLimits,
                PodTopologySpread,
                InterPodAffinity,
                Devices,
            ]),
            Event::ClaimSet { old: None, .. } => {
                PluginSet::of(&[VolumeRestrictions, NodeVolumeLimits, VolumeBinding, VolumeZone])
            }
            Event::ClaimSet { old: Some(_), .. } | Event::VolumeSet { .. } => {
                PluginSet::of(&[VolumeBinding, VolumeZone])
            }
            Event::StorageClassSet { old: None, .. } => PluginSet::of(&[VolumeBinding, VolumeZone]),
            Event::StorageNodeSet { .. } => PluginSet::of(&[NodeVolumeLimits, VolumeBinding]),
            Event::StorageClassSet { .. } | Event::DriverSet { .. } | Event::CapacitySet { .. } => {
                PluginSet::of(&[VolumeBinding])
            }
        }
    }
}

/// Calls `tell` for each event that a change brings about, in upstream's order. The view has not
/// taken the change yet.
///
/// The Ready condition and a new pod wake nobody: no plugin registers for them. Cordoning is no
/// event either.
pub(crate) fn for_each_event(
    change: &Change,
    view: &View,
    catalog: &Catalog,
    mut tell: impl FnMut(&Event<'_>),
) {
    match *change {
        Change::NodeAdded { name, hostname, status, .. } => {
            tell(&Event::NodeAdded(NodeFacts::new(name, hostname, status, catalog)));
        }
        Change::NodeUpdated { node, status } => {
            let old = NodeFacts::of(view, node, catalog);
            let new = NodeFacts::new(old.name, old.hostname, status, catalog);
            for aspect in aspects(&old.status, &new.status, catalog).into_iter().flatten() {
                tell(&Event::NodeChanged { aspect, old, new });
            }
        }
        Change::NodeRemoved { node } => {
            tell(&Event::NodeGone(NodeFacts::of(view, node, catalog)));
        }
        Change::PodBound { pod, .. } => {
            if let Some(spec) = view.pod_spec(pod, catalog) {
                tell(&Event::PodAssigned(spec));
            }
        }
        Change::PodPhase { pod, phase } if phase.is_terminal() => {
            if view.pod(pod).is_some_and(|row| row.node.is_some())
                && let Some(spec) = view.pod_spec(pod, catalog)
            {
                tell(&Event::PodGone(spec));
            }
        }
        Change::PodRemoved { pod } => {
            if view.pod(pod).is_some_and(|row| row.node.is_some() && !row.phase.is_terminal())
                && let Some(spec) = view.pod_spec(pod, catalog)
            {
                tell(&Event::PodGone(spec));
            }
        }
        Change::ObjectSet { object } => object_set(catalog.object(object), view, catalog, tell),
        Change::PodAdded { .. }
        | Change::PodPhase { .. }
        | Change::PodDeleting { .. }
        | Change::PodStarted { .. }
        | Change::PodNominated { .. }
        | Change::PodPreempted { .. }
        | Change::DeploymentWritten { .. }
        | Change::DeploymentObserved { .. }
        | Change::ReplicaSetAdded { .. }
        | Change::ReplicaSetWritten { .. }
        | Change::ReplicaSetObserved { .. }
        | Change::ReplicaSetRemoved { .. }
        | Change::StatefulSetWritten { .. }
        | Change::StatefulSetObserved { .. }
        | Change::RevisionWritten { .. }
        | Change::RevisionRemoved { .. }
        | Change::Task(_)
        | Change::Slice(_)
        | Change::OwnerRemoved { .. }
        | Change::ObjectRemoved { .. } => {}
    }
}

fn object_set(object: &Object, view: &View, catalog: &Catalog, mut tell: impl FnMut(&Event<'_>)) {
    let old = view.objects().current(object.key(), catalog);
    match (old, object) {
        (None, Object::Claim(new)) => tell(&Event::ClaimSet { old: None, new }),
        (Some(Object::Claim(old)), Object::Claim(new)) => {
            tell(&Event::ClaimSet { old: Some(old), new });
        }
        (None, Object::Volume(new)) => tell(&Event::VolumeSet { old: None, new }),
        (Some(Object::Volume(old)), Object::Volume(new)) => {
            tell(&Event::VolumeSet { old: Some(old), new });
        }
        (None, Object::StorageClass(new)) => tell(&Event::StorageClassSet { old: None, new }),
        (Some(Object::StorageClass(old)), Object::StorageClass(new)) => {
            tell(&Event::StorageClassSet { old: Some(old), new });
        }
        (None, Object::StorageNode(new)) => tell(&Event::StorageNodeSet { old: None, new }),
        (Some(Object::StorageNode(old)), Object::StorageNode(new)) => {
            tell(&Event::StorageNodeSet { old: Some(old), new });
        }
        (None, Object::StorageDriver(new)) => tell(&Event::DriverSet { old: None, new }),
        (Some(Object::StorageDriver(old)), Object::StorageDriver(new)) => {
            tell(&Event::DriverSet { old: Some(old), new });
        }
        (None, Object::StorageCapacity(new)) => tell(&Event::CapacitySet { old: None, new }),
        (Some(Object::StorageCapacity(old)), Object::StorageCapacity(new)) => {
            tell(&Event::CapacitySet { old: Some(old), new });
        }
        // No plugin registers for the others.
        _ => {}
    }
}

fn aspects(old: &NodeStatus, new: &NodeStatus, catalog: &Catalog) -> [Option<Aspect>; 4] {
    let uncordoned = old.unschedulable && !new.unschedulable;
    let (before, after) = (catalog.node_spec(old.spec), catalog.node_spec(new.spec));
    let resized = old.spec != new.spec
        && (before.allocatable != after.allocatable
            || before.pods != after.pods
            || before.devices != after.devices);
    let relabelled = old.spec != new.spec && before.labels != after.labels;
    [
        uncordoned.then_some(Aspect::Taints),
        resized.then_some(Aspect::Allocatable),
        relabelled.then_some(Aspect::Labels),
        (old.taints != new.taints).then_some(Aspect::Taints),
    ]
}
