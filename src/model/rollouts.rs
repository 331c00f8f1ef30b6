//! All Deployments and ReplicaSets, as one component believes them to be.

use super::{
    Change, Deployment, DeploymentStatus, ReplicaSet, ReplicaSetId, ReplicaSetStatus, WorkloadId,
};
use crate::ground::{Id, Table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Deployments and ReplicaSets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollouts {
    deployments: BTreeMap<WorkloadId, Deployment>,
    sets: Table<ReplicaSetId, Option<ReplicaSet>>,
    of: BTreeMap<WorkloadId, Vec<ReplicaSetId>>,
}

impl Rollouts {
    /// A Deployment, called by the workload that its pods belong to.
    pub fn deployment(&self, workload: WorkloadId) -> Option<&Deployment> {
        self.deployments.get(&workload)
    }

    /// A ReplicaSet, if it is there.
    pub fn set(&self, set: ReplicaSetId) -> Option<&ReplicaSet> {
        self.sets.get(set)?.as_ref()
    }

    /// The ReplicaSets of a workload, in order of creation.
    pub fn sets_of(
        &self,
        workload: WorkloadId,
    ) -> impl Iterator<Item = (ReplicaSetId, &ReplicaSet)> {
        let ids = self.of.get(&workload).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|set| Some((*set, self.set(*set)?)))
    }

    /// The identifier that the next ReplicaSet gets.
    pub fn next_set(&self) -> ReplicaSetId {
        self.sets.next_id()
    }

    /// Takes a change in; others than those of Deployments and ReplicaSets do nothing.
    ///
    /// # Panics
    /// If the change does not follow from what is there.
    pub(super) fn apply(&mut self, change: &Change) {
        match *change {
            Change::DeploymentWritten { workload, spec } => {
                let deployment = self.deployments.entry(workload).or_insert(Deployment {
                    spec,
                    status: DeploymentStatus::default(),
                    generation: 0,
                    version: 0,
                });
                deployment.spec = spec;
                deployment.generation += 1;
                deployment.version += 1;
            }
            Change::DeploymentObserved { workload, status } => {
                let deployment = self.deployments.get_mut(&workload);
                let deployment = deployment.expect("a status is that of a Deployment");
                deployment.status = status;
                deployment.version += 1;
            }
            Change::ReplicaSetAdded { set, workload, template, created, spec } => {
                while self.sets.len() <= set.index() {
                    self.sets.push(None);
                }
                self.sets[set] = Some(ReplicaSet {
                    workload,
                    template,
                    created,
                    spec,
                    status: ReplicaSetStatus::default(),
                    generation: 1,
                    version: 1,
                });
                self.of.entry(workload).or_default().push(set);
            }
            Change::ReplicaSetWritten { set, spec } => {
                let row = self.expect_set(set);
                let before = (row.spec.replicas, row.spec.min_ready);
                row.generation += u32::from(before != (spec.replicas, spec.min_ready));
                row.spec = spec;
                row.version += 1;
            }
            Change::ReplicaSetObserved { set, status } => {
                let row = self.expect_set(set);
                row.status = status;
                row.version += 1;
            }
            Change::ReplicaSetRemoved { set } => {
                let workload = self.expect_set(set).workload;
                self.sets[set] = None;
                if let Some(list) = self.of.get_mut(&workload) {
                    list.retain(|other| *other != set);
                }
            }
            Change::OwnerRemoved { workload, .. } => {
                self.deployments.remove(&workload);
            }
            _ => {}
        }
    }

    fn expect_set(&mut self, set: ReplicaSetId) -> &mut ReplicaSet {
        self.sets[set].as_mut().expect("a change names a ReplicaSet that is there")
    }
}
