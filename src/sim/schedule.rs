//! The scheduler's loop around its policy: one cycle at a time, each taking its think time, with
//! bindings on their way to the store meanwhile.

use super::Event;
use super::feed::Feed;
use super::host::Host;
use super::volume_event::VolumeEvent;
use super::world::{World, cx};
use crate::ground::Time;
use crate::journal::{DeletionCause, Fact, Sink};
use crate::model::{Change, DeviceMask, Explain, NodeId, Outlook, PodId, PodUid};
use crate::policy::kube::control::TokenBucket;
use crate::policy::{Action, AnyScheduler, AttemptEnd, Scheduler};
use serde::{Deserialize, Serialize};

/// The scheduler process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SchedulerLoop {
    pub(super) policy: AnyScheduler,
    pub(super) feed: Feed,
    /// Tokens for its bindings.
    client: Option<TokenBucket>,
    /// What the cycle that is under way decided; empty between cycles.
    deciding: Vec<Action>,
}

impl SchedulerLoop {
    pub(super) fn new(
        policy: AnyScheduler,
        feed: Feed,
        client: Option<TokenBucket>,
    ) -> SchedulerLoop {
        SchedulerLoop { policy, feed, client, deciding: Vec::new() }
    }

    /// True if a change may give the scheduler something to do. Others are taken in later, in
    /// order, before the next decision.
    pub(super) fn cares_about(&self, change: &Change) -> bool {
        matches!(change, Change::PodAdded { .. }) || self.policy.pending() > 0
    }
}

impl World {
    /// Wakes the scheduler at `at` unless it is woken earlier anyway.
    pub(super) fn wake_scheduler<S: Sink>(&mut self, host: &mut Host<'_, S>, at: Time) {
        if self.scheduler.deciding.is_empty() && self.scheduler.feed.wake_at(at) {
            host.turn(at, Event::SchedulerWakes);
        }
    }

    /// What would become of a pod if the scheduler tried it now, by what the scheduler believes;
    /// `None` if the pod is not to be tried, or if the scheduler cannot tell.
    pub fn outlook(&self, now: Time, uid: PodUid) -> Option<Outlook> {
        let view = self.scheduler.feed.view(&self.store);
        let (pod, _) = view.pods().find(|(_, row)| row.uid == uid)?;
        let cx = cx(&self.catalog, view, now, self.draws);
        self.scheduler.policy.outlook(cx, pod)
    }

    /// Tells the policy of a change that its view is about to take.
    pub(super) fn scheduler_observes<S: Sink>(&mut self, host: &mut Host<'_, S>, change: &Change) {
        if let Change::PodAdded { uid, spec, .. } = *change
            && self.catalog.pod_spec(spec).scheduling_gates.is_empty()
        {
            host.fact(Fact::Queued { pod: uid });
        }
        let scheduler = &mut self.scheduler;
        let cx = cx(&self.catalog, scheduler.feed.view(&self.store), host.now, self.draws);
        scheduler.policy.observe(cx, change);
    }

