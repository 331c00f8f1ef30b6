//! Nominations: nodes on which preemption makes room for pods that wait
//! (`backend/queue/nominator.go`, Kubernetes 1.34).

use crate::model::{NodeId, PodId, PodUid};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which pod has which node in prospect.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Nominations {
    node_of: BTreeMap<PodUid, NodeId>,
    on: BTreeMap<NodeId, Vec<(PodUid, PodId)>>,
}

impl Nominations {
    /// True without any.
    pub(crate) fn is_empty(&self) -> bool {
        self.node_of.is_empty()
    }

    /// The node that a pod has in prospect.
    pub(crate) fn node_of(&self, uid: PodUid) -> Option<NodeId> {
        self.node_of.get(&uid).copied()
    }

    /// The nodes that pods have in prospect.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.on.keys().copied()
    }

    /// The pods that have a node in prospect, in order of nomination.
    pub(crate) fn on(&self, node: NodeId) -> &[(PodUid, PodId)] {
        self.on.get(&node).map_or(&[], Vec::as_slice)
    }

    /// Gives a pod a node in prospect instead of any it had before.
    pub(crate) fn set(&mut self, uid: PodUid, pod: PodId, node: NodeId) {
        if self.node_of(uid) != Some(node) {
            self.clear(uid);
            self.node_of.insert(uid, node);
            self.on.entry(node).or_default().push((uid, pod));
        }
    }

    /// Takes the node that a pod has in prospect away; which one it was.
    pub(crate) fn clear(&mut self, uid: PodUid) -> Option<NodeId> {
        let node = self.node_of.remove(&uid)?;
        let here = self.on.get_mut(&node).expect("a nomination is on its node");
        here.retain(|(other, _)| *other != uid);
        if here.is_empty() {
            self.on.remove(&node);
        }
        Some(node)
    }
}
