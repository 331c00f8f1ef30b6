//! From the other API objects to the nouns of the model.

use super::objects::Reader;
use super::wire;
use crate::ground::{Bytes, Name};
use crate::model::{
    BindingMode, Budget, Catalog, Claim, ClaimRef, LabelSelector, Object, Owner, OwnerKind,
    StorageCapacity, StorageClass, StorageDriver, StorageNode, Volume, VolumeMode,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What the annotation of a volume's or claim's class was before it had a field.
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

fn typed<T: DeserializeOwned>(object: &Value) -> Result<T, String> {
    serde_json::from_value(object.clone()).map_err(|error| error.to_string())
}

impl Reader<'_> {
    /// The object of this kind; `None` if decisions do not read such objects.
    pub(super) fn object(&mut self, kind: &str, object: &Value) -> Result<Option<Object>, String> {
        Ok(Some(match kind {
            "Namespace" => {
                let read: wire::Namespace = typed(object)?;
                let (name, labels) = (&read.metadata.name, &read.metadata.labels);
                Object::Namespace { name: self.name(name), labels: self.labels(labels) }
            }
            "Service" => {
                let read: wire::Service = typed(object)?;
                Object::Service {
                    namespace: self.name(&read.metadata.namespace),
                    name: self.name(&read.metadata.name),
                    selector: read.spec.selector.as_ref().map(|selector| self.labels(selector)),
                }
            }
            "ReplicationController" | "ReplicaSet" | "StatefulSet" => {
                self.owner_of(kind, object)?
            }
            "PodDisruptionBudget" => Object::Budget(self.budget(&typed(object)?)),
            "PersistentVolume" => Object::Volume(self.persistent_volume(&typed(object)?)),
            "PersistentVolumeClaim" => Object::Claim(self.claim(&typed(object)?)),
            "StorageClass" => Object::StorageClass(self.storage_class(&typed(object)?)),
            "CSINode" => Object::StorageNode(self.storage_node(&typed(object)?)),
            "CSIDriver" => {
                let read: wire::StorageDriver = typed(object)?;
                let name = self.name(&read.metadata.name);
                let tells_capacity = read.spec.storage_capacity;
                Object::StorageDriver(StorageDriver { name, tells_capacity })
            }
            "CSIStorageCapacity" => {
                let read: wire::StorageCapacity = typed(object)?;
                Object::StorageCapacity(StorageCapacity {
                    namespace: self.name(&read.metadata.namespace),
                    name: self.name(&read.metadata.name),
                    class: self.name(&read.storage_class_name),
                    nodes: self.maybe(&read.node_topology),
                    capacity: read.capacity.map(|amount| amount.bytes()),
                    largest: read.maximum_volume_size.map(|amount| amount.bytes()),
                })
            }
            "PriorityClass" => return Ok(None), // pods carry the number
            other => return Err(format!("objects of kind `{other}` are not known here")),
        }))
    }

    fn owner_of(&mut self, kind: &str, object: &Value) -> Result<Object, String> {
        if kind == "ReplicationController" {
            let read: wire::ReplicationController = typed(object)?;
            let labels = self.labels(&read.spec.selector.unwrap_or_default());
            return Ok(Object::Owner {
                namespace: self.name(&read.metadata.namespace),
                owner: Owner {
                    kind: OwnerKind::ReplicationController,
                    name: self.name(&read.metadata.name),
                },
                selector: LabelSelector::of(&labels),
            });
        }
        let read: wire::Controller = typed(object)?;
        let kind = match kind {
            "ReplicaSet" => OwnerKind::ReplicaSet,
            _ => OwnerKind::StatefulSet,
        };
        Ok(Object::Owner {
            namespace: self.name(&read.metadata.namespace),
            owner: Owner { kind, name: self.name(&read.metadata.name) },
            selector: self.selector(&read.spec.selector),
        })
    }

    fn budget(&mut self, read: &wire::Budget) -> Budget {
        Budget {
            namespace: self.name(&read.metadata.namespace),
            name: self.name(&read.metadata.name),
            selector: self.maybe(&read.spec.selector),
            disruptions_allowed: read.status.disruptions_allowed,
            disrupted: read.status.disrupted_pods.keys().map(|name| self.name(name)).collect(),
        }
    }

    fn class(&mut self, metadata: &wire::Metadata, class: &str) -> Name {
        let annotated = metadata.annotations.get(CLASS_ANNOTATION);
        self.name(annotated.map_or(class, String::as_str))
    }

    fn persistent_volume(&mut self, read: &wire::Volume) -> Volume {
        let spec = &read.spec;
        Volume {
            name: self.name(&read.metadata.name),
            labels: self.labels(&read.metadata.labels),
            capacity: spec.capacity.get("storage").map_or(Bytes::ZERO, |amount| amount.bytes()),
            access_modes: spec.access_modes.clone(),
            mode: spec.volume_mode.unwrap_or(VolumeMode::Filesystem),
            class: self.class(&read.metadata, &spec.storage_class_name),
            attributes_class: self.named(&spec.volume_attributes_class_name),
            node_affinity: spec.node_affinity.required.as_ref().map(|s| self.node_terms(s)),
            claim: spec.claim_ref.as_ref().map(|claim| ClaimRef {
                namespace: self.name(&claim.namespace),
                name: self.name(&claim.name),
            }),
            driver: spec
                .csi
                .as_ref()
                .map(|csi| (self.name(&csi.driver), self.name(&csi.volume_handle))),
            available: read.status.phase == "Available",
            deleting: read.metadata.deletion_timestamp.is_some(),
        }
    }

    fn named(&mut self, text: &Option<String>) -> Option<Name> {
        text.as_deref().filter(|text| !text.is_empty()).map(|text| self.name(text))
    }

    fn claim(&mut self, read: &wire::Claim) -> Claim {
        let (metadata, spec) = (&read.metadata, &read.spec);
        let request = spec.resources.requests.get("storage");
        let pod = metadata.owner_references.iter().find(|owner| owner.kind == "Pod");
        let annotation = |name: &str| metadata.annotations.get(name);
        Claim {
            namespace: self.name(&metadata.namespace),
            name: self.name(&metadata.name),
            request: request.map_or(Bytes::ZERO, |amount| amount.bytes()),
            access_modes: spec.access_modes.clone(),
            mode: spec.volume_mode.unwrap_or(VolumeMode::Filesystem),
            class: self.class(metadata, spec.storage_class_name.as_deref().unwrap_or("")),
            attributes_class: self.named(&spec.volume_attributes_class_name),
            selector: self.maybe(&spec.selector),
            volume: self.named(&Some(spec.volume_name.clone())),
            bound: annotation("pv.kubernetes.io/bind-completed").is_some(),
            selected_node: self.named(&annotation("volume.kubernetes.io/selected-node").cloned()),
            lost: read.status.phase == "Lost",
            deleting: metadata.deletion_timestamp.is_some(),
            owner_pod: pod.map(|owner| self.name(&owner.name)),
        }
    }

    fn storage_class(&mut self, read: &wire::StorageClass) -> StorageClass {
        let topologies = read.allowed_topologies.iter().map(|term| {
            let values = term.match_label_expressions.iter();
            values.map(|one| (self.name(&one.key), self.all(&one.values))).collect()
        });
        let topologies = topologies.collect();
        StorageClass {
            name: self.name(&read.metadata.name),
            provisioner: self.name(&read.provisioner),
            binding: read.volume_binding_mode.unwrap_or(BindingMode::Immediate),
            topologies,
        }
    }

    fn storage_node(&mut self, read: &wire::StorageNode) -> StorageNode {
        let drivers = read.spec.drivers.iter().map(|driver| {
            let limit = driver.allocatable.as_ref().and_then(|limit| limit.count);
            (self.name(&driver.name), limit)
        });
        let drivers = drivers.collect();
        StorageNode { name: self.name(&read.metadata.name), drivers }
    }

    /// The claim of this full name.
    pub(super) fn claim_ref(&mut self, full: &str) -> ClaimRef {
        let (namespace, name) = full.split_once('/').unwrap_or(("", full));
        ClaimRef { namespace: self.name(namespace), name: self.name(name) }
    }
}

/// The full name of a claim.
pub(super) fn full_name(claim: ClaimRef, catalog: &Catalog) -> String {
    let text = |name| catalog.names.text(name);
    format!("{}/{}", text(claim.namespace), text(claim.name))
}