    pub(super) fn scheduler_wakes<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        // What a cycle itself has changed may wake the scheduler when the next one is on already.
        if self.scheduler.feed.woken(host.now) && self.scheduler.deciding.is_empty() {
            self.scheduler_reads(host);
            self.scheduler_cycles(host);
        }
    }

    pub(super) fn cycle_ends<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        self.scheduler_reads(host);
        self.conclude_cycle(host);
        self.scheduler_cycles(host);
    }

    /// Takes in every change that has reached the scheduler.
    fn scheduler_reads<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        while let Some(commit) = self.scheduler.feed.ripe(&self.store, host.now) {
            self.scheduler_observes(host, &commit.change);
            self.scheduler.feed.take(&commit, &self.catalog);
        }
        self.trim_log();
    }

    /// Runs cycles until one takes time or nothing is left to decide, then sees to being woken.
    fn scheduler_cycles<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let now = host.now;
        while self.scheduler.policy.due(now).is_some_and(|due| due <= now) {
            let mut actions = std::mem::take(&mut self.scheduler.deciding);
            let mut explain = host.sink.wants_explanations().then(Explain::default);
            let scheduler = &mut self.scheduler;
            let cx = cx(&self.catalog, scheduler.feed.view(&self.store), now, self.draws);
            scheduler.policy.step(cx, &mut actions, explain.as_mut());
            self.scheduler.deciding = actions;
            if let (Some(explain), Some(action)) = (explain, self.scheduler.deciding.first()) {
                let (Action::Bind { uid, .. } | Action::Refuse { uid, .. }) = *action else {
                    unreachable!("an attempt begins with its outcome");
                };
                host.sink.explain(now, uid, &explain);
            }
            if self.scheduler.deciding.is_empty() {
                continue; // pods that need no decision any more were dropped
            }
            if !self.timing.think.is_zero() {
                host.turn(now + self.timing.think, Event::CycleEnds);
                return;
            }
            self.conclude_cycle(host);
        }
        let due = self.scheduler.policy.due(now);
        let feed = &self.scheduler.feed;
        let read = if self.scheduler.policy.pending() > 0 {
            feed.next_ripe(&self.store)
        } else {
            feed.next_wanted(&self.store)
        };
        let next = due.into_iter().chain(read).min();
        if let Some(at) = next {
            self.wake_scheduler(host, at);
        }
    }

    fn conclude_cycle<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let actions = std::mem::take(&mut self.scheduler.deciding);
        for action in &actions {
            match *action {
                Action::Bind { pod, uid, node, devices, .. } => {
                    let assumed = self.assume(pod, uid, node, devices);
                    self.end_attempt(
                        host,
                        action,
                        if assumed { AttemptEnd::Assumed } else { AttemptEnd::BindFailed },
                    );
                    if !assumed {
                        host.fact(Fact::BindFailed { pod: uid, node });
                    } else {
                        let (writes, event) = match self.volume_writes(uid) {
                            0 => (1, Event::BindArrives { pod, uid, node, devices }),
                            writes => {
                                let decided =
                                    VolumeEvent::DecisionArrives { pod, uid, node, devices };
                                (writes, Event::Volume(decided))
                            }
                        };
                        self.scheduler_asks(host, writes, event);
                    }
                }
                Action::Nominate { pod, uid, node } => {
                    self.scheduler_asks(host, 1, Event::NominationArrives { pod, uid, node });
                }
                // One request says why the pod goes, the other deletes it.
                Action::Preempt { pod, uid, .. } => {
                    let cause = DeletionCause::Preempted;
                    self.scheduler_asks(host, 2, Event::DeletionArrives { pod, uid, cause });
                }
                Action::Refuse { uid, refusers, .. } => {
                    host.fact(Fact::Refused { pod: uid, refusers });
                    self.end_attempt(host, action, AttemptEnd::Refused(refusers));
                }
            }
        }
        let mut actions = actions;
        actions.clear();
        self.scheduler.deciding = actions; // keeps its memory
    }

    /// Sends requests of the scheduler, as its client lets them go; the event is the arrival of the
    /// last of them.
    pub(super) fn scheduler_asks<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        requests: u32,
        event: Event,
    ) {
        if self.timing.request.is_zero() {
            self.handle(host, event);
            return;
        }
        let client = self.scheduler.client.as_mut();
        let sent = client.map_or(host.now, |client| {
            (0..requests).fold(host.now, |_, _| client.reserve(host.now))
        });
        host.store(sent.since(host.now) + self.timing.request, event);
    }

    pub(super) fn nomination_arrives<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        node: Option<NodeId>,
    ) {
        if self.store.truth.pod_if(pod, uid).is_some_and(|row| row.node.is_none()) {
            self.commit(host, Change::PodNominated { pod, node });
        }
    }

    /// Counts a pod on a node in the scheduler's own view; false if the pod is gone by now.
    fn assume(&mut self, pod: PodId, uid: PodUid, node: NodeId, devices: DeviceMask) -> bool {
        let Some(view) = self.scheduler.feed.replica_mut() else {
            return true; // the binding is written at once
        };
        let there = view.pod_if(pod, uid).is_some_and(|pod| pod.node.is_none() && !pod.deleting);
        if there {
            view.assume(pod, node, devices, &self.catalog);
        }
        there
    }

    fn end_attempt<S: Sink>(&mut self, host: &Host<'_, S>, action: &Action, end: AttemptEnd) {
        let scheduler = &mut self.scheduler;
        let cx = cx(&self.catalog, scheduler.feed.view(&self.store), host.now, self.draws);
        scheduler.policy.end(cx, action, end);
    }

    pub(super) fn bind_arrives<S: Sink>(&mut self, host: &mut Host<'_, S>, event: Event) {
        let Event::BindArrives { pod, uid, node, devices } = event else {
            unreachable!("only bindings arrive here");
        };
        self.bind(host, &Action::Bind { pod, uid, node, devices });
        let at = host.now;
        self.wake_scheduler(host, at);
    }

    /// Writes a binding, or finds that it cannot be written.
    fn bind<S: Sink>(&mut self, host: &mut Host<'_, S>, action: &Action) {
        let Action::Bind { pod, uid, node, devices, .. } = *action else {
            unreachable!("only bindings are written");
        };
        let truth = &self.store.truth;
        let volumes = self.scheduler.policy.planned_volumes(uid).cloned();
        let possible = truth.node(node).present
            && truth.pod_if(pod, uid).is_some_and(|pod| pod.node.is_none() && !pod.deleting)
            && volumes.as_ref().is_none_or(|plan| self.volumes_can_be_bound(plan));
        if possible {
            if let Some(plan) = volumes {
                self.bind_volumes(host, &plan, node);
            }
            host.fact(Fact::Bound { pod: uid, node, devices });
            self.commit(host, Change::PodBound { pod, node, devices });
            self.end_attempt(host, action, AttemptEnd::Bound);
            self.kubelet_sees_pod(host, pod, uid, node);
            return;
        }
        self.bind_fails(host, action);
    }

    /// A binding cannot be written: the pod is tried again.
    pub(super) fn bind_fails<S: Sink>(&mut self, host: &mut Host<'_, S>, action: &Action) {
        let Action::Bind { pod, uid, node, .. } = *action else {
            unreachable!("only bindings fail");
        };
        host.fact(Fact::BindFailed { pod: uid, node });
        if let Some(view) = self.scheduler.feed.replica_mut()
            && view.pod_if(pod, uid).is_some_and(|pod| pod.node == Some(node))
        {
            view.forget(pod, &self.catalog);
        }
        self.end_attempt(host, action, AttemptEnd::BindFailed);
    }
}
