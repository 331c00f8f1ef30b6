//! From the typed file to what a run is built from: nodes one by one, workloads, sources of
//! stimuli. Everything that does not fit together is found here, all at once.

mod applications;
mod end;
mod expectations;
mod faults;
mod fit;
mod nodes;
mod objects;
mod paths;
mod scheduler;
mod timeline;
mod workloads;

pub use applications::ApplicationPlan;

pub(super) use paths::Written;

use self::objects::Wanted;
use self::workloads::Service;
use super::diagnostic::Severity;
use super::manifest::PriorityClasses;
use super::{Diagnostic, Node, ScenarioFile};
use crate::ground::{Bytes, Name, Problem, QuantityError};
use crate::model::{Catalog, NodeSpecId, ObjectId, TaintsId, WorkloadId};
use crate::policy::KubeSchedulerConfiguration;
use crate::policy::kube::control::RollbackPolicy;
use crate::scenario::names::check_folder;
use crate::sim::{JobSetup, Keeper, KubeletParams, MonitoringSetup, PodSetup, VolumeParams};
use crate::stimulus::SourcePlan;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A node that is there at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodePlan {
    /// Name, unique.
    pub name: Name,
    /// Value of the label `kubernetes.io/hostname`.
    pub hostname: Name,
    /// Name of its group: `trace` for the machines of a trace, `objects` for Node objects.
    pub group: Name,
    /// Zone.
    pub zone: Option<Name>,
    /// Specification.
    pub spec: NodeSpecId,
    /// Taints.
    pub taints: TaintsId,
    /// Cordoned.
    pub unschedulable: bool,
}

/// What a run is built from.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Names, node and pod specifications, workloads: those of the file in its order, then those
    /// of the objects.
    pub catalog: Catalog,
    /// Nodes in order of joining.
    pub nodes: Vec<NodePlan>,
    /// Objects that are neither nodes nor pods and that decisions read: storage, namespaces,
    /// services and who owns pods.
    pub objects: Vec<ObjectId>,
    /// Who keeps the pods of each service workload alive.
    pub services: Vec<(WorkloadId, Keeper)>,
    /// Jobs, each with its workload.
    pub jobs: Vec<(WorkloadId, JobSetup)>,
    /// Who rolls Deployments back.
    pub rollbacks: Vec<(WorkloadId, RollbackPolicy)>,
    /// What is monitored.
    pub monitoring: MonitoringSetup,
    /// Pods that are there at the start.
    pub pods: Vec<PodSetup>,
    /// Sources in the order of the file, all faults as one source at the end.
    pub sources: Vec<SourcePlan>,
    /// The scheduler's configuration, if the scenario names one.
    pub scheduler: Option<KubeSchedulerConfiguration>,
    /// What kubelets do; the files of its delays can be found from the working directory.
    pub kubelet: KubeletParams,
    /// How long storage drivers take, with paths resolved.
    pub volumes: VolumeParams,
    /// All images that some pod wants or some node has, and how they behave.
    pub applications: Vec<ApplicationPlan>,
}

/// What was found on the way to a plan.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What is wrong, or probably not meant, in other files than that of the scenario.
    pub(super) diagnostics: Vec<Diagnostic>,
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
            objects: Vec::new(),
            services: Vec::new(),
            jobs: Vec::new(),
            rollbacks: Vec::new(),
            monitoring: MonitoringSetup::default(),
            pods: Vec::new(),
            sources: Vec::new(),
            scheduler: None,
            kubelet: file.orchestrator.machinery().kubelet,
            volumes: file.orchestrator.machinery().volumes,
            applications: Vec::new(),
        },
        findings: Findings::default(),
        classes: PriorityClasses::default(),
        node_at: BTreeMap::new(),
        services: Vec::new(),
        workload_names: BTreeSet::new(),
        wanted: Vec::new(),
        images: Vec::new(),
    };
    planner.data();
    planner.findings.problems.extend(check_folder(&file.name, "name"));
    let orchestrator = format!("orchestrator.{}", file.orchestrator.key());
    planner.under(&orchestrator, file.orchestrator.check());
    planner.scheduler();
    let objects = planner.read_objects();
    planner.priority_classes(&objects);
    planner.storage(&objects);
    planner.nodes();
    planner.object_nodes(&objects);
    planner.workloads();
    let mut owners = planner.object_workloads(&objects);
    planner.object_jobs(&objects, &mut owners);
    planner.object_pods(&objects, &owners);
    planner.namespaces(&objects);
    planner.cluster_services(&objects);
    planner.budgets(&objects);
    planner.goals(&objects);
    planner.applications();
    planner.timeline();
    planner.rollbacks();
    planner.monitoring();
    planner.faults();
    planner.kubelet();
    planner.end(&objects);
    planner.expectations(&objects);
    if planner.findings.may_run() {
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
    classes: PriorityClasses,
    /// Positions of nodes by name.
    node_at: BTreeMap<Name, usize>,
    /// Workloads that keep pods alive, in order.
    services: Vec<Service>,
    workload_names: BTreeSet<String>,
    /// Pods of objects that have to fit somewhere.
    wanted: Vec<Wanted>,
    /// The names and the size of each image that a node has.
    images: Vec<(Vec<Name>, Bytes)>,
}

impl Findings {
    /// True if nothing was found that makes a run impossible.
    fn may_run(&self) -> bool {
        let wrong = |one: &Diagnostic| one.severity == Severity::Error;
        self.problems.is_empty() && !self.diagnostics.iter().any(wrong)
    }
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
