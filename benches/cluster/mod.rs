//! Clusters in balance for the decision bench: each step a pod comes, is placed and another goes.

pub(crate) mod shapes;

use shapes::Wish;
use wavetank::ground::{Draws, Span, Time};
use wavetank::model::{
    Catalog, Change, Condition, DeviceMask, NodeId, NodeStatus, Object, PodId, PodName, PodSpecId,
    PodUid, Pressures, View, WorkloadId,
};
use wavetank::policy::{
    Action, AttemptEnd, Cx, KubeScheduler, KubeSchedulerParams, Scheduler, SchedulingPath,
};

/// Pods of the shapes on each node at most.
const PODS_PER_NODE: usize = 4;
/// Part of the CPU that is taken before the first step, percent.
const FULL: u64 = 70;
const SEED: u64 = 7;

/// Numbers by chance (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Noise {
        Noise(seed)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

/// A cluster in the state in which the steps begin, without a scheduler.
#[derive(Debug, Clone)]
pub(crate) struct Filled {
    catalog: Catalog,
    view: View,
    joined: Vec<Change>,
    /// Pods that go one day.
    pods: Vec<PodId>,
    shapes: Vec<PodSpecId>,
    next: u32,
}

impl Filled {
    fn empty() -> Filled {
        let (catalog, view) = (Catalog::new(), View::new());
        let (joined, pods, shapes) = (Vec::new(), Vec::new(), Vec::new());
        Filled { catalog, view, joined, pods, shapes, next: 0 }
    }

    /// A cluster of this many nodes, 70 % full, with pods of this many shapes.
    pub(crate) fn new(wish: Wish, nodes: usize, shapes: usize) -> Filled {
        let mut filled = Filled::empty();
        filled.add_nodes(wish, nodes);
        for number in 0..shapes {
            let (spec, objects) = shapes::shape(wish, &mut filled.catalog, number);
            filled.shapes.push(filled.catalog.intern_pod_spec(&spec).0);
            objects.iter().for_each(|object| filled.set(object));
        }
        // With one pod on each host at most, half of the hosts are left to a shape.
        let most = if wish == Wish::Hosts { nodes.div_ceil(2) * shapes } else { usize::MAX };
        let mut noise = Noise::new(3);
        let mut at = 0;
        for number in 0..most.min(nodes * PODS_PER_NODE) {
            let shape = filled.shapes[number % shapes];
            // Neighbours in this order have different shapes and zones.
            let Some(node) = filled.next_with_room(shape, &mut at) else { break };
            let pod = filled.bind(shape, node);
            filled.pods.push(pod);
        }
        filled.fill_up();
        // Who goes first is left to chance.
        for last in (1..filled.pods.len()).rev() {
            filled.pods.swap(last, noise.below(last + 1));
        }
        filled
    }

    /// A cluster of nodes of one size, each full of two pods that may be displaced.
    pub(crate) fn full(nodes: usize) -> Filled {
        let mut filled = Filled::empty();
        filled.add_nodes(Wish::Resources, nodes);
        for half in 0..2 {
            for node in 0..nodes as u32 {
                let node = NodeId(node);
                let spec = filled.view.node_spec(node, &filled.catalog);
                let cpu = spec.allocatable.cpu.0 / 2;
                let low = shapes::plain(&mut filled.catalog, cpu, half);
                let low = filled.catalog.intern_pod_spec(&low).0;
                let pod = filled.bind(low, node);
                filled.pods.push(pod);
            }
        }
        for number in 0..10 {
            let high = shapes::plain(&mut filled.catalog, 1000 + number * 500, 100);
            filled.shapes.push(filled.catalog.intern_pod_spec(&high).0);
        }
        filled
    }

    pub(crate) fn shapes(&self) -> usize {
        self.shapes.len()
    }

