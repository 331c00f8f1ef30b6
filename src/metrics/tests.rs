//! Facts in, numbers out: hand-written sequences with the numbers that they must give, and
//! properties of a whole made-up run.

use super::example::Example;
use super::{CaseOutcome, Metrics, PodEnd, Results, Settings, catalog};
use crate::ground::{Name, Span, Time};
use crate::journal::{DeletionCause, Fact, Journal, Record, RunEnd, Sink};
use crate::model::{
    Condition, DeviceMask, NodeId, NodeSpecId, Plugin, PluginSet, PodSpecId, PodUid, Resource,
    WorkloadId,
};
use proptest::prelude::*;

const SPEC: PodSpecId = PodSpecId(0);

/// Two nodes of 4 cores and 2 devices; pods of 1 core (specification 0) and of a whole device
/// (specification 1); service 0 `web` of 2 pods of which 1 must serve; batch workload 1.
fn cluster() -> Metrics {
    let settings =
        Settings { samples: 10, until: Some(Time::from_secs(100)), ..Default::default() };
    let mut metrics = Metrics::new(settings);
    for (number, text) in ["web", "batch", "n0", "n1", "pod-"].into_iter().enumerate() {
        metrics.name(Name(number as u32), text);
    }
    let node = |resource, amount| Fact::NodeSpecDefined { spec: NodeSpecId(0), resource, amount };
    let pod = |spec, resource, amount| Fact::PodSpecDefined { spec, resource, amount };
    for fact in [
        node(Resource::Cpu, 4000),
        node(Resource::Device, 2000),
        pod(SPEC, Resource::Cpu, 1000),
        pod(PodSpecId(1), Resource::Device, 1000),
        workload(0, 2, 1),
        workload(1, 0, 0),
        Fact::NodeAdded { node: NodeId(0), name: Name(2), spec: NodeSpecId(0) },
        Fact::NodeAdded { node: NodeId(1), name: Name(3), spec: NodeSpecId(0) },
    ] {
        metrics.record(&Record { at: Time::ZERO, fact });
    }
    metrics
}

fn workload(number: u32, replicas: u32, min_serving: u32) -> Fact {
    let workload = WorkloadId(number);
    Fact::WorkloadDefined { workload, name: Name(number), replicas, min_serving }
}

fn created(pod: u32, workload: u32) -> Fact {
    Fact::PodCreated {
        pod: PodUid(pod),
        spec: SPEC,
        workload: WorkloadId(workload),
        stem: Name(4),
        number: pod,
        digits: 2,
    }
}

fn bound(pod: u32, node: u32) -> Fact {
    Fact::Bound { pod: PodUid(pod), node: NodeId(node), devices: DeviceMask::NONE }
}

fn refused(pod: u32, plugins: &[Plugin]) -> Fact {
    let mut refusers = PluginSet::EMPTY;
    plugins.iter().for_each(|plugin| refusers.insert(*plugin));
    Fact::Refused { pod: PodUid(pod), refusers }
}

fn fold(facts: &[(u64, Fact)], end: u64) -> Results {
    let mut metrics = cluster();
    for (at, fact) in facts {
        metrics.record(&Record { at: Time::from_secs(*at), fact: *fact });
    }
    metrics.finish(Time::from_secs(end))
}

fn check(results: &Results, expected: &[(&str, f64)]) {
    for (name, expected) in expected {
        let value = catalog::value(results, name);
        let close = value.is_some_and(|value| (value - expected).abs() < 1e-9);
        assert!(close, "{name} is {value:?}, expected {expected}");
    }
}

