//! Kubelets from the simulator's face: a few pods, and arithmetic.

use super::lab::*;
use super::{Script, times};
use crate::engine::Limits;
use crate::ground::{Bytes, Id, Name, Names, Span, SpanDist, Time};
use crate::journal::{Fact, Journal, Record};
use crate::model::{
    Amounts, Behaviour, Catalog, Container, ContainerEnd, ContainerWait, FailedReason, Hook,
    NodeId, PodName, PodSpec, ProbeKind, ProbeParams, Probes, RestartPolicy, WorkloadId,
};
use crate::sim::{NodeSetup, PodSetup, Run, SimParams, Unprobed};

#[test]
fn the_life_of_a_pod_adds_up() {
    let mut lab = Lab::new().app("app:v1", 300, Behaviour::default()).pod(app);
    let there = crate::model::ImageOnNode { name: Name(0), size: Bytes(1) };
    for cached in [false, true] {
        let (mut setup, script) = lab.setup();
        if cached {
            let name = setup.catalog.names.find("app:v1").unwrap();
            lab.node.images = vec![crate::model::ImageOnNode { name, ..there }];
            let (spec, _) = setup.catalog.intern_node_spec(&lab.node);
            setup.nodes[0].spec = spec;
        }
        let mut run = Run::new(setup, script, Journal::keeping()).checking();
        run.run(&Limits::until(Time::from_secs(60)));
        let facts = run.sink().records();
        assert_eq!(one(facts, |fact| matches!(fact, Fact::Admitted { .. })), millis(ADMITTED));
        let sandbox = one(facts, |fact| matches!(fact, Fact::SandboxReady { .. }));
        assert_eq!(sandbox, millis(ADMITTED + 600));
        // 0.3 s for the manifest, 120 MB at 50 MB/s, 300 MB unpacked at 100 MB/s.
        let pull = if cached { 0 } else { 300 + 2400 + 3000 };
        assert_eq!(starts(facts), [millis(STARTED + pull)]);
        let ready = one(facts, |fact| matches!(fact, Fact::Ready { .. }));
        assert!(reported(millis(STARTED + pull), ready), "{ready}");
    }
}

/// The bounds that the documentation of the parameters states.
#[test]
fn a_pod_runs_within_the_bounds_of_the_default_latencies() {
    let mut lab = Lab::new();
    lab.params = SimParams::default();
    lab.node.pods = 300;
    for number in 0..300 {
        lab = lab.pod_at(millis(number * 733), |spec, _| {
            spec.containers[0].requests = Amounts::default();
        });
    }
    let (mut setup, script) = lab.setup();
    let mut no_table = |_: &crate::ground::EmpiricalForm| Ok(Vec::new());
    setup.delays = lab.params.kubelet.delays(&mut no_table).unwrap();
    let mut run = Run::new(setup, script, Journal::keeping()).checking();
    run.run(&Limits::until(Time::from_secs(400)));
    let facts = run.sink().records();
    let bound = times(facts, |fact| matches!(fact, Fact::Bound { .. }));
    let mut took: Vec<Span> = Vec::new();
    for record in facts {
        if let Fact::Ready { pod } = record.fact {
            took.push(record.at.since(bound[pod.index()]));
        }
    }
    assert_eq!(took.len(), 300);
    let (least, most) = (*took.iter().min().unwrap(), *took.iter().max().unwrap());
    assert!(least >= Span::from_millis(930) && least < Span::from_millis(1000), "{least}");
    assert!(most <= Span::from_millis(2130) && most > Span::from_millis(2050), "{most}");
}

#[test]
fn a_container_that_crashes_at_once_backs_off() {
    let crashing = Behaviour { crash_after: after(0), ..Behaviour::default() };
    let facts = Lab::new().app("app:v1", 1, crashing).pod(app).facts(2000);
    let (starts, ends) = (starts(&facts), ends(&facts));
    let waits: Vec<Span> = starts[1..].iter().zip(&ends).map(|(s, e)| s.since(e.0)).collect();
    assert!(waits[0] < Span::from_millis(210), "the first restart is at once: {waits:?}");
    for (wait, delay) in waits[1..].iter().zip([10, 20, 40, 80, 160, 300, 300]) {
        let latest = secs(delay + 15) + Span::from_millis(210);
        assert!(*wait >= secs(delay) && *wait <= latest, "{delay}: {waits:?}");
    }
    assert!(ends.iter().all(|(_, end, code)| (*end, *code) == (ContainerEnd::Error, 1)));
    let waiting = times(&facts, |fact| {
        matches!(fact, Fact::ContainerWaiting { wait: ContainerWait::CrashLoopBackOff, .. })
    });
    assert_eq!(waiting.len(), starts.len() - 1);
    // It started once, so it is Running; it is ready whenever the kubelet sees it run.
    assert!(times(&facts, |fact| matches!(fact, Fact::Started { .. })).len() == 1);
}

