//! The decision logic of Kubernetes 1.34.

pub mod control;
pub mod kubelet;
