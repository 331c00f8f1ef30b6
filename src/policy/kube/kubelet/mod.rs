//! What the kubelet of Kubernetes 1.34 decides, as pure functions and small memories.

#[cfg(test)]
pub(in crate::policy::kube) mod golden;
mod probe;

pub use probe::{
    Answer, ProbeChange, ProbeKind, ProbeParams, ProbeResult, ProbeWorker, Probed, Tick,
};
