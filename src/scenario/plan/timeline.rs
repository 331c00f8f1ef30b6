//! What operators do, and who rolls back for them.

use super::Planner;
use crate::ground::Problem;
use crate::model::{
    Catalog, DeploymentSpec, PodSpec, RolloutStrategy, WorkloadId, normalized_image,
};
use crate::policy::kube::control::AlertRule;
use crate::scenario::diagnostic::{list, nearest};
use crate::scenario::file::{RuleParams, millionths};
use crate::scenario::tree::join;
use crate::sim::{Detail, Keeper};
use crate::stimulus::{SourcePlan, TimelineEntry, TimelineParams, TimelinePlan, TimelineTarget};
use std::collections::BTreeMap;

impl Planner<'_> {
    /// Plans the timeline, as one source.
    pub(super) fn timeline(&mut self) {
        let file = self.file;
        let mut plan = TimelinePlan::default();
        for (at, entry) in file.timeline.iter().enumerate() {
            let path = format!("timeline.{at}");
            let (target, key) = match entry.target() {
                Ok(found) => found,
                Err(problem) => {
                    self.under(&path, vec![problem]);
                    continue;
                }
            };
            if let Some(until) = file.until.filter(|until| entry.at >= *until) {
                let text = format!("this happens at {}, the run ends at {until}", entry.at);
                self.warn(join(&path, "at"), text, "make the run longer or the time earlier");
            }
            self.under(&path, entry.check());
            let path = format!("{path}.{key}");
            if let Some((workload, nodes)) = self.operated(entry, target, &path) {
                plan.entries.push(TimelineEntry { workload, nodes, params: entry.clone() });
            }
        }
        if !plan.entries.is_empty() {
            self.plan.sources.push(SourcePlan::Timeline(plan));
        }
    }

    /// The Deployment or the nodes that an entry is about; `None` if there is no such.
    fn operated(
        &mut self,
        entry: &TimelineParams,
        target: TimelineTarget<'_>,
        path: &str,
    ) -> Option<(Option<WorkloadId>, Vec<u32>)> {
        let none = BTreeMap::new();
        let (names, selector) = match target {
            TimelineTarget::Deployment(name) => {
                let set = entry.scale.as_ref().and_then(|_| self.replica_set_called(name));
                let pauses = entry.rollout_pause.is_some() || entry.rollout_resume.is_some();
                let wanted = match (pauses, &entry.set_partition) {
                    (true, _) => Rolled::Deployment,
                    (false, Some(_)) => Rolled::StatefulSet,
                    (false, None) => Rolled::Any,
                };
                let found = set.or_else(|| self.rolled(name, path, wanted));
                let (workload, keeper) = found?;
                let spec = self.plan.catalog.pod_spec(keeper.template()).clone();
                let problems = check_image(entry, &spec, &self.plan.catalog);
                let entry = path.rsplit_once(".set-image").map_or(path, |(entry, _)| entry);
                self.under(entry, problems);
                return Some((Some(workload), Vec::new()));
            }
            TimelineTarget::Deleted(params) if params.nodes.is_empty() => {
                return Some((None, Vec::new()));
            }
            TimelineTarget::Deleted(params) => (params.nodes.as_slice(), &none),
            TimelineTarget::Nodes(names, selector) => (names, selector),
        };
        if names.is_empty() == selector.is_empty() {
            let text = "say which nodes are meant";
            self.wrong(path, text, "write either `nodes:` or `selector:`");
            return None;
        }
        // Without the nodes of a broken cluster every name would be unknown.
        let targets = match self.plan.nodes.is_empty() {
            true => Vec::new(),
            false => self.nodes_meant(names, selector, path),
        };
        Some((None, targets.iter().map(|target| target.position).collect()))
    }

    /// Takes over who rolls back what.
    pub(super) fn rollbacks(&mut self) {
        let file = self.file;
        for (name, policy) in &file.rollback {
            let found = self.rolled(name, &join("rollback", name), Rolled::Deployment);
            let Some((workload, keeper)) = found else { continue };
            let problems = policy.check();
            if !problems.is_empty() {
                self.under(&join("rollback", name), problems);
                continue;
            }
            let policy = policy.policy();
            if !matches!(keeper, Keeper::Deployment(spec) if is_rolling(&spec))
                && policy.is_progressive()
            {
                let text = format!("the Deployment `{name}` has the strategy Recreate");
                self.wrong(join("rollback", name), text, "give it the strategy RollingUpdate");
            }
            let endless = matches!(
                keeper,
                Keeper::Deployment(spec) if spec.progress_deadline.is_none()
            );
            if policy.needs_deadline() && endless {
                let text = format!("the Deployment `{name}` has no progress deadline");
                self.wrong(join("rollback", name), text, "give it `progressDeadlineSeconds`");
            }
            self.plan.rollbacks.push((workload, policy));
        }
    }

    /// Takes over what is monitored: with rules all Deployments, and those whose releases somebody
    /// analyses.
    pub(super) fn monitoring(&mut self) {
        let file = self.file;
        let monitoring = &mut self.plan.monitoring;
        let analysed = self.plan.rollbacks.iter().filter(|(_, policy)| policy.is_progressive());
        monitoring.services = analysed.map(|(workload, _)| *workload).collect();
        let Some(params) = &file.monitoring else { return };
        monitoring.interval = params.scrape_interval;
        let names = &mut self.plan.catalog.names;
        let rule = |rule: &RuleParams| AlertRule {
            alert: names.intern(&rule.alert),
            metric: rule.metric,
            above_ppm: millionths(rule.above),
            hold: rule.hold,
        };
        monitoring.rules = params.rules.iter().map(rule).collect();
        let deployments =
            self.plan.services.iter().filter(|(_, k)| matches!(k, Keeper::Deployment(_)));
        monitoring.services = deployments.map(|(workload, _)| *workload).collect();
        if file.detail == Detail::Placement {
            let hint = "write `detail: lifecycle`, or leave `monitoring` out";
            self.wrong("monitoring", "without kubelets pods have no error rates", hint);
        }
        self.under("monitoring", params.check());
    }

    /// Normalised images that a timeline brings.
    pub(super) fn timeline_images(&self) -> Vec<String> {
        let images = self.file.timeline.iter().filter_map(|entry| entry.set_image.as_ref());
        images.map(|one| normalized_image(&one.image).into_owned()).collect()
    }

    /// A ReplicaSet of nobody with this name.
    fn replica_set_called(&self, name: &str) -> Option<(WorkloadId, Keeper)> {
        let text = |workload: WorkloadId| {
            let names = &self.plan.catalog.names;
            names.text(self.plan.catalog.workloads[workload].name)
        };
        let mut found = self.plan.services.iter().filter(|(workload, keeper)| {
            matches!(keeper, Keeper::ReplicaSet { .. }) && text(*workload) == name
        });
        found.next().copied()
    }

    /// The workload of this name, if it is of a kind that is rolled.
    fn rolled(&mut self, name: &str, path: &str, wanted: Rolled) -> Option<(WorkloadId, Keeper)> {
        let names = &self.plan.catalog.names;
        let workloads = &self.plan.catalog.workloads;
        let text = |workload: WorkloadId| names.text(workloads[workload].name);
        let fits = |keeper: &Keeper| match keeper {
            Keeper::Deployment(_) => wanted != Rolled::StatefulSet,
            Keeper::StatefulSet(_) => wanted != Rolled::Deployment,
            Keeper::ReplicaSet { .. } => false,
        };
        let rolled = || self.plan.services.iter().filter(|(_, keeper)| fits(keeper));
        if let Some(found) = rolled().find(|(workload, _)| text(*workload) == name) {
            return Some(*found);
        }
        let there = || rolled().map(|(workload, _)| text(*workload));
        let hint = match nearest(name, there()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if there().next().is_none() && wanted == Rolled::StatefulSet => {
                "add a StatefulSet to `objects:`".to_owned()
            }
            None if there().next().is_none() => {
                "add a `service` workload or a Deployment".to_owned()
            }
            None => format!("there are {}", list(there(), "and")),
        };
        let word = match wanted {
            Rolled::Deployment => "no Deployment is",
            Rolled::StatefulSet => "no StatefulSet is",
            Rolled::Any => "no Deployment and no StatefulSet is",
        };
        self.wrong(path, format!("{word} called `{name}`"), &hint);
        None
    }
}

