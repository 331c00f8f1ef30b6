//! Why and how what facts tell came about.

use serde::{Deserialize, Serialize};

/// Why a pod is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum DeletionCause {
    /// A taint of its node that it does not tolerate, or not for longer.
    TaintEviction = 0,
    /// Its node is gone and, at `placement` detail, nobody waits for it.
    NodeLost = 1,
    /// Its owner has too many pods.
    ScaleDown = 10,
    /// It made room for a more important pod.
    Preempted = 11,
    /// Its owner replaces it by one of another template.
    Update = 12,
    /// An eviction that somebody asked for was accepted.
    Evicted = 20,
    /// An operator deleted it.
    ByHand = 21,
    /// What owned it was deleted.
    OwnerDeleted = 22,
    /// Its Job is over, or is suspended.
    JobEnds = 23,
}

/// How the deletion of an object goes on to what it owns (`kubectl delete --cascade`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Propagation {
    /// It goes at once, what it owns follows.
    Background = 0,
    /// What it owns stays, without an owner.
    Orphan = 1,
}

impl DeletionCause {
    /// True if the pod has to go because of its node, and not because somebody wants it so.
    pub const fn is_loss_of_node(self) -> bool {
        matches!(self, DeletionCause::TaintEviction | DeletionCause::NodeLost)
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum RunEnd {
    /// The time `until` was reached.
    Until = 0,
    /// Nothing was left that could happen.
    Exhausted = 1,
}

/// How the pull of an image ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum PullOutcome {
    /// The image is there.
    Pulled = 0,
    /// It was there already, as the registry confirmed.
    Confirmed = 1,
    /// It could not be had.
    Failed = 2,
}

/// How the drain of a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum DrainEnd {
    /// Its pods are gone.
    Drained = 0,
    /// It has pods without a controller, and was not forced: none was evicted.
    Unmanaged = 1,
    /// An eviction was refused for another reason than a budget that allows none.
    Failed = 2,
    /// It took too long.
    TimedOut = 3,
    /// The node is gone.
    NodeGone = 4,
}
