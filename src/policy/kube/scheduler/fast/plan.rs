//! The plan of a specification: which groups matter to its pods, by which labels of nodes, and
//! what the classes of nodes say about it once and for all.

use super::groups::{GroupId, Groups, Members};
use super::layout::{Class, Layout};
use crate::ground::Name;
use crate::model::{
    AffinityTerm, Catalog, LabelSelector, Plugin, SpreadConstraint, WhenUnsatisfiable,
};
use crate::policy::kube::scheduler::framework::Cycle;
use crate::policy::kube::scheduler::plugin::{
    inter_pod_affinity, node_affinity, pod_topology_spread,
};
use rustc_hash::FxHashMap;

/// What makes nodes near each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Near {
    /// Each node is far from all others.
    Host,
    /// The value of a label that the class tells: the place among the keys.
    Label(usize),
}

/// The values of a label, by class.
#[derive(Debug)]
pub(super) struct Domains {
    key: Name,
    ids: FxHashMap<Name, u32>,
    /// Number of the value, that of the empty text where there is none.
    pub(super) of_class: Vec<u32>,
    /// There is a value.
    pub(super) has: Vec<bool>,
}

impl Domains {
    pub(super) fn count(&self) -> usize {
        self.ids.len()
    }

    fn learn(&mut self, classes: &[Class], catalog: &Catalog) {
        for class in &classes[self.has.len()..] {
            let value = catalog.node_spec(class.spec).labels.get(self.key);
            let next = self.ids.len() as u32;
            let id = *self.ids.entry(value.unwrap_or(Catalog::NO_TEXT)).or_insert(next);
            self.of_class.push(id);
            self.has.push(value.is_some());
        }
    }
}

/// The labels that matter, and their values by class.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<Domains>);

impl Keys {
    pub(super) fn of(&self, at: usize) -> &Domains {
        &self.0[at]
    }

    /// Takes note of classes that are new.
    pub(super) fn learn(&mut self, layout: &Layout, catalog: &Catalog) {
        self.0.iter_mut().for_each(|domains| domains.learn(&layout.classes, catalog));
    }

    fn find(&mut self, key: Name, layout: &Layout, catalog: &Catalog) -> Near {
        if key == catalog.hostname_key {
            return Near::Host;
        }
        if let Some(at) = self.0.iter().position(|domains| domains.key == key) {
            return Near::Label(at);
        }
        let (of_class, has) = (Vec::new(), Vec::new());
        let mut domains = Domains { key, ids: FxHashMap::default(), of_class, has };
        domains.learn(&layout.classes, catalog);
        self.0.push(domains);
        Near::Label(self.0.len() - 1)
    }
}

/// A constraint of PodTopologySpread.
#[derive(Debug)]
pub(super) struct Constraint {
    pub(super) rule: SpreadConstraint,
    pub(super) near: Near,
    /// The pods that count; `None` if none do.
    pub(super) group: Option<GroupId>,
    /// The pod itself counts.
    pub(super) own: bool,
    /// The pods on nodes of a class count, by class.
    pub(super) includes: Vec<bool>,
}

/// What matters to the pods of a specification.
#[derive(Debug, Default)]
pub(super) struct Plan {
    objects: u64,
    affine: usize,
    classes: usize,
    /// Something matters that is not built.
    pub(super) plain: bool,
    /// The host names of nodes matter.
    pub(super) by_host: bool,
    pub(super) hard: Vec<Constraint>,
    pub(super) soft: Vec<Constraint>,
    /// Nodes that lack a key of the soft constraints do not count.
    pub(super) all_keys: bool,
    /// Required affinity.
    pub(super) near: Vec<Near>,
    pub(super) near_group: Option<GroupId>,
    /// The pod means itself.
    pub(super) near_self: bool,
    /// Pods to keep away from: those that the pod means, and those that mean the pod.
    pub(super) far: Vec<(Near, GroupId)>,
    /// What draws the pod, or repels it.
    pub(super) pulls: Vec<(Near, GroupId, i64)>,
}

/// Terms of a pod from this one on cannot be told apart by the plain path.
const MOST_TERMS: usize = 63;

/// What a plan is made from.
pub(super) struct Planner<'a, 'c> {
    pub(super) cycle: &'a Cycle<'c>,
    pub(super) layout: &'a Layout,
    pub(super) groups: &'a mut Groups,
    pub(super) keys: &'a mut Keys,
}

impl Plan {
    /// True if the plan is what it would be now.
    pub(super) fn holds(&self, layout: &Layout, groups: &Groups) -> bool {
        self.objects == layout.object_changes
            && self.affine == groups.affine.len()
            && self.classes == layout.classes.len()
    }

    pub(super) fn refuses(&self) -> bool {
        !self.hard.is_empty() || !self.near.is_empty() || !self.far.is_empty()
    }

    /// The groups that are counted.
    pub(super) fn groups(&self) -> impl Iterator<Item = GroupId> {
        let constraints = self.hard.iter().chain(&self.soft);
        let far = self.far.iter().map(|(_, group)| *group);
        let pulls = self.pulls.iter().map(|(_, group, _)| *group);
        constraints.filter_map(|one| one.group).chain(self.near_group).chain(far).chain(pulls)
    }

    pub(super) fn scores(&self) -> bool {
        !self.soft.is_empty() || !self.pulls.is_empty()
    }
}

