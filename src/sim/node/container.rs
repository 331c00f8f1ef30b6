//! The lives of containers: how they start, what each life will bring, and how it ends.

use crate::ground::{Key, Purpose, Span, SpanDist, Time};
use crate::journal::{Fact, Sink};
use crate::model::{
    Application, Behaviour, Container, ContainerEnd, Hook, Lifetime, PodId, PodSpecId, PodUid,
    ProbeKind, RestartPolicy,
};
use crate::policy::kube::kubelet::{
    ContainerState, GraceInputs, KILLED_EXIT_CODE, ProbeResult, ProbeWorker, Role, Stopping,
    stop_grace, stop_pod,
};
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::machine::{ContainerRun, Life, Stage, Work, container_at};
use crate::sim::world::World;

const CONTAINER_START: Purpose = Purpose::new("container-start");
const STARTUP: Purpose = Purpose::new("container-startup");
const READY: Purpose = Purpose::new("container-ready");
const HANG: Purpose = Purpose::new("container-hang");
const RUN: Purpose = Purpose::new("container-run");
const CRASH: Purpose = Purpose::new("container-crash");

/// How long an init container runs about which nothing is known.
const INIT_RUN: Span = Span::from_secs(1);

/// Exit code of a container that was killed.
const KILLED: u8 = KILLED_EXIT_CODE as u8;

/// What is known of the image of a container.
pub(super) fn application<'w>(world: &'w World, container: &Container) -> Option<&'w Application> {
    world.catalog.application(container.image?)
}

/// How a hook of a container takes.
pub(super) fn hook_time(hook: Option<Hook>, command: Span) -> Option<Span> {
    hook.map(|hook| match hook {
        Hook::Sleep(span) => span,
        Hook::Command => command,
    })
}

/// How much longer what a container does takes because its CPU limit is below its demand.
fn held_back(behaviour: &Behaviour, container: &Container) -> Option<(u64, u64)> {
    let limit = container.limits.cpu.0;
    let demand = behaviour.cpu.at(Span::ZERO, container.requests.cpu.0);
    (limit > 0 && demand > limit).then_some((demand, limit))
}

/// What one life of a container is drawn from.
struct Lot<'l> {
    behaviour: &'l Behaviour,
    container: &'l Container,
    role: Role,
    lifetime: Lifetime,
    key: Key,
    /// Number of the life, from 1.
    number: u32,
}

