//! A process's view of the store: a replica with a cursor in the log of changes, or the store
//! itself where nothing is delayed.

use super::store::{Commit, Store};
use crate::ground::{Span, Time};
use crate::model::{Catalog, View};
use serde::{Deserialize, Serialize};

/// The view of one process, and when the process is next woken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Feed {
    replica: Option<View>,
    cursor: u64,
    /// Commits below this number must not be left unread for long.
    wanted: u64,
    delay: Span,
    wake: Option<Time>,
}

impl Feed {
    /// A feed that is `delay` behind the store, or shares its view.
    pub(super) fn new(shared: bool, delay: Span) -> Feed {
        Feed { replica: (!shared).then(View::new), cursor: 0, wanted: 0, delay, wake: None }
    }

    /// Replaces the delay; a shared view stays shared.
    pub(super) fn set_delay(&mut self, delay: Span) {
        self.delay = delay;
    }

    /// True if the process believes what the store knows.
    pub(super) fn is_shared(&self) -> bool {
        self.replica.is_none()
    }

    /// What the process believes.
    pub(super) fn view<'a>(&'a self, store: &'a Store) -> &'a View {
        self.replica.as_ref().unwrap_or(&store.truth)
    }

    /// The replica, to note assumptions in; `None` if the view is shared.
    pub(super) fn replica_mut(&mut self) -> Option<&mut View> {
        self.replica.as_mut()
    }

    /// The next commit that has reached the process by `now`.
    pub(super) fn ripe(&self, store: &Store, now: Time) -> Option<Commit> {
        self.replica.as_ref()?;
        store.get(self.cursor).filter(|commit| commit.at + self.delay <= now).copied()
    }

    /// The next commit, whether it has reached the process or not: what a process lists at its
    /// start.
    pub(super) fn next(&self, store: &Store) -> Option<Commit> {
        self.replica.as_ref()?;
        store.get(self.cursor).copied()
    }

    /// Takes the commit returned by `ripe` or `next` into the replica.
    pub(super) fn take(&mut self, commit: &Commit, catalog: &Catalog) {
        self.cursor += 1;
        if let Some(replica) = &mut self.replica {
            replica.apply(&commit.change, catalog);
        }
    }

    /// When the next commit reaches the process, if there is one.
    pub(super) fn next_ripe(&self, store: &Store) -> Option<Time> {
        self.replica.as_ref()?;
        store.get(self.cursor).map(|commit| commit.at + self.delay)
    }

    /// When the next commit reaches the process, if one that it wants is among those to come.
    pub(super) fn next_wanted(&self, store: &Store) -> Option<Time> {
        if self.cursor < self.wanted { self.next_ripe(store) } else { None }
    }

    /// Notes that the process wants the last commit as soon as it arrives.
    pub(super) fn want_last(&mut self, store: &Store) {
        self.wanted = store.end();
    }

    /// When a commit made now reaches the process.
    pub(super) fn reaches(&self, now: Time) -> Time {
        now + self.delay
    }

    /// Number of the oldest commit that this process still needs.
    pub(super) fn needs(&self, store: &Store) -> u64 {
        if self.is_shared() { store.end() } else { self.cursor }
    }

    /// Number of commits not taken yet.
    pub(super) fn behind(&self, store: &Store) -> u64 {
        store.end() - self.needs(store)
    }

    /// Notes that the process is to be woken at `at`; false if it is woken no later anyway.
    pub(super) fn wake_at(&mut self, at: Time) -> bool {
        if self.wake.is_some_and(|wake| wake <= at) {
            return false;
        }
        self.wake = Some(at);
        true
    }

    /// True if the wake-up that comes up now is the one that counts, which is thereby used up.
    pub(super) fn woken(&mut self, now: Time) -> bool {
        let counts = self.wake == Some(now);
        if counts {
            self.wake = None;
        }
        counts
    }
}
