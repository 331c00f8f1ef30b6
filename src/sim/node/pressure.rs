//! A node that runs out of memory or disk: what its kubelet's eviction loop does, and the kernel.
//!
//! A look that would find nothing new is no event: from how the pods of the node go on it is
//! computed when a threshold will be crossed.

use crate::ground::{Bytes, Purpose, Span, Time};
use crate::journal::Sink;
use crate::model::{ContainerEnd, FailedReason, NodeId, PodId, PodUid, Pressure, Pressures};
use crate::policy::kube::kubelet::{
    CRITICAL_PRIORITY, Candidate, EvictionMemory, LocalStorage, Observation, OomProcess, Signal,
    Threshold, eviction_victim, oom_score_adj, oom_victim, qos,
};
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::machine::{Stage, container_at};
use crate::sim::world::World;
use serde::{Deserialize, Serialize};

const LOOK_PHASE: Purpose = Purpose::new("eviction-look-phase");
const STATUS_PHASE: Purpose = Purpose::new("node-status-phase");

/// Grace of a pod evicted for a hard threshold or its own limits (`eviction_manager.go`).
const IMMEDIATE: Span = Span::from_secs(1);
/// Memory below which a kubelet evicts, by default: what a node has beyond what it offers, if
/// nothing is said about it.
const RESERVE: u64 = 100 << 20;
/// Bends of usage that are looked past in one forecast.
const BENDS: usize = 64;

/// How a node stands with memory and disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sim) struct NodePressures {
    /// Pods of the node that do not use exactly what they request.
    pub(super) restless: u32,
    memory: EvictionMemory,
    /// When the eviction loop looks next, the end of time for never.
    look: Time,
    /// When memory is foreseen to run out, the end of time for never.
    exhausted: Time,
    /// The evicted pod whose end the loop waits for.
    cleaning: Option<(PodId, PodUid)>,
    /// What the store was told, or will be.
    reported: Vec<Pressure>,
}

impl Default for NodePressures {
    fn default() -> NodePressures {
        NodePressures {
            restless: 0,
            memory: EvictionMemory::default(),
            look: Time::MAX,
            exhausted: Time::MAX,
            cleaning: None,
            reported: Vec::new(),
        }
    }
}

impl NodePressures {
    /// The conditions of the node as its kubelet has them.
    pub(super) fn conditions(&self) -> Vec<Pressure> {
        self.memory.conditions().collect()
    }
}

/// The first instant from `from` on at which `amount` that grows by `per_hour` is above `limit`.
fn crosses(from: Time, (amount, per_hour): (u64, u64), limit: u64) -> Time {
    const HOUR: u128 = 3_600_000_000_000;
    if amount > limit {
        return from;
    }
    if per_hour == 0 {
        return Time::MAX;
    }
    let nanos = (u128::from(limit - amount + 1) * HOUR).div_ceil(u128::from(per_hour));
    u64::try_from(nanos).map_or(Time::MAX, |nanos| from + Span::from_nanos(nanos))
}

impl World {
    /// Memory of the machine of a node.
    fn memory_capacity(&self, node: NodeId) -> u64 {
        let spec = self.store.truth.node_spec(node, &self.catalog);
        match spec.memory_capacity {
            Bytes::ZERO => spec.allocatable.memory.0.saturating_add(RESERVE),
            known => known.0,
        }
    }

    /// What the eviction loop measures.
    fn observations(&self, node: NodeId, now: Time) -> [Observation; 3] {
        let usage = self.node_usage(node, now);
        let disk = self.disk(node, now);
        let capacity = self.memory_capacity(node);
        let available = capacity.saturating_sub(usage.memory);
        let of_disk =
            |signal| Observation { signal, available: disk.available.0, capacity: disk.capacity.0 };
        [
            Observation { signal: Signal::MemoryAvailable, available, capacity },
            of_disk(Signal::NodefsAvailable),
            of_disk(Signal::ImagefsAvailable),
        ]
    }

