//! Metrics of recovery, of availability and of the run itself.

use super::{number, summary};
use crate::metrics::catalog::{Entry, Over};
use crate::metrics::{Results, ServiceResult};
use crate::stats::mean;

fn service<'r>(results: &'r Results, name: &str) -> Option<&'r ServiceResult> {
    results.availability.services.iter().find(|service| service.name == name)
}

fn lowest(results: &Results, read: fn(&ServiceResult) -> f64) -> Option<f64> {
    results.availability.services.iter().map(read).min_by(f64::total_cmp)
}

fn average(results: &Results, read: fn(&ServiceResult) -> f64) -> Option<f64> {
    let all: Vec<f64> = results.availability.services.iter().map(read).collect();
    (!all.is_empty()).then(|| mean(&all))
}

pub(super) const ENTRIES: &[Entry] = &[
    number("recovery.incidents", "crashes", "Crashes of nodes.", |r, _| {
        Some(r.recovery.incidents as f64)
    }),
    number("recovery.affected", "pods", "Pods that lost their node.", |r, _| {
        Some(r.recovery.affected as f64)
    }),
    number(
        "recovery.replaced",
        "pods",
        "Pods that lost their node and whose replacement became ready.",
        |r, _| Some(r.recovery.replaced as f64),
    ),
    number(
        "recovery.survived",
        "pods",
        "Pods that lost their node and came back with it.",
        |r, _| Some(r.recovery.survived as f64),
    ),
    number("recovery.gone", "pods", "Pods that lost their node and were not replaced.", |r, _| {
        Some(r.recovery.gone as f64)
    }),
    number(
        "recovery.censored",
        "pods",
        "Pods that lost their node and were neither back nor replaced at the end.",
        |r, _| Some(r.recovery.censored as f64),
    ),
    summary(
        "recovery.time_to_detect",
        "seconds",
        "From a crash to the node's condition not being True.",
        |r| &r.recovery.time_to_detect,
    ),
    summary(
        "recovery.time_to_repair",
        "seconds",
        "From a crash to the node having power again.",
        |r| &r.recovery.time_to_repair,
    ),
    number(
        "recovery.repair_censored",
        "crashes",
        "Crashes whose node had no power at the end.",
        |r, _| Some(r.recovery.repair_censored as f64),
    ),
    summary(
        "recovery.leg.detect",
        "seconds",
        "Of replaced pods: from the fault to its detection.",
        |r| &r.recovery.legs.detect,
    ),
    summary(
        "recovery.leg.evict",
        "seconds",
        "Of replaced pods: from the step before to the request to stop the lost pod.",
        |r| &r.recovery.legs.evict,
    ),
    summary(
        "recovery.leg.recreate",
        "seconds",
        "Of replaced pods: from the step before to the creation of the replacement.",
        |r| &r.recovery.legs.recreate,
    ),
    summary(
        "recovery.leg.bind",
        "seconds",
        "Of replaced pods: from the step before to the binding of the replacement.",
        |r| &r.recovery.legs.bind,
    ),
    summary(
        "recovery.leg.start",
        "seconds",
        "Of replaced pods: from the step before to the start of the replacement's containers.",
        |r| &r.recovery.legs.start,
    ),
    summary(
        "recovery.leg.ready",
        "seconds",
        "Of replaced pods: from the step before to the readiness of the replacement.",
        |r| &r.recovery.legs.ready,
    ),
    summary(
        "recovery.time_to_ready",
        "seconds",
        "From the fault to the readiness of the replacement.",
        |r| &r.recovery.time_to_ready,
    ),
    summary(
        "recovery.time_to_return",
        "seconds",
        "From the fault to the readiness of a pod that came back with its node.",
        |r| &r.recovery.time_to_return,
    ),
    summary(
        "recovery.time_to_restore",
        "seconds",
        "Per crash and service: from the fault until its ready pods are at the desired \
         number for 60 s or the rest of the run.",
        |r| &r.recovery.time_to_restore,
    ),
    number(
        "recovery.restore_censored",
        "services",
        "Crashes and services that were not restored at the end.",
        |r, _| Some(r.recovery.restore_censored as f64),
    ),
    number(
        "availability({service})",
        "ratio",
        "Share of the time since its first availability with at least min_serving pods ready.",
        |r, key| service(r, key).map(|x| x.availability),
    )
    .over(Over::Services),
    number(
        "availability.weighted({service})",
        "ratio",
        "Mean of min(1, ready / desired) over the time since its first availability.",
        |r, key| service(r, key).map(|x| x.weighted),
    )
    .over(Over::Services),
    number(
        "availability.outages({service})",
        "outages",
        "Times that the service stopped being available.",
        |r, key| service(r, key).map(|x| x.outages as f64),
    )
    .over(Over::Services),
    number(
        "availability.unavailable({service})",
        "seconds",
        "Time without availability since the first availability, or since the definition \
         if there was none.",
        |r, key| service(r, key).map(|x| x.unavailable_seconds),
    )
    .over(Over::Services),
    number(
        "availability.time_to_first_available({service})",
        "seconds",
        "From the definition of the service to its first availability.",
        |r, key| service(r, key).and_then(|x| x.time_to_first_available_seconds),
    )
    .over(Over::Services),
    number("availability.worst", "ratio", "Lowest availability of a service.", |r, _| {
        lowest(r, |x| x.availability)
    }),
    number(
        "availability.weighted.worst",
        "ratio",
        "Lowest weighted availability of a service.",
        |r, _| lowest(r, |x| x.weighted),
    ),
    number("availability.mean", "ratio", "Mean availability of the services.", |r, _| {
        average(r, |x| x.availability)
    }),
    number(
        "availability.weighted.mean",
        "ratio",
        "Mean weighted availability of the services.",
        |r, _| average(r, |x| x.weighted),
    ),
    number("run.ended_at", "seconds", "Simulated time at which the run ended.", |r, _| {
        Some(r.ended_at.as_secs_f64())
    }),
    number("run.facts", "facts", "Number of facts.", |r, _| Some(r.facts as f64)),
];
