//! A shape: what is known about the pods of one specification, class by class and block by block.
//! What has not changed since the last pod of the shape is not computed again.

use super::dispatch::{self, Width};
use super::groups::{DIRECT, Group};
use super::kernel::{Query, Scan};
use super::layout::{LANES, Layout};
use super::scoring::Scoring;
use crate::model::{Code, Plugin, PodSpec};
use crate::policy::kube::scheduler::caches::Caches;
use crate::policy::kube::scheduler::framework::{Cycle, NodeFacts, PreFilter, Reasons, Room};
use crate::policy::kube::scheduler::plugin::{
    devices, node_affinity, node_ports, node_resources_fit, node_unschedulable, taint_toleration,
};

/// The largest sum of the weights of scores: sums of scores then are exact in 32-bit floats.
const MOST_WEIGHT: i64 = 10_000;

/// What is needed to judge nodes for a pod.
pub(crate) struct Judge<'a, 'c> {
    pub(crate) cycle: &'a Cycle<'c>,
    pub(crate) caches: &'a mut Caches,
    pub(crate) layout: &'a Layout,
    pub(crate) width: Width,
}

/// Scores of a class that depend on the class alone, before normalisation and weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Raw {
    pub(super) taints: i64,
    pub(super) affinity: i64,
    pub(super) images: i64,
}

/// What a shape asks for besides CPU, memory and a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extras {
    None,
    /// Filters after that of resources take part, or that filter has more to look at.
    After,
    /// A filter before that of resources takes part too.
    Before,
}

/// The best of the feasible lanes of a block, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peak {
    /// No total is higher; negative if no lane is feasible.
    pub(super) bound: i32,
    /// Lanes whose total is the bound, except perhaps those of `open`. The others have less.
    pub(super) top: u64,
    /// Lanes of `top` whose total may be less than the bound.
    pub(super) open: u64,
}

impl Peak {
    /// No lane is feasible.
    pub(super) const NONE: Peak = Peak { bound: -1, top: 0, open: 0 };

    /// What the kernel says.
    pub(super) fn of(scan: &Scan) -> Peak {
        Peak { bound: scan.bound, top: scan.top, open: scan.open }
    }
}

/// What is known about a block.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Version of the block of which `feasible` and `classes` are true; 0 for none.
    seen: u64,
    /// Version of the block of which `peak` is true; 0 for none.
    peak_seen: u64,
    feasible: u64,
    /// The classes of the feasible lanes, as bits, if there are at most 64.
    classes: u64,
    peak: Peak,
}

const UNKNOWN: Entry = Entry { seen: 0, peak_seen: 0, feasible: 0, classes: 0, peak: Peak::NONE };

/// The lanes that no filter refuses on account of the class or the name, by block.
#[derive(Debug, Clone, Copy)]
struct Gate {
    seen: u64,
    lanes: u64,
}

/// What is known about the pods of one specification.
pub(crate) struct Shape {
    /// When it was last used, in attempts.
    pub(super) used: u64,
    /// The layout that it is for.
    pub(super) generation: u64,
    pub(super) scoring: Scoring,
    query: Query,
    extras: Extras,
    /// Names or host names of nodes matter.
    per_node: bool,
    /// The verdict of the filters that look at the class alone.
    verdicts: Vec<Option<(Plugin, Code)>>,
    pub(super) raws: Vec<Raw>,
    class_changes: u64,
    /// Changes of lanes when the last pod came.
    lane_changes: u64,
    gated: bool,
    /// The scores that depend on the class alone differ between classes.
    pub(super) varies: bool,
    /// Those scores, normalised and weighted, of which the peaks are true.
    pub(super) addends: Vec<i32>,
    gates: Vec<Gate>,
    entries: Vec<Entry>,
}

/// The lanes of a mask, ascending.
pub(super) fn lanes(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = mask.trailing_zeros() as usize;
        mask &= mask.wrapping_sub(1);
        (lane < LANES).then_some(lane)
    })
}

