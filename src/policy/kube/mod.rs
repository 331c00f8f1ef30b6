//! Kubernetes 1.34: its decisions, written from the upstream source.

pub mod control;
pub mod kubelet;
mod scheduler;

pub use scheduler::{
    KubeScheduler, KubeSchedulerParams, ResourceWeight, ScoringStrategy, ScoringType, ShapePoint,
    TieBreak,
};
