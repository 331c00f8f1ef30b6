//! Probes: when a worker looks at its container and when what it publishes changes.
//!
//! Source: `pkg/kubelet/prober/{worker,prober_manager}.go`, Kubernetes 1.34.
//!
//! A probe that says what the last one said is no event. While nothing changes,
//! [`ProbeWorker::next_change`] tells when the published result will, and
//! [`ProbeWorker::advance`] brings the worker's memory there, skipping all ticks that say the same
//! in one step.

use super::{Answer, ProbeResult};
use crate::ground::{Span, Time};
use crate::model::{ProbeKind, ProbeParams};
use serde::{Deserialize, Serialize};

/// The container as the worker finds it; it stays so over a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// Number of the start: each restart makes a new container.
    pub container: u32,
    /// Since when it runs; `None` if it does not.
    pub running_since: Option<Time>,
    /// It counts as started: it has no startup probe, or that one published success.
    pub started: bool,
    /// The pod has a deletion timestamp.
    pub deleting: bool,
    /// What it answers.
    pub answer: Answer,
}

/// A published result changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeChange {
    /// When: the end of the probe that changed it.
    pub at: Time,
    /// To what.
    pub result: ProbeResult,
}

/// What one tick did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The container was probed, with this result.
    pub probed: Option<ProbeResult>,
    /// The published result changed.
    pub change: Option<ProbeChange>,
}

/// The memory of the worker of one probe of one container, from the pod's start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeWorker {
    kind: ProbeKind,
    /// The next tick of the ticker. One tick is kept while a slow probe is under way, others are
    /// lost.
    next_tick: Time,
    /// End of the last probe.
    free: Time,
    container: Option<u32>,
    published: ProbeResult,
    last: ProbeResult,
    run: u32,
    /// A failed liveness or startup probe asked for a new container; none is probed until then.
    on_hold: bool,
    ended: bool,
}

impl ProbeWorker {
    /// A worker whose first tick is at `first`: the time it starts, or a random part of the period
    /// later where [`ProbeParams::starts_scattered`] says so.
    pub fn new(kind: ProbeKind, first: Time) -> ProbeWorker {
        ProbeWorker {
            kind,
            next_tick: first,
            free: first,
            container: None,
            published: ProbeResult::initial(kind),
            last: ProbeResult::Unknown,
            run: 0,
            on_hold: false,
            ended: false,
        }
    }

    /// A worker that has found this container well for long, and ticks next at `next`.
    pub fn settled(kind: ProbeKind, container: u32, next: Time) -> ProbeWorker {
        ProbeWorker {
            container: Some(container),
            published: ProbeResult::Success,
            last: ProbeResult::Success,
            run: 1,
            ..ProbeWorker::new(kind, next)
        }
    }

    /// What is published for this container.
    pub fn result(&self, container: u32) -> ProbeResult {
        if self.container == Some(container) {
            self.published
        } else {
            ProbeResult::initial(self.kind)
        }
    }

    /// When the next tick takes place; never, once the worker has ended.
    pub fn next_tick(&self) -> Time {
        if self.ended { Time::MAX } else { self.next_tick.max(self.free) }
    }

    /// The kubelet asks for a tick now and the ticker starts anew: it does so with a readiness
    /// worker whenever it computes the status of a started container that is not ready.
    pub fn trigger(&mut self, now: Time) {
        self.next_tick = now.max(self.free);
    }

