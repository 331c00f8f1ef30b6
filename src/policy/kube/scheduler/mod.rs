//! kube-scheduler 1.34 without its network: the queue, one cycle per pod, and the plugins, as a
//! pure function of view, memory, time and draws.
//!
//! A pod whose `spec.nodeName` is set and a pod that names a scheduler without a profile are none
//! of its business, as upstream. DynamicResources is not built.

mod backoff;
mod caches;
mod configuration;
mod cycle;
mod event;
mod fast;
mod framework;
mod nearest;
mod nominations;
mod order;
mod params;
mod plugin;
mod preempt;
mod profile;
mod queue;
mod reservations;
mod sampling;

#[cfg(test)]
mod cache_tests;
#[cfg(test)]
mod nearest_tests;
#[cfg(test)]
mod preempt_tests;
#[cfg(test)]
mod queue_tests;
#[cfg(test)]
mod test_host;
#[cfg(test)]
mod tests;

pub use configuration::{
    DisabledPlugin, EnabledPlugin, KubeSchedulerConfiguration, PluginArguments, PluginList,
    PluginsConfiguration, ProfileConfiguration,
};
pub use fast::Examined;
pub use params::{
    KubeSchedulerParams, ResourceWeight, ScoringStrategy, ScoringType, ShapePoint, TieBreak,
};

use crate::ground::{Name, Names, Time};
use crate::model::{
    Change, Explain, NodeId, NodeStatus, PluginSet, PodId, PodSpec, PodUid, Refusal, View,
    VolumePlan,
};
use crate::policy::{Action, AttemptEnd, Cx, Scheduler};
use caches::Caches;
use cycle::{Outcome, Rotation, Tie};
use event::Event;
use framework::{Cycle, NodeFacts, Waiting};
use nominations::Nominations;
use order::{NodeOrder, ZoneKey, ZoneLabels};
use preempt::Decided;
use profile::Profile;
use queue::{NewPod, Queue, QueuedPod};
use reservations::Reservations;
use serde::{Deserialize, Serialize};

/// Which way an attempt is made. All lead to the same outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SchedulingPath {
    /// From what is known of earlier attempts, where that is built; else as below.
    #[default]
    Fast,
    /// The same with no instructions but those that every machine of the architecture has.
    FastPortable,
    /// Node by node and plugin by plugin, as upstream does it.
    Plain,
}

