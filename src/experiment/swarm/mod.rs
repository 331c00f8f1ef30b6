//! The swarm: scenarios made up from a seed, each with a mix of its own of what a cluster can have
//! and suffer, played with every check switched on. Faults stop at a time; after it, everything has
//! to settle.

mod conserve;
mod generate;
mod pods;
mod settle;

pub use generate::{FAULTS_END, Feature, QUIET_FROM, SETTLED_AT, SwarmScenario, generate};

use crate::engine::{Limits, Stopped};
use crate::ground::Time;
use crate::journal::{Digest, Journal};
use crate::scenario::{Built, Input, Scenario};
use crate::sim::Run;
use crate::stimulus::Stream;
use conserve::Conserve;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// Stimuli that are read ahead.
const READ_AHEAD: usize = 64;

/// What a seed of the swarm that held was like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What its mix had.
    pub features: Vec<Feature>,
    /// Digest of all facts.
    pub digest: Digest,
    /// Events handled.
    pub events: u64,
    /// Pods created.
    pub pods: u64,
    /// Crashes of nodes.
    pub crashes: u64,
    /// Restarts of containers.
    pub restarts: u64,
}

/// Plays one seed of the swarm.
///
/// # Errors
/// If something did not hold; the text says what.
pub fn swarm(seed: u64) -> Result<Held, String> {
    let made = generate(seed);
    let caught = catch_unwind(AssertUnwindSafe(|| play(seed, &made)));
    caught.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(text.unwrap_or_else(|| "a panic without a text".to_owned()))
    })
}

fn load(seed: u64, made: &SwarmScenario) -> Result<Scenario, String> {
    let (name, text) = (format!("swarm-{seed}"), made.text.clone().into_bytes());
    let input = Input::Text { name, text, folder: PathBuf::new() };
    let loaded = Scenario::load(&input, &[]).map_err(|diagnostics| {
        let texts: Vec<String> = diagnostics.iter().map(|one| one.render(false)).collect();
        format!("its scenario is refused:\n{}", texts.join("\n"))
    })?;
    loaded.scenarios.into_iter().next().ok_or_else(|| "its scenario is empty".to_owned())
}

fn play(seed: u64, made: &SwarmScenario) -> Result<Held, String> {
    let scenario = load(seed, made)?;
    let built = scenario.build(seed, None).map_err(|error| error.to_string())?;
    let Built { setup, sources, draws, .. } = built;
    let arrivals = Stream::open(&sources, draws, READ_AHEAD).map_err(|error| error.to_string())?;
    let sink = (Journal::new(), Conserve::default());
    let mut run = Run::new(setup, arrivals, sink).checking();
    let end = Time::ZERO + SETTLED_AT;
    let limits = Limits::until(end);
    let mut go = |pause: Option<Time>| -> Result<u64, String> {
        let limits = pause.map_or(limits, |at| limits.pause_at(at));
        match run.run(&limits) {
            Stopped::Input(error) => Err(error.to_string()),
            _ => Ok(run.events()),
        }
    };
    let before = go(Some(Time::ZERO + QUIET_FROM))?;
    let events = go(None)?;
    let found = &run.sink().1;
    if let Some(broken) = found.broken() {
        return Err(broken.to_owned());
    }
    settle::check(run.world(), found, events - before, end)?;
    Ok(Held {
        features: made.features.clone(),
        digest: run.sink().0.digest(),
        events,
        pods: found.pods(),
        crashes: found.crashes(),
        restarts: found.restarts(),
    })
}
