//! What the control plane does about nodes that are lost and pods that are missing.

use super::{Bench, times};
use crate::ground::Time;
use crate::journal::Fact;
use crate::model::Stimulus;

#[test]
fn detection_is_between_40_and_55_seconds_after_a_crash() {
    let crash = Time::from_secs(1000);
    let mut delays: Vec<f64> = Vec::new();
    for seed in 1..=500 {
        let mut bench = Bench::new(1, 0).at(crash, Stimulus::Crash { node: 0 });
        bench.seed = seed;
        let facts = bench.facts(Time::from_secs(1200));
        let found = times(&facts, |fact| matches!(fact, Fact::NodeCondition { .. }));
        assert_eq!(found.len(), 1);
        delays.push(found[0].since(crash).as_secs_f64());
    }
    let mean = delays.iter().sum::<f64>() / delays.len() as f64;
    let (least, most) =
        delays.iter().fold((f64::MAX, 0.0), |(l, m): (f64, f64), d| (l.min(*d), m.max(*d)));
    assert!((40.0..42.0).contains(&least), "smallest {least}");
    assert!((53.0..55.0).contains(&most), "largest {most}");
    assert!((mean - 47.5).abs() <= 0.7, "mean {mean}");
}

#[test]
fn pods_leave_a_lost_node_when_their_toleration_ends() {
    for (toleration, least) in [(300, 300.0), (30, 30.0)] {
        let crash = Time::from_secs(500);
        let mut bench = Bench::new(2, 6).at(crash, Stimulus::Crash { node: 0 });
        bench.toleration = toleration;
        let facts = bench.facts(Time::from_secs(2000));
        let tainted = times(&facts, |fact| matches!(fact, Fact::NodeTainted { on: true, .. }));
        let deleted = times(&facts, |fact| matches!(fact, Fact::Deleting { .. }));
        assert_eq!(tainted.len(), 1);
        assert!(!deleted.is_empty());
        for deleted in &deleted {
            let stayed = deleted.since(tainted[0]).as_secs_f64();
            assert!((least..=least + 0.1).contains(&stayed), "{toleration}: {stayed}");
        }
        let replaced = times(&facts, |fact| matches!(fact, Fact::Replaced { .. }));
        assert_eq!(replaced.len(), deleted.len());
        let ready = times(&facts, |fact| matches!(fact, Fact::Ready { .. }));
        assert_eq!(ready.len(), 6 + deleted.len(), "replacements become ready");
    }
}

#[test]
fn pods_survive_a_node_that_is_back_before_the_deadline() {
    let facts = Bench::new(2, 4)
        .at(Time::from_secs(500), Stimulus::Crash { node: 0 })
        .at(Time::from_secs(700), Stimulus::Repair { node: 0 })
        .facts(Time::from_secs(3000));
    let count = |which: fn(&Fact) -> bool| times(&facts, which).len();
    assert_eq!(count(|fact| matches!(fact, Fact::Deleting { .. })), 0);
    assert_eq!(count(|fact| matches!(fact, Fact::NodeTainted { on: false, .. })), 1);
    let interrupted = count(|fact| matches!(fact, Fact::Interrupted { .. }));
    assert!(interrupted > 0);
    assert_eq!(count(|fact| matches!(fact, Fact::Ready { .. })), 4 + interrupted);
}
