//! Which volume a claim gets that no scheduler has to be asked about, and what a driver makes when
//! the scheduler has chosen a node.
//!
//! Source: `pkg/controller/volume/persistentvolume/{pv_controller,index}.go`, component-helpers
//! `storage/volume/pv_helpers.go`, Kubernetes 1.34; names of drivers: csi-translation-lib; what a
//! driver makes: kubernetes-csi external-provisioner 5.

use crate::ground::Name;
use crate::model::{
    BindingMode, Catalog, Claim, NodeSelectorTerm, Operator, ReclaimPolicy, Requirement,
    StorageClass, Volume,
};

/// What becomes of a claim as soon as the controller looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimStep {
    /// Nothing: it is bound, or nothing can be done yet.
    Keep,
    /// It is bound to this volume.
    Bind(Name),
    /// A volume is made for it.
    Provision,
    /// It has lost its volume.
    Lose,
}

/// What the controller does about a claim of this class, with these volumes. Between volumes that
/// are equally good upstream's choice is arbitrary; here it is the first.
pub fn claim_step<'v>(
    claim: &Claim,
    class: Option<&StorageClass>,
    volumes: impl Iterator<Item = &'v Volume> + Clone,
    catalog: &Catalog,
) -> ClaimStep {
    let named = |name| volumes.clone().find(|volume| volume.name == name);
    let is_for = |volume: &Volume| volume.claim == Some(claim.key()) && !volume.released;
    match (claim.bound, claim.volume) {
        (true, None) => ClaimStep::Lose,
        (true, Some(name)) => match named(name) {
            Some(volume) if is_for(volume) => ClaimStep::Keep,
            Some(volume) if volume.claim.is_none() => ClaimStep::Bind(name),
            Some(_) | None => ClaimStep::Lose,
        },
        (false, Some(name)) => match named(name) {
            Some(volume) if is_for(volume) => ClaimStep::Bind(name),
            Some(volume) if volume.claim.is_none() && satisfies(volume, claim) => {
                ClaimStep::Bind(name)
            }
            Some(_) | None => ClaimStep::Keep,
        },
        (false, None) => {
            let binding = class.map_or(BindingMode::Immediate, |class| class.binding);
            let waits = binding == BindingMode::WaitForFirstConsumer;
            match best(claim, volumes, waits, catalog) {
                Some(name) => ClaimStep::Bind(name),
                None if !waits && class.is_some_and(|class| class.makes_volumes(catalog)) => {
                    ClaimStep::Provision
                }
                None => ClaimStep::Keep,
            }
        }
    }
}

/// True if a volume that a claim names can be given to it.
fn satisfies(volume: &Volume, claim: &Claim) -> bool {
    fits(volume, claim) && volume.class == claim.class && has_modes(volume, claim)
}

fn fits(volume: &Volume, claim: &Claim) -> bool {
    volume.capacity >= claim.request
        && volume.mode == claim.mode
        && volume.attributes_class == claim.attributes_class
}

fn has_modes(volume: &Volume, claim: &Claim) -> bool {
    claim.access_modes.iter().all(|mode| volume.access_modes.contains(mode))
}

/// The volume that is kept for the claim, else the smallest: of volumes with few access modes
/// before those with many. A claim that waits for a pod gets only what is kept for it.
fn best<'v>(
    claim: &Claim,
    volumes: impl Iterator<Item = &'v Volume>,
    waits: bool,
    catalog: &Catalog,
) -> Option<Name> {
    let usable = |volume: &&Volume| {
        let kept = volume.claim == Some(claim.key()) && !volume.released;
        let free = !waits
            && volume.claim.is_none()
            && volume.available
            && volume.class == claim.class
            && claim.selector.as_ref().is_none_or(|s| s.matches(&volume.labels, catalog));
        fits(volume, claim) && has_modes(volume, claim) && !volume.deleting && (kept || free)
    };
    let rank =
        |volume: &&Volume| (volume.access_modes.len(), volume.claim.is_none(), volume.capacity);
    volumes.filter(usable).min_by_key(rank).map(|volume| volume.name)
}

