//! A profile: which plugins are asked at which extension point, with which weights and arguments,
//! for the pods of one scheduler name (`apis/config/v1/default_plugins.go`, Kubernetes 1.34).

use crate::ground::{Name, Names};
use crate::model::{
    Inclusion, NodeAffinity, Plugin, Resource, SpreadConstraint, WhenUnsatisfiable,
};
use serde::{Deserialize, Serialize};

/// A resource and how much it weighs in a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Weighted {
    pub(crate) resource: Resource,
    /// 1 to 100.
    pub(crate) weight: i64,
}

/// How NodeResourcesFit turns use into a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Strategy {
    LeastAllocated,
    MostAllocated,
    /// Points (utilisation 0 to 100, score 0 to 100), ascending in utilisation.
    RequestedToCapacityRatio(Vec<(i64, i64)>),
}

/// Arguments of plugins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arguments {
    pub(crate) fit_strategy: Strategy,
    pub(crate) fit_resources: Vec<Weighted>,
    /// Extended resources that NodeResourcesFit does not check.
    pub(crate) ignored_resources: Vec<Name>,
    /// Prefixes, up to the slash, of extended resources that NodeResourcesFit does not check.
    pub(crate) ignored_resource_groups: Vec<Name>,
    pub(crate) balanced_resources: Vec<Resource>,
    /// What NodeAffinity asks for on top of every pod's own node affinity.
    pub(crate) added_affinity: NodeAffinity,
    /// What PodTopologySpread does for pods without constraints.
    pub(crate) spread_defaults: SpreadDefaults,
    /// What a required affinity of another pod to this one counts in scores, 0 to 100.
    pub(crate) hard_pod_affinity_weight: i64,
    /// Whether wishes of other pods count for pods that have none themselves.
    pub(crate) ignore_preferred_terms_of_existing_pods: bool,
    /// Least part of the nodes that preemption tries, percent.
    pub(crate) min_candidate_nodes_percentage: u32,
    /// Least number of nodes that preemption tries.
    pub(crate) min_candidate_nodes_absolute: u32,
    /// Labels of zone and region.
    pub(crate) topology_keys: TopologyKeys,
    /// Key of the taint that a cordoned node stands for.
    pub(crate) unschedulable_taint: Name,
    /// The name of the empty text.
    pub(crate) empty: Name,
}

/// Spread constraints for pods that have none of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SpreadDefaults {
    /// They are those of upstream, for which a node may lack a label.
    pub(crate) system: bool,
    /// Without selectors: what belongs together is known by services and controllers.
    pub(crate) constraints: Vec<SpreadConstraint>,
}

impl SpreadDefaults {
    /// Those of upstream: hosts with at most 3 more pods than others, zones with at most 5.
    pub(crate) fn system(names: &mut Names) -> SpreadDefaults {
        let mut soft = |key, max_skew| SpreadConstraint {
            max_skew,
            topology_key: names.intern(key),
            when_unsatisfiable: WhenUnsatisfiable::ScheduleAnyway,
            selector: None,
            min_domains: 1,
            node_affinity: Inclusion::Honor,
            node_taints: Inclusion::Ignore,
        };
        let host = soft("kubernetes.io/hostname", 3);
        let zone = soft("topology.kubernetes.io/zone", 5);
        SpreadDefaults { system: true, constraints: vec![host, zone] }
    }
}

/// The names of the labels of zone and region, old and new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TopologyKeys {
    old: [Name; 2],
    new: [Name; 2],
}

impl TopologyKeys {
    fn new(names: &mut Names) -> TopologyKeys {
        TopologyKeys {
            old: [
                names.intern("failure-domain.beta.kubernetes.io/zone"),
                names.intern("failure-domain.beta.kubernetes.io/region"),
            ],
            new: [
                names.intern("topology.kubernetes.io/zone"),
                names.intern("topology.kubernetes.io/region"),
            ],
        }
    }

    /// Each key with the one that has taken its place, itself if none has.
    pub(crate) fn pairs(self) -> [(Name, Name); 4] {
        let ([old_zone, old_region], [zone, region]) = (self.old, self.new);
        [(old_zone, zone), (old_region, region), (zone, zone), (region, region)]
    }
}

/// Plugins and arguments for the pods of one scheduler name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) scheduler_name: Name,
    /// 0 adapts to the size of the cluster.
    pub(crate) percentage_of_nodes_to_score: u32,
    pub(crate) pre_enqueue: Vec<Plugin>,
    pub(crate) pre_filter: Vec<Plugin>,
    pub(crate) filter: Vec<Plugin>,
    /// May pods displace others?
    pub(crate) preempts: bool,
    pub(crate) score: Vec<(Plugin, i64)>,
    pub(crate) arguments: Arguments,
}

