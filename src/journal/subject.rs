//! Whom a fact is about.

use super::Fact;
use crate::model::{NodeId, PodUid, WorkloadId};

/// The pod, the node and the workload that a fact is about, as far as it names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subject {
    /// Pod.
    pub pod: Option<PodUid>,
    /// Node.
    pub node: Option<NodeId>,
    /// Workload.
    pub workload: Option<WorkloadId>,
}

impl Fact {
    /// Whom the fact is about.
    pub const fn subject(&self) -> Subject {
        let (pod, node, workload) = match *self {
            Fact::PodCreated { pod, workload, .. } => (Some(pod), None, Some(workload)),
            Fact::Bound { pod, node, .. } | Fact::BindFailed { pod, node } => {
                (Some(pod), Some(node), None)
            }
            Fact::LifetimeSet { pod, .. }
            | Fact::Replaced { pod, .. }
            | Fact::Queued { pod }
            | Fact::Refused { pod, .. }
            | Fact::Admitted { pod }
            | Fact::SandboxReady { pod }
            | Fact::PullBegan { pod, .. }
            | Fact::PullEnded { pod, .. }
            | Fact::ContainerWaiting { pod, .. }
            | Fact::ContainerStarted { pod, .. }
            | Fact::ContainerEnded { pod, .. }
            | Fact::ProbeChanged { pod, .. }
            | Fact::Stopping { pod, .. }
            | Fact::UsageSet { pod, .. }
            | Fact::Throttled { pod, .. }
            | Fact::Started { pod }
            | Fact::Ready { pod }
            | Fact::Unready { pod }
            | Fact::Finished { pod }
            | Fact::Failed { pod, .. }
            | Fact::Interrupted { pod }
            | Fact::Deleting { pod, .. }
            | Fact::EvictionAnswered { pod, .. }
            | Fact::Removed { pod } => (Some(pod), None, None),
            Fact::NodeAdded { node, .. }
            | Fact::FaultBegan { node, .. }
            | Fact::FaultEnded { node, .. }
            | Fact::NodeCrashed { node }
            | Fact::NodeRepaired { node }
            | Fact::NodeCondition { node, .. }
            | Fact::NodeTainted { node, .. }
            | Fact::NodePressure { node, .. }
            | Fact::NodeRemoved { node }
            | Fact::NodeCordoned { node, .. }
            | Fact::DrainEnded { node, .. }
            | Fact::ImagesCollected { node, .. } => (None, Some(node), None),
            Fact::Discovery(fact) => (fact.pod(), None, None),
            Fact::Volume(fact) => (fact.pod(), None, None),
            _ => (None, None, self.workload()),
        };
        Subject { pod, node, workload }
    }
    /// The workload that a fact is about which is neither about a pod nor about a node.
    const fn workload(&self) -> Option<WorkloadId> {
        match *self {
            Fact::WorkloadDefined { workload, .. }
            | Fact::DeploymentWritten { workload, .. }
            | Fact::RolloutProgress { workload, .. }
            | Fact::OperatorRefused { workload }
            | Fact::AlertChanged { workload, .. }
            | Fact::ReleaseDecided { workload, .. }
            | Fact::TrafficRouted { workload, .. }
            | Fact::StatefulSetWritten { workload, .. }
            | Fact::StatefulSetObserved { workload, .. }
            | Fact::RevisionWritten { workload, .. }
            | Fact::RevisionRemoved { workload, .. }
            | Fact::ReplicaSetCreated { workload, .. }
            | Fact::JobCreated { workload, .. }
            | Fact::OwnerDeleted { workload, .. } => Some(workload),
            _ => None,
        }
    }
}
