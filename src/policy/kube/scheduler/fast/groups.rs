//! Groups: the pods that somebody asks about, counted by lane and by class of the node. Kept up to
//! date touch by touch, so that no pod is looked at twice.

use super::holdings::Holdings;
use super::layout::{LANES, Layout};
use crate::ground::{Id, Name};
use crate::model::{AffinityTerm, Catalog, LabelSelector, NodeId, PodSpec, PodSpecId, View};
use rustc_hash::FxHashMap;

/// Which pods are meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Members {
    /// Those of a namespace that a selector selects and that are not on their way out, as
    /// PodTopologySpread counts.
    Selected(Name, LabelSelector),
    /// Those that all these terms mean, as InterPodAffinity counts.
    Meant(Vec<AffinityTerm>),
    /// Those of one specification, as InterPodAffinity counts.
    Spec(PodSpecId),
}

impl Members {
    fn has(&self, view: &View, catalog: &Catalog, id: PodSpecId) -> bool {
        let spec: &PodSpec = catalog.pod_spec(id);
        match self {
            Members::Selected(namespace, selector) => {
                spec.namespace == *namespace && selector.matches(&spec.labels, catalog)
            }
            Members::Meant(terms) => {
                let namespace = view.objects().namespace(spec.namespace, catalog);
                let pod = (spec.namespace, &spec.labels);
                terms.iter().all(|term| term.matches(pod, namespace, catalog))
            }
            Members::Spec(wanted) => id == *wanted,
        }
    }

    fn counts_deleting(&self) -> bool {
        !matches!(self, Members::Selected(..))
    }

    /// True if labels of namespaces tell who is a member.
    fn asks_namespaces(&self) -> bool {
        let Members::Meant(terms) = self else { return false };
        let by_labels = |selector: &LabelSelector| !selector.is_empty();
        terms.iter().any(|term| term.namespace_selector.as_ref().is_some_and(by_labels))
    }
}

/// Number of a group.
pub(super) type GroupId = u32;

/// Numbers of members on a node below this one are told apart in tables.
pub(super) const DIRECT: usize = 16;
/// No page: none of the lanes of the block has members.
const NO_PAGE: u32 = u32::MAX;

/// The members on the nodes.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// By class of the node.
    pub(super) classes: Vec<u32>,
    /// Lanes with members, a mask per block.
    pub(super) held: Vec<u64>,
    page_of: Vec<u32>,
    pages: Vec<[u16; LANES]>,
    /// All members.
    pub(super) total: u64,
    /// Lanes by class and number of members, those without members left out.
    pub(super) tally: Vec<u32>,
    /// Lanes with more members than the table tells apart.
    pub(super) crowded: u32,
    /// More members were on a node than a page can hold.
    pub(super) overflowed: bool,
}

const NONE: [u16; LANES] = [0; LANES];

impl Group {
    fn new(layout: &Layout) -> Group {
        let blocks = layout.blocks.len();
        Group {
            classes: vec![0; layout.classes.len()],
            held: vec![0; blocks],
            page_of: vec![NO_PAGE; blocks],
            ..Group::default()
        }
    }

    /// The members on each lane of a block.
    pub(super) fn page(&self, block: usize) -> &[u16; LANES] {
        self.pages.get(self.page_of[block] as usize).unwrap_or(&NONE)
    }

    /// The members on a lane.
    pub(super) fn on(&self, lane: usize) -> u32 {
        u32::from(self.page(lane / LANES)[lane % LANES])
    }

    /// The members on nodes of a class.
    pub(super) fn in_class(&self, class: usize) -> i64 {
        self.classes.get(class).copied().map_or(0, i64::from)
    }

    /// Takes note of a lane of a class with so many members, or that it is not there any more.
    fn enter(&mut self, class: u32, count: u16, more: bool) {
        if count == 0 {
            return;
        }
        let lanes = match usize::from(count) < DIRECT {
            true => {
                let at = class as usize * DIRECT + usize::from(count);
                if self.tally.len() <= at {
                    self.tally.resize((class as usize + 1) * DIRECT, 0);
                }
                &mut self.tally[at]
            }
            false => &mut self.crowded,
        };
        *lanes = if more { *lanes + 1 } else { *lanes - 1 };
    }

