//! Cluster events: what a change of the store means to pods that wait (`framework/events.go`,
//! `eventhandlers.go`, Kubernetes 1.34).

use super::framework::NodeFacts;
use crate::model::{Catalog, Change, NodeStatus, Plugin, PluginSet, PodSpec, View};

/// Something that may let a waiting pod pass a plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    /// A node joined.
    NodeAdded(NodeFacts<'a>),
    /// A node changed in one respect.
    NodeChanged { aspect: Aspect, old: NodeFacts<'a>, new: NodeFacts<'a> },
    /// A pod that held a node left it: it was deleted or it ended, or its binding failed.
    PodGone(&'a PodSpec),
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
        match self {
            Event::NodeAdded(_) => PluginSet::of(&[
                Plugin::NodeUnschedulable,
                Plugin::NodeName,
                Plugin::TaintToleration,
                Plugin::NodeAffinity,
                Plugin::NodePorts,
                Plugin::NodeResourcesFit,
                Plugin::Devices,
            ]),
            Event::NodeChanged { aspect, .. } => match aspect {
                Aspect::Allocatable => PluginSet::of(&[Plugin::NodeResourcesFit, Plugin::Devices]),
                Aspect::Labels => PluginSet::of(&[Plugin::NodeAffinity]),
                Aspect::Taints => {
                    PluginSet::of(&[Plugin::NodeUnschedulable, Plugin::TaintToleration])
                }
            },
            Event::PodGone(_) => {
                PluginSet::of(&[Plugin::NodePorts, Plugin::NodeResourcesFit, Plugin::Devices])
            }
        }
    }
}

/// Calls `tell` for each event that a change brings about, in upstream's order. The view has not
/// taken the change yet.
///
/// The Ready condition, a node that leaves, and a new or newly bound pod wake nobody: none of the
/// plugins that are built registers for them. Cordoning is no event either.
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
        Change::NodeRemoved { .. }
        | Change::PodAdded { .. }
        | Change::PodBound { .. }
        | Change::PodPhase { .. }
        | Change::PodDeleting { .. } => {}
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
