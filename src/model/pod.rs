//! Pods: the specification that equal pods share, and how far they are.

use super::{
    Amounts, DeviceRequest, Labels, NodeAffinity, Owner, PodAffinity, PodVolume, Probes,
    PullPolicy, SpreadConstraint, Toleration,
};
use crate::ground::{Bytes, MilliCpu, Name, Span, Time, define_id};
use serde::{Deserialize, Serialize};

define_id! {
    /// A row of the pod table; reused after the pod is gone.
    PodId;
    /// A pod for ever: its number in order of creation, never reused.
    PodUid;
    /// A pod specification in the catalog: the scheduler's equivalence class.
    PodSpecId;
}

/// Transport protocol of a host port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// A port of the node that a pod takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostPort {
    /// Port number, 1 to 65535.
    pub port: u16,
    /// Protocol.
    pub protocol: Protocol,
    /// Address; `None` stands for every address.
    pub address: Option<Name>,
}

impl HostPort {
    /// True if both cannot be taken on one node.
    pub fn conflicts(&self, other: &HostPort) -> bool {
        self.port == other.port
            && self.protocol == other.protocol
            && (self.address.is_none() || other.address.is_none() || self.address == other.address)
    }
}

/// May a pod displace others?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum PreemptionPolicy {
    /// Yes, those of lower priority.
    #[default]
    PreemptLowerPriority,
    /// No.
    Never,
}

/// What happens when a container ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum RestartPolicy {
    /// It is started again.
    #[default]
    Always,
    /// It is started again if it failed.
    OnFailure,
    /// It stays as it is.
    Never,
}

/// A command that a kubelet runs in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Hook {
    /// It takes exactly so long.
    Sleep(Span),
    /// It takes as long as the application says.
    Command,
}

/// Requests of a container that are written as zero, which scores tell from missing ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ExplicitZero {
    /// CPU.
    pub cpu: bool,
    /// Memory.
    pub memory: bool,
}

/// Requests of a pod as a whole (`spec.resources`), which take the place of the containers' sum.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct PodLevel {
    /// CPU.
    pub cpu: Option<MilliCpu>,
    /// Memory.
    pub memory: Option<Bytes>,
    /// Huge pages by the name of their resource, bytes.
    pub huge_pages: Vec<(Name, u64)>,
    /// Limit of CPU, zero without one. It decides the quality of service; containers are held back
    /// by their own limits only.
    pub cpu_limit: MilliCpu,
    /// Limit of memory, zero without one, as that of CPU.
    pub memory_limit: Bytes,
}

impl PodLevel {
    /// True if the pod as a whole asks for anything.
    pub fn is_set(&self) -> bool {
        self.cpu.is_some() || self.memory.is_some() || !self.huge_pages.is_empty()
    }

    fn replace_in(&self, amounts: &mut Amounts) {
        amounts.cpu = self.cpu.unwrap_or(amounts.cpu);
        amounts.memory = self.memory.unwrap_or(amounts.memory);
        for (name, amount) in &self.huge_pages {
            amounts.extended.set(*name, *amount);
        }
    }
}

/// One container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Container {
    /// Name.
    pub name: Name,
    /// Normalised image name.
    pub image: Option<Name>,
    /// Requests.
    pub requests: Amounts,
    /// Which of the requests are written as zero.
    pub explicit_zero: ExplicitZero,
    /// Limits.
    pub limits: Amounts,
    /// An init container with restart policy Always: starts before, and lives beside, the others.
    pub sidecar: bool,
    /// When its image is pulled.
    pub pull_policy: PullPolicy,
    /// Its probes.
    pub probes: Probes,
    /// Runs right after its start; the next container waits for it.
    pub post_start: Option<Hook>,
    /// Runs before TERM.
    pub pre_stop: Option<Hook>,
}

impl Container {
    /// A container without an image, requests, probes or hooks.
    pub fn new(name: Name) -> Container {
        Container {
            name,
            image: None,
            requests: Amounts::default(),
            explicit_zero: ExplicitZero::default(),
            limits: Amounts::default(),
            sidecar: false,
            pull_policy: PullPolicy::IfNotPresent,
            probes: Probes::default(),
            post_start: None,
            pre_stop: None,
        }
    }
}

