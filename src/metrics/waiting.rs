//! How long pods waited for a node, how often they were refused, and by whom.
//!
//! Time to bind runs from the first entry into the active queue to the binding, over all attempts
//! (`pod_scheduling_sli_duration_seconds`, Kubernetes 1.34). The wait after a refusal is counted
//! for the set of plugins that refused together; a plugin's own figure sums the sets it is in, so
//! figures of plugins overlap.

use super::book::{Book, NEVER, PodRow, State};
use super::results::{Level, PluginWait, ReasonWait, WaitingResults, distribution};
use super::step::{Fold, Step};
use crate::ground::Time;
use crate::journal::Fact;
use crate::model::{Plugin, PluginSet};
use crate::stats::{Samples, TimeWeighted};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Refusals by one set of plugins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Refusals {
    attempts: u64,
    wait_nanos: u128,
    pending: u64,
}

/// The fold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Waiting {
    time_to_bind: Samples,
    attempts: Samples,
    pending: TimeWeighted,
    bind_failures: u64,
    first_attempt: u64,
    /// Time in the queue before the first attempt ended.
    queue_nanos: u128,
    by_set: BTreeMap<u32, Refusals>,
}

impl Waiting {
    /// Counts the wait since the last attempt of a pod, or since it was queued.
    fn count_wait(&mut self, row: &PodRow, at: Time) {
        if row.refused != NEVER {
            let waited = u128::from(at.since(row.refused).as_nanos());
            self.by_set.entry(row.refusers.0).or_default().wait_nanos += waited;
        } else if row.queued != NEVER {
            self.queue_nanos += u128::from(at.since(row.queued).as_nanos());
        }
    }

    /// The numbers of a run that ends here.
    pub(super) fn finish(mut self, book: &Book, end: Time) -> WaitingResults {
        let mut waited = Samples::new();
        for row in book.pods().filter(|row| row.state == State::Waiting) {
            waited.add(end.since(queued_or_created(row)).as_nanos());
            self.count_wait(row, end);
            if row.refused != NEVER {
                self.by_set.entry(row.refusers.0).or_default().pending += 1;
            }
        }
        WaitingResults {
            time_to_bind: self.time_to_bind.summary(1e9),
            exact: self.time_to_bind.is_exact(),
            attempts: self.attempts.summary(1.0),
            first_attempt: self.first_attempt,
            pending: Level::of(&self.pending, end),
            refused_attempts: self.by_set.values().map(|refusals| refusals.attempts).sum(),
            bind_failures: self.bind_failures,
            queue_seconds: seconds(self.queue_nanos),
            reasons: self.reasons(),
            plugins: self.plugins(),
            censored: waited.summary(1e9),
            distribution: distribution(&self.time_to_bind),
        }
    }

    fn reasons(&self) -> Vec<ReasonWait> {
        let mut sets: Vec<_> = self.by_set.iter().collect();
        sets.sort_by_key(|(set, refusals)| Reverse((refusals.wait_nanos, Reverse(**set))));
        let row = |(set, refusals): (&u32, &Refusals)| ReasonWait {
            plugins: PluginSet(*set).iter().map(|plugin| plugin.to_string()).collect(),
            attempts: refusals.attempts,
            wait_seconds: seconds(refusals.wait_nanos),
            pending: refusals.pending,
        };
        sets.into_iter().map(row).collect()
    }

    fn plugins(&self) -> Vec<PluginWait> {
        let sum = |plugin: Plugin| {
            let mut total = Refusals::default();
            for (set, refusals) in &self.by_set {
                if PluginSet(*set).contains(plugin) {
                    total.attempts += refusals.attempts;
                    total.wait_nanos += refusals.wait_nanos;
                    total.pending += refusals.pending;
                }
            }
            PluginWait {
                plugin: plugin.to_string(),
                attempts: total.attempts,
                wait_seconds: seconds(total.wait_nanos),
                pending: total.pending,
            }
        };
        Plugin::ALL.into_iter().map(sum).filter(|row| row.attempts > 0).collect()
    }
}

fn seconds(nanos: u128) -> f64 {
    nanos as f64 / 1e9
}

fn queued_or_created(row: &PodRow) -> Time {
    if row.queued == NEVER { row.created } else { row.queued }
}

impl Fold for Waiting {
    fn fold(&mut self, step: &Step<'_>) {
        match step.fact {
            Fact::PodCreated { .. } => self.pending.add(step.at, 1),
            Fact::BindFailed { .. } => self.bind_failures += 1,
            _ => {}
        }
        let Some(row) = step.pod else {
            return;
        };
        match step.fact {
            Fact::Refused { refusers, .. } => {
                self.count_wait(row, step.at);
                self.by_set.entry(refusers.0).or_default().attempts += 1;
            }
            Fact::Bound { .. } => {
                self.count_wait(row, step.at);
                self.time_to_bind.add(step.at.since(queued_or_created(row)).as_nanos());
                self.attempts.add(u64::from(row.refusals) + 1);
                self.first_attempt += u64::from(row.refusals == 0);
                self.pending.subtract(step.at, 1);
            }
            Fact::Removed { .. } | Fact::Finished { .. } | Fact::Failed { .. }
                if row.state == State::Waiting =>
            {
                self.count_wait(row, step.at);
                self.pending.subtract(step.at, 1);
            }
            _ => {}
        }
    }
}
