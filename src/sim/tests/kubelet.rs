//! Kubelets and runtimes from the simulator's face: one node, a few pods, and arithmetic.

use super::{Script, times};
use crate::engine::Limits;
use crate::ground::{Bytes, Draws, Id, Key, MilliCpu, Name, Names, Span, SpanDist, Time};
use crate::journal::{Fact, Journal, PullOutcome, Record};
use crate::model::{
    Amounts, Application, Behaviour, Catalog, Container, ContainerEnd, ContainerWait, FailedReason,
    FinishedPods, Hook, Layer, Lifetime, LossPolicy, NodeId, NodeSpec, PodName, PodSpec, Pressure,
    ProbeKind, ProbeParams, Probes, PullPolicy, RestartPolicy, Stimulus, Timed, Usage, Workload,
    WorkloadId, WorkloadKind,
};
use crate::policy::{AnyScheduler, KubeScheduler, KubeSchedulerParams};
use crate::sim::{Detail, KubeletDelays, NodeSetup, PodSetup, Run, Setup, SimParams};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// Creation to admission: write 10 ms is not there for a stimulus, watch 20 ms, cycle 2 ms, bind
/// 10 ms, watch 20 ms, pickup 100 ms.
const ADMITTED: u64 = 20 + 2 + 10 + 20 + 100;
/// Volumes 200 ms, sandbox 400 ms, container 200 ms.
const STARTED: u64 = ADMITTED + 200 + 400 + 200;

fn millis(number: u64) -> Time {
    Time::ZERO + Span::from_millis(number)
}

fn secs(number: u64) -> Span {
    Span::from_secs(number)
}

/// A node, pods that arrive, and how their images behave.
struct Lab {
    params: SimParams,
    node: NodeSpec,
    apps: Vec<(&'static str, u64, Behaviour)>,
    missing: Vec<&'static str>,
    pods: Vec<(Time, PodSpec, Lifetime)>,
    names: Names,
    keep: FinishedPods,
}

impl Lab {
    fn new() -> Lab {
        let allocatable =
            Amounts { cpu: MilliCpu(8000), memory: Bytes(16 * GIB), ..Amounts::default() };
        let mut params = SimParams::default();
        // Looks at whole seconds make the arithmetic of the tests short.
        params.kubelet.relist = Span::from_millis(1);
        Lab {
            params,
            node: NodeSpec { allocatable, pods: 110, ..NodeSpec::default() },
            apps: Vec::new(),
            missing: Vec::new(),
            pods: Vec::new(),
            names: Names::new(),
            keep: FinishedPods::Keep,
        }
    }

    /// An image of one layer of so many MB unpacked, two fifths of which are pulled.
    fn app(mut self, image: &'static str, megabytes: u64, behaviour: Behaviour) -> Lab {
        self.apps.push((image, megabytes, behaviour));
        self
    }

    fn pod(self, change: impl FnOnce(&mut PodSpec, &mut Names)) -> Lab {
        self.pod_at(Time::ZERO, change)
    }

    fn pod_at(mut self, at: Time, change: impl FnOnce(&mut PodSpec, &mut Names)) -> Lab {
        let names = &mut self.names;
        names.intern("");
        let mut spec = PodSpec::new(names.intern("default"), names.intern("default-scheduler"));
        spec.containers = vec![container("main", None, names)];
        change(&mut spec, names);
        spec.compute_requests();
        self.pods.push((at, spec, Lifetime::Forever));
        self
    }

