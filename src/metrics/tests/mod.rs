//! Facts in, numbers out: hand-written sequences with the numbers that they must give.

mod nodes;
mod recovery;
mod releases;
mod whole;

use super::{Metrics, PodEnd, Results, Settings, catalog};
use crate::ground::{Name, Span, Time};
use crate::journal::{Fact, Record, Sink};
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
