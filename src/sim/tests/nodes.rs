//! Nodes that fall silent, zone by zone: taints and their rates, outages, and what becomes of pods
//! of nodes that are gone or out of service.

use super::{Bench, times};
use crate::engine::Queue;
use crate::ground::{Span, Time};
use crate::journal::{Fact, Journal, Record};
use crate::model::{
    Catalog, Effect, FailedReason, NodeId, Pressure, Pressures, Stimulus, Taint, ZoneState,
};
use crate::sim::World;
use crate::sim::host::Host;

const CRASH: Time = Time::from_secs(1000);

/// A cluster without pods that loses some nodes at once, all of which are found at one look. Each
/// node has a number; zones are dealt out in turn.
fn losing(nodes: u32, zones: u32, lost: impl IntoIterator<Item = u32>) -> Bench {
    let mut bench = Bench::new(nodes, 0);
    bench.zones = zones;
    bench.params.node_lifecycle.lease_renewal = Span::from_millis(1);
    lost.into_iter().fold(bench, |bench, node| bench.at(CRASH, Stimulus::crash(node)))
}

/// When nodes are tainted NoExecute, in seconds since the first of them.
fn tainted(facts: &[Record]) -> Vec<(f64, NodeId)> {
    let on = facts.iter().filter_map(|record| match record.fact {
        Fact::NodeTainted { node, on: true } => Some((record.at, node)),
        _ => None,
    });
    let on: Vec<_> = on.collect();
    on.iter().map(|(at, node)| (at.since(on[0].0).as_secs_f64(), *node)).collect()
}

fn states(facts: &[Record]) -> Vec<ZoneState> {
    let state = |record: &Record| match record.fact {
        Fact::ZoneDisrupted { state, .. } => Some(state),
        _ => None,
    };
    facts.iter().filter_map(state).collect()
}

/// The gaps between taints are all of so many seconds, to a poll and a write. The first one is
/// shorter where the first taint had to wait for the writes of a look.
fn assert_gaps(facts: &[Record], count: usize, gap: f64) {
    let tainted = tainted(facts);
    assert_eq!(tainted.len(), count, "{tainted:?}");
    for (number, pair) in tainted.windows(2).enumerate() {
        let between = pair[1].0 - pair[0].0;
        let least = if number == 0 { gap - 1.6 } else { gap - 0.2 };
        assert!((least..=gap + 0.2).contains(&between), "{between} in {tainted:?}");
    }
}

#[test]
fn small_zones() {
    let until = Time::from_secs(3000);
    // Below the threshold of 0.55, or of more than two nodes: one node each 10 s.
    for (nodes, lost) in [(10, 5), (20, 10), (3, 2)] {
        let facts = losing(nodes, 1, 0..lost).facts(until);
        assert_gaps(&facts, lost as usize, 10.0);
        assert_eq!(states(&facts), [], "{nodes}");
    }
    // At and above it the first one may have been quicker than the controller's doubts.
    for (nodes, lost) in [(10, 6), (20, 11)] {
        let facts = losing(nodes, 1, 0..lost).facts(until);
        assert!(tainted(&facts).len() <= 1, "{:?}", tainted(&facts));
        assert_eq!(states(&facts), [ZoneState::PartialDisruption], "{nodes}");
    }
}

#[test]
fn a_large_zone() {
    let until = CRASH + Span::from_secs(400);
    let facts = losing(100, 1, 0..55).facts(until);
    let at = tainted(&facts);
    let rest: Vec<f64> = at.windows(2).map(|pair| pair[1].0 - pair[0].0).skip(1).collect();
    assert!(at.len() >= 3 && rest.iter().all(|gap| (gap - 100.0).abs() <= 0.2), "{at:?}");
    assert_eq!(states(&facts), [ZoneState::PartialDisruption]);
    let facts = losing(100, 1, 0..54).facts(until);
    assert!(tainted(&facts).len() >= 30);
    assert_eq!(states(&facts), []);
}

#[test]
fn a_lost_zone_beside_a_healthy_one() {
    let facts = losing(10, 2, (0..10).step_by(2)).facts(Time::from_secs(3000));
    assert_gaps(&facts, 5, 10.0);
    assert_eq!(states(&facts), [ZoneState::FullDisruption]);
}

