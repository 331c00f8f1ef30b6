//! How a DaemonSet replaces old pods: below the number wanted, or above it.
//!
//! Nodes are taken in ascending order of name, where upstream goes through a map.
//!
//! Source: `rollingUpdate` of `pkg/controller/daemon/update.go` and `UnavailableCount` and
//! `SurgeCount` of `pkg/controller/daemon/util`, Kubernetes 1.34.

use super::daemon_set::{DaemonFit, DaemonNode, DaemonPod, DaemonPodPlace};
use super::{DaemonSetView, DaemonWrites};
use crate::ground::Time;
use crate::model::IntOrPercent;
use serde::{Deserialize, Serialize};

/// How far a rolling update goes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DaemonUpdate {
    /// Most nodes with a second pod; a share is rounded up.
    pub max_surge: IntOrPercent,
    /// Most nodes without an available pod, as far as the update decides; a share is rounded up.
    pub max_unavailable: IntOrPercent,
}

impl Default for DaemonUpdate {
    /// What the API server writes where nothing is said (`pkg/apis/apps/v1/defaults.go`).
    fn default() -> DaemonUpdate {
        DaemonUpdate { max_surge: IntOrPercent::Int(0), max_unavailable: IntOrPercent::Int(1) }
    }
}

impl DaemonUpdate {
    /// True if new pods come beside old ones.
    pub fn surges(&self) -> bool {
        !matches!(self.max_surge, IntOrPercent::Int(0) | IntOrPercent::Percent(0))
    }

    /// Surge and unavailable as numbers of nodes, of `desired` that suit. If both came out as
    /// nothing the update would stand still, so that one node may be unavailable.
    pub fn resolve(&self, desired: u32) -> (u32, u32) {
        let surge = self.max_surge.rounded_up(desired);
        let unavailable = self.max_unavailable.rounded_up(desired);
        let stuck = desired > 0 && surge == 0 && unavailable == 0;
        (surge, if stuck { 1 } else { unavailable })
    }
}

/// What a node has: at most one old and one new pod, or too many.
enum Holds<'a> {
    TooMany,
    Nothing,
    New(&'a DaemonPod<'a>),
    Old(usize, &'a DaemonPod<'a>),
    Both { new: &'a DaemonPod<'a>, old: (usize, &'a DaemonPod<'a>) },
}

fn holds<'a>(node: &DaemonNode<'a>) -> Holds<'a> {
    let staying = || node.present().filter(|(_, pod)| !pod.terminating);
    let mut new = staying().filter(|(_, pod)| pod.updated);
    let mut old = staying().filter(|(_, pod)| !pod.updated);
    match ((new.next(), new.next()), (old.next(), old.next())) {
        ((None, _), (None, _)) => Holds::Nothing,
        ((Some((_, new)), None), (None, _)) => Holds::New(new),
        ((None, _), (Some((place, old)), None)) => Holds::Old(place, old),
        ((Some((_, new)), None), (Some(old), None)) => Holds::Both { new, old },
        _ => Holds::TooMany,
    }
}

/// The second part of a sync, when the first one had nothing to write: a step of the rolling
/// update. Pods that are deleted here are created again by the first part of a later sync.
pub fn roll_daemons(view: &DaemonSetView<'_>, update: DaemonUpdate, now: Time) -> DaemonWrites {
    let suiting = view.nodes.iter().filter(|node| node.fit == DaemonFit::Runs).count();
    let desired = u32::try_from(suiting).expect("nodes are counted in 32 bits");
    let (surge, unavailable) = update.resolve(desired);
    let writes = if surge == 0 {
        replace(view, unavailable as usize, now)
    } else {
        surge_over(view, suiting, surge as usize, now)
    };
    writes.within_burst()
}

/// Nodes that take part: those that suit, and those with pods.
fn taking_part<'v>(
    view: &DaemonSetView<'v>,
) -> impl Iterator<Item = (usize, &'v DaemonNode<'v>)> + use<'v> {
    let takes_part =
        |node: &DaemonNode<'_>| node.fit == DaemonFit::Runs || node.present().next().is_some();
    view.nodes.iter().enumerate().filter(move |(_, node)| takes_part(node))
}

/// Old pods that are not available go at once, others as far as the limit allows.
fn replace(view: &DaemonSetView<'_>, most: usize, now: Time) -> DaemonWrites {
    let mut unavailable = 0;
    let (mut delete, mut candidates) = (Vec::new(), Vec::new());
    for (node, found) in taking_part(view) {
        match holds(found) {
            Holds::TooMany | Holds::Nothing | Holds::Both { .. } => unavailable += 1,
            Holds::New(new) => {
                unavailable += usize::from(!new.is_available(view.min_ready, now));
            }
            Holds::Old(pod, old) if old.is_available(view.min_ready, now) => {
                candidates.push(DaemonPodPlace { node, pod });
            }
            Holds::Old(pod, _) => {
                delete.push(DaemonPodPlace { node, pod });
                unavailable += 1;
            }
        }
    }
    delete.extend(candidates.into_iter().take(most.saturating_sub(unavailable)));
    DaemonWrites { create: Vec::new(), delete }
}

