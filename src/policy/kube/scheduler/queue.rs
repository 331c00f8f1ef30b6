//! The scheduling queue: active, back-off, unschedulable and gated pods, and those in flight
//! (`backend/queue/{scheduling_queue,active_queue,backoff_queue}.go`, Kubernetes 1.34).
//!
//! Upstream keeps the list of cluster events that arrive while a pod is in flight and replays it
//! against the plugins that refuse the pod in the end. A hint depends only on the event and the
//! pod's specification, so it is asked at once, for every plugin, and only the answer is kept.
//!
//! Nothing here is periodic: the two flushes of upstream (1 s and 30 s) are caught up with before
//! anything else happens, and [`Queue::due`] tells when one of them would move a pod.

use super::backoff::{self, Backoff};
use super::plugin::SortKey;
use crate::ground::{Span, Time};
use crate::model::{Plugin, PluginSet, PodId, PodSpecId, PodUid};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A pod that no event woke for longer than this is tried again.
const LONGEST_IN_POOL: Span = Span::from_secs(300);
/// Period of the look for such pods; it starts with the run.
const POOL_FLUSH_PERIOD: Span = Span::from_secs(30);

/// What the queue must know of a new pod.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewPod {
    pub(crate) pod: PodId,
    pub(crate) uid: PodUid,
    pub(crate) spec: PodSpecId,
    pub(crate) priority: i32,
    /// A pre-enqueue plugin holds it back.
    pub(crate) gated: bool,
}

/// Where a pod is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Place {
    Active,
    /// Refused by plugins and delayed.
    Backoff,
    /// Failed by an error and delayed.
    ErrorBackoff,
    /// Unschedulable until an event helps.
    Pool,
    Gated,
    /// Its scheduling cycle is on; these plugins were told of events that may help it.
    InFlight {
        helped: PluginSet,
    },
    /// Its binding cycle is on.
    Binding,
}

/// A pod that the queue knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueuedPod {
    pub(crate) pod: PodId,
    pub(crate) uid: PodUid,
    pub(crate) spec: PodSpecId,
    /// Attempts so far, the one under way included.
    pub(crate) attempts: u32,
    priority: i32,
    arrival: u64,
    timestamp: Time,
    refusals: u32,
    errors_in_a_row: u32,
    refused_by: PluginSet,
    place: Place,
}

impl QueuedPod {
    fn sort_key(&self) -> SortKey {
        SortKey::new(self.priority, self.timestamp, self.arrival, self.uid)
    }

    fn group(&self) -> (PluginSet, PodSpecId) {
        (self.refused_by, self.spec)
    }

    fn expiry(&self, backoff: Backoff) -> Option<Time> {
        let failures = if self.errors_in_a_row > 0 { self.errors_in_a_row } else { self.refusals };
        backoff.expiry(failures, self.timestamp)
    }
}

/// The scheduling queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Queue {
    backoff: Backoff,
    arrivals: u64,
    pods: BTreeMap<PodUid, QueuedPod>,
    active: BTreeSet<SortKey>,
    delayed: BTreeSet<(Time, SortKey)>,
    delayed_by_error: BTreeSet<(Time, SortKey)>,
    /// Unschedulable pods by who refused them and what they are: a hint treats a group alike.
    pool: BTreeMap<(PluginSet, PodSpecId), BTreeSet<PodUid>>,
    pool_by_age: BTreeSet<(Time, PodUid)>,
    out: BTreeSet<PodUid>,
}

impl Queue {
    pub(crate) fn new(backoff: Backoff) -> Queue {
        Queue {
            backoff,
            arrivals: 0,
            pods: BTreeMap::new(),
            active: BTreeSet::new(),
            delayed: BTreeSet::new(),
            delayed_by_error: BTreeSet::new(),
            pool: BTreeMap::new(),
            pool_by_age: BTreeSet::new(),
            out: BTreeSet::new(),
        }
    }

    /// Pods that wait, in whatever queue; those in flight and being bound do not.
    pub(crate) fn pending(&self) -> usize {
        self.pods.len() - self.out.len()
    }

    /// The earliest time, not before `now`, at which [`Queue::pop`] may have a pod.
    pub(crate) fn due(&self, now: Time) -> Option<Time> {
        if !self.active.is_empty() || !self.delayed.is_empty() {
            return Some(now);
        }
        let error = self.delayed_by_error.first().map(|(expiry, _)| backoff::flushed_at(*expiry));
        let leftover = self.pool_by_age.first().map(|(since, _)| leftover_flush(*since));
        [error, leftover].into_iter().flatten().min().map(|at| at.max(now))
    }

