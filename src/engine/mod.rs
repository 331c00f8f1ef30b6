//! The engine: orders events in simulated time and runs a model through them.

mod queue;
mod wheel;

pub use queue::{Class, Queue, Scheduled, Seq};
