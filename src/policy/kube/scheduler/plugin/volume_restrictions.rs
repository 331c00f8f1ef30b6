//! VolumeRestrictions: disks that exclude each other, and claims that one pod alone may use
//! (`plugins/volumerestrictions/volume_restrictions.go`, Kubernetes 1.34).

use super::claims;
use crate::ground::Name;
use crate::model::{AccessMode, Claim, Code, Disk, PodSpec, PodVolume, Reason};
use crate::policy::kube::scheduler::event::Event;
use crate::policy::kube::scheduler::framework::{Cycle, PreFilter, Reasons, Room};

/// The pod's claims that one pod alone may use, and how often others use them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClaimsInUse {
    exclusive: Vec<Name>,
    uses: i64,
}

impl ClaimsInUse {
    /// Counts a pod in or out. Upstream does not compare namespaces here.
    pub(crate) fn count(&mut self, other: &PodSpec, change: i64) {
        if !self.exclusive.is_empty() {
            let uses = claim_names(other).filter(|name| self.exclusive.contains(name)).count();
            self.uses += change * uses as i64;
        }
    }
}

fn claim_names(spec: &PodSpec) -> impl Iterator<Item = Name> {
    spec.volumes.iter().filter_map(|volume| match volume {
        PodVolume::Claim(name) => Some(*name),
        _ => None,
    })
}

fn disks(spec: &PodSpec) -> impl Iterator<Item = &Disk> {
    spec.volumes.iter().filter_map(|volume| match volume {
        PodVolume::Disk(disk) => Some(disk),
        _ => None,
    })
}

/// Refuses a pod whose claim does not exist; skips one without disks and without claims that one
/// pod alone may use.
pub(crate) fn pre_filter(cycle: &Cycle<'_>, state: &mut ClaimsInUse) -> PreFilter {
    let mut exclusive = Vec::new();
    for name in claim_names(cycle.spec) {
        let Some(claim) = claims::find(cycle, cycle.spec.namespace, name) else {
            return PreFilter::Refuse(Code::UnschedulableAndUnresolvable, Reason::NoClaim(name));
        };
        if claim.access_modes.contains(&AccessMode::ReadWriteOncePod) && !exclusive.contains(&name)
        {
            exclusive.push(name);
        }
    }
    if exclusive.is_empty() && disks(cycle.spec).next().is_none() {
        return PreFilter::Skip;
    }
    let used = |name: &Name| {
        let mut pods = cycle.all_nodes().flat_map(|node| cycle.pods(Room::of(cycle.view, node)));
        pods.any(|other| {
            other.spec.namespace == cycle.spec.namespace
                && claim_names(other.spec).any(|other| other == *name)
        })
    };
    let uses = exclusive.iter().filter(|name| used(name)).count() as i64;
    *state = ClaimsInUse { exclusive, uses };
    PreFilter::Pass
}

/// Refuses a node where a disk of the pod is in use, and every node while another pod uses a claim
/// that one pod alone may use.
pub(crate) fn filter(
    cycle: &Cycle<'_>,
    state: &ClaimsInUse,
    room: Room<'_>,
    reasons: &mut Reasons,
) -> Option<Code> {
    let in_use = |disk: &Disk| {
        cycle.pods(room).any(|other| disks(other.spec).any(|held| disk.conflicts(held)))
    };
    if disks(cycle.spec).any(in_use) {
        reasons.push(Reason::DiskConflict);
        return Some(Code::Unschedulable);
    }
    if state.uses > 0 {
        reasons.push(Reason::ClaimInUse);
        return Some(Code::Unschedulable);
    }
    None
}

/// A new node helps, a new claim of the pod, and the end of a pod with the same disk or claim.
pub(crate) fn helps(event: &Event<'_>, spec: &PodSpec) -> bool {
    match event {
        Event::NodeAdded(_) => true,
        Event::PodGone(gone) => {
            disks(spec).any(|disk| disks(gone).any(|held| disk.conflicts(held)))
                || (gone.namespace == spec.namespace
                    && claim_names(spec).any(|name| claim_names(gone).any(|held| held == name)))
        }
        Event::ClaimSet { old: None, new } => names(spec, new),
        _ => false,
    }
}

/// True if the pod names this claim itself.
pub(crate) fn names(spec: &PodSpec, claim: &Claim) -> bool {
    spec.namespace == claim.namespace && claim_names(spec).any(|name| name == claim.name)
}
