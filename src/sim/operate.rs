//! What operators do to nodes by hand.

use super::host::Host;
use super::world::World;
use crate::journal::{Fact, Sink};
use crate::model::{Change, NodeId, NodeStatus, Taint};

impl World {
    /// Puts a taint on a node or takes it off; does nothing if it is so already, or if the node is
    /// gone.
    pub(super) fn taint_by_hand<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        taint: Taint,
        on: bool,
    ) {
        let row = self.store.truth.node(node);
        let (present, status) = (row.present, row.status);
        let mut taints = self.catalog.taints(status.taints).clone();
        if !present || taints.contains(&taint) == on {
            return;
        }
        if on {
            taints.push(taint);
        } else {
            taints.retain(|held| *held != taint);
        }
        let taints = self.catalog.intern_taints(&taints);
        self.commit(host, Change::NodeUpdated { node, status: NodeStatus { taints, ..status } });
    }

    /// Deletes a Node object. Its machine and what runs there go on until the pods are collected.
    pub(super) fn delete_node<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        if self.store.truth.node(node).present {
            host.fact(Fact::NodeRemoved { node });
            self.commit(host, Change::NodeRemoved { node });
        }
    }
}
