//! Metrics of what happens on nodes: states of pods, containers, images, real use, pressure.

use super::{number, summary};
use crate::metrics::catalog::{Entry, Over};
use crate::metrics::{Level, PressureResult, Results, ServiceResult, UsageResult, WaitResult};

fn state(results: &Results, name: &str) -> Option<Level> {
    results.states.iter().find(|row| row.state.name() == name).map(|row| row.pods)
}

fn failed(results: &Results, reason: &str) -> Option<f64> {
    let row = results.life.failures.iter().find(|row| row.reason == reason);
    row.map(|row| row.pods as f64)
}

fn restarts(results: &Results, cause: &str) -> Option<f64> {
    let row = results.containers.restarts_by_cause.iter().find(|row| row.cause == cause);
    row.map(|row| row.count as f64)
}

fn wait<'r>(results: &'r Results, reason: &str) -> Option<&'r WaitResult> {
    results.containers.waits.iter().find(|row| row.reason == reason)
}

fn pressure<'r>(results: &'r Results, resource: &str) -> Option<&'r PressureResult> {
    results.node_health.pressure.iter().find(|row| row.resource == resource)
}

fn used<'r>(results: &'r Results, name: &str) -> Option<&'r UsageResult> {
    results.usage.resources.iter().find(|row| row.name == name)
}

fn service<'r>(results: &'r Results, name: &str) -> Option<&'r ServiceResult> {
    results.availability.services.iter().find(|service| service.name == name)
}

fn worst(results: &Results, read: fn(&ServiceResult) -> Option<f64>) -> Option<f64> {
    results.availability.services.iter().filter_map(read).max_by(f64::total_cmp)
}

