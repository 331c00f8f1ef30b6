//! What operators do at set times, by the names of kubectl.

use super::operation::{DeleteParams, DrainParams, NodesParams, TaintParams, split_taint};
use super::source::{Cursor, CursorState, Source, SourceError};
use crate::ground::{Problem, Span, Time};
use crate::model::{
    Catalog, DrainOptions, OperatorAction, PodName, Stimulus, Taint, Timed, WorkloadId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something that an operator does: `at`, and exactly one of the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TimelineParams {
    /// When.
    pub at: Span,
    /// Another image for a container of a Deployment: a new revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_image: Option<SetImageParams>,
    /// Another number of pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<ScaleParams>,
    /// The pods of a StatefulSet that are updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_partition: Option<SetPartitionParams>,
    /// Back to an earlier revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_undo: Option<RolloutUndoParams>,
    /// The Deployment of this name is not rolled out until it is resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_pause: Option<String>,
    /// The Deployment of this name goes on after a pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_resume: Option<String>,
    /// All pods of the Deployment of this name are replaced by new ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_restart: Option<String>,
    /// New pods stay away from nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cordon: Option<NodesParams>,
    /// New pods may come to nodes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncordon: Option<NodesParams>,
    /// Nodes are cordoned, and their pods are evicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<DrainParams>,
    /// A taint is put on nodes or taken off them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taint: Option<TaintParams>,
    /// Pods or nodes are deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<DeleteParams>,
    /// Whether a pod may be ready, said from outside as a readiness gate does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<ReadinessParams>,
}

/// Whether a pod may be ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadinessParams {
    /// Name of the Deployment.
    pub workload: String,
    /// The pod: those of a workload are counted from 0, in order of creation.
    pub pod: u32,
    /// False: it is not ready, whatever its containers say; true: it is if they are.
    pub ready: bool,
}

/// Another image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetImageParams {
    /// Name of the Deployment.
    pub workload: String,
    /// Name of the container; may be left out if there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The image.
    pub image: String,
}

/// Another number of pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleParams {
    /// Name of the Deployment, or of a ReplicaSet that belongs to none.
    pub workload: String,
    /// Number of pods.
    pub replicas: u32,
}

/// The pods of a StatefulSet that are updated: what `kubectl patch` of the field
/// `spec.updateStrategy.rollingUpdate.partition` does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPartitionParams {
    /// Name of the StatefulSet.
    pub workload: String,
    /// So many pods, counted from the first, keep the current revision.
    pub partition: u32,
}

/// Back to an earlier revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RolloutUndoParams {
    /// Name of the Deployment.
    pub workload: String,
    /// Number of the revision; the one before the present one if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_revision: Option<u32>,
}

