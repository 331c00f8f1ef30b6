//! Faults: when they strike and whom.

use super::*;
use crate::ground::{Draws, Time, math};
use crate::model::{Stimulus, Timed};
use crate::stimulus::Source;

fn plan(number: usize, params: &str, nodes: &[u32]) -> FaultPlan {
    let params: FaultParams = serde_json::from_str(params).unwrap();
    assert_eq!(params.check(), []);
    let target = |n: &u32| NodeTarget { position: *n, name: format!("node-{n}") };
    FaultPlan {
        path: format!("faults.{number}"),
        params,
        units: nodes.iter().map(target).map(FaultUnit::from).collect(),
    }
}

fn until(source: &mut FaultSource, end: Time) -> Vec<(Time, Stimulus)> {
    let mut all = Vec::new();
    while let Some(stimulus) = source.next().unwrap() {
        if stimulus.at >= end {
            break;
        }
        all.push((stimulus.at, stimulus.what));
    }
    all
}

fn at(hours: u64) -> Time {
    Time::from_secs(hours * 3600)
}

#[test]
fn faults_come_at_their_times_and_end() {
    for (params, expected) in [
        (r#"{"action": "node-crash", "at": "5h"}"#, vec![(5, 4, true), (5, 7, true)]),
        (
            r#"{"action": "node-crash", "at": "1h", "repair": "0s"}"#,
            vec![(1, 4, true), (1, 7, true), (1, 4, false), (1, 7, false)],
        ),
        (
            r#"{"action": "node-restart", "at": "1h", "every": "3h", "duration": "1h"}"#,
            vec![
                (1, 4, true),
                (1, 7, true),
                (2, 4, false),
                (2, 7, false),
                (4, 4, true),
                (4, 7, true),
                (5, 4, false),
                (5, 7, false),
            ],
        ),
        // One ends as the next begins: the beginning comes first.
        (
            r#"{"action": "network-partition", "every": "2h", "duration": "2h",
                "mode": {"fixed": 9}}"#,
            vec![(2, 4, true), (2, 7, true), (4, 4, true), (4, 7, true), (4, 4, false)],
        ),
    ] {
        let mut source = FaultSource::open(&[plan(0, params, &[4, 7])], Draws::new(1)).unwrap();
        let found: Vec<_> = (0..expected.len())
            .filter_map(|_| source.next().unwrap())
            .map(|Timed { at, what }| match what {
                Stimulus::Fault { node, on, .. } => {
                    (at.since_start().as_secs_f64() / 3600.0, node, on)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        let wanted: Vec<_> =
            expected.into_iter().map(|(hour, node, on)| (f64::from(hour), node, on)).collect();
        assert_eq!(found, wanted, "{params}");
    }
}

#[test]
fn what_is_in_one_domain_fails_together() {
    let params = r#"{"action": "rack-outage", "duration": {"uniform": {"min": "1h",
        "max": "6h"}}, "rate": {"time_to_failure": {"exponential": {"mean": "30d"}}}}"#;
    let racks = [vec![0, 3, 6], vec![1, 4], vec![2, 5]];
    let named = |(at, nodes): (usize, &Vec<u32>)| FaultUnit {
        name: format!("rack-{at}"),
        nodes: nodes.clone(),
    };
    let units = racks.iter().enumerate().map(named).collect();
    let plan = FaultPlan { units, ..plan(0, params, &[]) };
    let mut source = FaultSource::open(&[plan], Draws::new(4)).unwrap();
    let rows = until(&mut source, at(24 * 1000));
    assert!(rows.len() > 200, "{}", rows.len());
    let mut left = rows.as_slice();
    while let Some((time, Stimulus::Fault { node, on, .. })) = left.first() {
        let rack = racks.iter().find(|rack| rack.contains(node)).unwrap();
        if left.len() < rack.len() {
            break; // the last one is cut
        }
        let (together, rest) = left.split_at(rack.len());
        for ((at, what), member) in together.iter().zip(rack) {
            let Stimulus::Fault { node, on: also, .. } = what else { panic!("{what:?}") };
            assert_eq!((at, node, also), (time, member, on));
        }
        left = rest;
    }
}

