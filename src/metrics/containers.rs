//! What became of containers on their nodes: starts again and why, waits before them, pulls of
//! images, and what nodes did about resources that ran out.
//!
//! The time from the binding to the start of all containers is the start time of a pod; the part
//! of it in which at least one of its images was pulled is its pulling time.

use super::book::{NEVER, PodRow};
use super::results::{
    CauseResult, ContainerResults, Level, NodeHealthResults, PressureResult, WaitResult,
};
use super::step::{Fold, Step};
use crate::ground::Time;
use crate::journal::{Fact, PullOutcome};
use crate::model::{ContainerEnd, ContainerWait, PodUid, Pressure};
use crate::stats::{Samples, TimeWeighted};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why containers are started again, with names as container statuses and probes have them.
const CAUSES: [(ContainerEnd, &str); 8] = [
    (ContainerEnd::Completed, "Completed"),
    (ContainerEnd::Error, "Error"),
    (ContainerEnd::OomKilled, "OOMKilled"),
    (ContainerEnd::StartupProbe, "StartupProbe"),
    (ContainerEnd::LivenessProbe, "LivenessProbe"),
    (ContainerEnd::Stopped, "Stopped"),
    (ContainerEnd::Killed, "Killed"),
    (ContainerEnd::NodeLost, "NodeLost"),
];
const WAITS: [ContainerWait; 4] = [
    ContainerWait::CrashLoopBackOff,
    ContainerWait::ErrImagePull,
    ContainerWait::ImagePullBackOff,
    ContainerWait::ErrImageNeverPull,
];
const PRESSURES: [(Pressure, &str); 3] =
    [(Pressure::Memory, "memory"), (Pressure::Disk, "disk"), (Pressure::Pid, "pid")];

/// A container of which something is to be remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Container {
    pulling_since: Option<Time>,
    waiting: Option<(ContainerWait, Time)>,
    ended: Option<ContainerEnd>,
}

/// The pulls of a pod until its containers have started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PodPulls {
    under_way: u32,
    since: Time,
    nanos: u64,
}

/// Waits of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Waits {
    times: u64,
    nanos: u128,
}

/// The fold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Containers {
    known: BTreeMap<(PodUid, u8), Container>,
    /// By slot of the pod.
    pulls: Vec<PodPulls>,
    started: u64,
    restarts: [u64; CAUSES.len()],
    waits: [Waits; WAITS.len()],
    pulled: u64,
    confirmed: u64,
    failed_pulls: u64,
    pull_time: Samples,
    start_nanos: u128,
    pulling_nanos: u128,
    pressure: [TimeWeighted; PRESSURES.len()],
    pressure_times: [u64; PRESSURES.len()],
    collections: u64,
    collected: u64,
    freed: u64,
}

impl Containers {
    fn end_wait(&mut self, key: (PodUid, u8), at: Time) {
        if let Some(known) = self.known.get_mut(&key)
            && let Some((wait, since)) = known.waiting.take()
        {
            self.waits[wait as usize].nanos += u128::from(at.since(since).as_nanos());
        }
    }

    /// The containers of a pod are stopped: they wait no longer.
    fn end_waits(&mut self, pod: PodUid, at: Time) {
        for (_, known) in self.known.range_mut((pod, 0)..=(pod, u8::MAX)) {
            if let Some((wait, since)) = known.waiting.take() {
                self.waits[wait as usize].nanos += u128::from(at.since(since).as_nanos());
            }
        }
    }

    /// Nothing is known of a pod any more.
    fn forget(&mut self, row: &PodRow, at: Time) {
        if let Some(pulls) = self.pulls.get_mut(row.slot as usize) {
            *pulls = PodPulls::default();
        }
        self.end_waits(row.pod, at);
        while let Some((key, _)) = self.known.range((row.pod, 0)..=(row.pod, u8::MAX)).next() {
            let key = *key;
            self.known.remove(&key);
        }
    }

    fn pulls_of(&mut self, row: &PodRow) -> &mut PodPulls {
        let slot = row.slot as usize;
        if self.pulls.len() <= slot {
            self.pulls.resize(slot + 1, PodPulls::default());
        }
        &mut self.pulls[slot]
    }

    fn begin_pull(&mut self, row: &PodRow, container: u8, at: Time) {
        let key = (row.pod, container);
        self.end_wait(key, at);
        self.known.entry(key).or_default().pulling_since = Some(at);
        let pulls = self.pulls_of(row);
        if pulls.under_way == 0 {
            pulls.since = at;
        }
        pulls.under_way += 1;
    }

    fn end_pull(&mut self, row: &PodRow, container: u8, outcome: PullOutcome, at: Time) {
        let known = self.known.get_mut(&(row.pod, container));
        let Some(since) = known.and_then(|known| known.pulling_since.take()) else {
            return;
        };
        match outcome {
            PullOutcome::Pulled => {
                self.pulled += 1;
                self.pull_time.add(at.since(since).as_nanos());
            }
            PullOutcome::Confirmed => self.confirmed += 1,
            PullOutcome::Failed => self.failed_pulls += 1,
        }
        let pulls = self.pulls_of(row);
        pulls.under_way -= 1;
        if pulls.under_way == 0 {
            pulls.nanos += at.since(pulls.since).as_nanos();
        }
    }

