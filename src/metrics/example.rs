//! A small made-up cluster for tests: facts in the order and with the delays of a real run, from a
//! first-fit placement that has nothing to do with the simulator.

use crate::ground::{Draws, Key, Name, Purpose, Span, Time, math, stable_hash};
use crate::journal::{DeletionCause, Fact, Record, RunEnd, Sink};
use crate::model::{
    Condition, DeviceMask, NodeId, NodeSpecId, Plugin, PluginSet, PodSpecId, PodUid, Resource,
    WorkloadId,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// CPU in thousandths, memory in GiB, devices.
type Size = [u64; 3];

const NODES: u32 = 40;
const NODE: Size = [32_000, 128, 4];
const SPECS: [Size; 5] =
    [[500, 1, 0], [2_000, 4, 0], [4_000, 32, 0], [6_000, 24, 1], [12_000, 48, 2]];
const SERVICES: [(&str, u32, usize); 3] = [("web", 60, 1), ("checkout", 24, 0), ("search", 30, 2)];
const END: Time = Time::from_secs(7200);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrive(u32),
    Attempt(PodUid),
    Start(PodUid),
    Ready(PodUid),
    Finish(PodUid),
    Crash(u32),
    Detect(u32),
    Evict(u32),
    Repair(u32),
    Remove(PodUid),
}

#[derive(Debug, Clone, Copy)]
struct Pod {
    spec: usize,
    workload: u32,
    life: Option<Span>,
    node: Option<u32>,
    devices: DeviceMask,
    alive: bool,
    hurt: bool,
}

/// The made-up cluster.
pub(crate) struct Example<'s> {
    sink: &'s mut dyn Sink,
    now: Time,
    queue: BinaryHeap<Reverse<(Time, u32, Event)>>,
    number: u32,
    free: Vec<(Size, u32)>,
    down: Vec<bool>,
    pods: BTreeMap<PodUid, Pod>,
    waiting: Vec<PodUid>,
    draws: Draws,
    packed: bool,
}

