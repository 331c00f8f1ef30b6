//! Probes as a pod specification has them, and what a container answers.
//!
//! Source: `pkg/apis/core/v1/defaults.go`, `pkg/apis/core/validation` and
//! `pkg/kubelet/prober/{worker,prober_manager}.go`, Kubernetes 1.34.

use crate::ground::{Problem, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a probe is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProbeKind {
    /// Has the container started? Until then the other probes do nothing.
    Startup,
    /// Should it get traffic?
    Readiness,
    /// Should it be killed?
    Liveness,
}

/// A probe of a container, as a pod specification has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProbeParams {
    /// No probe before the container is so old, in whole seconds. Kubernetes 1.34: 0s.
    pub initial_delay: Span,
    /// Time from tick to tick, at least 1s. Kubernetes 1.34: 10s.
    pub period: Span,
    /// A probe without an answer fails after this. Kubernetes 1.34: 1s.
    pub timeout: Span,
    /// Successes in a row after a failure until success is published; 1 but for readiness.
    /// Kubernetes 1.34: 1.
    pub success_threshold: u32,
    /// Failures in a row until failure is published. Kubernetes 1.34: 3.
    pub failure_threshold: u32,
    /// Grace of a container killed for this probe, the pod's if not given; not for readiness.
    pub termination_grace: Option<Span>,
}

impl Default for ProbeParams {
    fn default() -> ProbeParams {
        ProbeParams {
            initial_delay: Span::ZERO,
            period: Span::from_secs(10),
            timeout: Span::from_secs(1),
            success_threshold: 1,
            failure_threshold: 3,
            termination_grace: None,
        }
    }
}

impl ProbeParams {
    /// Says what is wrong with a probe of this kind.
    pub fn check(&self, kind: ProbeKind) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (path, span) in [("period", self.period), ("timeout", self.timeout)] {
            if span < Span::from_secs(1) {
                problems.push(
                    Problem::new(path, format!("`{path}` is {span}, below a second"))
                        .hint("write a length such as `10s`"),
                );
            }
        }
        for (path, threshold) in [
            ("success_threshold", self.success_threshold),
            ("failure_threshold", self.failure_threshold),
        ] {
            if threshold == 0 {
                problems.push(Problem::new(path, format!("`{path}` is zero, and is at least 1")));
            }
        }
        if kind != ProbeKind::Readiness && self.success_threshold > 1 {
            let text = "`success_threshold` is more than 1, which only readiness probes may have";
            problems.push(Problem::new("success_threshold", text));
        }
        if kind == ProbeKind::Readiness && self.termination_grace.is_some() {
            let text = "`termination_grace` is given, but a readiness probe never kills";
            problems.push(Problem::new("termination_grace", text));
        }
        problems
    }

    /// Results in a row that publish this one.
    pub(super) fn threshold(&self, result: ProbeResult) -> u32 {
        match result {
            ProbeResult::Failure => self.failure_threshold,
            ProbeResult::Success | ProbeResult::Unknown => self.success_threshold,
        }
    }

    /// True if a worker that starts now waits for a random part of its period first, because the
    /// kubelet itself is up for less than a period and would probe everything at once.
    pub fn starts_scattered(&self, kubelet_up: Span) -> bool {
        self.period > kubelet_up
    }
}

/// What a worker publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProbeResult {
    /// Nothing is known.
    Unknown,
    /// It is well.
    Success,
    /// It is not.
    Failure,
}

impl ProbeKind {
    /// What is published for a container before the first result.
    pub const fn initial(self) -> ProbeResult {
        match self {
            ProbeKind::Startup => ProbeResult::Unknown,
            ProbeKind::Readiness => ProbeResult::Failure,
            ProbeKind::Liveness => ProbeResult::Success,
        }
    }
}

/// What a container answers to a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It is well, says it after this time.
    Success(Span),
    /// It is not, says it after this time.
    Failure(Span),
    /// Nothing: it hangs.
    Silence,
}

impl Answer {
    /// Result and duration of the probe; an answer at or after the timeout is none.
    pub(super) fn outcome(self, timeout: Span) -> (ProbeResult, Span) {
        match self {
            Answer::Success(takes) if takes < timeout => (ProbeResult::Success, takes),
            Answer::Failure(takes) if takes < timeout => (ProbeResult::Failure, takes),
            Answer::Success(_) | Answer::Failure(_) | Answer::Silence => {
                (ProbeResult::Failure, timeout)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_scatters_its_first_tick_after_a_kubelet_restart() {
        let params = ProbeParams::default();
        assert!(params.starts_scattered(Span::from_secs(9)));
        assert!(!params.starts_scattered(Span::from_secs(10)));
    }

    #[test]
    fn wrong_parameters_are_named() {
        let wrong = ProbeParams {
            period: Span::ZERO,
            success_threshold: 2,
            failure_threshold: 0,
            ..ProbeParams::default()
        };
        let paths: Vec<_> =
            wrong.check(ProbeKind::Liveness).into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["period", "failure_threshold", "success_threshold"]);
        assert!(ProbeParams::default().check(ProbeKind::Startup).is_empty());
    }
}
