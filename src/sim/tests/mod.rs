//! The simulator from its face: small clusters, scripted stimuli, facts out.

mod control;
mod discovery;
mod drain;
mod faults;
mod images;
mod jobs;
mod kubelet;
mod lab;
mod nodes;
mod preemption;
mod pressure;
mod rollout;
mod stateful;
mod volumes;

use crate::engine::{Limits, Stopped};
use crate::ground::{Bytes, Draws, Key, MilliCpu, Span, SpanDist, Time};
use crate::journal::{Fact, Journal, Record};
use crate::model::{
    Amounts, Catalog, Container, DeploymentSpec, Effect, FinishedPods, Hook, Labels, Lifetime,
    LossPolicy, NodeSpec, Object, PodName, PodSpec, RestartPolicy, SourceId, Stimulus, Timed,
    Toleration, TolerationOperator, Workload, WorkloadId, WorkloadKind,
};
use crate::policy::{AnyScheduler, KubeScheduler, KubeSchedulerParams};
use crate::sim::{
    Arrivals, Detail, Keeper, KubeletDelays, MonitoringSetup, NodeSetup, Run, SavedRun, Setup,
    SimParams, VolumeDelays,
};
use std::convert::Infallible;

/// Stimuli from a list.
#[derive(Debug, Clone, Default)]
struct Script {
    catalog: Catalog,
    stimuli: Vec<Timed<Stimulus>>,
    next: usize,
}

impl Arrivals for Script {
    type Error = Infallible;
    fn next_time(&mut self) -> Result<Option<Time>, Infallible> {
        Ok(self.stimuli.get(self.next).map(|timed| timed.at))
    }
    fn take(&mut self) -> Result<Option<(SourceId, Timed<Stimulus>)>, Infallible> {
        let timed = self.stimuli.get(self.next).copied();
        self.next += 1;
        Ok(timed.map(|timed| (SourceId(0), timed)))
    }
    fn catalog(&self, _: SourceId) -> &Catalog {
        &self.catalog
    }
}

fn pod_spec(names: &mut crate::ground::Names, cpu: u64) -> PodSpec {
    let mut spec = PodSpec::new(names.intern("default"), names.intern("default-scheduler"));
    let requests = Amounts { cpu: MilliCpu(cpu), memory: Bytes(1 << 28), ..Amounts::default() };
    let name = names.intern("main");
    spec.containers = vec![Container { requests, ..Container::new(name) }];
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        spec.tolerations.push(Toleration {
            key: Some(names.intern(key)),
            operator: TolerationOperator::Exists,
            value: Catalog::NO_TEXT,
            effect: Some(Effect::NoExecute),
            seconds: Some(300),
        });
    }
    spec.compute_requests();
    spec
}

/// Sandboxes take so long, volumes and containers no time.
fn delays(sandbox: Span) -> KubeletDelays {
    KubeletDelays {
        mount: SpanDist::constant(Span::ZERO),
        sandbox: SpanDist::constant(sandbox),
        container_start: SpanDist::constant(Span::ZERO),
    }
}

/// A cluster of equal nodes with one service and room for batch work.
struct Bench {
    nodes: u32,
    replicas: u32,
    detail: Detail,
    seed: u64,
    /// Nodes are dealt out to so many zones in turn.
    zones: u32,
    /// Seconds that pods of the service stay on a lost node, `None` for ever.
    toleration: Option<i64>,
    /// CPU of a pod of the service, thousandths of a core.
    pod_cpu: u64,
    /// Finished pods stay in the store.
    keep: bool,
    /// A service object leads to the pods of the service.
    service: bool,
    /// That service is headless.
    headless: bool,
    /// What runs before the pods of the service get TERM.
    hook: Option<Hook>,
    start: Span,
    params: SimParams,
    script: Script,
}

impl Bench {
    fn new(nodes: u32, replicas: u32) -> Bench {
        Bench {
            nodes,
            replicas,
            detail: Detail::Lifecycle,
            seed: 1,
            zones: 1,
            toleration: Some(300),
            pod_cpu: 500,
            keep: false,
            service: false,
            headless: false,
            hook: None,
            start: Span::from_millis(1500),
            params: SimParams::default(),
            script: Script::default(),
        }
    }

