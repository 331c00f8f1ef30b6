//! StatefulSets and what is written about them, as the API server has them.

use super::{Change, PodSpecId, WorkloadId};
use crate::ground::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// In which order pods come and go when their number changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum PodManagement {
    /// One after the other, each after the one before is available.
    #[default]
    OrderedReady,
    /// All at once.
    Parallel,
}

/// How pods of an old revision are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StatefulUpdate {
    /// From the highest ordinal down, one at a time.
    RollingUpdate {
        /// So many pods, counted from the first, keep the current revision.
        partition: u32,
    },
    /// When somebody else deletes them.
    OnDelete,
}

/// What a StatefulSet is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StatefulSetSpec {
    /// Number of pods wanted.
    pub replicas: u32,
    /// The ordinal of the first one (`spec.ordinals.start`).
    pub first_ordinal: u32,
    /// Order of creation and deletion.
    pub management: PodManagement,
    /// How old pods are replaced.
    pub update: StatefulUpdate,
    /// How long a pod is ready before it is available, whole seconds.
    pub min_ready: Span,
}

impl StatefulSetSpec {
    /// A StatefulSet of which nothing but the number of pods is said
    /// (`pkg/apis/apps/v1/defaults.go`, Kubernetes 1.34).
    pub fn new(replicas: u32) -> StatefulSetSpec {
        StatefulSetSpec {
            replicas,
            first_ordinal: 0,
            management: PodManagement::OrderedReady,
            update: StatefulUpdate::RollingUpdate { partition: 0 },
            min_ready: Span::ZERO,
        }
    }

    /// True for an ordinal that is wanted.
    pub fn has_ordinal(&self, ordinal: u32) -> bool {
        ordinal.checked_sub(self.first_ordinal).is_some_and(|place| place < self.replicas)
    }
}

/// What becomes of claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum ClaimFate {
    /// They stay.
    #[default]
    Retain,
    /// They go.
    Delete,
}

/// `spec.persistentVolumeClaimRetentionPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ClaimRetention {
    /// When the set is deleted.
    pub when_deleted: ClaimFate,
    /// When the pod is not wanted any more.
    pub when_scaled: ClaimFate,
}

/// What a StatefulSet is to be, with what its pods are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StatefulSetGoal {
    /// How many pods, and how they come and go.
    pub spec: StatefulSetSpec,
    /// What they are made of, their claims too; the template is known by its content.
    pub template: PodSpecId,
    /// Old revisions that no pod uses and that are kept.
    pub history_limit: u32,
    /// What becomes of claims.
    pub retention: ClaimRetention,
}

impl StatefulSetGoal {
    /// A StatefulSet of which nothing but pods and their number is said
    /// (`pkg/apis/apps/v1/defaults.go`, Kubernetes 1.34).
    pub fn new(replicas: u32, template: PodSpecId) -> StatefulSetGoal {
        StatefulSetGoal {
            spec: StatefulSetSpec::new(replicas),
            template,
            history_limit: 10,
            retention: ClaimRetention::default(),
        }
    }
}

/// What a StatefulSet, as its controller counts, has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StatefulSetStatus {
    /// Pods that are there.
    pub replicas: u32,
    /// Those that are ready.
    pub ready: u32,
    /// Those that are available.
    pub available: u32,
    /// Those of the current revision that are not asked to stop.
    pub current: u32,
    /// Those of the present template that are not asked to stop.
    pub updated: u32,
}

/// What the StatefulSet controller last wrote about a StatefulSet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatefulSetRecord {
    /// Its pods.
    pub counts: StatefulSetStatus,
    /// The revision of pods that are not to be updated.
    pub current: PodSpecId,
    /// The revision of the present template.
    pub update: PodSpecId,
    /// Number of the specification that this is about.
    pub observed: u32,
}

/// A StatefulSet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatefulSet {
    /// What it is to be.
    pub goal: StatefulSetGoal,
    /// What it is, once its controller has seen it.
    pub record: Option<StatefulSetRecord>,
    /// Its ControllerRevisions: templates with their numbers, in order of creation.
    pub revisions: Vec<(PodSpecId, u32)>,
    /// How often its specification was written.
    pub generation: u32,
    /// How often it was written.
    pub version: u32,
}

/// All StatefulSets, as one component believes them to be, each called by the workload that its
/// pods belong to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatefulSets(BTreeMap<WorkloadId, StatefulSet>);

impl StatefulSets {
    /// The StatefulSet of a workload.
    pub fn get(&self, workload: WorkloadId) -> Option<&StatefulSet> {
        self.0.get(&workload)
    }

    /// Takes a change in; others than those of StatefulSets do nothing.
    ///
    /// # Panics
    /// If the change does not follow from what is there.
    pub(super) fn apply(&mut self, change: &Change) {
        match *change {
            Change::StatefulSetWritten { workload, goal } => {
                let set = self.0.entry(workload).or_insert(StatefulSet {
                    goal,
                    record: None,
                    revisions: Vec::new(),
                    generation: 0,
                    version: 0,
                });
                set.goal = goal;
                set.generation += 1;
                set.version += 1;
            }
            Change::StatefulSetObserved { workload, record } => {
                let set = self.expect(workload);
                set.record = Some(record);
                set.version += 1;
            }
            Change::RevisionWritten { workload, template, number } => {
                let revisions = &mut self.expect(workload).revisions;
                match revisions.iter_mut().find(|(known, _)| *known == template) {
                    Some((_, old)) => *old = number,
                    None => revisions.push((template, number)),
                }
            }
            Change::RevisionRemoved { workload, template } => {
                self.expect(workload).revisions.retain(|(known, _)| *known != template);
            }
            _ => {}
        }
    }

    fn expect(&mut self, workload: WorkloadId) -> &mut StatefulSet {
        self.0.get_mut(&workload).expect("a change names a StatefulSet that is there")
    }
}
