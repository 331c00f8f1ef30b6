//! The window of a search: the nodes that are examined, from the rotating start until enough of
//! them are feasible, as parts of blocks in search order.

use super::kernel::Scan;
use super::layout::LANES;
use super::shape::{Judge, Peak, Shape, lanes};

/// Lanes of one block that are examined one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) block: usize,
    /// The lanes examined.
    pub(super) examined: u64,
    /// Those that are feasible.
    pub(super) feasible: u64,
    pub(super) source: Source,
    /// As `source` says. After a glance, no lane of the block has more than its bound.
    pub(super) peak: Peak,
}

/// Where the peak of a part is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// It is to be computed.
    Nowhere,
    /// The shape keeps it: `feasible` is what it says of the whole block.
    Kept,
    /// It came with `feasible` and is not kept.
    Glance,
}

/// The lanes examined.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// In search order.
    pub(super) parts: Vec<Part>,
    /// Number of nodes examined.
    pub(super) examined: usize,
    /// The feasible lanes by block, filled on demand.
    pub(super) masks: Vec<u64>,
    /// What was found out about all blocks at a glance, and the lanes that it was asked of.
    glanced: Vec<Scan>,
    gates: Vec<u64>,
}

/// The lanes from this one on.
fn from(lane: usize) -> u64 {
    u64::MAX << lane
}

impl Window {
    /// Examines lanes from `start` on until one more than `wanted` are feasible, or all. `removed`
    /// are lanes, by block, that are refused on other grounds than the shape knows; it is empty
    /// without any. `briefly` means that what is found out is not worth keeping.
    pub(super) fn search(
        &mut self,
        (shape, judge): (&mut Shape, &mut Judge<'_, '_>),
        (start, wanted): (usize, usize),
        (removed, briefly): (&[u64], bool),
    ) {
        let nodes = judge.layout.nodes.len();
        let blocks = judge.layout.blocks.len();
        let (first, at) = (start / LANES, start % LANES);
        self.parts.clear();
        self.glanced.clear();
        self.gates.clear();
        if briefly && wanted >= nodes {
            let Window { gates, glanced, .. } = self;
            shape.glance(judge, (gates, glanced));
        }
        self.examined = nodes;
        let mut left = wanted;
        let turns = blocks + usize::from(at > 0);
        for turn in 0..turns {
            let block = if first + turn < blocks { first + turn } else { first + turn - blocks };
            let all = judge.layout.lanes_of(block);
            let mut examined = match turn {
                0 => all & from(at),
                _ if turn == blocks => all & !from(at),
                _ => all,
            };
            let (known, peak, source) = match self.glanced.get(block) {
                Some(scan) => (scan.feasible, Peak::of(scan), Source::Glance),
                None => (shape.feasible(judge, block), Peak::NONE, Source::Kept),
            };
            let mut feasible = known & examined & !removed.get(block).copied().unwrap_or(0);
            let mut done = false;
            if wanted < nodes {
                let count = feasible.count_ones() as usize;
                if count > left {
                    let last = lanes(feasible).nth(left).expect("there are more than are left");
                    examined &= !from(last);
                    feasible &= examined;
                    self.examined = (block * LANES + last + nodes - start) % nodes;
                    done = true;
                }
                left = left.saturating_sub(count);
            }
            let source = if feasible == known { source } else { Source::Nowhere };
            self.parts.push(Part { block, examined, feasible, source, peak });
            if done {
                break;
            }
        }
    }

    /// True if a glance told the bounds of all blocks.
    pub(super) fn is_glanced(&self) -> bool {
        !self.glanced.is_empty()
    }

    /// True if some lane is feasible.
    pub(super) fn any(&self) -> bool {
        self.parts.iter().any(|part| part.feasible != 0)
    }

    /// The feasible lanes, a mask per block of `blocks`.
    pub(super) fn masks(&mut self, blocks: usize) -> &[u64] {
        self.masks.clear();
        self.masks.resize(blocks, 0);
        for part in &self.parts {
            self.masks[part.block] |= part.feasible;
        }
        &self.masks
    }

    /// The lanes examined, in search order.
    pub(super) fn examined_lanes(&self) -> impl Iterator<Item = usize> {
        self.parts
            .iter()
            .flat_map(|part| lanes(part.examined).map(|lane| part.block * LANES + lane))
    }

    /// The lanes that were refused, in search order.
    pub(super) fn refused_lanes(&self) -> impl Iterator<Item = usize> {
        let refused = |part: &Part| lanes(part.examined & !part.feasible);
        self.parts.iter().flat_map(move |part| refused(part).map(|lane| part.block * LANES + lane))
    }

    /// The feasible lanes, in search order.
    pub(super) fn feasible_lanes(&self) -> impl Iterator<Item = usize> {
        self.parts
            .iter()
            .flat_map(|part| lanes(part.feasible).map(|lane| part.block * LANES + lane))
    }
}
