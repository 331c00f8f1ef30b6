//! Decisions of the DaemonSet controller.

use super::{Compared, input, with_output};
use crate::ground::{Span, Time};
use crate::model::IntOrPercent;
use crate::policy::kube::control::{
    DaemonFit, DaemonNode, DaemonPhase, DaemonPod, DaemonSetView, DaemonUpdate, roll_daemons,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The ages of a recording count back from here.
const NOW: Time = Time::from_secs(1_000_000);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Step {
    max_surge: String,
    max_unavailable: String,
    min_ready_seconds: u64,
    nodes: Vec<RecordedNode>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedNode {
    node: String,
    pods: Vec<RecordedPod>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RecordedPod {
    ready: bool,
    ready_age_s: Option<u64>,
    revision: String,
    terminating: bool,
}

impl RecordedPod {
    fn pod(&self) -> DaemonPod<'_> {
        let since = self.ready_age_s.map(|age| NOW - Span::from_secs(age));
        DaemonPod {
            name: &self.revision,
            updated: self.revision == "new",
            bound: true,
            created: Time::ZERO,
            phase: DaemonPhase::Live(since.filter(|_| self.ready)),
            terminating: self.terminating,
        }
    }
}

fn number_or_share(text: &str) -> Result<IntOrPercent, String> {
    text.parse().map_err(|error| format!("`{text}` is {error}"))
}

/// Which of equal nodes come first is chance in the recording, so that only pods that were deleted
/// in each repetition are compared by name.
pub(super) fn update_step(line: &Value) -> Result<Compared, String> {
    let read: Step = input(line)?;
    let update = DaemonUpdate {
        max_surge: number_or_share(&read.max_surge)?,
        max_unavailable: number_or_share(&read.max_unavailable)?,
    };
    let pods: Vec<Vec<DaemonPod<'_>>> =
        read.nodes.iter().map(|node| node.pods.iter().map(RecordedPod::pod).collect()).collect();
    let nodes: Vec<DaemonNode<'_>> =
        pods.iter().map(|pods| DaemonNode { fit: DaemonFit::Runs, pods, backoff: None }).collect();
    let min_ready = Span::from_secs(read.min_ready_seconds);
    let view = DaemonSetView { min_ready, surges: update.surges(), nodes: &nodes };
    let writes = roll_daemons(&view, update, NOW);
    let deleted: Vec<String> = writes
        .delete
        .iter()
        .map(|at| format!("logger-{}-{}", pods[at.node][at.pod].name, read.nodes[at.node].node))
        .collect();
    let always = line["output"]["alwaysDeleted"].as_array().cloned().unwrap_or_default();
    let deleted_too =
        |name: &&Value| name.as_str().is_some_and(|name| deleted.iter().any(|own| own == name));
    let ours = json!({
        "alwaysDeleted": always.iter().filter(deleted_too).collect::<Vec<_>>(),
        "createCount": writes.create.len(),
        "deleteCount": deleted.len(),
    });
    with_output(line, ours)
}
