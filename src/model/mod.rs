//! What a cluster is: nodes, pods, workloads, what a component believes about them (views), what
//! reaches them from outside (stimuli), and the words of a decision. Data only: nothing here acts.

mod affinity;
mod application;
mod catalog;
mod change;
mod decision;
mod device;
mod fragmentation;
mod image;
mod label;
mod node;
mod outcome;
mod pod;
mod probe;
mod resource;
mod stimulus;
mod taint;
mod view;
mod workload;

pub use affinity::{NodeAffinity, NodeSelectorTerm, Operator, Preferred, Requirement};
pub use application::{Application, Behaviour, Layer, Usage};
pub use catalog::Catalog;
pub use change::Change;
pub use decision::{Code, Explain, NodeVerdict, Plugin, PluginSet, Reason, Refusal, Verdict};
pub use device::{DeviceGroup, DeviceMask, DeviceRequest, MILLI_PER_DEVICE};
pub use fragmentation::{
    DeviceShape, Fragmentation, IdleNode, TypicalPod, fragmentation, typical_pods,
};
pub use image::{ImageOnNode, PullPolicy, normalized_image};
pub use label::Labels;
pub use node::{
    Condition, NodeId, NodeSpec, NodeSpecId, NodeStatus, Pressures, TaintsId, ZoneState,
};
pub use outcome::{ContainerEnd, ContainerWait, FailedReason, Pressure};
pub use pod::{
    Container, Hook, HostPort, PodId, PodName, PodPhase, PodSpec, PodSpecId, PodUid,
    PreemptionPolicy, Protocol, RestartPolicy,
};
pub use probe::{ProbeKind, ProbeParams, Probes};
pub use resource::{Amounts, Extended, Resource};
pub use stimulus::{Lifetime, SourceId, Stimulus, Timed};
pub use taint::{Effect, Taint, Taints, Toleration, TolerationOperator};
pub use view::{NodeHolds, NodeUse, NodeView, PodView, View};
pub use workload::{FinishedPods, LossPolicy, Workload, WorkloadId, WorkloadKind};
