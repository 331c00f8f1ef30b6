//! The fast path of an attempt: the same outcome as the plain one in `cycle.rs`, from what is
//! known of earlier attempts and of the log of touches of the view.
//!
//! What is kept here is computed from the view and never saved; with or without it, and with this
//! path or the plain one, every outcome is the same. An attempt with something that is not built
//! here is handed over to the plain path before anything is decided.

mod choose;
mod class_masks;
mod codes;
mod company;
mod dispatch;
mod groups;
mod holdings;
mod kernel;
mod layout;
mod normal;
mod plan;
mod refuse;
mod scoring;
mod shape;
mod shapes;
mod spread;
mod terms;
mod window;

#[cfg(test)]
mod kernel_tests;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod lab_relations;
#[cfg(test)]
mod tests;

use super::caches::Caches;
use super::cycle::{Outcome, Rotation, Tie};
use super::framework::Cycle;
use super::plugin::devices;
use super::sampling;
use crate::model::{Code, Explain, NodeId, NodeVerdict, Plugin, Verdict, VolumePlan};
use choose::Choice;
use dispatch::Width;
use layout::{LANES, Layout};
use refuse::{Expected, Refused};
use shape::{Codes, Judge, Sum};
use shapes::Shapes;
use terms::{Addends, Part, Relations};
use window::Window;

/// Everything about an attempt on the fast path that recordings and the plain path tell too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examined {
    /// The feasible nodes, in search order.
    pub feasible: Vec<NodeId>,
    /// Those of them with the highest total, in search order.
    pub best: Vec<NodeId>,
    /// The nodes refused, in search order, each with the first filter that refused it.
    pub refused: Vec<(NodeId, Plugin, Code)>,
}

impl Examined {
    /// What an attempt on the plain path told, in the same form.
    pub fn of(explain: &Explain) -> Examined {
        let mut examined = Examined::default();
        let mut totals = Vec::new();
        for NodeVerdict { node, verdict } in &explain.nodes {
            match verdict {
                Verdict::Refused(refusal) => {
                    examined.refused.push((*node, refusal.plugin, refusal.code));
                }
                Verdict::Feasible(scores) => {
                    examined.feasible.push(*node);
                    totals.push((*node, scores.iter().map(|(_, score)| score).sum::<i64>()));
                }
            }
        }
        let best = totals.iter().map(|(_, total)| *total).max();
        let tied = totals.into_iter().filter(|(_, total)| Some(*total) == best);
        examined.best = tied.map(|(node, _)| node).collect();
        examined
    }
}

/// What the fast path keeps.
#[derive(Debug)]
pub(crate) struct Fast {
    layout: Option<Layout>,
    generation: u64,
    shapes: Shapes,
    relations: Relations,
    window: Window,
    addends: Addends,
    removed: Vec<u64>,
    /// The widest instructions of the machine.
    width: Width,
    /// Attempts that it answered.
    pub(crate) answered: u64,
}

impl Default for Fast {
    fn default() -> Fast {
        Fast {
            layout: None,
            generation: 0,
            shapes: Shapes::default(),
            relations: Relations::default(),
            window: Window::default(),
            addends: Addends::default(),
            removed: Vec::new(),
            width: Width::of_machine(),
            answered: 0,
        }
    }
}

/// Tries to place a pod on the fast path; `None` if it is to go the plain path. `portable` keeps it
/// from instructions that not every machine has.
pub(crate) fn attempt(
    cycle: &Cycle<'_>,
    (caches, portable): (&mut Caches, bool),
    rotation: &mut Rotation<'_>,
    tie: Tie,
    examined: Option<&mut Examined>,
) -> Option<Outcome> {
    if cycle.nodes == 0 {
        return None;
    }
    let mut fast = caches.fast.take().unwrap_or_default();
    let width = if portable { Width::Baseline } else { fast.width };
    let outcome = fast.attempt(cycle, (caches, width), rotation, tie, examined);
    fast.answered += u64::from(outcome.is_some());
    caches.fast = Some(fast);
    outcome
}

impl Fast {
    /// The layout is not true any more: a node joined, left or has another specification.
    pub(crate) fn nodes_changed(&mut self) {
        self.layout = None;
    }

    fn catch_up(&mut self, cycle: &Cycle<'_>, rotation: &Rotation<'_>) {
        let Fast { layout, relations, .. } = self;
        if let Some(layout) = layout
            && layout.catch_up(cycle.view, |layout, touch| relations.touch(cycle, layout, touch))
        {
            return;
        }
        self.generation += 1;
        self.relations.reset();
        let (view, catalog) = (cycle.view, cycle.catalog);
        self.layout = Some(Layout::new(self.generation, rotation.order, view, catalog));
    }

