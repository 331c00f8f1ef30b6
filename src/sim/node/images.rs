//! The images of a node: layers that images share, what uses them, and what is thrown away.
//!
//! A node throws images away only at a look of its garbage collector that finds the disk too full;
//! other looks are no events.

use crate::ground::{Bytes, Name, Purpose, Span, Time};
use crate::journal::{Fact, Sink};
use crate::model::{Catalog, Layer, NodeId, NodeSpec, PodSpecId};
use crate::policy::kube::kubelet::{ImageDisk, StoredImage};
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::machine::Stage;
use crate::sim::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const GC_PHASE: Purpose = Purpose::new("image-gc-phase");

/// Size on disk of an image about which nothing is known: the median of a survey of popular public
/// images, 245 MB; two fifths of it are pulled.
const UNKNOWN_IMAGE: Bytes = Bytes(245_000_000);

/// Size of the disk of a node about which nothing is said.
const UNKNOWN_DISK: Bytes = Bytes(100 << 30);

/// Whether a node has an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// Yes.
    There,
    /// No.
    Missing,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct NodeImage {
    name: Name,
    layers: Vec<Layer>,
    detected: Time,
    last_used: Time,
}

/// The images of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sim) struct ImageStore {
    /// In order of arrival.
    images: Vec<NodeImage>,
    /// Layers, and how many images have each.
    layers: BTreeMap<Name, (Bytes, u32)>,
    used: Bytes,
    /// When the garbage collector looks next, the end of time for never.
    look: Option<Time>,
}

/// The layers of an image.
pub(super) fn layers_of(catalog: &Catalog, image: Name) -> Vec<Layer> {
    match catalog.application(image) {
        Some(known) => known.layers.clone(),
        None => {
            let compressed = Bytes(UNKNOWN_IMAGE.0 / 5 * 2);
            vec![Layer { name: image, compressed, unpacked: UNKNOWN_IMAGE }]
        }
    }
}

impl ImageStore {
    /// The images that a node of this specification has from the start.
    pub(super) fn new(spec: &NodeSpec, catalog: &Catalog) -> ImageStore {
        let mut store = ImageStore::default();
        for image in &spec.images {
            let layers = match catalog.application(image.name) {
                Some(known) => known.layers.clone(),
                None => {
                    let (name, unpacked) = (image.name, image.size);
                    vec![Layer { name, compressed: unpacked, unpacked }]
                }
            };
            store.add(image.name, layers, Time::ZERO);
        }
        store
    }

    /// Whether an image is there.
    pub(super) fn presence(&self, image: Name) -> Presence {
        if self.images.iter().any(|known| known.name == image) {
            Presence::There
        } else {
            Presence::Missing
        }
    }

    /// The layers that are not there.
    pub(super) fn missing(&self, layers: &[Layer]) -> Vec<Layer> {
        layers.iter().filter(|layer| !self.layers.contains_key(&layer.name)).copied().collect()
    }

    /// Space that all layers take.
    pub(super) fn used(&self) -> Bytes {
        self.used
    }

    /// An image arrives, unless it is there.
    pub(super) fn add(&mut self, name: Name, layers: Vec<Layer>, now: Time) {
        if self.presence(name) == Presence::There {
            return;
        }
        for layer in &layers {
            let (_, users) = self.layers.entry(layer.name).or_insert((layer.unpacked, 0));
            *users += 1;
            if *users == 1 {
                self.used = Bytes(self.used.0 + layer.unpacked.0);
            }
        }
        self.images.push(NodeImage { name, layers, detected: now, last_used: now });
    }

    /// Throws the image at a place away; returns the space of the layers that nobody else has.
    fn remove(&mut self, place: usize) -> Bytes {
        let image = self.images.remove(place);
        let mut freed = Bytes::ZERO;
        for layer in &image.layers {
            let (size, users) = self.layers.get_mut(&layer.name).expect("its image had it");
            *users -= 1;
            if *users == 0 {
                freed = Bytes(freed.0 + size.0);
                self.layers.remove(&layer.name);
            }
        }
        self.used = Bytes(self.used.0 - freed.0);
        freed
    }
}

impl World {
    /// Size of the disk of a node.
    pub(super) fn disk_capacity(&self, node: NodeId) -> Bytes {
        let capacity = self.store.truth.node_spec(node, &self.catalog).disk_capacity;
        if capacity == Bytes::ZERO { UNKNOWN_DISK } else { capacity }
    }

