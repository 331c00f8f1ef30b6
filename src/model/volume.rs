//! Storage: the volumes that pods name, and the objects that stand behind them (core/v1 and
//! storage/v1, Kubernetes 1.34).

use super::{Catalog, LabelSelector, Labels, NodeSelectorTerm};
use crate::ground::{Bytes, Name};
use serde::{Deserialize, Serialize};

/// A disk that is named in the pod itself and that pods exclude each other from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Disk {
    /// Persistent disk of Google Compute Engine.
    GcePersistentDisk {
        /// Name of the disk.
        name: Name,
        /// Mounted for reading only.
        read_only: bool,
    },
    /// Volume of Amazon's block store; never shared.
    AwsElasticBlockStore {
        /// Name of the volume.
        volume: Name,
    },
    /// iSCSI target.
    Iscsi {
        /// Qualified name of the target.
        iqn: Name,
        /// Mounted for reading only.
        read_only: bool,
    },
    /// Image of a Ceph block device.
    Rbd {
        /// Monitors.
        monitors: Vec<Name>,
        /// Pool.
        pool: Name,
        /// Image.
        image: Name,
        /// Mounted for reading only.
        read_only: bool,
    },
}

impl Disk {
    /// True if pods with these disks cannot be on one node
    /// (`plugins/volumerestrictions/volume_restrictions.go`).
    pub fn conflicts(&self, other: &Disk) -> bool {
        match (self, other) {
            (
                Disk::GcePersistentDisk { name, read_only },
                Disk::GcePersistentDisk { name: name2, read_only: read_only2 },
            ) => name == name2 && !(*read_only && *read_only2),
            (
                Disk::AwsElasticBlockStore { volume },
                Disk::AwsElasticBlockStore { volume: volume2 },
            ) => volume == volume2,
            (Disk::Iscsi { iqn, read_only }, Disk::Iscsi { iqn: iqn2, read_only: read_only2 }) => {
                iqn == iqn2 && !(*read_only && *read_only2)
            }
            (
                Disk::Rbd { monitors, pool, image, read_only },
                Disk::Rbd { monitors: others, pool: pool2, image: image2, read_only: read_only2 },
            ) => {
                monitors.iter().any(|monitor| others.contains(monitor))
                    && (pool, image) == (pool2, image2)
                    && !(*read_only && *read_only2)
            }
            _ => false,
        }
    }
}

/// A volume of a pod that ties it to places; volumes of other kinds are left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PodVolume {
    /// A claim of this name in the pod's namespace.
    Claim(Name),
    /// A claim made for the pod, named after the pod and this volume.
    Ephemeral(Name, Box<ClaimTemplate>),
    /// A claim of a replica of a StatefulSet, named after this volume and the pod; it stays when
    /// the pod goes.
    Replica(Name, Box<ClaimTemplate>),
    /// A disk.
    Disk(Disk),
}

impl PodVolume {
    /// Replaces every name.
    pub(super) fn rename(&mut self, rename: &mut impl FnMut(Name) -> Name) {
        match self {
            PodVolume::Claim(name) => *name = rename(*name),
            PodVolume::Ephemeral(name, template) | PodVolume::Replica(name, template) => {
                *name = rename(*name);
                template.rename(rename);
            }
            PodVolume::Disk(Disk::GcePersistentDisk { name, .. }) => *name = rename(*name),
            PodVolume::Disk(Disk::AwsElasticBlockStore { volume }) => *volume = rename(*volume),
            PodVolume::Disk(Disk::Iscsi { iqn, .. }) => *iqn = rename(*iqn),
            PodVolume::Disk(Disk::Rbd { monitors, pool, image, .. }) => {
                monitors.iter_mut().chain([pool, image]).for_each(|name| *name = rename(*name));
            }
        }
    }
}

/// How a volume may be mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AccessMode {
    /// For writing on one node.
    ReadWriteOnce,
    /// For reading on many nodes.
    ReadOnlyMany,
    /// For writing on many nodes.
    ReadWriteMany,
    /// For writing by one pod.
    ReadWriteOncePod,
}

/// What a volume shows to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum VolumeMode {
    /// A file system.
    Filesystem,
    /// The device itself.
    Block,
}

/// The claim that a volume is reserved for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClaimRef {
    /// Namespace.
    pub namespace: Name,
    /// Name.
    pub name: Name,
}

