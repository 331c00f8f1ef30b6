//! A laboratory for kubelets: one node, pods that arrive, and how their images behave.

use super::{Script, times};
use crate::engine::Limits;
use crate::ground::{Bytes, Draws, Key, MilliCpu, Names, Span, SpanDist, Time};
use crate::journal::{Fact, Journal, Record};
use crate::model::{
    Amounts, Application, Behaviour, Catalog, Container, ContainerEnd, FailedReason, FinishedPods,
    Layer, Lifetime, LossPolicy, NodeSpec, PodName, PodSpec, Stimulus, Timed, Workload, WorkloadId,
    WorkloadKind,
};
use crate::policy::{AnyScheduler, KubeScheduler, KubeSchedulerParams};
use crate::sim::{
    Detail, KubeletDelays, MonitoringSetup, NodeSetup, Run, Setup, SimParams, VolumeDelays,
};

pub(super) const MIB: u64 = 1 << 20;
pub(super) const GIB: u64 = 1 << 30;
/// Creation to admission: write 10 ms is not there for a stimulus, watch 20 ms, cycle 2 ms, bind
/// 10 ms, watch 20 ms, pickup 100 ms.
pub(super) const ADMITTED: u64 = 20 + 2 + 10 + 20 + 100;
/// Volumes 200 ms, sandbox 400 ms, container 200 ms.
pub(super) const STARTED: u64 = ADMITTED + 200 + 400 + 200;

pub(super) fn millis(number: u64) -> Time {
    Time::ZERO + Span::from_millis(number)
}

pub(super) fn secs(number: u64) -> Span {
    Span::from_secs(number)
}

/// A node, pods that arrive, and how their images behave.
pub(super) struct Lab {
    pub(super) params: SimParams,
    pub(super) node: NodeSpec,
    pub(super) apps: Vec<(&'static str, u64, Behaviour)>,
    pub(super) missing: Vec<&'static str>,
    pub(super) pods: Vec<(Time, PodSpec, Lifetime)>,
    pub(super) names: Names,
    pub(super) keep: FinishedPods,
}

impl Lab {
    pub(super) fn new() -> Lab {
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
    pub(super) fn app(mut self, image: &'static str, megabytes: u64, behaviour: Behaviour) -> Lab {
        self.apps.push((image, megabytes, behaviour));
        self
    }

    pub(super) fn pod(self, change: impl FnOnce(&mut PodSpec, &mut Names)) -> Lab {
        self.pod_at(Time::ZERO, change)
    }

    pub(super) fn pod_at(mut self, at: Time, change: impl FnOnce(&mut PodSpec, &mut Names)) -> Lab {
        let names = &mut self.names;
        names.intern("");
        let mut spec = PodSpec::new(names.intern("default"), names.intern("default-scheduler"));
        spec.containers = vec![container("main", None, names)];
        change(&mut spec, names);
        spec.compute_requests();
        self.pods.push((at, spec, Lifetime::Forever));
        self
    }

    pub(super) fn setup(&self) -> (Setup, Script) {
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
            jobs: Vec::new(),
            rollbacks: Vec::new(),
            monitoring: MonitoringSetup::default(),
            objects: Vec::new(),
            pods: Vec::new(),
            scheduler: AnyScheduler::Kube(Box::new(scheduler)),
            think_time: Span::from_millis(2),
            delays: KubeletDelays {
                mount: SpanDist::constant(Span::from_millis(200)),
                sandbox: SpanDist::constant(Span::from_millis(400)),
                container_start: SpanDist::constant(Span::from_millis(200)),
            },
            volume_delays: VolumeDelays::NONE,
            params: self.params.clone(),
            detail: Detail::Lifecycle,
            draws: Draws::new(1),
            catalog,
        };
        (setup, script)
    }

    pub(super) fn facts(&self, until: u64) -> Vec<Record> {
        let (setup, script) = self.setup();
        let mut run = Run::new(setup, script, Journal::keeping()).checking();
        run.run(&Limits::until(Time::from_secs(until)));
        run.sink().records().to_vec()
    }
}

pub(super) fn container(name: &str, image: Option<&str>, names: &mut Names) -> Container {
    let requests = Amounts { cpu: MilliCpu(100), memory: Bytes(64 * MIB), ..Amounts::default() };
    let image = image.map(|image| names.intern(image));
    Container { image, requests, ..Container::new(names.intern(name)) }
}

/// One container of the image `app:v1`.
pub(super) fn app(spec: &mut PodSpec, names: &mut Names) {
    spec.containers = vec![container("main", Some("app:v1"), names)];
}

pub(super) fn after(span: u64) -> Option<SpanDist> {
    Some(SpanDist::constant(secs(span)))
}

pub(super) fn starts(facts: &[Record]) -> Vec<Time> {
    times(facts, |fact| matches!(fact, Fact::ContainerStarted { .. }))
}

pub(super) fn ends(facts: &[Record]) -> Vec<(Time, ContainerEnd, u8)> {
    let end = |record: &Record| match record.fact {
        Fact::ContainerEnded { end, exit_code, .. } => Some((record.at, end, exit_code)),
        _ => None,
    };
    facts.iter().filter_map(end).collect()
}

pub(super) fn failures(facts: &[Record]) -> Vec<(Time, FailedReason)> {
    let failed = |record: &Record| match record.fact {
        Fact::Failed { reason, .. } => Some((record.at, reason)),
        _ => None,
    };
    facts.iter().filter_map(failed).collect()
}

pub(super) fn one(facts: &[Record], which: impl Fn(&Fact) -> bool) -> Time {
    let found = times(facts, which);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

/// True if `at` is `from` plus less than a look at the containers, and the way of a report.
pub(super) fn reported(from: Time, at: Time) -> bool {
    let way = Span::from_millis(100 + 10);
    at > from + way && at <= from + way + Span::from_millis(1)
}