#[test]
fn waits_and_their_reasons() {
    let pod = PodUid(0);
    let fit = Plugin::NodeResourcesFit;
    let results = fold(
        &[
            (0, created(0, 1)),
            (1, Fact::Queued { pod }),
            (2, refused(0, &[fit])),
            (5, refused(0, &[fit, Plugin::TaintToleration])),
            (9, bound(0, 0)),
            (10, created(1, 1)),
            (10, Fact::Queued { pod: PodUid(1) }),
            (10, bound(1, 0)),
            (20, created(2, 1)),
            (20, Fact::Queued { pod: PodUid(2) }),
            (30, refused(2, &[fit])),
        ],
        100,
    );
    check(
        &results,
        &[
            ("wait.time_to_bind.count", 2.0),
            ("wait.time_to_bind.mean", 4.0),
            ("wait.time_to_bind.p50", 0.0),
            ("wait.time_to_bind.max", 8.0),
            ("wait.attempts.max", 3.0),
            ("wait.first_attempt", 1.0),
            ("wait.pending.mean", 0.89),
            ("wait.pending.end", 1.0),
            ("wait.refused_attempts", 3.0),
            ("wait.refused_attempts(NodeResourcesFit)", 3.0),
            ("wait.refused_attempts(TaintToleration)", 1.0),
            ("wait.after_refusal(NodeResourcesFit)", 3.0 + 4.0 + 70.0),
            ("wait.after_refusal(TaintToleration)", 4.0),
            ("wait.before_first_attempt", 1.0 + 10.0),
            ("wait.pending(NodeResourcesFit)", 1.0),
            ("wait.censored.count", 1.0),
            ("wait.censored.max", 80.0),
        ],
    );
    assert_eq!(results.waiting.reasons[0].plugins, ["NodeResourcesFit"]);
    assert_eq!(results.waiting.reasons[0].wait_seconds, 73.0);
}

#[test]
fn allocation_over_time_and_per_node() {
    let results = fold(
        &[
            (0, created(0, 1)),
            (0, bound(0, 0)),
            (20, created(1, 1)),
            (20, bound(1, 0)),
            (60, Fact::Finished { pod: PodUid(0) }),
            (70, Fact::Removed { pod: PodUid(0) }),
        ],
        100,
    );
    check(
        &results,
        &[
            ("placement.allocation_ratio.cpu.mean", (60.0 + 80.0) / 800.0),
            ("placement.allocation_ratio.cpu.peak", 0.25),
            ("placement.allocation_ratio.cpu.end", 0.125),
            ("placement.allocation_ratio.gpu.end", 0.0),
            ("placement.capacity.cpu", 8.0),
            ("placement.capacity.gpu", 4.0),
            ("placement.imbalance.cpu.range.end", 0.25),
            ("placement.imbalance.cpu.gini.end", 0.5),
            ("placement.imbalance.cpu.standard_deviation.end", 0.125),
            ("placement.pod_density.mean", 0.7),
            ("placement.nodes.mean", 2.0),
            ("life.finished", 1.0),
            ("life.removed", 0.0),
        ],
    );
    let ratios: Vec<f64> = results.nodes.iter().map(|node| node.allocation[0]).collect();
    assert_eq!(ratios, [140.0 / 400.0, 0.0]);
    assert_eq!(results.series.seconds.len(), 11);
    assert_eq!(results.series.values("allocation_ratio.cpu")[..3], [0.125, 0.125, 0.25]);
}

#[test]
fn a_crashed_node_counts_until_it_is_detected() {
    let results = fold(
        &[
            (0, created(0, 1)),
            (0, bound(0, 0)),
            (20, Fact::NodeCrashed { node: NodeId(0) }),
            (20, Fact::Interrupted { pod: PodUid(0) }),
            (60, Fact::NodeCondition { node: NodeId(0), ready: Condition::Unknown }),
        ],
        100,
    );
    check(
        &results,
        &[
            ("placement.nodes.mean", 1.6),
            ("placement.nodes.end", 1.0),
            ("placement.allocation_ratio.cpu.mean", 60.0 / (100.0 * 4.0 + 60.0 * 4.0)),
            ("placement.allocation_ratio.cpu.end", 0.0),
        ],
    );
    assert_eq!(results.nodes[0].not_ready_seconds, 40.0);
    assert_eq!(results.nodes[0].crashes, 1);
    assert_eq!(results.pods.lines[0].end, PodEnd::Interrupted);
}

#[test]
fn devices_in_fragments_and_stranded() {
    // Pods of 1 device and no CPU; node 0 has its CPU full, so its idle devices are usable, while
    // pods that want both would strand them.
    let mut metrics = cluster();
    let mut write = |at, fact| metrics.record(&Record { at: Time::from_secs(at), fact });
    let both = PodSpecId(2);
    write(0, Fact::PodSpecDefined { spec: both, resource: Resource::Cpu, amount: 4000 });
    write(0, Fact::PodSpecDefined { spec: both, resource: Resource::Device, amount: 1000 });
    let Fact::PodCreated { pod, workload, stem, number, digits, .. } = created(0, 1) else {
        unreachable!()
    };
    write(0, Fact::PodCreated { pod, spec: both, workload, stem, number, digits });
    let devices = DeviceMask(1);
    write(0, Fact::Bound { pod, node: NodeId(0), devices });
    let results = metrics.finish(Time::from_secs(10));
    check(
        &results,
        &[
            ("placement.stranded_ratio.gpu.end", 0.25),
            ("placement.stranded_ratio.cpu.end", 0.0),
            ("placement.fragmentation.end", 1.0),
            ("placement.fragmentation_ratio.end", 1.0 / 3.0),
        ],
    );
}

