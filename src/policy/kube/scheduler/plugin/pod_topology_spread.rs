//! PodTopologySpread: pods spread evenly over domains of nodes
//! (`plugins/podtopologyspread/{common,filtering,scoring}.go`, Kubernetes 1.34).

use super::node_affinity;
use super::normalize::MAX_SCORE;
use super::taint_toleration;
use crate::ground::{Name, math};
use crate::model::{
    Catalog, Code, Inclusion, LabelSelector, Labels, NodeId, PodSpec, PodSpecId, Reason,
    SpreadConstraint, WhenUnsatisfiable,
};
use crate::policy::kube::scheduler::event::Event;
use crate::policy::kube::scheduler::framework::{
    Cycle, NodeFacts, PreFilter, Reasons, Room, Waiting,
};
use crate::policy::kube::scheduler::profile::SpreadDefaults;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// The constraints of one kind that apply to the pod: its own, or the default ones if it has none
/// of any kind and belongs to something.
pub(crate) fn constraints(waiting: &Waiting<'_>, kind: WhenUnsatisfiable) -> Vec<SpreadConstraint> {
    let of_kind = |list: &[SpreadConstraint]| {
        list.iter().filter(|one| one.when_unsatisfiable == kind).cloned().collect::<Vec<_>>()
    };
    if !waiting.spec.spread.is_empty() {
        return of_kind(&waiting.spec.spread);
    }
    let SpreadDefaults { constraints, .. } = &waiting.profile.arguments.spread_defaults;
    if constraints.iter().all(|one| one.when_unsatisfiable != kind) {
        return Vec::new();
    }
    let selector = default_selector(waiting);
    if selector.is_empty() {
        return Vec::new();
    }
    let mut applied = of_kind(constraints);
    applied.iter_mut().for_each(|constraint| constraint.selector = Some(selector.clone()));
    applied
}

/// Which pods belong together with the pod: those of its services and its controller.
fn default_selector(waiting: &Waiting<'_>) -> LabelSelector {
    let Waiting { spec, catalog, view, .. } = *waiting;
    let objects = view.objects();
    let mut selector = LabelSelector::default();
    if objects.is_empty() {
        return selector;
    }
    let mut served = Labels::new();
    for labels in objects.service_selectors(spec.namespace, catalog) {
        if labels.iter().all(|(key, value)| spec.labels.get(key) == Some(value)) {
            labels.iter().for_each(|(key, value)| served.set(key, value));
        }
    }
    served.iter().for_each(|(key, value)| selector.require(key, value));
    if let Some(owner) = spec.owner
        && let Some(owned) = objects.owner_selector(spec.namespace, owner, catalog)
    {
        selector.0.extend(owned.0.iter().cloned());
    }
    selector
}

fn has_all_keys(constraints: &[SpreadConstraint], node: &NodeFacts<'_>) -> bool {
    constraints.iter().all(|constraint| node.label(constraint.topology_key).is_some())
}

/// True if the pods of a node count for a constraint.
pub(crate) fn includes(
    constraint: &SpreadConstraint,
    spec: &PodSpec,
    node: &NodeFacts<'_>,
) -> bool {
    (constraint.node_affinity == Inclusion::Ignore || node_affinity::required_matches(spec, node))
        && (constraint.node_taints == Inclusion::Ignore
            || taint_toleration::untolerated(spec, node.status.taints, node.catalog).is_none())
}

pub(crate) fn selects(constraint: &SpreadConstraint, spec: &PodSpec, catalog: &Catalog) -> bool {
    let selector = constraint.selector.as_ref();
    selector.is_some_and(|selector| selector.matches(&spec.labels, catalog))
}

/// Counts pods of nodes by constraint; what a specification answers is kept.
struct Counter<'a> {
    cycle: Cycle<'a>,
    known: Vec<FxHashMap<PodSpecId, bool>>,
}

