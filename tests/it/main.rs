//! All integration tests, in one binary.

mod commands;
mod determinism;
mod house;
mod shared;
mod shipped;
