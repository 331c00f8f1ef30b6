//! Claims and volumes as a run goes on: claims come and go with the pods that they are made for,
//! and what the scheduler has decided about volumes is written just before the binding of the pod.
//!
//! The latencies of the binder, of drivers and of attaching are not built: a volume is bound, or
//! made, when the pod is bound. What is left of a driver's capacity does not change.

use super::host::Host;
use super::world::World;
use crate::ground::Name;
use crate::journal::Sink;
use crate::model::{
    Catalog, Change, Claim, ClaimRef, ClaimTemplate, NodeId, Object, ObjectId, PodName, PodSpecId,
    PodVolume, VolumePlan, WorkloadId,
};
use crate::policy::kube::control::{
    ClaimOwner, bind_volume, claim_name, claim_owner, driver_of, provisioned,
};

impl World {
    /// Claims that are made for a pod of this name, as objects; those that are there are kept.
    pub(super) fn claims_made_for(&mut self, spec: PodSpecId, name: PodName) -> Vec<ObjectId> {
        if self.catalog.pod_spec(spec).volumes.is_empty() {
            return Vec::new();
        }
        let mut made = Vec::new();
        for (key, template, of_replica) in self.own_claims(spec, name) {
            let objects = self.store.truth.objects();
            if objects.claim(key.namespace, key.name, &self.catalog).is_some() {
                continue;
            }
            let default = objects.default_class(&self.catalog);
            let owner = name.own_text(&self.catalog.names);
            let owner = self.catalog.names.intern(&owner);
            let owner_pod = Some(owner).filter(|_| !of_replica);
            let claim = Claim { owner_pod, ..template.claim(key, default) };
            made.push(self.catalog.intern_object(&Object::Claim(claim)));
        }
        made
    }

    /// The claims that go with a pod of this name, with the volumes that they had. Those of a
    /// replica go only if its StatefulSet wants it so and does not want the replica any more.
    pub(super) fn claims_gone_with(
        &mut self,
        spec: PodSpecId,
        (workload, name): (WorkloadId, PodName),
    ) -> Vec<ObjectId> {
        if self.catalog.pod_spec(spec).volumes.is_empty() {
            return Vec::new();
        }
        let mut gone = Vec::new();
        let own = name.own_text(&self.catalog.names);
        let condemned = self.claims_are_condemned(workload, name);
        for (key, _, of_replica) in self.own_claims(spec, name) {
            let objects = self.store.truth.objects();
            let claim = objects.claim(key.namespace, key.name, &self.catalog);
            let is_its = |claim: &&Claim| {
                if of_replica {
                    return condemned;
                }
                claim.owner_pod.is_some_and(|owner| self.catalog.names.text(owner) == own)
            };
            let Some(claim) = claim.filter(is_its).cloned() else { continue };
            // A volume that is kept is kept for the claim that is gone: nobody gets it any more.
            let volume = claim.volume.and_then(|volume| {
                objects.volume(Catalog::NO_TEXT, volume, &self.catalog).cloned()
            });
            gone.push(self.catalog.intern_object(&Object::Claim(claim)));
            gone.extend(volume.map(|one| self.catalog.intern_object(&Object::Volume(one))));
        }
        gone
    }

    /// True if the claims of a replica are deleted with it
    /// (`persistentVolumeClaimRetentionPolicy`).
    fn claims_are_condemned(&self, workload: WorkloadId, name: PodName) -> bool {
        let Some(set) = self.store.truth.stateful_sets().get(workload) else { return false };
        let (_, ordinal, _) = name.parts();
        let condemned = !set.goal.spec.has_ordinal(ordinal);
        claim_owner(set.goal.retention, condemned) == ClaimOwner::Pod
    }

    /// Number of claims of a replica that are not there yet, as the controllers believe.
    pub(super) fn missing_replica_claims(
        &self,
        workload: WorkloadId,
        spec: PodSpecId,
        ordinal: u32,
    ) -> u32 {
        let spec = self.catalog.pod_spec(spec);
        let names = &self.catalog.names;
        let set = names.text(self.catalog.workloads[workload].name);
        let set = set.rsplit('/').next().unwrap_or(set);
        let objects = self.control.feed.view(&self.store).objects();
        let missing = |volume: &&PodVolume| match volume {
            PodVolume::Replica(volume, _) => {
                let claim = names.find(&claim_name(names.text(*volume), set, ordinal));
                claim.and_then(|own| objects.claim(spec.namespace, own, &self.catalog)).is_none()
            }
            PodVolume::Claim(_) | PodVolume::Ephemeral(..) | PodVolume::Disk(_) => false,
        };
        u32::try_from(spec.volumes.iter().filter(missing).count()).expect("few volumes")
    }

