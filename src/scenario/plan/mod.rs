//! From the typed file to what a run is built from: nodes one by one, workloads, sources of
//! stimuli. Everything that does not fit together is found here, all at once.

mod end;
mod expectations;
mod faults;
mod fit;
mod nodes;
mod paths;
mod workloads;

pub(super) use paths::Written;

use super::{Node, ScenarioFile};
use crate::ground::{Name, Problem, QuantityError};
use crate::model::{Catalog, NodeSpecId, PodSpecId, TaintsId, WorkloadId};
use crate::scenario::names::check_folder;
use crate::sim::{KubeletParams, PodSetup};
use crate::stimulus::SourcePlan;
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
#[derive(Debug, Clone)]
pub struct Plan {
    /// Names, node and pod specifications, workloads in the order of the file.
    pub catalog: Catalog,
    /// Nodes in order of joining.
    pub nodes: Vec<NodePlan>,
    /// The pod of each service workload.
    pub services: Vec<(WorkloadId, PodSpecId)>,
    /// Pods that are there at the start.
    pub pods: Vec<PodSetup>,
    /// Sources in the order of the file, all faults as one source at the end.
    pub sources: Vec<SourcePlan>,
    /// What kubelets do; the files of its delays can be found from the working directory.
    pub kubelet: KubeletParams,
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
pub(super) fn plan(file: &ScenarioFile, written: Written<'_>, folder: &Path) -> (Plan, Findings) {
    let base = written.base(file.data.as_deref(), folder);
    let mut planner = Planner {
        file,
        written,
        tree: written.tree,
        base,
        plan: Plan {
            catalog: Catalog::new(),
            nodes: Vec::new(),
            services: Vec::new(),
            pods: Vec::new(),
            sources: Vec::new(),
            kubelet: file.orchestrator.machinery().kubelet,
        },
        findings: Findings::default(),
    };
    planner.data();
    planner.findings.problems.extend(check_folder(&file.name, "name"));
    let orchestrator = format!("orchestrator.{}", file.orchestrator.key());
    planner.under(&orchestrator, file.orchestrator.check());
    planner.nodes();
    planner.workloads();
    planner.faults();
    planner.kubelet();
    planner.end();
    planner.expectations();
    if planner.findings.problems.is_empty() {
        planner.fit();
    }
    (planner.plan, planner.findings)
}

struct Planner<'p> {
    file: &'p ScenarioFile,
    written: Written<'p>,
    tree: &'p Node,
    /// Where relative paths of the file start.
    base: PathBuf,
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

#[cfg(test)]
mod tests;