    fn class(&mut self, class: u32) -> &mut u32 {
        let class = class as usize;
        if self.classes.len() <= class {
            self.classes.resize(class + 1, 0);
        }
        &mut self.classes[class]
    }

    fn change(&mut self, lane: usize, class: u32, more: bool) {
        let (block, at) = (lane / LANES, lane % LANES);
        if self.page_of[block] == NO_PAGE {
            self.page_of[block] = self.pages.len() as u32;
            self.pages.push(NONE);
        }
        let count = &mut self.pages[self.page_of[block] as usize][at];
        let before = *count;
        let after = if more { before.wrapping_add(1) } else { before.wrapping_sub(1) };
        *count = after;
        self.enter(class, before, false);
        self.enter(class, after, true);
        if more {
            self.overflowed |= after == 0;
            self.held[block] |= 1 << at;
            self.total += 1;
            *self.class(class) += 1;
        } else {
            if after == 0 {
                self.held[block] &= !(1 << at);
            }
            self.total -= 1;
            *self.class(class) -= 1;
        }
    }

    fn bytes(&self) -> usize {
        self.pages.len() * size_of::<[u16; LANES]>()
            + self.held.len() * (size_of::<u64>() + size_of::<u32>())
            + self.classes.len() * size_of::<u32>()
    }
}

/// A pod that counts on a lane from now on, or does not any more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    pub(super) lane: usize,
    pub(super) spec: PodSpecId,
    pub(super) more: bool,
    /// Groups that count pods on their way out are concerned.
    pub(super) deleting: bool,
    /// Groups that do not count them are.
    pub(super) staying: bool,
}

impl Move {
    fn concerns(&self, members: &Members) -> bool {
        if members.counts_deleting() { self.deleting } else { self.staying }
    }
}

/// What is known of a specification of pods.
#[derive(Debug, Clone, Default)]
struct Known {
    seen: bool,
    /// Groups of which its pods are members.
    groups: Vec<GroupId>,
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    ids: FxHashMap<Members, GroupId>,
    members: Vec<Members>,
    groups: Vec<Group>,
    specs: Vec<Known>,
    holdings: Holdings,
    /// Specifications with affinity to other pods that had pods on nodes, in order of appearance.
    pub(super) affine: Vec<PodSpecId>,
    class_of: Vec<u32>,
    /// Pods with affinity on nodes that are not searched.
    pub(super) strays: u32,
    objects: u64,
}

impl Groups {
    /// No groups yet, and the pods that are there.
    pub(super) fn new(layout: &Layout, view: &View, catalog: &Catalog) -> Groups {
        let (class_of, objects) = (layout.class_of.clone(), layout.object_changes);
        let mut groups = Groups { class_of, objects, ..Groups::default() };
        let holdings = Holdings::new(layout, view);
        holdings.specs().for_each(|spec| groups.know((view, catalog), spec));
        groups.holdings = holdings;
        let stray = |(node, _): &(NodeId, _)| layout.lane(*node).is_none();
        groups.strays = view.affine_pods().filter(stray).count() as u32;
        groups
    }

    pub(super) fn bytes(&self) -> usize {
        self.groups.iter().map(Group::bytes).sum()
    }

    pub(super) fn group(&self, id: GroupId) -> &Group {
        &self.groups[id as usize]
    }

    /// Finds out of which groups the pods of a specification are members.
    fn know(&mut self, (view, catalog): (&View, &Catalog), spec: PodSpecId) {
        let at = spec.index();
        if self.specs.len() <= at {
            self.specs.resize(at + 1, Known::default());
        }
        let known = &mut self.specs[at];
        if !known.seen {
            known.seen = true;
            let groups = self.members.iter().enumerate();
            let groups = groups.filter(|(_, members)| members.has(view, catalog, spec));
            known.groups = groups.map(|(id, _)| id as GroupId).collect();
            if !catalog.pod_spec(spec).pod_affinity.is_empty() {
                self.affine.push(spec);
            }
        }
    }