    /// The claims that a pod of this name has for itself, and whether it has them as a replica.
    fn own_claims(
        &mut self,
        spec: PodSpecId,
        name: PodName,
    ) -> Vec<(ClaimRef, ClaimTemplate, bool)> {
        let spec = self.catalog.pod_spec(spec);
        let namespace = spec.namespace;
        let names = &self.catalog.names;
        let own = |volume: &PodVolume| match volume {
            PodVolume::Ephemeral(volume, template) => {
                Some((name.claim_text(*volume, names), (**template).clone(), false))
            }
            PodVolume::Replica(volume, template) => {
                Some((name.replica_claim_text(*volume, names), (**template).clone(), true))
            }
            PodVolume::Claim(_) | PodVolume::Disk(_) => None,
        };
        let claims: Vec<(String, ClaimTemplate, bool)> =
            spec.volumes.iter().filter_map(own).collect();
        let mut found = Vec::with_capacity(claims.len());
        for (text, template, of_replica) in claims {
            let name = self.catalog.names.intern(&text);
            found.push((ClaimRef { namespace, name }, template, of_replica));
        }
        found
    }

    /// False if what was decided about volumes cannot be written: a claim is gone, or another one
    /// has got the volume.
    pub(super) fn volumes_can_be_bound(&self, plan: &VolumePlan) -> bool {
        let objects = self.store.truth.objects();
        let claim = |key: &ClaimRef| objects.claim(key.namespace, key.name, &self.catalog);
        let free = |(key, name): &(ClaimRef, Name)| {
            let volume = objects.volume(Catalog::NO_TEXT, *name, &self.catalog);
            claim(key).is_some_and(|claim| claim.volume.is_some())
                || volume.is_some_and(|volume| volume.claim.is_none_or(|other| other == *key))
        };
        let claims = plan.bind.iter().map(|(key, _)| key).chain(&plan.provision);
        claims.into_iter().all(|key| claim(key).is_some()) && plan.bind.iter().all(free)
    }

    /// Binds the claims of a pod to the volumes chosen, and to new volumes that are made for the
    /// node. Claims that another pod has had bound meanwhile stay as they are.
    pub(super) fn bind_volumes<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        plan: &VolumePlan,
        node: NodeId,
    ) {
        for (key, volume) in &plan.bind {
            let Some(mut claim) = self.open_claim(*key) else { continue };
            let objects = self.store.truth.objects();
            let volume = objects.volume(Catalog::NO_TEXT, *volume, &self.catalog);
            let mut volume = volume.expect("it was looked for before").clone();
            bind_volume(&mut claim, &mut volume);
            self.set_object(host, &Object::Volume(volume));
            self.set_object(host, &Object::Claim(claim));
        }
        for key in &plan.provision {
            let Some(mut claim) = self.open_claim(*key) else { continue };
            let (driver, name) = (self.driver(&claim), self.new_volume_name(*key));
            let place = self.topology_of(driver, node);
            let mut volume = provisioned(name, &claim, driver, &place);
            claim.selected_node = Some(self.store.truth.node(node).name);
            bind_volume(&mut claim, &mut volume);
            self.set_object(host, &Object::Volume(volume));
            self.set_object(host, &Object::Claim(claim));
        }
    }

    fn set_object<S: Sink>(&mut self, host: &mut Host<'_, S>, object: &Object) {
        let object = self.catalog.intern_object(object);
        self.commit(host, Change::ObjectSet { object });
    }

    /// A claim that is not bound yet.
    fn open_claim(&self, key: ClaimRef) -> Option<Claim> {
        let claim = self.store.truth.objects().claim(key.namespace, key.name, &self.catalog);
        claim.filter(|claim| claim.volume.is_none()).cloned()
    }

    fn driver(&mut self, claim: &Claim) -> Name {
        let objects = self.store.truth.objects();
        let class = objects.storage_class(Catalog::NO_TEXT, claim.class, &self.catalog);
        let provisioner = class.map_or(Catalog::NO_TEXT, |class| class.provisioner);
        let driver = driver_of(self.catalog.names.text(provisioner)).to_owned();
        self.catalog.names.intern(&driver)
    }

    /// The labels of a node by which a driver tells what reaches its volumes.
    fn topology_of(&self, driver: Name, node: NodeId) -> Vec<(Name, Name)> {
        let truth = &self.store.truth;
        let name = truth.node(node).name;
        let storage = truth.objects().storage_node(Catalog::NO_TEXT, name, &self.catalog);
        let keys = storage.into_iter().flat_map(|storage| &storage.topology_keys);
        let keys = keys.filter(|(of, _)| *of == driver).flat_map(|(_, keys)| keys);
        let labels = keys.filter_map(|key| Some((*key, truth.label(node, *key, &self.catalog)?)));
        labels.collect()
    }

    /// A name that no volume has, made of those of the claim.
    fn new_volume_name(&mut self, claim: ClaimRef) -> Name {
        let text = |name| self.catalog.names.text(name);
        let mut name = format!("pvc-{}.{}", text(claim.namespace), text(claim.name));
        loop {
            let own = self.catalog.names.intern(&name);
            let objects = self.store.truth.objects();
            if objects.volume(Catalog::NO_TEXT, own, &self.catalog).is_none() {
                return own;
            }
            name.push_str(".0");
        }
    }
}
