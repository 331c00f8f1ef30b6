//! The table of the most important numbers, with the difference to the first variant.

use crate::metrics::{Results, catalog};
use crate::report::words::{count, duration, percent};

/// How a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Count,
    Decimal,
    Duration,
    Percent,
    Factor,
}

/// One row: what people call it, its metric, how it is shown.
#[derive(Debug, Clone, Copy)]
struct Row {
    name: &'static str,
    metric: &'static str,
    shape: Shape,
}

const fn row(name: &'static str, metric: &'static str, shape: Shape) -> Row {
    Row { name, metric, shape }
}

/// A heading and the rows under it. A row without any value, or with nothing but zeros where that
/// is the ordinary case, is left out.
const GROUPS: [(&str, bool, &[Row]); 8] = [
    (
        "Pods",
        false,
        &[
            row("submitted", "life.submitted", Shape::Count),
            row("finished", "life.finished", Shape::Count),
            row("failed", "life.failed", Shape::Count),
            row("without a node at the end", "life.pending_at_end", Shape::Count),
            row("without a node, most at a time", "wait.pending.peak", Shape::Count),
            row("time to bind, median", "wait.time_to_bind.p50", Shape::Duration),
            row("time to bind, 99th percentile", "wait.time_to_bind.p99", Shape::Duration),
            row("time to bind, longest", "wait.time_to_bind.max", Shape::Duration),
            row("time to ready, median", "life.time_to_ready.p50", Shape::Duration),
            row("time to ready, 99th percentile", "life.time_to_ready.p99", Shape::Duration),
            row("attempts without a node", "wait.refused_attempts", Shape::Count),
        ],
    ),
    (
        "Nodes",
        false,
        &[
            row("nodes, mean", "placement.nodes.mean", Shape::Decimal),
            row("cpu requested, mean", "placement.allocation_ratio.cpu.mean", Shape::Percent),
            row("cpu requested, peak", "placement.allocation_ratio.cpu.peak", Shape::Percent),
            row("cpu used, mean", "utilisation.cpu.mean", Shape::Percent),
            row("memory requested, mean", "placement.allocation_ratio.memory.mean", Shape::Percent),
            row("memory used, mean", "utilisation.memory.mean", Shape::Percent),
            row("gpu requested, mean", "placement.allocation_ratio.gpu.mean", Shape::Percent),
            row("idle gpus of no use, mean", "placement.fragmentation.mean", Shape::Decimal),
            row(
                "cpu imbalance over nodes",
                "placement.imbalance.cpu.standard_deviation.mean",
                Shape::Percent,
            ),
        ],
    ),
    (
        "Containers and their pods",
        true,
        &[
            row("containers started again", "containers.restarts", Shape::Count),
            row("pods evicted by kubelets", "life.evicted", Shape::Count),
            row("pods preempted", "life.preempted", Shape::Count),
            row("images pulled", "images.pulled", Shape::Count),
            row("pulls that failed", "images.failed_pulls", Shape::Count),
            row("held back by CPU limits, share of time", "cpu.throttled_ratio", Shape::Percent),
        ],
    ),
    (
        "Releases",
        true,
        &[
            row("bad releases", "rollout.bad", Shape::Count),
            row("of them not recovered from", "rollout.not_restored", Shape::Count),
            row("rollout, mean", "rollout.duration.mean", Shape::Duration),
            row("bad release to alert, mean", "rollout.time_to_alert.mean", Shape::Duration),
            row("bad release to decision, mean", "rollout.time_to_decision.mean", Shape::Duration),
            row("bad release to restored, mean", "rollout.time_to_restore.mean", Shape::Duration),
            row("exposure, pod-seconds", "rollout.exposure", Shape::Count),
            row("pods created", "rollout.pods_created", Shape::Count),
            row("pods gone", "rollout.pods_killed", Shape::Count),
            row("fewest pods serving", "rollout.min_serving", Shape::Count),
            row("most pods alive", "rollout.peak_pods", Shape::Count),
            row("below the minimum", "rollout.below_minimum", Shape::Count),
        ],
    ),
    (
        "Service discovery",
        true,
        &[
            row("ready pod to requests, median", "discovery.lag.p50", Shape::Duration),
            row("ready pod to requests, longest", "discovery.lag.max", Shape::Duration),
            row(
                "the same to the last node, longest",
                "discovery.lag_everywhere.max",
                Shape::Duration,
            ),
            row(
                "pod that goes to no requests, median",
                "discovery.removal_lag.p50",
                Shape::Duration,
            ),
            row(
                "pod that goes to no requests, longest",
                "discovery.removal_lag.max",
                Shape::Duration,
            ),
            row("stopped pods still routed to", "discovery.stopped_routed", Shape::Count),
            row("how long, pod-seconds", "discovery.stopped_seconds", Shape::Decimal),
            row("writes of slices", "discovery.slice_writes", Shape::Count),
        ],
    ),
    (
        "Failures",
        true,
        &[
            row("crashes", "recovery.incidents", Shape::Count),
            row("pods that lost their node", "recovery.affected", Shape::Count),
            row("of them replaced", "recovery.replaced", Shape::Count),
            row(
                "fault to ready replacement, median",
                "recovery.time_to_ready.p50",
                Shape::Duration,
            ),
            row(
                "fault to ready replacement, longest",
                "recovery.time_to_ready.max",
                Shape::Duration,
            ),
            row(
                "time to restore services, median",
                "recovery.time_to_restore.p50",
                Shape::Duration,
            ),
            row(
                "time to restore services, longest",
                "recovery.time_to_restore.max",
                Shape::Duration,
            ),
            row("services not restored", "recovery.restore_censored", Shape::Count),
        ],
    ),
    (
        "Services",
        false,
        &[
            row("availability, mean", "availability.mean", Shape::Percent),
            row("availability, worst service", "availability.worst", Shape::Percent),
        ],
    ),
    (
        "Answers of the worst service",
        true,
        &[
            row("expected errors", "quality.error_share.worst", Shape::Percent),
            row("time they take, of the usual", "quality.latency_factor.worst", Shape::Factor),
        ],
    ),
];

