//! The set-up and the script of a recorded timeline: `setup.json` and `actions.json`. A field that
//! nothing here knows is an error, so no part of a recording is passed over.

use crate::experiment::Unreadable;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The cluster, and how the stand-in for the kubelets plays pods.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Setup {
    /// What it is about.
    pub(super) title: String,
    /// Nodes.
    pub(super) nodes: Vec<NodeSetup>,
    /// By image; `default` for all others.
    pub(super) behaviours: BTreeMap<String, Played>,
    /// When the script starts.
    pub(super) settle: Settle,
    /// The pause between the last workload's being available and the start of the script.
    pub(super) settle_pause_ms: u64,
    /// End of the recording.
    pub(super) end_ms: u64,
    /// Second of the minute at which the script starts.
    #[serde(default)]
    pub(super) align_second: Option<u64>,
}

/// When the script starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Settle {
    /// When all workloads have been available for a while.
    Ready,
    /// When the objects are applied.
    None,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeSetup {
    /// Name.
    pub(super) name: String,
    /// Labels.
    pub(super) labels: BTreeMap<String, String>,
    /// What pods may request, by resource.
    pub(super) allocatable: BTreeMap<String, String>,
}

/// How the pods of an image are played.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Played {
    /// From binding to running.
    pub(super) start_ms: u64,
    /// From running to ready; never if negative.
    pub(super) ready_ms: i64,
    /// From the deletion to the end, if the grace period is as long.
    pub(super) termination_ms: u64,
    /// From each start to its exit with code 1.
    #[serde(default)]
    pub(super) crash_after_ms: Option<u64>,
    /// From its start to its exit with code 0.
    #[serde(default)]
    pub(super) run_ms: Option<u64>,
    /// The first so many pods of the image, by start, exit with code 1 instead.
    #[serde(default)]
    pub(super) fail_first_pods: Option<u32>,
    /// The first pod of each of these indexes exits with code 1.
    #[serde(default)]
    pub(super) fail_first_attempt_of_index: Vec<u32>,
    /// Every pod of these indexes exits with code 1.
    #[serde(default)]
    pub(super) fail_always_index: Vec<u32>,
}

/// One line of the script.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// When.
    #[serde(rename = "atMs")]
    pub(super) at_ms: u64,
    /// What is done.
    #[serde(rename = "do")]
    pub(super) action: Action,
    /// Kind of the object.
    #[serde(default)]
    pub(super) kind: Option<String>,
    /// Name of the object.
    #[serde(default)]
    pub(super) name: Option<String>,
    /// What is merged into the object.
    #[serde(default)]
    pub(super) patch: Option<Value>,
    /// The new object.
    #[serde(default)]
    pub(super) object: Option<Value>,
    /// Names of nodes.
    #[serde(default)]
    pub(super) nodes: Vec<String>,
    /// The new node.
    #[serde(default)]
    pub(super) node: Option<NodeSetup>,
    /// Pods by order of creation, from 0.
    #[serde(default)]
    pub(super) pods: Vec<usize>,
    /// Effect of the taint `maintenance=true`.
    #[serde(default)]
    pub(super) value: Option<String>,
    /// Deletion costs of the pods.
    #[serde(default)]
    pub(super) values: Vec<Value>,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    Patch,
    Create,
    Undo,
    NodeStop,
    NodeStart,
    NodeAdd,
    NodeDelete,
    NodeTaint,
    Drain,
    Uncordon,
    PodUnready,
    PodReady,
    PodDelete,
    PodCost,
}

/// Reads a file of JSON.
pub(super) fn read<T: DeserializeOwned>(folder: &Path, file: &str) -> Result<T, Unreadable> {
    let path = folder.join(file);
    let unreadable = |text: String| Unreadable { place: path.display().to_string(), text };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| unreadable(format!("the file cannot be read: {error}")))?;
    serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))
}