#[test]
fn a_cluster_that_is_lost_as_a_whole_is_not_tainted() {
    let back = CRASH + Span::from_secs(200);
    // Six nodes: five of six are too many for a small zone even after one is back.
    let facts =
        losing(6, 1, 0..6).at(back, Stimulus::repair(0)).facts(CRASH + Span::from_secs(1000));
    assert!(tainted(&facts).len() <= 1, "{:?}", tainted(&facts));
    assert_eq!(states(&facts), [ZoneState::FullDisruption, ZoneState::PartialDisruption]);
    let on = times(&facts, |fact| matches!(fact, Fact::NodeTainted { on: true, .. })).len();
    let off = times(&facts, |fact| matches!(fact, Fact::NodeTainted { on: false, .. })).len();
    assert_eq!(on, off, "taints are taken off when the controller suspects itself");
    // Three zones of two: when one node is back, the others are tainted 10 to 15 s later, as
    // recorded of the real controller.
    let facts =
        losing(6, 3, 0..6).at(back, Stimulus::repair(0)).facts(CRASH + Span::from_secs(300));
    let after = times(&facts, |fact| matches!(fact, Fact::NodeTainted { on: true, .. }));
    let after: Vec<f64> =
        after.iter().filter(|at| **at > back).map(|at| at.since(back).as_secs_f64()).collect();
    assert_eq!(after.len(), 5, "{after:?}");
    assert!((10.0..15.3).contains(&after[0]), "{after:?}");
    let outage = times(&facts, |fact| {
        matches!(fact, Fact::ZoneDisrupted { state: ZoneState::FullDisruption, .. })
    });
    let quiet = times(&facts, |fact| matches!(fact, Fact::NodeTainted { on: true, .. }));
    assert!(quiet.iter().all(|at| *at <= outage[0] || *at > back), "{quiet:?}");
}

/// Twelve of the twenty nodes of a zone are lost, three come back at 150 s (as recorded of the real
/// controller, with two pods on each node that tolerate the loss for 10 s).
#[test]
fn a_zone_partly_lost_waits_until_it_is_normal() {
    let mut bench = Bench::new(60, 120);
    bench.zones = 3;
    bench.toleration = Some(10);
    let lost: Vec<u32> = (0..12).map(|number| 3 * number).collect();
    for node in &lost {
        bench = bench.at(CRASH, Stimulus::crash(*node));
    }
    let back = CRASH + Span::from_secs(150);
    for node in &lost[..3] {
        bench = bench.at(back, Stimulus::repair(*node));
    }
    let facts = bench.facts(CRASH + Span::from_secs(330));
    let on = times(&facts, |fact| matches!(fact, Fact::NodeTainted { on: true, .. }));
    let (early, late): (Vec<Time>, Vec<Time>) = on.into_iter().partition(|at| *at < back);
    assert_eq!(early.len(), 1, "the token that was there is used: {early:?}");
    assert!((10.0..15.5).contains(&late[0].since(back).as_secs_f64()), "{late:?}");
    assert!((8..=9).contains(&late.len()), "one may have been tainted before: {late:?}");
    for pair in late.windows(2) {
        assert!((pair[1].since(pair[0]).as_secs_f64() - 10.0).abs() <= 0.2, "{late:?}");
    }
}

/// Forty of sixty nodes are lost: writing all conditions takes the controller's client some
/// seconds (51 to 61 s after the last heartbeats were recorded, one node alone takes 50 to 52 s).
#[test]
fn many_nodes_are_found_later_than_one() {
    let mut bench = Bench::new(60, 120);
    bench.zones = 3;
    bench.params.node_lifecycle.lease_renewal = Span::from_millis(1);
    for node in (0..60).filter(|node| node % 3 != 0) {
        bench = bench.at(CRASH, Stimulus::crash(node));
    }
    let facts = bench.facts(CRASH + Span::from_secs(120));
    let found = times(&facts, |fact| matches!(fact, Fact::NodeCondition { .. }));
    let unready = times(&facts, |fact| matches!(fact, Fact::Unready { .. }));
    assert_eq!((found.len(), unready.len()), (40, 80));
    // 40 nodes of 4 requests, 80 pods of 2, burst 30, 20 a second: the last after 14.5 s.
    let lasts = unready[79].since(found[0]).as_secs_f64();
    assert!((9.0..15.0).contains(&lasts), "{lasts}");
}

