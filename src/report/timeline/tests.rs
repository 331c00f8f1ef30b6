//! The time line as a viewer takes it: valid JSON, times that never go back, slices that end.

use super::*;
use crate::metrics::Example;
use crate::model::{ContainerEnd, ContainerWait, DeviceMask, NodeSpecId, WorkloadId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const ALL: TimelineLimits = TimelineLimits { pods: 5_000, events: 1_000_000, partial: false };

/// Reads a time line and checks what every one must keep to.
fn checked(bytes: &[u8]) -> Value {
    let file: Value = serde_json::from_slice(bytes).expect("valid JSON");
    let mut open: BTreeMap<(u64, u64), u32> = BTreeMap::new();
    let mut named = BTreeSet::new();
    let mut last = 0.0;
    for event in file["traceEvents"].as_array().unwrap() {
        let track = (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap());
        let kind = event["ph"].as_str().unwrap();
        if kind == "M" {
            assert!(event["args"]["name"].is_string() || event["args"]["sort_index"].is_u64());
            named.insert(track);
            continue;
        }
        let at = event["ts"].as_f64().unwrap();
        assert!(at >= last, "time goes back: {event}");
        last = at;
        assert!(named.contains(&track), "a track without a name: {event}");
        let depth = open.entry(track).or_default();
        match kind {
            "B" => *depth += 1,
            "E" => *depth = depth.checked_sub(1).expect("ended without a beginning"),
            "i" => assert_eq!(event["s"], "t"),
            other => panic!("{other}"),
        }
        assert!(*depth <= 1, "slices overlap: {event}");
    }
    assert!(open.values().all(|depth| *depth == 0), "something never ends");
    file
}

fn example(limits: TimelineLimits) -> (Drawn, Vec<u8>) {
    let mut writer = TimelineWriter::new(Vec::new(), limits);
    Example::tell(&mut writer, 7, true);
    writer.finish().unwrap()
}

/// Times in seconds and names of the slices of tracks with this name, in order.
fn slices(file: &Value, track: &str) -> Vec<(f64, String)> {
    let events = file["traceEvents"].as_array().unwrap();
    let named = |event: &&Value| event["name"] == "thread_name" && event["args"]["name"] == track;
    let tracks: BTreeSet<(u64, u64)> = events
        .iter()
        .filter(named)
        .map(|event| (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap()))
        .collect();
    let here = |event: &&Value| {
        let track = (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap());
        event["ph"] == "B" && tracks.contains(&track)
    };
    let slice = |event: &Value| {
        (event["ts"].as_f64().unwrap() / 1e6, event["name"].as_str().unwrap().to_owned())
    };
    events.iter().filter(here).map(slice).collect()
}

#[test]
fn a_whole_run_is_drawn() {
    let (drawn, bytes) = example(ALL);
    assert_eq!(drawn, Drawn::Whole);
    assert_eq!(bytes, example(ALL).1, "the same every time");
    let file = checked(&bytes);
    assert_eq!(file["otherData"]["schema"], TIMELINE_SCHEMA);
    assert_eq!(file["otherData"]["pods_not_drawn"], 0);
    let crashes = slices(&file, "node-003");
    assert_eq!(crashes, [(1800.0, "crash".to_owned())]);
    let text = String::from_utf8(bytes).unwrap();
    for part in ["\"lost with its node\"", "\"taint eviction\"", "\"refused\"", "unreachable"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn the_steps_of_one_pod_follow_each_other() {
    let mut writer = TimelineWriter::new(Vec::new(), ALL);
    for (number, text) in ["n\"0\"", "web-", "app", "app:v1"].into_iter().enumerate() {
        writer.name(Name(number as u32), text);
    }
    let (pod, node, spec) = (PodUid(0), NodeId(0), PodSpecId(0));
    let image = Name(3);
    let created = Fact::PodCreated {
        pod,
        spec,
        workload: WorkloadId(0),
        stem: Name(1),
        number: 0,
        digits: 1,
    };
    let (wait, until) = (ContainerWait::CrashLoopBackOff, Time::MAX);
    let end = ContainerEnd::OomKilled;
    let facts = [
        (0, Fact::NodeAdded { node, name: Name(0), spec: NodeSpecId(0) }),
        (0, Fact::ContainerDefined { spec, container: 0, init: false, name: Name(2), image }),
        (1, created),
        (2, Fact::Bound { pod, node, devices: DeviceMask::NONE }),
        (3, Fact::Admitted { pod }),
        (4, Fact::SandboxReady { pod }),
        (5, Fact::PullBegan { pod, container: 0, image }),
        (9, Fact::PullEnded { pod, container: 0, outcome: PullOutcome::Pulled }),
        (10, Fact::ContainerStarted { pod, container: 0, restarts: 0 }),
        (11, Fact::Started { pod }),
        (15, Fact::Ready { pod }),
        (20, Fact::ContainerEnded { pod, container: 0, end, exit_code: 137 }),
        (20, Fact::Unready { pod }),
        (20, Fact::ContainerWaiting { pod, container: 0, wait, until }),
        (30, Fact::ContainerStarted { pod, container: 0, restarts: 1 }),
        (31, Fact::Ready { pod }),
        (40, Fact::Failed { pod, reason: FailedReason::EvictedMemory }),
        (50, Fact::Removed { pod }),
    ];
    for (at, fact) in facts {
        writer.record(&Record { at: Time::from_secs(at), fact });
    }
    let file = checked(&writer.finish().unwrap().1);
    let steps = slices(&file, "web-0");
    let steps: Vec<(f64, &str)> = steps.iter().map(|(at, name)| (*at, name.as_str())).collect();
    let expected = [
        (1.0, "pending"),
        (2.0, "bound"),
        (3.0, "volumes and sandbox"),
        (4.0, "start"),
        (5.0, "pull"),
        (9.0, "start"),
        (11.0, "running, not ready"),
        (15.0, "ready"),
        (20.0, "running, not ready"),
        (20.0, "back-off"),
        (30.0, "running, not ready"),
        (31.0, "ready"),
    ];
    assert_eq!(steps, expected);
    let text = file.to_string();
    for part in ["app:v1", "CrashLoopBackOff", "OomKilled", "\"137\"", "failed: EvictedMemory"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn a_large_run_is_cut_or_has_none() {
    let few = TimelineLimits { pods: 100, ..ALL };
    assert_eq!(example(few).0, Drawn::TooLarge);
    let (drawn, bytes) = example(TimelineLimits { partial: true, ..few });
    let Drawn::Partly { pods, events: 0 } = drawn else { panic!("{drawn:?}") };
    let file = checked(&bytes);
    assert_eq!(file["otherData"]["pods"], 100);
    assert_eq!(file["otherData"]["pods_not_drawn"], pods);
    let short = TimelineLimits { events: 500, partial: true, ..ALL };
    let (drawn, bytes) = example(short);
    assert!(matches!(drawn, Drawn::Partly { pods: 0, events: 100.. }), "{drawn:?}");
    checked(&bytes);
    assert_eq!(example(TimelineLimits { events: 500, ..ALL }).0, Drawn::TooLarge);
}
