//! Probes of running containers: their workers are brought up to date only when something about
//! the container changes or what they publish will, so a healthy container costs nothing.

use super::container::application;
use crate::ground::{Purpose, Span, Time};
use crate::journal::{Fact, Sink};
use crate::model::{NodeId, PodId, PodUid, ProbeKind, ProbeParams, Probes};
use crate::policy::kube::kubelet::{Answer, ContainerState, ProbeResult, ProbeWorker, Probed};
use crate::sim::host::Host;
use crate::sim::machine::{ContainerRun, Life, ProbeWorkers, Stage, container_at};
use crate::sim::world::World;
use crate::sim::{Event, Unprobed};

const FIRST_PROBE: Purpose = Purpose::new("first-probe");

const KINDS: [ProbeKind; 3] = [ProbeKind::Startup, ProbeKind::Readiness, ProbeKind::Liveness];

impl ProbeWorkers {
    fn worker(&mut self, kind: ProbeKind) -> &mut Option<ProbeWorker> {
        match kind {
            ProbeKind::Startup => &mut self.startup,
            ProbeKind::Readiness => &mut self.readiness,
            ProbeKind::Liveness => &mut self.liveness,
        }
    }
}

/// What a container answers to a probe at a time.
fn answer(run: &ContainerRun, kind: ProbeKind, at: Time, takes: Span) -> Answer {
    let Life { startup_at, ready_at, hangs_at, .. } = run.life;
    let well_from = match kind {
        ProbeKind::Startup | ProbeKind::Liveness => startup_at,
        ProbeKind::Readiness => ready_at,
    };
    if !run.running {
        Answer::Failure(Span::ZERO)
    } else if at >= hangs_at {
        Answer::Silence
    } else if at >= well_from {
        Answer::Success(takes)
    } else {
        Answer::Failure(takes)
    }
}

/// When a running container will next answer otherwise, after `at`.
fn next_turn(run: &ContainerRun, at: Time) -> Time {
    if !run.running {
        return Time::MAX;
    }
    let Life { startup_at, ready_at, hangs_at, .. } = run.life;
    let turns = [startup_at, ready_at, hangs_at];
    turns.into_iter().filter(|turn| *turn > at).min().unwrap_or(Time::MAX)
}

/// A container as its probes find it from `at` on.
fn probed(run: &ContainerRun, kind: ProbeKind, at: Time, takes: Span) -> Probed {
    let (running_since, started) = match run.seen {
        ContainerState::Running { started, .. } => (Some(run.life.began), started),
        _ => (None, false),
    };
    let answer = answer(run, kind, at, takes);
    Probed { container: run.starts, running_since, started, deleting: false, answer }
}

impl World {
    /// Starts the probe workers of a pod whose containers are about to be made.
    pub(super) fn start_probe_workers(&mut self, pod: PodId, node: NodeId, from: Time) {
        let (_, spec) = self.place_of(pod);
        let spec = self.catalog.pod_spec(spec);
        let machine = self.fleet.machines[node];
        // What is there at the start of the run has been there for long.
        let up = if machine.epoch == 0 { Span::MAX } else { from.since(machine.up_since) };
        let program = self.fleet.expect(pod);
        for place in 0..program.containers.len() {
            let probes = &container_at(spec, place).probes;
            let key = program.key.nth(place as u64);
            let attempt = program.attempt;
            program.containers[place].probes = workers(probes, |kind, params| {
                let mut first = from;
                if params.starts_scattered(up) {
                    let mut draw = self.draws.stream(FIRST_PROBE, key.nth(kind as u64), attempt);
                    first += Span::from_nanos(draw.below(params.period.as_nanos()));
                }
                ProbeWorker::new(kind, first)
            });
        }
    }

