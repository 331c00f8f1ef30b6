//! What probes find: results, and what a container answers.
//!
//! Source: `pkg/kubelet/prober/{worker,prober_manager}.go`, Kubernetes 1.34.

use crate::ground::Span;
use crate::model::{ProbeKind, ProbeParams};
use serde::{Deserialize, Serialize};

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

impl ProbeResult {
    /// What is published for a container before the first result.
    pub const fn initial(kind: ProbeKind) -> ProbeResult {
        match kind {
            ProbeKind::Startup => ProbeResult::Unknown,
            ProbeKind::Readiness => ProbeResult::Failure,
            ProbeKind::Liveness => ProbeResult::Success,
        }
    }

    /// Results in a row that publish this one.
    pub(super) fn threshold(self, params: &ProbeParams) -> u32 {
        match self {
            ProbeResult::Failure => params.failure_threshold,
            ProbeResult::Success | ProbeResult::Unknown => params.success_threshold,
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
