//! Jobs as workloads whose pods run to their end.

use super::workloads::pod_of;
use super::{Found, Owners, Planner, Wanted};
use crate::ground::{Key, Problem};
use crate::model::{FinishedPods, LossPolicy, Workload, WorkloadId, WorkloadKind};
use crate::policy::kube::control::{IndexSet, JobSpec, JobStatus};
use crate::scenario::manifest::{JobManifest, Reader, read_job};
use crate::scenario::objects::{Head, Object, Objects};
use crate::sim::JobSetup;

const TEMPLATE: &str = "spec.template.spec";

impl Planner<'_> {
    /// Adds the Jobs among the objects, behind the workloads that keep pods alive. Those that have
    /// ended are left out.
    pub(in crate::scenario::plan) fn object_jobs(
        &mut self,
        objects: &Objects,
        owners: &mut Owners,
    ) {
        for one in &objects.jobs {
            let ended = |kind| one.head.condition(kind) == Some("True");
            if ended("Complete") || ended("Failed") {
                self.findings.without_effect.push(objects.path_of(&one.head, "its end is past"));
                continue;
            }
            if let Some(workload) = self.job(objects, one) {
                owners.add("Job", &one.head.namespace, &one.head.name, workload);
            }
        }
    }

    fn job(&mut self, objects: &Objects, one: &Object<JobManifest>) -> Option<WorkloadId> {
        let head = &one.head;
        let mut reader = Reader::new(&mut self.plan.catalog, &self.classes);
        let spec = read_job(&mut reader, &one.object);
        let template = &one.object.spec.template;
        let pod = pod_of(&mut reader, head, template);
        let mut found = Found::of(reader);
        found.problems.extend(self.no_such_scheduler(&template.spec, TEMPLATE));
        found.problems.extend(self.no_such_volumes(&template.spec, TEMPLATE));
        let full_name = head.full_name();
        found.problems.extend(self.name_is_taken(&full_name));
        if !self.report(objects, head, found) {
            return None;
        }
        let (template, _) = self.plan.catalog.intern_pod_spec(&pod);
        let message = objects.diagnostic(head, &Problem::new(TEMPLATE, "")).warning();
        self.wanted.push(Wanted { spec: template, message });
        let name = self.name(&full_name);
        let workload = self.plan.catalog.workloads.push(Workload {
            name,
            key: Key::of(&full_name),
            kind: WorkloadKind::Batch,
            on_loss: LossPolicy::Forget,
            finished: FinishedPods::Keep,
            startup: None,
        });
        let status = status_of(head, &spec);
        self.plan.jobs.push((workload, JobSetup { name, template, spec, status }));
        self.workload_names.insert(full_name);
        Some(workload)
    }
}

/// What is known already of a Job that has not ended.
fn status_of(head: &Head, spec: &JobSpec) -> JobStatus {
    let number = |path: &str| head.text(path).and_then(|text| text.parse().ok()).unwrap_or(0);
    let indexes = |path: &str| {
        let text = head.text(path).unwrap_or("");
        IndexSet::parse(text, spec.completions.unwrap_or(0))
    };
    JobStatus {
        succeeded: number("status.succeeded"),
        failed: number("status.failed"),
        completed_indexes: indexes("status.completedIndexes"),
        failed_indexes: indexes("status.failedIndexes"),
        ..JobStatus::default()
    }
}