/// Everything about a pod that equal pods share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodSpec {
    /// Namespace.
    pub namespace: Name,
    /// Labels.
    pub labels: Labels,
    /// Ordinary containers.
    pub containers: Vec<Container>,
    /// Init containers and sidecars, in order.
    pub init_containers: Vec<Container>,
    /// `spec.overhead`.
    pub overhead: Amounts,
    /// Requests of the pod as a whole.
    pub pod_level: PodLevel,
    /// What the scheduler reserves: the formula over containers, init containers, sidecars, the
    /// pod as a whole and overhead, without the devices asked for in `devices`.
    pub requests: Amounts,
    /// CPU for scoring, once the pod is on a node: a container without a CPU request counts 100 m.
    pub scoring_cpu: MilliCpu,
    /// Memory for scoring, once the pod is on a node: a container without a memory request counts
    /// 200 MiB.
    pub scoring_memory: Bytes,
    /// CPU for scoring while the pod is being placed: requests of the pod as a whole do not count.
    pub incoming_cpu: MilliCpu,
    /// Memory for scoring while the pod is being placed.
    pub incoming_memory: Bytes,
    /// Devices.
    pub devices: Option<DeviceRequest>,
    /// Host ports of all containers.
    pub host_ports: Vec<HostPort>,
    /// Priority.
    pub priority: i32,
    /// May it preempt?
    pub preemption_policy: PreemptionPolicy,
    /// Which scheduler profile places it.
    pub scheduler_name: Name,
    /// `spec.nodeName`.
    pub node_name: Option<Name>,
    /// `spec.nodeSelector`.
    pub node_selector: Labels,
    /// Node affinity.
    pub node_affinity: NodeAffinity,
    /// Affinity to other pods.
    pub pod_affinity: PodAffinity,
    /// How it is spread with pods like it.
    pub spread: Vec<SpreadConstraint>,
    /// Its controller, if it is one whose selector the scheduler knows.
    pub owner: Option<Owner>,
    /// Tolerations, those that admission adds included.
    pub tolerations: Vec<Toleration>,
    /// Scheduling gates.
    pub scheduling_gates: Vec<Name>,
    /// Restart policy.
    pub restart_policy: RestartPolicy,
    /// Time between the request to stop and the kill.
    pub termination_grace: Span,
    /// From its admission by the kubelet to its end as Failed, if it still runs then.
    pub active_deadline: Option<Span>,
    /// The annotation `controller.kubernetes.io/pod-deletion-cost`, 0 if it has none: where an
    /// owner has too many pods, those that cost less are deleted first.
    pub deletion_cost: i32,
    /// It has volumes, if only that of its service account's token, which the kubelet mounts
    /// before anything else.
    pub has_volumes: bool,
    /// Volumes that tie it to places.
    pub volumes: Vec<PodVolume>,
    /// The annotation `kubectl.kubernetes.io/restartedAt`.
    pub restarted_at: Option<Time>,
}

/// CPU that a container without a CPU request counts for in scores
/// (scheduler `util/pod_resources.go`, Kubernetes 1.34).
const DEFAULT_SCORING_CPU: MilliCpu = MilliCpu(100);
/// Memory that a container without a memory request counts for in scores (same file).
const DEFAULT_SCORING_MEMORY: Bytes = Bytes(200 * 1024 * 1024);

impl PodSpec {
    /// A pod without containers in the given namespace, placed by the given scheduler.
    pub fn new(namespace: Name, scheduler_name: Name) -> PodSpec {
        PodSpec {
            namespace,
            labels: Labels::new(),
            containers: Vec::new(),
            init_containers: Vec::new(),
            overhead: Amounts::default(),
            pod_level: PodLevel::default(),
            requests: Amounts::default(),
            scoring_cpu: MilliCpu::ZERO,
            scoring_memory: Bytes::ZERO,
            incoming_cpu: MilliCpu::ZERO,
            incoming_memory: Bytes::ZERO,
            devices: None,
            host_ports: Vec::new(),
            priority: 0,
            preemption_policy: PreemptionPolicy::default(),
            scheduler_name,
            node_name: None,
            node_selector: Labels::new(),
            node_affinity: NodeAffinity::default(),
            pod_affinity: PodAffinity::default(),
            spread: Vec::new(),
            owner: None,
            tolerations: Vec::new(),
            scheduling_gates: Vec::new(),
            restart_policy: RestartPolicy::default(),
            termination_grace: Span::from_secs(30),
            active_deadline: None,
            deletion_cost: 0,
            has_volumes: true,
            volumes: Vec::new(),
            restarted_at: None,
        }
    }