    /// The probe workers of a pod that has been running, well and ready, for long.
    pub(super) fn settle_probe_workers(&mut self, pod: PodId, now: Time) {
        let (_, spec) = self.place_of(pod);
        let spec = self.catalog.pod_spec(spec);
        let program = self.fleet.expect(pod);
        for place in 0..program.containers.len() {
            let probes = &container_at(spec, place).probes;
            let key = program.key.nth(place as u64);
            program.containers[place].probes = workers(probes, |kind, params| {
                let mut draw = self.draws.stream(FIRST_PROBE, key.nth(kind as u64), 0);
                let wait = Span::from_nanos(draw.below(params.period.as_nanos()));
                ProbeWorker::settled(kind, 1, now + wait)
            });
        }
    }

    /// How long a container takes to answer probes.
    fn answer_time(&self, pod: PodId, place: u8) -> Span {
        let (_, spec) = self.place_of(pod);
        let container = container_at(self.catalog.pod_spec(spec), usize::from(place));
        let takes = application(self, container).map(|known| known.behaviour.probe_answer);
        takes.unwrap_or(Span::ZERO)
    }

    /// Does all probes of a container before now, as things stood until now.
    pub(super) fn probes_catch_up<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        place: u8,
    ) {
        self.probe_until(host, (pod, place), host.now);
    }

    /// Does all probes of a container that begin before `until`.
    fn probe_until<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        (pod, place): (PodId, u8),
        until: Time,
    ) {
        let at = usize::from(place);
        if self.fleet.get(pod).containers[at].probes.is_none() {
            return;
        }
        let takes = self.answer_time(pod, place);
        let (_, spec) = self.place_of(pod);
        let params = container_at(self.catalog.pod_spec(spec), at).probes;
        let program = self.fleet.expect(pod);
        let uid = program.uid;
        let run = &mut program.containers[at];
        let Some(mut workers) = run.probes.take() else { return };
        let workers_done = workers.done;
        let mut told = false;
        for kind in KINDS {
            let (Some(params), Some(worker)) = (params.get(kind), workers.worker(kind)) else {
                continue;
            };
            let probed = probed(run, kind, workers_done, takes);
            while let Some(change) = worker.advance(params, &probed, until) {
                told = true;
                if change.result != ProbeResult::Unknown {
                    let well = change.result == ProbeResult::Success;
                    let (container, probe) = (place, kind);
                    host.fact(Fact::ProbeChanged { pod: uid, container, probe, well });
                }
            }
        }
        workers.done = until;
        run.probes = Some(workers);
        if told && self.fleet.get(pod).stage == Stage::Up {
            self.probe_told(host, pod);
        }
    }

    /// Finds when the probes of a container will next say something new, or the container answer
    /// otherwise.
    pub(super) fn probes_reschedule<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        place: u8,
    ) {
        let at = usize::from(place);
        if self.fleet.get(pod).containers[at].probes.is_none() {
            return;
        }
        let now = host.now;
        let takes = self.answer_time(pod, place);
        let (_, spec) = self.place_of(pod);
        let params = container_at(self.catalog.pod_spec(spec), at).probes;
        let program = self.fleet.expect(pod);
        let uid = program.uid;
        let run = &mut program.containers[at];
        let Some(mut workers) = run.probes.take() else { return };
        let mut due = next_turn(run, now);
        for kind in KINDS {
            let (Some(params), Some(worker)) = (params.get(kind), workers.worker(kind)) else {
                continue;
            };
            let change = worker.next_change(params, &probed(run, kind, now, takes));
            due = due.min(change.map_or(Time::MAX, |change| change.at));
        }
        let old = std::mem::replace(&mut workers.due, due);
        run.probes = Some(workers);
        if due < Time::MAX && due != old {
            let after = due.since(now);
            host.machine(after, Event::ProbeDue { pod, uid, container: place });
        }
    }

    pub(in crate::sim) fn probe_due<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        place: u8,
    ) {
        let now = host.now;
        let Some(program) = self.fleet.program_if(pod, uid) else { return };
        let stage = program.stage;
        let Some(run) = program.containers.get_mut(usize::from(place)) else { return };
        let Some(workers) = run.probes.as_mut() else {
            if stage == Stage::Up && run.running {
                self.probe_told(host, pod);
                self.unprobed_turns(host, pod, place);
            }
            return;
        };
        if workers.due != now {
            return;
        }
        workers.due = Time::MAX;
        self.probe_until(host, (pod, place), now);
        // From now on the container answers as it does now; a probe may begin and end right now.
        self.probe_until(host, (pod, place), now + Span::from_nanos(1));
        self.probes_reschedule(host, pod, place);
    }

    /// Sees to the next time at which a container that nobody probes would answer otherwise, if
    /// that matters.
    pub(super) fn unprobed_turns<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        place: u8,
    ) {
        let program = self.fleet.get(pod);
        let run = &program.containers[usize::from(place)];
        let turn = next_turn(run, host.now);
        let matters = self.timing.kubelet.unprobed == Unprobed::AsProbed && run.probes.is_none();
        if matters && turn < Time::MAX {
            let uid = program.uid;
            let event = Event::ProbeDue { pod, uid, container: place };
            host.machine(turn.since(host.now), event);
        }
    }

    /// Takes in what the look at the containers of a pod that began at `looked` has shown, and
    /// what its probes have found.
    pub(super) fn learn<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, looked: Time) {
        let settled = self.timing.kubelet.unprobed == Unprobed::AtOnce;
        for place in 0..self.fleet.get(pod).containers.len() {
            let run = &self.fleet.get(pod).containers[place];
            let shown = run.changed < looked || run.changed == Time::ZERO;
            let was_running = matches!(run.seen, ContainerState::Running { .. });
            let watched = run.probes.is_some();
            if !shown && !was_running || !watched && settled && run.running && is_up(run.seen) {
                continue;
            }
            if watched {
                self.probes_catch_up(host, pod, place as u8);
            }
            let run = &mut self.fleet.expect(pod).containers[place];
            let (started, ready) = match settled || watched {
                true => findings(run),
                false => answers(run, host.now),
            };
            let known_running = if shown { run.running } else { was_running };
            if known_running {
                run.seen = ContainerState::Running { started, ready };
            } else {
                if shown && run.last_exit.is_some() && run.life.began < Time::MAX {
                    run.exited = Some(run.changed);
                }
                run.seen = run.state(false, false);
            }
            if watched {
                trigger(run, (started, ready), host.now);
                self.probes_reschedule(host, pod, place as u8);
            }
        }
    }
}

