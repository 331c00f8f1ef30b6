//! Scores that other pods give: nodes with the same class and the same pods that matter get one
//! code, and a score is computed per code.

use super::company::Pulls;
use super::groups::{Group, GroupId};
use super::layout::LANES;
use super::plan::Near;
use super::shape::lanes;
use super::spread::{Known, Soft};
use super::terms::Addends;
use crate::model::Plugin;
use crate::policy::kube::scheduler::framework::Cycle;
use crate::policy::kube::scheduler::plugin::{inter_pod_affinity, pod_topology_spread};
use rustc_hash::FxHashMap;

/// Numbers of pods on a node below this one are looked up in a table.
const DIRECT: usize = 16;
/// No code yet.
const NO_CODE: u32 = u32::MAX;

/// What a code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Combination {
    class: u32,
    /// Pods on the node that its soft constraint counts.
    spread: u32,
    /// What the pods on the node weigh.
    pull: i64,
}

/// How the pods on single nodes matter.
struct Hosts<'a> {
    spread: Option<&'a Group>,
    pulls: Vec<(&'a Group, i64)>,
}

impl<'a> Hosts<'a> {
    fn of(known: Known<'a>) -> Hosts<'a> {
        let plan = known.plan;
        let spread = plan.soft.iter().find(|constraint| constraint.near == Near::Host);
        let spread = spread.and_then(|constraint| known.group(constraint));
        let mut pulls: Vec<(GroupId, i64)> = Vec::new();
        for (_, group, weight) in plan.pulls.iter().filter(|(near, ..)| *near == Near::Host) {
            match pulls.iter_mut().find(|(other, _)| other == group) {
                Some((_, sum)) => *sum += weight,
                None => pulls.push((*group, *weight)),
            }
        }
        let pulls = pulls.into_iter().map(|(id, weight)| (known.groups.group(id), weight));
        Hosts { spread, pulls: pulls.collect() }
    }

    fn held(&self, block: usize) -> u64 {
        let pulls = self.pulls.iter().fold(0, |held, (group, _)| held | group.held[block]);
        self.spread.map_or(0, |group| group.held[block]) | pulls
    }
}

/// The scores of an attempt.
#[derive(Debug, Default)]
pub(super) struct Scores {
    soft: Soft,
    pulls: Pulls,
    /// Feasible lanes by class, and those of them without pods that matter.
    feasible: Vec<u32>,
    bare: Vec<u32>,
    combinations: Vec<Combination>,
    direct: Vec<u32>,
    codes: FxHashMap<Combination, u32>,
    /// Scores before normalisation by code.
    raws: Vec<(i64, i64)>,
}

impl Scores {
    /// Adds the normalised and weighted scores of the feasible lanes, a mask per block.
    pub(super) fn add(
        &mut self,
        cycle: &Cycle<'_>,
        known: Known<'_>,
        masks: &[u64],
        addends: &mut Addends,
    ) {
        self.count(known, masks);
        if !known.plan.soft.is_empty() {
            self.soft.prepare(known, &self.feasible);
        }
        self.pulls.prepare(known);
        self.encode(known, masks, &mut addends.codes);
        self.evaluate(known);
        let weight = |wanted| {
            let found = cycle.profile.score.iter().find(|(plugin, _)| *plugin == wanted);
            found.map_or(0, |(_, weight)| *weight)
        };
        for combination in &self.combinations {
            addends.classes.push(addends.classes[combination.class as usize]);
        }
        if !known.plan.soft.is_empty() {
            self.add_spread(weight(Plugin::PodTopologySpread), &mut addends.classes);
        }
        if !known.plan.pulls.is_empty() {
            self.add_pulls(weight(Plugin::InterPodAffinity), &mut addends.classes);
        }
    }

    fn count(&mut self, known: Known<'_>, masks: &[u64]) {
        self.feasible.clear();
        self.feasible.resize(known.layout.classes.len(), 0);
        for (block, mask) in masks.iter().enumerate().filter(|(_, mask)| **mask != 0) {
            for (class, lanes) in known.masks.of(block) {
                self.feasible[*class as usize] += (mask & lanes).count_ones();
            }
        }
        self.bare.clone_from(&self.feasible);
    }

