//! From the typed file to what a run is built from: nodes one by one, workloads, sources of
//! stimuli. Everything that does not fit together is found here, all at once.

mod end;
mod faults;
mod fit;
mod nodes;
mod workloads;

use super::tree::join;
use super::{Kind, Node, OrchestratorParams, ScenarioFile};
use crate::ground::{Name, Problem, QuantityError};
use crate::model::{Catalog, NodeSpecId, PodSpecId, TaintsId, WorkloadId};
use crate::scenario::names::check_folder;
use crate::stimulus::SourcePlan;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A node that is there at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodePlan {
    /// Name, unique; also the value of the label `kubernetes.io/hostname`.
    pub name: Name,
    /// Name of its group, `trace` for the machines of a trace.
    pub group: Name,
    /// Zone.
    pub zone: Option<Name>,
    /// Specification.
    pub spec: NodeSpecId,
    /// Taints.
    pub taints: TaintsId,
}

/// What a run is built from.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Names, node and pod specifications, workloads in the order of the file.
    pub catalog: Catalog,
    /// Nodes in order of joining.
    pub nodes: Vec<NodePlan>,
    /// The pod of each service workload.
    pub services: Vec<(WorkloadId, PodSpecId)>,
    /// Sources in the order of the file, all faults as one source at the end.
    pub sources: Vec<SourcePlan>,
}

/// What was found on the way to a plan.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What makes a run impossible.
    pub(super) problems: Vec<Problem>,
    /// What is probably not meant.
    pub(super) warnings: Vec<Problem>,
    /// Paths of fields that are known and have no effect.
    pub(super) without_effect: Vec<String>,
}

/// Plans a scenario. `tree` is the tree that `file` was read from; relative paths start in
/// `folder`. The plan is complete only if no problem was found.
pub(super) fn plan(file: &ScenarioFile, tree: &Node, folder: &Path) -> (Plan, Findings) {
    let mut planner =
        Planner { file, tree, folder, plan: Plan::default(), findings: Findings::default() };
    planner.findings.problems.extend(check_folder(&file.name, "name"));
    if let OrchestratorParams::Kubernetes(kubernetes) = &file.orchestrator {
        planner.under("orchestrator.kubernetes.scheduler", kubernetes.scheduler.check());
    }
    planner.nodes();
    planner.workloads();
    planner.faults();
    planner.end();
    if planner.findings.problems.is_empty() {
        planner.fit();
    }
    (planner.plan, planner.findings)
}

struct Planner<'p> {
    file: &'p ScenarioFile,
    tree: &'p Node,
    folder: &'p Path,
    plan: Plan,
    findings: Findings,
}

impl Planner<'_> {
    fn wrong(&mut self, path: impl Into<String>, text: impl Into<String>, hint: &str) {
        let problem = Problem::new(path, text);
        self.findings.problems.push(if hint.is_empty() { problem } else { problem.hint(hint) });
    }

    fn warn(&mut self, path: impl Into<String>, text: impl Into<String>, hint: &str) {
        self.findings.warnings.push(Problem::new(path, text).hint(hint));
    }

    fn under(&mut self, path: &str, problems: Vec<Problem>) {
        self.findings.problems.extend(problems.into_iter().map(|problem| problem.under(path)));
    }

    fn name(&mut self, text: &str) -> Name {
        self.plan.catalog.names.intern(text)
    }

    /// Makes paths start where the file is, and says which files cannot be read. `path` is where
    /// in the scenario they are named.
    fn resolve<'f>(&mut self, path: &str, files: impl Iterator<Item = &'f mut PathBuf>) {
        for file in files {
            let written = file.display().to_string();
            *file = self.folder.join(&*file);
            if let Some(text) = unreadable(file) {
                let inner = self.tree.find(path).and_then(|node| path_to(node, &written));
                let path = inner.map_or(path.to_owned(), |inner| format!("{path}.{inner}"));
                let hint = "a relative path starts in the folder of the scenario file";
                self.wrong(path, text, hint);
            }
        }
    }

    /// Refuses an amount of bytes that is written without a unit.
    fn needs_unit(&mut self, path: String) {
        let Some(text) = self.tree.find(&path).and_then(Node::text) else { return };
        let bare = text.chars().all(|c| c.is_ascii_digit() || c == '.');
        if bare && text.contains(|c: char| matches!(c, '1'..='9')) {
            let error = QuantityError::MissingUnit(text.to_owned()).to_string();
            let (text, hint) = error.split_once("; ").unwrap_or((&error, ""));
            self.wrong(path, text, hint);
        }
    }
}

/// Why a file cannot be read.
fn unreadable(path: &Path) -> Option<String> {
    let shown = path.display();
    let kind = match std::fs::File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_dir() => return Some(format!("`{shown}` is a folder")),
        Ok(_) => return None,
        Err(error) => error.kind(),
    };
    Some(match kind {
        ErrorKind::NotFound => format!("there is no file `{shown}`"),
        ErrorKind::PermissionDenied => format!("the file `{shown}` may not be read"),
        other => format!("the file `{shown}` cannot be read: {other}"),
    })
}

/// The path to the first scalar with this text.
fn path_to(node: &Node, text: &str) -> Option<String> {
    match &node.kind {
        Kind::Scalar { text: own, .. } => (own == text).then(String::new),
        Kind::Seq(nodes) => nodes
            .iter()
            .enumerate()
            .find_map(|(at, node)| path_to(node, text).map(|rest| under(&at.to_string(), &rest))),
        Kind::Map(entries) => entries
            .iter()
            .find_map(|(key, node)| path_to(node, text).map(|rest| under(&key.text, &rest))),
    }
}

fn under(segment: &str, rest: &str) -> String {
    let segment = join("", segment);
    if rest.is_empty() { segment } else { format!("{segment}.{rest}") }
}

#[cfg(test)]
mod tests;
