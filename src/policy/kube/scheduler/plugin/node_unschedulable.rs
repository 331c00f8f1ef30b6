//! NodeUnschedulable: cordoned nodes take only pods that tolerate it
//! (`plugins/nodeunschedulable/node_unschedulable.go`, Kubernetes 1.34).

use crate::model::{Code, Effect, PodSpec, Reason, Taint};
use crate::policy::kube::scheduler::event::Event;
use crate::policy::kube::scheduler::framework::{NodeFacts, Reasons};
use crate::policy::kube::scheduler::profile::Profile;

/// Refuses a cordoned node unless the pod tolerates the taint that cordoning stands for.
pub(crate) fn filter(
    profile: &Profile,
    spec: &PodSpec,
    node: &NodeFacts<'_>,
    reasons: &mut Reasons,
) -> Option<Code> {
    if !node.status.unschedulable {
        return None;
    }
    let taint = Taint {
        key: profile.arguments.unschedulable_taint,
        value: profile.arguments.empty,
        effect: Effect::NoSchedule,
    };
    if spec.tolerations.iter().any(|toleration| toleration.tolerates(&taint)) {
        return None;
    }
    reasons.push(Reason::NodeUnschedulable);
    Some(Code::UnschedulableAndUnresolvable)
}

/// A node that may be scheduled on and could not before helps.
pub(crate) fn helps(event: &Event<'_>) -> bool {
    match event {
        Event::NodeAdded(node) => !node.status.unschedulable,
        Event::NodeChanged { old, new, .. } => {
            old.status.unschedulable && !new.status.unschedulable
        }
        _ => false,
    }
}