/// True if all pods of this specification go the plain path, whatever else there is.
fn is_plain(cycle: &Cycle<'_>) -> bool {
    let profile = cycle.profile;
    let spec: &PodSpec = cycle.spec;
    let narrows = profile.pre_filter.contains(&Plugin::NodeAffinity)
        && !matches!(node_affinity::pre_filter(cycle), PreFilter::Pass | PreFilter::Skip);
    let weights: i64 = profile.score.iter().map(|(_, weight)| *weight).sum();
    !spec.volumes.is_empty()
        || spec.node_name.is_some()
        || narrows
        || weights > MOST_WEIGHT
        || !profile.filter.contains(&Plugin::NodeResourcesFit)
        || !profile.filters_in_usual_order()
        || (node_affinity::depends_on_name(cycle) && node_affinity::has_preferences(cycle))
}

impl Shape {
    /// What is known before any node is looked at; `None` if the pods go the plain path.
    pub(super) fn new(cycle: &Cycle<'_>, layout: &Layout) -> Option<Shape> {
        if is_plain(cycle) {
            return None;
        }
        let scoring = Scoring::new(cycle);
        let query = scoring.query(cycle, layout)?;
        let spec = cycle.spec;
        let filters = |plugin| cycle.profile.filter.contains(&plugin);
        let extras = if !spec.host_ports.is_empty() && filters(Plugin::NodePorts) {
            Extras::Before
        } else if spec.requests.ephemeral_storage.0 > 0
            || !spec.requests.extended.is_empty()
            || spec.devices.is_some()
        {
            Extras::After
        } else {
            Extras::None
        };
        Some(Shape {
            used: 0,
            generation: layout.generation,
            scoring,
            query,
            extras,
            per_node: node_affinity::depends_on_name(cycle),
            verdicts: Vec::new(),
            raws: Vec::new(),
            class_changes: 0,
            lane_changes: layout.lane_changes,
            gated: false,
            varies: false,
            addends: Vec::new(),
            gates: Vec::new(),
            entries: vec![UNKNOWN; layout.blocks.len()],
        })
    }

