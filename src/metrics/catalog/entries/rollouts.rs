//! Metrics of releases.

use super::{number, summary};
use crate::metrics::catalog::Entry;
use crate::metrics::{ReleaseRow, Results};

/// A number over all releases; nothing without a release.
fn over(results: &Results, fold: impl Fn(&[ReleaseRow]) -> f64) -> Option<f64> {
    let rows = &results.rollouts.rows;
    (!rows.is_empty()).then(|| fold(rows))
}

fn count(rows: &[ReleaseRow], is: impl Fn(&ReleaseRow) -> bool) -> f64 {
    rows.iter().filter(|row| is(row)).count() as f64
}

pub(super) const ENTRIES: &[Entry] = &[
    number("rollout.releases", "releases", "Releases of Deployments.", |r, _| {
        Some(r.rollouts.rows.len() as f64)
    }),
    number("rollout.completed", "releases", "Releases whose rollout was complete.", |r, _| {
        over(r, |rows| count(rows, |row| row.completed.is_some()))
    }),
    number(
        "rollout.bad",
        "releases",
        "Releases that declare more errors than before, or were given up.",
        |r, _| over(r, |rows| count(rows, |row| row.bad)),
    ),
    number(
        "rollout.not_restored",
        "releases",
        "Bad releases that the service had not recovered from at the end.",
        |r, _| over(r, |rows| count(rows, |row| row.bad && row.restored.is_none())),
    ),
    summary("rollout.duration", "seconds", "From a release to its complete rollout.", |r| {
        &r.rollouts.duration
    }),
    summary(
        "rollout.time_to_alert",
        "seconds",
        "From a bad release to the first alert of its service.",
        |r| &r.rollouts.time_to_alert,
    ),
    summary(
        "rollout.time_to_decision",
        "seconds",
        "From a bad release to the decision to give it up.",
        |r| &r.rollouts.time_to_decision,
    ),
    summary(
        "rollout.time_to_restore",
        "seconds",
        "From a bad release to enough pods of other revisions serving, and none of its own.",
        |r| &r.rollouts.time_to_restore,
    ),
    number(
        "rollout.exposure",
        "pod-seconds",
        "Time that pods of bad releases served users.",
        |r, _| over(r, |rows| rows.iter().map(|row| row.exposure).sum()),
    ),
    number("rollout.pods_created", "pods", "Pods created during releases.", |r, _| {
        over(r, |rows| rows.iter().map(|row| row.created as f64).sum())
    }),
    number("rollout.pods_killed", "pods", "Pods that went during releases.", |r, _| {
        over(r, |rows| rows.iter().map(|row| row.killed as f64).sum())
    }),
    number("rollout.min_serving", "pods", "Fewest pods that served in a release.", |r, _| {
        over(r, |rows| {
            rows.iter().map(|row| f64::from(row.min_serving)).fold(f64::INFINITY, f64::min)
        })
    }),
    number("rollout.peak_pods", "pods", "Most pods alive at a time in a release.", |r, _| {
        over(r, |rows| rows.iter().map(|row| f64::from(row.peak_pods)).fold(0.0, f64::max))
    }),
    number(
        "rollout.below_minimum",
        "releases",
        "Releases in which fewer pods served than have to.",
        |r, _| over(r, |rows| count(rows, |row| row.min_serving < row.least_serving)),
    ),
    number("rollout.alerts", "alerts", "Alerts that fired.", |r, _| Some(r.rollouts.alerts as f64)),
];
