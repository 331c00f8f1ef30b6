//! One run of one scenario with one seed, from its first event to its results.

use crate::engine::{Limits, Stopped};
use crate::ground::{DistError, Time};
use crate::journal::{Digest, Journal, Ladder, RunEnd, Sink};
use crate::metrics::{Metrics, Results, Settings};
use crate::scenario::{Built, Scenario};
use crate::sim::Run;
use crate::stimulus::{SourceError, Stream};
use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Events from one report of progress to the next.
const PROGRESS_EVERY: NonZeroU64 = NonZeroU64::new(8192).expect("not zero");

/// Stimuli that are read ahead; changes nothing but speed.
const READ_AHEAD: usize = 1024;

/// Why a run came to no result.
#[derive(Debug, thiserror::Error)]
pub enum RunFailure {
    /// A source of stimuli is broken.
    #[error("{0}")]
    Source(#[from] SourceError),
    /// The table of an empirical distribution cannot be used.
    #[error("{0}")]
    Distribution(#[from] DistError),
}

/// How a run is done, none of which changes its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Seed of all draws.
    pub seed: u64,
    /// Check the invariants of the world after every event.
    pub check: bool,
    /// Stimuli of each source that are read ahead, at least 1.
    pub read_ahead: usize,
    /// A folder for traces that are too large to be sorted in memory.
    pub scratch: Option<PathBuf>,
}

impl Session {
    /// A run with this seed, as fast as it goes.
    pub fn new(seed: u64) -> Session {
        Session { seed, check: false, read_ahead: READ_AHEAD, scratch: None }
    }
}

/// A run that came to its end.
#[derive(Debug, Clone)]
pub struct Finished<S> {
    /// What was measured.
    pub results: Results,
    /// Digest of all facts.
    pub digest: Digest,
    /// Digests at intervals.
    pub ladder: Ladder,
    /// Events handled.
    pub events: u64,
    /// The sink that was given.
    pub sink: S,
}

/// Runs a scenario. `sink` is told every fact beside the metrics; `progress` is told the simulated
/// time now and then.
///
/// # Errors
/// If a file that the scenario names turns out to be broken.
pub fn run<S: Sink>(
    scenario: &Scenario,
    session: &Session,
    sink: S,
    mut progress: impl FnMut(Time),
) -> Result<Finished<S>, RunFailure> {
    let Built { setup, sources, draws, until } =
        scenario.build(session.seed, session.scratch.as_deref())?;
    let arrivals = Stream::open(&sources, draws, session.read_ahead)?;
    let metrics = Metrics::new(Settings { until, ..Settings::default() });
    let mut run = Run::new(setup, arrivals, ((Journal::new(), metrics), sink));
    if session.check {
        run = run.checking();
    }
    let limits = Limits::until(until.unwrap_or(Time::MAX));
    let stopped = run.run_probed(&limits, PROGRESS_EVERY, |now| {
        progress(now);
        ControlFlow::Continue(())
    });
    let (end, at) = match (stopped, until) {
        (Stopped::Input(error), _) => return Err(error.into()),
        (Stopped::Exhausted, None) => (RunEnd::Exhausted, run.now()),
        (_, Some(until)) => (RunEnd::Until, until),
        (_, None) => (RunEnd::Until, run.now()),
    };
    run.close(at, end);
    let events = run.events();
    let ((journal, metrics), sink) = run.into_sink();
    Ok(Finished {
        results: metrics.finish(at),
        digest: journal.digest(),
        ladder: journal.ladder().clone(),
        events,
        sink,
    })
}
