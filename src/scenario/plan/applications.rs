//! How each image behaves, and what layers it has.

use super::Planner;
use crate::ground::{Bytes, DistError, Name, SpanDist, SpanDistParams, TableLoader};
use crate::model::{Application, Behaviour, Layer, normalized_image};
use crate::scenario::diagnostic::nearest;
use crate::scenario::{
    ApplicationParams, COMPRESSED_SHARE_DEFAULT, CompressedParams, IMAGE_SIZE_DEFAULT,
    LAYERS_DEFAULT, LayersParams, Size, StopParams,
};
use std::collections::{BTreeMap, BTreeSet};

/// An image and how it behaves, before the files of its distributions are read.
#[derive(Debug, Clone)]
pub struct ApplicationPlan {
    /// Normalised name of the image.
    pub image: Name,
    /// Layers, the lowest first.
    pub layers: Vec<Layer>,
    /// What the scenario says; its files can be found from the working directory. `None` for an
    /// image that it does not describe.
    pub params: Option<Box<ApplicationParams>>,
}

impl ApplicationPlan {
    /// The application; reads the files of its distributions.
    pub(in crate::scenario) fn resolve(
        &self,
        load: &mut TableLoader<'_>,
    ) -> Result<Application, DistError> {
        let (missing, behaviour) = match &self.params {
            Some(params) => (params.missing, behaviour(params, load)?),
            None => (false, Behaviour::default()),
        };
        Ok(Application { image: self.image, layers: self.layers.clone(), missing, behaviour })
    }
}

fn behaviour(
    params: &ApplicationParams,
    load: &mut TableLoader<'_>,
) -> Result<Behaviour, DistError> {
    let healthy = Behaviour::default();
    let mut read = |dist: &SpanDistParams| dist.resolve(load);
    let optional =
        |dist: Option<&SpanDistParams>,
         read: &mut dyn FnMut(&SpanDistParams) -> Result<SpanDist, DistError>| {
            dist.map(read).transpose()
        };
    let crash = params.crash.as_ref();
    Ok(Behaviour {
        container_start: optional(params.container_start.as_ref(), &mut read)?,
        startup: read(&params.startup)?,
        ready_after: read(&params.ready_after)?,
        never_ready: params.never_ready,
        probe_answer: params.probe_answer,
        hang_after: optional(params.hang_after.as_ref(), &mut read)?,
        run_for: optional(params.run_for.as_ref(), &mut read)?,
        crash_after: optional(params.crash_after().as_ref(), &mut read)?,
        crashes: crash.and_then(|crash| crash.times),
        exit_code: crash.map_or(healthy.exit_code, |crash| crash.exit_code),
        stop: match params.stop {
            StopParams::After(span) => Some(span),
            StopParams::Ignores => None,
        },
        post_start: params.post_start,
        pre_stop: params.pre_stop,
        cpu: params.cpu.as_ref().map_or(healthy.cpu, |usage| usage.usage()),
        memory: params.memory.as_ref().map_or(healthy.memory, |usage| usage.usage()),
        disk: params.disk.as_ref().map_or(healthy.disk, |usage| usage.usage()),
        error_ppm: params.error_rate.map_or(0, |rate| scaled(rate.value(), 1_000_000.0)),
        latency_permille: params.latency_factor.map_or(1000, |factor| scaled(factor.value(), 1e3)),
    })
}

/// A checked ratio as a whole number of parts.
fn scaled(ratio: f64, parts: f64) -> u32 {
    (ratio * parts).round() as u32
}

