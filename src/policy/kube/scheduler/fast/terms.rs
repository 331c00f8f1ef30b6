//! What the other pods of the cluster say about nodes to a pod: PodTopologySpread and
//! InterPodAffinity, for the whole cluster at once.
//!
//! The core asks in this order, once per attempt: [`Relations::prepare`], then
//! [`Relations::refuse`] where filters take part, then, when it knows which nodes are feasible,
//! [`Relations::score`] where scores take part; [`Relations::verdict`] only for lanes that were
//! refused. Between attempts it tells of every touch of the view.

use super::layout::Layout;
use crate::model::{Code, Plugin, Touch, View, WhenUnsatisfiable};
use crate::policy::kube::scheduler::caches::Caches;
use crate::policy::kube::scheduler::framework::Cycle;
use crate::policy::kube::scheduler::plugin::pod_topology_spread;

/// What part other pods play in an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// None.
    None,
    /// They refuse nodes, they score nodes, or both.
    Active {
        /// Some filter takes part.
        refuses: bool,
        /// Some score takes part.
        scores: bool,
    },
    /// One that is not built here: the attempt goes the plain path.
    Plain,
}

/// What is to be added to the scores of nodes: whole numbers, not negative, already normalised
/// and weighted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addends {
    /// By class; the core has it at the length of the classes, filled with the scores that depend
    /// on the class alone.
    pub(crate) classes: Vec<i32>,
    /// On top of that for single lanes, in ascending order of lane, each once.
    pub(crate) lanes: Vec<(u32, i32)>,
}

/// The index of pods by what others ask about them.
#[derive(Debug, Default)]
pub(crate) struct Relations {}

impl Relations {
    /// Begins anew: the layout is another one.
    pub(super) fn reset(&mut self) {}

    /// Hears of a touch that the layout has taken already.
    pub(super) fn touch(&mut self, _layout: &Layout, _touch: &Touch) {}

    /// What part other pods play. Must not look at every pod or node where that is none.
    pub(super) fn prepare(
        &mut self,
        cycle: &Cycle<'_>,
        _layout: &Layout,
        _caches: &mut Caches,
    ) -> Part {
        if spreads(cycle) || relates(cycle, cycle.view) { Part::Plain } else { Part::None }
    }

    /// Adds the lanes that filters refuse to the masks, one per block.
    pub(super) fn refuse(&mut self, _cycle: &Cycle<'_>, _layout: &Layout, _masks: &mut [u64]) {
        unreachable!("no part is built");
    }

    /// Adds the normalised and weighted scores of the feasible lanes, a mask per block.
    pub(super) fn score(
        &mut self,
        _cycle: &Cycle<'_>,
        _layout: &Layout,
        _feasible: &[u64],
        _addends: &mut Addends,
    ) {
        unreachable!("no part is built");
    }

    /// The first of the two filters that refuses a lane, in the order of the profile.
    pub(super) fn verdict(
        &self,
        _cycle: &Cycle<'_>,
        _layout: &Layout,
        _lane: usize,
    ) -> Option<(Plugin, Code)> {
        None
    }
}

fn spreads(cycle: &Cycle<'_>) -> bool {
    let profile = cycle.profile;
    let applies = |kind| pod_topology_spread::applies(&cycle.waiting(), kind);
    let filters = profile.pre_filter.contains(&Plugin::PodTopologySpread);
    let scores = profile.score.iter().any(|(plugin, _)| *plugin == Plugin::PodTopologySpread);
    (filters && applies(WhenUnsatisfiable::DoNotSchedule))
        || (scores && applies(WhenUnsatisfiable::ScheduleAnyway))
}

fn relates(cycle: &Cycle<'_>, view: &View) -> bool {
    let profile = cycle.profile;
    let takes_part = profile.pre_filter.contains(&Plugin::InterPodAffinity)
        || profile.score.iter().any(|(plugin, _)| *plugin == Plugin::InterPodAffinity);
    takes_part && (!cycle.spec.pod_affinity.is_empty() || view.affine_pods().next().is_some())
}