#[test]
fn peaks_of_pods_alive() {
    let life = |pod: u32, seconds| {
        let lifetime = Span::from_secs(seconds);
        Fact::LifetimeSet { pod: PodUid(pod), lifetime }
    };
    let results = fold(
        &[
            (0, created(0, 1)),
            (0, life(0, 10)),
            (0, created(1, 1)), // for ever
            (5, created(2, 1)),
            (5, life(2, 0)),     // does not count
            (10, created(3, 1)), // starts as 0 ends
            (10, life(3, 5)),
            (12, created(4, 1)), // a replacement does not count as demand
            (12, Fact::Replaced { pod: PodUid(4), lost: PodUid(0) }),
            (12, life(4, 10)),
        ],
        100,
    );
    check(
        &results,
        &[
            ("life.submitted", 4.0),
            ("life.with_lifetime", 3.0),
            ("life.replaced", 1.0),
            ("life.peak_alive.demanded", 2.0),
            ("life.peak_alive.measured", 4.0),
        ],
    );
}

/// Service `web` with both pods ready on node 0 after 10 s, which crashes at 100 s.
fn crash() -> Vec<(u64, Fact)> {
    let mut facts = Vec::new();
    for pod in 0..2 {
        let id = PodUid(pod);
        facts.extend([(0, created(pod, 0)), (0, Fact::Queued { pod: id }), (0, bound(pod, 0))]);
    }
    for pod in [PodUid(0), PodUid(1)] {
        facts.extend([(8, Fact::Started { pod }), (10, Fact::Ready { pod })]);
    }
    facts.push((100, Fact::NodeCrashed { node: NodeId(0) }));
    for pod in [PodUid(0), PodUid(1)] {
        facts.push((100, Fact::Interrupted { pod }));
    }
    facts
}

#[test]
fn every_leg_of_a_recovery() {
    let mut facts = crash();
    let cause = DeletionCause::TaintEviction;
    facts.push((140, Fact::NodeCondition { node: NodeId(0), ready: Condition::Unknown }));
    for (lost, pod, ready) in [(0, 2, 460), (1, 3, 470)] {
        facts.extend([
            (440, Fact::Deleting { pod: PodUid(lost), cause }),
            (441, created(pod, 0)),
            (441, Fact::Replaced { pod: PodUid(pod), lost: PodUid(lost) }),
            (443, bound(pod, 1)),
            (450, Fact::Started { pod: PodUid(pod) }),
            (ready, Fact::Ready { pod: PodUid(pod) }),
        ]);
    }
    facts.sort_by_key(|(at, _)| *at);
    facts.push((480, Fact::NodeRepaired { node: NodeId(0) }));
    let results = fold(&facts, 1000);
    check(
        &results,
        &[
            ("recovery.incidents", 1.0),
            ("recovery.affected", 2.0),
            ("recovery.replaced", 2.0),
            ("recovery.censored", 0.0),
            ("recovery.time_to_detect.mean", 40.0),
            ("recovery.leg.detect.p50", 40.0),
            ("recovery.leg.evict.p50", 300.0),
            ("recovery.leg.recreate.p50", 1.0),
            ("recovery.leg.bind.p50", 2.0),
            ("recovery.leg.start.p50", 7.0),
            ("recovery.leg.ready.p50", 10.0),
            ("recovery.leg.ready.max", 20.0),
            ("recovery.time_to_ready.max", 370.0),
            ("recovery.time_to_restore.count", 1.0),
            ("recovery.time_to_restore.mean", 370.0),
            ("recovery.time_to_repair.mean", 380.0),
            ("availability(web)", (90.0 + 540.0) / 990.0),
            ("availability.outages(web)", 1.0),
        ],
    );
}

