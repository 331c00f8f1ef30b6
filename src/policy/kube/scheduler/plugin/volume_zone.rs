//! VolumeZone: a volume with labels of zone or region is for nodes of the same
//! (`plugins/volumezone/volume_zone.go`, Kubernetes 1.34).

use super::claims;
use super::volume_restrictions::names;
use crate::ground::Name;
use crate::model::{BindingMode, Catalog, Code, PodSpec, PodVolume, Reason, Volume};
use crate::policy::kube::scheduler::event::Event;
use crate::policy::kube::scheduler::framework::{Cycle, NodeFacts, PreFilter, Reasons};
use crate::policy::kube::scheduler::profile::TopologyKeys;

/// What the volumes of the pod demand of a node's labels: a key, its successor if it is an old
/// one, and the values accepted, in the order of the volumes.
#[derive(Debug, Clone, Default)]
pub(crate) struct VolumeZones {
    demands: Vec<(Name, Name, String)>,
    keys: Vec<Name>,
}

/// Finds the bound volumes; refuses a pod whose claim has none and waits for none.
pub(crate) fn pre_filter(cycle: &Cycle<'_>, state: &mut VolumeZones) -> PreFilter {
    let keys = cycle.profile.arguments.topology_keys;
    let refuse = |reason| PreFilter::Refuse(Code::UnschedulableAndUnresolvable, reason);
    let mut demands = Vec::new();
    for volume in &cycle.spec.volumes {
        let PodVolume::Claim(name) = volume else { continue };
        let Some(claim) = claims::find(cycle, cycle.spec.namespace, *name) else {
            return refuse(Reason::NoClaim(*name));
        };
        let objects = cycle.view.objects();
        let Some(volume) = claim.volume else {
            if claim.class == Catalog::NO_TEXT {
                return refuse(Reason::ClaimWithoutClass);
            }
            let class = objects.storage_class(Catalog::NO_TEXT, claim.class, cycle.catalog);
            match class.map(|class| class.binding) {
                None => return refuse(Reason::NoStorageClass(claim.class)),
                Some(BindingMode::WaitForFirstConsumer) => continue,
                Some(BindingMode::Immediate) => return refuse(Reason::ClaimWithoutVolume),
            }
        };
        match objects.volume(Catalog::NO_TEXT, volume, cycle.catalog) {
            Some(volume) => demands.extend(demanded(cycle.catalog, keys, volume)),
            None => return refuse(Reason::NoVolume(volume)),
        }
    }
    if demands.is_empty() {
        return PreFilter::Skip;
    }
    *state = VolumeZones { demands, keys: keys.pairs().map(|(key, _)| key).into() };
    PreFilter::Pass
}

fn demanded<'a>(
    catalog: &'a Catalog,
    keys: TopologyKeys,
    volume: &'a Volume,
) -> impl Iterator<Item = (Name, Name, String)> + 'a {
    keys.pairs().into_iter().filter_map(move |(key, successor)| {
        let value = volume.labels.get(key)?;
        Some((key, successor, catalog.names.text(value).to_owned()))
    })
}

/// Refuses a node with labels of zone or region that are not those of a volume.
pub(crate) fn filter(
    state: &VolumeZones,
    node: &NodeFacts<'_>,
    reasons: &mut Reasons,
) -> Option<Code> {
    if !state.keys.iter().any(|key| node.label(*key).is_some()) {
        return None; // a cluster of one zone may have no labels
    }
    let meets = |(key, successor, accepted): &(Name, Name, String)| {
        let value = node.label(*key).or_else(|| node.label(*successor));
        value.is_some_and(|value| {
            let value = node.catalog.names.text(value);
            accepted.split("__").any(|accepted| accepted == value)
        })
    };
    if state.demands.iter().all(meets) {
        return None;
    }
    reasons.push(Reason::VolumeZone);
    Some(Code::UnschedulableAndUnresolvable)
}

/// A new node or other labels help, a class that waits, a claim of the pod, and a volume.
pub(crate) fn helps(event: &Event<'_>, profile_keys: TopologyKeys, spec: &PodSpec) -> bool {
    match event {
        Event::NodeAdded(_) => true,
        Event::NodeChanged { old, new, .. } => old.spec.labels != new.spec.labels,
        Event::StorageClassSet { old: None, new } => {
            new.binding == BindingMode::WaitForFirstConsumer
        }
        Event::ClaimSet { new, .. } => names(spec, new),
        Event::VolumeSet { old: None, .. } => true,
        Event::VolumeSet { old: Some(old), new } => {
            let keys = profile_keys.pairs();
            keys.iter().any(|(key, _)| old.labels.get(*key) != new.labels.get(*key))
        }
        _ => false,
    }
}
