//! The kubelet's worker of a pod: one sync after another, each of which learns what the
//! containers do, reports it, and starts or stops what has to be.
//!
//! Source: `pkg/kubelet/pod_workers.go`, `pkg/kubelet/kubelet.go` (`SyncPod`) and
//! `pkg/kubelet/kuberuntime/kuberuntime_manager.go`, Kubernetes 1.34. A sync waits for a look at
//! the containers that is younger than the end of the one before; while a pull, a start, a hook or
//! a kill is under way, the next sync waits. Syncs that find nothing new are no events.

use super::images::Presence;
use crate::ground::{Purpose, Span, Time};
use crate::journal::{Fact, Sink};
use crate::model::{ContainerWait, FailedReason, NodeId, PodId, PodPhase, PodSpecId, PodUid};
use crate::policy::kube::kubelet::{
    ContainerState, ContainerStatus, Phase, PullNeed, Role, StartStep, after_restart, conditions,
    phase, pull_need, pull_not_before, restart_not_before, start_step,
};
use crate::sim::Event;
use crate::sim::event::Report;
use crate::sim::host::Host;
use crate::sim::machine::{ContainerRun, Ending, Stage, Work, container_at};
use crate::sim::world::World;

const NOT_STARTED: ContainerState = ContainerState::Waiting { last_exit: None };
const RETRY: Purpose = Purpose::new("kubelet-retry");

impl World {
    /// The node and specification of a pod that is bound.
    pub(super) fn place_of(&self, pod: PodId) -> (NodeId, PodSpecId) {
        let view = self.store.truth.pod(pod).expect("what a kubelet runs is in the store");
        (view.node.expect("what a kubelet runs is bound"), view.spec)
    }

