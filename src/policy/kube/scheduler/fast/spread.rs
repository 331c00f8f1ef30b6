//! PodTopologySpread from counts by class and lane: what `plugin/pod_topology_spread.rs` computes
//! from all pods at each attempt.

use super::class_masks::ClassMasks;
use super::groups::{Group, Groups};
use super::layout::{LANES, Layout};
use super::plan::{Constraint, Keys, Near, Plan};
use super::shape::lanes;
use crate::ground::math;
use crate::model::Code;
use crate::policy::kube::scheduler::plugin::pod_topology_spread::weighted;

/// A domain that does not come into question.
const ABSENT: i64 = -1;

/// What all parts look at.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) layout: &'a Layout,
    pub(super) groups: &'a Groups,
    pub(super) keys: &'a Keys,
    pub(super) masks: &'a ClassMasks,
    pub(super) plan: &'a Plan,
}

impl<'a> Known<'a> {
    pub(super) fn group(&self, constraint: &Constraint) -> Option<&'a Group> {
        constraint.group.map(|id| self.groups.group(id))
    }

    /// The classes of nodes that there are.
    pub(super) fn classes(&self) -> impl Iterator<Item = usize> + use<'a> {
        let nodes = &self.layout.class_nodes;
        (0..nodes.len()).filter(|class| nodes[*class] > 0)
    }

    fn has_all_keys(&self, constraints: &[Constraint], class: usize) -> bool {
        constraints.iter().all(|constraint| match constraint.near {
            Near::Host => true,
            Near::Label(key) => self.keys.of(key).has[class],
        })
    }
}

/// The pods of a constraint by domain, and what it weighs or leaves.
#[derive(Debug, Default)]
struct Table {
    counts: Vec<i64>,
    /// Pods in the emptiest domain.
    fewest: i64,
    /// By how much a pod counts in scores.
    weight: f64,
}

/// The hard constraints of an attempt.
#[derive(Debug, Default)]
pub(super) struct Hard {
    tables: Vec<Table>,
    /// Nodes of the class count, by constraint and class.
    counted: Vec<Vec<bool>>,
    /// All nodes of the class are refused, by class.
    pub(super) refused: Vec<bool>,
}

impl Hard {
    /// Counts the pods in each domain.
    pub(super) fn prepare(&mut self, known: Known<'_>) {
        let hard = &known.plan.hard;
        self.tables.resize_with(hard.len(), Table::default);
        self.counted.resize_with(hard.len(), Vec::new);
        for (at, constraint) in hard.iter().enumerate() {
            let counted = &mut self.counted[at];
            counted.clear();
            counted.extend((0..known.layout.classes.len()).map(|class| {
                known.layout.class_nodes[class] > 0
                    && constraint.includes[class]
                    && known.has_all_keys(hard, class)
            }));
            let table = &mut self.tables[at];
            let (domains, fewest) = match constraint.near {
                Near::Host => by_host(known, constraint, counted),
                Near::Label(key) => by_label(known, constraint, (key, counted), &mut table.counts),
            };
            let enough = domains >= constraint.rule.min_domains as usize;
            table.fewest = if enough { fewest } else { 0 };
        }
    }

    /// Why a lane of a class is refused.
    pub(super) fn verdict(&self, known: Known<'_>, class: usize, lane: usize) -> Option<Code> {
        for (at, constraint) in known.plan.hard.iter().enumerate() {
            let table = &self.tables[at];
            let here = match constraint.near {
                Near::Label(key) => {
                    let domains = known.keys.of(key);
                    if !domains.has[class] {
                        return Some(Code::UnschedulableAndUnresolvable);
                    }
                    table.counts[domains.of_class[class] as usize].max(0)
                }
                Near::Host if self.counted[at][class] => on(known, constraint, lane),
                Near::Host => 0,
            };
            let own = i64::from(constraint.own);
            if here + own - table.fewest > i64::from(constraint.rule.max_skew) {
                return Some(Code::Unschedulable);
            }
        }
        None
    }
}

fn on(known: Known<'_>, constraint: &Constraint, lane: usize) -> i64 {
    known.group(constraint).map_or(0, |group| i64::from(group.on(lane)))
}

