//! The claims of a pod, as the storage plugins find them.

use crate::ground::Name;
use crate::model::{Claim, PodName, PodSpec, PodVolume};
use crate::policy::kube::scheduler::framework::Cycle;

/// A claim that a pod names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    /// The claim, if it exists.
    pub(crate) claim: Option<&'a Claim>,
    /// Its name; for an ephemeral volume the name of the volume.
    pub(crate) name: Name,
    /// It belongs to an ephemeral volume.
    pub(crate) ephemeral: bool,
}

/// The claims of a pod of this name and specification, volume by volume.
pub(crate) fn of_pod<'a>(
    cycle: &Cycle<'a>,
    spec: &'a PodSpec,
    pod: PodName,
) -> impl Iterator<Item = Named<'a>> {
    let cycle = *cycle;
    spec.volumes.iter().filter_map(move |volume| match volume {
        PodVolume::Claim(name) => {
            let claim = find(&cycle, spec.namespace, *name);
            Some(Named { claim, name: *name, ephemeral: false })
        }
        PodVolume::Ephemeral(volume, _) => {
            let names = &cycle.catalog.names;
            let text = pod.claim_text(*volume, names);
            let claim = names.find(&text).and_then(|name| find(&cycle, spec.namespace, name));
            Some(Named { claim, name: *volume, ephemeral: true })
        }
        PodVolume::Replica(volume, _) => {
            let names = &cycle.catalog.names;
            let own = names.find(&pod.replica_claim_text(*volume, names));
            let claim = own.and_then(|name| find(&cycle, spec.namespace, name));
            Some(Named { claim, name: own.unwrap_or(*volume), ephemeral: false })
        }
        PodVolume::Disk(_) => None,
    })
}

/// The claim of this name.
pub(crate) fn find<'a>(cycle: &Cycle<'a>, namespace: Name, name: Name) -> Option<&'a Claim> {
    cycle.view.objects().claim(namespace, name, cycle.catalog)
}

/// True if the claim was made for the pod of this name.
pub(crate) fn is_for(cycle: &Cycle<'_>, claim: &Claim, pod: PodName) -> bool {
    let names = &cycle.catalog.names;
    claim.owner_pod.is_some_and(|owner| names.text(owner) == pod.own_text(names))
}