    fn at(mut self, at: Time, what: Stimulus) -> Bench {
        self.script.stimuli.push(Timed { at, what });
        self.script.stimuli.sort_by_key(|timed| timed.at);
        self
    }

    /// Batch pods, one a period, each with its lifetime.
    fn batch(mut self, count: u32, period: Span, lifetime: Span) -> Bench {
        let mut spec = pod_spec(&mut self.script.catalog.names, 700);
        spec.restart_policy = RestartPolicy::Never;
        let (spec, _) = self.script.catalog.intern_pod_spec(&spec);
        let stem = self.script.catalog.names.intern("task-");
        for number in 0..count {
            let what = Stimulus::Submit {
                workload: WorkloadId(1),
                spec,
                name: PodName::numbered(stem, number),
                lifetime: Lifetime::For(lifetime),
            };
            self = self.at(Time::ZERO + period * u64::from(number), what);
        }
        self
    }

    fn setup(&self) -> Setup {
        let mut catalog = Catalog::new();
        let allocatable =
            Amounts { cpu: MilliCpu(4000), memory: Bytes(16 << 30), ..Amounts::default() };
        let key = catalog.names.intern("topology.kubernetes.io/zone");
        let mut nodes = Vec::new();
        for number in 0..self.nodes {
            let name = catalog.names.intern(&format!("node-{number}"));
            let zone = catalog.names.intern(&format!("zone-{}", number % self.zones));
            let mut labels = Labels::new();
            labels.set(key, zone);
            let allocatable = allocatable.clone();
            let spec = NodeSpec { allocatable, pods: 110, labels, ..NodeSpec::default() };
            let (spec, _) = catalog.intern_node_spec(&spec);
            nodes.push(NodeSetup {
                name,
                hostname: Some(name),
                spec,
                taints: Catalog::NO_TAINTS,
                unschedulable: false,
            });
        }
        let mut pod = pod_spec(&mut catalog.names, self.pod_cpu);
        for toleration in &mut pod.tolerations {
            toleration.seconds = self.toleration;
        }
        let mut objects = Vec::new();
        if self.service {
            let (key, name) = (catalog.names.intern("app"), catalog.names.intern("web"));
            pod.labels.set(key, name);
            let (namespace, selector) = (pod.namespace, Some(pod.labels.clone()));
            let (publish, headless) = (false, self.headless);
            let service = Object::Service { namespace, name, selector, publish, headless };
            objects.push(catalog.intern_object(&service));
        }
        pod.containers[0].pre_stop = self.hook;
        let (pod, _) = catalog.intern_pod_spec(&pod);
        let mut workload = |text: &str, kind| {
            let name = catalog.names.intern(text);
            let key = Key::of(text);
            let on_loss = LossPolicy::Replace;
            let finished = if self.keep { FinishedPods::Keep } else { FinishedPods::Remove };
            catalog.workloads.push(Workload { name, key, kind, on_loss, finished, startup: None })
        };
        let kind = WorkloadKind::Service { replicas: self.replicas, min_serving: 1 };
        let web = workload("web", kind);
        workload("tasks", WorkloadKind::Batch);
        let params = KubeSchedulerParams::default();
        let scheduler = KubeScheduler::new(&params, &mut catalog.names);
        Setup {
            nodes,
            services: vec![(web, Keeper::Deployment(DeploymentSpec::new(self.replicas, pod)))],
            jobs: Vec::new(),
            rollbacks: Vec::new(),
            monitoring: MonitoringSetup::default(),
            objects,
            pods: Vec::new(),
            scheduler: AnyScheduler::Kube(Box::new(scheduler)),
            think_time: Span::from_millis(2),
            delays: delays(self.start),
            volume_delays: VolumeDelays::NONE,
            params: self.params.clone(),
            detail: self.detail,
            draws: Draws::new(self.seed),
            catalog,
        }
    }

    fn start(&self) -> Run<Script, Journal> {
        Run::new(self.setup(), self.script.clone(), Journal::keeping())
    }

