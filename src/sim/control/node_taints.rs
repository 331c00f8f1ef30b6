//! The taints that the node lifecycle controller puts on nodes, on their way to the store.

use crate::journal::{Fact, Sink};
use crate::model::{Catalog, Change, Condition, Effect, NodeId, NodeStatus, Pressure, Taint};
use crate::policy::kube::control::{NodeConditions, NodeMark};
use crate::sim::Event;
use crate::sim::event::TaintWrite;
use crate::sim::host::Host;
use crate::sim::world::World;

/// Requests to change the taints of a node, which is read first (`AddOrUpdateTaintOnNode`).
const TAINT_REQUESTS: u32 = 2;

/// NoSchedule taints that follow from conditions, and from `spec.unschedulable`.
const CONDITION_MARKS: [NodeMark; 7] = [
    NodeMark::NotReady,
    NodeMark::Unreachable,
    NodeMark::MemoryPressure,
    NodeMark::DiskPressure,
    NodeMark::PidPressure,
    NodeMark::NetworkUnavailable,
    NodeMark::Unschedulable,
];
/// NoExecute taints that follow from the Ready condition.
const READY_MARKS: [NodeMark; 2] = [NodeMark::NotReady, NodeMark::Unreachable];

/// The conditions of a node in the store.
fn conditions(status: &NodeStatus) -> NodeConditions {
    let pressure = |pressure| {
        Some(match (status.pressures.has(pressure), status.ready) {
            (true, _) => Condition::True,
            (false, Condition::Unknown) => Condition::Unknown,
            (false, _) => Condition::False,
        })
    };
    NodeConditions {
        ready: Some(status.ready),
        memory_pressure: pressure(Pressure::Memory),
        disk_pressure: pressure(Pressure::Disk),
        pid_pressure: pressure(Pressure::Pid),
        network_unavailable: None,
    }
}

/// Those of `marks` that a node has as taints of this effect.
pub(super) fn marks_of(catalog: &Catalog, status: &NodeStatus, effect: Effect) -> Vec<NodeMark> {
    let taints = catalog.taints(status.taints);
    let marks: &[NodeMark] =
        if effect == Effect::NoExecute { &READY_MARKS } else { &CONDITION_MARKS };
    let is_there = |mark: &NodeMark| {
        catalog.names.find(mark.key()).is_some_and(|key| {
            taints.iter().any(|taint| taint.key == key && taint.effect == effect)
        })
    };
    marks.iter().copied().filter(is_there).collect()
}

/// True if the NoSchedule taints of a node do not follow from its conditions.
pub(super) fn needs_marks(catalog: &Catalog, status: &NodeStatus) -> bool {
    let wanted = conditions(status).no_schedule(status.unschedulable);
    if wanted.is_empty() && status.taints == Catalog::NO_TAINTS {
        return false;
    }
    marks_of(catalog, status, Effect::NoSchedule) != wanted
}

impl World {
    /// Asks for a change of a node's taints.
    pub(super) fn write_taints<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        write: TaintWrite,
    ) {
        let sent = self.control.memory.nodes.client.send(host.now, TAINT_REQUESTS);
        host.store_at(sent + self.timing.request, Event::TaintsArrive { node, write });
    }

    /// A change of a node's taints reaches the store.
    pub(in crate::sim) fn taints_arrive<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        write: TaintWrite,
    ) {
        let row = self.store.truth.node(node);
        let (present, status) = (row.present, row.status);
        if write == TaintWrite::NoSchedule {
            self.control.memory.nodes.marked(node);
        }
        if !present {
            return;
        }
        let conditions = conditions(&status);
        match write {
            TaintWrite::NoSchedule => {
                let wanted = conditions.no_schedule(status.unschedulable);
                self.set_marks(host, node, Effect::NoSchedule, &wanted);
            }
            TaintWrite::NoExecute => {
                let wanted: Vec<NodeMark> = conditions.no_execute().into_iter().collect();
                self.set_marks(host, node, Effect::NoExecute, &wanted);
            }
            TaintWrite::Clear => {
                self.set_marks(host, node, Effect::NoExecute, &[]);
                if status.ready != Condition::True {
                    self.look_again(host, node);
                }
            }
        }
    }

    /// Makes the taints of this effect that the controller cares for be these.
    fn set_marks<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        effect: Effect,
        wanted: &[NodeMark],
    ) {
        let status = self.store.truth.node(node).status;
        let there = marks_of(&self.catalog, &status, effect);
        if there == wanted {
            return;
        }
        let mut taints = self.catalog.taints(status.taints).clone();
        for mark in &there {
            if !wanted.contains(mark) {
                let key = self.catalog.names.intern(mark.key());
                taints.retain(|taint| taint.key != key || taint.effect != effect);
            }
        }
        for mark in wanted {
            if !there.contains(mark) {
                let key = self.catalog.names.intern(mark.key());
                taints.push(Taint { key, value: Catalog::NO_TEXT, effect });
            }
        }
        if effect == Effect::NoExecute && there.is_empty() != wanted.is_empty() {
            host.fact(Fact::NodeTainted { node, on: !wanted.is_empty() });
        }
        let taints = self.catalog.intern_taints(&taints);
        self.commit(host, Change::NodeUpdated { node, status: NodeStatus { taints, ..status } });
    }
}
