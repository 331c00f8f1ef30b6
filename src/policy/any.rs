//! The scheduler of a run, whichever orchestrator it belongs to: a match, so that a world with a
//! scheduler in it can be cloned and saved.

use super::{Action, AttemptEnd, Cx, FirstFit, KubeScheduler, Scheduler};
use crate::ground::Time;
use crate::model::{Change, Explain, Outlook, PodId, PodUid, VolumePlan};
use serde::{Deserialize, Serialize};

/// One of the schedulers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum AnyScheduler {
    /// The Kubernetes scheduler.
    Kube(Box<KubeScheduler>),
    /// The baseline orchestrator's scheduler.
    Baseline(FirstFit),
}

impl AnyScheduler {
    /// What would become of a pod if it were tried now, and which single changes would help;
    /// `None` if it is not to be tried, or if this scheduler cannot tell.
    pub fn outlook(&self, cx: Cx<'_>, pod: PodId) -> Option<Outlook> {
        match self {
            AnyScheduler::Kube(scheduler) => scheduler.outlook(cx, pod),
            AnyScheduler::Baseline(_) => None,
        }
    }

    /// What is to be bound and made for the claims of a pod whose binding is under way.
    pub fn planned_volumes(&self, uid: PodUid) -> Option<&VolumePlan> {
        match self {
            AnyScheduler::Kube(scheduler) => scheduler.planned_volumes(uid),
            AnyScheduler::Baseline(_) => None,
        }
    }
}

impl From<KubeScheduler> for AnyScheduler {
    fn from(scheduler: KubeScheduler) -> AnyScheduler {
        AnyScheduler::Kube(Box::new(scheduler))
    }
}

impl From<FirstFit> for AnyScheduler {
    fn from(scheduler: FirstFit) -> AnyScheduler {
        AnyScheduler::Baseline(scheduler)
    }
}

impl Scheduler for AnyScheduler {
    fn observe(&mut self, cx: Cx<'_>, change: &Change) {
        match self {
            AnyScheduler::Kube(scheduler) => scheduler.observe(cx, change),
            AnyScheduler::Baseline(scheduler) => scheduler.observe(cx, change),
        }
    }

    fn due(&self, now: Time) -> Option<Time> {
        match self {
            AnyScheduler::Kube(scheduler) => scheduler.due(now),
            AnyScheduler::Baseline(scheduler) => scheduler.due(now),
        }
    }

    fn step(&mut self, cx: Cx<'_>, actions: &mut Vec<Action>, explain: Option<&mut Explain>) {
        match self {
            AnyScheduler::Kube(scheduler) => scheduler.step(cx, actions, explain),
            AnyScheduler::Baseline(scheduler) => scheduler.step(cx, actions, explain),
        }
    }

    fn end(&mut self, cx: Cx<'_>, action: &Action, end: AttemptEnd) {
        match self {
            AnyScheduler::Kube(scheduler) => scheduler.end(cx, action, end),
            AnyScheduler::Baseline(scheduler) => scheduler.end(cx, action, end),
        }
    }

    fn pending(&self) -> usize {
        match self {
            AnyScheduler::Kube(scheduler) => scheduler.pending(),
            AnyScheduler::Baseline(scheduler) => scheduler.pending(),
        }
    }

    fn drop_caches(&mut self) {
        match self {
            AnyScheduler::Kube(scheduler) => scheduler.drop_caches(),
            AnyScheduler::Baseline(scheduler) => scheduler.drop_caches(),
        }
    }
}
