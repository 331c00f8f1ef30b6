//! How a profile scores the pods of a shape: what the kernel can bound, what that is exactly, and
//! what depends on the class of a node alone.

use super::kernel::Query;
use super::layout::{Layout, Numbers};
use super::shape::Raw;
use crate::model::{NodeId, Plugin, PodSpec, Resource};
use crate::policy::kube::scheduler::caches::Caches;
use crate::policy::kube::scheduler::framework::{Cycle, NodeFacts};
use crate::policy::kube::scheduler::plugin::{
    Images, balanced_allocation, image_locality, node_affinity, node_resources_fit,
    taint_toleration,
};
use crate::policy::kube::scheduler::profile::Strategy;

/// Weights of the scores of a profile for a shape; 0 where a plugin does not score.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scoring {
    /// The kernel bounds the scores of resources.
    pub(super) bounded: bool,
    most_allocated: bool,
    cpu_weight: i64,
    memory_weight: i64,
    fit: i64,
    balance: i64,
    pub(super) taints: i64,
    pub(super) affinity: i64,
    pub(super) images: i64,
}

impl Scoring {
    pub(super) fn new(cycle: &Cycle<'_>) -> Scoring {
        let profile = cycle.profile;
        let weight = |wanted| {
            let found = profile.score.iter().find(|(plugin, _)| *plugin == wanted);
            found.map_or(0, |(_, weight)| *weight)
        };
        let arguments = &profile.arguments;
        let of = |wanted| {
            let found = arguments.fit_resources.iter().filter(|one| one.resource == wanted);
            found.map(|one| one.weight).sum::<i64>()
        };
        let basic = |resource| matches!(resource, Resource::Cpu | Resource::Memory);
        let strategy = &arguments.fit_strategy;
        let plain_fit = !matches!(strategy, Strategy::RequestedToCapacityRatio(_))
            && arguments.fit_resources.iter().all(|one| basic(one.resource))
            && (1..=2).contains(&arguments.fit_resources.len())
            && of(Resource::Cpu) + of(Resource::Memory) <= 200;
        let pair = arguments.balanced_resources.as_slice();
        let plain_balance = matches!(pair, [a, b] if a != b && basic(*a) && basic(*b));
        let fit = weight(Plugin::NodeResourcesFit);
        let balance = match balanced_allocation::scores(cycle) {
            true => weight(Plugin::NodeResourcesBalancedAllocation),
            false => 0,
        };
        let prefers = node_affinity::has_preferences(cycle);
        Scoring {
            bounded: (fit == 0 || plain_fit) && (balance == 0 || plain_balance),
            most_allocated: *strategy == Strategy::MostAllocated,
            cpu_weight: of(Resource::Cpu),
            memory_weight: of(Resource::Memory),
            fit,
            balance,
            taints: weight(Plugin::TaintToleration),
            affinity: if prefers { weight(Plugin::NodeAffinity) } else { 0 },
            images: weight(Plugin::ImageLocality),
        }
    }

    /// The pod as the kernel sees it; `None` if it asks for more than 32 bits hold.
    pub(super) fn query(&self, cycle: &Cycle<'_>, layout: &Layout) -> Option<Query> {
        let spec = cycle.spec;
        let unit = layout.unit();
        let memory = i32::try_from(spec.requests.memory.0 >> layout.unit_shift).ok()?;
        let weights = (self.cpu_weight + self.memory_weight).max(1) as f32;
        Some(Query {
            cpu: i32::try_from(spec.requests.cpu.0).ok().filter(|cpu| *cpu < i32::MAX)?,
            memory: Some(memory).filter(|memory| *memory < i32::MAX)?,
            exact_memory: (spec.requests.memory.0 as f64 / unit) as f32,
            scoring_cpu: spec.incoming_cpu.0 as f32,
            scoring_memory: (spec.incoming_memory.0 as f64 / unit) as f32,
            usual: spec.incoming_cpu == spec.requests.cpu
                && spec.incoming_memory == spec.requests.memory
                && self.cpu_weight == self.memory_weight
                && (self.fit, self.balance) == (1, 1),
            most_allocated: self.most_allocated,
            cpu_part: self.cpu_weight as f32 / weights,
            memory_part: self.memory_weight as f32 / weights,
            half_step: 0.5 / weights,
            fit_weight: self.fit as f32,
            balance_weight: self.balance as f32,
        })
    }

    /// By how much a bound of the kernel is above the score at most: each of the two scores of
    /// resources by one.
    pub(super) fn slack(&self) -> i32 {
        (self.fit + self.balance) as i32
    }

    /// The weighted scores of resources, for a bounded shape, of a node that has both resources:
    /// what `node_resources_fit::score` and `balanced_allocation::score` say.
    pub(super) fn exact(&self, spec: &PodSpec, node: &Numbers) -> i32 {
        let mut total = 0;
        if self.fit > 0 {
            let part = |has: u64, taken: u64, own: u64| {
                let (has, taken) = (has as i64, (taken as i64).saturating_add(own as i64));
                match self.most_allocated {
                    true => taken.min(has) * 100 / has,
                    false if taken > has => 0,
                    false => (has - taken) * 100 / has,
                }
            };
            let cpu = part(node.cpu, node.scoring_cpu, spec.incoming_cpu.0);
            let memory = part(node.memory, node.scoring_memory, spec.incoming_memory.0);
            let sum = cpu * self.cpu_weight + memory * self.memory_weight;
            total += sum / (self.cpu_weight + self.memory_weight) * self.fit;
        }
        if self.balance > 0 {
            let fraction = |has: u64, taken: u64, own: u64| {
                let fraction = (taken as i64).saturating_add(own as i64) as f64 / has as f64;
                if fraction > 1.0 { 1.0 } else { fraction }
            };
            let cpu = fraction(node.cpu, node.used_cpu, spec.requests.cpu.0);
            let memory = fraction(node.memory, node.used_memory, spec.requests.memory.0);
            let deviation = ((cpu - memory) / 2.0).abs();
            total += ((1.0 - deviation) * 100.0) as i64 * self.balance;
        }
        total as i32
    }

    /// The weighted scores of resources as the plugins say them.
    pub(super) fn plain(&self, cycle: &Cycle<'_>, node: NodeId) -> i32 {
        let mut total = 0;
        if self.fit > 0 {
            total += node_resources_fit::score(cycle, node) * self.fit;
        }
        if self.balance > 0 {
            total += balanced_allocation::score(cycle, node) * self.balance;
        }
        total as i32
    }

    /// What the images of the pod are worth; nothing if they do not count.
    pub(super) fn images(&self, cycle: &Cycle<'_>, caches: &mut Caches) -> Images {
        match self.images {
            0 => Images::default(),
            _ => image_locality::pre_score(cycle, caches),
        }
    }

    /// What the scores that depend on the class alone say of a class.
    pub(super) fn raw(
        &self,
        cycle: &Cycle<'_>,
        caches: &mut Caches,
        (node, images): (&NodeFacts<'_>, &Images),
    ) -> Raw {
        let mut raw = Raw::default();
        if self.taints > 0 {
            raw.taints = taint_toleration::score(cycle, caches, node.status.taints);
        }
        if self.affinity > 0 {
            raw.affinity = node_affinity::score(cycle, caches, node);
        }
        if self.images > 0 {
            raw.images = images.score(node.spec, cycle.spec);
        }
        raw
    }
}
