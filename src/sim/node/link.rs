//! How a kubelet and the control plane lose each other, and find each other again.
//!
//! What a kubelet says is lost from the moment at which a fault takes its voice. When nothing takes
//! it any more, the kubelet is heard again at the next renewal of its lease, and says everything
//! about its pods that the store does not know. What it is told is lost in the same way; once it
//! can hear again, its watches are opened anew after a back-off and it lists its pods.
//!
//! Source: `pkg/kubelet/status/status_manager.go` (statuses are sent until they arrive, and again
//! where the store has another), `tools/cache/reflector.go` of client-go, Kubernetes 1.34: after a
//! failure a watch is opened again after 0.8 s, then twice as long each time, up to 30 s. So after
//! an interruption the next attempt is at most as far away as the interruption was long.

use super::heartbeat::LEASE_PHASE;
use crate::ground::{Purpose, Span, Time};
use crate::journal::Sink;
use crate::model::{NodeId, PodId, PodPhase, PodUid};
use crate::sim::Event;
use crate::sim::event::Report;
use crate::sim::host::Host;
use crate::sim::machine::{Ending, Machine, Stage};
use crate::sim::world::World;
use std::collections::BTreeMap;

const RECONNECT: Purpose = Purpose::new("reconnect");

/// Longest time between two attempts of a kubelet to open a watch.
const LONGEST_BACKOFF: Span = Span::from_secs(30);

/// Reports on the ends of pods that could not be sent.
pub(super) type Held = BTreeMap<PodId, (PodUid, Report)>;

impl World {
    /// What a fault took from a node, or gave back, may have changed whether it is heard and
    /// whether it hears.
    pub(in crate::sim) fn link_changes<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        before: &Machine,
    ) {
        let machine = self.fleet.machines[node];
        match (before.can_speak(), machine.can_speak()) {
            (true, false) => self.falls_silent(host, node),
            // A kubelet that begins anew is heard at once.
            (false, true) if before.powered => {
                let period = self.timing.node_lifecycle.lease_renewal;
                let phase = self.draw_phase(LEASE_PHASE, machine.key, period);
                let at = host.now.next_tick(period, phase);
                let voice = machine.voice;
                host.machine(at.since(host.now), Event::NodeRenews { node, voice });
            }
            (false, true) => self.is_heard_again(host, node),
            _ => {}
        }
        match (before.can_hear(), machine.can_hear()) {
            (true, false) => self.fleet.machines[node].deaf_since = host.now,
            (false, true) if before.powered && self.is_lifecycle() => {
                let most = host.now.since(machine.deaf_since).min(LONGEST_BACKOFF);
                let mut draw = self.draws.stream(RECONNECT, machine.key, machine.voice);
                let after = Span::from_nanos(draw.below(most.as_nanos() + 1));
                let since = machine.deaf_since;
                host.machine(after, Event::KubeletLists { node, since });
            }
            (false, true) => self.kubelet_lists(host, node, machine.deaf_since),
            _ => {}
        }
    }

    /// The lease of a node whose voice was taken is due.
    pub(in crate::sim) fn node_renews<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        voice: u32,
    ) {
        let machine = self.fleet.machines[node];
        if machine.voice == voice && machine.can_speak() {
            self.is_heard_again(host, node);
        }
    }

    fn is_heard_again<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        let machine = &mut self.fleet.machines[node];
        machine.silent = false;
        machine.voice += 1;
        machine.heard_since = host.now;
        let voice = machine.voice;
        host.store(self.timing.request, Event::NodeReports { node, voice });
        for (pod, (uid, report)) in std::mem::take(&mut self.fleet.agents[node].held) {
            if self.store.truth.pod_if(pod, uid).is_some() {
                self.report(host, pod, report);
            }
        }
        for pod in self.pods_by_age(node) {
            let phase = self.store.truth.pod(pod).expect("listed on its node").phase;
            let program = self.fleet.get(pod);
            let differs = program.reported != phase && !phase.is_terminal();
            if differs && program.stage == Stage::Up {
                self.report(host, pod, Report::Phase(program.reported));
            }
        }
        self.kubelet_tidies(host, node);
    }

    /// A kubelet that could not hear since then lists its pods.
    pub(in crate::sim) fn kubelet_lists<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        since: Time,
    ) {
        let machine = &mut self.fleet.machines[node];
        if !machine.can_hear() || machine.deaf_since != since {
            return;
        }
        let blank = std::mem::take(&mut machine.blank);
        for pod in self.pods_by_age(node) {
            if blank {
                self.kubelet_recovers(host, pod);
                continue;
            }
            let view = *self.store.truth.pod(pod).expect("listed on its node");
            let (uid, program) = (view.uid, self.fleet.get(pod));
            match program.stage {
                Stage::Stopping(Ending::Deleted) => {}
                _ if view.deleting && view.phase != PodPhase::Succeeded => {
                    host.machine(Span::ZERO, Event::KubeletStops { pod, uid });
                }
                Stage::Absent if !view.deleting => {
                    let attempt = program.attempt;
                    let after = self.timing.kubelet.pickup;
                    host.machine(after, Event::KubeletAdmits { pod, uid, attempt });
                }
                _ => {}
            }
        }
        self.kubelet_tidies(host, node);
    }
}
