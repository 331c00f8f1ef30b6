//! The scheduler through its face, on small clusters that are written in a line per thing.

use super::{KubeScheduler, KubeSchedulerParams, TieBreak};
use crate::ground::{Bytes, Draws, MilliCpu, Name, Span, Time};
use crate::model::{
    Amounts, Catalog, Change, Condition, DeviceGroup, DeviceMask, DeviceRequest, Effect, Explain,
    HostPort, ImageOnNode, NodeId, NodeSpec, NodeStatus, Plugin, PluginSet, PodId, PodName,
    PodPhase, PodSpec, PodUid, Protocol, Taint, Toleration, TolerationOperator, View, WorkloadId,
};
use crate::policy::{Action, AttemptEnd, Cx, Scheduler};
use proptest::prelude::*;

/// A scheduler with its view, driven by hand.
#[derive(Clone)]
struct Host {
    catalog: Catalog,
    view: View,
    scheduler: KubeScheduler,
    now: Time,
    seed: u64,
}

impl Host {
    fn new(params: &KubeSchedulerParams) -> Host {
        assert_eq!(params.check(), []);
        let mut catalog = Catalog::new();
        let scheduler = KubeScheduler::new(params, &mut catalog.names);
        Host { catalog, view: View::new(), scheduler, now: Time::ZERO, seed: 1 }
    }

    fn plain() -> Host {
        Host::new(&KubeSchedulerParams { tie_break: TieBreak::First, ..Default::default() })
    }

    fn name(&mut self, text: &str) -> Name {
        self.catalog.names.intern(text)
    }

    fn tell(&mut self, change: Change) {
        let (catalog, view, now) = (&self.catalog, &self.view, self.now);
        let cx = Cx { catalog, view, now, draws: Draws::new(self.seed) };
        self.scheduler.observe(cx, &change);
        self.view.apply(&change, &self.catalog);
    }

    fn status(&mut self, spec: &NodeSpec, taints: &[Taint], unschedulable: bool) -> NodeStatus {
        NodeStatus {
            spec: self.catalog.intern_node_spec(spec).0,
            taints: self.catalog.intern_taints(&taints.to_vec()),
            ready: Condition::True,
            unschedulable,
        }
    }

    fn add_node(&mut self, status: NodeStatus) -> NodeId {
        let node = self.view.nodes().next_id();
        let name = self.name(&format!("n{}", node.0));
        self.tell(Change::NodeAdded { node, name, hostname: Some(name), status });
        node
    }

    fn pod_spec(&mut self, cpu: u64) -> PodSpec {
        let (namespace, scheduler) = (self.name("default"), self.name("default-scheduler"));
        let mut spec = PodSpec::new(namespace, scheduler);
        spec.requests.cpu = MilliCpu(cpu);
        spec.scoring_cpu = MilliCpu(cpu);
        spec
    }

    fn add_pod(&mut self, number: u32, spec: &PodSpec) -> PodId {
        let name = PodName::numbered(self.name("p"), number);
        let spec = self.catalog.intern_pod_spec(spec).0;
        let (pod, uid, created) = (PodId(number), PodUid(number), self.now);
        self.tell(Change::PodAdded { pod, uid, spec, workload: WorkloadId(0), name, created });
        pod
    }

    fn step(&mut self) -> Option<Action> {
        let mut actions = Vec::new();
        let (catalog, view, now) = (&self.catalog, &self.view, self.now);
        let cx = Cx { catalog, view, now, draws: Draws::new(self.seed) };
        self.scheduler.step(cx, &mut actions, None);
        assert!(actions.len() <= 1);
        actions.pop()
    }

    fn end(&mut self, action: &Action, end: AttemptEnd) {
        let (catalog, view, now) = (&self.catalog, &self.view, self.now);
        let cx = Cx { catalog, view, now, draws: Draws::new(self.seed) };
        self.scheduler.end(cx, action, end);
    }

    /// One attempt with all that follows; the node, or the plugins that refused.
    fn attempt(&mut self) -> Option<Result<NodeId, PluginSet>> {
        let action = self.step()?;
        Some(match action {
            Action::Bind { pod, node, devices, .. } => {
                self.view.assume(pod, node, devices, &self.catalog);
                self.end(&action, AttemptEnd::Assumed);
                self.tell(Change::PodBound { pod, node, devices });
                self.end(&action, AttemptEnd::Bound);
                Ok(node)
            }
            Action::Refuse { refusers, .. } => {
                self.end(&action, AttemptEnd::Refused(refusers));
                Err(refusers)
            }
        })
    }
}

