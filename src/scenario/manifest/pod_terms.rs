//! Affinity between pods and spread over domains as users write them, and what becomes of them.

use super::convert::Reader;
use super::object::SelectorManifest;
use crate::ground::Name;
use crate::model::{
    AffinityTerm, Inclusion, LabelSelector, Labels, Operator, PodTerms, Requirement,
    SpreadConstraint, WeightedTerm, WhenUnsatisfiable,
};
use crate::scenario::tree::join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pods that are needed or preferred near, or far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodAffinityManifest {
    /// What must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_during_scheduling_ignored_during_execution: Vec<PodTermManifest>,
    /// What makes a node better.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferred_during_scheduling_ignored_during_execution: Vec<WeightedPodTerm>,
}

/// A term with its weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WeightedPodTerm {
    /// Weight, 1 to 100.
    pub weight: i32,
    /// The term.
    pub pod_affinity_term: PodTermManifest,
}

/// Which pods, and what near means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodTermManifest {
    /// Pods by their labels; none if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<SelectorManifest>,
    /// Their namespaces by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Their namespaces by labels; without either, the namespace of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<SelectorManifest>,
    /// Nodes with the same value of this label are near each other.
    pub topology_key: String,
    /// Labels in which they are like the pod.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_label_keys: Vec<String>,
    /// Labels in which they are not like the pod.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mismatch_label_keys: Vec<String>,
}

/// How evenly pods are spread over domains of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpreadManifest {
    /// How many more pods than the emptiest a domain may have.
    pub max_skew: u32,
    /// Nodes with the same value of this label are one domain.
    pub topology_key: String,
    /// What happens when it cannot be met.
    pub when_unsatisfiable: WhenUnsatisfiableWord,
    /// Pods that count; none if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<SelectorManifest>,
    /// With fewer domains than this, the emptiest counts as empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_domains: Option<u32>,
    /// Do nodes count that node selector and affinity exclude? `Ignore` if yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_affinity_policy: Option<InclusionWord>,
    /// Do nodes count whose taints keep the pod away? `Ignore`, the default, if yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_taints_policy: Option<InclusionWord>,
    /// Labels in which pods that count are like the pod.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_label_keys: Vec<String>,
}

/// What happens when a constraint cannot be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WhenUnsatisfiableWord {
    /// The pod waits.
    DoNotSchedule,
    /// The pod prefers nodes that even things out.
    ScheduleAnyway,
}

/// Which nodes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum InclusionWord {
    /// Those that the pod may use in this respect.
    Honor,
    /// All.
    Ignore,
}

impl From<InclusionWord> for Inclusion {
    fn from(word: InclusionWord) -> Inclusion {
        match word {
            InclusionWord::Honor => Inclusion::Honor,
            InclusionWord::Ignore => Inclusion::Ignore,
        }
    }
}

/// The terms of a pod with this namespace and these labels.
pub(super) fn pod_terms(
    reader: &mut Reader<'_>,
    written: &PodAffinityManifest,
    (namespace, labels): (Name, &Labels),
    path: &str,
) -> PodTerms {
    let pod = (namespace, labels);
    let at = |path: &str, at: usize| join(path, &at.to_string());
    let required = join(path, "requiredDuringSchedulingIgnoredDuringExecution");
    let terms = written.required_during_scheduling_ignored_during_execution.iter().enumerate();
    let required = terms.map(|(n, one)| term(reader, one, pod, &at(&required, n))).collect();
    let path = join(path, "preferredDuringSchedulingIgnoredDuringExecution");
    let mut preferred = Vec::new();
    for (n, one) in written.preferred_during_scheduling_ignored_during_execution.iter().enumerate()
    {
        let path = at(&path, n);
        if !(1..=100).contains(&one.weight) {
            let text = format!("the weight {} is not from 1 to 100", one.weight);
            reader.wrong(join(&path, "weight"), text, "write 1 to 100");
        }
        let term = term(reader, &one.pod_affinity_term, pod, &join(&path, "podAffinityTerm"));
        preferred.push(WeightedTerm { weight: one.weight, term });
    }
    PodTerms { required, preferred }
}

