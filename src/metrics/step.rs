//! What a fold is shown of one fact: the pod as it was before, everything else as it is after.

use super::book::{Book, PodRow};
use crate::ground::Time;
use crate::journal::Fact;

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
