//! What a component believes about the cluster: tables of nodes and pods with the books of each
//! node, brought up to date change by change. The store's own truth is a `View` too.

use super::{
    Catalog, Change, DeviceMask, Extended, HostPort, MILLI_PER_DEVICE, NodeId, NodeSpec,
    NodeStatus, PodId, PodName, PodPhase, PodSpec, PodSpecId, PodUid, WorkloadId,
};
use crate::ground::{Id, Name, Table, Time};
use serde::{Deserialize, Serialize};

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

/// The sums over the pods of a node that are neither terminal nor gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NodeUse {
    /// Requested CPU, thousandths of a core.
    pub cpu: u64,
    /// Requested memory, bytes.
    pub memory: u64,
    /// CPU for scores, thousandths of a core.
    pub scoring_cpu: u64,
    /// Memory for scores, bytes.
    pub scoring_memory: u64,
    /// Requested node-local storage, bytes.
    pub ephemeral_storage: u64,
    /// Requested devices, thousandths of a device.
    pub device_milli: u64,
    /// Number of pods.
    pub pods: u32,
}

/// What the pods of a node hold, item by item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHolds {
    /// Requested extended resources.
    pub extended: Extended,
    /// What is left of each device, thousandths.
    pub device_left: Vec<u32>,
    /// Host ports taken, each as often as it is held.
    pub ports: Vec<HostPort>,
    /// Pods bound or assumed here, terminal ones not counted, in no particular order.
    pub pods: Vec<PodId>,
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
}

/// Nodes and pods as one component believes them to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    nodes: Table<NodeId, NodeView>,
    usage: Table<NodeId, NodeUse>,
    holds: Table<NodeId, NodeHolds>,
    pods: Table<PodId, Option<PodView>>,
    present_nodes: u32,
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

    /// Brings the view up to date by one change.
    ///
    /// # Panics
    /// If the change does not follow from this view: a change was lost or came twice.
    pub fn apply(&mut self, change: &Change, catalog: &Catalog) {
        match *change {
            Change::NodeAdded { node, name, hostname, status } => {
                self.add_node(node, NodeView { name, hostname, status, present: true }, catalog);
            }
            Change::NodeUpdated { node, status } => self.nodes[node].status = status,
            Change::NodeRemoved { node } => {
                assert!(self.nodes[node].present, "{node:?} leaves once");
                self.nodes[node].present = false;
                self.present_nodes -= 1;
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
                };
                self.add_pod(pod, row);
            }
            Change::PodBound { pod, node, devices } => {
                let view = *self.expect_pod(pod);
                if view.node == Some(node) && view.devices == devices {
                    return; // assumed before
                }
                if view.node.is_some() {
                    self.release(pod, catalog);
                }
                self.hold(pod, node, devices, catalog);
            }
            Change::PodPhase { pod, phase } => {
                let view = *self.expect_pod(pod);
                assert!(!view.phase.is_terminal(), "{pod:?} ended and changes its phase");
                if phase.is_terminal() && view.node.is_some() {
                    self.release(pod, catalog);
                }
                self.expect_pod_mut(pod).phase = phase;
            }
            Change::PodDeleting { pod } => self.expect_pod_mut(pod).deleting = true,
            Change::PodRemoved { pod } => {
                let view = *self.expect_pod(pod);
                if view.node.is_some() && !view.phase.is_terminal() {
                    self.release(pod, catalog);
                }
                self.pods[pod] = None;
            }
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
    }

    fn add_pod(&mut self, pod: PodId, row: PodView) {
        while self.pods.len() <= pod.index() {
            self.pods.push(None);
        }
        assert!(self.pods[pod].is_none(), "{pod:?} is taken");
        self.pods[pod] = Some(row);
    }

    fn hold(&mut self, pod: PodId, node: NodeId, devices: DeviceMask, catalog: &Catalog) {
        let row = self.expect_pod_mut(pod);
        row.node = Some(node);
        row.devices = devices;
        let spec = catalog.pod_spec(row.spec);
        let usage = &mut self.usage[node];
        usage.cpu += spec.requests.cpu.0;
        usage.memory += spec.requests.memory.0;
        usage.scoring_cpu += spec.scoring_cpu.0;
        usage.scoring_memory += spec.scoring_memory.0;
        usage.ephemeral_storage += spec.requests.ephemeral_storage.0;
        usage.device_milli += spec.device_milli();
        usage.pods += 1;
        let holds = &mut self.holds[node];
        holds.extended.add(&spec.requests.extended);
        holds.ports.extend(&spec.host_ports);
        holds.pods.push(pod);
        if let Some(request) = &spec.devices {
            for device in devices.iter() {
                let left = &mut holds.device_left[device];
                *left = left
                    .checked_sub(request.milli_each)
                    .expect("a device is given away only while it has enough left");
            }
        }
    }

    fn release(&mut self, pod: PodId, catalog: &Catalog) {
        let row = *self.expect_pod(pod);
        let node = row.node.expect("only a pod with a node is released");
        let spec = catalog.pod_spec(row.spec);
        let usage = &mut self.usage[node];
        usage.cpu -= spec.requests.cpu.0;
        usage.memory -= spec.requests.memory.0;
        usage.scoring_cpu -= spec.scoring_cpu.0;
        usage.scoring_memory -= spec.scoring_memory.0;
        usage.ephemeral_storage -= spec.requests.ephemeral_storage.0;
        usage.device_milli -= spec.device_milli();
        usage.pods -= 1;
        let holds = &mut self.holds[node];
        holds.extended.subtract(&spec.requests.extended);
        for port in &spec.host_ports {
            let at = holds.ports.iter().position(|held| held == port);
            holds.ports.swap_remove(at.expect("a released port was taken"));
        }
        let at = holds.pods.iter().position(|held| *held == pod);
        holds.pods.swap_remove(at.expect("a released pod was held"));
        if let Some(request) = &spec.devices {
            for device in row.devices.iter() {
                holds.device_left[device] += request.milli_each;
                assert!(
                    holds.device_left[device] <= MILLI_PER_DEVICE,
                    "a device is given back once"
                );
            }
        }
    }
}
