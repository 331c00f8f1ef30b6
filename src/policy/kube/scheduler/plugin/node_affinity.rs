//! NodeAffinity: node selector, required and preferred node affinity, and what the profile adds
//! (`plugins/nodeaffinity/node_affinity.go`, component-helpers `nodeaffinity`, Kubernetes 1.34).

use crate::ground::Name;
use crate::model::{Catalog, Code, NodeAffinity, NodeSelectorTerm, Operator, PodSpec, Reason};
use crate::policy::kube::scheduler::caches::Caches;
use crate::policy::kube::scheduler::event::Event;
use crate::policy::kube::scheduler::framework::{Cycle, NodeFacts, PreFilter, Reasons};
use crate::policy::kube::scheduler::profile::Profile;

/// Narrows the search if every required term names its nodes.
pub(crate) fn pre_filter(cycle: &Cycle<'_>) -> PreFilter {
    let added = cycle.profile.arguments.added_affinity.required.is_some();
    let Some(terms) = &cycle.spec.node_affinity.required else {
        let idle = !added && cycle.spec.node_selector.iter().len() == 0;
        return if idle { PreFilter::Skip } else { PreFilter::Pass };
    };
    let mut named: Vec<Name> = Vec::new();
    for term in terms {
        let Some(names) = names_in(term) else { return PreFilter::Pass };
        named.extend(names);
    }
    if terms.is_empty() {
        PreFilter::Pass
    } else if named.is_empty() {
        PreFilter::Refuse(Code::UnschedulableAndUnresolvable, Reason::AffinityConflict)
    } else {
        PreFilter::Narrow(named)
    }
}

/// The node names that a term allows, `None` if it allows any.
fn names_in(term: &NodeSelectorTerm) -> Option<Vec<Name>> {
    let mut fields = term.match_fields.iter().filter(|field| field.operator == Operator::In);
    let first = fields.next()?.values.clone();
    Some(fields.fold(first, |names, field| {
        names.into_iter().filter(|name| field.values.contains(name)).collect()
    }))
}

/// Refuses a node that does not match what the profile adds or what the pod requires.
pub(crate) fn filter(
    cycle: &Cycle<'_>,
    caches: &mut Caches,
    node: &NodeFacts<'_>,
    reasons: &mut Reasons,
) -> Option<Code> {
    if !added_matches(cycle.profile, node) {
        reasons.push(Reason::AddedNodeAffinity);
        return Some(Code::UnschedulableAndUnresolvable);
    }
    let matches = || required_matches(cycle.spec, node);
    let holds = if is_per_node(cycle.spec, cycle.catalog) {
        matches()
    } else {
        caches.affinity.get(cycle.spec_id, node.status.spec, matches)
    };
    if holds {
        return None;
    }
    reasons.push(Reason::NodeAffinity);
    Some(Code::UnschedulableAndUnresolvable)
}

/// True if pod or profile prefer some nodes; upstream asks only whether there are terms at all.
pub(crate) fn has_preferences(cycle: &Cycle<'_>) -> bool {
    !cycle.spec.node_affinity.preferred.is_empty()
        || !cycle.profile.arguments.added_affinity.preferred.is_empty()
}

/// The sum of the weights of the preferred terms that match.
pub(crate) fn score(cycle: &Cycle<'_>, caches: &mut Caches, node: &NodeFacts<'_>) -> i64 {
    let own = || preference(&cycle.spec.node_affinity, node);
    let own = if is_per_node(cycle.spec, cycle.catalog) {
        own()
    } else {
        caches.preference.get(cycle.spec_id, node.status.spec, own)
    };
    own + preference(&cycle.profile.arguments.added_affinity, node)
}

/// A node helps that matches and is new, or did not match before.
pub(crate) fn helps(event: &Event<'_>, profile: &Profile, spec: &PodSpec) -> bool {
    let (old, new) = match event {
        Event::NodeAdded(node) => (None, node),
        Event::NodeChanged { old, new, .. } => (Some(old), new),
        _ => return false,
    };
    added_matches(profile, new)
        && required_matches(spec, new)
        && !old.is_some_and(|old| required_matches(spec, old))
}

fn any_term(terms: &[NodeSelectorTerm], node: &NodeFacts<'_>) -> bool {
    terms.iter().any(|term| term.matches(node.name, |key| node.label(key), node.catalog))
}

fn added_matches(profile: &Profile, node: &NodeFacts<'_>) -> bool {
    let added = &profile.arguments.added_affinity.required;
    added.as_ref().is_none_or(|terms| any_term(terms, node))
}

/// True if node selector and required node affinity accept the node.
pub(super) fn required_matches(spec: &PodSpec, node: &NodeFacts<'_>) -> bool {
    spec.node_selector.iter().all(|(key, value)| node.label(key) == Some(value))
        && spec.node_affinity.required.as_ref().is_none_or(|terms| any_term(terms, node))
}

fn preference(affinity: &NodeAffinity, node: &NodeFacts<'_>) -> i64 {
    let label = |key| node.label(key);
    let terms = affinity.preferred.iter();
    terms
        .filter(|preferred| preferred.term.matches(node.name, label, node.catalog))
        .map(|preferred| i64::from(preferred.weight))
        .sum()
}

/// True if the name or the host name of a node matters to pod or profile, so that nodes of one
/// specification differ.
pub(crate) fn depends_on_name(cycle: &Cycle<'_>) -> bool {
    is_per_node(cycle.spec, cycle.catalog)
        || names_nodes(&cycle.profile.arguments.added_affinity, cycle.catalog)
}

/// The same for the pod alone.
fn is_per_node(spec: &PodSpec, catalog: &Catalog) -> bool {
    spec.node_selector.get(catalog.hostname_key).is_some()
        || names_nodes(&spec.node_affinity, catalog)
}

fn names_nodes(affinity: &NodeAffinity, catalog: &Catalog) -> bool {
    let preferred = affinity.preferred.iter().map(|preferred| &preferred.term);
    affinity.required.iter().flatten().chain(preferred).any(|term| {
        !term.match_fields.is_empty()
            || term.match_labels.iter().any(|label| label.key == catalog.hostname_key)
    })
}
