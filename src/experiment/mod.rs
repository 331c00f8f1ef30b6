//! Runs of scenarios: one, or many side by side. And conformance: how recorded decisions of real
//! systems compare with ours.

mod conformance;
mod explain;
mod run;
mod swarm;

pub use conformance::{CaseReport, Difference, Unreadable, recorded_cases, replay_case};
pub use explain::{DEFAULT_NAMESPACE, Followed, PodRef, follow};
pub use run::{Finished, RunFailure, Session, run};
pub use swarm::{
    FAULTS_END, Feature, Held, QUIET_FROM, SETTLED_AT, SwarmScenario, generate, swarm,
};

#[cfg(test)]
mod volume_tests;