    /// Catches up with the flushes up to `now`. To be called before anything else at that time.
    pub(crate) fn advance(&mut self, now: Time) {
        while let Some((since, uid)) = self.pool_by_age.first().copied()
            && leftover_flush(since) <= now
        {
            let flushed_at = leftover_flush(since);
            self.leave_pool(uid);
            self.requeue(uid, flushed_at);
            // Upstream records the flush as an event that wakes every pod in flight.
            for out in &self.out {
                let pod = self.pods.get_mut(out).expect("a pod in flight is known");
                if let Place::InFlight { helped } = &mut pod.place {
                    *helped = PluginSet::of(&Plugin::ALL);
                }
            }
        }
        for delayed in [&mut self.delayed, &mut self.delayed_by_error] {
            while let Some((expiry, key)) = delayed.first().copied()
                && !backoff::is_backing_off(expiry, now)
            {
                delayed.pop_first();
                self.active.insert(key);
                self.pods.get_mut(&key.uid).expect("a queued pod is known").place = Place::Active;
            }
        }
    }

    /// Adds a new pod.
    pub(crate) fn add(&mut self, new: NewPod, now: Time) {
        self.arrivals += 1;
        let pod = QueuedPod {
            pod: new.pod,
            uid: new.uid,
            spec: new.spec,
            attempts: 0,
            priority: new.priority,
            arrival: self.arrivals,
            timestamp: now,
            refusals: 0,
            errors_in_a_row: 0,
            refused_by: PluginSet::EMPTY,
            place: if new.gated { Place::Gated } else { Place::Active },
        };
        if !new.gated {
            self.active.insert(pod.sort_key());
        }
        let before = self.pods.insert(new.uid, pod);
        assert!(before.is_none(), "{:?} is added once", new.uid);
    }

    /// Takes the first active pod, or the first that is delayed by a refusal if none is active.
    pub(crate) fn pop(&mut self) -> Option<QueuedPod> {
        let early =
            |delayed: &mut BTreeSet<(Time, SortKey)>| delayed.pop_first().map(|(_, key)| key);
        let key = self.active.pop_first().or_else(|| early(&mut self.delayed))?;
        let pod = self.pods.get_mut(&key.uid).expect("a queued pod is known");
        pod.attempts += 1;
        pod.refused_by = PluginSet::EMPTY;
        pod.place = Place::InFlight { helped: PluginSet::EMPTY };
        self.out.insert(key.uid);
        Some(*pod)
    }

    /// The scheduling cycle of a pod ended well: events do not concern it any more.
    pub(crate) fn assumed(&mut self, uid: PodUid) {
        if let Some(pod) = self.pods.get_mut(&uid) {
            debug_assert!(matches!(pod.place, Place::InFlight { .. }), "{uid:?} was in flight");
            pod.place = Place::Binding;
        }
    }

    /// Puts a pod back whose attempt found no node, or met an error if no plugin refused.
    pub(crate) fn refused(&mut self, uid: PodUid, refusers: PluginSet, now: Time) {
        let Some(pod) = self.pods.get_mut(&uid) else { return };
        let helped = match pod.place {
            Place::InFlight { helped } => helped,
            Place::Binding => PluginSet::EMPTY,
            place => unreachable!("{uid:?} comes back from an attempt, not from {place:?}"),
        };
        pod.timestamp = now;
        pod.refused_by = refusers;
        self.out.remove(&uid);
        if refusers.is_empty() {
            pod.errors_in_a_row += 1;
            self.requeue(uid, now);
            return;
        }
        pod.refusals += 1;
        pod.errors_in_a_row = 0;
        if helped.intersection(refusers).is_empty() {
            pod.place = Place::Pool;
            self.pool.entry(pod.group()).or_default().insert(uid);
            self.pool_by_age.insert((now, uid));
        } else {
            self.requeue(uid, now);
        }
    }

