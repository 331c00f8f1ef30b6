//! StatefulSets as users write them (apps/v1, Kubernetes 1.34).

use super::convert::Reader;
use super::deployment::{TemplateManifest, check_template};
use super::object::{ObjectMeta, SelectorManifest};
use super::rest::with_rest;
use super::storage::PersistentVolumeClaimSpec;
use crate::ground::Span;
use crate::model::{
    ClaimFate, ClaimRetention, PodManagement, PodSpec, PodSpecId, PodVolume, StatefulSetGoal,
    StatefulUpdate,
};
use crate::scenario::names::check_name;
use crate::scenario::tree::join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

with_rest! {
    /// A StatefulSet.
    pub struct StatefulSetManifest reads StatefulSetRead, knows StatefulSetKeys {
        /// Name, namespace and labels.
        pub metadata: ObjectMeta,
        /// What it keeps alive.
        pub spec: StatefulSetSpecManifest,
    }
    refused: []
    without_effect: ["status"]
}

with_rest! {
    /// What a StatefulSet keeps alive, and how it changes it.
    pub struct StatefulSetSpecManifest reads StatefulSetSpecRead, knows StatefulSetSpecKeys {
        /// Number of pods; 1 if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub replicas: Option<u32>,
        /// Which pods are its own; has to fit the labels of the template.
        pub selector: SelectorManifest,
        /// The pod.
        pub template: TemplateManifest,
        /// In which order pods come and go; `OrderedReady` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pod_management_policy: Option<PodManagementWord>,
        /// How pods are replaced by those of another template.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub update_strategy: Option<StatefulStrategyManifest>,
        /// How long a pod is ready before it counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub min_ready_seconds: Option<u32>,
        /// How many revisions are kept that no pod uses.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub revision_history_limit: Option<u32>,
        /// Claims that each pod has for itself.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub volume_claim_templates: Vec<ReplicaClaimManifest>,
        /// What becomes of those claims.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub persistent_volume_claim_retention_policy: Option<ClaimRetentionManifest>,
        /// How pods are numbered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ordinals: Option<OrdinalsManifest>,
    }
    refused: []
    without_effect: ["serviceName"]
}

/// In which order pods come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PodManagementWord {
    /// One after the other.
    OrderedReady,
    /// All at once.
    Parallel,
}

/// How pods are replaced by those of another template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatefulStrategyManifest {
    /// One at a time, or when they are deleted; `RollingUpdate` if left out.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<StatefulStrategyWord>,
    /// How far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_update: Option<PartitionManifest>,
}

/// One at a time, or when they are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StatefulStrategyWord {
    /// When somebody else deletes them.
    OnDelete,
    /// From the highest ordinal down, one at a time.
    RollingUpdate,
}

with_rest! {
    /// How far an update goes. `maxUnavailable` has no effect in Kubernetes 1.34, whose API server
    /// drops it unless the feature gate MaxUnavailableStatefulSet is on.
    pub struct PartitionManifest reads PartitionRead, knows PartitionKeys {
        /// So many pods, counted from the first, keep the revision that they have.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub partition: Option<u32>,
    }
    refused: []
    without_effect: ["maxUnavailable"]
}

with_rest! {
    /// A claim that each pod has for itself: its name and what it asks for.
    pub struct ReplicaClaimManifest reads ReplicaClaimRead, knows ReplicaClaimKeys {
        /// Name of the volume, with which the name of the claim begins.
        pub metadata: ObjectMeta,
        /// What it asks for.
        pub spec: PersistentVolumeClaimSpec,
    }
    refused: []
    without_effect: ["apiVersion", "kind", "status"]
}

with_rest! {
    /// What becomes of the claims of pods. Nothing deletes a StatefulSet yet, so that
    /// `whenDeleted` has no effect.
    pub struct ClaimRetentionManifest reads ClaimRetentionRead, knows ClaimRetentionKeys {
        /// When a pod is not wanted any more; `Retain` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub when_scaled: Option<ClaimFateWord>,
    }
    refused: []
    without_effect: ["whenDeleted"]
}

