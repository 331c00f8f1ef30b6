//! The volumes of a pod (core/v1, Kubernetes 1.34): of interest are those that tie it to places.
//! Disks that a pod names itself exclude others on their node; the limits of drivers do not count
//! them.

use super::convert::Reader;
use super::pod::PodManifest;
use super::rest::with_rest;
use super::storage::ClaimTemplateManifest;
use crate::model::{Disk, PodSpec, PodVolume};
use crate::scenario::names::check_name;
use crate::scenario::tree::join;
use serde::{Deserialize, Serialize};

with_rest! {
    /// A volume: its name and one source, of which only those that bind a pod to places matter.
    pub struct VolumeManifest reads VolumeRead, knows VolumeKeys {
        /// Name.
        pub name: String,
        /// A claim in the namespace of the pod.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub persistent_volume_claim: Option<ClaimSource>,
        /// A claim that is made for the pod and goes with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ephemeral: Option<EphemeralSource>,
        /// A disk of Google Compute Engine.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub gce_persistent_disk: Option<GceDiskSource>,
        /// A volume of Amazon's block store.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub aws_elastic_block_store: Option<AwsVolumeSource>,
        /// An iSCSI target.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub iscsi: Option<IscsiSource>,
        /// An image of a Ceph block device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rbd: Option<RbdSource>,
    }
    refused: [
        ("azureDisk", "use a claim of a volume with `csi:`"),
        ("cinder", "use a claim of a volume with `csi:`"),
    ]
    without_effect: [
        "azureFile", "cephfs", "configMap", "csi", "downwardAPI", "emptyDir", "fc", "flexVolume",
        "flocker", "gitRepo", "glusterfs", "hostPath", "image", "nfs", "photonPersistentDisk",
        "portworxVolume", "projected", "quobyte", "scaleIO", "secret", "storageos",
        "vsphereVolume",
    ]
}

with_rest! {
    /// A claim of a volume.
    pub struct ClaimSource reads ClaimSourceRead, knows ClaimSourceKeys {
        /// Name of the claim.
        pub claim_name: String,
    }
    refused: []
    without_effect: ["readOnly"]
}

/// A claim that is made for a pod.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EphemeralSource {
    /// The claim.
    pub volume_claim_template: ClaimTemplateManifest,
}

with_rest! {
    /// A disk of Google Compute Engine.
    pub struct GceDiskSource reads GceDiskRead, knows GceDiskKeys {
        /// Name of the disk.
        pub pd_name: String,
        /// Mounted for reading only: several pods may do that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub read_only: Option<bool>,
    }
    refused: []
    without_effect: ["fsType", "partition"]
}

with_rest! {
    /// A volume of Amazon's block store.
    pub struct AwsVolumeSource reads AwsVolumeRead, knows AwsVolumeKeys {
        /// What Amazon calls it.
        #[serde(rename = "volumeID")]
        pub volume_id: String,
    }
    refused: []
    without_effect: ["fsType", "partition", "readOnly"]
}

with_rest! {
    /// An iSCSI target.
    pub struct IscsiSource reads IscsiRead, knows IscsiKeys {
        /// Its qualified name.
        pub iqn: String,
        /// Mounted for reading only: several pods may do that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub read_only: Option<bool>,
    }
    refused: []
    without_effect: [
        "chapAuthDiscovery", "chapAuthSession", "fsType", "initiatorName", "iscsiInterface", "lun",
        "portals", "secretRef", "targetPortal",
    ]
}

with_rest! {
    /// An image of a Ceph block device.
    pub struct RbdSource reads RbdRead, knows RbdKeys {
        /// Monitors of the cluster.
        pub monitors: Vec<String>,
        /// Image.
        pub image: String,
        /// Pool; `rbd` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pool: Option<String>,
        /// Mounted for reading only: several pods may do that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub read_only: Option<bool>,
    }
    refused: []
    without_effect: ["fsType", "keyring", "secretRef", "user"]
}

impl Reader<'_> {
    /// Takes the volumes of a pod.
    pub(super) fn volumes(&mut self, pod: &PodManifest, path: &str, spec: &mut PodSpec) {
        let token = pod.automount_service_account_token != Some(false);
        spec.has_volumes = token || !pod.volumes.is_empty();
        for (at, volume) in pod.volumes.iter().enumerate() {
            let path = join(&join(path, "volumes"), &at.to_string());
            self.rest(&volume.rest, &path);
            if pod.volumes[..at].iter().any(|other| other.name == volume.name) {
                let text = format!("two volumes have the name `{}`", volume.name);
                self.wrong(join(&path, "name"), text, "give each its own name");
            }
            let read = self.volume(volume, &path);
            if read.len() > 1 {
                let text = format!("the volume `{}` has more than one source", volume.name);
                self.wrong(path, text, "keep one of them");
            }
            spec.volumes.extend(read);
        }
    }

    fn volume(&mut self, volume: &VolumeManifest, path: &str) -> Vec<PodVolume> {
        let mut read = Vec::new();
        if let Some(claim) = &volume.persistent_volume_claim {
            let path = join(path, "persistentVolumeClaim");
            self.rest(&claim.rest, &path);
            self.problems.extend(check_name(&claim.claim_name, &join(&path, "claimName")));
            read.push(PodVolume::Claim(self.name(&claim.claim_name)));
        }
        if let Some(ephemeral) = &volume.ephemeral {
            let path = join(&join(path, "ephemeral"), "volumeClaimTemplate");
            self.problems.extend(check_name(&volume.name, &join(&path, "name")));
            let template = self.ephemeral_claim(&ephemeral.volume_claim_template, &path);
            read.push(PodVolume::Ephemeral(self.name(&volume.name), Box::new(template)));
        }
        if let Some(disk) = &volume.gce_persistent_disk {
            self.rest(&disk.rest, &join(path, "gcePersistentDisk"));
            let (name, read_only) = (self.name(&disk.pd_name), disk.read_only == Some(true));
            read.push(PodVolume::Disk(Disk::GcePersistentDisk { name, read_only }));
        }
        if let Some(disk) = &volume.aws_elastic_block_store {
            self.rest(&disk.rest, &join(path, "awsElasticBlockStore"));
            let volume = self.name(&disk.volume_id);
            read.push(PodVolume::Disk(Disk::AwsElasticBlockStore { volume }));
        }
        if let Some(disk) = &volume.iscsi {
            self.rest(&disk.rest, &join(path, "iscsi"));
            let (iqn, read_only) = (self.name(&disk.iqn), disk.read_only == Some(true));
            read.push(PodVolume::Disk(Disk::Iscsi { iqn, read_only }));
        }
        if let Some(disk) = &volume.rbd {
            self.rest(&disk.rest, &join(path, "rbd"));
            read.push(PodVolume::Disk(Disk::Rbd {
                monitors: disk.monitors.iter().map(|monitor| self.name(monitor)).collect(),
                pool: self.name(disk.pool.as_deref().unwrap_or("rbd")),
                image: self.name(&disk.image),
                read_only: disk.read_only == Some(true),
            }));
        }
        read
    }
}
