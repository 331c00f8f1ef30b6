//! Decisions of the kubelet.

use super::{Compared, compared, input, with_output};
use crate::ground::{Span, Time};
use crate::model::{Pressure, ProbeKind, ProbeParams};
use crate::policy::kube::kubelet::{
    Answer, Backoff, BackoffParams, Candidate, ProbeResult, ProbeWorker, Probed, after_restart,
    eviction_order, restart_not_before,
};
use serde::Deserialize;
use serde_json::{Value, json};

const MILLISECOND: u64 = 1_000_000;

fn at_millis(millis: u64) -> Time {
    Time::from_nanos(millis * MILLISECOND)
}

fn millis(time: Time) -> u64 {
    time.as_nanos() / MILLISECOND
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Lives {
    #[serde(rename = "case")]
    _case: u64,
    base_s: u64,
    max_s: u64,
    lives: Vec<Life>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Life {
    start_ms: u64,
    run_ms: u64,
    exit_ms: u64,
    next_start_ms: u64,
    backoff_after_s: u64,
}

pub(super) fn crash_backoff(line: &Value) -> Result<Compared, String> {
    let read = Lives::deserialize(line).map_err(|error| error.to_string())?;
    let params =
        BackoffParams { base: Span::from_secs(read.base_s), cap: Span::from_secs(read.max_s) };
    let row = |exit: u64, next: u64, backoff: u64| json!([exit, next, backoff]);
    let mut backoff: Option<Backoff> = None;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for life in &read.lives {
        let exit = life.start_ms + life.run_ms;
        let next = restart_not_before(&params, backoff, at_millis(exit));
        let after = after_restart(&params, backoff, at_millis(exit), next);
        backoff = Some(after);
        let delay = after.delay.as_nanos() / (1000 * MILLISECOND);
        ours.push(row(exit, millis(next), delay));
        theirs.push(row(life.exit_ms, life.next_start_ms, life.backoff_after_s));
    }
    compared(json!({ "lives": ours }), json!({ "lives": theirs }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ranked {
    signal: String,
    pods: Vec<RankedPod>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RankedPod {
    name: String,
    priority: i32,
    usage_bytes: Option<u64>,
    processes: Option<u64>,
    request_bytes: Option<u64>,
}

pub(super) fn eviction_rank(line: &Value) -> Result<Compared, String> {
    let read: Ranked = input(line)?;
    let pressure = match read.signal.as_str() {
        "memory" => Pressure::Memory,
        "disk" => Pressure::Disk,
        "pid" => Pressure::Pid,
        other => return Err(format!("`{other}` is no signal")),
    };
    let candidate = |pod: &RankedPod| Candidate {
        priority: pod.priority,
        critical: false,
        usage: pod.usage_bytes.or(pod.processes),
        request: pod.request_bytes.unwrap_or(0),
    };
    let candidates: Vec<Candidate> = read.pods.iter().map(candidate).collect();
    let order: Vec<&str> = eviction_order(pressure, &candidates)
        .into_iter()
        .map(|place| read.pods[place].name.as_str())
        .collect();
    with_output(line, json!({ "order": order }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProbeInput {
    probe: ProbeKind,
    worker_start_ms: u64,
    container_start_ms: u64,
    end_ms: u64,
    health_toggles_ms: Vec<u64>,
    initial_delay_s: u64,
    period_s: u64,
    success_threshold: u32,
    failure_threshold: u32,
}

impl ProbeInput {
    fn params(&self) -> ProbeParams {
        ProbeParams {
            initial_delay: Span::from_secs(self.initial_delay_s),
            period: Span::from_secs(self.period_s),
            success_threshold: self.success_threshold,
            failure_threshold: self.failure_threshold,
            ..ProbeParams::default()
        }
    }

    /// What the worker finds at `now`.
    fn found(&self, now: Time, worker: &ProbeWorker) -> Probed {
        let toggled = self.health_toggles_ms.iter().filter(|at| at_millis(**at) <= now).count();
        let answer = if toggled % 2 == 1 {
            Answer::Success(Span::ZERO)
        } else {
            Answer::Failure(Span::ZERO)
        };
        let started = match self.probe {
            ProbeKind::Startup => worker.result(0) == ProbeResult::Success,
            ProbeKind::Readiness | ProbeKind::Liveness => true,
        };
        let running_since = Some(at_millis(self.container_start_ms));
        Probed { container: 0, running_since, started, deleting: false, answer }
    }
}

fn result_word(result: ProbeResult) -> &'static str {
    match result {
        ProbeResult::Success => "Success",
        ProbeResult::Failure => "Failure",
        ProbeResult::Unknown => "UNKNOWN",
    }
}

/// Tick by tick. What the worker publishes when it first sees the container is recorded too.
pub(super) fn probe_timing(line: &Value) -> Result<Compared, String> {
    let read: ProbeInput = input(line)?;
    let params = read.params();
    let mut worker = ProbeWorker::new(read.probe, at_millis(read.worker_start_ms));
    let (mut probes, mut results) = (Vec::new(), Vec::new());
    while worker.next_tick() <= at_millis(read.end_ms) {
        let at = worker.next_tick();
        if at >= at_millis(read.container_start_ms) && results.is_empty() {
            results.push(json!([millis(at), result_word(ProbeResult::initial(read.probe))]));
        }
        let tick = worker.tick(&params, &read.found(at, &worker));
        if let Some(result) = tick.probed {
            probes.push(json!([millis(at), result == ProbeResult::Success]));
        }
        if let Some(change) = tick.change {
            results.push(json!([millis(change.at), result_word(change.result)]));
        }
    }
    with_output(line, json!({ "probes": probes, "results": results }))
}
