//! InterPodAffinity: near some pods, far from others, and the wishes of those that are there
//! (`plugins/interpodaffinity/{filtering,scoring}.go`, Kubernetes 1.34).

use super::normalize::MAX_SCORE;
use crate::ground::Name;
use crate::model::{AffinityTerm, Code, Labels, NodeId, PodSpec, PodSpecId, Reason, WeightedTerm};
use crate::policy::kube::scheduler::event::Event;
use crate::policy::kube::scheduler::framework::{
    Cycle, NodeFacts, PreFilter, Reasons, Room, Waiting,
};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Pods by topology key and value; no entry is zero.
type Pairs = BTreeMap<(Name, Name), i64>;

/// How many pods there are, near which, that matter to the pod.
#[derive(Debug, Clone, Default)]
pub(crate) struct AffinityCounts {
    /// Pods that match all terms of the required affinity.
    near: Pairs,
    /// Pods that match a term of the required anti-affinity.
    far: Pairs,
    /// Terms of the required anti-affinity of other pods that match the pod.
    unwelcome: Pairs,
}

fn add(pairs: &mut Pairs, node: &NodeFacts<'_>, key: Name, change: i64) {
    let Some(value) = node.label(key) else { return };
    let count = pairs.entry((key, value)).or_default();
    *count += change;
    if *count == 0 {
        pairs.remove(&(key, value));
    }
}

/// True if a term of the pod means a pod of this specification.
fn means(cycle: &Cycle<'_>, term: &AffinityTerm, other: &PodSpec) -> bool {
    let namespace = cycle.view.objects().namespace(other.namespace, cycle.catalog);
    term.matches((other.namespace, &other.labels), namespace, cycle.catalog)
}

pub(crate) fn means_all(cycle: &Cycle<'_>, terms: &[AffinityTerm], other: &PodSpec) -> bool {
    !terms.is_empty() && terms.iter().all(|term| means(cycle, term, other))
}

/// True if a term of another pod means the pod. A namespace without an object has no labels.
pub(crate) fn is_meant(cycle: &Cycle<'_>, term: &AffinityTerm) -> bool {
    let none = Labels::new();
    let (spec, catalog) = (cycle.spec, cycle.catalog);
    let namespace = cycle.view.objects().namespace(spec.namespace, catalog).unwrap_or(&none);
    term.matches((spec.namespace, &spec.labels), Some(namespace), catalog)
}

impl AffinityCounts {
    fn is_empty(&self) -> bool {
        self.near.is_empty() && self.far.is_empty() && self.unwelcome.is_empty()
    }

    /// Counts a pod on a node in or out.
    pub(crate) fn count(&mut self, cycle: &Cycle<'_>, node: NodeId, other: &PodSpec, change: i64) {
        let node = cycle.facts(node);
        let unwelcoming = other.pod_affinity.far.required.iter();
        for term in unwelcoming.filter(|term| is_meant(cycle, term)) {
            add(&mut self.unwelcome, &node, term.topology_key, change);
        }
        self.count_wanted(cycle, &node, wanted(cycle, other), change);
    }

    fn count_wanted(
        &mut self,
        cycle: &Cycle<'_>,
        node: &NodeFacts<'_>,
        (near, far): (bool, u64),
        change: i64,
    ) {
        let affinity = &cycle.spec.pod_affinity;
        if near {
            for term in &affinity.near.required {
                add(&mut self.near, node, term.topology_key, change);
            }
        }
        for (at, term) in affinity.far.required.iter().enumerate() {
            if far & (1 << at.min(63)) != 0 {
                add(&mut self.far, node, term.topology_key, change);
            }
        }
    }
}

/// Whether all terms of the required affinity mean a pod, and which of the anti-affinity do, as
/// bits.
fn wanted(cycle: &Cycle<'_>, other: &PodSpec) -> (bool, u64) {
    let affinity = &cycle.spec.pod_affinity;
    let terms = affinity.far.required.iter().enumerate();
    let far = terms
        .filter(|(_, term)| means(cycle, term, other))
        .fold(0, |bits, (at, _)| bits | 1 << at.min(63));
    (means_all(cycle, &affinity.near.required, other), far)
}

