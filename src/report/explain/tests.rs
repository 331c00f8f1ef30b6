//! Lives told from facts written by hand.

use super::*;
use crate::experiment::PodRef;
use crate::ground::{Bytes, Id, Name, Span, Time};
use crate::journal::{DeletionCause, Fact, Follow, PullOutcome, Record, Sink};
use crate::model::{
    Application, Behaviour, Catalog, Condition, Container, ContainerEnd, ContainerWait, DeviceMask,
    FailedReason, Layer, NodeId, NodeSpecId, PluginSet, PodSpec, PodSpecId, PodUid, Pressure,
    ProbeKind, WorkloadId,
};
use crate::report::Look;

const POD: PodUid = PodUid(0);
const NODE: NodeId = NodeId(0);
const MAIN: u8 = 1;

/// The catalog of a pod with an init container `setup` and a container `main` of 98 MB.
fn catalog() -> Catalog {
    let mut catalog = Catalog::new();
    let [namespace, scheduler] = ["default", "default-scheduler"].map(|t| catalog.names.intern(t));
    let [setup, main, image, base] =
        ["setup", "main", "web:v1", "base"].map(|text| catalog.names.intern(text));
    let mut spec = PodSpec::new(namespace, scheduler);
    spec.init_containers.push(Container::new(setup));
    spec.containers.push(Container { image: Some(image), ..Container::new(main) });
    assert_eq!(catalog.intern_pod_spec(&spec).0, PodSpecId(0));
    let layer = Layer { name: base, compressed: Bytes(98_000_000), unpacked: Bytes(250_000_000) };
    let behaviour = Behaviour::default();
    catalog.describe(Application { image, layers: vec![layer], missing: false, behaviour });
    for text in ["web", "web-", "general-5", "web-3"] {
        catalog.names.intern(text);
    }
    catalog
}

fn created(pod: PodUid, number: u32, catalog: &Catalog) -> Fact {
    let stem = catalog.names.find("web-").unwrap();
    let (spec, workload) = (PodSpecId(0), WorkloadId(0));
    Fact::PodCreated { pod, spec, workload, stem, number, digits: 1 }
}

/// The life of `web-3`, told from facts with their times in milliseconds, at a time in seconds.
fn told(facts: &[(u64, Fact)], at: u64) -> Explanation {
    let catalog = catalog();
    let name = |text: &str| catalog.names.find(text).unwrap();
    let mut follow = Follow::new("default", "web-3");
    for number in 0..catalog.names.len() {
        let name = Name::from_index(number);
        follow.name(name, catalog.names.text(name));
    }
    let workload = WorkloadId(0);
    let (node_name, spec) = (name("general-5"), NodeSpecId(0));
    let head = [
        Fact::WorkloadDefined { workload, name: name("web"), replicas: 3, min_serving: 2 },
        Fact::NodeAdded { node: NODE, name: node_name, spec },
        created(POD, 3, &catalog),
    ];
    let start = head.into_iter().map(|fact| (0, fact));
    for (millis, fact) in start.chain(facts.iter().copied()) {
        let at = Time::ZERO + Span::from_millis(millis);
        follow.record(&Record { at, fact });
    }
    let at = Time::from_secs(at);
    for trail in &mut follow.trails {
        trail.close(at);
    }
    let wanted = PodRef::parse("web-3").unwrap();
    let followed = Followed { wanted, at, catalog, follow, outlook: None };
    let head = ExplainHead {
        scenario: "hand".to_owned(),
        variant: String::new(),
        seed: 1,
        command: "wavetank explain hand.yaml --pod web-3".to_owned(),
    };
    explanation(&followed, &head).unwrap()
}

const BOUND: Fact = Fact::Bound { pod: POD, node: NODE, devices: DeviceMask(0) };

fn started(container: u8, restarts: u32) -> Fact {
    Fact::ContainerStarted { pod: POD, container, restarts }
}

fn ended(container: u8, end: ContainerEnd, exit_code: u8) -> Fact {
    Fact::ContainerEnded { pod: POD, container, end, exit_code }
}

/// `what: why` of every step.
fn lines(told: &Explanation) -> Vec<String> {
    told.steps.iter().map(|step| format!("{}: {}", step.what, step.why)).collect()
}

