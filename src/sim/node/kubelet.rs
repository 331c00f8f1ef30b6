//! How a kubelet comes by its pods and loses them: admission, sandbox, power.

use crate::ground::{Purpose, Span};
use crate::journal::{Fact, Sink};
use crate::model::{ContainerEnd, FailedReason, NodeId, PodId, PodPhase, PodUid, RestartPolicy};
use crate::policy::kube::kubelet::{ContainerState, KILLED_EXIT_CODE, Role};
use crate::sim::Event;
use crate::sim::event::Report;
use crate::sim::host::Host;
use crate::sim::machine::{Ending, Stage, Worker, container_at};
use crate::sim::world::World;

const MOUNT: Purpose = Purpose::new("mount");
const SANDBOX: Purpose = Purpose::new("sandbox");

impl World {
    /// A pod was bound: the kubelet of its node sees it after the watch delay, if it can.
    pub(in crate::sim) fn kubelet_sees_pod<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        node: NodeId,
    ) {
        if !self.fleet.machines[node].can_hear() {
            return; // the kubelet will see it when it can hear again
        }
        if !self.is_lifecycle() {
            self.place(host, pod, uid);
            return;
        }
        let attempt = self.fleet.expect(pod).attempt;
        let delay = self.timing.watch + self.timing.kubelet.pickup;
        host.machine(delay, Event::KubeletAdmits { pod, uid, attempt });
    }

    /// The kubelet begins with a pod, or refuses it.
    pub(in crate::sim) fn kubelet_admits<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        attempt: u32,
    ) {
        let Some(program) = self.fleet.program_if(pod, uid) else { return };
        if program.attempt != attempt || program.stage != Stage::Absent {
            return;
        }
        let view = *self.store.truth.pod(pod).expect("its program is there");
        if view.deleting {
            return; // the request to stop it is on the way
        }
        let node = view.node.expect("only bound pods are admitted");
        if let Some(reason) = self.refusal(host, pod, node) {
            self.fleet.expect(pod).stage = Stage::Over;
            self.report(host, pod, Report::Failed(reason));
            return;
        }
        host.fact(Fact::Admitted { pod: uid });
        let spec = self.catalog.pod_spec(view.spec);
        let program = self.fleet.expect(pod);
        program.renew_containers(spec);
        program.stage = Stage::Preparing;
        program.admitted = host.now;
        let (deadline, claims) = (spec.active_deadline, !spec.volumes.is_empty());
        self.fleet.expect(pod).restless = self.is_restless(view.spec);
        if claims {
            self.kubelet_mounts(host, pod);
        } else {
            self.kubelet_prepares(host, pod, Span::ZERO);
        }
        if let Some(deadline) = deadline {
            host.machine(deadline, Event::DeadlineEnds { pod, uid, attempt });
        }
    }

    /// The volumes of a pod are mounted, those of drivers within `claims`; then its sandbox is
    /// made.
    pub(super) fn kubelet_prepares<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        claims: Span,
    ) {
        let (node, spec) = self.place_of(pod);
        let program = self.fleet.get(pod);
        let (uid, key, attempt) = (program.uid, program.key, program.attempt);
        let delays = &self.timing.delays;
        let mut mount = claims;
        if self.catalog.pod_spec(spec).has_volumes {
            mount = mount.max(delays.mount.sample(&mut self.draws.stream(MOUNT, key, attempt)));
        }
        let sandbox = delays.sandbox.sample(&mut self.draws.stream(SANDBOX, key, attempt));
        self.start_probe_workers(pod, node, host.now + mount);
        host.machine(mount + sandbox, Event::SandboxReady { pod, uid, attempt });
    }

    /// Volumes, sandbox and network of a pod are there.
    pub(in crate::sim) fn sandbox_ready<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        attempt: u32,
    ) {
        let Some(program) = self.fleet.program_if(pod, uid) else { return };
        if program.attempt == attempt && program.stage == Stage::Preparing {
            program.stage = Stage::Up;
            host.fact(Fact::SandboxReady { pod: uid });
            self.sync_pod(host, pod);
        }
    }

    /// A pod was active for as long as it may.
    pub(in crate::sim) fn deadline_ends<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        attempt: u32,
    ) {
        let Some(program) = self.fleet.program_if(pod, uid) else { return };
        if program.attempt == attempt {
            self.kubelet_ends_pod(host, pod, FailedReason::DeadlineExceeded, None);
        }
    }

    /// The containers of a pod stop because their node does.
    pub(in crate::sim) fn containers_are_lost<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
    ) {
        let program = self.fleet.expect(pod);
        program.attempt += 1;
        let uid = program.uid;
        if program.stage == Stage::Over {
            return;
        }
        let ran = program.runs() || !self.timing.is_lifecycle() && program.stage == Stage::Up;
        program.stage = Stage::Absent;
        program.counted = false;
        program.worker = Worker { retries: program.worker.retries, ..Worker::IDLE };
        for (place, run) in program.containers.iter_mut().enumerate() {
            run.probes = None;
            if run.running {
                run.running = false;
                run.last_exit = Some(LOST_EXIT_CODE);
                let (container, end) = (place as u8, ContainerEnd::NodeLost);
                let exit_code = LOST_EXIT_CODE;
                host.fact(Fact::ContainerEnded { pod: uid, container, end, exit_code });
            }
        }
        if ran {
            host.fact(Fact::Interrupted { pod: uid });
        }
    }

    /// The kubelet of a node that is back sees to a pod that the store has there.
    pub(in crate::sim) fn kubelet_recovers<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        let view = *self.store.truth.pod(pod).expect("listed on its node");
        let program = self.fleet.expect(pod);
        let attempt = program.attempt;
        if !self.timing.is_lifecycle() {
            self.place(host, pod, view.uid);
            return;
        }
        if view.deleting {
            program.stage = Stage::Over;
            self.report(host, pod, Report::Stopped);
            return;
        }
        let never_ran = view.phase == PodPhase::Pending;
        let policy = self.catalog.pod_spec(view.spec).restart_policy;
        if policy == RestartPolicy::Never && !never_ran {
            program.stage = Stage::Over;
            self.report(host, pod, Report::Failed(FailedReason::ContainersLost));
            return;
        }
        program.reported = view.phase;
        if view.phase == PodPhase::Ready {
            program.reported = PodPhase::Running;
            self.report(host, pod, Report::Phase(PodPhase::Running));
        }
        let event = Event::KubeletAdmits { pod, uid: view.uid, attempt };
        host.machine(self.timing.watch + self.timing.kubelet.pickup, event);
    }

    /// A pod was asked to stop: its kubelet stops it after the watch delay, if it can.
    pub(in crate::sim) fn kubelet_sees_deletion<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
    ) {
        let view = *self.store.truth.pod(pod).expect("it was just asked to stop");
        match view.node.filter(|_| !view.phase.is_terminal()) {
            Some(node) if self.fleet.machines[node].can_hear() => {
                let uid = view.uid;
                host.machine(self.timing.watch, Event::KubeletStops { pod, uid });
            }
            Some(_) => {} // the kubelet will see it when it can hear again
            None => {
                self.tell_removed(host, pod);
                self.remove_pod(host, pod);
            }
        }
    }

    pub(in crate::sim) fn kubelet_stops<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
    ) {
        let Some(view) = self.store.truth.pod_if(pod, uid) else { return };
        let node = view.node.expect("only bound pods are stopped by kubelets");
        if !self.fleet.machines[node].powered {
            return;
        }
        let grace = self.catalog.pod_spec(view.spec).termination_grace;
        let program = self.fleet.expect(pod);
        match program.stage {
            Stage::Stopping(_) => program.stage = Stage::Stopping(Ending::Deleted),
            Stage::Over => self.report(host, pod, Report::Stopped),
            Stage::Absent | Stage::Preparing | Stage::Up => {
                self.stop_containers(host, pod, grace, Ending::Deleted);
            }
        }
    }

    /// A pod leaves the store: what its node still does for it is given up.
    pub(in crate::sim) fn kubelet_forgets<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        let program = self.fleet.get(pod);
        if program.counted {
            let (node, _) = self.place_of(pod);
            self.fleet.agents[node].pressures.restless -= 1;
        }
        let row = *self.store.truth.pod(pod).expect("only what is there leaves");
        if let Some(node) = row.node
            && !self.catalog.pod_spec(row.spec).volumes.is_empty()
            && self.fleet.machines[node].can_hear()
            && !self.fleet.machines[node].silent
            && self.store.truth.node(node).present
        {
            self.kubelet_unmounts(host, (row.uid, node));
        }
        self.withdraw_pull(host, pod);
    }

    /// A pod was running, and ready, before the run began.
    pub(in crate::sim) fn kubelet_has_pod<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        node: NodeId,
    ) {
        let now = host.now;
        let view = *self.store.truth.pod(pod).expect("it was just created");
        let spec = self.catalog.pod_spec(view.spec).clone();
        let program = self.fleet.expect(pod);
        program.stage = Stage::Up;
        if !self.timing.is_lifecycle() {
            return;
        }
        program.renew_containers(&spec);
        if !spec.volumes.is_empty() {
            self.volumes_were_mounted(pod, node);
        }
        let program = self.fleet.expect(pod);
        program.initialized = true;
        program.reported = PodPhase::Ready;
        self.fleet.expect(pod).restless = self.is_restless(view.spec);
        self.settle_probe_workers(pod, now);
        for place in 0..self.fleet.get(pod).containers.len() {
            let run = &mut self.fleet.expect(pod).containers[place];
            if run.role == Role::Init {
                run.starts = 1;
                run.last_exit = Some(0);
                run.seen = ContainerState::Terminated { exit_code: 0 };
            } else {
                self.container_was_running(host, pod, place as u8);
            }
            if let Some(image) = container_at(&spec, place).image {
                self.node_has_image(node, image, now);
            }
        }
        self.usage_changes(host, pod);
    }
}

/// Exit code of a container that was lost with its node.
const LOST_EXIT_CODE: u8 = KILLED_EXIT_CODE as u8;
