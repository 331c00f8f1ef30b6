//! How a kubelet stops pods: because they are deleted, because they ended, or because it has to.

use crate::ground::Span;
use crate::journal::{Fact, Sink};
use crate::model::{ContainerEnd, FailedReason, PodId};
use crate::policy::kube::kubelet::{Role, Stopped, Stopping, stop_pod};
use crate::sim::Event;
use crate::sim::discovery_event::DiscoveryEvent;
use crate::sim::event::Report;
use crate::sim::host::Host;
use crate::sim::machine::{Ending, Stage, Work, Worker, container_at};
use crate::sim::world::World;

impl World {
    /// The kubelet ends a pod on its own account. The grace is the pod's own unless one is given.
    pub(super) fn kubelet_ends_pod<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        reason: FailedReason,
        grace: Option<Span>,
    ) {
        let (_, spec) = self.place_of(pod);
        if matches!(self.fleet.get(pod).stage, Stage::Preparing | Stage::Up) {
            let grace = grace.unwrap_or(self.catalog.pod_spec(spec).termination_grace);
            self.stop_containers(host, pod, grace, Ending::Failed(reason));
        }
    }

    /// Begins to stop all containers of a pod for good; what was being started is given up.
    pub(super) fn stop_containers<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        grace: Span,
        ending: Ending,
    ) {
        self.withdraw_pull(host, pod);
        let (_, spec) = self.place_of(pod);
        let program = self.fleet.expect(pod);
        program.attempt += 1;
        program.stage = Stage::Stopping(ending);
        let retries = program.worker.retries;
        program.worker = Worker { retries, ..Worker::IDLE };
        let uid = program.uid;
        for run in &mut program.containers {
            run.probes = None;
        }
        if !program.runs() {
            self.last_container_stopped(host, pod);
            return;
        }
        host.fact(Fact::Stopping { pod: uid, grace });
        let spec = self.catalog.pod_spec(spec);
        let runs = self.fleet.get(pod).containers.iter().enumerate();
        let stopping: Vec<Stopping> =
            runs.map(|(place, run)| self.stopping(container_at(spec, place), run)).collect();
        let stops = stop_pod(grace, &stopping);
        self.plan_term(host, pod, &stopping, &stops);
        for (place, stop) in stops.into_iter().enumerate() {
            if let Some(stop) = stop {
                let end = if stop.killed { ContainerEnd::Killed } else { ContainerEnd::Stopped };
                let at = host.now + stop.end;
                self.end_life_at(host, (pod, place as u8), at, (end, stop.killed));
            }
        }
    }

    /// A pod behind a service takes no new connections from the moment on at which the first of its
    /// ordinary containers gets TERM.
    fn plan_term<S: Sink>(
        &self,
        host: &mut Host<'_, S>,
        pod: PodId,
        stopping: &[Stopping],
        stops: &[Option<Stopped>],
    ) {
        let (_, spec) = self.place_of(pod);
        if !self.control.services().select(spec) {
            return;
        }
        let main = stopping.iter().zip(stops).filter(|(one, _)| one.role == Role::Main);
        let term = main.filter_map(|(_, stop)| stop.as_ref()).map(|stop| stop.term).min();
        let program = self.fleet.get(pod);
        let (uid, attempt) = (program.uid, program.attempt);
        if let Some(term) = term {
            let sent = DiscoveryEvent::TermSent { pod, uid, attempt };
            host.machine(term, Event::Discovery(sent));
        }
    }

    /// The last container of a pod that is being stopped is gone: the next look will show it.
    pub(super) fn last_container_stopped<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        debug_assert_eq!(self.fleet.get(pod).worker.work, Work::Idle);
        self.containers_changed(host, pod);
    }

    /// The kubelet knows that nothing of a pod runs any more, and reports how it ended.
    pub(super) fn pod_has_stopped<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        ending: Ending,
    ) {
        let (node, spec) = self.place_of(pod);
        let program = self.fleet.expect(pod);
        program.stage = Stage::Over;
        let report = match ending {
            Ending::Deleted => Report::Stopped,
            Ending::Succeeded => Report::Succeeded,
            Ending::Failed(reason) => Report::Failed(reason),
        };
        self.report(host, pod, report);
        self.images_unused(host, node, spec);
        self.evicted_pod_is_gone(host, node, pod);
    }
}
