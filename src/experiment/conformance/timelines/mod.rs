//! Timelines of a whole control plane: the recorded objects, nodes, behaviours and actions are run,
//! and what a watcher of our API server sees is compared with what was recorded of two real runs.
//!
//! A recorded timeline is a folder with `setup.json`, `objects.yaml`, `actions.json` and two files
//! of records. It becomes a scenario, which is loaded, built and run as any other. Not compared:
//! Events, the reasons of containers, on which of several equal nodes a pod lands, and texts that
//! are drawn or hashed, which are told apart by what they stand for instead.

mod chosen;
mod judge;
mod pods;
mod recording;
mod script;
mod series;
mod setup;
mod trace;
mod watch;

pub use judge::Deviation;

use super::Unreadable;
use judge::{Judge, Tolerance};
use recording::Recording;
use script::{Latencies, Script};
use serde::Serialize;
use setup::{Action, Setup, Step};
use std::path::{Path, PathBuf};
use trace::Micros;

/// What came of one timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimelineReport {
    /// Name of its folder.
    pub timeline: String,
    /// What it is about.
    pub title: String,
    /// Why it could not be run; nothing was compared then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_covered: Option<String>,
    /// Comparisons made.
    pub compared: usize,
    /// Everything that is not as it was recorded.
    pub deviations: Vec<Deviation>,
}

impl TimelineReport {
    /// True if it was run and everything is as it was recorded.
    pub fn agrees(&self) -> bool {
        self.not_covered.is_none() && self.deviations.is_empty()
    }
}

/// How late the machine of the recordings is at most.
const PLAIN: Micros = 300_000;
/// Up to a second more where timestamps that are cut to seconds take part.
const CUT: Micros = 1_300_000;
/// Our runs. Each draws the noise of the machine anew. As ours may agree with either of two
/// recorded runs, one of ours has to agree in everything.
const RUNS: [Latencies; 5] = [
    Latencies { request: 5000, watch: 3000 },
    Latencies { request: 4000, watch: 4000 },
    Latencies { request: 6000, watch: 2000 },
    Latencies { request: 3000, watch: 5000 },
    Latencies { request: 4500, watch: 3500 },
];
/// Some 100 ms more where the client of a controller reaches its limit: one request more or less
/// moves all that follow by 50 ms.
const HELD_BACK: Micros = 500_000;
/// How long nothing happens in a run that is at rest.
const REST: Micros = 1_500_000;

/// The timelines recorded in a folder, or in its folder `timelines`, in order of name; the folder
/// itself if it is one.
pub fn recorded_timelines(folder: &Path) -> Vec<PathBuf> {
    let is_timeline = |path: &Path| path.join("timeline-1.jsonl").is_file();
    if is_timeline(folder) {
        return vec![folder.to_owned()];
    }
    let inner = folder.join("timelines");
    let entries = std::fs::read_dir(if inner.is_dir() { &inner } else { folder });
    let paths = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = paths.filter(|path| is_timeline(path)).collect();
    found.sort();
    found
}

/// Runs a recorded timeline and compares.
pub fn replay_timeline(folder: &Path) -> Result<TimelineReport, Unreadable> {
    let setup: Setup = setup::read(folder, "setup.json")?;
    let steps: Vec<Step> = setup::read(folder, "actions.json")?;
    let first = Recording::read(&folder.join("timeline-1.jsonl"))?;
    let second = Recording::read(&folder.join("timeline-2.jsonl"))?;
    let name = folder.file_name().unwrap_or(folder.as_os_str());
    let mut report = TimelineReport {
        timeline: name.to_string_lossy().into_owned(),
        title: setup.title.clone(),
        not_covered: None,
        compared: 0,
        deviations: Vec::new(),
    };
    let of = |latencies| script::script(folder, &setup, &steps, &first, latencies);
    let scripts: Result<Vec<Script>, String> = RUNS.into_iter().map(of).collect();
    let scripts = match scripts {
        Ok(scripts) => scripts,
        Err(reason) => {
            report.not_covered = Some(reason);
            return Ok(report);
        }
    };
    let runs = [&first.trace, &second.trace];
    let mut rests: Vec<Micros> = steps.iter().map(|step| step.at_ms as Micros * 1000 - 1).collect();
    let end = setup.end_ms as Micros * 1000;
    rests.push(end);
    rests.retain(|at| *at >= -1 && runs.iter().all(|run| run.is_quiet(at - REST, *at)));
    let held_back = first.is_held_back() || second.is_held_back();
    let more = if held_back { HELD_BACK } else { 0 };
    let counted = scripts.iter().any(script::counts_seconds);
    let tolerance = Tolerance { plain: PLAIN + more, cut: CUT + more, counted };
    let mut best: Option<(usize, Vec<Deviation>)> = None;
    for (seed, script) in (1..).zip(&scripts) {
        let ours = watch::watch(script, seed).map_err(|error| Unreadable {
            place: folder.display().to_string(),
            text: format!("the run came to no end: {error}"),
        })?;
        let (compared, deviations) = (0, Vec::new());
        let mut judge = Judge { ours: &ours, runs, end, tolerance, compared, deviations };
        judge.everything(&setup, &rests);
        if best.as_ref().is_none_or(|(_, best)| judge.deviations.len() < best.len()) {
            best = Some((judge.compared, judge.deviations));
        }
    }
    (report.compared, report.deviations) = best.unwrap_or_default();
    let costs = steps.iter().any(|step| step.action == Action::PodCost);
    for recording in [&first, &second].into_iter().filter(|_| !costs) {
        let (judged, deviations) = recording.choices().judge();
        report.compared += judged;
        report.deviations.extend(deviations);
    }
    Ok(report)
}
