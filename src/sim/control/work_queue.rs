//! The queue of a controller (`client-go/util/workqueue`, Kubernetes 1.34): a key waits in it at
//! most once, is with one worker at a time, and comes back if something happened meanwhile.

use crate::ground::{Span, Time};
use crate::policy::kube::control::TokenBucket;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// First delay of a key whose sync failed; each further failure doubles it.
const FIRST_DELAY: Span = Span::from_millis(5);
/// Longest delay.
const LONGEST_DELAY: Span = Span::from_secs(1000);
/// Failed syncs of all keys together: ten each second.
const RETRY_INTERVAL: Span = Span::from_millis(100);
/// Failed syncs of all keys that come back at once.
const RETRY_BURST: u32 = 100;

/// Where a key is that is not at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Turn {
    /// In the queue.
    Waiting,
    /// With a worker.
    Taken,
    /// With a worker, and something has happened meanwhile.
    TakenAgain,
}

/// Keys that wait for a worker, and those that are with one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct WorkQueue<K: Ord> {
    order: VecDeque<K>,
    turns: BTreeMap<K, Turn>,
    idle: u32,
    /// Somebody is handing keys out.
    handing_out: bool,
    failures: BTreeMap<K, u32>,
    first_delay: Span,
    retries: TokenBucket,
}

impl<K: Copy + Ord> WorkQueue<K> {
    /// A queue that so many workers serve.
    pub(super) fn new(workers: u32) -> WorkQueue<K> {
        WorkQueue::with_first_delay(workers, FIRST_DELAY)
    }

    /// The same, with another first delay of keys whose sync failed.
    pub(super) fn with_first_delay(workers: u32, first_delay: Span) -> WorkQueue<K> {
        WorkQueue {
            order: VecDeque::new(),
            turns: BTreeMap::new(),
            idle: workers,
            handing_out: false,
            failures: BTreeMap::new(),
            first_delay,
            retries: TokenBucket::new(RETRY_INTERVAL, RETRY_BURST),
        }
    }

    /// Lets a key wait for its sync.
    pub(super) fn add(&mut self, key: K) {
        match self.turns.get_mut(&key) {
            None => {
                self.turns.insert(key, Turn::Waiting);
                self.order.push_back(key);
            }
            Some(turn @ Turn::Taken) => *turn = Turn::TakenAgain,
            Some(Turn::Waiting | Turn::TakenAgain) => {}
        }
    }

    /// True if the caller is to hand keys out, until [`WorkQueue::take`] has none. False if that
    /// goes on already: the caller is part of a sync that ends at once, and the next key must not
    /// be begun inside of it, or as many idle keys would need as much stack.
    pub(super) fn starts(&mut self) -> bool {
        !std::mem::replace(&mut self.handing_out, true)
    }

    /// The next key, if a worker is free.
    pub(super) fn take(&mut self) -> Option<K> {
        let key = if self.idle == 0 { None } else { self.order.pop_front() };
        match key {
            Some(key) => {
                self.idle -= 1;
                self.turns.insert(key, Turn::Taken);
            }
            None => self.handing_out = false,
        }
        key
    }

    /// A worker is done with a key.
    pub(super) fn put_back(&mut self, key: K) {
        self.idle += 1;
        if self.turns.remove(&key) == Some(Turn::TakenAgain) {
            self.add(key);
        }
    }

    /// A sync went well.
    pub(super) fn succeeded(&mut self, key: K) {
        self.failures.remove(&key);
    }

    /// How often the sync of a key has failed since it last went well.
    pub(super) fn failures(&self, key: K) -> u32 {
        self.failures.get(&key).copied().unwrap_or(0)
    }

    /// When a key whose sync failed comes back.
    pub(super) fn failed(&mut self, key: K, now: Time) -> Time {
        let failures = self.failures.entry(key).or_default();
        let doublings = (*failures).min(18);
        *failures += 1;
        let delay = (self.first_delay * (1u64 << doublings)).min(LONGEST_DELAY);
        self.retries.reserve(now).max(now + delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_waits_once_and_comes_back() {
        let mut queue = WorkQueue::new(2);
        for key in [1, 2, 1, 3] {
            queue.add(key);
        }
        assert_eq!([queue.take(), queue.take(), queue.take()], [Some(1), Some(2), None]);
        queue.add(1);
        queue.add(1);
        queue.put_back(1);
        assert_eq!(queue.take(), Some(3));
        queue.put_back(2);
        assert_eq!(queue.take(), Some(1));
        queue.put_back(1);
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn keys_are_handed_out_by_one_caller_at_a_time() {
        let mut queue = WorkQueue::new(1);
        queue.add(1);
        assert!(queue.starts() && !queue.starts());
        assert_eq!(queue.take(), Some(1));
        queue.put_back(1);
        assert!(!queue.starts());
        assert_eq!(queue.take(), None);
        assert!(queue.starts());
    }

    #[test]
    fn failures_wait_longer_and_longer() {
        let mut queue = WorkQueue::new(1);
        let delays: Vec<u64> = (0..20)
            .map(|_| queue.failed(7, Time::ZERO).since_start().as_nanos() / 1_000_000)
            .collect();
        assert_eq!(delays[..5], [5, 10, 20, 40, 80]);
        assert_eq!(delays[17..], [655_360, 1_000_000, 1_000_000]);
        queue.succeeded(7);
        assert_eq!(queue.failed(7, Time::ZERO), Time::ZERO + Span::from_millis(5));
        for key in 0..100 {
            queue.failed(key, Time::ZERO);
        }
        let late = queue.failed(200, Time::ZERO);
        assert!(late > Time::ZERO + Span::from_secs(1), "all keys share a bucket: {late:?}");
    }
}
