//! Whether a kubelet takes a pod that was bound to its node.
//!
//! Source: `pkg/kubelet/lifecycle/predicate.go`, `pkg/scheduler/framework/plugins` (`Fits` of
//! resources, affinity, name and ports) and `pkg/kubelet/eviction/eviction_manager.go` (`Admit`),
//! Kubernetes 1.34. A pod that is refused gets phase Failed and the reason; it is not tried again.

use super::Qos;
use crate::ground::Name;
use crate::model::{
    Catalog, DeviceMask, Effect, NodeHolds, NodeSpec, NodeUse, PodSpec, Pressure, Resource, Taint,
};
use crate::policy::kube::control::NodeMark;
use serde::{Deserialize, Serialize};

/// Why a pod is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rejection {
    /// So much is missing of a resource: thousandths of a core, bytes, pods or units.
    OutOf(Resource, u64),
    /// Selector or required node affinity does not match.
    NodeAffinity,
    /// The pod wants another node.
    NodeName,
    /// A host port is taken.
    NodePorts,
    /// A NoExecute taint is not tolerated.
    TaintToleration,
    /// A device that the pod was given is not free.
    UnexpectedAdmissionError,
    /// The node is under pressure.
    Evicted,
    /// The node shuts down.
    NodeShutdown,
}

impl Rejection {
    /// The reason as the pod's status words it.
    pub fn reason(self, catalog: &Catalog) -> String {
        let word = match self {
            Rejection::OutOf(resource, _) => match resource {
                Resource::Cpu => "OutOfcpu",
                Resource::Memory => "OutOfmemory",
                Resource::EphemeralStorage => "OutOfephemeral-storage",
                Resource::Pods => "OutOfpods",
                Resource::Device => "UnexpectedAdmissionError",
                Resource::Extended(name) => return format!("OutOf{}", catalog.names.text(name)),
            },
            Rejection::NodeAffinity => "NodeAffinity",
            Rejection::NodeName => "NodeName",
            Rejection::NodePorts => "NodePorts",
            Rejection::TaintToleration => "TaintToleration",
            Rejection::UnexpectedAdmissionError => "UnexpectedAdmissionError",
            Rejection::Evicted => "Evicted",
            Rejection::NodeShutdown => "NodeShutdown",
        };
        word.to_owned()
    }
}

/// A pod that arrives at a node.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Its specification.
    pub spec: &'a PodSpec,
    /// Devices of the node that it was bound to.
    pub devices: DeviceMask,
    /// It is static or a mirror of one: it came from the node itself.
    pub is_static: bool,
}

impl Arrival<'_> {
    /// True if it is admitted under pressure and may displace others.
    pub fn is_critical(&self) -> bool {
        self.is_static || self.spec.priority >= super::CRITICAL_PRIORITY
    }
}

/// A node as its kubelet knows it, without the pod that arrives.
#[derive(Debug, Clone, Copy)]
pub struct Room<'a> {
    /// Name.
    pub name: Name,
    /// Value of its label `kubernetes.io/hostname`.
    pub hostname: Option<Name>,
    /// Its specification.
    pub spec: &'a NodeSpec,
    /// Its taints.
    pub taints: &'a [Taint],
    /// Sums over the pods that it runs.
    pub usage: &'a NodeUse,
    /// What these hold item by item.
    pub holds: &'a NodeHolds,
}

/// Everything that speaks against a pod; the first is the reason of its status. Extended resources
/// that the node does not have at all are not looked at: they are managed elsewhere.
pub fn admission_failures(
    arrival: &Arrival<'_>,
    room: &Room<'_>,
    catalog: &Catalog,
) -> Vec<Rejection> {
    let spec = arrival.spec;
    let mut failures = missing_resources(spec, room);
    let label = |key: Name| {
        if key == catalog.hostname_key { room.hostname } else { room.spec.labels.get(key) }
    };
    let selected = spec.node_selector.iter().all(|(key, value)| label(key) == Some(value));
    let near = spec
        .node_affinity
        .required
        .as_ref()
        .is_none_or(|terms| terms.iter().any(|term| term.matches(room.name, label, catalog)));
    let conflict = |port| room.holds.ports.iter().any(|held| held.conflicts(port));
    let lasting = room.taints.iter().filter(|taint| taint.effect == Effect::NoExecute);
    let tolerated = |taint: &Taint| spec.tolerations.iter().any(|t| t.tolerates(taint));
    let each = spec.devices.as_ref().map_or(0, |request| request.milli_each);
    let device_left = |device: usize| room.holds.device_left.get(device).copied().unwrap_or(0);
    for (fails, rejection) in [
        (!(selected && near), Rejection::NodeAffinity),
        (spec.node_name.is_some_and(|name| name != room.name), Rejection::NodeName),
        (spec.host_ports.iter().any(conflict), Rejection::NodePorts),
        (!arrival.is_static && !lasting.into_iter().all(tolerated), Rejection::TaintToleration),
        (
            arrival.devices.iter().any(|device| device_left(device) < each),
            Rejection::UnexpectedAdmissionError,
        ),
    ] {
        if fails {
            failures.push(rejection);
        }
    }
    failures
}