#[test]
fn modes_strike_as_many_as_they_say() {
    let nodes: Vec<u32> = (0..50).collect();
    let struck = |mode: &str| -> Vec<Vec<u32>> {
        let params = format!(
            r#"{{"action": "node-crash", "every": "10h", "repair": "1h", "mode": {mode}}}"#
        );
        let mut source = FaultSource::open(&[plan(0, &params, &nodes)], Draws::new(2)).unwrap();
        let mut strikes: Vec<Vec<u32>> = vec![Vec::new(); 400];
        for (time, what) in until(&mut source, at(4000)) {
            let Stimulus::Fault { node, on, .. } = what else { panic!("{what:?}") };
            let hour = (time.since_start().as_secs_f64() / 3600.0) as usize;
            if on {
                assert_eq!(hour % 10, 0);
                strikes[hour / 10].push(node);
            }
        }
        strikes.split_off(1)
    };
    for (mode, size) in [
        ("\"one\"", 1),
        (r#"{"fixed": 7}"#, 7),
        (r#"{"fixed-percent": "15%"}"#, 7),
        ("\"all\"", 50),
    ] {
        let strikes = struck(mode);
        assert!(strikes.iter().all(|nodes| nodes.len() == size && nodes.is_sorted()), "{mode}");
        let mut hits = [0; 50];
        strikes.iter().flatten().for_each(|node| hits[*node as usize] += 1);
        // 399 strikes of `size` of 50: four standard deviations.
        let share = size as f64 / 50.0;
        let spread = 4.0 * (399.0 * share * (1.0 - share)).sqrt();
        let even = |hits: &i32| (f64::from(*hits) - 399.0 * share).abs() <= spread;
        assert!(hits.iter().all(even), "{mode}: {hits:?}");
    }
    let sizes: Vec<usize> =
        struck(r#"{"random-max-percent": "40%"}"#).iter().map(Vec::len).collect();
    let mean = sizes.iter().sum::<usize>() as f64 / sizes.len() as f64;
    // 0 to 40 %, each alike, rounded down: 9.76 on average.
    assert!((mean - 9.76).abs() < 4.0 * 6.0 / 20.0, "{mean}");
    assert_eq!(sizes.iter().max(), Some(&20));
}

#[test]
fn lemons_fail_more_often() {
    let nodes: Vec<u32> = (0..400).collect();
    let params = r#"{"action": "node-crash", "repair": "1m",
        "rate": {"lemons": 1.0, "time_to_failure": {"exponential": {"mean": "10d"}}}}"#;
    let mut source = FaultSource::open(&[plan(0, params, &nodes)], Draws::new(6)).unwrap();
    let mut counts = vec![0u32; 400];
    for (_, what) in until(&mut source, at(24 * 365)) {
        if let Stimulus::Fault { node, on: true, .. } = what {
            counts[node as usize] += 1;
        }
    }
    counts.sort_unstable();
    let median = f64::from(counts[200]);
    // Factors have median 1, and the tenth part of the nodes has more than exp(1.2816) = 3.6.
    assert!((median - 36.5).abs() < 6.0, "{median}");
    assert!((f64::from(counts[360]) / 36.5 - 3.6).abs() < 0.8, "{}", counts[360]);
}

const AGEING: &str = r#"{"action": "node-crash",
    "rate": {"time_to_failure": {"weibull": {"shape": 0.7, "mean": "10d"}}},
    "repair": {"lognormal": {"median": "1h", "mean": "6h"}}}"#;

#[test]
fn failures_do_not_depend_on_the_other_nodes_and_faults() {
    let of_node = |plans: &[FaultPlan]| {
        let mut source = FaultSource::open(plans, Draws::new(5)).unwrap();
        let mut all = until(&mut source, at(24 * 365));
        all.retain(|(_, what)| matches!(what, Stimulus::Fault { node: 3, .. }));
        all
    };
    let alone = of_node(&[plan(0, AGEING, &[3])]);
    assert!(alone.len() > 20, "{}", alone.len());
    assert_eq!(of_node(&[plan(0, AGEING, &[0, 9, 3, 1])]), alone);
    assert_eq!(of_node(&[plan(0, AGEING, &[3]), plan(1, AGEING, &[0, 1])]), alone);
    assert_ne!(of_node(&[plan(1, AGEING, &[3])]), alone);
}

#[test]
fn down_time_and_number_of_failures_are_those_of_renewal_theory() {
    let nodes: Vec<u32> = (0..200).collect();
    let mut source = FaultSource::open(&[plan(0, AGEING, &nodes)], Draws::new(9)).unwrap();
    let end = at(24 * 400);
    let all = until(&mut source, end);
    let crashes = all.iter().filter(|(_, what)| matches!(what, Stimulus::Fault { on: true, .. }));
    // One in 10.25 days each; the ageing of a new node adds (c^2 - 1) / 2 of about 0.6.
    let expected = 200.0 * (400.0 / 10.25 + 0.6);
    let got = crashes.count() as f64;
    assert!((got / expected - 1.0).abs() < 0.04, "{got}, not {expected}");
}

#[test]
fn equilibrium_begins_with_the_residual_life() {
    // Shape 0.5 and mean 2 days: F(x) = 1 - exp(-sqrt(x)), and the residual life has the
    // distribution function 1 - (1 + sqrt(x)) exp(-sqrt(x)), x in days.
    let nodes: Vec<u32> = (0..4000).collect();
    let params = r#"{"action": "node-crash", "rate": {"start": "equilibrium",
        "time_to_failure": {"weibull": {"shape": 0.5, "mean": "2d"}}}}"#;
    let mut source = FaultSource::open(&[plan(0, params, &nodes)], Draws::new(3)).unwrap();
    let first = until(&mut source, Time::MAX);
    assert_eq!(first.len(), 4000);
    for (number, (at, _)) in first.iter().enumerate() {
        let root = (at.as_secs_f64() / 86_400.0).sqrt();
        let share = 1.0 - (1.0 + root) * math::exp(-root);
        let gap = (number as f64 / 4000.0 - share).abs();
        assert!(gap < 1.95 / 4000f64.sqrt(), "{at}: {gap}");
    }
}

