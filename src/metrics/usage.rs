//! How much of their CPU and memory nodes really used, and how often limits held pods back.
//!
//! A pod whose containers run uses what it requests, unless facts say otherwise; what they say
//! holds from that instant until the pod ends or its node loses power. Memory may grow steadily,
//! so areas and peaks are those of linear pieces, not of samples. Capacity is that of the nodes
//! that count, as for the allocation ratio.

use super::book::{Book, PodRow};
use super::results::{Level, UsageResult, UsageResults};
use super::sample::shown_resources;
use super::step::{Fold, Step};
use crate::ground::{Id, Time};
use crate::journal::Fact;
use crate::model::Resource;
use crate::stats::{Line, Ramp, TimeWeighted};
use serde::{Deserialize, Serialize};

/// CPU and memory, in this order everywhere here.
const MEASURED: [Resource; 2] = [Resource::Cpu, Resource::Memory];

/// What one pod uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PodUse {
    /// Part of the sums now.
    lines: [Option<Line>; 2],
    /// A fact told it; else it is what the pod requests.
    told: [bool; 2],
    throttled: bool,
}

/// The fold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Usage {
    used: [Ramp; 2],
    capacity: [TimeWeighted; 2],
    peak: [f64; 2],
    /// Since when used and capacity are as they are.
    since: Time,
    counted: Vec<bool>,
    /// By slot of the pod.
    pods: Vec<PodUse>,
    running: TimeWeighted,
    throttled: TimeWeighted,
    told: u64,
}

impl Usage {
    /// Share of its capacity that is used of CPU or memory, and nothing of other resources.
    pub(super) fn ratio(&self, resource: Resource, at: Time) -> Option<f64> {
        let number = MEASURED.iter().position(|measured| *measured == resource)?;
        Some(self.ratio_of(number, at))
    }

    fn ratio_of(&self, number: usize, at: Time) -> f64 {
        match self.capacity[number].level() {
            0 => 0.0,
            capacity => self.used[number].level(at) / capacity as f64,
        }
    }

    /// Closes the pieces up to here: growth is steady, so their ends have the peak.
    fn settle(&mut self, at: Time) {
        if at > self.since {
            for number in 0..2 {
                let ends = [self.ratio_of(number, self.since), self.ratio_of(number, at)];
                self.peak[number] = ends.into_iter().fold(self.peak[number], f64::max);
            }
            self.since = at;
        }
    }

    /// Puts a line in the place of the one that a pod had.
    fn put(&mut self, slot: usize, number: usize, at: Time, line: Option<Line>) {
        let before = std::mem::replace(&mut self.pods[slot].lines[number], line);
        if before == line {
            return;
        }
        self.settle(at);
        if let Some(before) = before {
            self.used[number].remove(at, &before);
        }
        if let Some(line) = line {
            self.used[number].add(at, &line);
        }
    }

    fn throttle(&mut self, slot: usize, at: Time, on: bool) {
        if std::mem::replace(&mut self.pods[slot].throttled, on) != on {
            if on { self.throttled.add(at, 1) } else { self.throttled.subtract(at, 1) }
        }
    }

    /// A pod uses nothing any more.
    fn stop(&mut self, slot: usize, at: Time) {
        for number in 0..2 {
            self.put(slot, number, at, None);
        }
        self.throttle(slot, at, false);
        self.pods[slot] = PodUse::default();
    }

    /// A pod begins or ceases to run, or goes on.
    fn follow(&mut self, before: &PodRow, after: Option<&PodRow>, step: &Step<'_>) {
        let (slot, at) = (before.slot as usize, step.at);
        match (before.runs(), after.is_some_and(PodRow::runs)) {
            (false, true) => {
                self.running.add(at, 1);
                let spec = &step.book.pod_specs[before.spec.index()];
                for (number, request) in [spec.cpu, spec.memory].into_iter().enumerate() {
                    if !self.pods[slot].told[number] && request > 0 {
                        self.put(slot, number, at, Some(Line::new(request, 0, at)));
                    }
                }
            }
            (true, false) => self.running.subtract(at, 1),
            _ => {}
        }
    }

    /// A node begins or ceases to count.
    fn count_node(&mut self, node: usize, at: Time, book: &Book) {
        if self.counted.len() <= node {
            self.counted.resize(node + 1, false);
        }
        let row = &book.nodes[node];
        if std::mem::replace(&mut self.counted[node], row.counted) == row.counted {
            return;
        }
        self.settle(at);
        for (number, amount) in &book.node_specs[row.spec.index()].amounts {
            let resource = book.resources[usize::from(*number)];
            let Some(measured) = MEASURED.iter().position(|m| *m == resource) else {
                continue;
            };
            let level = &mut self.capacity[measured];
            if row.counted { level.add(at, *amount) } else { level.subtract(at, *amount) }
        }
    }

    /// The numbers of a run that ends here.
    pub(super) fn finish(&mut self, book: &Book, end: Time) -> UsageResults {
        self.settle(end);
        let mut resources = Vec::new();
        for (position, name) in shown_resources(book) {
            let resource = book.resources[position];
            let Some(number) = MEASURED.iter().position(|m| *m == resource) else {
                continue;
            };
            let now = self.ratio_of(number, end);
            let areas = (self.used[number].area_until(end), self.capacity[number].area_until(end));
            let mean = if areas.1 == 0 { now } else { areas.0 as f64 / areas.1 as f64 };
            let peak = self.peak[number].max(now);
            resources.push(UsageResult { name, utilisation: Level { mean, peak, end: now } });
        }
        let running = self.running.area_until(end);
        let throttled = self.throttled.area_until(end);
        UsageResults {
            resources,
            told: self.told,
            throttled: Level::of(&self.throttled, end),
            throttled_ratio: (running > 0).then(|| throttled as f64 / running as f64),
        }
    }
}

impl Fold for Usage {
    fn fold(&mut self, step: &Step<'_>) {
        let at = step.at;
        match step.fact {
            Fact::NodeAdded { node, .. }
            | Fact::NodeCondition { node, .. }
            | Fact::NodeRemoved { node }
                if node.index() < step.book.nodes.len() =>
            {
                self.count_node(node.index(), at, step.book);
            }
            _ => {}
        }
        let Some(before) = step.pod else {
            return;
        };
        let slot = before.slot as usize;
        if self.pods.len() <= slot {
            self.pods.resize(slot + 1, PodUse::default());
        }
        let after = step.book.pod(before.pod);
        self.follow(before, after, step);
        match step.fact {
            Fact::UsageSet { memory, amount, per_hour, .. } => {
                self.told += 1;
                self.pods[slot].told[usize::from(memory)] = true;
                let line = Line::new(amount, per_hour, at);
                self.put(slot, usize::from(memory), at, Some(line));
            }
            Fact::Throttled { on, .. } => self.throttle(slot, at, on),
            Fact::Interrupted { .. } => self.stop(slot, at),
            Fact::Finished { .. } | Fact::Failed { .. } | Fact::Removed { .. } => {
                self.stop(slot, at);
            }
            _ => {}
        }
    }
}
