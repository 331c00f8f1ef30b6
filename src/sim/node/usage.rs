//! What pods really use: CPU held to limits, memory and disk that may grow.
//!
//! Most pods use what they request, all the time; nothing is computed for them. The others are
//! *restless*: their usage is told whenever it starts, bends or ends.

use super::container::application;
use crate::ground::{Span, Time};
use crate::journal::{Fact, Sink};
use crate::model::{Behaviour, Container, NodeId, PodId, PodSpecId, PodUid, Usage};
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::machine::{ContainerRun, container_at};
use crate::sim::world::World;

/// What a pod or a node uses at an instant, and how that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UsageNow {
    /// Thousandths of a core, limits applied.
    pub(super) cpu: u64,
    /// Some container would use more CPU than its limit.
    pub(super) throttled: bool,
    /// Bytes.
    pub(super) memory: u64,
    pub(super) memory_per_hour: u64,
    /// Bytes.
    pub(super) disk: u64,
    pub(super) disk_per_hour: u64,
    /// Until then it goes on like this.
    pub(super) bends_at: Time,
}

impl UsageNow {
    const NOTHING: UsageNow = UsageNow {
        cpu: 0,
        throttled: false,
        memory: 0,
        memory_per_hour: 0,
        disk: 0,
        disk_per_hour: 0,
        bends_at: Time::MAX,
    };

    fn add(&mut self, other: &UsageNow) {
        self.cpu += other.cpu;
        self.throttled |= other.throttled;
        self.memory = self.memory.saturating_add(other.memory);
        self.memory_per_hour = self.memory_per_hour.saturating_add(other.memory_per_hour);
        self.disk = self.disk.saturating_add(other.disk);
        self.disk_per_hour = self.disk_per_hour.saturating_add(other.disk_per_hour);
        self.bends_at = self.bends_at.min(other.bends_at);
    }
}

/// True for usage that is nothing but the request.
fn is_request(usage: &Usage) -> bool {
    *usage == Usage::Share(1000)
}

fn is_calm(behaviour: &Behaviour) -> bool {
    is_request(&behaviour.cpu)
        && is_request(&behaviour.memory)
        && behaviour.disk == Usage::Constant(0)
}

/// What a running container uses.
fn container_usage(
    container: &Container,
    behaviour: Option<&Behaviour>,
    run: &ContainerRun,
    now: Time,
) -> UsageNow {
    let requests = &container.requests;
    let Some(behaviour) = behaviour else {
        let (cpu, memory) = (requests.cpu.0, requests.memory.0);
        return UsageNow { cpu, memory, ..UsageNow::NOTHING };
    };
    let age = now.since(run.life.began);
    let demand = behaviour.cpu.at(age, requests.cpu.0);
    let limit = container.limits.cpu.0;
    let throttled = limit > 0 && demand > limit;
    let usages = [&behaviour.cpu, &behaviour.memory, &behaviour.disk];
    let bend = usages.into_iter().filter_map(|usage| usage.next_bend(age)).min();
    UsageNow {
        cpu: if throttled { limit } else { demand },
        throttled,
        memory: behaviour.memory.at(age, requests.memory.0),
        memory_per_hour: behaviour.memory.growth(age),
        disk: behaviour.disk.at(age, 0),
        disk_per_hour: behaviour.disk.growth(age),
        bends_at: bend.map_or(Time::MAX, |bend| run.life.began + bend),
    }
}

impl World {
    /// True if pods of a specification do not use exactly what they request.
    pub(super) fn is_restless(&self, spec: PodSpecId) -> bool {
        let spec = self.catalog.pod_spec(spec);
        let containers = spec.init_containers.iter().chain(&spec.containers);
        containers
            .filter_map(|container| application(self, container))
            .any(|known| !is_calm(&known.behaviour))
    }

    /// What a container of a pod uses.
    pub(super) fn usage_of_container(&self, pod: PodId, place: usize, now: Time) -> UsageNow {
        let run = &self.fleet.get(pod).containers[place];
        if !run.running {
            return UsageNow::NOTHING;
        }
        let spec = self.store.truth.pod_spec(pod, &self.catalog).expect("it runs");
        let container = container_at(spec, place);
        let behaviour = application(self, container).map(|known| &known.behaviour);
        container_usage(container, behaviour, run, now)
    }

    /// What a pod uses.
    pub(super) fn pod_usage(&self, pod: PodId, now: Time) -> UsageNow {
        let mut usage = UsageNow::NOTHING;
        for place in 0..self.fleet.get(pod).containers.len() {
            usage.add(&self.usage_of_container(pod, place, now));
        }
        usage
    }

    /// What the pods of a node use. Disk is looked at only where some pod is restless.
    pub(super) fn node_usage(&self, node: NodeId, now: Time) -> UsageNow {
        let mut usage = UsageNow::NOTHING;
        if self.fleet.agents[node].pressures.restless > 0 {
            for pod in &self.store.truth.holds(node).pods {
                usage.add(&self.pod_usage(*pod, now));
            }
        }
        usage
    }

    /// A container of a pod started, ended or uses another amount from now on.
    pub(super) fn usage_changes<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        if !self.fleet.get(pod).restless {
            return;
        }
        let (node, _) = self.place_of(pod);
        let now = host.now;
        let usage = self.pod_usage(pod, now);
        let program = self.fleet.get(pod);
        let (counted, runs) = (program.counted, program.runs());
        let restless = &mut self.fleet.agents[node].pressures.restless;
        match (counted, runs) {
            (false, true) => *restless += 1,
            (true, false) => *restless -= 1,
            (true, true) | (false, false) => {}
        }
        let program = self.fleet.expect(pod);
        let uid = program.uid;
        program.counted = runs;
        let throttled = std::mem::replace(&mut program.throttled, usage.throttled);
        let cpu = Fact::UsageSet { pod: uid, memory: false, amount: usage.cpu, per_hour: 0 };
        host.fact(cpu);
        let (amount, per_hour) = (usage.memory, usage.memory_per_hour);
        host.fact(Fact::UsageSet { pod: uid, memory: true, amount, per_hour });
        if throttled != usage.throttled {
            host.fact(Fact::Throttled { pod: uid, on: usage.throttled });
        }
        if usage.bends_at < Time::MAX {
            let after = usage.bends_at.since(now).max(Span::from_nanos(1));
            self.fleet.expect(pod).bends_at = now + after;
            host.machine(after, Event::UsageBends { pod, uid });
        }
        self.node_usage_changed(host, node);
    }

    pub(in crate::sim) fn usage_bends<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
    ) {
        let now = host.now;
        if self.fleet.program_if(pod, uid).is_some_and(|program| program.bends_at == now) {
            self.usage_changes(host, pod);
        }
    }
}
