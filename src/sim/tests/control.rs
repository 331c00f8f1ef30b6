//! What the control plane does about nodes that are lost and pods that are missing.

use super::{Bench, times};
use crate::engine::Limits;
use crate::ground::{Key, Time};
use crate::journal::{DeletionCause, Fact, Journal, Record};
use crate::model::{DeploymentSpec, NodeId, PodName, Stimulus, Workload, WorkloadKind};
use crate::sim::{ApiParams, Detail, Keeper, PodSetup, RateParams, Run, Setup};

#[test]
fn detection_is_between_40_and_55_seconds_after_a_crash() {
    let crash = Time::from_secs(1000);
    let mut delays: Vec<f64> = Vec::new();
    for seed in 1..=500 {
        let mut bench = Bench::new(1, 0).at(crash, Stimulus::crash(0));
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
        let mut bench = Bench::new(2, 6).at(crash, Stimulus::crash(0));
        bench.toleration = Some(toleration);
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
        .at(Time::from_secs(500), Stimulus::crash(0))
        .at(Time::from_secs(700), Stimulus::repair(0))
        .facts(Time::from_secs(3000));
    let count = |which: fn(&Fact) -> bool| times(&facts, which).len();
    assert_eq!(count(|fact| matches!(fact, Fact::Deleting { .. })), 0);
    assert_eq!(count(|fact| matches!(fact, Fact::NodeTainted { on: false, .. })), 1);
    let interrupted = count(|fact| matches!(fact, Fact::Interrupted { .. }));
    assert!(interrupted > 0);
    assert_eq!(count(|fact| matches!(fact, Fact::Ready { .. })), 4 + interrupted);
}

/// Seconds at which pods are created.
fn created(facts: &[Record]) -> Vec<f64> {
    let at = times(facts, |fact| matches!(fact, Fact::PodCreated { .. }));
    at.iter().map(|at| at.since_start().as_secs_f64()).collect()
}

#[test]
fn creations_pass_through_one_client() {
    let facts = Bench::new(1, 200).facts(Time::from_secs(60));
    let at = created(&facts);
    assert_eq!(at.len(), 200);
    // 30 requests at once but for the batches of 1, 2, 4, 8; the others 20 a second. Before the
    // last batch asks for all its tokens, five Events have gone, one after the other.
    assert!(at[24] <= 0.06, "{}", at[24]);
    assert!((at[199] - 175.0 / 20.0).abs() <= 0.02, "{}", at[199]);
    // 700: 500 in the first sync, and the rest when all of these have been seen.
    let at = created(&Bench::new(1, 700).facts(Time::from_secs(60)));
    assert_eq!(at.len(), 700);
    assert!((at[499] - 476.0 / 20.0).abs() <= 0.02, "{}", at[499]);
    assert!(at[500] - at[499] >= 0.03, "written 10 ms, seen 20 ms later: {}", at[500]);
}

#[test]
fn without_limits_all_are_created_at_once() {
    let mut bench = Bench::new(1, 200);
    bench.detail = Detail::Placement;
    let at = created(&bench.facts(Time::from_secs(60)));
    assert_eq!((at.len(), at[199]), (200, 0.0));
}

/// A second service like the first, of another name.
fn with_sibling(bench: &Bench, replicas: u32) -> Setup {
    let mut setup = bench.setup();
    let (web, keeper) = setup.services[0];
    let name = setup.catalog.names.intern("api");
    let kind = WorkloadKind::Service { replicas, min_serving: 1 };
    let web = setup.catalog.workloads[web].clone();
    let api = setup.catalog.workloads.push(Workload { name, key: Key::of("api"), kind, ..web });
    let spec = DeploymentSpec::new(replicas, keeper.template());
    setup.services.push((api, Keeper::Deployment(spec)));
    setup
}

#[test]
fn services_are_synced_at_the_same_time_by_one_client() {
    let bench = Bench::new(1, 100);
    let mut run = Run::new(with_sibling(&bench, 3), bench.script.clone(), Journal::keeping());
    run.run(&Limits::until(Time::from_secs(60)));
    let at = created(run.sink().records());
    assert_eq!(at.len(), 103);
    let small = run.sink().records().iter().filter_map(|record| match record.fact {
        Fact::PodCreated { workload, .. } if workload.0 != 0 => Some(record.at),
        _ => None,
    });
    let last = small.max().unwrap().since_start().as_secs_f64();
    assert!(last <= 0.03, "the small one does not wait for the large one: {last}");
    // Each set writes what it has a few times, and Events go, with the tokens of the same client.
    assert!((73.0 / 20.0 - 0.02..4.1).contains(&at[102]), "{}", at[102]);
}

/// A bench whose first pods are there already, all but the last on nodes in turn.
fn with_pods(bench: &Bench, there: u32) -> Setup {
    let mut setup = bench.setup();
    let (workload, keeper) = setup.services[0];
    let spec = keeper.template();
    let stem = setup.catalog.names.intern("web-");
    setup.pods = (0..there)
        .map(|number| PodSetup {
            workload,
            spec,
            name: PodName::numbered(stem, number + 3),
            node: (number + 1 < there).then_some(NodeId(number % bench.nodes)),
        })
        .collect();
    setup
}

fn facts_with_pods(bench: &Bench, there: u32) -> Vec<Record> {
    let mut run =
        Run::new(with_pods(bench, there), bench.script.clone(), Journal::keeping()).checking();
    run.run(&Limits::until(Time::from_secs(60)));
    run.sink().records().to_vec()
}

#[test]
fn pods_that_are_there_count() {
    for (detail, delay) in [(Detail::Lifecycle, 0.01), (Detail::Placement, 0.0)] {
        let mut bench = Bench::new(2, 5);
        bench.detail = detail;
        let facts = facts_with_pods(&bench, 3);
        let count = |which: fn(&Fact) -> bool| times(&facts, which).len();
        assert_eq!(count(|fact| matches!(fact, Fact::Queued { .. })), 3);
        assert_eq!(count(|fact| matches!(fact, Fact::Ready { .. })), 5);
        assert_eq!(count(|fact| matches!(fact, Fact::Deleting { .. })), 0);
        let at = created(&facts);
        assert_eq!(at[..4], [0.0, 0.0, 0.0, delay]);
        let numbers = facts.iter().filter_map(|record| match record.fact {
            Fact::PodCreated { number, .. } => Some(number),
            _ => None,
        });
        assert_eq!(numbers.collect::<Vec<_>>(), [3, 4, 5, 6, 7], "no name is given twice");
    }
}

#[test]
fn too_many_pods_are_deleted_in_order() {
    let facts = facts_with_pods(&Bench::new(2, 3), 6);
    let deleted: Vec<u32> = facts
        .iter()
        .filter_map(|record| match record.fact {
            Fact::Deleting { pod, cause: DeletionCause::ScaleDown } => Some(pod.0),
            _ => None,
        })
        .collect();
    assert_eq!(deleted.len(), 3);
    assert_eq!(deleted[0], 5, "the one without a node goes first");
    // Of the five ready ones, three are on the first node: two of these go.
    assert!(deleted[1..].iter().all(|pod| pod % 2 == 0), "{deleted:?}");
    let count = |which: fn(&Fact) -> bool| times(&facts, which).len();
    assert_eq!(count(|fact| matches!(fact, Fact::Removed { .. })), 3);
    assert_eq!(count(|fact| matches!(fact, Fact::PodCreated { .. })), 6, "nobody replaces them");
}

#[test]
fn rates_must_be_above_zero() {
    let wrong = ApiParams {
        controllers: RateParams { qps: f64::INFINITY, burst: 0 },
        ..ApiParams::default()
    };
    let paths: Vec<_> = wrong.check().into_iter().map(|problem| problem.path).collect();
    assert_eq!(paths, ["controllers.qps", "controllers.burst"]);
    assert!(ApiParams::default().check().is_empty());
}
