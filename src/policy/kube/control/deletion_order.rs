//! Which pods of a ReplicaSet are deleted first when it has too many.
//!
//! Source: `pkg/controller/controller_utils.go` (`ActivePodsWithRanks`) and
//! `pkg/controller/replicaset/replica_set.go`, Kubernetes 1.34.

use crate::ground::Time;
use crate::model::NodeId;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The phases that the order tells apart, earlier ones deleted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeletionPhase {
    /// Pending.
    Pending,
    /// Unknown.
    Unknown,
    /// Running.
    Running,
}

/// What the order looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankedPod<U> {
    /// Its node.
    pub node: Option<NodeId>,
    /// Phase.
    pub phase: DeletionPhase,
    /// Since when it is ready, `None` if it is not. Whole seconds, as the API server keeps them.
    pub ready_since: Option<Time>,
    /// The annotation `controller.kubernetes.io/pod-deletion-cost`, 0 if it has none.
    pub deletion_cost: i32,
    /// Active pods of its owner on its node, see [`ranks`].
    pub rank: u32,
    /// Most restarts of one of its ordinary containers.
    pub restarts: u32,
    /// Most restarts of one of its sidecars.
    pub sidecar_restarts: u32,
    /// When it was created, in whole seconds.
    pub created: Time,
    /// Its unique identifier; the smaller one goes first where nothing else decides.
    pub uid: U,
}

/// For each pod, given by its node, how many active pods its owner has on that node, those of the
/// owner's other ReplicaSets (`siblings`) included.
pub fn ranks(
    pods: impl Iterator<Item = Option<NodeId>> + Clone,
    siblings: impl Iterator<Item = Option<NodeId>>,
) -> Vec<u32> {
    let mut on_node: BTreeMap<Option<NodeId>, u32> = BTreeMap::new();
    for node in pods.clone().chain(siblings) {
        *on_node.entry(node).or_default() += 1;
    }
    pods.map(|node| on_node[&node]).collect()
}

/// Places of the pods in the order in which they are deleted at `now`.
///
/// The comparison is not transitive for every set of pods, so the way of sorting shows: up to
/// twelve pods are sorted by insertion, as upstream does. Beyond, only the order of such sets and
/// of pods that compare as equal may differ from upstream.
pub fn deletion_order<U: Ord>(pods: &[RankedPod<U>], now: Time) -> Vec<usize> {
    let first = |one: usize, other: usize| compare(&pods[one], &pods[other], now) == Ordering::Less;
    let mut order: Vec<usize> = Vec::with_capacity(pods.len());
    for pod in 0..pods.len() {
        let at = if pods.len() <= INSERTION_MOST {
            order.iter().rposition(|sorted| !first(pod, *sorted)).map_or(0, |at| at + 1)
        } else {
            order.partition_point(|sorted| !first(pod, *sorted))
        };
        order.insert(at, pod);
    }
    order
}

/// Most elements that Go's `sort.Sort` sorts by insertion (`zsortinterface.go`, Go 1.24).
const INSERTION_MOST: usize = 12;

fn compare<U: Ord>(one: &RankedPod<U>, other: &RankedPod<U>, now: Time) -> Ordering {
    one.node
        .is_some()
        .cmp(&other.node.is_some())
        .then(one.phase.cmp(&other.phase))
        .then(one.ready_since.is_some().cmp(&other.ready_since.is_some()))
        .then(one.deletion_cost.cmp(&other.deletion_cost))
        .then(other.rank.cmp(&one.rank))
        .then_with(|| match (one.ready_since, other.ready_since) {
            (Some(since), Some(other_since)) => younger((since, one), (other_since, other), now),
            _ => Ordering::Equal,
        })
        .then(other.restarts.cmp(&one.restarts))
        .then(other.sidecar_restarts.cmp(&one.sidecar_restarts))
        .then_with(|| younger((one.created, one), (other.created, other), now))
}

/// The younger first, ages compared in powers of two; if both have the same, the smaller
/// identifier.
fn younger<U: Ord>(
    (since, one): (Time, &RankedPod<U>),
    (other_since, other): (Time, &RankedPod<U>),
    now: Time,
) -> Ordering {
    if since == other_since {
        return Ordering::Equal;
    }
    let bucket = |at: Time| {
        let age = now.max(at).since(at).as_nanos();
        age.checked_ilog2()
    };
    bucket(since).cmp(&bucket(other_since)).then_with(|| one.uid.cmp(&other.uid))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1_000_000);

    fn ago(seconds: u64) -> Time {
        Time::from_secs(1_000_000 - seconds)
    }

    fn ready(seconds: u64, uid: u32) -> RankedPod<u32> {
        RankedPod {
            node: Some(NodeId(0)),
            phase: DeletionPhase::Running,
            ready_since: Some(ago(seconds)),
            deletion_cost: 0,
            rank: 1,
            restarts: 0,
            sidecar_restarts: 0,
            created: ago(seconds),
            uid,
        }
    }

    #[test]
    fn order_of_the_specification() {
        let hour = 3600;
        let running = RankedPod { ready_since: None, ..ready(hour, 4) };
        let with = |phase| RankedPod { phase, ..running.clone() };
        let pods = [
            ready(8 * hour, 1),
            ready(5 * hour, 2),
            ready(2 * hour, 3),
            running.clone(),
            with(DeletionPhase::Unknown),
            with(DeletionPhase::Pending),
            RankedPod { node: None, ..with(DeletionPhase::Pending) },
        ];
        // 5 h and 8 h are one bucket: the smaller identifier first.
        assert_eq!(deletion_order(&pods, NOW), [6, 5, 4, 3, 2, 0, 1]);
    }

    #[test]
    fn many_pods_are_sorted_too() {
        let pods: Vec<_> = (0..100).map(|uid| ready(1 << (uid % 10 + 1), uid)).collect();
        let order = deletion_order(&pods, NOW);
        let keys: Vec<_> = order.iter().map(|at| (pods[*at].created, pods[*at].uid)).collect();
        assert!(keys.windows(2).all(|pair| pair[0].0 >= pair[1].0));
        assert_eq!(order.len(), 100);
    }
}
