//! Facts to numbers. Each file folds one family of metrics; [`Metrics`] is all of them as one
//! sink, which can be cloned and saved with a run. Nothing here sees the simulator.

mod availability;
mod book;
pub mod catalog;
mod containers;
mod discovery;
#[cfg(test)]
mod example;
mod life;
mod placement;
mod pods;
mod quality;
mod recovery;
mod recovery_results;
mod results;
mod rollouts;
mod sample;
mod series;
mod states;
mod step;
#[cfg(test)]
mod tests;
mod usage;
mod waiting;

#[cfg(test)]
pub(crate) use example::Example;
pub use results::{
    AvailabilityResults, CaseOutcome, CaseRow, CauseResult, Column, ContainerResults,
    DiscoveryResults, FailureResult, FragmentationResult, IncidentRow, Legs, Level, LifeResults,
    NodeHealthResults, NodeResult, PlacementResults, PluginWait, PodEnd, PodLine, PodState,
    PodTable, PressureResult, ReasonWait, RecoveryResults, ReleaseRow, ResourceResult, Results,
    RolloutResults, Series, ServiceDiscovery, ServiceResult, ServingPoint, StateResult,
    UsageResult, UsageResults, WaitResult, WaitingResults,
};

use crate::ground::{Name, Time};
use crate::journal::{Fact, Record, RunEnd, Sink};
use crate::model::TypicalPod;
use serde::{Deserialize, Serialize};
use step::{Fold, Step};

/// What is measured how finely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Samples of the series over the run, at least 1. Between so many and twice as many are
    /// taken.
    pub samples: u32,
    /// The foreseen end of the run, if there is one.
    pub until: Option<Time>,
    /// Most lines of the table of pods that are kept, about 100 bytes each.
    pub keep_pods: u32,
    /// The typical pods of the fragmentation measure, most popular first; if empty, those of the
    /// pods submitted up to the moment of a sample.
    pub typical: Vec<TypicalPod>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { samples: 200, until: None, keep_pods: 1_000_000, typical: Vec::new() }
    }
}

/// All metrics of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Metrics {
    typical: Vec<TypicalPod>,
    book: book::Book,
    sampling: series::Sampling,
    placement: placement::Placement,
    waiting: waiting::Waiting,
    life: life::Life,
    states: states::States,
    containers: containers::Containers,
    usage: usage::Usage,
    quality: quality::Quality,
    recovery: recovery::Recovery,
    availability: availability::Availability,
    rollouts: rollouts::Rollouts,
    discovery: discovery::Discovery,
    pods: pods::Pods,
    facts: u64,
    end: Option<RunEnd>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new(Settings::default())
    }
}

impl Metrics {
    /// Nothing measured yet.
    pub fn new(settings: Settings) -> Metrics {
        Metrics {
            sampling: series::Sampling::new(settings.samples, settings.until),
            pods: pods::Pods::new(settings.keep_pods),
            typical: settings.typical,
            book: book::Book::default(),
            placement: placement::Placement::default(),
            waiting: waiting::Waiting::default(),
            life: life::Life::default(),
            states: states::States::default(),
            containers: containers::Containers::default(),
            usage: usage::Usage::default(),
            quality: quality::Quality::default(),
            recovery: recovery::Recovery::default(),
            availability: availability::Availability::default(),
            rollouts: rollouts::Rollouts::default(),
            discovery: discovery::Discovery::default(),
            facts: 0,
            end: None,
        }
    }

    /// The lines of the pods that ended since the last call, in order of their end, with the texts
    /// to show them. For runs of so many pods that the table is written while they go on.
    pub fn take_pods(&mut self) -> PodTable {
        PodTable { lines: self.pods.take(), ..pods::table_of(&self.book) }
    }

    /// The numbers of a run that ends at this instant, which is not before the last fact.
    pub fn finish(mut self, end: Time) -> Results {
        let book = &self.book;
        let now = sample::Now { book, usage: &self.usage, typical: &self.typical };
        let (series, last) = self.sampling.finish(end, now);
        Results {
            ended_at: end.since_start(),
            end: self.end,
            facts: self.facts,
            placement: self.placement.finish(book, end, &series, &last),
            waiting: self.waiting.finish(book, end),
            life: self.life.finish(book, end),
            states: self.states.finish(end),
            containers: self.containers.finish(end),
            usage: self.usage.finish(book, end),
            node_health: self.containers.node_health(end),
            recovery: self.recovery.finish(book),
            rollouts: self.rollouts.finish(book, end),
            discovery: self.discovery.finish(book, end),
            availability: self.availability.finish(book, &self.quality, end),
            nodes: self.placement.node_results(book, end),
            pods: self.pods.finish(book),
            series,
        }
    }
}

impl Sink for Metrics {
    fn record(&mut self, record: &Record) {
        let now = sample::Now { book: &self.book, usage: &self.usage, typical: &self.typical };
        self.sampling.before(record.at, now);
        self.facts += 1;
        if let Fact::RunEnded { end } = record.fact {
            self.end = Some(end);
        }
        let before = record.fact.subject().pod.and_then(|pod| self.book.pod(pod).copied());
        self.book.apply(record);
        let step =
            Step { at: record.at, fact: record.fact, pod: before.as_ref(), book: &self.book };
        self.placement.fold(&step);
        self.waiting.fold(&step);
        self.life.fold(&step);
        self.states.fold(&step);
        self.containers.fold(&step);
        self.usage.fold(&step);
        self.quality.fold(&step);
        self.recovery.fold(&step);
        self.availability.fold(&step);
        self.rollouts.fold(&step);
        self.discovery.fold(&step);
        self.pods.fold(&step);
    }

    fn name(&mut self, name: Name, text: &str) {
        self.book.tell(name, text);
    }
}
