//! What is shared by content: equal specifications have one identifier. Grows only.

use super::{
    Application, NodeSpec, NodeSpecId, Object, ObjectId, PodSpec, PodSpecId, Taints, TaintsId,
    Workload, WorkloadId,
};
use crate::ground::{Id, Name, Names, Table};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::hash::Hash;

/// A table in which equal rows are the same row.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Table<I, T>", into = "Table<I, T>")]
#[serde(bound(
    serialize = "I: Id + Serialize, T: Clone + Eq + Hash + Serialize",
    deserialize = "I: Id + Deserialize<'de>, T: Clone + Eq + Hash + Deserialize<'de>"
))]
struct Interned<I: Id, T: Clone + Eq + Hash> {
    rows: Table<I, T>,
    by_content: FxHashMap<T, I>,
}

impl<I: Id, T: Clone + Eq + Hash> Default for Interned<I, T> {
    fn default() -> Self {
        Interned { rows: Table::new(), by_content: FxHashMap::default() }
    }
}

impl<I: Id, T: Clone + Eq + Hash> Interned<I, T> {
    fn intern(&mut self, row: &T) -> (I, bool) {
        if let Some(id) = self.by_content.get(row) {
            return (*id, false);
        }
        let id = self.rows.push(row.clone());
        self.by_content.insert(row.clone(), id);
        (id, true)
    }
}

impl<I: Id, T: Clone + Eq + Hash> From<Table<I, T>> for Interned<I, T> {
    fn from(rows: Table<I, T>) -> Self {
        let by_content = rows.iter().map(|(id, row)| (row.clone(), id)).collect();
        Interned { rows, by_content }
    }
}

impl<I: Id, T: Clone + Eq + Hash> From<Interned<I, T>> for Table<I, T> {
    fn from(interned: Interned<I, T>) -> Self {
        interned.rows
    }
}

/// Names, specifications, workloads and applications of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Catalog {
    /// All names.
    pub names: Names,
    /// The name of the label `kubernetes.io/hostname`.
    pub hostname_key: Name,
    /// All workloads.
    pub workloads: Table<WorkloadId, Workload>,
    pod_specs: Interned<PodSpecId, PodSpec>,
    node_specs: Interned<NodeSpecId, NodeSpec>,
    taints: Interned<TaintsId, Taints>,
    objects: Interned<ObjectId, Object>,
    /// In order of the image's name identifier.
    applications: Vec<Application>,
}

impl Default for Catalog {
    fn default() -> Catalog {
        Catalog::new()
    }
}

impl Catalog {
    /// The empty text, which every catalog has.
    pub const NO_TEXT: Name = Name(0);
    /// The list without taints, which every catalog has.
    pub const NO_TAINTS: TaintsId = TaintsId(0);

    /// A catalog that knows the empty text (as name 0), the host name label and the empty list of
    /// taints.
    pub fn new() -> Catalog {
        let mut names = Names::new();
        names.intern("");
        let hostname_key = names.intern("kubernetes.io/hostname");
        let mut taints = Interned::default();
        taints.intern(&Taints::new());
        Catalog {
            names,
            hostname_key,
            workloads: Table::new(),
            pod_specs: Interned::default(),
            node_specs: Interned::default(),
            taints,
            objects: Interned::default(),
            applications: Vec::new(),
        }
    }

    /// The identifier of a pod specification, and whether it is new.
    pub fn intern_pod_spec(&mut self, spec: &PodSpec) -> (PodSpecId, bool) {
        self.pod_specs.intern(spec)
    }

    /// The identifier of a node specification, and whether it is new.
    pub fn intern_node_spec(&mut self, spec: &NodeSpec) -> (NodeSpecId, bool) {
        self.node_specs.intern(spec)
    }

    /// The identifier of a list of taints.
    pub fn intern_taints(&mut self, taints: &Taints) -> TaintsId {
        self.taints.intern(taints).0
    }

    /// The identifier of the content of an object.
    pub fn intern_object(&mut self, object: &Object) -> ObjectId {
        self.objects.intern(object).0
    }

    /// The content of an object.
    pub fn object(&self, id: ObjectId) -> &Object {
        &self.objects.rows[id]
    }

    /// A pod specification.
    pub fn pod_spec(&self, id: PodSpecId) -> &PodSpec {
        &self.pod_specs.rows[id]
    }

    /// A node specification.
    pub fn node_spec(&self, id: NodeSpecId) -> &NodeSpec {
        &self.node_specs.rows[id]
    }

    /// A list of taints.
    pub fn taints(&self, id: TaintsId) -> &Taints {
        &self.taints.rows[id]
    }

    /// Describes an image; an earlier description of it is replaced.
    pub fn describe(&mut self, application: Application) {
        match self.applications.binary_search_by_key(&application.image, |known| known.image) {
            Ok(at) => self.applications[at] = application,
            Err(at) => self.applications.insert(at, application),
        }
    }

    /// What is known of an image.
    pub fn application(&self, image: Name) -> Option<&Application> {
        let at = self.applications.binary_search_by_key(&image, |known| known.image).ok()?;
        Some(&self.applications[at])
    }

    /// All images that are described, in order of name identifier.
    pub fn applications(&self) -> &[Application] {
        &self.applications
    }

    /// All pod specifications.
    pub fn pod_specs(&self) -> impl ExactSizeIterator<Item = (PodSpecId, &PodSpec)> {
        self.pod_specs.rows.iter()
    }
}