fn term(
    reader: &mut Reader<'_>,
    written: &PodTermManifest,
    (namespace, labels): (Name, &Labels),
    path: &str,
) -> AffinityTerm {
    let selected = written.label_selector.as_ref();
    let mut selector = selected.map(|s| selector(reader, s, &join(path, "labelSelector")));
    // Admission merges these into the selector (registry `core/pod/strategy.go`).
    for (keys, operator) in
        [(&written.match_label_keys, Operator::In), (&written.mismatch_label_keys, Operator::NotIn)]
    {
        for key in keys {
            let key = reader.catalog.names.intern(key);
            if let (Some(value), Some(selector)) = (labels.get(key), &mut selector) {
                selector.0.push(Requirement { key, operator, values: vec![value] });
            }
        }
    }
    if written.topology_key.is_empty() {
        let text = "a term says what near means";
        reader.wrong(join(path, "topologyKey"), text, "write `kubernetes.io/hostname`");
    }
    let own = written.namespaces.is_empty() && written.namespace_selector.is_none();
    let named = written.namespaces.iter().map(|name| reader.catalog.names.intern(name));
    let namespaces = if own { vec![namespace] } else { named.collect() };
    let by_labels = written.namespace_selector.as_ref();
    AffinityTerm {
        selector,
        namespaces,
        namespace_selector: by_labels
            .map(|s| self::selector(reader, s, &join(path, "namespaceSelector"))),
        topology_key: reader.catalog.names.intern(&written.topology_key),
    }
}

/// A selector; its conditions compare as those of labels do.
pub(in crate::scenario) fn selector(
    reader: &mut Reader<'_>,
    written: &SelectorManifest,
    path: &str,
) -> LabelSelector {
    let labels = reader.labels(&written.match_labels, &join(path, "matchLabels"));
    let mut selector = LabelSelector::of(&labels);
    let path = join(path, "matchExpressions");
    for (at, one) in written.match_expressions.iter().enumerate() {
        let path = join(&path, &at.to_string());
        let requirement = reader.requirement(one, false, &path);
        if matches!(requirement.operator, Operator::Gt | Operator::Lt) {
            let text = "a selector compares with `In`, `NotIn`, `Exists` and `DoesNotExist`";
            reader.wrong(join(&path, "operator"), text, "use one of these");
        }
        selector.0.push(requirement);
    }
    selector
}

/// The spread constraints of a pod with these labels.
pub(super) fn spread(
    reader: &mut Reader<'_>,
    written: &[SpreadManifest],
    labels: &Labels,
    path: &str,
) -> Vec<SpreadConstraint> {
    let mut constraints = Vec::new();
    for (at, one) in written.iter().enumerate() {
        let path = join(path, &at.to_string());
        let selected = one.label_selector.as_ref();
        let mut selector = selected.map(|s| selector(reader, s, &join(&path, "labelSelector")));
        for key in &one.match_label_keys {
            let key = reader.catalog.names.intern(key);
            if let (Some(value), Some(selector)) = (labels.get(key), &mut selector) {
                selector.require(key, value);
            }
        }
        let hard = one.when_unsatisfiable == WhenUnsatisfiableWord::DoNotSchedule;
        for (holds, key, text) in [
            (one.max_skew > 0, "maxSkew", "a skew of at least 1 is allowed"),
            (one.min_domains != Some(0), "minDomains", "at least 1 domain is asked for"),
            (hard || one.min_domains.is_none(), "minDomains", "only `DoNotSchedule` asks for it"),
            (!one.topology_key.is_empty(), "topologyKey", "a constraint says what a domain is"),
        ] {
            if !holds {
                reader.wrong(join(&path, key), text, "");
            }
        }
        constraints.push(SpreadConstraint {
            max_skew: one.max_skew.max(1),
            topology_key: reader.catalog.names.intern(&one.topology_key),
            when_unsatisfiable: match one.when_unsatisfiable {
                WhenUnsatisfiableWord::DoNotSchedule => WhenUnsatisfiable::DoNotSchedule,
                WhenUnsatisfiableWord::ScheduleAnyway => WhenUnsatisfiable::ScheduleAnyway,
            },
            selector,
            min_domains: one.min_domains.unwrap_or(1),
            node_affinity: one.node_affinity_policy.map_or(Inclusion::Honor, Inclusion::from),
            node_taints: one.node_taints_policy.map_or(Inclusion::Ignore, Inclusion::from),
        });
    }
    constraints
}
