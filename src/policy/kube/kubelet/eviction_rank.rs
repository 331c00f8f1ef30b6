//! In which order a kubelet evicts pods, and which of them keep too much local storage.
//!
//! Source: `pkg/kubelet/eviction/{helpers,eviction_manager}.go`, Kubernetes 1.34.

use crate::ground::Bytes;
use crate::model::Pressure;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// A pod that may be evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Priority.
    pub priority: i32,
    /// Static, mirror, or of a priority that is critical: it is never evicted.
    pub critical: bool,
    /// Bytes, inodes or processes in use; `None` if no statistics were found.
    pub usage: Option<u64>,
    /// Bytes requested; zero for inodes and processes.
    pub request: u64,
}

/// The places of the pods in the order in which they would be evicted, equal ones as listed.
///
/// For memory and disk: pods without statistics, those above their request, lower priority, more
/// above the request. For processes: lower priority, more of them.
pub fn eviction_order(pressure: Pressure, pods: &[Candidate]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pods.len()).collect();
    order.sort_by_key(|at| {
        let pod = &pods[*at];
        let usage = pod.usage.unwrap_or(0);
        match pressure {
            Pressure::Pid => (false, false, pod.priority, Reverse(i128::from(usage))),
            Pressure::Memory | Pressure::Disk => {
                let above = pod.usage.map(|usage| i128::from(usage) - i128::from(pod.request));
                let moderate = above.is_some_and(|above| above <= 0);
                (pod.usage.is_some(), moderate, pod.priority, Reverse(above.unwrap_or(0)))
            }
        }
    });
    order
}

/// The place of the one pod to be evicted: the first in order that is not critical.
pub fn eviction_victim(pressure: Pressure, pods: &[Candidate]) -> Option<usize> {
    eviction_order(pressure, pods).into_iter().find(|at| !pods[*at].critical)
}

/// What a pod keeps on the node's disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalStorage {
    /// Its emptyDir volumes with a size limit: usage and limit.
    pub volumes: Vec<(Bytes, Bytes)>,
    /// Logs, writable layers and emptyDir volumes of all containers together.
    pub total: Bytes,
    /// The sum of the containers' limits, if any has one.
    pub limit: Option<Bytes>,
    /// Containers with a limit: logs and writable layer, and limit.
    pub containers: Vec<(Bytes, Bytes)>,
}

impl LocalStorage {
    /// True if the pod is above one of its own limits: it is evicted, whatever the node has left,
    /// before anything else, and not just one such pod at a time.
    pub fn exceeds_limits(&self) -> bool {
        let above = |(usage, limit): &(Bytes, Bytes)| usage > limit;
        self.volumes.iter().any(above)
            || self.limit.is_some_and(|limit| self.total > limit)
            || self.containers.iter().any(above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(priority: i32, usage: u64, request: u64) -> Candidate {
        Candidate { priority, critical: false, usage: Some(usage), request }
    }

    #[test]
    fn memory_order_of_the_specification() {
        let pods = [pod(0, 900, 1000), pod(1000, 600, 500), pod(0, 300, 250)];
        assert_eq!(eviction_order(Pressure::Memory, &pods), [2, 1, 0]);
    }

    #[test]
    fn critical_pods_stay() {
        let critical = Candidate { critical: true, ..pod(0, 900, 0) };
        assert_eq!(eviction_victim(Pressure::Memory, &[critical, pod(5, 1, 9)]), Some(1));
        assert_eq!(eviction_victim(Pressure::Memory, &[critical]), None);
    }

    #[test]
    fn limits_of_local_storage() {
        let fine = LocalStorage {
            volumes: vec![(Bytes(10), Bytes(10))],
            total: Bytes(30),
            limit: Some(Bytes(30)),
            containers: vec![(Bytes(20), Bytes(20))],
        };
        assert!(!fine.exceeds_limits());
        assert!(!LocalStorage { limit: None, total: Bytes(99), ..fine.clone() }.exceeds_limits());
        for above in [
            LocalStorage { volumes: vec![(Bytes(11), Bytes(10))], ..fine.clone() },
            LocalStorage { total: Bytes(31), ..fine.clone() },
            LocalStorage { containers: vec![(Bytes(21), Bytes(20))], ..fine },
        ] {
            assert!(above.exceeds_limits(), "{above:?}");
        }
    }
}
