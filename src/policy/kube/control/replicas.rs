//! How many pods a ReplicaSet has to create.
//!
//! Source: `pkg/controller/replicaset/replica_set.go`, Kubernetes 1.34: pods that are terminating
//! or have ended do not count, and one sync creates at most 500.

/// Most pods that one sync creates (`BurstReplicas`).
const BURST: u32 = 500;

/// Pods to create now, if `desired` are wanted, `active` exist that are neither terminating nor
/// ended, and `expected` were asked for but not seen yet.
pub fn missing_replicas(desired: u32, active: u32, expected: u32) -> u32 {
    if expected > 0 {
        return 0; // upstream waits until its expectations are met
    }
    desired.saturating_sub(active).min(BURST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing() {
        for (desired, active, expected, missing) in
            [(3, 3, 0, 0), (3, 2, 0, 1), (3, 2, 1, 0), (3, 5, 0, 0), (2000, 0, 0, 500)]
        {
            assert_eq!(missing_replicas(desired, active, expected), missing);
        }
    }
}