/// The driver that does the work of a provisioner: those that were part of Kubernetes once have
/// been replaced.
pub fn driver_of(provisioner: &str) -> &str {
    match provisioner {
        "kubernetes.io/aws-ebs" => "ebs.csi.aws.com",
        "kubernetes.io/azure-disk" => "disk.csi.azure.com",
        "kubernetes.io/azure-file" => "file.csi.azure.com",
        "kubernetes.io/cinder" => "cinder.csi.openstack.org",
        "kubernetes.io/gce-pd" => "pd.csi.storage.gke.io",
        "kubernetes.io/portworx-volume" => "pxd.portworx.com",
        "kubernetes.io/vsphere-volume" => "csi.vsphere.vmware.com",
        other => other,
    }
}

/// The volume of this name that a driver makes for a claim, bound to it. Nodes reach it that have
/// the same labels as the one it was made for; without labels, all do.
pub fn provisioned(
    name: Name,
    claim: &Claim,
    (driver, reclaim): (Name, ReclaimPolicy),
    place: &[(Name, Name)],
) -> Volume {
    let condition = |(key, value): &(Name, Name)| Requirement {
        key: *key,
        operator: Operator::In,
        values: vec![*value],
    };
    let term = NodeSelectorTerm {
        match_labels: place.iter().map(condition).collect(),
        match_fields: Vec::new(),
    };
    Volume {
        access_modes: claim.access_modes.clone(),
        mode: claim.mode,
        attributes_class: claim.attributes_class,
        node_affinity: (!place.is_empty()).then(|| vec![term]),
        claim: Some(claim.key()),
        driver: Some((driver, name)),
        reclaim,
        available: false,
        ..Volume::new(name, claim.class, claim.request)
    }
}

/// Which of so many places a driver prefers for a volume that is for no node yet: claims of one
/// name up to an ordinal take the places in turn (`getPVCNameHashAndIndexOffset`: FNV-1 of the
/// name before the ordinal, plus the ordinal). `None` if there are no places.
pub fn place_at_once(claim: &str, places: usize) -> Option<usize> {
    const OFFSET: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    let ordinal = claim.rsplit_once('-').and_then(|(stem, digits)| {
        let number = digits.parse::<u32>().ok();
        number.map(|number| (stem, number))
    });
    let (stem, ordinal) = ordinal.unwrap_or((claim, 0));
    let hash = stem.bytes().fold(OFFSET, |hash, byte| hash.wrapping_mul(PRIME) ^ u32::from(byte));
    let places = u64::try_from(places).ok().filter(|places| *places > 0)?;
    usize::try_from((u64::from(hash) + u64::from(ordinal)) % places).ok()
}