fn node_spec(cpu: u64) -> NodeSpec {
    let allocatable = Amounts { cpu: MilliCpu(cpu), memory: Bytes(1 << 34), ..Default::default() };
    NodeSpec { allocatable, pods: 110, ..Default::default() }
}

fn only(plugin: Plugin) -> Option<Result<NodeId, PluginSet>> {
    Some(Err(PluginSet::of(&[plugin])))
}

#[test]
fn without_nodes_a_pod_is_tried_again_after_its_back_off() {
    let mut host = Host::plain();
    let spec = host.pod_spec(100);
    host.add_pod(1, &spec);
    assert_eq!(host.attempt(), Some(Err(PluginSet::EMPTY)));
    assert_eq!(host.scheduler.due(host.now), Some(Time::from_secs(2)));
    assert_eq!(host.scheduler.pending(), 1);
}

#[test]
fn the_end_of_a_pod_wakes_those_refused_for_room() {
    let mut host = Host::plain();
    let status = host.status(&node_spec(1000), &[], false);
    host.add_node(status);
    let spec = host.pod_spec(700);
    host.add_pod(1, &spec);
    host.add_pod(2, &spec);
    assert_eq!(host.attempt(), Some(Ok(NodeId(0))));
    assert_eq!(host.attempt(), only(Plugin::NodeResourcesFit));
    assert_eq!(host.attempt(), None);
    host.now = Time::from_secs(20);
    host.tell(Change::PodPhase { pod: PodId(1), phase: PodPhase::Running });
    assert_eq!(host.attempt(), None, "nothing ended");
    host.tell(Change::PodPhase { pod: PodId(1), phase: PodPhase::Succeeded });
    assert_eq!(host.attempt(), Some(Ok(NodeId(0))));
    assert_eq!(host.scheduler.pending(), 0);
    assert_eq!(host.scheduler.due(host.now), None);
}

#[test]
fn a_failed_binding_comes_back_as_an_error_and_wakes_others() {
    let mut host = Host::plain();
    let status = host.status(&node_spec(1000), &[], false);
    host.add_node(status);
    let spec = host.pod_spec(700);
    host.add_pod(1, &spec);
    host.add_pod(2, &spec);
    let action = host.step().unwrap();
    let Action::Bind { pod, node, devices, .. } = action else { panic!("{action:?}") };
    host.view.assume(pod, node, devices, &host.catalog);
    host.end(&action, AttemptEnd::Assumed);
    assert_eq!(host.attempt(), only(Plugin::NodeResourcesFit));
    host.view.forget(pod, &host.catalog);
    host.end(&action, AttemptEnd::BindFailed);
    assert_eq!(host.attempt(), Some(Ok(NodeId(0))), "the other pod is woken");
    assert_eq!(host.attempt(), None, "the failed one is delayed");
    assert_eq!(host.scheduler.due(host.now), Some(Time::from_secs(2)));
}

#[test]
fn pods_that_are_gone_or_going_or_bound_are_dropped() {
    let mut host = Host::plain();
    let status = host.status(&node_spec(1000), &[], false);
    let node = host.add_node(status);
    let spec = host.pod_spec(10);
    for number in 1..=4 {
        host.add_pod(number, &spec);
    }
    host.tell(Change::PodRemoved { pod: PodId(1) });
    host.tell(Change::PodDeleting { pod: PodId(2) });
    host.tell(Change::PodBound { pod: PodId(3), node, devices: DeviceMask::NONE });
    let action = host.step().unwrap();
    assert!(matches!(action, Action::Bind { pod: PodId(4), .. }), "{action:?}");
    // Gone while its attempt is under way.
    host.tell(Change::PodRemoved { pod: PodId(4) });
    host.end(&action, AttemptEnd::Refused(PluginSet::of(&[Plugin::NodeAffinity])));
    assert_eq!((host.scheduler.pending(), host.scheduler.due(host.now)), (0, None));
}

#[test]
fn others_pods_are_none_of_its_business() {
    let mut host = Host::plain();
    let status = host.status(&node_spec(1000), &[], false);
    host.add_node(status);
    let mut spec = host.pod_spec(10);
    spec.scheduler_name = host.name("another");
    host.add_pod(1, &spec);
    let mut spec = host.pod_spec(10);
    spec.node_name = Some(host.name("n0"));
    host.add_pod(2, &spec);
    let mut spec = host.pod_spec(10);
    spec.scheduling_gates = vec![host.name("example.com/gate")];
    assert!(host.scheduler.held_back(&spec).is_some());
    host.add_pod(3, &spec);
    assert_eq!(host.attempt(), None);
    assert_eq!(host.scheduler.pending(), 1, "the gated pod waits");
}