impl<'a> Counter<'a> {
    fn new(cycle: &Cycle<'a>, constraints: usize) -> Counter<'a> {
        Counter { cycle: *cycle, known: vec![FxHashMap::default(); constraints] }
    }

    /// Pods of a node that a constraint counts. A selector without conditions counts none.
    fn count(&mut self, at: usize, constraint: &SpreadConstraint, node: NodeId) -> i64 {
        if constraint.selector.as_ref().is_none_or(LabelSelector::is_empty) {
            return 0;
        }
        let Counter { cycle, known } = self;
        let pods = cycle.pods(Room::of(cycle.view, node));
        let counted = pods.filter(|other| {
            !other.row.deleting
                && *known[at].entry(other.row.spec).or_insert_with(|| {
                    other.spec.namespace == cycle.spec.namespace
                        && selects(constraint, other.spec, cycle.catalog)
                })
        });
        counted.count() as i64
    }
}

/// The hard constraints of the pod and the pods in each domain.
#[derive(Debug, Clone, Default)]
pub(crate) struct SpreadCounts(Vec<Counted>);

#[derive(Debug, Clone)]
struct Counted {
    constraint: SpreadConstraint,
    domains: BTreeMap<Name, i64>,
}

impl SpreadCounts {
    /// Counts a pod on a node in or out. Unlike the first count, upstream does not look at whether
    /// it is on its way out.
    pub(crate) fn count(&mut self, cycle: &Cycle<'_>, node: NodeId, other: &PodSpec, change: i64) {
        let node = cycle.facts(node);
        let has_keys =
            self.0.iter().all(|counted| node.label(counted.constraint.topology_key).is_some());
        if other.namespace != cycle.spec.namespace || !has_keys {
            return;
        }
        for Counted { constraint, domains } in &mut self.0 {
            if selects(constraint, other, cycle.catalog)
                && includes(constraint, cycle.spec, &node)
                && let Some(domain) = node.label(constraint.topology_key)
            {
                *domains.entry(domain).or_default() += change;
            }
        }
    }
}

/// Counts the pods in each domain; skips a pod without hard constraints.
pub(crate) fn pre_filter(cycle: &Cycle<'_>, state: &mut SpreadCounts) -> PreFilter {
    let constraints = constraints(&cycle.waiting(), WhenUnsatisfiable::DoNotSchedule);
    if constraints.is_empty() {
        return PreFilter::Skip;
    }
    let mut counter = Counter::new(cycle, constraints.len());
    let mut domains = vec![BTreeMap::new(); constraints.len()];
    for node in cycle.all_nodes() {
        let facts = cycle.facts(node);
        if !has_all_keys(&constraints, &facts) {
            continue;
        }
        for (at, constraint) in constraints.iter().enumerate() {
            if includes(constraint, cycle.spec, &facts)
                && let Some(domain) = facts.label(constraint.topology_key)
            {
                *domains[at].entry(domain).or_default() += counter.count(at, constraint, node);
            }
        }
    }
    let counted = constraints.into_iter().zip(domains);
    let counted = counted.map(|(constraint, domains)| Counted { constraint, domains });
    *state = SpreadCounts(counted.collect());
    PreFilter::Pass
}

/// Refuses a node whose domain would have too many pods, and for good one without a domain.
pub(crate) fn filter(
    cycle: &Cycle<'_>,
    state: &SpreadCounts,
    node: &NodeFacts<'_>,
    reasons: &mut Reasons,
) -> Option<Code> {
    for Counted { constraint, domains } in &state.0 {
        let Some(domain) = node.label(constraint.topology_key) else {
            reasons.push(Reason::SpreadLabelMissing);
            return Some(Code::UnschedulableAndUnresolvable);
        };
        let fewest = match domains.values().min() {
            Some(fewest) if domains.len() >= constraint.min_domains as usize => *fewest,
            _ => 0,
        };
        let own = i64::from(selects(constraint, cycle.spec, cycle.catalog));
        let here = domains.get(&domain).copied().unwrap_or(0);
        if here + own - fewest > i64::from(constraint.max_skew) {
            reasons.push(Reason::SpreadSkew);
            return Some(Code::Unschedulable);
        }
    }
    None
}

/// The soft constraints of the pod, the pods in each domain, and how much each constraint weighs.
#[derive(Debug, Clone, Default)]
pub(crate) struct SoftSpread {
    constraints: Vec<Soft>,
    /// Feasible nodes that lack a key.
    ignored: FxHashSet<NodeId>,
}

#[derive(Debug, Clone)]
struct Soft {
    constraint: SpreadConstraint,
    /// By node, if each host is a domain.
    hosts: Option<FxHashMap<NodeId, i64>>,
    /// By domain otherwise; that of nodes without the key is the empty text.
    domains: BTreeMap<Name, i64>,
    weight: f64,
}

/// Counts the pods in each domain of the feasible nodes.
pub(crate) fn pre_score(cycle: &Cycle<'_>, feasible: &[NodeId]) -> SoftSpread {
    let constraints = constraints(&cycle.waiting(), WhenUnsatisfiable::ScheduleAnyway);
    if constraints.is_empty() {
        return SoftSpread::default();
    }
    let defaults = &cycle.profile.arguments.spread_defaults;
    let all_keys = !cycle.spec.spread.is_empty() || !defaults.system;
    let lacks = |node: &NodeFacts<'_>| all_keys && !has_all_keys(&constraints, node);
    let ignored: FxHashSet<NodeId> =
        feasible.iter().copied().filter(|node| lacks(&cycle.facts(*node))).collect();
    let domain = |constraint: &SpreadConstraint, node: &NodeFacts<'_>| {
        node.label(constraint.topology_key).unwrap_or(Catalog::NO_TEXT)
    };
    let mut domains: Vec<BTreeMap<Name, i64>> = vec![BTreeMap::new(); constraints.len()];
    let is_host =
        |constraint: &SpreadConstraint| constraint.topology_key == cycle.catalog.hostname_key;
    for node in feasible.iter().map(|node| cycle.facts(*node)).filter(|node| !lacks(node)) {
        for (at, constraint) in constraints.iter().enumerate().filter(|(_, c)| !is_host(c)) {
            domains[at].insert(domain(constraint, &node), 0);
        }
    }
    let mut counter = Counter::new(cycle, constraints.len());
    for node in cycle.all_nodes() {
        let facts = cycle.facts(node);
        if lacks(&facts) {
            continue;
        }
        for (at, constraint) in constraints.iter().enumerate() {
            if let Some(count) = domains[at].get_mut(&domain(constraint, &facts))
                && includes(constraint, cycle.spec, &facts)
            {
                *count += counter.count(at, constraint, node);
            }
        }
    }
    let candidates = feasible.len() - ignored.len();
    let constraints = constraints.into_iter().zip(domains).map(|(constraint, domains)| {
        let hosts = is_host(&constraint).then(|| {
            let mut counter = Counter::new(cycle, 1);
            feasible.iter().map(|node| (*node, counter.count(0, &constraint, *node))).collect()
        });
        let size = if hosts.is_some() { candidates } else { domains.len() };
        Soft { constraint, hosts, domains, weight: math::ln((size + 2) as f64) }
    });
    let constraints = constraints.collect();
    SoftSpread { constraints, ignored }
}