#[test]
fn a_hang_is_found_by_the_liveness_probe() {
    for hang in [100, 103, 107] {
        let behaviour = Behaviour { hang_after: after(hang), ..Behaviour::default() };
        let facts = Lab::new()
            .app("app:v1", 1, behaviour)
            .pod(|spec, names| {
                app(spec, names);
                let liveness = Some(ProbeParams::default());
                spec.containers[0].probes = Probes { liveness, ..Probes::default() };
                spec.termination_grace = secs(5);
            })
            .facts(200);
        let hung = starts(&facts)[0] + secs(hang);
        let (ended, end, _) = ends(&facts)[0];
        assert_eq!(end, ContainerEnd::LivenessProbe);
        let took = ended.since(hung);
        assert!(took >= secs(21) && took <= secs(31) + Span::from_millis(5), "{hang}: {took}");
        assert!(starts(&facts)[1].since(ended) < Span::from_millis(210), "no back-off at first");
    }
}

#[test]
fn a_slow_start_needs_a_startup_probe() {
    let slow = || Behaviour { startup: SpanDist::constant(secs(120)), ..Behaviour::default() };
    let pod = |startup: Option<ProbeParams>| {
        move |spec: &mut PodSpec, names: &mut Names| {
            app(spec, names);
            let liveness = Some(ProbeParams::default());
            spec.containers[0].probes = Probes { startup, readiness: liveness, liveness };
        }
    };
    let facts = Lab::new().app("app:v1", 1, slow()).pod(pod(None)).facts(600);
    let ended = ends(&facts);
    assert!(ended.len() > 2, "killed again and again: {ended:?}");
    assert!(ended.iter().all(|(_, end, _)| *end == ContainerEnd::LivenessProbe));
    assert!(times(&facts, |fact| matches!(fact, Fact::Ready { .. })).is_empty());
    let patient = ProbeParams { failure_threshold: 30, ..ProbeParams::default() };
    let facts = Lab::new().app("app:v1", 1, slow()).pod(pod(Some(patient))).facts(600);
    assert!(ends(&facts).is_empty());
    let ready = one(&facts, |fact| matches!(fact, Fact::Ready { .. }));
    let up = starts(&facts)[0] + secs(120);
    assert!(ready > up && ready < up + secs(11), "{ready}");
    let impatient = ProbeParams { failure_threshold: 3, ..ProbeParams::default() };
    let facts = Lab::new().app("app:v1", 1, slow()).pod(pod(Some(impatient))).facts(60);
    let (ended, end, _) = ends(&facts)[0];
    let took = ended.since(starts(&facts)[0]);
    assert_eq!(end, ContainerEnd::StartupProbe);
    assert!(took > secs(19) && took < secs(31), "{took}");
}

#[test]
fn readiness_comes_and_goes() {
    let behaviour = Behaviour {
        ready_after: SpanDist::constant(Span::from_millis(3200)),
        hang_after: after(60),
        ..Behaviour::default()
    };
    let readiness = ProbeParams { period: secs(5), ..ProbeParams::default() };
    let facts = Lab::new()
        .app("app:v1", 1, behaviour)
        .pod(|spec, names| {
            app(spec, names);
            let readiness = Some(readiness);
            spec.containers[0].probes = Probes { readiness, ..Probes::default() };
        })
        .facts(200);
    let started = starts(&facts)[0];
    let ready = one(&facts, |fact| matches!(fact, Fact::Ready { .. }));
    assert!(ready > started + Span::from_millis(3200) && ready < started + secs(9), "{ready}");
    let unready = one(&facts, |fact| matches!(fact, Fact::Unready { .. }));
    let took = unready.since(started + secs(60));
    assert!(took > secs(11) && took < secs(17), "two periods, a timeout, and the phase: {took}");
    let changed = times(&facts, |fact| {
        matches!(fact, Fact::ProbeChanged { probe: ProbeKind::Readiness, .. })
    });
    assert_eq!(changed.len(), 2);
}

