//! Scores that other pods give: nodes with the same class and the same pods that matter get one
//! code, and a score is computed per code.

use super::company::Pulls;
use super::groups::{DIRECT, Group, GroupId};
use super::layout::LANES;
use super::plan::Near;
use super::shape::lanes;
use super::spread::{Known, Soft};
use super::terms::Addends;
use crate::model::Plugin;
use crate::policy::kube::scheduler::framework::Cycle;
use crate::policy::kube::scheduler::plugin::{inter_pod_affinity, pod_topology_spread};
use rustc_hash::FxHashMap;

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

/// A code that lanes have.
#[derive(Debug, Clone, Copy)]
struct Used {
    code: u32,
    what: Combination,
    /// The scores of spread and affinity before normalisation.
    raw: (i64, i64),
}

/// The scores of an attempt.
#[derive(Debug, Default)]
pub(super) struct Scores {
    soft: Soft,
    pulls: Pulls,
    /// More than half of the lanes are feasible.
    most: bool,
    /// Feasible lanes by class, and those of them without pods that matter.
    feasible: Vec<u32>,
    bare: Vec<u32>,
    /// Lanes by class and number of pods that matter.
    tally: Vec<u32>,
    combinations: Vec<Combination>,
    direct: Vec<u32>,
    codes: FxHashMap<Combination, u32>,
    used: Vec<Used>,
}

/// The one group whose pods on single nodes matter, if spread alone asks for it and no node has
/// too many of them: then class and page tell the code of a lane.
pub(super) fn paged(known: Known<'_>) -> Option<&Group> {
    let mut pulls = known.plan.pulls.iter().map(|(near, ..)| *near);
    let spread = known.plan.soft.iter().find(|constraint| constraint.near == Near::Host)?;
    let group = known.group(spread)?;
    (!pulls.any(|near| near == Near::Host) && group.crowded == 0).then_some(group)
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
        self.used.clear();
        let classes = known.layout.classes.len();
        let codes = match paged(known) {
            Some(group) => {
                self.look_up(known, group, masks);
                classes * DIRECT
            }
            None => {
                self.encode(known, masks, &mut addends.codes);
                classes + self.combinations.len()
            }
        };
        self.evaluate(known);
        let weight = |wanted| {
            let found = cycle.profile.score.iter().find(|(plugin, _)| *plugin == wanted);
            found.map_or(0, |(_, weight)| *weight)
        };
        let spread = if known.plan.soft.is_empty() { 0 } else { weight(Plugin::PodTopologySpread) };
        let pulls = if known.plan.pulls.is_empty() { 0 } else { weight(Plugin::InterPodAffinity) };
        addends.values.clear();
        addends.values.resize(codes, 0);
        self.fill((spread, pulls), addends);
    }

    /// Counts the feasible lanes by class; the others, and those taken away, if these are fewer.
    fn count(&mut self, known: Known<'_>, masks: &[u64]) {
        let layout = known.layout;
        let feasible: usize = masks.iter().map(|mask| mask.count_ones() as usize).sum();
        self.most = feasible * 2 > layout.nodes.len();
        self.feasible.clear();
        if self.most {
            self.feasible.extend_from_slice(&layout.class_nodes);
        }
        self.feasible.resize(layout.classes.len(), 0);
        for (block, mask) in masks.iter().enumerate() {
            if self.most {
                for lane in lanes(layout.lanes_of(block) & !mask) {
                    self.feasible[layout.class_of[block * LANES + lane] as usize] -= 1;
                }
            } else if *mask != 0 {
                for (class, lanes) in known.masks.of(block) {
                    self.feasible[*class as usize] += (mask & lanes).count_ones();
                }
            }
        }
        self.bare.clone_from(&self.feasible);
    }

    fn mark(&mut self, code: u32, what: Combination) {
        self.used.push(Used { code, what, raw: (0, 0) });
    }

    /// Finds out which codes the feasible lanes have, where class and number of pods tell them.
    fn look_up(&mut self, known: Known<'_>, group: &Group, masks: &[u64]) {
        let classes = known.layout.classes.len();
        self.tally.clear();
        let most = self.most;
        if most {
            self.tally.extend_from_slice(&group.tally);
        }
        self.tally.resize(classes * DIRECT, 0);
        for (block, held) in group.held.iter().enumerate() {
            let wanted = held & if most { !masks[block] } else { masks[block] };
            if wanted != 0 {
                let page = group.page(block);
                let classes = &known.layout.class_of[block * LANES..];
                for lane in lanes(wanted) {
                    let lanes =
                        &mut self.tally[classes[lane] as usize * DIRECT + usize::from(page[lane])];
                    *lanes = if most { *lanes - 1 } else { *lanes + 1 };
                }
            }
        }
        for class in 0..classes {
            if self.feasible[class] == 0 {
                continue;
            }
            let held: u32 = self.tally[class * DIRECT..][..DIRECT].iter().sum();
            for spread in 0..DIRECT {
                let code = class * DIRECT + spread;
                if self.tally[code] > 0 || (spread == 0 && held < self.feasible[class]) {
                    let (class, spread) = (class as u32, spread as u32);
                    self.mark(code as u32, Combination { class, spread, pull: 0 });
                }
            }
        }
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
            for lane in lanes(mask & hosts.held(block)) {
                let on = |group: &Group| u32::from(group.page(block)[lane]);
                let pulls = hosts.pulls.iter();
                let pull = pulls.map(|(group, weight)| i64::from(on(group)) * weight).sum();
                let spread = hosts.spread.map_or(0, on);
                codes[lane] = self.code(Combination { class: class_of[lane], spread, pull });
            }
        }
        for class in 0..classes {
            if self.bare[class] > 0 {
                let class = class as u32;
                self.mark(class, Combination { class, spread: 0, pull: 0 });
            }
        }
        for at in 0..self.combinations.len() {
            self.mark((classes + at) as u32, self.combinations[at]);
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
        let (soft, pulls) = (&self.soft, &self.pulls.classes);
        for Used { what, raw, .. } in &mut self.used {
            let class = what.class as usize;
            *raw = (soft.raw(known, class, what.spread), pulls[class] + what.pull);
        }
    }

    /// Fills in the values of the codes that lanes have.
    fn fill(&self, (spread, pulls): (i64, i64), addends: &mut Addends) {
        let ignored = |one: &Used| self.soft.ignored[one.what.class as usize];
        let mut spreads = (i64::MAX, 0);
        let mut weights = (i64::MAX, i64::MIN);
        for one in &self.used {
            let (own, pull) = one.raw;
            weights = (weights.0.min(pull), weights.1.max(pull));
            if spread > 0 && !ignored(one) {
                spreads = (spreads.0.min(own), spreads.1.max(own));
            }
        }
        let range = weights.1.saturating_sub(weights.0);
        addends.most = 0;
        for one in &self.used {
            let mut value = 0;
            if spread > 0 && !ignored(one) {
                value += pod_topology_spread::turned(one.raw.0, spreads) * spread;
            }
            if pulls > 0 {
                value += inter_pod_affinity::stretched(one.raw.1, (weights.0, range)) * pulls;
            }
            addends.most = addends.most.max(value as i32);
            let own = addends.classes[one.what.class as usize];
            addends.values[one.code as usize] = own + value as i32;
        }
    }
}