    /// Something about the containers changed just now: the next look at them will show it.
    pub(super) fn containers_changed<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        let (node, _) = self.place_of(pod);
        if self.fleet.get(pod).worker.work != Work::Idle {
            self.fleet.expect(pod).worker.again = true;
            return;
        }
        let at = self.next_relist(node, host.now);
        self.sync_at(host, pod, at);
    }

    /// A probe published something: the pod is synced as soon as the kubelet knows of everything
    /// that the last sync did.
    pub(super) fn probe_told<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        let (node, _) = self.place_of(pod);
        let worker = self.fleet.get(pod).worker;
        if worker.work != Work::Idle {
            self.fleet.expect(pod).worker.again = true;
            return;
        }
        let fresh = self.last_relist(node, host.now) > worker.synced;
        let at = if fresh { host.now } else { self.next_relist(node, host.now) };
        self.sync_at(host, pod, at);
    }

    /// Something outside the containers that a pod's readiness depends on has changed.
    pub(in crate::sim) fn kubelet_looks<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        self.probe_told(host, pod);
    }

    /// A pod that waits for nothing but an image looks again at one of its next retries.
    pub(super) fn retry_soon<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        let period = self.timing.kubelet.retry;
        let program = self.fleet.expect(pod);
        let mut draw = self.draws.stream(RETRY, program.key, program.worker.retries);
        program.worker.retries += 1;
        let at = host.now + Span::from_nanos(draw.below(period.as_nanos()) + 1);
        self.sync_at(host, pod, at);
    }

    fn sync_at<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, at: Time) {
        let program = self.fleet.expect(pod);
        if at < program.worker.sync_at {
            program.worker.sync_at = at;
            let (uid, attempt) = (program.uid, program.attempt);
            host.machine(at.since(host.now), Event::PodSync { pod, uid, attempt });
        }
    }

    pub(in crate::sim) fn pod_sync<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        attempt: u32,
    ) {
        let Some(program) = self.fleet.program_if(pod, uid) else { return };
        if program.attempt != attempt || program.worker.sync_at != host.now {
            return;
        }
        program.worker.sync_at = Time::MAX;
        if program.worker.work != Work::Idle {
            // A sync that came first at this very time has begun something.
            program.worker.again = true;
            return;
        }
        match program.stage {
            Stage::Up => self.sync_pod(host, pod),
            Stage::Stopping(ending) => self.pod_has_stopped(host, pod, ending),
            Stage::Absent | Stage::Preparing | Stage::Over => {}
        }
    }

    /// One sync of a pod whose sandbox is there.
    pub(super) fn sync_pod<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        let (node, spec) = self.place_of(pod);
        let looked = self.last_relist(node, host.now);
        self.learn(host, pod, looked);
        // A sync that a probe brought forward comes before the look that shows the last change.
        let program = self.fleet.expect(pod);
        let unseen = |run: &ContainerRun| run.changed >= looked && run.changed != Time::ZERO;
        program.worker.again |= program.containers.iter().any(unseen);
        let policy = self.catalog.pod_spec(spec).restart_policy;
        let mut statuses = std::mem::take(&mut self.statuses);
        statuses.clear();
        let program = self.fleet.get(pod);
        let status = |run: &ContainerRun| ContainerStatus { role: run.role, state: run.seen };
        statuses.extend(program.containers.iter().map(status));
        let phase = phase(&statuses, policy, false);
        let ready = conditions(&statuses, phase, true, !program.withheld).ready.is_ok();
        let fresh_sandbox = !program.initialized;
        match phase {
            Phase::Pending | Phase::Running => {
                self.report_phase(host, pod, phase.with_ready(ready));
                if fresh_sandbox {
                    let main = statuses.iter_mut().filter(|status| status.role == Role::Main);
                    main.for_each(|status| status.state = NOT_STARTED);
                }
                match start_step(&statuses, policy) {
                    StartStep::Start(places) => {
                        let worker = &mut self.fleet.expect(pod).worker;
                        worker.starting = places.iter().fold(0, |bits, place| bits | 1 << place);
                        worker.killing = 0;
                        self.mark_unwell(pod);
                        self.work_on(host, pod);
                    }
                    StartStep::Fail | StartStep::Finish => {
                        self.end_by_itself(host, pod, &statuses);
                    }
                }
            }
            Phase::Succeeded | Phase::Failed => self.end_by_itself(host, pod, &statuses),
        }
        self.statuses = statuses;
    }

    /// No container of a pod will be started again: what still runs is stopped.
    fn end_by_itself<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        statuses: &[ContainerStatus],
    ) {
        let (_, spec) = self.place_of(pod);
        let ended_well = |status: &ContainerStatus| {
            status.role == Role::Sidecar || status.exit_code() == Some(0)
        };
        let well = statuses.iter().all(ended_well);
        let ending =
            if well { Ending::Succeeded } else { Ending::Failed(FailedReason::ContainerFailed) };
        let grace = self.catalog.pod_spec(spec).termination_grace;
        if self.fleet.get(pod).runs() {
            self.stop_containers(host, pod, grace, ending);
        } else {
            self.fleet.expect(pod).stage = Stage::Stopping(ending);
            self.pod_has_stopped(host, pod, ending);
        }
    }

    fn report_phase<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, phase: PodPhase) {
        let program = self.fleet.expect(pod);
        if program.reported != phase {
            program.reported = phase;
            self.report(host, pod, Report::Phase(phase));
        }
    }

    /// Goes on with a sync until something takes time, or the sync is over.
    pub(super) fn work_on<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        loop {
            let worker = &mut self.fleet.expect(pod).worker;
            if worker.work != Work::Idle {
                return;
            }
            if worker.killing != 0 {
                let place = worker.killing.trailing_zeros() as u8;
                worker.killing &= worker.killing - 1;
                self.kill_unwell(host, pod, place);
            } else if worker.starting != 0 {
                let place = worker.starting.trailing_zeros() as u8;
                worker.starting &= worker.starting - 1;
                self.try_start(host, pod, place);
            } else {
                break;
            }
        }
        self.pod_sync_ends(host, pod);
    }

    fn pod_sync_ends<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        let (node, _) = self.place_of(pod);
        let now = host.now;
        let worker = &mut self.fleet.expect(pod).worker;
        worker.synced = now;
        let again = std::mem::take(&mut worker.again);
        let failed = std::mem::take(&mut worker.failed);
        if again {
            let at = self.next_relist(node, now);
            self.sync_at(host, pod, at);
        }
        if failed {
            let at = self.next_retry(pod, now);
            self.sync_at(host, pod, at);
        }
    }

    /// The first retry that finds something to wait for over. Retries before it would do nothing.
    fn next_retry(&mut self, pod: PodId, now: Time) -> Time {
        let period = self.timing.kubelet.retry;
        let program = self.fleet.expect(pod);
        let waits = program.containers.iter().filter_map(|run| run.waits);
        let until = waits.map(|(_, until)| until).min().unwrap_or(now);
        if until == Time::MAX {
            return Time::MAX; // nothing but an image that arrives will help
        }
        let mut at = now;
        loop {
            let mut draw = self.draws.stream(RETRY, program.key, program.worker.retries);
            program.worker.retries += 1;
            at += period + Span::from_nanos(draw.below(period.as_nanos() / 2 + 1));
            if at >= until {
                return at;
            }
        }
    }

    /// Starts a container, or finds what it has to wait for.
    fn try_start<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, place: u8) {
        let now = host.now;
        let (node, spec) = self.place_of(pod);
        let params = &self.timing.kubelet;
        let at = usize::from(place);
        let run = &mut self.fleet.expect(pod).containers[at];
        if let Some(exited) = run.exited {
            let until = restart_not_before(&params.crash_backoff, run.crash_backoff, exited);
            if until > now {
                if run.stopped_by.is_some() {
                    run.exited = Some(run.changed); // from now on the killed one counts
                }
                self.container_waits(host, pod, place, (ContainerWait::CrashLoopBackOff, until));
                return;
            }
            let backoff = after_restart(&params.crash_backoff, run.crash_backoff, exited, now);
            run.crash_backoff = Some(backoff);
        }
        let container = container_at(self.catalog.pod_spec(spec), at);
        let Some(image) = container.image else {
            self.create_container(host, pod, place);
            return;
        };
        let not_before = pull_not_before(&params.image_backoff, run.pull_backoff, now);
        let present = self.fleet.agents[node].images.presence(image) == Presence::There;
        match pull_need(container.pull_policy, present) {
            PullNeed::Nothing => self.create_container(host, pod, place),
            PullNeed::Impossible => {
                let wait = (ContainerWait::ErrImageNeverPull, Time::MAX);
                self.container_waits(host, pod, place, wait);
            }
            PullNeed::RoundTrip | PullNeed::Pull if not_before > now => {
                let wait = (ContainerWait::ImagePullBackOff, not_before);
                self.container_waits(host, pod, place, wait);
            }
            PullNeed::RoundTrip | PullNeed::Pull => {
                self.fleet.expect(pod).worker.work = Work::Pulling(place);
                self.request_pull(host, pod, place);
            }
        }
    }

    /// A container cannot be started by this sync.
    pub(super) fn container_waits<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        place: u8,
        wait: (ContainerWait, Time),
    ) {
        let program = self.fleet.expect(pod);
        program.worker.failed = true;
        let uid = program.uid;
        let run = &mut program.containers[usize::from(place)];
        if run.waits != Some(wait) {
            run.waits = Some(wait);
            let (wait, until) = wait;
            host.fact(Fact::ContainerWaiting { pod: uid, container: place, wait, until });
        }
    }
}
