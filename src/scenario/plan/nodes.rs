//! Groups of nodes, and machines of traces, one by one.

use super::{NodePlan, Planner};
use crate::ground::{Name, Problem};
use crate::model::{
    Amounts, Catalog, DeviceGroup, ImageOnNode, Labels, NodeSpec, Taint, normalized_image,
};
use crate::scenario::diagnostic::key_of;
use crate::scenario::manifest::{GPU_RESOURCE, check_resource};
use crate::scenario::names::{check_label, check_name, check_qualified};
use crate::scenario::tree::join;
use crate::scenario::{NodeEntry, NodeGroup, TraceNodes};
use crate::stimulus::{GPU_MODEL_LABEL, SourceError, TraceFormat, read_openb_nodes};

/// Label of the zone of a node.
pub(super) const ZONE_LABEL: &str = "topology.kubernetes.io/zone";
/// Label of the rack of a node, unique in the cluster.
pub(super) const RACK_LABEL: &str = "topology.wavetank/rack";
/// Label of the name of a node.
pub(super) const HOSTNAME_LABEL: &str = "kubernetes.io/hostname";
/// Labels that every kubelet sets, which real manifests select by.
const KUBELET_LABELS: [(&str, &str); 2] =
    [("kubernetes.io/arch", "amd64"), ("kubernetes.io/os", "linux")];
/// Most nodes of a scenario.
const NODES_MAX: u64 = 1_000_000;

impl Planner<'_> {
    /// Expands all groups.
    pub(super) fn nodes(&mut self) {
        let file = self.file;
        for (at, entry) in file.cluster.nodes.iter().enumerate() {
            let path = format!("cluster.nodes.{at}");
            let first = self.plan.nodes.len();
            let named_at = match entry {
                NodeEntry::Group(group) => {
                    self.group(group, &path);
                    join(&path, "name")
                }
                NodeEntry::Trace(entry) => {
                    self.machines(&entry.trace, &join(&path, "trace"));
                    join(&path, "trace.nodes")
                }
            };
            let names: Vec<Name> = self.plan.nodes[first..].iter().map(|node| node.name).collect();
            let mut twice = None;
            for (at, name) in names.into_iter().enumerate() {
                if self.node_at.insert(name, first + at).is_some() {
                    twice = twice.or(Some(name));
                }
            }
            if let Some(name) = twice {
                let text = self.plan.catalog.names.text(name).to_owned();
                let text = format!("two nodes have the name `{text}`");
                self.wrong(named_at, text, "give each group its own name");
            }
        }
    }

    fn group(&mut self, group: &NodeGroup, path: &str) {
        let problems = check_group(group);
        let broken = !problems.is_empty();
        self.under(path, problems);
        let many = self.plan.nodes.len() as u64 + u64::from(group.count) > NODES_MAX;
        if many {
            let text = format!("the cluster has more than {NODES_MAX} nodes");
            self.wrong(join(path, "count"), text, "make the groups smaller");
        }
        if broken || many {
            return;
        }
        let taints = group
            .taints
            .iter()
            .map(|taint| Taint {
                key: self.plan.catalog.names.intern(&taint.key),
                value: self.plan.catalog.names.intern(&taint.value),
                effect: taint.effect.into(),
            })
            .collect();
        let taints = self.plan.catalog.intern_taints(&taints);
        let group_name = self.name(&group.name);
        let zones: Vec<Option<&str>> = match group.zones.as_slice() {
            [] => vec![None],
            zones => zones.iter().map(|zone| Some(zone.as_str())).collect(),
        };
        let mut specs = Vec::new();
        for rack in 0..group.racks.unwrap_or(1) {
            for zone in &zones {
                let place = (*zone, group.racks.map(|_| rack));
                let spec = node_spec(group, place, &mut self.plan.catalog);
                let (spec, _) = self.plan.catalog.intern_node_spec(&spec);
                specs.push((zone.map(|zone| self.name(zone)), spec));
            }
        }
        for (ordinal, (zone, spec)) in (0..group.count).zip(specs.iter().cycle()) {
            let name = self.name(&format!("{}-{ordinal}", group.name));
            self.plan.nodes.push(NodePlan {
                name,
                hostname: name,
                group: group_name,
                zone: *zone,
                spec: *spec,
                taints,
                unschedulable: false,
            });
        }
    }

    fn machines(&mut self, trace: &TraceNodes, path: &str) {
        if trace.format == TraceFormat::Native {
            let text = "the native format has no list of nodes";
            self.wrong(join(path, "format"), text, "describe the nodes as groups");
            return;
        }
        let mut file = trace.nodes.clone();
        let problems = self.findings.problems.len();
        self.resolve(path, std::iter::once(&mut file));
        if self.findings.problems.len() > problems || self.data_is_missing() {
            return;
        }
        match read_openb_nodes(&file, &mut self.plan.catalog) {
            Err(error) => self.unread(&join(path, "nodes"), &error),
            Ok(machines) => {
                let group = self.name("trace");
                for (name, mut spec) in machines {
                    let mut labels = kubelet_labels(&mut self.plan.catalog);
                    spec.labels.iter().for_each(|(key, value)| labels.set(key, value));
                    spec.labels = labels;
                    let (spec, _) = self.plan.catalog.intern_node_spec(&spec);
                    let (name, taints) = (self.name(&name), Catalog::NO_TAINTS);
                    self.plan.nodes.push(NodePlan {
                        name,
                        hostname: name,
                        group,
                        zone: None,
                        spec,
                        taints,
                        unschedulable: false,
                    });
                }
            }
        }
    }

    /// Says what is wrong inside a file that the scenario names.
    fn unread(&mut self, path: &str, error: &SourceError) {
        let mut text = String::new();
        if let Some(file) = &error.file {
            text.push_str(&file.display().to_string());
            text.extend(error.line.map(|line| format!(":{line}")));
            text.push_str(": ");
        }
        text.extend(error.column.as_ref().map(|column| format!("column `{column}`: ")));
        text.push_str(&error.text);
        self.wrong(path, text, error.hint.as_deref().unwrap_or(""));
    }
}

