//! NodeVolumeLimits: how many volumes a node can attach, driver by driver
//! (`plugins/nodevolumelimits/csi.go`, Kubernetes 1.34). Disks that the pod names itself are not
//! counted: no driver's translation of them is built.

use super::claims::{self, Named};
use super::volume_restrictions;
use crate::ground::Name;
use crate::model::{Catalog, Claim, Code, PodName, PodSpec, PodVolume, Reason};
use crate::policy::kube::scheduler::event::Event;
use crate::policy::kube::scheduler::framework::{Cycle, PreFilter, Reasons, Room};
use std::collections::{BTreeMap, BTreeSet};

/// A volume as its driver knows it; one that does not exist yet is told by its claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Handle {
    Volume(Name),
    Claim(Name, Name),
}

/// Skips pods without volumes that may be attached.
pub(crate) fn pre_filter(spec: &PodSpec) -> PreFilter {
    let attachable = |volume: &PodVolume| !matches!(volume, PodVolume::Disk(_));
    if spec.volumes.iter().any(attachable) { PreFilter::Pass } else { PreFilter::Skip }
}

/// Refuses a node that could not attach the pod's volumes beside those it has.
pub(crate) fn filter(cycle: &Cycle<'_>, room: Room<'_>, reasons: &mut Reasons) -> Option<Code> {
    let mut new = BTreeSet::new();
    for named in claims::of_pod(cycle, cycle.spec, cycle.name) {
        match named.claim {
            Some(claim) => new.extend(attached(cycle, claim)),
            None => {
                reasons.push(missing(&named, cycle.name));
                return Some(Code::UnschedulableAndUnresolvable);
            }
        }
    }
    if new.is_empty() {
        return None;
    }
    let node = cycle.view.node(room.node).name;
    let limits = cycle.view.objects().storage_node(Catalog::NO_TEXT, node, cycle.catalog)?;
    let mut there = BTreeSet::new();
    for other in cycle.pods(room) {
        let claims = claims::of_pod(cycle, other.spec, other.row.name);
        there.extend(claims.filter_map(|named| attached(cycle, named.claim?)));
    }
    let mut wanted: BTreeMap<Name, usize> = BTreeMap::new();
    for (driver, _) in new.difference(&there) {
        *wanted.entry(*driver).or_default() += 1;
    }
    let full = limits.drivers.iter().any(|(driver, limit)| {
        let (Some(limit), Some(wanted)) = (limit, wanted.get(driver)) else { return false };
        let held = there.iter().filter(|(other, _)| other == driver).count();
        held + wanted > *limit as usize
    });
    if !full {
        return None;
    }
    reasons.push(Reason::TooManyVolumes);
    Some(Code::Unschedulable)
}

fn missing(named: &Named<'_>, pod: PodName) -> Reason {
    match named.ephemeral {
        true => Reason::NoEphemeralClaim { pod, volume: named.name },
        false => Reason::NoClaim(named.name),
    }
}

/// The driver of a claim's volume and the volume; `None` if no driver attaches it.
fn attached(cycle: &Cycle<'_>, claim: &Claim) -> Option<(Name, Handle)> {
    let objects = cycle.view.objects();
    let volume =
        claim.volume.and_then(|volume| objects.volume(Catalog::NO_TEXT, volume, cycle.catalog));
    if let Some(volume) = volume {
        return volume.driver.map(|(driver, handle)| (driver, Handle::Volume(handle)));
    }
    let class = objects.storage_class(Catalog::NO_TEXT, claim.class, cycle.catalog)?;
    Some((class.provisioner, Handle::Claim(claim.namespace, claim.name)))
}

/// A higher limit helps, a new claim of the pod, and the end of a pod with volumes.
pub(crate) fn helps(event: &Event<'_>, spec: &PodSpec) -> bool {
    match event {
        // Upstream asks for a claim of a driver in common; which driver a claim of a pod that is
        // gone had may not be known any more, so that any claim counts.
        Event::PodGone(gone) => !gone.volumes.is_empty(),
        Event::ClaimSet { old: None, new } => volume_restrictions::names(spec, new),
        Event::StorageNodeSet { old, new } => new.drivers.iter().any(|(driver, limit)| {
            let before = old.and_then(|old| old.drivers.iter().find(|(name, _)| name == driver));
            match (before, limit) {
                (None, _) | (Some((_, Some(_))), None) => true,
                (Some((_, Some(before))), Some(limit)) => limit > before,
                (Some((_, None)), _) => false,
            }
        }),
        _ => false,
    }
}