    /// The usage of disk or memory above which a threshold is crossed; `None` for what is not
    /// simulated: inodes and process numbers.
    fn limit(&self, node: NodeId, threshold: &Threshold) -> Option<(bool, u64)> {
        let of_memory = threshold.signal == Signal::MemoryAvailable;
        let capacity = match threshold.signal {
            Signal::MemoryAvailable => self.memory_capacity(node),
            Signal::NodefsAvailable | Signal::ImagefsAvailable => self.disk_capacity(node).0,
            Signal::NodefsInodesFree | Signal::ImagefsInodesFree | Signal::PidAvailable => {
                return None;
            }
        };
        Some((of_memory, capacity.saturating_sub(threshold.below.of(capacity))))
    }

    /// When a threshold will be crossed and when memory will run out, as things go on now.
    fn forecast(&self, node: NodeId, now: Time) -> (Time, Time) {
        let params = &self.timing.kubelet.eviction;
        let limits: Vec<(bool, u64)> =
            params.thresholds.iter().filter_map(|threshold| self.limit(node, threshold)).collect();
        let images = self.fleet.agents[node].images.used().0;
        let memory = self.memory_capacity(node);
        let (mut crossed, mut exhausted) = (Time::MAX, Time::MAX);
        let mut from = now;
        for _ in 0..BENDS {
            let usage = self.node_usage(node, from);
            let bends_at = usage.bends_at;
            let of_memory = (usage.memory, usage.memory_per_hour);
            let of_disk = (usage.disk.saturating_add(images), usage.disk_per_hour);
            for (is_memory, limit) in &limits {
                let grows = if *is_memory { of_memory } else { of_disk };
                crossed = crossed.min(within(crosses(from, grows, *limit), bends_at));
            }
            exhausted = exhausted.min(within(crosses(from, of_memory, memory), bends_at));
            if bends_at == Time::MAX || crossed < Time::MAX && exhausted < Time::MAX {
                return (crossed, exhausted);
            }
            from = bends_at;
        }
        (crossed.min(from), exhausted) // looked at again then
    }

    /// When the first pod of a node will be above one of its own limits of local storage.
    fn storage_exceeded(&self, node: NodeId, now: Time) -> Time {
        let pods = self.store.truth.holds(node).pods.iter();
        let first = pods.filter_map(|pod| {
            let spec = self.store.truth.pod_spec(*pod, &self.catalog)?;
            let runs = self.fleet.get(*pod).containers.iter().enumerate();
            let exceeds = runs.filter_map(|(place, run)| {
                let container = container_at(spec, place);
                let limit = container.limits.ephemeral_storage.0;
                if limit == 0 || !run.running {
                    return None;
                }
                let known = self.catalog.application(container.image?)?;
                let age = now.since(run.life.began);
                let at = known.behaviour.disk.exceeds(limit, age, 0)?;
                Some(run.life.began + at)
            });
            exceeds.min()
        });
        first.min().unwrap_or(Time::MAX)
    }

