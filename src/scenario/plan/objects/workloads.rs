//! Deployments, ReplicaSets and StatefulSets as workloads that keep their pods alive.

use super::{Found, Planner, Wanted, controller};
use crate::ground::{Key, Problem, Span};
use crate::model::{
    FinishedPods, LossPolicy, OwnerKind, PodSpec, PodSpecId, Workload, WorkloadId, WorkloadKind,
};
use crate::scenario::manifest::{
    DeploymentManifest, Meta, Reader, ReplicaSetManifest, SelectorManifest, StatefulSetManifest,
    TemplateManifest, Written, add_replica_claims, check_replica_set, convert, read_deployment,
    read_stateful_set,
};
use crate::scenario::objects::{Head, Object, Objects, full_name};
use crate::scenario::plan::workloads::Service;
use crate::sim::Keeper;
use std::collections::{BTreeMap, BTreeSet};

const TEMPLATE: &str = "spec.template.spec";
/// The label that tells pods of one template from those of another.
pub(super) const TEMPLATE_HASH: &str = "pod-template-hash";

/// The name of the Deployment of a ReplicaSet whose template has this hash.
pub(super) fn stem<'n>(replica_set: &'n str, hash: &str) -> Option<&'n str> {
    replica_set.strip_suffix(hash)?.strip_suffix('-')
}

/// Who owns pods: workloads by the kind, namespace and name of the object.
#[derive(Debug, Default)]
pub(in crate::scenario::plan) struct Owners(BTreeMap<[String; 3], WorkloadId>);

impl Owners {
    pub(super) fn add(&mut self, kind: &str, namespace: &str, name: &str, workload: WorkloadId) {
        self.0.insert([kind, namespace, name].map(str::to_owned), workload);
    }

    /// The workload of an owner. The Deployment of a ReplicaSet that is not among the objects is
    /// known by the hash with which the name of the set ends.
    pub(super) fn of(
        &self,
        (kind, name): (&str, &str),
        namespace: &str,
        hash: Option<&str>,
    ) -> Option<WorkloadId> {
        let find = |kind: &str, name: &str| {
            self.0.get(&[kind, namespace, name].map(str::to_owned)).copied()
        };
        let of_hash = || find("Deployment", stem(name, hash?)?);
        find(kind, name).or_else(|| of_hash().filter(|_| kind == "ReplicaSet"))
    }
}

/// A controller whose template is about to be read.
struct Kept<'o> {
    head: &'o Head,
    template: &'o TemplateManifest,
    selector: &'o SelectorManifest,
    /// For a template that is still to be put in its place.
    keeper: Keeper,
}

