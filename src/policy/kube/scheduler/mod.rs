//! kube-scheduler 1.34 without its network: the queue, one cycle per pod, and the plugins, as a
//! pure function of view, memory, time and draws.
//!
//! What is built: the plugins in `plugin/`. Not built yet: spreading, affinity between pods,
//! volumes, preemption. A pod whose `spec.nodeName` is set and a pod that names a scheduler
//! without a profile are none of its business, as upstream.

mod backoff;
mod caches;
mod cycle;
mod event;
mod framework;
mod order;
mod params;
mod plugin;
mod profile;
mod queue;
mod sampling;

#[cfg(test)]
mod cache_tests;
#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod queue_tests;
#[cfg(test)]
mod test_host;
#[cfg(test)]
mod tests;

pub use params::{
    KubeSchedulerParams, ResourceWeight, ScoringStrategy, ScoringType, ShapePoint, TieBreak,
};

use crate::ground::{Names, Time};
use crate::model::{
    Change, Explain, NodeId, NodeStatus, PluginSet, PodId, PodSpec, PodUid, Refusal, View,
};
use crate::policy::{Action, AttemptEnd, Cx, Scheduler};
use caches::Caches;
use cycle::{Outcome, Rotation, Tie};
use event::Event;
use framework::{Cycle, NodeFacts};
use order::{NodeOrder, ZoneKey, ZoneLabels};
use profile::Profile;
use queue::{NewPod, Queue, QueuedPod};
use serde::{Deserialize, Serialize};

/// The Kubernetes scheduler: its settings, and its memory.
///
/// It must see every change from the first on, because the order in which it looks at nodes
/// depends on history.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KubeScheduler {
    tie_break: TieBreak,
    zone_labels: ZoneLabels,
    profiles: Vec<Profile>,
    queue: Queue,
    order: NodeOrder,
    next_start: usize,
    #[serde(skip)]
    caches: Caches,
}

impl KubeScheduler {
    /// A scheduler that has seen nothing yet. `names` are those of the catalog that it will be
    /// given at every call.
    ///
    /// # Panics
    /// If [`KubeSchedulerParams::check`] finds a problem.
    pub fn new(params: &KubeSchedulerParams, names: &mut Names) -> KubeScheduler {
        let profile = params.profile(names);
        KubeScheduler::with_profiles(params, vec![profile], names)
    }

    fn with_profiles(
        params: &KubeSchedulerParams,
        profiles: Vec<Profile>,
        names: &mut Names,
    ) -> KubeScheduler {
        KubeScheduler {
            tie_break: params.tie_break,
            zone_labels: ZoneLabels::new(names),
            profiles,
            queue: Queue::new(params.backoff()),
            order: NodeOrder::default(),
            next_start: 0,
            caches: Caches::default(),
        }
    }

    /// Why a pod of this specification would be held back before it enters the queue, if so.
    pub fn held_back(&self, spec: &PodSpec) -> Option<Refusal> {
        framework::pre_enqueue(self.profile(spec)?, spec)
    }

    fn profile(&self, spec: &PodSpec) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.scheduler_name == spec.scheduler_name)
    }

    fn zone(&self, node: &NodeFacts<'_>) -> ZoneKey {
        self.zone_labels.key(|key| node.label(key))
    }

    /// Keeps the node order and what is cached about nodes.
    fn observe_nodes(&mut self, cx: Cx<'_>, change: &Change) {
        match *change {
            Change::NodeAdded { node, name, hostname, status } => {
                let facts = NodeFacts::new(name, hostname, status, cx.catalog);
                self.order.add(node, self.zone(&facts));
                self.caches.nodes_changed();
            }
            Change::NodeUpdated { node, status } => self.observe_status(cx, node, status),
            Change::NodeRemoved { node } => {
                let facts = NodeFacts::of(cx.view, node, cx.catalog);
                self.order.remove(node, self.zone(&facts));
                self.caches.nodes_changed();
            }
            _ => {}
        }
    }

    fn observe_status(&mut self, cx: Cx<'_>, node: NodeId, status: NodeStatus) {
        let old = NodeFacts::of(cx.view, node, cx.catalog);
        if old.status.spec == status.spec || !cx.view.node(node).present {
            return;
        }
        let new = NodeFacts::new(old.name, old.hostname, status, cx.catalog);
        let (from, to) = (self.zone(&old), self.zone(&new));
        if from != to {
            self.order.remove(node, from);
            self.order.add(node, to);
        }
        self.caches.nodes_changed();
    }

    fn observe_pods(&mut self, cx: Cx<'_>, change: &Change) {
        match *change {
            Change::PodAdded { pod, uid, spec: spec_id, .. } => {
                let spec = cx.catalog.pod_spec(spec_id);
                let Some(profile) = self.profile(spec) else { return };
                if spec.node_name.is_some() {
                    return;
                }
                let gated = framework::pre_enqueue(profile, spec).is_some();
                let priority = spec.priority;
                self.queue.add(NewPod { pod, uid, spec: spec_id, priority, gated }, cx.now);
            }
            // Its own bindings are of pods that do not wait.
            Change::PodBound { pod, .. } => {
                if let Some(row) = cx.view.pod(pod)
                    && self.queue.waits(row.uid)
                {
                    self.queue.remove(row.uid);
                }
            }
            Change::PodPhase { pod, phase } if phase.is_terminal() => self.drop_pod(cx, pod),
            Change::PodRemoved { pod } => self.drop_pod(cx, pod),
            _ => {}
        }
    }

    fn drop_pod(&mut self, cx: Cx<'_>, pod: PodId) {
        if let Some(row) = cx.view.pod(pod) {
            self.queue.remove(row.uid);
        }
    }

    /// Takes pods from the queue until one is still to be placed.
    fn next_pod(&mut self, view: &View) -> Option<QueuedPod> {
        loop {
            let popped = self.queue.pop()?;
            let row = view.pod_if(popped.pod, popped.uid);
            if row.is_some_and(|row| !row.deleting && row.node.is_none()) {
                return Some(popped);
            }
            self.queue.remove(popped.uid);
        }
    }

    /// Whether a pod whose attempt failed is still there to be placed; else it is forgotten.
    fn still_waits(&mut self, view: &View, pod: PodId, uid: PodUid) -> bool {
        let waits = view.pod_if(pod, uid).is_some_and(|row| row.node.is_none());
        if !waits {
            self.queue.remove(uid);
        }
        waits
    }
}

