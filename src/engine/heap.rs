//! The plain form of the wheel, a binary heap: the oracle of its tests.

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
