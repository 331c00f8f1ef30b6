//! The informer's word: one change of the store, small enough to be kept until every view has it.

use super::{
    DeploymentSpec, DeploymentStatus, DeviceMask, NodeId, NodeStatus, ObjectId, PodId, PodName,
    PodPhase, PodSpecId, PodUid, ReplicaSetId, ReplicaSetSpec, ReplicaSetStatus, SliceChange,
    StatefulSetGoal, StatefulSetRecord, TaskChange, WorkloadId,
};
use crate::ground::{Name, Time};
use serde::{Deserialize, Serialize};

/// One change of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A node joined. Node identifiers are given in order of joining.
    NodeAdded {
        /// Node.
        node: NodeId,
        /// Its name.
        name: Name,
        /// Value of its label `kubernetes.io/hostname`, if it has one.
        hostname: Option<Name>,
        /// Its status.
        status: NodeStatus,
    },
    /// A node's status is now this.
    NodeUpdated {
        /// Node.
        node: NodeId,
        /// The whole new status.
        status: NodeStatus,
    },
    /// A node left.
    NodeRemoved {
        /// Node.
        node: NodeId,
    },
    /// A pod was created.
    PodAdded {
        /// Its row.
        pod: PodId,
        /// Its number for ever.
        uid: PodUid,
        /// Specification.
        spec: PodSpecId,
        /// Owner.
        workload: WorkloadId,
        /// Name.
        name: PodName,
        /// When the store created it.
        created: Time,
    },
    /// A pod was bound to a node.
    PodBound {
        /// Pod.
        pod: PodId,
        /// Node.
        node: NodeId,
        /// Devices of the node that it was given.
        devices: DeviceMask,
    },
    /// A pod's phase is now this. A terminal phase gives its resources back.
    PodPhase {
        /// Pod.
        pod: PodId,
        /// The new phase.
        phase: PodPhase,
    },
    /// A pod was asked to stop: it has a deletion timestamp.
    PodDeleting {
        /// Pod.
        pod: PodId,
    },
    /// A pod is gone; its row may be used again.
    PodRemoved {
        /// Pod.
        pod: PodId,
    },
    /// A pod's kubelet took it in: its `status.startTime`.
    PodStarted {
        /// Pod.
        pod: PodId,
        /// When.
        at: Time,
    },
    /// Preemption made room for a pod on a node, or the pod gave its nomination up.
    PodNominated {
        /// Pod.
        pod: PodId,
        /// Node.
        node: Option<NodeId>,
    },
    /// A pod goes because a scheduler preempts it; its deletion follows.
    PodPreempted {
        /// Pod.
        pod: PodId,
    },
    /// An object is new, or its content is now this.
    ObjectSet {
        /// Its whole content.
        object: ObjectId,
    },
    /// An object is gone.
    ObjectRemoved {
        /// Its last content.
        object: ObjectId,
    },
    /// A Deployment is new, or somebody wrote what it is to be.
    DeploymentWritten {
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// What it is to be.
        spec: DeploymentSpec,
    },
    /// The Deployment controller wrote what a Deployment is.
    DeploymentObserved {
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// What it is.
        status: DeploymentStatus,
    },
    /// A ReplicaSet was created.
    ReplicaSetAdded {
        /// ReplicaSet.
        set: ReplicaSetId,
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// What its pods are made of.
        template: PodSpecId,
        /// When the store created it.
        created: Time,
        /// What it is to be.
        spec: ReplicaSetSpec,
    },
    /// Somebody wrote what a ReplicaSet is to be.
    ReplicaSetWritten {
        /// ReplicaSet.
        set: ReplicaSetId,
        /// What.
        spec: ReplicaSetSpec,
    },
    /// The ReplicaSet controller wrote what a ReplicaSet has.
    ReplicaSetObserved {
        /// ReplicaSet.
        set: ReplicaSetId,
        /// What it has.
        status: ReplicaSetStatus,
    },
    /// A ReplicaSet is gone.
    ReplicaSetRemoved {
        /// ReplicaSet.
        set: ReplicaSetId,
    },
    /// A StatefulSet is new, or somebody wrote what it is to be.
    StatefulSetWritten {
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// What it is to be.
        goal: StatefulSetGoal,
    },
    /// The StatefulSet controller wrote what a StatefulSet is.
    StatefulSetObserved {
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// What it is.
        record: StatefulSetRecord,
    },
    /// A ControllerRevision of a StatefulSet is new, or has another number.
    RevisionWritten {
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// The template.
        template: PodSpecId,
        /// The number.
        number: u32,
    },
    /// A ControllerRevision of a StatefulSet is gone.
    RevisionRemoved {
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// The template.
        template: PodSpecId,
    },
    /// Jobs change.
    Task(TaskChange),
    /// The endpoints of a service change.
    Slice(SliceChange),
    /// The object that stands above all others of a workload is gone: a Deployment. What it
    /// owned is still there.
    OwnerRemoved {
        /// Workload.
        workload: WorkloadId,
        /// What it owned has no owner any more, and stays.
        orphaned: bool,
    },
}
