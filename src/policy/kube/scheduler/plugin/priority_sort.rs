//! PrioritySort: higher priority first, then the pod that has waited longer
//! (`plugins/queuesort/priority_sort.go`, Kubernetes 1.34).

use crate::ground::Time;
use crate::model::PodUid;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// The place of a pod in the active queue; smaller is sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct SortKey {
    priority: Reverse<i32>,
    /// When the pod was last put into the queue.
    timestamp: Time,
    /// How many pods came to the scheduler before; upstream leaves this tie to the heap.
    arrival: u64,
    /// The pod.
    pub(crate) uid: PodUid,
}

impl SortKey {
    pub(crate) fn new(priority: i32, timestamp: Time, arrival: u64, uid: PodUid) -> SortKey {
        SortKey { priority: Reverse(priority), timestamp, arrival, uid }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priority_then_time_then_arrival() {
        let key = |priority, seconds, arrival| {
            SortKey::new(priority, Time::from_secs(seconds), arrival, PodUid(arrival as u32))
        };
        let mut keys =
            [key(0, 5, 1), key(0, 4, 2), key(10, 9, 3), key(-1, 0, 4), key(0, 4, 5), key(10, 8, 6)];
        keys.sort_unstable();
        assert_eq!(keys.map(|key| key.arrival), [6, 3, 2, 5, 1, 4]);
    }
}