    fn add_nodes(&mut self, wish: Wish, nodes: usize) {
        let machines = shapes::machines(&mut self.catalog);
        let taints = shapes::taints(wish, &mut self.catalog);
        let mut noise = Noise::new(5);
        for number in 0..nodes {
            let machine = &machines[noise.below(machines.len())];
            let status = NodeStatus {
                spec: self.catalog.intern_node_spec(machine).0,
                taints: self.catalog.intern_taints(&taints[noise.below(taints.len())]),
                ready: Condition::True,
                pressures: Pressures::NONE,
                unschedulable: false,
            };
            let name = self.catalog.names.intern(&format!("node-{number}"));
            let node = NodeId(number as u32);
            let joined = Change::NodeAdded { node, name, hostname: Some(name), status };
            self.view.apply(&joined, &self.catalog);
            self.joined.push(joined);
        }
    }

    fn set(&mut self, object: &Object) {
        let object = self.catalog.intern_object(object);
        self.view.apply(&Change::ObjectSet { object }, &self.catalog);
    }

    /// The part of the CPU of a node that would be taken with so much more, percent.
    fn percent_with(&self, node: NodeId, more: u64) -> u64 {
        let spec = self.view.node_spec(node, &self.catalog);
        (self.view.usage(node).cpu + more) * 100 / spec.allocatable.cpu.0
    }

    fn next_with_room(&self, shape: PodSpecId, at: &mut usize) -> Option<NodeId> {
        let nodes = self.view.nodes().len();
        let spec = self.catalog.pod_spec(shape);
        for _ in 0..nodes {
            let node = NodeId((*at % nodes) as u32);
            // One further in each round, so that a node gets pods of different shapes.
            *at += 1 + usize::from(at.is_multiple_of(nodes));
            let memory = self.view.node_spec(node, &self.catalog).allocatable.memory.0;
            let fits = self.view.usage(node).memory + spec.requests.memory.0 <= memory * 9 / 10;
            if fits && self.percent_with(node, spec.requests.cpu.0) <= FULL {
                return Some(node);
            }
        }
        None
    }

    /// Lets pods that stay take what is missing.
    fn fill_up(&mut self) {
        let filler = shapes::plain(&mut self.catalog, 1000, 0);
        let filler = self.catalog.intern_pod_spec(&filler).0;
        for node in self.view.nodes().ids() {
            while self.percent_with(node, 1000) <= FULL {
                self.bind(filler, node);
            }
        }
    }

    fn bind(&mut self, spec: PodSpecId, node: NodeId) -> PodId {
        let pod = PodId(self.next);
        self.next += 1;
        let added = added(pod, PodUid(pod.0), spec);
        self.view.apply(&added, &self.catalog);
        let bound = Change::PodBound { pod, node, devices: DeviceMask::NONE };
        self.view.apply(&bound, &self.catalog);
        pod
    }
}

fn added(pod: PodId, uid: PodUid, spec: PodSpecId) -> Change {
    let name = PodName::numbered(Catalog::NO_TEXT, uid.0);
    Change::PodAdded { pod, uid, spec, workload: WorkloadId(0), name, created: Time::ZERO }
}

/// A cluster with its scheduler.
pub(crate) struct Lab {
    filled: Filled,
    scheduler: KubeScheduler,
    now: Time,
    noise: Noise,
    uid: u32,
    free: PodId,
    actions: Vec<Action>,
    /// Of the choices so far.
    pub(crate) checksum: u64,
    /// Pods that found no node.
    pub(crate) refused: u64,
}

impl Lab {
    /// A cluster as it was filled, and a scheduler that makes its attempts this way.
    pub(crate) fn new(
        filled: &Filled,
        (params, path): (&KubeSchedulerParams, SchedulingPath),
    ) -> Lab {
        let mut filled = filled.clone();
        let mut scheduler = KubeScheduler::new(params, &mut filled.catalog.names);
        scheduler.set_path(path);
        let (uid, free) = (filled.next, PodId(filled.next));
        let (noise, actions) = (Noise::new(11), Vec::new());
        let now = Time::ZERO;
        let mut lab =
            Lab { filled, scheduler, now, noise, uid, free, actions, checksum: 0, refused: 0 };
        for joined in std::mem::take(&mut lab.filled.joined) {
            let (cx, scheduler) = lab.parts();
            scheduler.observe(cx, &joined);
        }
        lab
    }

    fn parts(&mut self) -> (Cx<'_>, &mut KubeScheduler) {
        let Filled { catalog, view, .. } = &self.filled;
        (Cx { catalog, view, now: self.now, draws: Draws::new(SEED) }, &mut self.scheduler)
    }