    /// Gives a code to each feasible lane: its class, or a number from there on if pods on the
    /// node itself matter.
    fn encode(&mut self, known: Known<'_>, masks: &[u64], codes: &mut Vec<u32>) {
        let classes = known.layout.classes.len();
        let hosts = Hosts::of(known);
        for Combination { class, spread, .. } in self.combinations.drain(..) {
            if let Some(code) = self.direct.get_mut(class as usize * DIRECT + spread as usize) {
                *code = NO_CODE;
            }
        }
        self.codes.clear();
        self.direct.resize(classes * DIRECT, NO_CODE);
        codes.resize(known.layout.class_of.len(), 0);
        for (block, mask) in masks.iter().enumerate().filter(|(_, mask)| **mask != 0) {
            let first = block * LANES;
            let class_of = &known.layout.class_of[first..first + LANES];
            let codes = &mut codes[first..first + LANES];
            codes.copy_from_slice(class_of);
            let held = mask & hosts.held(block);
            match (hosts.spread, hosts.pulls.is_empty()) {
                _ if held == 0 => {}
                (Some(group), true) => {
                    let page = group.page(block);
                    for lane in lanes(held) {
                        let (class, spread) = (class_of[lane], u32::from(page[lane]));
                        codes[lane] = self.code(Combination { class, spread, pull: 0 });
                    }
                }
                _ => {
                    for lane in lanes(held) {
                        let on = |group: &Group| u32::from(group.page(block)[lane]);
                        let pulls = hosts.pulls.iter();
                        let pull = pulls.map(|(group, weight)| i64::from(on(group)) * weight).sum();
                        let spread = hosts.spread.map_or(0, on);
                        let class = class_of[lane];
                        codes[lane] = self.code(Combination { class, spread, pull });
                    }
                }
            }
        }
    }

    fn code(&mut self, combination: Combination) -> u32 {
        let Combination { class, spread, pull } = combination;
        self.bare[class as usize] -= 1;
        let next = (self.feasible.len() + self.combinations.len()) as u32;
        let code = if pull == 0 && (spread as usize) < DIRECT {
            let code = &mut self.direct[class as usize * DIRECT + spread as usize];
            if *code == NO_CODE {
                *code = next;
            }
            *code
        } else {
            *self.codes.entry(combination).or_insert(next)
        };
        if code == next {
            self.combinations.push(combination);
        }
        code
    }

    /// The scores before normalisation.
    fn evaluate(&mut self, known: Known<'_>) {
        self.raws.clear();
        let (soft, pulls) = (&self.soft, &self.pulls.classes);
        let bare = self.bare.iter().enumerate().map(|(class, lanes)| match lanes {
            0 => (0, 0),
            _ => (soft.raw(known, class, 0), pulls[class]),
        });
        self.raws.extend(bare);
        let combined = self.combinations.iter().map(|combination| {
            let class = combination.class as usize;
            (soft.raw(known, class, combination.spread), pulls[class] + combination.pull)
        });
        self.raws.extend(combined);
    }

    /// The codes that lanes have, with their classes.
    fn in_use(&self) -> impl Iterator<Item = (usize, usize)> {
        let bare = self.bare.iter().enumerate().filter(|(_, lanes)| **lanes > 0);
        let bare = bare.map(|(class, _)| (class, class));
        let combined = self.combinations.iter().enumerate();
        bare.chain(combined.map(|(at, one)| (self.feasible.len() + at, one.class as usize)))
    }

    fn add_spread(&self, weight: i64, values: &mut [i32]) {
        let counted = || self.in_use().filter(|(_, class)| !self.soft.ignored[*class]);
        let scores = || counted().map(|(code, _)| self.raws[code].0);
        let (min, max) = (scores().min().unwrap_or(0), scores().max().unwrap_or(0).max(0));
        for (code, _) in counted() {
            let score = pod_topology_spread::turned(self.raws[code].0, (min, max));
            values[code] += (score * weight) as i32;
        }
    }

    fn add_pulls(&self, weight: i64, values: &mut [i32]) {
        let scores = || self.in_use().map(|(code, _)| self.raws[code].1);
        let min = scores().min().unwrap_or(0);
        let range = scores().max().unwrap_or(0) - min;
        for (code, _) in self.in_use() {
            let score = inter_pod_affinity::stretched(self.raws[code].1, (min, range));
            values[code] += (score * weight) as i32;
        }
    }
}
