//! The pending events, as a hierarchical bitmap wheel: what the queue is made of.
//!
//! Time is read as eleven digits of base 64. An entry lies on the level of the highest digit in
//! which its time differs from `base`, in the slot of its own digit there. So all of a lower level
//! is earlier than all of a higher one, and the next entries are in the first slot of the lowest
//! level in use, found by two counts of trailing zeros. A slot of few entries, or of one instant,
//! is sorted into the *run*, which is consumed from its end; any other is spread over the levels
//! below. Entries move in sequential sweeps, at most once per level, where a heap chases a path of
//! cache misses for each.
//!
//! Slots keep their entries in chunks of one arena, so memory follows the number of entries, not
//! the fullest moment of each slot, and nothing is allocated once the arena has grown. Entries stay
//! in order of arrival within a slot, so the run of one instant is nearly always sorted already.
//!
//! Knows no clock: the caller never inserts anything earlier than the last entry taken.

use super::{Class, Scheduled, Seq};
use crate::ground::Time;

/// Bits of a digit of time; a level has one slot per value.
const DIGIT: u32 = 6;
const SLOTS: usize = 1 << DIGIT;
/// One level per digit of 64 bits.
const LEVELS: usize = u64::BITS.div_ceil(DIGIT) as usize;
/// Entries of a chunk.
const CHUNK: usize = 32;
/// Slots of at most so many entries are sorted instead of spread.
const SORTED: usize = 32;
/// So many earlier entries of the run may be moved to merge one without a second thought.
const SHIFTED: usize = 64;
/// So many entries of the run are announced at a time.
const ANNOUNCED: usize = 64;
/// Slots of at most so many entries are announced as they are spread: what they are about still
/// fits a second-level cache.
const NEAR: usize = 1024;
/// So many entries are kept in the run alone.
const FEW: usize = 12;
/// No chunk.
const NONE: u32 = u32::MAX;
/// Bits of a rank that hold the sequence number; the class is above.
const SEQ_BITS: u32 = 56;
/// The largest sequence number.
pub(super) const SEQ_MOST: u64 = (1 << SEQ_BITS) - 1;

/// An event with its place in the order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<E> {
    at: u64,
    /// Class above sequence number.
    rank: u64,
    event: E,
}

impl<E: Copy> Entry<E> {
    pub(super) fn new(scheduled: &Scheduled<E>) -> Entry<E> {
        let Seq(seq) = scheduled.seq;
        debug_assert!(seq <= SEQ_MOST, "fewer than 2^56 events are scheduled in a run");
        let rank = (scheduled.class as u64) << SEQ_BITS | seq;
        Entry { at: scheduled.at.as_nanos(), rank, event: scheduled.event }
    }

    pub(super) fn scheduled(&self) -> Scheduled<E> {
        Scheduled {
            at: Time::from_nanos(self.at),
            class: Class::ALL[(self.rank >> SEQ_BITS) as usize],
            seq: Seq(self.rank & SEQ_MOST),
            event: self.event,
        }
    }

    /// The whole order in one number.
    pub(super) fn key(&self) -> u128 {
        u128::from(self.at) << 64 | u128::from(self.rank)
    }
}

/// A chain of chunks, of which only the last may have room.
#[derive(Debug, Clone, Copy)]
struct Slot {
    first: u32,
    last: u32,
    len: usize,
    /// Earliest time in the slot.
    min: u64,
    /// Latest time in the slot.
    max: u64,
}

const EMPTY: Slot = Slot { first: NONE, last: NONE, len: 0, min: u64::MAX, max: 0 };

/// Entries in order of their keys. The face of `Heap`, its oracle in tests, is the same but for
/// announcements.
#[derive(Debug, Clone)]
pub(super) struct Wheel<E> {
    /// The next entries, last first. All are before all entries in slots.
    run: Vec<Entry<E>>,
    /// At most the time of every entry and of everything that can still be inserted into a slot.
    base: u64,
    /// Bit per level that is in use.
    levels: u32,
    /// Bit per slot that is in use.
    used: [u64; LEVELS],
    slots: Vec<Slot>,
    arena: Vec<Entry<E>>,
    /// The chunk after each chunk, in its slot's chain or in the chain of free ones.
    next: Vec<u32>,
    free: u32,
    len: usize,
}

