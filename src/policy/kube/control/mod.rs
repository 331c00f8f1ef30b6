//! The controllers of Kubernetes 1.34, as pure functions.

mod deletion_order;
mod node_lifecycle;
mod node_taints;
mod pod_gc;
mod replicas;
mod taint_eviction;
mod token_bucket;
mod volumes;
mod zones;

pub use deletion_order::{DeletionPhase, RankedPod, deletion_order, ranks};
pub use node_lifecycle::{
    Finding, NodeHealth, NodeLifecycleParams, NodeSigns, NodeStartupParams, UNREACHABLE_TAINT,
};
pub use node_taints::{NodeConditions, NodeMark, TaintStep, taint_step};
pub use pod_gc::{GcCause, GcNode, GcPod, GcPods, PodGcParams, Quarantine, garbage_pods};
pub use replicas::{SlowStart, missing_replicas, surplus_replicas};
pub use taint_eviction::{EvictionTimer, eviction_timer};
pub use token_bucket::TokenBucket;
pub use volumes::{ClaimStep, bind as bind_volume, claim_step, driver_of, provisioned};
pub use zones::{EXCLUDE_DISRUPTION_LABEL, Outage, Zone, ZoneCount, ZoneParams, Zones};
