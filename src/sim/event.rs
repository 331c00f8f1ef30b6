//! Everything that can be scheduled.

use crate::journal::DeletionCause;
use crate::model::{DeviceMask, NodeId, PodId, PodUid, WorkloadId};
use crate::policy::kube::control::GcCause;
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
    /// The deletions of one sync of a service are answered.
    SyncEnds {
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
    /// The node lifecycle controller looks at the nodes.
    NodesLook,
    /// A write of a look reaches the store.
    LookWrites {
        /// Which of the workers of the look.
        worker: u8,
    },
    /// The queues of nodes to be tainted NoExecute are polled.
    ZonesPoll,
    /// A change of the taints of a node by the node lifecycle controller reaches the store.
    TaintsArrive {
        /// Node.
        node: NodeId,
        /// What is changed.
        write: TaintWrite,
    },
    /// A step of the eviction of a pod from its tainted node reaches the store.
    EvictionProceeds {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// The step.
        step: EvictionStep,
    },
    /// The collector of pods passes over the cluster.
    GarbagePass,
    /// The removal of a pod by the collector reaches the store.
    GarbageGoes {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Why.
        cause: GcCause,
    },
    /// The report of a node that is back reaches the store.
    NodeReports {
        /// Node.
        node: NodeId,
        /// Epoch of its power.
        epoch: u32,
    },
}

/// Which taints of a node the node lifecycle controller changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaintWrite {
    /// NoSchedule taints follow the conditions.
    NoSchedule,
    /// The NoExecute taint is put on, or swapped for its opposite.
    NoExecute,
    /// The NoExecute taint is taken off.
    Clear,
}

/// What is asked of the store to evict a pod from its tainted node, in this order; then it is
/// deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EvictionStep {
    /// The pod is read.
    Read,
    /// Its condition DisruptionTarget is written.
    Mark,
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
