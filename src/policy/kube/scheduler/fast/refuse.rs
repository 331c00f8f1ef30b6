//! A pod that fits nowhere: who refused it, where removing pods may help, and what preemption
//! decides. Also the nodes on which other pods are expected, which the plain filters judge.

use super::layout::LANES;
use super::shape::{Judge, Shape};
use super::terms::Relations;
use super::window::Window;
use crate::ground::Key;
use crate::model::{Code, NodeId, Plugin, PluginSet, PreemptionPolicy};
use crate::policy::kube::scheduler::cycle::{Outcome, Tie};
use crate::policy::kube::scheduler::framework::{self, Cycle, Reasons, Room, State};
use crate::policy::kube::scheduler::preempt::{self, Chance, Failed};

/// What nominations mean for an attempt.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// What the plain pre-filters computed, once somebody needed it.
    state: Option<State>,
    /// The node that the pod itself has in prospect, if it fits there.
    pub(super) fits: Option<NodeId>,
    /// How final the refusal of that node was, if it does not.
    nominated: Option<Code>,
    /// Lanes refused with, or without, the pods that are expected there, ascending.
    pub(super) refused: Vec<(usize, (Plugin, Code))>,
}

fn pre_filtered(cycle: &Cycle<'_>) -> State {
    let mut state = State::default();
    let search = framework::run_pre_filters(cycle, &mut state);
    debug_assert_eq!(search, Ok(framework::Search::Everywhere), "others go the plain path");
    state
}

impl Expected {
    /// Judges the nodes that pods have in prospect: that of the pod itself first.
    pub(super) fn new(judge: &mut Judge<'_, '_>) -> Expected {
        let Judge { cycle, caches, layout, .. } = judge;
        let state = pre_filtered(cycle);
        let mut expected = Expected::default();
        let mut refusal = |node| {
            let room = Room::of(cycle.view, node);
            framework::run_filters(cycle, &state, caches, room, &mut Reasons::new(false))
        };
        let own = cycle.nominations.node_of(cycle.uid);
        if let Some(node) = own.filter(|node| cycle.view.node(*node).present) {
            match refusal(node) {
                None => expected.fits = Some(node),
                Some((_, code)) => expected.nominated = Some(code),
            }
        }
        if expected.fits.is_none() {
            for node in cycle.nominations.nodes() {
                if let Some(lane) = layout.lane(node)
                    && framework::expects(cycle, node)
                    && let Some(refused) = refusal(node)
                {
                    expected.refused.push((lane, refused));
                }
            }
        }
        expected.refused.sort_unstable_by_key(|(lane, _)| *lane);
        expected.state = Some(state);
        expected
    }
}

/// A search that found no feasible node, or the part of one that did not.
pub(super) struct Refused<'a, 'j, 'c> {
    pub(super) shape: &'a Shape,
    pub(super) judge: &'a mut Judge<'j, 'c>,
    pub(super) expected: Expected,
    /// Filters by other pods, if they took part.
    pub(super) relations: Option<&'a Relations>,
}

impl Refused<'_, '_, '_> {
    /// The first filter that refuses a lane.
    pub(super) fn verdict(&mut self, lane: usize) -> (Plugin, Code) {
        let expected = &self.expected.refused;
        if let Ok(at) = expected.binary_search_by_key(&lane, |(lane, _)| *lane) {
            return expected[at].1;
        }
        let verdict = self.shape.verdict(self.judge, lane);
        let Judge { cycle, layout, .. } = self.judge;
        let others = || self.relations?.verdict(cycle, layout, lane);
        // Devices are asked about last.
        let first = match verdict {
            Some((Plugin::Devices, _)) => others().or(verdict),
            _ => verdict.or_else(others),
        };
        first.expect("a lane is refused by some filter")
    }

    /// Who refused, and what preemption decides.
    pub(super) fn outcome(mut self, window: &Window, tie: Tie) -> Outcome {
        let cycle = self.judge.cycle;
        let lowest = cycle.view.lowest_priority();
        let tries = cycle.profile.preempts
            && cycle.spec.preemption_policy != PreemptionPolicy::Never
            && lowest.is_some_and(|lowest| lowest < cycle.spec.priority);
        let by_class =
            self.shape.is_simple() && self.relations.is_none() && self.expected.refused.is_empty();
        let (refusers, helpable) = match by_class {
            true => self.by_class(window, tries),
            false => self.by_lane(window),
        };
        if !cycle.profile.preempts {
            return Outcome::Refused(refusers, preempt::Decided::Keep);
        }
        let key = match tries {
            true => tie.name.text_key(&cycle.catalog.names),
            false => Key(0),
        };
        let chance = Chance { rule: tie.rule, draws: tie.draws, key, attempt: tie.attempt };
        let state = match self.expected.state.take() {
            Some(state) => state,
            None if tries => pre_filtered(cycle),
            None => State::default(),
        };
        let nominated = self.expected.nominated;
        let failed = Failed { state: &state, helpable: &helpable, nominated };
        let (decided, _) = preempt::preempt(cycle, &failed, self.judge.caches, chance, false);
        Outcome::Refused(refusers, decided)
    }

    /// Where the class of a node tells who refused it: its own filters, or resources. The nodes
    /// where removing pods may help are listed only if somebody asks.
    fn by_class(&mut self, window: &Window, list: bool) -> (PluginSet, Vec<NodeId>) {
        let layout = self.judge.layout;
        let mut refusers = PluginSet::EMPTY;
        let mut helps = vec![false; layout.classes.len()];
        for (class, helps) in helps.iter_mut().enumerate() {
            if layout.class_nodes[class] > 0 {
                let (plugin, code) = self.shape.class_refusal(self.judge.cycle, layout, class);
                refusers.insert(plugin);
                *helps = code == Code::Unschedulable;
            }
        }
        let mut helpable = Vec::new();
        if list {
            let lanes = window.examined_lanes();
            let lanes = lanes.filter(|lane| helps[layout.class_of[*lane] as usize]);
            helpable.extend(lanes.map(|lane| layout.nodes[lane]));
        }
        (refusers, helpable)
    }

    fn by_lane(&mut self, window: &Window) -> (PluginSet, Vec<NodeId>) {
        let layout = self.judge.layout;
        let (mut refusers, mut helpable) = (PluginSet::EMPTY, Vec::new());
        for lane in window.examined_lanes() {
            debug_assert!(lane / LANES < layout.blocks.len(), "a lane is in a block");
            let (plugin, code) = self.verdict(lane);
            refusers.insert(plugin);
            if code == Code::Unschedulable {
                helpable.push(layout.nodes[lane]);
            }
        }
        (refusers, helpable)
    }
}
