//! StatefulSets through the simulator: order, revisions, and one pod of an ordinal at most.

use super::{Bench, times};
use crate::engine::Limits;
use crate::ground::{Span, Time};
use crate::journal::{Fact, Journal, Record};
use crate::model::{
    OperatorAction, PodManagement, PodSpecId, StatefulSetGoal, StatefulUpdate, Stimulus, WorkloadId,
};
use crate::sim::{Keeper, Run};
use std::collections::{BTreeMap, BTreeSet};

const RELEASE: Time = Time::from_secs(100);
const WEB: WorkloadId = WorkloadId(0);

/// Runs a bench whose service is kept by a StatefulSet.
fn run(bench: &Bench, change: impl FnOnce(&mut StatefulSetGoal), until: u64) -> Vec<Record> {
    let mut setup = bench.setup();
    let (workload, keeper) = setup.services[0];
    let mut goal = StatefulSetGoal::new(bench.replicas, keeper.template());
    change(&mut goal);
    setup.services[0] = (workload, Keeper::StatefulSet(goal));
    let mut run = Run::new(setup, bench.script.clone(), Journal::keeping()).checking();
    run.run(&Limits::until(Time::from_secs(until)));
    let facts = run.sink().records().to_vec();
    one_of_each(&facts);
    facts
}

/// A bench whose image changes.
fn released(replicas: u32) -> Bench {
    let mut bench = Bench::new(4, replicas);
    let image = bench.script.catalog.names.intern("web:v2");
    let action = OperatorAction::SetImage { container: None, image };
    bench.at(RELEASE, Stimulus::Operate { workload: WEB, action })
}

fn operate(bench: Bench, at: u64, action: OperatorAction) -> Bench {
    bench.at(Time::from_secs(at), Stimulus::Operate { workload: WEB, action })
}

/// No ordinal has two pods in the store at a time (specification 8, 3).
fn one_of_each(facts: &[Record]) {
    let mut ordinal_of = BTreeMap::new();
    let mut there = BTreeSet::new();
    for record in facts {
        match record.fact {
            Fact::PodCreated { pod, number, .. } => {
                ordinal_of.insert(pod, number);
                assert!(there.insert(number), "at {}: two pods of {number}", record.at);
            }
            Fact::Removed { pod } => assert!(there.remove(&ordinal_of[&pod])),
            _ => {}
        }
    }
}

/// What happens to pods: `+` created, `*` ready, `-` asked to stop, `0` gone, with the ordinal.
fn story(facts: &[Record], from: Time) -> String {
    let mut ordinal_of = BTreeMap::new();
    let mut told = Vec::new();
    for record in facts {
        let (sign, pod) = match record.fact {
            Fact::PodCreated { pod, number, .. } => {
                ordinal_of.insert(pod, number);
                ('+', pod)
            }
            Fact::Ready { pod } => ('*', pod),
            Fact::Deleting { pod, .. } => ('-', pod),
            Fact::Removed { pod } => ('0', pod),
            _ => continue,
        };
        if record.at >= from {
            told.push(format!("{sign}{}", ordinal_of[&pod]));
        }
    }
    told.join(" ")
}

/// The templates that the pods which are there at the end are made of, by ordinal.
fn templates(facts: &[Record]) -> Vec<PodSpecId> {
    let mut pods = BTreeMap::new();
    let mut left = BTreeMap::new();
    for record in facts {
        match record.fact {
            Fact::PodCreated { pod, number, spec, .. } => {
                pods.insert(pod, number);
                left.insert(number, spec);
            }
            Fact::Removed { pod } => {
                left.remove(&pods[&pod]);
            }
            _ => {}
        }
    }
    left.into_values().collect()
}

#[test]
fn pods_come_one_after_the_other_and_go_from_the_top() {
    let bench = operate(Bench::new(4, 3), 100, OperatorAction::Scale { replicas: 1 });
    let facts = run(&bench, |_| {}, 300);
    assert_eq!(story(&facts, Time::ZERO), "+0 *0 +1 *1 +2 *2 -2 02 -1 01");
    // The next ordinal follows within milliseconds: watch 20 ms, write 10 ms.
    let ready = times(&facts, |fact| matches!(fact, Fact::Ready { .. }));
    let created = times(&facts, |fact| matches!(fact, Fact::PodCreated { .. }));
    assert_eq!(created[1].since(ready[0]), Span::from_millis(30));
}

