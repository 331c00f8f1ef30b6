//! `wavetank conformance`: replays recorded decisions of real systems.

use super::{Answer, Failure};
use clap::Args;
use std::path::{Path, PathBuf};

/// Arguments of `conformance`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wavetank conformance recordings/kube-scheduler")]
pub(super) struct ConformanceArgs {
    /// Folders with recordings.
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

/// A kind of recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recording {
    KubeScheduler,
    KubeControllers,
    ClusterAutoscaler,
    VerticalPodAutoscaler,
    Swarm,
    GpuSharing,
}

impl Recording {
    fn name(self) -> &'static str {
        match self {
            Recording::KubeScheduler => "decisions of kube-scheduler",
            Recording::KubeControllers => "timelines of Kubernetes controllers",
            Recording::ClusterAutoscaler => "decisions of the Cluster Autoscaler",
            Recording::VerticalPodAutoscaler => "recommendations of the Vertical Pod Autoscaler",
            Recording::Swarm => "placements of Swarm",
            Recording::GpuSharing => "results of the GPU-sharing paper",
        }
    }

    /// What a folder holds, by the files that only this kind has.
    fn recognise(folder: &Path) -> Option<Recording> {
        let has = |file: &str| folder.join(file).exists();
        let has_cases = std::fs::read_dir(folder).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                let path = entry.path();
                path.join("cluster.json").exists() && path.join("pods.json").exists()
            })
        });
        if has_cases || (has("cluster.json") && has("pods.json")) {
            Some(Recording::KubeScheduler)
        } else if has("decisions") && has("timelines") {
            Some(Recording::KubeControllers)
        } else if has("estimator.jsonl") {
            Some(Recording::ClusterAutoscaler)
        } else if has("recommender.jsonl") {
            Some(Recording::VerticalPodAutoscaler)
        } else if has("placement.jsonl") {
            Some(Recording::Swarm)
        } else if has("expected.csv") && has("exact.csv") {
            Some(Recording::GpuSharing)
        } else {
            None
        }
    }
}

/// Says of each folder what it holds. No kind can be replayed yet, and none is passed over: each
/// is refused by name.
pub(super) fn conformance(args: &ConformanceArgs) -> Result<Answer, Failure> {
    let refuse = |folder: &PathBuf| {
        let (message, help) = match Recording::recognise(folder) {
            Some(recording) => (
                format!("`{}` holds {}", folder.display(), recording.name()),
                "this version of wavetank cannot replay them yet; nothing was compared",
            ),
            None => (
                format!("`{}` holds no recording that wavetank knows", folder.display()),
                "name a folder of recorded cases, one folder a case",
            ),
        };
        format!("error: {message}\n  = help: {help}")
    };
    Err(Failure::Input(args.folders.iter().map(refuse).collect()))
}