impl World {
    /// Begins to create a container whose image is there.
    pub(super) fn create_container<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        place: u8,
    ) {
        let view = self.store.truth.pod(pod).expect("a pod that starts exists");
        let (spec, workload) = (view.spec, view.workload);
        let startup = self.catalog.workloads[workload].startup.unwrap_or(Span::ZERO);
        let program = self.fleet.expect(pod);
        program.worker.work = Work::Creating(place);
        let run = &mut program.containers[usize::from(place)];
        run.waits = None;
        let key = program.key.nth(u64::from(place));
        let (starts, extra) =
            (run.starts, if run.role == Role::Main { startup } else { Span::ZERO });
        let (uid, attempt) = (program.uid, program.attempt);
        let container = container_at(self.catalog.pod_spec(spec), usize::from(place));
        let own =
            application(self, container).and_then(|known| known.behaviour.container_start.as_ref());
        let dist = own.unwrap_or(&self.timing.delays.container_start);
        let mut draw = self.draws.stream(CONTAINER_START, key, starts);
        let delay = dist.sample(&mut draw) + extra;
        host.machine(delay, Event::ContainerStep { pod, uid, attempt });
    }

    /// A container that was being created runs, or its postStart hook is done.
    pub(in crate::sim) fn container_step<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        attempt: u32,
    ) {
        let Some(program) = self.fleet.program_if(pod, uid) else { return };
        if program.attempt != attempt {
            return;
        }
        match program.worker.work {
            Work::Creating(place) => self.container_runs(host, pod, place),
            Work::Hooking(_) => {
                program.worker.work = Work::Idle;
                self.work_on(host, pod);
            }
            Work::Idle | Work::Pulling(_) | Work::Killing(_) => {
                unreachable!("a step ends what is under way")
            }
        }
    }

    fn container_runs<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, place: u8) {
        let now = host.now;
        let (_, spec) = self.place_of(pod);
        let life = self.life(pod, spec_at(self, spec, place), place, now);
        let container = container_at(self.catalog.pod_spec(spec), usize::from(place));
        let command = application(self, container).map(|known| known.behaviour.post_start);
        let hook = hook_time(container.post_start, command.unwrap_or(Span::ZERO));
        let program = self.fleet.expect(pod);
        let uid = program.uid;
        program.worker.again = true;
        program.worker.work = if hook.is_some() { Work::Hooking(place) } else { Work::Idle };
        let attempt = program.attempt;
        let run = &mut program.containers[usize::from(place)];
        run.running = true;
        run.starts += 1;
        run.changed = now;
        run.life = life;
        run.stopped_by = None;
        let restarts = run.starts - 1;
        program.initialized |= run.role == Role::Main;
        host.fact(Fact::ContainerStarted { pod: uid, container: place, restarts });
        self.life_is_scheduled(host, pod, place);
        self.usage_changes(host, pod);
        match hook {
            Some(takes) => host.machine(takes, Event::ContainerStep { pod, uid, attempt }),
            None => self.work_on(host, pod),
        }
    }

    /// Sees to the end of the present life of a container.
    fn life_is_scheduled<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, place: u8) {
        let program = self.fleet.get(pod);
        let run = &program.containers[usize::from(place)];
        if run.life.ends_at < Time::MAX {
            let (uid, life) = (program.uid, run.starts);
            let after = run.life.ends_at.since(host.now);
            host.machine(after, Event::ContainerEnds { pod, uid, container: place, life });
        }
        self.unprobed_turns(host, pod, place);
    }

    /// What a life that begins now will bring.
    fn life(&self, pod: PodId, container: &Container, place: u8, now: Time) -> Life {
        let program = self.fleet.get(pod);
        let run = &program.containers[usize::from(place)];
        let healthy;
        let behaviour = match application(self, container) {
            Some(known) => &known.behaviour,
            None => {
                healthy = Behaviour::default();
                &healthy
            }
        };
        let lot = Lot {
            behaviour,
            container,
            role: run.role,
            lifetime: program.lifetime,
            key: program.key.nth(u64::from(place)),
            number: run.starts + 1,
        };
        self.draw_life(&lot, now)
    }

    fn draw_life(&self, lot: &Lot<'_>, now: Time) -> Life {
        let Lot { behaviour, container, role, .. } = *lot;
        let draw = |dist: &SpanDist, purpose| {
            dist.sample(&mut self.draws.stream(purpose, lot.key, lot.number))
        };
        let slow = held_back(behaviour, container);
        let work = |span: Span| match slow {
            Some((demand, limit)) => Span::from_nanos((span * demand).as_nanos() / limit),
            None => span,
        };
        let startup_at = now + work(draw(&behaviour.startup, STARTUP));
        let ready_at = startup_at + work(draw(&behaviour.ready_after, READY));
        let hang = behaviour.hang_after.as_ref().map(|dist| now + draw(dist, HANG));
        let crashes = behaviour.crashes.is_none_or(|crashes| lot.number <= crashes);
        let crash = behaviour.crash_after.as_ref().filter(|_| crashes);
        let run_for = behaviour.run_for.as_ref().map(|dist| draw(dist, RUN));
        let run_for = match (role, lot.lifetime) {
            (Role::Main, Lifetime::For(lifetime)) => Some(lifetime),
            (Role::Init, _) if crash.is_none() => Some(run_for.unwrap_or(INIT_RUN)),
            _ => run_for,
        };
        let limit = Some(container.limits.memory.0).filter(|limit| *limit > 0);
        let oom = limit.and_then(|limit| {
            behaviour.memory.exceeds(limit, Span::ZERO, container.requests.memory.0)
        });
        let ends = [
            (oom, ContainerEnd::OomKilled, KILLED),
            (crash.map(|dist| draw(dist, CRASH)), ContainerEnd::Error, behaviour.exit_code),
            (run_for.map(work), ContainerEnd::Completed, 0),
        ];
        let first = ends.into_iter().filter_map(|(after, end, code)| Some((after?, end, code)));
        let first = first.min_by_key(|(after, ..)| *after);
        let (after, end, exit_code) = first.unwrap_or((Span::MAX, ContainerEnd::Completed, 0));
        Life {
            began: now,
            startup_at,
            ready_at: if behaviour.never_ready { Time::MAX } else { ready_at },
            hangs_at: hang.unwrap_or(Time::MAX),
            ends_at: if after == Span::MAX { Time::MAX } else { now + after },
            end,
            exit_code,
        }
    }

    /// A container has run, healthy and ready, since before the run began.
    pub(super) fn container_was_running<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        place: u8,
    ) {
        let now = host.now;
        let (_, spec) = self.place_of(pod);
        let life = self.life(pod, spec_at(self, spec, place), place, now);
        let run = &mut self.fleet.expect(pod).containers[usize::from(place)];
        run.running = true;
        run.changed = now;
        run.starts = 1;
        let ready_at = if life.ready_at == Time::MAX { Time::MAX } else { now };
        run.life = Life { startup_at: now, ready_at, ..life };
        run.seen = ContainerState::Running { started: true, ready: true };
        self.life_is_scheduled(host, pod, place);
    }

    /// A container ends: by itself, or because it was told to.
    pub(in crate::sim) fn container_ends<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        (place, life): (u8, u32),
    ) {
        let Some(program) = self.fleet.program_if(pod, uid) else { return };
        let at = usize::from(place);
        let Some(run) = program.containers.get(at) else { return };
        if !run.running || run.starts != life || run.life.ends_at != host.now {
            return;
        }
        self.probes_catch_up(host, pod, place);
        let program = self.fleet.expect(pod);
        let run = &mut program.containers[at];
        run.running = false;
        run.changed = host.now;
        run.last_exit = Some(run.life.exit_code);
        let (end, exit_code) = (run.life.end, run.life.exit_code);
        host.fact(Fact::ContainerEnded { pod: uid, container: place, end, exit_code });
        let (stage, work, runs) = (program.stage, program.worker.work, program.runs());
        self.usage_changes(host, pod);
        match stage {
            Stage::Stopping(_) if !runs => self.last_container_stopped(host, pod),
            Stage::Stopping(_) => {}
            Stage::Up if work == Work::Killing(place) => {
                let program = self.fleet.expect(pod);
                program.worker.again = true;
                program.worker.work = Work::Idle;
                let exit_code = i32::from(exit_code);
                program.containers[at].seen = ContainerState::Terminated { exit_code };
                self.killed_starts_again(pod, place);
                self.work_on(host, pod);
            }
            Stage::Up => {
                self.probes_reschedule(host, pod, place);
                self.containers_changed(host, pod);
            }
            Stage::Absent | Stage::Preparing | Stage::Over => {
                unreachable!("no container runs in a pod that is {stage:?}")
            }
        }
    }

    /// Notes which running containers are to be stopped because a probe says so.
    pub(super) fn mark_unwell(&mut self, pod: PodId) {
        let program = self.fleet.expect(pod);
        for (place, run) in program.containers.iter().enumerate() {
            if unwell(run).is_some() {
                program.worker.killing |= 1 << place;
            }
        }
    }

    /// Begins to stop a container whose startup or liveness probe failed.
    pub(super) fn kill_unwell<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, place: u8) {
        let (_, spec) = self.place_of(pod);
        let at = usize::from(place);
        let spec = self.catalog.pod_spec(spec);
        let container = container_at(spec, at);
        let run = &self.fleet.get(pod).containers[at];
        let Some(kind) = unwell(run) else { return };
        let probe = container.probes.get(kind).and_then(|probe| probe.termination_grace);
        let inputs =
            GraceInputs { pod: spec.termination_grace, deletion: None, probe, imposed: None };
        let stopping = self.stopping(container, run);
        let stops = stop_pod(stop_grace(&inputs), &[Stopping { role: Role::Main, ..stopping }]);
        let stop = stops[0].expect("it runs");
        let end = match kind {
            ProbeKind::Startup => ContainerEnd::StartupProbe,
            ProbeKind::Readiness | ProbeKind::Liveness => ContainerEnd::LivenessProbe,
        };
        self.fleet.expect(pod).worker.work = Work::Killing(place);
        self.end_life_at(host, (pod, place), host.now + stop.end, (end, stop.killed));
    }

    /// How a container reacts to being told to stop.
    pub(super) fn stopping(&self, container: &Container, run: &ContainerRun) -> Stopping {
        let known = application(self, container).map(|known| &known.behaviour);
        let command = known.map_or(Span::ZERO, |behaviour| behaviour.pre_stop);
        Stopping {
            role: run.role,
            running: run.running,
            pre_stop: hook_time(container.pre_stop, command),
            reaction: known.map_or(Some(Span::ZERO), |behaviour| behaviour.stop),
        }
    }

    /// The present life of a container ends then, unless it ends earlier by itself.
    pub(super) fn end_life_at<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        (pod, place): (PodId, u8),
        at: Time,
        (end, killed): (ContainerEnd, bool),
    ) {
        let program = self.fleet.expect(pod);
        let uid = program.uid;
        let run = &mut program.containers[usize::from(place)];
        run.stopped_by = Some(end);
        if at < run.life.ends_at {
            let exit_code = if killed { KILLED } else { 0 };
            run.life = Life { ends_at: at, end, exit_code, ..run.life };
            let life = run.starts;
            let after = at.since(host.now);
            host.machine(after, Event::ContainerEnds { pod, uid, container: place, life });
        }
    }

    /// A container that was stopped for its probe is started again by the same sync, unless its
    /// pod never restarts anything.
    fn killed_starts_again(&mut self, pod: PodId, place: u8) {
        let (_, spec) = self.place_of(pod);
        let policy = self.catalog.pod_spec(spec).restart_policy;
        let program = self.fleet.expect(pod);
        let sidecar = program.containers[usize::from(place)].role == Role::Sidecar;
        if policy != RestartPolicy::Never || sidecar {
            program.worker.starting |= 1 << place;
        }
    }
}

/// The probe for which a running container has to be stopped.
fn unwell(run: &ContainerRun) -> Option<ProbeKind> {
    if !matches!(run.seen, ContainerState::Running { .. }) || !run.running {
        return None;
    }
    let workers = run.probes.as_ref()?;
    let failed = |worker: Option<ProbeWorker>| {
        worker.is_some_and(|worker| worker.result(run.starts) == ProbeResult::Failure)
    };
    if failed(workers.startup) {
        Some(ProbeKind::Startup)
    } else if failed(workers.liveness) {
        Some(ProbeKind::Liveness)
    } else {
        None
    }
}

fn spec_at(world: &World, spec: PodSpecId, place: u8) -> &Container {
    container_at(world.catalog.pod_spec(spec), usize::from(place))
}