#[test]
fn availability_counts_from_the_first_time_up() {
    let results = fold(&crash(), 200);
    check(
        &results,
        &[
            ("availability(web)", 90.0 / 190.0),
            ("availability.weighted(web)", 90.0 / 190.0),
            ("availability.unavailable(web)", 100.0),
            ("availability.time_to_first_available(web)", 10.0),
            ("availability.worst", 90.0 / 190.0),
            ("recovery.censored", 2.0),
            ("recovery.restore_censored", 1.0),
            ("life.interrupted_at_end", 2.0),
            ("life.running.end", 0.0),
        ],
    );
    let never = fold(&[], 200);
    check(&never, &[("availability(web)", 0.0), ("availability.unavailable(web)", 200.0)]);
}

#[test]
fn a_pod_that_comes_back_with_its_node() {
    let mut facts = crash();
    facts.push((120, Fact::NodeRepaired { node: NodeId(0) }));
    for pod in [PodUid(0), PodUid(1)] {
        facts.extend([(125, Fact::Started { pod }), (130, Fact::Ready { pod })]);
    }
    facts.sort_by_key(|(at, _)| *at);
    let results = fold(&facts, 150);
    check(
        &results,
        &[
            ("recovery.survived", 2.0),
            ("recovery.time_to_return.max", 30.0),
            ("recovery.leg.start.count", 0.0),
            ("recovery.time_to_restore.mean", 30.0),
            ("life.time_to_running.count", 2.0),
            ("life.running.end", 2.0),
        ],
    );
    assert_eq!(results.recovery.case_rows[0].outcome, CaseOutcome::Survived);
}

#[test]
fn a_replacement_that_is_lost_too() {
    let mut facts = crash();
    let cause = DeletionCause::TaintEviction;
    facts.extend([
        (200, Fact::Deleting { pod: PodUid(0), cause }),
        (200, created(2, 0)),
        (200, Fact::Replaced { pod: PodUid(2), lost: PodUid(0) }),
        (201, bound(2, 1)),
        (202, Fact::NodeCrashed { node: NodeId(1) }),
        (300, Fact::Deleting { pod: PodUid(2), cause }),
        (301, created(3, 0)),
        (301, Fact::Replaced { pod: PodUid(3), lost: PodUid(2) }),
        (302, bound(3, 1)),
        (303, Fact::Started { pod: PodUid(3) }),
        (304, Fact::Ready { pod: PodUid(3) }),
        (310, Fact::Removed { pod: PodUid(1) }),
    ]);
    let results = fold(&facts, 400);
    check(
        &results,
        &[
            ("recovery.affected", 3.0),
            ("recovery.replaced", 2.0),
            ("recovery.gone", 1.0),
            ("recovery.time_to_ready.max", 204.0),
            ("recovery.time_to_ready.p50", 102.0),
        ],
    );
    let rows = &results.recovery.case_rows;
    assert_eq!(rows[0].replacement.as_deref(), Some("pod-03"));
    assert_eq!((rows[2].incident, rows[2].fault), (Some(1), 202.0));
}

fn example(settings: Settings) -> Results {
    let mut metrics = Metrics::new(settings);
    let end = Example::tell(&mut metrics, 7, true);
    metrics.finish(end)
}

#[test]
fn every_name_in_the_catalog_is_found() {
    let results = example(Settings::default());
    let values = catalog::values(&results);
    assert!(values.len() > 100);
    for value in values {
        assert_eq!(catalog::value(&results, &value.name), value.value, "{}", value.name);
        let entry = catalog::entry(&value.name).unwrap();
        assert!(entry.meaning.ends_with('.') && !entry.unit.is_empty(), "{}", value.name);
        if value.value.is_none() {
            assert!(value.name.contains("time_to_return"), "{} has no value", value.name);
        }
    }
    for name in ["", "wait", "wait.time_to_bind", "wait.time_to_bind.p98", "availability()"] {
        assert!(catalog::entry(name).is_none(), "{name}");
        assert_eq!(catalog::value(&results, name), None, "{name}");
    }
    let mut names: Vec<&str> = catalog::ENTRIES.iter().map(|entry| entry.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "names are unique");
}

/// Numbers of the results that are published as a table and not as single metrics.
const TABLES: [&str; 8] = [
    "reasons",
    "plugins",
    "distribution",
    "case_rows",
    "incident_rows",
    "desired",
    "min_serving",
    "serving_at_end",
];

