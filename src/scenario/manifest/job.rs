//! Jobs as users write them (batch/v1, Kubernetes 1.34).

use super::convert::Reader;
use super::deployment::TemplateManifest;
use super::object::ObjectMeta;
use super::pod::RestartWord;
use super::rest::with_rest;
use crate::ground::Span;
use crate::model::Condition;
use crate::policy::kube::control::{
    IndexSet, JobSpec, PerIndexLimits, PodFailureAction, PodFailurePattern, PodFailureRule,
    PodReplacement, SuccessRule,
};
use crate::scenario::tree::join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

with_rest! {
    /// A Job.
    pub struct JobManifest reads JobRead, knows JobKeys {
        /// Name, namespace and labels.
        pub metadata: ObjectMeta,
        /// What it runs to its end.
        pub spec: JobSpecManifest,
    }
    refused: []
    without_effect: ["status"]
}

with_rest! {
    /// What a Job runs to its end.
    pub struct JobSpecManifest reads JobSpecRead, knows JobSpecKeys {
        /// Most pods at a time; 1 if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub parallelism: Option<u32>,
        /// Successes that complete it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub completions: Option<u32>,
        /// Whether each success is one of an index.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub completion_mode: Option<CompletionModeWord>,
        /// Most failures that are forgiven.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub backoff_limit: Option<u32>,
        /// Most failures of an index that are forgiven.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub backoff_limit_per_index: Option<u32>,
        /// Most indexes that may fail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max_failed_indexes: Option<u32>,
        /// What failed pods do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pod_failure_policy: Option<PodFailurePolicyManifest>,
        /// When it is complete before all indexes are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub success_policy: Option<SuccessPolicyManifest>,
        /// When pods are replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pod_replacement_policy: Option<PodReplacementWord>,
        /// How long it may be active.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub active_deadline_seconds: Option<u32>,
        /// It has no pods for now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub suspend: Option<bool>,
        /// How long it stays after its end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ttl_seconds_after_finished: Option<u32>,
        /// The pod.
        pub template: TemplateManifest,
    }
    refused: [("managedBy", "remove it: only the Job controller of Kubernetes is simulated")]
    without_effect: ["manualSelector", "selector"]
}

/// Whether each success is one of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CompletionModeWord {
    /// No.
    NonIndexed,
    /// Yes.
    Indexed,
}

/// When pods are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PodReplacementWord {
    /// As soon as they are asked to stop.
    TerminatingOrFailed,
    /// When they have failed.
    Failed,
}

/// What failed pods do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodFailurePolicyManifest {
    /// The first rule that matches decides.
    pub rules: Vec<PodFailureRuleManifest>,
}

/// What one kind of failure does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodFailureRuleManifest {
    /// What follows.
    pub action: PodFailureWord,
    /// Exit codes that match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_exit_codes: Option<ExitCodesManifest>,
    /// Conditions of the pod that match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_pod_conditions: Vec<PodConditionPattern>,
}

/// What a failure does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PodFailureWord {
    /// The Job fails.
    FailJob,
    /// The index fails.
    FailIndex,
    /// It is not counted.
    Ignore,
    /// It is counted.
    Count,
}

/// Exit codes that match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExitCodesManifest {
    /// Only this container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
    /// Whether the code is one of them.
    pub operator: ExitCodesWord,
    /// Codes.
    pub values: Vec<i32>,
}

/// Whether the code is one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ExitCodesWord {
    /// It is.
    In,
    /// It is not.
    NotIn,
}

/// A condition of a pod that matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodConditionPattern {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its status; `True` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ConditionWord>,
}

/// The status of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConditionWord {
    /// True.
    True,
    /// False.
    False,
    /// Unknown.
    Unknown,
}

/// When an indexed Job is complete before all indexes are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuccessPolicyManifest {
    /// One of them is enough.
    pub rules: Vec<SuccessRuleManifest>,
}

/// Indexes that have to succeed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SuccessRuleManifest {
    /// These, such as `0,2-4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeded_indexes: Option<String>,
    /// So many of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeded_count: Option<u32>,
}

/// The condition of pods that are disrupted; others are not simulated.
const DISRUPTION: &str = "DisruptionTarget";

