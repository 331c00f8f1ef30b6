//! Pod objects: those with a node run there at the start, those without were just created.

use super::notes::Notes;
use super::workloads::TEMPLATE_HASH;
use super::{Found, Owners, Planner, Wanted, controller};
use crate::ground::Problem;
use crate::model::{Amounts, NodeId, PodName, PodSpec, WorkloadId};
use crate::scenario::diagnostic::nearest;
use crate::scenario::manifest::{Meta, PodObject, Reader, Written, convert};
use crate::scenario::objects::{Kind, Object, Objects};
use crate::sim::PodSetup;
use std::collections::BTreeMap;

/// What the pods on a node ask for together.
#[derive(Debug, Default)]
struct Load {
    amounts: Amounts,
    pods: u32,
    device_milli: u64,
    /// It is said already that this is too much.
    reported: bool,
}

/// What is carried from pod to pod.
struct Pods<'o> {
    objects: &'o Objects,
    owners: &'o Owners,
    notes: Notes<'o>,
    loads: BTreeMap<usize, Load>,
    /// Workloads of pods that nobody replaces, by kind, namespace and name of the owner.
    lone: BTreeMap<[&'o str; 3], WorkloadId>,
}

impl Planner<'_> {
    /// Adds the pods among the objects, in the order of the files.
    pub(in crate::scenario::plan) fn object_pods(&mut self, objects: &Objects, owners: &Owners) {
        let (notes, loads, lone) = (Notes::default(), BTreeMap::new(), BTreeMap::new());
        let mut pods = Pods { objects, owners, notes, loads, lone };
        for pod in &objects.pods {
            self.object_pod(&mut pods, pod);
        }
        pods.notes.tell(self, objects);
    }

    fn object_pod<'o>(&mut self, pods: &mut Pods<'o>, pod: &'o Object<PodObject>) {
        let head = &pod.head;
        let mut reader = Reader::new(&mut self.plan.catalog, &self.classes);
        reader.rest(&pod.object.rest, "");
        let mut spec = convert(
            &mut reader,
            &Written {
                pod: &pod.object.spec,
                path: "spec",
                metadata: Some((Meta::Object(&pod.object.metadata), "metadata")),
                gpu: None,
                admitted: true,
            },
        );
        let mut found = Found::of(reader);
        if pod.object.spec.node_name.is_none() {
            found.problems.extend(self.no_such_scheduler(&pod.object.spec, "spec"));
            found.problems.extend(self.no_such_volumes(&pod.object.spec, "spec"));
        }
        if left_out(pods, pod) {
            found.problems.clear();
            self.report(pods.objects, head, found);
            return;
        }
        let node = match spec.node_name.take() {
            None => None,
            Some(name) => match self.node_at.get(&name) {
                Some(at) => Some(*at),
                None => {
                    let problem = self.unknown_node(pods.objects, pod);
                    found.problems.extend(problem);
                    None
                }
            },
        };
        if !self.report(pods.objects, head, found) {
            return;
        }
        if let Some(at) = node {
            self.add_load(pods, pod, (at, &spec));
            if !was_ready(pod) {
                let text = "pods that were not running and ready start running and ready";
                let hint = "describe how their images behave under `applications:` if they should \
                            fail again";
                pods.notes.add(text, hint, head);
            }
        }
        let workload = self.owner(pods, pod);
        spec.owner = self.owner_named(pods.objects, pod);
        let (spec, _) = self.plan.catalog.intern_pod_spec(&spec);
        if node.is_none() && self.wanted.iter().all(|wanted| wanted.spec != spec) {
            let message = pods.objects.diagnostic(head, &Problem::new("spec", "")).warning();
            self.wanted.push(Wanted { spec, message });
        }
        let name = PodName::parse(&head.full_name(), &mut self.plan.catalog.names);
        let node = node.map(|at| NodeId(u32::try_from(at).expect("fewer nodes than 2^32")));
        self.plan.pods.push(PodSetup { workload, spec, name, node });
    }

    fn unknown_node(&self, objects: &Objects, pod: &Object<PodObject>) -> Option<Problem> {
        // A node that could not be used is no reason to refuse its pods as well.
        if objects.broken(Kind::Node) || self.plan.nodes.is_empty() {
            return None;
        }
        let name = pod.object.spec.node_name.as_deref()?;
        if objects.nodes.iter().any(|node| node.head.name == name) {
            return None;
        }
        let names = self.plan.nodes.iter().map(|node| self.plan.catalog.names.text(node.name));
        let hint = match nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "add the Node to `objects:`, or remove `nodeName` to have it placed".to_owned(),
        };
        let text = format!("no node is called `{name}`");
        Some(Problem::new("spec.nodeName", text).hint(hint))
    }

    /// The workload that owns a pod.
    fn owner<'o>(&mut self, pods: &mut Pods<'o>, pod: &'o Object<PodObject>) -> WorkloadId {
        let metadata = &pod.object.metadata;
        let namespace = pod.head.namespace.as_str();
        let own = ["Pod", namespace, pod.head.name.as_str()];
        let Some((kind, name)) = controller(metadata) else {
            return self.alone(pods, own);
        };
        let hash = metadata.labels.get(TEMPLATE_HASH).map(String::as_str);
        if let Some(workload) = pods.owners.of((kind, name), namespace, hash) {
            return workload;
        }
        // The mirror of a static pod belongs to its node.
        if kind == "Node" {
            return self.alone(pods, own);
        }
        if matches!(kind, "ReplicaSet" | "Deployment" | "StatefulSet") {
            let kinds = [Kind::ReplicaSet, Kind::Deployment, Kind::StatefulSet];
            if !kinds.into_iter().any(|kind| pods.objects.broken(kind)) {
                let text = format!("nobody replaces pods whose {kind} is not there");
                pods.notes.add(text, "add their owner to `objects:`", &pod.head);
            }
        } else {
            let text = format!("nobody replaces pods of a {kind}");
            let hint = "write a `service` workload or a Deployment instead if they matter";
            pods.notes.add(text, hint, &pod.head);
        }
        self.alone(pods, [kind, namespace, name])
    }

    fn alone<'o>(&mut self, pods: &mut Pods<'o>, owner: [&'o str; 3]) -> WorkloadId {
        let [kind, namespace, name] = owner;
        *pods.lone.entry(owner).or_insert_with(|| self.lone(kind, namespace, name))
    }

    /// Refuses more pods on a node than it has room for.
    fn add_load(
        &mut self,
        pods: &mut Pods<'_>,
        pod: &Object<PodObject>,
        (at, spec): (usize, &PodSpec),
    ) {
        let load = pods.loads.entry(at).or_default();
        load.amounts.add(&spec.requests);
        load.pods += 1;
        load.device_milli += spec.device_milli();
        if load.reported {
            return;
        }
        let node = self.plan.catalog.node_spec(self.plan.nodes[at].spec);
        let (asked, there) = (&load.amounts, &node.allocatable);
        let devices = node.devices.map_or(0, |devices| u64::from(devices.count) * 1000);
        let extended =
            asked.extended.iter().find(|(name, amount)| there.extended.get(*name) < *amount);
        let too_much = if asked.cpu > there.cpu {
            format!("{} CPU, it has {}", asked.cpu, there.cpu)
        } else if asked.memory > there.memory {
            format!("{} of memory, it has {}", asked.memory, there.memory)
        } else if asked.ephemeral_storage > there.ephemeral_storage {
            let (asked, there) = (asked.ephemeral_storage, there.ephemeral_storage);
            format!("{asked} of ephemeral storage, it has {there}")
        } else if let Some((name, amount)) = extended {
            let text = self.plan.catalog.names.text(name);
            format!("{amount} `{text}`, it has {}", there.extended.get(name))
        } else if load.device_milli > devices {
            format!("{} GPUs, it has {}", load.device_milli / 1000, devices / 1000)
        } else if load.pods > node.pods {
            format!("room for {} pods, it has room for {}", load.pods, node.pods)
        } else {
            return;
        };
        load.reported = true;
        let text = format!("with this pod, those on the node ask for {too_much}");
        let hint = "remove `nodeName` of some, or make the node larger";
        let problem = Problem::new("spec.nodeName", text).hint(hint);
        self.object_wrong(pods.objects, &pod.head, &problem);
    }
}

/// True for a pod that is no more, or is about to go.
fn left_out<'o>(pods: &mut Pods<'o>, pod: &'o Object<PodObject>) -> bool {
    let hint = "nothing has to be done: a run starts with what is alive";
    if matches!(pod.head.text("status.phase"), Some("Succeeded" | "Failed")) {
        pods.notes.add("pods that have finished are left out", hint, &pod.head);
        return true;
    }
    if pod.object.metadata.deletion_timestamp.is_some() {
        pods.notes.add("pods that are being deleted are left out", hint, &pod.head);
        return true;
    }
    false
}

/// False if the status says that it was not running and ready.
fn was_ready(pod: &Object<PodObject>) -> bool {
    let phase = pod.head.text("status.phase");
    phase.is_none_or(|phase| phase == "Running")
        && pod.head.condition("Ready").is_none_or(|status| status == "True")
}
