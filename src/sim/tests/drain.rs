//! Drains under budgets through the simulator: from the first eviction to the last pod.

use super::{Bench, times};
use crate::engine::Limits;
use crate::ground::{Span, Time};
use crate::journal::{DrainEnd, Fact, Journal, Record};
use crate::model::{
    Budget, BudgetCount, DisruptionLimit, DrainOptions, EvictionAnswer, IntOrPercent,
    LabelSelector, Labels, NodeId, Object, OperatorAction, PodName, StatefulSetGoal, Stimulus,
    UnhealthyPodEviction, WorkloadId,
};
use crate::sim::{Keeper, Run};

const AT: Time = Time::from_secs(100);
const NODE: NodeId = NodeId(0);

fn drain(timeout: Option<Span>) -> Stimulus {
    Stimulus::Drain { node: NODE.0, options: DrainOptions { force: false, timeout } }
}

/// A service under so many equal budgets, and what happens until `until`.
fn under_budgets(bench: &Bench, limit: DisruptionLimit, budgets: u32, until: u64) -> Vec<Record> {
    kept_under_budgets(bench, |keeper| keeper, (limit, budgets), until)
}

/// The same with another keeper.
fn kept_under_budgets(
    bench: &Bench,
    keep: fn(Keeper) -> Keeper,
    (limit, budgets): (DisruptionLimit, u32),
    until: u64,
) -> Vec<Record> {
    let mut setup = bench.setup();
    let names = &mut setup.catalog.names;
    let (key, value) = (names.intern("app"), names.intern("web"));
    let (_, keeper) = setup.services[0];
    let mut pod = setup.catalog.pod_spec(keeper.template()).clone();
    pod.labels.set(key, value);
    let mut labels = Labels::new();
    labels.set(key, value);
    let (template, _) = setup.catalog.intern_pod_spec(&pod);
    setup.services[0].1 = keep(keeper.of(template));
    for number in 0..budgets {
        let budget = Budget {
            namespace: pod.namespace,
            name: setup.catalog.names.intern(&format!("budget-{number}")),
            selector: Some(LabelSelector::of(&labels)),
            limit,
            unhealthy: UnhealthyPodEviction::default(),
            observed: false,
            count: BudgetCount::default(),
            disrupted: Vec::new(),
        };
        setup.objects.push(setup.catalog.intern_object(&Object::Budget(budget)));
    }
    let mut run = Run::new(setup, bench.script.clone(), Journal::keeping()).checking();
    run.run(&Limits::until(Time::from_secs(until)));
    run.sink().records().to_vec()
}

fn most(number: u32) -> DisruptionLimit {
    DisruptionLimit::MaxUnavailable(IntOrPercent::Int(number))
}

fn answers(facts: &[Record], wanted: EvictionAnswer) -> Vec<Time> {
    times(facts, |fact| matches!(fact, Fact::EvictionAnswered { answer, .. } if *answer == wanted))
}

fn ends(facts: &[Record]) -> Vec<(Time, DrainEnd)> {
    let end = |record: &Record| match record.fact {
        Fact::DrainEnded { end, .. } => Some((record.at, end)),
        _ => None,
    };
    facts.iter().filter_map(end).collect()
}

/// Fewest ready pods, not counting those asked to stop, from the drain on.
fn least_ready(facts: &[Record]) -> i32 {
    let (mut ready, mut least) = (std::collections::BTreeSet::new(), i32::MAX);
    for record in facts {
        match record.fact {
            Fact::Ready { pod } => drop(ready.insert(pod)),
            Fact::Unready { pod } | Fact::Deleting { pod, .. } => drop(ready.remove(&pod)),
            _ => continue,
        }
        if record.at >= AT {
            least = least.min(ready.len() as i32);
        }
    }
    least
}

/// As the recorded drain of one of four nodes with 12 replicas and `maxUnavailable: 1`: the retry
/// after 5 s dominates, and 11 pods are ready at any time.
#[test]
fn a_budget_of_one_lets_pods_go_one_by_one() {
    let bench = Bench::new(4, 12).at(AT, drain(None));
    let facts = under_budgets(&bench, most(1), 1, 400);
    let charged = answers(&facts, EvictionAnswer::Charged);
    assert_eq!(charged.len(), 3);
    assert!(answers(&facts, EvictionAnswer::Refused).len() >= 3);
    for pair in charged.windows(2) {
        let apart = pair[1].since(pair[0]);
        assert!(apart >= Span::from_secs(5) && apart < Span::from_secs(6), "{apart}");
    }
    assert_eq!(least_ready(&facts), 11);
    assert_eq!(ends(&facts).iter().map(|(_, end)| *end).collect::<Vec<_>>(), [DrainEnd::Drained]);
    let back = facts.iter().any(|record| {
        record.at > AT && matches!(record.fact, Fact::Bound { node, .. } if node == NODE)
    });
    assert!(!back, "no pod comes to a cordoned node");
}

