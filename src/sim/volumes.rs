//! Claims and volumes as a run goes on: claims come and go with the pods that they are made for,
//! and what pods have of volumes is kept here. The controllers are in `control/volumes`.
//!
//! At `placement` detail a volume is bound, or made, when its pod is bound. What is left of a
//! driver's capacity does not change. Garbage collection of claims takes no time of its own.

use super::VolumeDelays;
use super::host::Host;
use super::prebind::Decided;
use super::world::World;
use crate::ground::Name;
use crate::journal::{Fact, Sink, VolumeFact};
use crate::model::{
    Catalog, Change, Claim, ClaimRef, ClaimTemplate, NodeId, Object, ObjectId, PodName, PodSpecId,
    PodUid, PodView, PodVolume, ReclaimPolicy, View, Volume, VolumePlan, WorkloadId,
};
use crate::policy::kube::control::{
    ClaimOwner, bind_volume, claim_name, claim_owner, driver_of, provisioned,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What pods and nodes have of volumes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct VolumeStates {
    pub(super) delays: VolumeDelays,
    /// Pods that are bound as soon as their claims are.
    pub(super) decided: BTreeMap<PodUid, Decided>,
    /// Pods whose kubelets wait for a volume to be attached.
    pub(super) awaiting: BTreeSet<PodUid>,
    /// Volumes that are in use on a node, or are about to be, as the node reports.
    mounted: BTreeMap<NodeId, BTreeMap<Name, BTreeSet<PodUid>>>,
}

impl VolumeStates {
    pub(super) fn new(delays: VolumeDelays) -> VolumeStates {
        let (decided, awaiting, mounted) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        VolumeStates { delays, decided, awaiting, mounted }
    }

    /// Notes that a pod uses a volume on a node.
    pub(super) fn mount(&mut self, volume: Name, node: NodeId, pod: PodUid) {
        self.mounted.entry(node).or_default().entry(volume).or_default().insert(pod);
    }

    /// Takes pods off the volumes of a node; those that nobody uses there any more.
    pub(super) fn unmount(&mut self, node: NodeId, gone: impl Fn(PodUid) -> bool) -> Vec<Name> {
        let mut freed = Vec::new();
        let Some(volumes) = self.mounted.get_mut(&node) else { return freed };
        volumes.retain(|volume, pods| {
            pods.retain(|pod| !gone(*pod));
            if pods.is_empty() {
                freed.push(*volume);
            }
            !pods.is_empty()
        });
        if volumes.is_empty() {
            self.mounted.remove(&node);
        }
        freed
    }

    /// True if a node has not said that a volume is unmounted.
    pub(super) fn is_mounted(&self, volume: Name, node: NodeId) -> bool {
        self.mounted.get(&node).is_some_and(|volumes| volumes.contains_key(&volume))
    }

    /// A volume is not on a node any more, whatever the node has said.
    pub(super) fn forget_mounts(&mut self, volume: Name, node: NodeId) {
        let Some(volumes) = self.mounted.get_mut(&node) else { return };
        volumes.remove(&volume);
        if volumes.is_empty() {
            self.mounted.remove(&node);
        }
    }

    pub(super) fn nothing_is_mounted(&self) -> bool {
        self.mounted.is_empty()
    }
}

/// How a pod comes by a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClaimKind {
    /// It names it.
    Named,
    /// It was made for it alone.
    OfPod,
    /// It is that of a replica.
    OfReplica,
}

/// The claims of a pod of this name, as far as there ever were such.
fn pod_claims(catalog: &Catalog, (spec, name): (PodSpecId, PodName)) -> Vec<(ClaimRef, ClaimKind)> {
    let spec = catalog.pod_spec(spec);
    let names = &catalog.names;
    let claim = |volume: &PodVolume| {
        let (name, kind) = match volume {
            PodVolume::Claim(claim) => (*claim, ClaimKind::Named),
            PodVolume::Ephemeral(volume, _) => {
                (names.find(&name.claim_text(*volume, names))?, ClaimKind::OfPod)
            }
            PodVolume::Replica(volume, _) => {
                (names.find(&name.replica_claim_text(*volume, names))?, ClaimKind::OfReplica)
            }
            PodVolume::Disk(_) => return None,
        };
        Some((ClaimRef { namespace: spec.namespace, name }, kind))
    };
    spec.volumes.iter().filter_map(claim).collect()
}

