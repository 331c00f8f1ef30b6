//! Every metric by its name: what it means, its unit, and its value in the results of a run.
//!
//! A name is dotted, such as `wait.time_to_bind.p99`. A family over resources, services and the
//! like has a name with a place for the key: `placement.allocation_ratio.{resource}.mean`,
//! `availability({service})`, `wait.refused_attempts({plugin})`.

mod entries;

use super::Results;
use crate::stats::{Stat, Summary};

pub use entries::ENTRIES;

/// Over what a family of metrics ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// A single metric.
    Nothing,
    /// The resources that nodes offer, by name.
    Resources,
    /// The services, by name of the workload.
    Services,
    /// The plugins that refused pods.
    Plugins,
    /// The states of pods.
    States,
    /// The reasons for which pods ended badly.
    Failures,
    /// The ends of containers that are started again.
    Causes,
    /// The reasons for which containers wait.
    Waits,
    /// The resources that run out on nodes.
    Pressures,
    /// The resources whose real use is measured.
    Measured,
}

/// How a metric is read from results.
#[derive(Debug, Clone, Copy)]
pub enum Read {
    /// One number; the key is empty unless it is a family.
    Number(fn(&Results, &str) -> Option<f64>),
    /// A distribution: the names of its numbers are appended, as in `.p99`.
    Summary(fn(&Results) -> &Summary),
}

/// One metric or family of metrics.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Name, with the key of a family in braces; of a distribution, without the last part.
    pub name: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// Over what a family ranges.
    pub over: Over,
    /// How it is read.
    pub read: Read,
}

/// One metric of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Full name.
    pub name: String,
    /// Unit.
    pub unit: &'static str,
    /// Value; `None` if the run has nothing to take it from, such as a mean of no pods.
    pub value: Option<f64>,
}

impl Entry {
    /// The text before and after the key.
    fn around_key(&self) -> Option<(&'static str, &'static str)> {
        let (before, rest) = self.name.split_once('{')?;
        Some((before, rest.split_once('}')?.1))
    }

    /// The key within a full name, empty if this is not a family.
    fn key<'n>(&self, name: &'n str) -> Option<&'n str> {
        match self.around_key() {
            None => (name == self.name).then_some(""),
            Some((before, after)) => {
                name.strip_prefix(before)?.strip_suffix(after).filter(|key| !key.is_empty())
            }
        }
    }

    /// The keys of a family in these results.
    fn keys(&self, results: &Results) -> Vec<String> {
        match self.over {
            Over::Nothing => vec![String::new()],
            Over::Resources => texts(&results.placement.resources, |row| &row.name),
            Over::Services => texts(&results.availability.services, |row| &row.name),
            Over::Plugins => texts(&results.waiting.plugins, |row| &row.plugin),
            Over::States => texts(&results.states, |row| row.state.name()),
            Over::Failures => texts(&results.life.failures, |row| &row.reason),
            Over::Causes => texts(&results.containers.restarts_by_cause, |row| &row.cause),
            Over::Waits => texts(&results.containers.waits, |row| &row.reason),
            Over::Pressures => texts(&results.node_health.pressure, |row| &row.resource),
            Over::Measured => texts(&results.usage.resources, |row| &row.name),
        }
    }

    fn full_name(&self, key: &str) -> String {
        match self.around_key() {
            None => self.name.to_owned(),
            Some((before, after)) => format!("{before}{key}{after}"),
        }
    }
}

/// A text of each row.
fn texts<T>(rows: &[T], text: fn(&T) -> &str) -> Vec<String> {
    rows.iter().map(|row| text(row).to_owned()).collect()
}

/// The value of a metric, `None` if there is no such metric or nothing to take it from.
pub fn value(results: &Results, name: &str) -> Option<f64> {
    ENTRIES.iter().find_map(|entry| match entry.read {
        Read::Number(read) => read(results, entry.key(name)?),
        Read::Summary(read) => {
            let (family, stat) = name.rsplit_once('.')?;
            (family == entry.name).then(|| read(results).get(Stat::from_name(stat)?)).flatten()
        }
    })
}

/// The entry that a full name belongs to, whether or not a run has the metric.
pub fn entry(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| match entry.read {
        Read::Number(_) => entry.key(name).is_some(),
        Read::Summary(_) => name
            .rsplit_once('.')
            .is_some_and(|(family, stat)| family == entry.name && Stat::from_name(stat).is_some()),
    })
}

/// Every metric of a run, in the order of the catalog.
pub fn values(results: &Results) -> Vec<Value> {
    let mut values = Vec::new();
    for entry in ENTRIES {
        match entry.read {
            Read::Number(read) => values.extend(entry.keys(results).iter().map(|key| Value {
                name: entry.full_name(key),
                unit: entry.unit,
                value: read(results, key),
            })),
            Read::Summary(read) => values.extend(Stat::ALL.iter().map(|stat| Value {
                name: format!("{}.{}", entry.name, stat.name()),
                unit: if *stat == Stat::Count { "samples" } else { entry.unit },
                value: read(results).get(*stat),
            })),
        }
    }
    values
}
