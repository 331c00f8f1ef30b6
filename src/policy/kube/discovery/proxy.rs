//! When the proxy of a node programs what it has seen, and how it picks an endpoint.
//!
//! Sources: `pkg/proxy/{iptables,nftables,ipvs}/proxier.go`, `pkg/util/async` and its successor in
//! `pkg/proxy/runner` (the bounded-frequency runner), `pkg/proxy/apis/config/v1alpha1/defaults.go`,
//! Kubernetes 1.34.

use crate::ground::{Problem, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the proxy programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProxyMode {
    /// Rules of iptables.
    #[default]
    Iptables,
    /// Rules of nftables.
    Nftables,
    /// Virtual servers of the kernel.
    Ipvs,
}

/// The proxies of the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProxyParams {
    /// What they program.
    pub mode: ProxyMode,
    /// Least time from one sync to the next (`minSyncPeriod`). Kubernetes 1.34: 1s, with `ipvs`
    /// 0s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_sync_period: Option<Span>,
    /// A proxy syncs after so long even if nothing has changed (`syncPeriod`). Kubernetes 1.34:
    /// 30s.
    pub sync_period: Span,
    /// From a write to the proxy that sees it first. A modelling choice: 10ms.
    pub watch_least: Span,
    /// From a write to the proxy that sees it last; each node's own time is drawn once between the
    /// two. A modelling choice: 50ms.
    pub watch_most: Span,
}

impl Default for ProxyParams {
    fn default() -> ProxyParams {
        ProxyParams {
            mode: ProxyMode::Iptables,
            min_sync_period: None,
            sync_period: Span::from_secs(30),
            watch_least: Span::from_millis(10),
            watch_most: Span::from_millis(50),
        }
    }
}

impl ProxyParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.watch_most < self.watch_least {
            let text = "`watch_most` is less than `watch_least`";
            problems.push(Problem::new("watch_most", text).hint("swap them"));
        }
        if self.sync_period.is_zero() {
            let text = "`sync_period` is 0, so a proxy would do nothing but sync";
            problems.push(Problem::new("sync_period", text).hint("write a time such as 30s"));
        }
        if self.rule().least > self.sync_period {
            let text = "`min_sync_period` is more than `sync_period`";
            problems.push(Problem::new("min_sync_period", text).hint("write a time such as 1s"));
        }
        problems
    }

    /// When they sync.
    pub fn rule(&self) -> SyncRule {
        let usual = match self.mode {
            ProxyMode::Iptables | ProxyMode::Nftables => Span::from_secs(1),
            ProxyMode::Ipvs => Span::ZERO,
        };
        SyncRule { least: self.min_sync_period.unwrap_or(usual), full: self.sync_period }
    }
}

/// When a proxy syncs: at once after a change, but not sooner than `least` after the last sync,
/// and in any case `full` after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRule {
    /// Least time from one sync to the next.
    pub least: Span,
    /// Most time from one sync to the next.
    pub full: Span,
}

impl SyncRule {
    /// The sync that takes in a change seen at `change`, where the last sync that was planned is,
    /// or was, at `last`. Syncs without changes are counted on from there.
    pub fn sync_of(self, last: Time, change: Time) -> Time {
        if change <= last {
            return last;
        }
        let quiet = change.since(last).as_nanos();
        let full = self.full.as_nanos().max(1);
        let latest = last + Span::from_nanos(quiet / full * full);
        change.max(latest + self.least)
    }
}

/// The probability with which the rule of an endpoint takes a request that the rules before it
/// have left: with iptables, one of those that remain (`writeServiceToEndpointRules`). Each
/// endpoint gets the same share of all requests.
pub fn rule_probability(endpoints: u32, place: u32) -> f64 {
    1.0 / f64::from(endpoints - place)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Syncs after changes at these times, milliseconds, in order.
    fn syncs(rule: SyncRule, mut last: Time, changes: &[u64]) -> Vec<u64> {
        let mut syncs = Vec::new();
        for change in changes {
            last = rule.sync_of(last, Time::ZERO + Span::from_millis(*change));
            syncs.push(last.as_nanos() / 1_000_000);
        }
        syncs
    }

    /// Check 8 of section 7.6 of the specification: the proxy has been quiet for long before.
    #[test]
    fn changes_within_the_least_period_share_a_sync() {
        let rule = ProxyParams::default().rule();
        let start = 100_000;
        let at = |after: &[u64]| after.iter().map(|ms| start + ms).collect::<Vec<u64>>();
        // The last sync without changes was at 90 s.
        assert_eq!(syncs(rule, Time::ZERO, &at(&[0, 300, 600, 1200])), at(&[0, 1000, 1000, 2000]));
    }

    #[test]
    fn a_full_sync_puts_a_change_off_too() {
        let rule = ProxyParams::default().rule();
        assert_eq!(syncs(rule, Time::ZERO, &[60_400]), [61_000]);
        assert_eq!(syncs(rule, Time::ZERO, &[61_400]), [61_400]);
    }

    #[test]
    fn ipvs_takes_every_change_in_at_once() {
        let rule = ProxyParams { mode: ProxyMode::Ipvs, ..ProxyParams::default() }.rule();
        assert_eq!(syncs(rule, Time::ZERO, &[10, 20, 30_000]), [10, 20, 30_000]);
    }

    /// Checks 6 and 15 of section 7.6 of the specification.
    #[test]
    fn rules_share_requests_evenly() {
        for (endpoints, expected) in
            [(4, vec![0.25, 0.3333, 0.5, 1.0]), (3, vec![0.3333, 0.5, 1.0])]
        {
            let rules: Vec<f64> =
                (0..endpoints).map(|at| rule_probability(endpoints, at)).collect();
            let close =
                rules.iter().zip(&expected).all(|(rule, known)| (rule - known).abs() < 1e-4);
            assert!(close && rules.len() == expected.len(), "{rules:?}");
            let mut left = 1.0;
            for rule in rules {
                assert!((left * rule - 1.0 / f64::from(endpoints)).abs() < 1e-12);
                left *= 1.0 - rule;
            }
        }
    }

    #[test]
    fn parameters_that_cannot_be_meant_are_refused() {
        let second = Span::from_secs(1);
        let swapped = ProxyParams { watch_least: second, ..ProxyParams::default() };
        let never = ProxyParams { sync_period: Span::ZERO, ..ProxyParams::default() };
        let long = ProxyParams { min_sync_period: Some(second * 60), ..ProxyParams::default() };
        assert_eq!(swapped.check().len(), 1);
        assert_eq!(never.check().len(), 2);
        assert_eq!(long.check().len(), 1);
        assert!(ProxyParams::default().check().is_empty());
    }
}
