//! What operators do by hand to StatefulSets.

use super::control::revisions_of;
use super::host::Host;
use super::world::World;
use crate::journal::{Fact, Sink};
use crate::model::{
    Change, OperatorAction, PodSpecId, StatefulSetGoal, StatefulUpdate, WorkloadId,
};

impl World {
    /// Writes what a StatefulSet is to be. Where there is nothing to write, as the client finds, it
    /// is told as a refusal; so are actions that kubectl has for Deployments only.
    pub(super) fn operate_stateful_set<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        action: OperatorAction,
    ) {
        let set = self.store.truth.stateful_sets().get(workload);
        let before = set.expect("the caller has looked for it").goal;
        let goal = match action {
            OperatorAction::SetImage { container, image } => {
                let template = self.with_image(before.template, container, image);
                template.map(|template| StatefulSetGoal { template, ..before })
            }
            OperatorAction::Scale { replicas } => {
                let mut goal = before;
                goal.spec.replicas = replicas;
                Some(goal)
            }
            OperatorAction::Partition { partition } => match before.spec.update {
                StatefulUpdate::RollingUpdate { .. } => {
                    let mut goal = before;
                    goal.spec.update = StatefulUpdate::RollingUpdate { partition };
                    Some(goal)
                }
                StatefulUpdate::OnDelete => None,
            },
            OperatorAction::Undo { revision } => {
                let template = self.template_before(workload, revision);
                template.map(|template| StatefulSetGoal { template, ..before })
            }
            OperatorAction::Restart => {
                let template = self.restarted(before.template, host.now);
                Some(StatefulSetGoal { template, ..before })
            }
            OperatorAction::Delete { .. } => unreachable!("it was seen to"),
            OperatorAction::Pause | OperatorAction::Resume | OperatorAction::Readiness { .. } => {
                None
            }
        };
        match goal {
            Some(goal) if goal != before => {
                let (template, replicas) = (goal.template, goal.spec.replicas);
                self.introduce_pod_spec_once(host, template);
                host.fact(Fact::StatefulSetWritten { workload, spec: template, replicas });
                self.commit(host, Change::StatefulSetWritten { workload, goal });
            }
            Some(_) => {}
            None => host.fact(Fact::OperatorRefused { workload }),
        }
    }

    /// The template of a revision, or of the last but one; `None` if there is none
    /// (`StatefulSetRollbacker` of kubectl 1.34).
    fn template_before(&self, workload: WorkloadId, wanted: Option<u32>) -> Option<PodSpecId> {
        let mut revisions = revisions_of(self.store.truth.stateful_sets().get(workload)?);
        revisions.sort_by_key(|revision| revision.number);
        let found = match wanted {
            Some(number) => revisions.iter().find(|revision| revision.number == number),
            None => revisions.iter().rev().nth(1),
        };
        found.map(|revision| revision.template)
    }
}