/// What becomes of a volume that nobody claims any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum ReclaimPolicy {
    /// It stays, and nobody gets it.
    #[default]
    Retain,
    /// It is deleted.
    Delete,
}

/// What a pod waits for because of its volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum VolumeWait {
    /// A claim is to be bound, for which a volume may have to be made.
    Claim = 0,
    /// A volume is to be attached to its node.
    Attach = 1,
    /// Another node has a volume.
    OtherNode = 2,
    /// The volumes are mounted.
    Mount = 3,
}

/// What became of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum VolumeEnd {
    /// Nobody claims it any more.
    Released = 0,
    /// It was deleted.
    Deleted = 1,
}

/// A PersistentVolume.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Volume {
    /// Name.
    pub name: Name,
    /// Labels.
    pub labels: Labels,
    /// Size.
    pub capacity: Bytes,
    /// How it may be mounted.
    pub access_modes: Vec<AccessMode>,
    /// What it shows.
    pub mode: VolumeMode,
    /// Storage class, the name of the empty text for none.
    pub class: Name,
    /// Class of attributes, if any.
    pub attributes_class: Option<Name>,
    /// Terms of which a node must match one; `None` for every node.
    pub node_affinity: Option<Vec<NodeSelectorTerm>>,
    /// The claim that it is reserved for.
    pub claim: Option<ClaimRef>,
    /// Driver and handle, if a driver of the container storage interface serves it.
    pub driver: Option<(Name, Name)>,
    /// Free to be bound.
    pub available: bool,
    /// The claim that it is reserved for is gone, and no other gets it.
    pub released: bool,
    /// What becomes of it then.
    pub reclaim: ReclaimPolicy,
    /// On its way out.
    pub deleting: bool,
}

impl Volume {
    /// True if it can be attached to one node at a time only (`isMultiAttachForbidden` of
    /// `pkg/controller/volume/attachdetach`, Kubernetes 1.34).
    pub fn is_single(&self) -> bool {
        let shared = [AccessMode::ReadOnlyMany, AccessMode::ReadWriteMany];
        let modes = &self.access_modes;
        !modes.is_empty() && !modes.iter().any(|mode| shared.contains(mode))
    }

    /// True if a claim has it or may get it.
    pub fn can_be_of(&self, claim: ClaimRef) -> bool {
        !self.released && self.claim.is_none_or(|other| other == claim)
    }

    /// A volume that is free, of which nothing else is said.
    pub fn new(name: Name, class: Name, capacity: Bytes) -> Volume {
        Volume {
            name,
            labels: Labels::new(),
            capacity,
            access_modes: Vec::new(),
            mode: VolumeMode::Filesystem,
            class,
            attributes_class: None,
            node_affinity: None,
            claim: None,
            driver: None,
            available: true,
            released: false,
            reclaim: ReclaimPolicy::Retain,
            deleting: false,
        }
    }
}

/// A PersistentVolumeClaim.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// Namespace.
    pub namespace: Name,
    /// Name.
    pub name: Name,
    /// Size asked for; zero if none is named.
    pub request: Bytes,
    /// How it is to be mounted.
    pub access_modes: Vec<AccessMode>,
    /// What it is to show.
    pub mode: VolumeMode,
    /// Storage class, the name of the empty text for none.
    pub class: Name,
    /// Class of attributes, if any.
    pub attributes_class: Option<Name>,
    /// Which volumes by their labels; `None` for all.
    pub selector: Option<LabelSelector>,
    /// Volume that it names.
    pub volume: Option<Name>,
    /// The binding is complete on both sides.
    pub bound: bool,
    /// Node for which it is to be provisioned.
    pub selected_node: Option<Name>,
    /// Its volume is gone.
    pub lost: bool,
    /// On its way out.
    pub deleting: bool,
    /// The pod it was made for, if it belongs to an ephemeral volume.
    pub owner_pod: Option<Name>,
}

impl Claim {
    /// What tells it from other claims.
    pub fn key(&self) -> ClaimRef {
        ClaimRef { namespace: self.namespace, name: self.name }
    }
}

/// What a claim that is made for a pod asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClaimTemplate {
    /// Size asked for; zero if none is named.
    pub request: Bytes,
    /// How it is to be mounted.
    pub access_modes: Vec<AccessMode>,
    /// What it is to show.
    pub mode: VolumeMode,
    /// Storage class; `None` for the default class, if there is one.
    pub class: Option<Name>,
    /// Class of attributes, if any.
    pub attributes_class: Option<Name>,
    /// Which volumes by their labels; `None` for all.
    pub selector: Option<LabelSelector>,
    /// Volume that it names.
    pub volume: Option<Name>,
}

