//! Pulls of images: turns, bandwidth, layers, policies, back-off.

use super::lab::*;
use super::times;
use crate::engine::Limits;
use crate::ground::{Bytes, Names, Span, Time};
use crate::journal::{Fact, Journal, PullOutcome, Record};
use crate::model::{Application, Behaviour, Layer, PodSpec, PullPolicy};
use crate::sim::Run;

#[test]
fn an_image_that_is_not_there_is_asked_for_less_and_less() {
    let mut lab = Lab::new().app("app:v1", 1, Behaviour::default()).pod(app);
    lab.missing.push("app:v1");
    let facts = lab.facts(1500);
    let failed =
        times(&facts, |fact| matches!(fact, Fact::PullEnded { outcome: PullOutcome::Failed, .. }));
    let began = times(&facts, |fact| matches!(fact, Fact::PullBegan { .. }));
    for (at, delay) in [10, 20, 40, 80, 160, 300].into_iter().enumerate() {
        let wait = began[at + 1].since(failed[at]);
        assert!(wait >= secs(delay) && wait <= secs(delay + 15), "{delay}: {wait}");
    }
    assert!(starts(&facts).is_empty());
}

#[test]
fn pulls_take_turns_and_share_what_is_there() {
    // 300 MB unpacked: 0.3 s, 120 MB at 50 MB/s, 3 s.
    let two = |lab: Lab| {
        lab.app("app:v1", 300, Behaviour::default())
            .app("other:v1", 300, Behaviour::default())
            .pod(app)
            .pod(|spec, names| {
                spec.containers = vec![container("main", Some("other:v1"), names)];
            })
    };
    let pulled = |facts: &[Record]| {
        let outcome =
            |fact: &Fact| matches!(fact, Fact::PullEnded { outcome: PullOutcome::Pulled, .. });
        times(facts, outcome)
    };
    let facts = two(Lab::new()).facts(60);
    let sandbox = millis(ADMITTED + 600);
    let one_pull = Span::from_millis(300 + 2400 + 3000);
    assert_eq!(pulled(&facts), [sandbox + one_pull, sandbox + one_pull * 2]);
    let mut parallel = Lab::new();
    parallel.params.kubelet.pulls.serialize = false;
    parallel.params.registry.node_rate = Bytes(60_000_000);
    let facts = two(parallel).facts(60);
    // The second pod comes 2 ms later. Alone at 50 MB/s for 2 ms, then both at 30 MB/s; at the end
    // the second alone again.
    let pulled = pulled(&facts);
    let alone: u64 = (120_000_000 - 100_000) * 1_000_000_000;
    let first = 2_000_000 + alone.div_ceil(30_000_000);
    let first = sandbox + Span::from_millis(300) + Span::from_nanos(first) + secs(3);
    assert_eq!(pulled[0], first);
    let left = 120_000_000_u64 - 30 * (120_000_000 - 100_000) / 30;
    assert_eq!(pulled[1], first + Span::from_nanos(left * 1_000_000_000 / 50_000_000));
    let mut narrow = Lab::new();
    narrow.params.kubelet.pulls.serialize = false;
    narrow.params.registry.egress = Some(Bytes(10_000_000));
    let facts = two(narrow).facts(60);
    let both = millis(ADMITTED + 600 + 300) + secs(24) + secs(3);
    let last = *times(&facts, |fact| matches!(fact, Fact::PullEnded { .. })).last().unwrap();
    assert!(last.since(both) < Span::from_millis(10), "{last} {both}");
}

#[test]
fn layers_are_shared() {
    let lab =
        Lab::new().app("a:v1", 300, Behaviour::default()).app("b:v1", 300, Behaviour::default());
    let lab = lab
        .pod(|spec, names| spec.containers = vec![container("main", Some("a:v1"), names)])
        .pod_at(Time::from_secs(30), |spec, names| {
            spec.containers = vec![container("main", Some("b:v1"), names)];
        });
    let (mut setup, script) = lab.setup();
    let names = ["a:v1", "b:v1"].map(|image| setup.catalog.names.find(image).unwrap());
    let base = setup.catalog.names.intern("base");
    for image in names {
        let own = Layer { name: image, compressed: Bytes(5_000_000), unpacked: Bytes(10_000_000) };
        let shared =
            Layer { name: base, compressed: Bytes(100_000_000), unpacked: Bytes(200_000_000) };
        let known = setup.catalog.application(image).unwrap().clone();
        setup.catalog.describe(Application { layers: vec![shared, own], ..known });
    }
    let mut run = Run::new(setup, script, Journal::keeping()).checking();
    run.run(&Limits::until(Time::from_secs(60)));
    let facts = run.sink().records();
    let began = times(facts, |fact| matches!(fact, Fact::PullBegan { .. }));
    let ended = times(facts, |fact| matches!(fact, Fact::PullEnded { .. }));
    // Two layers come over two connections: 105 MB at 100 MB/s, 210 MB unpacked.
    assert_eq!(ended[0].since(began[0]), Span::from_millis(300 + 1050 + 2100));
    assert_eq!(ended[1].since(began[1]), Span::from_millis(300 + 100 + 100));
}

#[test]
fn policies_of_pulls() {
    let pod = |policy| {
        move |spec: &mut PodSpec, names: &mut Names| {
            app(spec, names);
            spec.containers[0].pull_policy = policy;
        }
    };
    let facts = Lab::new()
        .app("app:v1", 300, Behaviour::default())
        .pod(pod(PullPolicy::Never))
        .pod_at(Time::from_secs(60), pod(PullPolicy::Always))
        .pod_at(Time::from_secs(120), pod(PullPolicy::Always))
        .pod_at(Time::from_secs(180), pod(PullPolicy::IfNotPresent))
        .facts(300);
    let outcomes: Vec<PullOutcome> = facts
        .iter()
        .filter_map(|record| match record.fact {
            Fact::PullEnded { outcome, .. } => Some(outcome),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, [PullOutcome::Pulled, PullOutcome::Confirmed]);
    let starts = starts(&facts);
    assert_eq!(starts.len(), 4);
    // The one that never pulls starts at one of its next looks after the image has come.
    let came =
        one(&facts, |fact| matches!(fact, Fact::PullEnded { outcome: PullOutcome::Pulled, .. }));
    assert!(starts[1] > came && starts[1] < came + secs(16), "{starts:?}");
}
