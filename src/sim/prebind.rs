//! Between the choice of a node and the binding of a pod: what was decided about volumes is
//! written, and the scheduler waits until every claim of the pod is bound.
//!
//! Source: `PreBind` of `pkg/scheduler/framework/plugins/volumebinding/volume_binding.go` and
//! `BindPodVolumes` of `binder.go`, Kubernetes 1.34.

use super::Event;
use super::host::Host;
use super::volume_event::VolumeEvent;
use super::world::World;
use crate::ground::{Name, Span, Time};
use crate::journal::{Fact, Sink, VolumeFact};
use crate::model::{ClaimRef, DeviceMask, NodeId, PodId, PodUid, VolumePlan, VolumeWait};
use crate::policy::Action;
use serde::{Deserialize, Serialize};

/// The scheduler looks so often whether the claims are bound.
const LOOK: Span = Span::from_secs(1);
/// It gives up after so long (`bindTimeoutSeconds`).
const BIND_TIMEOUT: Span = Span::from_secs(600);

/// A pod that is bound as soon as its claims are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Decided {
    pod: PodId,
    node: NodeId,
    devices: DeviceMask,
    /// When the scheduler began to wait.
    from: Time,
    /// When it looks at the claims next, if they may have changed.
    look: Option<Time>,
}

/// How the claims of a pod that waits stand.
enum Claims {
    Bound,
    /// This one is not bound yet.
    Missing(ClaimRef),
    Failed,
}

impl World {
    /// Number of writes about volumes before a pod is bound.
    pub(super) fn volume_writes(&self, uid: PodUid) -> u32 {
        let plan = self.scheduler.policy.planned_volumes(uid).filter(|_| self.is_lifecycle());
        let writes = plan.map_or(0, |plan| plan.bind.len() + plan.provision.len());
        u32::try_from(writes).expect("pods have few claims")
    }

    /// What was decided about the volumes of a pod is written, if it still can be.
    pub(super) fn decision_arrives<S: Sink>(&mut self, host: &mut Host<'_, S>, event: VolumeEvent) {
        let VolumeEvent::DecisionArrives { pod, uid, node, devices } = event else {
            unreachable!("only decisions about volumes arrive here");
        };
        let truth = &self.store.truth;
        let plan = self.scheduler.policy.planned_volumes(uid).cloned().unwrap_or_default();
        let possible = truth.node(node).present
            && truth.pod_if(pod, uid).is_some_and(|pod| pod.node.is_none() && !pod.deleting)
            && self.volumes_can_be_bound(&plan);
        if !possible {
            self.bind_fails(host, &Action::Bind { pod, uid, node, devices });
            return;
        }
        self.write_decision(host, &plan, node);
        let from = host.now;
        self.volumes.decided.insert(uid, Decided { pod, node, devices, from, look: None });
        if let Claims::Missing(claim) = self.claims_of_decided(uid) {
            let storage = self.introduce_claim(host, claim);
            let wait = VolumeWait::Claim;
            host.fact(Fact::Volume(VolumeFact::Awaited { pod: uid, wait, storage, node: None }));
        }
        host.turn(from + BIND_TIMEOUT, Event::Volume(VolumeEvent::SchedulerLooks { uid }));
        self.plan_scheduler_look(host, uid);
    }

    fn write_decision<S: Sink>(&mut self, host: &mut Host<'_, S>, plan: &VolumePlan, node: NodeId) {
        for (key, volume) in &plan.bind {
            let volume = self.volume_row(*volume).filter(|volume| volume.claim.is_none());
            if let Some(mut volume) = volume {
                volume.claim = Some(*key);
                self.set_volume(host, volume);
            }
        }
        let node = Some(self.store.truth.node(node).name);
        for key in &plan.provision {
            let claim = self.open_claim(*key).filter(|claim| claim.selected_node != node);
            if let Some(mut claim) = claim {
                claim.selected_node = node;
                self.set_claim(host, claim);
            }
        }
    }

    /// How the claims of a pod stand that is bound as soon as they are.
    fn claims_of_decided(&self, uid: PodUid) -> Claims {
        let decided = &self.volumes.decided[&uid];
        let Some(plan) = self.scheduler.policy.planned_volumes(uid) else { return Claims::Failed };
        let node: Name = self.store.truth.node(decided.node).name;
        let mut missing = None;
        let bind = plan.bind.iter().map(|(key, volume)| (key, Some(*volume)));
        for (key, volume) in bind.chain(plan.provision.iter().map(|key| (key, None))) {
            let objects = self.store.truth.objects();
            let claim = objects.claim(key.namespace, key.name, &self.catalog);
            let Some(claim) = claim.filter(|claim| !claim.deleting) else { return Claims::Failed };
            if claim.bound {
                continue;
            }
            let goes_on = match volume {
                Some(volume) => {
                    self.volume_row(volume).is_some_and(|volume| volume.claim == Some(*key))
                }
                None => claim.selected_node == Some(node),
            };
            if !goes_on {
                return Claims::Failed;
            }
            missing = missing.or(Some(*key));
        }
        missing.map_or(Claims::Bound, Claims::Missing)
    }

    /// The scheduler looks as soon as it can see that the claims of a pod have come to something.
    fn plan_scheduler_look<S: Sink>(&mut self, host: &mut Host<'_, S>, uid: PodUid) {
        if matches!(self.claims_of_decided(uid), Claims::Missing(_)) {
            return;
        }
        let seen = host.now + self.timing.watch;
        let decided = self.volumes.decided.get_mut(&uid).expect("the caller has found it");
        let first = decided.from + LOOK;
        let at = seen.max(first).next_tick(LOOK, decided.from.since_start());
        if decided.look.is_none_or(|look| at < look) {
            decided.look = Some(at);
            host.turn(at, Event::Volume(VolumeEvent::SchedulerLooks { uid }));
        }
    }

    /// A claim has changed, for which a pod may wait.
    pub(super) fn decided_may_go_on<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let waiting: Vec<PodUid> = self.volumes.decided.keys().copied().collect();
        for uid in waiting {
            self.plan_scheduler_look(host, uid);
        }
    }

    /// The scheduler looks whether the claims of a pod are bound.
    pub(super) fn scheduler_looks<S: Sink>(&mut self, host: &mut Host<'_, S>, uid: PodUid) {
        let Some(decided) = self.volumes.decided.get(&uid) else { return };
        let Decided { pod, node, devices, from, .. } = *decided;
        if self.store.truth.pod_if(pod, uid).is_none() {
            self.volumes.decided.remove(&uid);
            return;
        }
        match self.claims_of_decided(uid) {
            Claims::Missing(_) if host.now < from + BIND_TIMEOUT => {}
            Claims::Missing(_) | Claims::Failed => {
                self.volumes.decided.remove(&uid);
                self.bind_fails(host, &Action::Bind { pod, uid, node, devices });
                let at = host.now;
                self.wake_scheduler(host, at);
            }
            Claims::Bound => {
                self.volumes.decided.remove(&uid);
                self.scheduler_asks(host, 1, Event::BindArrives { pod, uid, node, devices });
            }
        }
    }
}