    fn start_container(&mut self, row: &PodRow, container: u8, restarts: u32, at: Time) {
        let key = (row.pod, container);
        self.started += 1;
        self.end_wait(key, at);
        let ended = self.known.remove(&key).and_then(|known| known.ended);
        if restarts > 0 {
            // Only a node without power can lose a container unheard.
            let cause = ended.unwrap_or(ContainerEnd::NodeLost);
            self.restarts[cause as usize] += 1;
        }
    }

    /// All containers of a pod have started for the first time.
    fn start_pod(&mut self, row: &PodRow, at: Time) {
        let pulling = self.pulls.get(row.slot as usize).map_or(0, |pulls| {
            let open = if pulls.under_way > 0 { at.since(pulls.since).as_nanos() } else { 0 };
            pulls.nanos + open
        });
        if row.bound != NEVER {
            self.start_nanos += u128::from(at.since(row.bound).as_nanos());
            self.pulling_nanos += u128::from(pulling);
        }
    }

    fn fold_node(&mut self, fact: &Fact, at: Time) {
        match *fact {
            Fact::NodePressure { pressure, on: true, .. } => {
                self.pressure[pressure as usize].add(at, 1);
                self.pressure_times[pressure as usize] += 1;
            }
            Fact::NodePressure { pressure, on: false, .. } => {
                self.pressure[pressure as usize].subtract(at, 1);
            }
            Fact::ImagesCollected { images, freed, .. } => {
                self.collections += 1;
                self.collected += u64::from(images);
                self.freed += freed.0;
            }
            _ => {}
        }
    }

    /// The numbers of a run that ends here.
    pub(super) fn finish(&mut self, end: Time) -> ContainerResults {
        let mut open = [0; WAITS.len()];
        let waiting: Vec<_> = self.known.values().filter_map(|known| known.waiting).collect();
        for (wait, since) in waiting {
            self.waits[wait as usize].nanos += u128::from(end.since(since).as_nanos());
            open[wait as usize] += 1;
        }
        let cause = |(at, (_, name)): (usize, &(ContainerEnd, &str))| CauseResult {
            cause: (*name).to_owned(),
            count: self.restarts[at],
        };
        let wait = |(at, wait): (usize, &ContainerWait)| WaitResult {
            reason: wait.word().to_owned(),
            times: self.waits[at].times,
            seconds: self.waits[at].nanos as f64 / 1e9,
            open: open[at],
        };
        let start = self.start_nanos as f64;
        ContainerResults {
            started: self.started,
            restarts: self.restarts.iter().sum(),
            restarts_by_cause: CAUSES.iter().enumerate().map(cause).collect(),
            waits: WAITS.iter().enumerate().map(wait).collect(),
            pulled: self.pulled,
            confirmed: self.confirmed,
            failed_pulls: self.failed_pulls,
            pull_time: self.pull_time.summary(1e9),
            pulling_share: (start > 0.0).then(|| self.pulling_nanos as f64 / start),
        }
    }

    /// What nodes did about resources that ran out, until the end of the run.
    pub(super) fn node_health(&self, end: Time) -> NodeHealthResults {
        let pressure = |(at, (_, name)): (usize, &(Pressure, &str))| PressureResult {
            resource: (*name).to_owned(),
            times: self.pressure_times[at],
            nodes: Level::of(&self.pressure[at], end),
        };
        NodeHealthResults {
            pressure: PRESSURES.iter().enumerate().map(pressure).collect(),
            collections: self.collections,
            collected_images: self.collected,
            freed_bytes: self.freed as f64,
        }
    }
}

impl Fold for Containers {
    fn fold(&mut self, step: &Step<'_>) {
        let at = step.at;
        let Some(row) = step.pod else {
            self.fold_node(&step.fact, at);
            return;
        };
        match step.fact {
            Fact::PullBegan { container, .. } => self.begin_pull(row, container, at),
            Fact::PullEnded { container, outcome, .. } => {
                self.end_pull(row, container, outcome, at);
            }
            Fact::ContainerWaiting { container, wait, .. } => {
                let key = (row.pod, container);
                self.end_wait(key, at);
                self.known.entry(key).or_default().waiting = Some((wait, at));
                self.waits[wait as usize].times += 1;
            }
            Fact::ContainerStarted { container, restarts, .. } => {
                self.start_container(row, container, restarts, at);
            }
            Fact::ContainerEnded { container, end, .. } => {
                self.known.entry((row.pod, container)).or_default().ended = Some(end);
            }
            Fact::Started { .. } if row.started == NEVER => self.start_pod(row, at),
            Fact::Stopping { .. } => self.end_waits(row.pod, at),
            Fact::Interrupted { .. }
            | Fact::Finished { .. }
            | Fact::Failed { .. }
            | Fact::Removed { .. } => self.forget(row, at),
            _ => {}
        }
    }
}
