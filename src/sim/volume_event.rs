//! Events about claims and volumes.

use crate::ground::Name;
use crate::model::{ClaimRef, DeviceMask, NodeId, PodId, PodUid};
use serde::{Deserialize, Serialize};

/// An event about claims and volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeEvent {
    /// What the scheduler has decided about the volumes of a pod reaches the store.
    DecisionArrives {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Node.
        node: NodeId,
        /// Devices of the node.
        devices: DeviceMask,
    },
    /// The scheduler looks whether the claims of a pod are bound.
    SchedulerLooks {
        /// Pod, for ever.
        uid: PodUid,
    },
    /// The binding of a claim to a volume reaches the store.
    ClaimBinds {
        /// Claim.
        claim: ClaimRef,
        /// Volume.
        volume: Name,
    },
    /// A driver has made a volume for a claim.
    VolumeMade {
        /// Claim.
        claim: ClaimRef,
    },
    /// Claims that found no volume are looked at again.
    ClaimsResync,
    /// It reaches the store that nobody claims a volume any more.
    VolumeReleases {
        /// Volume.
        volume: Name,
    },
    /// A volume is deleted.
    VolumeGoes {
        /// Volume.
        volume: Name,
    },
    /// The attach/detach controller passes over what has changed.
    AttachPass,
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
    },
    /// A kubelet sees that a volume is attached for which a pod waits.
    KubeletSees {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
    },
}
