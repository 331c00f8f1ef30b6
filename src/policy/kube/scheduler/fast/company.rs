//! InterPodAffinity from counts by class and lane: what `plugin/inter_pod_affinity.rs` computes
//! from all pods at each attempt.

use super::plan::Near;
use super::spread::Known;
use crate::model::Code;

/// The required terms of an attempt.
#[derive(Debug, Default)]
pub(super) struct Required {
    /// Nodes of the class have the labels that the affinity needs, by class.
    labelled: Vec<bool>,
    /// They are near the pods needed, as far as labels tell, by class.
    near: Vec<bool>,
    /// They are near pods to keep away from, by class.
    far: Vec<bool>,
    /// The pod is the first of those that it needs near.
    first: bool,
    /// Some class tells that its nodes are refused.
    by_class: bool,
    values: Vec<bool>,
}

impl Required {
    /// Looks up what labels tell.
    pub(super) fn prepare(&mut self, known: Known<'_>) {
        let classes = known.layout.classes.len();
        for list in [&mut self.labelled, &mut self.near] {
            list.clear();
            list.resize(classes, true);
        }
        self.far.clear();
        self.far.resize(classes, false);
        self.first = known.plan.near_self && self.is_first(known);
        let plan = known.plan;
        let terms = plan.near.iter().filter_map(|near| match near {
            Near::Host => None,
            Near::Label(key) => Some((*key, plan.near_group?)),
        });
        for (key, group) in terms {
            let domains = known.keys.of(key);
            mark(known, (key, group), &mut self.values);
            for class in 0..classes {
                self.labelled[class] &= domains.has[class];
                self.near[class] &= self.values[domains.of_class[class] as usize];
            }
        }
        for (near, group) in &plan.far {
            if let Near::Label(key) = near {
                let domains = known.keys.of(*key);
                mark(known, (*key, *group), &mut self.values);
                for class in 0..classes {
                    self.far[class] |=
                        domains.has[class] && self.values[domains.of_class[class] as usize];
                }
            }
        }
        self.by_class = (0..classes).any(|class| self.is_lonely(class) || self.far[class]);
    }

    fn is_lonely(&self, class: usize) -> bool {
        !self.labelled[class] || !(self.near[class] || self.first)
    }

    /// True if no pod that is needed is on a node with one of the labels.
    fn is_first(&self, known: Known<'_>) -> bool {
        let Some(group) = known.plan.near_group.map(|id| known.groups.group(id)) else {
            return true;
        };
        group.total == 0
            || known.plan.near.iter().all(|near| match near {
                Near::Host => false,
                Near::Label(key) => {
                    let has = &known.keys.of(*key).has;
                    !known.classes().any(|class| has[class] && group.in_class(class) > 0)
                }
            })
    }

    /// Why a lane of a class is refused.
    pub(super) fn verdict(&self, known: Known<'_>, class: usize, lane: usize) -> Option<Code> {
        let plan = known.plan;
        if let Some(group) = plan.near_group {
            let by_host = plan.near.contains(&Near::Host);
            let there = self.near[class] && (!by_host || known.groups.group(group).on(lane) > 0);
            if !self.labelled[class] || !(there || self.first) {
                return Some(Code::UnschedulableAndUnresolvable);
            }
        }
        let mut hosts = plan.far.iter().filter(|(near, _)| *near == Near::Host);
        let far = self.far[class] || hosts.any(|(_, id)| known.groups.group(*id).on(lane) > 0);
        far.then_some(Code::Unschedulable)
    }

    /// The lanes of a block that are refused.
    pub(super) fn refused(&self, known: Known<'_>, block: usize) -> u64 {
        let plan = known.plan;
        let mut refused = 0;
        let mut absent = 0;
        if let Some(group) = plan.near_group
            && plan.near.contains(&Near::Host)
            && !self.first
        {
            absent = !known.groups.group(group).held[block];
        }
        if self.by_class {
            for (class, mask) in known.masks.of(block) {
                let refuses = self.is_lonely(*class as usize) || self.far[*class as usize];
                refused |= if refuses { *mask } else { 0 };
            }
        }
        refused |= absent & known.layout.lanes_of(block);
        for (near, group) in &plan.far {
            if *near == Near::Host {
                refused |= known.groups.group(*group).held[block];
            }
        }
        refused
    }
}

/// Tells at which values of a label there are pods of a group.
fn mark(known: Known<'_>, (key, group): (usize, u32), values: &mut Vec<bool>) {
    let domains = known.keys.of(key);
    let group = known.groups.group(group);
    values.clear();
    values.resize(domains.count(), false);
    for class in known.classes() {
        if domains.has[class] && group.in_class(class) > 0 {
            values[domains.of_class[class] as usize] = true;
        }
    }
}

/// What draws the pod to nodes and away from them, as far as labels tell, by class.
#[derive(Debug, Default)]
pub(super) struct Pulls {
    pub(super) classes: Vec<i64>,
    values: Vec<i64>,
}

impl Pulls {
    /// Weighs the pods that are there.
    pub(super) fn prepare(&mut self, known: Known<'_>) {
        let classes = known.layout.classes.len();
        self.classes.clear();
        self.classes.resize(classes, 0);
        for (near, group, weight) in &known.plan.pulls {
            let Near::Label(key) = near else { continue };
            let domains = known.keys.of(*key);
            let group = known.groups.group(*group);
            self.values.clear();
            self.values.resize(domains.count(), 0);
            for class in known.classes().filter(|class| domains.has[*class]) {
                self.values[domains.of_class[class] as usize] += group.in_class(class) * weight;
            }
            for class in (0..classes).filter(|class| domains.has[*class]) {
                self.classes[class] += self.values[domains.of_class[class] as usize];
            }
        }
    }
}
