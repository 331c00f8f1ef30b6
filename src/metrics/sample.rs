//! What is looked at now and then, because it needs a walk over all nodes: the spread of nodes,
//! stranded capacity and fragmentation.
//!
//! Typical pods are the most popular shapes that make up 95 % of the pods submitted so far (of the
//! run, at its end), at most 256 of them. Capacity of a resource is stranded on a node if, for
//! every typical shape, some other resource of that node is short.

use super::book::{Book, NodeRow};
use super::states::PodState;
use super::usage::Usage;
use crate::ground::{Id, Time};
use crate::model::{
    DeviceShape, Fragmentation, IdleNode, Resource, TypicalPod, fragmentation, typical_pods,
};
use crate::stats::Spread;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Share of pods that typical shapes cover, percent (FGD: `TypicalPodsConfig`).
const TYPICAL_PERCENT: u64 = 95;
/// Most typical shapes.
const TYPICAL_LIMIT: usize = 256;

/// One resource at an instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ResourceSample {
    pub(super) used: u64,
    pub(super) capacity: u64,
    pub(super) spread: Spread,
    /// Stranded over capacity.
    pub(super) stranded: f64,
    /// Really used over capacity, of CPU and memory.
    pub(super) utilisation: Option<f64>,
}

impl ResourceSample {
    pub(super) fn ratio(&self) -> f64 {
        if self.capacity == 0 { 0.0 } else { self.used as f64 / self.capacity as f64 }
    }
}

/// The cluster at an instant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sample {
    pub(super) at: Time,
    pub(super) nodes: u64,
    /// Pods by state.
    pub(super) states: [u64; PodState::COUNT],
    /// By number of the resource.
    pub(super) resources: Vec<ResourceSample>,
    /// Over all nodes that count, if any of them has devices.
    pub(super) fragmentation: Option<Fragmentation>,
}

/// What samples are taken from.
#[derive(Clone, Copy)]
pub(super) struct Now<'b> {
    pub(super) book: &'b Book,
    pub(super) usage: &'b Usage,
    /// The given typical pods, if any.
    pub(super) typical: &'b [TypicalPod],
}

impl Sample {
    /// The same later, when nothing has happened but growth.
    pub(super) fn again(&self, at: Time, now: Now<'_>) -> Sample {
        let mut sample = Sample { at, ..self.clone() };
        sample.use_of(now);
        sample
    }

    /// Writes down what is used.
    fn use_of(&mut self, now: Now<'_>) {
        for (number, resource) in self.resources.iter_mut().enumerate() {
            resource.utilisation = now.usage.ratio(now.book.resources[number], self.at);
        }
    }

    /// Share of a resource that is really used; `None` if that is not measured of it.
    pub(super) fn utilisation(&self, number: usize) -> Option<f64> {
        self.resources.get(number)?.utilisation
    }

    /// Capacity of a resource.
    pub(super) fn capacity(&self, number: usize) -> u64 {
        self.resources.get(number).map_or(0, |resource| resource.capacity)
    }

    /// Pods per node that counts.
    pub(super) fn density(&self) -> f64 {
        let held = self.resources.first().map_or(0, |slots| slots.used);
        if self.nodes == 0 { 0.0 } else { held as f64 / self.nodes as f64 }
    }
}

/// Fragment over idle devices; zero if nothing is idle.
pub(super) fn ratio_of(fragmentation: &Fragmentation) -> f64 {
    match fragmentation.idle() {
        idle if idle > 0.0 => fragmentation.amount() / idle,
        _ => 0.0,
    }
}