/// What every kubelet sets.
pub(super) fn kubelet_labels(catalog: &mut Catalog) -> Labels {
    let pairs = KUBELET_LABELS.map(|(k, v)| (catalog.names.intern(k), catalog.names.intern(v)));
    pairs.into_iter().collect()
}

fn node_spec(
    group: &NodeGroup,
    (zone, rack): (Option<&str>, Option<u32>),
    catalog: &mut Catalog,
) -> NodeSpec {
    let mut labels = kubelet_labels(catalog);
    let mut set = |key: &str, value: &str| {
        labels.set(catalog.names.intern(key), catalog.names.intern(value));
    };
    if let Some(gpus) = &group.gpus {
        set(GPU_MODEL_LABEL, &gpus.model);
    }
    if let Some(zone) = zone {
        set(ZONE_LABEL, zone);
    }
    if let Some(rack) = rack {
        let zone = zone.map_or(String::new(), |zone| format!("-{zone}"));
        set(RACK_LABEL, &format!("{}{zone}-rack-{rack}", group.name));
    }
    group.labels.iter().for_each(|(key, value)| set(key, value));
    let mut allocatable = Amounts {
        cpu: group.cpu,
        memory: group.memory,
        ephemeral_storage: group.ephemeral_storage,
        ..Amounts::default()
    };
    for (name, amount) in &group.extended {
        allocatable.extended.set(catalog.names.intern(name), *amount);
    }
    let devices = group
        .gpus
        .as_ref()
        .map(|gpus| DeviceGroup { count: gpus.count, model: catalog.names.intern(&gpus.model) });
    let mut images: Vec<(String, ImageOnNode)> = Vec::new();
    for image in &group.images {
        let text = normalized_image(&image.name).into_owned();
        let name = catalog.names.intern(&text);
        images.push((text, ImageOnNode { name, size: image.size }));
    }
    images.sort_by(|a, b| a.0.cmp(&b.0));
    let images = images.into_iter().map(|(_, image)| image).collect();
    NodeSpec { allocatable, pods: group.pods, devices, labels, images, ..NodeSpec::default() }
}

fn check_group(group: &NodeGroup) -> Vec<Problem> {
    let mut problems: Vec<Problem> = check_name(&group.name, "name").into_iter().collect();
    let mut wrong = |path: &str, text: String, hint: &str| {
        problems.push(Problem::new(path, text).hint(hint));
    };
    if group.count == 0 {
        wrong("count", "a group has at least one node".into(), "write 1 or more, or remove it");
    }
    if group.racks == Some(0) {
        wrong("racks", "a zone has at least one rack".into(), "write 1 or more, or remove it");
    }
    for (path, amount) in
        [("cpu", group.cpu.0), ("memory", group.memory.0), ("pods", u64::from(group.pods))]
    {
        if amount == 0 {
            let text = format!("a node with `{path}: 0` runs nothing");
            wrong(path, text, "write what pods may request");
        }
    }
    if let Some(gpus) = &group.gpus {
        if !(1..=32).contains(&gpus.count) {
            let text = format!("{} GPUs are not from 1 to 32", gpus.count);
            wrong("gpus.count", text, "write 1 to 32, or leave `gpus` out");
        }
        if gpus.model.is_empty() {
            wrong("gpus.model", "the model has no name".into(), "write for example `A100`");
        }
    }
    for name in group.extended.keys() {
        let path = join("extended", name);
        if name == GPU_RESOURCE {
            wrong(
                &key_of(&path),
                format!("`{name}` is not written here"),
                "write `gpus: {count, model}`",
            );
        } else if !name.contains('/') || check_resource(name).is_err() {
            let text = format!("`{name}` is not the name of an extended resource");
            wrong(&key_of(&path), text, "write a domain and a name, such as `example.com/fpga`");
        }
    }
    for (at, taint) in group.taints.iter().enumerate() {
        let same = |other: &&crate::scenario::TaintParams| {
            other.key == taint.key && other.effect == taint.effect
        };
        if group.taints[..at].iter().any(|other| same(&other)) {
            let text = format!("the taint `{}` is there twice with one effect", taint.key);
            wrong(&format!("taints.{at}"), text, "keep one of them");
        }
    }
    problems.extend(check_labels(group));
    problems
}

fn check_labels(group: &NodeGroup) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, value) in &group.labels {
        let path = join("labels", key);
        problems.extend(check_label(key, value, &path));
        if key == HOSTNAME_LABEL {
            let text = format!("every node has its own `{key}`");
            problems.push(Problem::new(path, text).hint("remove it: it is the name of the node"));
        } else if key == ZONE_LABEL && !group.zones.is_empty() {
            let text = format!("`{key}` and `zones` say the same thing");
            problems.push(Problem::new(path, text).hint("keep `zones`"));
        } else if key == RACK_LABEL && group.racks.is_some() {
            let text = format!("`{key}` and `racks` say the same thing");
            problems.push(Problem::new(path, text).hint("keep `racks`"));
        }
    }
    for (at, taint) in group.taints.iter().enumerate() {
        problems.extend(check_qualified(&taint.key, &format!("taints.{at}.key")));
    }
    for (at, zone) in group.zones.iter().enumerate() {
        let path = format!("zones.{at}");
        if zone.is_empty() {
            problems.push(Problem::new(path, "a zone needs a name"));
        } else {
            problems.extend(check_label(ZONE_LABEL, zone, &path));
        }
    }
    problems
}
