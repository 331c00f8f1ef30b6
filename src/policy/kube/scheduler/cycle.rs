//! One attempt to place one pod: pre-filter, filter, score, choose (`schedule_one.go`,
//! Kubernetes 1.34). Upstream examines nodes with several workers; here they are examined one
//! after the other, which is one of the outcomes that upstream may have.

use super::caches::Caches;
use super::framework::{self, Cycle, Reasons, Room, Search, State};
use super::order::NodeOrder;
use super::params::TieBreak;
use super::preempt::{self, Chance, Decided, Failed};
use super::sampling;
use crate::ground::{Draws, Purpose};
use crate::model::{
    Code, DeviceMask, Explain, NodeId, NodeVerdict, Plugin, PluginSet, PodName, Refusal, Verdict,
    VolumePlan,
};

const TIE: Purpose = Purpose::new("scheduler-tie");

/// What a cycle keeps for the next one.
#[derive(Debug)]
pub(crate) struct Rotation<'a> {
    pub(crate) order: &'a NodeOrder,
    /// Position in the node order at which the next search starts.
    pub(crate) next_start: &'a mut usize,
}

/// How a node is chosen among those with the highest score.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tie {
    pub(crate) rule: TieBreak,
    pub(crate) draws: Draws,
    pub(crate) name: PodName,
    pub(crate) attempt: u32,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Place the pod here.
    Place { node: NodeId, devices: DeviceMask, volumes: VolumePlan },
    /// These plugins refused, none if there was no node at all; and what preemption decides.
    Refused(PluginSet, Decided),
}

/// What the search over the nodes found.
#[derive(Debug, Default)]
struct Found {
    feasible: Vec<NodeId>,
    refusers: PluginSet,
    /// Nodes refused in a way that removing pods may help.
    helpable: Vec<NodeId>,
    /// How final the refusal of the nominated node was.
    nominated: Option<Code>,
}

impl Found {
    fn refuse(&mut self, node: NodeId, (plugin, code): (Plugin, Code)) {
        self.refusers.insert(plugin);
        if code == Code::Unschedulable {
            self.helpable.push(node);
        }
    }
}

/// Tries to place a pod. Fills `explain` if it is given.
pub(crate) fn attempt(
    cycle: &Cycle<'_>,
    caches: &mut Caches,
    rotation: Rotation<'_>,
    tie: Tie,
    mut explain: Option<&mut Explain>,
) -> Outcome {
    if cycle.nodes == 0 {
        // Upstream blames no plugin, so the pod is tried again as after an error.
        return Outcome::Refused(PluginSet::EMPTY, Decided::Nothing);
    }
    let mut state = State::default();
    let mut found = match framework::run_pre_filters(cycle, &mut state) {
        Ok(search) => {
            let found = nominated_alone(cycle, &state, caches, explain.as_deref_mut());
            if found.feasible.is_empty() {
                let before = found.nominated;
                let search = (rotation, &search);
                let found = find_feasible(cycle, &state, caches, search, explain.as_deref_mut());
                Found { nominated: before, ..found }
            } else {
                found
            }
        }
        Err(refusal) => {
            let mut found =
                Found { refusers: PluginSet::of(&[refusal.plugin]), ..Found::default() };
            found.nominated = Some(refusal.code);
            if refusal.code == Code::Unschedulable {
                found.helpable = cycle.all_nodes().collect();
            }
            if let Some(explain) = explain.as_deref_mut() {
                explain.refused_before_nodes = Some(refusal);
            }
            found
        }
    };
    let node = match found.feasible.as_slice() {
        [] => return refuse(cycle, &state, caches, (&mut found, tie), explain),
        [only] => *only,
        feasible => {
            let totals = score_all(cycle, &mut state, caches, feasible, explain.as_deref_mut());
            select(cycle, feasible, &totals, tie)
        }
    };
    let (devices, volumes) = framework::reserve(cycle, &state, node);
    if let Some(explain) = explain {
        explain.chosen = Some(node);
        explain.volumes = volumes.clone();
    }
    Outcome::Place { node, devices, volumes }
}

/// Asks preemption about a pod that fits nowhere.
fn refuse(
    cycle: &Cycle<'_>,
    state: &State,
    caches: &mut Caches,
    (found, tie): (&mut Found, Tie),
    explain: Option<&mut Explain>,
) -> Outcome {
    if !cycle.profile.preempts {
        return Outcome::Refused(found.refusers, Decided::Keep);
    }
    let failed = Failed { state, helpable: &found.helpable, nominated: found.nominated };
    let key = tie.name.text_key(&cycle.catalog.names);
    let chance = Chance { rule: tie.rule, draws: tie.draws, key, attempt: tie.attempt };
    let wanted = explain.is_some();
    let (decided, preemption) = preempt::preempt(cycle, &failed, caches, chance, wanted);
    if let Some(explain) = explain {
        explain.preemption = preemption;
    }
    Outcome::Refused(found.refusers, decided)
}

