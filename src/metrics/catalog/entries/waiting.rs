//! Metrics of waiting and of the life of pods.

use super::{number, summary};
use crate::metrics::catalog::{Entry, Over};
use crate::metrics::{PluginWait, Results};

fn plugin<'r>(results: &'r Results, name: &str) -> Option<&'r PluginWait> {
    results.waiting.plugins.iter().find(|row| row.plugin == name)
}

pub(super) const ENTRIES: &[Entry] = &[
    summary(
        "wait.time_to_bind",
        "seconds",
        "From the first entry into the active queue to the binding, over all attempts.",
        |r| &r.waiting.time_to_bind,
    ),
    summary(
        "wait.attempts",
        "attempts",
        "Attempts of bound pods, the successful one included.",
        |r| &r.waiting.attempts,
    ),
    number("wait.first_attempt", "pods", "Pods bound at their first attempt.", |r, _| {
        Some(r.waiting.first_attempt as f64)
    }),
    number("wait.pending.mean", "pods", "Pods without a node, mean over time.", |r, _| {
        Some(r.waiting.pending.mean)
    }),
    number("wait.pending.peak", "pods", "Pods without a node, most for some time.", |r, _| {
        Some(r.waiting.pending.peak)
    }),
    number(
        "wait.pending.end",
        "pods",
        "Pods without a node, at the end of the run: censored.",
        |r, _| Some(r.waiting.pending.end),
    ),
    summary(
        "wait.censored",
        "seconds",
        "How long the pods still pending at the end of the run have waited.",
        |r| &r.waiting.censored,
    ),
    number("wait.refused_attempts", "attempts", "Attempts that found no node.", |r, _| {
        Some(r.waiting.refused_attempts as f64)
    }),
    number("wait.bind_failures", "bindings", "Bindings that could not be written.", |r, _| {
        Some(r.waiting.bind_failures as f64)
    }),
    number(
        "wait.before_first_attempt",
        "seconds",
        "Sum over pods of the wait before the first attempt.",
        |r, _| Some(r.waiting.queue_seconds),
    ),
    number(
        "wait.refused_attempts({plugin})",
        "attempts",
        "Attempts that the plugin refused, alone or with others.",
        |r, key| plugin(r, key).map(|x| x.attempts as f64),
    )
    .over(Over::Plugins),
    number(
        "wait.after_refusal({plugin})",
        "seconds",
        "Sum of the waits that followed a refusal by the plugin, alone or with others.",
        |r, key| plugin(r, key).map(|x| x.wait_seconds),
    )
    .over(Over::Plugins),
    number(
        "wait.pending({plugin})",
        "pods",
        "Pods pending at the end of the run whose last attempt the plugin refused.",
        |r, key| plugin(r, key).map(|x| x.pending as f64),
    )
    .over(Over::Plugins),
    number("life.submitted", "pods", "Pods created, replacements not counted.", |r, _| {
        Some(r.life.submitted as f64)
    }),
    number(
        "life.with_lifetime",
        "pods",
        "Submitted pods with a lifetime above zero or without end.",
        |r, _| Some(r.life.with_lifetime as f64),
    ),
    number("life.finished", "pods", "Pods that ended well.", |r, _| Some(r.life.finished as f64)),
    number("life.running_at_end", "pods", "Pods whose containers run at the end.", |r, _| {
        Some(r.life.running_at_end as f64)
    }),
    number("life.starting_at_end", "pods", "Pods bound but not started at the end.", |r, _| {
        Some(r.life.starting_at_end as f64)
    }),
    number("life.pending_at_end", "pods", "Pods without a node at the end.", |r, _| {
        Some(r.life.pending_at_end as f64)
    }),
    number(
        "life.interrupted_at_end",
        "pods",
        "Pods stopped by a crash of their node and still in the store at the end.",
        |r, _| Some(r.life.interrupted_at_end as f64),
    ),
    number(
        "life.interrupted",
        "interruptions",
        "Times that a crash stopped a running pod.",
        |r, _| Some(r.life.interrupted as f64),
    ),
    number("life.lost", "pods", "Pods that were asked to stop because of their node.", |r, _| {
        Some(r.life.lost as f64)
    }),
    number("life.removed", "pods", "Pods that left the store without having ended.", |r, _| {
        Some(r.life.removed as f64)
    }),
    number("life.replaced", "pods", "Pods created in place of lost ones.", |r, _| {
        Some(r.life.replaced as f64)
    }),
    summary("life.time_to_running", "seconds", "From creation to all containers started.", |r| {
        &r.life.time_to_running
    }),
    summary("life.time_to_ready", "seconds", "From creation to ready.", |r| &r.life.time_to_ready),
    number("life.running.mean", "pods", "Pods whose containers run, mean over time.", |r, _| {
        Some(r.life.running.mean)
    }),
    number(
        "life.running.peak",
        "pods",
        "Pods whose containers run, most for some time.",
        |r, _| Some(r.life.running.peak),
    ),
    number(
        "life.running.end",
        "pods",
        "Pods whose containers run, at the end of the run.",
        |r, _| Some(r.life.running.end),
    ),
    number(
        "life.peak_alive.demanded",
        "pods",
        "Most pods alive at once if each lived from its creation for its lifetime.",
        |r, _| Some(r.life.peak_alive_demanded as f64),
    ),
    number(
        "life.peak_alive.measured",
        "pods",
        "Most pods that were there at once, from creation to end, waits included.",
        |r, _| Some(r.life.peak_alive_measured as f64),
    ),
];
