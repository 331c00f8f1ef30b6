//! Probes as a pod specification has them.
//!
//! Source: `pkg/apis/core/v1/defaults.go` and `pkg/apis/core/validation`, Kubernetes 1.34.

use crate::ground::{Problem, Span};
use serde::{Deserialize, Serialize};

/// What a probe is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum ProbeKind {
    /// Has the container started? Until then the other probes do nothing.
    Startup = 0,
    /// Should it get traffic?
    Readiness = 1,
    /// Should it be killed?
    Liveness = 2,
}

/// A probe of a container, as a pod specification has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Says what is wrong with a probe of this kind. Paths are those of the Kubernetes object.
    pub fn check(&self, kind: ProbeKind) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (path, span) in [("periodSeconds", self.period), ("timeoutSeconds", self.timeout)] {
            if span < Span::from_secs(1) {
                problems.push(
                    Problem::new(path, format!("`{path}` is {span}, below a second"))
                        .hint("write seconds, at least 1"),
                );
            }
        }
        for (path, threshold) in [
            ("successThreshold", self.success_threshold),
            ("failureThreshold", self.failure_threshold),
        ] {
            if threshold == 0 {
                problems.push(Problem::new(path, format!("`{path}` is zero, and is at least 1")));
            }
        }
        if kind != ProbeKind::Readiness && self.success_threshold > 1 {
            let text = "`successThreshold` is more than 1, which only readiness probes may have";
            problems.push(Problem::new("successThreshold", text));
        }
        if kind == ProbeKind::Readiness && self.termination_grace.is_some() {
            let path = "terminationGracePeriodSeconds";
            let text = format!("`{path}` is given, but a readiness probe never kills");
            problems.push(Problem::new(path, text));
        }
        problems
    }

    /// True if a worker that starts now waits for a random part of its period first, because the
    /// kubelet itself is up for less than a period and would probe everything at once
    /// (`pkg/kubelet/prober/worker.go`).
    pub fn starts_scattered(&self, kubelet_up: Span) -> bool {
        self.period > kubelet_up
    }
}

/// The probes of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Probes {
    /// Has it started?
    pub startup: Option<ProbeParams>,
    /// Should it get traffic?
    pub readiness: Option<ProbeParams>,
    /// Should it be killed?
    pub liveness: Option<ProbeParams>,
}

impl Probes {
    /// True without any probe.
    pub fn is_empty(&self) -> bool {
        self.startup.is_none() && self.readiness.is_none() && self.liveness.is_none()
    }

    /// The probe of a kind.
    pub fn get(&self, kind: ProbeKind) -> Option<&ProbeParams> {
        match kind {
            ProbeKind::Startup => self.startup.as_ref(),
            ProbeKind::Readiness => self.readiness.as_ref(),
            ProbeKind::Liveness => self.liveness.as_ref(),
        }
    }

    /// The probes that there are, in order of kind.
    pub fn iter(&self) -> impl Iterator<Item = (ProbeKind, &ProbeParams)> {
        [ProbeKind::Startup, ProbeKind::Readiness, ProbeKind::Liveness]
            .into_iter()
            .filter_map(|kind| Some((kind, self.get(kind)?)))
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
        assert_eq!(paths, ["periodSeconds", "failureThreshold", "successThreshold"]);
        assert!(ProbeParams::default().check(ProbeKind::Startup).is_empty());
    }
}
