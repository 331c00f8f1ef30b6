//! When a run ends: at `until`, or when nothing is left that could happen.

use super::Planner;
use crate::scenario::WorkloadParams;
use crate::scenario::objects::Objects;

impl Planner<'_> {
    /// Refuses a run without an end.
    pub(super) fn end(&mut self, objects: &Objects) {
        if let Some(until) = self.file.until {
            if until.is_zero() {
                let text = "the run ends at its start";
                self.wrong("until", text, "write for example `until: 2h`");
            }
            return;
        }
        if let Some((path, why)) = self.endless(objects) {
            let text = format!("`until` is missing, and {why}");
            self.wrong(path, text, "add for example `until: 2h`");
        }
    }

    /// What never ends, and why.
    fn endless(&self, objects: &Objects) -> Option<(String, String)> {
        for (at, workload) in self.file.workloads.iter().enumerate() {
            let name = workload.name();
            let path = format!("workloads.{at}.{}", workload.key());
            let why = match workload {
                WorkloadParams::Service(_) => format!("the service `{name}` runs for ever"),
                WorkloadParams::Batch(batch) if open(batch.params.until, batch.params.count) => {
                    format!("pods of `{name}` arrive for ever")
                }
                WorkloadParams::Load(load) if open(load.params.until, load.params.count) => {
                    format!("pods of `{name}` arrive for ever")
                }
                _ => continue,
            };
            return Some((path, why));
        }
        let kept = objects.deployments.iter().map(|one| &one.head);
        let kept = kept.chain(objects.replica_sets.iter().map(|one| &one.head));
        let mut kept = kept.chain(objects.pods.iter().map(|one| &one.head));
        if let Some(head) = kept.next() {
            let why = format!("the {} `{}` runs for ever", head.kind, head.full_name());
            return Some(("objects".to_owned(), why));
        }
        let at = self.file.faults.iter().position(|fault| fault.rate.is_some())?;
        Some((format!("faults.{at}.rate"), "nodes fail for ever".to_owned()))
    }
}

fn open<T>(until: Option<T>, count: Option<u32>) -> bool {
    until.is_none() && count.is_none()
}
