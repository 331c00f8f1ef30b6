//! Nodes: what stays (specification, shared by equal nodes) and what changes (status).

use super::{Amounts, DeviceGroup, ImageOnNode, Labels, Pressure};
use crate::ground::{Bytes, define_id};
use serde::{Deserialize, Serialize};

define_id! {
    /// A node. Never reused: a node that leaves and one that joins later differ.
    NodeId;
    /// A node specification in the catalog.
    NodeSpecId;
    /// A list of taints in the catalog.
    TaintsId;
}

/// What equal nodes share.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeSpec {
    /// What pods may request.
    pub allocatable: Amounts,
    /// Memory of the machine, what it keeps for itself included. Zero if unknown: then what pods
    /// may request and the 100 MiB below which the kubelet evicts.
    pub memory_capacity: Bytes,
    /// Size of the disk for images, writable layers and logs. Zero if unknown: then 100 GiB.
    pub disk_capacity: Bytes,
    /// Most pods at a time.
    pub pods: u32,
    /// Devices, if there are any.
    pub devices: Option<DeviceGroup>,
    /// Labels shared by the nodes of this specification; `kubernetes.io/hostname`, which differs
    /// from node to node, is not among them.
    pub labels: Labels,
    /// Images at the start, in order of name.
    pub images: Vec<ImageOnNode>,
}

/// The Ready condition of a node as the store has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Condition {
    /// Ready.
    True,
    /// The kubelet reports that it is not ready.
    False,
    /// The kubelet has not been heard of for the grace period.
    Unknown,
}

/// Resources that run out on a node: its pressure conditions that are True.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Pressures(u8);

impl Pressures {
    /// Nothing runs out.
    pub const NONE: Pressures = Pressures(0);

    /// True if this resource runs out.
    pub const fn has(self, pressure: Pressure) -> bool {
        self.0 & 1 << pressure as u8 != 0
    }

    /// The same with this resource running out, or not.
    #[must_use]
    pub const fn with(self, pressure: Pressure, on: bool) -> Pressures {
        let bit = 1 << pressure as u8;
        Pressures(if on { self.0 | bit } else { self.0 & !bit })
    }
}

/// How far a zone is disrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum ZoneState {
    /// Not looked at yet.
    Initial = 0,
    /// Neither of the others.
    Normal = 1,
    /// More than two nodes and at least the threshold's share are not ready.
    PartialDisruption = 2,
    /// No node is ready.
    FullDisruption = 3,
}

/// What changes about a node, as one small record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Specification.
    pub spec: NodeSpecId,
    /// Taints.
    pub taints: TaintsId,
    /// The Ready condition.
    pub ready: Condition,
    /// The pressure conditions.
    pub pressures: Pressures,
    /// `spec.unschedulable`: cordoned.
    pub unschedulable: bool,
}