impl ClaimTemplate {
    /// A claim of which nothing else is said.
    pub fn new(request: Bytes, class: Option<Name>) -> ClaimTemplate {
        ClaimTemplate {
            request,
            access_modes: Vec::new(),
            mode: VolumeMode::Filesystem,
            class,
            attributes_class: None,
            selector: None,
            volume: None,
        }
    }

    /// A claim of this name that was just made, with a class for those that name none.
    pub fn claim(&self, key: ClaimRef, default_class: Option<Name>) -> Claim {
        Claim {
            namespace: key.namespace,
            name: key.name,
            request: self.request,
            access_modes: self.access_modes.clone(),
            mode: self.mode,
            class: self.class.or(default_class).unwrap_or(Catalog::NO_TEXT),
            attributes_class: self.attributes_class,
            selector: self.selector.clone(),
            volume: self.volume,
            bound: false,
            selected_node: None,
            lost: false,
            deleting: false,
            owner_pod: None,
        }
    }

    fn rename(&mut self, rename: &mut impl FnMut(Name) -> Name) {
        let names = [&mut self.class, &mut self.attributes_class, &mut self.volume];
        names.into_iter().flatten().for_each(|name| *name = rename(*name));
        self.selector.iter_mut().for_each(|selector| selector.rename(rename));
    }
}

/// When a claim is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BindingMode {
    /// At once.
    Immediate,
    /// When a pod that uses it is scheduled.
    WaitForFirstConsumer,
}

/// A StorageClass.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StorageClass {
    /// Name.
    pub name: Name,
    /// Who makes volumes; `kubernetes.io/no-provisioner` makes none.
    pub provisioner: Name,
    /// When claims are bound.
    pub binding: BindingMode,
    /// Where volumes can be made: of each term every key has one of its values; everywhere if
    /// there are no terms.
    pub topologies: Vec<Vec<(Name, Vec<Name>)>>,
    /// It is the class of claims that name none.
    pub is_default: bool,
    /// What becomes of its volumes.
    pub reclaim: ReclaimPolicy,
}

impl StorageClass {
    /// True if somebody makes volumes of this class
    /// (component-helpers `storage/volume/helpers.go`: the provisioner that is none).
    pub fn makes_volumes(&self, catalog: &Catalog) -> bool {
        let provisioner = catalog.names.text(self.provisioner);
        !matches!(provisioner, "" | "kubernetes.io/no-provisioner")
    }
}

/// A CSINode: the storage drivers of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StorageNode {
    /// Name of the node.
    pub name: Name,
    /// Drivers, each with the most volumes it can attach, if it says so.
    pub drivers: Vec<(Name, Option<u32>)>,
    /// Of drivers whose volumes are not everywhere: the labels that tell where the node is.
    pub topology_keys: Vec<(Name, Vec<Name>)>,
}

/// A CSIDriver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StorageDriver {
    /// Name.
    pub name: Name,
    /// It tells what capacity it has left where.
    pub tells_capacity: bool,
    /// Its volumes are attached to nodes.
    pub attaches: bool,
}

/// A CSIStorageCapacity: what is left of a class in a part of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StorageCapacity {
    /// Namespace.
    pub namespace: Name,
    /// Name.
    pub name: Name,
    /// Storage class.
    pub class: Name,
    /// Which nodes; `None` for none.
    pub nodes: Option<LabelSelector>,
    /// Capacity left, if known.
    pub capacity: Option<Bytes>,
    /// Largest volume that can be made, if known.
    pub largest: Option<Bytes>,
}

impl StorageCapacity {
    /// True if a volume of this size can be made for a node whose labels `node` looks up.
    pub fn serves(
        &self,
        size: Bytes,
        node: impl Fn(Name) -> Option<Name>,
        catalog: &Catalog,
    ) -> bool {
        let limit = self.largest.or(self.capacity);
        limit.is_some_and(|limit| limit >= size)
            && self.nodes.as_ref().is_some_and(|nodes| {
                nodes.0.iter().all(|condition| condition.matches(node(condition.key), catalog))
            })
    }
}
