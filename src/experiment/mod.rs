//! Runs of scenarios: one, or many side by side. And conformance: how recorded decisions of real
//! systems compare with ours.

mod conformance;
mod explain;
mod run;
mod swarm;

pub use conformance::{
    CaseReport, Deviation, Difference, RecordedTopic, TimelineReport, TopicReport, Unreadable,
    recorded_cases, recorded_timelines, recorded_topics, replay_case, replay_timeline,
    replay_topic,
};
pub use explain::{DEFAULT_NAMESPACE, Followed, PodRef, follow};
pub use run::{Finished, RunFailure, Session, run};
pub use swarm::{
    FAULTS_END, Feature, Held, QUIET_FROM, SETTLED_AT, SwarmScenario, generate, swarm,
};

#[cfg(test)]
mod volume_tests;
