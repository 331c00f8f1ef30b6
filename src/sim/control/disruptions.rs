//! The disruption controller: one worker over one queue of budgets, one client.
//!
//! A budget whose pods changed is counted again, and written if that is new. An eviction that was
//! accepted meanwhile makes the write a conflict, and the budget is counted once more after a
//! while. Where the number of pods that there should be cannot be known, no pod may be evicted;
//! upstream counts such a budget again and again, here it waits for a change of its pods.
//!
//! Source: `pkg/controller/disruption/disruption.go`, Kubernetes 1.34.

use super::work_queue::WorkQueue;
use super::{Client, Duty};
use crate::ground::Time;
use crate::journal::Sink;
use crate::model::{
    Budget, BudgetCount, Change, LossPolicy, Object, ObjectId, ObjectKey, PodPhase, PodView,
    WorkloadId,
};
use crate::policy::Cx;
use crate::policy::kube::control::{
    BudgetView, BudgetedPod, EVICTION_TIMEOUT, PodScale, count_budget,
};
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::world::{World, cx};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Budgets that are counted at the same time.
const WORKERS: u32 = 1;

/// A status that is on its way to the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Write {
    budget: ObjectKey,
    /// The content that it was made for.
    seen: ObjectId,
    /// The content that it leaves behind.
    written: Budget,
}

/// The controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Disruptions {
    pub(super) client: Client,
    queue: WorkQueue<ObjectKey>,
    write: Option<Write>,
    /// When each is counted although nothing has changed.
    looks: BTreeMap<ObjectKey, Time>,
}

impl Disruptions {
    pub(super) fn new() -> Disruptions {
        Disruptions {
            client: Client::default(),
            queue: WorkQueue::new(WORKERS),
            write: None,
            looks: BTreeMap::new(),
        }
    }
}

/// The budgets that a change is about.
pub(super) fn touched<'c>(cx: Cx<'c>, change: &Change) -> Vec<ObjectKey> {
    let spec = match *change {
        Change::ObjectSet { object } => {
            let object = cx.catalog.object(object);
            return matches!(object, Object::Budget(_)).then(|| object.key()).into_iter().collect();
        }
        Change::PodAdded { spec, .. } => Some(spec),
        Change::PodPhase { pod, .. } | Change::PodDeleting { pod } | Change::PodRemoved { pod } => {
            cx.view.pod(pod).map(|row| row.spec)
        }
        _ => None,
    };
    let mut budgets = cx.view.objects().budgets(cx.catalog).peekable();
    let (Some(spec), Some(_)) = (spec, budgets.peek()) else { return Vec::new() };
    let spec = cx.catalog.pod_spec(spec);
    budgets
        .filter(|budget| budget.selects(spec.namespace, &spec.labels, cx.catalog))
        .map(|budget| Object::Budget(budget.clone()).key())
        .collect()
}

/// What says how many pods like one there should be.
fn scale(cx: Cx<'_>, pod: &PodView, known: &mut Vec<(WorkloadId, u32)>) -> PodScale {
    let workload = pod.workload;
    if let Some(place) = known.iter().position(|(of, _)| *of == workload) {
        return PodScale::Of(place);
    }
    let rollouts = cx.view.rollouts();
    let replicas = if let Some(deployment) = rollouts.deployment(workload) {
        Some(deployment.spec.replicas)
    } else if let Some(set) = cx.view.stateful_sets().get(workload) {
        Some(set.goal.spec.replicas)
    } else {
        rollouts.sets_of(workload).next().map(|(_, set)| set.spec.replicas)
    };
    match replicas {
        Some(replicas) => {
            known.push((workload, replicas));
            PodScale::Of(known.len() - 1)
        }
        None if cx.catalog.workloads[workload].on_loss == LossPolicy::Forget => PodScale::Unmanaged,
        None => PodScale::Unscaled,
    }
}

