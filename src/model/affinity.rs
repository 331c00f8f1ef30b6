//! Which nodes a pod needs or prefers: node selectors and node affinity.

use super::Catalog;
use crate::ground::Name;
use serde::{Deserialize, Serialize};

/// How a requirement compares a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operator {
    /// The value is one of those listed.
    In,
    /// The label is absent or its value is none of those listed.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is absent.
    DoesNotExist,
    /// The value is an integer above the one listed.
    Gt,
    /// The value is an integer below the one listed.
    Lt,
}

/// One condition on a label (or, in `match_fields`, on the node's name).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Requirement {
    /// Label key.
    pub key: Name,
    /// Comparison.
    pub operator: Operator,
    /// Values to compare with.
    pub values: Vec<Name>,
}

impl Requirement {
    /// True if `value`, the label's value if it is there, meets the condition.
    ///
    /// Values of `Gt` and `Lt` that are not integers never match
    /// (apimachinery `labels/selector.go`, Kubernetes 1.34).
    pub fn matches(&self, value: Option<Name>, catalog: &Catalog) -> bool {
        let integer = |name: Name| catalog.names.text(name).parse::<i64>().ok();
        let compare = |holds: fn(i64, i64) -> bool| match (value, self.values.as_slice()) {
            (Some(value), [bound]) => {
                integer(value).zip(integer(*bound)).is_some_and(|(v, b)| holds(v, b))
            }
            _ => false,
        };
        match self.operator {
            Operator::In => value.is_some_and(|v| self.values.contains(&v)),
            Operator::NotIn => value.is_none_or(|v| !self.values.contains(&v)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt => compare(|v, b| v > b),
            Operator::Lt => compare(|v, b| v < b),
        }
    }

    /// Replaces every name.
    pub(super) fn rename(&mut self, rename: &mut impl FnMut(Name) -> Name) {
        self.key = rename(self.key);
        self.values.iter_mut().for_each(|value| *value = rename(*value));
    }
}

/// Conditions that must all hold; a term without any matches nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeSelectorTerm {
    /// Conditions on labels.
    pub match_labels: Vec<Requirement>,
    /// Conditions on `metadata.name`.
    pub match_fields: Vec<Requirement>,
}

impl NodeSelectorTerm {
    /// True if a node with this name, whose labels `label` looks up, meets every condition.
    pub fn matches(
        &self,
        name: Name,
        label: impl Fn(Name) -> Option<Name>,
        catalog: &Catalog,
    ) -> bool {
        if self.match_labels.is_empty() && self.match_fields.is_empty() {
            return false;
        }
        self.match_labels.iter().all(|r| r.matches(label(r.key), catalog))
            && self.match_fields.iter().all(|r| r.matches(Some(name), catalog))
    }
}

/// A preferred term with its weight, 1 to 100.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Preferred {
    /// Weight, 1 to 100.
    pub weight: i32,
    /// Conditions.
    pub term: NodeSelectorTerm,
}

/// Needed and preferred nodes of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeAffinity {
    /// At least one of these terms must match; `None` if nothing is required.
    pub required: Option<Vec<NodeSelectorTerm>>,
    /// Terms that add their weight where they match.
    pub preferred: Vec<Preferred>,
}

impl NodeAffinity {
    /// Replaces every name.
    pub(super) fn rename(&mut self, rename: &mut impl FnMut(Name) -> Name) {
        let preferred = self.preferred.iter_mut().map(|preferred| &mut preferred.term);
        for term in self.required.iter_mut().flatten().chain(preferred) {
            for requirement in term.match_labels.iter_mut().chain(&mut term.match_fields) {
                requirement.rename(rename);
            }
        }
    }
}
