//! PodDisruptionBudgets, as the API server has them, and its answers to evictions.
//!
//! Source: `pkg/apis/policy/types.go` and `pkg/registry/core/pod/storage/eviction.go`, Kubernetes
//! 1.34.

use super::{Catalog, IntOrPercent, LabelSelector, Labels};
use crate::ground::{Name, Time};
use serde::{Deserialize, Serialize};

/// What a budget asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DisruptionLimit {
    /// So many stay healthy; a share is rounded up.
    MinAvailable(IntOrPercent),
    /// At most so many are not healthy; a share is rounded up.
    MaxUnavailable(IntOrPercent),
}

/// When a pod that is not ready may be evicted (`unhealthyPodEvictionPolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum UnhealthyPodEviction {
    /// While enough others are healthy.
    #[default]
    IfHealthyBudget,
    /// Always.
    AlwaysAllow,
}

/// What the controller of budgets counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct BudgetCount {
    /// Pods that there should be.
    pub expected: u32,
    /// Pods that have to be healthy.
    pub desired: u32,
    /// Pods that are.
    pub healthy: u32,
    /// Pods that may be evicted.
    pub allowed: u32,
}

/// A PodDisruptionBudget with its status.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Budget {
    /// Namespace.
    pub namespace: Name,
    /// Name.
    pub name: Name,
    /// Which pods; `None` selects none.
    pub selector: Option<LabelSelector>,
    /// What it asks for.
    pub limit: DisruptionLimit,
    /// What is done about pods that are not ready.
    pub unhealthy: UnhealthyPodEviction,
    /// The status is of the present specification (`status.observedGeneration`).
    pub observed: bool,
    /// The status.
    pub count: BudgetCount,
    /// Names of pods whose eviction is counted already, and when it was accepted, in whole
    /// seconds, in order of name.
    pub disrupted: Vec<(Name, Time)>,
}

impl Budget {
    /// True if the budget is about a pod of this namespace and these labels. Pods without labels
    /// have no budget (`GetPodPodDisruptionBudgets`).
    pub fn selects(&self, namespace: Name, labels: &Labels, catalog: &Catalog) -> bool {
        self.namespace == namespace
            && labels.iter().next().is_some()
            && self.selector.as_ref().is_some_and(|selector| selector.matches(labels, catalog))
    }
}

/// The answer to a request to evict a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum EvictionAnswer {
    /// The pod is deleted, and no budget is charged.
    Unchecked = 0,
    /// The pod is deleted and gets the condition DisruptionTarget. Its budget allows one less and
    /// lists the pod as evicted now.
    Charged = 1,
    /// 429: the budget allows none.
    Refused = 2,
    /// 429: the budget has not been looked at since it was changed.
    NotObserved = 3,
    /// 403: too many evicted pods are still there.
    TooManyEvicted = 4,
    /// 500: two budgets select the pod, so that it cannot be evicted.
    SeveralBudgets = 5,
}

impl EvictionAnswer {
    /// The HTTP status of the answer.
    pub const fn code(self) -> u16 {
        match self {
            EvictionAnswer::Unchecked | EvictionAnswer::Charged => 201,
            EvictionAnswer::Refused | EvictionAnswer::NotObserved => 429,
            EvictionAnswer::TooManyEvicted => 403,
            EvictionAnswer::SeveralBudgets => 500,
        }
    }
}