/// A budget as it is to be, and when it is to be looked at again.
fn counted(cx: Cx<'_>, budget: &Budget) -> (Budget, Option<Time>) {
    let mut known = Vec::new();
    let mut pods = Vec::new();
    let mut disrupted = Vec::new();
    for (_, row) in cx.view.pods() {
        let spec = cx.catalog.pod_spec(row.spec);
        if !budget.selects(spec.namespace, &spec.labels, cx.catalog) {
            continue;
        }
        let text = row.name.text(&cx.catalog.names);
        let noted = |(name, _): &&(_, Time)| cx.catalog.names.text(*name) == text;
        let noted = budget.disrupted.iter().find(noted).filter(|_| !row.deleting);
        disrupted.extend(noted.filter(|(_, at)| *at + EVICTION_TIMEOUT > cx.now));
        pods.push(BudgetedPod {
            scale: scale(cx, row, &mut known),
            ready: row.phase == PodPhase::Ready,
            terminating: row.deleting,
            evicted: noted.map(|(_, at)| *at),
        });
    }
    disrupted.sort_unstable();
    let replicas: Vec<u32> = known.iter().map(|(_, replicas)| *replicas).collect();
    let view = BudgetView { limit: budget.limit, replicas: &replicas, pods: &pods };
    match count_budget(&view, cx.now) {
        Ok((count, look)) => (Budget { count, disrupted, observed: true, ..budget.clone() }, look),
        Err(_) => {
            let count = BudgetCount { allowed: 0, ..budget.count };
            (Budget { count, ..budget.clone() }, None)
        }
    }
}

impl World {
    pub(super) fn enqueue_budget<S: Sink>(&mut self, host: &mut Host<'_, S>, budget: ObjectKey) {
        self.control.memory.disruptions.queue.add(budget);
        self.count_budgets(host);
    }

    /// The time to look at a budget has come, unless it was put off.
    pub(in crate::sim) fn budget_looks<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        budget: ObjectKey,
    ) {
        let looks = &mut self.control.memory.disruptions.looks;
        if looks.get(&budget) == Some(&host.now) {
            looks.remove(&budget);
            self.enqueue_budget(host, budget);
        }
    }

    fn count_budgets<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        if !self.control.memory.disruptions.queue.starts() {
            return;
        }
        while let Some(budget) = self.control.memory.disruptions.queue.take() {
            self.count_one_budget(host, budget);
        }
    }

    fn budget_is_done<S: Sink>(&mut self, host: &mut Host<'_, S>, budget: ObjectKey) {
        self.control.memory.disruptions.queue.put_back(budget);
        self.count_budgets(host);
    }

    fn look_at_budget<S: Sink>(&mut self, host: &mut Host<'_, S>, budget: ObjectKey, at: Time) {
        let looks = &mut self.control.memory.disruptions.looks;
        if looks.insert(budget, at) != Some(at) {
            host.turn(at, Event::BudgetLooks { budget });
        }
    }

    fn count_one_budget<S: Sink>(&mut self, host: &mut Host<'_, S>, key: ObjectKey) {
        let view = self.control.feed.view(&self.store);
        let cx = cx(&self.catalog, view, host.now, self.draws);
        let seen = view.objects().id(key);
        let Some((seen, Object::Budget(budget))) = seen.map(|id| (id, self.catalog.object(id)))
        else {
            self.control.memory.disruptions.queue.put_back(key);
            return;
        };
        let (written, look) = counted(cx, budget);
        let changes = written != *budget;
        if let Some(at) = look {
            self.look_at_budget(host, key, at);
        }
        let disruptions = &mut self.control.memory.disruptions;
        if changes {
            disruptions.write = Some(Write { budget: key, seen, written });
            let at = disruptions.client.send(host.now, 1) + self.timing.request;
            host.store_at(at, Event::BudgetStatusArrives);
        } else {
            disruptions.queue.succeeded(key);
            disruptions.queue.put_back(key);
        }
    }

    /// The status of a budget reaches the store.
    pub(in crate::sim) fn budget_status_arrives<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let write = self.control.memory.disruptions.write.take();
        let Write { budget, seen, written } = write.expect("one for each event");
        if self.store.truth.objects().id(budget) == Some(seen) {
            self.control.memory.disruptions.queue.succeeded(budget);
            self.write_budget(host, written);
        } else {
            let again = self.control.memory.disruptions.queue.failed(budget, host.now);
            self.look_at_budget(host, budget, again);
        }
        self.budget_is_done(host, budget);
    }
}

/// What is to be done about a change of the view.
pub(super) fn duties(cx: Cx<'_>, change: &Change) -> impl Iterator<Item = Duty> {
    touched(cx, change).into_iter().map(Duty::CountBudget)
}
