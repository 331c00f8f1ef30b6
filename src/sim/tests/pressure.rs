//! Memory, disk and CPU that pods really use, and what follows.

use super::lab::*;
use super::times;
use crate::ground::{Bytes, MilliCpu, Span, Time};
use crate::journal::Fact;
use crate::model::{Behaviour, ContainerEnd, FailedReason, Pressure, RestartPolicy, Usage};

fn grows(start: u64, per_hour: u64) -> Usage {
    Usage::Growth { start: start * MIB, per_hour: per_hour * MIB, most: u64::MAX / 2 }
}

#[test]
fn memory_above_the_limit_is_killed() {
    let leaking = Behaviour { memory: grows(64, 3600), ..Behaviour::default() };
    let facts = Lab::new()
        .app("app:v1", 1, leaking)
        .pod(|spec, names| {
            app(spec, names);
            spec.containers[0].limits.memory = Bytes(128 * MIB);
        })
        .facts(150);
    // A MiB per second: 64 seconds from 64 to 128 MiB, and a byte more.
    let (ended, end, code) = ends(&facts)[0];
    assert_eq!((end, code), (ContainerEnd::OomKilled, 137));
    let took = ended.since(starts(&facts)[0]);
    assert!(took > secs(64) && took < secs(64) + Span::from_nanos(2000), "{took}");
    assert_eq!(starts(&facts).len(), 3, "restarted at once, then after 10 s and more");
}

#[test]
fn memory_that_grows_gets_the_worst_pod_evicted() {
    let mut lab = Lab::new();
    lab.params.kubelet.node_status = Span::from_secs(1);
    let facts = lab
        .app("leak:v1", 1, Behaviour { memory: grows(1024, 36_000), ..Behaviour::default() })
        .app("calm:v1", 1, Behaviour { memory: Usage::Constant(GIB), ..Behaviour::default() })
        .pod(|spec, names| {
            spec.containers = vec![container("main", Some("calm:v1"), names)];
            spec.containers[0].requests.memory = Bytes(2 * GIB);
        })
        .pod(|spec, names| spec.containers = vec![container("main", Some("leak:v1"), names)])
        .facts(4000);
    // 16.1 GiB in all: at 10 MiB/s, the leak crosses 15 GiB (less the calm GiB) after 1434 s; the
    // loop looks every 10 s, and the kernel would act 10 s later.
    let stopping = one(&facts, |fact| matches!(fact, Fact::Stopping { .. }));
    let leak = starts(&facts)[1];
    let crossed = leak + secs((16 * 1024 - 1024 - 1024) / 10);
    assert!(stopping >= crossed && stopping <= crossed + secs(11), "{stopping} {crossed}");
    assert_eq!(failures(&facts)[0].1, FailedReason::EvictedMemory);
    let pressure = |on| {
        let which = move |fact: &Fact| match *fact {
            Fact::NodePressure { pressure, on: is, .. } => pressure == Pressure::Memory && is == on,
            _ => false,
        };
        times(&facts, which)
    };
    assert!(pressure(true)[0].since(stopping) < secs(2));
    let gone = pressure(false)[0].since(stopping);
    assert!(gone >= secs(300) && gone < secs(315), "kept for five minutes: {gone}");
}

#[test]
fn memory_that_grows_faster_than_the_loop_looks_is_killed_by_the_kernel() {
    let fast = Behaviour { memory: grows(64, 3_600_000), ..Behaviour::default() };
    let facts = Lab::new().app("app:v1", 1, fast).pod(app).facts(60);
    let (ended, end, code) = ends(&facts)[0];
    assert_eq!((end, code), (ContainerEnd::OomKilled, 137));
    let took = ended.since(starts(&facts)[0]);
    // 1000 MiB a second up to 16.1 GiB.
    assert!(took > secs(16) && took < secs(17), "{took}");
}

#[test]
fn a_full_disk_loses_images_first_and_pods_then() {
    let mut lab = Lab::new();
    lab.node.disk_capacity = Bytes(10_000_000_000);
    let facts = lab
        .app("old:v1", 4000, Behaviour { run_for: after(10), ..Behaviour::default() })
        .app("new:v1", 4800, Behaviour::default())
        .pod(|spec, names| {
            spec.containers = vec![container("main", Some("old:v1"), names)];
            spec.restart_policy = RestartPolicy::Never;
        })
        .pod_at(Time::from_secs(300), |spec, names| {
            spec.containers = vec![container("main", Some("new:v1"), names)];
        })
        .facts(3000);
    // 8.8 of 10 GB are above the 85 % at which images go and above the threshold for eviction:
    // within ten seconds the image that nobody uses goes, and no pod.
    let collected: Vec<(u32, Bytes)> = facts
        .iter()
        .filter_map(|record| match record.fact {
            Fact::ImagesCollected { images, freed, .. } => Some((images, freed)),
            _ => None,
        })
        .collect();
    assert_eq!(collected, [(1, Bytes(4_000_000_000))]);
    assert!(failures(&facts).is_empty());
}

#[test]
fn a_pod_above_its_own_storage_limit_goes() {
    let disk = Usage::Growth { start: 0, per_hour: 3_600_000_000, most: u64::MAX / 2 };
    let facts = Lab::new()
        .app("app:v1", 1, Behaviour { disk, ..Behaviour::default() })
        .pod(|spec, names| {
            app(spec, names);
            spec.containers[0].limits.ephemeral_storage = Bytes(100_000_000);
        })
        .facts(300);
    let (at, reason) = failures(&facts)[0];
    assert_eq!(reason, FailedReason::EvictedLocalStorage);
    let took = at.since(starts(&facts)[0]);
    assert!(took > secs(100) && took < secs(112), "{took}");
}

#[test]
fn cpu_limits_hold_back() {
    let busy = Behaviour { cpu: Usage::Constant(1000), run_for: after(60), ..Behaviour::default() };
    let facts = Lab::new()
        .app("app:v1", 1, busy)
        .pod(|spec, names| {
            app(spec, names);
            spec.containers[0].limits.cpu = MilliCpu(250);
            spec.restart_policy = RestartPolicy::Never;
        })
        .facts(400);
    let (ended, end, _) = ends(&facts)[0];
    assert_eq!((ended.since(starts(&facts)[0]), end), (secs(240), ContainerEnd::Completed));
    let throttled = times(&facts, |fact| matches!(fact, Fact::Throttled { .. }));
    assert_eq!(throttled, [starts(&facts)[0], ended]);
    let used: Vec<u64> = facts
        .iter()
        .filter_map(|record| match record.fact {
            Fact::UsageSet { memory: false, amount, .. } => Some(amount),
            _ => None,
        })
        .collect();
    assert_eq!(used, [250, 0]);
}
