//! The fast path and the plain one side by side on random clusters: they never differ.

use super::Examined;
use super::lab::{Lab, Variety};
use crate::ground::Draws;
use crate::model::{
    Change, Explain, NodeId, PodId, PodName, PodPhase, PodSpec, PodUid, WorkloadId,
};
use crate::policy::kube::scheduler::params::{ResourceWeight, ScoringStrategy, ShapePoint};
use crate::policy::kube::scheduler::test_host::Host;
use crate::policy::kube::scheduler::{
    KubeScheduler, KubeSchedulerParams, SchedulingPath, ScoringType, TieBreak,
};
use crate::policy::{Action, Cx, Scheduler};

/// Three schedulers that see the same: the plain one of the host, one that only answers, and one
/// that also tells what it found out.
struct Trio {
    host: Host,
    quick: KubeScheduler,
    telling: KubeScheduler,
    waiting: Vec<PodId>,
    running: Vec<PodId>,
    next_pod: u32,
    attempts: u32,
    /// Attempts that the telling scheduler answered on the fast path.
    told: u32,
    refused: u32,
    preempting: u32,
    /// Pods want something of other pods.
    related: bool,
    /// Groups whose counts were checked.
    groups: usize,
}

impl Trio {
    fn new(params: &KubeSchedulerParams) -> Trio {
        let mut host = Host::new(params);
        let (quick, mut telling) = (host.scheduler.clone(), host.scheduler.clone());
        telling.set_path(SchedulingPath::FastPortable);
        host.scheduler.set_path(SchedulingPath::Plain);
        Trio {
            host,
            quick,
            telling,
            waiting: Vec::new(),
            running: Vec::new(),
            next_pod: 0,
            attempts: 0,
            told: 0,
            refused: 0,
            preempting: 0,
            related: false,
            groups: 0,
        }
    }

    fn tell(&mut self, change: Change) {
        let Host { catalog, view, now, seed, .. } = &self.host;
        let cx = Cx { catalog, view, now: *now, draws: Draws::new(*seed) };
        self.quick.observe(cx, &change);
        self.telling.observe(cx, &change);
        self.host.tell(change);
    }

    fn add_node(&mut self, lab: &mut Lab) {
        let (spec, taints) = (lab.node(), lab.taint_list());
        let cordoned = lab.one_in(8);
        let status = self.host.status(&spec, &taints, cordoned);
        let node = self.host.view.nodes().next_id();
        let name = self.host.name(&format!("n{}", node.0));
        self.tell(Change::NodeAdded { node, name, hostname: Some(name), status });
    }

    fn some_node(&mut self, lab: &mut Lab) -> Option<NodeId> {
        let node = NodeId(lab.below(self.host.view.nodes().len()) as u32);
        self.host.view.node(node).present.then_some(node)
    }

    fn change_node(&mut self, lab: &mut Lab) {
        let Some(node) = self.some_node(lab) else { return };
        let row = *self.host.view.node(node);
        let mut spec = self.host.catalog.node_spec(row.status.spec).clone();
        let mut taints = self.host.catalog.taints(row.status.taints).clone();
        let mut cordoned = row.status.unschedulable;
        match lab.below(8) {
            0 => {
                let devices = spec.devices;
                spec = lab.node();
                spec.devices = devices;
            }
            1 | 2 => cordoned = !cordoned,
            _ => taints = lab.taint_list(),
        }
        let status = self.host.status(&spec, &taints, cordoned);
        self.tell(Change::NodeUpdated { node, status });
    }

    fn change_object(&mut self, lab: &mut Lab) {
        let object = lab.object(&mut self.host);
        let key = object.key();
        let known = self.host.view.objects().current(key, &self.host.catalog).cloned();
        if let Some(known) = known.filter(|_| lab.one_in(2)) {
            let object = self.host.catalog.intern_object(&known);
            return self.tell(Change::ObjectRemoved { object });
        }
        let object = self.host.catalog.intern_object(&object);
        self.tell(Change::ObjectSet { object });
    }

    /// Removes a node whose pods the store still has.
    fn leave_pods(&mut self, lab: &mut Lab) {
        if let Some(node) = self.some_node(lab).filter(|_| self.host.view.present_nodes() > 3) {
            self.tell(Change::NodeRemoved { node });
        }
    }

    /// Removes the pods on nodes that are gone, as the garbage collector does.
    fn collect(&mut self) {
        let view = &self.host.view;
        let gone = |node: NodeId| !view.node(node).present;
        let pods = view.pods().filter(|(_, row)| row.node.is_some_and(gone));
        let pods: Vec<PodId> = pods.map(|(pod, _)| pod).collect();
        pods.into_iter().for_each(|pod| self.remove(pod));
    }