/// Which change of a node wakes a pod: (refused by, before, after, wakes).
#[test]
fn node_changes_wake_by_hint() {
    let mut host = Host::plain();
    let (key, value) = (host.name("dedicated"), host.name("x"));
    let taint = |effect| Taint { key, value, effect };
    let (label, yes) = (host.name("disk"), host.name("ssd"));
    let labelled = |cpu| {
        let mut spec = node_spec(cpu);
        spec.labels.set(label, yes);
        spec
    };
    let device =
        |count| NodeSpec { devices: Some(DeviceGroup { count, model: value }), ..node_spec(1000) };
    let mut picky = host.pod_spec(500);
    picky.node_selector.set(label, yes);
    let mut big = host.pod_spec(2000);
    big.requests.memory = Bytes(1 << 30);
    let mut gpu = host.pod_spec(500);
    gpu.devices = Some(DeviceRequest { count: 2, milli_each: 1000, models: vec![value] });
    let small = host.pod_spec(500);
    let no = Effect::NoSchedule;
    let plain = |cpu| (node_spec(cpu), vec![], false);
    use Plugin::{Devices, NodeAffinity, NodeResourcesFit, NodeUnschedulable, TaintToleration};
    for (pod, plugin, before, after, wakes) in [
        (&small, NodeUnschedulable, (node_spec(1000), vec![], true), plain(1000), true),
        (
            &small,
            NodeUnschedulable,
            (node_spec(1000), vec![], true),
            (node_spec(2000), vec![], true),
            false,
        ),
        (&small, TaintToleration, (node_spec(1000), vec![taint(no)], false), plain(1000), true),
        (
            &small,
            TaintToleration,
            (node_spec(1000), vec![taint(no)], false),
            (node_spec(1000), vec![taint(Effect::NoExecute)], false),
            false,
        ),
        (
            &small,
            TaintToleration,
            (node_spec(1000), vec![taint(no)], false),
            (node_spec(9000), vec![taint(no)], false),
            false,
        ),
        (&picky, NodeAffinity, plain(1000), (labelled(1000), vec![], false), true),
        (&picky, NodeAffinity, plain(1000), plain(9000), false),
        (&big, NodeResourcesFit, plain(1000), plain(2000), true),
        (&big, NodeResourcesFit, plain(1000), plain(1999), false),
        (&big, NodeResourcesFit, plain(1000), (labelled(1000), vec![], false), false),
        (&gpu, Devices, (device(1), vec![], false), (device(2), vec![], false), true),
        (&gpu, Devices, plain(1000), (device(1), vec![], false), false),
    ] {
        let mut host = host.clone();
        let status = host.status(&before.0, &before.1, before.2);
        let node = host.add_node(status);
        host.add_pod(1, pod);
        assert_eq!(host.attempt(), only(plugin), "{plugin}: {before:?}");
        let status = host.status(&after.0, &after.1, after.2);
        host.tell(Change::NodeUpdated { node, status });
        // The early pop makes a woken pod due at once.
        let due = host.scheduler.due(host.now) == Some(host.now);
        assert_eq!(due, wakes, "{plugin}: {before:?} -> {after:?}");
    }
}

#[test]
fn a_new_node_wakes_only_those_whom_it_may_help() {
    let mut host = Host::plain();
    let small = host.status(&node_spec(100), &[], false);
    host.add_node(small);
    let spec = host.pod_spec(2000);
    host.add_pod(1, &spec);
    assert_eq!(host.attempt(), only(Plugin::NodeResourcesFit));
    host.add_node(small);
    assert_eq!(host.attempt(), None);
    let large = host.status(&node_spec(4000), &[], false);
    host.add_node(large);
    assert_eq!(host.attempt(), Some(Ok(NodeId(2))));
}

