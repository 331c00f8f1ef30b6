//! From a pod as users write it to the pod of the model, as admission and defaulting would leave
//! it (core/v1 defaults and validation, plugin DefaultTolerationSeconds, Kubernetes 1.34).

use super::affinity::{NodeSelector, NodeSelectorTermManifest, RequirementManifest};
use super::container::{ContainerManifest, PortManifest, ProtocolWord, PullWord};
use super::object::ObjectMeta;
use super::pod::{Metadata, PodManifest, RestartWord};
use super::pod_terms::{pod_terms, spread};
use super::priority::{PriorityClasses, priority};
use super::probe::{hooks, probes};
use super::resources::{GPU_RESOURCE, amounts};
use super::rest::{Known, Rest};
use super::tolerations::tolerations;
use super::{NodeAffinityManifest, OperatorWord};
use crate::ground::{Bytes, MilliCpu, Name, Problem, Span};
use crate::model::{
    Amounts, Catalog, Container, DeviceRequest, ExplicitZero, HostPort, Labels, NodeAffinity,
    NodeSelectorTerm, Operator, PodSpec, Preferred, ProbeKind, Protocol, PullPolicy, Requirement,
    RestartPolicy, normalized_image,
};
use crate::policy::kube::tolerate_lost_nodes;
use crate::scenario::names::{check_label, check_name, check_qualified};
use crate::scenario::tree::join;
use crate::stimulus::GpuParams;
use std::collections::BTreeMap;

/// A pod with everything that belongs to it, and the path at which its PodSpec was written.
#[derive(Debug, Clone, Copy)]
pub(in crate::scenario) struct Written<'a> {
    /// The PodSpec.
    pub pod: &'a PodManifest,
    /// Path of the PodSpec.
    pub path: &'a str,
    /// Its metadata and their path.
    pub metadata: Option<(Meta<'a>, &'a str)>,
    /// GPUs and their path.
    pub gpu: Option<(&'a GpuParams, &'a str)>,
    /// It has been through admission: the number that is its priority holds.
    pub admitted: bool,
}

/// The metadata of a pod.
#[derive(Debug, Clone, Copy)]
pub(in crate::scenario) enum Meta<'a> {
    /// Of a template.
    Template(&'a Metadata),
    /// Of an object.
    Object(&'a ObjectMeta),
}

/// Converts a pod; the result is meaningless if there are problems.
pub(in crate::scenario) fn convert(reader: &mut Reader<'_>, written: &Written<'_>) -> PodSpec {
    reader.pod(written)
}

/// What is carried through the parts of an object.
pub(in crate::scenario) struct Reader<'r> {
    /// Takes names.
    pub catalog: &'r mut Catalog,
    /// The priority classes that pods may name.
    pub classes: &'r PriorityClasses,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
    /// Paths of fields that are there and have no effect.
    pub without_effect: Vec<String>,
}

impl<'r> Reader<'r> {
    /// Nothing read yet.
    pub(in crate::scenario) fn new(
        catalog: &'r mut Catalog,
        classes: &'r PriorityClasses,
    ) -> Reader<'r> {
        Reader { catalog, classes, problems: Vec::new(), without_effect: Vec::new() }
    }
}

/// The annotation by which an owner with too many pods chooses.
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