/// Tries the node that preemption made room on for the pod, if it is still there.
fn nominated_alone(
    cycle: &Cycle<'_>,
    state: &State,
    caches: &mut Caches,
    explain: Option<&mut Explain>,
) -> Found {
    let mut found = Found::default();
    let nominated = cycle.nominations.node_of(cycle.uid);
    let Some(node) = nominated.filter(|node| cycle.view.node(*node).present) else { return found };
    let room = Room::of(cycle.view, node);
    let refused = framework::run_filters(cycle, state, caches, room, &mut Reasons::new(false));
    match refused {
        None => found.feasible.push(node),
        Some((_, code)) => found.nominated = Some(code),
    }
    if let Some(explain) = explain {
        explain.nominated = Some(node);
        if refused.is_none() {
            let verdict = Verdict::Feasible(Vec::new());
            explain.nodes.push(NodeVerdict { node, verdict });
        }
    }
    found
}

/// Filters nodes from the rotating start until enough are feasible, and moves the start on.
///
/// As upstream with one worker, the search ends at the first feasible node too many; the nodes
/// refused before it count as examined.
fn find_feasible(
    cycle: &Cycle<'_>,
    state: &State,
    caches: &mut Caches,
    (rotation, search): (Rotation<'_>, &Search),
    mut explain: Option<&mut Explain>,
) -> Found {
    let mut found = Found::default();
    let list = caches.take_nodes(rotation.order, cycle.view);
    let narrowed;
    let nodes = match search {
        Search::Everywhere => &list.nodes,
        Search::Among(names, plugins) => {
            found.refusers = *plugins;
            if let Some(explain) = explain.as_deref_mut() {
                explain.narrowed_by = *plugins;
                explain.narrowed_to.clone_from(names);
            }
            narrowed = list.named(names);
            &narrowed
        }
    };
    let wanted = if cycle.profile.score.is_empty() {
        nodes.len().min(1)
    } else {
        let percentage = cycle.profile.percentage_of_nodes_to_score;
        sampling::feasible_nodes_to_find(percentage, nodes.len())
    };
    let start = *rotation.next_start;
    let mut reasons = Reasons::new(explain.is_some());
    let mut examined = 0;
    while examined < nodes.len() {
        let node = nodes[(start + examined) % nodes.len()];
        let room = Room::of(cycle.view, node);
        let refused = framework::run_filters(cycle, state, caches, room, &mut reasons);
        match refused {
            None if found.feasible.len() == wanted => break,
            None => found.feasible.push(node),
            Some(refused) => found.refuse(node, refused),
        }
        examined += 1;
        if let Some(explain) = explain.as_deref_mut() {
            let verdict = match refused {
                None => Verdict::Feasible(Vec::new()),
                Some((plugin, code)) => {
                    Verdict::Refused(Refusal { plugin, code, reasons: reasons.take() })
                }
            };
            explain.nodes.push(NodeVerdict { node, verdict });
        }
    }
    *rotation.next_start = (start + examined) % cycle.nodes;
    caches.put_nodes(list);
    found
}

/// The weighted sum of the normalised scores of each feasible node.
fn score_all(
    cycle: &Cycle<'_>,
    state: &mut State,
    caches: &mut Caches,
    feasible: &[NodeId],
    mut explain: Option<&mut Explain>,
) -> Vec<i64> {
    framework::run_pre_scores(cycle, state, caches, feasible);
    let mut totals = vec![0; feasible.len()];
    let mut scores: Vec<i64> = Vec::with_capacity(feasible.len());
    for (plugin, weight) in &cycle.profile.score {
        if state.skip_score.contains(*plugin) {
            continue;
        }
        scores.clear();
        scores.extend(
            feasible.iter().map(|node| framework::score(*plugin, cycle, state, caches, *node)),
        );
        framework::normalize(*plugin, state, feasible, &mut scores);
        for (total, score) in totals.iter_mut().zip(&scores) {
            *total += score * weight;
        }
        if let Some(explain) = explain.as_deref_mut() {
            let verdicts = explain.nodes.iter_mut().filter_map(|node| match &mut node.verdict {
                Verdict::Feasible(list) => Some(list),
                Verdict::Refused(_) => None,
            });
            for (list, score) in verdicts.zip(&scores) {
                list.push((*plugin, score * weight));
            }
        }
    }
    totals
}

/// The first of some nodes by name.
pub(super) fn first_by_name(
    cycle: &Cycle<'_>,
    nodes: impl Iterator<Item = NodeId>,
) -> Option<NodeId> {
    nodes.min_by_key(|node| cycle.catalog.names.text(cycle.view.node(*node).name))
}

/// The number of the node drawn among so many with the highest total.
pub(super) fn drawn(cycle: &Cycle<'_>, tie: Tie, count: usize) -> usize {
    if count == 1 {
        return 0;
    }
    let key = tie.name.text_key(&cycle.catalog.names);
    tie.draws.stream(TIE, key, tie.attempt).below(count as u64) as usize
}

/// One of the nodes with the highest total.
fn select(cycle: &Cycle<'_>, feasible: &[NodeId], totals: &[i64], tie: Tie) -> NodeId {
    let best = totals.iter().copied().max().unwrap_or(0);
    let mut tied = feasible.iter().zip(totals).filter(|(_, total)| **total == best);
    let number = match tie.rule {
        TieBreak::Name => {
            let names = tied.map(|(node, _)| *node);
            return first_by_name(cycle, names).expect("the highest total belongs to a node");
        }
        TieBreak::First => 0,
        TieBreak::Random => drawn(cycle, tie, tied.clone().count()),
    };
    *tied.nth(number).expect("the highest total belongs to a node").0
}
