//! The pending-event set and the clock: [`Queue`] delivers events in the order (time, class,
//! sequence), where the sequence number is the order of scheduling.
//!
//! There is no way to remove an event. Its owner keeps a *generation* next to whatever the event
//! is about and a copy of it in the event; raising the generation cancels every event that carries
//! the old one, and the owner drops those when they are delivered. An owner that cancels much
//! calls [`Queue::retain`] once the dead outnumber the living.
//!
//! A timer that is re-armed far more often than it fires keeps one event in the queue: the owner
//! stores the new deadline with a sequence number from [`Queue::reserve`], and when the event
//! surfaces before the deadline, schedules it again by [`Queue::push_reserved`]. The order of
//! delivery is the one that cancelling and scheduling anew would give.

use super::wheel::{Entry, SEQ_MOST, Wheel};
use crate::ground::Time;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Which of the events of one instant come first. What reaches the cluster from outside comes
/// before all of them and is not in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Class {
    /// What machines do: containers start and end, nodes fail and return.
    Machine = 0,
    /// What the store learns and tells: writes and watch deliveries.
    Store = 1,
    /// What loops do: controllers, schedulers, autoscalers wake up.
    Loop = 2,
}

impl Class {
    /// All classes, in their order.
    pub const ALL: [Class; 3] = [Class::Machine, Class::Store, Class::Loop];
}

/// The number of a scheduling: ascending over a run, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub(super) u64);

/// An event with its place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled<E> {
    /// When it happens.
    pub at: Time,
    /// Its place among the events of that instant.
    pub class: Class,
    /// Its place among the events of that instant and class.
    pub seq: Seq,
    /// What happens.
    pub event: E,
}

/// The pending events of a run, and its clock.
///
/// Events are small and `Copy`; taking one out and putting one in costs some tens of nanoseconds,
/// nearly independent of how many are pending. A clone or a restored copy delivers the same events
/// in the same order.
#[derive(Debug, Clone)]
pub struct Queue<E> {
    pending: Wheel<E>,
    now: Time,
    next: u64,
    delivered: u64,
}

impl<E: Copy> Default for Queue<E> {
    fn default() -> Queue<E> {
        Queue::new()
    }
}

impl<E: Copy> Queue<E> {
    /// Nothing pending, at the start of a run.
    pub fn new() -> Queue<E> {
        Queue { pending: Wheel::new(Time::ZERO), now: Time::ZERO, next: 0, delivered: 0 }
    }

    /// The clock: the time of the last event delivered or the later time at which
    /// something came from outside or the run stopped.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Number of events delivered since the start of the run.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Number of pending events.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// True if nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.pending.len() == 0
    }

    /// Time of the next event.
    pub fn peek_time(&self) -> Option<Time> {
        self.pending.first()
    }

    /// Schedules an event. At [`Time::MAX`] it is kept, but no run reaches it.
    ///
    /// # Panics
    /// If `at` is before the clock.
    #[inline]
    pub fn push(&mut self, at: Time, class: Class, event: E) -> Seq {
        let seq = self.reserve();
        self.insert(Scheduled { at, class, seq, event });
        seq
    }

    /// Takes the next sequence number, for a later [`Queue::push_reserved`].
    #[inline]
    pub fn reserve(&mut self) -> Seq {
        let seq = Seq(self.next);
        self.next += 1;
        seq
    }

    /// Schedules an event in the place of the order that [`Queue::reserve`] gave. At most one
    /// pending event may have it.
    ///
    /// # Panics
    /// If `at` is before the clock, or `seq` was never given out.
    pub fn push_reserved(&mut self, at: Time, class: Class, seq: Seq, event: E) {
        assert!(seq.0 < self.next, "sequence number {} was reserved", seq.0);
        self.insert(Scheduled { at, class, seq, event });
    }

    #[inline]
    fn insert(&mut self, scheduled: Scheduled<E>) {
        let (at, now) = (scheduled.at, self.now);
        assert!(at >= now, "an event for {at} is scheduled at {now}, after its time");
        self.pending.insert(Entry::new(&scheduled));
    }

    /// Delivers the next event and sets the clock to its time.
    #[inline]
    pub fn pop(&mut self) -> Option<Scheduled<E>> {
        self.pop_before_announcing(None, |_| ())
    }

    /// Delivers the next event if it happens before `gate`.
    #[inline]
    pub fn pop_before(&mut self, gate: Time) -> Option<Scheduled<E>> {
        self.pop_before_announcing(Some(gate), |_| ())
    }

    /// As [`Queue::pop_before`]; tells `soon` of some of the events that are among the next.
    #[inline]
    pub(super) fn pop_before_announcing(
        &mut self,
        gate: Option<Time>,
        soon: impl FnMut(&E),
    ) -> Option<Scheduled<E>> {
        if let Some(gate) = gate
            && self.peek_time()? >= gate
        {
            return None;
        }
        let next = self.pending.take(soon)?.scheduled();
        debug_assert!(next.at >= self.now, "time never goes back");
        self.now = next.at;
        self.delivered += 1;
        Some(next)
    }

    /// Sets the clock to a time at which something else happens.
    ///
    /// # Panics
    /// If that is before the clock or after a pending event.
    pub(super) fn advance(&mut self, to: Time) {
        let now = self.now;
        assert!(to >= now, "time never goes back, from {now} to {to}");
        if let Some(next) = self.peek_time() {
            assert!(to <= next, "an event for {next} is passed over on the way to {to}");
        }
        self.now = to;
    }

    /// Drops every event that `keep` says no to. Takes time in proportion to all that is pending:
    /// worth it when more than half of them are dead.
    pub fn retain(&mut self, mut keep: impl FnMut(&Scheduled<E>) -> bool) {
        let entries = self.pending.entries();
        self.pending = Wheel::new(self.now);
        for entry in entries.iter().filter(|entry| keep(&entry.scheduled())) {
            self.pending.insert(*entry);
        }
    }

    /// All pending events in the order of delivery. Sorts a copy: for saving and for showing.
    pub fn pending(&self) -> Vec<Scheduled<E>> {
        let mut entries = self.pending.entries();
        entries.sort_unstable_by_key(Entry::key);
        entries.iter().map(Entry::scheduled).collect()
    }
}