    fn attempt(
        &mut self,
        cycle: &Cycle<'_>,
        (caches, width): (&mut Caches, Width),
        rotation: &mut Rotation<'_>,
        tie: Tie,
        mut examined: Option<&mut Examined>,
    ) -> Option<Outcome> {
        self.catch_up(cycle, rotation);
        let Fast { layout, shapes, relations, window, addends, removed, .. } = self;
        let layout = layout.as_ref().expect("it was caught up");
        let shape = shapes.get(cycle, layout)?;
        let (refuses, scores) = match relations.prepare(cycle, layout) {
            Part::Plain => return None,
            Part::None => (false, false),
            Part::Active { refuses, scores } => (refuses, scores),
        };
        let mut judge = Judge { cycle, caches, layout, width };
        shape.know_classes(&mut judge);
        let expected = match cycle.nominations.is_empty() {
            true => Expected::default(),
            false => Expected::new(&mut judge),
        };
        if let Some(node) = expected.fits {
            if let Some(told) = examined {
                *told = Examined { feasible: vec![node], best: vec![node], refused: Vec::new() };
            }
            return Some(place(cycle, node));
        }
        removed.clear();
        if refuses || !expected.refused.is_empty() {
            removed.resize(layout.blocks.len(), 0);
        }
        if refuses {
            relations.refuse(cycle, layout, removed);
        }
        for (lane, _) in &expected.refused {
            removed[lane / LANES] |= 1 << (lane % LANES);
        }
        let nodes = layout.nodes.len();
        let start = *rotation.next_start % nodes;
        let briefly = shape.is_stale(layout);
        let range = (start, wanted(cycle, nodes));
        window.search((shape, &mut judge), range, (removed, briefly));
        *rotation.next_start = (start + window.examined) % nodes;
        let node = window.any().then(|| {
            let blocks = layout.blocks.len();
            if shape.varies || scores {
                normal::addends(shape, &judge, window, addends);
            }
            if shape.varies {
                shape.set_addends(&addends.classes);
            }
            if scores {
                relations.score(cycle, layout, window.masks(blocks), addends);
            }
            let addends = &*addends;
            let sum = if scores {
                let codes = relations.codes(cycle, layout, addends);
                Some(Sum { values: &addends.values, codes })
            } else {
                let codes = Codes::Listed(&layout.class_of);
                shape.varies.then_some(Sum { values: &addends.classes, codes })
            };
            let others = scores.then_some(addends.most);
            let mut choice = Choice { shape, judge: &mut judge, window, sum, others };
            choice.bound();
            let node = choice.choose(tie);
            if let Some(told) = examined.as_deref_mut() {
                told.best = choice.all_best();
            }
            node
        });
        let relations = refuses.then_some(&*relations);
        let mut refused = Refused { shape, judge: &mut judge, expected, relations };
        if let Some(told) = examined {
            told.feasible = window.feasible_lanes().map(|lane| layout.nodes[lane]).collect();
            let lanes: Vec<usize> = window.refused_lanes().collect();
            told.refused = lanes
                .into_iter()
                .map(|lane| (layout.nodes[lane], refused.verdict(lane)))
                .map(|(node, (plugin, code))| (node, plugin, code))
                .collect();
        }
        Some(match node {
            Some(node) => place(cycle, node),
            None => refused.outcome(window, tie),
        })
    }
}

#[cfg(test)]
impl Fast {
    /// Checks what is counted of other pods, right after an attempt; the number of groups.
    fn check(&self, view: &crate::model::View, catalog: &crate::model::Catalog) -> usize {
        let layout = self.layout.as_ref().expect("an attempt was made");
        self.relations.check(layout, view, catalog)
    }
}

fn place(cycle: &Cycle<'_>, node: NodeId) -> Outcome {
    let (devices, volumes) = (devices::reserve(cycle, node), VolumePlan::default());
    Outcome::Place { node, devices, volumes }
}

/// Number of feasible nodes after which the search may stop.
fn wanted(cycle: &Cycle<'_>, nodes: usize) -> usize {
    match cycle.profile.score.is_empty() {
        true => nodes.min(1),
        false => {
            sampling::feasible_nodes_to_find(cycle.profile.percentage_of_nodes_to_score, nodes)
        }
    }
}
