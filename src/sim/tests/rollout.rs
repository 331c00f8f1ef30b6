//! Rollouts through the simulator: from what an operator does to the pods that come and go.

use super::{Bench, times};
use crate::ground::{Span, Time};
use crate::journal::{Fact, Record};
use crate::model::{OperatorAction, ProgressReason, Stimulus, WorkloadId};
use std::collections::BTreeMap;

const RELEASE: Time = Time::from_secs(100);
const WEB: WorkloadId = WorkloadId(0);

/// A service of so many pods whose image changes.
fn released(replicas: u32) -> Bench {
    let mut bench = Bench::new(4, replicas);
    let image = bench.script.catalog.names.intern("web:v2");
    let action = OperatorAction::SetImage { container: None, image };
    bench.at(RELEASE, Stimulus::Operate { workload: WEB, action })
}

/// The sizes that the sets are to have, each time one changes, from the release on; the newest
/// first.
fn sizes(facts: &[Record]) -> Vec<(Time, Vec<u32>)> {
    let mut sets: BTreeMap<u32, u32> = BTreeMap::new();
    let mut sizes = Vec::new();
    for record in facts {
        if let Fact::ReplicaSetScaled { set, replicas, .. } = record.fact {
            sets.insert(set.0, replicas);
            if record.at >= RELEASE {
                sizes.push((record.at, sets.values().rev().copied().collect()));
            }
        }
    }
    sizes
}

#[test]
fn a_rolling_update_keeps_its_limits_and_ends() {
    let facts = released(10).facts(Time::from_secs(400));
    let sizes = sizes(&facts);
    let steps: Vec<&[u32]> = sizes.iter().map(|(_, sizes)| sizes.as_slice()).collect();
    // Check 4 of the specification: the first steps are the same whatever the pods do.
    assert_eq!(steps[..3], [&[3, 10][..], &[3, 8], &[5, 8]]);
    assert!(steps.iter().all(|sizes| sizes.iter().sum::<u32>() <= 13), "{steps:?}");
    assert_eq!(steps.last(), Some(&&[10, 0][..]));
    let (mut ready, mut least) = (0i32, i32::MAX);
    for record in &facts {
        match record.fact {
            Fact::Ready { .. } => ready += 1,
            Fact::Unready { .. } | Fact::Deleting { .. } => ready -= 1,
            _ => continue,
        }
        if record.at >= RELEASE {
            least = least.min(ready);
        }
    }
    assert!(least >= 8, "{least} pods were ready");
    let complete = |fact: &Fact| {
        let reason = ProgressReason::NewReplicaSetAvailable;
        matches!(fact, Fact::RolloutProgress { reason: told, .. } if *told == reason)
    };
    let complete = times(&facts, complete);
    assert_eq!(complete.len(), 2, "the first pods, and the release: {complete:?}");
    assert!(complete[1] > RELEASE && complete[1] < RELEASE + Span::from_secs(60));
}

#[test]
fn undo_goes_back_to_the_set_that_was_there() {
    let undo = OperatorAction::Undo { revision: None };
    let at = RELEASE + Span::from_secs(100);
    let bench = released(5).at(at, Stimulus::Operate { workload: WEB, action: undo });
    let facts = bench.facts(Time::from_secs(400));
    let created = times(&facts, |fact| matches!(fact, Fact::ReplicaSetCreated { .. }));
    assert_eq!(created.len(), 2);
    assert_eq!(sizes(&facts).last().map(|(_, sizes)| sizes.as_slice()), Some(&[0, 5][..]));
    let revision = facts.iter().rev().find_map(|record| match record.fact {
        Fact::ReplicaSetScaled { set, revision, .. } if set.0 == 0 => Some(revision),
        _ => None,
    });
    assert_eq!(revision, Some(3), "it is the newest revision now");
}

#[test]
fn a_paused_deployment_is_scaled_and_not_rolled() {
    let operate = |action| Stimulus::Operate { workload: WEB, action };
    let mut bench = Bench::new(4, 4);
    let image = bench.script.catalog.names.intern("web:v2");
    let release = OperatorAction::SetImage { container: None, image };
    let second = Span::from_secs(1);
    let facts = bench
        .at(RELEASE, operate(OperatorAction::Pause))
        .at(RELEASE + second, operate(release))
        .at(RELEASE + second * 2, operate(OperatorAction::Scale { replicas: 6 }))
        .at(RELEASE + Span::from_secs(100), operate(OperatorAction::Resume))
        .facts(Time::from_secs(400));
    let sizes = sizes(&facts);
    assert_eq!(sizes[0].1, [6], "{sizes:?}");
    assert!(sizes[1].0 >= RELEASE + Span::from_secs(100), "{sizes:?}");
    assert_eq!(sizes.last().map(|(_, sizes)| sizes.as_slice()), Some(&[6, 0][..]));
}

#[test]
fn a_pod_said_not_to_be_ready_is_not_until_it_is_said_to_be() {
    let said = |pod, ready| Stimulus::Operate {
        workload: WEB,
        action: OperatorAction::Readiness { pod, ready },
    };
    let facts = Bench::new(2, 3)
        .at(RELEASE, said(1, false))
        .at(RELEASE + Span::from_secs(20), said(1, true))
        .at(RELEASE + Span::from_secs(30), said(7, false))
        .facts(Time::from_secs(400));
    let of = |which: fn(&Fact) -> bool| {
        let facts = facts.iter().filter(|record| record.at >= RELEASE && which(&record.fact));
        facts
            .map(|record| (record.at.since(RELEASE).as_secs_f64(), record.fact))
            .collect::<Vec<_>>()
    };
    let unready = of(|fact| matches!(fact, Fact::Unready { .. }));
    let ready = of(|fact| matches!(fact, Fact::Ready { .. }));
    assert_eq!((unready.len(), ready.len()), (1, 1), "{unready:?} {ready:?}");
    assert!((0.1..1.2).contains(&unready[0].0), "{unready:?}");
    assert!((20.1..21.2).contains(&ready[0].0), "{ready:?}");
    assert_eq!(of(|fact| matches!(fact, Fact::ContainerEnded { .. })), Vec::new());
    assert_eq!(of(|fact| matches!(fact, Fact::OperatorRefused { .. })).len(), 1, "no such pod");
}