    /// Computes `requests` and the scoring amounts from containers, init containers, the pod as a
    /// whole and overhead (component-helpers `resource/helpers.go` and scheduler
    /// `framework/types.go`, Kubernetes 1.34).
    pub fn compute_requests(&mut self) {
        self.requests = self.total(true, |container| container.requests.clone());
        let (cpu_is_asked_for, memory_is_asked_for) = self.asks();
        let filled = |container: &Container, cpu: bool, memory: bool| {
            let mut amounts = container.requests.clone();
            let zero = container.explicit_zero;
            if cpu && amounts.cpu == MilliCpu::ZERO && !zero.cpu {
                amounts.cpu = DEFAULT_SCORING_CPU;
            }
            if memory && amounts.memory == Bytes::ZERO && !zero.memory {
                amounts.memory = DEFAULT_SCORING_MEMORY;
            }
            amounts
        };
        let incoming = self.total(false, |container| filled(container, true, true));
        let (cpu, memory) = match self.pod_level.is_set() {
            true => (!cpu_is_asked_for, !memory_is_asked_for),
            false => (true, true),
        };
        let scoring = self.total(true, |container| filled(container, cpu, memory));
        (self.scoring_cpu, self.scoring_memory) = (scoring.cpu, scoring.memory);
        (self.incoming_cpu, self.incoming_memory) = (incoming.cpu, incoming.memory);
    }

    /// What the containers ask for together, whatever the pod as a whole does.
    pub fn requests_of_containers(&self) -> Amounts {
        let overhead = Amounts::default();
        PodSpec { overhead, ..self.clone() }.total(false, |container| container.requests.clone())
    }

    /// The limits of the pod, of resources that have one (`PodLimits` of component-helpers
    /// `resource/helpers.go`, Kubernetes 1.34).
    pub fn limits(&self) -> Amounts {
        let overhead = Amounts::default();
        let spec = PodSpec { overhead, ..self.clone() };
        let mut limits = spec.total(false, |container| container.limits.clone());
        let whole = &self.pod_level;
        limits.cpu = if whole.cpu_limit.0 > 0 { whole.cpu_limit } else { limits.cpu };
        limits.memory = if whole.memory_limit.0 > 0 { whole.memory_limit } else { limits.memory };
        let mut overhead = self.overhead.clone();
        if limits.cpu.0 == 0 {
            overhead.cpu = MilliCpu::ZERO;
        }
        if limits.memory.0 == 0 {
            overhead.memory = Bytes::ZERO;
        }
        if limits.ephemeral_storage.0 == 0 {
            overhead.ephemeral_storage = Bytes::ZERO;
        }
        for (name, _) in self.overhead.extended.iter() {
            if limits.extended.get(name) == 0 {
                overhead.extended.set(name, 0);
            }
        }
        limits.add(&overhead);
        limits
    }

    /// Whether anything of the pod asks for CPU and for memory, be it zero.
    fn asks(&self) -> (bool, bool) {
        let containers = || self.containers.iter().chain(&self.init_containers);
        (
            self.requests.cpu > MilliCpu::ZERO
                || self.pod_level.cpu.is_some()
                || containers().any(|container| container.explicit_zero.cpu),
            self.requests.memory > Bytes::ZERO
                || self.pod_level.memory.is_some()
                || containers().any(|container| container.explicit_zero.memory),
        )
    }

