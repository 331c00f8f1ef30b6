//! Deployments and ReplicaSets as users write them (apps/v1, Kubernetes 1.34).

use super::convert::Reader;
use super::object::{ObjectMeta, SelectorManifest, check_selector};
use super::pod::{Metadata, PodManifest, RestartWord};
use super::rest::with_rest;
use crate::ground::Span;
use crate::model::{DeploymentSpec, IntOrPercent, PodSpecId, RolloutStrategy};
use crate::scenario::tree::join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The deadline that stands for none (`MaxInt32`).
const NO_DEADLINE: u32 = i32::MAX as u32;

with_rest! {
    /// A Deployment.
    pub struct DeploymentManifest reads DeploymentRead, knows DeploymentKeys {
        /// Name, namespace and labels.
        pub metadata: ObjectMeta,
        /// What it keeps alive.
        pub spec: DeploymentSpecManifest,
    }
    refused: []
    without_effect: ["status"]
}

/// What a Deployment keeps alive, and how it changes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentSpecManifest {
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

/// What a Deployment says beside its pod, for a template that is still to be put in its place.
pub(in crate::scenario) fn read_deployment(
    reader: &mut Reader<'_>,
    one: &DeploymentManifest,
) -> DeploymentSpec {
    let spec = &one.spec;
    reader.rest(&one.rest, "");
    reader.meta(&one.metadata);
    check_template(reader, &spec.selector, &spec.template);
    let mut read = DeploymentSpec::new(spec.replicas.unwrap_or(1), PodSpecId(0));
    if let Some(strategy) = &spec.strategy {
        read.strategy = strategy_of(reader, strategy, "spec.strategy");
    }
    let seconds = |seconds: u32| Span::from_secs(u64::from(seconds));
    read.min_ready = seconds(spec.min_ready_seconds.unwrap_or(0));
    if let Some(deadline) = spec.progress_deadline_seconds {
        read.progress_deadline = (deadline != NO_DEADLINE).then(|| seconds(deadline));
    }
    read.history_limit = spec.revision_history_limit.unwrap_or(read.history_limit);
    read.paused = spec.paused.unwrap_or(false);
    if read.progress_deadline.is_some_and(|deadline| deadline <= read.min_ready) {
        let text = "`progressDeadlineSeconds` is not above `minReadySeconds`";
        reader.wrong("spec.progressDeadlineSeconds".to_owned(), text, "raise it");
    }
    read
}

/// What is wrong with a ReplicaSet beside its pod; what has no effect is listed.
pub(in crate::scenario) fn check_replica_set(reader: &mut Reader<'_>, one: &ReplicaSetManifest) {
    reader.rest(&one.rest, "");
    reader.meta(&one.metadata);
    check_template(reader, &one.spec.selector, &one.spec.template);
}

/// Pods of these controllers restart for ever, without a deadline.
pub(super) fn check_template(
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

fn strategy_of(
    reader: &mut Reader<'_>,
    strategy: &StrategyManifest,
    path: &str,
) -> RolloutStrategy {
    let Some(rolling) = &strategy.rolling_update else {
        return match strategy.kind {
            Some(StrategyWord::Recreate) => RolloutStrategy::Recreate,
            Some(StrategyWord::RollingUpdate) | None => RolloutStrategy::default(),
        };
    };
    let path = join(path, "rollingUpdate");
    if strategy.kind == Some(StrategyWord::Recreate) {
        let text = "`rollingUpdate` stands beside `type: Recreate`";
        reader.wrong(path, text, "keep one of them");
        return RolloutStrategy::Recreate;
    }
    let max_surge = number_or_share(reader, &rolling.max_surge, u32::MAX, &join(&path, "maxSurge"));
    let down = join(&path, "maxUnavailable");
    let max_unavailable = number_or_share(reader, &rolling.max_unavailable, 100, &down);
    let zero = [IntOrPercent::Int(0), IntOrPercent::Percent(0)];
    if zero.contains(&max_surge) && zero.contains(&max_unavailable) {
        let text = "`maxSurge` and `maxUnavailable` are both zero: nothing could change";
        reader.wrong(down, text, "raise one of them");
    }
    RolloutStrategy::RollingUpdate { max_surge, max_unavailable }
}

/// A number of pods or a share of at most so many percent; a quarter if nothing is said.
pub(super) fn number_or_share(
    reader: &mut Reader<'_>,
    written: &Option<Value>,
    most: u32,
    path: &str,
) -> IntOrPercent {
    let number = match written {
        None => Some(IntOrPercent::Percent(25)),
        Some(Value::Number(number)) => {
            let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
            number.map(IntOrPercent::Int)
        }
        Some(Value::String(text)) => text
            .strip_suffix('%')
            .and_then(|percent| percent.parse().ok())
            .filter(|percent| *percent <= most)
            .map(IntOrPercent::Percent),
        Some(_) => None,
    };
    number.unwrap_or_else(|| {
        let key = path.rsplit('.').next().unwrap_or(path);
        let text = format!("`{key}` is neither a number of pods nor a share of them");
        reader.wrong(path.to_owned(), text, "write for example `1` or `25%`");
        IntOrPercent::Percent(25)
    })
}
