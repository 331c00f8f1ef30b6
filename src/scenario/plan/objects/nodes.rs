//! Node objects as nodes of the cluster.

use super::notes::Notes;
use super::{Found, Planner};
use crate::ground::Problem;
use crate::policy::kube::control::NodeMark;
use crate::scenario::manifest::{NodeManifest, ReadNode, Reader, convert_node};
use crate::scenario::objects::{Kind, Object, Objects};
use crate::scenario::plan::NodePlan;
use crate::scenario::plan::nodes::{HOSTNAME_LABEL, ZONE_LABEL, kubelet_labels};

/// Name of the group of nodes that come from objects.
const GROUP: &str = "objects";
/// Taints that the control plane puts on nodes for a condition that no node starts with.
const OF_CONDITIONS: [NodeMark; 6] = [
    NodeMark::NotReady,
    NodeMark::Unreachable,
    NodeMark::MemoryPressure,
    NodeMark::DiskPressure,
    NodeMark::PidPressure,
    NodeMark::NetworkUnavailable,
];

impl Planner<'_> {
    /// Adds the nodes among the objects, behind those of the groups.
    pub(in crate::scenario::plan) fn object_nodes(&mut self, objects: &Objects) {
        let mut notes = Notes::default();
        for node in &objects.nodes {
            self.object_node(objects, node);
            let taints = node.object.spec.iter().flat_map(|spec| &spec.taints);
            let marked = taints.into_iter().any(|taint| of_condition(&taint.key));
            if !node.object.is_ready() || marked {
                let text = "nodes that were not ready or under pressure start ready, without the \
                            taints that say so";
                let hint = "let a fault strike them to start without them";
                notes.add(text, hint, &node.head);
            }
        }
        notes.tell(self, objects);
        if self.plan.nodes.is_empty() && !objects.broken(Kind::Node) && !self.groups_are_broken() {
            let hint = "write for example `- {name: general, count: 3, cpu: 8, memory: 32Gi}`, or \
                        list Node objects under `objects:`";
            self.wrong("cluster.nodes", "the cluster has no nodes", hint);
        }
    }

    /// True if there are groups of nodes, none of which could be used.
    fn groups_are_broken(&self) -> bool {
        !self.file.cluster.nodes.is_empty()
    }

    fn object_node(&mut self, objects: &Objects, node: &Object<NodeManifest>) {
        let mut reader = Reader::new(&mut self.plan.catalog, &self.classes);
        let read = convert_node(&mut reader, &node.object);
        let found = Found::of(reader);
        if !self.report(objects, &node.head, found) {
            return;
        }
        let ReadNode { mut spec, mut taints, images } = read;
        let catalog = &mut self.plan.catalog;
        let name = catalog.names.intern(&node.head.name);
        if let Some(at) = self.node_at.get(&name) {
            let group = self.plan.catalog.names.text(self.plan.nodes[*at].group);
            let text = format!("the group `{group}` has a node `{}` already", node.head.name);
            let problem = Problem::new("metadata.name", text).hint("give the group another name");
            return self.object_wrong(objects, &node.head, &problem);
        }
        let (zone_key, hostname_key) = (catalog.names.intern(ZONE_LABEL), catalog.hostname_key);
        debug_assert_eq!(catalog.names.text(hostname_key), HOSTNAME_LABEL);
        let mut labels = kubelet_labels(catalog);
        spec.labels.iter().for_each(|(key, value)| {
            if key != hostname_key {
                labels.set(key, value);
            }
        });
        let hostname = spec.labels.get(hostname_key).unwrap_or(name);
        spec.labels = labels;
        let zone = spec.labels.get(zone_key);
        taints.retain(|taint| !of_condition(catalog.names.text(taint.key)));
        let group = catalog.names.intern(GROUP);
        let (spec, _) = catalog.intern_node_spec(&spec);
        let taints = catalog.intern_taints(&taints);
        let unschedulable =
            node.object.spec.as_ref().is_some_and(|spec| spec.unschedulable == Some(true));
        let plan = NodePlan { name, hostname, group, zone, spec, taints, unschedulable };
        self.node_at.insert(name, self.plan.nodes.len());
        self.plan.nodes.push(plan);
        self.images.extend(images);
    }
}

fn of_condition(key: &str) -> bool {
    OF_CONDITIONS.iter().any(|mark| mark.key() == key)
}