impl Planner<'_, '_> {
    /// Makes the plan.
    pub(super) fn plan(&mut self) -> Plan {
        let mut plan = Plan {
            objects: self.layout.object_changes,
            affine: self.groups.affine.len(),
            classes: self.layout.classes.len(),
            ..Plan::default()
        };
        let profile = self.cycle.profile;
        let scores = |wanted| profile.score.iter().any(|(plugin, _)| *plugin == wanted);
        let filters = |plugin| profile.pre_filter.contains(&plugin);
        if filters(Plugin::PodTopologySpread) {
            plan.hard = self.constraints(WhenUnsatisfiable::DoNotSchedule);
        }
        if scores(Plugin::PodTopologySpread) {
            plan.soft = self.constraints(WhenUnsatisfiable::ScheduleAnyway);
            let system = profile.arguments.spread_defaults.system;
            plan.all_keys = !self.cycle.spec.spread.is_empty() || !system;
        }
        if filters(Plugin::InterPodAffinity) {
            self.required(&mut plan);
        }
        if scores(Plugin::InterPodAffinity) {
            self.preferred(&mut plan);
        }
        self.classify(&mut plan);
        plan
    }

    fn classify(&self, plan: &mut Plan) {
        let constraints = || plan.hard.iter().chain(&plan.soft).map(|one| one.near);
        let near = plan.near.iter().copied().chain(constraints());
        let far = plan.far.iter().map(|(near, _)| *near);
        let pulls = plan.pulls.iter().map(|(near, ..)| *near);
        plan.by_host = near.chain(far).chain(pulls).any(|near| near == Near::Host);
        let hosts = plan.soft.iter().filter(|one| one.near == Near::Host);
        let profile = self.cycle.profile;
        let halved =
            |plugin| profile.pre_filter.contains(&plugin) != profile.filter.contains(&plugin);
        plan.plain |= hosts.count() > 1
            || (constraints().next().is_some() && node_affinity::depends_on_name(self.cycle))
            || self.cycle.spec.pod_affinity.far.required.len() > MOST_TERMS
            || halved(Plugin::PodTopologySpread)
            || halved(Plugin::InterPodAffinity);
    }

    fn group(&mut self, members: Members) -> GroupId {
        let Planner { cycle, layout, groups, .. } = self;
        groups.find(members, layout, cycle.view, cycle.catalog)
    }

    fn nearness(&mut self, key: Name) -> Near {
        self.keys.find(key, self.layout, self.cycle.catalog)
    }

    fn constraints(&mut self, kind: WhenUnsatisfiable) -> Vec<Constraint> {
        let rules = pod_topology_spread::constraints(&self.cycle.waiting(), kind);
        let Cycle { spec, catalog, .. } = *self.cycle;
        let mut constraints = Vec::new();
        for rule in rules {
            let counts = |selector: &&LabelSelector| !selector.is_empty();
            let selector = rule.selector.as_ref().filter(counts).cloned();
            let group =
                selector.map(|selector| self.group(Members::Selected(spec.namespace, selector)));
            let near = self.nearness(rule.topology_key);
            let includes =
                |class: &Class| pod_topology_spread::includes(&rule, spec, &class.facts(catalog));
            let includes = self.layout.classes.iter().map(includes).collect();
            let own = pod_topology_spread::selects(&rule, spec, catalog);
            constraints.push(Constraint { rule, near, group, own, includes });
        }
        constraints
    }

    /// The terms of another specification that mean the pod, as members and nearness.
    fn required(&mut self, plan: &mut Plan) {
        let (cycle, catalog) = (self.cycle, self.cycle.catalog);
        let affinity = &cycle.spec.pod_affinity;
        let near = &affinity.near.required;
        if !near.is_empty() {
            plan.near_group = Some(self.group(Members::Meant(near.clone())));
            plan.near = near.iter().map(|term| self.nearness(term.topology_key)).collect();
            plan.near_self = inter_pod_affinity::means_all(cycle, near, cycle.spec);
        }
        for term in &affinity.far.required {
            plan.far.push(self.meant(term));
        }
        for spec in self.groups.affine.clone() {
            for term in &catalog.pod_spec(spec).pod_affinity.far.required {
                if inter_pod_affinity::is_meant(cycle, term) {
                    let group = self.group(Members::Spec(spec));
                    plan.far.push((self.nearness(term.topology_key), group));
                }
            }
        }
    }

    fn meant(&mut self, term: &AffinityTerm) -> (Near, GroupId) {
        let group = self.group(Members::Meant(vec![term.clone()]));
        (self.nearness(term.topology_key), group)
    }

    fn preferred(&mut self, plan: &mut Plan) {
        let (cycle, catalog) = (self.cycle, self.cycle.catalog);
        let affinity = &cycle.spec.pod_affinity;
        let arguments = &cycle.profile.arguments;
        let wishes = !affinity.near.preferred.is_empty() || !affinity.far.preferred.is_empty();
        if arguments.ignore_preferred_terms_of_existing_pods && !wishes {
            return;
        }
        for (terms, sign) in [(&affinity.near.preferred, 1), (&affinity.far.preferred, -1)] {
            for weighted in terms {
                let (near, group) = self.meant(&weighted.term);
                plan.pulls.push((near, group, sign * i64::from(weighted.weight)));
            }
        }
        let hard = arguments.hard_pod_affinity_weight;
        for spec in self.groups.affine.clone() {
            let theirs = &catalog.pod_spec(spec).pod_affinity;
            let required = theirs.near.required.iter().map(|term| (term, hard));
            let near = theirs.near.preferred.iter().map(|one| (&one.term, i64::from(one.weight)));
            let far = theirs.far.preferred.iter().map(|one| (&one.term, -i64::from(one.weight)));
            for (term, weight) in required.chain(near).chain(far) {
                if weight != 0 && inter_pod_affinity::is_meant(cycle, term) {
                    let group = self.group(Members::Spec(spec));
                    plan.pulls.push((self.nearness(term.topology_key), group, weight));
                }
            }
        }
    }
}
