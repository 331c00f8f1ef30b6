//! What a pod and the pods before it ask of a node, resource by resource, as the two resource
//! scores count it (`plugins/noderesources/resource_allocation.go`, Kubernetes 1.34).

use crate::model::{MILLI_PER_DEVICE, NodeId, Resource};
use crate::policy::kube::scheduler::framework::Cycle;

/// How containers without requests count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counting {
    /// As nothing.
    Requested,
    /// As 100 m CPU and 200 MiB memory.
    WithDefaults,
}

/// What the pod asks of a resource.
pub(super) fn pod_request(cycle: &Cycle<'_>, resource: Resource, counting: Counting) -> u64 {
    let spec = cycle.spec;
    match (resource, counting) {
        (Resource::Cpu, Counting::Requested) => spec.requests.cpu.0,
        (Resource::Cpu, Counting::WithDefaults) => spec.incoming_cpu.0,
        (Resource::Memory, Counting::Requested) => spec.requests.memory.0,
        (Resource::Memory, Counting::WithDefaults) => spec.incoming_memory.0,
        (Resource::EphemeralStorage, _) => spec.requests.ephemeral_storage.0,
        (Resource::Device, _) => spec.device_milli(),
        (Resource::Extended(name), _) => spec.requests.extended.get(name),
        (Resource::Pods, _) => 0,
    }
}

/// Allocatable of the node, and what is requested of it with the pod on it. `None` where the
/// resource does not count: the node has none of it, or it is not one of the basic three and the
/// pod asks for none.
pub(super) fn allocatable_and_requested(
    cycle: &Cycle<'_>,
    node: NodeId,
    resource: Resource,
    counting: Counting,
) -> Option<(i64, i64)> {
    let own = pod_request(cycle, resource, counting);
    let usage = cycle.view.usage(node);
    let spec = cycle.view.node_spec(node, cycle.catalog);
    let (allocatable, requested) = match (resource, counting) {
        (Resource::Cpu, Counting::Requested) => (spec.allocatable.cpu.0, usage.cpu),
        (Resource::Cpu, Counting::WithDefaults) => (spec.allocatable.cpu.0, usage.scoring_cpu),
        (Resource::Memory, Counting::Requested) => (spec.allocatable.memory.0, usage.memory),
        (Resource::Memory, Counting::WithDefaults) => {
            (spec.allocatable.memory.0, usage.scoring_memory)
        }
        (Resource::EphemeralStorage, _) => {
            (spec.allocatable.ephemeral_storage.0, usage.ephemeral_storage)
        }
        (Resource::Device | Resource::Extended(_) | Resource::Pods, _) if own == 0 => return None,
        (Resource::Device, _) => {
            let count = spec.devices.map_or(0, |group| u64::from(group.count));
            (count * u64::from(MILLI_PER_DEVICE), usage.device_milli)
        }
        (Resource::Extended(name), _) => {
            let taken = cycle.view.holds(node).extended.get(name);
            (spec.allocatable.extended.get(name), taken)
        }
        (Resource::Pods, _) => return None,
    };
    (allocatable > 0).then(|| (signed(allocatable), signed(requested).saturating_add(signed(own))))
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
