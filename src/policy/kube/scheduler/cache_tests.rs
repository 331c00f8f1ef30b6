//! What must not matter: caches, clones, and a scheduler that was saved and read again.

use super::KubeSchedulerParams;
use super::test_host::{Host, node_spec};
use crate::ground::{Bytes, MilliCpu, Span};
use crate::model::{
    Change, Container, DeviceGroup, DeviceRequest, Effect, HostPort, ImageOnNode, NodeId, NodeSpec,
    PodId, PodPhase, PodSpec, Protocol, Taint, Toleration, TolerationOperator,
};
use crate::policy::Scheduler;
use proptest::prelude::*;

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
    let container = Container { image: Some(image), ..Container::new(image) };
    for pod in &mut pods {
        pod.containers = vec![container.clone()];
    }
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

fn runs(host: &Host, pod: u32) -> bool {
    let row = host.view.pod(PodId(pod));
    row.is_some_and(|row| row.node.is_some() && !row.phase.is_terminal())
}

/// Runs the steps; before each attempt `meddle` may do what must not matter.
fn play(steps: &[Step], mut meddle: impl FnMut(&mut Host)) -> Vec<String> {
    let mut host = Host::new(&KubeSchedulerParams::default());
    let (pods, nodes, taint) = kinds(&mut host);
    for node in &nodes {
        let status = host.status(node, &[], false);
        host.add_node(status);
    }
    let mut log = Vec::new();
    let mut count = 0;
    for step in steps {
        match *step {
            Step::Pod { kind } => {
                host.add_pod(count, &pods[kind]);
                count += 1;
            }
            Step::End { pod } if runs(&host, pod) => {
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
