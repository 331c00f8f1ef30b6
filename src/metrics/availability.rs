//! How much of the time services were there.
//!
//! A service is available while at least `min_serving` of its pods serve, see
//! [`PodRow::serves`](super::book::PodRow::serves). Its clock starts when it is available for the
//! first time, so the roll-out at the start of a run, which has its own figure, does not count as
//! an outage; a service that never came up was available for none of the time. Weighted
//! availability is the integral of min(1, serving/desired) over the same time, where desired is
//! what was wanted at each time.

use super::book::Book;
use super::quality::Quality;
use super::results::{AvailabilityResults, ServiceResult};
use super::step::{Fold, Step};
use crate::ground::{Id, Time};
use crate::journal::Fact;
use crate::model::WorkloadId;
use crate::stats::TimeWeighted;
use serde::{Deserialize, Serialize};

/// A time during which the same number of pods was wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch {
    desired: u32,
    /// Its begin, at the earliest the time at which the clock starts.
    since: Time,
    /// Area under `serving` before it.
    before: u128,
}

impl Stretch {
    /// What was served of what was wanted until `at`, 0 to 1.
    fn share(&self, at: Time, serving: &TimeWeighted) -> f64 {
        match self.desired {
            0 => 1.0, // nobody is missing
            desired => {
                let whole = u128::from(desired) * u128::from(at.since(self.since).as_nanos());
                ratio(serving.area_until(at) - self.before, whole)
            }
        }
    }
}

/// One service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Service {
    first_up: Option<Time>,
    up: TimeWeighted,
    serving: TimeWeighted,
    stretch: Stretch,
    /// The integral over the stretches before the present one, nanoseconds; `None` if that is the
    /// first.
    earlier: Option<f64>,
    outages: u64,
    /// When the last outage began.
    down_since: Time,
}

impl Service {
    /// The integral over the present stretch until `at`, nanoseconds.
    fn served(&self, at: Time) -> f64 {
        let nanos = at.since(self.stretch.since).as_nanos() as f64;
        self.stretch.share(at, &self.serving) * nanos
    }

    /// Another number of pods is wanted from now on.
    fn want(&mut self, at: Time, desired: u32) {
        if self.first_up.is_some() {
            self.earlier = Some(self.earlier.unwrap_or(0.0) + self.served(at));
            self.begin(at);
        }
        self.stretch.desired = desired;
    }

    fn begin(&mut self, at: Time) {
        self.stretch.since = at;
        self.stretch.before = self.serving.area_until(at);
    }

    /// Weighted availability, of a service that was up at `first`.
    fn weighted(&self, first: Time, end: Time) -> f64 {
        match self.earlier {
            None => self.stretch.share(end, &self.serving),
            Some(_) if first == end => 1.0,
            Some(earlier) => (earlier + self.served(end)) / end.since(first).as_nanos() as f64,
        }
    }
}

/// The fold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Availability {
    services: Vec<Service>,
}

impl Availability {
    fn look(&mut self, at: Time, workload: WorkloadId, book: &Book) {
        let Some(row) = book.service(workload) else {
            return;
        };
        if self.services.len() <= workload.index() {
            self.services.resize_with(workload.index() + 1, Service::default);
        }
        let service = &mut self.services[workload.index()];
        if row.replicas != service.stretch.desired {
            service.want(at, row.replicas);
        }
        let serving = u64::from(row.serving.min(row.replicas));
        let up = u64::from(row.serving >= row.min_serving);
        if serving != service.serving.level() {
            service.serving.set(at, serving);
        }
        if up == service.up.level() {
            return;
        }
        if up == 0 {
            service.outages += 1;
            service.down_since = at;
        } else if service.outages > 0 && service.down_since == at {
            service.outages -= 1; // nobody sees what holds for no time at all
        }
        service.up.set(at, up);
        if up == 1 && service.first_up.is_none() {
            service.first_up = Some(at);
            service.begin(at);
        }
    }

    /// The numbers of a run that ends here.
    pub(super) fn finish(
        mut self,
        book: &Book,
        quality: &Quality,
        end: Time,
    ) -> AvailabilityResults {
        let mut services = Vec::new();
        for (id, row) in book.services() {
            self.look(end, id, book);
            let service = self.services[id.index()];
            let expected = quality.of(id, end);
            let mut result = ServiceResult {
                name: book.text(row.name),
                desired: row.replicas,
                min_serving: row.min_serving,
                serving_at_end: row.serving,
                availability: 0.0,
                weighted: 0.0,
                outages: service.outages,
                error_share: expected.map(|expected| expected.error_share),
                latency_factor: expected.map(|expected| expected.latency_factor),
                unavailable_seconds: end.since(row.defined).as_secs_f64(),
                time_to_first_available_seconds: None,
            };
            if let Some(first) = service.first_up {
                let observed = end.since(first).as_nanos();
                let up = service.up.area_until(end) as u64;
                result.availability = ratio(u128::from(up), u128::from(observed));
                result.weighted = service.weighted(first, end);
                result.unavailable_seconds = (observed - up) as f64 / 1e9;
                result.time_to_first_available_seconds =
                    Some(first.since(row.defined).as_secs_f64());
            }
            services.push(result);
        }
        AvailabilityResults { services }
    }
}

/// A share of time; all of no time counts as 1.
fn ratio(part: u128, whole: u128) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

impl Fold for Availability {
    fn fold(&mut self, step: &Step<'_>) {
        if let Some(row) = step.pod {
            self.look(step.at, row.workload, step.book);
        } else if let Fact::WorkloadDefined { workload, .. }
        | Fact::DeploymentWritten { workload, .. }
        | Fact::StatefulSetWritten { workload, .. } = step.fact
        {
            self.look(step.at, workload, step.book);
        }
    }
}