#[test]
fn a_healthy_life_in_words() {
    let catalog = catalog();
    let image = catalog.names.find("web:v1").unwrap();
    let pod = POD;
    let told = told(
        &[
            (20, Fact::Queued { pod }),
            (30, BOUND),
            (50, Fact::Admitted { pod }),
            (800, Fact::SandboxReady { pod }),
            (800, started(0, 0)),
            (1800, ended(0, ContainerEnd::Completed, 0)),
            (1800, Fact::PullBegan { pod, container: MAIN, image }),
            (4200, Fact::PullEnded { pod, container: MAIN, outcome: PullOutcome::Pulled }),
            (4300, started(MAIN, 0)),
            (4310, Fact::Started { pod }),
            (
                9300,
                Fact::ProbeChanged {
                    pod,
                    container: MAIN,
                    probe: ProbeKind::Readiness,
                    well: true,
                },
            ),
            (9310, Fact::Ready { pod }),
        ],
        60,
    );
    let expected = [
        "created: by the service web",
        "entered the queue: the scheduler saw it",
        "bound to general-5: ",
        "admitted: its kubelet prepares volumes and sandbox",
        "sandbox is ready: volumes and network are there, too",
        "container setup started: for the first time",
        "container setup ended with exit code 0: Completed: by itself, well",
        "pulling web:v1 (98 MB): for container main",
        "image of main is there: it was pulled",
        "container main started: for the first time",
        "running: the store learned that all containers started",
        "readiness probe of main succeeds: it may get traffic",
        "ready: as the store learned",
    ];
    assert_eq!(lines(&told), expected);
    assert_eq!(told.answer, "web-3 is ready on general-5 since 9.31s, for 50.7s now.");
    assert_eq!((told.state.as_str(), told.node.as_deref()), ("ready", Some("general-5")));
    assert_eq!(told.steps[4].fact, "SandboxReady");
}

#[test]
fn a_crash_loop_is_folded_after_three_rounds() {
    let mut facts =
        vec![(20, Fact::Queued { pod: POD }), (30, BOUND), (50, Fact::Admitted { pod: POD })];
    for round in 0..20u32 {
        let begin = 1000 + 400_000 * u64::from(round);
        let until = Time::ZERO + Span::from_millis(begin + 400_000);
        let wait = ContainerWait::CrashLoopBackOff;
        facts.push((begin, started(MAIN, round)));
        facts.push((begin + 5000, ended(MAIN, ContainerEnd::OomKilled, 137)));
        let fact = Fact::ContainerWaiting { pod: POD, container: MAIN, wait, until };
        facts.push((begin + 5000, fact));
    }
    let told = told(&facts, 7700);
    assert_eq!(told.steps.len(), 4 + 60, "the data has every step");
    let end = "web-3 starts on general-5, bound 2h8m ago: container main waits until 2h13m21s \
               (CrashLoopBackOff).";
    assert_eq!(told.answer, end);
    let text = explanation_text(&told, Look { width: 200, colour: false });
    println!("{text}");
    assert_eq!(text.matches("OOMKilled").count(), 3);
    assert!(text.contains("51 more steps"), "{text}");
    assert!(text.contains("17 x container main ended with"), "{text}");
    for line in explanation_text(&told, Look { width: 70, colour: false }).lines() {
        assert!(line.chars().count() <= 70, "{line}");
    }
}

#[test]
fn refused_attempts_of_the_same_plugins_are_folded() {
    let plugins = PluginSet::of(&[crate::model::Plugin::NodeResourcesFit]);
    let refused = |second: u64| (second * 1000, Fact::Refused { pod: POD, refusers: plugins });
    let facts: Vec<(u64, Fact)> =
        [(20, Fact::Queued { pod: POD })].into_iter().chain((1..40).map(refused)).collect();
    let told = told(&facts, 50);
    assert_eq!((told.state.as_str(), told.attempts.len()), ("pending", 39));
    let text = explanation_text(&told, Look { width: 200, colour: false });
    assert!(text.contains("36 x attempt refused by NodeResourcesFit"), "{text}");
    assert!(text.contains("Attempts 1 to 39, the last at 0:00:39.000: no node"), "{text}");
    assert!(told.answer.contains("the last of 39 attempts, 11s ago"), "{}", told.answer);
}