    fn remove_node(&mut self, lab: &mut Lab) {
        let Some(node) = self.some_node(lab) else { return };
        for pod in self.host.view.holds(node).pods.clone() {
            self.remove(pod);
        }
        self.tell(Change::NodeRemoved { node });
    }

    fn arrive(&mut self, spec: &PodSpec) -> PodId {
        let pod = PodId(self.next_pod);
        self.next_pod += 1;
        let spec = self.host.catalog.intern_pod_spec(spec).0;
        let name = PodName::numbered(self.host.name("p"), pod.0);
        let (uid, workload) = (PodUid(pod.0), WorkloadId(0));
        let created = self.host.now;
        self.tell(Change::PodAdded { pod, uid, spec, workload, name, created });
        self.waiting.push(pod);
        pod
    }

    fn remove(&mut self, pod: PodId) {
        self.waiting.retain(|other| *other != pod);
        self.running.retain(|other| *other != pod);
        self.tell(Change::PodRemoved { pod });
    }

    /// Lets a pod on a node go, in one of the ways there are.
    fn depart(&mut self, lab: &mut Lab) {
        if self.running.is_empty() {
            return;
        }
        let pod = self.running[lab.below(self.running.len())];
        match lab.below(4) {
            0 => self.tell(Change::PodPhase { pod, phase: PodPhase::Succeeded }),
            1 if !self.host.view.pod(pod).unwrap().deleting => {
                self.tell(Change::PodDeleting { pod });
                return;
            }
            _ => {}
        }
        self.remove(pod);
    }

    /// One attempt on each path.
    fn attempt(&mut self, pod: PodId, number: u32) {
        let Host { catalog, view, now, seed, scheduler, .. } = &mut self.host;
        let cx = Cx { catalog, view, now: *now, draws: Draws::new(*seed) };
        let (mut plain, mut quick, mut told) = (Vec::new(), Vec::new(), Vec::new());
        let (mut explain, mut examined) = (Explain::default(), Examined::default());
        assert!(scheduler.attempt(cx, (pod, number), &mut plain, Some(&mut explain)));
        assert!(self.quick.attempt(cx, (pod, number), &mut quick, None));
        assert_eq!(plain, quick, "{pod:?} of {:?}", view.pod_spec(pod, catalog));
        let attempt = (pod, number);
        if self.telling.attempt_fast(cx, attempt, &mut told, &mut examined) {
            self.told += 1;
            assert_eq!(examined, Examined::of(&explain), "{:?}", view.pod_spec(pod, catalog));
        } else {
            assert!(self.telling.attempt(cx, attempt, &mut told, None));
        }
        assert_eq!(plain, told);
        let next = scheduler.next_start();
        assert_eq!((next, next), (self.quick.next_start(), self.telling.next_start()));
        self.attempts += 1;
        if self.related && self.attempts.is_multiple_of(5) {
            let fast = self.telling.caches.fast.as_ref().expect("there are nodes");
            self.groups += fast.check(view, catalog);
        }
        self.carry_out(&plain);
    }

    fn carry_out(&mut self, actions: &[Action]) {
        for action in actions {
            match *action {
                Action::Bind { pod, node, devices, .. } => {
                    self.waiting.retain(|other| *other != pod);
                    self.running.push(pod);
                    self.host.view.assume(pod, node, devices, &self.host.catalog);
                    if pod.0.is_multiple_of(13) {
                        self.host.view.forget(pod, &self.host.catalog);
                        self.running.pop();
                        self.remove(pod);
                        return;
                    }
                    self.tell(Change::PodBound { pod, node, devices });
                }
                Action::Refuse { .. } => self.refused += 1,
                Action::Nominate { pod, node, .. } => {
                    self.tell(Change::PodNominated { pod, node });
                }
                Action::Preempt { pod, .. } => {
                    self.preempting += 1;
                    self.tell(Change::PodPreempted { pod });
                    if !self.host.view.pod(pod).unwrap().deleting {
                        self.tell(Change::PodDeleting { pod });
                    }
                }
            }
        }
    }

    /// One thing that happens, and an attempt.
    fn step(&mut self, lab: &mut Lab, number: u32, full: usize) {
        match lab.below(40) {
            0 => self.add_node(lab),
            1 if self.host.view.present_nodes() > 3 => self.remove_node(lab),
            2..6 => self.change_node(lab),
            6 => self.quick.drop_caches(),
            7 => self.host.view = self.host.view.clone(),
            8 => self.quick = self.quick.clone(),
            9 | 10 if self.related => self.change_object(lab),
            11 if self.related => self.leave_pods(lab),
            12..18 if self.related => self.collect(),
            _ => {}
        }
        for _ in 0..lab.below(3) {
            if self.running.len() > full {
                self.depart(lab);
            }
        }
        if self.waiting.len() > 12 {
            self.remove(self.waiting[0]);
        }
        let pod = match self.waiting.len() {
            waiting if waiting > 0 && lab.one_in(3) => self.waiting[lab.below(waiting)],
            _ => {
                let spec = lab.pod();
                self.arrive(&spec)
            }
        };
        self.attempt(pod, number);
    }
}

