//! Faults: what is broken from outside, and what that does to what it strikes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of a fault, under the name that scenarios, journals and reports give it.
///
/// Names follow Chaos Mesh 2.7 and LitmusChaos 3 where they have one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum FaultAction {
    /// A node loses power; everything on it stops.
    NodeCrash = 0,
    /// A node loses power and gets it back by itself.
    NodeRestart = 1,
    /// All nodes of a rack lose power together.
    RackOutage = 2,
    /// All nodes of a zone lose power together.
    ZoneOutage = 3,
    /// A node and the control plane do not reach each other; its containers go on.
    NetworkPartition = 4,
}

impl FaultAction {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            FaultAction::NodeCrash => "node-crash",
            FaultAction::NodeRestart => "node-restart",
            FaultAction::RackOutage => "rack-outage",
            FaultAction::ZoneOutage => "zone-outage",
            FaultAction::NetworkPartition => "network-partition",
        }
    }
}

/// Which way a partition cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CutDirection {
    /// Nothing passes.
    #[default]
    Both,
    /// What the node says does not arrive.
    From,
    /// What is said to the node does not arrive.
    To,
}

impl CutDirection {
    /// True if what the node says is lost.
    pub const fn cuts_from(self) -> bool {
        matches!(self, CutDirection::Both | CutDirection::From)
    }

    /// True if what is said to the node is lost.
    pub const fn cuts_to(self) -> bool {
        matches!(self, CutDirection::Both | CutDirection::To)
    }
}

/// What a fault does to the node that it strikes. Overlapping faults compose: a node has what it
/// needs when no fault takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FaultEffect {
    /// No power.
    Power,
    /// No way to or from the control plane.
    Partition(CutDirection),
}

/// One strike of a fault of the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Strike {
    /// The fault, by its position in the scenario.
    pub fault: u32,
    /// Strikes of this fault before this one; of each of its nodes by itself, if each has its own
    /// process.
    pub number: u32,
    /// What kind of fault it is.
    pub action: FaultAction,
}

impl Strike {
    /// The only strike of the only fault, a crash.
    pub const CRASH: Strike = Strike { fault: 0, number: 0, action: FaultAction::NodeCrash };
}
