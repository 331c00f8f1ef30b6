//! How full nodes were: requests held over capacity, per resource, for the cluster and per node.
//!
//! A node counts from the moment it joins until its Ready condition says otherwise, so a crashed
//! node counts until the crash is detected; what is held on a node that does not count does not
//! count either. A pod holds its requests from its binding until it ended or is gone. Means
//! over time are ratios of exact integrals: capacity that was there for longer weighs more.

use super::book::Book;
use super::results::{
    FragmentationResult, Level, NodeResult, PlacementResults, ResourceResult, Series,
};
use super::sample::{Sample, shown_resources, unit_of};
use super::step::{Fold, Step};
use crate::ground::{Id, Time};
use crate::journal::Fact;
use crate::stats::{Spread, TimeWeighted, mean};
use serde::{Deserialize, Serialize};

/// One node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct NodeFold {
    /// 1 while it counts.
    counted: TimeWeighted,
    joined: Time,
    /// What is held, by number of the resource, while it counts.
    used: Vec<TimeWeighted>,
    pods: TimeWeighted,
    bound: u64,
    crashes: u64,
}

/// The fold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Placement {
    used: Vec<TimeWeighted>,
    capacity: Vec<TimeWeighted>,
    nodes: Vec<NodeFold>,
    counted: TimeWeighted,
}

/// Grows a table of levels.
fn widen(levels: &mut Vec<TimeWeighted>, width: usize) {
    if levels.len() < width {
        levels.resize_with(width, TimeWeighted::default);
    }
}

impl Placement {
    fn widen(&mut self, width: usize) {
        widen(&mut self.used, width);
        widen(&mut self.capacity, width);
    }

    /// A node begins or ceases to count.
    fn count_node(&mut self, node: usize, at: Time, counts: bool, book: &Book) {
        let was = self.nodes[node].counted.level() == 1;
        if was == counts {
            return;
        }
        self.widen(book.resources.len());
        self.nodes[node].counted.set(at, u64::from(counts));
        let row = &book.nodes[node];
        let set = |level: &mut TimeWeighted, amount: u64| {
            if counts { level.add(at, amount) } else { level.subtract(at, amount) }
        };
        set(&mut self.counted, 1);
        for (number, amount) in &book.node_specs[row.spec.index()].amounts {
            set(&mut self.capacity[usize::from(*number)], *amount);
        }
        let fold = &mut self.nodes[node];
        widen(&mut fold.used, row.used.len());
        for (number, amount) in row.used.iter().enumerate() {
            set(&mut self.used[number], *amount);
            fold.used[number].set(at, if counts { *amount } else { 0 });
        }
    }

    /// A pod begins or ceases to hold its requests.
    fn hold(&mut self, step: &Step<'_>, node: usize, holds: bool) {
        let Some(pod) = step.pod else {
            return;
        };
        let book = step.book;
        self.widen(book.resources.len());
        let fold = &mut self.nodes[node];
        let set = |level: &mut TimeWeighted, amount: u64| {
            if holds { level.add(step.at, amount) } else { level.subtract(step.at, amount) }
        };
        set(&mut fold.pods, 1);
        fold.bound += u64::from(holds);
        if !book.nodes[node].counted {
            return;
        }
        widen(&mut fold.used, self.used.len());
        let slot = std::iter::once(&(0, 1));
        for (number, amount) in slot.chain(&book.pod_specs[pod.spec.index()].amounts) {
            set(&mut self.used[usize::from(*number)], *amount);
            set(&mut fold.used[usize::from(*number)], *amount);
        }
    }

    /// Mean over time of the allocation ratio of a resource.
    fn mean_ratio(&self, number: usize, end: Time) -> f64 {
        let area = |levels: &[TimeWeighted]| levels.get(number).map_or(0, |l| l.area_until(end));
        match (area(&self.used), area(&self.capacity)) {
            (_, 0) => self.ratio_now(number),
            (used, capacity) => used as f64 / capacity as f64,
        }
    }

    fn ratio_now(&self, number: usize) -> f64 {
        let level = |levels: &[TimeWeighted]| levels.get(number).map_or(0, TimeWeighted::level);
        match level(&self.capacity) {
            0 => 0.0,
            capacity => level(&self.used) as f64 / capacity as f64,
        }
    }