#[test]
fn a_node_that_is_back_is_clean_at_the_next_look() {
    let back = CRASH + Span::from_secs(100);
    let facts = losing(3, 1, [0]).at(back, Stimulus::repair(0)).facts(Time::from_secs(2000));
    let off = times(&facts, |fact| matches!(fact, Fact::NodeTainted { on: false, .. }));
    assert_eq!(off.len(), 1);
    assert!(off[0].since(back).as_secs_f64() <= 5.1, "{off:?}");
    assert_eq!(tainted(&facts).len(), 1);
}

#[test]
fn pods_that_tolerate_everything_stay() {
    for (toleration, leave) in [(Some(60), true), (None, false)] {
        let mut bench = Bench::new(2, 6).at(CRASH, Stimulus::crash(0));
        bench.toleration = toleration;
        let facts = bench.facts(CRASH + Span::from_secs(100_000));
        let deleted = times(&facts, |fact| matches!(fact, Fact::Deleting { .. }));
        let on = times(&facts, |fact| matches!(fact, Fact::NodeTainted { .. }));
        assert_eq!(!deleted.is_empty(), leave);
        for deleted in deleted {
            let stayed = deleted.since(on[0]).as_secs_f64();
            assert!((60.0..60.2).contains(&stayed), "{stayed}");
        }
    }
}

/// A taint of a bench's own catalog.
fn taint(bench: &mut Bench, key: &str, effect: Effect) -> Taint {
    Taint { key: bench.script.catalog.names.intern(key), value: Catalog::NO_TEXT, effect }
}

#[test]
fn noschedule_taints_evict_nobody_and_noexecute_taints_do() {
    for effect in [Effect::NoSchedule, Effect::PreferNoSchedule, Effect::NoExecute] {
        let mut bench = Bench::new(2, 6);
        let taint = taint(&mut bench, "maintenance", effect);
        let facts = bench
            .at(CRASH, Stimulus::Taint { node: 0, taint, on: true })
            .facts(CRASH + Span::from_secs(600));
        let deleted = times(&facts, |fact| matches!(fact, Fact::Deleting { .. }));
        assert_eq!(!deleted.is_empty(), effect == Effect::NoExecute, "{effect:?}");
        for deleted in deleted {
            assert!(deleted.since(CRASH).as_secs_f64() < 0.5, "an untolerated taint acts at once");
        }
    }
}

#[test]
fn an_eviction_is_called_off_when_the_taint_goes() {
    let mut bench = Bench::new(2, 6);
    let taint = taint(&mut bench, "node.kubernetes.io/unreachable", Effect::NoExecute);
    let facts = bench
        .at(CRASH, Stimulus::Taint { node: 0, taint, on: true })
        .at(CRASH + Span::from_secs(299), Stimulus::Taint { node: 0, taint, on: false })
        .facts(CRASH + Span::from_secs(1000));
    assert_eq!(times(&facts, |fact| matches!(fact, Fact::Deleting { .. })).len(), 0);
}

#[test]
fn evictions_of_a_full_node_pass_through_one_client() {
    let mut bench = Bench::new(2, 200).at(CRASH, Stimulus::crash(0));
    bench.pod_cpu = 10;
    let facts = bench.facts(CRASH + Span::from_secs(600));
    let deleted = times(&facts, |fact| matches!(fact, Fact::Deleting { .. }));
    assert_eq!(deleted.len(), 64, "as many as the memory of a node holds");
    // Three requests for each, burst 30, 20 a second; reads and marks come before the deletions.
    let tainted = times(&facts, |fact| matches!(fact, Fact::NodeTainted { .. }))[0];
    let last = deleted[63].since(tainted).as_secs_f64() - 300.0;
    assert!((8.1..8.2).contains(&last), "{last}");
    let lasts = deleted[63].since(deleted[0]).as_secs_f64();
    assert!((3.1..3.2).contains(&lasts), "{lasts}");
}

