//! The plain form of the wheel, a binary heap, and the tests that compare the two, and the queue on
//! top, with a sorted list.

use super::wheel::Entry;
use crate::ground::Time;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Least key first.
#[derive(Debug, Clone)]
struct Least<E>(Entry<E>);

impl<E: Copy> PartialEq for Least<E> {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}

impl<E: Copy> Eq for Least<E> {}

impl<E: Copy> PartialOrd for Least<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E: Copy> Ord for Least<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.key().cmp(&self.0.key())
    }
}

/// Entries in order of their keys, with the face of `Wheel`.
#[derive(Debug, Clone)]
pub(super) struct Heap<E> {
    heap: BinaryHeap<Least<E>>,
}

impl<E: Copy> Heap<E> {
    pub(super) fn new(_: Time) -> Heap<E> {
        Heap { heap: BinaryHeap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(super) fn first(&self) -> Option<Time> {
        self.heap.peek().map(|least| least.0.scheduled().at)
    }

    pub(super) fn insert(&mut self, entry: Entry<E>) {
        self.heap.push(Least(entry));
    }

    pub(super) fn take(&mut self) -> Option<Entry<E>> {
        self.heap.pop().map(|least| least.0)
    }

    pub(super) fn entries(&self) -> Vec<Entry<E>> {
        self.heap.iter().map(|least| least.0).collect()
    }
}

mod tests {
    use super::*;
    use crate::engine::{Class, Queue, Scheduled, Seq};
    use crate::ground::Span;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Key = (Time, Class, Seq);

    /// The queue, its oracle and a sorted list, which must agree at every step.
    struct Trio {
        queue: Queue<u64>,
        heap: Heap<u64>,
        list: BTreeMap<Key, u64>,
        pushed: u64,
        /// Reserved and not used yet.
        reserved: Vec<Seq>,
        last_push: Time,
    }

    impl Trio {
        fn new() -> Trio {
            Trio {
                queue: Queue::new(),
                heap: Heap::new(Time::ZERO),
                list: BTreeMap::new(),
                pushed: 0,
                reserved: Vec::new(),
                last_push: Time::ZERO,
            }
        }

        fn push(&mut self, at: Time, class: Class, late: bool) {
            self.pushed += 1;
            let event = self.pushed;
            let seq = match self.reserved.pop() {
                Some(seq) if late => {
                    self.queue.push_reserved(at, class, seq, event);
                    seq
                }
                _ => self.queue.push(at, class, event),
            };
            let scheduled = Scheduled { at, class, seq, event };
            self.heap.insert(Entry::new(&scheduled));
            assert!(self.list.insert((at, class, seq), event).is_none());
            self.last_push = at;
        }

        fn pop(&mut self) {
            let expected = self.list.pop_first().map(|((at, class, seq), event)| Scheduled {
                at,
                class,
                seq,
                event,
            });
            assert_eq!(self.queue.pop(), expected);
            assert_eq!(self.heap.take().map(|entry| entry.scheduled()), expected);
            if let Some(expected) = expected {
                assert_eq!(self.queue.now(), expected.at);
            }
        }

        fn check(&self) {
            let first = self.list.first_key_value().map(|(key, _)| key.0);
            assert_eq!(self.queue.peek_time(), first);
            assert_eq!(self.heap.first(), first);
            assert_eq!(self.queue.len(), self.list.len());
            assert_eq!(self.heap.len(), self.list.len());
        }

        fn step(&mut self, step: &Step) {
            let now = self.queue.now();
            match *step {
                Step::Push { when, class, count, late } => {
                    for nth in 0..count {
                        let at = when.after(now, nth, self);
                        self.push(at, Class::ALL[(class + nth * (class / 3)) as usize % 3], late);
                        self.check();
                    }
                }
                Step::Pop { count } => {
                    for _ in 0..count {
                        self.pop();
                        self.check();
                    }
                }
                Step::PopBefore { when } => {
                    let gate = when.after(now, 0, self);
                    match self.queue.peek_time() {
                        Some(next) if next < gate => {
                            let mut twin = self.queue.clone();
                            self.pop();
                            assert!(twin.pop_before(gate).is_some());
                            assert_eq!(twin.pending(), self.queue.pending());
                        }
                        _ => assert_eq!(self.queue.pop_before(gate), None),
                    }
                }
                Step::Advance { share } => {
                    if let Some(next) = self.queue.peek_time() {
                        let way = next.since(now).as_nanos();
                        let part = (u128::from(way) * u128::from(share) / 255) as u64;
                        self.queue.advance(now + Span::from_nanos(part));
                    }
                }
                Step::Reserve => self.reserved.push(self.queue.reserve()),
                Step::Restore => {
                    let bytes = postcard::to_stdvec(&self.queue).unwrap();
                    self.queue = postcard::from_bytes(&bytes).unwrap();
                    assert_eq!(self.queue.now(), self.queue.now().max(now));
                }
                Step::Retain { divisor } => {
                    self.queue.retain(|scheduled| scheduled.event % divisor != 0);
                    self.list.retain(|_, event| *event % divisor != 0);
                    let kept = self.heap.entries();
                    self.heap = Heap::new(now);
                    for entry in kept {
                        if entry.scheduled().event % divisor != 0 {
                            self.heap.insert(entry);
                        }
                    }
                }
            }
            self.check();
            let list: Vec<(Key, u64)> = self.list.iter().map(|(k, e)| (*k, *e)).collect();
            let pending = self.queue.pending().into_iter();
            let pending: Vec<(Key, u64)> =
                pending.map(|s| ((s.at, s.class, s.seq), s.event)).collect();
            assert_eq!(pending, list);
        }
    }

    /// When something is scheduled, seen from the clock.
    #[derive(Debug, Clone, Copy)]
    enum When {
        Now,
        /// Between the clock and the next event, which was seen before.
        BeforeNext(u8),
        SameAsLast,
        /// So many bits of nanoseconds, spread by the number within its step.
        Bits(u32, u64),
        WholeSeconds(u64),
        Never,
    }

    impl When {
        fn after(self, now: Time, nth: u64, trio: &Trio) -> Time {
            match self {
                When::Now => now,
                When::BeforeNext(share) => {
                    let next = trio.queue.peek_time().unwrap_or(Time::MAX);
                    let way = u128::from(next.since(now).as_nanos());
                    now + Span::from_nanos((way * u128::from(share) / 255) as u64)
                }
                When::SameAsLast => trio.last_push.max(now),
                When::Bits(bits, noise) => {
                    let spread = noise.wrapping_mul(2 * nth + 1).rotate_left(nth as u32);
                    now + Span::from_nanos(spread >> (64 - bits))
                }
                When::WholeSeconds(seconds) => {
                    now.truncate_to_second() + Span::from_secs(1 + (seconds + nth) % 10)
                }
                When::Never => Time::MAX,
            }
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push { when: When, class: u64, count: u64, late: bool },
        Pop { count: u64 },
        PopBefore { when: When },
        Advance { share: u8 },
        Reserve,
        Restore,
        Retain { divisor: u64 },
    }

    fn when() -> impl Strategy<Value = When> {
        prop_oneof![
            2 => Just(When::Now),
            2 => any::<u8>().prop_map(When::BeforeNext),
            2 => Just(When::SameAsLast),
            8 => (1..=64u32, any::<u64>()).prop_map(|(bits, noise)| When::Bits(bits, noise)),
            2 => (0..10u64).prop_map(When::WholeSeconds),
            1 => Just(When::Never),
        ]
    }

    fn step() -> impl Strategy<Value = Step> {
        let count = prop_oneof![4 => 1..4u64, 1 => 1..200u64];
        prop_oneof![
            8 => (when(), 0..9u64, count.clone(), any::<bool>()).prop_map(
                |(when, class, count, late)| Step::Push { when, class, count, late }
            ),
            6 => count.prop_map(|count| Step::Pop { count }),
            2 => when().prop_map(|when| Step::PopBefore { when }),
            2 => any::<u8>().prop_map(|share| Step::Advance { share }),
            1 => Just(Step::Reserve),
            1 => Just(Step::Restore),
            1 => (2..5u64).prop_map(|divisor| Step::Retain { divisor }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn every_structure_delivers_like_a_sorted_list(
            steps in prop::collection::vec(step(), 1..60),
        ) {
            let mut trio = Trio::new();
            for step in &steps {
                trio.step(step);
            }
            while !trio.queue.is_empty() {
                trio.pop();
                trio.check();
            }
            trio.pop();
        }
    }

    #[test]
    fn much_that_comes_before_what_was_sorted_too_soon() {
        let mut trio = Trio::new();
        for far in 0..30 {
            trio.push(Time::from_secs(100_000 + 100 * far), Class::Loop, false);
        }
        trio.pop();
        let now = trio.queue.now();
        for near in 0..2_000 {
            trio.push(now + Span::from_secs(near * 7 % 1_000), Class::Machine, false);
            trio.check();
        }
        while !trio.queue.is_empty() {
            trio.pop();
        }
    }

    #[test]
    fn a_crowded_instant_takes_what_is_scheduled_for_it() {
        let mut trio = Trio::new();
        let at = Time::from_secs(5);
        for number in 0..3_000 {
            trio.push(at, Class::ALL[number % 3], false);
        }
        for round in 0..4_000 {
            trio.pop();
            if round < 1_000 {
                trio.push(at, Class::ALL[round % 3], false);
                trio.push(at + Span::from_nanos(round as u64 % 2), Class::Store, false);
            }
            trio.check();
        }
        while !trio.queue.is_empty() {
            trio.pop();
        }
    }
}
