//! Where a pod is with respect to other pods: affinity between pods and spread over domains.

use super::{Catalog, LabelSelector, Labels};
use crate::ground::Name;
use serde::{Deserialize, Serialize};

/// Pods that a pod wants near or far, and what near means.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AffinityTerm {
    /// Which pods by their labels; `None` selects none.
    pub selector: Option<LabelSelector>,
    /// Their namespaces by name.
    pub namespaces: Vec<Name>,
    /// Their namespaces by the labels of the namespace, in addition to those named.
    pub namespace_selector: Option<LabelSelector>,
    /// Nodes with the same value of this label are near each other.
    pub topology_key: Name,
}

impl AffinityTerm {
    /// True if the term means pods of this namespace and these labels. `namespace_labels` are
    /// those of the namespace, `None` if there is no such object: then only a selector without
    /// conditions selects it.
    pub fn matches(
        &self,
        (namespace, labels): (Name, &Labels),
        namespace_labels: Option<&Labels>,
        catalog: &Catalog,
    ) -> bool {
        let selects_namespace = |selector: &LabelSelector| {
            selector.is_empty()
                || namespace_labels.is_some_and(|labels| selector.matches(labels, catalog))
        };
        (self.namespaces.contains(&namespace)
            || self.namespace_selector.as_ref().is_some_and(selects_namespace))
            && self.selector.as_ref().is_some_and(|selector| selector.matches(labels, catalog))
    }

    fn rename(&mut self, rename: &mut impl FnMut(Name) -> Name) {
        for selector in [&mut self.selector, &mut self.namespace_selector].into_iter().flatten() {
            selector.rename(rename);
        }
        self.namespaces.iter_mut().for_each(|name| *name = rename(*name));
        self.topology_key = rename(self.topology_key);
    }
}

/// A term with its weight, 1 to 100.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WeightedTerm {
    /// Weight, 1 to 100.
    pub weight: i32,
    /// Pods and distance.
    pub term: AffinityTerm,
}

/// Terms of one direction: towards other pods or away from them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodTerms {
    /// All of them must hold.
    pub required: Vec<AffinityTerm>,
    /// Each adds its weight where it holds.
    pub preferred: Vec<WeightedTerm>,
}

impl PodTerms {
    fn is_empty(&self) -> bool {
        self.required.is_empty() && self.preferred.is_empty()
    }

    fn rename(&mut self, rename: &mut impl FnMut(Name) -> Name) {
        let preferred = self.preferred.iter_mut().map(|weighted| &mut weighted.term);
        self.required.iter_mut().chain(preferred).for_each(|term| term.rename(rename));
    }
}

/// Affinity of a pod to other pods.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodAffinity {
    /// Pods to be near to.
    pub near: PodTerms,
    /// Pods to be far from: anti-affinity.
    pub far: PodTerms,
}

impl PodAffinity {
    /// True without any term.
    pub fn is_empty(&self) -> bool {
        self.near.is_empty() && self.far.is_empty()
    }

    /// Replaces every name.
    pub(super) fn rename(&mut self, rename: &mut impl FnMut(Name) -> Name) {
        self.near.rename(rename);
        self.far.rename(rename);
    }
}

/// Which nodes count when pods are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Inclusion {
    /// Those that the pod may use in this respect.
    Honor,
    /// All.
    Ignore,
}

/// What happens when a spread constraint cannot be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WhenUnsatisfiable {
    /// The pod waits.
    DoNotSchedule,
    /// The pod prefers nodes that even things out.
    ScheduleAnyway,
}

/// How evenly pods are spread over domains of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SpreadConstraint {
    /// How many more pods than in the emptiest domain a domain may have.
    pub max_skew: u32,
    /// Nodes with the same value of this label are one domain.
    pub topology_key: Name,
    /// What happens when it cannot be met.
    pub when_unsatisfiable: WhenUnsatisfiable,
    /// Which pods count, those of `matchLabelKeys` included; `None` selects none.
    pub selector: Option<LabelSelector>,
    /// With fewer domains than this the emptiest counts as empty.
    pub min_domains: u32,
    /// Do nodes count that node selector and node affinity exclude?
    pub node_affinity: Inclusion,
    /// Do nodes count whose taints keep the pod away?
    pub node_taints: Inclusion,
}

impl SpreadConstraint {
    /// Replaces every name.
    pub(super) fn rename(&mut self, rename: &mut impl FnMut(Name) -> Name) {
        self.topology_key = rename(self.topology_key);
        self.selector.iter_mut().for_each(|selector| selector.rename(rename));
    }
}
