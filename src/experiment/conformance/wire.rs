//! API objects as an API server hands them out, with the fields that decisions read. Unlike
//! manifests, which users write, they have been through admission and are taken as they are.

use crate::ground::{Bytes, MilliCpu, Quantity};
use crate::model::{
    Effect, Inclusion, Operator, OwnerKind, PreemptionPolicy, Protocol, TolerationOperator,
    WhenUnsatisfiable,
};
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;

/// Declares an object: a struct whose fields may all be left out.
macro_rules! object {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Default, Deserialize)]
            #[serde(rename_all = "camelCase", default)]
            pub(super) struct $name {
                $($(#[$attr])* pub(super) $field: $type,)*
            }
        )*
    };
}

/// A quantity such as `500m`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount(Quantity);

impl Amount {
    pub(super) fn whole(self) -> u64 {
        self.0.ceil()
    }

    pub(super) fn bytes(self) -> Bytes {
        Bytes(self.0.ceil())
    }

    pub(super) fn cpu(self) -> MilliCpu {
        MilliCpu(self.0.ceil_milli())
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Amount, D::Error> {
        let value = serde_json::Value::deserialize(de)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.parse().map(Amount).map_err(|error| de::Error::custom(format!("`{text}`: {error}")))
    }
}

pub(super) type Texts = BTreeMap<String, String>;
pub(super) type Amounts = BTreeMap<String, Amount>;

/// The effect of a toleration; the empty text stands for every effect.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) enum EffectOrAll {
    #[default]
    #[serde(rename = "")]
    All,
    NoSchedule,
    PreferNoSchedule,
    NoExecute,
}

impl EffectOrAll {
    pub(super) fn effect(self) -> Option<Effect> {
        match self {
            EffectOrAll::All => None,
            EffectOrAll::NoSchedule => Some(Effect::NoSchedule),
            EffectOrAll::PreferNoSchedule => Some(Effect::PreferNoSchedule),
            EffectOrAll::NoExecute => Some(Effect::NoExecute),
        }
    }
}

/// A protocol as it is written.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum ProtocolWord {
    #[default]
    Tcp,
    Udp,
    Sctp,
}

impl ProtocolWord {
    pub(super) fn protocol(self) -> Protocol {
        match self {
            ProtocolWord::Tcp => Protocol::Tcp,
            ProtocolWord::Udp => Protocol::Udp,
            ProtocolWord::Sctp => Protocol::Sctp,
        }
    }
}

/// A requirement of a selector.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Requirement {
    pub(super) key: String,
    pub(super) operator: Operator,
    #[serde(default)]
    pub(super) values: Vec<String>,
}

/// A reference to the owner of an object.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct OwnerReference {
    pub(super) kind: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) controller: bool,
}

impl OwnerReference {
    /// The kind, if the scheduler knows its selectors.
    pub(super) fn owner_kind(&self) -> Option<OwnerKind> {
        match self.kind.as_str() {
            "ReplicationController" => Some(OwnerKind::ReplicationController),
            "ReplicaSet" => Some(OwnerKind::ReplicaSet),
            "StatefulSet" => Some(OwnerKind::StatefulSet),
            _ => None,
        }
    }
}

/// A spread constraint.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpreadConstraint {
    pub(super) max_skew: u32,
    pub(super) topology_key: String,
    pub(super) when_unsatisfiable: WhenUnsatisfiable,
    #[serde(default)]
    pub(super) label_selector: Option<Selector>,
    #[serde(default)]
    pub(super) min_domains: Option<u32>,
    #[serde(default)]
    pub(super) node_affinity_policy: Option<Inclusion>,
    #[serde(default)]
    pub(super) node_taints_policy: Option<Inclusion>,
    #[serde(default)]
    pub(super) match_label_keys: Vec<String>,
}

object! {
    /// What every object has.
    Metadata {
        name: String,
        namespace: String,
        labels: Texts,
        annotations: Texts,
        deletion_timestamp: Option<String>,
        owner_references: Vec<OwnerReference>,
    }

