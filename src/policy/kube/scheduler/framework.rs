//! The extension points of the scheduling framework and what passes through them
//! (`framework/interface.go`, `framework/runtime/framework.go`, Kubernetes 1.34): which plugin is
//! asked where, as plain matches. What a plugin does is in its own file under `plugin/`.

use super::caches::Caches;
use super::event::Event;
use super::nominations::Nominations;
use super::plugin::{
    self, AffinityCounts, Attraction, Claims, ClaimsInUse, Images, SoftSpread, SpreadCounts,
    VolumeZones,
};
use super::profile::Profile;
use super::reservations::Reservations;
use crate::ground::Name;
use crate::model::{
    Catalog, Code, DeviceMask, NodeBooks, NodeHolds, NodeId, NodeSpec, NodeStatus, NodeUse, Plugin,
    PluginSet, PodId, PodName, PodSpec, PodSpecId, PodUid, PodView, Reason, Refusal, View,
    VolumePlan,
};

/// What filters and hints look at of a node's object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeFacts<'a> {
    pub(crate) name: Name,
    pub(crate) hostname: Option<Name>,
    pub(crate) status: NodeStatus,
    pub(crate) spec: &'a NodeSpec,
    pub(crate) catalog: &'a Catalog,
}

impl<'a> NodeFacts<'a> {
    pub(crate) fn new(
        name: Name,
        hostname: Option<Name>,
        status: NodeStatus,
        catalog: &'a Catalog,
    ) -> NodeFacts<'a> {
        NodeFacts { name, hostname, status, spec: catalog.node_spec(status.spec), catalog }
    }

    /// A node as the view has it.
    pub(crate) fn of(view: &View, node: NodeId, catalog: &'a Catalog) -> NodeFacts<'a> {
        let row = view.node(node);
        NodeFacts::new(row.name, row.hostname, row.status, catalog)
    }

    /// The value of a label.
    pub(crate) fn label(&self, key: Name) -> Option<Name> {
        if key == self.catalog.hostname_key { self.hostname } else { self.spec.labels.get(key) }
    }
}

/// One attempt to place a pod: what every plugin may look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cycle<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) view: &'a View,
    pub(crate) profile: &'a Profile,
    pub(crate) uid: PodUid,
    pub(crate) name: PodName,
    pub(crate) spec_id: PodSpecId,
    pub(crate) spec: &'a PodSpec,
    pub(crate) nominations: &'a Nominations,
    pub(crate) reservations: &'a Reservations,
    /// Nodes of the cluster.
    pub(crate) nodes: usize,
}

impl<'a> Cycle<'a> {
    /// The pod as hints see it.
    pub(crate) fn waiting(&self) -> Waiting<'a> {
        let Cycle { catalog, view, profile, spec, .. } = *self;
        Waiting { catalog, view, profile, spec }
    }

    /// A node's object.
    pub(crate) fn facts(&self, node: NodeId) -> NodeFacts<'a> {
        NodeFacts::of(self.view, node, self.catalog)
    }

    /// The nodes that are there.
    pub(crate) fn all_nodes(&self) -> impl Iterator<Item = NodeId> + use<'a> {
        self.view.nodes().iter().filter(|(_, node)| node.present).map(|(id, _)| id)
    }

    /// A pod that is on a node or has one in prospect.
    pub(crate) fn other(&self, pod: PodId) -> Other<'a> {
        let row = self.view.pod(pod).expect("a counted pod is there");
        Other { pod, row, spec: self.catalog.pod_spec(row.spec) }
    }

    /// The pods counted on a node.
    pub(crate) fn pods(&self, room: Room<'a>) -> impl Iterator<Item = Other<'a>> {
        let cycle = *self;
        room.holds.pods.iter().map(move |pod| cycle.other(*pod))
    }
}

/// Another pod.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Other<'a> {
    pub(crate) pod: PodId,
    pub(crate) row: &'a PodView,
    pub(crate) spec: &'a PodSpec,
}