/// Wakes the pods that an event may help.
fn wake(queue: &mut Queue, profiles: &[Profile], cx: Cx<'_>, event: &Event<'_>) {
    queue.wake(event.interest(), cx.now, |spec, plugin| {
        let spec = cx.catalog.pod_spec(spec);
        let profile = profiles.iter().find(|p| p.scheduler_name == spec.scheduler_name);
        profile.is_some_and(|profile| framework::helps(plugin, event, profile, spec, cx.catalog))
    });
}

impl Scheduler for KubeScheduler {
    fn observe(&mut self, cx: Cx<'_>, change: &Change) {
        self.queue.advance(cx.now);
        self.observe_nodes(cx, change);
        self.observe_pods(cx, change);
        let (queue, profiles) = (&mut self.queue, &self.profiles);
        event::for_each_event(change, cx.view, cx.catalog, |event| {
            wake(queue, profiles, cx, event);
        });
    }

    fn due(&self, now: Time) -> Option<Time> {
        self.queue.due(now)
    }

    fn step(&mut self, cx: Cx<'_>, actions: &mut Vec<Action>, explain: Option<&mut Explain>) {
        self.queue.advance(cx.now);
        let Some(popped) = self.next_pod(cx.view) else { return };
        let name = cx.view.pod(popped.pod).expect("a popped pod is there").name;
        let spec = cx.catalog.pod_spec(popped.spec);
        let profile = self.profiles.iter().find(|p| p.scheduler_name == spec.scheduler_name);
        let cycle = Cycle {
            catalog: cx.catalog,
            view: cx.view,
            profile: profile.expect("a queued pod has a profile"),
            spec_id: popped.spec,
            spec,
            nodes: self.order.len(),
        };
        let rotation = Rotation { order: &self.order, next_start: &mut self.next_start };
        let tie = Tie { rule: self.tie_break, draws: cx.draws, name, attempt: popped.attempts };
        let QueuedPod { pod, uid, .. } = popped;
        actions.push(match cycle::attempt(&cycle, &mut self.caches, rotation, tie, explain) {
            Outcome::Place { node, devices } => Action::Bind { pod, uid, node, devices },
            Outcome::Refused(refusers) => Action::Refuse { pod, uid, refusers },
        });
    }

    fn end(&mut self, cx: Cx<'_>, action: &Action, end: AttemptEnd) {
        self.queue.advance(cx.now);
        let (Action::Bind { pod, uid, .. } | Action::Refuse { pod, uid, .. }) = *action;
        match end {
            AttemptEnd::Assumed => self.queue.assumed(uid),
            AttemptEnd::Bound => self.queue.remove(uid),
            AttemptEnd::Refused(refusers) => {
                if self.still_waits(cx.view, pod, uid) {
                    self.queue.refused(uid, refusers, cx.now);
                }
            }
            AttemptEnd::BindFailed => {
                // A pod that is gone has told of its end already.
                let Some(row) = cx.view.pod_if(pod, uid) else {
                    self.queue.remove(uid);
                    return;
                };
                let gone = Event::PodGone(cx.catalog.pod_spec(row.spec));
                wake(&mut self.queue, &self.profiles, cx, &gone);
                if self.still_waits(cx.view, pod, uid) {
                    self.queue.refused(uid, PluginSet::EMPTY, cx.now);
                }
            }
        }
    }

    fn pending(&self) -> usize {
        self.queue.pending()
    }

    fn drop_caches(&mut self) {
        self.caches = Caches::default();
    }
}