/// Name of the default profile.
pub(crate) const DEFAULT_SCHEDULER: &str = "default-scheduler";

/// Filters that are built, in upstream's order; ours come last, as dynamic resources do.
const FILTERS: [Plugin; 13] = [
    Plugin::NodeUnschedulable,
    Plugin::NodeName,
    Plugin::TaintToleration,
    Plugin::NodeAffinity,
    Plugin::NodePorts,
    Plugin::NodeResourcesFit,
    Plugin::VolumeRestrictions,
    Plugin::NodeVolumeLimits,
    Plugin::VolumeBinding,
    Plugin::VolumeZone,
    Plugin::PodTopologySpread,
    Plugin::InterPodAffinity,
    Plugin::Devices,
];

/// Pre-filters that are built, in upstream's order.
const PRE_FILTERS: [Plugin; 10] = [
    Plugin::NodeAffinity,
    Plugin::NodePorts,
    Plugin::NodeResourcesFit,
    Plugin::VolumeRestrictions,
    Plugin::NodeVolumeLimits,
    Plugin::VolumeBinding,
    Plugin::VolumeZone,
    Plugin::PodTopologySpread,
    Plugin::InterPodAffinity,
    Plugin::Devices,
];

/// Scores that are built, in upstream's order, with upstream's weights.
const SCORES: [(Plugin, i64); 8] = [
    (Plugin::TaintToleration, 3),
    (Plugin::NodeAffinity, 2),
    (Plugin::NodeResourcesFit, 1),
    (Plugin::VolumeBinding, 1),
    (Plugin::PodTopologySpread, 2),
    (Plugin::InterPodAffinity, 2),
    (Plugin::NodeResourcesBalancedAllocation, 1),
    (Plugin::ImageLocality, 1),
];

impl Profile {
    /// What upstream does without a configuration.
    pub(crate) fn default_for(scheduler_name: &str, names: &mut Names) -> Profile {
        let cpu_and_memory = [Resource::Cpu, Resource::Memory];
        let arguments = Arguments {
            fit_strategy: Strategy::LeastAllocated,
            fit_resources: cpu_and_memory.map(|resource| Weighted { resource, weight: 1 }).into(),
            ignored_resources: Vec::new(),
            ignored_resource_groups: Vec::new(),
            balanced_resources: cpu_and_memory.into(),
            added_affinity: NodeAffinity::default(),
            spread_defaults: SpreadDefaults::system(names),
            hard_pod_affinity_weight: 1,
            ignore_preferred_terms_of_existing_pods: false,
            min_candidate_nodes_percentage: 10,
            min_candidate_nodes_absolute: 100,
            topology_keys: TopologyKeys::new(names),
            unschedulable_taint: names.intern("node.kubernetes.io/unschedulable"),
            empty: names.intern(""),
        };
        Profile {
            scheduler_name: names.intern(scheduler_name),
            percentage_of_nodes_to_score: 0,
            pre_enqueue: vec![Plugin::SchedulingGates],
            pre_filter: PRE_FILTERS.into(),
            filter: FILTERS.into(),
            preempts: true,
            score: SCORES.into(),
            arguments,
        }
    }

    /// True if a filter of this name is built.
    pub(crate) fn can_filter(plugin: Plugin) -> bool {
        FILTERS.contains(&plugin)
    }

    /// True if the filters are asked in upstream's order.
    pub(crate) fn filters_in_usual_order(&self) -> bool {
        self.filter.is_sorted_by_key(|plugin| FILTERS.iter().position(|other| other == plugin))
    }

    /// True if a score of this name is built.
    pub(crate) fn can_score(plugin: Plugin) -> bool {
        SCORES.iter().any(|(scorer, _)| *scorer == plugin)
    }

    /// Takes a plugin out of every extension point.
    pub(crate) fn disable(&mut self, plugin: Plugin) {
        for list in [&mut self.pre_enqueue, &mut self.pre_filter, &mut self.filter] {
            list.retain(|other| *other != plugin);
        }
        self.disable_score(plugin);
    }

    /// Takes a plugin's score out.
    pub(crate) fn disable_score(&mut self, plugin: Plugin) {
        self.score.retain(|(other, _)| *other != plugin);
    }

    /// Gives the score of a plugin another weight.
    pub(crate) fn set_weight(&mut self, plugin: Plugin, weight: i64) {
        for (other, old) in &mut self.score {
            if *other == plugin {
                *old = weight;
            }
        }
    }
}
