//! Random clusters for the tests of the fast path: nodes and pods of every kind, and what happens
//! to them.

use crate::ground::{Bytes, Draws, Key, MilliCpu, Name, Purpose, Stream};
use crate::model::{
    Container, DeviceGroup, DeviceRequest, Effect, HostPort, ImageOnNode, NodeSelectorTerm,
    NodeSpec, Operator, PodSpec, PreemptionPolicy, Preferred, Protocol, Requirement, Taint,
    Toleration, TolerationOperator,
};
use crate::policy::kube::scheduler::test_host::{Host, node_spec};

const LAB: Purpose = Purpose::new("fast-path-test");
const GIB: u64 = 1 << 30;

/// Chance, and the kinds of things that there are.
pub(super) struct Lab {
    stream: Stream,
    pub(super) pods: Vec<PodSpec>,
    pub(super) nodes: Vec<NodeSpec>,
    pub(super) taints: Vec<Vec<Taint>>,
}

/// What the pods and nodes of a lab are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variety {
    /// Round numbers, so that many nodes tie, and nothing but CPU and memory.
    Even,
    /// Everything but what pods want of other pods.
    All,
    /// Everything.
    Related,
}

impl Lab {
    pub(super) fn new(seed: u64, variety: Variety, host: &mut Host) -> Lab {
        let stream = Draws::new(seed).stream(LAB, Key(seed), 0);
        let mut lab = Lab { stream, pods: Vec::new(), nodes: Vec::new(), taints: vec![vec![]] };
        match variety {
            Variety::Even => {
                lab.nodes = vec![node_spec(4000), node_spec(8000)];
                lab.pods = [100, 250, 500, 1000].map(|cpu| sized(host, cpu, cpu << 20)).into();
            }
            Variety::All | Variety::Related => {
                lab.make_taints(host);
                lab.make_nodes(host);
                lab.make_pods(host);
            }
        }
        if variety == Variety::Related {
            lab.relate(host);
        }
        lab
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        self.stream.below(count as u64) as usize
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(super) fn pod(&mut self) -> PodSpec {
        let at = self.below(self.pods.len());
        self.pods[at].clone()
    }

    pub(super) fn node(&mut self) -> NodeSpec {
        let at = self.below(self.nodes.len());
        self.nodes[at].clone()
    }

    pub(super) fn taint_list(&mut self) -> Vec<Taint> {
        let at = self.below(self.taints.len());
        self.taints[at].clone()
    }

    fn make_taints(&mut self, host: &mut Host) {
        let (key, value) = (host.name("dedicated"), host.name("x"));
        let taint = |effect| Taint { key, value, effect };
        self.taints.extend([
            vec![],
            vec![taint(Effect::PreferNoSchedule)],
            vec![taint(Effect::NoSchedule)],
            vec![taint(Effect::NoExecute), taint(Effect::PreferNoSchedule)],
        ]);
    }

    fn make_nodes(&mut self, host: &mut Host) {
        let (disk, ssd, image) = (host.name("disk"), host.name("ssd"), host.name("app:1"));
        let zone = host.name("topology.kubernetes.io/zone");
        let model = host.name("T4");
        for number in 0..10u64 {
            let cpu = [2000, 4000, 8000, 3777][self.below(4)];
            let mut node = node_spec(cpu);
            node.allocatable.memory = Bytes([8 * GIB, 16 * GIB, 123_456_789_123][self.below(3)]);
            node.allocatable.ephemeral_storage = Bytes(10 * GIB);
            node.allocatable.extended.set(host.name("example.com/thing"), number % 3);
            node.pods = [4, 110][self.below(2)];
            node.labels.set(zone, host.name(["a", "b", "c"][self.below(3)]));
            if self.one_in(2) {
                node.labels.set(disk, ssd);
            }
            if self.one_in(3) {
                node.images = vec![ImageOnNode { name: image, size: Bytes(GIB) }];
            }
            if self.one_in(3) {
                node.devices = Some(DeviceGroup { count: 2, model });
            }
            self.nodes.push(node);
        }
        // Numbers that the kernel does not hold.
        self.nodes[0].allocatable.cpu = MilliCpu(0);
        self.nodes[1].allocatable.memory = Bytes(1 << 43);
        self.nodes[2].allocatable.memory = Bytes(1 << 20);
    }

    fn make_pods(&mut self, host: &mut Host) {
        for _ in 0..24 {
            let (cpu, memory) = (self.below(1500) as u64, self.below(3000) as u64);
            let mut pod = sized(host, cpu, memory << 20);
            pod.requests.memory.0 += self.below(3) as u64;
            if self.one_in(6) {
                pod.requests = Default::default();
                pod.incoming_cpu = MilliCpu(100);
            }
            pod.priority = [0, 0, 0, 5, 9][self.below(5)];
            if self.one_in(6) {
                pod.preemption_policy = PreemptionPolicy::Never;
            }
            self.place(host, &mut pod);
            self.ask(host, &mut pod);
            self.pods.push(pod);
        }
    }

    /// Where a pod may or would rather go.
    fn place(&mut self, host: &mut Host, pod: &mut PodSpec) {
        let (disk, ssd) = (host.name("disk"), host.name("ssd"));
        let zone = host.name("topology.kubernetes.io/zone");
        let (hostname, third) = (host.name("kubernetes.io/hostname"), host.name("n3"));
        let value = host.name("x");
        let within = |key: Name, values: Vec<Name>| NodeSelectorTerm {
            match_labels: vec![Requirement { key, operator: Operator::In, values }],
            match_fields: Vec::new(),
        };
        if self.one_in(5) {
            pod.node_selector.set(disk, ssd);
        }
        if self.one_in(12) {
            pod.node_selector.set(hostname, third);
        }
        if self.one_in(5) {
            let zones = vec![host.name("a"), host.name("b")];
            pod.node_affinity.required = Some(vec![within(zone, zones)]);
        }
        for zone_name in ["a", "c"] {
            if self.one_in(4) {
                let term = within(zone, vec![host.name(zone_name)]);
                let weight = 1 + self.below(9) as i32;
                pod.node_affinity.preferred.push(Preferred { weight, term });
            }
        }
        if self.one_in(3) {
            let operator = TolerationOperator::Exists;
            let effect = [None, Some(Effect::NoSchedule)][self.below(2)];
            let toleration = Toleration { key: None, operator, value, effect, seconds: None };
            pod.tolerations.push(toleration);
        }
    }

    /// What a pod asks for besides CPU and memory.
    fn ask(&mut self, host: &mut Host, pod: &mut PodSpec) {
        if self.one_in(4) {
            let image = host.name("app:1");
            pod.containers = vec![Container { image: Some(image), ..Container::new(image) }];
        }
        if self.one_in(8) {
            pod.host_ports = vec![HostPort { port: 80, protocol: Protocol::Tcp, address: None }];
        }
        if self.one_in(8) {
            let milli_each = [300, 1000][self.below(2)];
            pod.devices = Some(DeviceRequest { count: 1, milli_each, models: vec![] });
        }
        if self.one_in(8) {
            pod.requests.ephemeral_storage = Bytes(3 * GIB);
        }
        if self.one_in(8) {
            pod.requests.extended.set(host.name("example.com/thing"), 1);
        }
    }
}

/// A pod that requests this much, in requests and scores alike.
pub(super) fn sized(host: &mut Host, cpu: u64, memory: u64) -> PodSpec {
    let mut pod = host.pod_spec(cpu);
    pod.requests.memory = Bytes(memory);
    pod.scoring_memory = Bytes(memory);
    pod.incoming_memory = Bytes(memory);
    pod
}
