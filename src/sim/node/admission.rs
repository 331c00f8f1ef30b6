//! Whether a kubelet takes a pod that was bound to its node.

use crate::journal::Sink;
use crate::model::{
    FailedReason, NodeHolds, NodeId, NodeUse, PodId, PodSpec, PodView, Pressure, Resource,
};
use crate::policy::kube::kubelet::{
    Arrival, Rejection, Room, RunningPod, admission_failures, admits_under_pressure,
    lasting_failures, preempted_for_critical, qos,
};
use crate::sim::host::Host;
use crate::sim::machine::Stage;
use crate::sim::world::World;

impl World {
    /// Why the kubelet of its node refuses a pod; `None` if it takes it. A critical pod displaces
    /// others.
    pub(super) fn refusal<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        node: NodeId,
    ) -> Option<FailedReason> {
        let view = *self.store.truth.pod(pod).expect("a pod that is admitted exists");
        let spec = self.catalog.pod_spec(view.spec);
        let arrival = Arrival { spec, devices: view.devices, is_static: false };
        let conditions = self.fleet.agents[node].pressures.conditions();
        if !admits_under_pressure(&conditions, &arrival, qos(spec), &self.catalog) {
            return Some(match conditions.first() {
                Some(Pressure::Disk) => FailedReason::EvictedDisk,
                Some(Pressure::Pid) => FailedReason::EvictedPid,
                Some(Pressure::Memory) | None => FailedReason::EvictedMemory,
            });
        }
        let failures = self.failures(&arrival, &view, node);
        let first = *failures.first()?;
        let priority = spec.priority;
        if !arrival.is_critical() || !lasting_failures(&failures).is_empty() {
            return Some(reason(first));
        }
        let others = self.others(pod, node);
        let rows: Vec<PodSpec> = others
            .iter()
            .filter_map(|other| self.store.truth.pod_spec(*other, &self.catalog).cloned())
            .collect();
        let running: Vec<RunningPod<'_>> = rows
            .iter()
            .map(|row| RunningPod {
                priority: row.priority,
                is_static: false,
                qos: qos(row),
                requests: &row.requests,
            })
            .collect();
        let Some(victims) = preempted_for_critical(&failures, priority, &running) else {
            return Some(reason(first));
        };
        for victim in victims {
            self.kubelet_ends_pod(host, others[victim], FailedReason::Preempted, None);
        }
        None
    }

    /// What speaks against a pod on its node, which is counted there already.
    fn failures(&self, arrival: &Arrival<'_>, view: &PodView, node: NodeId) -> Vec<Rejection> {
        let truth = &self.store.truth;
        let (row, spec) = (truth.node(node), arrival.spec);
        let usage = without(truth.usage(node), spec);
        let books;
        let plain = spec.host_ports.is_empty()
            && spec.requests.extended.is_empty()
            && view.devices.is_empty();
        let holds = if plain {
            truth.holds(node)
        } else {
            books = holds_without(truth.holds(node), arrival);
            &books
        };
        let room = Room {
            name: row.name,
            hostname: row.hostname,
            spec: truth.node_spec(node, &self.catalog),
            taints: self.catalog.taints(row.status.taints),
            usage: &usage,
            holds,
        };
        admission_failures(arrival, &room, &self.catalog)
    }

    /// The pods that a kubelet runs beside this one, oldest first.
    pub(super) fn others(&self, pod: PodId, node: NodeId) -> Vec<PodId> {
        let mut pods = self.pods_by_age(node);
        let runs =
            |other: &PodId| matches!(self.fleet.get(*other).stage, Stage::Preparing | Stage::Up);
        pods.retain(|other| *other != pod && runs(other));
        pods
    }
}

/// The sums of a node without this pod.
fn without(usage: &NodeUse, spec: &PodSpec) -> NodeUse {
    NodeUse {
        cpu: usage.cpu - spec.requests.cpu.0,
        memory: usage.memory - spec.requests.memory.0,
        scoring_cpu: usage.scoring_cpu - spec.scoring_cpu.0,
        scoring_memory: usage.scoring_memory - spec.scoring_memory.0,
        ephemeral_storage: usage.ephemeral_storage - spec.requests.ephemeral_storage.0,
        device_milli: usage.device_milli - spec.device_milli(),
        pods: usage.pods - 1,
    }
}

/// What is held on a node without what this pod holds.
fn holds_without(holds: &NodeHolds, arrival: &Arrival<'_>) -> NodeHolds {
    let mut holds = holds.clone();
    holds.extended.subtract(&arrival.spec.requests.extended);
    for port in &arrival.spec.host_ports {
        let at = holds.ports.iter().position(|held| held == port);
        holds.ports.swap_remove(at.expect("the ports of a bound pod are taken"));
    }
    let each = arrival.spec.devices.as_ref().map_or(0, |request| request.milli_each);
    for device in arrival.devices.iter() {
        holds.device_left[device] += each;
    }
    holds
}

/// The reason of a pod's status for a rejection.
fn reason(rejection: Rejection) -> FailedReason {
    match rejection {
        Rejection::OutOf(Resource::Cpu, _) => FailedReason::OutOfCpu,
        Rejection::OutOf(Resource::Memory, _) => FailedReason::OutOfMemory,
        Rejection::OutOf(Resource::EphemeralStorage, _) => FailedReason::OutOfEphemeralStorage,
        Rejection::OutOf(Resource::Pods, _) => FailedReason::OutOfPods,
        Rejection::OutOf(Resource::Device, _) | Rejection::UnexpectedAdmissionError => {
            FailedReason::UnexpectedAdmissionError
        }
        Rejection::OutOf(Resource::Extended(_), _) => FailedReason::OutOfExtended,
        Rejection::NodeAffinity => FailedReason::NodeAffinity,
        Rejection::NodeName => FailedReason::NodeName,
        Rejection::NodePorts => FailedReason::NodePorts,
        Rejection::TaintToleration => FailedReason::TaintToleration,
        Rejection::Evicted => FailedReason::EvictedMemory,
        Rejection::NodeShutdown => FailedReason::NodeShutdown,
    }
}