/// New pods come beside old ones, at once where the old one is not available, and old ones go once
/// the new one is available. On nodes that do not suit any more available pods stay until as many
/// are available as nodes suit.
fn surge_over(view: &DaemonSetView<'_>, suiting: usize, most: usize, now: Time) -> DaemonWrites {
    let (mut surging, mut available) = (0, 0);
    let (mut create, mut candidates) = (Vec::new(), Vec::new());
    let (mut delete, mut leaving) = (Vec::new(), Vec::new());
    for (node, found) in taking_part(view) {
        let is_available = |pod: &DaemonPod<'_>| pod.is_available(view.min_ready, now);
        let suits = found.fit == DaemonFit::Runs;
        match holds(found) {
            Holds::TooMany => surging += 1,
            Holds::Nothing => {}
            Holds::New(new) => available += usize::from(is_available(new)),
            Holds::Old(pod, old) => {
                available += usize::from(is_available(old));
                match (is_available(old), suits) {
                    (true, true) => candidates.push(node),
                    (true, false) => leaving.push(DaemonPodPlace { node, pod }),
                    (false, true) => create.push(node),
                    (false, false) => delete.push(DaemonPodPlace { node, pod }),
                }
            }
            Holds::Both { new, old: (pod, old) } => {
                available += usize::from(is_available(old));
                if is_available(new) {
                    delete.push(DaemonPodPlace { node, pod });
                } else {
                    surging += 1;
                }
            }
        }
    }
    create.extend(candidates.into_iter().take(most.saturating_sub(surging)));
    delete.extend(leaving.into_iter().take(available.saturating_sub(suiting)));
    DaemonWrites { create, delete }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Span;
    use crate::policy::kube::control::{DaemonPhase, care_for_daemons};
    use proptest::prelude::*;

    const NOW: Time = Time::from_secs(1_000);

    fn limits(max_surge: IntOrPercent, max_unavailable: IntOrPercent) -> DaemonUpdate {
        DaemonUpdate { max_surge, max_unavailable }
    }

    /// Checks 11 and 18 of section 2.13.
    #[test]
    fn shares_are_rounded_up() {
        let zero = IntOrPercent::Int(0);
        let unavailable = |percent| limits(zero, IntOrPercent::Percent(percent));
        assert_eq!(unavailable(25).resolve(10), (0, 3));
        assert_eq!(unavailable(1).resolve(10), (0, 1));
        assert_eq!(unavailable(10).resolve(15), (0, 2));
        assert_eq!(limits(IntOrPercent::Percent(10), zero).resolve(15), (2, 0));
        assert_eq!(limits(zero, zero).resolve(15), (0, 1));
        assert_eq!(limits(zero, zero).resolve(0), (0, 0));
    }

    fn pod(updated: bool, ready: bool) -> DaemonPod<'static> {
        DaemonPod {
            name: "",
            updated,
            bound: true,
            created: Time::ZERO,
            phase: DaemonPhase::Live(ready.then_some(Time::ZERO)),
            terminating: false,
        }
    }

    fn node<'a>(fit: DaemonFit, pods: &'a [DaemonPod<'a>]) -> DaemonNode<'a> {
        DaemonNode { fit, pods, backoff: None }
    }

    #[test]
    fn pods_leave_nodes_that_suit_no_more_once_others_are_available() {
        let (old, new, ill) = ([pod(false, true)], [pod(true, true)], [pod(false, false)]);
        let update = limits(IntOrPercent::Int(1), IntOrPercent::Int(0));
        let step = |nodes: &[DaemonNode<'_>]| {
            let view = DaemonSetView { min_ready: Span::ZERO, surges: true, nodes };
            let writes = roll_daemons(&view, update, NOW);
            let deleted: Vec<usize> = writes.delete.iter().map(|at| at.node).collect();
            (writes.create, deleted)
        };
        let runs = |pods| node(DaemonFit::Runs, pods);
        let stays = |pods| node(DaemonFit::Stays, pods);
        assert_eq!(step(&[runs(&[]), stays(&old)]), (vec![], vec![]));
        assert_eq!(step(&[runs(&new), stays(&old)]), (vec![], vec![1]));
        assert_eq!(step(&[runs(&new), stays(&ill)]), (vec![], vec![1]));
        assert_eq!(step(&[runs(&old), runs(&old), runs(&ill)]), (vec![2, 0], vec![]));
    }

    proptest! {
        /// The update itself takes no more nodes out of service than it may, and it ends.
        #[test]
        fn an_update_keeps_its_limit_and_ends(
            count in 1usize..20,
            surge in 0u32..3,
            unavailable in 0u32..5,
        ) {
            let update = limits(IntOrPercent::Int(surge), IntOrPercent::Int(unavailable));
            let (_, most) = update.resolve(count as u32);
            let mut held = vec![vec![pod(false, true)]; count];
            for _ in 0..100 {
                let nodes: Vec<_> = held.iter().map(|pods| node(DaemonFit::Runs, pods)).collect();
                let view = DaemonSetView {
                    min_ready: Span::ZERO,
                    surges: update.surges(),
                    nodes: &nodes,
                };
                let mut writes = care_for_daemons(&view, NOW).writes;
                let cared = !writes.is_empty();
                if !cared {
                    writes = roll_daemons(&view, update, NOW);
                }
                for at in writes.delete.iter().rev() {
                    held[at.node].remove(at.pod);
                }
                let out = held.iter().filter(|pods| pods.is_empty()).count();
                let least = if update.surges() { 0 } else { most as usize };
                prop_assert!(out <= least, "{} nodes without a pod", out);
                for node in writes.create {
                    held[node].push(pod(true, true));
                }
                prop_assert!(held.iter().all(|pods| pods.len() <= 2));
            }
            prop_assert!(held.iter().all(|pods| pods.len() == 1 && pods[0].updated));
        }
    }
}