impl SoftSpread {
    /// True without soft constraints.
    pub(crate) fn is_empty(&self) -> bool {
        self.constraints.is_empty()
    }

    /// The weighted number of pods in the domains of a node.
    pub(crate) fn score(&self, cycle: &Cycle<'_>, node: NodeId) -> i64 {
        if self.ignored.contains(&node) {
            return 0;
        }
        let facts = cycle.facts(node);
        let mut sum = 0.0;
        for soft in &self.constraints {
            let Some(domain) = facts.label(soft.constraint.topology_key) else { continue };
            let count = match &soft.hosts {
                Some(hosts) => hosts.get(&node),
                None => soft.domains.get(&domain),
            };
            let count = count.copied().unwrap_or(0);
            sum += weighted(count, soft.constraint.max_skew, soft.weight);
        }
        sum.round() as i64
    }

    /// Turns many pods into a low score and few into a high one.
    pub(crate) fn normalize(&self, feasible: &[NodeId], scores: &mut [i64]) {
        let ignored: Vec<bool> = feasible.iter().map(|node| self.ignored.contains(node)).collect();
        turn(&ignored, scores);
    }
}

pub(crate) fn weighted(count: i64, max_skew: u32, weight: f64) -> f64 {
    count as f64 * weight + f64::from(max_skew - 1)
}

