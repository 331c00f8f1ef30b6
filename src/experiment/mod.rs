//! Runs of scenarios: one, or many side by side.

mod explain;
mod run;

pub use explain::{DEFAULT_NAMESPACE, Followed, PodRef, follow};
pub use run::{Finished, RunFailure, Session, run};
