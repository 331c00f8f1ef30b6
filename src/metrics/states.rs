//! How many pods were in which state: each pod that has not ended is in one of them.

use super::book::{Book, PodRow, State};
use super::results::Level;
use super::step::{Fold, Step};
use crate::ground::Time;
use crate::stats::TimeWeighted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The state of a pod, as far as the store and the kubelets know it. The first that fits counts, in
/// this order: interrupted, terminating, pending, back-off, starting, ready, not ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PodState {
    /// No node yet.
    Pending,
    /// Bound, and not all containers have started.
    Starting,
    /// Bound, and a container waits: it crashed, or its image could not be had.
    BackOff,
    /// All containers have started, and it is not ready.
    NotReady,
    /// Ready.
    Ready,
    /// Asked to stop, and not gone.
    Terminating,
    /// Its node lost power under it.
    Interrupted,
}

impl PodState {
    /// Number of states.
    pub const COUNT: usize = PodState::ALL.len();
    /// All states, in the order in which a pod goes through them.
    pub const ALL: [PodState; 7] = [
        PodState::Pending,
        PodState::Starting,
        PodState::BackOff,
        PodState::NotReady,
        PodState::Ready,
        PodState::Terminating,
        PodState::Interrupted,
    ];

    /// The name in metrics and tables.
    pub const fn name(self) -> &'static str {
        match self {
            PodState::Pending => "pending",
            PodState::Starting => "starting",
            PodState::BackOff => "back_off",
            PodState::NotReady => "not_ready",
            PodState::Ready => "ready",
            PodState::Terminating => "terminating",
            PodState::Interrupted => "interrupted",
        }
    }

    /// The state of a pod.
    pub(super) fn of(row: &PodRow) -> PodState {
        match row.state {
            State::Interrupted => PodState::Interrupted,
            _ if row.deleting.is_some() || row.stopping => PodState::Terminating,
            State::Waiting => PodState::Pending,
            _ if row.waits != 0 => PodState::BackOff,
            State::Bound => PodState::Starting,
            State::Ready => PodState::Ready,
            State::Started => PodState::NotReady,
        }
    }
}

/// How many pods were in a state.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StateResult {
    /// The state.
    pub state: PodState,
    /// Pods in it.
    pub pods: Level,
}

/// The fold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct States {
    levels: [TimeWeighted; PodState::COUNT],
}

impl States {
    /// The numbers of a run that ends here.
    pub(super) fn finish(&self, end: Time) -> Vec<StateResult> {
        let result = |(state, level): (PodState, &TimeWeighted)| StateResult {
            state,
            pods: Level::of(level, end),
        };
        PodState::ALL.into_iter().zip(&self.levels).map(result).collect()
    }

    fn follow(&mut self, at: Time, state: PodState, book: &Book) {
        let level = &mut self.levels[state as usize];
        let pods = book.states[state as usize];
        if level.level() != pods {
            level.set(at, pods);
        }
    }
}

impl Fold for States {
    fn fold(&mut self, step: &Step<'_>) {
        if let Some(row) = step.pod {
            self.follow(step.at, PodState::of(row), step.book);
        }
        if let Some(row) = step.fact.subject().pod.and_then(|pod| step.book.pod(pod)) {
            self.follow(step.at, PodState::of(row), step.book);
        }
    }
}
