//! Faults of nodes: overlapping ones, and kubelets that are cut off.

use super::{Bench, times};
use crate::ground::{Span, Time};
use crate::journal::{DeletionCause, Fact, Record};
use crate::model::{
    Condition, CutDirection, FaultAction, FaultEffect, NodeId, PodUid, Stimulus, Strike,
};

const HOUR: u64 = 3600;

fn seconds(facts: &[Record], which: impl Fn(&Fact) -> bool) -> Vec<f64> {
    times(facts, which).into_iter().map(|at| at.as_secs_f64()).collect()
}

#[test]
fn overlapping_outages_are_one() {
    let crash = Stimulus::crash(0);
    let repair = Stimulus::repair(0);
    for (script, expected) in [
        // FA-10: a rack from 10 to 12 and a node in it from 11 to 13.
        ([(10, crash), (11, crash), (12, repair), (13, repair)], vec![(10, true), (13, false)]),
        // One begins as the other ends.
        ([(1, crash), (2, crash), (2, repair), (3, repair)], vec![(1, true), (3, false)]),
        ([(1, crash), (1, repair), (4, crash), (5, crash)], vec![(1, true), (1, false), (4, true)]),
    ] {
        let at = |hour: u64| Time::from_secs(hour * HOUR);
        let bench = script
            .into_iter()
            .fold(Bench::new(2, 2), |bench, (hour, what)| bench.at(at(hour), what));
        let facts = bench.facts(at(20));
        let power = |record: &Record| match record.fact {
            Fact::NodeCrashed { node: NodeId(0) } => Some((record.at, true)),
            Fact::NodeRepaired { node: NodeId(0) } => Some((record.at, false)),
            _ => None,
        };
        let found: Vec<_> = facts.iter().filter_map(power).collect();
        let expected: Vec<_> = expected.into_iter().map(|(hour, lost)| (at(hour), lost)).collect();
        assert_eq!(found, expected);
        let strikes =
            times(&facts, |fact| matches!(fact, Fact::FaultBegan { .. } | Fact::FaultEnded { .. }));
        assert_eq!(strikes.len(), 4, "each strike is told");
    }
}

fn cut(direction: CutDirection, on: bool) -> Stimulus {
    let strike = Strike { action: FaultAction::NetworkPartition, ..Strike::CRASH };
    Stimulus::Fault { node: 0, strike, effect: FaultEffect::Partition(direction), on }
}

/// Two nodes with four pods each, of which the first is cut off at 1000 s for so long.
fn partitioned(direction: CutDirection, length: u64) -> (Vec<Record>, Vec<PodUid>) {
    let facts = Bench::new(2, 8)
        .at(Time::from_secs(1000), cut(direction, true))
        .at(Time::from_secs(1000 + length), cut(direction, false))
        .facts(Time::from_secs(3000));
    let there = facts.iter().filter_map(|record| match record.fact {
        Fact::Bound { pod, node: NodeId(0), .. } if record.at < Time::from_secs(900) => Some(pod),
        _ => None,
    });
    let there: Vec<PodUid> = there.collect();
    assert_eq!(there.len(), 4);
    (facts, there)
}

fn about(facts: &[Record], pods: &[PodUid], which: impl Fn(&Fact) -> Option<PodUid>) -> Vec<f64> {
    seconds(facts, |fact| which(fact).is_some_and(|pod| pods.contains(&pod)))
}

fn within(found: &[f64], count: usize, (from, to): (f64, f64), what: &str) {
    assert_eq!(found.len(), count, "{what}: {found:?}");
    assert!(found.iter().all(|at| (from..=to).contains(at)), "{what}: {found:?}");
}

