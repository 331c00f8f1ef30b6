//! API objects that are neither nodes nor pods and that decisions read: each is content in the
//! catalog, and a view knows which content each name has now.

use super::{
    Budget, Catalog, Claim, LabelSelector, Labels, StorageCapacity, StorageClass, StorageDriver,
    StorageNode, Volume,
};
use crate::ground::{Name, define_id};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

define_id! {
    /// The content of an object in the catalog.
    ObjectId;
}

/// What keeps pods alive and may be named as their controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OwnerKind {
    /// ReplicationController.
    ReplicationController,
    /// ReplicaSet.
    ReplicaSet,
    /// StatefulSet.
    StatefulSet,
}

/// The controller of a pod, in its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owner {
    /// Kind.
    pub kind: OwnerKind,
    /// Name.
    pub name: Name,
}

/// Content of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Object {
    /// A namespace.
    Namespace {
        /// Name.
        name: Name,
        /// Labels.
        labels: Labels,
    },
    /// A service.
    Service {
        /// Namespace.
        namespace: Name,
        /// Name.
        name: Name,
        /// Labels of its pods; `None` selects none.
        selector: Option<Labels>,
        /// Pods are listed as ready even if they are not (`publishNotReadyAddresses`).
        publish: bool,
        /// It has no address of its own: clients find its pods by name (`clusterIP: None`).
        headless: bool,
    },
    /// A controller of pods.
    Owner {
        /// Namespace.
        namespace: Name,
        /// Kind and name.
        owner: Owner,
        /// Which pods.
        selector: LabelSelector,
    },
    /// A disruption budget.
    Budget(Budget),
    /// A volume.
    Volume(Volume),
    /// A claim.
    Claim(Claim),
    /// A storage class.
    StorageClass(StorageClass),
    /// The storage drivers of a node.
    StorageNode(StorageNode),
    /// A storage driver.
    StorageDriver(StorageDriver),
    /// Capacity of a storage class.
    StorageCapacity(StorageCapacity),
}

/// Kind, namespace and name of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectKey {
    kind: u8,
    namespace: Name,
    name: Name,
}

const NAMESPACE: u8 = 0;
const SERVICE: u8 = 1;
const OWNER: u8 = 2;
const BUDGET: u8 = 5;
const VOLUME: u8 = 6;
const CLAIM: u8 = 7;
const STORAGE_CLASS: u8 = 8;
const STORAGE_NODE: u8 = 9;
const STORAGE_DRIVER: u8 = 10;
const STORAGE_CAPACITY: u8 = 11;

impl Object {
    /// What tells it from other objects.
    pub fn key(&self) -> ObjectKey {
        let none = Catalog::NO_TEXT;
        let (kind, namespace, name) = match self {
            Object::Namespace { name, .. } => (NAMESPACE, none, *name),
            Object::Service { namespace, name, .. } => (SERVICE, *namespace, *name),
            Object::Owner { namespace, owner, .. } => {
                (OWNER + owner.kind as u8, *namespace, owner.name)
            }
            Object::Budget(budget) => (BUDGET, budget.namespace, budget.name),
            Object::Volume(volume) => (VOLUME, none, volume.name),
            Object::Claim(claim) => (CLAIM, claim.namespace, claim.name),
            Object::StorageClass(class) => (STORAGE_CLASS, none, class.name),
            Object::StorageNode(node) => (STORAGE_NODE, none, node.name),
            Object::StorageDriver(driver) => (STORAGE_DRIVER, none, driver.name),
            Object::StorageCapacity(capacity) => {
                (STORAGE_CAPACITY, capacity.namespace, capacity.name)
            }
        };
        ObjectKey { kind, namespace, name }
    }
}

/// Which objects there are, and the content of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(ObjectKey, ObjectId)>", into = "Vec<(ObjectKey, ObjectId)>")]
pub struct Objects(BTreeMap<ObjectKey, ObjectId>);

impl From<Vec<(ObjectKey, ObjectId)>> for Objects {
    fn from(rows: Vec<(ObjectKey, ObjectId)>) -> Objects {
        Objects(rows.into_iter().collect())
    }
}

impl From<Objects> for Vec<(ObjectKey, ObjectId)> {
    fn from(objects: Objects) -> Self {
        objects.0.into_iter().collect()
    }
}

