//! Parameters of the Kubernetes scheduler.

use super::backoff::Backoff;
use super::profile::{DEFAULT_SCHEDULER, Profile, Strategy, Weighted};
use crate::ground::{Names, Problem, Span};
use crate::model::{Plugin, Resource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How a node is chosen among those with the highest score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TieBreak {
    /// Each with the same probability, as upstream does; the draw is keyed by pod and attempt.
    #[default]
    Random,
    /// The one that was looked at first.
    First,
    /// The first by name, as in recorded decisions.
    Name,
}

/// How NodeResourcesFit turns the use of a node into a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum ScoringType {
    /// The emptier the better: spreads.
    #[default]
    LeastAllocated,
    /// The fuller the better: packs.
    MostAllocated,
    /// By the points of `shape`.
    RequestedToCapacityRatio,
}

/// A resource and its weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceWeight {
    /// `cpu`, `memory`, `ephemeral-storage`, `gpu` (the devices of the device model), or the name
    /// of an extended resource such as `nvidia.com/gpu`.
    pub name: String,
    /// 1 to 100.
    #[serde(default = "one")]
    pub weight: u32,
}

fn one() -> u32 {
    1
}

impl ResourceWeight {
    fn new(name: &str) -> ResourceWeight {
        ResourceWeight { name: name.to_owned(), weight: 1 }
    }

    fn resource(&self, names: &mut Names) -> Resource {
        match self.name.as_str() {
            "cpu" => Resource::Cpu,
            "memory" => Resource::Memory,
            "ephemeral-storage" => Resource::EphemeralStorage,
            "gpu" => Resource::Device,
            other => Resource::Extended(names.intern(other)),
        }
    }
}

/// A point of the line from utilisation to score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShapePoint {
    /// Requested part of the node in percent, 0 to 100.
    pub utilization: u32,
    /// Score, 0 to 10.
    pub score: u32,
}

/// The scoring strategy of NodeResourcesFit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScoringStrategy {
    /// The strategy.
    #[serde(rename = "type")]
    pub kind: ScoringType,
    /// Resources that count, each with its weight.
    pub resources: Vec<ResourceWeight>,
    /// Points in ascending order of utilisation, for `RequestedToCapacityRatio` only.
    pub shape: Vec<ShapePoint>,
}

impl Default for ScoringStrategy {
    fn default() -> ScoringStrategy {
        let resources = vec![ResourceWeight::new("cpu"), ResourceWeight::new("memory")];
        ScoringStrategy { kind: ScoringType::default(), resources, shape: Vec::new() }
    }
}

/// Parameters of the Kubernetes scheduler. Defaults are those of kube-scheduler 1.34.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KubeSchedulerParams {
    /// A file with a `KubeSchedulerConfiguration`, in place of what the fields below say about
    /// nodes to score, back-off, scores and plugins. `scheduler: FILE` is short for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<PathBuf>,
    /// Percentage of the nodes among which feasible ones are scored, 0 to 100; 0 adapts it to the
    /// size of the cluster.
    pub percentage_of_nodes_to_score: u32,
    /// How a node is chosen among those with the highest score.
    pub tie_break: TieBreak,
    /// Delay after a pod's first failed attempt; it doubles with each further one. At least 1s.
    pub pod_initial_backoff: Span,
    /// Longest delay after a failed attempt, at least `pod_initial_backoff`.
    pub pod_max_backoff: Span,
    /// Time from taking a pod from the queue to the decision: the cost of one scheduling cycle.
    /// The real one decides 270 or more plain pods per second on 5,000 nodes, so 2ms to 4ms.
    pub think_time: Span,
    /// How NodeResourcesFit scores.
    pub scoring_strategy: ScoringStrategy,
    /// Resources that NodeResourcesBalancedAllocation compares.
    pub balanced_resources: Vec<String>,
    /// Extended resources whose requests NodeResourcesFit does not check.
    pub ignored_resources: Vec<String>,
    /// Prefixes, up to the slash, of extended resources whose requests NodeResourcesFit does not
    /// check.
    pub ignored_resource_groups: Vec<String>,
    /// Weights of score plugins by name, 1 to 100, where they differ from the default.
    pub score_weights: BTreeMap<String, u32>,
    /// Plugins that neither filter nor score.
    pub disabled_plugins: Vec<String>,
    /// Plugins that do not score; they filter if they are filters.
    pub disabled_scores: Vec<String>,
}

