//! What every handler is given: the time, the queue and the journal.

use super::Event;
use crate::engine::{Class, Queue};
use crate::ground::{Span, Time};
use crate::journal::{Fact, Record, Sink};

/// The time, the queue and the journal of the event that is being handled.
pub(super) struct Host<'a, S> {
    pub(super) now: Time,
    pub(super) queue: &'a mut Queue<Event>,
    pub(super) sink: &'a mut S,
}

impl<S: Sink> Host<'_, S> {
    /// Writes a fact that happens now.
    pub(super) fn fact(&mut self, fact: Fact) {
        self.sink.record(&Record { at: self.now, fact });
    }

    /// Schedules what a machine does by itself.
    pub(super) fn machine(&mut self, after: Span, event: Event) {
        self.queue.push(self.now + after, Class::Machine, event);
    }

    /// Schedules a write that reaches the store.
    pub(super) fn store(&mut self, after: Span, event: Event) {
        self.queue.push(self.now + after, Class::Store, event);
    }

    /// Schedules a write that reaches the store at `at`.
    pub(super) fn store_at(&mut self, at: Time, event: Event) {
        self.queue.push(at, Class::Store, event);
    }

    /// Schedules the turn of a control loop.
    pub(super) fn turn(&mut self, at: Time, event: Event) {
        self.queue.push(at, Class::Loop, event);
    }
}
