//! A `KubeSchedulerConfiguration` (`kubescheduler.config.k8s.io/v1`) as users have it, read
//! unchanged (`apis/config/v1/types.go`, kube-scheduler 1.34).
//!
//! What has no counterpart in a simulation (client connections, leader election, profiling) is
//! accepted and has no effect. Plugins that are not in tree and extenders are refused by name.

mod arguments;
mod plugins;

use super::profile::{DEFAULT_SCHEDULER, Profile};
use crate::ground::{Names, Problem, Span};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A scheduler's configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubeSchedulerConfiguration {
    /// `kubescheduler.config.k8s.io/v1`.
    pub api_version: String,
    /// `KubeSchedulerConfiguration`.
    pub kind: String,
    /// Part of the nodes among which feasible ones are looked for, percent; 0 adapts it.
    #[serde(default)]
    pub percentage_of_nodes_to_score: Option<u32>,
    /// Delay after a first failed attempt, seconds.
    #[serde(default)]
    pub pod_initial_backoff_seconds: Option<u32>,
    /// Longest delay, seconds.
    #[serde(default)]
    pub pod_max_backoff_seconds: Option<u32>,
    /// Profiles, each for the pods of one scheduler name.
    #[serde(default)]
    pub profiles: Vec<ProfileConfiguration>,
    /// Out-of-process extenders; refused.
    #[serde(default)]
    pub extenders: Vec<Value>,
    /// Without effect.
    #[serde(default)]
    pub parallelism: Option<Value>,
    /// Without effect.
    #[serde(default)]
    pub leader_election: Option<Value>,
    /// Without effect.
    #[serde(default)]
    pub client_connection: Option<Value>,
    /// Without effect.
    #[serde(default)]
    pub enable_profiling: Option<Value>,
    /// Without effect.
    #[serde(default)]
    pub enable_contention_profiling: Option<Value>,
    /// Without effect.
    #[serde(default)]
    pub delay_cache_until_active: Option<Value>,
}

/// One profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileConfiguration {
    /// Whose pods; `default-scheduler` if left out.
    #[serde(default)]
    pub scheduler_name: Option<String>,
    /// Takes the place of the value for all profiles.
    #[serde(default)]
    pub percentage_of_nodes_to_score: Option<u32>,
    /// Which plugins are asked where.
    #[serde(default)]
    pub plugins: PluginsConfiguration,
    /// Arguments of plugins.
    #[serde(default)]
    pub plugin_config: Vec<PluginArguments>,
}

/// The plugins of each extension point.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PluginsConfiguration {
    /// Before a pod enters the queue.
    pub pre_enqueue: PluginList,
    /// Order of the queue.
    pub queue_sort: PluginList,
    /// Before nodes are filtered.
    pub pre_filter: PluginList,
    /// Filters.
    pub filter: PluginList,
    /// When no node is left.
    pub post_filter: PluginList,
    /// Before nodes are scored.
    pub pre_score: PluginList,
    /// Scores.
    pub score: PluginList,
    /// When a node is chosen.
    pub reserve: PluginList,
    /// Before binding.
    pub permit: PluginList,
    /// Before binding, beside later attempts.
    pub pre_bind: PluginList,
    /// Binding.
    pub bind: PluginList,
    /// After binding.
    pub post_bind: PluginList,
    /// All extension points that a plugin has.
    pub multi_point: PluginList,
}

/// Plugins switched on and off.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PluginList {
    /// On, in order.
    pub enabled: Vec<EnabledPlugin>,
    /// Off; `*` stands for all.
    pub disabled: Vec<DisabledPlugin>,
}

/// A plugin switched on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnabledPlugin {
    /// Name.
    pub name: String,
    /// Weight of its score; 0 and nothing stand for 1.
    #[serde(default)]
    pub weight: Option<u32>,
}

/// A plugin switched off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisabledPlugin {
    /// Name, or `*`.
    pub name: String,
    /// Without effect.
    #[serde(default)]
    pub weight: Option<u32>,
}

/// Arguments of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginArguments {
    /// Name of the plugin.
    pub name: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Value,
}

const API_VERSION: &str = "kubescheduler.config.k8s.io/v1";