    /// The next tick takes place.
    pub fn tick(&mut self, params: &ProbeParams, probed: &Probed) -> Tick {
        let at = self.next_tick();
        let nothing = Tick { probed: None, change: None };
        self.next_tick = (at + Span::from_nanos(1)).next_tick(params.period, self.phase(params));
        let Some(since) = probed.running_since.filter(|since| *since <= at) else {
            return nothing;
        };
        self.meet(probed.container);
        if self.on_hold {
            return nothing;
        }
        if probed.deleting && self.kind != ProbeKind::Readiness {
            self.ended = true;
            return Tick { probed: None, change: self.publish(ProbeResult::Success, at) };
        }
        let too_young = at < since + whole_seconds(params.initial_delay);
        if too_young || probed.started == (self.kind == ProbeKind::Startup) {
            return nothing;
        }
        let (result, takes) = probed.answer.outcome(params.timeout);
        self.free = at + takes;
        self.run = if self.last == result { self.run.saturating_add(1) } else { 1 };
        self.last = result;
        if self.run < result.threshold(params) {
            return Tick { probed: Some(result), change: None };
        }
        let change = self.publish(result, self.free);
        if self.kind != ProbeKind::Readiness && result == ProbeResult::Failure {
            self.on_hold = true;
            self.run = 0;
        }
        Tick { probed: Some(result), change }
    }

    /// Does all ticks before `until` while the container stays as it is, and stops after the first
    /// that changes the published result. That change may come after `until`, if its probe takes
    /// so long.
    pub fn advance(
        &mut self,
        params: &ProbeParams,
        probed: &Probed,
        until: Time,
    ) -> Option<ProbeChange> {
        while self.next_tick() < until {
            let idle = self.idle_until(params, probed);
            if idle > self.next_tick() {
                if idle == Time::MAX && until == Time::MAX {
                    return None;
                }
                self.next_tick = idle.min(until).next_tick(params.period, self.phase(params));
            } else if self.is_settled(params, probed) {
                self.skip(params, probed, until);
                return None;
            } else if let Some(change) = self.tick(params, probed).change {
                return Some(change);
            }
        }
        None
    }

    /// The next change of the published result while the container stays as it is.
    pub fn next_change(&self, params: &ProbeParams, probed: &Probed) -> Option<ProbeChange> {
        let mut ahead = *self;
        ahead.advance(params, probed, Time::MAX)
    }

    /// Until then ticks only look; the past if the next one does more.
    fn idle_until(&self, params: &ProbeParams, probed: &Probed) -> Time {
        let Some(since) = probed.running_since else { return Time::MAX };
        if self.on_hold && self.container == Some(probed.container) {
            Time::MAX
        } else if probed.deleting && self.kind != ProbeKind::Readiness {
            since
        } else if probed.started == (self.kind == ProbeKind::Startup) {
            Time::MAX
        } else {
            since + whole_seconds(params.initial_delay)
        }
    }

    /// True if the probes to come answer the same, again and again, which is published already.
    fn is_settled(&self, params: &ProbeParams, probed: &Probed) -> bool {
        if probed.deleting && self.kind != ProbeKind::Readiness {
            return false;
        }
        let (result, takes) = probed.answer.outcome(params.timeout);
        let on_grid = self.free <= self.next_tick && takes <= params.period;
        let back_to_back = takes >= params.period;
        self.container == Some(probed.container)
            && self.last == result
            && self.published == result
            && (on_grid || back_to_back)
    }

    /// Does all probes that begin before `until`, given that the worker is settled.
    fn skip(&mut self, params: &ProbeParams, probed: &Probed, until: Time) {
        if until == Time::MAX {
            return; // a look ahead, which found that nothing will change
        }
        let (_, takes) = probed.answer.outcome(params.timeout);
        let phase = self.phase(params);
        let start = self.next_tick();
        let step = takes.max(params.period);
        let probes = until.since(start).as_nanos().div_ceil(step.as_nanos());
        let last = start + step * (probes - 1);
        self.run = self.run.saturating_add(u32::try_from(probes).unwrap_or(u32::MAX));
        self.next_tick = (last + Span::from_nanos(1)).next_tick(params.period, phase);
        self.free = last + takes;
    }

    /// Where in its period the ticker ticks.
    fn phase(&self, params: &ProbeParams) -> Span {
        Span::from_nanos(self.next_tick.as_nanos() % params.period.as_nanos())
    }

