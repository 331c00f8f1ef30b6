//! The engine: orders events in simulated time and runs a model through them.
//!
//! It knows no cluster. A [`Model`] schedules its events in a [`Queue`]; [`run`] delivers them and
//! the stimuli from outside in order of time, and says why it [`Stopped`]; a [`Checkpoint`] saves
//! and forks a run.
//!
//! ```
//! use std::convert::Infallible;
//! use wavetank::engine::{Checkpoint, Class, Limits, Model, Queue, Stopped, run};
//! use wavetank::ground::{Span, Time};
//!
//! /// Two customers arrive, and each is served for a minute.
//! #[derive(Clone)]
//! struct Counter {
//!     arrivals: Vec<Time>,
//!     served: u32,
//! }
//!
//! #[derive(Clone, Copy)]
//! struct Done;
//!
//! impl Model for Counter {
//!     type Event = Done;
//!     type Error = Infallible;
//!
//!     fn next_arrival(&mut self) -> Result<Option<Time>, Infallible> {
//!         Ok(self.arrivals.first().copied())
//!     }
//!     fn arrive(&mut self, now: Time, queue: &mut Queue<Done>) -> Result<(), Infallible> {
//!         self.arrivals.remove(0);
//!         queue.push(now + Span::from_secs(60), Class::Machine, Done);
//!         Ok(())
//!     }
//!     fn handle(&mut self, _: Time, _: Done, _: &mut Queue<Done>) {
//!         self.served += 1;
//!     }
//! }
//!
//! let arrivals = vec![Time::from_secs(10), Time::from_secs(30)];
//! let mut shop = Counter { arrivals, served: 0 };
//! let mut queue = Queue::new();
//! let day = Limits::until(Time::from_secs(86_400));
//!
//! let stopped = run(&mut shop, &mut queue, &day.pause_at(Time::from_secs(70)));
//! assert_eq!((stopped, shop.served), (Stopped::Paused, 1));
//!
//! let mut fork = Checkpoint { model: shop.clone(), queue: queue.clone() };
//! assert_eq!(run(&mut fork.model, &mut fork.queue, &day), Stopped::Exhausted);
//! assert_eq!((fork.model.served, fork.now()), (2, Time::from_secs(90)));
//! assert_eq!((shop.served, queue.now()), (1, Time::from_secs(70)));
//! ```

mod branch;
#[cfg(test)]
mod heap;
mod queue;
mod run;
#[cfg(test)]
mod toy;
mod wheel;

pub use branch::{Checkpoint, CheckpointError, Saveable};
pub use queue::{Class, Queue, Scheduled, Seq};
pub use run::{Limits, Model, Stopped, run, run_probed};
