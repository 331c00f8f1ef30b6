//! Kubernetes objects as users write them (core/v1, Kubernetes 1.34), and what becomes of them in
//! the model. Every field of the real object is known by name: it is read, or refused because it
//! would change a decision that is not built yet, or listed as without effect.

mod affinity;
mod budget;
mod container;
mod convert;
mod convert_storage;
mod deployment;
mod job;
mod node;
mod object;
mod pod;
mod pod_terms;
mod priority;
mod probe;
mod resources;
mod rest;
mod service;
mod stateful_set;
mod storage;
mod tolerations;
mod volumes;

pub use affinity::{
    Affinity, EffectWord, NodeAffinityManifest, NodeSelector, NodeSelectorTermManifest,
    OperatorWord, PreferredTerm, RequirementManifest, TolerationManifest, TolerationOperatorWord,
};
pub use budget::{BudgetManifest, BudgetSpec, UnhealthyWord};
pub use container::{ContainerManifest, PortManifest, ProtocolWord, PullWord, ResourcesManifest};
pub use convert_storage::{claim_template, storage_object};
pub use deployment::{
    DeploymentManifest, DeploymentSpecManifest, ReplicaSetManifest, ReplicaSetSpec,
    RollingUpdateManifest, StrategyManifest, StrategyWord, TemplateManifest,
};
pub use job::{
    CompletionModeWord, ConditionWord, ExitCodesManifest, ExitCodesWord, JobManifest,
    JobSpecManifest, PodConditionPattern, PodFailurePolicyManifest, PodFailureRuleManifest,
    PodFailureWord, PodReplacementWord, SuccessPolicyManifest, SuccessRuleManifest,
};
pub use node::{
    NodeConditionManifest, NodeImageManifest, NodeManifest, NodeSpecManifest, NodeStatusManifest,
    NodeTaintManifest,
};
pub use object::{NamespaceManifest, ObjectMeta, OwnerReference, SelectorManifest};
pub use pod::{Gate, Metadata, PodManifest, PodObject, PodTemplate, PreemptionWord, RestartWord};
pub use pod_terms::{
    InclusionWord, PodAffinityManifest, PodTermManifest, SpreadManifest, WeightedPodTerm,
    WhenUnsatisfiableWord,
};
pub use priority::PriorityClassManifest;
pub use probe::{HookManifest, LifecycleManifest, ProbeManifest, SleepManifest};
pub use rest::{Known, Rest};
pub use service::{ServiceManifest, ServiceSpec};
pub use stateful_set::{
    ClaimFateWord, ClaimRetentionManifest, OrdinalsManifest, PartitionManifest, PodManagementWord,
    ReplicaClaimManifest, StatefulSetManifest, StatefulSetSpecManifest, StatefulStrategyManifest,
    StatefulStrategyWord,
};
pub use storage::{
    AccessModeWord, BindingModeWord, ClaimReference, ClaimTemplateManifest, CsiDriverManifest,
    CsiDriverSpec, CsiNodeAllocatable, CsiNodeDriver, CsiNodeManifest, CsiNodeSpec, CsiSource,
    CsiStorageCapacityManifest, PersistentVolumeClaimManifest, PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus, PersistentVolumeManifest, PersistentVolumeSpec,
    PersistentVolumeStatus, StorageClassManifest, StorageResources, TopologyTermManifest,
    TopologyValuesManifest, VolumeModeWord, VolumeNodeAffinity,
};
pub use volumes::{
    AwsVolumeSource, ClaimSource, EphemeralSource, GceDiskSource, IscsiSource, RbdSource,
    VolumeManifest,
};

pub(super) use budget::read_budget;
pub(super) use convert::{Meta, Reader, Written, convert};
pub(super) use deployment::{check_replica_set, read_deployment};
pub(super) use job::read_job;
pub(super) use node::{ReadNode, convert_node};
pub(super) use pod_terms::selector;
pub(super) use priority::PriorityClasses;
pub(super) use resources::{GPU_RESOURCE, check_resource};
pub(super) use stateful_set::{add_replica_claims, read_stateful_set};

#[cfg(test)]
mod tests;
