//! The scheduler through its face, on small clusters.

use super::KubeSchedulerParams;
use super::test_host::{Host, node_spec};
use crate::ground::{Bytes, Draws, Time};
use crate::model::{
    Change, DeviceGroup, DeviceMask, DeviceRequest, Effect, Explain, HostPort, NodeId, NodeSpec,
    Plugin, PluginSet, PodId, PodPhase, Protocol, Taint,
};
use crate::policy::{Action, AttemptEnd, Cx, Scheduler};

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
    let (no, run) = (Effect::NoSchedule, Effect::NoExecute);
    let plain = |cpu| (node_spec(cpu), vec![], false);
    let (bare, tainted) = (vec![], vec![taint(no)]);
    let cordoned = |cpu| (node_spec(cpu), vec![], true);
    let gpus = |count| (device(count), vec![], false);
    let marked = |cpu, taints: &[Taint]| (node_spec(cpu), taints.to_vec(), false);
    let with_disk = (labelled(1000), bare, false);
    use Plugin::{Devices, NodeAffinity, NodeResourcesFit, NodeUnschedulable, TaintToleration};
    for (pod, plugin, before, after, wakes) in [
        (&small, NodeUnschedulable, cordoned(1000), plain(1000), true),
        (&small, NodeUnschedulable, cordoned(1000), cordoned(2000), false),
        (&small, TaintToleration, marked(1000, &tainted), plain(1000), true),
        (&small, TaintToleration, marked(1000, &tainted), marked(1000, &[taint(run)]), false),
        (&small, TaintToleration, marked(1000, &tainted), marked(9000, &tainted), false),
        (&picky, NodeAffinity, plain(1000), with_disk.clone(), true),
        (&picky, NodeAffinity, plain(1000), plain(9000), false),
        (&big, NodeResourcesFit, plain(1000), plain(2000), true),
        (&big, NodeResourcesFit, plain(1000), plain(1999), false),
        (&big, NodeResourcesFit, plain(1000), with_disk.clone(), false),
        (&gpu, Devices, gpus(1), gpus(2), true),
        (&gpu, Devices, plain(1000), gpus(1), false),
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
    assert!(matches!(actions[..], [Action::Bind { node: NodeId(1), .. }]));
    let scores = explain.nodes.iter().map(|node| format!("{:?}", node.verdict));
    assert_eq!(
        scores.collect::<Vec<_>>(),
        [
            "Feasible([(NodeResourcesFit, 84), (ImageLocality, 0)])",
            "Feasible([(NodeResourcesFit, 350), (ImageLocality, 0)])",
        ]
    );
}