impl Reader<'_> {
    pub(in crate::scenario) fn wrong(&mut self, path: String, text: impl Into<String>, hint: &str) {
        let problem = Problem::new(path, text);
        self.problems.push(if hint.is_empty() { problem } else { problem.hint(hint) });
    }

    pub(super) fn name(&mut self, text: &str) -> Name {
        self.catalog.names.intern(text)
    }

    /// Says that the value at a path has no effect.
    pub(super) fn has_no_effect(&mut self, path: String) {
        self.without_effect.push(path);
    }

    /// Refuses, or lists as without effect, what is known by name only.
    pub(in crate::scenario) fn rest<K: Known>(&mut self, rest: &Rest<K>, path: &str) {
        for (key, instead) in rest.refused() {
            let text = format!("`{key}` is not supported yet");
            self.wrong(join(path, key), text, instead);
        }
        self.without_effect.extend(rest.without_effect().map(|key| join(path, key)));
    }

    fn pod(&mut self, written: &Written<'_>) -> PodSpec {
        let Written { pod, path, .. } = *written;
        self.rest(&pod.rest, path);
        let namespace = self.name("default");
        let scheduler = self.name(pod.scheduler_name.as_deref().unwrap_or("default-scheduler"));
        let mut spec = PodSpec::new(namespace, scheduler);
        if let Some((metadata, path)) = written.metadata {
            self.metadata(metadata, path, &mut spec);
        }
        self.containers(pod, path, &mut spec);
        spec.overhead = amounts(self, &pod.overhead, &join(path, "overhead"));
        self.host_ports(pod, path, &mut spec);
        priority(self, pod, (path, written.admitted), &mut spec);
        spec.node_name = pod.node_name.as_deref().map(|name| self.name(name));
        spec.node_selector = self.labels(&pod.node_selector, &join(path, "nodeSelector"));
        if let Some(affinity) = &pod.affinity {
            let path = join(path, "affinity");
            self.rest(&affinity.rest, &path);
            if let Some(nodes) = &affinity.node_affinity {
                spec.node_affinity = self.affinity(nodes, &join(&path, "nodeAffinity"));
            }
            let of = (spec.namespace, &spec.labels);
            if let Some(near) = &affinity.pod_affinity {
                spec.pod_affinity.near = pod_terms(self, near, of, &join(&path, "podAffinity"));
            }
            if let Some(far) = &affinity.pod_anti_affinity {
                spec.pod_affinity.far = pod_terms(self, far, of, &join(&path, "podAntiAffinity"));
            }
        }
        let constraints = join(path, "topologySpreadConstraints");
        spec.spread = spread(self, &pod.topology_spread_constraints, &spec.labels, &constraints);
        spec.tolerations = tolerations(self, &pod.tolerations, &join(path, "tolerations"));
        spec.scheduling_gates =
            pod.scheduling_gates.iter().map(|gate| self.catalog.names.intern(&gate.name)).collect();
        spec.restart_policy = restart_policy(pod.restart_policy);
        spec.termination_grace =
            Span::from_secs(u64::from(pod.termination_grace_period_seconds.unwrap_or(30)));
        self.deadline(pod, path, &mut spec);
        self.volumes(pod, path, &mut spec);
        if let Some(resources) = &pod.resources {
            let path = join(path, "resources");
            spec.pod_level = super::resources::pod_level(self, resources, (&spec, &path));
        }
        tolerate_lost_nodes(&mut spec, &mut self.catalog.names);
        spec.compute_requests();
        self.devices(written, &mut spec);
        spec
    }

    fn metadata(&mut self, metadata: Meta<'_>, path: &str, spec: &mut PodSpec) {
        let (labels, namespace, annotations) = match metadata {
            Meta::Template(metadata) => {
                self.rest(&metadata.rest, path);
                (&metadata.labels, &metadata.namespace, &metadata.annotations)
            }
            Meta::Object(metadata) => {
                self.rest(&metadata.rest, path);
                (&metadata.labels, &metadata.namespace, &metadata.annotations)
            }
        };
        spec.labels = self.labels(labels, &join(path, "labels"));
        spec.deletion_cost = self.deletion_cost(annotations, &join(path, "annotations"));
        if let Some(namespace) = namespace {
            let path = join(path, "namespace");
            self.problems.extend(check_name(namespace, &path));
            spec.namespace = self.name(namespace);
        }
    }

    /// What deleting the pod costs its owner; other annotations have no effect.
    fn deletion_cost(&mut self, annotations: &BTreeMap<String, String>, path: &str) -> i32 {
        let cost = annotations.get(DELETION_COST);
        if annotations.len() > usize::from(cost.is_some()) {
            self.without_effect.push(path.to_owned());
        }
        let Some(cost) = cost else { return 0 };
        cost.parse().unwrap_or_else(|_| {
            let text = format!("`{cost}` is no cost");
            self.wrong(join(path, DELETION_COST), text, "write a whole number such as `\"10\"`");
            0
        })
    }

    fn deadline(&mut self, pod: &PodManifest, path: &str, spec: &mut PodSpec) {
        let Some(seconds) = pod.active_deadline_seconds else { return };
        if seconds == 0 {
            let text = "a deadline is at least a second";
            self.wrong(join(path, "activeDeadlineSeconds"), text, "remove it, or raise it");
        }
        spec.active_deadline = Some(Span::from_secs(u64::from(seconds)));
    }

    pub(in crate::scenario) fn labels<'l>(
        &mut self,
        labels: impl IntoIterator<Item = (&'l String, &'l String)>,
        path: &str,
    ) -> Labels {
        let mut read = Labels::new();
        for (key, value) in labels {
            self.problems.extend(check_label(key, value, &join(path, key)));
            let (key, value) = (self.name(key), self.name(value));
            read.set(key, value);
        }
        read
    }

    fn containers(&mut self, pod: &PodManifest, path: &str, spec: &mut PodSpec) {
        if pod.containers.is_empty() {
            let text = "a pod has at least one container";
            self.wrong(join(path, "containers"), text, "write `containers: [{name: main}]`");
        }
        let mut seen: Vec<&str> = Vec::new();
        for (key, list) in
            [("containers", &pod.containers), ("initContainers", &pod.init_containers)]
        {
            for (at, container) in list.iter().enumerate() {
                let path = join(&join(path, key), &at.to_string());
                if seen.contains(&container.name.as_str()) {
                    let text = format!("two containers have the name `{}`", container.name);
                    self.wrong(join(&path, "name"), text, "give each its own name");
                }
                seen.push(&container.name);
                let init = key == "initContainers";
                let read = self.container(container, init, &path);
                if init { &mut spec.init_containers } else { &mut spec.containers }.push(read);
            }
        }
    }

    fn container(&mut self, container: &ContainerManifest, init: bool, path: &str) -> Container {
        self.rest(&container.rest, path);
        self.problems.extend(check_name(&container.name, &join(path, "name")));
        let sidecar = match (container.restart_policy, init) {
            (None, _) => false,
            (Some(RestartWord::Always), true) => true,
            (Some(_), true) => {
                let text = "an init container restarts `Always` or says nothing";
                self.wrong(join(path, "restartPolicy"), text, "remove it");
                false
            }
            (Some(_), false) => {
                let text = "only an init container has a restart policy of its own";
                self.wrong(join(path, "restartPolicy"), text, "write it beside `containers:`");
                false
            }
        };
        let mut requests = Amounts::default();
        let mut limits = Amounts::default();
        let mut explicit_zero = ExplicitZero::default();
        if let Some(resources) = &container.resources {
            let path = join(path, "resources");
            self.rest(&resources.rest, &path);
            (requests, limits) = super::resources::requests_and_limits(self, resources, &path);
            let is_named =
                |name| resources.requests.contains_key(name) || resources.limits.contains_key(name);
            explicit_zero.cpu = is_named("cpu") && requests.cpu == MilliCpu::ZERO;
            explicit_zero.memory = is_named("memory") && requests.memory == Bytes::ZERO;
        }
        let lives = sidecar || !init;
        let written = [
            (ProbeKind::Startup, "startupProbe", container.startup_probe.as_ref()),
            (ProbeKind::Readiness, "readinessProbe", container.readiness_probe.as_ref()),
            (ProbeKind::Liveness, "livenessProbe", container.liveness_probe.as_ref()),
        ];
        let probes = probes(self, written, lives, path);
        let (post_start, pre_stop) = hooks(self, container.lifecycle.as_ref(), lives, path);
        let name = self.name(&container.name);
        let image = container.image.as_deref().filter(|image| !image.is_empty());
        let pull_policy = pull_policy(container.image_pull_policy, image);
        let image = image.map(|image| self.name(&normalized_image(image)));
        Container {
            name,
            image,
            requests,
            explicit_zero,
            limits,
            sidecar,
            pull_policy,
            probes,
            post_start,
            pre_stop,
        }
    }

    /// Ports of the node: host ports of containers and sidecars, and every container port if the
    /// pod is in the network of the node. An ordinary init container's are not counted
    /// (scheduler `framework/types.go`, Kubernetes 1.34).
    fn host_ports(&mut self, pod: &PodManifest, path: &str, spec: &mut PodSpec) {
        let host_network = pod.host_network == Some(true);
        let sidecar = |c: &ContainerManifest| c.restart_policy == Some(RestartWord::Always);
        let main = pod.containers.iter().enumerate().map(|(at, c)| ("containers", at, c, true));
        let init = pod.init_containers.iter().enumerate();
        let init = init.map(|(at, c)| ("initContainers", at, c, sidecar(c)));
        for (key, at, container, counts) in main.chain(init) {
            let path = join(&join(&join(path, key), &at.to_string()), "ports");
            for (number, port) in container.ports.iter().enumerate() {
                let path = join(&path, &number.to_string());
                let held = self.host_port(port, host_network, &path);
                spec.host_ports.extend(held.filter(|_| counts));
            }
        }
    }

    fn host_port(&mut self, port: &PortManifest, network: bool, path: &str) -> Option<HostPort> {
        if port.container_port == 0 {
            let path = join(path, "containerPort");
            self.wrong(path, "a port is a number from 1 to 65535", "");
        }
        let wanted = port.host_port.filter(|number| *number > 0);
        if network && wanted.is_some_and(|number| number != port.container_port) {
            let text = "with `hostNetwork: true` the host port is the container port";
            self.wrong(join(path, "hostPort"), text, "remove `hostPort`");
        }
        let number = if network { Some(port.container_port) } else { wanted }?;
        let any = |address: &&String| matches!(address.as_str(), "" | "0.0.0.0" | "::");
        let address = port.host_ip.as_ref().filter(|address| !any(address));
        Some(HostPort {
            port: number,
            protocol: match port.protocol {
                None | Some(ProtocolWord::Tcp) => Protocol::Tcp,
                Some(ProtocolWord::Udp) => Protocol::Udp,
                Some(ProtocolWord::Sctp) => Protocol::Sctp,
            },
            address: address.map(|address| self.name(address)),
        })
    }

    fn affinity(&mut self, written: &NodeAffinityManifest, path: &str) -> NodeAffinity {
        let required = &written.required_during_scheduling_ignored_during_execution;
        let required = required.as_ref().map(|selector| {
            let path = join(path, "requiredDuringSchedulingIgnoredDuringExecution");
            self.node_terms(selector, &path)
        });
        let path = join(path, "preferredDuringSchedulingIgnoredDuringExecution");
        let preferred = &written.preferred_during_scheduling_ignored_during_execution;
        let preferred = preferred.iter().enumerate().map(|(at, preferred)| {
            let path = join(&path, &at.to_string());
            if !(1..=100).contains(&preferred.weight) {
                let text = format!("the weight {} is not from 1 to 100", preferred.weight);
                self.wrong(join(&path, "weight"), text, "write 1 to 100");
            }
            let term = self.term(&preferred.preference, &join(&path, "preference"));
            Preferred { weight: preferred.weight, term }
        });
        let preferred = preferred.collect();
        NodeAffinity { required, preferred }
    }

    /// The terms of a selector of nodes, of which one must match.
    pub(super) fn node_terms(
        &mut self,
        selector: &NodeSelector,
        path: &str,
    ) -> Vec<NodeSelectorTerm> {
        let path = join(path, "nodeSelectorTerms");
        if selector.node_selector_terms.is_empty() {
            self.wrong(path.clone(), "at least one term is needed", "remove the selector");
        }
        let terms = selector.node_selector_terms.iter().enumerate();
        terms.map(|(at, term)| self.term(term, &join(&path, &at.to_string()))).collect()
    }

    fn term(&mut self, term: &NodeSelectorTermManifest, path: &str) -> NodeSelectorTerm {
        let mut read = |list: &[RequirementManifest], key: &str, fields: bool| {
            let path = join(path, key);
            list.iter()
                .enumerate()
                .map(|(at, one)| self.requirement(one, fields, &join(&path, &at.to_string())))
                .collect()
        };
        NodeSelectorTerm {
            match_labels: read(&term.match_expressions, "matchExpressions", false),
            match_fields: read(&term.match_fields, "matchFields", true),
        }
    }

    pub(super) fn requirement(
        &mut self,
        one: &RequirementManifest,
        field: bool,
        path: &str,
    ) -> Requirement {
        use OperatorWord as Word;
        let (operator, values) = (one.operator, one.values.as_slice());
        let integer = |text: &String| text.parse::<i64>().is_ok();
        let wrong = match (operator, values) {
            (Word::In | Word::NotIn, []) => "`In` and `NotIn` need at least one value",
            (Word::Exists | Word::DoesNotExist, [_, ..]) => {
                "`Exists` and `DoesNotExist` take no values"
            }
            (Word::Gt | Word::Lt, [one]) if integer(one) => "",
            (Word::Gt | Word::Lt, _) => "`Gt` and `Lt` take exactly one value, a whole number",
            _ => "",
        };
        if !wrong.is_empty() {
            self.wrong(join(path, "values"), wrong, "");
        }
        if field {
            let one_value = matches!(operator, Word::In | Word::NotIn) && values.len() == 1;
            if one.key != "metadata.name" || !one_value {
                let text = "the only field is `metadata.name`, with `In` or `NotIn` and one value";
                self.wrong(path.to_owned(), text, "use `matchExpressions` for labels");
            }
        } else {
            self.problems.extend(check_qualified(&one.key, &join(path, "key")));
        }
        Requirement {
            key: self.name(&one.key),
            operator: match operator {
                Word::In => Operator::In,
                Word::NotIn => Operator::NotIn,
                Word::Exists => Operator::Exists,
                Word::DoesNotExist => Operator::DoesNotExist,
                Word::Gt => Operator::Gt,
                Word::Lt => Operator::Lt,
            },
            values: values.iter().map(|value| self.catalog.names.intern(value)).collect(),
        }
    }

    /// Turns whole GPUs and wavetank's own request into the one request for devices.
    fn devices(&mut self, written: &Written<'_>, spec: &mut PodSpec) {
        let name = self.name(GPU_RESOURCE);
        let whole = spec.requests.extended.get(name);
        if whole > 0 {
            let containers = spec.containers.iter_mut().chain(&mut spec.init_containers);
            for container in containers {
                container.requests.extended.set(name, 0);
                container.limits.extended.set(name, 0);
            }
            spec.overhead.extended.set(name, 0);
            spec.compute_requests();
            match u8::try_from(whole) {
                Ok(count) if count <= 32 => {
                    let models = Vec::new();
                    spec.devices = Some(DeviceRequest { count, milli_each: 1000, models });
                }
                _ => {
                    let text = format!("the pod asks for {whole} GPUs, a node has at most 32");
                    self.wrong(written.path.to_owned(), text, "ask for 32 or fewer");
                }
            }
        }
        let Some((gpu, path)) = written.gpu else { return };
        if whole > 0 {
            let text = format!("GPUs are asked for here and as `{GPU_RESOURCE}`");
            self.wrong(path.to_owned(), text, "keep one of them");
        }
        spec.devices = self.gpu(gpu, path);
    }

    fn gpu(&mut self, gpu: &GpuParams, path: &str) -> Option<DeviceRequest> {
        let (count, milli) = (gpu.count, gpu.milli);
        if !(1..=32).contains(&count) {
            self.wrong(join(path, "count"), format!("{count} is not from 1 to 32"), "");
        } else if !(1..=1000).contains(&milli) {
            let text = format!("{milli} thousandths of a GPU is not from 1 to 1000");
            self.wrong(join(path, "milli"), text, "write 1000 for a whole GPU");
        } else if milli < 1000 && count > 1 {
            let text = "a share of a GPU is a share of one GPU";
            self.wrong(join(path, "milli"), text, "write `count: 1`, or `milli: 1000`");
        }
        let models = gpu.models.iter().map(|model| self.catalog.names.intern(model)).collect();
        Some(DeviceRequest { count, milli_each: milli, models })
    }
}

fn pull_policy(word: Option<PullWord>, image: Option<&str>) -> PullPolicy {
    match word {
        Some(PullWord::Always) => PullPolicy::Always,
        Some(PullWord::IfNotPresent) => PullPolicy::IfNotPresent,
        Some(PullWord::Never) => PullPolicy::Never,
        None => image.map_or(PullPolicy::IfNotPresent, PullPolicy::default_for),
    }
}

fn restart_policy(word: Option<RestartWord>) -> RestartPolicy {
    match word {
        None | Some(RestartWord::Always) => RestartPolicy::Always,
        Some(RestartWord::OnFailure) => RestartPolicy::OnFailure,
        Some(RestartWord::Never) => RestartPolicy::Never,
    }
}