/// What becomes of claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ClaimFateWord {
    /// They stay.
    Retain,
    /// They go.
    Delete,
}

/// How pods are numbered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrdinalsManifest {
    /// The number of the first one; 0 if left out.
    #[serde(default)]
    pub start: u32,
}

/// What a StatefulSet says beside its pod, for a template that is still to be put in its place.
pub(in crate::scenario) fn read_stateful_set(
    reader: &mut Reader<'_>,
    one: &StatefulSetManifest,
) -> StatefulSetGoal {
    let spec = &one.spec;
    reader.rest(&one.rest, "");
    reader.rest(&spec.rest, "spec");
    reader.meta(&one.metadata);
    check_template(reader, &spec.selector, &spec.template);
    let mut goal = StatefulSetGoal::new(spec.replicas.unwrap_or(1), PodSpecId(0));
    goal.spec.first_ordinal = spec.ordinals.as_ref().map_or(0, |ordinals| ordinals.start);
    if spec.pod_management_policy == Some(PodManagementWord::Parallel) {
        goal.spec.management = PodManagement::Parallel;
    }
    if let Some(strategy) = &spec.update_strategy {
        goal.spec.update = update_of(reader, strategy);
    }
    goal.spec.min_ready = Span::from_secs(u64::from(spec.min_ready_seconds.unwrap_or(0)));
    goal.history_limit = spec.revision_history_limit.unwrap_or(goal.history_limit);
    if let Some(policy) = &spec.persistent_volume_claim_retention_policy {
        reader.rest(&policy.rest, "spec.persistentVolumeClaimRetentionPolicy");
        let when_scaled = match policy.when_scaled {
            Some(ClaimFateWord::Delete) => ClaimFate::Delete,
            Some(ClaimFateWord::Retain) | None => ClaimFate::Retain,
        };
        goal.retention = ClaimRetention { when_scaled, ..goal.retention };
    }
    goal
}

fn update_of(reader: &mut Reader<'_>, strategy: &StatefulStrategyManifest) -> StatefulUpdate {
    let path = "spec.updateStrategy.rollingUpdate";
    if let Some(rolling) = &strategy.rolling_update {
        reader.rest(&rolling.rest, path);
        if strategy.kind == Some(StatefulStrategyWord::OnDelete) {
            let text = "`rollingUpdate` stands beside `type: OnDelete`";
            reader.wrong(path.to_owned(), text, "keep one of them");
        }
    }
    let partition = strategy.rolling_update.as_ref().and_then(|rolling| rolling.partition);
    match strategy.kind {
        Some(StatefulStrategyWord::OnDelete) => StatefulUpdate::OnDelete,
        Some(StatefulStrategyWord::RollingUpdate) | None => {
            StatefulUpdate::RollingUpdate { partition: partition.unwrap_or(0) }
        }
    }
}

/// Gives the pod of a StatefulSet the claims that each of its pods has for itself.
pub(in crate::scenario) fn add_replica_claims(
    reader: &mut Reader<'_>,
    one: &StatefulSetManifest,
    pod: &mut PodSpec,
) {
    for (at, claim) in one.spec.volume_claim_templates.iter().enumerate() {
        let path = format!("spec.volumeClaimTemplates.{at}");
        reader.rest(&claim.rest, &path);
        let name = &claim.metadata.name;
        let name_path = join(&path, "metadata.name");
        reader.problems.extend(check_name(name, &name_path));
        let others = one.spec.volume_claim_templates[..at].iter().map(|one| &one.metadata.name);
        let volumes = one.spec.template.spec.volumes.iter().map(|volume| &volume.name);
        if others.chain(volumes).any(|other| other == name) {
            let text = format!("two volumes have the name `{name}`");
            reader.wrong(name_path, text, "give each its own name");
        }
        let template = reader.claim_template(&claim.spec, &join(&path, "spec"));
        let name = reader.catalog.names.intern(name);
        pod.volumes.push(PodVolume::Replica(name, Box::new(template)));
        pod.has_volumes = true;
    }
}