#[test]
fn a_short_partition_restarts_nothing() {
    let (facts, pods) = partitioned(CutDirection::Both, 100);
    let condition = |wanted: Condition| {
        seconds(
            &facts,
            |fact| matches!(fact, Fact::NodeCondition { ready, .. } if *ready == wanted),
        )
    };
    within(&condition(Condition::Unknown), 1, (1040.0, 1055.2), "unknown");
    // Its lease is renewed within ten seconds.
    within(&condition(Condition::True), 1, (1100.0, 1110.1), "ready");
    let unready = |fact: &Fact| match fact {
        Fact::Unready { pod } => Some(*pod),
        _ => None,
    };
    within(&about(&facts, &pods, unready), 4, (1040.0, 1056.0), "pods not ready");
    let ready = |fact: &Fact| match fact {
        Fact::Ready { pod } => Some(*pod),
        _ => None,
    };
    let ready = about(&facts, &pods, ready);
    within(&ready[4..], 4, (1100.0, 1111.0), "pods ready again");
    let after = |fact: &Fact| {
        matches!(
            fact,
            Fact::Interrupted { .. }
                | Fact::ContainerEnded { .. }
                | Fact::Deleting { .. }
                | Fact::Replaced { .. }
        )
    };
    assert_eq!(seconds(&facts, after), Vec::<f64>::new());
}

fn evicted(fact: &Fact) -> Option<PodUid> {
    match fact {
        Fact::Deleting { pod, cause: DeletionCause::TaintEviction } => Some(*pod),
        _ => None,
    }
}

fn stopping(fact: &Fact) -> Option<PodUid> {
    match fact {
        Fact::Stopping { pod, .. } => Some(*pod),
        _ => None,
    }
}

fn removed(fact: &Fact) -> Option<PodUid> {
    match fact {
        Fact::Removed { pod } => Some(*pod),
        _ => None,
    }
}

#[test]
fn pods_of_a_long_partition_stop_when_their_kubelet_hears_of_it() {
    let (facts, pods) = partitioned(CutDirection::Both, 600);
    // 300 s after the taint.
    within(&about(&facts, &pods, evicted), 4, (1340.0, 1357.0), "evicted");
    let replaced = seconds(&facts, |fact| matches!(fact, Fact::Replaced { .. }));
    within(&replaced, 4, (1340.0, 1357.0), "replaced");
    // Both copies run until then: a watch is opened anew after at most half a minute.
    within(&about(&facts, &pods, stopping), 4, (1600.0, 1630.1), "stopping");
    within(&about(&facts, &pods, removed), 4, (1600.0, 1662.0), "gone");
    assert_eq!(seconds(&facts, |fact| matches!(fact, Fact::Interrupted { .. })), Vec::<f64>::new());
}

#[test]
fn a_kubelet_that_is_not_heard_still_does_what_it_is_told() {
    let (facts, pods) = partitioned(CutDirection::From, 600);
    within(&about(&facts, &pods, evicted), 4, (1340.0, 1357.0), "evicted");
    within(&about(&facts, &pods, stopping), 4, (1340.0, 1357.1), "stopping");
    // The store does not learn that they ended before the node is heard again.
    within(&about(&facts, &pods, removed), 4, (1600.0, 1611.0), "gone");
}

#[test]
fn a_kubelet_that_hears_nothing_stays_ready() {
    let mut bench = Bench::new(1, 0)
        .at(Time::from_secs(1000), cut(CutDirection::To, true))
        .at(Time::from_secs(1600), cut(CutDirection::To, false));
    bench = bench.batch(2, Span::from_secs(1200), Span::from_secs(50));
    let facts = bench.facts(Time::from_secs(3000));
    assert_eq!(
        seconds(&facts, |fact| matches!(fact, Fact::NodeCondition { .. })),
        Vec::<f64>::new()
    );
    let bound = seconds(&facts, |fact| matches!(fact, Fact::Bound { .. }));
    within(&bound[1..], 1, (1200.0, 1200.1), "bound");
    let started = seconds(&facts, |fact| matches!(fact, Fact::Started { .. }));
    within(&started[1..], 1, (1600.0, 1634.0), "started");
}
