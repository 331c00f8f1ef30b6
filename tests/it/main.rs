//! All integration tests, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod conformance;
mod determinism;
mod house;
mod shared;
mod shipped;
mod statistics;
mod swarm;
