//! Runs of scenarios: one, or many side by side.

mod explain;
mod run;
mod swarm;

pub use explain::{DEFAULT_NAMESPACE, Followed, PodRef, follow};
pub use run::{Finished, RunFailure, Session, run};
pub use swarm::{
    FAULTS_END, Feature, Held, QUIET_FROM, SETTLED_AT, SwarmScenario, generate, swarm,
};