#[test]
fn pods_of_a_deleted_node_are_collected() {
    for seed in 1..20 {
        let mut bench = Bench::new(3, 9)
            .at(CRASH, Stimulus::crash(0))
            .at(CRASH + Span::from_secs(20), Stimulus::DeleteNode { node: 0 });
        bench.seed = seed;
        let facts = bench.facts(CRASH + Span::from_secs(600));
        let failed = times(&facts, |fact| {
            matches!(fact, Fact::Failed { reason: FailedReason::NodeGone, .. })
        });
        assert!(!failed.is_empty());
        for at in failed {
            let after = at.since(CRASH).as_secs_f64() - 20.0;
            assert!((40.0..=80.1).contains(&after), "{after}");
        }
        let ready = times(&facts, |fact| matches!(fact, Fact::Ready { .. })).len();
        let replaced = times(&facts, |fact| matches!(fact, Fact::Replaced { .. })).len();
        assert_eq!(ready, 9 + replaced);
    }
}

#[test]
fn terminating_pods_of_a_node_out_of_service_are_collected() {
    for seed in 1..20 {
        let tainted = CRASH + Span::from_secs(200);
        let mut bench = Bench::new(2, 4).at(CRASH, Stimulus::crash(0));
        let taint = taint(&mut bench, "node.kubernetes.io/out-of-service", Effect::NoSchedule);
        bench = bench.at(tainted, Stimulus::Taint { node: 0, taint, on: true });
        bench.seed = seed;
        bench.toleration = Some(30);
        let facts = bench.facts(CRASH + Span::from_secs(600));
        let deleted = times(&facts, |fact| matches!(fact, Fact::Deleting { .. }));
        let removed = times(&facts, |fact| matches!(fact, Fact::Removed { .. }));
        assert!(!removed.is_empty() && removed.len() == deleted.len());
        for at in removed {
            assert!(at.since(tainted).as_secs_f64() <= 20.1, "{at}");
        }
    }
}

#[test]
fn finished_pods_beyond_the_threshold_go_oldest_first() {
    let mut bench = Bench::new(4, 0).batch(12, Span::from_secs(2), Span::from_secs(1));
    bench.keep = true;
    bench.params.pod_gc.terminated_threshold = 5;
    let facts = bench.facts(Time::from_secs(1000));
    let pods = |which: fn(&Fact) -> bool| -> Vec<u32> {
        let pod = |record: &Record| Some(record.fact.subject().pod?.0);
        facts.iter().filter(|record| which(&record.fact)).filter_map(pod).collect()
    };
    assert_eq!(pods(|fact| matches!(fact, Fact::Finished { .. })).len(), 12);
    assert_eq!(pods(|fact| matches!(fact, Fact::Removed { .. })), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn pressure_becomes_a_taint() {
    let mut journal = Journal::keeping();
    let mut queue = Queue::new();
    let setup = Bench::new(2, 0).setup();
    let mut world = World::new(setup, &mut queue, &mut journal);
    let node = NodeId(1);
    let mut marks = Vec::new();
    for (second, pressures) in [
        (10, Pressures::NONE.with(Pressure::Memory, true)),
        (20, Pressures::NONE.with(Pressure::Memory, true).with(Pressure::Disk, true)),
        (30, Pressures::NONE),
    ] {
        let now = Time::from_secs(second);
        while let Some(next) = queue.pop_before(now) {
            let mut host = Host { now: next.at, queue: &mut queue, sink: &mut journal };
            world.handle(&mut host, next.event);
        }
        let mut host = Host { now, queue: &mut queue, sink: &mut journal };
        world.write_pressures(&mut host, node, pressures);
        while let Some(next) = queue.pop_before(now + Span::from_secs(5)) {
            let mut host = Host { now: next.at, queue: &mut queue, sink: &mut journal };
            world.handle(&mut host, next.event);
        }
        let taints = world.catalog().taints(world.truth().node(node).status.taints);
        let keys = taints.iter().map(|taint| {
            assert_eq!(taint.effect, Effect::NoSchedule);
            world.catalog().names.text(taint.key).rsplit('/').next().unwrap().to_owned()
        });
        marks.push(keys.collect::<Vec<_>>());
    }
    let expected: [&[&str]; 3] = [&["memory-pressure"], &["memory-pressure", "disk-pressure"], &[]];
    assert_eq!(marks, expected);
    let told = times(journal.records(), |fact| matches!(fact, Fact::NodePressure { .. }));
    assert_eq!(told.len(), 4);
}