    fn facts(&self, until: Time) -> Vec<Record> {
        let mut run = self.start().checking();
        let stopped = run.run(&Limits::until(until));
        assert!(matches!(stopped, Stopped::Until | Stopped::Exhausted), "{stopped:?}");
        run.sink().records().to_vec()
    }
}

fn times(facts: &[Record], which: impl Fn(&Fact) -> bool) -> Vec<Time> {
    facts.iter().filter(|record| which(&record.fact)).map(|record| record.at).collect()
}

#[test]
fn a_service_comes_up() {
    let facts = Bench::new(3, 5).facts(Time::from_secs(60));
    let count = |which: fn(&Fact) -> bool| times(&facts, which).len();
    assert_eq!(count(|fact| matches!(fact, Fact::PodCreated { .. })), 5);
    assert_eq!(count(|fact| matches!(fact, Fact::Queued { .. })), 5);
    assert_eq!(count(|fact| matches!(fact, Fact::Bound { .. })), 5);
    assert_eq!(count(|fact| matches!(fact, Fact::Ready { .. })), 5);
    // write 10 ms, watch 20 ms, cycle 2 ms, bind 10 ms, watch 20 ms, pickup 100 ms, start 1.5 s
    let started = times(&facts, |fact| matches!(fact, Fact::ContainerStarted { .. }));
    let first = Span::from_millis(10 + 20 + 2 + 10 + 20 + 100 + 1500);
    assert_eq!(started[0], Time::ZERO + first);
    // the pods come in batches of 1, 2 and 2, each sent when the one before is answered
    let last = Span::from_millis(2 * 10 + 2);
    assert_eq!(started[4], Time::ZERO + first + last);
}

#[test]
fn batch_pods_run_for_their_lifetime() {
    let facts =
        Bench::new(2, 0).batch(3, Span::from_secs(10), Span::from_secs(30)).facts(Time::MAX);
    let started = times(&facts, |fact| matches!(fact, Fact::Started { .. }));
    let finished = times(&facts, |fact| matches!(fact, Fact::Finished { .. }));
    assert_eq!((started.len(), finished.len()), (3, 3));
    for (started, finished) in started.iter().zip(&finished) {
        assert_eq!(finished.since(*started), Span::from_secs(30));
    }
}

#[test]
fn lost_batch_pods_start_again_elsewhere() {
    for (detail, repair) in [
        (Detail::Placement, None),
        (Detail::Lifecycle, None),
        (Detail::Lifecycle, Some(Time::from_secs(110))),
    ] {
        let mut bench = Bench::new(2, 0)
            .batch(6, Span::from_secs(1), Span::from_secs(1000))
            .at(Time::from_secs(100), Stimulus::crash(0));
        if let Some(at) = repair {
            bench = bench.at(at, Stimulus::repair(0));
        }
        bench.detail = detail;
        let facts = bench.facts(Time::MAX);
        let count = |which: fn(&Fact) -> bool| times(&facts, which).len();
        let replaced = count(|fact| matches!(fact, Fact::Replaced { .. }));
        assert_eq!(replaced, 3, "{detail:?} {repair:?}");
        assert_eq!(count(|fact| matches!(fact, Fact::Finished { .. })), 6, "{detail:?}");
    }
}

#[test]
fn idle_nodes_cost_nothing() {
    let bench = Bench::new(5000, 0);
    let mut run = bench.start();
    let stopped = run.run(&Limits::until(Time::ZERO + Span::from_secs(30 * 86_400)));
    assert!(matches!(stopped, Stopped::Until | Stopped::Exhausted));
    assert!(run.events() < 10 * 5000, "{} events", run.events());
}

/// Placements in order: which pod went where, and when to the microsecond.
fn placements(facts: &[Record]) -> Vec<(u64, Fact)> {
    let bound = |record: &&Record| matches!(record.fact, Fact::Bound { .. });
    facts.iter().filter(bound).map(|record| (record.at.as_nanos() / 1000, record.fact)).collect()
}

