//! When a silent node is called unreachable, and when it is tainted.
//!
//! Source: `pkg/controller/nodelifecycle`, `pkg/kubelet` and `component-helpers` lease code,
//! Kubernetes 1.34.

use crate::ground::{Problem, Span, Time};
use crate::model::Condition;
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

    /// The look at which a node that was never heard of is called unreachable.
    pub fn never_updated_at(
        &self,
        startup: &NodeStartupParams,
        created: Time,
        phase: Span,
    ) -> Time {
        (created + startup.startup_grace).next_tick(self.monitor_period, phase)
    }

    /// The poll at which a node that became unreachable now is tainted NoExecute.
    pub fn tainted_at(&self, now: Time) -> Time {
        now.next_tick(self.taint_poll, Span::ZERO)
    }
}

/// How long a new node may take to be heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NodeStartupParams {
    /// How long a node that never had a Ready condition may be silent, from its creation
    /// (`--node-startup-grace-period`). Kubernetes 1.34: 60s.
    pub startup_grace: Span,
}

impl Default for NodeStartupParams {
    fn default() -> NodeStartupParams {
        NodeStartupParams { startup_grace: Span::from_secs(60) }
    }
}

/// What a look finds about a node in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSigns {
    /// When the Node object was created.
    pub created: Time,
    /// Its Ready condition, if it ever had one.
    pub ready: Option<Condition>,
    /// When the kubelet last wrote that condition.
    pub heartbeat: Option<Time>,
    /// When its lease was last renewed.
    pub lease: Option<Time>,
}

/// What the controller remembers of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHealth {
    /// The look that last found a sign of life.
    pub probed: Time,
    heartbeat: Option<Time>,
    lease: Option<Time>,
    had_condition: bool,
}

/// What a look concludes about a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finding {
    /// Its conditions stay as they are.
    AsReported,
    /// It was silent for too long: its conditions become Unknown.
    Silent {
        /// It never had a Ready condition: the reason is `NodeStatusNeverUpdated` instead of
        /// `NodeStatusUnknown`.
        never_updated: bool,
        /// The Ready condition was true until now: all pods of the node are marked as not ready.
        unready_pods: bool,
    },
}

impl NodeHealth {
    /// One look at a node, `before` being what an earlier look left, if there was one.
    ///
    /// A node is silent from the look at which its last sign of life was seen at least the grace
    /// period before: upstream compares strictly, but its looks drift by more than nothing.
    pub fn look(
        before: Option<NodeHealth>,
        params: &NodeLifecycleParams,
        startup: &NodeStartupParams,
        signs: &NodeSigns,
        now: Time,
    ) -> (NodeHealth, Finding) {
        let has_condition = signs.ready.is_some();
        let first = if has_condition { now } else { signs.created };
        let mut health = NodeHealth {
            probed: before.map_or(first, |health| health.probed),
            heartbeat: signs.heartbeat,
            lease: before.and_then(|health| health.lease),
            had_condition: has_condition,
        };
        if let Some(before) = before
            && (before.had_condition != has_condition || before.heartbeat != signs.heartbeat)
        {
            health.probed = now;
        }
        if signs.lease > health.lease {
            health.lease = signs.lease;
            health.probed = now;
        }
        let grace = if has_condition { params.grace_period } else { startup.startup_grace };
        let silent = now.since(health.probed) >= grace && signs.ready != Some(Condition::Unknown);
        if !silent {
            return (health, Finding::AsReported);
        }
        // The condition that the controller itself writes is no sign of life.
        health.had_condition = true;
        let unready_pods = signs.ready == Some(Condition::True);
        (health, Finding::Silent { never_updated: !has_condition, unready_pods })
    }

