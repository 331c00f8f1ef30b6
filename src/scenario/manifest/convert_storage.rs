//! From storage as users write it to the nouns of the model. Claims and volumes become what they
//! say; what controllers make of them is found where they are planned.

use super::convert::Reader;
use super::object::ObjectMeta;
use super::pod_terms::selector;
use super::resources::quantity;
use super::storage::{
    AccessModeWord, ClaimTemplateManifest, CsiDriverManifest, CsiNodeManifest,
    CsiStorageCapacityManifest, PersistentVolumeClaimManifest, PersistentVolumeClaimSpec,
    PersistentVolumeManifest, StorageClassManifest, StorageResources,
};
use super::{PriorityClasses, SelectorManifest};
use crate::ground::{Bytes, Name};
use crate::model::{
    AccessMode, BindingMode, Catalog, Claim, ClaimRef, ClaimTemplate, LabelSelector, Object,
    ReclaimPolicy, StorageCapacity, StorageClass, StorageDriver, StorageNode, Volume, VolumeMode,
};
use crate::scenario::names::check_qualified;
use crate::scenario::tree::join;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

/// The namespace of objects that name none.
const DEFAULT_NAMESPACE: &str = "default";
/// What the annotation of a volume's or claim's class was before it had a field.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";
/// The annotation of a claim whose binding is complete on both sides.
const BOUND: &str = "pv.kubernetes.io/bind-completed";
/// The annotation by which the scheduler asks for a volume for a node.
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
/// The annotations that make a class the default, the present one first.
const DEFAULT_CLASS: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

/// The object of storage that an API server hands out, if it is one of storage.
///
/// # Errors
/// If it is not as such an object is.
pub fn storage_object(
    kind: &str,
    object: &Value,
    catalog: &mut Catalog,
) -> Result<Option<Object>, String> {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("apiVersion");
        fields.remove("kind");
    }
    let classes = PriorityClasses::default();
    let mut reader = Reader::new(catalog, &classes);
    let object = match kind {
        "PersistentVolume" => Object::Volume(reader.persistent_volume(&typed(object)?)),
        "PersistentVolumeClaim" => Object::Claim(reader.claim(&typed(object)?)),
        "StorageClass" => Object::StorageClass(reader.storage_class(&typed(object)?)),
        "CSINode" => Object::StorageNode(reader.storage_node(&typed(object)?)),
        "CSIDriver" => Object::StorageDriver(reader.storage_driver(&typed(object)?)),
        "CSIStorageCapacity" => Object::StorageCapacity(reader.storage_capacity(&typed(object)?)),
        _ => return Ok(None),
    };
    reader.first_problem()?;
    Ok(Some(object))
}

/// What a claim asks for that is made for a pod.
///
/// # Errors
/// If it is not as the template of a claim is.
pub fn claim_template(template: &Value, catalog: &mut Catalog) -> Result<ClaimTemplate, String> {
    let classes = PriorityClasses::default();
    let mut reader = Reader::new(catalog, &classes);
    let read = reader.ephemeral_claim(&typed(template.clone())?, "");
    reader.first_problem()?;
    Ok(read)
}

fn typed<T: DeserializeOwned>(object: Value) -> Result<T, String> {
    serde_json::from_value(object).map_err(|error| error.to_string())
}