/// The Kubernetes scheduler: its settings, and its memory.
///
/// It must see every change from the first on, because the order in which it looks at nodes
/// depends on history.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KubeScheduler {
    path: SchedulingPath,
    tie_break: TieBreak,
    zone_labels: ZoneLabels,
    profiles: Vec<Profile>,
    queue: Queue,
    order: NodeOrder,
    next_start: usize,
    nominations: Nominations,
    reservations: Reservations,
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

    /// A scheduler that has seen nothing yet, configured as kube-scheduler would be. `params` tell
    /// what a configuration has no word for: how ties are broken.
    ///
    /// # Panics
    /// If [`KubeSchedulerConfiguration::check`] finds a problem.
    pub fn configured(
        configuration: &KubeSchedulerConfiguration,
        params: &KubeSchedulerParams,
        names: &mut Names,
    ) -> KubeScheduler {
        let profiles = configuration.resolve(names);
        let mut scheduler = KubeScheduler::with_profiles(params, profiles, names);
        let (initial, max) = configuration.backoff();
        scheduler.queue = Queue::new(backoff::Backoff { initial, max });
        scheduler
    }

    fn with_profiles(
        params: &KubeSchedulerParams,
        profiles: Vec<Profile>,
        names: &mut Names,
    ) -> KubeScheduler {
        KubeScheduler {
            path: SchedulingPath::default(),
            tie_break: params.tie_break,
            zone_labels: ZoneLabels::new(names),
            profiles,
            queue: Queue::new(params.backoff()),
            order: NodeOrder::default(),
            next_start: 0,
            nominations: Nominations::default(),
            reservations: Reservations::default(),
            caches: Caches::default(),
        }
    }

    /// Why a pod of this specification would be held back before it enters the queue, if so.
    pub fn held_back(&self, spec: &PodSpec) -> Option<Refusal> {
        framework::pre_enqueue(self.profile(spec)?, spec)
    }

    /// Which way attempts are made from now on. It has no influence on any outcome.
    pub fn set_path(&mut self, path: SchedulingPath) {
        self.path = path;
    }

    /// Attempts that were answered on the fast path since its caches were dropped last.
    pub fn answered_fast(&self) -> u64 {
        self.caches.fast.as_ref().map_or(0, |fast| fast.answered)
    }

    /// Makes one attempt for a pod, whose how many-th it is, as [`Scheduler::step`] does for the
    /// pod that it takes from the queue. False if no profile is for the pod.
    pub fn attempt(
        &mut self,
        cx: Cx<'_>,
        attempt: (PodId, u32),
        actions: &mut Vec<Action>,
        explain: Option<&mut Explain>,
    ) -> bool {
        let told = explain.map_or(Told::Nothing, Told::Explain);
        self.attempt_and_tell(cx, attempt, actions, told)
    }

    /// Makes the same attempt on the fast path, if it is built for it, and tells what was found
    /// out about the nodes. False, and nothing done, if it is not built or no profile is for the
    /// pod.
    pub fn attempt_fast(
        &mut self,
        cx: Cx<'_>,
        attempt: (PodId, u32),
        actions: &mut Vec<Action>,
        examined: &mut Examined,
    ) -> bool {
        self.attempt_and_tell(cx, attempt, actions, Told::Examined(examined))
    }

    fn attempt_and_tell(
        &mut self,
        cx: Cx<'_>,
        (pod, number): (PodId, u32),
        actions: &mut Vec<Action>,
        told: Told<'_>,
    ) -> bool {
        let row = cx.view.pod(pod).expect("an attempt is for a pod that is there");
        let (uid, name, spec) = (row.uid, row.name, cx.catalog.pod_spec(row.spec));
        let profile = self.profiles.iter().find(|p| p.scheduler_name == spec.scheduler_name);
        let Some(profile) = profile else { return false };
        let cycle = Cycle {
            catalog: cx.catalog,
            view: cx.view,
            profile,
            uid,
            name,
            spec_id: row.spec,
            spec,
            nominations: &self.nominations,
            reservations: &self.reservations,
            nodes: self.order.len(),
        };
        let mut rotation = Rotation { order: &self.order, next_start: &mut self.next_start };
        let tie = Tie { rule: self.tie_break, draws: cx.draws, name, attempt: number };
        let portable = self.path == SchedulingPath::FastPortable;
        let caches = &mut self.caches;
        let (mut explain, outcome) = match (told, self.path) {
            (Told::Nothing, SchedulingPath::Plain) => (None, None),
            (Told::Nothing, _) => {
                (None, fast::attempt(&cycle, (caches, portable), &mut rotation, tie, None))
            }
            (Told::Explain(explain), _) => (Some(explain), None),
            (Told::Examined(examined), _) => {
                let told = Some(examined);
                let outcome = fast::attempt(&cycle, (caches, portable), &mut rotation, tie, told);
                if outcome.is_none() {
                    return false;
                }
                (None, outcome)
            }
        };
        let outcome = outcome.unwrap_or_else(|| {
            cycle::attempt(&cycle, caches, rotation, tie, explain.as_deref_mut())
        });
        match outcome {
            Outcome::Place { node, devices, volumes } => {
                actions.push(Action::Bind { pod, uid, node, devices });
                self.nominations.clear(uid);
                self.reservations.reserve(uid, volumes, cx.view.node(node).name);
            }
            Outcome::Refused(refusers, decided) => {
                actions.push(Action::Refuse { pod, uid, refusers });
                self.decided(cx, (pod, uid), decided, actions, explain);
            }
        }
        true
    }

    /// Puts other reservations of volumes, for a node of this name, in the place of those that the
    /// last attempt for a pod made.
    pub fn reserve(&mut self, uid: PodUid, volumes: VolumePlan, node: Name) {
        self.reservations.take_back(uid);
        self.reservations.reserve(uid, volumes, node);
        self.reservations.keep(uid);
    }

    /// What is to be bound and made for the claims of a pod whose binding is under way.
    pub fn planned_volumes(&self, uid: PodUid) -> Option<&VolumePlan> {
        self.reservations.plan(uid)
    }

    /// The nodes in search order.
    pub fn search_order(&self) -> Vec<NodeId> {
        self.order.interleaved()
    }

    /// Position in the search order at which the next search starts.
    pub fn next_start(&self) -> usize {
        self.next_start
    }

    /// Lets the next search start at this position.
    pub fn start_at(&mut self, position: usize) {
        self.next_start = position;
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
                if let Some(row) = cx.view.pod(pod) {
                    self.nominations.clear(row.uid);
                    if self.queue.waits(row.uid) {
                        self.queue.remove(row.uid);
                    }
                }
            }
            Change::PodNominated { pod, node } => self.nominate(cx, pod, node),
            Change::PodPhase { pod, phase } if phase.is_terminal() => self.drop_pod(cx, pod),
            Change::PodRemoved { pod } => self.drop_pod(cx, pod),
            _ => {}
        }
    }

    fn drop_pod(&mut self, cx: Cx<'_>, pod: PodId) {
        let Some(row) = cx.view.pod(pod) else { return };
        self.queue.remove(row.uid);
        self.reservations.take_back(row.uid);
        if self.nominations.clear(row.uid).is_some() {
            self.nomination_is_free(cx, cx.catalog.pod_spec(row.spec));
        }
    }

    /// Takes note of a nomination in the store, of its own or made by others.
    fn nominate(&mut self, cx: Cx<'_>, pod: PodId, node: Option<NodeId>) {
        let Some(row) = cx.view.pod(pod).filter(|row| row.node.is_none()) else { return };
        let ours = self.profile(cx.catalog.pod_spec(row.spec)).is_some();
        match node {
            Some(node) if ours => self.nominations.set(row.uid, pod, node),
            Some(_) => {}
            None => {
                self.nominations.clear(row.uid);
            }
        }
    }

    /// Wakes the pods that may take what was kept for a pod: those as important or less.
    fn nomination_is_free(&mut self, cx: Cx<'_>, spec: &PodSpec) {
        let (queue, profiles) = (&mut self.queue, &self.profiles);
        wake(queue, profiles, cx, &Event::PodGone(spec), Some(spec.priority));
    }

    /// Carries out what preemption decided; the actions that follow from it.
    fn decided(
        &mut self,
        cx: Cx<'_>,
        (pod, uid): (PodId, PodUid),
        decided: Decided,
        actions: &mut Vec<Action>,
        explain: Option<&mut Explain>,
    ) {
        match decided {
            Decided::Keep => {}
            Decided::Nothing => {
                if self.nominations.clear(uid).is_some() {
                    actions.push(Action::Nominate { pod, uid, node: None });
                }
            }
            Decided::MakeRoom { node, victims } => {
                let priority = cx.view.pod_spec(pod, cx.catalog).map_or(0, |spec| spec.priority);
                let lower = |(_, pod): &&(PodUid, PodId)| {
                    let spec = cx.view.pod_spec(*pod, cx.catalog);
                    spec.is_some_and(|spec| spec.priority < priority)
                };
                let here = self.nominations.on(node);
                let cleared: Vec<_> = here.iter().filter(lower).copied().collect();
                for (uid, pod) in &cleared {
                    self.nominations.clear(*uid);
                    actions.push(Action::Nominate { pod: *pod, uid: *uid, node: None });
                }
                self.nominations.set(uid, pod, node);
                actions.push(Action::Nominate { pod, uid, node: Some(node) });
                for victim in victims {
                    let row = cx.view.pod(victim).expect("a victim is there");
                    actions.push(Action::Preempt { pod: victim, uid: row.uid, by: uid });
                }
                if let Some(explain) = explain {
                    explain.makes_room_on = Some(node);
                    explain.cleared = cleared.into_iter().map(|(_, pod)| pod).collect();
                }
            }
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

/// What an attempt tells besides its outcome.
enum Told<'a> {
    Nothing,
    Explain(&'a mut Explain),
    Examined(&'a mut Examined),
}

/// Wakes the pods that an event may help, those of at most the priority given if one is.
fn wake(
    queue: &mut Queue,
    profiles: &[Profile],
    cx: Cx<'_>,
    event: &Event<'_>,
    at_most: Option<i32>,
) {
    queue.wake(event.interest(), cx.now, |spec, plugin| {
        let spec = cx.catalog.pod_spec(spec);
        let profile = profiles.iter().find(|p| p.scheduler_name == spec.scheduler_name);
        at_most.is_none_or(|priority| spec.priority <= priority)
            && profile.is_some_and(|profile| {
                let Cx { catalog, view, .. } = cx;
                framework::helps(plugin, event, &Waiting { catalog, view, profile, spec })
            })
    });
}

impl Scheduler for KubeScheduler {
    fn observe(&mut self, cx: Cx<'_>, change: &Change) {
        self.queue.advance(cx.now);
        self.observe_nodes(cx, change);
        self.observe_pods(cx, change);
        if let Change::ObjectSet { object } | Change::ObjectRemoved { object } = *change {
            self.reservations.shown(cx.catalog.object(object));
        }
        let (queue, profiles) = (&mut self.queue, &self.profiles);
        event::for_each_event(change, cx.view, cx.catalog, |event| {
            wake(queue, profiles, cx, event, None);
        });
    }

    fn due(&self, now: Time) -> Option<Time> {
        self.queue.due(now)
    }

    fn step(&mut self, cx: Cx<'_>, actions: &mut Vec<Action>, explain: Option<&mut Explain>) {
        self.queue.advance(cx.now);
        if let Some(QueuedPod { pod, attempts, .. }) = self.next_pod(cx.view) {
            self.attempt(cx, (pod, attempts), actions, explain);
        }
    }

    fn end(&mut self, cx: Cx<'_>, action: &Action, end: AttemptEnd) {
        self.queue.advance(cx.now);
        let (Action::Bind { pod, uid, .. } | Action::Refuse { pod, uid, .. }) = *action else {
            return; // others end as they are told of the change
        };
        match end {
            AttemptEnd::Assumed => self.queue.assumed(uid),
            AttemptEnd::Bound => {
                self.reservations.keep(uid);
                self.queue.remove(uid);
            }
            AttemptEnd::Refused(refusers) => {
                if self.still_waits(cx.view, pod, uid) {
                    self.queue.refused(uid, refusers, cx.now);
                }
            }
            AttemptEnd::BindFailed => {
                self.reservations.take_back(uid);
                // A pod that is gone has told of its end already.
                let Some(row) = cx.view.pod_if(pod, uid) else {
                    self.queue.remove(uid);
                    return;
                };
                let gone = Event::PodGone(cx.catalog.pod_spec(row.spec));
                wake(&mut self.queue, &self.profiles, cx, &gone, None);
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