    fn meet(&mut self, container: u32) {
        if self.container != Some(container) {
            self.container = Some(container);
            self.published = ProbeResult::initial(self.kind);
            self.on_hold = false;
        }
    }

    fn publish(&mut self, result: ProbeResult, at: Time) -> Option<ProbeChange> {
        let changed = self.published != result;
        self.published = result;
        changed.then_some(ProbeChange { at, result })
    }
}

fn whole_seconds(span: Span) -> Span {
    Span::from_nanos(span.as_nanos() - span.as_nanos() % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::kube::kubelet::golden;
    use proptest::prelude::*;
    use serde_json::Value;

    const WELL: Answer = Answer::Success(Span::ZERO);
    const ILL: Answer = Answer::Failure(Span::ZERO);

    fn millis(at: u64) -> Time {
        Time::from_nanos(at * 1_000_000)
    }

    fn seconds(at: u64) -> Time {
        Time::from_secs(at)
    }

    fn running(since: Time, answer: Answer) -> Probed {
        let running_since = Some(since);
        Probed { container: 0, running_since, started: true, deleting: false, answer }
    }

    /// A recorded case: settings, and what the container answers at a time.
    struct Recorded {
        kind: ProbeKind,
        params: ProbeParams,
        since: Time,
        end: Time,
        toggles: Vec<Time>,
    }

    impl Recorded {
        fn read(case: &Value) -> Recorded {
            let input = &case["input"];
            let number = |name: &str| input[name].as_u64().unwrap();
            let short = |name: &str| u32::try_from(number(name)).unwrap();
            Recorded {
                kind: match input["probe"].as_str().unwrap() {
                    "Startup" => ProbeKind::Startup,
                    "Readiness" => ProbeKind::Readiness,
                    _ => ProbeKind::Liveness,
                },
                params: ProbeParams {
                    initial_delay: Span::from_secs(number("initialDelayS")),
                    period: Span::from_secs(number("periodS")),
                    success_threshold: short("successThreshold"),
                    failure_threshold: short("failureThreshold"),
                    ..ProbeParams::default()
                },
                since: millis(number("containerStartMs")),
                end: millis(number("endMs")),
                toggles: input["healthTogglesMs"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|at| millis(at.as_u64().unwrap()))
                    .collect(),
            }
        }

        fn at(&self, now: Time, worker: &ProbeWorker) -> Probed {
            let toggled = self.toggles.iter().filter(|at| **at <= now).count();
            let answer = if toggled % 2 == 1 { WELL } else { ILL };
            let started = match self.kind {
                ProbeKind::Startup => worker.result(0) == ProbeResult::Success,
                ProbeKind::Readiness | ProbeKind::Liveness => true,
            };
            Probed { started, ..running(self.since, answer) }
        }

        /// Tick by tick: probes and published results as they were recorded.
        fn tick_by_tick(&self) -> (Vec<(Time, bool)>, Vec<ProbeChange>) {
            let mut worker = ProbeWorker::new(self.kind, Time::ZERO);
            let (mut probes, mut changes) = (Vec::new(), Vec::new());
            while worker.next_tick() <= self.end {
                let at = worker.next_tick();
                if at >= self.since && worker.container.is_none() {
                    changes.push(ProbeChange { at, result: ProbeResult::initial(self.kind) });
                }
                let tick = worker.tick(&self.params, &self.at(at, &worker));
                probes.extend(tick.probed.map(|result| (at, result == ProbeResult::Success)));
                changes.extend(tick.change);
            }
            (probes, changes)
        }

        /// From change to change, as a simulator does it: the container's answer toggles, or what
        /// the worker publishes does.
        fn by_changes(&self) -> Vec<ProbeChange> {
            let mut worker = ProbeWorker::new(self.kind, Time::ZERO);
            let mut changes = Vec::new();
            let mut now = Time::ZERO;
            let mut toggles = self.toggles.iter().copied().filter(|at| *at <= self.end).peekable();
            loop {
                while toggles.next_if(|at| *at <= now).is_some() {}
                let probed = self.at(now, &worker);
                let until = toggles.peek().copied().unwrap_or(self.end + Span::from_nanos(1));
                let ahead = worker.next_change(&self.params, &probed);
                let change = worker.advance(&self.params, &probed, until);
                assert_eq!(change, ahead.filter(|change| change.at < until));
                changes.extend(change);
                match (change, toggles.peek()) {
                    (Some(change), _) => now = change.at,
                    (None, Some(toggle)) => now = *toggle,
                    (None, None) => return changes,
                }
            }
        }
    }

    fn recorded_result(text: &str) -> ProbeResult {
        match text {
            "Success" => ProbeResult::Success,
            "Failure" => ProbeResult::Failure,
            _ => ProbeResult::Unknown,
        }
    }

    #[test]
    fn recorded_timing() {
        let cases = golden::decisions("kubelet-probe-timing");
        let mut wrong = Vec::new();
        for case in &cases {
            let recorded = Recorded::read(case);
            let rows = |name: &str| case["output"][name].as_array().cloned().unwrap_or_default();
            let time = |row: &Value| millis(row[0].as_u64().unwrap());
            let probes: Vec<_> =
                rows("probes").iter().map(|row| (time(row), row[1].as_bool().unwrap())).collect();
            let results: Vec<_> = rows("results")
                .iter()
                .map(|row| ProbeChange {
                    at: time(row),
                    result: recorded_result(row[1].as_str().unwrap()),
                })
                .collect();
            let (own_probes, own_results) = recorded.tick_by_tick();
            let changes = recorded.by_changes();
            let seen = usize::min(1, own_results.len());
            if own_probes != probes || own_results != results || changes != own_results[seen..] {
                wrong.push(format!("{case}: {own_probes:?} {own_results:?} {changes:?}"));
            }
        }
        golden::report("kubelet-probe-timing", cases.len(), &wrong);
    }

    #[test]
    fn a_hanging_container_is_found_between_21_and_31_seconds_later() {
        let params = ProbeParams::default();
        for hang in 100..200 {
            let mut worker = ProbeWorker::new(ProbeKind::Liveness, seconds(3));
            let hang = millis(hang * 100);
            let before = running(seconds(3), WELL);
            assert_eq!(worker.advance(&params, &before, hang), None);
            let after = Probed { answer: Answer::Silence, ..before };
            let change = worker.next_change(&params, &after).unwrap();
            assert_eq!(change.result, ProbeResult::Failure);
            let took = change.at.since(hang);
            assert!((Span::from_secs(21)..=Span::from_secs(31)).contains(&took), "{hang}: {took}");
        }
    }

    #[test]
    fn a_container_has_failure_threshold_periods_to_start() {
        let params = ProbeParams { failure_threshold: 30, ..ProbeParams::default() };
        let worker = ProbeWorker::new(ProbeKind::Startup, Time::ZERO);
        let starting = Probed { started: false, ..running(Time::ZERO, ILL) };
        let killed = worker.next_change(&params, &starting).unwrap();
        assert_eq!(killed, ProbeChange { at: seconds(290), result: ProbeResult::Failure });
        let mut late = ProbeWorker::new(ProbeKind::Startup, seconds(1));
        assert_eq!(late.advance(&params, &starting, seconds(285)), None);
        let well = Probed { answer: WELL, ..starting };
        let started = ProbeChange { at: seconds(291), result: ProbeResult::Success };
        assert_eq!(late.advance(&params, &well, Time::MAX), Some(started));
        let gated = ProbeWorker::new(ProbeKind::Liveness, Time::ZERO);
        assert_eq!(gated.next_change(&params, &starting), None, "waits for the startup probe");
    }

    #[test]
    fn readiness_comes_with_the_next_tick_or_a_trigger() {
        let params = ProbeParams::default();
        let mut worker = ProbeWorker::new(ProbeKind::Readiness, Time::ZERO);
        let ready = running(Time::ZERO, WELL);
        worker.advance(&params, &Probed { answer: ILL, ..ready }, millis(3200));
        let next = ProbeChange { at: seconds(10), result: ProbeResult::Success };
        assert_eq!(worker.next_change(&params, &ready), Some(next));
        worker.trigger(millis(4500));
        let at_once = ProbeChange { at: millis(4500), result: ProbeResult::Success };
        assert_eq!(worker.advance(&params, &ready, millis(4501)), Some(at_once));
        assert_eq!(worker.next_tick(), millis(14_500), "the ticker starts anew");
    }

    #[test]
    fn the_first_probe_waits_for_the_age_of_the_container() {
        let params = ProbeParams {
            initial_delay: Span::from_secs(7),
            period: Span::from_secs(5),
            ..ProbeParams::default()
        };
        let worker = ProbeWorker::new(ProbeKind::Readiness, Time::ZERO);
        let change = worker.next_change(&params, &running(Time::ZERO, WELL)).unwrap();
        assert_eq!(change.at, seconds(10));
    }

    #[test]
    fn a_killed_container_is_left_alone_and_the_next_one_probed_afresh() {
        let params = ProbeParams::default();
        let mut worker = ProbeWorker::new(ProbeKind::Liveness, Time::ZERO);
        let ill = running(Time::ZERO, ILL);
        let killed = worker.advance(&params, &ill, seconds(100)).unwrap();
        assert_eq!(killed.at, seconds(20));
        assert_eq!(worker.next_change(&params, &ill), None, "on hold");
        assert_eq!(worker.advance(&params, &ill, seconds(57)), None);
        let next = Probed { container: 1, ..running(seconds(57), ILL) };
        assert_eq!(worker.result(1), ProbeResult::Success);
        assert_eq!(worker.next_change(&params, &next).unwrap().at, seconds(80));
        let deleting = Probed { deleting: true, ..next };
        assert_eq!(worker.advance(&params, &deleting, seconds(70)), None);
        assert_eq!(worker.next_tick(), Time::MAX, "liveness ends with the pod's deletion");
    }

    fn any_answer() -> impl Strategy<Value = Answer> {
        prop_oneof![
            (0u64..30).prop_map(|tenths| Answer::Success(Span::from_millis(tenths * 100))),
            (0u64..30).prop_map(|tenths| Answer::Failure(Span::from_millis(tenths * 100))),
            Just(Answer::Silence),
        ]
    }

    proptest! {
        /// Skipping ticks leaves the same memory as doing each of them, slow probes included.
        #[test]
        fn skipping_is_the_same_as_ticking(
            period in 1u64..4,
            timeout in 1u64..6,
            delay in 0u64..20,
            stretches in prop::collection::vec((any_answer(), 1u64..400), 1..6),
        ) {
            let params = ProbeParams {
                initial_delay: Span::from_secs(delay),
                period: Span::from_secs(period),
                timeout: Span::from_secs(timeout),
                success_threshold: 2,
                ..ProbeParams::default()
            };
            let mut fast = ProbeWorker::new(ProbeKind::Readiness, Time::ZERO);
            let mut slow = fast;
            let mut now = Time::ZERO;
            for (answer, tenths) in stretches {
                now += Span::from_millis(tenths * 100);
                let probed = running(millis(500), answer);
                let mut by_skips = Vec::new();
                while let Some(change) = fast.advance(&params, &probed, now) {
                    by_skips.push(change);
                }
                let mut by_ticks = Vec::new();
                while slow.next_tick() < now {
                    by_ticks.extend(slow.tick(&params, &probed).change);
                }
                prop_assert_eq!(by_skips, by_ticks);
                // Looks at a container that is too young may be left out.
                fast.container = slow.container;
                prop_assert_eq!(fast, slow);
            }
        }
    }
}
