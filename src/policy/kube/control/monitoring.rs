//! Monitoring: what can be measured of a service, and alerts with a `for` duration.
//!
//! An alert is pending from the first look at which its condition holds, and fires at the first
//! look at which it has held for its duration (`rules/alerting.go`, Prometheus 2.x). Looks come
//! once per scrape interval; those that cannot find anything new need not be made.

use crate::ground::{Name, Span, Time};
use crate::model::{AlertState, PodSpecId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What monitoring measures of a service now. What declared error rates fill, traffic can fill
/// too.
pub trait MetricsView {
    /// Share of the requests to the service that are answered with an error, millionths; `None`
    /// while nobody answers.
    fn error_ppm(&self) -> Option<u32>;

    /// The same of requests to the pods of one revision, whether or not the service leads to them.
    fn revision_error_ppm(&self, revision: PodSpecId) -> Option<u32>;

    /// Share of the pods wanted that do not serve, millionths.
    fn missing_ppm(&self) -> u32;
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlertMetric {
    /// Share of requests answered with an error.
    ErrorRatio,
    /// Share of the pods wanted that do not serve.
    MissingRatio,
}

/// A rule, watched for each Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRule {
    /// Name of the alert.
    pub alert: Name,
    /// What is looked at.
    pub metric: AlertMetric,
    /// The condition holds while the metric is above this, millionths.
    pub above_ppm: u32,
    /// How long the condition holds before the alert fires.
    pub hold: Span,
}

impl AlertRule {
    /// True if the condition holds.
    pub fn holds(&self, view: &dyn MetricsView) -> bool {
        let found = match self.metric {
            AlertMetric::ErrorRatio => view.error_ppm(),
            AlertMetric::MissingRatio => Some(view.missing_ppm()),
        };
        found.is_some_and(|found| found > self.above_ppm)
    }
}

/// What is remembered of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// How it stands.
    pub state: AlertState,
    /// Since when its condition holds.
    since: Time,
}

impl Default for Alert {
    fn default() -> Alert {
        Alert { state: AlertState::Inactive, since: Time::ZERO }
    }
}

impl Alert {
    /// One look at `now`; the new state if it is another.
    pub fn look(&mut self, rule: &AlertRule, holds: bool, now: Time) -> Option<AlertState> {
        let before = self.state;
        self.state = match (before, holds) {
            (AlertState::Firing, true) => AlertState::Firing,
            (AlertState::Firing, false) => AlertState::Resolved,
            (AlertState::Resolved, false) => AlertState::Resolved,
            (_, false) => AlertState::Inactive,
            (_, true) => {
                if before != AlertState::Pending {
                    self.since = now;
                }
                let held = now.since(self.since) >= rule.hold;
                if held { AlertState::Firing } else { AlertState::Pending }
            }
        };
        (self.state != before).then_some(self.state)
    }

    /// When it can fire, if it is pending.
    pub fn due(&self, rule: &AlertRule) -> Option<Time> {
        (self.state == AlertState::Pending).then(|| self.since + rule.hold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_fires_after_its_duration_and_is_resolved() {
        let rule = AlertRule {
            alert: Name(0),
            metric: AlertMetric::ErrorRatio,
            above_ppm: 10_000,
            hold: Span::from_secs(60),
        };
        let mut alert = Alert::default();
        let seconds = |seconds| Time::ZERO + Span::from_secs(seconds);
        for (at, holds, expected) in [
            (0, false, None),
            (15, true, Some(AlertState::Pending)),
            (30, false, Some(AlertState::Inactive)),
            (45, true, Some(AlertState::Pending)),
            (90, true, None),
            (105, true, Some(AlertState::Firing)),
            (120, true, None),
            (135, false, Some(AlertState::Resolved)),
            (150, true, Some(AlertState::Pending)),
        ] {
            assert_eq!(alert.look(&rule, holds, seconds(at)), expected, "{at}");
        }
        assert_eq!(alert.due(&rule), Some(seconds(210)));
    }
}