    /// Memory that the shape takes, about.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Shape>()
            + self.entries.len() * size_of::<Entry>()
            + self.gates.len() * size_of::<Gate>()
            + self.raws.len() * (size_of::<Raw>() + size_of::<Option<(Plugin, Code)>>() + 4)
    }

    /// Takes note of classes that are new or are not any more.
    pub(super) fn know_classes(&mut self, judge: &mut Judge<'_, '_>) {
        let layout = judge.layout;
        if self.class_changes == layout.class_changes {
            return;
        }
        self.class_changes = layout.class_changes;
        let images = self.scoring.images(judge.cycle, judge.caches);
        for class in &layout.classes[self.verdicts.len()..] {
            let facts = class.facts(judge.cycle.catalog);
            let verdict = match self.per_node {
                true => None, // only the node itself tells
                false => static_verdict(judge.cycle, judge.caches, &facts),
            };
            self.verdicts.push(verdict);
            self.raws.push(self.scoring.raw(judge.cycle, judge.caches, (&facts, &images)));
        }
        let there = |class: &usize| layout.class_nodes[*class] > 0;
        let present = (0..layout.classes.len()).filter(there);
        self.gated = self.per_node || present.clone().any(|class| self.verdicts[class].is_some());
        let mut raws = present.filter(|c| self.verdicts[*c].is_none()).map(|c| self.raws[c]);
        let first = raws.next();
        let varies = raws.any(|raw| Some(raw) != first);
        if varies != self.varies {
            self.varies = varies;
            self.addends.clear();
            self.entries.fill(UNKNOWN);
        }
        if self.gated && self.gates.is_empty() {
            self.gates = vec![Gate { seen: 0, lanes: 0 }; layout.blocks.len()];
        }
    }

    /// Who refuses the nodes of a class, for a shape of which class and resources tell everything
    /// and a pod that fits nowhere.
    pub(super) fn class_refusal(
        &self,
        cycle: &Cycle<'_>,
        layout: &Layout,
        class: usize,
    ) -> (Plugin, Code) {
        self.verdicts[class].unwrap_or_else(|| {
            let spec = cycle.catalog.node_spec(layout.classes[class].spec);
            let (wanted, offer) = (&cycle.spec.requests, &spec.allocatable);
            let too_much = wanted.cpu > offer.cpu || wanted.memory > offer.memory;
            let code = match too_much {
                true => Code::UnschedulableAndUnresolvable,
                false => Code::Unschedulable,
            };
            (Plugin::NodeResourcesFit, code)
        })
    }

    /// True if class and resources tell everything about a refusal.
    pub(super) fn is_simple(&self) -> bool {
        self.extras == Extras::None && !self.per_node
    }

    fn gate(&mut self, judge: &mut Judge<'_, '_>, block: usize) -> u64 {
        let layout = judge.layout;
        if !self.gated {
            return layout.lanes_of(block);
        }
        let version = layout.class_versions[block];
        if self.gates[block].seen != version {
            let mut open = 0;
            for lane in lanes(layout.lanes_of(block)) {
                let at = block * LANES + lane;
                if self.verdicts[layout.class_of[at] as usize].is_none()
                    && (!self.per_node || self.accepts_name(judge, at))
                {
                    open |= 1 << lane;
                }
            }
            self.gates[block] = Gate { seen: version, lanes: open };
        }
        self.gates[block].lanes
    }

    fn accepts_name(&self, judge: &mut Judge<'_, '_>, lane: usize) -> bool {
        let facts = judge.cycle.facts(judge.layout.nodes[lane]);
        static_verdict(judge.cycle, judge.caches, &facts).is_none()
    }

    /// True if so many nodes changed since the last pod that hardly any block is as it was: then
    /// it costs more to keep what is found out than to find it out again.
    pub(super) fn is_stale(&mut self, layout: &Layout) -> bool {
        let before = std::mem::replace(&mut self.lane_changes, layout.lane_changes);
        layout.lane_changes - before > 2 * layout.blocks.len() as u64
    }

    /// The feasible lanes of a block. Where no scores vary by class, the peak comes with it.
    pub(super) fn feasible(&mut self, judge: &mut Judge<'_, '_>, block: usize) -> u64 {
        let version = judge.layout.versions[block];
        if self.entries[block].seen == version {
            return self.entries[block].feasible;
        }
        let (keep, scan) = self.room(judge, block);
        if self.varies {
            let classes = &judge.layout.class_of[block * LANES..];
            let classes = lanes(keep).fold(0, |bits, lane| bits | 1 << (classes[lane] & 63));
            let entry = &mut self.entries[block];
            *entry = Entry { seen: version, peak_seen: 0, feasible: keep, classes, ..*entry };
            return keep;
        }
        let peak = self.surveyed(judge, (block, keep), scan);
        let entry = &mut self.entries[block];
        *entry = Entry { seen: version, peak_seen: version, feasible: keep, peak, ..*entry };
        keep
    }

    /// The feasible lanes of all blocks with their bounds, put behind what `found` has; nothing is
    /// kept. False if the shape needs more than that: its scores vary by class, or not the kernel
    /// alone tells where there is room and what that is worth.
    pub(super) fn glance(
        &mut self,
        judge: &mut Judge<'_, '_>,
        (gates, found): (&mut Vec<u64>, &mut Vec<Scan>),
    ) -> bool {
        let layout = judge.layout;
        let whole = judge.cycle.spec.requests.memory.0.is_multiple_of(1 << layout.unit_shift);
        let enough = whole && self.extras == Extras::None && self.scoring.bounded;
        if self.varies || !enough || layout.odd_lanes > 0 {
            return false;
        }
        gates.extend((0..layout.blocks.len()).map(|block| self.gate(judge, block)));
        dispatch::survey_all(judge.width, &layout.blocks, &self.query, (gates, found));
        true
    }

    /// The feasible lanes of a block, and what the kernel says of it.
    fn room(&mut self, judge: &mut Judge<'_, '_>, block: usize) -> (u64, Scan) {
        let gate = self.gate(judge, block);
        let scan = dispatch::survey(judge.width, &judge.layout.blocks[block], &self.query, gate);
        let mut keep = scan.feasible;
        let wanted = judge.cycle.spec.requests.memory.0;
        if !wanted.is_multiple_of(1 << judge.layout.unit_shift) {
            let free = &judge.layout.blocks[block].free_memory;
            for lane in lanes(keep).filter(|lane| free[*lane] == self.query.memory) {
                let numbers = &judge.layout.numbers[block * LANES + lane];
                if wanted > numbers.memory.saturating_sub(numbers.used_memory) {
                    keep &= !(1 << lane);
                }
            }
        }
        if self.extras != Extras::None {
            for lane in lanes(keep) {
                if self.refused_extra(judge, block * LANES + lane).is_some() {
                    keep &= !(1 << lane);
                }
            }
        }
        (keep, scan)
    }

    /// The peak of the feasible lanes of a block, of which the kernel said this.
    fn surveyed(
        &self,
        judge: &mut Judge<'_, '_>,
        (block, keep): (usize, u64),
        mut scan: Scan,
    ) -> Peak {
        if !self.scoring.bounded || judge.layout.odd[block] != 0 {
            return self.exact_peak(judge, (block, keep), None);
        }
        if keep != scan.feasible {
            scan = dispatch::survey(judge.width, &judge.layout.blocks[block], &self.query, keep);
        }
        Peak::of(&scan)
    }

    /// The classes of the feasible lanes of a block, as bits.
    pub(super) fn classes(&self, block: usize) -> u64 {
        self.entries[block].classes
    }

    /// The peak of a whole block, of which [`Shape::feasible`] was asked.
    pub(super) fn peak(&mut self, judge: &mut Judge<'_, '_>, block: usize) -> Peak {
        let Entry { seen, peak_seen, feasible, peak, .. } = self.entries[block];
        if peak_seen == seen {
            return peak;
        }
        let addends = std::mem::take(&mut self.addends);
        let codes = Codes::Listed(&judge.layout.class_of);
        let peak = self.peak_of(judge, (block, feasible), Some(&Sum { values: &addends, codes }));
        self.addends = addends;
        self.entries[block].peak_seen = seen;
        self.entries[block].peak = peak;
        peak
    }

    /// Keeps what was found out about the peak of a whole block.
    pub(super) fn learn(&mut self, block: usize, peak: Peak) {
        self.entries[block].peak = peak;
    }

    /// Puts other scores by class in the place of those before.
    pub(super) fn set_addends(&mut self, addends: &[i32]) {
        if self.addends != addends {
            self.addends.clear();
            self.addends.extend_from_slice(addends);
            self.entries.iter_mut().for_each(|entry| entry.peak_seen = 0);
        }
    }

    /// The peak of some feasible lanes of a block.
    pub(super) fn peak_of(
        &self,
        judge: &mut Judge<'_, '_>,
        (block, feasible): (usize, u64),
        sum: Option<&Sum<'_>>,
    ) -> Peak {
        if feasible == 0 {
            return Peak::NONE;
        }
        if !self.scoring.bounded || judge.layout.odd[block] != 0 {
            return self.exact_peak(judge, (block, feasible), sum);
        }
        let column = sum.map(|sum| sum.column(block));
        let columns = &judge.layout.blocks[block];
        let scan = dispatch::scan(judge.width, columns, &self.query, feasible, column.as_ref());
        Peak::of(&scan)
    }

    /// The peak with every total computed.
    pub(super) fn exact_peak(
        &self,
        judge: &mut Judge<'_, '_>,
        (block, feasible): (usize, u64),
        sum: Option<&Sum<'_>>,
    ) -> Peak {
        let mut peak = Peak::NONE;
        for lane in lanes(feasible) {
            let total = self.total(judge, block * LANES + lane, sum);
            if total > peak.bound {
                peak = Peak { bound: total, top: 0, open: 0 };
            }
            if total == peak.bound {
                peak.top |= 1 << lane;
            }
        }
        peak
    }

    /// The exact total of a feasible lane.
    pub(super) fn total(
        &self,
        judge: &mut Judge<'_, '_>,
        lane: usize,
        sum: Option<&Sum<'_>>,
    ) -> i32 {
        let odd = judge.layout.odd[lane / LANES] >> (lane % LANES) & 1 != 0;
        let own = if self.scoring.bounded && !odd {
            self.scoring.exact(judge.cycle.spec, &judge.layout.numbers[lane])
        } else {
            self.scoring.plain(judge.cycle, judge.layout.nodes[lane])
        };
        own + sum.map_or(0, |sum| sum.of(lane))
    }

    /// The first filter that looks at more than class, CPU and memory and refuses a lane.
    fn refused_extra(&self, judge: &mut Judge<'_, '_>, lane: usize) -> Option<(Plugin, Code)> {
        let cycle = judge.cycle;
        let room = Room::of(cycle.view, judge.layout.nodes[lane]);
        let reasons = &mut Reasons::new(false);
        cycle.profile.filter.iter().find_map(|plugin| {
            let code = match plugin {
                Plugin::NodePorts => node_ports::filter(cycle, room, reasons),
                Plugin::NodeResourcesFit => node_resources_fit::filter(cycle, room, reasons),
                Plugin::Devices => devices::filter(cycle, room, reasons),
                _ => None,
            };
            code.map(|code| (*plugin, code))
        })
    }

    /// The first filter that refuses a lane, those of other pods not counted.
    pub(super) fn verdict(&self, judge: &mut Judge<'_, '_>, lane: usize) -> Option<(Plugin, Code)> {
        let class = judge.layout.class_of[lane] as usize;
        if self.verdicts[class].is_some() {
            return self.verdicts[class];
        }
        if self.per_node {
            let facts = judge.cycle.facts(judge.layout.nodes[lane]);
            let verdict = static_verdict(judge.cycle, judge.caches, &facts);
            if verdict.is_some() {
                return verdict;
            }
        }
        self.refused_extra(judge, lane)
    }
}

