//! The life of one pod, told: the answer in a sentence, every step with its reason, and for each
//! attempt to place it who refused it where. Made once, shown as text or JSON.

mod attempts;
mod nearest;
mod nodes;
mod standing;
mod steps;
mod text;

pub use attempts::{AttemptRow, PluginScore, RefusalRow};
pub use nearest::{ChangeRow, OutlookRow};
pub use nodes::NodeRow;
pub use steps::Step;
pub use text::explanation_text;

use super::fact_words::Cast;
use crate::experiment::Followed;
use crate::journal::PodTrail;
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

/// The schema of explanations, with its version: it changes when a field changes its meaning or
/// goes away, not when one is added.
pub const EXPLAIN_SCHEMA: &str = "wavetank.explain/1";

/// What run it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainHead {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the variant, empty if the scenario has none.
    pub variant: String,
    /// Seed.
    pub seed: u64,
    /// The exact command that gives this explanation again.
    pub command: String,
}

/// The life of one pod.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// `wavetank.explain/1`.
    pub schema: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the variant, empty if there is none.
    pub variant: String,
    /// Seed.
    pub seed: u64,
    /// The exact command that gives this explanation again.
    pub command: String,
    /// Simulated time up to which it is told, seconds.
    pub at_seconds: f64,
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub pod: String,
    /// Its owner: `service web`.
    pub workload: String,
    /// How many pods had this name before.
    pub earlier: usize,
    /// Where it is bound; null if nowhere.
    pub node: Option<String>,
    /// `held-back`, `pending`, `starting`, `not-ready`, `ready`, `stopping`, `finished`, `failed`
    /// or `removed`.
    pub state: String,
    /// The state in a sentence.
    pub answer: String,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// The attempts to place it, in order.
    pub attempts: Vec<AttemptRow>,
    /// What the last attempt found node by node: the chosen one first, then by score.
    pub nodes: Vec<NodeRow>,
    /// What would become of it if it were tried at that time, by what the scheduler believes;
    /// null if it does not wait for a node, or its scheduler cannot tell.
    pub outlook: Option<OutlookRow>,
}

/// The life of the followed pod, the last one of several of the same name; `None` if there was
/// none.
pub fn explanation(followed: &Followed, head: &ExplainHead) -> Option<Explanation> {
    let trails = followed.trails();
    let trail: &PodTrail = trails.last()?;
    let follow = &followed.follow;
    let cast = Cast {
        catalog: &followed.catalog,
        nodes: &follow.nodes,
        pods: &follow.pods,
        workloads: &follow.workloads,
        services: &follow.services,
    };
    let attempts: Vec<AttemptRow> = trail
        .attempts
        .iter()
        .enumerate()
        .map(|(at, attempt)| attempts::row(attempt, at + 1, &cast))
        .collect();
    let teller = nearest::Teller { cast: &cast, pod: trail.pod };
    let standing = standing::standing(trail, &attempts, &cast, followed.at);
    Some(Explanation {
        schema: EXPLAIN_SCHEMA.to_owned(),
        scenario: head.scenario.clone(),
        variant: head.variant.clone(),
        seed: head.seed,
        command: head.command.clone(),
        at_seconds: followed.at.as_secs_f64(),
        namespace: followed.namespace(trail.pod).to_owned(),
        pod: followed.name(trail.pod),
        workload: cast.workload(follow.pods[trail.pod].workload),
        earlier: trails.len() - 1,
        node: follow.pods[trail.pod].node.map(|node| cast.node(node)),
        state: standing.state.to_owned(),
        answer: standing.answer,
        steps: steps::steps(trail, &attempts, &cast),
        nodes: nodes::rows(&trail.nodes, attempts.last(), &cast),
        outlook: followed.outlook.as_ref().map(|outlook| teller.outlook(outlook)),
        attempts,
    })
}

/// The JSON schema of explanations.
pub fn explain_schema() -> Schema {
    schema_for!(Explanation)
}

#[cfg(test)]
mod nearest_tests;
#[cfg(test)]
mod tests;
