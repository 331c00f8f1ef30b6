//! What users of a service may expect of its answers: the mean over its ready pods of their error
//! share and of how much longer they take, weighted by time. Time without a ready pod has no
//! answers and does not count; that is what availability is for. Where requests go to one revision
//! only, its pods count.

use super::book::{Book, PodRow};
use super::step::{Fold, Step};
use crate::ground::{Id, Time};
use crate::journal::Fact;
use crate::model::{PodSpecId, WorkloadId};
use crate::stats::TimeWeighted;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Steps of a mean over pods: parts per so many of a millionth or a thousandth.
const FINE: u64 = 1_000_000;

/// One service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Service {
    /// Ready pods by revision.
    ready: BTreeMap<PodSpecId, u64>,
    /// The only revision that requests go to.
    active: Option<PodSpecId>,
    served: TimeWeighted,
    error: TimeWeighted,
    latency: TimeWeighted,
}

/// The fold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Quality {
    services: Vec<Service>,
}

/// Error share and latency factor of a service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Expected {
    pub(super) error_share: f64,
    pub(super) latency_factor: f64,
}

impl Quality {
    /// What was to be expected of a service until the end; `None` if it never had a ready pod.
    pub(super) fn of(&self, workload: WorkloadId, end: Time) -> Option<Expected> {
        let service = self.services.get(workload.index())?;
        let served = service.served.area_until(end);
        // One division, so that a service that answers as usual has a factor of exactly 1.
        let mean = |level: &TimeWeighted, unit: u64| {
            level.area_until(end) as f64 / (served * u128::from(FINE * unit)) as f64
        };
        (served > 0).then(|| Expected {
            error_share: mean(&service.error, 1_000_000),
            latency_factor: mean(&service.latency, 1_000),
        })
    }

    fn service(&mut self, workload: WorkloadId) -> &mut Service {
        let index = workload.index();
        if self.services.len() <= index {
            self.services.resize(index + 1, Service::default());
        }
        &mut self.services[index]
    }

    fn change(&mut self, row: &PodRow, serves: bool, at: Time, book: &Book) {
        let service = self.service(row.workload);
        let ready = service.ready.entry(row.spec).or_default();
        *ready = if serves { *ready + 1 } else { *ready - 1 };
        service.weigh(at, book);
    }
}

impl Service {
    /// Takes the means anew.
    fn weigh(&mut self, at: Time, book: &Book) {
        let (mut pods, mut errors, mut latencies) = (0, 0, 0);
        for (spec, ready) in &self.ready {
            if self.active.is_none_or(|active| active == *spec) {
                let (error, latency) = book.pod_specs[spec.index()].quality.unwrap_or((0, 1000));
                pods += ready;
                errors += ready * u64::from(error);
                latencies += ready * u64::from(latency);
            }
        }
        let mean = |sum: u64| (sum * FINE).checked_div(pods).unwrap_or(0);
        self.served.set(at, u64::from(pods > 0));
        self.error.set(at, mean(errors));
        self.latency.set(at, mean(latencies));
    }
}

impl Fold for Quality {
    fn fold(&mut self, step: &Step<'_>) {
        if let Fact::TrafficRouted { workload, spec } = step.fact {
            let service = self.service(workload);
            service.active = spec;
            service.weigh(step.at, step.book);
        }
        let Some(before) = step.pod.filter(|row| step.book.service(row.workload).is_some()) else {
            return;
        };
        let serves = step.book.pod(before.pod).is_some_and(PodRow::serves);
        if before.serves() != serves {
            self.change(before, serves, step.at, step.book);
        }
    }
}
