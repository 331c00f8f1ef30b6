//! What was sampled at equal intervals, as columns.
//!
//! A sample at an instant shows the state after everything that happened up to and at it. If a
//! run lasts longer than foreseen, every second sample is dropped and the interval doubled, so
//! there are never more than twice as many samples as asked for.

use super::book::Book;
use super::sample::{Now, ResourceSample, Sample, Sampler, ratio_of, shown_resources};
use super::states::PodState;
use crate::ground::{Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One quantity over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// Name, such as `pending` or `allocation_ratio.cpu`.
    pub name: String,
    /// Unit: `pods`, `nodes`, `ratio`, `devices`.
    pub unit: String,
    /// One value per instant.
    pub values: Vec<f64>,
}

/// Quantities over time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Seconds since the start of the run.
    pub seconds: Vec<f64>,
    /// Quantities.
    pub columns: Vec<Column>,
}

impl Series {
    /// The values of a column, none if it is not there.
    pub fn values(&self, name: &str) -> &[f64] {
        let column = self.columns.iter().find(|column| column.name == name);
        column.map_or(&[], |column| &column.values)
    }
}

/// When samples are due, and those taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sampling {
    interval: Span,
    next: Time,
    wanted: usize,
    samples: Vec<Sample>,
    /// False while nothing happened since the last sample.
    stale: bool,
}

impl Sampling {
    /// Samples at `wanted` equal steps until the foreseen end, or from seconds upwards.
    pub(super) fn new(wanted: u32, until: Option<Time>) -> Sampling {
        let wanted = wanted.max(1);
        let step = until.map(|until| until.as_nanos() / u64::from(wanted));
        let interval = Span::from_nanos(step.unwrap_or(1_000_000_000).max(1));
        Sampling {
            interval,
            next: Time::ZERO,
            wanted: wanted as usize,
            samples: Vec::new(),
            stale: true,
        }
    }

    /// Something happens at this instant: take the samples that are due before it.
    #[inline]
    pub(super) fn before(&mut self, at: Time, now: Now<'_>) {
        if at > self.next {
            self.take(at, false, now);
        }
        self.stale = true;
    }

    /// Takes the samples that are due before this instant, or at it too.
    #[cold]
    fn take(&mut self, at: Time, inclusive: bool, now: Now<'_>) {
        while self.next < at || (inclusive && self.next == at) {
            let sample = match (self.samples.last(), self.stale) {
                (Some(last), false) => last.again(self.next, now),
                _ => Sampler::new(now).sample(self.next),
            };
            self.stale = false;
            self.samples.push(sample);
            if self.samples.len() > 2 * self.wanted {
                let mut number = 0;
                self.samples.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                self.interval = self.interval * 2;
            }
            self.next = self.samples.last().map_or(Time::ZERO, |last| last.at) + self.interval;
        }
    }

    /// The samples until the end as columns, and the state at the end.
    pub(super) fn finish(mut self, end: Time, now: Now<'_>) -> (Series, Sample) {
        self.take(end, true, now);
        (columns(&self.samples, now.book), Sampler::new(now).sample(end))
    }
}

/// One quantity of a resource at an instant.
type Reading = fn(&ResourceSample) -> f64;

fn columns(samples: &[Sample], book: &Book) -> Series {
    let mut series = Series {
        seconds: samples.iter().map(|sample| sample.at.as_secs_f64()).collect(),
        columns: Vec::new(),
    };
    let mut push = |name: String, unit: &str, read: &dyn Fn(&Sample) -> f64| {
        let values = samples.iter().map(read).collect();
        series.columns.push(Column { name, unit: unit.to_owned(), values });
    };
    for state in PodState::ALL {
        push(state.name().into(), "pods", &|s| s.states[state as usize] as f64);
    }
    push("nodes".into(), "nodes", &|s| s.nodes as f64);
    push("pod_density".into(), "pods per node", &Sample::density);
    let reads: [(&str, Reading); 5] = [
        ("allocation_ratio", ResourceSample::ratio),
        ("imbalance_sd", |r| r.spread.standard_deviation),
        ("imbalance_range", |r| r.spread.range),
        ("imbalance_gini", |r| r.spread.gini),
        ("stranded_ratio", |r| r.stranded),
    ];
    for (number, name) in shown_resources(book) {
        for (what, read) in reads {
            push(format!("{what}.{name}"), "ratio", &|sample| {
                sample.resources.get(number).map_or(0.0, read)
            });
        }
    }
    for (number, name) in shown_resources(book) {
        if samples.iter().any(|sample| sample.utilisation(number).is_some()) {
            push(format!("utilisation.{name}"), "ratio", &|sample| {
                sample.utilisation(number).unwrap_or(0.0)
            });
        }
    }
    if samples.iter().any(|sample| sample.fragmentation.is_some()) {
        push("fragmentation".into(), "devices", &|sample| {
            sample.fragmentation.map_or(0.0, |f| f.amount() / 1000.0)
        });
        push("fragmentation_ratio".into(), "ratio", &|sample| {
            sample.fragmentation.as_ref().map_or(0.0, ratio_of)
        });
    }
    series
}