    fn total(&self, pod_level: bool, requests: impl Fn(&Container) -> Amounts) -> Amounts {
        let mut total = Amounts::default();
        for container in &self.containers {
            total.add(&requests(container));
        }
        let mut sidecars = Amounts::default();
        let mut largest_init = Amounts::default();
        for container in &self.init_containers {
            let own = requests(container);
            if container.sidecar {
                total.add(&own);
                sidecars.add(&own);
                largest_init.maximize(&sidecars);
            } else {
                let mut with_sidecars = sidecars.clone();
                with_sidecars.add(&own);
                largest_init.maximize(&with_sidecars);
            }
        }
        total.maximize(&largest_init);
        if pod_level {
            self.pod_level.replace_in(&mut total);
        }
        total.add(&self.overhead);
        total
    }

    /// The same specification with every name replaced, to take it over into another catalog.
    #[must_use]
    pub fn renamed(&self, mut rename: impl FnMut(Name) -> Name) -> PodSpec {
        let mut spec = self.clone();
        let rename = &mut rename;
        spec.namespace = rename(spec.namespace);
        spec.scheduler_name = rename(spec.scheduler_name);
        spec.node_name = spec.node_name.map(&mut *rename);
        spec.labels = spec.labels.renamed(rename);
        spec.node_selector = spec.node_selector.renamed(rename);
        spec.node_affinity.rename(rename);
        spec.pod_affinity.rename(rename);
        spec.spread.iter_mut().for_each(|constraint| constraint.rename(rename));
        spec.volumes.iter_mut().for_each(|volume| volume.rename(rename));
        if let Some(owner) = &mut spec.owner {
            owner.name = rename(owner.name);
        }
        for (name, _) in &mut spec.pod_level.huge_pages {
            *name = rename(*name);
        }
        for amounts in [&mut spec.overhead, &mut spec.requests] {
            amounts.extended = amounts.extended.renamed(rename);
        }
        for container in spec.containers.iter_mut().chain(&mut spec.init_containers) {
            container.name = rename(container.name);
            container.image = container.image.map(&mut *rename);
            container.requests.extended = container.requests.extended.renamed(rename);
            container.limits.extended = container.limits.extended.renamed(rename);
        }
        for model in spec.devices.iter_mut().flat_map(|request| &mut request.models) {
            *model = rename(*model);
        }
        for port in &mut spec.host_ports {
            port.address = port.address.map(&mut *rename);
        }
        for toleration in &mut spec.tolerations {
            toleration.key = toleration.key.map(&mut *rename);
            toleration.value = rename(toleration.value);
        }
        for gate in &mut spec.scheduling_gates {
            *gate = rename(*gate);
        }
        spec
    }

    /// Thousandths of a device asked for.
    pub fn device_milli(&self) -> u64 {
        self.devices.as_ref().map_or(0, |request| request.total_milli())
    }
}

/// How far a pod is, as the store has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PodPhase {
    /// Not all containers have started.
    Pending,
    /// Running, not ready.
    Running,
    /// Running and ready.
    Ready,
    /// All containers ended well.
    Succeeded,
    /// At least one container ended badly for good.
    Failed,
}

impl PodPhase {
    /// True once the pod will never run again; it holds no resources any more.
    pub const fn is_terminal(self) -> bool {
        matches!(self, PodPhase::Succeeded | PodPhase::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(cpu: u64, sidecar: bool) -> Container {
        let requests = Amounts { cpu: MilliCpu(cpu), ..Amounts::default() };
        Container { requests, sidecar, ..Container::new(Name(0)) }
    }

    #[test]
    fn requests_over_init_containers_and_sidecars() {
        let mut spec = PodSpec::new(Name(0), Name(0));
        spec.containers = vec![container(200, false), container(300, false)];
        spec.init_containers =
            vec![container(800, false), container(100, true), container(450, false)];
        spec.compute_requests();
        assert_eq!(spec.requests.cpu, MilliCpu(800));
        spec.overhead.cpu = MilliCpu(50);
        spec.compute_requests();
        assert_eq!(spec.requests.cpu, MilliCpu(850));
    }

    #[test]
    fn scoring_counts_defaults_per_container() {
        let mut spec = PodSpec::new(Name(0), Name(0));
        spec.containers = vec![container(0, false), container(300, false)];
        spec.compute_requests();
        assert_eq!(spec.scoring_cpu, MilliCpu(400));
        assert_eq!(spec.scoring_memory, Bytes(2 * 200 * 1024 * 1024));
        assert!(spec.requests.memory == Bytes::ZERO);
    }
}