/// Counts the pods that matter; skips a pod without required terms whom nobody keeps away.
pub(crate) fn pre_filter(cycle: &Cycle<'_>, state: &mut AffinityCounts) -> PreFilter {
    let mut counts = AffinityCounts::default();
    for (node, pod) in cycle.view.affine_pods() {
        let terms = &cycle.other(pod).spec.pod_affinity.far.required;
        for term in terms.iter().filter(|term| is_meant(cycle, term)) {
            add(&mut counts.unwelcome, &cycle.facts(node), term.topology_key, 1);
        }
    }
    let affinity = &cycle.spec.pod_affinity;
    let required = !affinity.near.required.is_empty() || !affinity.far.required.is_empty();
    if !required && counts.is_empty() {
        return PreFilter::Skip;
    }
    if required {
        let mut known: FxHashMap<PodSpecId, (bool, u64)> = FxHashMap::default();
        for node in cycle.all_nodes() {
            let facts = cycle.facts(node);
            for other in cycle.pods(Room::of(cycle.view, node)) {
                let found =
                    *known.entry(other.row.spec).or_insert_with(|| wanted(cycle, other.spec));
                if found != (false, 0) {
                    counts.count_wanted(cycle, &facts, found, 1);
                }
            }
        }
    }
    *state = counts;
    PreFilter::Pass
}

/// Refuses a node without the pods needed near it, for good, and one near pods to keep away from.
pub(crate) fn filter(
    cycle: &Cycle<'_>,
    state: &AffinityCounts,
    node: &NodeFacts<'_>,
    reasons: &mut Reasons,
) -> Option<Code> {
    let affinity = &cycle.spec.pod_affinity;
    let count = |pairs: &Pairs, key| {
        node.label(key).map_or(0, |value| pairs.get(&(key, value)).copied().unwrap_or(0))
    };
    if !has_company(cycle, state, node) {
        reasons.push(Reason::PodAffinity);
        return Some(Code::UnschedulableAndUnresolvable);
    }
    let keys = affinity.far.required.iter().map(|term| term.topology_key);
    if !state.far.is_empty() && keys.into_iter().any(|key| count(&state.far, key) > 0) {
        reasons.push(Reason::PodAntiAffinity);
        return Some(Code::Unschedulable);
    }
    let unwelcome = |((key, value), count): (&(Name, Name), &i64)| {
        *count > 0 && node.label(*key) == Some(*value)
    };
    if state.unwelcome.iter().any(unwelcome) {
        reasons.push(Reason::ExistingAntiAffinity);
        return Some(Code::Unschedulable);
    }
    None
}

/// True if the pods that the pod needs near are there, or it is the first of them.
fn has_company(cycle: &Cycle<'_>, state: &AffinityCounts, node: &NodeFacts<'_>) -> bool {
    let terms = &cycle.spec.pod_affinity.near.required;
    let mut all_there = true;
    for term in terms {
        let Some(value) = node.label(term.topology_key) else { return false };
        let count = state.near.get(&(term.topology_key, value)).copied().unwrap_or(0);
        all_there &= count > 0;
    }
    all_there || (state.near.is_empty() && means_all(cycle, terms, cycle.spec))
}

/// What draws the pod to nodes and away from them, by topology key and value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attraction {
    by_key: BTreeMap<Name, BTreeMap<Name, i64>>,
}

impl Attraction {
    /// True if nothing of what is there matters.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// The sum over the labels of a node.
    pub(crate) fn score(&self, node: &NodeFacts<'_>) -> i64 {
        let pulls = self.by_key.iter().filter_map(|(key, values)| values.get(&node.label(*key)?));
        pulls.sum()
    }

    fn add(&mut self, node: &NodeFacts<'_>, key: Name, weight: i64) {
        if let Some(value) = node.label(key) {
            *self.by_key.entry(key).or_default().entry(value).or_default() += weight;
        }
    }
}

/// Weighs the pods that are there. Without preferred terms of its own, only those with affinity
/// matter to the pod.
pub(crate) fn pre_score(cycle: &Cycle<'_>) -> Attraction {
    let mut attraction = Attraction::default();
    let affinity = &cycle.spec.pod_affinity;
    let has_preferences = !affinity.near.preferred.is_empty() || !affinity.far.preferred.is_empty();
    let arguments = &cycle.profile.arguments;
    if arguments.ignore_preferred_terms_of_existing_pods && !has_preferences {
        return attraction;
    }
    let mut known: FxHashMap<PodSpecId, Vec<(Name, i64)>> = FxHashMap::default();
    let mut weigh = |node: NodeId, pod| {
        let other = cycle.other(pod);
        let pulls = known.entry(other.row.spec).or_insert_with(|| pulls(cycle, other.spec));
        if !pulls.is_empty() {
            let facts = cycle.facts(node);
            pulls.iter().for_each(|(key, weight)| attraction.add(&facts, *key, *weight));
        }
    };
    if has_preferences {
        for node in cycle.all_nodes() {
            cycle.view.holds(node).pods.iter().for_each(|pod| weigh(node, *pod));
        }
    } else {
        cycle.view.affine_pods().for_each(|(node, pod)| weigh(node, pod));
    }
    attraction
}