impl Default for KubeSchedulerParams {
    fn default() -> KubeSchedulerParams {
        KubeSchedulerParams {
            configuration: None,
            percentage_of_nodes_to_score: 0,
            tie_break: TieBreak::default(),
            pod_initial_backoff: Span::from_secs(1),
            pod_max_backoff: Span::from_secs(10),
            think_time: Span::from_millis(2),
            scoring_strategy: ScoringStrategy::default(),
            balanced_resources: vec!["cpu".to_owned(), "memory".to_owned()],
            ignored_resources: Vec::new(),
            ignored_resource_groups: Vec::new(),
            score_weights: BTreeMap::new(),
            disabled_plugins: Vec::new(),
            disabled_scores: Vec::new(),
        }
    }
}

impl KubeSchedulerParams {
    /// Everything that is wrong with these parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut require = |holds: bool, path: String, text: &str| {
            if !holds {
                problems.push(Problem::new(path, text));
            }
        };
        require(
            self.percentage_of_nodes_to_score <= 100,
            "percentage_of_nodes_to_score".into(),
            "a percentage is between 0 and 100",
        );
        require(
            self.pod_initial_backoff >= Span::from_secs(1),
            "pod_initial_backoff".into(),
            "kube-scheduler accepts no delay below 1s",
        );
        require(
            self.pod_max_backoff >= self.pod_initial_backoff,
            "pod_max_backoff".into(),
            "the longest delay is not below `pod_initial_backoff`",
        );
        for (at, resource) in self.balanced_resources.iter().enumerate() {
            let path = format!("balanced_resources.{at}");
            require(can_score_resource(resource), path, NOT_SCORED);
        }
        for (name, weight) in &self.score_weights {
            let path = format!("score_weights.{name}");
            require((1..=100).contains(weight), path.clone(), WEIGHT_RANGE);
            let scores = Plugin::from_name(name).is_some_and(Profile::can_score);
            require(scores, path, "no plugin of this name scores");
        }
        for (at, name) in self.disabled_plugins.iter().enumerate() {
            let path = format!("disabled_plugins.{at}");
            let plugin = Plugin::from_name(name);
            let built = plugin.is_some_and(|plugin| {
                Profile::can_filter(plugin)
                    || Profile::can_score(plugin)
                    || plugin == Plugin::SchedulingGates
            });
            require(built, path.clone(), "there is no plugin of this name");
            let needed = plugin == Some(Plugin::Devices);
            require(!needed, path, "devices cannot be given out twice, so this plugin stays");
        }
        for (at, name) in self.disabled_scores.iter().enumerate() {
            let scores = Plugin::from_name(name).is_some_and(Profile::can_score);
            require(scores, format!("disabled_scores.{at}"), "no plugin of this name scores");
        }
        if self.configuration.is_some() && !self.says_only_how_to_run() {
            let text = "a configuration says all of this; it takes the place of the other fields";
            let problem = Problem::new("configuration", text);
            problems.push(problem.hint("keep only `configuration`, `tie_break` and `think_time`"));
        }
        let strategy = self.scoring_strategy.check();
        problems.extend(strategy.into_iter().map(|problem| problem.under("scoring_strategy")));
        problems
    }

    /// True if no field is set that a configuration has a word for.
    fn says_only_how_to_run(&self) -> bool {
        let others = KubeSchedulerParams {
            configuration: self.configuration.clone(),
            tie_break: self.tie_break,
            think_time: self.think_time,
            ..KubeSchedulerParams::default()
        };
        *self == others
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff { initial: self.pod_initial_backoff, max: self.pod_max_backoff }
    }

    /// The profile that these parameters describe.
    ///
    /// # Panics
    /// If [`KubeSchedulerParams::check`] finds a problem.
    pub(super) fn profile(&self, names: &mut Names) -> Profile {
        let plugin = |name: &String| Plugin::from_name(name).expect("the parameters were checked");
        let mut profile = Profile::default_for(DEFAULT_SCHEDULER, names);
        profile.percentage_of_nodes_to_score = self.percentage_of_nodes_to_score;
        self.disabled_plugins.iter().for_each(|name| profile.disable(plugin(name)));
        self.disabled_scores.iter().for_each(|name| profile.disable_score(plugin(name)));
        for (name, weight) in &self.score_weights {
            profile.set_weight(plugin(name), i64::from(*weight));
        }
        let arguments = &mut profile.arguments;
        arguments.fit_strategy = self.scoring_strategy.resolve();
        arguments.fit_resources = weighted(&self.scoring_strategy.resources, names);
        arguments.balanced_resources = self
            .balanced_resources
            .iter()
            .map(|name| ResourceWeight::new(name).resource(names))
            .collect();
        let mut intern = |list: &[String]| list.iter().map(|name| names.intern(name)).collect();
        arguments.ignored_resources = intern(&self.ignored_resources);
        arguments.ignored_resource_groups = intern(&self.ignored_resource_groups);
        profile
    }
}

