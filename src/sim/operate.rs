//! What operators do by hand, to nodes and to Deployments.

use super::control::{owned_sets, set_names};
use super::host::Host;
use super::machine::Stage;
use super::world::World;
use crate::ground::{Name, Time};
use crate::journal::{Fact, Propagation, Sink};
use crate::model::{
    Change, DeploymentSpec, NodeId, NodeStatus, OperatorAction, PodName, PodSpecId, ReplicaSetSpec,
    Taint, WorkloadId,
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
            self.proxy_leaves(node);
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
        if let OperatorAction::Readiness { pod, ready } = action {
            self.say_readiness(host, workload, (pod, ready));
            return;
        }
        if self.store.truth.stateful_sets().get(workload).is_some() {
            self.operate_stateful_set(host, workload, action);
            return;
        }
        let Some(deployment) = self.store.truth.rollouts().deployment(workload) else {
            if let OperatorAction::Scale { replicas } = action
                && self.scale_set(host, workload, replicas)
            {
                return;
            }
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
            OperatorAction::Restart if before.paused => None,
            OperatorAction::Restart => {
                let template = self.restarted(before.template, host.now);
                Some(DeploymentSpec { template, ..before })
            }
            OperatorAction::Pause => Some(DeploymentSpec { paused: true, ..before }),
            OperatorAction::Delete { .. } => unreachable!("it was seen to"),
            OperatorAction::Resume => Some(DeploymentSpec { paused: false, ..before }),
            OperatorAction::Partition { .. } => None,
            OperatorAction::Readiness { .. } => unreachable!("it was seen to"),
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

    /// The template with the mark that a restart leaves, in whole seconds.
    pub(super) fn restarted(&mut self, template: PodSpecId, now: Time) -> PodSpecId {
        let mut pod = self.catalog.pod_spec(template).clone();
        pod.restarted_at = Some(now.truncate_to_second());
        self.catalog.intern_pod_spec(&pod).0
    }

    /// Lets the kubelet of a pod know whether the pod may be ready.
    fn say_readiness<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        (number, ready): (u32, bool),
    ) {
        let stem = format!("{}-", self.catalog.names.text(self.catalog.workloads[workload].name));
        let called = |name: PodName| {
            let (found, of, digits) = name.parts();
            digits > 0 && of == number && self.catalog.names.text(found) == stem
        };
        let found = self
            .store
            .truth
            .pods()
            .find(|(_, view)| view.workload == workload && called(view.name))
            .map(|(pod, _)| pod);
        let Some(pod) = found else {
            host.fact(Fact::OperatorRefused { workload });
            return;
        };
        let program = self.fleet.expect(pod);
        program.withheld = !ready;
        if program.stage == Stage::Up {
            self.kubelet_looks(host, pod);
        }
    }

    /// Scales the ReplicaSet of a workload that has no Deployment; false if there is none.
    fn scale_set<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        replicas: u32,
    ) -> bool {
        let first = self.store.truth.rollouts().sets_of(workload).next();
        let Some((set, before)) = first.map(|(set, row)| (set, row.spec)) else { return false };
        let spec = ReplicaSetSpec { replicas, ..before };
        if spec != before {
            let revision = spec.revision.unwrap_or(0);
            host.fact(Fact::ReplicaSetScaled { set, replicas, revision });
            self.commit(host, Change::ReplicaSetWritten { set, spec });
        }
        true
    }

    /// The template with another image in a container; `None` if there is no such container.
    pub(super) fn with_image(
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
