//! Runs of scenarios: one, or many side by side. And conformance: how recorded decisions of real
//! systems compare with ours.

pub mod conformance;
mod run;

pub use run::{Finished, RunFailure, Session, run};
