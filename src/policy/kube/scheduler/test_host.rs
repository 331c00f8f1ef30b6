//! A cluster written in a line per thing, for the tests of the scheduler.

use super::{KubeScheduler, KubeSchedulerParams, TieBreak};
use crate::ground::{Bytes, Draws, MilliCpu, Name, Time};
use crate::model::{
    Amounts, Catalog, Change, Condition, NodeId, NodeSpec, NodeStatus, PluginSet, PodId, PodName,
    PodSpec, PodUid, Pressures, Taint, View, WorkloadId,
};
use crate::policy::{Action, AttemptEnd, Cx, Scheduler};

/// A scheduler with its view, driven by hand.
#[derive(Clone)]
pub(super) struct Host {
    pub(super) catalog: Catalog,
    pub(super) view: View,
    pub(super) scheduler: KubeScheduler,
    pub(super) now: Time,
    pub(super) seed: u64,
    /// What the last attempt wanted done about nominations and victims.
    pub(super) preemption: Vec<Action>,
}

impl Host {
    pub(super) fn new(params: &KubeSchedulerParams) -> Host {
        assert_eq!(params.check(), []);
        let mut catalog = Catalog::new();
        let scheduler = KubeScheduler::new(params, &mut catalog.names);
        Host {
            catalog,
            view: View::new(),
            scheduler,
            now: Time::ZERO,
            seed: 1,
            preemption: Vec::new(),
        }
    }

    pub(super) fn plain() -> Host {
        Host::new(&KubeSchedulerParams { tie_break: TieBreak::First, ..Default::default() })
    }

    pub(super) fn name(&mut self, text: &str) -> Name {
        self.catalog.names.intern(text)
    }

    pub(super) fn tell(&mut self, change: Change) {
        let (catalog, view, now) = (&self.catalog, &self.view, self.now);
        let cx = Cx { catalog, view, now, draws: Draws::new(self.seed) };
        self.scheduler.observe(cx, &change);
        self.view.apply(&change, &self.catalog);
    }

    pub(super) fn status(
        &mut self,
        spec: &NodeSpec,
        taints: &[Taint],
        unschedulable: bool,
    ) -> NodeStatus {
        NodeStatus {
            spec: self.catalog.intern_node_spec(spec).0,
            taints: self.catalog.intern_taints(&taints.to_vec()),
            ready: Condition::True,
            pressures: Pressures::NONE,
            unschedulable,
        }
    }

    pub(super) fn add_node(&mut self, status: NodeStatus) -> NodeId {
        let node = self.view.nodes().next_id();
        let name = self.name(&format!("n{}", node.0));
        self.tell(Change::NodeAdded { node, name, hostname: Some(name), status });
        node
    }

    pub(super) fn pod_spec(&mut self, cpu: u64) -> PodSpec {
        let (namespace, scheduler) = (self.name("default"), self.name("default-scheduler"));
        let mut spec = PodSpec::new(namespace, scheduler);
        spec.requests.cpu = MilliCpu(cpu);
        spec.scoring_cpu = MilliCpu(cpu);
        spec.incoming_cpu = MilliCpu(cpu);
        spec
    }

    pub(super) fn add_pod(&mut self, number: u32, spec: &PodSpec) -> PodId {
        let name = PodName::numbered(self.name("p"), number);
        let spec = self.catalog.intern_pod_spec(spec).0;
        let (pod, uid, created) = (PodId(number), PodUid(number), self.now);
        self.tell(Change::PodAdded { pod, uid, spec, workload: WorkloadId(0), name, created });
        pod
    }

    pub(super) fn step(&mut self) -> Option<Action> {
        let mut actions = Vec::new();
        let (catalog, view, now) = (&self.catalog, &self.view, self.now);
        let cx = Cx { catalog, view, now, draws: Draws::new(self.seed) };
        self.scheduler.step(cx, &mut actions, None);
        let mut actions = actions.into_iter();
        let first = actions.next();
        self.preemption = actions.collect();
        first
    }

    pub(super) fn end(&mut self, action: &Action, end: AttemptEnd) {
        let (catalog, view, now) = (&self.catalog, &self.view, self.now);
        let cx = Cx { catalog, view, now, draws: Draws::new(self.seed) };
        self.scheduler.end(cx, action, end);
    }

    /// One attempt with all that follows; the node, or the plugins that refused.
    pub(super) fn attempt(&mut self) -> Option<Result<NodeId, PluginSet>> {
        let action = self.step()?;
        Some(match action {
            Action::Bind { pod, node, devices, .. } => {
                self.view.assume(pod, node, devices, &self.catalog);
                self.end(&action, AttemptEnd::Assumed);
                self.tell(Change::PodBound { pod, node, devices });
                self.end(&action, AttemptEnd::Bound);
                Ok(node)
            }
            Action::Refuse { refusers, .. } => {
                self.end(&action, AttemptEnd::Refused(refusers));
                Err(refusers)
            }
            other => panic!("an attempt begins with its outcome, not {other:?}"),
        })
    }
}

/// A node of so much CPU.
pub(super) fn node_spec(cpu: u64) -> NodeSpec {
    let allocatable = Amounts { cpu: MilliCpu(cpu), memory: Bytes(1 << 34), ..Default::default() };
    NodeSpec { allocatable, pods: 110, ..Default::default() }
}
