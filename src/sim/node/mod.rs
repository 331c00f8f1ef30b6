//! What happens on machines: kubelets and the pods they run, images, heartbeats and their absence.

mod admission;
mod agent;
mod container;
mod heartbeat;
mod images;
mod kubelet;
mod link;
mod placement;
mod pressure;
mod probes;
mod pulls;
mod report;
mod stop;
mod usage;
mod volumes;
mod worker;

pub(super) use agent::Agent;
pub(super) use pulls::Pulls;