/// The keys under which another pod draws the pod, with weights.
fn pulls(cycle: &Cycle<'_>, other: &PodSpec) -> Vec<(Name, i64)> {
    let (own, theirs) = (&cycle.spec.pod_affinity, &other.pod_affinity);
    let mut pulls = Vec::new();
    let signed = |terms: &[WeightedTerm], sign: i64, pulls: &mut Vec<(Name, i64)>, own: bool| {
        for WeightedTerm { weight, term } in terms {
            if if own { means(cycle, term, other) } else { is_meant(cycle, term) } {
                pulls.push((term.topology_key, sign * i64::from(*weight)));
            }
        }
    };
    signed(&own.near.preferred, 1, &mut pulls, true);
    signed(&own.far.preferred, -1, &mut pulls, true);
    let hard = cycle.profile.arguments.hard_pod_affinity_weight;
    if hard > 0 {
        let required = theirs.near.required.iter().filter(|term| is_meant(cycle, term));
        pulls.extend(required.map(|term| (term.topology_key, hard)));
    }
    signed(&theirs.near.preferred, 1, &mut pulls, false);
    signed(&theirs.far.preferred, -1, &mut pulls, false);
    pulls
}

/// Stretches scores over 0 to 100; all 0 if they are equal.
pub(crate) fn normalize(scores: &mut [i64]) {
    let min = scores.iter().copied().min().unwrap_or(0);
    let range = scores.iter().copied().max().unwrap_or(0) - min;
    for score in scores {
        *score = stretched(*score, (min, range));
    }
}

/// The score of a node among those from `min` to `range` above it.
pub(crate) fn stretched(score: i64, (min, range): (i64, i64)) -> i64 {
    match range {
        0 => 0,
        _ => (MAX_SCORE as f64 * ((score - min) as f64 / range as f64)) as i64,
    }
}

/// A pod helps that comes or changes its labels and is needed near, or that goes or changes its
/// labels and was to be kept away from; so does a node that is new or has another value of a key.
pub(crate) fn helps(event: &Event<'_>, waiting: &Waiting<'_>) -> bool {
    let affinity = &waiting.spec.pod_affinity;
    let means = |term: &AffinityTerm, other: &PodSpec| {
        let labels = waiting.view.objects().namespace(other.namespace, waiting.catalog);
        term.matches((other.namespace, &other.labels), labels, waiting.catalog)
    };
    match event {
        Event::PodAssigned(new) => {
            let near = &affinity.near.required;
            !near.is_empty() && near.iter().all(|term| means(term, new))
        }
        Event::PodGone(gone) => {
            let far = &affinity.far.required;
            !far.is_empty() && far.iter().all(|term| means(term, gone))
        }
        Event::NodeAdded(node) => {
            let near = &affinity.near.required;
            near.iter().any(|term| node.label(term.topology_key).is_some())
                || !affinity.far.required.is_empty()
        }
        Event::NodeChanged { old, new, .. } => {
            let changed = |term: &AffinityTerm| {
                let (old, new) = (old.label(term.topology_key), new.label(term.topology_key));
                new.is_some() && old != new
            };
            let moved =
                |term: &AffinityTerm| old.label(term.topology_key) != new.label(term.topology_key);
            affinity.near.required.iter().any(changed) || affinity.far.required.iter().any(moved)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn numbers_of_the_specification() {
        for (raw, expected) in [
            (vec![12, 0, -5], vec![100, 29, 0]),
            (vec![8, 8, 8], vec![0, 0, 0]),
            (vec![-2, -7], vec![100, 0]),
            (vec![5, 0, 1], vec![100, 0, 20]),
            (vec![3, 0, 1], vec![100, 0, 33]),
            (vec![], vec![]),
        ] {
            let mut scores = raw.clone();
            normalize(&mut scores);
            assert_eq!(scores, expected, "{raw:?}");
        }
    }
}
