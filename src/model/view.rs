//! What a component believes about the cluster: tables of nodes and pods with the books of each
//! node, brought up to date change by change. The store's own truth is a `View` too.

use super::touch::TouchLog;
use super::{
    Catalog, Change, DeviceMask, EndpointSlices, MILLI_PER_DEVICE, NodeHolds, NodeId, NodeSpec,
    NodeStatus, NodeUse, Objects, PodId, PodName, PodPhase, PodSpec, PodSpecId, PodUid, Rollouts,
    StatefulSets, Tasks, Touch, TouchCursor, WorkloadId, books,
};
use crate::ground::{Id, Name, Table, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    /// Name.
    pub name: Name,
    /// Value of the label `kubernetes.io/hostname`.
    pub hostname: Option<Name>,
    /// Status.
    pub status: NodeStatus,
    /// False once the node has left.
    pub present: bool,
}

/// A pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodView {
    /// Its number for ever.
    pub uid: PodUid,
    /// Specification.
    pub spec: PodSpecId,
    /// Owner.
    pub workload: WorkloadId,
    /// Name.
    pub name: PodName,
    /// When the store created it.
    pub created: Time,
    /// The node it is bound to, or assumed on.
    pub node: Option<NodeId>,
    /// Devices it holds there.
    pub devices: DeviceMask,
    /// Phase.
    pub phase: PodPhase,
    /// True once it has a deletion timestamp.
    pub deleting: bool,
    /// When its kubelet took it in (`status.startTime`).
    pub started: Option<Time>,
    /// The node that preemption made room on for it (`status.nominatedNodeName`).
    pub nominated: Option<NodeId>,
    /// True if it goes because a scheduler preempts it (its condition DisruptionTarget).
    pub preempted: bool,
}

/// Nodes and pods as one component believes them to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    nodes: Table<NodeId, NodeView>,
    usage: Table<NodeId, NodeUse>,
    holds: Table<NodeId, NodeHolds>,
    pods: Table<PodId, Option<PodView>>,
    present_nodes: u32,
    /// Pods on nodes, by priority.
    priorities: BTreeMap<i32, u32>,
    /// Pods on nodes that have affinity to other pods.
    affine: BTreeSet<(NodeId, PodId)>,
    objects: Objects,
    rollouts: Rollouts,
    stateful_sets: StatefulSets,
    tasks: Tasks,
    slices: EndpointSlices,
    #[serde(skip)]
    touches: TouchLog,
}

impl View {
    /// A view of nothing.
    pub fn new() -> View {
        View::default()
    }

    /// All nodes that ever joined, in order of joining; some may not be present any more.
    pub fn nodes(&self) -> &Table<NodeId, NodeView> {
        &self.nodes
    }

    /// Number of nodes that are present.
    pub fn present_nodes(&self) -> usize {
        self.present_nodes as usize
    }

    /// One node.
    pub fn node(&self, node: NodeId) -> &NodeView {
        &self.nodes[node]
    }

    /// The sums of one node.
    pub fn usage(&self, node: NodeId) -> &NodeUse {
        &self.usage[node]
    }

    /// The items held on one node.
    pub fn holds(&self, node: NodeId) -> &NodeHolds {
        &self.holds[node]
    }

