//! Workloads: who owns pods, what the pods are, and where they come from.

use super::Planner;
use super::objects::Found;
use crate::ground::{Key, Problem, Span};
use crate::model::{
    DeploymentSpec, FinishedPods, LabelSelector, LossPolicy, OwnerKind, PodSpec, Workload,
    WorkloadId, WorkloadKind,
};
use crate::scenario::diagnostic::{list, nearest};
use crate::scenario::manifest::{Meta, Reader, Written, convert};
use crate::scenario::names::check_name;
use crate::scenario::objects::Objects;
use crate::scenario::tree::join;
use crate::scenario::{
    BatchWorkload, LoadWorkload, LostPods, ServiceWorkload, TraceWorkload, WorkloadHead,
    WorkloadParams,
};
use crate::sim::Keeper;
use crate::stimulus::{BatchPlan, LoadPlan, LoadResource, SourcePlan, TracePlan};

/// A workload that keeps pods alive.
#[derive(Debug)]
pub(super) struct Service {
    /// Its name.
    pub(super) name: String,
    /// Number of pods.
    pub(super) replicas: u32,
}

impl Planner<'_> {
    /// Plans all workloads.
    pub(super) fn workloads(&mut self) {
        let file = self.file;
        for (at, workload) in file.workloads.iter().enumerate() {
            let path = format!("workloads.{at}.{}", workload.key());
            let name = workload.name();
            let name_path = join(&path, "name");
            self.findings.problems.extend(check_name(name, &name_path));
            if !self.workload_names.insert(name.to_owned()) {
                let text = format!("two workloads have the name `{name}`");
                self.wrong(name_path, text, "give each its own name");
            }
            match workload {
                WorkloadParams::Service(service) => self.service(service, &path),
                WorkloadParams::Batch(batch) => self.batch(batch, &path),
                WorkloadParams::Trace(trace) => self.trace(trace, &path),
                WorkloadParams::Load(load) => self.load(load, &path),
            }
        }
    }

    fn service(&mut self, service: &ServiceWorkload, path: &str) {
        if service.replicas == 0 {
            let text = "a service has at least one pod";
            self.wrong(join(path, "replicas"), text, "write 1 or more, or remove it");
        }
        let spec = self.pod_of(service, path);
        let goal = self.file.services.get(&service.name);
        let kind = WorkloadKind::Service {
            replicas: service.replicas,
            min_serving: goal.map_or(1, |goal| goal.min_serving),
        };
        let loss = (LossPolicy::Replace, service.startup);
        let workload = self.workload(&service.name, kind, loss);
        let (name, replicas) = (service.name.clone(), service.replicas);
        self.services.push(Service { name, replicas });
        if let Some(mut spec) = spec {
            self.own(&mut spec, &service.name);
            let (spec, _) = self.plan.catalog.intern_pod_spec(&spec);
            let keeper = Keeper::Deployment(DeploymentSpec::new(replicas, spec));
            self.plan.services.push((workload, keeper));
        }
    }

    /// Makes the pod of a service one of a ReplicaSet that selects it by its labels. Without labels
    /// it gets those of `kubectl create deployment`.
    fn own(&mut self, spec: &mut PodSpec, name: &str) {
        if spec.labels.iter().len() == 0 {
            let (key, value) = (self.name("app"), self.name(name));
            spec.labels.set(key, value);
        }
        let selector = LabelSelector::of(&spec.labels);
        self.give_owner(spec, (OwnerKind::ReplicaSet, name), selector);
    }

    fn pod_of(&mut self, service: &ServiceWorkload, path: &str) -> Option<PodSpec> {
        let template_path = join(path, "template");
        let (metadata_path, gpu_path) =
            (join(&template_path, "metadata"), join(&template_path, "gpu"));
        let (pod_path, spec_path) = (join(path, "pod"), join(&template_path, "spec"));
        let written = match (&service.pod, &service.template) {
            (Some(pod), None) => {
                let (metadata, gpu) = (None, None);
                Written { pod, path: &pod_path, metadata, gpu, admitted: false }
            }
            (None, Some(template)) => Written {
                pod: &template.spec,
                path: &spec_path,
                metadata: template
                    .metadata
                    .as_ref()
                    .map(|metadata| (Meta::Template(metadata), metadata_path.as_str())),
                gpu: template.gpu.as_ref().map(|gpu| (gpu, gpu_path.as_str())),
                admitted: false,
            },
            (Some(_), Some(_)) => {
                let text = "`pod` and `template` exclude each other";
                self.wrong(template_path, text, "keep one of them");
                return None;
            }
            (None, None) => {
                let text = format!("the service `{}` has no pod", service.name);
                let hint = "write `pod:` with a Kubernetes PodSpec, or `template:` with a pod \
                            template";
                self.wrong(path, text, hint);
                return None;
            }
        };
        let mut reader = Reader::new(&mut self.plan.catalog, &self.classes);
        let spec = convert(&mut reader, &written);
        let Found { problems, without_effect } = Found::of(reader);
        self.findings.problems.extend(problems);
        self.findings.without_effect.extend(without_effect);
        let unknown = self.no_such_scheduler(written.pod, written.path);
        self.findings.problems.extend(unknown);
        let unbound = self.no_such_volumes(written.pod, written.path);
        self.findings.problems.extend(unbound);
        Some(spec)
    }

    fn workload(
        &mut self,
        name: &str,
        kind: WorkloadKind,
        (on_loss, startup): (LossPolicy, Option<Span>),
    ) -> WorkloadId {
        let key = Key::of(name);
        let name = self.name(name);
        let finished = match kind {
            WorkloadKind::Service { .. } => FinishedPods::Keep,
            WorkloadKind::Batch => FinishedPods::Remove,
        };
        let row = Workload { name, key, kind, on_loss, finished, startup };
        self.plan.catalog.workloads.push(row)
    }

    fn sourced(&mut self, head: &WorkloadHead) -> WorkloadId {
        let on_loss = match head.lost_pods {
            LostPods::Replace => LossPolicy::Replace,
            LostPods::Forget => LossPolicy::Forget,
        };
        self.workload(&head.name, WorkloadKind::Batch, (on_loss, head.startup))
    }

    fn batch(&mut self, batch: &BatchWorkload, path: &str) {
        let workload = self.sourced(&batch.head);
        let mut params = batch.params.clone();
        self.under(path, params.check());
        for at in 0..params.pods.len() {
            self.needs_unit(format!("{path}.pods.{at}.memory"));
        }
        self.resolve(path, params.paths_mut());
        let plan = BatchPlan { name: batch.head.name.clone(), workload, params };
        self.plan.sources.push(SourcePlan::Batch(plan));
    }

    fn trace(&mut self, trace: &TraceWorkload, path: &str) {
        let workload = self.sourced(&trace.head);
        let mut params = trace.params.clone();
        self.under(path, params.check());
        self.no_machines(params.nodes.is_some(), path);
        self.needs_unit(join(path, "memory"));
        self.resolve(path, params.paths_mut());
        self.plan.sources.push(SourcePlan::Trace(TracePlan { workload, params, scratch: None }));
    }

    fn load(&mut self, load: &LoadWorkload, path: &str) {
        let workload = self.sourced(&load.head);
        let mut params = load.params.clone();
        self.under(path, params.check());
        self.no_machines(params.trace.nodes.is_some(), &join(path, "trace"));
        self.needs_unit(format!("{path}.trace.memory"));
        self.resolve(path, params.paths_mut());
        let capacity = self.capacity(params.of);
        if capacity == 0 && !self.plan.nodes.is_empty() {
            let word = match params.of {
                LoadResource::Gpu => "GPUs",
                LoadResource::Cpu => "CPU",
                LoadResource::Memory => "memory",
            };
            let text = format!("the nodes have no {word}, so no share of it can be asked for");
            self.wrong(join(path, "of"), text, "name a resource that the nodes have");
        }
        let name = load.head.name.clone();
        let plan = LoadPlan { name, workload, params, capacity, scratch: None };
        self.plan.sources.push(SourcePlan::Load(plan));
    }

    /// The machines of a trace are part of the cluster, not of the workload.
    fn no_machines(&mut self, named: bool, path: &str) {
        if named {
            let text = "the machines of a trace are named under `cluster.nodes`";
            let hint = "write `- trace: {format: ..., nodes: ...}` there";
            self.wrong(join(path, "nodes"), text, hint);
        }
    }

    /// What all nodes together have of a resource.
    fn capacity(&self, of: LoadResource) -> u64 {
        let amounts = self.plan.nodes.iter().map(|node| {
            let spec = self.plan.catalog.node_spec(node.spec);
            match of {
                LoadResource::Gpu => spec.devices.map_or(0, |gpus| u64::from(gpus.count) * 1000),
                LoadResource::Cpu => spec.allocatable.cpu.0,
                LoadResource::Memory => spec.allocatable.memory.0,
            }
        });
        amounts.fold(0, u64::saturating_add)
    }

    /// What is said about services that are there, and about those that are not.
    pub(super) fn goals(&mut self, objects: &Objects) {
        let file = self.file;
        for (name, goal) in &file.services {
            let path = join("services", name);
            let service = self.services.iter().find(|service| service.name == *name);
            let Some(replicas) = service.map(|service| service.replicas) else {
                if !objects.has_controller(name) {
                    let problem = self.no_such_service(name, path);
                    self.findings.problems.push(problem);
                }
                continue;
            };
            if goal.min_serving == 0 || goal.min_serving > replicas {
                let text = format!(
                    "`min_serving` is {}, the service `{name}` has {replicas} pods",
                    goal.min_serving
                );
                let hint = format!("write 1 to {}", replicas.max(1));
                self.wrong(join(&path, "min_serving"), text, &hint);
            }
        }
    }

    fn no_such_service(&self, name: &str, path: String) -> Problem {
        let names = self.services.iter().map(|service| service.name.as_str());
        let hint = match nearest(name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the services are {}", list(names, "and")),
        };
        Problem::new(path, format!("no service is called `{name}`")).hint(hint)
    }
}
