//! The controllers of Kubernetes 1.34, as pure functions.

mod node_lifecycle;
mod replicas;
mod taint_eviction;

pub use node_lifecycle::{NodeLifecycleParams, UNREACHABLE_TAINT};
pub use replicas::missing_replicas;
pub use taint_eviction::{Stay, stay_with};