#[test]
fn a_port_wakes_only_those_who_want_it() {
    let mut host = Host::plain();
    let status = host.status(&node_spec(1000), &[], false);
    host.add_node(status);
    let port = |port| HostPort { port, protocol: Protocol::Tcp, address: None };
    for (number, ports) in [(1, vec![port(80)]), (2, vec![port(443)]), (3, vec![port(80)])] {
        let mut spec = host.pod_spec(0);
        spec.host_ports = ports;
        host.add_pod(number, &spec);
    }
    assert_eq!(host.attempt(), Some(Ok(NodeId(0))));
    assert_eq!(host.attempt(), Some(Ok(NodeId(0))));
    assert_eq!(host.attempt(), only(Plugin::NodePorts));
    host.tell(Change::PodRemoved { pod: PodId(2) });
    assert_eq!(host.attempt(), None);
    host.tell(Change::PodRemoved { pod: PodId(1) });
    assert_eq!(host.attempt(), Some(Ok(NodeId(0))));
}

#[test]
fn devices_go_to_the_first_that_has_enough_left() {
    let mut host = Host::plain();
    let model = host.name("T4");
    let devices = Some(DeviceGroup { count: 3, model });
    let status = host.status(&NodeSpec { devices, ..node_spec(9000) }, &[], false);
    host.add_node(status);
    let mut given = Vec::new();
    for (number, (count, milli_each)) in
        [(1, 400), (1, 700), (1, 600), (1, 1000), (1, 300)].into_iter().enumerate()
    {
        let mut spec = host.pod_spec(0);
        spec.devices = Some(DeviceRequest { count, milli_each, models: vec![] });
        let pod = host.add_pod(number as u32, &spec);
        assert_eq!(host.attempt(), Some(Ok(NodeId(0))));
        given.push(host.view.pod(pod).unwrap().devices.0);
    }
    assert_eq!(given, [0b001, 0b010, 0b001, 0b100, 0b010]);
    let mut spec = host.pod_spec(0);
    spec.devices = Some(DeviceRequest { count: 1, milli_each: 100, models: vec![] });
    host.add_pod(9, &spec);
    assert_eq!(host.attempt(), only(Plugin::Devices));
}

#[test]
fn ties_are_drawn_by_pod_and_attempt() {
    let choose = |seed, number| {
        let mut host = Host::new(&KubeSchedulerParams::default());
        host.seed = seed;
        let status = host.status(&node_spec(1000), &[], false);
        (0..5).for_each(|_| {
            host.add_node(status);
        });
        let spec = host.pod_spec(10);
        host.add_pod(number, &spec);
        host.attempt().unwrap().unwrap().0
    };
    let mut counts = [0; 5];
    for number in 0..500 {
        assert_eq!(choose(7, number), choose(7, number));
        counts[choose(7, number) as usize] += 1;
    }
    assert!(counts.iter().all(|count| (60..140).contains(count)), "{counts:?}");
}

#[test]
fn parameters_reach_the_profile() {
    let params: KubeSchedulerParams = serde_json::from_str(
        r#"{"tie_break": "first", "disabled_plugins": ["TaintToleration"],
            "disabled_scores": ["NodeResourcesBalancedAllocation"],
            "score_weights": {"NodeResourcesFit": 7},
            "scoring_strategy": {"type": "MostAllocated", "resources": [{"name": "cpu"}]}}"#,
    )
    .unwrap();
    let mut host = Host::new(&params);
    let (key, value) = (host.name("k"), host.name("v"));
    let taint = Taint { key, value, effect: Effect::NoSchedule };
    for cpu in [4000, 1000] {
        let status = host.status(&node_spec(cpu), &[taint], false);
        host.add_node(status);
    }
    let spec = host.pod_spec(500);
    host.add_pod(1, &spec);
    let mut explain = Explain::default();
    let cx = Cx { catalog: &host.catalog, view: &host.view, now: host.now, draws: Draws::new(1) };
    let mut actions = Vec::new();
    host.scheduler.step(cx, &mut actions, Some(&mut explain));
    assert!(matches!(actions[..], [Action::Bind { node: NodeId(1), feasible: 2, .. }]));
    let scores = explain.nodes.iter().map(|node| format!("{:?}", node.verdict));
    assert_eq!(
        scores.collect::<Vec<_>>(),
        [
            "Feasible([(NodeResourcesFit, 84), (ImageLocality, 0)])",
            "Feasible([(NodeResourcesFit, 350), (ImageLocality, 0)])",
        ]
    );
}

/// One thing that may happen to a cluster in the property test.
#[derive(Debug, Clone)]
enum Step {
    Pod { kind: usize },
    End { pod: u32 },
    Remove { pod: u32 },
    Node { node: u32, kind: usize, taint: bool, cordon: bool },
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6usize).prop_map(|kind| Step::Pod { kind }),
        2 => (0..40u32).prop_map(|pod| Step::End { pod }),
        1 => (0..40u32).prop_map(|pod| Step::Remove { pod }),
        2 => (0..8u32, 0..4usize, any::<bool>(), any::<bool>())
            .prop_map(|(node, kind, taint, cordon)| Step::Node { node, kind, taint, cordon }),
        2 => (100..20_000u64).prop_map(Step::Wait),
    ]
}