/// A value of one run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) text: String,
    /// The difference to the first run, if there is one.
    pub(super) change: Option<String>,
}

/// A row of the table; `None` where a run has no such value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) values: Vec<Option<Shown>>,
}

/// The table of these runs: headings with their rows.
pub(super) fn rows(runs: &[&Results]) -> Vec<(&'static str, Vec<Line>)> {
    let mut groups = Vec::new();
    for (name, quiet, rows) in GROUPS {
        let mut lines = Vec::new();
        for Row { name, metric, shape } in rows.iter().copied() {
            let values: Vec<Option<f64>> =
                runs.iter().map(|results| catalog::value(results, metric)).collect();
            let usual = if shape == Shape::Factor { 1.0 } else { 0.0 };
            let zero = values.iter().flatten().all(|value| *value == usual);
            if values.iter().all(Option::is_none) || (quiet && zero) {
                continue;
            }
            let first = values[0];
            let shown = |(at, value): (usize, &Option<f64>)| {
                let value = (*value)?;
                let change =
                    first.filter(|_| at > 0).and_then(|first| change(value - first, shape));
                Some(Shown { text: text(value, shape), change })
            };
            lines.push(Line { name, values: values.iter().enumerate().map(shown).collect() });
        }
        if !lines.is_empty() {
            groups.push((name, lines));
        }
    }
    groups
}

/// A value as it is read.
pub(super) fn text(value: f64, shape: Shape) -> String {
    match shape {
        Shape::Count => count(value as u64),
        Shape::Decimal => format!("{value:.1}"),
        Shape::Duration => duration(value),
        Shape::Percent => percent(value),
        Shape::Factor => format!("{value:.2} times"),
    }
}

/// A difference with its sign; `None` if it is too small to be seen.
fn change(difference: f64, shape: Shape) -> Option<String> {
    let size = difference.abs();
    let text = match shape {
        Shape::Percent if size < 0.000_5 => String::new(),
        Shape::Percent => format!("{:.1} points", size * 100.0),
        Shape::Decimal if size < 0.05 => String::new(),
        Shape::Factor if size < 0.005 => String::new(),
        Shape::Factor => format!("{size:.2}"),
        _ if size == 0.0 => String::new(),
        shape => text(size, shape),
    };
    match text.as_str() {
        "" => None,
        text if difference > 0.0 => Some(format!("+{text}")),
        text => Some(format!("\u{2212}{text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_a_metric() {
        for (_, _, rows) in GROUPS {
            for row in rows {
                assert!(catalog::entry(row.metric).is_some(), "{}", row.metric);
            }
        }
    }

    #[test]
    fn differences_have_a_sign_and_a_unit() {
        for (difference, shape, expected) in [
            (0.0, Shape::Count, None),
            (3.0, Shape::Count, Some("+3")),
            (-300.0, Shape::Duration, Some("\u{2212}5m")),
            (0.012, Shape::Percent, Some("+1.2 points")),
            (0.000_01, Shape::Percent, None),
            (-0.5, Shape::Decimal, Some("\u{2212}0.5")),
        ] {
            assert_eq!(change(difference, shape).as_deref(), expected);
        }
    }
}
