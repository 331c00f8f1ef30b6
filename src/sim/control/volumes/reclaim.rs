//! What becomes of volumes that nobody claims any more.
//!
//! Source: `syncVolume` and `reclaimVolume` of
//! `pkg/controller/volume/persistentvolume/pv_controller.go`, Kubernetes 1.34. A volume that is to
//! be deleted stays until no node has it.

use crate::ground::Name;
use crate::journal::{Fact, Sink, VolumeFact};
use crate::model::{Change, Object, ReclaimPolicy, Volume, VolumeEnd};
use crate::sim::VolumeEvent;
use crate::sim::host::Host;
use crate::sim::world::World;

impl World {
    /// True if the claim that a volume is kept for does not have it.
    fn is_left(&self, volume: &Volume) -> bool {
        let objects = self.store.truth.objects();
        volume.claim.is_some_and(|key| {
            let claim = objects.claim(key.namespace, key.name, &self.catalog);
            claim.is_none_or(|claim| claim.volume.is_some_and(|other| other != volume.name))
        })
    }

    /// Sees what becomes of a volume whose claim is gone.
    pub(super) fn reclaim<S: Sink>(&mut self, host: &mut Host<'_, S>, name: Name) {
        let Some(volume) = self.volume_row(name).filter(|volume| volume.claim.is_some()) else {
            return;
        };
        if !volume.released && self.is_left(&volume) {
            let sent = self.control.memory.volumes.binder.client.send(host.now, 1);
            let at = sent + self.timing.request;
            Self::storage_event(host, at, VolumeEvent::VolumeReleases { volume: name });
        } else if volume.released && volume.reclaim == ReclaimPolicy::Delete {
            self.control.memory.volumes.doomed.insert(name);
            self.delete_if_free(host, name);
        }
    }

    pub(super) fn volume_releases<S: Sink>(&mut self, host: &mut Host<'_, S>, name: Name) {
        let Some(mut volume) = self.volume_row(name) else { return };
        if !volume.released && self.is_left(&volume) {
            volume.released = true;
            volume.available = false;
            self.introduce_name(host, name);
            host.fact(Fact::Volume(VolumeFact::Ended { volume: name, end: VolumeEnd::Released }));
            self.set_volume(host, volume);
        }
    }

    /// The driver deletes a volume that is to go, if no node has it.
    pub(super) fn delete_if_free<S: Sink>(&mut self, host: &mut Host<'_, S>, volume: Name) {
        let volumes = &self.control.memory.volumes;
        if volumes.doomed.contains(&volume) && volumes.attacher.nodes_of(volume) == 0 {
            let at = host.now + self.timing.request;
            Self::storage_event(host, at, VolumeEvent::VolumeGoes { volume });
        }
    }

    pub(super) fn volume_goes<S: Sink>(&mut self, host: &mut Host<'_, S>, name: Name) {
        if !self.control.memory.volumes.doomed.remove(&name) {
            return;
        }
        let Some(volume) = self.volume_row(name) else { return };
        host.fact(Fact::Volume(VolumeFact::Ended { volume: name, end: VolumeEnd::Deleted }));
        let object = self.catalog.intern_object(&Object::Volume(volume));
        self.commit(host, Change::ObjectRemoved { object });
    }
}
