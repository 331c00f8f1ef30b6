//! The API server and its storage: what is true for everybody but the machines, and the log of
//! changes from which views are brought up to date.

use crate::ground::{Id, Time};
use crate::model::{Catalog, Change, PodId, PodUid, View};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A change and the time of its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Commit {
    pub(super) at: Time,
    pub(super) change: Change,
}

/// Objects and the log of their changes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Store {
    pub(super) truth: View,
    log: VecDeque<Commit>,
    /// Number of the first commit in the log.
    first: u64,
    next_uid: u32,
    free_rows: Vec<PodId>,
    rows: u32,
}

impl Store {
    /// Applies a change, and keeps it in the log if some view is behind.
    pub(super) fn commit(&mut self, at: Time, change: Change, keep: bool, catalog: &Catalog) {
        debug_assert!(self.log.back().is_none_or(|last| last.at <= at), "commits are in order");
        self.truth.apply(&change, catalog);
        if let Change::PodRemoved { pod } = change {
            self.free_rows.push(pod);
        }
        if keep {
            self.log.push_back(Commit { at, change });
        } else {
            self.first += 1;
        }
    }

    /// A free row and a fresh number for a pod about to be created.
    pub(super) fn next_pod(&mut self) -> (PodId, PodUid) {
        let uid = PodUid(self.next_uid);
        self.next_uid = self.next_uid.checked_add(1).expect("fewer than 2^32 pods in a run");
        let row = self.free_rows.pop().unwrap_or_else(|| {
            let row = PodId::from_index(self.rows as usize);
            self.rows += 1;
            row
        });
        (row, uid)
    }

    /// The number for ever of the pod that is created next.
    pub(super) fn upcoming(&self) -> PodUid {
        PodUid(self.next_uid)
    }

    /// The number that the next commit will get.
    pub(super) fn end(&self) -> u64 {
        self.first + self.log.len() as u64
    }

    /// The commit with this number, if there is one already.
    pub(super) fn get(&self, number: u64) -> Option<&Commit> {
        let at = number.checked_sub(self.first).expect("a view is never behind the log");
        self.log.get(usize::try_from(at).expect("the log fits into memory"))
    }

    /// Forgets the commits that all views have.
    pub(super) fn trim(&mut self, oldest_needed: u64) {
        while self.first < oldest_needed && self.log.pop_front().is_some() {
            self.first += 1;
        }
    }
}
