//! Storage objects, and what controllers have made of them when a run starts: a volume without a
//! claim is free, a claim that waits for nobody is bound to the volume that upstream would give it,
//! and a claim without a class has the default one.
//! A volume that is missing is made when the run has begun.

use super::notes::Notes;
use super::{Found, Planner};
use crate::ground::{Name, Problem};
use crate::model::{BindingMode, Catalog, Claim, Object, StatefulSetSpec, StorageClass, Volume};
use crate::policy::kube::control::{ClaimStep, bind_volume, claim_name, claim_step};
use crate::scenario::manifest::{
    PersistentVolumeClaimManifest, PersistentVolumeManifest, PodManifest, Reader,
    StatefulSetManifest,
};
use crate::scenario::objects::{Head, Kind, Object as Written, Objects};
use crate::scenario::tree::join;

impl Planner<'_> {
    /// Adds the storage objects: classes, drivers and what nodes and drivers say, then volumes,
    /// then claims, each in the order of the files.
    pub(in crate::scenario::plan) fn storage(&mut self, objects: &Objects) {
        let classes = self.storage_classes(objects);
        for one in &objects.storage_drivers {
            let driver = self.read_object(objects, &one.head, |r| r.storage_driver(&one.object));
            self.add_object(&Object::StorageDriver(driver));
        }
        for one in &objects.storage_nodes {
            let node = self.read_object(objects, &one.head, |r| r.storage_node(&one.object));
            self.add_object(&Object::StorageNode(node));
        }
        for one in &objects.storage_capacities {
            let left = self.read_object(objects, &one.head, |r| r.storage_capacity(&one.object));
            self.add_object(&Object::StorageCapacity(left));
        }
        let mut volumes: Vec<Volume> =
            objects.volumes.iter().map(|one| self.volume(objects, one)).collect();
        let default = classes.iter().find(|class| class.is_default).map(|class| class.name);
        let mut claims: Vec<(Claim, &Head)> = Vec::new();
        for one in &objects.claims {
            claims.push((self.claim(objects, one, default), &one.head));
        }
        let mut notes = Notes::default();
        for (claim, head) in &mut claims {
            self.bind_at_the_start(objects, &classes, &mut volumes, claim);
            let complete = ![Kind::PersistentVolume, Kind::StorageClass]
                .into_iter()
                .any(|kind| objects.broken(kind));
            if complete && waits_for_ever(claim, &classes, &self.plan.catalog) {
                let text = "pods that use a claim to which no volume can be bound wait for ever";
                notes.add(text, "add a PersistentVolume that is large enough, or a class", head);
            }
        }
        notes.tell(self, objects);
        for volume in volumes {
            self.add_object(&Object::Volume(volume));
        }
        for (claim, _) in claims {
            self.add_object(&Object::Claim(claim));
        }
    }

    fn storage_classes(&mut self, objects: &Objects) -> Vec<StorageClass> {
        let mut classes: Vec<StorageClass> = Vec::new();
        for one in &objects.storage_classes {
            let class = self.read_object(objects, &one.head, |r| r.storage_class(&one.object));
            if class.is_default && classes.iter().any(|other| other.is_default) {
                let text = "another storage class is the default already";
                let problem = Problem::new("metadata.annotations", text)
                    .hint("keep the annotation of one of them");
                self.object_wrong(objects, &one.head, &problem);
            }
            self.add_object(&Object::StorageClass(class.clone()));
            classes.push(class);
        }
        classes
    }

    /// What an object becomes; what is wrong with it is said.
    fn read_object<T>(
        &mut self,
        objects: &Objects,
        head: &Head,
        read: impl FnOnce(&mut Reader<'_>) -> T,
    ) -> T {
        let mut reader = Reader::new(&mut self.plan.catalog, &self.classes);
        let object = read(&mut reader);
        let found = Found::of(reader);
        self.report(objects, head, found);
        object
    }

    fn volume(&mut self, objects: &Objects, one: &Written<PersistentVolumeManifest>) -> Volume {
        let mut volume = self.read_object(objects, &one.head, |r| r.persistent_volume(&one.object));
        let phase = one.head.text("status.phase");
        volume.available |= volume.claim.is_none() && matches!(phase, None | Some("Pending"));
        volume
    }

    /// A claim that names no class has got the default one, unless it was bound before there was
    /// one.
    fn claim(
        &mut self,
        objects: &Objects,
        one: &Written<PersistentVolumeClaimManifest>,
        default: Option<Name>,
    ) -> Claim {
        let mut claim = self.read_object(objects, &one.head, |r| r.claim(&one.object));
        let names_none =
            one.object.spec.storage_class_name.is_none() && claim.class == Catalog::NO_TEXT;
        if let Some(default) = default.filter(|_| names_none && !claim.bound) {
            claim.class = default;
        }
        claim
    }

    fn bind_at_the_start(
        &mut self,
        objects: &Objects,
        classes: &[StorageClass],
        volumes: &mut [Volume],
        claim: &mut Claim,
    ) {
        let class = classes.iter().find(|class| class.name == claim.class);
        match claim_step(claim, class, volumes.iter(), &self.plan.catalog) {
            ClaimStep::Keep => {}
            ClaimStep::Bind(name) => {
                let volume = volumes.iter_mut().find(|volume| volume.name == name);
                bind_volume(claim, volume.expect("it was found among these"));
            }
            ClaimStep::Lose if objects.broken(Kind::PersistentVolume) => {}
            ClaimStep::Lose => claim.lost = true,
            ClaimStep::Provision => {} // its driver is asked when the run begins
        }
    }

    /// Why the claims that pods like this one make cannot be bound.
    pub(in crate::scenario::plan) fn no_such_volumes(
        &self,
        pod: &PodManifest,
        path: &str,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (at, volume) in pod.volumes.iter().enumerate() {
            let Some(ephemeral) = &volume.ephemeral else { continue };
            let path = format!("{path}.volumes.{at}.ephemeral.volumeClaimTemplate.spec");
            let spec = &ephemeral.volume_claim_template.spec;
            if spec.volume_name.is_some() {
                let text = "each pod makes its own claim: they cannot all have this volume";
                let problem = Problem::new(join(&path, "volumeName"), text);
                problems.push(problem.hint("use a PersistentVolumeClaim of that volume"));
            }
            problems.extend(self.without_class(spec.storage_class_name.as_deref(), path));
        }
        problems
    }

    /// Why the claims that the pods of a StatefulSet make for themselves cannot be bound, unless
    /// all of them are there already.
    pub(super) fn no_such_replica_volumes(
        &self,
        objects: &Objects,
        set: &Written<StatefulSetManifest>,
        spec: StatefulSetSpec,
    ) -> Vec<Problem> {
        let there = |template: &str| {
            let mut ordinals = spec.first_ordinal..spec.first_ordinal + spec.replicas;
            ordinals.all(|ordinal| {
                let name = claim_name(template, &set.head.name, ordinal);
                let is_it = |head: &Head| head.namespace == set.head.namespace && head.name == name;
                objects.claims.iter().any(|claim| is_it(&claim.head))
            })
        };
        let mut problems = Vec::new();
        for (at, claim) in set.object.spec.volume_claim_templates.iter().enumerate() {
            if !there(&claim.metadata.name) {
                let path = format!("spec.volumeClaimTemplates.{at}.spec");
                let class = claim.spec.storage_class_name.as_deref();
                problems.extend(self.without_class(class, path));
            }
        }
        problems
    }

    /// Why claims of a class that pods make are never bound.
    fn without_class(&self, class: Option<&str>, path: String) -> Option<Problem> {
        let problem = match self.class_named(class) {
            Some(_) => return None,
            None => {
                let text = match class {
                    None => "there is no default storage class".to_owned(),
                    Some("") => "nobody makes volumes without a class".to_owned(),
                    Some(name) => format!("no storage class is called `{name}`"),
                };
                let hint = "add the StorageClass to `objects:`, and name it here";
                Problem::new(path, text).hint(hint)
            }
        };
        Some(problem)
    }

    fn class_named(&self, name: Option<&str>) -> Option<&StorageClass> {
        let catalog = &self.plan.catalog;
        self.plan.objects.iter().find_map(|id| match catalog.object(*id) {
            Object::StorageClass(class) => {
                let is_it = match name {
                    None => class.is_default,
                    Some(name) => catalog.names.text(class.name) == name,
                };
                is_it.then_some(class)
            }
            _ => None,
        })
    }
}

/// True for a claim without a volume, if nothing that happens in a run gives it one.
fn waits_for_ever(claim: &Claim, classes: &[StorageClass], catalog: &Catalog) -> bool {
    let class = classes.iter().find(|class| class.name == claim.class);
    let gets_one = |class: &StorageClass| {
        class.binding == BindingMode::WaitForFirstConsumer || class.makes_volumes(catalog)
    };
    claim.volume.is_none() && !claim.lost && !class.is_some_and(gets_one)
}
