//! What happens on machines: kubelets and their pods, heartbeats and their absence.

mod heartbeat;
mod kubelet;

pub(super) use kubelet::POD_START;