/// As stand-ins for kubelets play pods: no probe is asked, readiness follows the application.
#[test]
fn unprobed_containers_may_be_ready_when_their_application_is() {
    let behaviour = Behaviour {
        container_start: after(2),
        ready_after: SpanDist::constant(Span::from_millis(3200)),
        hang_after: after(60),
        ..Behaviour::default()
    };
    let mut lab = Lab::new().app("app:v1", 1, behaviour).pod(app);
    let at_once = lab.facts(200);
    let started = starts(&at_once)[0];
    let ready = |facts: &[Record]| one(facts, |fact| matches!(fact, Fact::Ready { .. }));
    assert!(reported(started, ready(&at_once)));
    assert!(times(&at_once, |fact| matches!(fact, Fact::Unready { .. })).is_empty());
    lab.params.kubelet.unprobed = Unprobed::AsProbed;
    let facts = lab.facts(200);
    assert_eq!(starts(&facts)[0], started);
    let sandbox = one(&facts, |fact| matches!(fact, Fact::SandboxReady { .. }));
    let pulled = one(&facts, |fact| matches!(fact, Fact::PullEnded { .. }));
    assert_eq!(started, sandbox.max(pulled) + secs(2));
    let way = Span::from_millis(100 + 10);
    assert_eq!(ready(&facts), started + Span::from_millis(3200) + way);
    let unready = one(&facts, |fact| matches!(fact, Fact::Unready { .. }));
    assert_eq!(unready, started + secs(60) + way);
}

/// When a pod deleted at its deadline gets KILL, and when its report says so.
fn stop(pre_stop: Option<Hook>, stop: Option<Span>) -> (Span, ContainerEnd) {
    let facts = Lab::new()
        .app("app:v1", 1, Behaviour { stop, ..Behaviour::default() })
        .pod(|spec, names| {
            app(spec, names);
            spec.containers[0].pre_stop = pre_stop;
            spec.active_deadline = Some(secs(100));
        })
        .facts(200);
    let told = one(&facts, |fact| matches!(fact, Fact::Stopping { .. }));
    assert_eq!(told, millis(ADMITTED) + secs(100));
    let (ended, end, code) = ends(&facts)[0];
    assert_eq!(code, if end == ContainerEnd::Killed { 137 } else { 0 });
    let (failed, reason) = failures(&facts)[0];
    assert_eq!(reason, FailedReason::DeadlineExceeded);
    assert!(reported(ended, failed), "{ended} {failed}");
    (ended.since(told), end)
}

#[test]
fn pods_are_stopped_within_their_grace() {
    let sleep = |seconds| Some(Hook::Sleep(secs(seconds)));
    assert_eq!(stop(None, Some(Span::ZERO)), (Span::ZERO, ContainerEnd::Stopped));
    assert_eq!(stop(None, Some(secs(7))), (secs(7), ContainerEnd::Stopped));
    assert_eq!(stop(None, None), (secs(30), ContainerEnd::Killed));
    assert_eq!(stop(sleep(25), None), (secs(30), ContainerEnd::Killed));
    assert_eq!(stop(sleep(40), None), (secs(32), ContainerEnd::Killed));
    assert_eq!(stop(sleep(25), Some(secs(1))), (secs(26), ContainerEnd::Stopped));
}

#[test]
fn init_containers_come_first_and_failures_end_the_pod() {
    let failing = Behaviour { crash_after: after(2), ..Behaviour::default() };
    let pod = |policy, image| {
        move |spec: &mut PodSpec, names: &mut Names| {
            spec.init_containers = vec![
                Container { sidecar: true, ..container("proxy", None, names) },
                container("init", Some(image), names),
            ];
            spec.restart_policy = policy;
        }
    };
    let lab = |policy, image| {
        Lab::new()
            .app("bad:v1", 1, failing.clone())
            .app("good:v1", 1, Behaviour { run_for: after(4), ..Behaviour::default() })
            .pod(pod(policy, image))
            .facts(100)
    };
    let facts = lab(RestartPolicy::Never, "good:v1");
    let order: Vec<u8> = facts
        .iter()
        .filter_map(|record| match record.fact {
            Fact::ContainerStarted { container, .. } => Some(container),
            _ => None,
        })
        .collect();
    assert_eq!(order, [0, 1, 2]);
    let (init_ended, end, _) = ends(&facts)[0];
    assert_eq!((init_ended.since(starts(&facts)[1]), end), (secs(4), ContainerEnd::Completed));
    let ready = one(&facts, |fact| matches!(fact, Fact::Ready { .. }));
    assert!(ready > starts(&facts)[2]);
    let facts = lab(RestartPolicy::Never, "bad:v1");
    assert_eq!(failures(&facts).len(), 1);
    assert_eq!(failures(&facts)[0].1, FailedReason::ContainerFailed);
    assert!(ends(&facts).iter().any(|(_, end, _)| *end == ContainerEnd::Stopped), "the sidecar");
    let facts = lab(RestartPolicy::OnFailure, "bad:v1");
    assert!(failures(&facts).is_empty());
    assert!(times(&facts, |fact| matches!(fact, Fact::Started { .. })).is_empty());
    assert!(starts(&facts).len() > 3, "it backs off and tries again");
}

