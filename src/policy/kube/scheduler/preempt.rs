//! DefaultPreemption: which pods have to go, and from which node, so that a more important one
//! fits (`plugins/defaultpreemption/default_preemption.go`, `framework/preemption/preemption.go`,
//! Kubernetes 1.34).

use super::caches::Caches;
use super::cycle;
use super::framework::{self, Cycle, Other, Reasons, Room, State};
use super::params::TieBreak;
use super::profile::Arguments;
use crate::ground::{Draws, Key, Purpose, Time};
use crate::model::{
    Budget, Candidate, Code, DryRun, LabelSelector, NodeBooks, NodeId, PodId, Preemption,
    PreemptionPolicy, Reason,
};
use std::cmp::Reverse;

const OFFSET: Purpose = Purpose::new("scheduler-preemption-offset");
const TIE: Purpose = Purpose::new("scheduler-preemption-tie");

/// How random choices are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chance {
    pub(crate) rule: TieBreak,
    pub(crate) draws: Draws,
    pub(crate) key: Key,
    pub(crate) attempt: u32,
}

impl Chance {
    /// A number below `count`, zero if nothing is left to chance.
    pub(crate) fn below(self, purpose: Purpose, count: usize) -> usize {
        match self.rule {
            TieBreak::First | TieBreak::Name => 0,
            TieBreak::Random if count <= 1 => 0,
            TieBreak::Random => {
                self.draws.stream(purpose, self.key, self.attempt).below(count as u64) as usize
            }
        }
    }
}

/// What preemption decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decided {
    /// Nothing is tried, and the pod keeps its nomination if it has one.
    Keep,
    /// No pods help by going: the pod gives its nomination up.
    Nothing,
    /// These pods go, and the pod has this node in prospect.
    MakeRoom { node: NodeId, victims: Vec<PodId> },
}

/// What the search over the nodes left.
#[derive(Debug)]
pub(crate) struct Failed<'a> {
    pub(crate) state: &'a State,
    /// Nodes that were refused in a way that removing pods may help, in search order.
    pub(crate) helpable: &'a [NodeId],
    /// How final the refusal of the node that the pod had in prospect was.
    pub(crate) nominated: Option<Code>,
}

/// Decides for a pod that fits nowhere. With `explain`, the reasons are told node by node.
pub(crate) fn preempt(
    cycle: &Cycle<'_>,
    failed: &Failed<'_>,
    caches: &mut Caches,
    chance: Chance,
    explain: bool,
) -> (Decided, Preemption) {
    if cycle.spec.preemption_policy == PreemptionPolicy::Never {
        return (Decided::Keep, Preemption::Never);
    }
    if failed.nominated != Some(Code::UnschedulableAndUnresolvable)
        && let Some(node) = cycle.nominations.node_of(cycle.uid)
        && cycle.view.node(node).present
        && cycle.pods(Room::of(cycle.view, node)).any(|other| {
            other.row.deleting && other.row.preempted && other.spec.priority < cycle.spec.priority
        })
    {
        return (Decided::Keep, Preemption::Terminating);
    }
    // Nothing on any node is less important: the same answer for each, without a look.
    let lowest = cycle.view.lowest_priority();
    if !explain && lowest.is_none_or(|lowest| lowest >= cycle.spec.priority) {
        return (Decided::Nothing, Preemption::NotTried);
    }
    let mut run = dry_run(cycle, failed, caches, chance);
    run.best = best(cycle, &run.candidates);
    let decided = match run.best.as_slice() {
        [] => Decided::Nothing,
        best => {
            let by_name = || cycle::first_by_name(cycle, best.iter().copied());
            let node = match chance.rule {
                TieBreak::Name => by_name().expect("there is a best one"),
                _ => best[chance.below(TIE, best.len())],
            };
            let chosen = run.candidates.iter().find(|candidate| candidate.node == node);
            let victims = chosen.expect("the best are candidates").victims.clone();
            Decided::MakeRoom { node, victims }
        }
    };
    (decided, Preemption::Tried(run))
}

/// Number of candidates that are enough among so many nodes.
fn wanted(arguments: &Arguments, nodes: usize) -> usize {
    let part = nodes * arguments.min_candidate_nodes_percentage as usize / 100;
    part.max(arguments.min_candidate_nodes_absolute as usize).min(nodes)
}

fn dry_run(cycle: &Cycle<'_>, failed: &Failed<'_>, caches: &mut Caches, chance: Chance) -> DryRun {
    let nodes = failed.helpable;
    let mut run = DryRun::default();
    if nodes.is_empty() {
        return run;
    }
    let offset = chance.below(OFFSET, nodes.len());
    let wanted = wanted(&cycle.profile.arguments, nodes.len());
    let (mut clean, mut violating) = (Vec::new(), Vec::new());
    for at in 0..nodes.len() {
        let node = nodes[(offset + at) % nodes.len()];
        match victims_on(cycle, failed.state, caches, node) {
            Ok(candidate) if candidate.violations == 0 => clean.push(candidate),
            Ok(candidate) => violating.push(candidate),
            Err(reasons) => run.failed.push((node, reasons)),
        }
        if !clean.is_empty() && clean.len() + violating.len() >= wanted {
            break;
        }
    }
    run.candidates = clean;
    run.candidates.append(&mut violating);
    run
}

/// A node while pods are taken from it and put back.
struct Trial<'c, 'a> {
    cycle: &'c Cycle<'a>,
    node: NodeId,
    books: NodeBooks,
    state: State,
}

