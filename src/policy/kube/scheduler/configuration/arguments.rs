//! Arguments of plugins (`apis/config/v1/types_pluginargs.go` and `defaults.go`, kube-scheduler
//! 1.34).

use super::PluginArguments;
use super::plugins::out_of_tree;
use crate::ground::{Name, Names, Problem};
use crate::model::{
    Inclusion, NodeAffinity, NodeSelectorTerm, Operator, Plugin, Preferred, Requirement,
    SpreadConstraint, WhenUnsatisfiable,
};
use crate::policy::kube::scheduler::params::ResourceWeight;
use crate::policy::kube::scheduler::params::{ScoringStrategy, ScoringType, ShapePoint, weighted};
use crate::policy::kube::scheduler::profile::{Arguments, SpreadDefaults};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Declares the arguments of a plugin, with the fields that every such object has.
macro_rules! args {
    ($name:ident { $($field:ident: $type:ty,)* }) => {
        #[derive(Debug, Default, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        struct $name {
            #[serde(rename = "apiVersion")]
            _api_version: Option<String>,
            #[serde(rename = "kind")]
            _kind: Option<String>,
            $($field: $type,)*
        }
    };
}

args!(PreemptionArgs {
    min_candidate_nodes_percentage: Option<u32>,
    min_candidate_nodes_absolute: Option<u32>,
});
args!(PodAffinityArgs {
    hard_pod_affinity_weight: Option<u32>,
    ignore_preferred_terms_of_existing_pods: bool,
});
args!(NodeAffinityArgs { added_affinity: Option<AddedAffinity>, });
args!(BalancedArgs { resources: Vec<ResourceWeight>, });
args!(FitArgs {
    ignored_resources: Vec<String>,
    ignored_resource_groups: Vec<String>,
    scoring_strategy: Option<FitStrategy>,
});
args!(SpreadArgs { default_constraints: Vec<DefaultConstraint>, defaulting_type: Option<String>, });
args!(VolumeArgs { bind_timeout_seconds: Option<u32>, shape: Vec<ShapePoint>, });

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FitStrategy {
    #[serde(default, rename = "type")]
    kind: ScoringType,
    #[serde(default)]
    resources: Vec<ResourceWeight>,
    #[serde(default)]
    requested_to_capacity_ratio: Option<Ratio>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ratio {
    #[serde(default)]
    shape: Vec<ShapePoint>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DefaultConstraint {
    max_skew: u32,
    topology_key: String,
    when_unsatisfiable: WhenUnsatisfiable,
    #[serde(default)]
    min_domains: Option<u32>,
    #[serde(default)]
    node_affinity_policy: Option<Inclusion>,
    #[serde(default)]
    node_taints_policy: Option<Inclusion>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AddedAffinity {
    #[serde(default)]
    required_during_scheduling_ignored_during_execution: Option<AddedSelector>,
    #[serde(default)]
    preferred_during_scheduling_ignored_during_execution: Vec<AddedPreference>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AddedSelector {
    node_selector_terms: Vec<AddedTerm>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddedPreference {
    weight: i32,
    preference: AddedTerm,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[derive(Default)]
struct AddedTerm {
    match_expressions: Vec<AddedRequirement>,
    match_fields: Vec<AddedRequirement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddedRequirement {
    key: String,
    operator: Operator,
    #[serde(default)]
    values: Vec<String>,
}

/// Collects what is wrong with the arguments of one plugin.
struct Reader<'r> {
    path: String,
    names: &'r mut Names,
    problems: &'r mut Vec<Problem>,
}

impl Reader<'_> {
    fn read<T: DeserializeOwned + Default>(&mut self, args: &Value) -> T {
        if args.is_null() {
            return T::default();
        }
        serde_json::from_value(args.clone()).unwrap_or_else(|error| {
            self.problems.push(Problem::new(self.path.clone(), error.to_string()));
            T::default()
        })
    }

    fn wrong(&mut self, field: &str, text: impl Into<String>) {
        self.problems.push(Problem::new(format!("{}.{field}", self.path), text));
    }
}

/// Sets the arguments of one plugin.
pub(super) fn apply(
    entry: &PluginArguments,
    path: &str,
    arguments: &mut Arguments,
    names: &mut Names,
    problems: &mut Vec<Problem>,
) {
    let mut reader = Reader { path: format!("{path}.args"), names, problems };
    match Plugin::from_name(&entry.name) {
        Some(Plugin::DefaultPreemption) => preemption(&mut reader, &entry.args, arguments),
        Some(Plugin::InterPodAffinity) => pod_affinity(&mut reader, &entry.args, arguments),
        Some(Plugin::NodeAffinity) => {
            let args: NodeAffinityArgs = reader.read(&entry.args);
            if let Some(added) = args.added_affinity {
                arguments.added_affinity = added.resolve(reader.names);
            }
        }
        Some(Plugin::NodeResourcesBalancedAllocation) => {
            let args: BalancedArgs = reader.read(&entry.args);
            if !args.resources.is_empty() {
                let resources = weighted(&args.resources, reader.names);
                arguments.balanced_resources = resources.iter().map(|r| r.resource).collect();
            }
        }
        Some(Plugin::NodeResourcesFit) => fit(&mut reader, &entry.args, arguments),
        Some(Plugin::PodTopologySpread) => spread(&mut reader, &entry.args, arguments),
        Some(Plugin::VolumeBinding) => {
            let args: VolumeArgs = reader.read(&entry.args);
            if !args.shape.is_empty() {
                reader.wrong("shape", "kube-scheduler reads it only behind an alpha gate");
            }
        }
        Some(plugin) => {
            let text = format!("{plugin} takes no arguments");
            reader.problems.push(Problem::new(format!("{path}.name"), text));
        }
        None => reader.problems.push(out_of_tree(format!("{path}.name"), &entry.name)),
    }
}

fn preemption(reader: &mut Reader<'_>, args: &Value, arguments: &mut Arguments) {
    let args: PreemptionArgs = reader.read(args);
    if let Some(percentage) = args.min_candidate_nodes_percentage {
        if percentage > 100 {
            reader.wrong("minCandidateNodesPercentage", "a percentage is between 0 and 100");
        }
        arguments.min_candidate_nodes_percentage = percentage;
    }
    if let Some(absolute) = args.min_candidate_nodes_absolute {
        arguments.min_candidate_nodes_absolute = absolute;
    }
    if (arguments.min_candidate_nodes_percentage, arguments.min_candidate_nodes_absolute) == (0, 0)
    {
        reader.wrong("minCandidateNodesAbsolute", "one of the two is above 0");
    }
}

fn pod_affinity(reader: &mut Reader<'_>, args: &Value, arguments: &mut Arguments) {
    let args: PodAffinityArgs = reader.read(args);
    let weight = args.hard_pod_affinity_weight.unwrap_or(1);
    if weight > 100 {
        reader.wrong("hardPodAffinityWeight", "the weight is between 0 and 100");
    }
    arguments.hard_pod_affinity_weight = i64::from(weight);
    arguments.ignore_preferred_terms_of_existing_pods =
        args.ignore_preferred_terms_of_existing_pods;
}

fn fit(reader: &mut Reader<'_>, args: &Value, arguments: &mut Arguments) {
    let args: FitArgs = reader.read(args);
    let mut intern = |list: &[String]| -> Vec<Name> {
        list.iter().map(|name| reader.names.intern(name)).collect()
    };
    arguments.ignored_resources = intern(&args.ignored_resources);
    arguments.ignored_resource_groups = intern(&args.ignored_resource_groups);
    let Some(written) = args.scoring_strategy else { return };
    let mut strategy = ScoringStrategy { kind: written.kind, ..ScoringStrategy::default() };
    if !written.resources.is_empty() {
        strategy.resources = written.resources;
    }
    if let Some(ratio) = written.requested_to_capacity_ratio {
        strategy.shape = ratio.shape;
    }
    let path = format!("{}.scoringStrategy", reader.path);
    let problems = strategy.check();
    reader.problems.extend(problems.into_iter().map(|problem| problem.under(&path)));
    arguments.fit_strategy = strategy.resolve();
    arguments.fit_resources = weighted(&strategy.resources, reader.names);
}

fn spread(reader: &mut Reader<'_>, args: &Value, arguments: &mut Arguments) {
    let args: SpreadArgs = reader.read(args);
    let mut constraints = Vec::new();
    for constraint in &args.default_constraints {
        if constraint.max_skew == 0 {
            reader.wrong("defaultConstraints", "`maxSkew` is above 0");
        }
        constraints.push(SpreadConstraint {
            max_skew: constraint.max_skew.max(1),
            topology_key: reader.names.intern(&constraint.topology_key),
            when_unsatisfiable: constraint.when_unsatisfiable,
            selector: None,
            min_domains: constraint.min_domains.unwrap_or(1).max(1),
            node_affinity: constraint.node_affinity_policy.unwrap_or(Inclusion::Honor),
            node_taints: constraint.node_taints_policy.unwrap_or(Inclusion::Ignore),
        });
    }
    match args.defaulting_type.as_deref() {
        None | Some("System") if constraints.is_empty() => {}
        Some("System") => {
            reader.wrong("defaultConstraints", "with `defaultingType: System` there are none");
        }
        // Upstream's default is System, with which a list is an error.
        None => reader.wrong("defaultingType", "write `List` beside `defaultConstraints`"),
        Some("List") => arguments.spread_defaults = SpreadDefaults { system: false, constraints },
        Some(other) => {
            reader.wrong("defaultingType", format!("`{other}` is neither `System` nor `List`"));
        }
    }
}

impl AddedAffinity {
    fn resolve(&self, names: &mut Names) -> NodeAffinity {
        let required = self.required_during_scheduling_ignored_during_execution.as_ref();
        let required = required.map(|selector| {
            selector.node_selector_terms.iter().map(|term| term.resolve(names)).collect()
        });
        let preferred = self.preferred_during_scheduling_ignored_during_execution.iter();
        let preferred = preferred
            .map(|one| Preferred { weight: one.weight, term: one.preference.resolve(names) })
            .collect();
        NodeAffinity { required, preferred }
    }
}

impl AddedTerm {
    fn resolve(&self, names: &mut Names) -> NodeSelectorTerm {
        let mut all = |list: &[AddedRequirement]| {
            list.iter()
                .map(|one| Requirement {
                    key: names.intern(&one.key),
                    operator: one.operator,
                    values: one.values.iter().map(|value| names.intern(value)).collect(),
                })
                .collect()
        };
        NodeSelectorTerm {
            match_labels: all(&self.match_expressions),
            match_fields: all(&self.match_fields),
        }
    }
}