impl<E: Copy> Wheel<E> {
    /// No entries; none may ever be earlier than `base`.
    pub(super) fn new(base: Time) -> Wheel<E> {
        Wheel {
            run: Vec::with_capacity(SORTED + SHIFTED),
            base: base.as_nanos(),
            levels: 0,
            used: [0; LEVELS],
            slots: vec![EMPTY; LEVELS * SLOTS],
            arena: Vec::new(),
            next: Vec::new(),
            free: NONE,
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Time of the first entry.
    #[inline]
    pub(super) fn first(&self) -> Option<Time> {
        let nanos = match self.run.last() {
            Some(entry) => entry.at,
            None if self.levels == 0 => return None,
            None => self.slots[self.first_slot()].min,
        };
        Some(Time::from_nanos(nanos))
    }

    /// Adds an entry, which is not earlier than the last one taken.
    #[inline]
    pub(super) fn insert(&mut self, entry: Entry<E>) {
        self.len += 1;
        match self.run.first() {
            Some(last) if entry.key() < last.key() => self.merge(entry),
            // So few need no slots.
            _ if self.levels == 0 && self.run.len() < FEW => self.run.insert(0, entry),
            _ => self.place(entry),
        }
    }

    /// Takes the first entry out. Tells `soon` of events that are among the next, many at a time
    /// and in no particular order; of some twice, and of those that come in last not at all.
    #[inline]
    pub(super) fn take(&mut self, soon: impl FnMut(&E)) -> Option<Entry<E>> {
        // One test for both, since a run seldom has such a length.
        if self.run.len().is_multiple_of(ANNOUNCED) {
            self.prepare(soon)?;
        }
        self.len -= 1;
        self.run.pop()
    }

    /// Fills the run if it is empty, and announces its next events. `None` if nothing is left.
    fn prepare(&mut self, mut soon: impl FnMut(&E)) -> Option<()> {
        if self.run.is_empty() {
            if self.levels == 0 {
                return None;
            }
            self.load(&mut soon);
        }
        let last = self.run.len() - 1;
        self.run[last - last % ANNOUNCED..].iter().for_each(|entry| soon(&entry.event));
        Some(())
    }

    /// Entries that there is room for.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.arena.capacity() + self.run.capacity()
    }

    /// All entries, in no particular order.
    pub(super) fn entries(&self) -> Vec<Entry<E>> {
        let mut entries = self.run.clone();
        for slot in &self.slots {
            let mut chunk = slot.first;
            let mut left = slot.len;
            while left > 0 {
                let filled = left.min(CHUNK);
                let start = chunk as usize * CHUNK;
                entries.extend_from_slice(&self.arena[start..start + filled]);
                chunk = self.next[chunk as usize];
                left -= filled;
            }
        }
        debug_assert_eq!(entries.len(), self.len);
        entries
    }

    /// Index of the slot with the earliest entries outside the run.
    #[inline]
    fn first_slot(&self) -> usize {
        let level = self.levels.trailing_zeros() as usize;
        level * SLOTS + self.used[level].trailing_zeros() as usize
    }

    /// Puts an entry that is before the last one of the run into the run.
    fn merge(&mut self, entry: Entry<E>) {
        let later = self.run.partition_point(|held| held.key() > entry.key());
        let earlier = self.run.len() - later;
        if earlier > SHIFTED && earlier * earlier > later {
            // Much arrives before what was sorted too soon: that goes back, and what
            // follows finds its slot directly.
            for at in (0..later).rev() {
                self.place(self.run[at]);
            }
            self.run.drain(..later);
            self.place(entry);
        } else {
            self.run.insert(later, entry);
        }
    }

    /// Puts an entry into its slot.
    #[inline]
    fn place(&mut self, entry: Entry<E>) {
        // Bit 0 makes the base itself lie on level 0.
        let digit = ((entry.at ^ self.base) | 1).ilog2() / DIGIT;
        let (level, place) = (digit as usize, (entry.at >> (digit * DIGIT)) as usize % SLOTS);
        self.levels |= 1 << level;
        self.used[level] |= 1 << place;
        let slot = level * SLOTS + place;
        let offset = self.slots[slot].len % CHUNK;
        if offset == 0 {
            self.lengthen(slot, entry);
        }
        let slot = &mut self.slots[slot];
        self.arena[slot.last as usize * CHUNK + offset] = entry;
        slot.len += 1;
        slot.min = slot.min.min(entry.at);
        slot.max = slot.max.max(entry.at);
    }

    /// Adds a chunk to a slot; a new one is filled with an entry that nobody reads.
    fn lengthen(&mut self, slot: usize, filler: Entry<E>) {
        let chunk = self.free;
        let chunk = if chunk == NONE {
            self.arena.extend(std::iter::repeat_n(filler, CHUNK));
            self.next.push(NONE);
            u32::try_from(self.next.len() - 1).expect("fewer than 2^32 chunks")
        } else {
            self.free = self.next[chunk as usize];
            chunk
        };
        let slot = &mut self.slots[slot];
        if slot.len == 0 {
            slot.first = chunk;
        } else {
            self.next[slot.last as usize] = chunk;
        }
        slot.last = chunk;
    }

    /// Fills the run, which is empty, with the entries of the first slot.
    fn load(&mut self, soon: &mut impl FnMut(&E)) {
        loop {
            let level = self.levels.trailing_zeros() as usize;
            let place = self.used[level].trailing_zeros() as usize;
            self.used[level] &= self.used[level] - 1;
            if self.used[level] == 0 {
                self.levels &= !(1 << level);
            }
            let slot = std::mem::replace(&mut self.slots[level * SLOTS + place], EMPTY);
            // Entries that stay on this level and above differ from every time in this slot in
            // the same digit as before, so every such time may be the new base.
            self.base = common_start(slot.min, slot.max);
            if slot.len <= SORTED || slot.min == slot.max {
                self.sweep(slot, |wheel, entry| wheel.run.push(entry));
                if self.run.len() > 1 {
                    self.run.reverse();
                    self.run.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.key()));
                }
                return;
            }
            let near = slot.len <= NEAR;
            self.sweep(slot, |wheel, entry| {
                if near {
                    soon(&entry.event);
                }
                wheel.place(entry);
            });
        }
    }

    /// Hands over every entry of a slot that was taken out, and frees its chunks.
    #[inline]
    fn sweep(&mut self, slot: Slot, mut take: impl FnMut(&mut Wheel<E>, Entry<E>)) {
        let mut chunk = slot.first;
        let mut left = slot.len;
        while left > 0 {
            let filled = left.min(CHUNK);
            let start = chunk as usize * CHUNK;
            for at in start..start + filled {
                let entry = self.arena[at];
                take(self, entry);
            }
            let after = self.next[chunk as usize];
            self.next[chunk as usize] = self.free;
            self.free = chunk;
            chunk = after;
            left -= filled;
        }
    }
}