impl Planner<'_> {
    /// Adds the controllers among the objects, behind the workloads of the file.
    pub(in crate::scenario::plan) fn object_workloads(&mut self, objects: &Objects) -> Owners {
        let mut owners = Owners::default();
        let mut there: BTreeSet<(&str, &str)> = BTreeSet::new();
        for one in &objects.deployments {
            there.insert((&one.head.namespace, &one.head.name));
            if let Some(workload) = self.deployment(objects, one) {
                owners.add("Deployment", &one.head.namespace, &one.head.name, workload);
            }
        }
        for one in &objects.replica_sets {
            let (namespace, name) = (one.head.namespace.as_str(), one.head.name.as_str());
            let owner = controller(&one.object.metadata).filter(|(kind, owner)| {
                *kind == "Deployment" && there.contains(&(namespace, *owner))
            });
            let workload = match owner {
                // The set of a Deployment is no workload of its own; its pods are looked for by
                // what it selects.
                Some(owner) => {
                    self.add_replica_set(one);
                    owners.of(owner, namespace, None)
                }
                None => self.replica_set(objects, one),
            };
            if let Some(workload) = workload {
                owners.add("ReplicaSet", namespace, name, workload);
            }
        }
        for one in &objects.stateful_sets {
            if let Some(workload) = self.stateful_set(objects, one) {
                owners.add("StatefulSet", &one.head.namespace, &one.head.name, workload);
            }
        }
        owners
    }

    fn stateful_set(
        &mut self,
        objects: &Objects,
        one: &Object<StatefulSetManifest>,
    ) -> Option<WorkloadId> {
        let mut reader = Reader::new(&mut self.plan.catalog, &self.classes);
        let goal = read_stateful_set(&mut reader, &one.object);
        let (template, selector) = (&one.object.spec.template, &one.object.spec.selector);
        let kept = Kept { head: &one.head, template, selector, keeper: Keeper::StatefulSet(goal) };
        let mut pod = pod_of(&mut reader, kept.head, kept.template);
        add_replica_claims(&mut reader, &one.object, &mut pod);
        let mut found = Found::of(reader);
        found.problems.extend(self.no_such_replica_volumes(objects, one, goal.spec));
        self.kept(objects, &kept, pod, found)
    }

    fn deployment(
        &mut self,
        objects: &Objects,
        one: &Object<DeploymentManifest>,
    ) -> Option<WorkloadId> {
        let mut reader = Reader::new(&mut self.plan.catalog, &self.classes);
        let keeper = Keeper::Deployment(read_deployment(&mut reader, &one.object));
        let (template, selector) = (&one.object.spec.template, &one.object.spec.selector);
        let kept = Kept { head: &one.head, template, selector, keeper };
        let pod = pod_of(&mut reader, kept.head, kept.template);
        let found = Found::of(reader);
        self.kept(objects, &kept, pod, found)
    }

    fn replica_set(
        &mut self,
        objects: &Objects,
        one: &Object<ReplicaSetManifest>,
    ) -> Option<WorkloadId> {
        let mut reader = Reader::new(&mut self.plan.catalog, &self.classes);
        check_replica_set(&mut reader, &one.object);
        let spec = &one.object.spec;
        let replicas = spec.replicas.unwrap_or(1);
        let min_ready = Span::from_secs(u64::from(spec.min_ready_seconds.unwrap_or(0)));
        let keeper = Keeper::ReplicaSet { replicas, template: PodSpecId(0), min_ready };
        let (template, selector) = (&spec.template, &spec.selector);
        let kept = Kept { head: &one.head, template, selector, keeper };
        let pod = pod_of(&mut reader, kept.head, kept.template);
        let found = Found::of(reader);
        self.kept(objects, &kept, pod, found)
    }

    fn kept(
        &mut self,
        objects: &Objects,
        kept: &Kept<'_>,
        mut pod: PodSpec,
        mut found: Found,
    ) -> Option<WorkloadId> {
        found.problems.extend(self.no_such_scheduler(&kept.template.spec, TEMPLATE));
        found.problems.extend(self.no_such_volumes(&kept.template.spec, TEMPLATE));
        let name = kept.head.full_name();
        found.problems.extend(self.name_is_taken(&name));
        if !self.report(objects, kept.head, found) {
            return None;
        }
        let selector = self.selected(kept.selector);
        let kind = match kept.keeper {
            Keeper::StatefulSet(_) => OwnerKind::StatefulSet,
            Keeper::Deployment(_) | Keeper::ReplicaSet { .. } => OwnerKind::ReplicaSet,
        };
        self.give_owner(&mut pod, (kind, &kept.head.name), selector);
        let (spec, _) = self.plan.catalog.intern_pod_spec(&pod);
        let problem = Problem::new(TEMPLATE, "");
        let message = objects.diagnostic(kept.head, &problem).warning();
        let keeper = kept.keeper.of(spec);
        let replicas = keeper.replicas();
        if replicas > 0 {
            self.wanted.push(Wanted { spec, message });
        }
        let goal = self.file.services.get(&name).map(|goal| goal.min_serving);
        let min_serving = goal.unwrap_or(1).min(replicas);
        let workload = self.plan.catalog.workloads.push(Workload {
            name: self.plan.catalog.names.intern(&name),
            key: Key::of(&name),
            kind: WorkloadKind::Service { replicas, min_serving },
            on_loss: LossPolicy::Replace,
            finished: FinishedPods::Keep,
            startup: None,
        });
        self.plan.services.push((workload, keeper));
        self.services.push(Service { name: name.clone(), replicas });
        self.workload_names.insert(name);
        Some(workload)
    }

    /// Why an object cannot be called so.
    pub(super) fn name_is_taken(&self, name: &str) -> Option<Problem> {
        self.workload_names.contains(name).then(|| {
            let text = format!("another workload is called `{name}` already");
            Problem::new("metadata.name", text).hint("give each its own name")
        })
    }

    /// A workload for pods that nobody replaces, called as the object `kind`, `namespace`, `name`.
    pub(super) fn lone(&mut self, kind: &str, namespace: &str, name: &str) -> WorkloadId {
        let mut own = full_name(namespace, name);
        while self.workload_names.contains(&own) {
            own = format!("{}/{own}", kind.to_lowercase());
        }
        let workload = self.plan.catalog.workloads.push(Workload {
            name: self.plan.catalog.names.intern(&own),
            key: Key::of(&own),
            kind: WorkloadKind::Batch,
            on_loss: LossPolicy::Forget,
            finished: FinishedPods::Keep,
            startup: None,
        });
        self.workload_names.insert(own);
        workload
    }
}

/// The pods of a controller are in its namespace, whatever the template says.
pub(super) fn pod_of(reader: &mut Reader<'_>, head: &Head, template: &TemplateManifest) -> PodSpec {
    let metadata = template.metadata.as_ref();
    let written = Written {
        pod: &template.spec,
        path: TEMPLATE,
        metadata: metadata.map(|metadata| (Meta::Template(metadata), "spec.template.metadata")),
        gpu: None,
        admitted: false,
    };
    let mut pod = convert(reader, &written);
    pod.namespace = reader.catalog.names.intern(&head.namespace);
    pod
}
