//! The extension points of the scheduling framework and what passes through them
//! (`framework/interface.go`, `framework/runtime/framework.go`, Kubernetes 1.34): which plugin is
//! asked where, as plain matches. What a plugin does is in its own file under `plugin/`.

use super::caches::Caches;
use super::event::Event;
use super::plugin::{self, Images};
use super::profile::Profile;
use crate::ground::Name;
use crate::model::{
    Catalog, Code, DeviceMask, NodeId, NodeSpec, NodeStatus, Plugin, PluginSet, PodSpec, PodSpecId,
    Reason, Refusal, View,
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
    pub(crate) spec_id: PodSpecId,
    pub(crate) spec: &'a PodSpec,
    /// Nodes of the cluster.
    pub(crate) nodes: usize,
}

/// What plugins computed earlier in the same attempt, a field for each that needs one.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Plugins whose filter has nothing to say about this pod.
    pub(crate) skip_filter: PluginSet,
    /// Plugins whose score has nothing to say about this pod.
    pub(crate) skip_score: PluginSet,
    pub(crate) images: Images,
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
        match pre_filter(*plugin, cycle) {
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

fn pre_filter(plugin: Plugin, cycle: &Cycle<'_>) -> PreFilter {
    match plugin {
        Plugin::NodeAffinity => plugin::node_affinity::pre_filter(cycle),
        Plugin::NodePorts => plugin::node_ports::pre_filter(cycle.spec),
        Plugin::Devices => plugin::devices::pre_filter(cycle.spec),
        _ => PreFilter::Pass,
    }
}

/// Asks the filters in order; the first that refuses the node, and how final that is.
pub(crate) fn run_filters(
    cycle: &Cycle<'_>,
    state: &State,
    caches: &mut Caches,
    node: NodeId,
    reasons: &mut Reasons,
) -> Option<(Plugin, Code)> {
    cycle.profile.filter.iter().filter(|plugin| !state.skip_filter.contains(**plugin)).find_map(
        |plugin| filter(*plugin, cycle, caches, node, reasons).map(|code| (*plugin, code)),
    )
}

fn filter(
    plugin: Plugin,
    cycle: &Cycle<'_>,
    caches: &mut Caches,
    node: NodeId,
    reasons: &mut Reasons,
) -> Option<Code> {
    let facts = || NodeFacts::of(cycle.view, node, cycle.catalog);
    match plugin {
        Plugin::NodeUnschedulable => {
            plugin::node_unschedulable::filter(cycle.profile, cycle.spec, &facts(), reasons)
        }
        Plugin::NodeName => plugin::node_name::filter(cycle.spec, &facts(), reasons),
        Plugin::TaintToleration => {
            plugin::taint_toleration::filter(cycle, caches, &facts(), reasons)
        }
        Plugin::NodeAffinity => plugin::node_affinity::filter(cycle, caches, &facts(), reasons),
        Plugin::NodePorts => plugin::node_ports::filter(cycle, node, reasons),
        Plugin::NodeResourcesFit => plugin::node_resources_fit::filter(cycle, node, reasons),
        Plugin::Devices => plugin::devices::filter(cycle, node, reasons),
        other => unreachable!("{other} is in no profile as a filter"),
    }
}

/// Runs the pre-scores.
pub(crate) fn run_pre_scores(cycle: &Cycle<'_>, state: &mut State, caches: &mut Caches) {
    for (plugin, _) in &cycle.profile.score {
        let skip = match plugin {
            Plugin::NodeAffinity => !plugin::node_affinity::has_preferences(cycle),
            Plugin::NodeResourcesBalancedAllocation => !plugin::balanced_allocation::scores(cycle),
            Plugin::ImageLocality => {
                state.images = plugin::image_locality::pre_score(cycle, caches);
                false
            }
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
        Plugin::ImageLocality => {
            state.images.score(cycle.view.node_spec(node, cycle.catalog), cycle.spec)
        }
        other => unreachable!("{other} is in no profile as a score"),
    }
}

/// Brings the scores of all feasible nodes into the range 0 to 100.
pub(crate) fn normalize(plugin: Plugin, scores: &mut [i64]) {
    match plugin {
        Plugin::TaintToleration => plugin::normalize::to_hundred(scores, true),
        Plugin::NodeAffinity => plugin::normalize::to_hundred(scores, false),
        _ => {}
    }
    debug_assert!(
        scores.iter().all(|score| (0..=100).contains(score)),
        "{plugin} scores from 0 to 100"
    );
}

/// The devices that the pod takes of the node chosen.
pub(crate) fn reserve(cycle: &Cycle<'_>, node: NodeId) -> DeviceMask {
    plugin::devices::reserve(cycle, node)
}

/// Whether an event may let a pod pass a plugin that refused it: the queueing hints.
pub(crate) fn helps(
    plugin: Plugin,
    event: &Event<'_>,
    profile: &Profile,
    spec: &PodSpec,
    catalog: &Catalog,
) -> bool {
    match plugin {
        Plugin::NodeUnschedulable => plugin::node_unschedulable::helps(event),
        Plugin::NodeName => plugin::node_name::helps(event),
        Plugin::TaintToleration => plugin::taint_toleration::helps(event, spec, catalog),
        Plugin::NodeAffinity => plugin::node_affinity::helps(event, profile, spec),
        Plugin::NodePorts => plugin::node_ports::helps(event, spec),
        Plugin::NodeResourcesFit => plugin::node_resources_fit::helps(event, spec),
        Plugin::Devices => plugin::devices::helps(event, spec),
        _ => false,
    }
}
