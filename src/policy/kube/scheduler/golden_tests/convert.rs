//! Objects of the recordings as nouns of the model. Later the manifest loader takes its place.

use crate::ground::{Bytes, MilliCpu, Name, Names, Quantity};
use crate::model::{
    Amounts, Container, Effect, HostPort, ImageOnNode, Labels, NodeAffinity, NodeSelectorTerm,
    NodeSpec, Operator, PodSpec, Preferred, Protocol, Requirement, Taint, Taints, Toleration,
    TolerationOperator, normalized_image,
};
use serde_json::Value;

pub(super) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or("")
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn pairs(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn quantity(value: &Value) -> Quantity {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().unwrap()
}

fn amounts(value: &Value, names: &mut Names) -> Amounts {
    let mut amounts = Amounts::default();
    for (name, value) in pairs(value) {
        let quantity = quantity(value);
        match name {
            "cpu" => amounts.cpu = MilliCpu(quantity.ceil_milli()),
            "memory" => amounts.memory = Bytes(quantity.ceil()),
            "ephemeral-storage" => amounts.ephemeral_storage = Bytes(quantity.ceil()),
            "pods" => {}
            other => amounts.extended.set(names.intern(other), quantity.ceil()),
        }
    }
    amounts
}

fn labels(value: &Value, names: &mut Names) -> Labels {
    pairs(value)
        .map(|(key, value)| (names.intern(key), names.intern(value.as_str().unwrap())))
        .collect()
}

fn effect(text: &str) -> Option<Effect> {
    match text {
        "" => None,
        "NoSchedule" => Some(Effect::NoSchedule),
        "PreferNoSchedule" => Some(Effect::PreferNoSchedule),
        "NoExecute" => Some(Effect::NoExecute),
        other => panic!("effect {other}"),
    }
}

/// What a Node object says.
pub(super) struct Node {
    pub(super) name: Name,
    pub(super) hostname: Option<Name>,
    pub(super) spec: NodeSpec,
    pub(super) taints: Taints,
    pub(super) unschedulable: bool,
}

pub(super) fn node(object: &Value, names: &mut Names, hostname_key: Name) -> Node {
    let status = &object["status"];
    let all = labels(&object["metadata"]["labels"], names);
    let mut images = Vec::new();
    for image in list(&status["images"]) {
        for name in list(&image["names"]) {
            images.push(ImageOnNode {
                name: names.intern(name.as_str().unwrap()),
                size: Bytes(image["sizeBytes"].as_u64().unwrap()),
            });
        }
    }
    let taint = |taint: &Value, names: &mut Names| Taint {
        key: names.intern(text(taint, "key")),
        value: names.intern(text(taint, "value")),
        effect: effect(text(taint, "effect")).unwrap(),
    };
    Node {
        name: names.intern(text(&object["metadata"], "name")),
        hostname: all.get(hostname_key),
        spec: NodeSpec {
            allocatable: amounts(&status["allocatable"], names),
            pods: u32::try_from(quantity(&status["allocatable"]["pods"]).ceil()).unwrap(),
            devices: None,
            labels: all.iter().filter(|(key, _)| *key != hostname_key).collect(),
            images,
            ..NodeSpec::default()
        },
        taints: list(&object["spec"]["taints"]).iter().map(|t| taint(t, names)).collect(),
        unschedulable: object["spec"]["unschedulable"].as_bool().unwrap_or(false),
    }
}

fn requirement(value: &Value, names: &mut Names) -> Requirement {
    Requirement {
        key: names.intern(text(value, "key")),
        operator: match text(value, "operator") {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            "Gt" => Operator::Gt,
            "Lt" => Operator::Lt,
            other => panic!("operator {other}"),
        },
        values: list(&value["values"]).iter().map(|v| names.intern(v.as_str().unwrap())).collect(),
    }
}

fn term(value: &Value, names: &mut Names) -> NodeSelectorTerm {
    let mut all =
        |key: &str| list(&value[key]).iter().map(|r| requirement(r, names)).collect::<Vec<_>>();
    NodeSelectorTerm { match_labels: all("matchExpressions"), match_fields: all("matchFields") }
}

pub(super) fn node_affinity(value: &Value, names: &mut Names) -> NodeAffinity {
    let required = &value["requiredDuringSchedulingIgnoredDuringExecution"];
    let preferred = &value["preferredDuringSchedulingIgnoredDuringExecution"];
    NodeAffinity {
        required: (!required.is_null())
            .then(|| list(&required["nodeSelectorTerms"]).iter().map(|t| term(t, names)).collect()),
        preferred: list(preferred)
            .iter()
            .map(|p| Preferred {
                weight: i32::try_from(p["weight"].as_i64().unwrap()).unwrap(),
                term: term(&p["preference"], names),
            })
            .collect(),
    }
}

fn container(value: &Value, names: &mut Names) -> Container {
    let image = value["image"].as_str();
    Container {
        image: image.map(|image| names.intern(&normalized_image(image))),
        requests: amounts(&value["resources"]["requests"], names),
        limits: amounts(&value["resources"]["limits"], names),
        sidecar: text(value, "restartPolicy") == "Always",
        ..Container::new(names.intern(text(value, "name")))
    }
}

fn host_port(value: &Value, names: &mut Names) -> Option<HostPort> {
    let port = value["hostPort"].as_u64().filter(|port| *port > 0)?;
    let address = text(value, "hostIP");
    Some(HostPort {
        port: u16::try_from(port).unwrap(),
        protocol: match text(value, "protocol") {
            "" | "TCP" => Protocol::Tcp,
            "UDP" => Protocol::Udp,
            "SCTP" => Protocol::Sctp,
            other => panic!("protocol {other}"),
        },
        address: (!matches!(address, "" | "0.0.0.0")).then(|| names.intern(address)),
    })
}

fn toleration(value: &Value, names: &mut Names) -> Toleration {
    Toleration {
        key: value["key"].as_str().filter(|key| !key.is_empty()).map(|key| names.intern(key)),
        operator: match text(value, "operator") {
            "" | "Equal" => TolerationOperator::Equal,
            "Exists" => TolerationOperator::Exists,
            other => panic!("operator {other}"),
        },
        value: names.intern(text(value, "value")),
        effect: effect(text(value, "effect")),
        seconds: value["tolerationSeconds"].as_i64(),
    }
}

pub(super) fn pod(object: &Value, names: &mut Names) -> PodSpec {
    let spec = &object["spec"];
    let namespace = names.intern(text(&object["metadata"], "namespace"));
    let scheduler = names.intern(text(spec, "schedulerName"));
    let mut pod = PodSpec::new(namespace, scheduler);
    pod.labels = labels(&object["metadata"]["labels"], names);
    pod.containers = list(&spec["containers"]).iter().map(|c| container(c, names)).collect();
    pod.init_containers =
        list(&spec["initContainers"]).iter().map(|c| container(c, names)).collect();
    pod.overhead = amounts(&spec["overhead"], names);
    pod.compute_requests();
    count_explicit_zeros(&mut pod, spec);
    let sidecars =
        list(&spec["initContainers"]).iter().filter(|c| text(c, "restartPolicy") == "Always");
    for container in list(&spec["containers"]).iter().chain(sidecars) {
        pod.host_ports
            .extend(list(&container["ports"]).iter().filter_map(|port| host_port(port, names)));
    }
    pod.priority = i32::try_from(spec["priority"].as_i64().unwrap_or(0)).unwrap();
    pod.node_selector = labels(&spec["nodeSelector"], names);
    pod.node_affinity = node_affinity(&spec["affinity"]["nodeAffinity"], names);
    pod.tolerations = list(&spec["tolerations"]).iter().map(|t| toleration(t, names)).collect();
    pod.scheduling_gates =
        list(&spec["schedulingGates"]).iter().map(|g| names.intern(text(g, "name"))).collect();
    pod
}

/// In scores, only a request that is missing counts as the default; the model cannot tell it from
/// one that is zero, so the scoring amounts are computed here from the objects.
fn count_explicit_zeros(pod: &mut PodSpec, spec: &Value) {
    let mut filled = pod.clone();
    let objects = list(&spec["containers"]).iter().chain(list(&spec["initContainers"]));
    let containers = filled.containers.iter_mut().chain(&mut filled.init_containers);
    for (object, container) in objects.zip(containers) {
        let requests = &object["resources"]["requests"];
        if requests["cpu"].is_null() {
            container.requests.cpu = MilliCpu(100);
        }
        if requests["memory"].is_null() {
            container.requests.memory = Bytes(200 * 1024 * 1024);
        }
    }
    filled.compute_requests();
    pod.scoring_cpu = filled.requests.cpu;
    pod.scoring_memory = filled.requests.memory;
}
