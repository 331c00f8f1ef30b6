//! What a cluster is: nodes, pods, workloads, what a component believes about them (views), what
//! reaches them from outside (stimuli), and the words of a decision. Data only: nothing here acts.

mod affinity;
mod application;
mod books;
mod budget;
mod catalog;
mod change;
mod decision;
mod deployment;
mod device;
mod endpoint;
mod explain;
mod fault;
mod fragmentation;
mod image;
mod int_or_percent;
mod label;
mod near_miss;
mod node;
mod object;
mod outcome;
mod pod;
mod pod_affinity;
mod pod_name;
mod probe;
mod release;
mod replica_set;
mod resource;
mod rollouts;
mod selector;
mod stateful_set;
mod stimulus;
mod taint;
mod tasks;
mod touch;
mod view;
mod volume;
mod workload;

pub use affinity::{NodeAffinity, NodeSelectorTerm, Operator, Preferred, Requirement};
pub use application::{Application, Behaviour, Layer, Usage};
pub use books::{NodeBooks, NodeHolds, NodeUse};
pub use budget::{Budget, BudgetCount, DisruptionLimit, EvictionAnswer, UnhealthyPodEviction};
pub use catalog::Catalog;
pub use change::Change;
pub use decision::{Code, Plugin, PluginSet, Reason, Refusal};
pub use deployment::{
    DeploymentSpec, DeploymentStatus, ProgressReason, Progressing, ReplicaSetStatus,
    RolloutStrategy,
};
pub use device::{DeviceGroup, DeviceMask, DeviceRequest, MILLI_PER_DEVICE};
pub use endpoint::{
    EndpointConditions, EndpointSlice, EndpointSlices, ServiceId, ServiceSlices, SliceChange,
    SliceId,
};
pub use explain::{Candidate, DryRun, Explain, NodeVerdict, Preemption, Verdict, VolumePlan};
pub use fault::{CutDirection, FaultAction, FaultEffect, Strike};
pub use fragmentation::{
    DeviceShape, Fragmentation, IdleNode, TypicalPod, fragmentation, typical_pods,
};
pub use image::{ImageOnNode, PullPolicy, normalized_image};
pub use int_or_percent::{IntOrPercent, NeitherIntNorPercent};
pub use label::Labels;
pub use near_miss::{NearMiss, Outlook};
pub use node::{
    Condition, NodeId, NodeSpec, NodeSpecId, NodeStatus, Pressures, TaintsId, ZoneState,
};
pub use object::{Object, ObjectId, ObjectKey, Objects, Owner, OwnerKind};
pub use outcome::{ContainerEnd, ContainerWait, FailedReason, Pressure};
pub use pod::{
    Container, ExplicitZero, Hook, HostPort, PodId, PodLevel, PodPhase, PodSpec, PodSpecId, PodUid,
    PreemptionPolicy, Protocol, RestartPolicy,
};
pub use pod_affinity::{
    AffinityTerm, Inclusion, PodAffinity, PodTerms, SpreadConstraint, WeightedTerm,
    WhenUnsatisfiable,
};
pub use pod_name::PodName;
pub use probe::{ProbeKind, ProbeParams, Probes};
pub use release::{AlertState, ReleaseDecision};
pub use replica_set::{Deployment, ReplicaSet, ReplicaSetId, ReplicaSetSpec};
pub use resource::{Amounts, Extended, Resource};
pub use rollouts::Rollouts;
pub use selector::LabelSelector;
pub use stateful_set::{
    ClaimFate, ClaimRetention, PodManagement, StatefulSet, StatefulSetGoal, StatefulSetRecord,
    StatefulSetSpec, StatefulSetStatus, StatefulSets, StatefulUpdate,
};
pub use stimulus::{DrainOptions, Lifetime, OperatorAction, SourceId, Stimulus, Timed};
pub use taint::{Effect, Taint, Taints, Toleration, TolerationOperator};
pub use tasks::{Job, JobCounts, JobFailure, JobId, JobOutcome, JobSuccess, TaskChange, Tasks};
pub use touch::{Touch, TouchCursor};
pub use view::{NodeView, PodView, View};
pub use volume::{
    AccessMode, BindingMode, Claim, ClaimRef, ClaimTemplate, Disk, PodVolume, ReclaimPolicy,
    StorageCapacity, StorageClass, StorageDriver, StorageNode, Volume, VolumeEnd, VolumeMode,
    VolumeWait,
};
pub use workload::{FinishedPods, LossPolicy, Workload, WorkloadId, WorkloadKind};
