//! Taints of nodes and the tolerations of pods.

use crate::ground::Name;
use serde::{Deserialize, Serialize};

/// What a taint does to pods that do not tolerate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Effect {
    /// New pods stay away.
    NoSchedule,
    /// New pods prefer other nodes.
    PreferNoSchedule,
    /// New pods stay away and running pods are evicted.
    NoExecute,
}

/// A mark on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Taint {
    /// Key.
    pub key: Name,
    /// Value, the name of the empty text if none was given.
    pub value: Name,
    /// Effect.
    pub effect: Effect,
}

/// The taints of a node, in the order in which they were put on.
pub type Taints = Vec<Taint>;

/// How a toleration compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TolerationOperator {
    /// Key and value are equal.
    Equal,
    /// The key is there.
    Exists,
}

/// A pod's permission to stay with matching taints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Toleration {
    /// The key; `None` matches every key.
    pub key: Option<Name>,
    /// How to compare.
    pub operator: TolerationOperator,
    /// The value for [`TolerationOperator::Equal`].
    pub value: Name,
    /// The effect; `None` matches every effect.
    pub effect: Option<Effect>,
    /// For NoExecute: seconds that a running pod stays; for ever if `None`, not at all if not
    /// positive.
    pub seconds: Option<i64>,
}

impl Toleration {
    /// True if this toleration covers the taint (core/v1 `ToleratesTaint`, Kubernetes 1.34).
    pub fn tolerates(&self, taint: &Taint) -> bool {
        self.effect.is_none_or(|effect| effect == taint.effect)
            && self.key.is_none_or(|key| key == taint.key)
            && match self.operator {
                TolerationOperator::Exists => true,
                TolerationOperator::Equal => self.value == taint.value,
            }
    }
}