#[test]
fn every_number_of_the_summary_has_an_entry() {
    fn numbers(path: &str, value: &serde_json::Value, found: &mut Vec<(String, f64)>) {
        match value {
            serde_json::Value::Number(number) => {
                found.push((path.into(), number.as_f64().unwrap()))
            }
            serde_json::Value::Array(all) => {
                all.iter().for_each(|value| numbers(path, value, found));
            }
            serde_json::Value::Object(fields) => {
                for (key, value) in fields.iter().filter(|(key, _)| !TABLES.contains(&&key[..])) {
                    numbers(&format!("{path}/{key}"), value, found);
                }
            }
            _ => {}
        }
    }
    let results = example(Settings::default());
    let published: Vec<f64> =
        catalog::values(&results).into_iter().filter_map(|value| value.value).collect();
    let mut found = Vec::new();
    for (name, part) in [
        ("placement", serde_json::to_value(&results.placement).unwrap()),
        ("waiting", serde_json::to_value(&results.waiting).unwrap()),
        ("life", serde_json::to_value(&results.life).unwrap()),
        ("recovery", serde_json::to_value(&results.recovery).unwrap()),
        ("availability", serde_json::to_value(&results.availability).unwrap()),
    ] {
        numbers(name, &part, &mut found);
    }
    assert!(found.len() > 100, "{}", found.len());
    for (path, number) in found {
        let known = published.contains(&number) || number == 0.0;
        assert!(known, "{path} = {number} has no entry in the catalog");
    }
}

#[test]
fn pods_are_conserved_and_saved_metrics_go_on() {
    let mut journal = Journal::keeping();
    let end = Example::tell(&mut journal, 7, true);
    let records = journal.records();
    let mut straight = Metrics::default();
    records.iter().for_each(|record| straight.record(record));
    let (first, second) = records.split_at(records.len() / 2);
    let mut saved = Metrics::default();
    first.iter().for_each(|record| saved.record(record));
    let bytes = postcard::to_allocvec(&saved).unwrap();
    let mut restored: Metrics = postcard::from_bytes(&bytes).unwrap();
    second.iter().for_each(|record| restored.record(record));
    let results = straight.finish(end);
    assert_eq!(results, restored.finish(end));
    let life = &results.life;
    let there =
        life.running_at_end + life.starting_at_end + life.pending_at_end + life.interrupted_at_end;
    assert_eq!(life.submitted + life.replaced, life.finished + life.removed + there);
    assert_eq!(life.lost, life.replaced);
    assert_eq!(results.pods.lines.len() as u64, life.submitted + life.replaced);
    assert_eq!(results.end, Some(RunEnd::Until));
    assert_eq!(results.facts, records.len() as u64);
}

#[test]
fn samples_stay_between_one_and_two_times_the_number_asked_for() {
    for until in [None, Some(Time::from_secs(7200)), Some(Time::from_secs(10))] {
        let settings = Settings { samples: 50, until, keep_pods: 10, ..Settings::default() };
        let results = example(settings);
        let seconds = &results.series.seconds;
        assert!((50..=101).contains(&seconds.len()), "{until:?}: {}", seconds.len());
        let step = seconds[1] - seconds[0];
        assert!(seconds.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() < 1e-6));
        assert_eq!(results.pods.lines.len(), 10);
        assert!(results.pods.not_kept > 0);
    }
}

proptest! {
    #[test]
    fn allocation_is_the_sum_of_requests_times_the_time_held(
        pods in prop::collection::vec((0u64..80, 0u64..60, 0u32..2, any::<bool>()), 0..40),
    ) {
        let mut facts = Vec::new();
        let mut core_seconds = 0;
        for (number, (start, length, node, finishes)) in pods.iter().enumerate() {
            let (number, end) = (number as u32, start + length);
            let pod = PodUid(number);
            facts.extend([(*start, created(number, 1)), (*start, bound(number, *node))]);
            if end < 100 {
                if *finishes {
                    facts.push((end, Fact::Finished { pod }));
                }
                facts.push((end, Fact::Removed { pod }));
            }
            core_seconds += end.min(100) - start;
        }
        facts.sort_by_key(|(at, _)| *at);
        let results = fold(&facts, 100);
        let mean = catalog::value(&results, "placement.allocation_ratio.cpu.mean").unwrap();
        prop_assert!((mean * 800.0 - core_seconds as f64).abs() < 1e-6);
        let nodes: f64 = results.nodes.iter().map(|node| node.allocation[0] * 400.0).sum();
        prop_assert!((nodes - core_seconds as f64).abs() < 1e-6);
    }
}