/// Whom an entry is about.
#[derive(Debug, Clone, Copy)]
pub enum TimelineTarget<'a> {
    /// The Deployment of this name.
    Deployment(&'a str),
    /// Nodes of these names, or with these labels.
    Nodes(&'a [String], &'a BTreeMap<String, String>),
    /// Objects that are deleted.
    Deleted(&'a DeleteParams),
}

const ACTIONS: &str = "write one of `set-image`, `scale`, `set-partition`, `rollout-undo`, \
                       `rollout-pause`, `rollout-resume`, `rollout-restart`, `readiness`, \
                       `cordon`, `uncordon`, `drain`, `taint` and `delete` beside `at`";

impl TimelineParams {
    /// Whom it is about, and the key under which that stands.
    ///
    /// # Errors
    /// If there is not exactly one action.
    pub fn target(&self) -> Result<(TimelineTarget<'_>, &'static str), Problem> {
        let deployments = [
            (self.set_image.as_ref().map(|one| &one.workload), "set-image.workload"),
            (self.scale.as_ref().map(|one| &one.workload), "scale.workload"),
            (self.set_partition.as_ref().map(|one| &one.workload), "set-partition.workload"),
            (self.rollout_undo.as_ref().map(|one| &one.workload), "rollout-undo.workload"),
            (self.rollout_pause.as_ref(), "rollout-pause"),
            (self.rollout_resume.as_ref(), "rollout-resume"),
            (self.rollout_restart.as_ref(), "rollout-restart"),
            (self.readiness.as_ref().map(|one| &one.workload), "readiness.workload"),
        ];
        let nodes = [
            (self.cordon.as_ref().map(|one| (&one.nodes, &one.selector)), "cordon"),
            (self.uncordon.as_ref().map(|one| (&one.nodes, &one.selector)), "uncordon"),
            (self.drain.as_ref().map(|one| (&one.nodes, &one.selector)), "drain"),
            (self.taint.as_ref().map(|one| (&one.nodes, &one.selector)), "taint"),
        ];
        let deployments = deployments
            .into_iter()
            .filter_map(|(name, key)| Some((TimelineTarget::Deployment(name?), key)));
        let nodes = nodes.into_iter().filter_map(|(found, key)| {
            let (names, selector) = found?;
            Some((TimelineTarget::Nodes(names, selector), key))
        });
        let deleted = self.delete.as_ref().map(|one| (TimelineTarget::Deleted(one), "delete"));
        let mut given = deployments.chain(nodes).chain(deleted);
        match (given.next(), given.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(Problem::new("", "nothing is said to happen").hint(ACTIONS)),
            (Some(_), Some((_, key))) => {
                let text = "two things stand in one entry";
                let key = key.split('.').next().unwrap_or(key);
                Err(Problem::new(key, text).hint("give each its own entry with its own `at`"))
            }
        }
    }

    /// What is wrong with it, whatever the cluster is.
    pub fn check(&self) -> Vec<Problem> {
        let taint = self.taint.as_ref().and_then(|one| split_taint(&one.taint).err());
        let empty = |one: &&DeleteParams| one.pods.is_empty() && one.nodes.is_empty();
        let nothing =
            self.delete.as_ref().filter(empty).map(|_| {
                Problem::new("delete", "nothing is named").hint("list `pods:` or `nodes:`")
            });
        taint.into_iter().chain(nothing).collect()
    }

    /// What it does to a Deployment, with names in a catalog; images are normalised as those of
    /// pods are.
    fn action(&self, catalog: &mut Catalog) -> Option<OperatorAction> {
        let names = &mut catalog.names;
        if let Some(one) = &self.set_image {
            let container = one.container.as_deref().map(|name| names.intern(name));
            let image = names.intern(&crate::model::normalized_image(&one.image));
            return Some(OperatorAction::SetImage { container, image });
        }
        if let Some(one) = &self.scale {
            return Some(OperatorAction::Scale { replicas: one.replicas });
        }
        if let Some(one) = &self.set_partition {
            return Some(OperatorAction::Partition { partition: one.partition });
        }
        if let Some(one) = &self.rollout_undo {
            return Some(OperatorAction::Undo { revision: one.to_revision });
        }
        if let Some(ReadinessParams { pod, ready, .. }) = self.readiness {
            return Some(OperatorAction::Readiness { pod, ready });
        }
        if self.rollout_pause.is_some() {
            return Some(OperatorAction::Pause);
        }
        if self.rollout_restart.is_some() {
            return Some(OperatorAction::Restart);
        }
        self.rollout_resume.as_ref().map(|_| OperatorAction::Resume)
    }

    /// What it does to a node, by its position in the scenario's node list.
    fn on_node(&self, node: u32, catalog: &mut Catalog) -> Option<Stimulus> {
        if self.cordon.is_some() || self.uncordon.is_some() {
            return Some(Stimulus::Cordon { node, on: self.cordon.is_some() });
        }
        if let Some(DrainParams { force, timeout, .. }) = self.drain {
            return Some(Stimulus::Drain { node, options: DrainOptions { force, timeout } });
        }
        if let Some(one) = &self.taint {
            let (key, value, effect) = split_taint(&one.taint).ok()?;
            let (key, value) = (catalog.names.intern(key), catalog.names.intern(value));
            let taint = Taint { key, value, effect };
            return Some(Stimulus::Taint { node, taint, on: !one.remove });
        }
        self.delete.as_ref().map(|_| Stimulus::DeleteNode { node })
    }
}

/// An entry, with those that it is about.
#[derive(Debug, Clone)]
pub struct TimelineEntry {
    /// The workload of the Deployment.
    pub workload: Option<WorkloadId>,
    /// Positions of the nodes in the scenario's node list.
    pub nodes: Vec<u32>,
    /// The entry.
    pub params: TimelineParams,
}

/// All actions of a scenario.
#[derive(Debug, Clone, Default)]
pub struct TimelinePlan {
    /// As written.
    pub entries: Vec<TimelineEntry>,
}

impl TimelineEntry {
    /// What it does, in order.
    fn stimuli(&self, catalog: &mut Catalog) -> Vec<Stimulus> {
        let TimelineEntry { workload, nodes, params } = self;
        let mut stimuli = Vec::new();
        if let Some(workload) = *workload
            && let Some(action) = params.action(catalog)
        {
            stimuli.push(Stimulus::Operate { workload, action });
        }
        // One request cordons all nodes before the first is drained.
        if params.drain.is_some() {
            stimuli.extend(nodes.iter().map(|node| Stimulus::Cordon { node: *node, on: true }));
        }
        stimuli.extend(nodes.iter().filter_map(|node| params.on_node(*node, catalog)));
        for name in params.delete.iter().flat_map(|one| &one.pods) {
            let name = PodName::parse(name, &mut catalog.names);
            stimuli.push(Stimulus::DeletePod { name });
        }
        stimuli
    }
}

/// The actions of a scenario, one after the other.
#[derive(Debug)]
pub struct TimelineSource {
    catalog: Catalog,
    actions: Vec<Timed<Stimulus>>,
    next: usize,
}

impl TimelineSource {
    /// All actions.
    pub fn open(plan: &TimelinePlan) -> TimelineSource {
        let mut catalog = Catalog::new();
        let mut actions = Vec::new();
        for entry in &plan.entries {
            let at = Time::ZERO + entry.params.at;
            actions.extend(entry.stimuli(&mut catalog).into_iter().map(|what| Timed { at, what }));
        }
        actions.sort_by_key(|timed| timed.at);
        TimelineSource { catalog, actions, next: 0 }
    }

    /// The actions from a cursor on.
    ///
    /// # Errors
    /// If the cursor is not one of a timeline of at least so many actions.
    pub fn open_at(plan: &TimelinePlan, cursor: &Cursor) -> Result<TimelineSource, SourceError> {
        let mut source = TimelineSource::open(plan);
        let next = match cursor.state {
            CursorState::Rows(rows) => usize::try_from(rows).ok(),
            _ => None,
        };
        match next.filter(|next| *next <= source.actions.len()) {
            Some(next) => source.next = next,
            None => {
                return Err(SourceError::new("the saved run had another timeline")
                    .hint("open it with the scenario with which it was started"));
            }
        }
        Ok(source)
    }
}

impl Source for TimelineSource {
    fn next(&mut self) -> Result<Option<Timed<Stimulus>>, SourceError> {
        let timed = self.actions.get(self.next).copied();
        self.next += usize::from(timed.is_some());
        Ok(timed)
    }

    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn cursor(&self) -> Cursor {
        Cursor { content: 0, state: CursorState::Rows(self.next as u64) }
    }
}
