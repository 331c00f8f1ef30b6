//! The taint eviction controller: a timer for each pod on a node with NoExecute taints, and the
//! requests with which it deletes the pod.

use super::{Client, Duty, Memory};
use crate::ground::{Id, Table};
use crate::journal::{DeletionCause, Fact, Sink};
use crate::model::{Change, NodeId, PodId, PodUid, PodView, TaintsId};
use crate::policy::Cx;
use crate::policy::kube::control::{EvictionTimer, eviction_timer};
use crate::sim::Event;
use crate::sim::event::EvictionStep;
use crate::sim::host::Host;
use crate::sim::world::World;
use serde::{Deserialize, Serialize};

/// When a pod has to leave its tainted node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Timer {
    uid: PodUid,
    eviction: EvictionTimer,
}

/// The controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Evictions {
    pub(super) client: Client,
    timers: Table<PodId, Option<Timer>>,
}

impl Evictions {
    pub(super) fn new() -> Evictions {
        Evictions { client: Client::default(), timers: Table::new() }
    }

    /// A pod is gone, and its timer with it.
    pub(super) fn forget(&mut self, pod: PodId) {
        if let Some(timer) = self.timers.get_mut(pod) {
            *timer = None;
        }
    }
}

impl Memory {
    pub(super) fn node_taints_change(&mut self, cx: Cx<'_>, node: NodeId, taints: TaintsId) {
        let mut pods = cx.view.holds(node).pods.clone();
        pods.sort_unstable_by_key(|pod| cx.view.pod(*pod).map(|view| view.uid));
        for pod in pods {
            self.pod_meets_taints(cx, pod, taints);
        }
    }

    /// Sets, keeps or cancels the timer of a pod on a node with these taints.
    pub(super) fn pod_meets_taints(&mut self, cx: Cx<'_>, pod: PodId, taints: TaintsId) {
        let Some(&PodView { uid, spec, .. }) = cx.view.pod(pod) else { return };
        let timers = &mut self.evictions.timers;
        while timers.len() <= pod.index() {
            timers.push(None);
        }
        let running = timers[pod].filter(|timer| timer.uid == uid).map(|timer| timer.eviction);
        let tolerations = &cx.catalog.pod_spec(spec).tolerations;
        let next = eviction_timer(running, cx.catalog.taints(taints), tolerations, cx.now);
        timers[pod] = next.map(|eviction| Timer { uid, eviction });
        if let Some(timer) = next.filter(|_| next != running) {
            self.duties.push_back(Duty::Evict(pod, uid, timer.at));
        }
    }
}

impl World {
    /// The time that a pod may stay on its tainted node is over. Upstream reads the pod, patches
    /// its status (`addConditionAndDeletePod`), then deletes it: three requests of one client.
    pub(in crate::sim) fn stay_ends<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
    ) {
        let timers = &mut self.control.memory.evictions.timers;
        let timer = timers.get(pod).copied().flatten();
        if timer.is_none_or(|timer| timer.uid != uid || timer.eviction.at != host.now) {
            return;
        }
        timers[pod] = None;
        self.eviction_asks(host, Event::EvictionProceeds { pod, uid, step: EvictionStep::Read });
    }

    pub(in crate::sim) fn eviction_proceeds<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        step: EvictionStep,
    ) {
        if self.store.truth.pod_if(pod, uid).is_none() {
            return; // it was found to be gone
        }
        let next = match step {
            EvictionStep::Read => Event::EvictionProceeds { pod, uid, step: EvictionStep::Mark },
            EvictionStep::Mark => {
                Event::DeletionArrives { pod, uid, cause: DeletionCause::TaintEviction }
            }
        };
        self.eviction_asks(host, next);
    }

    fn eviction_asks<S: Sink>(&mut self, host: &mut Host<'_, S>, arrives: Event) {
        let sent = self.control.memory.evictions.client.send(host.now, 1);
        host.store_at(sent + self.timing.request, arrives);
    }

    pub(in crate::sim) fn deletion_arrives<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        cause: DeletionCause,
    ) {
        if self.store.truth.pod_if(pod, uid).is_none_or(|view| view.deleting) {
            return;
        }
        if cause == DeletionCause::Preempted || cause.is_loss_of_node() {
            self.job_pod_is_disrupted(uid);
        }
        if cause == DeletionCause::Preempted {
            self.commit(host, Change::PodPreempted { pod });
        }
        host.fact(Fact::Deleting { pod: uid, cause });
        self.commit(host, Change::PodDeleting { pod });
        self.kubelet_sees_deletion(host, pod);
    }
}