#[test]
fn a_cursor_at_any_point_continues() {
    let plans = [
        plan(0, AGEING, &[0, 1, 2]),
        plan(1, r#"{"action": "node-crash", "at": "30d", "repair": "20d"}"#, &[1, 2]),
        plan(2, r#"{"action": "node-crash", "at": "60d"}"#, &[2]),
        plan(
            3,
            r#"{"action": "network-partition", "every": "7d", "duration": "1d",
                "mode": {"random-max-percent": "100%"}}"#,
            &[0, 1, 2, 3],
        ),
    ];
    let draws = Draws::new(11);
    let end = at(24 * 100);
    let straight = until(&mut FaultSource::open(&plans, draws).unwrap(), end);
    let mut source = FaultSource::open(&plans, draws).unwrap();
    for given in 0..straight.len() {
        let cursor = postcard::to_stdvec(&source.cursor()).unwrap();
        let cursor = postcard::from_bytes(&cursor).unwrap();
        let mut again = FaultSource::open_at(&plans, draws, &cursor).unwrap();
        assert_eq!(until(&mut again, end), straight[given..]);
        source.next().unwrap();
    }
}

#[test]
fn impossible_faults_say_what_to_do() {
    for (params, part) in [
        (r#"{"action": "node-crash"}"#, "either a time `at` or a `rate`"),
        (
            r#"{"action": "node-crash", "at": "1s", "nodes": ["a"], "selector": {"b": "c"}}"#,
            "stands beside `nodes`",
        ),
        (r#"{"action": "node-crash", "at": "1s", "duration": "1h"}"#, "no `duration`"),
        (r#"{"action": "zone-outage", "at": "1s", "repair": "1h"}"#, "no `repair`"),
        (r#"{"action": "node-restart", "at": "1s"}"#, "comes back"),
        (r#"{"action": "node-crash", "at": "1s", "domain": "a"}"#, "by themselves"),
        (r#"{"action": "node-crash", "at": "1s", "direction": "to"}"#, "no direction"),
        (r#"{"action": "node-crash", "at": "1s", "mode": {"fixed": 0}}"#, "strikes nothing"),
        (
            r#"{"action": "node-crash", "at": "1s", "mode": {"fixed-percent": "0.5%"}}"#,
            "whole percent",
        ),
        (r#"{"action": "node-crash", "every": "0s"}"#, "time would stand still"),
        (
            r#"{"action": "node-crash", "rate": {"time_to_failure": "0s"}}"#,
            "time would stand still",
        ),
        (
            r#"{"action": "node-crash", "rate": {"start": "equilibrium",
                "time_to_failure": {"normal": {"mean": "1d", "sd": "1h"}}}}"#,
            "a normal distribution; use `start: new`",
        ),
    ] {
        let params: FaultParams = serde_json::from_str(params).unwrap();
        let problems = params.check();
        assert!(problems[0].text.contains(part), "{problems:?}");
    }
    let unknown = r#"{"action": "nodecrash", "at": "1s"}"#;
    let error = serde_json::from_str::<FaultParams>(unknown).unwrap_err().to_string();
    assert!(error.contains("`node-crash`"), "{error}");
}