/// A node with what is taken of it: as it is, or as it would be with some pods more or fewer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room<'a> {
    pub(crate) node: NodeId,
    pub(crate) usage: &'a NodeUse,
    pub(crate) holds: &'a NodeHolds,
}

impl<'a> Room<'a> {
    /// The node as it is.
    pub(crate) fn of(view: &'a View, node: NodeId) -> Room<'a> {
        Room { node, usage: view.usage(node), holds: view.holds(node) }
    }

    /// The node with these books.
    pub(crate) fn with(node: NodeId, books: &'a NodeBooks) -> Room<'a> {
        Room { node, usage: &books.usage, holds: &books.holds }
    }
}

/// What plugins computed earlier in the same attempt, a field for each that needs one.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// Plugins whose filter has nothing to say about this pod.
    pub(crate) skip_filter: PluginSet,
    /// Plugins whose score has nothing to say about this pod.
    pub(crate) skip_score: PluginSet,
    pub(crate) images: Images,
    pub(crate) claims: Claims,
    pub(crate) zones: VolumeZones,
    pub(crate) claims_in_use: ClaimsInUse,
    pub(crate) spread: SpreadCounts,
    pub(crate) affinity: AffinityCounts,
    pub(crate) soft_spread: SoftSpread,
    pub(crate) attraction: Attraction,
}

/// Collects reasons, if somebody wants them.
#[derive(Debug)]
pub(crate) struct Reasons {
    wanted: bool,
    list: Vec<Reason>,
}

impl Reasons {
    pub(crate) fn new(wanted: bool) -> Reasons {
        Reasons { wanted, list: Vec::new() }
    }

    pub(crate) fn wanted(&self) -> bool {
        self.wanted
    }

