//! VolumeBinding: volumes for the claims of a pod, bound, waiting to be bound or to be made
//! (`plugins/volumebinding/{volume_binding,binder}.go`, component-helpers
//! `storage/volume/pv_helpers.go`, Kubernetes 1.34).

use super::claims;
use super::volume_restrictions::names;
use crate::ground::Name;
use crate::model::{
    BindingMode, Catalog, Claim, ClaimRef, Code, NodeSelectorTerm, PodName, PodSpec, PodVolume,
    Reason, StorageClass, Volume, VolumePlan,
};
use crate::policy::kube::scheduler::event::Event;
use crate::policy::kube::scheduler::framework::{Cycle, NodeFacts, PreFilter, Reasons};

/// The claims of the pod.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims {
    bound: Vec<ClaimRef>,
    waiting: Vec<ClaimRef>,
}

/// Sorts the claims; refuses a pod whose claims cannot be used anywhere yet.
pub(crate) fn pre_filter(cycle: &Cycle<'_>, state: &mut Claims) -> PreFilter {
    let mut found = Vec::new();
    for named in claims::of_pod(cycle, cycle.spec, cycle.name) {
        let problem = match named.claim {
            None if named.ephemeral => {
                Some(Reason::NoEphemeralClaim { pod: cycle.name, volume: named.name })
            }
            None => Some(Reason::NoClaim(named.name)),
            Some(claim) => {
                found.push(claim);
                let foreign = named.ephemeral && !claims::is_for(cycle, claim, cycle.name);
                unusable(claim, cycle.name, foreign)
            }
        };
        if let Some(reason) = problem {
            return PreFilter::Refuse(Code::UnschedulableAndUnresolvable, reason);
        }
    }
    if found.is_empty() {
        return PreFilter::Skip;
    }
    let mut sorted = Claims::default();
    for claim in found {
        if claim.volume.is_some() && claim.bound {
            sorted.bound.push(claim.key());
        } else if claim.volume.is_none()
            && class_of(cycle, claim)
                .is_some_and(|class| class.binding == BindingMode::WaitForFirstConsumer)
        {
            sorted.waiting.push(claim.key());
        } else {
            let reason = Reason::UnboundImmediateClaims;
            return PreFilter::Refuse(Code::UnschedulableAndUnresolvable, reason);
        }
    }
    *state = sorted;
    PreFilter::Pass
}

fn unusable(claim: &Claim, pod: PodName, foreign: bool) -> Option<Reason> {
    if claim.lost {
        let volume = claim.volume.unwrap_or(Catalog::NO_TEXT);
        Some(Reason::ClaimLost { claim: claim.name, volume })
    } else if claim.deleting {
        Some(Reason::ClaimDeleting(claim.name))
    } else if foreign {
        Some(Reason::ForeignClaim { claim: claim.key(), pod })
    } else {
        None
    }
}

fn class_of<'a>(cycle: &Cycle<'a>, claim: &Claim) -> Option<&'a StorageClass> {
    cycle.view.objects().storage_class(Catalog::NO_TEXT, claim.class, cycle.catalog)
}

/// Refuses a node where a bound volume cannot be used, or for which no volume can be found or
/// made.
pub(crate) fn filter(
    cycle: &Cycle<'_>,
    state: &Claims,
    node: &NodeFacts<'_>,
    reasons: &mut Reasons,
) -> Option<Code> {
    let refused = find(cycle, state, node).err()?;
    refused.into_iter().for_each(|reason| reasons.push(reason));
    Some(Code::UnschedulableAndUnresolvable)
}

/// What is bound and made for the pod on a node that passed the filter.
pub(crate) fn reserve(cycle: &Cycle<'_>, state: &Claims, node: &NodeFacts<'_>) -> VolumePlan {
    if state.waiting.is_empty() {
        return VolumePlan::default();
    }
    // A profile may be without the filter; then nothing is reserved where nothing fits.
    find(cycle, state, node).unwrap_or_default()
}

fn find(
    cycle: &Cycle<'_>,
    state: &Claims,
    node: &NodeFacts<'_>,
) -> Result<VolumePlan, Vec<Reason>> {
    let claim = |key: &ClaimRef| {
        claims::find(cycle, key.namespace, key.name).expect("the pre-filter found the claim")
    };
    let mut reasons = Vec::new();
    reasons.extend(bound_problem(cycle, state.bound.iter().map(claim), node));
    let mut plan = VolumePlan::default();
    let (mut to_match, mut to_make) = (Vec::new(), Vec::new());
    for claim in state.waiting.iter().map(claim) {
        match cycle.reservations.node_of(claim) {
            Some(name) if name != node.name => {
                reasons.push(Reason::NoVolumeToBind);
                return Err(reasons);
            }
            Some(_) => to_make.push(claim),
            None => to_match.push(claim),
        }
    }
    to_match.sort_by_key(|claim| claim.request);
    for claim in to_match {
        match matching_volume(cycle, claim, node, &plan) {
            Some(volume) => plan.bind.push((claim.key(), volume)),
            None => to_make.push(claim),
        }
    }
    match to_make.iter().find_map(|claim| cannot_make(cycle, claim, node)) {
        Some(reason) => reasons.push(reason),
        None => plan.provision = to_make.into_iter().map(Claim::key).collect(),
    }
    if reasons.is_empty() { Ok(plan) } else { Err(reasons) }
}