impl KubeSchedulerConfiguration {
    /// Everything that is wrong with the configuration.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.api_version != API_VERSION {
            let text = format!("`{}` is not `{API_VERSION}`", self.api_version);
            problems.push(Problem::new("apiVersion", text));
        }
        if self.kind != "KubeSchedulerConfiguration" {
            let text = format!("`{}` is not `KubeSchedulerConfiguration`", self.kind);
            problems.push(Problem::new("kind", text));
        }
        let too_much = |percentage: Option<u32>| percentage.is_some_and(|value| value > 100);
        if too_much(self.percentage_of_nodes_to_score) {
            problems.push(Problem::new("percentageOfNodesToScore", PERCENTAGE));
        }
        let (initial, max) = self.backoff_seconds();
        if initial < 1 {
            let text = "kube-scheduler accepts no delay below 1";
            problems.push(Problem::new("podInitialBackoffSeconds", text));
        }
        if max < initial {
            let text = "the longest delay is not below `podInitialBackoffSeconds`";
            problems.push(Problem::new("podMaxBackoffSeconds", text));
        }
        for at in 0..self.extenders.len() {
            let text = "extenders are processes of their own, which a simulation cannot ask";
            let problem = Problem::new(format!("extenders.{at}"), text);
            problems.push(problem.hint("remove the extender"));
        }
        let mut seen: Vec<&str> = Vec::new();
        for (at, profile) in self.profiles.iter().enumerate() {
            let path = format!("profiles.{at}");
            if seen.contains(&profile.name()) {
                let text = format!("two profiles are for `{}`", profile.name());
                problems.push(Problem::new(format!("{path}.schedulerName"), text));
            }
            seen.push(profile.name());
            if too_much(profile.percentage_of_nodes_to_score) {
                let path = format!("{path}.percentageOfNodesToScore");
                problems.push(Problem::new(path, PERCENTAGE));
            }
            let own = profile.resolve(&mut Names::new()).err().unwrap_or_default();
            problems.extend(own.into_iter().map(|problem| problem.under(&path)));
        }
        problems
    }

    fn backoff_seconds(&self) -> (u32, u32) {
        let initial = self.pod_initial_backoff_seconds.unwrap_or(1);
        (initial, self.pod_max_backoff_seconds.unwrap_or(10))
    }

    /// The scheduler names that have a profile.
    pub fn scheduler_names(&self) -> impl Iterator<Item = &str> {
        let default = self.profiles.is_empty().then_some(DEFAULT_SCHEDULER);
        self.profiles.iter().map(ProfileConfiguration::name).chain(default)
    }

    /// The delays after failed attempts: the first and the longest.
    pub fn backoff(&self) -> (Span, Span) {
        let (initial, max) = self.backoff_seconds();
        (Span::from_secs(u64::from(initial)), Span::from_secs(u64::from(max)))
    }

    /// The profiles, that of upstream if there are none.
    ///
    /// # Panics
    /// If [`KubeSchedulerConfiguration::check`] finds a problem.
    pub(super) fn resolve(&self, names: &mut Names) -> Vec<Profile> {
        let mut profiles: Vec<Profile> = self
            .profiles
            .iter()
            .map(|profile| {
                let mut resolved = profile.resolve(names).expect("the configuration was checked");
                let own = profile.percentage_of_nodes_to_score;
                let percentage = own.or(self.percentage_of_nodes_to_score);
                resolved.percentage_of_nodes_to_score = percentage.unwrap_or(0);
                resolved
            })
            .collect();
        if profiles.is_empty() {
            let mut profile = Profile::default_for(DEFAULT_SCHEDULER, names);
            let percentage = self.percentage_of_nodes_to_score;
            profile.percentage_of_nodes_to_score = percentage.unwrap_or(0);
            profiles.push(profile);
        }
        profiles
    }
}

const PERCENTAGE: &str = "a percentage is between 0 and 100";

impl ProfileConfiguration {
    fn name(&self) -> &str {
        self.scheduler_name.as_deref().unwrap_or(DEFAULT_SCHEDULER)
    }

    fn resolve(&self, names: &mut Names) -> Result<Profile, Vec<Problem>> {
        let mut profile = Profile::default_for(self.name(), names);
        let mut problems = Vec::new();
        plugins::apply(&self.plugins, &mut profile, &mut problems);
        for (at, entry) in self.plugin_config.iter().enumerate() {
            let path = format!("pluginConfig.{at}");
            arguments::apply(entry, &path, &mut profile.arguments, names, &mut problems);
        }
        if problems.is_empty() { Ok(profile) } else { Err(problems) }
    }
}

#[cfg(test)]
mod tests;
