//! Decisions of the StatefulSet controller.

use super::{Compared, compared, input};
use crate::ground::{Span, Time};
use crate::model::{PodManagement, StatefulSetSpec, StatefulUpdate};
use crate::policy::kube::control::{
    StatefulAct, StatefulPhase, StatefulPod, StatefulSetView, sync_stateful_set,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The ages of a recording count back from here.
const NOW: Time = Time::from_secs(1_000_000);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Step {
    policy: String,
    strategy: String,
    partition: Option<u32>,
    replicas: u32,
    min_ready_seconds: u64,
    current_revision: String,
    update_revision: String,
    pods: Vec<RecordedPod>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RecordedPod {
    ordinal: u32,
    revision: String,
    phase: String,
    ready: bool,
    ready_age_s: Option<u64>,
    terminating: bool,
}

impl RecordedPod {
    fn pod(&self) -> Result<StatefulPod<&str>, String> {
        let since = self.ready_age_s.map(|age| NOW - Span::from_secs(age));
        Ok(StatefulPod {
            ordinal: self.ordinal,
            revision: &self.revision,
            phase: match self.phase.as_str() {
                "Pending" => StatefulPhase::Pending,
                "Running" => StatefulPhase::Running(since.filter(|_| self.ready)),
                "Succeeded" | "Failed" => StatefulPhase::Ended,
                other => return Err(format!("`{other}` is no phase of a pod")),
            },
            terminating: self.terminating,
        })
    }
}

impl Step {
    fn spec(&self) -> Result<StatefulSetSpec, String> {
        Ok(StatefulSetSpec {
            management: match self.policy.as_str() {
                "OrderedReady" => PodManagement::OrderedReady,
                "Parallel" => PodManagement::Parallel,
                other => return Err(format!("`{other}` is no pod management policy")),
            },
            update: match (self.strategy.as_str(), self.partition) {
                ("RollingUpdate", Some(partition)) => StatefulUpdate::RollingUpdate { partition },
                ("OnDelete", None) => StatefulUpdate::OnDelete,
                (other, _) => return Err(format!("`{other}` is no update strategy")),
            },
            min_ready: Span::from_secs(self.min_ready_seconds),
            ..StatefulSetSpec::new(self.replicas)
        })
    }

    fn written(&self, act: &StatefulAct<&str>) -> Value {
        match *act {
            StatefulAct::Create { ordinal, revision } => {
                json!({"do": "create", "ordinal": ordinal, "revision": revision})
            }
            StatefulAct::Delete { ordinal } => {
                let pod = self.pods.iter().find(|pod| pod.ordinal == ordinal);
                let revision = pod.map(|pod| &pod.revision);
                json!({"do": "delete", "ordinal": ordinal, "revision": revision})
            }
        }
    }
}

/// Writes of one batch are sent together, so that they are put as they were recorded. The status
/// was recorded before the end of an update changes it.
pub(super) fn step(line: &Value) -> Result<Compared, String> {
    let read: Step = input(line)?;
    let pods: Vec<StatefulPod<&str>> =
        read.pods.iter().map(RecordedPod::pod).collect::<Result<_, _>>()?;
    let view = StatefulSetView {
        spec: read.spec()?,
        deleting: false,
        current: read.current_revision.as_str(),
        update: read.update_revision.as_str(),
        pods: &pods,
        stale_claims: &[],
    };
    let sync = sync_stateful_set(&view, NOW);
    let theirs = line["output"]["actions"].as_array().ok_or("no `actions` were recorded")?;
    let mut actions: Vec<Value> = Vec::new();
    for batch in &sync.batches {
        let mut written: Vec<Value> = batch.iter().map(|act| read.written(act)).collect();
        let from = actions.len().min(theirs.len());
        let recorded = |act: &Value| theirs[from..].iter().position(|other| other == act);
        written.sort_by_key(|act| recorded(act).unwrap_or(usize::MAX));
        actions.append(&mut written);
    }
    let status = sync.counted;
    let ours = json!({
        "actions": actions,
        "status": {
            "available": status.available,
            "current": status.current,
            "ready": status.ready,
            "replicas": status.replicas,
            "updated": status.updated,
        },
    });
    compared(ours, line["output"].clone())
}
