//! How many pods there were and what became of them, how soon they ran, and how many were alive at
//! once.
//!
//! The demanded peak asks what the input wants: each submitted pod is alive from its creation for
//! its lifetime (half open, an end at the same instant as a start comes first), or for ever. The
//! measured peak asks what the run did: alive from creation to the end, waits included, lost pods
//! and their replacements too. Neither counts pods with a lifetime of zero.

use super::book::{Book, NEVER, PodRow, State};
use super::results::{FailureResult, Level, LifeResults, distribution};
use super::step::{Fold, Step};
use crate::ground::{Span, Time};
use crate::journal::{DeletionCause, Fact};
use crate::model::{FailedReason, PodUid};
use crate::stats::{Samples, TimeWeighted};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// The pod created last: what follows at once tells its lifetime and whether it is a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Draft {
    pod: PodUid,
    created: Time,
    lifetime: Option<Span>,
    replaces: bool,
}

/// The fold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Life {
    draft: Option<Draft>,
    submitted: u64,
    with_lifetime: u64,
    replaced: u64,
    finished: u64,
    /// By reason.
    failed: BTreeMap<FailedReason, u64>,
    interrupted: u64,
    lost: u64,
    scaled_down: u64,
    preempted: u64,
    removed: u64,
    to_running: Samples,
    to_ready: Samples,
    demanded: TimeWeighted,
    demand_ends: BinaryHeap<Reverse<Time>>,
    alive: TimeWeighted,
    running: TimeWeighted,
}

impl Life {
    /// Takes the last created pod in, once all is known about it.
    fn settle(&mut self) {
        let Some(draft) = self.draft.take() else {
            return;
        };
        if draft.replaces {
            self.replaced += 1;
            return;
        }
        self.submitted += 1;
        if draft.lifetime == Some(Span::ZERO) {
            return;
        }
        self.with_lifetime += 1;
        while let Some(Reverse(end)) = self.demand_ends.peek().copied()
            && end <= draft.created
        {
            self.demand_ends.pop();
            self.demanded.subtract(end, 1);
        }
        self.demanded.add(draft.created, 1);
        if let Some(lifetime) = draft.lifetime {
            self.demand_ends.push(Reverse(draft.created + lifetime));
        }
    }

    /// The numbers of a run that ends here.
    pub(super) fn finish(mut self, book: &Book, end: Time) -> LifeResults {
        self.settle();
        let count =
            |states: &[State]| book.pods().filter(|row| states.contains(&row.state)).count() as u64;
        LifeResults {
            submitted: self.submitted,
            with_lifetime: self.with_lifetime,
            finished: self.finished,
            failed: self.failed.values().sum(),
            evicted: self.evicted(),
            failures: self.failures(),
            running_at_end: count(&[State::Started, State::Ready]),
            starting_at_end: count(&[State::Bound]),
            pending_at_end: count(&[State::Waiting]),
            interrupted_at_end: count(&[State::Interrupted]),
            interrupted: self.interrupted,
            lost: self.lost,
            scaled_down: self.scaled_down,
            preempted: self.preempted,
            removed: self.removed,
            replaced: self.replaced,
            time_to_running: self.to_running.summary(1e9),
            time_to_ready: self.to_ready.summary(1e9),
            running_distribution: distribution(&self.to_running),
            ready_distribution: distribution(&self.to_ready),
            running: Level::of(&self.running, end),
            peak_alive_demanded: self.demanded.peak(),
            peak_alive_measured: self.alive.peak(),
        }
    }

    fn evicted(&self) -> u64 {
        let evicted = self.failed.iter().filter(|(reason, _)| reason.is_eviction());
        evicted.map(|(_, pods)| pods).sum()
    }

    /// Pods that ended badly, by reason, most first.
    fn failures(&self) -> Vec<FailureResult> {
        let row = |(reason, pods): (&FailedReason, &u64)| FailureResult {
            reason: format!("{reason:?}"),
            status: reason.word().to_owned(),
            pods: *pods,
        };
        let mut rows: Vec<FailureResult> = self.failed.iter().map(row).collect();
        rows.sort_by_key(|row| Reverse(row.pods));
        rows
    }
}

impl Fold for Life {
    fn fold(&mut self, step: &Step<'_>) {
        let at = step.at;
        match (step.fact, &mut self.draft) {
            (Fact::LifetimeSet { pod, lifetime }, Some(draft)) if draft.pod == pod => {
                draft.lifetime = Some(lifetime);
                if lifetime.is_zero() {
                    self.alive.subtract(at, 1);
                }
                return;
            }
            (Fact::Replaced { pod, .. }, Some(draft)) if draft.pod == pod => {
                draft.replaces = true;
                return;
            }
            _ => self.settle(),
        }
        if let Fact::PodCreated { pod, .. } = step.fact {
            self.draft = Some(Draft { pod, created: at, lifetime: None, replaces: false });
            self.alive.add(at, 1);
            return;
        }
        let Some(row) = step.pod else {
            return;
        };
        let runs = step.book.pod(row.pod).is_some_and(PodRow::runs);
        match (row.runs(), runs) {
            (false, true) => self.running.add(at, 1),
            (true, false) => self.running.subtract(at, 1),
            _ => {}
        }
        match step.fact {
            Fact::Started { .. } if row.started == NEVER => {
                self.to_running.add(at.since(row.created).as_nanos());
            }
            Fact::Ready { .. } if row.ready == NEVER => {
                self.to_ready.add(at.since(row.created).as_nanos());
            }
            Fact::Interrupted { .. } => self.interrupted += 1,
            Fact::Deleting { cause, .. } => match cause {
                DeletionCause::TaintEviction | DeletionCause::NodeLost => self.lost += 1,
                DeletionCause::ScaleDown
                | DeletionCause::Update
                | DeletionCause::OwnerDeleted
                | DeletionCause::JobEnds => self.scaled_down += 1,
                DeletionCause::Preempted => self.preempted += 1,
                // What operators want is no loss and no decision of the cluster.
                DeletionCause::Evicted | DeletionCause::ByHand => {}
            },
            Fact::Finished { .. } | Fact::Failed { .. } | Fact::Removed { .. } => {
                match step.fact {
                    Fact::Finished { .. } => self.finished += 1,
                    Fact::Failed { reason, .. } => *self.failed.entry(reason).or_default() += 1,
                    _ => self.removed += 1,
                }
                self.alive.subtract(at, u64::from(!row.momentary));
            }
            _ => {}
        }
    }
}
