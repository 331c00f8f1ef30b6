//! The run loop: stimuli from outside and events from the queue, in order of time, until one of
//! the ways in which a run can stop.
//!
//! At equal times stimuli come before events. [`Time::MAX`] means never: what is scheduled there
//! does not happen and does not keep a run going.

use super::Queue;
use crate::ground::Time;
use std::num::NonZeroU64;
use std::ops::ControlFlow;

/// What the engine runs: state that stimuli and events change.
pub trait Model {
    /// What can be scheduled: a small `Copy` type, best of 8 to 16 bytes.
    type Event: Copy;
    /// Why a stimulus cannot be had or applied.
    type Error;

    /// Time of the next stimulus, `None` after the last. Asked at the start of [`run`] and after
    /// each stimulus; never earlier than the stimulus before.
    fn next_arrival(&mut self) -> Result<Option<Time>, Self::Error>;

    /// Applies exactly one stimulus, the one whose time was told last.
    fn arrive(&mut self, now: Time, queue: &mut Queue<Self::Event>) -> Result<(), Self::Error>;

    /// Applies one event. May schedule others, at `now` or later.
    fn handle(&mut self, now: Time, event: Self::Event, queue: &mut Queue<Self::Event>);

    /// Tells of an event that is among the next, unless others are scheduled before it or its
    /// owner cancels it. A model with much state reads here, through [`std::hint::black_box`], the
    /// first thing that the event will need: many events are told of at a time, so the processor
    /// fetches what they need together instead of one by one. Can have no effect on the run, and
    /// which events it is told of, or twice, is not part of any promise.
    #[inline]
    fn soon(&self, event: &Self::Event) {
        let _ = event;
    }
}

/// How far a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Everything up to and including this time happens.
    pub until: Time,
    /// The run pauses once everything up to and including this time has happened, whether or not
    /// anything is left. Without effect if it is after `until`.
    pub pause_at: Option<Time>,
    /// Most events over the whole run, stimuli not counted: what [`Queue::delivered`] may reach.
    pub events: Option<u64>,
}

impl Limits {
    /// Until a time, without any other limit. `Time::MAX` is until nothing is left.
    pub const fn until(until: Time) -> Limits {
        Limits { until, pause_at: None, events: None }
    }

    /// Pauses at a time, for saving or forking there.
    #[must_use]
    pub const fn pause_at(self, at: Time) -> Limits {
        Limits { pause_at: Some(at), ..self }
    }

    /// Stops at a number of events.
    #[must_use]
    pub const fn events(self, most: u64) -> Limits {
        Limits { events: Some(most), ..self }
    }

    /// The last time at which anything happens under these limits.
    fn horizon(&self) -> Time {
        self.pause_at.map_or(self.until, |pause| pause.min(self.until))
    }
}

/// Why a run stopped. After any of these but `Input` it can be continued with other limits, and
/// then goes on as if it had not stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped<E> {
    /// The time `until` was reached; the clock shows it. Something is left for later.
    Until,
    /// Nothing is left that could happen. The clock shows when the last thing happened.
    Exhausted,
    /// The time `pause_at` was reached; the clock shows it.
    Paused,
    /// As many events as allowed were delivered.
    Events,
    /// The probe said stop.
    Probe,
    /// A stimulus could not be had or applied. The model may have applied a part of it.
    Input(E),
}

/// Runs a model until something stops it.
///
/// # Panics
/// If a limit is a time before the clock, or a stimulus comes from before the clock.
pub fn run<M: Model>(
    model: &mut M,
    queue: &mut Queue<M::Event>,
    limits: &Limits,
) -> Stopped<M::Error> {
    drive(model, queue, limits, None, |_, _, _| ControlFlow::Continue(()))
}

/// Runs a model as [`run`] does, and shows it to `probe`, with the clock and the number of events
/// so far, whenever that number is a multiple of `every`. The probe sees the model between two
/// events, and can stop the run there.
///
/// # Panics
/// As [`run`].
pub fn run_probed<M: Model>(
    model: &mut M,
    queue: &mut Queue<M::Event>,
    limits: &Limits,
    every: NonZeroU64,
    probe: impl FnMut(&M, Time, u64) -> ControlFlow<()>,
) -> Stopped<M::Error> {
    drive(model, queue, limits, Some(every), probe)
}