impl Trial<'_, '_> {
    fn remove(&mut self, other: Other<'_>) {
        self.books.remove(other.pod, other.spec, other.row.devices);
        framework::count(self.cycle, &mut self.state, self.node, other.spec, -1);
    }

    fn put_back(&mut self, other: Other<'_>) {
        self.books.add(other.pod, other.spec, other.row.devices);
        framework::count(self.cycle, &mut self.state, self.node, other.spec, 1);
    }

    fn fits(&self, caches: &mut Caches, reasons: &mut Reasons) -> bool {
        let room = Room::with(self.node, &self.books);
        framework::run_filters(self.cycle, &self.state, caches, room, reasons).is_none()
    }
}

/// The fewest and least important pods without which the pod fits on a node, or why that does not
/// help.
fn victims_on(
    cycle: &Cycle<'_>,
    state: &State,
    caches: &mut Caches,
    node: NodeId,
) -> Result<Candidate, Vec<Reason>> {
    let room = Room::of(cycle.view, node);
    let mut lower: Vec<Other<'_>> =
        cycle.pods(room).filter(|other| other.spec.priority < cycle.spec.priority).collect();
    if lower.is_empty() {
        return Err(vec![Reason::NoVictims]);
    }
    let books = NodeBooks::of(room.usage, room.holds);
    let mut trial = Trial { cycle, node, books, state: state.clone() };
    lower.iter().for_each(|other| trial.remove(*other));
    let mut reasons = Reasons::new(true);
    if !trial.fits(caches, &mut reasons) {
        return Err(reasons.take());
    }
    lower.sort_by_key(importance);
    let (protected, free) = split_by_budgets(cycle, &lower);
    let violations_at_most = protected.len();
    let mut victims = Vec::new();
    let mut violations = 0;
    for (at, other) in protected.into_iter().chain(free).enumerate() {
        trial.put_back(other);
        if !trial.fits(caches, &mut Reasons::new(false)) {
            trial.remove(other);
            victims.push(other);
            violations += usize::from(at < violations_at_most);
        }
    }
    victims.sort_by_key(importance);
    let victims = victims.into_iter().map(|other| other.pod).collect();
    Ok(Candidate { node, victims, violations })
}

/// Orders pods from the most to the least important: by priority, then by how long they run. A
/// pod that has not started counts as just started. Upstream leaves ties open; here the pod that
/// was created first is more important.
fn importance(other: &Other<'_>) -> impl Ord + use<> {
    (Reverse(other.spec.priority), started(other), other.row.uid)
}

fn started(other: &Other<'_>) -> Time {
    other.row.started.unwrap_or(Time::MAX)
}

/// Splits pods, in order of importance, into those whose going would overdraw a disruption budget
/// and the others.
fn split_by_budgets<'a>(cycle: &Cycle<'_>, pods: &[Other<'a>]) -> (Vec<Other<'a>>, Vec<Other<'a>>) {
    let catalog = cycle.catalog;
    let protects = |budget: &Budget, other: &Other<'_>| {
        let selector =
            budget.selector.as_ref().filter(|selector| !LabelSelector::is_empty(selector));
        let name = other.row.name;
        budget.namespace == other.spec.namespace
            && other.spec.labels.iter().len() > 0
            && selector.is_some_and(|selector| selector.matches(&other.spec.labels, catalog))
            && !budget
                .disrupted
                .iter()
                .any(|(gone, _)| catalog.names.text(*gone) == name.text(&catalog.names))
    };
    let mut budgets: Vec<(&Budget, i64)> = cycle
        .view
        .objects()
        .budgets(catalog)
        .map(|budget| (budget, i64::from(budget.count.allowed)))
        .collect();
    let overdraws = |other: &Other<'a>| {
        let mut overdrawn = false;
        for (budget, left) in &mut budgets {
            if protects(budget, other) {
                *left -= 1;
                overdrawn |= *left < 0;
            }
        }
        overdrawn
    };
    pods.iter().copied().partition(overdraws)
}

/// The nodes of the candidates that no rule prefers another to.
fn best(cycle: &Cycle<'_>, candidates: &[Candidate]) -> Vec<NodeId> {
    let rank = |candidate: &Candidate| {
        let victims = || candidate.victims.iter().map(|pod| cycle.other(*pod));
        let highest = victims().map(|other| other.spec.priority).max().unwrap_or(i32::MIN);
        // Every victim counts, however low its priority.
        let sum: i64 = victims().map(|other| i64::from(other.spec.priority) + (1 << 31)).sum();
        let earliest = victims()
            .filter(|other| other.spec.priority == highest)
            .map(|other| started(&other))
            .min();
        (candidate.violations, highest, sum, candidate.victims.len(), Reverse(earliest))
    };
    let ranks: Vec<_> = candidates.iter().map(rank).collect();
    let Some(least) = ranks.iter().min() else { return Vec::new() };
    let best = candidates.iter().zip(&ranks).filter(|(_, rank)| *rank == least);
    best.map(|(candidate, _)| candidate.node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Names;
    use crate::policy::kube::scheduler::profile::Profile;

    #[test]
    fn numbers_of_the_specification() {
        let profile = Profile::default_for("default-scheduler", &mut Names::new());
        for (nodes, expected) in [(50, 50), (500, 100), (1500, 150), (5000, 500)] {
            assert_eq!(wanted(&profile.arguments, nodes), expected, "{nodes}");
        }
    }
}