#[test]
fn every_way_out_has_its_sentence() {
    let pod = POD;
    let evicted = Fact::Deleting { pod, cause: DeletionCause::TaintEviction };
    let crashed = (40_000, Fact::NodeCrashed { node: NODE });
    let lived = [(30, BOUND), (1000, Fact::Started { pod }), (1000, Fact::Ready { pod })];
    let catalog = catalog();
    let replaced = [
        (91_000, created(PodUid(1), 7, &catalog)),
        (91_000, Fact::Replaced { pod: PodUid(1), lost: pod }),
    ];
    type Case<'a> = (&'a [(u64, Fact)], &'a str, &'a str);
    let cases: [Case<'_>; 8] = [
        (&[(90_000, Fact::Finished { pod })], "finished", "finished well on general-5 at 1m30s"),
        (
            &[(90_000, Fact::Failed { pod, reason: FailedReason::EvictedMemory })],
            "failed",
            "failed on general-5 at 1m30s: Evicted: its node ran out of memory",
        ),
        (&[crashed], "ready", "counts as ready on general-5, but general-5 has no power since 40s"),
        (
            &[crashed, (80_000, Fact::Unready { pod })],
            "not-ready",
            "is on general-5, and not ready since 1m20s: general-5 has no power since 40s",
        ),
        (
            &[crashed, (90_000, evicted), replaced[0], replaced[1]],
            "stopping",
            "is stopping on general-5 since 1m30s: evicted: it does not tolerate a taint of its \
             node, or not for longer; nobody can stop it, its node has no power since 40s; web-7 \
             takes its place",
        ),
        (
            &[(90_000, evicted), (90_500, Fact::Removed { pod })],
            "removed",
            "is gone since 1m30s: evicted: it does not tolerate a taint of its node, or not for \
             longer",
        ),
        (
            &[(90_000, ended(MAIN, ContainerEnd::Error, 1)), (90_010, Fact::Unready { pod })],
            "not-ready",
            "is on general-5, and not ready since 1m30s: container main ended",
        ),
        (&[], "ready", "is ready on general-5 since 1s, for 1m59s now"),
    ];
    for (more, state, sentence) in cases {
        let facts: Vec<(u64, Fact)> = lived.iter().chain(more).copied().collect();
        let told = told(&facts, 120);
        assert_eq!((told.state.as_str(), told.answer), (state, format!("web-3 {sentence}.")));
    }
}

#[test]
fn a_pod_that_nobody_looked_at_is_pending() {
    let told = told(&[], 5);
    assert_eq!(told.answer, "web-3 is pending since 5s: the scheduler has not looked at it.");
}

#[test]
fn what_happens_to_its_node_is_told() {
    let pod = POD;
    let told = told(
        &[
            (30, BOUND),
            (1000, Fact::NodePressure { node: NODE, pressure: Pressure::Disk, on: true }),
            (2000, Fact::ImagesCollected { node: NODE, images: 3, freed: Bytes(1_500_000_000) }),
            (3000, Fact::NodeCondition { node: NODE, ready: Condition::Unknown }),
            (4000, Fact::NodeTainted { node: NODE, on: true }),
            (5000, Fact::UsageSet { pod, memory: true, amount: 200_000_000, per_hour: 50_000_000 }),
            (6000, Fact::Throttled { pod, on: true }),
            (7000, Fact::Stopping { pod, grace: Span::from_secs(30) }),
        ],
        60,
    );
    let expected = [
        "general-5 runs out of disk: pods may be evicted",
        "general-5 threw 3 images away: its disk was full; 1.5 GB became free",
        "general-5 is Unknown: its kubelet has been silent for too long",
        "general-5 is tainted as unreachable: pods may stay as long as they tolerate",
        "uses 200 MB of memory: and 50 MB more every hour",
        "held back: it wants more CPU than its limits allow",
        "containers are told to stop: what still runs after 30s is killed",
    ];
    assert_eq!(lines(&told)[2..], expected);
}

#[test]
fn an_explanation_follows_its_schema() {
    let told = told(&[(20, Fact::Queued { pod: POD }), (30, BOUND)], 5);
    let text = serde_json::to_string(&told).unwrap();
    assert_eq!(serde_json::from_str::<Explanation>(&text).unwrap(), told);
    assert!(text.starts_with(r#"{"schema":"wavetank.explain/1","#));
    let schema = explain_schema().to_value();
    let known = schema["properties"].as_object().unwrap();
    let written: serde_json::Value = serde_json::from_str(&text).unwrap();
    for field in written.as_object().unwrap().keys() {
        assert!(known.contains_key(field), "{field} is in the schema");
        assert!(known[field]["description"].is_string(), "{field} is described");
    }
}
