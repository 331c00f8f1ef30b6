//! Namespaces, services, and who owns pods: what the scheduler reads beside nodes and pods.

use super::workloads::{TEMPLATE_HASH, stem};
use super::{Found, Planner, controller};
use crate::model::{LabelSelector, Labels, Object, Owner, OwnerKind, PodSpec};
use crate::scenario::manifest::{
    PodObject, Reader, ReplicaSetManifest, SelectorManifest, read_budget, selector,
};
use crate::scenario::objects::{DEFAULT_NAMESPACE, Head, Object as Written, Objects};
use std::collections::BTreeSet;

/// The label that the API server gives each namespace.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

impl Planner<'_> {
    /// Adds the namespaces among the objects, and those that pods are in without one: in a
    /// cluster every pod is in a namespace that is there.
    pub(in crate::scenario::plan) fn namespaces(&mut self, objects: &Objects) {
        let mut there: BTreeSet<String> = BTreeSet::new();
        for one in &objects.namespaces {
            let mut reader = Reader::new(&mut self.plan.catalog, &self.classes);
            reader.rest(&one.object.rest, "");
            reader.meta(&one.object.metadata);
            let labels = reader.labels(&one.object.metadata.labels, "metadata.labels");
            let found = Found::of(reader);
            self.report(objects, &one.head, found);
            self.namespace(&one.head.name, labels);
            there.insert(one.head.name.clone());
        }
        let catalog = &self.plan.catalog;
        let of_pods = catalog.pod_specs().map(|(_, spec)| spec.namespace);
        let mut named: BTreeSet<String> =
            of_pods.map(|name| catalog.names.text(name).to_owned()).collect();
        named.insert(DEFAULT_NAMESPACE.to_owned());
        for name in named.difference(&there) {
            self.namespace(name, Labels::new());
        }
    }

    fn namespace(&mut self, name: &str, mut labels: Labels) {
        let (key, name) = (self.name(NAMESPACE_NAME), self.name(name));
        labels.set(key, name);
        self.add_object(&Object::Namespace { name, labels });
    }

    /// Adds the services among the objects.
    pub(in crate::scenario::plan) fn cluster_services(&mut self, objects: &Objects) {
        for one in &objects.services {
            let mut reader = Reader::new(&mut self.plan.catalog, &self.classes);
            reader.rest(&one.object.rest, "");
            reader.rest(&one.object.spec.rest, "spec");
            reader.meta(&one.object.metadata);
            let labels = reader.labels(&one.object.spec.selector, "spec.selector");
            let found = Found::of(reader);
            self.report(objects, &one.head, found);
            let selector = (!one.object.spec.selector.is_empty()).then_some(labels);
            let (namespace, name) = (self.name(&one.head.namespace), self.name(&one.head.name));
            let publish = one.object.spec.publish_not_ready_addresses;
            let headless = one.object.spec.cluster_ip.as_deref() == Some("None");
            let service = Object::Service { namespace, name, selector, publish, headless };
            self.add_object(&service);
        }
    }

    /// Adds the disruption budgets among the objects.
    pub(in crate::scenario::plan) fn budgets(&mut self, objects: &Objects) {
        for one in &objects.budgets {
            let ids = (self.name(&one.head.namespace), self.name(&one.head.name));
            let mut reader = Reader::new(&mut self.plan.catalog, &self.classes);
            reader.rest(&one.object.rest, "");
            reader.meta(&one.object.metadata);
            let budget = read_budget(&mut reader, &one.object.spec, ids);
            let found = Found::of(reader);
            self.report(objects, &one.head, found);
            self.add_object(&Object::Budget(budget));
        }
    }

    /// Makes a pod one of the controller of this kind and name in its namespace, which selects
    /// these.
    pub(in crate::scenario::plan) fn give_owner(
        &mut self,
        pod: &mut PodSpec,
        (kind, name): (OwnerKind, &str),
        selector: LabelSelector,
    ) {
        let owner = Owner { kind, name: self.name(name) };
        self.add_object(&Object::Owner { namespace: pod.namespace, owner, selector });
        pod.owner = Some(owner);
    }

    /// What a controller selects. What is wrong with it was said before.
    pub(super) fn selected(&mut self, written: &SelectorManifest) -> LabelSelector {
        let mut reader = Reader::new(&mut self.plan.catalog, &self.classes);
        selector(&mut reader, written, "")
    }

    /// Adds the ReplicaSet of a Deployment: pods that are there name it.
    pub(super) fn add_replica_set(&mut self, one: &Written<ReplicaSetManifest>) {
        let selector = self.selected(&one.object.spec.selector);
        let (namespace, name) = (self.name(&one.head.namespace), self.name(&one.head.name));
        let owner = Owner { kind: OwnerKind::ReplicaSet, name };
        self.add_object(&Object::Owner { namespace, owner, selector });
    }

    /// The owner that a pod object names, if it is of a kind whose selector the scheduler reads.
    /// Pods of a ReplicaSet that is not there belong to what stands for its Deployment.
    pub(super) fn owner_named(
        &mut self,
        objects: &Objects,
        pod: &Written<PodObject>,
    ) -> Option<Owner> {
        let (kind, name) = controller(&pod.object.metadata)?;
        let kind = match kind {
            "ReplicaSet" => OwnerKind::ReplicaSet,
            "StatefulSet" => OwnerKind::StatefulSet,
            "ReplicationController" => OwnerKind::ReplicationController,
            _ => return None,
        };
        let is_it = |head: &Head| head.namespace == pod.head.namespace && head.name == name;
        let there = objects.replica_sets.iter().any(|one| is_it(&one.head));
        let hash = pod.object.metadata.labels.get(TEMPLATE_HASH);
        let stem = hash.and_then(|hash| stem(name, hash)).filter(|_| !there);
        let name = stem.unwrap_or(name);
        Some(Owner { kind, name: self.name(name) })
    }

    pub(super) fn add_object(&mut self, object: &Object) {
        let object = self.plan.catalog.intern_object(object);
        self.plan.objects.push(object);
    }
}