/// The volumes of a pod of this name that a storage driver attaches to nodes, each once.
pub(super) fn driven_volumes(
    view: &View,
    catalog: &Catalog,
    pod: (PodSpecId, PodName),
) -> Vec<Name> {
    let objects = view.objects();
    let mut found: Vec<Name> = Vec::new();
    for (key, _) in pod_claims(catalog, pod) {
        let claim = objects.claim(key.namespace, key.name, catalog);
        let volume = claim.filter(|claim| claim.bound).and_then(|claim| claim.volume);
        let volume = volume.and_then(|name| objects.volume(Catalog::NO_TEXT, name, catalog));
        let Some(volume) = volume else { continue };
        let attaches = volume.driver.is_some_and(|(driver, _)| {
            let driver = objects.storage_driver(Catalog::NO_TEXT, driver, catalog);
            driver.is_none_or(|driver| driver.attaches)
        });
        if attaches && !found.contains(&volume.name) {
            found.push(volume.name);
        }
    }
    found
}

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

    /// A pod is gone, and so are claims that go with it: those made for it alone, and those of a
    /// replica that its StatefulSet does not want any more, if it wants it so. A claim that others
    /// use stays until they are gone (`kubernetes.io/pvc-protection`).
    pub(super) fn claims_go_with<S: Sink>(&mut self, host: &mut Host<'_, S>, gone: &PodView) {
        if self.catalog.pod_spec(gone.spec).volumes.is_empty() {
            return;
        }
        let own = gone.name.own_text(&self.catalog.names);
        let condemned = self.claims_are_condemned(gone.workload, gone.name);
        for (key, kind) in pod_claims(&self.catalog, (gone.spec, gone.name)) {
            let objects = self.store.truth.objects();
            let claim = objects.claim(key.namespace, key.name, &self.catalog);
            let Some(claim) = claim.cloned() else { continue };
            let goes = claim.deleting
                || match kind {
                    ClaimKind::Named => false,
                    ClaimKind::OfReplica => condemned,
                    ClaimKind::OfPod => {
                        claim.owner_pod.is_some_and(|owner| self.catalog.names.text(owner) == own)
                    }
                };
            if goes {
                self.delete_claim(host, claim, Some(gone.uid));
            }
        }
    }

    /// Deletes a claim, at once or, if a pod but this one uses it, as soon as none does.
    fn delete_claim<S: Sink>(&mut self, host: &mut Host<'_, S>, claim: Claim, but: Option<PodUid>) {
        let used = claim.volume.is_some_and(|volume| self.is_used(volume, but));
        if !used {
            let object = self.catalog.intern_object(&Object::Claim(claim));
            self.commit(host, Change::ObjectRemoved { object });
            self.decided_may_go_on(host);
        } else if !claim.deleting {
            self.set_claim(host, Claim { deleting: true, ..claim });
        }
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
            self.tell_bound(host, &claim, &volume);
            self.set_volume(host, volume);
            self.set_claim(host, claim);
        }
        for key in &plan.provision {
            let Some(mut claim) = self.open_claim(*key) else { continue };
            let (made_by, name) = (self.driver(&claim), self.new_volume_name(*key));
            let place = self.topology_of(made_by.0, node);
            let mut volume = provisioned(name, &claim, made_by, &place);
            claim.selected_node = Some(self.store.truth.node(node).name);
            bind_volume(&mut claim, &mut volume);
            self.tell_bound(host, &claim, &volume);
            self.set_volume(host, volume);
            self.set_claim(host, claim);
        }
    }

    pub(super) fn set_volume<S: Sink>(&mut self, host: &mut Host<'_, S>, volume: Volume) {
        let object = self.catalog.intern_object(&Object::Volume(volume));
        self.commit(host, Change::ObjectSet { object });
    }

    pub(super) fn set_claim<S: Sink>(&mut self, host: &mut Host<'_, S>, claim: Claim) {
        let object = self.catalog.intern_object(&Object::Claim(claim));
        self.commit(host, Change::ObjectSet { object });
        self.decided_may_go_on(host);
    }

    /// Tells that a claim and a volume have each other.
    pub(super) fn tell_bound<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        claim: &Claim,
        volume: &Volume,
    ) {
        let (claim, volume) = (self.introduce_claim(host, claim.key()), volume.name);
        self.introduce_name(host, volume);
        host.fact(Fact::Volume(VolumeFact::ClaimBound { claim, volume }));
    }

    /// The name of a claim as facts have it, with its namespace unless that is the default one.
    pub(super) fn introduce_claim<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        claim: ClaimRef,
    ) -> Name {
        let text = self.claim_text(claim);
        let name = self.catalog.names.intern(&text);
        self.introduce_name(host, name);
        name
    }

    pub(super) fn claim_text(&self, claim: ClaimRef) -> String {
        let text = |name| self.catalog.names.text(name);
        match text(claim.namespace) {
            "default" => text(claim.name).to_owned(),
            namespace => format!("{namespace}/{}", text(claim.name)),
        }
    }

    /// A volume as the store has it.
    pub(super) fn volume_row(&self, name: Name) -> Option<Volume> {
        let objects = self.store.truth.objects();
        objects.volume(Catalog::NO_TEXT, name, &self.catalog).cloned()
    }

    /// A claim that is not bound yet.
    pub(super) fn open_claim(&self, key: ClaimRef) -> Option<Claim> {
        let claim = self.store.truth.objects().claim(key.namespace, key.name, &self.catalog);
        claim.filter(|claim| claim.volume.is_none()).cloned()
    }

    /// Who makes volumes of the class of a claim, and what becomes of them.
    pub(super) fn driver(&mut self, claim: &Claim) -> (Name, ReclaimPolicy) {
        let objects = self.store.truth.objects();
        let class = objects.storage_class(Catalog::NO_TEXT, claim.class, &self.catalog);
        let provisioner = class.map_or(Catalog::NO_TEXT, |class| class.provisioner);
        let reclaim = class.map_or(ReclaimPolicy::Delete, |class| class.reclaim);
        let driver = driver_of(self.catalog.names.text(provisioner)).to_owned();
        (self.catalog.names.intern(&driver), reclaim)
    }

    /// The labels of a node by which a driver tells what reaches its volumes.
    pub(super) fn topology_of(&self, driver: Name, node: NodeId) -> Vec<(Name, Name)> {
        let truth = &self.store.truth;
        let name = truth.node(node).name;
        let storage = truth.objects().storage_node(Catalog::NO_TEXT, name, &self.catalog);
        let keys = storage.into_iter().flat_map(|storage| &storage.topology_keys);
        let keys = keys.filter(|(of, _)| *of == driver).flat_map(|(_, keys)| keys);
        let labels = keys.filter_map(|key| Some((*key, truth.label(node, *key, &self.catalog)?)));
        labels.collect()
    }

    /// A name that no volume has, made of those of the claim.
    pub(super) fn new_volume_name(&mut self, claim: ClaimRef) -> Name {
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