#[test]
fn free_parts_change_no_placement() {
    let bench = |detail| {
        let mut bench = Bench::new(7, 9).batch(60, Span::from_secs(7), Span::from_secs(200));
        bench.detail = detail;
        bench.start = Span::ZERO;
        bench.params.api.request_latency = Span::ZERO;
        bench.params.api.watch_delay = Span::ZERO;
        bench.params.kubelet.pickup = Span::ZERO;
        bench.params.kubelet.status_report = Span::ZERO;
        bench.params.kubelet.relist = Span::from_nanos(1);
        bench
    };
    let until = Time::from_secs(2000);
    let mut free = bench(Detail::Lifecycle).setup();
    free.think_time = Span::ZERO;
    let mut run = Run::new(free, bench(Detail::Lifecycle).script, Journal::keeping()).checking();
    run.run(&Limits::until(until));
    let placed = bench(Detail::Placement).facts(until);
    assert_eq!(placements(run.sink().records()), placements(&placed));
    let finished = |facts: &[Record]| times(facts, |fact| matches!(fact, Fact::Finished { .. }));
    assert_eq!(finished(&placed).len(), finished(run.sink().records()).len());
}

fn busy() -> Bench {
    Bench::new(6, 10)
        .batch(400, Span::from_secs(3), Span::from_secs(90))
        .at(Time::from_secs(300), Stimulus::crash(2))
        .at(Time::from_secs(900), Stimulus::repair(2))
        .at(Time::from_secs(600), Stimulus::crash(4))
}

#[test]
fn a_saved_run_goes_on_as_if_nothing_had_happened() {
    let until = Limits::until(Time::from_secs(2500));
    let mut straight = busy().start();
    straight.run(&until);
    for pause in [0, 1, 299, 300, 301, 350, 648, 1200, 2400] {
        let mut run = busy().start();
        let at = Time::from_secs(pause);
        assert_eq!(run.run(&until.pause_at(at)), Stopped::Paused);
        let saved = run.save(run.arrivals().next);
        let bytes = saved.to_bytes().unwrap();
        let restored: SavedRun<usize, Journal> = SavedRun::from_bytes(&bytes).unwrap();
        let reopen = |next| Ok::<_, Infallible>(Script { next, ..busy().script });
        let mut resumed = Run::resume(restored, reopen).unwrap();
        resumed.run(&until);
        assert_eq!(resumed.sink().digest(), straight.sink().digest(), "paused at {pause} s");
    }
}

#[test]
fn caches_may_be_dropped_at_any_time() {
    let until = Limits::until(Time::from_secs(2500));
    let mut straight = busy().start();
    straight.run(&until);
    let mut run = busy().start();
    for pause in (0..2500).step_by(37) {
        run.run(&until.pause_at(Time::from_secs(pause)));
        run.drop_caches();
    }
    run.run(&until);
    assert_eq!(run.sink().digest(), straight.sink().digest());
}

#[test]
fn a_fork_differs_only_after_the_fork() {
    let until = Limits::until(Time::from_secs(2500));
    let fork_at = Time::from_secs(700);
    let fork = |changed: bool| {
        let mut run = busy().start();
        run.run(&until.pause_at(fork_at));
        let reopen = |next| Ok::<_, Infallible>(Script { next, ..busy().script });
        let mut fork = Run::resume(run.save(run.arrivals().next), reopen).unwrap();
        if changed {
            let params = SimParams::default();
            fork.set_params(&params, delays(Span::from_secs(5)));
        }
        fork.run(&until);
        fork.into_sink()
    };
    let (same, other) = (fork(false), fork(true));
    let mut straight = busy().start();
    straight.run(&until);
    assert_eq!(same.digest(), straight.sink().digest());
    let window = crate::journal::first_difference(
        (same.ladder(), &same.digest()),
        (other.ladder(), &other.digest()),
    )
    .unwrap();
    assert!(
        window.same_until <= fork_at || same.records()[window.same_facts as usize].at > fork_at
    );
    let first = same.records().iter().zip(other.records()).position(|(a, b)| a != b).unwrap();
    assert!(same.records()[first].at > fork_at);
    assert!((window.same_facts..window.different_by).contains(&(first as u64)));
}
