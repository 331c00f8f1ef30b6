//! Facts: what happened in a run, as small final records.
//!
//! Identifiers in facts are never reused and are introduced by earlier facts, so a journal alone
//! suffices for every metric.

use super::{DeletionCause, DiscoveryFact, DrainEnd, Propagation, PullOutcome, RunEnd, VolumeFact};
use crate::ground::{Bytes, Name, Span, Time};
use crate::model::{
    AlertState, Condition, ContainerEnd, ContainerWait, DeviceMask, EvictionAnswer, FailedReason,
    JobId, JobOutcome, NodeId, NodeSpecId, PluginSet, PodSpecId, PodUid, Pressure, ProbeKind,
    ProgressReason, ReleaseDecision, ReplicaSetId, Resource, Strike, WorkloadId, ZoneState,
};
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// A name is used from now on; `hash` is the stable hash of its text.
    NameDefined {
        /// Name.
        name: Name,
        /// Stable hash of the text.
        hash: u64,
    },
    /// How much of a resource nodes of a specification offer.
    NodeSpecDefined {
        /// Specification.
        spec: NodeSpecId,
        /// Resource.
        resource: Resource,
        /// Millicores, bytes, slots, thousandths of a device or units.
        amount: u64,
    },
    /// How much of a resource pods of a specification request.
    PodSpecDefined {
        /// Specification.
        spec: PodSpecId,
        /// Resource.
        resource: Resource,
        /// Millicores, bytes, slots, thousandths of a device or units.
        amount: u64,
    },
    /// The model of the devices of nodes of a specification.
    NodeModelDefined {
        /// Specification.
        spec: NodeSpecId,
        /// Model.
        model: Name,
    },
    /// Pods of a specification accept devices of this model; those for whom no model is told
    /// accept every model.
    PodModelAccepted {
        /// Specification.
        spec: PodSpecId,
        /// Model.
        model: Name,
    },
    /// A container of pods of a specification. Init containers and sidecars come first, as listed,
    /// then the ordinary ones.
    ContainerDefined {
        /// Specification.
        spec: PodSpecId,
        /// Its place, from 0.
        container: u8,
        /// Init container or sidecar.
        init: bool,
        /// Name.
        name: Name,
        /// Normalised image, the empty text if it has none.
        image: Name,
    },
    /// Pods of a specification do not answer as usual: the worst of their containers counts.
    QualityDefined {
        /// Specification.
        spec: PodSpecId,
        /// Share of requests answered with an error, millionths.
        error_ppm: u32,
        /// How much longer answers take than usual, thousandths.
        latency_permille: u32,
    },
    /// A workload is known from now on. `replicas` is 0 for batch.
    WorkloadDefined {
        /// Workload.
        workload: WorkloadId,
        /// Name.
        name: Name,
        /// Desired pods of a service, 0 for batch.
        replicas: u32,
        /// Ready pods at which a service counts as available, 0 for batch.
        min_serving: u32,
    },
    /// A node joined, ready.
    NodeAdded {
        /// Node.
        node: NodeId,
        /// Name.
        name: Name,
        /// Specification.
        spec: NodeSpecId,
    },
    /// A pod was created.
    PodCreated {
        /// Pod.
        pod: PodUid,
        /// Specification.
        spec: PodSpecId,
        /// Owner.
        workload: WorkloadId,
        /// Stem of its name.
        stem: Name,
        /// Number in its name.
        number: u32,
        /// Least number of digits of that number, 0 if the name is all stem.
        digits: u8,
    },
    /// A pod created now has a lifetime, counted from its start.
    LifetimeSet {
        /// Pod.
        pod: PodUid,
        /// Lifetime.
        lifetime: Span,
    },
    /// A pod was created to take the place of one that was lost.
    Replaced {
        /// The new pod.
        pod: PodUid,
        /// The lost pod.
        lost: PodUid,
    },
    /// A pod entered the scheduler's active queue for the first time.
    Queued {
        /// Pod.
        pod: PodUid,
    },
    /// An attempt found no node.
    Refused {
        /// Pod.
        pod: PodUid,
        /// Plugins that refused; empty for an error.
        refusers: PluginSet,
    },
    /// The binding was written.
    Bound {
        /// Pod.
        pod: PodUid,
        /// Node.
        node: NodeId,
        /// Devices of the node.
        devices: DeviceMask,
    },
    /// The binding could not be written.
    BindFailed {
        /// Pod.
        pod: PodUid,
        /// Node.
        node: NodeId,
    },
    /// The kubelet took a pod in and begins with its volumes and its sandbox.
    Admitted {
        /// Pod.
        pod: PodUid,
    },
    /// Volumes, sandbox and network of a pod are there: containers can start.
    SandboxReady {
        /// Pod.
        pod: PodUid,
    },
    /// The pull of an image took its first turn, or the registry is asked whether it is current.
    PullBegan {
        /// Pod.
        pod: PodUid,
        /// Place of the container.
        container: u8,
        /// Image.
        image: Name,
    },
    /// A pull ended.
    PullEnded {
        /// Pod.
        pod: PodUid,
        /// Place of the container.
        container: u8,
        /// How.
        outcome: PullOutcome,
    },
    /// A container cannot be started yet.
    ContainerWaiting {
        /// Pod.
        pod: PodUid,
        /// Place of the container.
        container: u8,
        /// Why.
        wait: ContainerWait,
        /// No earlier than this; the end of time if nothing but a change helps.
        until: Time,
    },
    /// A container runs.
    ContainerStarted {
        /// Pod.
        pod: PodUid,
        /// Place of the container.
        container: u8,
        /// How often it was started before.
        restarts: u32,
    },
    /// A container ended.
    ContainerEnded {
        /// Pod.
        pod: PodUid,
        /// Place of the container.
        container: u8,
        /// How.
        end: ContainerEnd,
        /// Exit code.
        exit_code: u8,
    },
    /// What a probe publishes changed.
    ProbeChanged {
        /// Pod.
        pod: PodUid,
        /// Place of the container.
        container: u8,
        /// Which probe.
        probe: ProbeKind,
        /// True: success.
        well: bool,
    },
    /// The kubelet begins to stop the containers of a pod.
    Stopping {
        /// Pod.
        pod: PodUid,
        /// Time until those that still run are killed.
        grace: Span,
    },
    /// From now on a pod uses so much of a resource. Told only of pods that do not use exactly
    /// what they request.
    UsageSet {
        /// Pod.
        pod: PodUid,
        /// True: bytes of memory; false: thousandths of a core.
        memory: bool,
        /// Amount now.
        amount: u64,
        /// Growth per hour until the next such fact.
        per_hour: u64,
    },
    /// The CPU limits of a pod begin to hold it back, or cease to.
    Throttled {
        /// Pod.
        pod: PodUid,
        /// True: begin.
        on: bool,
    },
    /// The store learned that all containers of a pod have started.
    Started {
        /// Pod.
        pod: PodUid,
    },
    /// The store learned that a pod is ready.
    Ready {
        /// Pod.
        pod: PodUid,
    },
    /// The store learned that a pod is not ready any more.
    Unready {
        /// Pod.
        pod: PodUid,
    },
    /// A pod ended well; its resources are free.
    Finished {
        /// Pod.
        pod: PodUid,
    },
    /// A pod ended badly; its resources are free. It may stay in the store.
    Failed {
        /// Pod.
        pod: PodUid,
        /// Why.
        reason: FailedReason,
    },
    /// The containers of a pod stopped because their node did.
    Interrupted {
        /// Pod.
        pod: PodUid,
    },
    /// A pod was asked to stop.
    Deleting {
        /// Pod.
        pod: PodUid,
        /// Why.
        cause: DeletionCause,
    },
    /// Nothing is left of a pod that was asked to stop but, for a moment, its object in the store;
    /// its resources are free if they were not before.
    Removed {
        /// Pod.
        pod: PodUid,
    },
    /// A fault struck a node.
    FaultBegan {
        /// Node.
        node: NodeId,
        /// Which strike of which fault.
        strike: Strike,
    },
    /// A fault of a node ended.
    FaultEnded {
        /// Node.
        node: NodeId,
        /// Which strike of which fault.
        strike: Strike,
    },
    /// A node lost power.
    NodeCrashed {
        /// Node.
        node: NodeId,
    },
    /// A crashed node has power again.
    NodeRepaired {
        /// Node.
        node: NodeId,
    },
    /// The Ready condition of a node was written.
    NodeCondition {
        /// Node.
        node: NodeId,
        /// Its new value.
        ready: Condition,
    },
    /// The NoExecute taint of a node that is unreachable or not ready was put on or taken off.
    NodeTainted {
        /// Node.
        node: NodeId,
        /// True: put on.
        on: bool,
    },
    /// The store learned that a resource runs out on a node, or does not any more.
    NodePressure {
        /// Node.
        node: NodeId,
        /// Which resource.
        pressure: Pressure,
        /// True: it runs out.
        on: bool,
    },
    /// A node threw away images that nobody used.
    ImagesCollected {
        /// Node.
        node: NodeId,
        /// How many.
        images: u32,
        /// Space on its disk that became free.
        freed: Bytes,
    },
    /// The Node object was deleted.
    NodeRemoved {
        /// Node.
        node: NodeId,
    },
    /// A zone is disrupted from now on, or not any more.
    ZoneDisrupted {
        /// Value of the label `topology.kubernetes.io/region`, the empty text if it is missing.
        region: Name,
        /// Value of the label `topology.kubernetes.io/zone`, the empty text if it is missing.
        zone: Name,
        /// How far.
        state: ZoneState,
    },
    /// Somebody wrote what a Deployment is to be.
    DeploymentWritten {
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// What its pods are made of.
        spec: PodSpecId,
        /// Number of pods wanted.
        replicas: u32,
        /// A changed template is not rolled out.
        paused: bool,
    },
    /// The condition Progressing of a Deployment has another reason.
    RolloutProgress {
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// Why it is what it is.
        reason: ProgressReason,
    },
    /// What an operator wanted of a Deployment could not be written.
    OperatorRefused {
        /// The workload that its pods belong to.
        workload: WorkloadId,
    },
    /// A ReplicaSet was created.
    ReplicaSetCreated {
        /// ReplicaSet.
        set: ReplicaSetId,
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// What its pods are made of.
        spec: PodSpecId,
    },
    /// How many pods a ReplicaSet is to have, and which revision it is, is written.
    ReplicaSetScaled {
        /// ReplicaSet.
        set: ReplicaSetId,
        /// Number of pods wanted.
        replicas: u32,
        /// Number of the revision of the Deployment.
        revision: u32,
    },
    /// What a ReplicaSet has is written.
    ReplicaSetObserved {
        /// ReplicaSet.
        set: ReplicaSetId,
        /// Pods.
        replicas: u32,
        /// Ready pods.
        ready: u32,
        /// Available pods.
        available: u32,
    },
    /// A ReplicaSet was deleted.
    ReplicaSetRemoved {
        /// ReplicaSet.
        set: ReplicaSetId,
    },
    /// Somebody wrote what a StatefulSet is to be.
    StatefulSetWritten {
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// What its pods are made of.
        spec: PodSpecId,
        /// Number of pods wanted.
        replicas: u32,
    },
    /// What a StatefulSet has is written.
    StatefulSetObserved {
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// Pods.
        replicas: u32,
        /// Ready pods.
        ready: u32,
        /// Pods of the present template that are not asked to stop.
        updated: u32,
    },
    /// A template of a StatefulSet is the revision of this number from now on.
    RevisionWritten {
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// The template.
        spec: PodSpecId,
        /// The number.
        revision: u32,
    },
    /// A revision of a StatefulSet was deleted.
    RevisionRemoved {
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// The template.
        spec: PodSpecId,
    },
    /// A request to evict a pod was answered.
    EvictionAnswered {
        /// Pod.
        pod: PodUid,
        /// How.
        answer: EvictionAnswer,
    },
    /// What a disruption budget counts is written.
    BudgetObserved {
        /// Its name.
        budget: Name,
        /// Pods that have to be healthy.
        desired: u32,
        /// Pods that are.
        healthy: u32,
        /// Pods that there should be.
        expected: u32,
        /// Pods that may be evicted.
        allowed: u32,
    },
    /// A node was cordoned, or is not any more.
    NodeCordoned {
        /// Node.
        node: NodeId,
        /// True: cordoned.
        on: bool,
    },
    /// The drain of a node ended.
    DrainEnded {
        /// Node.
        node: NodeId,
        /// How.
        end: DrainEnd,
    },
    /// An operator named a pod that is not there.
    PodUnknown {
        /// Its name.
        name: Name,
    },
    /// A Job was created.
    JobCreated {
        /// Job.
        job: JobId,
        /// The workload that its pods belong to.
        workload: WorkloadId,
        /// Its name.
        name: Name,
    },
    /// What a Job has is written.
    JobObserved {
        /// Job.
        job: JobId,
        /// Active pods.
        active: u32,
        /// Pods, or indexes, that succeeded.
        succeeded: u32,
        /// Pods that failed.
        failed: u32,
    },
    /// An index of a Job has failed for good.
    JobIndexFailed {
        /// Job.
        job: JobId,
        /// Index.
        index: u32,
    },
    /// A Job is complete or has failed.
    JobEnded {
        /// Job.
        job: JobId,
        /// Which, and why.
        outcome: JobOutcome,
    },
    /// A Job was deleted.
    JobRemoved {
        /// Job.
        job: JobId,
    },
    /// The object that stands above all others of a workload was deleted.
    OwnerDeleted {
        /// Workload.
        workload: WorkloadId,
        /// What becomes of what it owned.
        propagation: Propagation,
    },
    /// An alert about a service stands otherwise than before.
    AlertChanged {
        /// The workload of the service.
        workload: WorkloadId,
        /// Name of the alert.
        alert: Name,
        /// How it stands now.
        state: AlertState,
    },
    /// A rollback policy decided about the release of a Deployment.
    ReleaseDecided {
        /// The workload of the Deployment.
        workload: WorkloadId,
        /// What.
        decision: ReleaseDecision,
    },
    /// Requests to a service go to the pods of one revision only, or to those of all again.
    TrafficRouted {
        /// The workload of the service.
        workload: WorkloadId,
        /// The pods; `None`: all.
        spec: Option<PodSpecId>,
    },
    /// Something happened to the endpoints of a service.
    Discovery(DiscoveryFact),
    /// Something about claims and volumes.
    Volume(VolumeFact),
    /// The run ended here.
    RunEnded {
        /// How.
        end: RunEnd,
    },
}

/// A fact and when it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When.
    pub at: Time,
    /// What.
    pub fact: Fact,
}

const _: () = assert!(std::mem::size_of::<Record>() == 32, "a record stays half a cache line");
