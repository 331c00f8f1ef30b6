//! When a silent node is called unreachable, and when it is tainted.
//!
//! Source: `pkg/controller/nodelifecycle`, `pkg/kubelet` and `component-helpers` lease code,
//! Kubernetes 1.34.

use crate::ground::{Problem, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The key of the taints of a node that is not heard of.
pub const UNREACHABLE_TAINT: &str = "node.kubernetes.io/unreachable";

/// Timing of heartbeats and of those who look at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NodeLifecycleParams {
    /// How often a kubelet renews the lease of its node. Kubernetes 1.34: 10s, a quarter of the
    /// lease duration of 40s.
    pub lease_renewal: Span,
    /// How often the controller looks at all nodes (`--node-monitor-period`). Kubernetes 1.34: 5s.
    pub monitor_period: Span,
    /// How long a node may be silent, from the look that saw its last renewal
    /// (`--node-monitor-grace-period`). Kubernetes 1.34: 50s; 1.29 and before: 40s.
    pub grace_period: Span,
    /// How often the queue of nodes to be tainted NoExecute is polled. Kubernetes 1.34: 100ms.
    pub taint_poll: Span,
}

impl Default for NodeLifecycleParams {
    fn default() -> NodeLifecycleParams {
        NodeLifecycleParams {
            lease_renewal: Span::from_secs(10),
            monitor_period: Span::from_secs(5),
            grace_period: Span::from_secs(50),
            taint_poll: Span::from_millis(100),
        }
    }
}

impl NodeLifecycleParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (path, span) in [
            ("lease_renewal", self.lease_renewal),
            ("monitor_period", self.monitor_period),
            ("taint_poll", self.taint_poll),
        ] {
            if span.is_zero() {
                problems.push(
                    Problem::new(path, format!("`{path}` is zero, which would never end"))
                        .hint("write a length such as `5s`"),
                );
            }
        }
        if self.grace_period < self.lease_renewal {
            problems.push(
                Problem::new(
                    "grace_period",
                    "`grace_period` is shorter than `lease_renewal`, so healthy nodes would be \
                     called unreachable",
                )
                .hint("make it several times as long as `lease_renewal`"),
            );
        }
        problems
    }

    /// The last renewal of a lease at or before `now`, if its renewals have this phase.
    pub fn last_renewal(&self, now: Time, phase: Span) -> Option<Time> {
        now.last_tick(self.lease_renewal, phase)
    }

    /// The look at which a node whose last renewal was at `renewal` is called unreachable: the
    /// first one at least the grace period after the look that saw the renewal. `phase` is the
    /// time of the first look; looks are exactly a period apart, so the tenth look after 50 s
    /// already counts.
    pub fn unreachable_at(&self, renewal: Time, phase: Span) -> Time {
        let seen = renewal.next_tick(self.monitor_period, phase);
        (seen + self.grace_period).next_tick(self.monitor_period, phase)
    }

    /// The poll at which a node that became unreachable now is tainted NoExecute.
    pub fn tainted_at(&self, now: Time) -> Time {
        now.next_tick(self.taint_poll, Span::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_of_the_specification() {
        let params = NodeLifecycleParams::default();
        let short = NodeLifecycleParams { grace_period: Span::from_secs(40), ..params };
        let seconds = Time::from_secs;
        assert_eq!(params.unreachable_at(seconds(100), Span::ZERO), seconds(150));
        assert_eq!(short.unreachable_at(seconds(100), Span::ZERO), seconds(140));
        let renewal = params.last_renewal(seconds(103), Span::from_secs(7)).unwrap();
        assert_eq!(renewal, seconds(97));
        assert_eq!(params.unreachable_at(renewal, Span::ZERO), seconds(150));
        assert_eq!(params.unreachable_at(renewal, Span::from_secs(3)), seconds(148));
    }

    #[test]
    fn wrong_parameters_are_named() {
        let zero = NodeLifecycleParams { monitor_period: Span::ZERO, ..Default::default() };
        assert_eq!(zero.check()[0].path, "monitor_period");
        let short = NodeLifecycleParams { grace_period: Span::from_secs(1), ..Default::default() };
        assert_eq!(short.check()[0].path, "grace_period");
        assert!(NodeLifecycleParams::default().check().is_empty());
    }
}
