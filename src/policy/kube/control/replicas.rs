//! How many pods a ReplicaSet creates or deletes.
//!
//! Source: `pkg/controller/replicaset/replica_set.go`, Kubernetes 1.34: pods that are terminating
//! or have ended do not count, and one sync creates or deletes at most 500.

use serde::{Deserialize, Serialize};

/// Most pods that one sync creates or deletes (`BurstReplicas`).
const BURST: u32 = 500;
/// Pods in the first batch of creations (`SlowStartInitialBatchSize`).
const FIRST_BATCH: u32 = 1;

/// Pods to create in a sync, if `desired` are wanted and `active` exist. A sync that still expects
/// to see pods created or deleted by an earlier one does neither.
pub fn missing_replicas(desired: u32, active: u32) -> u32 {
    desired.saturating_sub(active).min(BURST)
}

/// Pods to delete in a sync.
pub fn surplus_replicas(desired: u32, active: u32) -> u32 {
    active.saturating_sub(desired).min(BURST)
}

/// The creations of one sync: batches that double, each sent when all of the one before have been
/// answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SlowStart {
    left: u32,
    last: u32,
}

impl SlowStart {
    /// So many pods are to be created.
    pub fn new(pods: u32) -> SlowStart {
        SlowStart { left: pods, last: 0 }
    }

    /// The size of the next batch, zero when all are created.
    pub fn next_batch(&mut self) -> u32 {
        self.last = (2 * self.last).max(FIRST_BATCH).min(self.left);
        self.left -= self.last;
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_surplus() {
        for (desired, active, missing, surplus) in
            [(3, 3, 0, 0), (3, 2, 1, 0), (3, 5, 0, 2), (700, 0, 500, 0), (0, 1200, 0, 500)]
        {
            assert_eq!(missing_replicas(desired, active), missing);
            assert_eq!(surplus_replicas(desired, active), surplus);
        }
    }

    #[test]
    fn batches_double() {
        let cases: [(u32, &[u32]); 4] =
            [(0, &[]), (1, &[1]), (10, &[1, 2, 4, 3]), (100, &[1, 2, 4, 8, 16, 32, 37])];
        for (pods, batches) in cases {
            let mut start = SlowStart::new(pods);
            let sizes: Vec<u32> =
                std::iter::from_fn(|| Some(start.next_batch()).filter(|size| *size > 0)).collect();
            assert_eq!(sizes, batches, "{pods}");
        }
    }
}