#[test]
fn parallel_pods_come_at_once() {
    let parallel = |goal: &mut StatefulSetGoal| goal.spec.management = PodManagement::Parallel;
    let bench = operate(Bench::new(4, 4), 100, OperatorAction::Scale { replicas: 1 });
    let facts = run(&bench, parallel, 300);
    let created = times(&facts, |fact| matches!(fact, Fact::PodCreated { .. }));
    // Batches of 1, 2 and 1, each sent when the one before is answered.
    let millis: Vec<u64> =
        created.iter().map(|at| at.since_start().as_nanos() / 1_000_000).collect();
    assert_eq!(millis, [10, 20, 20, 30]);
    // Of those that are sent together the last comes first, as recorded of the real controller.
    assert!(story(&facts, RELEASE).starts_with("-3 -1 -2"), "{}", story(&facts, RELEASE));
}

#[test]
fn an_update_goes_from_the_top_down_to_the_partition() {
    let partition = |goal: &mut StatefulSetGoal| {
        goal.spec.update = StatefulUpdate::RollingUpdate { partition: 3 };
    };
    let facts = run(&released(5), partition, 400);
    assert_eq!(story(&facts, RELEASE), "-4 04 +4 *4 -3 03 +3 *3");
    let revisions = times(&facts, |fact| matches!(fact, Fact::RevisionWritten { .. }));
    assert_eq!(revisions.len(), 2);
    let all = templates(&facts);
    assert!(all[..3].iter().all(|spec| *spec == all[0]) && all[3] == all[4] && all[0] != all[3]);
}

#[test]
fn below_the_partition_a_lost_pod_comes_back_as_it_was() {
    let partition = |goal: &mut StatefulSetGoal| {
        goal.spec.update = StatefulUpdate::RollingUpdate { partition: 2 };
    };
    // Nodes 0 to 3 get the pods 0 to 2 in some order; the crashed one comes back after its pods
    // were evicted, so that all of them are made again.
    let mut bench = released(3);
    for node in 0..4 {
        bench = bench.at(Time::from_secs(200), Stimulus::crash(node));
        bench = bench.at(Time::from_secs(800), Stimulus::repair(node));
    }
    let facts = run(&bench, partition, 1600);
    let all = templates(&facts);
    assert_eq!(all.len(), 3, "{}", story(&facts, RELEASE));
    assert!(all[0] == all[1] && all[1] != all[2]);
}

#[test]
fn a_pod_on_a_dead_node_is_not_replaced_until_the_node_is_back_or_gone() {
    let crashed = |bench: Bench| bench.at(RELEASE, Stimulus::crash(0));
    let on_node = |facts: &[Record]| {
        facts.iter().any(|r| matches!(r.fact, Fact::Bound { node, .. } if node.0 == 0))
    };
    let waits = run(&crashed(Bench::new(2, 2)), |_| {}, 5000);
    assert!(on_node(&waits));
    let told = story(&waits, RELEASE);
    assert!(told.contains('-') && !told.contains('+'), "terminating, for ever: {told}");
    let back = Stimulus::repair(0);
    let back = run(&crashed(Bench::new(2, 2)).at(Time::from_secs(1000), back), |_| {}, 5000);
    let replaced = times(&back, |fact| matches!(fact, Fact::Replaced { .. }));
    assert!(replaced.len() == 1 && replaced[0] > Time::from_secs(1000), "{replaced:?}");
    let gone = Stimulus::DeleteNode { node: 0 };
    let gone = run(&crashed(Bench::new(2, 2)).at(Time::from_secs(1000), gone), |_| {}, 5000);
    let replaced = times(&gone, |fact| matches!(fact, Fact::Replaced { .. }));
    let wait = replaced[0].since(Time::from_secs(1000));
    assert!(wait > Span::from_secs(40) && wait < Span::from_secs(65), "{wait}");
}

#[test]
fn undo_brings_the_revision_before_back() {
    let bench = operate(released(2), 200, OperatorAction::Undo { revision: None });
    let facts = run(&bench, |_| {}, 400);
    assert_eq!(story(&facts, RELEASE), "-1 01 +1 *1 -0 00 +0 *0 -1 01 +1 *1 -0 00 +0 *0");
    let numbers: Vec<(PodSpecId, u32)> = facts
        .iter()
        .filter_map(|record| match record.fact {
            Fact::RevisionWritten { spec, revision, .. } => Some((spec, revision)),
            _ => None,
        })
        .collect();
    assert_eq!(numbers.iter().map(|one| one.1).collect::<Vec<u32>>(), [1, 2, 3]);
    assert_eq!(numbers[0].0, numbers[2].0, "the first template has a new number");
    assert_eq!(templates(&facts), [numbers[0].0; 2]);
}

#[test]
fn pause_is_nothing_for_a_stateful_set() {
    let facts = run(&operate(Bench::new(2, 1), 100, OperatorAction::Pause), |_| {}, 200);
    assert_eq!(times(&facts, |fact| matches!(fact, Fact::OperatorRefused { .. })).len(), 1);
}