/// What keeps the volumes of bound claims from the node.
fn bound_problem<'a>(
    cycle: &Cycle<'_>,
    claims: impl Iterator<Item = &'a Claim>,
    node: &NodeFacts<'_>,
) -> Option<Reason> {
    for claim in claims {
        let name = claim.volume.expect("a bound claim has a volume");
        let objects = cycle.view.objects();
        let Some(volume) = objects.volume(Catalog::NO_TEXT, name, cycle.catalog) else {
            return Some(Reason::VolumeMissing);
        };
        if !reaches(volume, node) {
            return Some(Reason::VolumeElsewhere);
        }
    }
    None
}

fn reaches(volume: &Volume, node: &NodeFacts<'_>) -> bool {
    // Volumes are told apart by labels only, never by the name of a node.
    let matches = |term: &NodeSelectorTerm| {
        term.match_fields.is_empty() && term.matches(node.name, |key| node.label(key), node.catalog)
    };
    volume.node_affinity.as_ref().is_none_or(|terms| terms.iter().any(matches))
}

/// The volume reserved for the claim, else the smallest that will do. Between equals upstream's
/// choice is arbitrary; here it is the first by name identifier.
fn matching_volume(
    cycle: &Cycle<'_>,
    claim: &Claim,
    node: &NodeFacts<'_>,
    taken: &VolumePlan,
) -> Option<Name> {
    let mut smallest: Option<&Volume> = None;
    for volume in cycle.view.objects().volumes(cycle.catalog) {
        let reserved_for = cycle.reservations.claim_of(volume);
        if volume.class != claim.class
            || taken.bind.iter().any(|(_, name)| *name == volume.name)
            || reserved_for.is_some_and(|other| other != claim.key())
            || volume.capacity < claim.request
            || volume.mode != claim.mode
            || volume.attributes_class != claim.attributes_class
            || volume.deleting
            || volume.released
        {
            continue;
        }
        if reserved_for.is_some() {
            return reaches(volume, node).then_some(volume.name);
        }
        if volume.available
            && reaches(volume, node)
            && claim.access_modes.iter().all(|mode| volume.access_modes.contains(mode))
            && claim.selector.as_ref().is_none_or(|s| s.matches(&volume.labels, cycle.catalog))
            && smallest.is_none_or(|smallest| volume.capacity < smallest.capacity)
        {
            smallest = Some(volume);
        }
    }
    smallest.map(|volume| volume.name)
}

/// Why no volume can be made for a claim on the node.
fn cannot_make(cycle: &Cycle<'_>, claim: &Claim, node: &NodeFacts<'_>) -> Option<Reason> {
    let class = class_of(cycle, claim)?;
    if !class.makes_volumes(cycle.catalog) {
        return Some(Reason::NoVolumeToBind);
    }
    let allowed = |term: &Vec<(Name, Vec<Name>)>| {
        let has = |(key, values): &(Name, Vec<Name>)| {
            node.label(*key).is_some_and(|value| values.contains(&value))
        };
        !term.is_empty() && term.iter().all(has)
    };
    if !class.topologies.is_empty() && !class.topologies.iter().any(allowed) {
        return Some(Reason::NoVolumeToBind);
    }
    let objects = cycle.view.objects();
    let driver = objects.storage_driver(Catalog::NO_TEXT, class.provisioner, cycle.catalog);
    if claim.request.0 == 0 || !driver.is_some_and(|driver| driver.tells_capacity) {
        return None;
    }
    let enough = objects.storage_capacities(cycle.catalog).any(|capacity| {
        capacity.class == class.name
            && capacity.serves(claim.request, |key| node.label(key), cycle.catalog)
    });
    (!enough).then_some(Reason::StorageFull)
}

/// A new node or other labels help, a claim of the pod, and whatever may hold a volume.
pub(crate) fn helps(event: &Event<'_>, spec: &PodSpec) -> bool {
    match event {
        Event::NodeAdded(_) => true,
        Event::NodeChanged { old, new, .. } => old.spec.labels != new.spec.labels,
        Event::ClaimSet { new, .. } => {
            names(spec, new)
                || (spec.namespace == new.namespace
                    && spec
                        .volumes
                        .iter()
                        .any(|v| matches!(v, PodVolume::Ephemeral(..) | PodVolume::Replica(..))))
        }
        Event::VolumeSet { .. } | Event::StorageNodeSet { old: None, .. } => true,
        Event::StorageClassSet { old, new } => {
            // Other fields of a class never change.
            old.is_none_or(|old| old.topologies != new.topologies)
        }
        Event::CapacitySet { old, new } => match old {
            None => true,
            Some(old) => new.capacity > old.capacity || new.largest > old.largest,
        },
        Event::DriverSet { old, new } => {
            old.is_some_and(|old| old.tells_capacity && !new.tells_capacity)
        }
        _ => false,
    }
}