#[test]
fn a_pod_that_ends_well_stops_its_sidecars() {
    let facts = Lab::new()
        .app("app:v1", 1, Behaviour { run_for: after(60), ..Behaviour::default() })
        .pod(|spec, names| {
            app(spec, names);
            let proxy = container("proxy", None, names);
            spec.init_containers = vec![Container { sidecar: true, ..proxy }];
            spec.restart_policy = RestartPolicy::OnFailure;
        })
        .facts(200);
    let (main_ended, ..) = ends(&facts)[0];
    let (sidecar_ended, end, _) = ends(&facts)[1];
    assert_eq!(end, ContainerEnd::Stopped);
    assert!(sidecar_ended.since(main_ended) < Span::from_millis(2));
    let finished = one(&facts, |fact| matches!(fact, Fact::Finished { .. }));
    assert!(reported(sidecar_ended, finished));
}

#[test]
fn running_pods_cost_nothing() {
    let probes = {
        let probe = Some(ProbeParams::default());
        Probes { startup: probe, readiness: probe, liveness: probe }
    };
    let mut lab = Lab::new().app("app:v1", 1, Behaviour::default());
    for _ in 0..50 {
        lab = lab.pod(|spec, names| {
            app(spec, names);
            spec.containers[0].probes = probes;
        });
    }
    let (setup, script) = lab.setup();
    let mut run = Run::new(setup, script, Journal::keeping());
    run.run(&Limits::until(Time::ZERO + secs(60)));
    let started = run.events();
    run.run(&Limits::until(Time::ZERO + secs(30 * 86_400)));
    assert_eq!(run.events(), started, "a month of probes that say the same");
    let ready = times(run.sink().records(), |fact| matches!(fact, Fact::Ready { .. }));
    assert_eq!(ready.len(), 50);
}

#[test]
fn forty_thousand_pods_idle_for_a_month() {
    let probe = Some(ProbeParams::default());
    let probes = Probes { startup: probe, readiness: probe, liveness: probe };
    let lab = Lab::new().app("app:v1", 1, Behaviour::default()).pod(|spec, names| {
        app(spec, names);
        spec.containers[0].probes = probes;
    });
    let (mut setup, script) = lab.setup();
    let spec = lab.pods[0].1.renamed(|name| setup.catalog.names.intern(lab.names.text(name)));
    let (spec, _) = setup.catalog.intern_pod_spec(&spec);
    let stem = setup.catalog.names.intern("old-");
    setup.nodes.clear();
    for number in 0..2000 {
        let name = setup.catalog.names.intern(&format!("node-{number}"));
        let (node, _) = setup.catalog.intern_node_spec(&lab.node);
        let taints = Catalog::NO_TAINTS;
        let hostname = Some(name);
        setup.nodes.push(NodeSetup { name, hostname, spec: node, taints, unschedulable: false });
    }
    for number in 0..40_000 {
        let (name, node) = (PodName::numbered(stem, number), Some(NodeId(number % 2000)));
        setup.pods.push(PodSetup { workload: WorkloadId(0), spec, name, node });
    }
    let mut run = Run::new(setup, Script { stimuli: Vec::new(), ..script }, Journal::keeping());
    run.run(&Limits::until(Time::ZERO + secs(30 * 86_400)));
    let ready = times(run.sink().records(), |fact| matches!(fact, Fact::Ready { .. }));
    assert_eq!(ready.len(), 40_000);
    assert!(run.events() < 10 * 40_000, "{} events", run.events());
    assert!(times(run.sink().records(), |fact| matches!(fact, Fact::Unready { .. })).is_empty());
}
