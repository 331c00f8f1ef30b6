//! Storage as users write it: volumes, claims, classes, and what drivers say (core/v1 and
//! storage/v1, Kubernetes 1.34).

use super::affinity::NodeSelector;
use super::object::{ObjectMeta, SelectorManifest};
use super::rest::with_rest;
use crate::model::{AccessMode, BindingMode, ReclaimPolicy, VolumeMode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A volume that is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersistentVolumeManifest {
    /// Name and labels.
    pub metadata: ObjectMeta,
    /// What it is.
    pub spec: PersistentVolumeSpec,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<PersistentVolumeStatus>,
}

with_rest! {
    /// What a volume is.
    pub struct PersistentVolumeSpec reads PersistentVolumeSpecRead,
        knows PersistentVolumeSpecKeys
    {
        /// Its size, as `storage`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub capacity: BTreeMap<String, String>,
        /// How it may be mounted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub access_modes: Vec<AccessModeWord>,
        /// What it shows to a container; `Filesystem` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub volume_mode: Option<VolumeModeWord>,
        /// Storage class; none if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub storage_class_name: Option<String>,
        /// Class of attributes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub volume_attributes_class_name: Option<String>,
        /// Nodes that reach it; all if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub node_affinity: Option<VolumeNodeAffinity>,
        /// The claim that it is kept for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub claim_ref: Option<ClaimReference>,
        /// The driver that attaches it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub csi: Option<CsiSource>,
        /// What becomes of it without a claim; `Retain` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub persistent_volume_reclaim_policy: Option<ReclaimPolicyWord>,
    }
    refused: [
        ("awsElasticBlockStore", "write it as `csi:` with the driver `ebs.csi.aws.com`"),
        ("azureDisk", "write it as `csi:` with the driver `disk.csi.azure.com`"),
        ("azureFile", "write it as `csi:` with the driver `file.csi.azure.com`"),
        ("cinder", "write it as `csi:` with the driver `cinder.csi.openstack.org`"),
        ("gcePersistentDisk", "write it as `csi:` with the driver `pd.csi.storage.gke.io`"),
        ("portworxVolume", "write it as `csi:` with the driver `pxd.portworx.com`"),
        ("vsphereVolume", "write it as `csi:` with the driver `csi.vsphere.vmware.com`"),
    ]
    without_effect: [
        "cephfs", "fc", "flexVolume", "flocker", "glusterfs", "hostPath", "iscsi", "local",
        "mountOptions", "nfs", "photonPersistentDisk", "quobyte",
        "rbd", "scaleIO", "storageos",
    ]
}

/// Nodes that reach a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeNodeAffinity {
    /// What such a node has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<NodeSelector>,
}

with_rest! {
    /// A claim that a volume is kept for.
    pub struct ClaimReference reads ClaimReferenceRead, knows ClaimReferenceKeys {
        /// Name.
        pub name: String,
        /// Namespace; `default` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub namespace: Option<String>,
    }
    refused: []
    without_effect: ["apiVersion", "fieldPath", "kind", "resourceVersion", "uid"]
}

with_rest! {
    /// A volume as its driver knows it.
    pub struct CsiSource reads CsiSourceRead, knows CsiSourceKeys {
        /// Name of the driver.
        pub driver: String,
        /// What the driver calls it.
        pub volume_handle: String,
    }
    refused: []
    without_effect: [
        "controllerExpandSecretRef", "controllerPublishSecretRef", "fsType",
        "nodeExpandSecretRef", "nodePublishSecretRef", "nodeStageSecretRef", "readOnly",
        "volumeAttributes",
    ]
}

with_rest! {
    /// What became of a volume.
    #[derive(Default)]
    pub struct PersistentVolumeStatus reads PersistentVolumeStatusRead,
        knows PersistentVolumeStatusKeys
    {
        /// `Available` if it is free to be bound.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub phase: Option<String>,
    }
    refused: []
    without_effect: ["lastPhaseTransitionTime", "message", "reason"]
}

/// A claim of a volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersistentVolumeClaimManifest {
    /// Name, namespace, and in annotations how far its binding is.
    pub metadata: ObjectMeta,
    /// What it asks for.
    pub spec: PersistentVolumeClaimSpec,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<PersistentVolumeClaimStatus>,
}

with_rest! {
    /// What a claim asks for.
    pub struct PersistentVolumeClaimSpec reads PersistentVolumeClaimSpecRead,
        knows PersistentVolumeClaimSpecKeys
    {
        /// How the volume is to be mounted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub access_modes: Vec<AccessModeWord>,
        /// Its size, as `requests: {storage: ...}`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub resources: Option<StorageResources>,
        /// What it is to show to a container; `Filesystem` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub volume_mode: Option<VolumeModeWord>,
        /// Storage class: the default one if left out, none if it is empty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub storage_class_name: Option<String>,
        /// Class of attributes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub volume_attributes_class_name: Option<String>,
        /// Which volumes by their labels; all if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub selector: Option<SelectorManifest>,
        /// The one volume that it wants or has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub volume_name: Option<String>,
    }
    refused: []
    without_effect: ["dataSource", "dataSourceRef"]
}

/// How large a claim is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageResources {
    /// The least that it takes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, String>,
    /// The most; without effect.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
}

with_rest! {
    /// What became of a claim.
    #[derive(Default)]
    pub struct PersistentVolumeClaimStatus reads PersistentVolumeClaimStatusRead,
        knows PersistentVolumeClaimStatusKeys
    {
        /// `Lost` if its volume is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub phase: Option<String>,
    }
    refused: []
    without_effect: [
        "accessModes", "allocatedResourceStatuses", "allocatedResources", "capacity",
        "conditions", "currentVolumeAttributesClassName", "modifyVolumeStatus",
    ]
}