impl Reader<'_> {
    fn first_problem(&self) -> Result<(), String> {
        match self.problems.first() {
            Some(problem) => Err(format!("`{}`: {}", problem.path, problem.text)),
            None => Ok(()),
        }
    }

    /// A volume.
    pub(in crate::scenario) fn persistent_volume(
        &mut self,
        read: &PersistentVolumeManifest,
    ) -> Volume {
        let (metadata, spec) = (&read.metadata, &read.spec);
        self.annotated(metadata, &[CLASS]);
        self.rest(&spec.rest, "spec");
        if let Some(status) = &read.status {
            self.rest(&status.rest, "status");
        }
        let phase = read.status.as_ref().and_then(|status| status.phase.as_deref());
        let claim = spec.claim_ref.as_ref().map(|claim| {
            self.rest(&claim.rest, "spec.claimRef");
            let namespace = claim.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
            ClaimRef { namespace: self.name(namespace), name: self.name(&claim.name) }
        });
        let driver = spec.csi.as_ref().map(|csi| {
            self.rest(&csi.rest, "spec.csi");
            (self.name(&csi.driver), self.name(&csi.volume_handle))
        });
        let nodes = spec.node_affinity.as_ref().and_then(|nodes| nodes.required.as_ref());
        Volume {
            name: self.name(&metadata.name),
            labels: self.labels(&metadata.labels, "metadata.labels"),
            capacity: self.storage(&spec.capacity, "spec.capacity"),
            access_modes: modes(&spec.access_modes),
            mode: spec.volume_mode.map_or(VolumeMode::Filesystem, VolumeMode::from),
            class: self.class(metadata, spec.storage_class_name.as_deref().unwrap_or("")),
            attributes_class: self.named(spec.volume_attributes_class_name.as_deref()),
            node_affinity: nodes.map(|nodes| self.node_terms(nodes, "spec.nodeAffinity.required")),
            claim,
            driver,
            available: phase == Some("Available"),
            released: phase == Some("Released"),
            reclaim: (spec.persistent_volume_reclaim_policy)
                .map_or(ReclaimPolicy::Retain, ReclaimPolicy::from),
            deleting: metadata.deletion_timestamp.is_some(),
        }
    }

    /// A claim.
    pub(in crate::scenario) fn claim(&mut self, read: &PersistentVolumeClaimManifest) -> Claim {
        let metadata = &read.metadata;
        self.annotated(metadata, &[CLASS, BOUND, SELECTED_NODE]);
        if let Some(status) = &read.status {
            self.rest(&status.rest, "status");
        }
        let phase = read.status.as_ref().and_then(|status| status.phase.as_deref());
        let annotation = |name: &str| metadata.annotations.get(name).map(String::as_str);
        let template = self.claim_template(&read.spec, "spec");
        let namespace = metadata.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        let key = ClaimRef { namespace: self.name(namespace), name: self.name(&metadata.name) };
        let pod = metadata.owner_references.iter().find(|owner| owner.kind == "Pod");
        let class = read.spec.storage_class_name.as_deref().unwrap_or("");
        Claim {
            class: self.class(metadata, class),
            bound: annotation(BOUND).is_some(),
            selected_node: self.named(annotation(SELECTED_NODE)),
            lost: phase == Some("Lost"),
            deleting: metadata.deletion_timestamp.is_some(),
            owner_pod: pod.map(|owner| self.name(&owner.name)),
            ..template.claim(key, None)
        }
    }

    /// What claims ask for that are made for pods.
    pub(super) fn ephemeral_claim(
        &mut self,
        read: &ClaimTemplateManifest,
        path: &str,
    ) -> ClaimTemplate {
        self.rest(&read.rest, path);
        self.claim_template(&read.spec, &join(path, "spec"))
    }

    /// What claims ask for.
    pub(super) fn claim_template(
        &mut self,
        spec: &PersistentVolumeClaimSpec,
        path: &str,
    ) -> ClaimTemplate {
        self.rest(&spec.rest, path);
        let at = |key: &str| join(path, key);
        let class = spec.storage_class_name.as_deref();
        ClaimTemplate {
            request: self.request(spec.resources.as_ref(), &at("resources")),
            access_modes: modes(&spec.access_modes),
            mode: spec.volume_mode.map_or(VolumeMode::Filesystem, VolumeMode::from),
            class: class.map(|class| self.name(class)),
            attributes_class: self.named(spec.volume_attributes_class_name.as_deref()),
            selector: self.maybe(spec.selector.as_ref(), &at("selector")),
            volume: self.named(spec.volume_name.as_deref()),
        }
    }

    fn request(&mut self, resources: Option<&StorageResources>, path: &str) -> Bytes {
        let Some(resources) = resources else { return Bytes::ZERO };
        if !resources.limits.is_empty() {
            self.without_effect.push(join(path, "limits"));
        }
        self.storage(&resources.requests, &join(path, "requests"))
    }

    /// A storage class.
    pub(in crate::scenario) fn storage_class(
        &mut self,
        read: &StorageClassManifest,
    ) -> StorageClass {
        self.rest(&read.rest, "");
        self.annotated(&read.metadata, &DEFAULT_CLASS);
        let mut topologies = Vec::new();
        for (at, term) in read.allowed_topologies.iter().enumerate() {
            let path = format!("allowedTopologies.{at}.matchLabelExpressions");
            let mut values = Vec::new();
            for (at, one) in term.match_label_expressions.iter().enumerate() {
                let path = join(&path, &at.to_string());
                self.problems.extend(check_qualified(&one.key, &join(&path, "key")));
                if one.values.is_empty() {
                    self.wrong(join(&path, "values"), "at least one value is needed", "");
                }
                values.push((self.name(&one.key), self.all(&one.values)));
            }
            topologies.push(values);
        }
        let annotation = |key| read.metadata.annotations.get(key).map(String::as_str);
        let binding = read.volume_binding_mode;
        StorageClass {
            name: self.name(&read.metadata.name),
            provisioner: self.name(&read.provisioner),
            binding: binding.map_or(BindingMode::Immediate, BindingMode::from),
            topologies,
            is_default: DEFAULT_CLASS.iter().any(|key| annotation(*key) == Some("true")),
            reclaim: read.reclaim_policy.map_or(ReclaimPolicy::Delete, ReclaimPolicy::from),
        }
    }

    /// The storage drivers of a node.
    pub(in crate::scenario) fn storage_node(&mut self, read: &CsiNodeManifest) -> StorageNode {
        self.annotated(&read.metadata, &[]);
        let (mut drivers, mut topology_keys) = (Vec::new(), Vec::new());
        for (at, driver) in read.spec.drivers.iter().enumerate() {
            self.rest(&driver.rest, &format!("spec.drivers.{at}"));
            let name = self.name(&driver.name);
            drivers.push((name, driver.allocatable.as_ref().and_then(|limit| limit.count)));
            if !driver.topology_keys.is_empty() {
                topology_keys.push((name, self.all(&driver.topology_keys)));
            }
        }
        StorageNode { name: self.name(&read.metadata.name), drivers, topology_keys }
    }

    /// A storage driver.
    pub(in crate::scenario) fn storage_driver(
        &mut self,
        read: &CsiDriverManifest,
    ) -> StorageDriver {
        self.annotated(&read.metadata, &[]);
        self.rest(&read.spec.rest, "spec");
        let tells_capacity = read.spec.storage_capacity == Some(true);
        let attaches = read.spec.attach_required != Some(false);
        StorageDriver { name: self.name(&read.metadata.name), tells_capacity, attaches }
    }

    /// What is left of a storage class somewhere.
    pub(in crate::scenario) fn storage_capacity(
        &mut self,
        read: &CsiStorageCapacityManifest,
    ) -> StorageCapacity {
        self.annotated(&read.metadata, &[]);
        let namespace = read.metadata.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        let mut amount = |text: &Option<String>, path: &str| {
            let amount = text.as_ref().and_then(|text| quantity(self, text, path));
            amount.map(|amount| Bytes(amount.ceil()))
        };
        let capacity = amount(&read.capacity, "capacity");
        let largest = amount(&read.maximum_volume_size, "maximumVolumeSize");
        StorageCapacity {
            namespace: self.name(namespace),
            name: self.name(&read.metadata.name),
            class: self.name(&read.storage_class_name),
            nodes: self.maybe(read.node_topology.as_ref(), "nodeTopology"),
            capacity,
            largest,
        }
    }

    /// Notes what of the metadata has no effect when only these annotations have one.
    fn annotated(&mut self, metadata: &ObjectMeta, known: &[&str]) {
        self.rest(&metadata.rest, "metadata");
        if metadata.annotations.keys().any(|key| !known.contains(&key.as_str())) {
            self.without_effect.push(join("metadata", "annotations"));
        }
    }

    fn class(&mut self, metadata: &ObjectMeta, class: &str) -> Name {
        let annotated = metadata.annotations.get(CLASS);
        self.name(annotated.map_or(class, String::as_str))
    }

    fn named(&mut self, text: Option<&str>) -> Option<Name> {
        text.filter(|text| !text.is_empty()).map(|text| self.name(text))
    }

    fn all(&mut self, texts: &[String]) -> Vec<Name> {
        texts.iter().map(|text| self.name(text)).collect()
    }

    fn maybe(&mut self, written: Option<&SelectorManifest>, path: &str) -> Option<LabelSelector> {
        written.map(|written| selector(self, written, path))
    }

    /// The amount of `storage`, zero if it is not there.
    fn storage(&mut self, written: &BTreeMap<String, String>, path: &str) -> Bytes {
        let other = written.keys().find(|key| key.as_str() != "storage");
        if let Some(other) = other {
            let text = format!("`{other}` is no part of the size of storage");
            self.wrong(join(path, other), text, "write `storage: 10Gi`");
        }
        let amount =
            written.get("storage").and_then(|text| quantity(self, text, &join(path, "storage")));
        amount.map_or(Bytes::ZERO, |amount| Bytes(amount.ceil()))
    }
}

fn modes(words: &[AccessModeWord]) -> Vec<AccessMode> {
    words.iter().map(|word| AccessMode::from(*word)).collect()
}
