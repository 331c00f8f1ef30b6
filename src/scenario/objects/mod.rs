//! Kubernetes objects as people have them: files and folders, several documents in one file,
//! lists, the output of `kubectl get -o yaml` and `-o json`.
//!
//! Here texts become typed objects, each with the place where it was written; what they mean
//! together is found on the way to the plan.

mod files;
mod kinds;

use self::files::{Raw, objects_at};
use self::kinds::{Known, classify};
use super::names::check_name;
use super::read::read_on;
use super::{
    BudgetManifest, CsiDriverManifest, CsiNodeManifest, CsiStorageCapacityManifest,
    DeploymentManifest, Diagnostic, JobManifest, Kind as Shape, NamespaceManifest, Node,
    NodeManifest, PersistentVolumeClaimManifest, PersistentVolumeManifest, PodObject,
    PriorityClassManifest, ReplicaSetManifest, ServiceManifest, Sources, StatefulSetManifest,
    StorageClassManifest,
};
use crate::ground::Problem;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;

pub(super) use self::kinds::Kind;

/// The namespace of objects that name none.
pub(super) const DEFAULT_NAMESPACE: &str = "default";

/// Which object it is, and where it was written.
#[derive(Debug)]
pub(super) struct Head {
    /// Kind.
    pub(super) kind: &'static str,
    /// Namespace.
    pub(super) namespace: String,
    /// Name.
    pub(super) name: String,
    /// Everything but its version and kind.
    tree: Node,
    /// Paths of values that were wrong and are left out.
    taken: Vec<String>,
}

impl Head {
    /// The name within the cluster: that of the namespace `default` goes without it.
    pub(super) fn full_name(&self) -> String {
        full_name(&self.namespace, &self.name)
    }

    /// True if something is wrong at a path only because a value was left out.
    pub(super) fn explains(&self, path: &str) -> bool {
        let inside = |taken: &String| {
            let rest = taken.strip_prefix(path);
            path.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.taken.iter().any(inside)
    }

    /// The value at a path, as text.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.tree.find(path).filter(|node| !node.is_null()).and_then(Node::text)
    }

    /// The status of a condition, such as `True`.
    pub(super) fn condition(&self, kind: &str) -> Option<&str> {
        let Shape::Seq(conditions) = &self.tree.find("status.conditions")?.kind else {
            return None;
        };
        let is = |one: &&Node| one.get("type").and_then(Node::text) == Some(kind);
        conditions.iter().find(is)?.get("status")?.text()
    }

    /// What messages call it.
    fn title(&self) -> String {
        format!("{} {}", self.kind, self.full_name())
    }
}

/// A name with its namespace, unless that is `default`.
pub(super) fn full_name(namespace: &str, name: &str) -> String {
    match namespace {
        "" | DEFAULT_NAMESPACE => name.to_owned(),
        namespace => format!("{namespace}/{name}"),
    }
}

/// An object with its head.
#[derive(Debug)]
pub(super) struct Object<T> {
    pub(super) head: Head,
    pub(super) object: T,
}

/// All objects of a scenario, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) nodes: Vec<Object<NodeManifest>>,
    pub(super) pods: Vec<Object<PodObject>>,
    pub(super) replica_sets: Vec<Object<ReplicaSetManifest>>,
    pub(super) deployments: Vec<Object<DeploymentManifest>>,
    pub(super) stateful_sets: Vec<Object<StatefulSetManifest>>,
    pub(super) jobs: Vec<Object<JobManifest>>,
    pub(super) classes: Vec<Object<PriorityClassManifest>>,
    pub(super) namespaces: Vec<Object<NamespaceManifest>>,
    pub(super) services: Vec<Object<ServiceManifest>>,
    pub(super) budgets: Vec<Object<BudgetManifest>>,
    pub(super) volumes: Vec<Object<PersistentVolumeManifest>>,
    pub(super) claims: Vec<Object<PersistentVolumeClaimManifest>>,
    pub(super) storage_classes: Vec<Object<StorageClassManifest>>,
    pub(super) storage_nodes: Vec<Object<CsiNodeManifest>>,
    pub(super) storage_drivers: Vec<Object<CsiDriverManifest>>,
    pub(super) storage_capacities: Vec<Object<CsiStorageCapacityManifest>>,
    /// Those that change nothing.
    pub(super) inert: Vec<Head>,
    sources: Sources,
    /// Kinds of which some could not be read.
    broken: Vec<Kind>,
    /// Something could not be read of which not even the kind is known.
    incomplete: bool,
    /// Group, kind, namespace and name of all, with the place of the first of each.
    seen: BTreeMap<[String; 4], String>,
}

