//! Evictions, cordons and drains: what `kubectl drain` asks for and what the API server answers.
//!
//! A drain cordons its node, lists the pods there and asks for the eviction of all of them at
//! once. What is refused with 429 is asked for again 5 s later; pods whose eviction was accepted
//! are looked for each second until they are gone. Requests of an operator are not held back.
//!
//! Source: `staging/src/k8s.io/kubectl/pkg/drain` and
//! `pkg/registry/core/pod/storage/eviction.go`, Kubernetes 1.34.

use super::Event;
use super::host::Host;
use super::world::World;
use crate::ground::Span;
use crate::journal::{DeletionCause, DrainEnd, Fact, Sink};
use crate::model::{
    Budget, Change, DrainOptions, EvictionAnswer, LossPolicy, NodeId, NodeStatus, Object,
    ObjectKey, PodId, PodName, PodPhase, PodUid, WorkloadKind,
};
use crate::policy::kube::control::{BudgetStatus, DRAIN_RETRY, EvictedPod, answer_eviction};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How often a drain looks whether an evicted pod is gone.
const POLL: Span = Span::from_secs(1);

/// One node that is being drained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Drain {
    node: NodeId,
    /// Pods that are still there, as far as it knows.
    pods: BTreeSet<PodUid>,
    /// An eviction was refused for good.
    failed: bool,
}

/// All drains that are under way, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Drains {
    open: BTreeMap<u32, Drain>,
    next: u32,
}