with_rest! {
    /// A claim as a pod makes it for itself.
    pub struct ClaimTemplateManifest reads ClaimTemplateRead, knows ClaimTemplateKeys {
        /// What it asks for.
        pub spec: PersistentVolumeClaimSpec,
    }
    refused: []
    without_effect: ["metadata"]
}

with_rest! {
    /// A kind of storage.
    pub struct StorageClassManifest reads StorageClassRead, knows StorageClassKeys {
        /// Name, and in an annotation whether it is the default.
        pub metadata: ObjectMeta,
        /// Who makes its volumes; `kubernetes.io/no-provisioner` if nobody does.
        pub provisioner: String,
        /// When claims are bound; `Immediate` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub volume_binding_mode: Option<BindingModeWord>,
        /// Where volumes can be made; everywhere if left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub allowed_topologies: Vec<TopologyTermManifest>,
        /// What becomes of its volumes without a claim; `Delete` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub reclaim_policy: Option<ReclaimPolicyWord>,
    }
    refused: []
    without_effect: ["allowVolumeExpansion", "mountOptions", "parameters"]
}

/// A place in which volumes can be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TopologyTermManifest {
    /// What its nodes have in common.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_label_expressions: Vec<TopologyValuesManifest>,
}

/// Values of a label of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopologyValuesManifest {
    /// The label.
    pub key: String,
    /// Its values.
    pub values: Vec<String>,
}

/// The storage drivers of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsiNodeManifest {
    /// The name of the node.
    pub metadata: ObjectMeta,
    /// Its drivers.
    pub spec: CsiNodeSpec,
}

/// Which storage drivers a node has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsiNodeSpec {
    /// The drivers.
    #[serde(default)]
    pub drivers: Vec<CsiNodeDriver>,
}

with_rest! {
    /// A storage driver on a node.
    pub struct CsiNodeDriver reads CsiNodeDriverRead, knows CsiNodeDriverKeys {
        /// Name.
        pub name: String,
        /// Labels of the node that tell which volumes it reaches; all volumes if left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub topology_keys: Vec<String>,
        /// What it can attach; any number if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub allocatable: Option<CsiNodeAllocatable>,
    }
    refused: []
    without_effect: ["nodeID"]
}

/// What a driver can attach to a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsiNodeAllocatable {
    /// The most volumes; any number if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// A storage driver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsiDriverManifest {
    /// Its name.
    pub metadata: ObjectMeta,
    /// What it can do.
    #[serde(default)]
    pub spec: CsiDriverSpec,
}

with_rest! {
    /// What a storage driver can do.
    #[derive(Default)]
    pub struct CsiDriverSpec reads CsiDriverSpecRead, knows CsiDriverSpecKeys {
        /// It says what is left where, in objects of the kind CSIStorageCapacity.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub storage_capacity: Option<bool>,
        /// Its volumes are attached to nodes; so if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub attach_required: Option<bool>,
    }
    refused: []
    without_effect: [
        "fsGroupPolicy", "nodeAllocatableUpdatePeriodSeconds", "podInfoOnMount",
        "requiresRepublish", "seLinuxMount", "tokenRequests", "volumeLifecycleModes",
    ]
}

/// What is left of a storage class in a part of the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CsiStorageCapacityManifest {
    /// Name and namespace.
    pub metadata: ObjectMeta,
    /// Storage class.
    pub storage_class_name: String,
    /// Which nodes; none if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_topology: Option<SelectorManifest>,
    /// What is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<String>,
    /// The largest volume that can be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_volume_size: Option<String>,
}

/// How a volume may be mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AccessModeWord {
    /// For writing on one node.
    ReadWriteOnce,
    /// For reading on many nodes.
    ReadOnlyMany,
    /// For writing on many nodes.
    ReadWriteMany,
    /// For writing by one pod.
    ReadWriteOncePod,
}

impl From<AccessModeWord> for AccessMode {
    fn from(word: AccessModeWord) -> AccessMode {
        match word {
            AccessModeWord::ReadWriteOnce => AccessMode::ReadWriteOnce,
            AccessModeWord::ReadOnlyMany => AccessMode::ReadOnlyMany,
            AccessModeWord::ReadWriteMany => AccessMode::ReadWriteMany,
            AccessModeWord::ReadWriteOncePod => AccessMode::ReadWriteOncePod,
        }
    }
}

/// What a volume shows to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum VolumeModeWord {
    /// A file system.
    Filesystem,
    /// The device itself.
    Block,
}

impl From<VolumeModeWord> for VolumeMode {
    fn from(word: VolumeModeWord) -> VolumeMode {
        match word {
            VolumeModeWord::Filesystem => VolumeMode::Filesystem,
            VolumeModeWord::Block => VolumeMode::Block,
        }
    }
}

/// What becomes of a volume that nobody claims any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReclaimPolicyWord {
    /// It stays, and nobody gets it.
    Retain,
    /// It is deleted.
    Delete,
}

impl From<ReclaimPolicyWord> for ReclaimPolicy {
    fn from(word: ReclaimPolicyWord) -> ReclaimPolicy {
        match word {
            ReclaimPolicyWord::Retain => ReclaimPolicy::Retain,
            ReclaimPolicyWord::Delete => ReclaimPolicy::Delete,
        }
    }
}

/// When claims are bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BindingModeWord {
    /// At once.
    Immediate,
    /// When a pod that uses it is scheduled.
    WaitForFirstConsumer,
}

impl From<BindingModeWord> for BindingMode {
    fn from(word: BindingModeWord) -> BindingMode {
        match word {
            BindingModeWord::Immediate => BindingMode::Immediate,
            BindingModeWord::WaitForFirstConsumer => BindingMode::WaitForFirstConsumer,
        }
    }
}
