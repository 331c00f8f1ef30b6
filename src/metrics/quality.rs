//! What users of a service may expect of its answers: the mean over its ready pods of their error
//! share and of how much longer they take, weighted by time. Time without a ready pod has no
//! answers and does not count; that is what availability is for.

use super::book::{Book, PodRow};
use super::step::{Fold, Step};
use crate::ground::{Id, Time};
use crate::model::WorkloadId;
use crate::stats::TimeWeighted;
use serde::{Deserialize, Serialize};

/// Steps of a mean over pods: parts per so many of a millionth or a thousandth.
const FINE: u64 = 1_000_000;

/// One service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Service {
    pods: u64,
    /// Sums over its ready pods, millionths and thousandths.
    error_ppm: u64,
    latency_permille: u64,
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

    fn change(&mut self, row: &PodRow, serves: bool, at: Time, book: &Book) {
        let (error, latency) = book.pod_specs[row.spec.index()].quality.unwrap_or((0, 1000));
        let (error, latency) = (u64::from(error), u64::from(latency));
        let index = row.workload.index();
        if self.services.len() <= index {
            self.services.resize(index + 1, Service::default());
        }
        let service = &mut self.services[index];
        if serves {
            service.pods += 1;
            service.error_ppm += error;
            service.latency_permille += latency;
        } else {
            service.pods -= 1;
            service.error_ppm -= error;
            service.latency_permille -= latency;
        }
        let mean = |sum: u64| (sum * FINE).checked_div(service.pods).unwrap_or(0);
        let (error, latency) = (mean(service.error_ppm), mean(service.latency_permille));
        service.served.set(at, u64::from(service.pods > 0));
        service.error.set(at, error);
        service.latency.set(at, latency);
    }
}

impl Fold for Quality {
    fn fold(&mut self, step: &Step<'_>) {
        let Some(before) = step.pod.filter(|row| step.book.service(row.workload).is_some()) else {
            return;
        };
        let serves = step.book.pod(before.pod).is_some_and(PodRow::serves);
        if before.serves() != serves {
            self.change(before, serves, step.at, step.book);
        }
    }
}
