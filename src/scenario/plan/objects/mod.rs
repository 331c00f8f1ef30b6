//! What Kubernetes objects mean together: nodes, priority classes, controllers with their pods.

mod jobs;
mod nodes;
mod notes;
mod pods;
mod storage;
mod surroundings;
mod workloads;

pub(super) use workloads::Owners;

use super::Planner;
use crate::ground::Problem;
use crate::model::PodSpecId;
use crate::scenario::manifest::{ObjectMeta, PodManifest, Reader};
use crate::scenario::objects::{Head, Kind, Objects};
use crate::scenario::tree::join;
use crate::scenario::{Diagnostic, OrchestratorParams};

/// The one scheduler profile that there is.
pub(super) const PROFILE: &str = "default-scheduler";

/// A pod of an object that has to fit somewhere.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The pod.
    pub(super) spec: PodSpecId,
    /// A message that points to it.
    pub(super) message: Diagnostic,
}

/// What was found in an object while it was read.
pub(super) struct Found {
    pub(super) problems: Vec<Problem>,
    pub(super) without_effect: Vec<String>,
}

impl Found {
    pub(super) fn of(reader: Reader<'_>) -> Found {
        Found { problems: reader.problems, without_effect: reader.without_effect }
    }
}

impl Planner<'_> {
    /// Reads the files of all objects.
    pub(super) fn read_objects(&mut self) -> Objects {
        let file = self.file;
        let mut objects = Objects::default();
        for (at, path) in file.objects.iter().enumerate() {
            let written = format!("objects.{at}");
            let Some(path) = self.folder_or_file(&written, path) else {
                objects.is_incomplete();
                continue;
            };
            let found = objects.add(&path);
            self.findings.diagnostics.extend(found);
        }
        for head in &objects.inert {
            self.findings.without_effect.push(objects.path_of(head, ""));
        }
        objects
    }

    /// Takes the priority classes among the objects.
    pub(super) fn priority_classes(&mut self, objects: &Objects) {
        self.classes.complete = !objects.broken(Kind::PriorityClass);
        for class in &objects.classes {
            let mut problems = self.classes.add(&class.object);
            let mut reader = Reader::new(&mut self.plan.catalog, &self.classes);
            reader.rest(&class.object.rest, "");
            reader.meta(&class.object.metadata);
            let mut found = Found::of(reader);
            found.problems.append(&mut problems);
            self.report(objects, &class.head, found);
        }
    }

    /// Says what was found in an object; true if nothing is wrong with it.
    fn report(&mut self, objects: &Objects, head: &Head, mut found: Found) -> bool {
        found.problems.retain(|problem| !head.explains(&problem.path));
        if !found.without_effect.is_empty() {
            let paths = found.without_effect.join(", ");
            self.findings.without_effect.push(objects.path_of(head, &paths));
        }
        let diagnostics = found.problems.iter().map(|problem| objects.diagnostic(head, problem));
        self.findings.diagnostics.extend(diagnostics);
        found.problems.is_empty()
    }

    fn object_wrong(&mut self, objects: &Objects, head: &Head, problem: &Problem) {
        self.findings.diagnostics.push(objects.diagnostic(head, problem));
    }

    /// Why pods would wait for a scheduler that is not there.
    pub(super) fn no_such_scheduler(&self, pod: &PodManifest, path: &str) -> Option<Problem> {
        let name = pod.scheduler_name.as_deref().unwrap_or(PROFILE);
        if self.has_profile(name) {
            return None;
        }
        matches!(self.file.orchestrator, OrchestratorParams::Kubernetes(_)).then(|| {
            let text = format!("no scheduler is called `{name}`: these pods would wait for ever");
            Problem::new(join(path, "schedulerName"), text)
                .hint("name a profile of the scheduler, by default `default-scheduler`")
        })
    }
}

/// The controller of an object, as kind and name.
fn controller(metadata: &ObjectMeta) -> Option<(&str, &str)> {
    metadata.controller().map(|owner| (owner.kind.as_str(), owner.name.as_str()))
}

#[cfg(test)]
mod tests;
