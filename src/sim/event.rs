//! Everything that can be scheduled.

use crate::journal::DeletionCause;
use crate::model::{DeviceMask, NodeId, PodId, PodUid, WorkloadId};
use serde::{Deserialize, Serialize};

/// An event of the simulation. Events about a pod carry its number for ever, events about its
/// containers the attempt to run them, events about a node the epoch of its power: what no longer
/// fits is dropped when it comes up, so nothing is ever cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The scheduler may have something to do.
    SchedulerWakes,
    /// The scheduling cycle that is under way ends.
    CycleEnds,
    /// A binding reaches the store.
    BindArrives {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Node.
        node: NodeId,
        /// Devices of the node.
        devices: DeviceMask,
    },
    /// The controllers may have something to do.
    ControllersWake,
    /// A limit on how long a pod stays on its node is over.
    StayEnds {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
    },
    /// A deletion reaches the store.
    DeletionArrives {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Why.
        cause: DeletionCause,
    },
    /// The creation of one pod of a service reaches the store.
    ReplicaArrives {
        /// Service.
        workload: WorkloadId,
    },
    /// The creation of the replacement of the batch pod lost the longest ago reaches the store.
    ReplacementArrives,
    /// All containers of a pod run.
    ContainersStart {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Attempt.
        attempt: u32,
    },
    /// The containers of a pod end by themselves.
    ContainersEnd {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Attempt.
        attempt: u32,
    },
    /// The kubelet's report on a pod reaches the store.
    ReportArrives {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Attempt.
        attempt: u32,
        /// What it says.
        report: Report,
    },
    /// The kubelet stops the containers of a pod that was asked to stop.
    KubeletStops {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
    },
    /// The look at which a node may be found to be silent.
    NodeFoundSilent {
        /// Node.
        node: NodeId,
        /// Epoch of its power.
        epoch: u32,
    },
    /// The poll at which a silent node is tainted.
    NodeTainted {
        /// Node.
        node: NodeId,
        /// Epoch of its power.
        epoch: u32,
    },
    /// The report of a node that is back reaches the store.
    NodeReports {
        /// Node.
        node: NodeId,
        /// Epoch of its power.
        epoch: u32,
    },
}

/// What a kubelet says about a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// All containers run and the pod is ready.
    Ready,
    /// The containers are not running (any more).
    NotReady,
    /// The containers ended well.
    Succeeded,
    /// The containers are lost and must not be started again.
    Failed,
    /// The containers of a pod that was asked to stop have stopped.
    Stopped,
}
