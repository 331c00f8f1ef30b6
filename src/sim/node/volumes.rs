//! How a kubelet comes by the volumes of a pod: it waits until all of them are attached to its
//! node, then it mounts them, all at the same time.
//!
//! Source: `WaitForAttachAndMount` of `pkg/kubelet/volumemanager/volume_manager.go`, Kubernetes
//! 1.34. That a volume is attached is taken to be seen after the watch delay, without the back-off
//! between the looks of the kubelet.

use crate::ground::{Name, Purpose, Span, Time};
use crate::journal::{Fact, Sink, VolumeFact};
use crate::model::{NodeId, PodId, PodUid, VolumeWait};
use crate::sim::host::Host;
use crate::sim::machine::Stage;
use crate::sim::volumes::driven_volumes;
use crate::sim::world::World;

const MOUNT_VOLUMES: Purpose = Purpose::new("volume-mount");

impl World {
    /// Volumes that are attached to the node of a pod.
    fn volumes_of(&self, pod: PodId) -> Vec<Name> {
        let row = self.store.truth.pod(pod).expect("what a kubelet runs is in the store");
        driven_volumes(&self.store.truth, &self.catalog, (row.spec, row.name))
    }

    /// The kubelet begins with the volumes of a pod, or goes on once more are attached.
    pub(super) fn kubelet_mounts<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        let (node, _) = self.place_of(pod);
        let volumes = self.volumes_of(pod);
        let program = self.fleet.get(pod);
        let (uid, key, attempt) = (program.uid, program.key, program.attempt);
        for volume in &volumes {
            self.volumes.mount(*volume, node, uid);
        }
        let missing = volumes.iter().find(|volume| !self.is_attached(**volume, node)).copied();
        if let Some(storage) = missing {
            if self.volumes.awaiting.insert(uid) {
                self.introduce_name(host, storage);
                let wait = VolumeWait::Attach;
                host.fact(Fact::Volume(VolumeFact::Awaited {
                    pod: uid,
                    wait,
                    storage,
                    node: None,
                }));
            }
            return;
        }
        self.volumes.awaiting.remove(&uid);
        let mut draw = self.draws.stream(MOUNT_VOLUMES, key, attempt);
        let mount = &self.volumes.delays.mount;
        let took = volumes.iter().map(|_| mount.sample(&mut draw)).max().unwrap_or(Span::ZERO);
        if let Some(storage) = volumes.first().copied() {
            self.introduce_name(host, storage);
            let wait = VolumeWait::Mount;
            host.fact(Fact::Volume(VolumeFact::Awaited { pod: uid, wait, storage, node: None }));
        }
        self.kubelet_prepares(host, pod, took);
    }

    /// The kubelet sees that a volume is attached for which a pod waits.
    pub(in crate::sim) fn kubelet_sees_volume<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
    ) {
        let waits = self.volumes.awaiting.contains(&uid);
        let program = self.fleet.program_if(pod, uid);
        if waits && program.is_some_and(|program| program.stage == Stage::Preparing) {
            self.kubelet_mounts(host, pod);
        }
    }

    /// The volumes of a pod of which nothing runs any more are unmounted, as its node reports.
    pub(in crate::sim) fn kubelet_unmounts<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        (uid, node): (PodUid, NodeId),
    ) {
        self.volumes.awaiting.remove(&uid);
        let freed = self.volumes.unmount(node, |other| other == uid);
        if !freed.is_empty() {
            let at = host.now + self.timing.watch;
            self.volumes_touched(host, &freed, at);
        }
    }

    /// The kubelet of a node that is back unmounts what pods have left that are gone.
    pub(in crate::sim) fn kubelet_tidies<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        if self.volumes.nothing_is_mounted() || self.fleet.machines[node].silent {
            return;
        }
        let truth = &self.store.truth;
        let there: Vec<PodUid> =
            (truth.holds(node).pods.iter()).filter_map(|pod| Some(truth.pod(*pod)?.uid)).collect();
        let freed = self.volumes.unmount(node, |uid| !there.contains(&uid));
        if !freed.is_empty() {
            let at = host.now + self.timing.request + self.timing.watch;
            self.volumes_touched(host, &freed, at);
        }
    }

    /// A pod was running before the run began: it has its volumes.
    pub(super) fn volumes_were_mounted(&mut self, pod: PodId, node: NodeId) {
        let uid = self.fleet.get(pod).uid;
        for volume in self.volumes_of(pod) {
            self.volume_was_attached(volume, node);
            self.volumes.mount(volume, node, uid);
        }
    }

    /// Checks that pods with containers have their volumes.
    ///
    /// # Panics
    /// If one has not; the message names it.
    pub(in crate::sim) fn check_mounts(&self, now: Time) {
        if self.volumes.nothing_is_mounted() || !self.is_lifecycle() {
            return;
        }
        for (pod, row) in self.store.truth.pods() {
            let runs = self.fleet.program(pod).is_some_and(|program| program.runs());
            let Some(node) = row.node.filter(|_| runs) else { continue };
            for volume in self.volumes_of(pod) {
                let kept = self.is_attached(volume, node) || self.is_out_of_service(node);
                let name = self.catalog.names.text(volume);
                assert!(kept, "at {now}: {pod:?} runs without its volume {name}");
            }
        }
    }
}