/// Whether a container would pass a startup and a readiness probe.
fn answers(run: &ContainerRun, at: Time) -> (bool, bool) {
    let Life { startup_at, ready_at, hangs_at, .. } = run.life;
    (true, startup_at.max(ready_at) <= at && at < hangs_at)
}

/// The state of a container without probes that runs.
fn is_up(seen: ContainerState) -> bool {
    seen == ContainerState::Running { started: true, ready: true }
}

/// The kubelet asks for a readiness probe at once of a container that is started and not ready.
fn trigger(run: &mut ContainerRun, (started, ready): (bool, bool), now: Time) {
    let running = matches!(run.seen, ContainerState::Running { .. });
    if let Some(workers) = &mut run.probes
        && let Some(worker) = workers.readiness.as_mut().filter(|_| running && started && !ready)
    {
        worker.trigger(now);
    }
}

/// What the probes of a container say: started, and ready.
fn findings(run: &ContainerRun) -> (bool, bool) {
    let Some(workers) = &run.probes else { return (true, true) };
    let says = |worker: Option<ProbeWorker>| {
        worker.is_none_or(|worker| worker.result(run.starts) == ProbeResult::Success)
    };
    let started = says(workers.startup);
    (started, started && says(workers.readiness))
}

/// One worker for each probe; `None` for a container without probes.
fn workers(
    probes: &Probes,
    worker: impl Fn(ProbeKind, &ProbeParams) -> ProbeWorker,
) -> Option<Box<ProbeWorkers>> {
    if probes.is_empty() {
        return None;
    }
    let mut workers = ProbeWorkers { due: Time::MAX, ..ProbeWorkers::default() };
    for (kind, params) in probes.iter() {
        *workers.worker(kind) = Some(worker(kind, params));
    }
    Some(Box::new(workers))
}
