//! Decisions: pure functions of what a component believes, its own memory, the time and named
//! random draws. Nothing here knows a clock, a file, the engine or the simulator; the same code
//! could decide for a live cluster.

pub mod baseline;
pub mod kube;
mod scheduler;

pub use scheduler::{Action, AttemptEnd, Cx, Scheduler};
