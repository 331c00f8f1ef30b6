//! What operators do by hand, to nodes and to Deployments.

use super::control::{owned_sets, set_names};
use super::host::Host;
use super::world::World;
use crate::ground::Name;
use crate::journal::{Fact, Propagation, Sink};
use crate::model::{
    Change, DeploymentSpec, NodeId, NodeStatus, OperatorAction, PodSpecId, Taint, WorkloadId,
};
use crate::policy::kube::control::{DeploymentView, undo_rollout};

impl World {
    /// Puts a taint on a node or takes it off; does nothing if it is so already, or if the node is
    /// gone.
    pub(super) fn taint_by_hand<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        taint: Taint,
        on: bool,
    ) {
        let row = self.store.truth.node(node);
        let (present, status) = (row.present, row.status);
        let mut taints = self.catalog.taints(status.taints).clone();
        if !present || taints.contains(&taint) == on {
            return;
        }
        if on {
            taints.push(taint);
        } else {
            taints.retain(|held| *held != taint);
        }
        let taints = self.catalog.intern_taints(&taints);
        self.commit(host, Change::NodeUpdated { node, status: NodeStatus { taints, ..status } });
    }

    /// Deletes a Node object. Its machine and what runs there go on until the pods are collected.
    pub(super) fn delete_node<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        if self.store.truth.node(node).present {
            host.fact(Fact::NodeRemoved { node });
            self.commit(host, Change::NodeRemoved { node });
        }
    }

    /// Writes what a Deployment is to be. Where there is nothing to write, as the client finds, it
    /// is told as a refusal.
    pub(super) fn operate<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        action: OperatorAction,
    ) {
        if let OperatorAction::Delete { orphan } = action {
            let propagation = if orphan { Propagation::Orphan } else { Propagation::Background };
            self.delete_owner(host, workload, propagation);
            return;
        }
        let Some(deployment) = self.store.truth.rollouts().deployment(workload) else {
            host.fact(Fact::OperatorRefused { workload });
            return;
        };
        let before = deployment.spec;
        let spec = match action {
            OperatorAction::SetImage { container, image } => {
                let template = self.with_image(before.template, container, image);
                template.map(|template| DeploymentSpec { template, ..before })
            }
            OperatorAction::Scale { replicas } => Some(DeploymentSpec { replicas, ..before }),
            OperatorAction::Undo { revision } => self.undone(workload, revision),
            OperatorAction::Pause => Some(DeploymentSpec { paused: true, ..before }),
            OperatorAction::Delete { .. } => None,
            OperatorAction::Resume => Some(DeploymentSpec { paused: false, ..before }),
        };
        match spec {
            Some(spec) if spec != before => {
                let DeploymentSpec { template, replicas, paused, .. } = spec;
                self.introduce_pod_spec_once(host, template);
                host.fact(Fact::DeploymentWritten { workload, spec: template, replicas, paused });
                self.commit(host, Change::DeploymentWritten { workload, spec });
            }
            Some(_) => {}
            None => host.fact(Fact::OperatorRefused { workload }),
        }
    }

    /// The template with another image in a container; `None` if there is no such container.
    fn with_image(
        &mut self,
        template: PodSpecId,
        container: Option<Name>,
        image: Name,
    ) -> Option<PodSpecId> {
        let mut pod = self.catalog.pod_spec(template).clone();
        let inits = pod.init_containers.iter_mut();
        let found = match container {
            Some(name) => pod.containers.iter_mut().chain(inits).find(|one| one.name == name),
            None => pod.containers.first_mut(),
        };
        found?.image = Some(image);
        Some(self.catalog.intern_pod_spec(&pod).0)
    }

    /// What a Deployment is to be after its rollout is undone; `None` if the client refuses.
    fn undone(&self, workload: WorkloadId, revision: Option<u32>) -> Option<DeploymentSpec> {
        let rollouts = self.store.truth.rollouts();
        let deployment = rollouts.deployment(workload)?;
        let sets: Vec<_> = rollouts.sets_of(workload).map(|(id, set)| (id, *set)).collect();
        let names = set_names(&sets);
        let owned = owned_sets(&sets, &names, |_| 0);
        let view = DeploymentView {
            spec: deployment.spec,
            status: deployment.status,
            generation: deployment.generation,
            deleting: false,
            sets: &owned,
        };
        let template = undo_rollout(&view, revision).ok()?;
        Some(DeploymentSpec { template, ..deployment.spec })
    }
}