    fn tell(&mut self, change: Change) {
        let (cx, scheduler) = self.parts();
        scheduler.observe(cx, &change);
        self.filled.view.apply(&change, &self.filled.catalog);
    }

    fn end(&mut self, action: &Action, end: AttemptEnd) {
        let (cx, scheduler) = self.parts();
        scheduler.end(cx, action, end);
    }

    /// One attempt for the pod that is next.
    fn attempt(&mut self) {
        self.actions.clear();
        let mut actions = std::mem::take(&mut self.actions);
        let (cx, scheduler) = self.parts();
        scheduler.step(cx, &mut actions, None);
        self.actions = actions;
    }

    fn mix(&mut self, choice: u64) {
        self.checksum = (self.checksum ^ choice).wrapping_mul(0x0100_0000_01b3).rotate_left(17);
    }

    /// Binds the pod of an action.
    fn bind(&mut self, action: &Action) {
        let Action::Bind { pod, node, devices, .. } = *action else {
            panic!("{action:?} binds no pod");
        };
        self.filled.view.assume(pod, node, devices, &self.filled.catalog);
        self.end(action, AttemptEnd::Assumed);
        self.tell(Change::PodBound { pod, node, devices });
        self.end(action, AttemptEnd::Bound);
    }

    /// A pod comes and is placed, another goes.
    pub(crate) fn step(&mut self) {
        self.now += Span::from_millis(1);
        let shape = self.filled.shapes[self.noise.below(self.filled.shapes.len())];
        let pod = self.arrive(shape);
        self.attempt();
        let Some(action) = self.actions.first().copied() else { panic!("a pod is ready") };
        if let Action::Bind { node, .. } = action {
            self.mix(u64::from(node.0) + 1);
            self.bind(&action);
            let gone = self.noise.below(self.filled.pods.len());
            let gone = std::mem::replace(&mut self.filled.pods[gone], pod);
            self.leave(gone);
        } else {
            self.mix(0);
            self.refused += 1;
            self.leave(pod);
        }
    }

    fn arrive(&mut self, spec: PodSpecId) -> PodId {
        let (pod, uid) = (self.free, PodUid(self.uid));
        self.uid += 1;
        self.tell(added(pod, uid, spec));
        pod
    }

    fn leave(&mut self, pod: PodId) {
        self.tell(Change::PodRemoved { pod });
        self.free = pod;
    }

    /// A pod comes to a full cluster, displaces others and is placed; then it goes and those
    /// that it displaced come back.
    pub(crate) fn preemption_step(&mut self) {
        self.now += Span::from_secs(2);
        let shape = self.filled.shapes[self.noise.below(self.filled.shapes.len())];
        let pod = self.arrive(shape);
        self.attempt();
        let actions = std::mem::take(&mut self.actions);
        let [first @ Action::Refuse { refusers, .. }, rest @ ..] = actions.as_slice() else {
            panic!("the cluster is full: {actions:?}");
        };
        self.end(first, AttemptEnd::Refused(*refusers));
        let mut gone = Vec::new();
        for action in rest {
            match *action {
                Action::Nominate { pod, node, .. } => self.tell(Change::PodNominated { pod, node }),
                Action::Preempt { pod, .. } => {
                    let row = self.filled.view.pod(pod).expect("a victim is there");
                    gone.push((pod, row.uid, row.spec, row.node.expect("a victim has a node")));
                    self.mix(u64::from(pod.0));
                    self.tell(Change::PodRemoved { pod });
                }
                _ => panic!("{action:?} follows no refusal"),
            }
        }
        self.actions = actions;
        assert!(!gone.is_empty(), "room is made");
        self.now += Span::from_secs(2);
        self.attempt();
        let action = self.actions[0];
        self.bind(&action);
        self.leave(pod);
        for (pod, _, spec, node) in gone {
            let uid = PodUid(self.uid);
            self.uid += 1;
            self.tell(added(pod, uid, spec));
            self.tell(Change::PodBound { pod, node, devices: DeviceMask::NONE });
        }
    }
}
