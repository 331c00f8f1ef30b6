//! Power of nodes, and how the control plane learns of it.
//!
//! Heartbeats are no events. When a node loses power, the look at which the controller will find
//! it silent follows from the phase of its lease renewals, which is drawn then.

use crate::ground::{Key, Purpose, Span};
use crate::journal::{DeletionCause, Fact, Sink};
use crate::model::{
    Catalog, Change, Condition, Effect, NodeId, NodeStatus, PodId, PodPhase, Pressure, Pressures,
    Taint,
};
use crate::policy::kube::control::UNREACHABLE_TAINT;
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::world::World;

pub(super) const LEASE_PHASE: Purpose = Purpose::new("lease-phase");

impl World {
    /// A node loses power, and everything on it stops. The store knows nothing of it.
    pub(in crate::sim) fn crash<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        let machine = &mut self.fleet.machines[node];
        assert!(machine.powered, "{node:?} loses power while it has none");
        machine.powered = false;
        machine.epoch += 1;
        host.fact(Fact::NodeCrashed { node });
        self.proxy_leaves(node);
        self.pulls_are_lost(host, node);
        for pod in self.pods_by_age(node) {
            self.containers_are_lost(host, pod);
        }
        self.fleet.agents[node].loses_power();
    }

    /// Nothing that a node says arrives any more: when the control plane will find it silent.
    pub(super) fn falls_silent<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        let now = host.now;
        let machine = &mut self.fleet.machines[node];
        if std::mem::replace(&mut machine.silent, true) {
            return;
        }
        machine.voice += 1;
        let machine = *machine;
        let found = if self.is_lifecycle() {
            let params = self.timing.node_lifecycle;
            let lease = self.draw_phase(LEASE_PHASE, machine.key, params.lease_renewal);
            let looks = self.look_phase();
            let renewed = params.last_renewal(now, lease);
            let renewal = renewed.map_or(machine.heard_since, |at| at.max(machine.heard_since));
            params.unreachable_at(renewal, looks).max(now)
        } else {
            now + self.timing.detection
        };
        host.turn(found, Event::NodeFoundSilent { node, voice: machine.voice });
    }

    /// A node has power again.
    pub(in crate::sim) fn repair<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        let machine = &mut self.fleet.machines[node];
        assert!(!machine.powered, "{node:?} gets power while it has it");
        machine.powered = true;
        machine.epoch += 1;
        machine.up_since = host.now;
        machine.blank = true;
        host.fact(Fact::NodeRepaired { node });
        self.proxy_joins(node, host.now);
    }

    /// The look at which the controller finds that a node is silent.
    pub(in crate::sim) fn node_found_silent<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        voice: u32,
    ) {
        let row = self.store.truth.node(node);
        if self.fleet.machines[node].voice != voice || !row.present {
            return;
        }
        if !self.is_lifecycle() {
            self.node_is_lost(host, node);
        } else if let Some(later) = self.silent_at_look(host, node) {
            host.turn(later, Event::NodeFoundSilent { node, voice });
        }
    }

    /// At `placement` detail: the pods of a lost node are back in the queue at once.
    fn node_is_lost<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        self.set_condition(host, node, Condition::Unknown);
        self.set_unreachable(host, node, true);
        let pods = self.pods_by_age(node);
        for pod in &pods {
            self.pod_is_unready(host, *pod);
        }
        for pod in pods {
            let uid = self.store.truth.pod(pod).expect("listed on its node").uid;
            host.fact(Fact::Deleting { pod: uid, cause: DeletionCause::NodeLost });
            self.commit(host, Change::PodDeleting { pod });
            self.tell_removed(host, pod);
            self.remove_pod(host, pod);
        }
    }

    /// The report of a node that is back reaches the store.
    pub(in crate::sim) fn node_reports<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        voice: u32,
    ) {
        let row = self.store.truth.node(node);
        let (present, ready) = (row.present, row.status.ready);
        if self.fleet.machines[node].voice != voice || !present || ready == Condition::True {
            return;
        }
        self.set_condition(host, node, Condition::True);
        if !self.is_lifecycle() {
            self.set_unreachable(host, node, false);
        }
    }

    /// Writes the pressure conditions of a node.
    pub(in crate::sim) fn write_pressures<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        pressures: Pressures,
    ) {
        let status = self.store.truth.node(node).status;
        if status.pressures == pressures {
            return;
        }
        for pressure in [Pressure::Memory, Pressure::Disk, Pressure::Pid] {
            let on = pressures.has(pressure);
            if on != status.pressures.has(pressure) {
                host.fact(Fact::NodePressure { node, pressure, on });
            }
        }
        self.commit(host, Change::NodeUpdated { node, status: NodeStatus { pressures, ..status } });
    }

    /// When within its period a periodic act takes place, drawn when it is first asked for.
    pub(in crate::sim) fn draw_phase(&self, purpose: Purpose, key: Key, period: Span) -> Span {
        Span::from_nanos(self.draws.stream(purpose, key, 0).below(period.as_nanos()))
    }

    /// Writes the Ready condition of a node.
    pub(in crate::sim) fn set_condition<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        ready: Condition,
    ) {
        let status = self.store.truth.node(node).status;
        host.fact(Fact::NodeCondition { node, ready });
        self.commit(host, Change::NodeUpdated { node, status: NodeStatus { ready, ..status } });
    }

    /// At `placement` detail: keeps new pods away from a lost node.
    fn set_unreachable<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId, on: bool) {
        let key = self.catalog.names.intern(UNREACHABLE_TAINT);
        let taint = Taint { key, value: Catalog::NO_TEXT, effect: Effect::NoSchedule };
        self.taint_by_hand(host, node, taint, on);
    }

    /// Marks a pod as not ready in the store.
    pub(in crate::sim) fn pod_is_unready<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        let view = self.store.truth.pod(pod).expect("listed on its node");
        if view.phase == PodPhase::Ready {
            host.fact(Fact::Unready { pod: view.uid });
            self.commit(host, Change::PodPhase { pod, phase: PodPhase::Running });
        }
    }

    /// The pods that the store has on a node, oldest first.
    pub(in crate::sim) fn pods_by_age(&self, node: NodeId) -> Vec<PodId> {
        let truth = &self.store.truth;
        let mut pods = truth.holds(node).pods.clone();
        pods.sort_unstable_by_key(|pod| truth.pod(*pod).expect("listed on its node").uid);
        pods
    }
}