impl Objects {
    /// Reads all objects of a file or of a folder; says everything that is wrong with them.
    pub(super) fn add(&mut self, path: &Path) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let raws = objects_at(path, &mut self.sources, &mut found);
        self.incomplete |= !found.is_empty();
        for raw in raws {
            if let Err(diagnostics) = self.take(raw) {
                found.extend(diagnostics);
            }
        }
        found
    }

    /// Remembers that some objects could not be read.
    pub(super) fn is_incomplete(&mut self) {
        self.incomplete = true;
    }

    /// True if there may be more objects of a kind than could be read.
    pub(super) fn broken(&self, kind: Kind) -> bool {
        self.incomplete || self.broken.contains(&kind)
    }

    /// True if there is a controller of this name, even if it cannot be used.
    pub(super) fn has_controller(&self, full_name: &str) -> bool {
        let deployments = self.deployments.iter().map(|one| &one.head);
        let stateful = self.stateful_sets.iter().map(|one| &one.head);
        let replica_sets = self.replica_sets.iter().map(|one| &one.head);
        let mut all = deployments.chain(replica_sets).chain(stateful);
        all.any(|head| head.full_name() == full_name)
            || self.broken(Kind::Deployment)
            || self.broken(Kind::ReplicaSet)
            || self.broken(Kind::StatefulSet)
    }

    /// The message for a problem of an object.
    pub(super) fn diagnostic(&self, head: &Head, problem: &Problem) -> Diagnostic {
        let diagnostic = Diagnostic::of_problem(problem, &head.tree, &self.sources);
        titled(diagnostic, &head.title())
    }

    /// How a listing names the value at a path of an object.
    pub(super) fn path_of(&self, head: &Head, path: &str) -> String {
        let file = &self.sources.of(head.tree.place).name;
        let colon = if path.is_empty() { "" } else { ": " };
        format!("{file}: {}{colon}{path}", head.title())
    }

    fn take(&mut self, raw: Raw) -> Result<(), Vec<Diagnostic>> {
        let Raw { mut tree, of_list } = raw;
        let (group, known, head) = self.head(&mut tree, of_list).map_err(|one| vec![one])?;
        let key = [group, head.kind.to_owned(), head.namespace.clone(), head.name.clone()];
        let place = head.tree.place_of("metadata.name");
        let at = format!("{}:{}", self.sources.of(place).name, place.line);
        if let Some(first) = self.seen.get(&key) {
            let text = format!("the {} is there twice", head.title());
            let hint = format!("keep one of them; the first is in {first}");
            let problem = Problem::new("metadata.name", text).hint(hint);
            return Err(vec![self.diagnostic(&head, &problem)]);
        }
        self.seen.insert(key, at);
        let kind = match known {
            Known::Read(kind) => kind,
            Known::Inert | Known::Later(..) => {
                self.inert.push(head);
                return Ok(());
            }
        };
        let mut wrong: Vec<Diagnostic> = Vec::new();
        for (path, name) in [("name", &head.name), ("namespace", &head.namespace)] {
            let problem = check_name(name, &format!("metadata.{path}"));
            let problem = problem.filter(|_| !name.is_empty());
            wrong.extend(problem.map(|problem| self.diagnostic(&head, &problem)));
        }
        let sources = &self.sources;
        let read = match kind {
            Kind::Node => typed(head, sources, &mut self.nodes),
            Kind::Pod => typed(head, sources, &mut self.pods),
            Kind::ReplicaSet => typed(head, sources, &mut self.replica_sets),
            Kind::Deployment => typed(head, sources, &mut self.deployments),
            Kind::StatefulSet => typed(head, sources, &mut self.stateful_sets),
            Kind::Job => typed(head, sources, &mut self.jobs),
            Kind::PriorityClass => typed(head, sources, &mut self.classes),
            Kind::Namespace => typed(head, sources, &mut self.namespaces),
            Kind::Service => typed(head, sources, &mut self.services),
            Kind::PodDisruptionBudget => typed(head, sources, &mut self.budgets),
            Kind::PersistentVolume => typed(head, sources, &mut self.volumes),
            Kind::PersistentVolumeClaim => typed(head, sources, &mut self.claims),
            Kind::StorageClass => typed(head, sources, &mut self.storage_classes),
            Kind::CsiNode => typed(head, sources, &mut self.storage_nodes),
            Kind::CsiDriver => typed(head, sources, &mut self.storage_drivers),
            Kind::CsiStorageCapacity => typed(head, sources, &mut self.storage_capacities),
        };
        if let Err(found) = read {
            self.broken.push(kind);
            wrong.extend(found);
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// Takes version and kind off the tree and says which object it is.
    fn head(
        &self,
        tree: &mut Node,
        of_list: Option<(String, String)>,
    ) -> Result<(String, Known, Head), Diagnostic> {
        let wrong = |text: &str, hint: &str| Diagnostic::new(text).hint(hint);
        let Shape::Map(entries) = &mut tree.kind else {
            let hint = "begin an object with `apiVersion:`, `kind:` and `metadata:`";
            return Err(
                wrong("an object is a map of keys and values", hint).at(tree.place, &self.sources)
            );
        };
        let mut own = |key: &str| {
            let at = entries.iter().position(|(own, _)| own.text == key)?;
            let (_, value) = entries.remove(at);
            (!value.is_null()).then_some(value)
        };
        let (api_version, kind) = (own("apiVersion"), own("kind"));
        let of_list = of_list.unzip();
        let text = |own: &Option<Node>, of_list: Option<String>| {
            own.as_ref().and_then(Node::text).map(str::to_owned).or(of_list)
        };
        let (Some(version_text), Some(kind_text)) =
            (text(&api_version, of_list.0), text(&kind, of_list.1))
        else {
            let key = if kind.is_none() { "kind" } else { "apiVersion" };
            let hint = "every object has `apiVersion` and `kind`; text that is no object cannot \
                        be listed under `objects:`";
            let diagnostic = wrong(&format!("the object has no `{key}`"), hint);
            return Err(diagnostic.at(tree.place, &self.sources));
        };
        let metadata = |key: &str| {
            let node = tree.get("metadata").and_then(|metadata| metadata.get(key));
            node.filter(|node| !node.is_null()).and_then(Node::text)
        };
        let (name, namespace) = (metadata("name"), metadata("namespace"));
        let place = |node: &Option<Node>| match node {
            Some(node) => node.place,
            None => tree.place_of("metadata.name"),
        };
        let (known, known_kind) = classify(&version_text, &kind_text).map_err(|refusal| {
            let place = place(if refusal.of_version { &api_version } else { &kind });
            let name = name.unwrap_or("without a name");
            let title = format!("{kind_text} {}", full_name(namespace.unwrap_or(""), name));
            wrong(&refusal.text, &refusal.hint).path(title).at(place, &self.sources)
        })?;
        let Some(name) = name.map(str::to_owned) else {
            let text = format!("the {known_kind} has no name");
            let diagnostic = wrong(&text, "write `metadata: {name: ...}`");
            return Err(diagnostic.at(tree.place_of("metadata"), &self.sources));
        };
        let wide = matches!(known, Known::Read(kind) if kind.is_cluster_wide());
        let namespace = namespace.filter(|_| !wide);
        let namespace = namespace.unwrap_or(if wide { "" } else { DEFAULT_NAMESPACE }).to_owned();
        let group = version_text.split_once('/').map_or("", |(group, _)| group).to_owned();
        let empty = Node::empty_map(tree.place);
        let tree = std::mem::replace(tree, empty);
        Ok((group, known, Head { kind: known_kind, namespace, name, tree, taken: Vec::new() }))
    }
}

fn titled(diagnostic: Diagnostic, title: &str) -> Diagnostic {
    let colon = if diagnostic.path.is_empty() { "" } else { ": " };
    let path = format!("{title}{colon}{}", diagnostic.path);
    diagnostic.path(path)
}

/// Reads an object as its type. One of which only single values are wrong is kept without them, so
/// that the rest of it can be judged as well.
fn typed<T: DeserializeOwned>(
    mut head: Head,
    sources: &Sources,
    into: &mut Vec<Object<T>>,
) -> Result<(), Vec<Diagnostic>> {
    let reading = read_on(&head.tree, sources);
    let title = head.title();
    let errors: Vec<Diagnostic> =
        reading.errors.into_iter().map(|error| titled(error, &title)).collect();
    if let (Some(object), Some(taken)) = (reading.value, reading.taken) {
        head.taken = taken;
        head.tree = reading.rest.unwrap_or(head.tree);
        into.push(Object { head, object });
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