    /// The disk of a node as it is now.
    pub(super) fn disk(&self, node: NodeId, now: Time) -> ImageDisk {
        let capacity = self.disk_capacity(node);
        let used = self.fleet.agents[node].images.used().0 + self.node_usage(node, now).disk;
        ImageDisk { capacity, available: Bytes(capacity.0.saturating_sub(used)) }
    }

    /// An image arrives on a node.
    pub(super) fn node_has_image(&mut self, node: NodeId, image: Name, now: Time) {
        let layers = layers_of(&self.catalog, image);
        self.fleet.agents[node].images.add(image, layers, now);
    }

    /// A pod does not use its images any more.
    pub(super) fn images_unused<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        spec: PodSpecId,
    ) {
        let spec = self.catalog.pod_spec(spec);
        let containers = spec.init_containers.iter().chain(&spec.containers);
        let store = &mut self.fleet.agents[node].images;
        for name in containers.filter_map(|container| container.image) {
            if let Some(image) = store.images.iter_mut().find(|image| image.name == name) {
                image.last_used = host.now;
            }
        }
        self.consider_image_gc(host, node);
    }

    /// Sees to a look of the garbage collector if the disk is so full that one would act.
    pub(super) fn consider_image_gc<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        let params = self.timing.kubelet.image_gc;
        let aging = !params.maximum_age.is_zero();
        let excess = params.excess(self.disk(node, host.now));
        if self.fleet.agents[node].images.look.is_some() || excess == Bytes::ZERO && !aging {
            return;
        }
        let key = self.fleet.machines[node].key;
        let phase = self.draw_phase(GC_PHASE, key, params.period);
        let at = (host.now + Span::from_nanos(1)).next_tick(params.period, phase);
        self.fleet.agents[node].images.look = Some(at);
        let epoch = self.fleet.machines[node].epoch;
        host.machine(at.since(host.now), Event::ImageGc { node, epoch });
    }

    /// The garbage collector of a node looks at its disk.
    pub(in crate::sim) fn image_gc<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        epoch: u32,
    ) {
        if self.fleet.machines[node].epoch != epoch {
            return;
        }
        self.fleet.agents[node].images.look = None;
        let params = self.timing.kubelet.image_gc;
        let (images, disk) = (self.stored_images(node, host.now), self.disk(node, host.now));
        let garbage = params.garbage(disk, &images, host.now);
        let young = images
            .iter()
            .any(|image| !image.in_use && host.now.since(image.detected) < params.minimum_age);
        let waits = !params.maximum_age.is_zero() && images.iter().any(|image| !image.in_use);
        self.throw_away(host, node, garbage);
        if young || waits {
            self.consider_image_gc(host, node);
        }
    }

    /// Throws away every image that nobody uses, as a node does before it evicts pods.
    pub(super) fn reclaim_images<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        let images = self.stored_images(node, host.now);
        let garbage = self.timing.kubelet.image_gc.all_garbage(&images, host.now);
        self.throw_away(host, node, garbage);
    }

    fn throw_away<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        mut garbage: Vec<usize>,
    ) {
        if garbage.is_empty() {
            return;
        }
        garbage.sort_unstable();
        let store = &mut self.fleet.agents[node].images;
        let mut freed = 0;
        for place in garbage.iter().rev() {
            freed += store.remove(*place).0;
        }
        let images = u32::try_from(garbage.len()).expect("fewer than 2^32 images");
        host.fact(Fact::ImagesCollected { node, images, freed: Bytes(freed) });
    }

    /// The images of a node as its garbage collector sees them.
    fn stored_images(&self, node: NodeId, now: Time) -> Vec<StoredImage> {
        let mut used: BTreeSet<Name> = BTreeSet::new();
        for pod in &self.store.truth.holds(node).pods {
            if matches!(self.fleet.get(*pod).stage, Stage::Absent | Stage::Over) {
                continue;
            }
            let spec = self.store.truth.pod_spec(*pod, &self.catalog).expect("it is held");
            let containers = spec.init_containers.iter().chain(&spec.containers);
            used.extend(containers.filter_map(|container| container.image));
        }
        let images = self.fleet.agents[node].images.images.iter();
        let stored = |image: &NodeImage| {
            let in_use = used.contains(&image.name);
            StoredImage {
                size: Bytes(image.layers.iter().map(|layer| layer.unpacked.0).sum()),
                detected: image.detected,
                last_used: if in_use { now } else { image.last_used },
                in_use,
                pinned: false,
            }
        };
        images.map(stored).collect()
    }
}
