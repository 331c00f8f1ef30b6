//! Which taints a node has because of its conditions.
//!
//! Source: `pkg/controller/nodelifecycle/node_lifecycle_controller.go`, `plugin/pkg/admission/
//! nodetaint` and `core/v1/well_known_taints.go`, Kubernetes 1.34.

use super::UNREACHABLE_TAINT;
use crate::model::Condition;
use serde::{Deserialize, Serialize};

/// A taint that the control plane puts on nodes, by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NodeMark {
    /// The kubelet says that the node is not ready.
    NotReady,
    /// The kubelet is not heard of.
    Unreachable,
    /// Memory runs out.
    MemoryPressure,
    /// Disk space or inodes run out.
    DiskPressure,
    /// Process numbers run out.
    PidPressure,
    /// The network of the node is not set up.
    NetworkUnavailable,
    /// `spec.unschedulable`.
    Unschedulable,
    /// Somebody vouches that the node is down and will not come back by itself.
    OutOfService,
}

impl NodeMark {
    /// The key of the taint.
    pub const fn key(self) -> &'static str {
        match self {
            NodeMark::NotReady => "node.kubernetes.io/not-ready",
            NodeMark::Unreachable => UNREACHABLE_TAINT,
            NodeMark::MemoryPressure => "node.kubernetes.io/memory-pressure",
            NodeMark::DiskPressure => "node.kubernetes.io/disk-pressure",
            NodeMark::PidPressure => "node.kubernetes.io/pid-pressure",
            NodeMark::NetworkUnavailable => "node.kubernetes.io/network-unavailable",
            NodeMark::Unschedulable => "node.kubernetes.io/unschedulable",
            NodeMark::OutOfService => "node.kubernetes.io/out-of-service",
        }
    }

    /// The NoSchedule taint with which admission registers a new node, until it is first ready.
    pub const REGISTRATION: NodeMark = NodeMark::NotReady;
}

/// The conditions of a node as the store has them; `None` where the kubelet never wrote one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NodeConditions {
    /// Ready.
    pub ready: Option<Condition>,
    /// MemoryPressure.
    pub memory_pressure: Option<Condition>,
    /// DiskPressure.
    pub disk_pressure: Option<Condition>,
    /// PIDPressure.
    pub pid_pressure: Option<Condition>,
    /// NetworkUnavailable, which is the control plane's and never becomes Unknown by silence.
    pub network_unavailable: Option<Condition>,
}

impl NodeConditions {
    /// The conditions after the controller found the node silent for too long.
    #[must_use]
    pub fn silenced(self) -> NodeConditions {
        let unknown = Some(Condition::Unknown);
        NodeConditions {
            ready: unknown,
            memory_pressure: unknown,
            disk_pressure: unknown,
            pid_pressure: unknown,
            network_unavailable: self.network_unavailable,
        }
    }

    /// The NoSchedule taints that follow from the conditions, in order; all others of these keys
    /// are taken off. They come and go at once.
    pub fn no_schedule(&self, unschedulable: bool) -> Vec<NodeMark> {
        let on = Some(Condition::True);
        let mut marks = Vec::new();
        marks.extend(self.no_execute());
        for (condition, mark) in [
            (self.memory_pressure, NodeMark::MemoryPressure),
            (self.disk_pressure, NodeMark::DiskPressure),
            (self.pid_pressure, NodeMark::PidPressure),
            (self.network_unavailable, NodeMark::NetworkUnavailable),
        ] {
            if condition == on {
                marks.push(mark);
            }
        }
        if unschedulable {
            marks.push(NodeMark::Unschedulable);
        }
        marks
    }

    /// The NoExecute taint that follows from the Ready condition.
    pub fn no_execute(&self) -> Option<NodeMark> {
        match self.ready {
            Some(Condition::False) => Some(NodeMark::NotReady),
            Some(Condition::Unknown) => Some(NodeMark::Unreachable),
            Some(Condition::True) | None => None,
        }
    }
}

/// What a look at a node does about its NoExecute taint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaintStep {
    /// Nothing.
    Keep,
    /// Put this one on in place of its opposite, at once.
    Swap(NodeMark),
    /// Let the node wait in the queue of its zone.
    Enqueue,
    /// Take both off, and the node from the queue of its zone.
    Clear,
}

/// What a look does, by the Ready condition and the mark that the node's NoExecute taint has, if
/// there is one. Only [`NodeMark::NotReady`] and [`NodeMark::Unreachable`] count. A node without a
/// Ready condition is left as it is.
pub fn taint_step(ready: Option<Condition>, tainted: Option<NodeMark>) -> TaintStep {
    let conditions = NodeConditions { ready, ..NodeConditions::default() };
    match (conditions.no_execute(), tainted) {
        (Some(wanted), Some(there)) if wanted == there => TaintStep::Keep,
        (Some(wanted), Some(_)) => TaintStep::Swap(wanted),
        (Some(_), None) => TaintStep::Enqueue,
        (None, _) if ready.is_none() => TaintStep::Keep,
        (None, _) => TaintStep::Clear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Condition::{False, True, Unknown};

    #[test]
    fn no_schedule_taints_follow_the_conditions() {
        let none = NodeConditions::default();
        let ready = NodeConditions { ready: Some(True), ..none };
        let all = NodeConditions {
            ready: Some(False),
            memory_pressure: Some(True),
            disk_pressure: Some(True),
            pid_pressure: Some(True),
            network_unavailable: Some(True),
        };
        let cases: [(NodeConditions, bool, &[NodeMark]); 6] = [
            (none, false, &[]),
            (ready, false, &[]),
            (ready, true, &[NodeMark::Unschedulable]),
            (
                all,
                true,
                &[
                    NodeMark::NotReady,
                    NodeMark::MemoryPressure,
                    NodeMark::DiskPressure,
                    NodeMark::PidPressure,
                    NodeMark::NetworkUnavailable,
                    NodeMark::Unschedulable,
                ],
            ),
            (all.silenced(), false, &[NodeMark::Unreachable, NodeMark::NetworkUnavailable]),
            (NodeConditions { memory_pressure: Some(Unknown), ..ready }, false, &[]),
        ];
        for (conditions, unschedulable, marks) in cases {
            assert_eq!(conditions.no_schedule(unschedulable), marks, "{conditions:?}");
        }
    }

    #[test]
    fn no_execute_taints_wait_or_swap() {
        let (not_ready, unreachable) = (Some(NodeMark::NotReady), Some(NodeMark::Unreachable));
        for (ready, tainted, step) in [
            (Some(True), None, TaintStep::Clear),
            (Some(True), unreachable, TaintStep::Clear),
            (Some(Unknown), None, TaintStep::Enqueue),
            (Some(Unknown), unreachable, TaintStep::Keep),
            (Some(Unknown), not_ready, TaintStep::Swap(NodeMark::Unreachable)),
            (Some(False), None, TaintStep::Enqueue),
            (Some(False), unreachable, TaintStep::Swap(NodeMark::NotReady)),
            (Some(False), not_ready, TaintStep::Keep),
            (None, None, TaintStep::Keep),
            (None, unreachable, TaintStep::Keep),
        ] {
            assert_eq!(taint_step(ready, tainted), step, "{ready:?} {tainted:?}");
        }
    }
}