fn turn(ignored: &[bool], scores: &mut [i64]) {
    let counted = scores.iter().zip(ignored).filter(|(_, ignored)| !**ignored);
    let counted = counted.map(|(score, _)| *score);
    let (min, max) = (counted.clone().min().unwrap_or(0), counted.max().unwrap_or(0).max(0));
    for (score, ignored) in scores.iter_mut().zip(ignored) {
        *score = if *ignored { 0 } else { turned(*score, (min, max)) };
    }
}

/// The score of a node that is not ignored, among those from the lowest to the highest score.
pub(crate) fn turned(score: i64, (min, max): (i64, i64)) -> i64 {
    match max {
        0 => MAX_SCORE,
        max => MAX_SCORE * (max + min - score) / max,
    }
}

/// A pod helps that comes, goes or changes and that a constraint counts, and a node that has all
/// the keys and is new, goes, or has changed a key or its taints.
pub(crate) fn helps(event: &Event<'_>, waiting: &Waiting<'_>) -> bool {
    let hard = constraints(waiting, WhenUnsatisfiable::DoNotSchedule);
    match event {
        Event::PodAssigned(other) | Event::PodGone(other) => {
            other.namespace == waiting.spec.namespace
                && hard.iter().any(|one| selects(one, other, waiting.catalog))
        }
        Event::NodeAdded(node) | Event::NodeGone(node) => has_all_keys(&hard, node),
        Event::NodeChanged { old, new, .. } => {
            let moved =
                |one: &SpreadConstraint| old.label(one.topology_key) != new.label(one.topology_key);
            let (before, after) = (has_all_keys(&hard, old), has_all_keys(&hard, new));
            before != after
                || (after && (hard.iter().any(moved) || old.status.taints != new.status.taints))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(counts: &[&[(i64, u32, usize)]]) -> Vec<i64> {
        let raw = counts.iter().map(|constraints| {
            let terms = constraints.iter();
            let sum: f64 = terms
                .map(|(count, skew, size)| weighted(*count, *skew, math::ln((size + 2) as f64)))
                .sum();
            sum.round() as i64
        });
        let mut raw: Vec<i64> = raw.collect();
        turn(&vec![false; counts.len()], &mut raw);
        raw
    }

    #[test]
    fn numbers_of_the_specification() {
        for (counts, skew, expected) in [
            ([2, 1, 0, 3], 1, [20, 60, 100, 0]),
            ([2, 1, 0, 3], 2, [33, 66, 100, 16]),
            ([4, 3, 2, 1], 3, [44, 66, 77, 100]),
        ] {
            let nodes = counts.map(|count| [(count, skew, 4)]);
            let nodes: Vec<&[_]> = nodes.iter().map(|node| &node[..]).collect();
            assert_eq!(scores(&nodes), expected, "{counts:?} {skew}");
        }
        let zones = [[(6, 1, 2)], [(6, 1, 2)], [(4, 1, 2)]];
        let zones: Vec<&[_]> = zones.iter().map(|node| &node[..]).collect();
        assert_eq!(scores(&zones), [75, 75, 100]);
    }
}