const NOT_SCORED: &str = "not a resource that can be scored";
const WEIGHT_RANGE: &str = "a weight is between 1 and 100";

fn can_score_resource(name: &str) -> bool {
    !name.is_empty() && name != "pods"
}

pub(super) fn weighted(resources: &[ResourceWeight], names: &mut Names) -> Vec<Weighted> {
    let weigh = |weighted: &ResourceWeight| Weighted {
        resource: weighted.resource(names),
        weight: i64::from(weighted.weight),
    };
    resources.iter().map(weigh).collect()
}

impl ScoringStrategy {
    pub(super) fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (at, resource) in self.resources.iter().enumerate() {
            if !can_score_resource(&resource.name) {
                problems.push(Problem::new(format!("resources.{at}.name"), NOT_SCORED));
            }
            if !(1..=100).contains(&resource.weight) {
                problems.push(Problem::new(format!("resources.{at}.weight"), WEIGHT_RANGE));
            }
        }
        let by_shape = self.kind == ScoringType::RequestedToCapacityRatio;
        if by_shape && self.shape.is_empty() {
            problems.push(Problem::new("shape", "RequestedToCapacityRatio needs points"));
        }
        if !by_shape && !self.shape.is_empty() {
            problems.push(Problem::new("shape", "only RequestedToCapacityRatio has points"));
        }
        for (at, point) in self.shape.iter().enumerate() {
            if point.utilization > 100 {
                let path = format!("shape.{at}.utilization");
                problems.push(Problem::new(path, "a utilisation is between 0 and 100"));
            }
            if point.score > 10 {
                let path = format!("shape.{at}.score");
                problems.push(Problem::new(path, "the score of a point is between 0 and 10"));
            }
            if at > 0 && self.shape[at - 1].utilization >= point.utilization {
                let path = format!("shape.{at}.utilization");
                problems.push(Problem::new(path, "points are in ascending order"));
            }
        }
        problems
    }

    pub(super) fn resolve(&self) -> Strategy {
        // Points score up to 10, nodes up to 100.
        let point = |p: &ShapePoint| (i64::from(p.utilization), i64::from(p.score) * 10);
        match self.kind {
            ScoringType::LeastAllocated => Strategy::LeastAllocated,
            ScoringType::MostAllocated => Strategy::MostAllocated,
            ScoringType::RequestedToCapacityRatio => {
                Strategy::RequestedToCapacityRatio(self.shape.iter().map(point).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_problem() {
        assert_eq!(KubeSchedulerParams::default().check(), []);
    }

    #[test]
    fn problems_are_found_all_at_once() {
        let params: KubeSchedulerParams = serde_json::from_str(
            r#"{
                "percentage_of_nodes_to_score": 101,
                "pod_initial_backoff": "20s",
                "scoring_strategy": {
                    "type": "RequestedToCapacityRatio",
                    "resources": [{"name": "pods", "weight": 0}],
                    "shape": [{"utilization": 50, "score": 11}, {"utilization": 50, "score": 1}]
                },
                "score_weights": {"NodePorts": 1, "NodeAffinity": 101},
                "disabled_plugins": ["Devices", "Nonsense", "NodePorts"],
                "disabled_scores": ["NodePorts"],
                "balanced_resources": ["pods"],
                "configuration": "scheduler.yaml"
            }"#,
        )
        .unwrap();
        let paths: Vec<String> = params.check().into_iter().map(|problem| problem.path).collect();
        assert_eq!(
            paths,
            [
                "percentage_of_nodes_to_score",
                "pod_max_backoff",
                "balanced_resources.0",
                "score_weights.NodeAffinity",
                "score_weights.NodePorts",
                "disabled_plugins.0",
                "disabled_plugins.1",
                "disabled_scores.0",
                "configuration",
                "scoring_strategy.resources.0.name",
                "scoring_strategy.resources.0.weight",
                "scoring_strategy.shape.0.score",
                "scoring_strategy.shape.1.utilization",
            ]
        );
        let unknown = serde_json::from_str::<KubeSchedulerParams>(r#"{"tie": "first"}"#);
        assert!(unknown.unwrap_err().to_string().contains("unknown field `tie`"));
    }
}