/// Binds a claim and a volume to each other.
pub fn bind(claim: &mut Claim, volume: &mut Volume) {
    assert!(volume.claim.is_none_or(|other| other == claim.key()), "a volume has one claim");
    volume.claim = Some(claim.key());
    volume.available = false;
    claim.volume = Some(volume.name);
    claim.bound = true;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Bytes;
    use crate::model::{AccessMode, ClaimRef, ClaimTemplate};

    struct Lab {
        catalog: Catalog,
        claim: Claim,
        volumes: Vec<Volume>,
    }

    impl Lab {
        /// A claim of 10 that may be written by one, and volumes of these sizes and modes.
        fn new(class: &str, volumes: &[(&str, u64, usize)]) -> Lab {
            let mut catalog = Catalog::new();
            let mut name = |text: &str| catalog.names.intern(text);
            let modes = [AccessMode::ReadWriteOnce, AccessMode::ReadOnlyMany];
            let class = name(class);
            let template = ClaimTemplate {
                access_modes: modes[..1].to_vec(),
                ..ClaimTemplate::new(Bytes(10), Some(class))
            };
            let key = ClaimRef { namespace: name("default"), name: name("data") };
            let claim = template.claim(key, None);
            let volume = |(text, size, count): &(&str, u64, usize)| Volume {
                access_modes: modes[..*count].to_vec(),
                ..Volume::new(name(text), class, Bytes(*size))
            };
            let volumes = volumes.iter().map(volume).collect();
            Lab { catalog, claim, volumes }
        }

        fn step(&mut self, binding: BindingMode, provisioner: &str) -> String {
            let class = StorageClass {
                name: self.claim.class,
                provisioner: self.catalog.names.intern(provisioner),
                binding,
                topologies: Vec::new(),
                is_default: false,
                reclaim: ReclaimPolicy::Delete,
            };
            let volumes = self.volumes.iter();
            match claim_step(&self.claim, Some(&class), volumes, &self.catalog) {
                ClaimStep::Bind(name) => self.catalog.names.text(name).to_owned(),
                other => format!("{other:?}"),
            }
        }
    }

    const NONE: &str = "kubernetes.io/no-provisioner";

    #[test]
    fn the_smallest_of_those_with_few_modes_is_bound() {
        let sizes = [("small", 9, 1), ("wide", 10, 2), ("large", 30, 1), ("good", 20, 1)];
        let mut lab = Lab::new("fast", &sizes);
        assert_eq!(lab.step(BindingMode::Immediate, NONE), "good");
        assert_eq!(lab.step(BindingMode::WaitForFirstConsumer, NONE), "Keep");
        lab.volumes[2].claim = Some(lab.claim.key());
        assert_eq!(lab.step(BindingMode::Immediate, NONE), "large", "it is kept for the claim");
        assert_eq!(lab.step(BindingMode::WaitForFirstConsumer, NONE), "large");
        lab.volumes[2].deleting = true;
        lab.volumes[3].available = false;
        assert_eq!(lab.step(BindingMode::Immediate, NONE), "wide");
    }

    #[test]
    fn without_a_volume_one_is_made_at_once_or_awaited() {
        let mut lab = Lab::new("fast", &[("small", 9, 1)]);
        assert_eq!(lab.step(BindingMode::Immediate, "disks.example.com"), "Provision");
        assert_eq!(lab.step(BindingMode::Immediate, NONE), "Keep");
        assert_eq!(lab.step(BindingMode::WaitForFirstConsumer, "disks.example.com"), "Keep");
    }

    #[test]
    fn places_of_volumes_made_at_once_take_turns() {
        let turns: Vec<usize> =
            (0..6).filter_map(|n| place_at_once(&format!("data-db-{n}"), 3)).collect();
        assert_eq!(turns[..3], turns[3..]);
        let mut first = turns[..3].to_vec();
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2]);
        // FNV-1 of the empty text and of `a`, from the algorithm's own test vectors.
        assert_eq!(place_at_once("", usize::MAX), Some(0x811c_9dc5));
        assert_eq!(place_at_once("a", usize::MAX), Some(0x050c_5d7e));
        assert_eq!(place_at_once("data", 0), None);
    }

    #[test]
    fn what_was_released_is_not_bound_again() {
        let mut lab = Lab::new("fast", &[("good", 20, 1)]);
        lab.volumes[0].claim = Some(lab.claim.key());
        lab.volumes[0].available = false;
        assert_eq!(lab.step(BindingMode::Immediate, NONE), "good");
        lab.volumes[0].released = true;
        assert_eq!(lab.step(BindingMode::Immediate, NONE), "Keep");
        lab.claim.volume = Some(lab.volumes[0].name);
        assert_eq!(lab.step(BindingMode::Immediate, NONE), "Keep");
    }

    #[test]
    fn the_volume_that_a_claim_names() {
        let mut lab = Lab::new("fast", &[("small", 9, 1), ("good", 20, 1)]);
        let other = ClaimRef { name: Name(0), ..lab.claim.key() };
        let waits = BindingMode::WaitForFirstConsumer;
        lab.claim.volume = Some(lab.volumes[1].name);
        assert_eq!(lab.step(waits, NONE), "good");
        lab.volumes[1].claim = Some(other);
        assert_eq!(lab.step(waits, NONE), "Keep", "another claim has it");
        lab.claim.bound = true;
        assert_eq!(lab.step(waits, NONE), "Lose");
        lab.volumes[1].claim = None;
        assert_eq!(lab.step(waits, NONE), "good", "what was bound is bound again");
        lab.claim.volume = Some(lab.volumes[0].name);
        lab.claim.bound = false;
        assert_eq!(lab.step(waits, NONE), "Keep", "it is too small");
        lab.volumes[0].claim = Some(lab.claim.key());
        assert_eq!(lab.step(waits, NONE), "small", "both sides want it");
    }
}