impl World {
    /// Cordons a node, or uncordons it; does nothing if it is so already, or if the node is gone.
    pub(super) fn cordon<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId, on: bool) {
        let row = self.store.truth.node(node);
        let status = row.status;
        if row.present && status.unschedulable != on {
            host.fact(Fact::NodeCordoned { node, on });
            let status = NodeStatus { unschedulable: on, ..status };
            self.commit(host, Change::NodeUpdated { node, status });
        }
    }

    /// Begins to drain a node.
    pub(super) fn drain<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        options: DrainOptions,
    ) {
        if !self.store.truth.node(node).present {
            host.fact(Fact::DrainEnded { node, end: DrainEnd::NodeGone });
            return;
        }
        self.cordon(host, node, true);
        let there: Vec<(PodId, PodUid, bool)> = (self.store.truth.pods())
            .filter(|(_, row)| row.node == Some(node))
            .map(|(pod, row)| {
                let owner = &self.catalog.workloads[row.workload];
                let owned =
                    owner.kind != WorkloadKind::Batch || owner.on_loss != LossPolicy::Forget;
                (pod, row.uid, owned || row.phase.is_terminal())
            })
            .collect();
        if !options.force && there.iter().any(|(_, _, may_go)| !may_go) {
            host.fact(Fact::DrainEnded { node, end: DrainEnd::Unmanaged });
            return;
        }
        let drain = self.drains.next;
        self.drains.next += 1;
        let pods = there.iter().map(|(_, uid, _)| *uid).collect();
        self.drains.open.insert(drain, Drain { node, pods, failed: false });
        let mut in_order: Vec<_> = there.iter().map(|(pod, uid, _)| (*uid, *pod)).collect();
        in_order.sort_unstable();
        // The list of pods is one request, each eviction another.
        let after = self.timing.request * 2;
        for (uid, pod) in in_order {
            host.store(after, Event::EvictionArrives { pod, uid, drain });
        }
        if let Some(timeout) = options.timeout {
            host.turn(host.now + timeout, Event::DrainTimesOut { drain });
        }
        self.drain_goes_on(host, drain);
    }

    /// A request of a drain to evict a pod reaches the API server.
    pub(super) fn eviction_arrives<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        drain: u32,
    ) {
        if !self.drains.open.contains_key(&drain) {
            return;
        }
        let answer = self.answer_eviction(host, pod, uid);
        match answer.map(EvictionAnswer::code) {
            None => self.drained_pod_is_gone(host, uid, drain, false),
            Some(201) => self.drain_polls(host, pod, uid, drain),
            Some(429) => {
                let retry = Event::EvictionArrives { pod, uid, drain };
                host.store(DRAIN_RETRY + self.timing.request, retry);
            }
            Some(_) => self.drained_pod_is_gone(host, uid, drain, true),
        }
    }

    /// A drain looks whether an evicted pod is gone.
    pub(super) fn drain_polls<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        drain: u32,
    ) {
        if !self.drains.open.contains_key(&drain) {
            return;
        }
        if self.store.truth.pod_if(pod, uid).is_some() {
            host.turn(host.now + POLL, Event::DrainPolls { pod, uid, drain });
        } else {
            self.drained_pod_is_gone(host, uid, drain, false);
        }
    }

    fn drained_pod_is_gone<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        uid: PodUid,
        drain: u32,
        failed: bool,
    ) {
        if let Some(row) = self.drains.open.get_mut(&drain) {
            row.pods.remove(&uid);
            row.failed |= failed;
        }
        self.drain_goes_on(host, drain);
    }

    /// Ends a drain that waits for no pod any more.
    fn drain_goes_on<S: Sink>(&mut self, host: &mut Host<'_, S>, drain: u32) {
        let Some(row) = self.drains.open.get(&drain).filter(|row| row.pods.is_empty()) else {
            return;
        };
        let end = if row.failed { DrainEnd::Failed } else { DrainEnd::Drained };
        host.fact(Fact::DrainEnded { node: row.node, end });
        self.drains.open.remove(&drain);
    }

    /// A drain has taken as long as it may.
    pub(super) fn drain_times_out<S: Sink>(&mut self, host: &mut Host<'_, S>, drain: u32) {
        if let Some(row) = self.drains.open.remove(&drain) {
            host.fact(Fact::DrainEnded { node: row.node, end: DrainEnd::TimedOut });
        }
    }

    /// An operator deletes a pod by its name.
    pub(super) fn delete_pod_called<S: Sink>(&mut self, host: &mut Host<'_, S>, name: PodName) {
        let text = name.text(&self.catalog.names);
        let names = &self.catalog.names;
        let found = (self.store.truth.pods())
            .find(|(_, row)| row.name.text(names) == text)
            .map(|(pod, row)| (pod, row.uid));
        match found {
            Some((pod, uid)) => self.deletion_arrives(host, pod, uid, DeletionCause::ByHand),
            None => {
                let name = self.catalog.names.intern(&text);
                self.introduce_name(host, name);
                host.fact(Fact::PodUnknown { name });
            }
        }
    }

    /// The Eviction API: deletes a pod if its budget agrees; `None` if it is not there.
    fn answer_eviction<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
    ) -> Option<EvictionAnswer> {
        let row = self.store.truth.pod_if(pod, uid)?;
        let asked = EvictedPod {
            running: matches!(row.phase, PodPhase::Running | PodPhase::Ready),
            ready: row.phase == PodPhase::Ready,
            terminating: row.deleting,
        };
        let (spec, name) = (self.catalog.pod_spec(row.spec), row.name);
        let budgets: Vec<&Budget> = (self.store.truth.objects().budgets(&self.catalog))
            .filter(|budget| budget.selects(spec.namespace, &spec.labels, &self.catalog))
            .collect();
        let standing = |budget: &&Budget| BudgetStatus {
            count: budget.count,
            is_observed: budget.observed,
            evicted: budget.disrupted.len(),
            unhealthy: budget.unhealthy,
        };
        let standings: Vec<BudgetStatus> = budgets.iter().map(standing).collect();
        let answer = answer_eviction(&asked, &standings);
        let charged = budgets.first().filter(|_| answer == EvictionAnswer::Charged);
        let charged = charged.map(|budget| (*budget).clone());
        host.fact(Fact::EvictionAnswered { pod: uid, answer });
        if let Some(budget) = charged {
            self.charge_budget(host, budget, name);
        }
        if answer.code() == 201 {
            self.deletion_arrives(host, pod, uid, DeletionCause::Evicted);
        }
        Some(answer)
    }

    /// A budget allows one less, and lists the pod.
    fn charge_budget<S: Sink>(&mut self, host: &mut Host<'_, S>, mut budget: Budget, pod: PodName) {
        let pod = pod.text(&self.catalog.names);
        let pod = self.catalog.names.intern(&pod);
        budget.count.allowed -= 1;
        budget.disrupted.retain(|(name, _)| *name != pod);
        budget.disrupted.push((pod, host.now.truncate_to_second()));
        budget.disrupted.sort_unstable();
        self.write_budget(host, budget);
    }

    /// Writes a budget, and tells what it counts if that is new.
    pub(super) fn write_budget<S: Sink>(&mut self, host: &mut Host<'_, S>, budget: Budget) {
        let (name, count) = (budget.name, budget.count);
        let object = Object::Budget(budget);
        let before = self.budget(object.key()).map(|before| (before.observed, before.count));
        if before != Some((true, count)) {
            self.introduce_name(host, name);
            let (desired, healthy) = (count.desired, count.healthy);
            let (expected, allowed) = (count.expected, count.allowed);
            let budget = name;
            host.fact(Fact::BudgetObserved { budget, desired, healthy, expected, allowed });
        }
        let object = self.catalog.intern_object(&object);
        self.commit(host, Change::ObjectSet { object });
    }

    /// A budget as the store has it.
    pub(super) fn budget(&self, key: ObjectKey) -> Option<&Budget> {
        match self.store.truth.objects().current(key, &self.catalog)? {
            Object::Budget(budget) => Some(budget),
            _ => None,
        }
    }
}