fn params(at: u64) -> KubeSchedulerParams {
    let tie_break = [TieBreak::First, TieBreak::Random, TieBreak::Name][at as usize % 3];
    let percentage_of_nodes_to_score = [100, 0, 100, 30][at as usize % 4];
    let mut params =
        KubeSchedulerParams { tie_break, percentage_of_nodes_to_score, ..Default::default() };
    match at % 7 {
        1 => params.scoring_strategy.kind = ScoringType::MostAllocated,
        2 => {
            params.scoring_strategy.resources = [("memory", 3), ("cpu", 5)]
                .map(|(name, weight)| ResourceWeight { name: name.to_owned(), weight })
                .into();
            params.score_weights.insert("NodeResourcesFit".to_owned(), 7);
        }
        3 => {
            let resources = vec![ResourceWeight { name: "gpu".to_owned(), weight: 2 }];
            let shape = [(0, 0), (60, 10), (100, 4)];
            let shape = shape.map(|(utilization, score)| ShapePoint { utilization, score });
            let kind = ScoringType::RequestedToCapacityRatio;
            params.scoring_strategy = ScoringStrategy { kind, resources, shape: shape.into() };
        }
        4 => params.disabled_scores = vec!["NodeResourcesFit".to_owned()],
        5 => params.disabled_plugins = vec!["TaintToleration".to_owned()],
        6 => params.disabled_scores = vec!["NodeResourcesBalancedAllocation".to_owned()],
        _ => {}
    }
    params
}

/// Plays a cluster; the attempts made and those answered on the fast path.
fn play(seed: u64, variety: Variety, nodes: usize, steps: u32) -> Trio {
    let mut trio = Trio::new(&params(seed));
    trio.host.seed = seed;
    let mut lab = Lab::new(seed, variety, &mut trio.host);
    trio.related = variety == Variety::Related;
    if trio.related {
        let mut profile = trio.host.scheduler.profiles[0].clone();
        lab.tune(&mut trio.host, &mut profile);
        for scheduler in [&mut trio.host.scheduler, &mut trio.quick, &mut trio.telling] {
            scheduler.profiles = vec![profile.clone()];
        }
        (0..6).for_each(|_| trio.change_object(&mut lab));
    }
    for _ in 0..nodes {
        trio.add_node(&mut lab);
    }
    let full = nodes * (1 + lab.below(4));
    for number in 1..=steps {
        trio.step(&mut lab, number, full);
    }
    trio
}

fn check(varieties: &[(Variety, u64, usize, u32)]) {
    let (mut attempts, mut told, mut refused, mut preempting) = (0, 0, 0, 0);
    for (variety, seeds, nodes, steps) in varieties {
        for seed in 0..*seeds {
            let trio = play(seed, *variety, *nodes, *steps);
            attempts += trio.attempts;
            told += trio.told;
            refused += trio.refused;
            preempting += trio.preempting;
        }
    }
    assert!(told * 10 >= attempts * 9, "{told} of {attempts} attempts are on the fast path");
    assert!(refused * 50 > attempts && preempting > 0, "{refused} refused, {preempting} preempted");
}

#[test]
fn small_clusters_with_everything() {
    check(&[(Variety::All, 28, 8, 150), (Variety::All, 14, 70, 150)]);
}

#[test]
fn clusters_that_are_searched_in_part() {
    check(&[(Variety::All, 12, 230, 60)]);
}

#[test]
fn many_ties() {
    for seed in 0..12 {
        let trio = play(seed, Variety::Even, 140, 120);
        assert_eq!(trio.told, trio.attempts, "everything is on the fast path");
    }
}

#[test]
fn pods_that_want_something_of_others() {
    for (seeds, nodes, steps) in [(60, 9, 150), (12, 150, 80)] {
        let (mut told, mut attempts) = (0, 0);
        for seed in 0..seeds {
            let trio = play(seed, Variety::Related, nodes, steps);
            (told, attempts) = (told + trio.told, attempts + trio.attempts);
            assert!(trio.groups > 0, "counts are checked");
        }
        assert!(told * 10 >= attempts * 7, "{told} of {attempts} attempts are on the fast path");
    }
}