    /// Takes note of a pod that comes, goes or is on its way out.
    pub(super) fn pod(&mut self, world: (&View, &Catalog), pod: Move) {
        self.know(world, pod.spec);
        self.holdings.push(pod);
        let class = self.class_of[pod.lane];
        let Groups { specs, groups, members, .. } = self;
        for id in &specs[pod.spec.index()].groups {
            if pod.concerns(&members[*id as usize]) {
                groups[*id as usize].change(pod.lane, class, pod.more);
            }
        }
    }

    /// Takes note of the class of a lane.
    pub(super) fn classify(&mut self, lane: usize, class: u32) {
        let before = std::mem::replace(&mut self.class_of[lane], class);
        if before == class {
            return;
        }
        for group in &mut self.groups {
            let count = group.page(lane / LANES)[lane % LANES];
            if count > 0 {
                *group.class(before) -= u32::from(count);
                *group.class(class) += u32::from(count);
                group.enter(before, count, false);
                group.enter(class, count, true);
            }
        }
    }

    /// Counts again the groups for which labels of namespaces matter, if an object changed.
    pub(super) fn know_objects(&mut self, layout: &Layout, view: &View, catalog: &Catalog) {
        if self.objects == layout.object_changes {
            return;
        }
        self.objects = layout.object_changes;
        for id in 0..self.groups.len() {
            if self.members[id].asks_namespaces() {
                for known in &mut self.specs {
                    known.groups.retain(|group| *group as usize != id);
                }
                self.groups[id] = self.recount(id as GroupId, layout, view, catalog);
            }
        }
    }

    /// The group of these pods.
    pub(super) fn find(
        &mut self,
        members: Members,
        layout: &Layout,
        view: &View,
        catalog: &Catalog,
    ) -> GroupId {
        if let Some(id) = self.ids.get(&members) {
            return *id;
        }
        let id = self.groups.len() as GroupId;
        self.ids.insert(members.clone(), id);
        self.members.push(members);
        let group = self.recount(id, layout, view, catalog);
        self.groups.push(group);
        id
    }

    /// Counts a group from the beginning.
    fn recount(&mut self, id: GroupId, layout: &Layout, view: &View, catalog: &Catalog) -> Group {
        if self.holdings.is_old() {
            self.holdings = Holdings::new(layout, view);
        }
        let Groups { members, specs, holdings, class_of, .. } = self;
        let members = &members[id as usize];
        let mut group = Group::new(layout);
        for (at, known) in specs.iter_mut().enumerate().filter(|(_, known)| known.seen) {
            let spec = PodSpecId::from_index(at);
            if members.has(view, catalog, spec) {
                known.groups.push(id);
                for held in holdings.of(spec) {
                    if !held.deleting || members.counts_deleting() {
                        group.change(held.lane as usize, class_of[held.lane as usize], true);
                    }
                }
            }
        }
        let is_member = |pod: &&Move| specs[pod.spec.index()].groups.last() == Some(&id);
        for pod in holdings.moves.iter().filter(is_member) {
            if pod.concerns(members) {
                group.change(pod.lane, class_of[pod.lane], pod.more);
            }
        }
        group
    }
}

#[cfg(test)]
impl Groups {
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Compares every group with one that is counted from the beginning.
    pub(super) fn check(&self, layout: &Layout, view: &View, catalog: &Catalog) {
        let mut fresh = Groups::new(layout, view, catalog);
        assert_eq!((&self.class_of, self.strays), (&layout.class_of, fresh.strays));
        for (group, members) in self.groups.iter().zip(&self.members) {
            let id = fresh.find(members.clone(), layout, view, catalog);
            let other = fresh.group(id);
            let classes = |group: &Group| -> Vec<i64> {
                (0..layout.classes.len()).map(|class| group.in_class(class)).collect()
            };
            assert_eq!(classes(group), classes(other), "{members:?}");
            assert_eq!((&group.held, group.total), (&other.held, other.total), "{members:?}");
            let lanes = |group: &Group, at: usize| group.tally.get(at).copied().unwrap_or(0);
            for at in 0..layout.classes.len() * DIRECT {
                assert_eq!(lanes(group, at), lanes(other, at), "{members:?} at {at}");
            }
            assert_eq!(group.crowded, other.crowded, "{members:?}");
            for lane in 0..layout.nodes.len() {
                assert_eq!(group.on(lane), other.on(lane), "{members:?} on {lane}");
            }
        }
    }
}