    Node { metadata: Metadata, spec: NodeSpec, status: NodeStatus, }
    NodeSpec { unschedulable: bool, taints: Vec<Taint>, }
    Taint { key: String, value: String, effect: EffectOrAll, }
    NodeStatus { allocatable: Amounts, images: Vec<Image>, }
    Image { names: Vec<String>, size_bytes: u64, }

    Pod { metadata: Metadata, spec: PodSpec, status: PodStatus, }
    PodStatus {
        phase: String,
        start_time: Option<String>,
        nominated_node_name: String,
        conditions: Vec<Condition>,
    }
    Condition { #[serde(rename = "type")] kind: String, status: String, reason: String, }
    PodSpec {
        containers: Vec<Container>,
        init_containers: Vec<Container>,
        overhead: Amounts,
        resources: Resources,
        scheduler_name: String,
        priority: i32,
        preemption_policy: Option<PreemptionPolicy>,
        node_name: String,
        node_selector: Texts,
        affinity: Affinity,
        tolerations: Vec<Toleration>,
        topology_spread_constraints: Vec<SpreadConstraint>,
        scheduling_gates: Vec<Named>,
        volumes: Vec<PodVolume>,
        resource_claims: Vec<serde_json::Value>,
    }
    Named { name: String, }
    Container {
        name: String,
        image: Option<String>,
        resources: Resources,
        ports: Vec<Port>,
        restart_policy: String,
    }
    Resources { requests: Amounts, limits: Amounts, }
    Port {
        host_port: u16,
        #[serde(rename = "hostIP")] host_ip: String,
        protocol: ProtocolWord,
    }
    Toleration {
        key: String,
        operator: Option<TolerationOperator>,
        value: String,
        effect: EffectOrAll,
        toleration_seconds: Option<i64>,
    }
    Affinity {
        node_affinity: NodeAffinity,
        pod_affinity: PodTerms,
        pod_anti_affinity: PodTerms,
    }
    NodeAffinity {
        #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
        required: Option<NodeSelector>,
        #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
        preferred: Vec<PreferredNodes>,
    }
    NodeSelector { node_selector_terms: Vec<NodeTerm>, }
    NodeTerm { match_expressions: Vec<Requirement>, match_fields: Vec<Requirement>, }
    PreferredNodes { weight: i32, preference: NodeTerm, }
    PodTerms {
        #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
        required: Vec<PodTerm>,
        #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
        preferred: Vec<WeightedTerm>,
    }
    PodTerm {
        label_selector: Option<Selector>,
        namespaces: Vec<String>,
        namespace_selector: Option<Selector>,
        topology_key: String,
    }
    WeightedTerm { weight: i32, pod_affinity_term: PodTerm, }
    Selector { match_labels: Texts, match_expressions: Vec<Requirement>, }
    PodVolume {
        name: String,
        persistent_volume_claim: Option<ClaimName>,
        ephemeral: Option<Ephemeral>,
        gce_persistent_disk: Option<GceDisk>,
        aws_elastic_block_store: Option<AwsVolume>,
        iscsi: Option<Iscsi>,
        rbd: Option<Rbd>,
    }
    ClaimName { claim_name: String, }
    Ephemeral { volume_claim_template: serde_json::Value, }
    GceDisk { pd_name: String, read_only: bool, }
    AwsVolume { #[serde(rename = "volumeID")] volume_id: String, }
    Iscsi { iqn: String, read_only: bool, }
    Rbd { monitors: Vec<String>, pool: String, image: String, read_only: bool, }

    Namespace { metadata: Metadata, }
    Service { metadata: Metadata, spec: ServiceSpec, }
    ServiceSpec { selector: Option<Texts>, }
    ReplicationController { metadata: Metadata, spec: ServiceSpec, }
    Controller { metadata: Metadata, spec: ControllerSpec, }
    ControllerSpec { selector: Selector, }
    Budget { metadata: Metadata, spec: BudgetSpec, status: BudgetStatus, }
    BudgetSpec { selector: Option<Selector>, }
    BudgetStatus { disruptions_allowed: i32, disrupted_pods: BTreeMap<String, serde_json::Value>, }
}
