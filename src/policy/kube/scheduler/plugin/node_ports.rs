//! NodePorts: a host port is taken once per node (`plugins/nodeports/node_ports.go`,
//! Kubernetes 1.34).

use crate::model::{Code, HostPort, PodSpec, Reason};
use crate::policy::kube::scheduler::event::Event;
use crate::policy::kube::scheduler::framework::{Cycle, PreFilter, Reasons, Room};

/// Skips pods without host ports.
pub(crate) fn pre_filter(spec: &PodSpec) -> PreFilter {
    if spec.host_ports.is_empty() { PreFilter::Skip } else { PreFilter::Pass }
}

/// Refuses a node where a port is taken.
pub(crate) fn filter(cycle: &Cycle<'_>, room: Room<'_>, reasons: &mut Reasons) -> Option<Code> {
    if !conflict(&cycle.spec.host_ports, &room.holds.ports) {
        return None;
    }
    reasons.push(Reason::HostPort);
    Some(Code::Unschedulable)
}

/// A new node helps, and the end of a pod with a port that this one wants.
pub(crate) fn helps(event: &Event<'_>, spec: &PodSpec) -> bool {
    match event {
        Event::NodeAdded(_) => true,
        Event::PodGone(gone) => conflict(&spec.host_ports, &gone.host_ports),
        _ => false,
    }
}

fn conflict(wanted: &[HostPort], taken: &[HostPort]) -> bool {
    wanted.iter().any(|port| taken.iter().any(|other| port.conflicts(other)))
}