/// Picks the content of one kind out of an object.
macro_rules! of_kind {
    ($($(#[$doc:meta])* $one:ident, $all:ident: $variant:ident($content:ty) $kind:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $one<'c>(
                &self,
                namespace: Name,
                name: Name,
                catalog: &'c Catalog,
            ) -> Option<&'c $content> {
                match self.get($kind, namespace, name, catalog)? {
                    Object::$variant(content) => Some(content),
                    _ => None,
                }
            }

            /// All of this kind, in order of namespace and name.
            pub fn $all<'c>(&self, catalog: &'c Catalog) -> impl Iterator<Item = &'c $content> {
                self.all($kind, catalog).filter_map(|object| match object {
                    Object::$variant(content) => Some(content),
                    _ => None,
                })
            }
        )*
    };
}

impl Objects {
    /// Sets the content of an object.
    pub(super) fn set(&mut self, key: ObjectKey, content: ObjectId) {
        self.0.insert(key, content);
    }

    /// Takes an object out.
    pub(super) fn remove(&mut self, key: ObjectKey) {
        self.0.remove(&key);
    }

    /// The content that the object of this key has now.
    pub fn current<'c>(&self, key: ObjectKey, catalog: &'c Catalog) -> Option<&'c Object> {
        self.0.get(&key).map(|id| catalog.object(*id))
    }

    /// The content that the object of this key has now, by identifier.
    pub fn id(&self, key: ObjectKey) -> Option<ObjectId> {
        self.0.get(&key).copied()
    }

    fn get<'c>(
        &self,
        kind: u8,
        namespace: Name,
        name: Name,
        catalog: &'c Catalog,
    ) -> Option<&'c Object> {
        self.current(ObjectKey { kind, namespace, name }, catalog)
    }

    fn all<'c>(&self, kind: u8, catalog: &'c Catalog) -> impl Iterator<Item = &'c Object> {
        let (first, last) = (Name(0), Name(u32::MAX));
        self.between(kind, (first, first), (last, last), catalog)
    }

    fn all_in<'c>(
        &self,
        kind: u8,
        namespace: Name,
        catalog: &'c Catalog,
    ) -> impl Iterator<Item = &'c Object> {
        self.between(kind, (namespace, Name(0)), (namespace, Name(u32::MAX)), catalog)
    }

    fn between<'c>(
        &self,
        kind: u8,
        from: (Name, Name),
        to: (Name, Name),
        catalog: &'c Catalog,
    ) -> impl Iterator<Item = &'c Object> {
        let key = |(namespace, name)| ObjectKey { kind, namespace, name };
        self.0.range(key(from)..=key(to)).map(|(_, id)| catalog.object(*id))
    }

    /// The labels of a namespace; `None` if there is no such object.
    pub fn namespace<'c>(&self, name: Name, catalog: &'c Catalog) -> Option<&'c Labels> {
        match self.get(NAMESPACE, Catalog::NO_TEXT, name, catalog)? {
            Object::Namespace { labels, .. } => Some(labels),
            _ => None,
        }
    }

    /// The selectors of the services of a namespace that select pods.
    pub fn service_selectors<'c>(
        &self,
        wanted: Name,
        catalog: &'c Catalog,
    ) -> impl Iterator<Item = &'c Labels> {
        self.all_in(SERVICE, wanted, catalog).filter_map(|object| match object {
            Object::Service { selector, .. } => selector.as_ref(),
            _ => None,
        })
    }

    /// The selector of a controller.
    pub fn owner_selector<'c>(
        &self,
        namespace: Name,
        owner: Owner,
        catalog: &'c Catalog,
    ) -> Option<&'c LabelSelector> {
        match self.get(OWNER + owner.kind as u8, namespace, owner.name, catalog)? {
            Object::Owner { selector, .. } => Some(selector),
            _ => None,
        }
    }

    of_kind! {
        /// A disruption budget.
        budget, budgets: Budget(Budget) BUDGET;
        /// A volume; it has no namespace, so that the first name is that of the empty text.
        volume, volumes: Volume(Volume) VOLUME;
        /// A claim.
        claim, claims: Claim(Claim) CLAIM;
        /// A storage class, without a namespace.
        storage_class, storage_classes: StorageClass(StorageClass) STORAGE_CLASS;
        /// The storage drivers of a node, without a namespace.
        storage_node, storage_nodes: StorageNode(StorageNode) STORAGE_NODE;
        /// A storage driver, without a namespace.
        storage_driver, storage_drivers: StorageDriver(StorageDriver) STORAGE_DRIVER;
        /// Capacity of a storage class.
        storage_capacity, storage_capacities: StorageCapacity(StorageCapacity) STORAGE_CAPACITY;
    }

    /// The class of claims that name none.
    pub fn default_class(&self, catalog: &Catalog) -> Option<Name> {
        self.storage_classes(catalog).find(|class| class.is_default).map(|class| class.name)
    }

    /// True without any object.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