/// Counts by value of a label; the number of domains and the pods in the emptiest.
fn by_label(
    known: Known<'_>,
    constraint: &Constraint,
    (key, counted): (usize, &[bool]),
    counts: &mut Vec<i64>,
) -> (usize, i64) {
    let domains = known.keys.of(key);
    counts.clear();
    counts.resize(domains.count(), ABSENT);
    let group = known.group(constraint);
    for class in known.classes().filter(|class| counted[*class]) {
        let count = &mut counts[domains.of_class[class] as usize];
        *count = (*count).max(0) + group.map_or(0, |group| group.in_class(class));
    }
    let there = counts.iter().copied().filter(|count| *count != ABSENT);
    (there.clone().count(), there.min().unwrap_or(0))
}

/// The same where each host is a domain.
fn by_host(known: Known<'_>, constraint: &Constraint, counted: &[bool]) -> (usize, i64) {
    let (mut domains, mut fewest) = (0, i64::MAX);
    let group = known.group(constraint);
    for block in 0..known.layout.blocks.len() {
        let rows = known.masks.of(block).iter().filter(|(class, _)| counted[*class as usize]);
        let here = rows.fold(0, |all, (_, mask)| all | mask);
        domains += here.count_ones() as usize;
        match group {
            Some(group) if fewest > 0 && here & !group.held[block] == 0 => {
                let on = |lane| i64::from(group.on(block * LANES + lane));
                fewest = lanes(here).map(on).fold(fewest, i64::min);
            }
            _ if here != 0 => fewest = 0,
            _ => {}
        }
    }
    (domains, if domains == 0 { 0 } else { fewest })
}

/// The soft constraints of an attempt.
#[derive(Debug, Default)]
pub(super) struct Soft {
    tables: Vec<Table>,
    /// Nodes of the class lack a key, by class.
    pub(super) ignored: Vec<bool>,
}

impl Soft {
    /// Counts the pods in each domain of the feasible nodes, of which there are so many by class.
    pub(super) fn prepare(&mut self, known: Known<'_>, feasible: &[u32]) {
        let plan = known.plan;
        self.tables.resize_with(plan.soft.len(), Table::default);
        self.ignored.clear();
        let lacks = |class| plan.all_keys && !known.has_all_keys(&plan.soft, class);
        self.ignored.extend((0..feasible.len()).map(lacks));
        let ignored = &self.ignored;
        for (table, constraint) in self.tables.iter_mut().zip(&plan.soft) {
            let size = match constraint.near {
                Near::Host => {
                    let counted = feasible.iter().zip(ignored).filter(|(_, ignored)| !**ignored);
                    counted.map(|(count, _)| *count as usize).sum()
                }
                Near::Label(key) => table.count(known, constraint, key, (feasible, ignored)),
            };
            table.weight = math::ln((size + 2) as f64);
        }
    }

    /// The weighted number of pods in the domains of a node of a class, with so many pods on the
    /// node itself.
    pub(super) fn raw(&self, known: Known<'_>, class: usize, on_host: u32) -> i64 {
        let mut sum = 0.0;
        for (table, constraint) in self.tables.iter().zip(&known.plan.soft) {
            let count = match constraint.near {
                Near::Host => i64::from(on_host),
                Near::Label(key) => {
                    let domains = known.keys.of(key);
                    if !domains.has[class] {
                        continue;
                    }
                    table.counts[domains.of_class[class] as usize].max(0)
                }
            };
            sum += weighted(count, constraint.rule.max_skew, table.weight);
        }
        sum.round() as i64
    }
}

impl Table {
    /// Counts by value of a label, over the domains of feasible nodes; the number of these.
    fn count(
        &mut self,
        known: Known<'_>,
        constraint: &Constraint,
        key: usize,
        (feasible, ignored): (&[u32], &[bool]),
    ) -> usize {
        let domains = known.keys.of(key);
        self.counts.clear();
        self.counts.resize(domains.count(), ABSENT);
        let there = feasible.iter().zip(ignored).enumerate();
        let there = there.filter(|(_, (count, ignored))| **count > 0 && !**ignored);
        there.for_each(|(class, _)| self.counts[domains.of_class[class] as usize] = 0);
        if let Some(group) = known.group(constraint) {
            for class in known.classes() {
                let count = &mut self.counts[domains.of_class[class] as usize];
                if *count != ABSENT && !ignored[class] && constraint.includes[class] {
                    *count += group.in_class(class);
                }
            }
        }
        self.counts.iter().filter(|count| **count != ABSENT).count()
    }
}
