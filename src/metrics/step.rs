//! What a fold is shown of one fact: the pod as it was before, everything else as it is after.

use super::book::{Book, PodRow};
use crate::ground::Time;
use crate::journal::Fact;
use crate::model::PodUid;

/// One fact with its surroundings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'b> {
    pub(super) at: Time,
    pub(super) fact: Fact,
    /// The pod of the fact before it, if the fact is about a pod that is alive.
    pub(super) pod: Option<&'b PodRow>,
    /// The books after the fact.
    pub(super) book: &'b Book,
}

/// A piece of the metrics.
pub(super) trait Fold {
    /// Takes one fact in.
    fn fold(&mut self, step: &Step<'_>);
}

/// The pod that a fact is about.
pub(super) const fn pod_of(fact: &Fact) -> Option<PodUid> {
    match *fact {
        Fact::PodCreated { pod, .. }
        | Fact::LifetimeSet { pod, .. }
        | Fact::Replaced { pod, .. }
        | Fact::Queued { pod }
        | Fact::Refused { pod, .. }
        | Fact::Bound { pod, .. }
        | Fact::BindFailed { pod, .. }
        | Fact::Started { pod }
        | Fact::Ready { pod }
        | Fact::Unready { pod }
        | Fact::Finished { pod }
        | Fact::Interrupted { pod }
        | Fact::Deleting { pod, .. }
        | Fact::Removed { pod } => Some(pod),
        Fact::NameDefined { .. }
        | Fact::NodeSpecDefined { .. }
        | Fact::PodSpecDefined { .. }
        | Fact::NodeModelDefined { .. }
        | Fact::PodModelAccepted { .. }
        | Fact::WorkloadDefined { .. }
        | Fact::NodeAdded { .. }
        | Fact::NodeCrashed { .. }
        | Fact::NodeRepaired { .. }
        | Fact::NodeCondition { .. }
        | Fact::NodeTainted { .. }
        | Fact::RunEnded { .. } => None,
    }
}
