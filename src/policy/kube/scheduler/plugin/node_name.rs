//! NodeName: a pod that names its node fits no other (`plugins/nodename/node_name.go`,
//! Kubernetes 1.34). Such a pod never comes to the scheduler, which takes it for bound.

use crate::model::{Code, PodSpec, Reason};
use crate::policy::kube::scheduler::event::Event;
use crate::policy::kube::scheduler::framework::{NodeFacts, Reasons};

/// Refuses every node but the one named.
pub(crate) fn filter(spec: &PodSpec, node: &NodeFacts<'_>, reasons: &mut Reasons) -> Option<Code> {
    if spec.node_name.is_none_or(|name| name == node.name) {
        return None;
    }
    reasons.push(Reason::OtherNodeName);
    Some(Code::UnschedulableAndUnresolvable)
}

/// Any new node helps.
pub(crate) fn helps(event: &Event<'_>) -> bool {
    matches!(event, Event::NodeAdded(_))
}