    /// The usage of a node goes on otherwise than before: foresees when something is to be done.
    pub(super) fn node_usage_changed<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        let now = host.now;
        let pressures = &self.fleet.agents[node].pressures;
        let capacity = self.disk_capacity(node).0;
        let roomy = self.fleet.agents[node].images.used().0 < capacity / 2;
        if pressures.restless == 0 && roomy && pressures.memory == EvictionMemory::default() {
            return;
        }
        let (crossed, exhausted) = self.forecast(node, now);
        let crossed = crossed.min(self.storage_exceeded(node, now));
        if crossed < Time::MAX && self.fleet.agents[node].pressures.cleaning.is_none() {
            let at = self.look_at(node, crossed.max(now + Span::from_nanos(1)));
            self.plan_eviction_look(host, node, at);
        }
        let epoch = self.fleet.machines[node].epoch;
        let pressures = &mut self.fleet.agents[node].pressures;
        if exhausted != pressures.exhausted {
            let at = if exhausted == Time::MAX { exhausted } else { exhausted.max(now) };
            pressures.exhausted = at;
            if at < Time::MAX {
                host.machine(at.since(now), Event::MemoryExhausted { node, epoch });
            }
        }
    }

    /// The first turn of the eviction loop of a node at or after `at`.
    fn look_at(&self, node: NodeId, at: Time) -> Time {
        let interval = self.timing.kubelet.eviction.monitoring_interval;
        let phase = self.draw_phase(LOOK_PHASE, self.fleet.machines[node].key, interval);
        at.next_tick(interval, phase)
    }

    fn plan_eviction_look<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId, at: Time) {
        let epoch = self.fleet.machines[node].epoch;
        let pressures = &mut self.fleet.agents[node].pressures;
        if at < pressures.look {
            pressures.look = at;
            host.machine(at.since(host.now), Event::EvictionLook { node, epoch });
        }
    }

    /// A turn of the eviction loop of a node.
    pub(in crate::sim) fn eviction_look<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        epoch: u32,
    ) {
        let now = host.now;
        let pressures = &mut self.fleet.agents[node].pressures;
        if self.fleet.machines[node].epoch != epoch || pressures.look != now {
            return;
        }
        pressures.look = Time::MAX;
        pressures.cleaning = None;
        let found = self.look(node, now);
        self.report_pressures(host, node);
        let evicted = self.evict_above_limits(host, node) || self.relieve(host, node, found);
        if !evicted {
            let params = &self.timing.kubelet.eviction;
            let due = self.fleet.agents[node].pressures.memory.next_due(params, now);
            if let Some(due) = due {
                let at = self.look_at(node, due);
                self.plan_eviction_look(host, node, at);
            }
        }
        self.node_usage_changed(host, node);
    }

    /// Takes in what the loop finds now, and returns the threshold to be relieved.
    fn look(&mut self, node: NodeId, now: Time) -> Option<Threshold> {
        let observations = self.observations(node, now);
        let params = &self.timing.kubelet.eviction;
        self.fleet.agents[node].pressures.memory.look(params, &observations, now).copied()
    }

    /// Evicts every pod that keeps more on disk than it may.
    fn evict_above_limits<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) -> bool {
        let now = host.now;
        let mut any = false;
        for pod in self.up_pods(node) {
            if self.local_storage(pod, now).exceeds_limits() {
                self.evict(host, (node, pod), FailedReason::EvictedLocalStorage, IMMEDIATE);
                any = true;
            }
        }
        any
    }

    fn local_storage(&self, pod: PodId, now: Time) -> LocalStorage {
        let spec = self.store.truth.pod_spec(pod, &self.catalog).expect("it runs");
        let mut storage = LocalStorage::default();
        for place in 0..self.fleet.get(pod).containers.len() {
            let used = Bytes(self.usage_of_container(pod, place, now).disk);
            storage.total = Bytes(storage.total.0 + used.0);
            let limit = container_at(spec, place).limits.ephemeral_storage;
            if limit > Bytes::ZERO {
                storage.containers.push((used, limit));
                storage.limit = Some(Bytes(storage.limit.unwrap_or(Bytes::ZERO).0 + limit.0));
            }
        }
        storage
    }

    /// Does something about a threshold that is crossed; true if a pod was evicted.
    fn relieve<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        found: Option<Threshold>,
    ) -> bool {
        let now = host.now;
        let Some(mut threshold) = found else { return false };
        if threshold.signal.pressure() == Pressure::Disk {
            self.reclaim_images(host, node);
            match self.look(node, now) {
                Some(left) => threshold = left,
                None => return false,
            }
        }
        let pressure = threshold.signal.pressure();
        let pods = self.up_pods(node);
        let candidates: Vec<Candidate> =
            pods.iter().map(|pod| self.candidate(*pod, pressure, now)).collect();
        let Some(victim) = eviction_victim(pressure, &candidates) else { return false };
        let reason = match pressure {
            Pressure::Memory => FailedReason::EvictedMemory,
            Pressure::Disk => FailedReason::EvictedDisk,
            Pressure::Pid => FailedReason::EvictedPid,
        };
        let spec = self.store.truth.pod_spec(pods[victim], &self.catalog).expect("it runs");
        let soft = self.timing.kubelet.eviction.max_pod_grace.min(spec.termination_grace);
        let grace = if threshold.is_hard() { IMMEDIATE } else { soft };
        self.evict(host, (node, pods[victim]), reason, grace);
        true
    }

    fn candidate(&self, pod: PodId, pressure: Pressure, now: Time) -> Candidate {
        let spec = self.store.truth.pod_spec(pod, &self.catalog).expect("it runs");
        let usage = self.pod_usage(pod, now);
        let (usage, request) = match pressure {
            Pressure::Memory => (usage.memory, spec.requests.memory.0),
            Pressure::Disk => (usage.disk, spec.requests.ephemeral_storage.0),
            Pressure::Pid => (0, 0),
        };
        let priority = spec.priority;
        let critical = priority >= CRITICAL_PRIORITY;
        Candidate { priority, critical, usage: Some(usage), request }
    }

    /// The pods that run on a node, oldest first.
    fn up_pods(&self, node: NodeId) -> Vec<PodId> {
        let mut pods = self.pods_by_age(node);
        pods.retain(|pod| self.fleet.get(*pod).stage == Stage::Up);
        pods
    }

    fn evict<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        (node, pod): (NodeId, PodId),
        reason: FailedReason,
        grace: Span,
    ) {
        let uid = self.fleet.get(pod).uid;
        self.kubelet_ends_pod(host, pod, reason, Some(grace));
        self.fleet.agents[node].pressures.cleaning = Some((pod, uid));
        let at = host.now + self.timing.kubelet.eviction.cleanup_timeout;
        self.plan_eviction_look(host, node, at);
    }

    /// The loop may have waited for the end of this pod: then it looks again at once.
    pub(super) fn evicted_pod_is_gone<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        pod: PodId,
    ) {
        let uid = self.fleet.get(pod).uid;
        if self.fleet.agents[node].pressures.cleaning == Some((pod, uid)) {
            self.plan_eviction_look(host, node, host.now);
        }
    }

    /// The conditions of a node may have changed: its next status says so.
    fn report_pressures<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        let conditions = self.fleet.agents[node].pressures.conditions();
        if self.fleet.agents[node].pressures.reported == conditions {
            return;
        }
        let period = self.timing.kubelet.node_status;
        let machine = self.fleet.machines[node];
        let phase = self.draw_phase(STATUS_PHASE, machine.key, period);
        let at = host.now.next_tick(period, phase) + self.timing.request;
        let none = Pressures::NONE;
        let pressures = conditions.iter().fold(none, |all, pressure| all.with(*pressure, true));
        self.fleet.agents[node].pressures.reported = conditions;
        let epoch = machine.epoch;
        host.store(at.since(host.now), Event::NodePressures { node, epoch, pressures });
    }

    /// The store learns what runs out on a node.
    pub(in crate::sim) fn node_pressures<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        epoch: u32,
        pressures: Pressures,
    ) {
        let machine = self.fleet.machines[node];
        if machine.epoch == epoch && !machine.silent && self.store.truth.node(node).present {
            self.write_pressures(host, node, pressures);
        }
    }

    /// Memory of a node is foreseen to run out now: the kernel kills a container.
    pub(in crate::sim) fn memory_exhausted<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        epoch: u32,
    ) {
        let now = host.now;
        let pressures = &mut self.fleet.agents[node].pressures;
        if self.fleet.machines[node].epoch != epoch || pressures.exhausted != now {
            return;
        }
        pressures.exhausted = Time::MAX;
        let capacity = self.memory_capacity(node);
        if self.node_usage(node, now).memory <= capacity {
            self.node_usage_changed(host, node);
            return;
        }
        let (mut places, mut processes) = (Vec::new(), Vec::new());
        for pod in self.pods_by_age(node) {
            let spec = self.store.truth.pod_spec(pod, &self.catalog).expect("it is held");
            let class = qos(spec);
            for (place, run) in self.fleet.get(pod).containers.iter().enumerate() {
                if run.running {
                    let usage = Bytes(self.usage_of_container(pod, place, now).memory);
                    let container = container_at(spec, place);
                    let adj = oom_score_adj(spec, container, class, Bytes(capacity));
                    places.push((pod, place as u8));
                    processes.push(OomProcess { usage, adj });
                }
            }
        }
        if let Some(victim) = oom_victim(&processes, Bytes(capacity)) {
            self.end_life_at(host, places[victim], now, (ContainerEnd::OomKilled, true));
        }
    }
}

/// An instant, if it comes before usage bends.
fn within(at: Time, bends_at: Time) -> Time {
    if at < bends_at { at } else { Time::MAX }
}