impl Example<'_> {
    /// Tells a sink two hours of a cluster; `packed` fills nodes one after the other, otherwise the
    /// emptiest node is taken. Returns the end.
    pub(crate) fn tell(sink: &mut dyn Sink, seed: u64, packed: bool) -> Time {
        let mut example = Example {
            sink,
            now: Time::ZERO,
            queue: BinaryHeap::new(),
            number: 0,
            free: vec![(NODE, 0b1111); NODES as usize],
            down: vec![false; NODES as usize],
            pods: BTreeMap::new(),
            waiting: Vec::new(),
            draws: Draws::new(seed),
            packed,
        };
        example.define();
        example.plan();
        while let Some(Reverse((at, _, event))) = example.queue.pop() {
            if at > END {
                break;
            }
            example.now = at;
            example.step(event);
        }
        example.now = END;
        example.write(Fact::RunEnded { end: RunEnd::Until });
        END
    }

    fn write(&mut self, fact: Fact) {
        self.sink.record(&Record { at: self.now, fact });
    }

    fn name(&mut self, number: u32, text: &str) -> Name {
        let name = Name(number);
        self.sink.name(name, text);
        self.write(Fact::NameDefined { name, hash: stable_hash(text.as_bytes()) });
        name
    }

    fn define(&mut self) {
        let resources = [Resource::Cpu, Resource::Memory, Resource::Device];
        let unit = [1, 1 << 30, 1000];
        for (at, resource) in resources.into_iter().enumerate() {
            let amount = NODE[at] * unit[at];
            self.write(Fact::NodeSpecDefined { spec: NodeSpecId(0), resource, amount });
            for (spec, size) in SPECS.iter().enumerate() {
                let amount = size[at] * unit[at];
                let spec = PodSpecId(spec as u32);
                self.write(Fact::PodSpecDefined { spec, resource, amount });
            }
        }
        let slots = Resource::Pods;
        self.write(Fact::NodeSpecDefined { spec: NodeSpecId(0), resource: slots, amount: 110 });
        for (number, (text, replicas, _)) in SERVICES.into_iter().enumerate() {
            let name = self.name(number as u32, text);
            let workload = WorkloadId(number as u32);
            let min_serving = replicas - replicas / 20;
            self.write(Fact::WorkloadDefined { workload, name, replicas, min_serving });
        }
        let name = self.name(3, "train");
        let workload = WorkloadId(3);
        self.write(Fact::WorkloadDefined { workload, name, replicas: 0, min_serving: 0 });
        for number in 0..4 {
            let text = format!("{}-", ["web", "checkout", "search", "train"][number as usize]);
            self.name(10 + number, &text);
        }
        for node in 0..NODES {
            let name = self.name(100 + node, &format!("node-{node:03}"));
            self.write(Fact::NodeAdded { node: NodeId(node), name, spec: NodeSpecId(0) });
        }
    }

    fn plan(&mut self) {
        for (workload, (_, replicas, spec)) in SERVICES.into_iter().enumerate() {
            for _ in 0..replicas {
                self.create(workload as u32, spec, None, None);
            }
        }
        let mut stream = self.draws.stream(Purpose::new("example arrivals"), Key(0), 0);
        let mut at = 0.0;
        for number in 0..900 {
            at += -math::ln(stream.open01()) * 7.0;
            self.push(Span::from_secs_f64(at), Event::Arrive(number));
        }
        for (at, node) in [(1800, 3), (1803, 4), (4300, 17)] {
            self.push(Span::from_secs(at), Event::Crash(node));
        }
    }

    fn push(&mut self, after: Span, event: Event) {
        self.number += 1;
        self.queue.push(Reverse((self.now + after, self.number, event)));
    }

    fn create(&mut self, workload: u32, spec: usize, life: Option<Span>, lost: Option<PodUid>) {
        let pod = PodUid(self.pods.len() as u32);
        let devices = DeviceMask::NONE;
        let row = Pod { spec, workload, life, node: None, devices, alive: true, hurt: false };
        self.pods.insert(pod, row);
        self.write(Fact::PodCreated {
            pod,
            spec: PodSpecId(spec as u32),
            workload: WorkloadId(workload),
            stem: Name(10 + workload),
            number: pod.0,
            digits: 4,
        });
        if let Some(lost) = lost {
            self.write(Fact::Replaced { pod, lost });
        }
        if let Some(lifetime) = life {
            self.write(Fact::LifetimeSet { pod, lifetime });
        }
        self.write(Fact::Queued { pod });
        self.push(Span::from_millis(5), Event::Attempt(pod));
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Arrive(number) => {
                let key = Key(u64::from(number));
                let mut stream = self.draws.stream(Purpose::new("example pods"), key, 0);
                let spec = [1, 2, 3, 3, 4][stream.below(5) as usize];
                let seconds = -math::ln(stream.open01()) * 1500.0;
                self.create(3, spec, Some(Span::from_secs_f64(seconds)), None);
            }
            Event::Attempt(pod) => self.attempt(pod),
            Event::Start(pod) if self.serves(pod) => {
                self.write(Fact::Started { pod });
                self.push(Span::from_secs(2), Event::Ready(pod));
                if let Some(life) = self.pods[&pod].life {
                    self.push(life, Event::Finish(pod));
                }
            }
            Event::Ready(pod) if self.serves(pod) => self.write(Fact::Ready { pod }),
            Event::Finish(pod) if self.serves(pod) => {
                self.write(Fact::Finished { pod });
                self.release(pod);
            }
            Event::Crash(node) => self.crash(node),
            Event::Detect(node) => {
                let node = NodeId(node);
                self.write(Fact::NodeCondition { node, ready: Condition::Unknown });
                self.write(Fact::NodeTainted { node, on: true });
            }
            Event::Evict(node) => self.evict(node),
            Event::Repair(node) => {
                self.down[node as usize] = false;
                self.write(Fact::NodeRepaired { node: NodeId(node) });
                self.write(Fact::NodeCondition { node: NodeId(node), ready: Condition::True });
                self.write(Fact::NodeTainted { node: NodeId(node), on: false });
                self.retry();
            }
            Event::Remove(pod) => {
                self.write(Fact::Removed { pod });
                self.release(pod);
            }
            Event::Start(_) | Event::Ready(_) | Event::Finish(_) => {}
        }
    }

    fn serves(&self, pod: PodUid) -> bool {
        let row = &self.pods[&pod];
        row.alive && !row.hurt
    }

    fn attempt(&mut self, pod: PodUid) {
        let Pod { spec, workload, .. } = self.pods[&pod];
        let size = SPECS[spec];
        let fits = |node: &u32| {
            let free = &self.free[*node as usize].0;
            !self.down[*node as usize] && free.iter().zip(size).all(|(free, want)| *free >= want)
        };
        let feasible: Vec<u32> = (0..NODES).filter(fits).collect();
        let best = if self.packed {
            feasible.first().copied()
        } else {
            feasible.iter().copied().max_by_key(|n| (self.free[*n as usize].0[0], Reverse(*n)))
        };
        let Some(node) = best else {
            let mut refusers = PluginSet::EMPTY;
            refusers.insert(if size[2] > 0 { Plugin::Devices } else { Plugin::NodeResourcesFit });
            if self.down.contains(&true) {
                refusers.insert(Plugin::TaintToleration);
            }
            self.write(Fact::Refused { pod, refusers });
            self.waiting.push(pod);
            return;
        };
        let (free, idle) = &mut self.free[node as usize];
        for (free, want) in free.iter_mut().zip(size) {
            *free -= want;
        }
        let mut devices = DeviceMask::NONE;
        for device in (0..4).filter(|d| *idle & (1 << d) != 0).take(size[2] as usize) {
            devices.insert(device);
        }
        *idle &= !devices.0;
        let row = self.pods.get_mut(&pod).unwrap();
        (row.node, row.devices) = (Some(node), devices);
        self.write(Fact::Bound { pod, node: NodeId(node), devices });
        let mut stream =
            self.draws.stream(Purpose::new("example start"), Key(u64::from(pod.0)), workload);
        self.push(Span::from_secs_f64(1.0 + 4.0 * stream.open01()), Event::Start(pod));
    }

    fn release(&mut self, pod: PodUid) {
        let row = self.pods.get_mut(&pod).unwrap();
        row.alive = false;
        let (node, size, devices) = (row.node.unwrap() as usize, SPECS[row.spec], row.devices);
        for (free, want) in self.free[node].0.iter_mut().zip(size) {
            *free += want;
        }
        self.free[node].1 |= devices.0;
        self.retry();
    }

    fn retry(&mut self) {
        for pod in std::mem::take(&mut self.waiting) {
            self.push(Span::from_millis(1200), Event::Attempt(pod));
        }
    }

    fn crash(&mut self, node: u32) {
        self.down[node as usize] = true;
        self.write(Fact::NodeCrashed { node: NodeId(node) });
        for (pod, row) in self.pods.clone() {
            if row.node == Some(node) && row.alive {
                self.pods.get_mut(&pod).unwrap().hurt = true;
                self.write(Fact::Interrupted { pod });
            }
        }
        self.push(Span::from_secs(43), Event::Detect(node));
        self.push(Span::from_secs(343), Event::Evict(node));
        self.push(Span::from_secs(1500), Event::Repair(node));
    }

    fn evict(&mut self, node: u32) {
        for (pod, row) in self.pods.clone() {
            if row.node == Some(node) && row.alive {
                self.write(Fact::Deleting { pod, cause: DeletionCause::TaintEviction });
                self.create(row.workload, row.spec, row.life, Some(pod));
                self.push(Span::from_secs(30), Event::Remove(pod));
            }
        }
    }
}