    fn setup(&self) -> (Setup, Script) {
        let mut catalog = Catalog::new();
        let mut script = Script::default();
        for (image, megabytes, behaviour) in &self.apps {
            let name = catalog.names.intern(image);
            let unpacked = Bytes(megabytes * 1_000_000);
            let compressed = Bytes(unpacked.0 / 5 * 2);
            let layers = vec![Layer { name, compressed, unpacked }];
            let missing = self.missing.contains(image);
            let behaviour = behaviour.clone();
            catalog.describe(Application { image: name, layers, missing, behaviour });
        }
        let (spec, _) = catalog.intern_node_spec(&self.node);
        let name = catalog.names.intern("node-0");
        let taints = Catalog::NO_TAINTS;
        let node = NodeSetup { name, hostname: Some(name), spec, taints, unschedulable: false };
        let owner = catalog.names.intern("pods");
        catalog.workloads.push(Workload {
            name: owner,
            key: Key::of("pods"),
            kind: WorkloadKind::Batch,
            on_loss: LossPolicy::Forget,
            finished: self.keep,
            startup: None,
        });
        let stem = script.catalog.names.intern("pod-");
        for (number, (at, spec, lifetime)) in self.pods.iter().enumerate() {
            let spec = spec.renamed(|name| script.catalog.names.intern(self.names.text(name)));
            let (spec, _) = script.catalog.intern_pod_spec(&spec);
            let name = PodName::numbered(stem, number as u32);
            let (workload, lifetime) = (WorkloadId(0), *lifetime);
            let what = Stimulus::Submit { workload, spec, name, lifetime };
            script.stimuli.push(Timed { at: *at, what });
        }
        script.stimuli.sort_by_key(|timed| timed.at);
        let params = KubeSchedulerParams::default();
        let scheduler = KubeScheduler::new(&params, &mut catalog.names);
        let setup = Setup {
            nodes: vec![node],
            services: Vec::new(),
            pods: Vec::new(),
            scheduler: AnyScheduler::Kube(Box::new(scheduler)),
            think_time: Span::from_millis(2),
            delays: KubeletDelays {
                mount: SpanDist::constant(Span::from_millis(200)),
                sandbox: SpanDist::constant(Span::from_millis(400)),
                container_start: SpanDist::constant(Span::from_millis(200)),
            },
            params: self.params.clone(),
            detail: Detail::Lifecycle,
            draws: Draws::new(1),
            catalog,
        };
        (setup, script)
    }

    fn facts(&self, until: u64) -> Vec<Record> {
        let (setup, script) = self.setup();
        let mut run = Run::new(setup, script, Journal::keeping()).checking();
        run.run(&Limits::until(Time::from_secs(until)));
        run.sink().records().to_vec()
    }
}

fn container(name: &str, image: Option<&str>, names: &mut Names) -> Container {
    let requests = Amounts { cpu: MilliCpu(100), memory: Bytes(64 * MIB), ..Amounts::default() };
    let image = image.map(|image| names.intern(image));
    Container { image, requests, ..Container::new(names.intern(name)) }
}

/// One container of the image `app:v1`.
fn app(spec: &mut PodSpec, names: &mut Names) {
    spec.containers = vec![container("main", Some("app:v1"), names)];
}

fn after(span: u64) -> Option<SpanDist> {
    Some(SpanDist::constant(secs(span)))
}

fn starts(facts: &[Record]) -> Vec<Time> {
    times(facts, |fact| matches!(fact, Fact::ContainerStarted { .. }))
}

fn ends(facts: &[Record]) -> Vec<(Time, ContainerEnd, u8)> {
    let end = |record: &Record| match record.fact {
        Fact::ContainerEnded { end, exit_code, .. } => Some((record.at, end, exit_code)),
        _ => None,
    };
    facts.iter().filter_map(end).collect()
}

fn failures(facts: &[Record]) -> Vec<(Time, FailedReason)> {
    let failed = |record: &Record| match record.fact {
        Fact::Failed { reason, .. } => Some((record.at, reason)),
        _ => None,
    };
    facts.iter().filter_map(failed).collect()
}

fn one(facts: &[Record], which: impl Fn(&Fact) -> bool) -> Time {
    let found = times(facts, which);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

/// True if `at` is `from` plus less than a look at the containers, and the way of a report.
fn reported(from: Time, at: Time) -> bool {
    let way = Span::from_millis(100 + 10);
    at > from + way && at <= from + way + Span::from_millis(1)
}

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
        let which = move |fact: &Fact| matches!(fact, Fact::NodePressure { pressure: Pressure::Memory, on: is, .. } if *is == on);
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