/// Pods and nodes that use every plugin.
fn kinds(host: &mut Host) -> (Vec<PodSpec>, Vec<NodeSpec>, Taint) {
    let (disk, ssd, zone) = (host.name("disk"), host.name("ssd"), host.name("a"));
    let (key, value, image) = (host.name("k"), host.name("v"), host.name("app:1"));
    let zone_key = host.name("topology.kubernetes.io/zone");
    let taint = Taint { key, value, effect: Effect::NoSchedule };
    let mut pods = vec![host.pod_spec(300); 6];
    pods[1].node_selector.set(disk, ssd);
    pods[2].tolerations = vec![Toleration {
        key: None,
        operator: TolerationOperator::Exists,
        value,
        effect: None,
        seconds: None,
    }];
    pods[3].devices = Some(DeviceRequest { count: 1, milli_each: 400, models: vec![] });
    pods[4].host_ports = vec![HostPort { port: 80, protocol: Protocol::Tcp, address: None }];
    pods[5].priority = 10;
    pods[5].requests.memory = Bytes(1 << 33);
    let mut nodes = vec![node_spec(1000); 4];
    nodes[1].labels.set(disk, ssd);
    nodes[2].labels.set(zone_key, zone);
    nodes[2].images = vec![ImageOnNode { name: image, size: Bytes(1 << 30) }];
    nodes[3].labels.set(disk, ssd);
    nodes[3].allocatable.cpu = MilliCpu(2000);
    for node in &mut nodes {
        node.devices = Some(DeviceGroup { count: 1, model: value });
    }
    (pods, nodes, taint)
}

/// Runs the steps; before each attempt `meddle` may do what must not matter.
fn play(steps: &[Step], mut meddle: impl FnMut(&mut Host)) -> Vec<String> {
    let mut host = Host::new(&KubeSchedulerParams::default());
    let (pods, nodes, taint) = kinds(&mut host);
    for kind in 0..4 {
        let status = host.status(&nodes[kind], &[], false);
        host.add_node(status);
    }
    let mut log = Vec::new();
    let mut count = 0;
    for step in steps {
        let running = |host: &Host, pod| {
            host.view
                .pod(PodId(pod))
                .is_some_and(|row| row.node.is_some() && !row.phase.is_terminal())
        };
        match *step {
            Step::Pod { kind } => {
                host.add_pod(count, &pods[kind]);
                count += 1;
            }
            Step::End { pod } if running(&host, pod) => {
                host.tell(Change::PodPhase { pod: PodId(pod), phase: PodPhase::Succeeded });
            }
            Step::Remove { pod } if host.view.pod(PodId(pod)).is_some() => {
                host.tell(Change::PodRemoved { pod: PodId(pod) });
            }
            Step::Node { node, kind, taint: tainted, cordon } => {
                let taints: &[Taint] = if tainted { &[taint] } else { &[] };
                let status = host.status(&nodes[kind], taints, cordon);
                if host.view.nodes().get(NodeId(node)).is_some() {
                    host.tell(Change::NodeUpdated { node: NodeId(node), status });
                } else {
                    host.add_node(status);
                }
            }
            Step::Wait(millis) => host.now += Span::from_millis(millis),
            Step::End { .. } | Step::Remove { .. } => {}
        }
        meddle(&mut host);
        while host.scheduler.due(host.now) == Some(host.now) {
            let result = host.attempt();
            log.push(format!("{} {result:?}", host.now));
            if result.is_none() {
                break;
            }
            host.now += Span::from_millis(2);
            meddle(&mut host);
        }
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn caches_clones_and_saving_change_nothing(steps in prop::collection::vec(step(), 1..60)) {
        let plain = play(&steps, |_| {});
        prop_assert_eq!(&plain, &play(&steps, |host| host.scheduler.drop_caches()));
        prop_assert_eq!(&plain, &play(&steps, |host| *host = host.clone()));
        let saved = play(&steps, |host| {
            let bytes = postcard::to_stdvec(&host.scheduler).unwrap();
            host.scheduler = postcard::from_bytes(&bytes).unwrap();
        });
        prop_assert_eq!(&plain, &saved);
    }
}