fn drive<M: Model>(
    model: &mut M,
    queue: &mut Queue<M::Event>,
    limits: &Limits,
    every: Option<NonZeroU64>,
    mut probe: impl FnMut(&M, Time, u64) -> ControlFlow<()>,
) -> Stopped<M::Error> {
    let (horizon, start) = (limits.horizon(), queue.now());
    assert!(horizon >= start, "a run at {start} is asked to stop at {horizon}");
    let most = limits.events.unwrap_or(u64::MAX);
    if queue.delivered() >= most {
        return Stopped::Events;
    }
    // Exclusive; saturates at never, where nothing happens anyway.
    let end = Time::from_nanos(horizon.as_nanos().saturating_add(1));
    let next_look = |done: u64| every.map_or(u64::MAX, |n| (done / n).saturating_add(1) * n.get());
    let mut look = next_look(queue.delivered());
    let mut attention = look.min(most);
    loop {
        let arrival = match model.next_arrival() {
            Ok(arrival) => arrival.unwrap_or(Time::MAX),
            Err(error) => return Stopped::Input(error),
        };
        let gate = Some(arrival.min(end));
        while let Some(next) = queue.pop_before_announcing(gate, |event| model.soon(event)) {
            model.handle(next.at, next.event, queue);
            // One comparison serves the limit and the probe.
            if queue.delivered() >= attention {
                let done = queue.delivered();
                if done >= look && probe(model, next.at, done).is_break() {
                    return Stopped::Probe;
                }
                if done >= most {
                    return Stopped::Events;
                }
                look = next_look(done);
                attention = look.min(most);
            }
        }
        if arrival >= end {
            return rest(queue, limits, arrival);
        }
        queue.advance(arrival);
        if let Err(error) = model.arrive(arrival, queue) {
            return Stopped::Input(error);
        }
    }
}