/// Numbers and names of the resources that nodes offer: cpu, memory, gpu, then the others.
pub(super) fn shown_resources(book: &Book) -> Vec<(usize, String)> {
    let offered = |number: usize| {
        let mut amounts = book.node_specs.iter().flat_map(|spec| &spec.amounts);
        amounts.any(|(n, amount)| usize::from(*n) == number && *amount > 0)
    };
    let mut shown: Vec<usize> = (0..book.resources.len()).filter(|n| offered(*n)).collect();
    shown.sort_by_key(|number| match book.resources[*number] {
        Resource::Cpu => 0,
        Resource::Memory => 1,
        Resource::Device => 2,
        Resource::Extended(_) => 3,
        Resource::EphemeralStorage => 4,
        Resource::Pods => 5,
    });
    let named = |number: usize| (number, book.resource_text(book.resources[number]));
    shown.into_iter().map(named).collect()
}

/// The unit in which people count a resource, and how many of ours make one.
pub(super) const fn unit_of(resource: Resource) -> (&'static str, f64) {
    match resource {
        Resource::Cpu => ("cores", 1000.0),
        Resource::Memory | Resource::EphemeralStorage => ("bytes", 1.0),
        Resource::Pods => ("slots", 1.0),
        Resource::Device => ("devices", 1000.0),
        Resource::Extended(_) => ("units", 1.0),
    }
}

/// A request as the fit of typical shapes sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct FitShape {
    amounts: Vec<(u16, u64)>,
    milli_each: u32,
    devices: u32,
}

/// Takes samples.
pub(super) struct Sampler<'b> {
    now: Now<'b>,
    book: &'b Book,
    typical: Vec<TypicalPod>,
    shapes: Vec<FitShape>,
    device_number: Option<usize>,
}

