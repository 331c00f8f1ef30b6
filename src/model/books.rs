//! The books of a node: what its pods take of it, in sums and item by item.

use super::{DeviceMask, Extended, HostPort, MILLI_PER_DEVICE, PodId, PodSpec};
use serde::{Deserialize, Serialize};

/// The sums over the pods of a node that are neither terminal nor gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NodeUse {
    /// Requested CPU, thousandths of a core.
    pub cpu: u64,
    /// Requested memory, bytes.
    pub memory: u64,
    /// CPU for scores, thousandths of a core.
    pub scoring_cpu: u64,
    /// Memory for scores, bytes.
    pub scoring_memory: u64,
    /// Requested node-local storage, bytes.
    pub ephemeral_storage: u64,
    /// Requested devices, thousandths of a device.
    pub device_milli: u64,
    /// Number of pods.
    pub pods: u32,
}

/// What the pods of a node hold, item by item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHolds {
    /// Requested extended resources.
    pub extended: Extended,
    /// What is left of each device, thousandths.
    pub device_left: Vec<u32>,
    /// Host ports taken. As in upstream's books, a port that two pods came to hold, because
    /// somebody bound them past the scheduler, is free once one of them is gone.
    pub ports: Vec<HostPort>,
    /// Pods bound or assumed here, terminal ones not counted, in no particular order.
    pub pods: Vec<PodId>,
}

/// The books of a node as they would be with some pods more or fewer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeBooks {
    /// Sums.
    pub usage: NodeUse,
    /// Items.
    pub holds: NodeHolds,
}

impl NodeBooks {
    /// Books that start as those of a node.
    pub fn of(usage: &NodeUse, holds: &NodeHolds) -> NodeBooks {
        NodeBooks { usage: *usage, holds: holds.clone() }
    }

    /// Counts a pod that is not counted yet.
    pub fn add(&mut self, pod: PodId, spec: &PodSpec, devices: DeviceMask) {
        take((&mut self.usage, &mut self.holds), pod, spec, devices);
    }

    /// Counts a pod out.
    pub fn remove(&mut self, pod: PodId, spec: &PodSpec, devices: DeviceMask) {
        give_back((&mut self.usage, &mut self.holds), pod, spec, devices);
    }
}

/// Counts a pod in.
pub(super) fn take(
    (usage, holds): (&mut NodeUse, &mut NodeHolds),
    pod: PodId,
    spec: &PodSpec,
    devices: DeviceMask,
) {
    usage.cpu += spec.requests.cpu.0;
    usage.memory += spec.requests.memory.0;
    usage.scoring_cpu += spec.scoring_cpu.0;
    usage.scoring_memory += spec.scoring_memory.0;
    usage.ephemeral_storage += spec.requests.ephemeral_storage.0;
    usage.device_milli += spec.device_milli();
    usage.pods += 1;
    holds.extended.add(&spec.requests.extended);
    for port in &spec.host_ports {
        if !holds.ports.contains(port) {
            holds.ports.push(*port);
        }
    }
    holds.pods.push(pod);
    if let Some(request) = &spec.devices {
        for device in devices.iter() {
            let left = &mut holds.device_left[device];
            *left = left
                .checked_sub(request.milli_each)
                .expect("a device is given away only while it has enough left");
        }
    }
}

/// Counts a pod out.
pub(super) fn give_back(
    (usage, holds): (&mut NodeUse, &mut NodeHolds),
    pod: PodId,
    spec: &PodSpec,
    devices: DeviceMask,
) {
    usage.cpu -= spec.requests.cpu.0;
    usage.memory -= spec.requests.memory.0;
    usage.scoring_cpu -= spec.scoring_cpu.0;
    usage.scoring_memory -= spec.scoring_memory.0;
    usage.ephemeral_storage -= spec.requests.ephemeral_storage.0;
    usage.device_milli -= spec.device_milli();
    usage.pods -= 1;
    holds.extended.subtract(&spec.requests.extended);
    holds.ports.retain(|held| !spec.host_ports.contains(held));
    let at = holds.pods.iter().position(|held| *held == pod);
    holds.pods.swap_remove(at.expect("a released pod was held"));
    if let Some(request) = &spec.devices {
        for device in devices.iter() {
            holds.device_left[device] += request.milli_each;
            assert!(holds.device_left[device] <= MILLI_PER_DEVICE, "a device is given back once");
        }
    }
}
