//! The choice among the feasible nodes: the highest total, found from bounds and checked exactly.

use super::layout::LANES;
use super::shape::{Judge, Peak, Shape, Sum, lanes};
use super::window::{Part, Source, Window};
use crate::model::NodeId;
use crate::policy::kube::scheduler::cycle::{self, Tie};
use crate::policy::kube::scheduler::params::TieBreak;

/// A choice under way.
pub(super) struct Choice<'a, 'j, 'c> {
    pub(super) shape: &'a mut Shape,
    pub(super) judge: &'a mut Judge<'j, 'c>,
    pub(super) window: &'a mut Window,
    /// Scores that do not come from the resources of the node, if they vary.
    pub(super) sum: Option<Sum<'a>>,
    /// The most that other pods add to the scores that the shape keeps peaks for, if they do.
    pub(super) others: Option<i32>,
}

impl Choice<'_, '_, '_> {
    /// Finds the bounds of all parts.
    pub(super) fn bound(&mut self) {
        if let Some(most) = self.others {
            return self.bound_with(most);
        }
        let Choice { shape, judge, window, sum, .. } = self;
        for part in &mut window.parts {
            part.peak = match part.source {
                Source::Kept => shape.peak(judge, part.block),
                Source::Glance => part.peak,
                Source::Nowhere => shape.peak_of(judge, (part.block, part.feasible), sum.as_ref()),
            };
        }
    }

    /// The same where other pods add up to `most`: only parts are looked at closely that may have
    /// the highest total.
    fn bound_with(&mut self, most: i32) {
        let Choice { shape, judge, window, sum, .. } = self;
        let glanced = window.is_glanced();
        for part in &mut window.parts {
            part.source = Source::Nowhere;
            if part.feasible == 0 {
                part.peak = Peak::NONE;
                continue;
            }
            if !glanced {
                part.peak = shape.peak(judge, part.block);
            }
            part.peak.bound += most;
        }
        let Some(first) = (0..window.parts.len()).max_by_key(|at| window.parts[*at].peak.bound)
        else {
            return;
        };
        let mut least = i32::MIN;
        for at in std::iter::once(first).chain((0..window.parts.len()).filter(|at| *at != first)) {
            let part = &mut window.parts[at];
            if part.feasible == 0 || part.peak.bound < least {
                part.peak = Peak::NONE;
                continue;
            }
            part.peak = shape.peak_of(judge, (part.block, part.feasible), sum.as_ref());
            let Peak { bound, top, open } = part.peak;
            let sure = if top & !open != 0 { bound } else { bound - shape.scoring.slack() };
            least = least.max(sure);
        }
    }

    /// The node to place the pod on.
    pub(super) fn choose(&mut self, tie: Tie) -> NodeId {
        loop {
            let best = self.highest();
            let found = match tie.rule {
                TieBreak::First => self.first(best),
                TieBreak::Random => {
                    self.settle(best);
                    let count = self.count(best);
                    (count > 0).then(|| self.nth(best, cycle::drawn(self.judge.cycle, tie, count)))
                }
                TieBreak::Name => {
                    self.settle(best);
                    let tied = self.tied(best);
                    cycle::first_by_name(self.judge.cycle, tied).map(|node| self.lane_of(node))
                }
            };
            if let Some(lane) = found {
                return self.judge.layout.nodes[lane];
            }
        }
    }

    /// All nodes with the highest total, in search order.
    pub(super) fn all_best(&mut self) -> Vec<NodeId> {
        loop {
            let best = self.highest();
            self.settle(best);
            let tied: Vec<NodeId> = self.tied(best).collect();
            if !tied.is_empty() {
                return tied;
            }
        }
    }

    fn lane_of(&self, node: NodeId) -> usize {
        self.judge.layout.lane(node).expect("a tied node has a lane")
    }

    fn highest(&self) -> i32 {
        let bounds = self.window.parts.iter().map(|part| part.peak.bound);
        bounds.max().expect("there is a feasible node")
    }

    /// The first lane whose total is `best`, if there is one.
    fn first(&mut self, best: i32) -> Option<usize> {
        for at in 0..self.window.parts.len() {
            if self.window.parts[at].peak.bound == best {
                self.verify(at, true);
                let Part { block, peak, .. } = self.window.parts[at];
                if peak.bound == best {
                    let lane = (peak.top & !peak.open).trailing_zeros() as usize;
                    return Some(block * LANES + lane);
                }
            }
        }
        None
    }

    /// Makes sure of every lane that is said to have this total.
    fn settle(&mut self, best: i32) {
        for at in 0..self.window.parts.len() {
            let peak = self.window.parts[at].peak;
            if peak.bound == best && peak.open != 0 {
                self.verify(at, false);
            }
        }
    }

    /// Computes the totals of lanes that are open, until the first lane with the highest total is
    /// known if that is enough, else all. The bound is lowered where no lane has it.
    fn verify(&mut self, at: usize, first: bool) {
        let Choice { shape, judge, window, sum, .. } = self;
        let Part { block, feasible, source, mut peak, .. } = window.parts[at];
        if peak.open == 0 {
            return;
        }
        if peak.open == feasible {
            // It was only surveyed.
            peak = shape.peak_of(judge, (block, feasible), sum.as_ref());
        }
        for lane in lanes(peak.top) {
            let bit = 1 << lane;
            if peak.open & bit != 0 {
                peak.open &= !bit;
                if shape.total(judge, block * LANES + lane, sum.as_ref()) != peak.bound {
                    peak.top &= !bit;
                    continue;
                }
            }
            if first {
                break;
            }
        }
        if peak.top == 0 {
            peak = shape.exact_peak(judge, (block, feasible), sum.as_ref());
        }
        window.parts[at].peak = peak;
        if source == Source::Kept {
            shape.learn(block, peak);
        }
    }

    fn count(&self, best: i32) -> usize {
        let parts = self.window.parts.iter().filter(|part| part.peak.bound == best);
        parts.map(|part| part.peak.top.count_ones() as usize).sum()
    }

    fn nth(&self, best: i32, mut number: usize) -> usize {
        for Part { block, peak: Peak { bound, top, .. }, .. } in &self.window.parts {
            if *bound == best {
                match lanes(*top).nth(number) {
                    Some(lane) => return block * LANES + lane,
                    None => number -= top.count_ones() as usize,
                }
            }
        }
        unreachable!("a drawn number is below the number of tied lanes")
    }

    fn tied(&self, best: i32) -> impl Iterator<Item = NodeId> {
        let layout = self.judge.layout;
        let parts = self.window.parts.iter().filter(move |part| part.peak.bound == best);
        parts.flat_map(move |part| {
            lanes(part.peak.top).map(move |lane| layout.nodes[part.block * LANES + lane])
        })
    }
}
