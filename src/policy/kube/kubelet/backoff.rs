//! The back-off that kubelets use for restarts and image pulls.
//!
//! Source: `client-go/util/flowcontrol/backoff.go`, Kubernetes 1.34, without jitter.

use crate::ground::{Problem, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a back-off grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BackoffParams {
    /// The first delay; each one doubles the one before. Kubernetes 1.34: 10s.
    pub base: Span,
    /// The longest delay. After twice this time without an advance the delay starts again at
    /// `base`. Kubernetes 1.34: 300s.
    pub cap: Span,
}

impl Default for BackoffParams {
    fn default() -> BackoffParams {
        BackoffParams { base: Span::from_secs(10), cap: Span::from_secs(300) }
    }
}

/// The delay in force, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// Delay.
    pub delay: Span,
    /// When it was last advanced.
    pub advanced: Time,
}

impl BackoffParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        if self.base <= self.cap {
            return Vec::new();
        }
        let text = format!("`base` of {} is longer than `cap` of {}", self.base, self.cap);
        vec![Problem::new("base", text).hint("make `cap` the longer one")]
    }

    /// The back-off after something that happened at `event` was dealt with at `now`.
    pub fn advance(&self, before: Option<Backoff>, event: Time, now: Time) -> Backoff {
        let delay = match before.filter(|backoff| !self.is_expired(backoff, event)) {
            None => self.base,
            Some(backoff) => (backoff.delay * 2).min(self.cap),
        };
        Backoff { delay, advanced: now }
    }

    /// True if the delay says nothing any more about what happened at `event`.
    pub fn is_expired(&self, backoff: &Backoff, event: Time) -> bool {
        event.since(backoff.advanced) > self.cap * 2
    }
}