    pub(crate) fn push(&mut self, reason: Reason) {
        if self.wanted {
            self.list.push(reason);
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Reason> {
        std::mem::take(&mut self.list)
    }
}

/// What a plugin says before any node is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PreFilter {
    /// The plugin's filter is to be asked.
    Pass,
    /// The plugin's filter need not be asked.
    Skip,
    /// Only nodes of these names come into question, and the filter is to be asked for them.
    Narrow(Vec<Name>),
    /// No node comes into question.
    Refuse(Code, Reason),
}

/// The first pre-enqueue plugin's refusal, if one holds the pod back.
pub(crate) fn pre_enqueue(profile: &Profile, spec: &PodSpec) -> Option<Refusal> {
    if !profile.pre_enqueue.contains(&Plugin::SchedulingGates) {
        return None;
    }
    plugin::scheduling_gates::pre_enqueue(spec)
}

/// What the pre-filters leave of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Search {
    /// All nodes.
    Everywhere,
    /// The nodes of these names, to which these plugins narrowed the search.
    Among(Vec<Name>, PluginSet),
}

/// Runs the pre-filters in order. The first that refuses for good ends it; another refusal stands
/// only if none for good follows.
pub(crate) fn run_pre_filters(cycle: &Cycle<'_>, state: &mut State) -> Result<Search, Refusal> {
    let mut search: Option<Vec<Name>> = None;
    let mut narrowed_by = PluginSet::EMPTY;
    let mut refused: Option<Refusal> = None;
    for plugin in &cycle.profile.pre_filter {
        match pre_filter(*plugin, cycle, state) {
            PreFilter::Pass => {}
            PreFilter::Skip => state.skip_filter.insert(*plugin),
            PreFilter::Narrow(names) => {
                narrowed_by.insert(*plugin);
                let merged = match search {
                    None => names,
                    Some(before) => before.into_iter().filter(|n| names.contains(n)).collect(),
                };
                if merged.is_empty() {
                    let reasons = vec![Reason::NoCommonNode(narrowed_by)];
                    let code = Code::UnschedulableAndUnresolvable;
                    return Err(Refusal { plugin: *plugin, code, reasons });
                }
                search = Some(merged);
            }
            PreFilter::Refuse(code, reason) => {
                let refusal = Refusal { plugin: *plugin, code, reasons: vec![reason] };
                if code == Code::UnschedulableAndUnresolvable {
                    return Err(refusal);
                }
                refused.get_or_insert(refusal);
            }
        }
    }
    match (refused, search) {
        (Some(refusal), _) => Err(refusal),
        (None, None) => Ok(Search::Everywhere),
        (None, Some(names)) => Ok(Search::Among(names, narrowed_by)),
    }
}

fn pre_filter(plugin: Plugin, cycle: &Cycle<'_>, state: &mut State) -> PreFilter {
    match plugin {
        Plugin::NodeAffinity => plugin::node_affinity::pre_filter(cycle),
        Plugin::NodePorts => plugin::node_ports::pre_filter(cycle.spec),
        Plugin::VolumeRestrictions => {
            plugin::volume_restrictions::pre_filter(cycle, &mut state.claims_in_use)
        }
        Plugin::NodeVolumeLimits => plugin::node_volume_limits::pre_filter(cycle.spec),
        Plugin::VolumeBinding => plugin::volume_binding::pre_filter(cycle, &mut state.claims),
        Plugin::VolumeZone => plugin::volume_zone::pre_filter(cycle, &mut state.zones),
        Plugin::PodTopologySpread => {
            plugin::pod_topology_spread::pre_filter(cycle, &mut state.spread)
        }
        Plugin::InterPodAffinity => {
            plugin::inter_pod_affinity::pre_filter(cycle, &mut state.affinity)
        }
        Plugin::Devices => plugin::devices::pre_filter(cycle.spec),
        _ => PreFilter::Pass,
    }
}

/// Counts a pod that is added to a node, or taken from it, in what the pre-filters computed.
pub(crate) fn count(
    cycle: &Cycle<'_>,
    state: &mut State,
    node: NodeId,
    other: &PodSpec,
    change: i64,
) {
    let skipped = state.skip_filter;
    if !skipped.contains(Plugin::VolumeRestrictions) {
        state.claims_in_use.count(other, change);
    }
    if !skipped.contains(Plugin::PodTopologySpread) {
        state.spread.count(cycle, node, other, change);
    }
    if !skipped.contains(Plugin::InterPodAffinity) {
        state.affinity.count(cycle, node, other, change);
    }
}

/// Asks the filters in order; the first that refuses the node, and how final that is.
///
/// Pods that have the node in prospect and are as important as this one count as if they were
/// there; then, in case they never come, the node must do without them too.
pub(crate) fn run_filters(
    cycle: &Cycle<'_>,
    state: &State,
    caches: &mut Caches,
    room: Room<'_>,
    reasons: &mut Reasons,
) -> Option<(Plugin, Code)> {
    if !cycle.nominations.is_empty() {
        let expected = expected(cycle, room.node);
        if !expected.is_empty() {
            let mut books = NodeBooks::of(room.usage, room.holds);
            let mut state = state.clone();
            for pod in expected {
                let other = cycle.other(pod);
                let so_far = Room::with(room.node, &books);
                let devices = plugin::devices::likely(cycle, other.spec, so_far);
                books.add(pod, other.spec, devices);
                count(cycle, &mut state, room.node, other.spec, 1);
            }
            let crowded = Room::with(room.node, &books);
            let refused = run_filters_once(cycle, &state, caches, crowded, reasons);
            if refused.is_some() {
                return refused;
            }
        }
    }
    run_filters_once(cycle, state, caches, room, reasons)
}

/// The other pods that have a node in prospect and are as important as this one.
fn expected(cycle: &Cycle<'_>, node: NodeId) -> Vec<PodId> {
    let nominated = cycle.nominations.on(node).iter();
    let matters = |(uid, pod): &&(PodUid, PodId)| {
        *uid != cycle.uid && cycle.other(*pod).spec.priority >= cycle.spec.priority
    };
    nominated.filter(matters).map(|(_, pod)| *pod).collect()
}

/// True if other pods that matter to this one have a node in prospect.
pub(crate) fn expects(cycle: &Cycle<'_>, node: NodeId) -> bool {
    !expected(cycle, node).is_empty()
}

fn run_filters_once(
    cycle: &Cycle<'_>,
    state: &State,
    caches: &mut Caches,
    room: Room<'_>,
    reasons: &mut Reasons,
) -> Option<(Plugin, Code)> {
    cycle.profile.filter.iter().filter(|plugin| !state.skip_filter.contains(**plugin)).find_map(
        |plugin| filter(*plugin, cycle, (state, caches), room, reasons).map(|code| (*plugin, code)),
    )
}

fn filter(
    plugin: Plugin,
    cycle: &Cycle<'_>,
    (state, caches): (&State, &mut Caches),
    room: Room<'_>,
    reasons: &mut Reasons,
) -> Option<Code> {
    let facts = || cycle.facts(room.node);
    match plugin {
        Plugin::NodeUnschedulable => {
            plugin::node_unschedulable::filter(cycle.profile, cycle.spec, &facts(), reasons)
        }
        Plugin::NodeName => plugin::node_name::filter(cycle.spec, &facts(), reasons),
        Plugin::TaintToleration => {
            plugin::taint_toleration::filter(cycle, caches, &facts(), reasons)
        }
        Plugin::NodeAffinity => plugin::node_affinity::filter(cycle, caches, &facts(), reasons),
        Plugin::NodePorts => plugin::node_ports::filter(cycle, room, reasons),
        Plugin::NodeResourcesFit => plugin::node_resources_fit::filter(cycle, room, reasons),
        Plugin::VolumeRestrictions => {
            plugin::volume_restrictions::filter(cycle, &state.claims_in_use, room, reasons)
        }
        Plugin::NodeVolumeLimits => plugin::node_volume_limits::filter(cycle, room, reasons),
        Plugin::VolumeBinding => {
            plugin::volume_binding::filter(cycle, &state.claims, &facts(), reasons)
        }
        Plugin::VolumeZone => plugin::volume_zone::filter(&state.zones, &facts(), reasons),
        Plugin::PodTopologySpread => {
            plugin::pod_topology_spread::filter(cycle, &state.spread, &facts(), reasons)
        }
        Plugin::InterPodAffinity => {
            plugin::inter_pod_affinity::filter(cycle, &state.affinity, &facts(), reasons)
        }
        Plugin::Devices => plugin::devices::filter(cycle, room, reasons),
        other => unreachable!("{other} is in no profile as a filter"),
    }
}

/// Runs the pre-scores over the feasible nodes.
pub(crate) fn run_pre_scores(
    cycle: &Cycle<'_>,
    state: &mut State,
    caches: &mut Caches,
    feasible: &[NodeId],
) {
    for (plugin, _) in &cycle.profile.score {
        let skip = match plugin {
            Plugin::NodeAffinity => !plugin::node_affinity::has_preferences(cycle),
            Plugin::NodeResourcesBalancedAllocation => !plugin::balanced_allocation::scores(cycle),
            Plugin::ImageLocality => {
                state.images = plugin::image_locality::pre_score(cycle, caches);
                false
            }
            Plugin::PodTopologySpread => {
                state.soft_spread = plugin::pod_topology_spread::pre_score(cycle, feasible);
                state.soft_spread.is_empty()
            }
            Plugin::InterPodAffinity => {
                state.attraction = plugin::inter_pod_affinity::pre_score(cycle);
                state.attraction.is_empty()
            }
            Plugin::VolumeBinding => true,
            _ => false,
        };
        if skip {
            state.skip_score.insert(*plugin);
        }
    }
}

/// The score of one node, before normalisation.
pub(crate) fn score(
    plugin: Plugin,
    cycle: &Cycle<'_>,
    state: &State,
    caches: &mut Caches,
    node: NodeId,
) -> i64 {
    match plugin {
        Plugin::TaintToleration => {
            plugin::taint_toleration::score(cycle, caches, cycle.view.node(node).status.taints)
        }
        Plugin::NodeAffinity => {
            let facts = NodeFacts::of(cycle.view, node, cycle.catalog);
            plugin::node_affinity::score(cycle, caches, &facts)
        }
        Plugin::NodeResourcesFit => plugin::node_resources_fit::score(cycle, node),
        Plugin::NodeResourcesBalancedAllocation => plugin::balanced_allocation::score(cycle, node),
        Plugin::PodTopologySpread => state.soft_spread.score(cycle, node),
        Plugin::InterPodAffinity => state.attraction.score(&cycle.facts(node)),
        Plugin::ImageLocality => {
            state.images.score(cycle.view.node_spec(node, cycle.catalog), cycle.spec)
        }
        other => unreachable!("{other} is in no profile as a score"),
    }
}

/// Brings the scores of all feasible nodes into the range 0 to 100.
pub(crate) fn normalize(plugin: Plugin, state: &State, feasible: &[NodeId], scores: &mut [i64]) {
    match plugin {
        Plugin::PodTopologySpread => state.soft_spread.normalize(feasible, scores),
        Plugin::InterPodAffinity => plugin::inter_pod_affinity::normalize(scores),
        Plugin::TaintToleration => plugin::normalize::to_hundred(scores, true),
        Plugin::NodeAffinity => plugin::normalize::to_hundred(scores, false),
        _ => {}
    }
    debug_assert!(
        scores.iter().all(|score| (0..=100).contains(score)),
        "{plugin} scores from 0 to 100"
    );
}

/// What the pod takes of the node chosen: devices, and volumes for its claims.
pub(crate) fn reserve(cycle: &Cycle<'_>, state: &State, node: NodeId) -> (DeviceMask, VolumePlan) {
    let volumes = plugin::volume_binding::reserve(cycle, &state.claims, &cycle.facts(node));
    (plugin::devices::reserve(cycle, node), volumes)
}

/// A pod that waits, as hints see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) view: &'a View,
    pub(crate) profile: &'a Profile,
    pub(crate) spec: &'a PodSpec,
}

