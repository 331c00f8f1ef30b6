//! Facts about claims and volumes.

use super::words::pair;
use crate::ground::Name;
use crate::model::{NodeId, PodUid, VolumeEnd, VolumeWait};
use serde::{Deserialize, Serialize};

/// Something that happened to claims and volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeFact {
    /// A pod waits because of its volumes.
    Awaited {
        /// Pod.
        pod: PodUid,
        /// What for.
        wait: VolumeWait,
        /// The volume, or the claim that has none yet.
        storage: Name,
        /// The node that has the volume, if it is another one.
        node: Option<NodeId>,
    },
    /// A driver has made a volume.
    Provisioned {
        /// Volume.
        volume: Name,
        /// The claim that it was made for.
        claim: Name,
    },
    /// A claim and a volume have each other.
    ClaimBound {
        /// Claim.
        claim: Name,
        /// Volume.
        volume: Name,
    },
    /// A volume is attached to a node.
    Attached {
        /// Volume.
        volume: Name,
        /// Node.
        node: NodeId,
    },
    /// A volume is detached from a node.
    Detached {
        /// Volume.
        volume: Name,
        /// Node.
        node: NodeId,
        /// By force: the node has not said that it is unmounted.
        forced: bool,
    },
    /// Nobody claims a volume any more, or it is gone.
    Ended {
        /// Volume.
        volume: Name,
        /// What became of it.
        end: VolumeEnd,
    },
}

impl VolumeFact {
    /// The pod that it is about.
    pub const fn pod(&self) -> Option<PodUid> {
        match *self {
            VolumeFact::Awaited { pod, .. } => Some(pod),
            _ => None,
        }
    }

    /// The canonical form that the digest covers.
    pub(super) const fn words(&self) -> [u64; 3] {
        match *self {
            VolumeFact::Awaited { pod, wait, storage, node } => {
                let node = match node {
                    Some(node) => pair(node.0, 1),
                    None => 0,
                };
                [pair(74 | (wait as u32) << 8, pod.0), storage.0 as u64, node]
            }
            VolumeFact::Provisioned { volume, claim } => [pair(75, volume.0), claim.0 as u64, 0],
            VolumeFact::ClaimBound { claim, volume } => [pair(76, claim.0), volume.0 as u64, 0],
            VolumeFact::Attached { volume, node } => [pair(77, volume.0), node.0 as u64, 0],
            VolumeFact::Detached { volume, node, forced } => {
                [pair(78, volume.0), node.0 as u64, forced as u64]
            }
            VolumeFact::Ended { volume, end } => [pair(79, volume.0), end as u64, 0],
        }
    }
}
