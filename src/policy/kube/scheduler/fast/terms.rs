//! What the other pods of the cluster say about nodes to a pod: PodTopologySpread and
//! InterPodAffinity, for the whole cluster at once.
//!
//! The core asks in this order, once per attempt: [`Relations::prepare`], then
//! [`Relations::refuse`] where filters take part, then, when it knows which nodes are feasible,
//! [`Relations::score`] where scores take part; [`Relations::verdict`] only for lanes that were
//! refused. Between attempts it tells of every touch of the view.

use super::class_masks::ClassMasks;
use super::codes::{self, Scores};
use super::company::Required;
use super::groups::{Groups, Move};
use super::layout::{LANES, Layout};
use super::plan::{Keys, Near, Plan, Planner};
use super::shape::{Codes, lanes};
use super::spread::{Hard, Known};
use crate::ground::{Id, Name};
#[cfg(test)]
use crate::model::{Catalog, View};
use crate::model::{Code, Plugin, Touch};
use crate::policy::kube::scheduler::framework::Cycle;
use rustc_hash::FxHashSet;

/// Memory that groups may take.
const MOST_BYTES: usize = 256 << 20;
/// After so many new plans memory is looked at.
const PLANS_BETWEEN: u32 = 64;

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
    /// The scores that depend on the class alone, by class.
    pub(crate) classes: Vec<i32>,
    /// Those of other pods on top of that, by code.
    pub(crate) values: Vec<i32>,
    /// The code of each lane that is feasible, unless class and page tell it.
    pub(crate) codes: Vec<u32>,
    /// The most that other pods add.
    pub(crate) most: i32,
}

/// The index of pods by what others ask about them.
#[derive(Debug, Default)]
pub(crate) struct Relations {
    /// None as long as nobody asks about other pods.
    groups: Option<Groups>,
    plans: Vec<Option<Box<Plan>>>,
    new_plans: u32,
    keys: Keys,
    masks: ClassMasks,
    /// Whether each node has a host name of its own, once somebody asked.
    own_names: Option<bool>,
    hard: Hard,
    required: Required,
    scores: Scores,
}

impl Relations {
    /// Begins anew: the layout is another one.
    pub(super) fn reset(&mut self) {
        self.groups = None;
        self.plans.clear();
        self.keys = Keys::default();
        self.own_names = None;
    }

    /// Hears of a touch that the layout has taken already.
    pub(super) fn touch(&mut self, cycle: &Cycle<'_>, layout: &Layout, touch: &Touch) {
        let Some(groups) = &mut self.groups else { return };
        let (node, spec, deleting, more) = match *touch {
            Touch::Hold { node, spec, deleting } => (node, spec, deleting, true),
            Touch::Release { node, spec, deleting } => (node, spec, deleting, false),
            Touch::Leaving { node, spec } => (node, spec, true, false),
            Touch::Node { node } => {
                if let Some(lane) = layout.lane(node) {
                    groups.classify(lane, layout.class_of[lane]);
                }
                return;
            }
            Touch::Objects => return,
        };
        let leaves = matches!(touch, Touch::Leaving { .. });
        match layout.lane(node) {
            Some(lane) => {
                let staying = leaves || !deleting;
                let pod = Move { lane, spec, more, deleting: !leaves, staying };
                groups.pod((cycle.view, cycle.catalog), pod);
            }
            None if !leaves && !cycle.catalog.pod_spec(spec).pod_affinity.is_empty() => {
                let change = if more { 1 } else { u32::MAX };
                groups.strays = groups.strays.wrapping_add(change);
            }
            None => {}
        }
    }

    /// What part other pods play. Looks at every pod only where that is some, and only once.
    pub(super) fn prepare(&mut self, cycle: &Cycle<'_>, layout: &Layout) -> Part {
        if !takes_part(cycle) {
            return Part::None;
        }
        if self.new_plans > PLANS_BETWEEN {
            self.new_plans = 0;
            if self.groups.as_ref().is_some_and(|groups| groups.bytes() > MOST_BYTES) {
                self.reset();
            }
        }
        self.learn_plan(cycle, layout);
        let groups = self.groups.as_ref().expect("a plan has groups");
        let plan = self.plans[cycle.spec_id.index()].as_ref().expect("it was made");
        let (refuses, scores) = (plan.refuses(), plan.scores());
        if !refuses && !scores {
            return if plan.plain { Part::Plain } else { Part::None };
        }
        let overflowed = |id: &u32| groups.group(*id).overflowed;
        if plan.plain
            || (groups.strays > 0 && !groups.affine.is_empty())
            || plan.groups().any(|id| overflowed(&id))
        {
            return Part::Plain;
        }
        if plan.by_host {
            let own_names = || have_own_names(cycle, layout);
            if !*self.own_names.get_or_insert_with(own_names) {
                return Part::Plain;
            }
        }
        self.masks.learn(layout);
        Part::Active { refuses, scores }
    }

    fn learn_plan(&mut self, cycle: &Cycle<'_>, layout: &Layout) {
        let Relations { groups, plans, keys, new_plans, .. } = self;
        let groups = groups.get_or_insert_with(|| Groups::new(layout, cycle.view, cycle.catalog));
        groups.know_objects(layout, cycle.view, cycle.catalog);
        let at = cycle.spec_id.index();
        if plans.len() <= at {
            plans.resize_with(at + 1, || None);
        }
        if plans[at].as_ref().is_none_or(|plan| !plan.holds(layout, groups)) {
            keys.learn(layout, cycle.catalog);
            let plan = Planner { cycle, layout, groups, keys }.plan();
            plans[at] = Some(Box::new(plan));
            *new_plans += 1;
        }
    }

