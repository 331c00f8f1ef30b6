//! One run: a world, the stimuli that arrive, and the sink that takes the facts. The engine drives
//! it; it can be saved, restored and forked between events.

use super::host::Host;
use super::setup::Setup;
use super::world::World;
use super::{Event, KubeletDelays, SimParams};
use crate::engine::{Checkpoint, Limits, Model, Queue, Saveable, Stopped, run, run_probed};
use crate::ground::Time;
use crate::journal::{Fact, Record, RunEnd, Sink};
use crate::model::{Catalog, SourceId, Stimulus, Timed};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;
use std::ops::ControlFlow;

/// What arrives from outside, in (time, source, row) order.
pub trait Arrivals {
    /// Why the next stimulus cannot be had.
    type Error;
    /// When the next stimulus arrives.
    ///
    /// # Errors
    /// If the source of the next stimulus is broken.
    fn next_time(&mut self) -> Result<Option<Time>, Self::Error>;
    /// The next stimulus and its source.
    ///
    /// # Errors
    /// If the source of the next stimulus is broken.
    fn take(&mut self) -> Result<Option<(SourceId, Timed<Stimulus>)>, Self::Error>;
    /// The catalog to which the names and specifications of a source's stimuli belong.
    fn catalog(&self, source: SourceId) -> &Catalog;
}

/// A world and all that surrounds it.
#[derive(Debug)]
pub struct Run<A, S> {
    world: World,
    queue: Queue<Event>,
    arrivals: A,
    sink: S,
    check_invariants: bool,
}

/// The state of a run between two events. Its arrivals are not part of it: they are reopened at
/// `cursor`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunState<C, S> {
    world: World,
    cursor: C,
    sink: S,
}

impl<C, S> Saveable for RunState<C, S> {
    type Event = Event;
    const SAVE_VERSION: u32 = 1;
}

/// A run between two events, to be saved, restored and forked.
pub type SavedRun<C, S> = Checkpoint<RunState<C, S>>;

impl<A: Arrivals, S: Sink> Run<A, S> {
    /// A run at time zero.
    pub fn new(setup: Setup, arrivals: A, mut sink: S) -> Run<A, S> {
        let mut queue = Queue::new();
        let world = World::new(setup, &mut queue, &mut sink);
        Run { world, queue, arrivals, sink, check_invariants: false }
    }

    /// Checks the invariants of the world after every event. Slow.
    #[must_use]
    pub fn checking(mut self) -> Run<A, S> {
        self.check_invariants = true;
        self
    }

    /// Runs on until a limit is reached; everything with a time up to and including it happens.
    pub fn run(&mut self, limits: &Limits) -> Stopped<A::Error> {
        let Run { world, queue, arrivals, sink, check_invariants } = self;
        let check_invariants = *check_invariants;
        let mut driven = Driven { world, arrivals, sink, check_invariants };
        run(&mut driven, queue, limits)
    }

    /// As `run`, and tells `probe` the time after each `every` events; the probe can stop the run.
    pub fn run_probed(
        &mut self,
        limits: &Limits,
        every: NonZeroU64,
        mut probe: impl FnMut(Time) -> ControlFlow<()>,
    ) -> Stopped<A::Error> {
        let Run { world, queue, arrivals, sink, check_invariants } = self;
        let check_invariants = *check_invariants;
        let mut driven = Driven { world, arrivals, sink, check_invariants };
        run_probed(&mut driven, queue, limits, every, |_, now, _| probe(now))
    }

    /// The time of the last event.
    pub fn now(&self) -> Time {
        self.queue.now()
    }

    /// Closes the journal after the last event.
    pub fn close(&mut self, at: Time, end: RunEnd) {
        self.sink.record(&Record { at, fact: Fact::RunEnded { end } });
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The sink.
    pub fn sink(&self) -> &S {
        &self.sink
    }

    /// The sink, when the run is over.
    pub fn into_sink(self) -> S {
        self.sink
    }

    /// The world and the sink, when the run is over.
    pub fn into_parts(self) -> (World, S) {
        (self.world, self.sink)
    }

    /// Events handled so far.
    pub fn events(&self) -> u64 {
        self.queue.delivered()
    }

    /// Drops everything that can be computed again.
    pub fn drop_caches(&mut self) {
        self.world.drop_caches();
    }

    /// Replaces the timing of the machinery from now on.
    ///
    /// `delays` are those of the kubelets in `params` with their tables loaded.
    pub fn set_params(&mut self, params: &SimParams, delays: KubeletDelays) {
        self.world.set_params(params, delays);
    }

    /// The run as it is now; `cursor` is where its arrivals stand.
    pub fn save<C>(&self, cursor: C) -> SavedRun<C, S>
    where
        S: Clone,
    {
        let state = RunState { world: self.world.clone(), cursor, sink: self.sink.clone() };
        SavedRun { model: state, queue: self.queue.clone() }
    }

    /// Goes on from a saved run, with arrivals opened at its cursor.
    ///
    /// # Errors
    /// Those of `open`.
    pub fn resume<C, E>(
        saved: SavedRun<C, S>,
        open: impl FnOnce(C) -> Result<A, E>,
    ) -> Result<Run<A, S>, E> {
        let SavedRun { model: RunState { world, cursor, sink }, queue } = saved;
        Ok(Run { world, queue, arrivals: open(cursor)?, sink, check_invariants: false })
    }

    /// The arrivals.
    pub fn arrivals(&self) -> &A {
        &self.arrivals
    }
}

/// The parts of a run that the engine drives, apart from the queue.
struct Driven<'a, A, S> {
    world: &'a mut World,
    arrivals: &'a mut A,
    sink: &'a mut S,
    check_invariants: bool,
}

impl<A: Arrivals, S: Sink> Model for Driven<'_, A, S> {
    type Event = Event;
    type Error = A::Error;

    fn next_arrival(&mut self) -> Result<Option<Time>, A::Error> {
        self.arrivals.next_time()
    }

    fn arrive(&mut self, now: Time, queue: &mut Queue<Event>) -> Result<(), A::Error> {
        let Some((source, timed)) = self.arrivals.take()? else {
            return Ok(());
        };
        debug_assert_eq!(timed.at, now, "a stimulus arrives at its time");
        let mut host = Host { now, queue, sink: self.sink };
        self.world.arrive(&mut host, source, self.arrivals.catalog(source), timed.what);
        self.check(now);
        Ok(())
    }

    fn soon(&self, event: &Event) {
        self.world.soon(event);
    }

    fn handle(&mut self, now: Time, event: Event, queue: &mut Queue<Event>) {
        let mut host = Host { now, queue, sink: self.sink };
        self.world.handle(&mut host, event);
        self.check(now);
    }
}

impl<A, S> Driven<'_, A, S> {
    fn check(&self, now: Time) {
        if self.check_invariants {
            self.world.check_invariants(now);
        }
    }
}
