//! What a pod that waits for a node lacks: the single changes that would let it be placed.

use super::{Amounts, NodeId, PodUid, Taint};

/// What would become of a pod if it were tried now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// A node would take it: it only waits for its turn.
    Fits,
    /// No node would take it, but for one of these changes, the smallest first of each kind; none
    /// if no single change helps.
    Misses(Vec<NearMiss>),
}

/// A single change that would let a pod be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NearMiss {
    /// Free so much of a node, and so many pod slots.
    Free {
        /// Node.
        node: NodeId,
        /// Resources.
        amounts: Amounts,
        /// Pod slots.
        pods: u32,
    },
    /// Let the pod request so much less, for this node.
    AskLess {
        /// Node.
        node: NodeId,
        /// Resources.
        amounts: Amounts,
    },
    /// Take a taint off a node, or let the pod tolerate it.
    RemoveTaint {
        /// Node.
        node: NodeId,
        /// Taint.
        taint: Taint,
    },
    /// Let a node take pods again.
    Uncordon {
        /// Node.
        node: NodeId,
    },
    /// Remove a pod that keeps this one away from its node.
    RemovePod {
        /// Node.
        node: NodeId,
        /// The pod in the way.
        pod: PodUid,
    },
    /// Drop the spread constraint at this position.
    DropSpread(usize),
    /// Drop the required term of the pod's affinity to pods at this position.
    DropAffinity(usize),
    /// Drop the required term of the pod's anti-affinity at this position.
    DropAntiAffinity(usize),
    /// Drop node selector and required node affinity.
    DropNodeAffinity,
    /// Drop the host ports.
    DropHostPorts,
    /// Have the pod's volumes where this node can use them.
    MoveVolumes {
        /// Node.
        node: NodeId,
    },
    /// Let the pod displace these less important pods.
    AllowPreemption {
        /// Node.
        node: NodeId,
        /// Pods that have to go.
        victims: Vec<PodUid>,
    },
}
