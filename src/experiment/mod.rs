//! Runs of scenarios: one, or many side by side.

mod run;

pub use run::{Finished, RunFailure, Session, run};
