//! Everything that can be scheduled.

use super::discovery_event::DiscoveryEvent;
use super::task_event::TaskEvent;
use super::volume_event::VolumeEvent;
use crate::ground::Time;
use crate::journal::DeletionCause;
use crate::model::{
    DeviceMask, FailedReason, NodeId, ObjectKey, OperatorAction, PodId, PodPhase, PodSpecId,
    PodUid, Pressures, ReplicaSetId, WorkloadId,
};
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
    /// What preemption found for a pod, or took from it, reaches the store.
    NominationArrives {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Node that it has in prospect.
        node: Option<NodeId>,
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
    /// The creation of one pod of a ReplicaSet reaches the store.
    ReplicaArrives {
        /// ReplicaSet.
        set: ReplicaSetId,
    },
    /// The deletions of one sync of a ReplicaSet are answered.
    DeletionsAnswered {
        /// ReplicaSet.
        set: ReplicaSetId,
        /// How many.
        pods: u32,
    },
    /// What a ReplicaSet has reaches the store.
    SetStatusArrives {
        /// ReplicaSet.
        set: ReplicaSetId,
        /// The version of it that the controller has read.
        version: u32,
    },
    /// An Event of the ReplicaSet controller is answered.
    SetEventAnswered,
    /// The write of what a ReplicaSet has is answered.
    SetStatusAnswered {
        /// ReplicaSet.
        set: ReplicaSetId,
    },
    /// A ready pod of a ReplicaSet may have become available.
    SetLooks {
        /// ReplicaSet.
        set: ReplicaSetId,
    },
    /// A write of the Deployment controller reaches the store.
    DeploymentWriteArrives {
        /// The workload of the Deployment.
        workload: WorkloadId,
    },
    /// A write of the StatefulSet controller that is not about a pod reaches the store.
    StatefulWriteArrives {
        /// The workload of the StatefulSet.
        workload: WorkloadId,
    },
    /// The creation of a pod of a StatefulSet reaches the store.
    StatefulPodArrives {
        /// The workload of the StatefulSet.
        workload: WorkloadId,
        /// Its ordinal.
        ordinal: u32,
        /// What it is made of.
        revision: PodSpecId,
    },
    /// All requests of a StatefulSet about pods that were sent together are answered.
    StatefulPodsAnswered {
        /// The workload of the StatefulSet.
        workload: WorkloadId,
    },
    /// An Event of the StatefulSet controller is answered.
    StatefulEventAnswered,
    /// A StatefulSet is to be looked at again.
    StatefulSetLooks {
        /// The workload of the StatefulSet.
        workload: WorkloadId,
    },
    /// What somebody does to a Deployment or a StatefulSet reaches the store.
    OperatorActs {
        /// The workload of the Deployment.
        workload: WorkloadId,
        /// What, with names of the catalog of the run.
        action: OperatorAction,
    },
    /// A request of a drain to evict a pod reaches the store.
    EvictionArrives {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Number of the drain.
        drain: u32,
    },
    /// A drain looks whether an evicted pod is gone.
    DrainPolls {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Number of the drain.
        drain: u32,
    },
    /// A drain has taken as long as it may.
    DrainTimesOut {
        /// Number of the drain.
        drain: u32,
    },
    /// What the disruption controller counted reaches the store.
    BudgetStatusArrives,
    /// A disruption budget is to be counted again.
    BudgetLooks {
        /// The budget.
        budget: ObjectKey,
    },
    /// A Deployment is to be looked at again.
    DeploymentLooks {
        /// The workload of the Deployment.
        workload: WorkloadId,
    },
    /// Monitoring looks at a service.
    ServiceScraped {
        /// The workload of the service.
        workload: WorkloadId,
    },
    /// The creation of the replacement of the batch pod lost the longest ago reaches the store.
    ReplacementArrives,
    /// At `placement` detail: the lifetime of a pod is over.
    PlacedPodEnds {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Attempt.
        attempt: u32,
    },
    /// The kubelet of its node begins with a pod.
    KubeletAdmits {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Attempt.
        attempt: u32,
    },
    /// Volumes, sandbox and network of a pod are there.
    SandboxReady {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Attempt.
        attempt: u32,
    },
    /// A pod was active for as long as it may.
    DeadlineEnds {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Attempt.
        attempt: u32,
    },
    /// The kubelet's worker of a pod takes its turn.
    PodSync {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Attempt.
        attempt: u32,
    },
    /// The container that is being created runs, or its postStart hook is done.
    ContainerStep {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Attempt.
        attempt: u32,
    },
    /// A life of a container ends.
    ContainerEnds {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Place of the container.
        container: u8,
        /// Number of the life.
        life: u32,
    },
    /// A container's probes say something new, or it answers otherwise.
    ProbeDue {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Place of the container.
        container: u8,
    },
    /// What a pod uses goes on otherwise than before.
    UsageBends {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
    },
    /// A step of a pull is done, if its end was not foreseen anew since.
    PullStep {
        /// Place of the pull.
        flow: u32,
        /// Number of the foreseen end.
        turn: u32,
    },
    /// The garbage collector of images takes its turn on a node.
    ImageGc {
        /// Node.
        node: NodeId,
        /// Epoch of its power.
        epoch: u32,
    },
    /// The eviction loop takes its turn on a node.
    EvictionLook {
        /// Node.
        node: NodeId,
        /// Epoch of its power.
        epoch: u32,
    },
    /// The memory of a node runs out.
    MemoryExhausted {
        /// Node.
        node: NodeId,
        /// Epoch of its power.
        epoch: u32,
    },
    /// The report of what runs out on a node reaches the store.
    NodePressures {
        /// Node.
        node: NodeId,
        /// Epoch of its power.
        epoch: u32,
        /// What runs out.
        pressures: Pressures,
    },
    /// The kubelet's report on a pod reaches the store.
    ReportArrives {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Epoch of the power of its node.
        epoch: u32,
        /// What it says.
        report: Report,
    },
    /// The kubelet learns that a pod is to stop.
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
        /// How often it was taken its voice or got it back.
        voice: u32,
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
    /// Something about the endpoints of services.
    Discovery(DiscoveryEvent),
    /// Something about Jobs or owned objects.
    Task(TaskEvent),
    /// Something about claims and volumes.
    Volume(VolumeEvent),
    /// The report of a node that is back reaches the store.
    NodeReports {
        /// Node.
        node: NodeId,
        /// How often it was taken its voice or got it back.
        voice: u32,
    },
    /// The lease of a node that was not heard is due.
    NodeRenews {
        /// Node.
        node: NodeId,
        /// How often it was taken its voice or got it back.
        voice: u32,
    },
    /// A kubelet that could not hear lists its pods.
    KubeletLists {
        /// Node.
        node: NodeId,
        /// Since when it could not.
        since: Time,
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
    /// It is in this phase, which is not terminal.
    Phase(PodPhase),
    /// All its containers ended well.
    Succeeded,
    /// It has failed.
    Failed(FailedReason),
    /// It was asked to stop, and all its containers have ended; its removal follows.
    Ended {
        /// All of them ended well.
        well: bool,
    },
    /// Nothing of it is left, as it was asked to stop.
    Stopped,
}
