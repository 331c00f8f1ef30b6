//! Metrics of service discovery.

use super::{number, summary};
use crate::metrics::catalog::Entry;
use crate::metrics::{Results, ServiceDiscovery};

/// A sum over all services that are discovered; nothing without any.
fn sum(results: &Results, of: fn(&ServiceDiscovery) -> f64) -> Option<f64> {
    let rows = &results.discovery.services;
    (!rows.is_empty()).then(|| rows.iter().map(of).sum())
}

pub(super) const ENTRIES: &[Entry] = &[
    summary(
        "discovery.lag",
        "seconds",
        "From a ready pod to half of the proxies, or of those who ask for names, going there.",
        |r| &r.discovery.added,
    ),
    summary(
        "discovery.lag_everywhere",
        "seconds",
        "From a ready pod to the last proxy or client going there.",
        |r| &r.discovery.added_everywhere,
    ),
    summary(
        "discovery.removal_lag",
        "seconds",
        "From a pod that is not ready or is asked to stop to half of the proxies leaving it.",
        |r| &r.discovery.removed,
    ),
    summary(
        "discovery.removal_lag_everywhere",
        "seconds",
        "From a pod that is not ready or is asked to stop to the last proxy leaving it.",
        |r| &r.discovery.removed_everywhere,
    ),
    summary(
        "discovery.stopped",
        "seconds",
        "How long a pod that takes no requests any more was still routed to.",
        |r| &r.discovery.stopped,
    ),
    number(
        "discovery.stopped_routed",
        "pods",
        "Pods that were routed to after they had stopped.",
        |r, _| sum(r, |row| row.stopped_routed as f64),
    ),
    number(
        "discovery.stopped_seconds",
        "pod-seconds",
        "Time that stopped pods were still routed to, all added up.",
        |r, _| sum(r, |row| row.stopped_seconds),
    ),
    number("discovery.slice_writes", "writes", "Writes of endpoint slices.", |r, _| {
        sum(r, |row| row.slice_writes as f64)
    }),
];
