//! What the scheduler has decided about volumes and the store does not show yet: volumes reserved
//! for claims, and nodes for which claims are to be provisioned
//! (`plugins/volumebinding/assume_cache.go`, Kubernetes 1.34).

use crate::ground::Name;
use crate::model::{Claim, ClaimRef, Object, PodUid, Volume, VolumePlan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Reservations, of pods whose binding is under way and of those bound.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Reservations {
    claim_of: BTreeMap<Name, ClaimRef>,
    node_of: BTreeMap<ClaimRef, Name>,
    plans: BTreeMap<PodUid, VolumePlan>,
}

impl Reservations {
    /// The claim that a volume is reserved for, here or in the store.
    pub(crate) fn claim_of(&self, volume: &Volume) -> Option<ClaimRef> {
        volume.claim.or_else(|| self.claim_of.get(&volume.name).copied())
    }

    /// The node for which a claim is to be provisioned, here or in the store.
    pub(crate) fn node_of(&self, claim: &Claim) -> Option<Name> {
        claim.selected_node.or_else(|| self.node_of.get(&claim.key()).copied())
    }

    /// Reserves what a pod needs on a node of this name.
    pub(crate) fn reserve(&mut self, uid: PodUid, plan: VolumePlan, node: Name) {
        if plan.is_empty() {
            return;
        }
        for (claim, volume) in &plan.bind {
            self.claim_of.insert(*volume, *claim);
        }
        for claim in &plan.provision {
            self.node_of.insert(*claim, node);
        }
        self.plans.insert(uid, plan);
    }

    /// What is to be bound and made for a pod whose binding is under way.
    pub(crate) fn plan(&self, uid: PodUid) -> Option<&VolumePlan> {
        self.plans.get(&uid)
    }

    /// The store shows an object, or shows it no more: what it says counts from now on.
    pub(crate) fn shown(&mut self, object: &Object) {
        match object {
            Object::Volume(volume) => {
                self.claim_of.remove(&volume.name);
            }
            Object::Claim(claim) => {
                self.node_of.remove(&claim.key());
            }
            _ => {}
        }
    }

    /// The binding of a pod was written: its reservations stand.
    pub(crate) fn keep(&mut self, uid: PodUid) {
        self.plans.remove(&uid);
    }

    /// The binding of a pod failed: its reservations are taken back.
    pub(crate) fn take_back(&mut self, uid: PodUid) {
        let Some(plan) = self.plans.remove(&uid) else { return };
        for (_, volume) in &plan.bind {
            self.claim_of.remove(volume);
        }
        for claim in &plan.provision {
            self.node_of.remove(claim);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Bytes;
    use crate::model::{Catalog, ClaimTemplate};

    #[test]
    fn a_reservation_ends_when_the_store_shows_it_or_the_binding_fails() {
        let mut catalog = Catalog::new();
        let mut name = |text: &str| catalog.names.intern(text);
        let (node, class) = (name("n"), name("c"));
        let template = ClaimTemplate::new(Bytes(1), Some(class));
        let mut claim =
            |text: &str| template.claim(ClaimRef { namespace: class, name: name(text) }, None);
        let (bound, made) = (claim("bound"), claim("made"));
        let volume = Volume::new(name("v"), class, Bytes(1));
        let plan =
            VolumePlan { bind: vec![(bound.key(), volume.name)], provision: vec![made.key()] };
        let mut reservations = Reservations::default();
        reservations.reserve(PodUid(1), plan.clone(), node);
        assert_eq!(reservations.plan(PodUid(1)), Some(&plan));
        assert_eq!(reservations.claim_of(&volume), Some(bound.key()));
        assert_eq!(reservations.node_of(&made), Some(node));
        reservations.keep(PodUid(1));
        assert_eq!(reservations.plan(PodUid(1)), None);
        assert_eq!(reservations.claim_of(&volume), Some(bound.key()), "the store is behind");
        reservations.shown(&Object::Volume(volume.clone()));
        reservations.shown(&Object::Claim(made.clone()));
        assert_eq!((reservations.claim_of(&volume), reservations.node_of(&made)), (None, None));
        reservations.reserve(PodUid(2), plan, node);
        reservations.take_back(PodUid(2));
        assert_eq!((reservations.claim_of(&volume), reservations.node_of(&made)), (None, None));
    }
}
