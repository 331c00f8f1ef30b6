//! Deployments and ReplicaSets as users write them (apps/v1, Kubernetes 1.34).

use super::convert::Reader;
use super::object::{ObjectMeta, SelectorManifest, check_selector};
use super::pod::{Metadata, PodManifest, RestartWord};
use super::rest::with_rest;
use crate::scenario::tree::join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

with_rest! {
    /// A Deployment.
    pub struct DeploymentManifest reads DeploymentRead, knows DeploymentKeys {
        /// Name, namespace and labels.
        pub metadata: ObjectMeta,
        /// What it keeps alive.
        pub spec: DeploymentSpec,
    }
    refused: []
    without_effect: ["status"]
}

/// What a Deployment keeps alive, and how it changes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentSpec {
    /// Number of pods; 1 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Which pods are its own; has to fit the labels of the template.
    pub selector: SelectorManifest,
    /// The pod.
    pub template: TemplateManifest,
    /// How pods are replaced by those of another template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<StrategyManifest>,
    /// How long a pod is ready before it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ready_seconds: Option<u32>,
    /// How many old ReplicaSets are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<u32>,
    /// After how long without progress a rollout has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<u32>,
    /// A changed template is not rolled out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
}

with_rest! {
    /// A ReplicaSet.
    pub struct ReplicaSetManifest reads ReplicaSetRead, knows ReplicaSetKeys {
        /// Name, namespace and labels.
        pub metadata: ObjectMeta,
        /// What it keeps alive.
        pub spec: ReplicaSetSpec,
    }
    refused: []
    without_effect: ["status"]
}

/// What a ReplicaSet keeps alive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplicaSetSpec {
    /// Number of pods; 1 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Which pods are its own; has to fit the labels of the template.
    pub selector: SelectorManifest,
    /// The pod.
    pub template: TemplateManifest,
    /// How long a pod is ready before it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ready_seconds: Option<u32>,
}

/// The pod of a controller: a Kubernetes pod template, as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateManifest {
    /// Labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// The pod.
    pub spec: PodManifest,
}

/// How pods are replaced by those of another template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StrategyManifest {
    /// At once or little by little; `RollingUpdate` if left out.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<StrategyWord>,
    /// How far at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_update: Option<RollingUpdateManifest>,
}

/// At once or little by little.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StrategyWord {
    /// All old pods go before the first new one comes.
    Recreate,
    /// Little by little.
    RollingUpdate,
}

/// How far a rollout goes at a time: numbers of pods, or shares such as `25%`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollingUpdateManifest {
    /// Most pods above the number wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_surge: Option<Value>,
    /// Most pods below the number wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<Value>,
}

/// What is wrong with a Deployment beside its pod; what has no effect is listed.
pub(in crate::scenario) fn check_deployment(reader: &mut Reader<'_>, one: &DeploymentManifest) {
    let spec = &one.spec;
    reader.rest(&one.rest, "");
    reader.meta(&one.metadata);
    check_template(reader, &spec.selector, &spec.template);
    for (key, given) in [
        ("strategy", spec.strategy.is_some()),
        ("minReadySeconds", spec.min_ready_seconds.is_some()),
        ("revisionHistoryLimit", spec.revision_history_limit.is_some()),
        ("progressDeadlineSeconds", spec.progress_deadline_seconds.is_some()),
        ("paused", spec.paused.is_some()),
    ] {
        if given {
            reader.has_no_effect(join("spec", key));
        }
    }
    if let Some(strategy) = &spec.strategy {
        check_strategy(reader, strategy, "spec.strategy");
    }
    let (deadline, ready) = (spec.progress_deadline_seconds, spec.min_ready_seconds);
    if deadline.is_some_and(|deadline| deadline <= ready.unwrap_or(0)) {
        let text = "`progressDeadlineSeconds` is not above `minReadySeconds`";
        reader.wrong("spec.progressDeadlineSeconds".to_owned(), text, "raise it");
    }
}

/// What is wrong with a ReplicaSet beside its pod; what has no effect is listed.
pub(in crate::scenario) fn check_replica_set(reader: &mut Reader<'_>, one: &ReplicaSetManifest) {
    reader.rest(&one.rest, "");
    reader.meta(&one.metadata);
    check_template(reader, &one.spec.selector, &one.spec.template);
    if one.spec.min_ready_seconds.is_some() {
        reader.has_no_effect("spec.minReadySeconds".to_owned());
    }
}

/// Pods of these controllers restart for ever, without a deadline.
fn check_template(
    reader: &mut Reader<'_>,
    selector: &SelectorManifest,
    template: &TemplateManifest,
) {
    let none = BTreeMap::new();
    let labels = template.metadata.as_ref().map_or(&none, |metadata| &metadata.labels);
    check_selector(reader, selector, labels, "spec.selector");
    let path = "spec.template.spec";
    if template.spec.restart_policy.is_some_and(|word| word != RestartWord::Always) {
        let text = "pods that are kept alive restart `Always`";
        reader.wrong(join(path, "restartPolicy"), text, "remove it, or write `Always`");
    }
    if template.spec.active_deadline_seconds.is_some() {
        let text = "pods that are kept alive have no deadline";
        reader.wrong(join(path, "activeDeadlineSeconds"), text, "remove it");
    }
}

fn check_strategy(reader: &mut Reader<'_>, strategy: &StrategyManifest, path: &str) {
    let Some(rolling) = &strategy.rolling_update else { return };
    let path = join(path, "rollingUpdate");
    if strategy.kind == Some(StrategyWord::Recreate) {
        let text = "`rollingUpdate` stands beside `type: Recreate`";
        reader.wrong(path, text, "keep one of them");
        return;
    }
    let mut zero = true;
    for (key, value, default, most) in [
        ("maxSurge", &rolling.max_surge, 25, u64::MAX),
        ("maxUnavailable", &rolling.max_unavailable, 25, 100),
    ] {
        let number = match value {
            None => Some(default),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => text
                .strip_suffix('%')
                .and_then(|percent| percent.parse().ok())
                .filter(|percent| *percent <= most),
            Some(_) => None,
        };
        zero &= number == Some(0);
        if number.is_none() {
            let text = format!("`{key}` is neither a number of pods nor a share of them");
            reader.wrong(join(&path, key), text, "write for example `1` or `25%`");
        }
    }
    if zero {
        let text = "`maxSurge` and `maxUnavailable` are both zero: nothing could change";
        reader.wrong(join(&path, "maxUnavailable"), text, "raise one of them");
    }
}