impl Planner<'_> {
    /// Describes every image that a pod wants, a node has or the scenario names.
    pub(super) fn applications(&mut self) {
        let described = self.described();
        let mut used = self.used_images();
        used.extend(self.timeline_images().iter().map(|image| self.name(image)));
        self.unused_applications(&described, &used);
        // Names of one image, as a node reports them, stand for the same layers.
        let mut same: BTreeMap<Name, Name> = BTreeMap::new();
        let mut sizes: BTreeMap<Name, Bytes> = BTreeMap::new();
        for (names, size) in self.images_on_nodes() {
            let known = names.iter().find_map(|name| same.get(name)).copied();
            let described = names.iter().find(|name| described.contains_key(name)).copied();
            let Some(one) = known.or(described).or(names.first().copied()) else { continue };
            for name in names {
                same.entry(name).or_insert(one);
                let most = sizes.entry(name).or_insert(size);
                *most = size.max(*most);
            }
        }
        let mut images: BTreeSet<Name> = used;
        images.extend(same.keys());
        images.extend(described.keys());
        let mut named: BTreeMap<Name, (Bytes, usize)> = BTreeMap::new();
        for image in images {
            let of_layers = same.get(&image).copied().unwrap_or(image);
            let params = described.get(&image).or_else(|| described.get(&of_layers));
            let size = sizes.get(&image).copied();
            let params = params.map(|at| (*at, &self.file.applications[*at]));
            let layers = self.layers(of_layers, params, size, &mut named);
            let params = described.get(&image).map(|at| self.with_paths(*at));
            self.plan.applications.push(ApplicationPlan { image, layers, params });
        }
    }

    /// Positions of the applications of the scenario by the name of their image.
    fn described(&mut self) -> BTreeMap<Name, usize> {
        let file = self.file;
        let mut described: BTreeMap<Name, usize> = BTreeMap::new();
        for (at, one) in file.applications.iter().enumerate() {
            let path = format!("applications.{at}");
            self.under(&path, one.check());
            let image = normalized_image(&one.image).into_owned();
            let name = self.name(&image);
            if let Some(first) = described.get(&name) {
                let text = format!("the image `{image}` is described twice");
                let hint = format!("keep one of them; the first is entry {}", first + 1);
                self.wrong(format!("{path}.image"), text, &hint);
            } else {
                described.insert(name, at);
            }
        }
        described
    }

    /// What the scenario says of an image, its paths made to start where they are meant to.
    fn with_paths(&mut self, at: usize) -> Box<ApplicationParams> {
        let mut params = Box::new(self.file.applications[at].clone());
        self.resolve(&format!("applications.{at}"), params.paths_mut());
        params
    }

    fn used_images(&self) -> BTreeSet<Name> {
        let specs = self.plan.catalog.pod_specs().map(|(_, spec)| spec);
        let containers = specs.flat_map(|spec| spec.containers.iter().chain(&spec.init_containers));
        containers.filter_map(|container| container.image).collect()
    }

    fn images_on_nodes(&self) -> Vec<(Vec<Name>, Bytes)> {
        let specs: BTreeSet<_> = self.plan.nodes.iter().map(|node| node.spec).collect();
        let images = specs.iter().flat_map(|spec| &self.plan.catalog.node_spec(*spec).images);
        let single = images.map(|image| (vec![image.name], image.size));
        self.images.iter().cloned().chain(single).collect()
    }

    fn unused_applications(&mut self, described: &BTreeMap<Name, usize>, used: &BTreeSet<Name>) {
        if !self.findings.may_run() {
            return; // the image may be one of a pod that could not be read
        }
        for (name, at) in described {
            if used.contains(name) {
                continue;
            }
            let names = &self.plan.catalog.names;
            let text = names.text(*name);
            let hint = match nearest(text, used.iter().map(|name| names.text(*name))) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "the name is that of `image:` in a container, with its tag".to_owned(),
            };
            let text = format!("no container uses the image `{text}`");
            self.warn(format!("applications.{at}.image"), text, &hint);
        }
    }

    /// The layers of an image; own ones are called after `image`.
    fn layers(
        &mut self,
        image: Name,
        params: Option<(usize, &ApplicationParams)>,
        size: Option<Bytes>,
        named: &mut BTreeMap<Name, (Bytes, usize)>,
    ) -> Vec<Layer> {
        let written = params.and_then(|(at, params)| Some((at, params.layers.as_ref()?)));
        let mut layers: Vec<(Name, Bytes)> = Vec::new();
        if let Some((at, LayersParams::List(list))) = written {
            for (number, layer) in list.iter().enumerate() {
                let name = self.name(&layer.name);
                let size = layer.size.0;
                let (first, of) = *named.entry(name).or_insert((size, at));
                if first != size && of != at {
                    let text = format!("the layer `{}` is {first} in another image", layer.name);
                    let hint = "layers of one name are one layer: write one size, or two names";
                    self.wrong(format!("applications.{at}.layers.{number}.size"), text, hint);
                }
                layers.push((name, size));
            }
        } else {
            let number = match written {
                Some((_, LayersParams::Number(number))) => *number,
                _ => LAYERS_DEFAULT,
            };
            let given = params.and_then(|(_, params)| params.size).map(|Size(size)| size);
            let size = given.or(size).unwrap_or(IMAGE_SIZE_DEFAULT);
            let stem = self.plan.catalog.names.text(image).to_owned();
            for (number, part) in parts(size.0, number).enumerate() {
                layers.push((self.name(&format!("{stem}#{number}")), Bytes(part)));
            }
        }
        let compressed = params.and_then(|(_, params)| params.compressed);
        compress(&layers, compressed)
    }
}

/// An amount in equal parts, of which the first takes what is left over.
fn parts(amount: u64, number: u8) -> impl Iterator<Item = u64> {
    let number = u64::from(number.max(1));
    (0..number).map(move |at| amount / number + if at == 0 { amount % number } else { 0 })
}

/// What is pulled of each layer: the same share of all of them.
fn compress(layers: &[(Name, Bytes)], written: Option<CompressedParams>) -> Vec<Layer> {
    let whole: u64 = layers.iter().map(|(_, size)| size.0).sum();
    // Shares are counted in millionths, so that no sum depends on the order of its parts.
    let of = |size: u64, part: u64, whole: u64| {
        let part = u128::from(size) * u128::from(part) / u128::from(whole.max(1));
        Bytes(u64::try_from(part).unwrap_or(u64::MAX))
    };
    let (part, whole) = match written {
        Some(CompressedParams::Amount(Size(amount))) => (amount.0, whole),
        Some(CompressedParams::Share(share)) => (u64::from(scaled(share.value(), 1e6)), 1_000_000),
        None => (u64::from(scaled(COMPRESSED_SHARE_DEFAULT, 1e6)), 1_000_000),
    };
    let layer = |&(name, size): &(Name, Bytes)| Layer {
        name,
        compressed: of(size.0, part, whole),
        unpacked: size,
    };
    layers.iter().map(layer).collect()
}
