//! The order in which nodes are looked at: zones in order of first appearance take turns, each
//! gives its nodes in order of joining (`backend/cache/node_tree.go`, Kubernetes 1.34).
//!
//! The order depends on history (a node that changes its zone goes to the end of the new one), so
//! it belongs to the memory of the scheduler and cannot be computed from the view.

use crate::ground::{Name, Names};
use crate::model::NodeId;
use serde::{Deserialize, Serialize};

/// Region and zone of a node; the name of the empty text where it has no such label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ZoneKey {
    region: Name,
    zone: Name,
}

/// The names of the labels that tell region and zone, the stable one first.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct ZoneLabels {
    region: [Name; 2],
    zone: [Name; 2],
    none: Name,
}

impl ZoneLabels {
    pub(crate) fn new(names: &mut Names) -> ZoneLabels {
        ZoneLabels {
            region: [
                names.intern("topology.kubernetes.io/region"),
                names.intern("failure-domain.beta.kubernetes.io/region"),
            ],
            zone: [
                names.intern("topology.kubernetes.io/zone"),
                names.intern("failure-domain.beta.kubernetes.io/zone"),
            ],
            none: names.intern(""),
        }
    }

    /// The zone of a node with these labels.
    pub(crate) fn key(&self, label: impl Fn(Name) -> Option<Name>) -> ZoneKey {
        let first = |keys: [Name; 2]| keys.into_iter().find_map(&label).unwrap_or(self.none);
        ZoneKey { region: first(self.region), zone: first(self.zone) }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Zone {
    key: ZoneKey,
    nodes: Vec<NodeId>,
}

/// The nodes, zone by zone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct NodeOrder {
    zones: Vec<Zone>,
    count: usize,
}

impl NodeOrder {
    /// Number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Adds a node at the end of its zone.
    pub(crate) fn add(&mut self, node: NodeId, key: ZoneKey) {
        match self.zones.iter_mut().find(|zone| zone.key == key) {
            Some(zone) => zone.nodes.push(node),
            None => self.zones.push(Zone { key, nodes: vec![node] }),
        }
        self.count += 1;
    }

    /// Takes a node out; a zone without nodes is forgotten.
    pub(crate) fn remove(&mut self, node: NodeId, key: ZoneKey) {
        let at = self.zones.iter().position(|zone| zone.key == key);
        let at = at.expect("a node is removed from the zone to which it was added");
        let nodes = &mut self.zones[at].nodes;
        let place = nodes.iter().position(|other| *other == node);
        nodes.remove(place.expect("a node is removed once"));
        if nodes.is_empty() {
            self.zones.remove(at);
        }
        self.count -= 1;
    }

    /// The nodes, one of each zone in turn.
    pub(crate) fn interleaved(&self) -> Vec<NodeId> {
        let mut list = Vec::with_capacity(self.count);
        let mut round = 0;
        while list.len() < self.count {
            list.extend(self.zones.iter().filter_map(|zone| zone.nodes.get(round)));
            round += 1;
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(zone: u32) -> ZoneKey {
        ZoneKey { region: Name(0), zone: Name(zone) }
    }

    fn numbers(order: &NodeOrder) -> Vec<u32> {
        order.interleaved().into_iter().map(|node| node.0).collect()
    }

    #[test]
    fn zones_take_turns() {
        let mut order = NodeOrder::default();
        for (node, zone) in [(1, 1), (2, 1), (3, 1), (4, 2), (5, 3), (6, 3)] {
            order.add(NodeId(node), key(zone));
        }
        assert_eq!(numbers(&order), [1, 4, 5, 2, 6, 3]);
        order.remove(NodeId(4), key(2));
        assert_eq!(numbers(&order), [1, 5, 2, 6, 3]);
        order.add(NodeId(4), key(2));
        assert_eq!(numbers(&order), [1, 5, 4, 2, 6, 3], "an emptied zone comes back last");
        order.remove(NodeId(1), key(1));
        order.add(NodeId(1), key(3));
        assert_eq!(numbers(&order), [2, 5, 4, 3, 6, 1], "a node that moves goes to the end");
        assert_eq!(order.len(), 6);
    }

    #[test]
    fn old_labels_count_where_the_new_are_missing() {
        let mut names = Names::new();
        let labels = ZoneLabels::new(&mut names);
        let (east, a) = (names.intern("east"), names.intern("a"));
        let old_zone = names.find("failure-domain.beta.kubernetes.io/zone");
        let region = names.find("topology.kubernetes.io/region");
        let found = labels.key(|key| match Some(key) {
            key if key == old_zone => Some(a),
            key if key == region => Some(east),
            _ => None,
        });
        assert_eq!(found, ZoneKey { region: east, zone: a });
        let empty = names.find("").unwrap();
        assert_eq!(labels.key(|_| None), ZoneKey { region: empty, zone: empty });
    }
}