    /// After an outage of all zones the node counts as heard of now.
    pub fn reset(&mut self, now: Time) {
        self.probed = now;
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

    const SECOND: fn(u64) -> Time = Time::from_secs;
    const STARTUP: NodeStartupParams = NodeStartupParams { startup_grace: Span::from_secs(60) };

    fn look_at(before: Option<NodeHealth>, signs: &NodeSigns, now: Time) -> (NodeHealth, Finding) {
        NodeHealth::look(before, &NodeLifecycleParams::default(), &STARTUP, signs, now)
    }

    /// Looks every 5 s from 0 on at signs that `at` tells, until the node is found silent.
    fn found(params: &NodeLifecycleParams, at: impl Fn(Time) -> NodeSigns) -> (Time, Finding) {
        let mut health = None;
        let mut now = Time::ZERO;
        loop {
            let (after, finding) = NodeHealth::look(health, params, &STARTUP, &at(now), now);
            if finding != Finding::AsReported {
                return (now, finding);
            }
            health = Some(after);
            now += params.monitor_period;
        }
    }

    #[test]
    fn looks_agree_with_the_computed_time() {
        let params = NodeLifecycleParams::default();
        for crash in 1..60 {
            for lease_phase in 0..10 {
                let phase = Span::from_secs(lease_phase);
                let signs = |now: Time| NodeSigns {
                    created: Time::ZERO,
                    ready: Some(Condition::True),
                    heartbeat: Some(Time::ZERO),
                    lease: params.last_renewal(now.min(SECOND(crash)), phase),
                };
                let (at, finding) = found(&params, signs);
                let renewal = params.last_renewal(SECOND(crash), phase).unwrap_or(Time::ZERO);
                assert_eq!(at, params.unreachable_at(renewal, Span::ZERO), "{crash} {phase}");
                let silent = Finding::Silent { never_updated: false, unready_pods: true };
                assert_eq!(finding, silent);
            }
        }
    }

    #[test]
    fn a_node_that_is_never_heard_of_has_its_own_grace() {
        let params = NodeLifecycleParams::default();
        let created = SECOND(12);
        let mute = NodeSigns { created, ready: None, heartbeat: None, lease: None };
        let silent = Finding::Silent { never_updated: true, unready_pods: false };
        assert_eq!(found(&params, |now| NodeSigns { created: created.min(now), ..mute }).1, silent);
        let mut health = None;
        for look in (15..75).step_by(5) {
            let (after, finding) = look_at(health, &mute, SECOND(look));
            assert_eq!(finding, Finding::AsReported, "{look}");
            health = Some(after);
        }
        assert_eq!(params.never_updated_at(&STARTUP, created, Span::ZERO), SECOND(75));
        assert_eq!(look_at(health, &mute, SECOND(75)).1, silent);
        // A kubelet that renews its lease but never writes a status is left alone.
        let leased = NodeSigns { lease: Some(SECOND(70)), ..mute };
        assert_eq!(look_at(health, &leased, SECOND(75)).1, Finding::AsReported);
    }

    #[test]
    fn what_is_known_is_not_found_again_and_an_outage_starts_the_grace_anew() {
        let signs = NodeSigns {
            created: Time::ZERO,
            ready: Some(Condition::False),
            heartbeat: Some(SECOND(3)),
            lease: Some(SECOND(3)),
        };
        let (health, first) = look_at(None, &signs, SECOND(5));
        assert_eq!(first, Finding::AsReported);
        let (mut health, found) = look_at(Some(health), &signs, SECOND(55));
        assert_eq!(found, Finding::Silent { never_updated: false, unready_pods: false });
        let unknown = NodeSigns { ready: Some(Condition::Unknown), ..signs };
        let (_, again) = look_at(Some(health), &unknown, SECOND(60));
        assert_eq!(again, Finding::AsReported);
        health.reset(SECOND(100));
        for (look, finding) in [(145, Finding::AsReported), (150, found)] {
            assert_eq!(look_at(Some(health), &signs, SECOND(look)).1, finding);
        }
    }

    #[test]
    fn wrong_parameters_are_named() {
        let zero = NodeLifecycleParams { monitor_period: Span::ZERO, ..Default::default() };
        assert_eq!(zero.check()[0].path, "monitor_period");
        let short = NodeLifecycleParams { grace_period: Span::from_secs(1), ..Default::default() };
        assert_eq!(short.check()[0].path, "grace_period");
        assert_eq!(NodeStartupParams::default(), STARTUP);
        assert!(NodeLifecycleParams::default().check().is_empty());
    }
}
