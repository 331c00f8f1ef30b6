//! The Events by which a controller tells users what it did. Only their cost is simulated: they
//! go one after the other through the client that everything else of the controller goes through.
//!
//! Source: `client-go/tools/record` (`event.go`, and the spam filter of `events_cache.go`), and
//! `kubernetes.NewForConfig`, whose limit all groups of the API share, Kubernetes 1.34.

use crate::ground::{Span, Time};
use crate::policy::kube::control::TokenBucket;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Events about one object in the long run (`defaultSpamQPS`).
const INTERVAL: Span = Span::from_secs(300);
/// Events about one object at once (`defaultSpamBurst`).
const BURST: u32 = 25;

/// Events that wait to be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Recorder<K: Ord> {
    waiting: u32,
    sending: bool,
    filters: BTreeMap<K, TokenBucket>,
}

impl<K: Ord> Recorder<K> {
    pub(super) fn new() -> Recorder<K> {
        Recorder { waiting: 0, sending: false, filters: BTreeMap::new() }
    }

    /// Takes an Event about an object, unless there were too many about it lately.
    pub(super) fn record(&mut self, about: K, now: Time) {
        let full = || TokenBucket::new(INTERVAL, BURST);
        if self.filters.entry(about).or_insert_with(full).try_take(now) {
            self.waiting += 1;
        }
    }

    /// The next Event goes, if none is on its way.
    pub(super) fn next(&mut self) -> bool {
        let goes = !self.sending && self.waiting > 0;
        self.sending |= goes;
        self.waiting -= u32::from(goes);
        goes
    }

    /// The Event on its way is answered.
    pub(super) fn sent(&mut self) {
        self.sending = false;
    }

    /// Nothing more comes about an object.
    pub(super) fn forget(&mut self, about: &K) {
        self.filters.remove(about);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_go_one_after_the_other_and_not_too_many_about_one_object() {
        let mut recorder = Recorder::new();
        for _ in 0..40 {
            recorder.record("web", Time::ZERO);
        }
        recorder.record("db", Time::ZERO);
        let mut gone = 0;
        while recorder.next() {
            assert!(!recorder.next(), "one at a time");
            recorder.sent();
            gone += 1;
        }
        assert_eq!(gone, 26);
        recorder.record("web", Time::from_secs(299));
        assert!(!recorder.next());
        recorder.record("web", Time::from_secs(300));
        assert!(recorder.next());
    }
}