impl<'b> Sampler<'b> {
    /// A sampler over these books; without given typical pods, those of the submissions so far.
    pub(super) fn new(now: Now<'b>) -> Sampler<'b> {
        let (book, given) = (now.book, now.typical);
        let device_number = book.resources.iter().position(|r| *r == Resource::Device);
        let has_devices = book.node_specs.iter().any(|spec| spec.device_milli > 0);
        let mut typical = match (given, has_devices) {
            (_, false) => Vec::new(),
            ([], true) => typical_of(book),
            (given, true) => given.to_vec(),
        };
        typical.truncate(TYPICAL_LIMIT);
        Sampler { now, book, typical, shapes: fit_shapes(book), device_number }
    }

    /// The cluster now.
    pub(super) fn sample(&self, at: Time) -> Sample {
        let mut sample = Sample { at, states: self.book.states, ..Sample::default() };
        let width = self.book.resources.len();
        sample.resources = vec![ResourceSample::default(); width];
        let mut ratios: Vec<Vec<f64>> = vec![Vec::new(); width];
        let mut stranded = vec![0u64; width];
        for node in self.book.nodes.iter().filter(|node| node.counted) {
            sample.nodes += 1;
            let left = self.add_node(node, &mut sample, &mut ratios);
            self.add_stranded(node, &left, &mut stranded);
            self.add_fragmentation(node, &mut sample);
        }
        for (number, resource) in sample.resources.iter_mut().enumerate() {
            resource.spread = Spread::of(&mut ratios[number]);
            if resource.capacity > 0 {
                resource.stranded = stranded[number] as f64 / resource.capacity as f64;
            }
        }
        sample.use_of(self.now);
        sample
    }

    /// Adds a node to the sums and returns what is left of each resource.
    fn add_node(&self, node: &NodeRow, sample: &mut Sample, ratios: &mut [Vec<f64>]) -> Vec<u64> {
        let mut left = vec![0; ratios.len()];
        for (number, capacity) in &self.book.node_specs[node.spec.index()].amounts {
            let number = usize::from(*number);
            let used = node.used.get(number).copied().unwrap_or(0);
            let resource = &mut sample.resources[number];
            resource.used += used;
            resource.capacity += capacity;
            left[number] = capacity.saturating_sub(used);
            if *capacity > 0 {
                ratios[number].push(used as f64 / *capacity as f64);
            }
        }
        left
    }

    fn add_stranded(&self, node: &NodeRow, left: &[u64], stranded: &mut [u64]) {
        if self.shapes.is_empty() {
            return;
        }
        let mut usable = vec![false; left.len()];
        for shape in &self.shapes {
            match self.short_of(node, left, shape) {
                Short::Nothing => return,
                Short::One(number) => usable[number] = true,
                Short::More => {}
            }
        }
        for (number, amount) in left.iter().enumerate() {
            stranded[number] += if usable[number] { 0 } else { *amount };
        }
    }

    /// Which resources of a node are short for a shape.
    fn short_of(&self, node: &NodeRow, left: &[u64], shape: &FitShape) -> Short {
        let devices = node.device_left.iter().filter(|left| **left >= shape.milli_each).count();
        let short_of_devices = (devices as u64) < u64::from(shape.devices);
        let slots = &self.book.node_specs[node.spec.index()].amounts;
        let no_slot = slots.iter().any(|(number, _)| *number == 0) && left[0] == 0;
        let others = shape.amounts.iter().map(|(number, amount)| (usize::from(*number), *amount));
        let short = others.filter(|(number, amount)| {
            if Some(*number) == self.device_number {
                short_of_devices
            } else {
                left[*number] < *amount
            }
        });
        let mut short = short.map(|(number, _)| number).chain(no_slot.then_some(0));
        match (short.next(), short.next()) {
            (None, _) => Short::Nothing,
            (Some(number), None) => Short::One(number),
            _ => Short::More,
        }
    }

    fn add_fragmentation(&self, node: &NodeRow, sample: &mut Sample) {
        if node.device_left.is_empty() {
            return;
        }
        let spec = &self.book.node_specs[node.spec.index()];
        let is_cpu = |number: usize| self.book.resources[number] == Resource::Cpu;
        let mut cpu = spec.amounts.iter().filter(|(number, _)| is_cpu(usize::from(*number)));
        let cpu = cpu.next().map_or(0, |(number, capacity)| {
            let used = node.used.get(usize::from(*number)).copied().unwrap_or(0);
            capacity.saturating_sub(used)
        });
        let idle = IdleNode { cpu, devices: &node.device_left, model: spec.model };
        let total = sample.fragmentation.get_or_insert_default();
        total.add(&fragmentation(idle, &self.typical));
    }
}

/// How a shape fits a node.
enum Short {
    Nothing,
    One(usize),
    More,
}

fn typical_of(book: &Book) -> Vec<TypicalPod> {
    let counts = book.pod_specs.iter().filter(|spec| spec.submitted > 0).map(|spec| {
        let shape = DeviceShape::from_total(spec.cpu, spec.device_milli, &spec.models);
        (shape, spec.submitted)
    });
    typical_pods(counts, TYPICAL_PERCENT, |name| book.text(name))
}

/// The most popular requests, all resources considered.
fn fit_shapes(book: &Book) -> Vec<FitShape> {
    let mut counts: BTreeMap<FitShape, u64> = BTreeMap::new();
    for spec in book.pod_specs.iter().filter(|spec| spec.submitted > 0) {
        let shape = DeviceShape::from_total(spec.cpu, spec.device_milli, &[]);
        let mut amounts = spec.amounts.clone();
        amounts.retain(|(_, amount)| *amount > 0);
        amounts.sort_unstable();
        let shape = FitShape { amounts, milli_each: shape.milli_each, devices: shape.count };
        *counts.entry(shape).or_default() += spec.submitted;
    }
    let total: u64 = counts.values().sum();
    let mut ranked: Vec<(FitShape, u64)> = counts.into_iter().collect();
    ranked.sort_by_key(|(_, count)| Reverse(*count));
    let mut taken = 0;
    let mut shapes = Vec::new();
    for (shape, count) in ranked {
        if u128::from(taken) * 100 >= u128::from(total) * u128::from(TYPICAL_PERCENT)
            || shapes.len() == TYPICAL_LIMIT
        {
            break;
        }
        taken += count;
        shapes.push(shape);
    }
    shapes
}