    /// Tells of an event in which the plugins of `interest` take part. `helps` says whether it may
    /// let a pod of a specification pass a plugin.
    pub(crate) fn wake(
        &mut self,
        interest: PluginSet,
        now: Time,
        mut helps: impl FnMut(PodSpecId, Plugin) -> bool,
    ) {
        let woken: Vec<(PluginSet, PodSpecId)> = self
            .pool
            .keys()
            .filter(|(refusers, spec)| {
                refusers.intersection(interest).iter().any(|plugin| helps(*spec, plugin))
            })
            .copied()
            .collect();
        for group in woken {
            for uid in self.pool.remove(&group).expect("a woken group is in the pool") {
                self.pool_by_age.remove(&(self.pods[&uid].timestamp, uid));
                self.requeue(uid, now);
            }
        }
        for uid in &self.out {
            let pod = self.pods.get_mut(uid).expect("a pod in flight is known");
            if let Place::InFlight { helped } = &mut pod.place {
                interest.iter().filter(|plugin| helps(pod.spec, *plugin)).for_each(|plugin| {
                    helped.insert(plugin);
                });
            }
        }
    }

    /// True if the pod waits in a queue, so that it is neither in flight nor being bound.
    pub(crate) fn waits(&self, uid: PodUid) -> bool {
        self.pods.contains_key(&uid) && !self.out.contains(&uid)
    }

    /// Forgets a pod, wherever it is.
    pub(crate) fn remove(&mut self, uid: PodUid) {
        let Some(pod) = self.pods.get(&uid).copied() else { return };
        let delayed = || (pod.expiry(self.backoff).unwrap_or(Time::ZERO), pod.sort_key());
        let found = match pod.place {
            Place::Active => self.active.remove(&pod.sort_key()),
            Place::Backoff => self.delayed.remove(&delayed()),
            Place::ErrorBackoff => self.delayed_by_error.remove(&delayed()),
            Place::Pool => {
                self.leave_pool(uid);
                true
            }
            Place::Gated => true,
            Place::InFlight { .. } | Place::Binding => self.out.remove(&uid),
        };
        debug_assert!(found, "{uid:?} is where it says it is");
        self.pods.remove(&uid);
    }

    fn leave_pool(&mut self, uid: PodUid) {
        let pod = &self.pods[&uid];
        self.pool_by_age.remove(&(pod.timestamp, uid));
        let group = self.pool.get_mut(&pod.group()).expect("a pod of the pool has a group");
        group.remove(&uid);
        if group.is_empty() {
            self.pool.remove(&pod.group());
        }
    }

    /// Puts a pod into a back-off queue while it is delayed, else into the active queue.
    fn requeue(&mut self, uid: PodUid, now: Time) {
        let pod = self.pods.get_mut(&uid).expect("a requeued pod is known");
        match pod.expiry(self.backoff) {
            Some(expiry) if backoff::is_backing_off(expiry, now) => {
                if pod.refused_by.is_empty() {
                    pod.place = Place::ErrorBackoff;
                    self.delayed_by_error.insert((expiry, pod.sort_key()));
                } else {
                    pod.place = Place::Backoff;
                    self.delayed.insert((expiry, pod.sort_key()));
                }
            }
            _ => {
                pod.place = Place::Active;
                self.active.insert(pod.sort_key());
            }
        }
    }
}

/// The first look for leftovers that finds a pod which came to the pool at `since`.
fn leftover_flush(since: Time) -> Time {
    let overdue = since + LONGEST_IN_POOL + Span::from_nanos(1);
    overdue.next_tick(POOL_FLUSH_PERIOD, Span::ZERO)
}

#[cfg(test)]
impl Queue {
    /// What is where, for tests: `active`, `backoff`, `error`, `pool`, `gated` or `flight`.
    pub(crate) fn contents(&self, place: &str) -> Vec<(PodUid, Option<Time>)> {
        let with_expiry = |queue: &BTreeSet<(Time, SortKey)>| {
            queue.iter().map(|(expiry, key)| (key.uid, Some(*expiry))).collect()
        };
        let at = |wanted: fn(&Place) -> bool| {
            let here = self.pods.values().filter(|pod| wanted(&pod.place));
            here.map(|pod| (pod.uid, None)).collect()
        };
        match place {
            "active" => self.active.iter().map(|key| (key.uid, None)).collect(),
            "backoff" => with_expiry(&self.delayed),
            "error" => with_expiry(&self.delayed_by_error),
            "pool" => self.pool_by_age.iter().map(|(_, uid)| (*uid, None)).collect(),
            "gated" => at(|place| *place == Place::Gated),
            "flight" => at(|place| matches!(place, Place::InFlight { .. })),
            "binding" => at(|place| *place == Place::Binding),
            other => panic!("`{other}` is no place of the queue"),
        }
    }
}
