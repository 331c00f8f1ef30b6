//! Label selectors of API objects (apimachinery `metav1.LabelSelector`, Kubernetes 1.34).

use super::{Catalog, Labels, Operator, Requirement};
use crate::ground::Name;
use serde::{Deserialize, Serialize};

/// Conditions on labels that must all hold; without any it selects everything.
///
/// Where an object has no selector at all, which selects nothing, it is an `Option`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LabelSelector(pub Vec<Requirement>);

impl LabelSelector {
    /// Selects what has all these labels.
    pub fn of(labels: &Labels) -> LabelSelector {
        let mut selector = LabelSelector::default();
        labels.iter().for_each(|(key, value)| selector.require(key, value));
        selector
    }

    /// Adds the condition that a label has this value.
    pub fn require(&mut self, key: Name, value: Name) {
        self.0.push(Requirement { key, operator: Operator::In, values: vec![value] });
    }

    /// True if it selects everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if these labels meet every condition.
    pub fn matches(&self, labels: &Labels, catalog: &Catalog) -> bool {
        self.0.iter().all(|requirement| requirement.matches(labels.get(requirement.key), catalog))
    }

    /// Replaces every name.
    pub(super) fn rename(&mut self, rename: &mut impl FnMut(Name) -> Name) {
        self.0.iter_mut().for_each(|requirement| requirement.rename(rename));
    }
}