/// The digits that the two times have in common, followed by zeros.
fn common_start(min: u64, max: u64) -> u64 {
    let differing = min ^ max;
    if differing == 0 {
        return min;
    }
    let kept = (differing.ilog2() / DIGIT + 1) * DIGIT;
    if kept >= u64::BITS { 0 } else { min >> kept << kept }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_but_a_run_of_events_is_announced_while_it_is_pending() {
        for (count, spacing) in [(10, 1), (1_000, 0), (1_000, 1), (5_000, 1_000_003)] {
            let mut wheel = Wheel::new(Time::ZERO);
            for number in 0..count {
                let at = Time::from_nanos(number * 7_919 % count * spacing);
                let class = Class::ALL[number as usize % 3];
                let (seq, event) = (Seq(number), number);
                wheel.insert(Entry::new(&Scheduled { at, class, seq, event }));
            }
            let (mut announced, mut taken) = (BTreeSet::new(), BTreeSet::new());
            while let Some(entry) = wheel.take(|event| {
                assert!(!taken.contains(event));
                announced.insert(*event);
            }) {
                assert!(taken.insert(entry.event));
            }
            let unannounced = taken.difference(&announced).count();
            assert!(unannounced <= 2 * ANNOUNCED, "{unannounced} of {count}, {spacing}");
            assert_eq!(taken.len() as u64, count);
            assert_eq!(wheel.len(), 0);
        }
    }
}
