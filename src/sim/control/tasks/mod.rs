//! Jobs, and the collector of what deleted objects owned.

mod job_sync;
mod jobs;
mod owned;

use crate::ground::Time;
use crate::journal::{Propagation, Sink};
use crate::model::{Change, JobId};
use crate::policy::Cx;
use crate::sim::host::Host;
use crate::sim::params::Timing;
use crate::sim::world::World;
use crate::sim::{Owned, RateParams, TaskEvent};
use jobs::Jobs;
use owned::Collector;
use serde::{Deserialize, Serialize};

/// What is to be done about a change of Jobs or of owned objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum TaskDuty {
    /// Look at a Job then.
    Job(JobId, Time),
    /// Nobody owns an object any more.
    Collect(Owned),
}

/// What these controllers remember.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TaskMemory {
    pub(super) jobs: Jobs,
    collector: Collector,
}

impl TaskMemory {
    pub(super) fn new() -> TaskMemory {
        TaskMemory { jobs: Jobs::new(), collector: Collector::new() }
    }

    /// Takes over how much each client may send. The collector's may send twice as much
    /// (`startGarbageCollectorController` of `cmd/kube-controller-manager/app/core.go`, Kubernetes
    /// 1.34).
    pub(super) fn set_rate(&mut self, timing: &Timing) {
        let rate = timing.controllers;
        self.jobs.client.set_rate(rate);
        self.jobs.ttl_client.set_rate(rate);
        let twice = rate.map(RateParams::doubled);
        self.collector.client.set_rate(twice);
    }

    /// True if a change, about to be made, may give one of these controllers something to do.
    pub(super) fn cares_about(&self, cx: Cx<'_>, change: &Change) -> bool {
        matches!(change, Change::OwnerRemoved { .. }) || self.jobs.cares_about(cx, change)
    }
}

impl World {
    pub(super) fn see_to<S: Sink>(&mut self, host: &mut Host<'_, S>, duty: TaskDuty) {
        match duty {
            TaskDuty::Job(job, at) => self.look_at_job(host, job, at),
            TaskDuty::Collect(owned) => self.collect_owned(host, owned),
        }
    }

    /// Handles an event about Jobs or owned objects.
    pub(in crate::sim) fn handle_task<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        event: TaskEvent,
    ) {
        match event {
            TaskEvent::JobLooks { job } => self.job_looks(host, job),
            TaskEvent::JobPodArrives { job } => self.job_pod_arrives(host, job),
            TaskEvent::JobProceeds { job } => self.job_proceeds(host, job),
            TaskEvent::JobExpires { job } => self.job_expires(host, job),
            TaskEvent::JobGoes { job } => self.job_goes(host, job),
            TaskEvent::OwnedIsRead { owned } => self.owned_is_read(host, owned),
            TaskEvent::OwnedGoes { owned } => self.owned_goes(host, owned),
            TaskEvent::OwnerIsOrphaned { workload } => {
                self.owner_goes(host, workload, Propagation::Orphan);
            }
        }
    }
}
