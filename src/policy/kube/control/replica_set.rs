//! What a ReplicaSet, as its controller counts, has.
//!
//! How many pods it creates or deletes, and which ones, is `replicas.rs` and `deletion_order.rs`.
//!
//! Source: `calculateStatus` of `pkg/controller/replicaset/replica_set_utils.go`,
//! `IsPodAvailable` of `pkg/api/v1/pod/util.go` and `FindMinNextPodAvailabilityCheck` of
//! `pkg/controller/controller_utils.go`, Kubernetes 1.34.

use crate::ground::{Span, Time};
use crate::model::ReplicaSetStatus;

/// True if a pod that is ready since `ready_since` (whole seconds) is available at `now`.
pub fn is_available(ready_since: Option<Time>, min_ready: Span, now: Time) -> bool {
    ready_since.is_some_and(|since| min_ready.is_zero() || since + min_ready <= now)
}

/// What a look at the pods of a ReplicaSet tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Census {
    /// The status; it is written if it is not the one that was written last.
    pub status: ReplicaSetStatus,
    /// When the next ready pod becomes available, if none changes.
    pub next_available: Option<Time>,
}

/// Counts the active pods of a ReplicaSet, those that have neither ended nor are asked to stop: for
/// each since when it is ready, `None` if it is not. `generation` is the number of the
/// specification that the controller has seen.
pub fn replica_set_census(
    active: impl Iterator<Item = Option<Time>>,
    min_ready: Span,
    generation: u32,
    now: Time,
) -> Census {
    let mut status = ReplicaSetStatus { observed: generation, ..ReplicaSetStatus::default() };
    let mut next_available: Option<Time> = None;
    for ready_since in active {
        status.replicas += 1;
        let Some(since) = ready_since else { continue };
        status.ready += 1;
        if is_available(ready_since, min_ready, now) {
            status.available += 1;
        } else {
            let at = since + min_ready;
            next_available = Some(next_available.map_or(at, |next| next.min(at)));
        }
    }
    Census { status, next_available }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIN_READY: Span = Span::from_secs(5);

    fn second(at: u64) -> Time {
        Time::from_secs(at)
    }

    #[test]
    fn a_pod_is_available_when_it_has_been_ready_for_long_enough() {
        let just_before = Time::from_nanos(15 * 1_000_000_000 - 1);
        for (ready_since, min_ready, now, available) in [
            (None, Span::ZERO, second(10), false),
            (Some(second(10)), Span::ZERO, second(10), true),
            (Some(second(10)), MIN_READY, just_before, false),
            (Some(second(10)), MIN_READY, second(15), true),
            (None, MIN_READY, second(99), false),
        ] {
            assert_eq!(is_available(ready_since, min_ready, now), available, "{ready_since:?}");
        }
    }

    #[test]
    fn a_look_counts_and_says_when_the_next_one_changes() {
        let pods = [None, Some(second(3)), Some(second(8)), Some(second(7)), None];
        let status = ReplicaSetStatus { replicas: 5, ready: 3, available: 1, observed: 4 };
        let census = replica_set_census(pods.into_iter(), MIN_READY, 4, second(9));
        assert_eq!(census, Census { status, next_available: Some(second(12)) });
        let later = replica_set_census(pods.into_iter(), MIN_READY, 4, second(13));
        assert_eq!((later.status.available, later.next_available), (3, None));
    }

    proptest! {
        #[test]
        fn nothing_changes_before_the_next_look(
            ready in prop::collection::vec(prop::option::of(0u64..40), 0..20),
            (min_ready, now) in (0u64..20, 40u64..50),
        ) {
            let min_ready = Span::from_secs(min_ready);
            let pods = || ready.iter().map(|since| since.map(second));
            let census = replica_set_census(pods(), min_ready, 1, second(now));
            let at = |time: Time| replica_set_census(pods(), min_ready, 1, time).status;
            match census.next_available {
                Some(next) => {
                    prop_assert!(next > second(now));
                    prop_assert_eq!(at(next - Span::from_nanos(1)), census.status);
                    prop_assert!(at(next).available > census.status.available);
                }
                None => prop_assert_eq!(at(second(1_000)), census.status),
            }
        }
    }
}