    /// The numbers of a run that ends here with this sample.
    pub(super) fn finish(
        &self,
        book: &Book,
        end: Time,
        series: &Series,
        last: &Sample,
    ) -> PlacementResults {
        let resource = |(number, name): (usize, String)| {
            let sampled = |what: &str| series.values(&format!("{what}.{name}"));
            let stats = last.resources.get(number).copied().unwrap_or_default();
            let over_time = |what: &str, end: f64| level_of(sampled(what), end);
            let spread = |what: &str| mean(sampled(what));
            ResourceResult {
                capacity: last.capacity(number) as f64 / unit_of(book.resources[number]).1,
                allocation: Level {
                    mean: self.mean_ratio(number, end),
                    ..over_time("allocation_ratio", self.ratio_now(number))
                },
                imbalance: Spread {
                    standard_deviation: spread("imbalance_sd"),
                    range: spread("imbalance_range"),
                    gini: spread("imbalance_gini"),
                },
                imbalance_end: stats.spread,
                stranded: over_time("stranded_ratio", stats.stranded),
                name,
            }
        };
        let fragmentation = last.fragmentation.map(|now| FragmentationResult {
            amount: level_of(series.values("fragmentation"), now.amount() / 1000.0),
            ratio: level_of(series.values("fragmentation_ratio"), super::sample::ratio_of(&now)),
        });
        let slots = |levels: &[TimeWeighted]| levels.first().map_or(0, |l| l.area_until(end));
        let node_time = self.counted.area_until(end);
        let density = level_of(series.values("pod_density"), last.density());
        let mean = match node_time {
            0 => density.end,
            nodes => slots(&self.used) as f64 / nodes as f64,
        };
        PlacementResults {
            resources: shown_resources(book).into_iter().map(resource).collect(),
            fragmentation,
            density: Level { mean, ..density },
            nodes: Level::of(&self.counted, end),
        }
    }

    /// One row per node.
    pub(super) fn node_results(&self, book: &Book, end: Time) -> Vec<NodeResult> {
        let shown = shown_resources(book);
        let row = |(fold, row): (&NodeFold, &super::book::NodeRow)| {
            let counted = fold.counted.area_until(end);
            let amounts = &book.node_specs[row.spec.index()].amounts;
            let allocation = |(number, _): &(usize, String)| {
                let capacity = amounts.iter().find(|(n, _)| usize::from(*n) == *number);
                let capacity = capacity.map_or(0, |(_, amount)| u128::from(*amount)) * counted;
                let used = fold.used.get(*number).map_or(0, |level| level.area_until(end));
                if capacity == 0 { 0.0 } else { used as f64 / capacity as f64 }
            };
            let there = u128::from(end.since(fold.joined).as_nanos());
            NodeResult {
                name: book.text(row.name),
                allocation: shown.iter().map(allocation).collect(),
                bound: fold.bound,
                pods: Level::of(&fold.pods, end),
                crashes: fold.crashes,
                not_ready_seconds: (there - counted) as f64 / 1e9,
            }
        };
        self.nodes.iter().zip(&book.nodes).map(row).collect()
    }
}

/// Mean and peak of samples, with the value at the end.
fn level_of(samples: &[f64], end: f64) -> Level {
    let peak = samples.iter().copied().fold(end, f64::max);
    Level { mean: if samples.is_empty() { end } else { mean(samples) }, peak, end }
}

impl Fold for Placement {
    fn fold(&mut self, step: &Step<'_>) {
        match step.fact {
            Fact::NodeAdded { node, .. } => {
                self.nodes.push(NodeFold { joined: step.at, ..NodeFold::default() });
                self.count_node(node.index(), step.at, true, step.book);
            }
            Fact::NodeCondition { node, .. } | Fact::NodeRemoved { node }
                if node.index() < self.nodes.len() =>
            {
                let counts = step.book.nodes[node.index()].counted;
                self.count_node(node.index(), step.at, counts, step.book);
            }
            Fact::NodeCrashed { node } => {
                if let Some(fold) = self.nodes.get_mut(node.index()) {
                    fold.crashes += 1;
                }
            }
            Fact::Bound { node, .. } => self.hold(step, node.index(), true),
            Fact::Finished { .. } | Fact::Failed { .. } | Fact::Removed { .. } => {
                if let Some(node) = step.pod.and_then(|row| row.node) {
                    self.hold(step, node.index(), false);
                }
            }
            _ => {}
        }
    }
}