pub(super) const ENTRIES: &[Entry] = &[
    number("life.pods.{state}.mean", "pods", "Pods in a state, mean over time.", |r, key| {
        state(r, key).map(|pods| pods.mean)
    })
    .over(Over::States),
    number("life.pods.{state}.peak", "pods", "Pods in a state, most for some time.", |r, key| {
        state(r, key).map(|pods| pods.peak)
    })
    .over(Over::States),
    number("life.pods.{state}.end", "pods", "Pods in a state at the end of the run.", |r, key| {
        state(r, key).map(|pods| pods.end)
    })
    .over(Over::States),
    number("life.failed", "pods", "Pods that ended badly.", |r, _| Some(r.life.failed as f64)),
    number("life.failed({reason})", "pods", "Pods that ended badly for a reason.", failed)
        .over(Over::Failures),
    number(
        "life.preempted",
        "pods",
        "Pods that were asked to stop to make room for more important ones.",
        |r, _| Some(r.life.preempted as f64),
    ),
    number(
        "life.scaled_down",
        "pods",
        "Pods that were asked to stop because their owners had too many.",
        |r, _| Some(r.life.scaled_down as f64),
    ),
    number("life.evicted", "pods", "Pods that their kubelets evicted.", |r, _| {
        Some(r.life.evicted as f64)
    }),
    number("containers.started", "starts", "Starts of containers.", |r, _| {
        Some(r.containers.started as f64)
    }),
    number("containers.restarts", "starts", "Starts of containers that had run before.", |r, _| {
        Some(r.containers.restarts as f64)
    }),
    number(
        "containers.restarts({cause})",
        "starts",
        "Starts of containers that had run before and ended so.",
        restarts,
    )
    .over(Over::Causes),
    number(
        "containers.waits({wait})",
        "waits",
        "Times that a container could not be started for a reason.",
        |r, key| wait(r, key).map(|x| x.times as f64),
    )
    .over(Over::Waits),
    number(
        "containers.waiting({wait})",
        "seconds",
        "Sum of the times in which containers could not be started for a reason.",
        |r, key| wait(r, key).map(|x| x.seconds),
    )
    .over(Over::Waits),
    number(
        "containers.waiting_at_end({wait})",
        "containers",
        "Containers that could not be started for a reason at the end: censored.",
        |r, key| wait(r, key).map(|x| x.open as f64),
    )
    .over(Over::Waits),
    number("images.pulled", "pulls", "Images that were pulled.", |r, _| {
        Some(r.containers.pulled as f64)
    }),
    number(
        "images.confirmed",
        "pulls",
        "Images that were there already, as their registries confirmed.",
        |r, _| Some(r.containers.confirmed as f64),
    ),
    number("images.failed_pulls", "pulls", "Pulls that failed.", |r, _| {
        Some(r.containers.failed_pulls as f64)
    }),
    summary("images.pull_time", "seconds", "Length of a pull that brought an image.", |r| {
        &r.containers.pull_time
    }),
    number(
        "images.pulling_share",
        "ratio",
        "Part of the time from binding to start of pods in which an image was pulled.",
        |r, _| r.containers.pulling_share,
    ),
    number("images.collections", "collections", "Times that a node threw images away.", |r, _| {
        Some(r.node_health.collections as f64)
    }),
    number("images.collected", "images", "Images that nodes threw away.", |r, _| {
        Some(r.node_health.collected_images as f64)
    }),
    number("images.freed", "bytes", "Space that became free by it.", |r, _| {
        Some(r.node_health.freed_bytes)
    }),
    number(
        "nodes.pressure({pressure})",
        "times",
        "Times that a node began to report that a resource runs out.",
        |r, key| pressure(r, key).map(|x| x.times as f64),
    )
    .over(Over::Pressures),
    number(
        "nodes.under_pressure.{pressure}.mean",
        "nodes",
        "Nodes that reported that a resource runs out, mean over time.",
        |r, key| pressure(r, key).map(|x| x.nodes.mean),
    )
    .over(Over::Pressures),
    number(
        "nodes.under_pressure.{pressure}.peak",
        "nodes",
        "Nodes that reported that a resource runs out, most for some time.",
        |r, key| pressure(r, key).map(|x| x.nodes.peak),
    )
    .over(Over::Pressures),
    number(
        "nodes.under_pressure.{pressure}.end",
        "nodes",
        "Nodes that reported that a resource runs out, at the end of the run.",
        |r, key| pressure(r, key).map(|x| x.nodes.end),
    )
    .over(Over::Pressures),
    number(
        "utilisation.{resource}.mean",
        "ratio",
        "Mean over time of what is really used over the capacity of the nodes that count.",
        |r, key| used(r, key).map(|x| x.utilisation.mean),
    )
    .over(Over::Measured),
    number(
        "utilisation.{resource}.peak",
        "ratio",
        "Highest use over the capacity of the nodes that count, held for some time.",
        |r, key| used(r, key).map(|x| x.utilisation.peak),
    )
    .over(Over::Measured),
    number(
        "utilisation.{resource}.end",
        "ratio",
        "At the end of the run: what is used over the capacity of the nodes that count.",
        |r, key| used(r, key).map(|x| x.utilisation.end),
    )
    .over(Over::Measured),
    number(
        "utilisation.changes",
        "changes",
        "Times that the use of a pod was told; else running pods use what they request.",
        |r, _| Some(r.usage.told as f64),
    ),
    number(
        "cpu.throttled.mean",
        "pods",
        "Pods held back by CPU limits, mean over time.",
        |r, _| Some(r.usage.throttled.mean),
    ),
    number(
        "cpu.throttled.peak",
        "pods",
        "Pods held back by their CPU limits, most for some time.",
        |r, _| Some(r.usage.throttled.peak),
    ),
    number(
        "cpu.throttled.end",
        "pods",
        "Pods held back by their CPU limits at the end of the run.",
        |r, _| Some(r.usage.throttled.end),
    ),
    number(
        "cpu.throttled_ratio",
        "ratio",
        "Part of the time of running pods in which their CPU limits held them back.",
        |r, _| r.usage.throttled_ratio,
    ),
    number(
        "quality.error_share({service})",
        "ratio",
        "Expected share of answers with an error: mean over time of that of its ready pods.",
        |r, key| service(r, key).and_then(|x| x.error_share),
    )
    .over(Over::Services),
    number(
        "quality.latency_factor({service})",
        "times",
        "How much longer answers take than usual: mean over time of that of its ready pods.",
        |r, key| service(r, key).and_then(|x| x.latency_factor),
    )
    .over(Over::Services),
    number("quality.error_share.worst", "ratio", "Highest error share of a service.", |r, _| {
        worst(r, |x| x.error_share)
    }),
    number(
        "quality.latency_factor.worst",
        "times",
        "Highest latency factor of a service.",
        |r, _| worst(r, |x| x.latency_factor),
    ),
];
