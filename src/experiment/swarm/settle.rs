//! After the faults: everything has settled. Services have their pods, whoever can be placed is,
//! whoever can be ready is, nobody is stuck on the way out, and the queue of events is calm.

use super::conserve::Conserve;
use super::pods::Class;
use crate::ground::{Span, Time};
use crate::model::{
    Catalog, Effect, NodeId, PodPhase, PodSpec, PodView, View, WorkloadId, WorkloadKind,
};
use crate::sim::World;
use std::collections::BTreeMap;

/// Within so long after its binding, or the return of its node, a sound pod is ready: mounting,
/// pulls of a gigabyte, init containers, start-up, probes and the first back-offs add up to less.
const TO_READY: Span = Span::from_secs(10 * 60);
/// Within so long a pod that fits somewhere is placed: the queue looks at every pod again after
/// five minutes (scheduler `podMaxInUnschedulablePodsDuration`, Kubernetes 1.34), and backs off.
const TO_BIND: Span = Span::from_secs(7 * 60);
/// Events in the last half hour that a settled cluster may have, for each pod that is not ready or
/// not sound, for each pod created in that time, and in all.
const EVENTS: (u64, u64) = (400, 200);

/// Checks that all has settled at `now`; `events` is the number of events since it should have
/// been quiet.
///
/// # Errors
/// If not, with what is not settled.
pub(super) fn check(world: &World, found: &Conserve, events: u64, now: Time) -> Result<(), String> {
    let (truth, catalog) = (world.truth(), world.catalog());
    let end = End { truth, catalog, found, now };
    end.books()?;
    end.services()?;
    for (_, pod) in truth.pods().filter(|(_, pod)| !pod.phase.is_terminal()) {
        end.pod(pod)?;
    }
    end.calm(events)
}

/// The end of a run.
struct End<'a> {
    truth: &'a View,
    catalog: &'a Catalog,
    found: &'a Conserve,
    now: Time,
}

impl End<'_> {
    fn name(&self, pod: &PodView) -> String {
        pod.name.text(&self.catalog.names)
    }

    fn class(&self, workload: WorkloadId) -> Class {
        Class::of(self.catalog.names.text(self.catalog.workloads[workload].name))
    }

    /// The store holds exactly the pods that the facts left alive, and some that ended.
    fn books(&self) -> Result<(), String> {
        for (_, pod) in self.truth.pods() {
            let told = self.found.pod(pod.uid);
            if told.is_alive() == pod.phase.is_terminal() || told.node != pod.node {
                let name = self.name(pod);
                return Err(format!(
                    "{name} is {:?} in the store, the facts say {told:?}",
                    pod.phase
                ));
            }
        }
        let alive = self.found.all().filter(|(_, pod)| pod.is_alive()).count();
        let held = self.truth.pods().filter(|(_, pod)| !pod.phase.is_terminal()).count();
        if alive == held {
            return Ok(());
        }
        Err(format!("the facts leave {alive} pods alive, the store has {held}"))
    }

    fn services(&self) -> Result<(), String> {
        let mut active: BTreeMap<WorkloadId, u32> = BTreeMap::new();
        for (_, pod) in self.truth.pods() {
            if !pod.deleting && !pod.phase.is_terminal() {
                *active.entry(pod.workload).or_default() += 1;
            }
        }
        for (id, workload) in self.catalog.workloads.iter() {
            let WorkloadKind::Service { replicas, .. } = workload.kind else { continue };
            let has = active.get(&id).copied().unwrap_or(0);
            // Pods of others than sound services come and go.
            let near = self.class(id) != Class::Sound && has.abs_diff(replicas) <= 2;
            if has != replicas && !near {
                let name = self.catalog.names.text(workload.name);
                return Err(format!("{name} has {has} pods and wants {replicas}"));
            }
        }
        Ok(())
    }

    fn pod(&self, pod: &PodView) -> Result<(), String> {
        let since = self.now.since(self.found.pod(pod.uid).touched);
        let Some(node) = pod.node else { return self.unplaced(pod, since) };
        if self.found.is_dark(node) || since < TO_READY || self.is_harmed(node) {
            return Ok(());
        }
        let on = self.catalog.names.text(self.truth.node(node).name);
        if pod.deleting {
            return Err(format!("{} is still stopping on {on} after {since}", self.name(pod)));
        }
        if self.class(pod.workload) == Class::Sound && pod.phase != PodPhase::Ready {
            let phase = pod.phase;
            return Err(format!("{} is {phase:?} on {on} after {since}", self.name(pod)));
        }
        Ok(())
    }

    /// A pod waits: is there really no node for it?
    fn unplaced(&self, pod: &PodView, since: Span) -> Result<(), String> {
        let spec = self.catalog.pod_spec(pod.spec);
        if since < TO_BIND || self.changes_often() {
            return Ok(());
        }
        for (node, view) in self.truth.nodes().iter() {
            if view.present && self.fits(spec, node) {
                let on = self.catalog.names.text(view.name);
                return Err(format!("{} waits for {since}, and {on} has room", self.name(pod)));
            }
        }
        Ok(())
    }

    /// True if pods come and go, so that room may have been made a moment ago.
    fn changes_often(&self) -> bool {
        self.found.all().any(|(_, pod)| self.now.since(pod.touched) < TO_BIND)
    }

    /// A plain rule for whether a node takes a pod, written apart from the scheduler's.
    fn fits(&self, spec: &PodSpec, node: NodeId) -> bool {
        let view = self.truth.node(node);
        let offered = self.truth.node_spec(node, self.catalog);
        let used = self.truth.usage(node);
        let taints = self.catalog.taints(view.status.taints);
        let tolerated = taints.iter().all(|taint| {
            taint.effect == Effect::PreferNoSchedule
                || spec.tolerations.iter().any(|toleration| toleration.tolerates(taint))
        });
        let wanted = spec
            .node_selector
            .iter()
            .all(|(key, value)| self.truth.label(node, key, self.catalog) == Some(value));
        let (room, asked) = (&offered.allocatable, &spec.requests);
        !view.status.unschedulable
            && tolerated
            && wanted
            && used.cpu + asked.cpu.0 <= room.cpu.0
            && used.memory + asked.memory.0 <= room.memory.0
            && used.ephemeral_storage + asked.ephemeral_storage.0 <= room.ephemeral_storage.0
            && used.pods < offered.pods
    }

    /// True if a pod on this node uses more than it requests.
    fn is_harmed(&self, node: NodeId) -> bool {
        let on = |pod: &&crate::model::PodId| self.truth.pod(**pod).map(|pod| pod.workload);
        let pods = &self.truth.holds(node).pods;
        pods.iter().filter_map(|pod| on(&pod)).any(|w| self.class(w) == Class::Hungry)
    }

    fn calm(&self, events: u64) -> Result<(), String> {
        let quiet = Time::ZERO + super::QUIET_FROM;
        let is_restless = |pod: &PodView| {
            self.class(pod.workload) != Class::Sound || pod.phase != PodPhase::Ready
        };
        let restless = self.truth.pods().filter(|(_, pod)| is_restless(pod)).count();
        let fresh = self.found.all().filter(|(_, pod)| pod.touched >= quiet).count();
        let (each, base) = EVENTS;
        let most = base + each * (restless + fresh) as u64;
        if events <= most {
            return Ok(());
        }
        let text = format!("{events} events in the last half hour, at most {most} are expected");
        Err(format!("{text} of {restless} restless pods and {fresh} new ones"))
    }
}