/// How a run stops that has nothing more to do up to its horizon.
fn rest<T: Copy, E>(queue: &mut Queue<T>, limits: &Limits, arrival: Time) -> Stopped<E> {
    let horizon = limits.horizon();
    let next = queue.peek_time().map_or(arrival, |event| event.min(arrival));
    assert!(next > horizon || next == Time::MAX, "everything up to {horizon} has happened");
    if limits.pause_at == Some(horizon) {
        queue.advance(horizon);
        Stopped::Paused
    } else if next == Time::MAX {
        Stopped::Exhausted
    } else {
        queue.advance(horizon);
        Stopped::Until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Class;
    use crate::engine::toy::Toy;
    use proptest::prelude::*;

    const SECONDS: [u64; 6] = [0, 0, 3, 3, 10, 20];

    fn straight(until: Time) -> (Toy, Queue<u32>, Stopped<&'static str>) {
        let (mut toy, mut queue) = (Toy::new(&SECONDS, 400), Queue::new());
        let stopped = run(&mut toy, &mut queue, &Limits::until(until));
        (toy, queue, stopped)
    }

    #[test]
    fn a_run_ends_where_it_should() {
        let (toy, queue, stopped) = straight(Time::MAX);
        assert_eq!(stopped, Stopped::Exhausted);
        assert!(queue.is_empty());
        assert_eq!(queue.now(), toy.seen.last().unwrap().0);
        assert_eq!(queue.delivered() as usize, toy.seen.len() - SECONDS.len());
        assert!(toy.seen.is_sorted_by_key(|seen| seen.0));
        assert!(toy.seen.len() > 50, "the toy is worth testing: {}", toy.seen.len());

        for (at, _) in &toy.seen {
            let (some, queue, stopped) = straight(*at);
            let count = toy.seen.partition_point(|seen| seen.0 <= *at);
            assert_eq!(some.seen, toy.seen[..count], "everything at {at} happens, nothing later");
            let left = count < toy.seen.len();
            assert_eq!(stopped, if left { Stopped::Until } else { Stopped::Exhausted });
            assert_eq!(queue.now(), *at);
        }
    }

    #[test]
    fn stimuli_come_before_events_of_their_time() {
        let (mut toy, mut queue) = (Toy::new(&[1], 0), Queue::new());
        queue.push(Time::from_secs(1), Class::Machine, 7);
        queue.push(Time::ZERO, Class::Loop, 8);
        let stopped = run(&mut toy, &mut queue, &Limits::until(Time::from_secs(1)));
        let order: Vec<u32> = toy.seen.iter().map(|seen| seen.1).collect();
        assert_eq!((stopped, order), (Stopped::Exhausted, vec![8, 1_000_000, 7]));
    }

    #[test]
    fn never_does_not_happen() {
        let (mut toy, mut queue) = (Toy::new(&[1], 0), Queue::new());
        queue.push(Time::MAX, Class::Machine, 7);
        toy.stimuli.push(Time::MAX);
        for until in [Time::from_secs(5), Time::MAX] {
            assert_eq!(run(&mut toy, &mut queue, &Limits::until(until)), Stopped::Exhausted);
            assert_eq!((toy.seen.len(), queue.len()), (1, 1));
            assert_eq!(queue.now(), Time::from_secs(1));
        }
    }

    #[test]
    fn a_pause_is_reached_whatever_is_left() {
        let (mut toy, mut queue) = (Toy::new(&[1], 0), Queue::new());
        let limits = Limits::until(Time::from_secs(9));
        for (pause, stopped) in [
            (0, Stopped::Paused),
            (5, Stopped::Paused),
            (5, Stopped::Paused),
            (9, Stopped::Paused),
            (12, Stopped::Exhausted),
        ] {
            let pause = Time::from_secs(pause);
            assert_eq!(run(&mut toy, &mut queue, &limits.pause_at(pause)), stopped, "{pause}");
            assert_eq!(queue.now(), pause.min(limits.until));
        }
    }

    #[test]
    fn the_number_of_events_is_limited() {
        let (all, ..) = straight(Time::MAX);
        let (mut toy, mut queue) = (Toy::new(&SECONDS, 400), Queue::new());
        for most in [0, 0, 1, 2, 10, 10] {
            let limits = Limits::until(Time::MAX).events(most);
            assert_eq!(run(&mut toy, &mut queue, &limits), Stopped::Events);
            assert_eq!(queue.delivered(), most);
        }
        run(&mut toy, &mut queue, &Limits::until(Time::MAX));
        assert_eq!(toy, all);
    }

    #[test]
    fn a_probe_sees_every_so_many_events_and_can_stop() {
        let (all, ..) = straight(Time::MAX);
        let (mut toy, mut queue) = (Toy::new(&SECONDS, 400), Queue::new());
        let every = NonZeroU64::new(7).unwrap();
        let limits = Limits::until(Time::MAX);
        let mut looks = Vec::new();
        loop {
            let stopped = run_probed(&mut toy, &mut queue, &limits, every, |toy, now, done| {
                assert_eq!(toy.seen.last().unwrap().0, now);
                looks.push(done);
                if done % 3 == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            if stopped != Stopped::Probe {
                assert_eq!(stopped, Stopped::Exhausted);
                break;
            }
            assert_eq!(queue.delivered() % 21, 0);
        }
        assert_eq!(toy, all);
        assert!(looks.iter().enumerate().all(|(at, done)| *done == 7 * (at as u64 + 1)));
        assert_eq!(looks.len() as u64, queue.delivered() / 7);
    }

    #[test]
    fn probe_and_limit_meet() {
        let (mut toy, mut queue) = (Toy::new(&SECONDS, 400), Queue::new());
        let limits = Limits::until(Time::MAX).events(14);
        let (every, mut looks) = (NonZeroU64::new(7).unwrap(), 0);
        let stopped = run_probed(&mut toy, &mut queue, &limits, every, |_, _, _| {
            looks += 1;
            ControlFlow::Continue(())
        });
        assert_eq!((stopped, looks, queue.delivered()), (Stopped::Events, 2, 14));
    }

    #[test]
    fn failing_input_stops_the_run() {
        for (broken, unreadable, error, arrived) in
            [(Some(4), None, "broken", 4), (None, Some(5), "unreadable", 5)]
        {
            let (mut toy, mut queue) = (Toy::new(&SECONDS, 400), Queue::new());
            (toy.broken, toy.unreadable) = (broken, unreadable);
            let stopped = run(&mut toy, &mut queue, &Limits::until(Time::MAX));
            assert_eq!((stopped, toy.arrived), (Stopped::Input(error), arrived));
            assert_eq!(queue.now(), Time::from_secs(10));
        }
    }

    #[test]
    #[should_panic(expected = "time never goes back")]
    fn stimuli_in_the_past_are_a_broken_invariant() {
        run(&mut Toy::new(&[5, 3], 0), &mut Queue::new(), &Limits::until(Time::MAX));
    }

    #[test]
    #[should_panic(expected = "a run at 5s is asked to stop at 3s")]
    fn limits_in_the_past_are_a_broken_invariant() {
        let (mut toy, mut queue) = (Toy::new(&[5], 0), Queue::new());
        run(&mut toy, &mut queue, &Limits::until(Time::MAX));
        run(&mut toy, &mut queue, &Limits::until(Time::from_secs(3)));
    }

    proptest! {
        #[test]
        fn pausing_anywhere_changes_nothing(
            mut stops in prop::collection::vec((0..40_000_000_000u64, 0..3u8, 0..200u64), 0..12),
        ) {
            let (all, end, stopped) = straight(Time::MAX);
            stops.sort_unstable();
            let (mut toy, mut queue) = (Toy::new(&SECONDS, 400), Queue::new());
            for (at, how, events) in stops {
                let (at, all) = (Time::from_nanos(at).max(queue.now()), Limits::until(Time::MAX));
                let limits = match how {
                    0 => all.pause_at(at),
                    1 => Limits::until(at),
                    _ => all.events(events),
                };
                run(&mut toy, &mut queue, &limits);
            }
            prop_assert_eq!(run(&mut toy, &mut queue, &Limits::until(Time::MAX)), stopped);
            prop_assert_eq!(toy, all);
            prop_assert_eq!(queue.delivered(), end.delivered());
        }
    }
}