/// Which value each lane has.
#[derive(Clone, Copy)]
pub(super) enum Codes<'a> {
    /// The one listed for the lane, or for its class.
    Listed(&'a [u32]),
    /// The one of its class and the number of members of the group on it.
    Paged(&'a [u32], &'a Group),
}

/// Scores that do not come from the resources of the lane.
pub(super) struct Sum<'a> {
    pub(super) values: &'a [i32],
    pub(super) codes: Codes<'a>,
}

impl Sum<'_> {
    fn of(&self, lane: usize) -> i32 {
        let code = match self.codes {
            Codes::Listed(codes) => codes[lane] as usize,
            Codes::Paged(classes, group) => {
                classes[lane] as usize * DIRECT + group.on(lane) as usize
            }
        };
        self.values[code]
    }

    fn column(&self, block: usize) -> [f32; LANES] {
        let mut column = [0.0; LANES];
        let range = block * LANES..(block + 1) * LANES;
        match self.codes {
            Codes::Listed(codes) => {
                for (addend, code) in column.iter_mut().zip(&codes[range]) {
                    *addend = self.values[*code as usize] as f32;
                }
            }
            Codes::Paged(classes, group) => {
                let classes = &classes[range];
                for (addend, class) in column.iter_mut().zip(classes) {
                    *addend = self.values[*class as usize * DIRECT] as f32;
                }
                for lane in lanes(group.held[block]) {
                    let code =
                        classes[lane] as usize * DIRECT + usize::from(group.page(block)[lane]);
                    column[lane] = self.values[code] as f32;
                }
            }
        }
        column
    }
}

/// The first of the filters that look at name, labels and taints alone which refuses a node.
fn static_verdict(
    cycle: &Cycle<'_>,
    caches: &mut Caches,
    node: &NodeFacts<'_>,
) -> Option<(Plugin, Code)> {
    let reasons = &mut Reasons::new(false);
    cycle.profile.filter.iter().find_map(|plugin| {
        let code = match plugin {
            Plugin::NodeUnschedulable => {
                node_unschedulable::filter(cycle.profile, cycle.spec, node, reasons)
            }
            Plugin::TaintToleration => taint_toleration::filter(cycle, caches, node, reasons),
            Plugin::NodeAffinity => node_affinity::filter(cycle, caches, node, reasons),
            _ => None,
        };
        code.map(|code| (*plugin, code))
    })
}