/// Check 4 of section 7.6: two evictions at the same time, of which one is allowed.
#[test]
fn the_second_of_two_evictions_at_a_time_is_refused() {
    let bench = Bench::new(2, 4).at(AT, drain(None));
    let facts = under_budgets(&bench, most(1), 1, 101);
    let charged = answers(&facts, EvictionAnswer::Charged);
    let refused = answers(&facts, EvictionAnswer::Refused);
    assert_eq!((charged.len(), refused.len()), (1, 1));
    assert_eq!(charged, refused);
}

#[test]
fn a_budget_of_none_blocks_until_the_timeout() {
    let bench = Bench::new(4, 12).at(AT, drain(Some(Span::from_secs(60))));
    let facts = under_budgets(&bench, most(0), 1, 400);
    assert_eq!(answers(&facts, EvictionAnswer::Charged), []);
    assert_eq!(ends(&facts), [(AT + Span::from_secs(60), DrainEnd::TimedOut)]);
    assert_eq!(least_ready(&facts), i32::MAX, "nothing changes");
}

#[test]
fn two_budgets_make_an_eviction_fail() {
    let bench = Bench::new(4, 12).at(AT, drain(None));
    let facts = under_budgets(&bench, most(1), 2, 400);
    assert_eq!(answers(&facts, EvictionAnswer::SeveralBudgets).len(), 3);
    assert_eq!(ends(&facts).iter().map(|(_, end)| *end).collect::<Vec<_>>(), [DrainEnd::Failed]);
}

#[test]
fn without_a_budget_all_pods_go_at_once() {
    let bench = Bench::new(4, 12).at(AT, drain(None));
    let facts = under_budgets(&bench, most(1), 0, 400);
    let free = answers(&facts, EvictionAnswer::Unchecked);
    assert_eq!(free.len(), 3);
    assert_eq!(free[0], free[2]);
    assert_eq!(ends(&facts).iter().map(|(_, end)| *end).collect::<Vec<_>>(), [DrainEnd::Drained]);
}

#[test]
fn a_cordoned_node_takes_pods_again_when_it_is_uncordoned() {
    let cordon = |on| Stimulus::Cordon { node: NODE.0, on };
    let scale = OperatorAction::Scale { replicas: 12 };
    let facts = Bench::new(1, 0)
        .at(AT, cordon(true))
        .at(AT + Span::from_secs(10), Stimulus::Operate { workload: WorkloadId(0), action: scale })
        .at(AT + Span::from_secs(400), cordon(false))
        .facts(Time::from_secs(900));
    let bound = times(&facts, |fact| matches!(fact, Fact::Bound { .. }));
    assert!(bound[0] >= AT + Span::from_secs(400), "{:?}", bound[0]);
    assert_eq!(times(&facts, |fact| matches!(fact, Fact::NodeCordoned { .. })).len(), 2);
}

#[test]
fn a_deleted_pod_is_replaced_and_one_that_is_not_there_is_named() {
    let mut bench = Bench::new(2, 3);
    let names = &mut bench.script.catalog.names;
    let there = PodName::parse("web-1", names);
    let missing = PodName::parse("web-17", names);
    let facts = bench
        .at(AT, Stimulus::DeletePod { name: there })
        .at(AT, Stimulus::DeletePod { name: missing })
        .facts(Time::from_secs(200));
    let count = |which: fn(&Fact) -> bool| times(&facts, which).len();
    assert_eq!(count(|fact| matches!(fact, Fact::PodCreated { .. })), 4);
    assert_eq!(count(|fact| matches!(fact, Fact::PodUnknown { .. })), 1);
}

#[test]
fn a_restart_replaces_every_pod_by_one_of_the_same_kind() {
    let (workload, action) = (WorkloadId(0), OperatorAction::Restart);
    let restart = Stimulus::Operate { workload, action };
    let facts = Bench::new(4, 4).at(AT, restart).facts(Time::from_secs(400));
    let count = |which: fn(&Fact) -> bool| times(&facts, which).len();
    assert_eq!(count(|fact| matches!(fact, Fact::ReplicaSetCreated { .. })), 2);
    assert_eq!(count(|fact| matches!(fact, Fact::PodCreated { .. })), 8);
    assert_eq!(count(|fact| matches!(fact, Fact::Removed { .. })), 4);
}

#[test]
fn a_budget_counts_the_pods_of_a_stateful_set() {
    let bench = Bench::new(3, 9).at(AT, drain(None));
    let keep = |keeper: Keeper| {
        Keeper::StatefulSet(StatefulSetGoal::new(keeper.replicas(), keeper.template()))
    };
    let facts = kept_under_budgets(&bench, keep, (most(1), 1), 600);
    assert!(answers(&facts, EvictionAnswer::Charged).len() >= 3);
    assert_eq!(ends(&facts).iter().map(|(_, end)| *end).collect::<Vec<_>>(), [DrainEnd::Drained]);
    assert!(least_ready(&facts) >= 8, "{}", least_ready(&facts));
}