/// What is saved of a queue: nothing of how it is built.
#[derive(Serialize, Deserialize)]
struct Saved<E> {
    now: Time,
    next: u64,
    delivered: u64,
    pending: Vec<Scheduled<E>>,
}

impl<E: Copy + Serialize> Serialize for Queue<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Queue { now, next, delivered, .. } = *self;
        Saved { now, next, delivered, pending: self.pending() }.serialize(serializer)
    }
}

impl<'de, E: Copy + Deserialize<'de>> Deserialize<'de> for Queue<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Queue<E>, D::Error> {
        let Saved { now, next, delivered, pending } = Saved::<E>::deserialize(deserializer)?;
        if next > SEQ_MOST {
            return Err(de::Error::custom("more was scheduled than a run can schedule"));
        }
        let mut queue = Queue { pending: Wheel::new(now), now, next, delivered };
        let mut previous = None;
        for scheduled in pending {
            let key = (scheduled.at, scheduled.class, scheduled.seq);
            if key.0 < now || key.2.0 >= next || previous >= Some(key) {
                return Err(de::Error::custom("the pending events are not in order"));
            }
            previous = Some(key);
            queue.pending.insert(Entry::new(&scheduled));
        }
        Ok(queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Span;

    #[test]
    fn memory_follows_what_is_pending() {
        let mut queue = Queue::new();
        for number in 0..1_000u64 {
            queue.push(Time::from_nanos(number * 7_919 % 100_003), Class::Machine, number);
        }
        let mut capacity = None;
        for round in 0..20_000u64 {
            let next = queue.pop().unwrap();
            queue.push(next.at + Span::from_nanos(1 + round * 7_919 % 100_003), next.class, 0);
            if round == 10_000 {
                capacity = Some(queue.pending.capacity());
            }
        }
        assert_eq!(Some(queue.pending.capacity()), capacity, "a steady state allocates nothing");
        assert!(capacity.unwrap() < 10_000, "{capacity:?}");
    }

    #[test]
    #[should_panic(expected = "an event for 1s is scheduled at 2s")]
    fn the_past_is_refused() {
        let mut queue = Queue::new();
        queue.push(Time::from_secs(2), Class::Machine, ());
        queue.pop();
        queue.push(Time::from_secs(1), Class::Machine, ());
    }

    #[test]
    #[should_panic(expected = "passed over")]
    fn the_clock_passes_over_no_event() {
        let mut queue = Queue::new();
        queue.push(Time::from_secs(2), Class::Machine, ());
        queue.advance(Time::from_secs(3));
    }

    #[test]
    fn disorder_is_not_restored() {
        let mut queue = Queue::new();
        queue.push(Time::from_secs(2), Class::Machine, 1u8);
        queue.push(Time::from_secs(3), Class::Store, 2);
        let saved = |now: u64, next: u64, order: [usize; 2]| {
            let pending = queue.pending();
            let pending = order.iter().map(|at| pending[*at]).collect();
            let saved = Saved { now: Time::from_secs(now), next, delivered: 0, pending };
            serde_json::from_slice::<Queue<u8>>(&serde_json::to_vec(&saved).unwrap())
        };
        assert_eq!(saved(0, 2, [0, 1]).unwrap().pending(), queue.pending());
        for (now, next, order) in
            [(0, 2, [1, 0]), (0, 2, [0, 0]), (0, 1, [0, 1]), (3, 2, [0, 1]), (0, u64::MAX, [0, 1])]
        {
            assert!(saved(now, next, order).is_err(), "{now} {next} {order:?}");
        }
    }
}
