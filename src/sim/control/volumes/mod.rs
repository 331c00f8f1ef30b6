//! The controllers of storage: claims are bound to volumes, drivers are asked for volumes that are
//! missing, volumes are attached and detached, and those that nobody claims are reclaimed.
//!
//! What a storage driver does in its own processes (external-provisioner, external-attacher) is
//! told by how long it takes, and is not held back by the client of a controller.

mod attacher;
mod binder;
mod reclaim;

use super::{Duty, Memory};
use crate::ground::{Name, Time};
use crate::journal::Sink;
use crate::model::{BindingMode, Catalog, Change, ClaimRef, Object};
use crate::policy::Cx;
use crate::sim::host::Host;
use crate::sim::params::Timing;
use crate::sim::world::World;
use crate::sim::{Event, VolumeEvent};
use attacher::Attacher;
use binder::Binder;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is to be done about a change of claims and volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum VolumeDuty {
    /// See whether a claim can be bound.
    Bind(ClaimRef),
    /// See what becomes of a volume.
    Reclaim(Name),
    /// Claims that found no volume may find one at the next resync.
    Resync,
}

/// What these controllers remember.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct VolumeMemory {
    binder: Binder,
    attacher: Attacher,
    /// Volumes that are deleted as soon as no node has them.
    doomed: BTreeSet<Name>,
}

impl VolumeMemory {
    pub(super) fn new(timing: &Timing) -> VolumeMemory {
        VolumeMemory {
            binder: Binder::new(),
            attacher: Attacher::new(timing.is_lifecycle()),
            doomed: BTreeSet::new(),
        }
    }

    pub(super) fn set_rate(&mut self, timing: &Timing) {
        self.binder.client.set_rate(timing.controllers);
        self.attacher.client.set_rate(timing.controllers);
    }

    /// True if a change, about to be made, may give one of these controllers something to do.
    pub(super) fn cares_about(&self, cx: Cx<'_>, change: &Change) -> bool {
        match *change {
            Change::ObjectSet { object } | Change::ObjectRemoved { object } => matches!(
                cx.catalog.object(object),
                Object::Claim(_) | Object::Volume(_) | Object::StorageClass(_)
            ),
            _ => self.attacher.cares_about(cx, change),
        }
    }
}

impl Memory {
    /// Takes note of what concerns storage in a change that the view is about to take.
    pub(super) fn storage_observes(&mut self, cx: Cx<'_>, change: &Change) {
        let duty = match *change {
            Change::ObjectSet { object } => match cx.catalog.object(object) {
                Object::Claim(claim) if !claim.bound && !claim.lost && !claim.deleting => {
                    Some(VolumeDuty::Bind(claim.key()))
                }
                Object::Volume(volume) if volume.released => Some(VolumeDuty::Reclaim(volume.name)),
                Object::Volume(volume) => match volume.claim {
                    Some(claim) => Some(VolumeDuty::Bind(claim)),
                    None => Some(VolumeDuty::Resync),
                },
                Object::StorageClass(class) if class.binding == BindingMode::Immediate => {
                    Some(VolumeDuty::Resync)
                }
                _ => None,
            },
            Change::ObjectRemoved { object } => match cx.catalog.object(object) {
                Object::Claim(claim) => claim.volume.map(VolumeDuty::Reclaim),
                _ => None,
            },
            _ => {
                self.volumes.attacher.observe(cx, change);
                None
            }
        };
        self.duties.extend(duty.map(Duty::Volume));
    }
}

impl World {
    pub(super) fn see_to_storage<S: Sink>(&mut self, host: &mut Host<'_, S>, duty: VolumeDuty) {
        match duty {
            VolumeDuty::Bind(claim) => self.enqueue_claim(host, claim),
            VolumeDuty::Reclaim(volume) => self.reclaim(host, volume),
            VolumeDuty::Resync => self.plan_resync(host),
        }
    }

    /// Handles an event about claims and volumes.
    pub(in crate::sim) fn handle_volume<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        event: VolumeEvent,
    ) {
        match event {
            VolumeEvent::DecisionArrives { .. } => self.decision_arrives(host, event),
            VolumeEvent::SchedulerLooks { uid } => self.scheduler_looks(host, uid),
            VolumeEvent::ClaimBinds { claim, volume } => self.claim_binds(host, claim, volume),
            VolumeEvent::VolumeMade { claim } => self.volume_made(host, claim),
            VolumeEvent::ClaimsResync => self.claims_resync(host),
            VolumeEvent::VolumeReleases { volume } => self.volume_releases(host, volume),
            VolumeEvent::VolumeGoes { volume } => self.volume_goes(host, volume),
            VolumeEvent::AttachPass => self.attach_pass(host),
            VolumeEvent::Attached { volume, node } => self.volume_is_attached(host, volume, node),
            VolumeEvent::Detached { volume, node } => self.volume_is_detached(host, volume, node),
            VolumeEvent::KubeletSees { pod, uid } => self.kubelet_sees_volume(host, pod, uid),
        }
    }

    /// Checks that a volume that one node may write to is attached to one node, and that claims
    /// and volumes agree on who has whom.
    ///
    /// # Panics
    /// If that is not so; the message names it.
    pub(in crate::sim) fn check_volumes(&self, now: Time) {
        let objects = self.store.truth.objects();
        for volume in objects.volumes(&self.catalog) {
            let nodes = self.control.memory.volumes.attacher.nodes_of(volume.name);
            let name = self.catalog.names.text(volume.name);
            let alone = !volume.is_single() || nodes <= 1;
            assert!(alone, "at {now}: the volume {name} is attached to {nodes} nodes");
        }
        for claim in objects.claims(&self.catalog).filter(|claim| claim.bound && !claim.lost) {
            let volume = claim
                .volume
                .and_then(|volume| objects.volume(Catalog::NO_TEXT, volume, &self.catalog));
            let its = volume.is_some_and(|volume| volume.claim == Some(claim.key()));
            let name = self.catalog.names.text(claim.name);
            assert!(its, "at {now}: the claim {name} is bound to a volume that is not its own");
        }
        self.check_mounts(now);
    }

    fn storage_event<S: Sink>(host: &mut Host<'_, S>, at: Time, what: VolumeEvent) {
        host.store_at(at, Event::Volume(what));
    }
}