/// Whether an event may let a pod pass a plugin that refused it: the queueing hints.
pub(crate) fn helps(plugin: Plugin, event: &Event<'_>, waiting: &Waiting<'_>) -> bool {
    let Waiting { profile, spec, catalog, .. } = *waiting;
    match plugin {
        Plugin::NodeUnschedulable => plugin::node_unschedulable::helps(event),
        Plugin::NodeName => plugin::node_name::helps(event),
        Plugin::TaintToleration => plugin::taint_toleration::helps(event, spec, catalog),
        Plugin::NodeAffinity => plugin::node_affinity::helps(event, profile, spec),
        Plugin::NodePorts => plugin::node_ports::helps(event, spec),
        Plugin::NodeResourcesFit => plugin::node_resources_fit::helps(event, spec),
        Plugin::VolumeRestrictions => plugin::volume_restrictions::helps(event, spec),
        Plugin::NodeVolumeLimits => plugin::node_volume_limits::helps(event, spec),
        Plugin::VolumeBinding => plugin::volume_binding::helps(event, spec),
        Plugin::VolumeZone => {
            plugin::volume_zone::helps(event, profile.arguments.topology_keys, spec)
        }
        Plugin::PodTopologySpread => plugin::pod_topology_spread::helps(event, waiting),
        Plugin::InterPodAffinity => plugin::inter_pod_affinity::helps(event, waiting),
        Plugin::Devices => plugin::devices::helps(event, spec),
        _ => false,
    }
}