fn missing_resources(spec: &PodSpec, room: &Room<'_>) -> Vec<Rejection> {
    let allocatable = &room.spec.allocatable;
    let used = room.usage;
    let wanted = &spec.requests;
    let mut missing = Vec::new();
    let mut compare = |resource, wanted: u64, used: u64, capacity: u64| {
        let short = wanted.saturating_add(used).saturating_sub(capacity);
        if wanted > 0 && short > 0 {
            missing.push(Rejection::OutOf(resource, short));
        }
    };
    compare(Resource::Pods, 1, u64::from(used.pods), u64::from(room.spec.pods));
    compare(Resource::Cpu, wanted.cpu.0, used.cpu, allocatable.cpu.0);
    compare(Resource::Memory, wanted.memory.0, used.memory, allocatable.memory.0);
    compare(
        Resource::EphemeralStorage,
        wanted.ephemeral_storage.0,
        used.ephemeral_storage,
        allocatable.ephemeral_storage.0,
    );
    for (name, amount) in wanted.extended.iter() {
        let capacity = allocatable.extended.get(name);
        if capacity > 0 {
            compare(Resource::Extended(name), amount, room.holds.extended.get(name), capacity);
        }
    }
    missing
}

/// True if a node with these conditions takes the pod: critical ones always; with memory pressure
/// alone those that are not BestEffort, and others that tolerate its taint; else none.
pub fn admits_under_pressure(
    conditions: &[Pressure],
    arrival: &Arrival<'_>,
    qos: Qos,
    catalog: &Catalog,
) -> bool {
    if conditions.is_empty() || arrival.is_critical() {
        return true;
    }
    if conditions != [Pressure::Memory] {
        return false;
    }
    let key = catalog.names.find(NodeMark::MemoryPressure.key()).unwrap_or(Catalog::NO_TEXT);
    let taint = Taint { key, value: Catalog::NO_TEXT, effect: Effect::NoSchedule };
    qos != Qos::BestEffort || arrival.spec.tolerations.iter().any(|t| t.tolerates(&taint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::{Bytes, MilliCpu};
    use crate::model::{Amounts, HostPort, Protocol, Toleration, TolerationOperator};
    use crate::policy::kube::kubelet::CRITICAL_PRIORITY;

    const GIB: u64 = 1 << 30;

    struct Bench {
        catalog: Catalog,
        node: NodeSpec,
        usage: NodeUse,
        holds: NodeHolds,
        taints: Vec<Taint>,
        name: Name,
    }

    fn amounts(cpu: u64, memory: u64) -> Amounts {
        Amounts { cpu: MilliCpu(cpu), memory: Bytes(memory), ..Amounts::default() }
    }

    fn bench() -> Bench {
        let mut catalog = Catalog::new();
        let name = catalog.names.intern("n1");
        let allocatable = amounts(4000, 8 * GIB);
        let usage = NodeUse { cpu: 3000, memory: 7 * GIB, pods: 2, ..NodeUse::default() };
        let port = HostPort { port: 80, protocol: Protocol::Tcp, address: None };
        let holds = NodeHolds { ports: vec![port], ..NodeHolds::default() };
        let node = NodeSpec { allocatable, pods: 3, ..NodeSpec::default() };
        Bench { catalog, node, usage, holds, taints: Vec::new(), name }
    }

    impl Bench {
        fn failures(&self, spec: &PodSpec, is_static: bool) -> Vec<String> {
            let arrival = Arrival { spec, devices: DeviceMask::NONE, is_static };
            let room = Room {
                name: self.name,
                hostname: Some(self.name),
                spec: &self.node,
                taints: &self.taints,
                usage: &self.usage,
                holds: &self.holds,
            };
            let failures = admission_failures(&arrival, &room, &self.catalog);
            failures.iter().map(|failure| failure.reason(&self.catalog)).collect()
        }

        fn pod(&self, cpu: u64, memory: u64) -> PodSpec {
            let requests = amounts(cpu, memory);
            PodSpec { requests, ..PodSpec::new(Catalog::NO_TEXT, Catalog::NO_TEXT) }
        }
    }

    #[test]
    fn resources_are_checked_again() {
        let mut bench = bench();
        for (cpu, memory, reasons) in [
            (1000, GIB, vec![]),
            (1001, GIB, vec!["OutOfcpu"]),
            (1001, GIB + 1, vec!["OutOfcpu", "OutOfmemory"]),
        ] {
            assert_eq!(bench.failures(&bench.pod(cpu, memory), false), reasons, "{cpu} {memory}");
        }
        bench.usage.cpu = 5000;
        assert!(bench.failures(&bench.pod(0, 0), false).is_empty(), "it asks for nothing");
        bench.usage.pods = 3;
        assert_eq!(bench.failures(&bench.pod(0, 0), false), ["OutOfpods"]);
        let gadget = bench.catalog.names.intern("example.com/gadget");
        let mut pod = bench.pod(0, 0);
        pod.requests.extended.set(gadget, 2);
        bench.usage.pods = 0;
        assert!(bench.failures(&pod, false).is_empty(), "the node has no such resource");
        bench.node.allocatable.extended.set(gadget, 1);
        assert_eq!(bench.failures(&pod, false), ["OutOfexample.com/gadget"]);
    }

    #[test]
    fn place_ports_and_taints_are_checked_again() {
        let mut bench = bench();
        let (zone, a, b) = {
            let names = &mut bench.catalog.names;
            (names.intern("zone"), names.intern("a"), names.intern("b"))
        };
        bench.node.labels.set(zone, a);
        bench.taints = vec![Taint { key: zone, value: a, effect: Effect::NoExecute }];
        let mut pod = bench.pod(0, 0);
        assert_eq!(bench.failures(&pod, false), ["TaintToleration"]);
        assert!(bench.failures(&pod, true).is_empty(), "static pods do not mind taints");
        pod.node_selector.set(zone, b);
        pod.node_name = Some(b);
        pod.host_ports = bench.holds.ports.clone();
        let all = ["NodeAffinity", "NodeName", "NodePorts", "TaintToleration"];
        assert_eq!(bench.failures(&pod, false), all);
        pod.node_selector.set(zone, a);
        pod.node_selector.set(bench.catalog.hostname_key, bench.name);
        assert_eq!(bench.failures(&pod, false), all[1..]);
    }

    #[test]
    fn pressure() {
        let mut bench = bench();
        let key = bench.catalog.names.intern(NodeMark::MemoryPressure.key());
        let plain = bench.pod(0, 0);
        let critical = PodSpec { priority: CRITICAL_PRIORITY, ..plain.clone() };
        let tolerant = PodSpec {
            tolerations: vec![Toleration {
                key: Some(key),
                operator: TolerationOperator::Exists,
                value: Catalog::NO_TEXT,
                effect: Some(Effect::NoSchedule),
                seconds: None,
            }],
            ..plain.clone()
        };
        let both = [Pressure::Memory, Pressure::Disk];
        let cases: [(&[Pressure], &PodSpec, Qos, bool); 9] = [
            (&[], &plain, Qos::BestEffort, true),
            (&[Pressure::Memory], &plain, Qos::BestEffort, false),
            (&[Pressure::Memory], &plain, Qos::Burstable, true),
            (&[Pressure::Memory], &tolerant, Qos::BestEffort, true),
            (&[Pressure::Disk], &plain, Qos::Guaranteed, false),
            (&[Pressure::Disk], &tolerant, Qos::Burstable, false),
            (&[Pressure::Disk], &critical, Qos::Guaranteed, true),
            (&both, &plain, Qos::Guaranteed, false),
            (&both, &critical, Qos::BestEffort, true),
        ];
        for (conditions, spec, qos, admitted) in cases {
            let arrival = Arrival { spec, devices: DeviceMask::NONE, is_static: false };
            let found = admits_under_pressure(conditions, &arrival, qos, &bench.catalog);
            assert_eq!(found, admitted, "{conditions:?} {qos:?}");
        }
    }
}