    /// Adds the lanes that filters refuse to the masks, one per block.
    pub(super) fn refuse(&mut self, cycle: &Cycle<'_>, layout: &Layout, masks: &mut [u64]) {
        let Relations { groups, plans, keys, masks: by_class, hard, required, .. } = self;
        let known = known(cycle, layout, (groups, plans), (keys, by_class));
        if !known.plan.hard.is_empty() {
            hard.prepare(known);
            hard.refuse(known, masks);
        }
        if !known.plan.near.is_empty() || !known.plan.far.is_empty() {
            required.prepare(known);
            for (block, mask) in masks.iter_mut().enumerate() {
                *mask |= required.refused(known, block);
            }
        }
    }

    /// Adds the normalised and weighted scores of the feasible lanes, a mask per block.
    pub(super) fn score(
        &mut self,
        cycle: &Cycle<'_>,
        layout: &Layout,
        feasible: &[u64],
        addends: &mut Addends,
    ) {
        let Relations { groups, plans, keys, masks, scores, .. } = self;
        let known = known(cycle, layout, (groups, plans), (keys, masks));
        scores.add(cycle, known, feasible, addends);
    }

    /// The codes of the lanes, after other pods scored.
    pub(super) fn codes<'a>(
        &'a self,
        cycle: &Cycle<'_>,
        layout: &'a Layout,
        addends: &'a Addends,
    ) -> Codes<'a> {
        let Relations { groups, plans, keys, masks, .. } = self;
        match codes::paged(known(cycle, layout, (groups, plans), (keys, masks))) {
            Some(group) => Codes::Paged(&layout.class_of, group),
            None => Codes::Listed(&addends.codes),
        }
    }

    /// The first of the two filters that refuses a lane, in the order of the profile.
    pub(super) fn verdict(
        &self,
        cycle: &Cycle<'_>,
        layout: &Layout,
        lane: usize,
    ) -> Option<(Plugin, Code)> {
        let Relations { groups, plans, keys, masks, hard, required, .. } = self;
        let known = known(cycle, layout, (groups, plans), (keys, masks));
        let class = layout.class_of[lane] as usize;
        let plan = known.plan;
        let spread = || match plan.hard.is_empty() {
            true => None,
            false => hard.verdict(known, class, lane),
        };
        let others = || match plan.near.is_empty() && plan.far.is_empty() {
            true => None,
            false => required.verdict(known, class, lane),
        };
        let spread = spread().map(|code| (Plugin::PodTopologySpread, code));
        spread.or_else(|| others().map(|code| (Plugin::InterPodAffinity, code)))
    }
}

#[cfg(test)]
impl Relations {
    /// Checks the counts and tells how many groups there are.
    pub(super) fn check(&self, layout: &Layout, view: &View, catalog: &Catalog) -> usize {
        let Some(groups) = &self.groups else { return 0 };
        groups.check(layout, view, catalog);
        groups.len()
    }
}

fn known<'a>(
    cycle: &Cycle<'_>,
    layout: &'a Layout,
    (groups, plans): (&'a Option<Groups>, &'a [Option<Box<Plan>>]),
    (keys, masks): (&'a Keys, &'a ClassMasks),
) -> Known<'a> {
    let groups = groups.as_ref().expect("the attempt was prepared");
    let plan = plans[cycle.spec_id.index()].as_ref().expect("the attempt was prepared");
    Known { layout, groups, keys, masks, plan }
}

/// True if other pods may matter to the pod at all.
fn takes_part(cycle: &Cycle<'_>) -> bool {
    let Cycle { spec, profile, view, .. } = cycle;
    let asks = |wanted| {
        profile.filter.contains(&wanted)
            || profile.pre_filter.contains(&wanted)
            || profile.score.iter().any(|(plugin, _)| *plugin == wanted)
    };
    let defaults = &profile.arguments.spread_defaults.constraints;
    let by_default = !defaults.is_empty() && !view.objects().is_empty();
    ((!spec.spread.is_empty() || by_default) && asks(Plugin::PodTopologySpread))
        || ((!spec.pod_affinity.is_empty() || view.affine_pods().next().is_some())
            && asks(Plugin::InterPodAffinity))
}

/// True if no two nodes have the same host name and each has one.
fn have_own_names(cycle: &Cycle<'_>, layout: &Layout) -> bool {
    let mut names: FxHashSet<Name> = FxHashSet::default();
    let own = |node| cycle.view.node(node).hostname.is_some_and(|name| names.insert(name));
    layout.nodes.iter().copied().all(own)
}

impl Hard {
    /// Adds the lanes that are refused.
    fn refuse(&mut self, known: Known<'_>, masks: &mut [u64]) {
        if known.plan.hard.iter().any(|constraint| constraint.near == Near::Host) {
            for (block, mask) in masks.iter_mut().enumerate() {
                for (class, here) in known.masks.of(block) {
                    let refused = |lane: &usize| {
                        let lane = block * LANES + lane;
                        self.verdict(known, *class as usize, lane).is_some()
                    };
                    lanes(here & !*mask).filter(refused).for_each(|lane| *mask |= 1 << lane);
                }
            }
            return;
        }
        let mut refused = std::mem::take(&mut self.refused);
        refused.clear();
        let classes = 0..known.layout.classes.len();
        refused.extend(classes.map(|class| self.verdict(known, class, 0).is_some()));
        if refused.contains(&true) {
            for (block, mask) in masks.iter_mut().enumerate() {
                let rows = known.masks.of(block).iter();
                let rows = rows.filter(|(class, _)| refused[*class as usize]);
                rows.for_each(|(_, here)| *mask |= here);
            }
        }
        self.refused = refused;
    }
}