/// What an action can be done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rolled {
    /// Deployments only.
    Deployment,
    /// StatefulSets only.
    StatefulSet,
    /// Deployments and StatefulSets.
    Any,
}

fn is_rolling(spec: &DeploymentSpec) -> bool {
    matches!(spec.strategy, RolloutStrategy::RollingUpdate { .. })
}

/// What is wrong with a new image.
fn check_image(entry: &TimelineParams, pod: &PodSpec, catalog: &Catalog) -> Vec<Problem> {
    let Some(one) = &entry.set_image else { return Vec::new() };
    let all = pod.containers.iter().chain(&pod.init_containers);
    let names = || all.clone().map(|container| catalog.names.text(container.name));
    let mut problems = Vec::new();
    if one.image.is_empty() {
        problems.push(Problem::new("set-image.image", "an image has a name"));
    }
    match &one.container {
        None if pod.containers.len() > 1 => {
            let hint = format!("write `container:`, one of {}", list(names(), "and"));
            let text = "the pod has several containers";
            problems.push(Problem::new("set-image", text).hint(hint));
        }
        Some(name) if names().all(|other| other != name) => {
            let text = format!("no container is called `{name}`");
            let hint = format!("there are {}", list(names(), "and"));
            problems.push(Problem::new("set-image.container", text).hint(hint));
        }
        _ => {}
    }
    problems
}
