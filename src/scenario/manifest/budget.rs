//! PodDisruptionBudgets as users write them (policy/v1, `pkg/apis/policy/validation`, Kubernetes
//! 1.34).

use super::convert::Reader;
use super::deployment::number_or_share;
use super::object::{ObjectMeta, SelectorManifest};
use super::pod_terms::selector;
use super::rest::with_rest;
use crate::ground::Name;
use crate::model::{Budget, BudgetCount, DisruptionLimit, IntOrPercent, UnhealthyPodEviction};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

with_rest! {
    /// A disruption budget.
    pub struct BudgetManifest reads BudgetRead, knows BudgetKeys {
        /// Name, namespace and labels.
        pub metadata: ObjectMeta,
        /// What it asks for.
        pub spec: BudgetSpec,
    }
    refused: []
    without_effect: ["status"]
}

/// What a disruption budget asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BudgetSpec {
    /// Which pods; none if left out, all of the namespace if empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<SelectorManifest>,
    /// So many stay healthy: a number or a share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_available: Option<Value>,
    /// At most so many are not healthy: a number or a share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<Value>,
    /// What is done about pods that are not ready; `IfHealthyBudget` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy_pod_eviction_policy: Option<UnhealthyWord>,
}

/// When a pod that is not ready may be evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UnhealthyWord {
    /// While enough others are healthy.
    IfHealthyBudget,
    /// Always.
    AlwaysAllow,
}

/// A budget of this namespace and name that nobody has counted yet.
pub(in crate::scenario) fn read_budget(
    reader: &mut Reader<'_>,
    written: &BudgetSpec,
    (namespace, name): (Name, Name),
) -> Budget {
    let of = |reader: &mut Reader<'_>, value: &Option<Value>, key: &str| {
        number_or_share(reader, value, 100, &format!("spec.{key}"))
    };
    let limit = match (&written.min_available, &written.max_unavailable) {
        (Some(_), Some(_)) => {
            let text = "`minAvailable` and `maxUnavailable` exclude each other";
            reader.wrong("spec.maxUnavailable".to_owned(), text, "remove one of them");
            DisruptionLimit::MinAvailable(IntOrPercent::Int(0))
        }
        (None, None) => {
            let text = "the budget asks for nothing";
            reader.wrong("spec".to_owned(), text, "write `minAvailable` or `maxUnavailable`");
            DisruptionLimit::MinAvailable(IntOrPercent::Int(0))
        }
        (least @ Some(_), None) => DisruptionLimit::MinAvailable(of(reader, least, "minAvailable")),
        (None, most) => DisruptionLimit::MaxUnavailable(of(reader, most, "maxUnavailable")),
    };
    let unhealthy = match written.unhealthy_pod_eviction_policy {
        Some(UnhealthyWord::AlwaysAllow) => UnhealthyPodEviction::AlwaysAllow,
        Some(UnhealthyWord::IfHealthyBudget) | None => UnhealthyPodEviction::IfHealthyBudget,
    };
    let selector =
        written.selector.as_ref().map(|written| selector(reader, written, "spec.selector"));
    Budget {
        namespace,
        name,
        selector,
        limit,
        unhealthy,
        observed: false,
        count: BudgetCount::default(),
        disrupted: Vec::new(),
    }
}