/// What a Job says beside its pod.
pub(in crate::scenario) fn read_job(reader: &mut Reader<'_>, one: &JobManifest) -> JobSpec {
    let spec = &one.spec;
    reader.rest(&one.rest, "");
    reader.rest(&spec.rest, "spec");
    reader.meta(&one.metadata);
    check(reader, spec);
    let seconds = |seconds: u32| Span::from_secs(u64::from(seconds));
    let per_index = spec
        .backoff_limit_per_index
        .map(|failures| PerIndexLimits { failures, failed_indexes: spec.max_failed_indexes });
    let rules = spec.pod_failure_policy.as_ref().map(|policy| failure_rules(reader, policy));
    let replacement = match spec.pod_replacement_policy {
        Some(PodReplacementWord::Failed) => PodReplacement::Failed,
        Some(PodReplacementWord::TerminatingOrFailed) => PodReplacement::TerminatingOrFailed,
        None => JobSpec::default_replacement(rules.is_some()),
    };
    let parallelism = spec.parallelism.unwrap_or(1);
    let default = JobSpec::default_backoff_limit(per_index.is_some());
    let completions = match (spec.completions, spec.parallelism) {
        (None, None) => Some(1),
        (completions, _) => completions,
    };
    let indexes = |text: &str| IndexSet::parse(text, completions.unwrap_or(0));
    let rule = |rule: &SuccessRuleManifest| SuccessRule {
        indexes: rule.succeeded_indexes.as_deref().map(indexes),
        count: rule.succeeded_count,
    };
    JobSpec {
        parallelism,
        completions,
        indexed: spec.completion_mode == Some(CompletionModeWord::Indexed),
        backoff_limit: spec.backoff_limit.unwrap_or(default),
        per_index,
        pod_failure_policy: rules,
        success_policy: spec.success_policy.iter().flat_map(|p| p.rules.iter().map(rule)).collect(),
        replacement,
        active_deadline: spec.active_deadline_seconds.map(seconds),
        suspended: spec.suspend.unwrap_or(false),
        ttl: spec.ttl_seconds_after_finished.map(seconds),
        restarts_containers: spec.template.spec.restart_policy == Some(RestartWord::OnFailure),
    }
}

fn check(reader: &mut Reader<'_>, spec: &JobSpecManifest) {
    let indexed = spec.completion_mode == Some(CompletionModeWord::Indexed);
    let mut wrong = |path: &str, text: &str, hint: &str| {
        reader.wrong(format!("spec.{path}"), text, hint);
    };
    match spec.template.spec.restart_policy {
        Some(RestartWord::Never | RestartWord::OnFailure) => {}
        Some(RestartWord::Always) | None => {
            let text = "containers of a Job are not restarted for ever";
            wrong("template.spec.restartPolicy", text, "write `Never` or `OnFailure`");
        }
    }
    if indexed && spec.completions.is_none() {
        wrong("completions", "an indexed Job has a number of completions", "write it");
    }
    for (path, there) in [
        ("backoffLimitPerIndex", spec.backoff_limit_per_index.is_some()),
        ("successPolicy", spec.success_policy.is_some()),
    ] {
        if there && !indexed {
            let text = format!("`{path}` is for indexed Jobs");
            wrong(path, &text, "write `completionMode: Indexed`, or remove it");
        }
    }
    if spec.max_failed_indexes.is_some() && spec.backoff_limit_per_index.is_none() {
        let text = "`maxFailedIndexes` needs `backoffLimitPerIndex`";
        wrong("maxFailedIndexes", text, "write both, or remove it");
    }
    if spec.pod_failure_policy.is_none() {
        return;
    }
    if spec.template.spec.restart_policy == Some(RestartWord::OnFailure) {
        let text = "`podFailurePolicy` needs pods whose containers are never restarted";
        wrong("podFailurePolicy", text, "write `restartPolicy: Never`");
    }
    if spec.pod_replacement_policy == Some(PodReplacementWord::TerminatingOrFailed) {
        let text = "beside `podFailurePolicy` pods are replaced when they have failed";
        wrong("podReplacementPolicy", text, "write `Failed`, or remove it");
    }
}

fn failure_rules(
    reader: &mut Reader<'_>,
    policy: &PodFailurePolicyManifest,
) -> Vec<PodFailureRule> {
    let mut rules = Vec::new();
    for (at, rule) in policy.rules.iter().enumerate() {
        let path = format!("spec.podFailurePolicy.rules.{at}");
        let action = match rule.action {
            PodFailureWord::FailJob => PodFailureAction::FailJob,
            PodFailureWord::FailIndex => PodFailureAction::FailIndex,
            PodFailureWord::Ignore => PodFailureAction::Ignore,
            PodFailureWord::Count => PodFailureAction::Count,
        };
        let pattern = match (&rule.on_exit_codes, rule.on_pod_conditions.as_slice()) {
            (Some(codes), []) => {
                let names = &mut reader.catalog.names;
                PodFailurePattern::ExitCodes {
                    container: codes.container_name.as_deref().map(|name| names.intern(name)),
                    codes: codes.values.clone(),
                    listed: codes.operator == ExitCodesWord::In,
                }
            }
            (None, conditions @ [_, ..]) => {
                PodFailurePattern::Conditions(pod_conditions(reader, conditions, &path))
            }
            _ => {
                let text = "a rule looks at exit codes or at conditions";
                reader.wrong(path, text, "write `onExitCodes` or `onPodConditions`");
                continue;
            }
        };
        rules.push(PodFailureRule { action, pattern });
    }
    rules
}

fn pod_conditions(
    reader: &mut Reader<'_>,
    conditions: &[PodConditionPattern],
    path: &str,
) -> Vec<(crate::ground::Name, Condition)> {
    let mut read = Vec::new();
    for one in conditions {
        if one.kind != DISRUPTION {
            let text = format!("the condition `{}` of pods is not simulated", one.kind);
            let hint = "supported is `DisruptionTarget`";
            reader.wrong(join(path, "onPodConditions"), &text, hint);
        }
        let status = match one.status {
            None | Some(ConditionWord::True) => Condition::True,
            Some(ConditionWord::False) => Condition::False,
            Some(ConditionWord::Unknown) => Condition::Unknown,
        };
        read.push((reader.catalog.names.intern(&one.kind), status));
    }
    read
}