    /// The specification of a node.
    pub fn node_spec<'c>(&self, node: NodeId, catalog: &'c Catalog) -> &'c NodeSpec {
        catalog.node_spec(self.nodes[node].status.spec)
    }

    /// The value of a label of a node, its host name label included.
    pub fn label(&self, node: NodeId, key: Name, catalog: &Catalog) -> Option<Name> {
        if key == catalog.hostname_key {
            return self.nodes[node].hostname;
        }
        self.node_spec(node, catalog).labels.get(key)
    }

    /// The pod in this row, if there is one.
    pub fn pod(&self, pod: PodId) -> Option<&PodView> {
        self.pods.get(pod)?.as_ref()
    }

    /// The pod in this row if it is still the one meant.
    pub fn pod_if(&self, pod: PodId, uid: PodUid) -> Option<&PodView> {
        self.pod(pod).filter(|view| view.uid == uid)
    }

    /// The specification of the pod in this row.
    pub fn pod_spec<'c>(&self, pod: PodId, catalog: &'c Catalog) -> Option<&'c PodSpec> {
        self.pod(pod).map(|view| catalog.pod_spec(view.spec))
    }

    /// All pods, by row.
    pub fn pods(&self) -> impl Iterator<Item = (PodId, &PodView)> {
        self.pods.iter().filter_map(|(id, row)| Some((id, row.as_ref()?)))
    }

    /// The lowest priority among the pods on nodes.
    pub fn lowest_priority(&self) -> Option<i32> {
        self.priorities.first_key_value().map(|(priority, _)| *priority)
    }

    /// The pods on nodes that have affinity to other pods, node by node.
    pub fn affine_pods(&self) -> impl Iterator<Item = (NodeId, PodId)> {
        self.affine.iter().copied()
    }

    /// The other objects.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Deployments and ReplicaSets.
    pub fn rollouts(&self) -> &Rollouts {
        &self.rollouts
    }

    /// StatefulSets.
    pub fn stateful_sets(&self) -> &StatefulSets {
        &self.stateful_sets
    }

    /// Jobs.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// The endpoints of services.
    pub fn slices(&self) -> &EndpointSlices {
        &self.slices
    }

    /// What was touched since then, in order; `None` if that is too long ago or was another view.
    pub fn touches_since(&self, cursor: TouchCursor) -> Option<&[Touch]> {
        self.touches.since(cursor)
    }

    /// The end of the log of touches.
    pub fn touch_end(&self) -> TouchCursor {
        self.touches.end()
    }

    /// Brings the view up to date by one change.
    ///
    /// # Panics
    /// If the change does not follow from this view: a change was lost or came twice.
    pub fn apply(&mut self, change: &Change, catalog: &Catalog) {
        match *change {
            Change::NodeAdded { node, name, hostname, status } => {
                self.add_node(node, NodeView { name, hostname, status, present: true }, catalog);
            }
            Change::NodeUpdated { node, status } => {
                self.nodes[node].status = status;
                self.touches.push(Touch::Node { node });
            }
            Change::NodeRemoved { node } => {
                assert!(self.nodes[node].present, "{node:?} leaves once");
                self.nodes[node].present = false;
                self.present_nodes -= 1;
                self.touches.push(Touch::Node { node });
            }
            Change::PodAdded { pod, uid, spec, workload, name, created } => {
                let row = PodView {
                    uid,
                    spec,
                    workload,
                    name,
                    created,
                    node: None,
                    devices: DeviceMask::NONE,
                    phase: PodPhase::Pending,
                    deleting: false,
                    started: None,
                    nominated: None,
                    preempted: false,
                };
                self.add_pod(pod, row);
            }
            Change::PodBound { pod, node, devices } => self.bind((pod, node), devices, catalog),
            Change::PodPhase { pod, phase } => {
                let view = *self.expect_pod(pod);
                assert!(!view.phase.is_terminal(), "{pod:?} ended and changes its phase");
                if phase.is_terminal() && view.node.is_some() {
                    self.release(pod, catalog);
                }
                self.expect_pod_mut(pod).phase = phase;
            }
            Change::PodDeleting { pod } => self.delete(pod),
            Change::PodStarted { pod, at } => self.expect_pod_mut(pod).started = Some(at),
            Change::PodNominated { pod, node } => self.expect_pod_mut(pod).nominated = node,
            Change::PodPreempted { pod } => self.expect_pod_mut(pod).preempted = true,
            Change::ObjectSet { object } => {
                self.objects.set(catalog.object(object).key(), object);
                self.touches.push(Touch::Objects);
            }
            Change::ObjectRemoved { object } => {
                self.objects.remove(catalog.object(object).key());
                self.touches.push(Touch::Objects);
            }
            Change::DeploymentWritten { .. }
            | Change::DeploymentObserved { .. }
            | Change::ReplicaSetAdded { .. }
            | Change::ReplicaSetWritten { .. }
            | Change::ReplicaSetObserved { .. }
            | Change::ReplicaSetRemoved { .. }
            | Change::OwnerRemoved { .. } => self.rollouts.apply(change),
            Change::StatefulSetWritten { .. }
            | Change::StatefulSetObserved { .. }
            | Change::RevisionWritten { .. }
            | Change::RevisionRemoved { .. } => self.stateful_sets.apply(change),
            Change::PodRemoved { pod } => self.remove(pod, catalog),
            Change::Task(ref change) => self.tasks.apply(change),
            Change::Slice(ref change) => self.slices.apply(change),
        }
    }

    /// Counts a pod on a node before its binding is written.
    ///
    /// # Panics
    /// If the pod is not there or has a node already.
    pub fn assume(&mut self, pod: PodId, node: NodeId, devices: DeviceMask, catalog: &Catalog) {
        self.hold(pod, node, devices, catalog);
    }

    /// Takes an assumption back after the binding failed.
    ///
    /// # Panics
    /// If the pod is not there or has no node.
    pub fn forget(&mut self, pod: PodId, catalog: &Catalog) {
        self.release(pod, catalog);
        let row = self.expect_pod_mut(pod);
        row.node = None;
        row.devices = DeviceMask::NONE;
    }

    fn expect_pod(&self, pod: PodId) -> &PodView {
        self.pods[pod].as_ref().expect("a change names a pod that exists")
    }

    fn expect_pod_mut(&mut self, pod: PodId) -> &mut PodView {
        self.pods[pod].as_mut().expect("a change names a pod that exists")
    }

    fn add_node(&mut self, node: NodeId, view: NodeView, catalog: &Catalog) {
        assert_eq!(node, self.nodes.next_id(), "nodes join in order");
        let devices = catalog.node_spec(view.status.spec).devices;
        self.nodes.push(view);
        self.usage.push(NodeUse::default());
        let count = devices.map_or(0, |group| usize::from(group.count));
        self.holds
            .push(NodeHolds { device_left: vec![MILLI_PER_DEVICE; count], ..NodeHolds::default() });
        self.present_nodes += 1;
        self.touches.push(Touch::Node { node });
    }

    fn add_pod(&mut self, pod: PodId, row: PodView) {
        while self.pods.len() <= pod.index() {
            self.pods.push(None);
        }
        assert!(self.pods[pod].is_none(), "{pod:?} is taken");
        self.pods[pod] = Some(row);
    }

    fn bind(&mut self, (pod, node): (PodId, NodeId), devices: DeviceMask, catalog: &Catalog) {
        let view = *self.expect_pod(pod);
        if view.node == Some(node) && view.devices == devices {
            return; // assumed before
        }
        if view.node.is_some() {
            self.release(pod, catalog);
        }
        self.hold(pod, node, devices, catalog);
    }

    fn remove(&mut self, pod: PodId, catalog: &Catalog) {
        let view = *self.expect_pod(pod);
        if view.node.is_some() && !view.phase.is_terminal() {
            self.release(pod, catalog);
        }
        self.pods[pod] = None;
    }

    fn delete(&mut self, pod: PodId) {
        let row = self.expect_pod_mut(pod);
        let counts = row.node.filter(|_| !row.deleting && !row.phase.is_terminal());
        row.deleting = true;
        let spec = row.spec;
        if let Some(node) = counts {
            self.touches.push(Touch::Leaving { node, spec });
        }
    }

    fn hold(&mut self, pod: PodId, node: NodeId, devices: DeviceMask, catalog: &Catalog) {
        let row = self.expect_pod_mut(pod);
        row.node = Some(node);
        row.devices = devices;
        let touch = Touch::Hold { node, spec: row.spec, deleting: row.deleting };
        let spec = catalog.pod_spec(row.spec);
        books::take((&mut self.usage[node], &mut self.holds[node]), pod, spec, devices);
        *self.priorities.entry(spec.priority).or_default() += 1;
        if !spec.pod_affinity.is_empty() {
            self.affine.insert((node, pod));
        }
        self.touches.push(touch);
    }

    fn release(&mut self, pod: PodId, catalog: &Catalog) {
        let row = *self.expect_pod(pod);
        let node = row.node.expect("only a pod with a node is released");
        self.touches.push(Touch::Release { node, spec: row.spec, deleting: row.deleting });
        let spec = catalog.pod_spec(row.spec);
        books::give_back((&mut self.usage[node], &mut self.holds[node]), pod, spec, row.devices);
        let count = self.priorities.get_mut(&spec.priority).expect("a held pod was counted");
        *count -= 1;
        if *count == 0 {
            self.priorities.remove(&spec.priority);
        }
        if !spec.pod_affinity.is_empty() {
            self.affine.remove(&(node, pod));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Condition, Pressures};

    fn status(catalog: &mut Catalog) -> NodeStatus {
        let spec = NodeSpec { pods: 10, ..NodeSpec::default() };
        NodeStatus {
            spec: catalog.intern_node_spec(&spec).0,
            taints: Catalog::NO_TAINTS,
            ready: Condition::True,
            pressures: Pressures::NONE,
            unschedulable: false,
        }
    }

    fn added(pod: PodId, spec: PodSpecId) -> Change {
        let (uid, name) = (PodUid(pod.0), PodName::plain(Catalog::NO_TEXT));
        Change::PodAdded { pod, uid, spec, workload: WorkloadId(0), name, created: Time::ZERO }
    }

    #[test]
    fn touches_tell_what_changed_on_nodes() {
        let mut catalog = Catalog::new();
        let mut view = View::new();
        let (node, pod) = (NodeId(0), PodId(0));
        let spec = PodSpec::new(Catalog::NO_TEXT, Catalog::NO_TEXT);
        let (spec, status) = (catalog.intern_pod_spec(&spec).0, status(&mut catalog));
        let bound = Change::PodBound { pod, node, devices: DeviceMask::NONE };
        let joined = Change::NodeAdded { node, name: Catalog::NO_TEXT, hostname: None, status };
        for (change, expected) in [
            (joined, vec![Touch::Node { node }]),
            (added(pod, spec), vec![]),
            (bound, vec![Touch::Hold { node, spec, deleting: false }]),
            (bound, vec![]),
            (Change::PodDeleting { pod }, vec![Touch::Leaving { node, spec }]),
            (Change::PodDeleting { pod }, vec![]),
            (
                Change::PodPhase { pod, phase: PodPhase::Failed },
                vec![Touch::Release { node, spec, deleting: true }],
            ),
            (Change::PodRemoved { pod }, vec![]),
            (added(pod, spec), vec![]),
            (Change::NodeUpdated { node, status }, vec![Touch::Node { node }]),
            (Change::NodeRemoved { node }, vec![Touch::Node { node }]),
        ] {
            let before = view.touch_end();
            view.apply(&change, &catalog);
            assert_eq!(view.touches_since(before), Some(expected.as_slice()), "{change:?}");
        }
        let before = view.touch_end();
        view.assume(pod, node, DeviceMask::NONE, &catalog);
        view.forget(pod, &catalog);
        let hold = Touch::Hold { node, spec, deleting: false };
        let release = Touch::Release { node, spec, deleting: false };
        assert_eq!(view.touches_since(before), Some(&[hold, release][..]));
        assert_eq!(view.clone().touches_since(before), None);
        assert_eq!(view.clone(), view);
    }
}
