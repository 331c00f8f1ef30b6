//! PodDisruptionBudgets: how many pods may go, and the answer to a request to evict one.
//!
//! Budgets bind the Eviction API alone: deletions, taints, node pressure and rollouts ignore them.
//!
//! Source: `pkg/controller/disruption/disruption.go` and
//! `pkg/registry/core/pod/storage/eviction.go`, Kubernetes 1.34.

use crate::ground::{Span, Time};
use crate::model::{
    BudgetCount, DisruptionLimit, EvictionAnswer, IntOrPercent, UnhealthyPodEviction,
};

/// So long an evicted pod that is still there counts as gone (`DeletionTimeout`).
pub const EVICTION_TIMEOUT: Span = Span::from_secs(120);
/// A refused eviction is tried again after so long by `kubectl drain`.
pub const DRAIN_RETRY: Span = Span::from_secs(5);
/// With more evicted pods that are still there evictions are refused (`MaxDisruptedPodSize`).
const MOST_EVICTED: usize = 2000;

/// What says how many pods like one there should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodScale {
    /// Nothing: no controller owns it.
    Unmanaged,
    /// A controller that has a number of replicas: its place in [`BudgetView::replicas`]. Of a
    /// pod of a Deployment it is the Deployment.
    Of(usize),
    /// A controller that has none, such as a Job or a DaemonSet.
    Unscaled,
}

/// A pod that a budget selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetedPod {
    /// What says how many there should be.
    pub scale: PodScale,
    /// It is ready.
    pub ready: bool,
    /// It is asked to stop.
    pub terminating: bool,
    /// When its eviction was accepted (`status.disruptedPods`), in whole seconds.
    pub evicted: Option<Time>,
}

/// What the controller of budgets looks at.
#[derive(Debug, Clone, Copy)]
pub struct BudgetView<'a> {
    /// What the budget asks for.
    pub limit: DisruptionLimit,
    /// Replicas wanted by the controllers of its pods.
    pub replicas: &'a [u32],
    /// The pods that it selects.
    pub pods: &'a [BudgetedPod],
}

/// A budget cannot say how many of its pods there should be; no pod may be evicted until it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a pod of the budget belongs to a controller without replicas, such as a Job or a DaemonSet; \
     give the budget a whole number as `minAvailable`"
)]
pub struct NoScale;

/// Counts a budget, and says when an evicted pod that is still there counts again.
pub fn count_budget(
    view: &BudgetView<'_>,
    now: Time,
) -> Result<(BudgetCount, Option<Time>), NoScale> {
    let (expected, desired) = match view.limit {
        DisruptionLimit::MinAvailable(IntOrPercent::Int(least)) => {
            (u32::try_from(view.pods.len()).expect("pods are counted in 32 bits"), least)
        }
        DisruptionLimit::MinAvailable(share) => {
            let expected = expected_scale(view)?;
            (expected, share.rounded_up(expected))
        }
        DisruptionLimit::MaxUnavailable(most) => {
            let expected = expected_scale(view)?;
            (expected, expected.saturating_sub(most.rounded_up(expected)))
        }
    };
    let kept_until = |pod: &BudgetedPod| {
        let staying = pod.evicted.filter(|_| !pod.terminating);
        staying.map(|at| at + EVICTION_TIMEOUT).filter(|until| *until > now)
    };
    let is_healthy =
        |pod: &&BudgetedPod| pod.ready && !pod.terminating && kept_until(pod).is_none();
    let healthy = view.pods.iter().filter(is_healthy).count() as u32;
    let allowed = if expected == 0 { 0 } else { healthy.saturating_sub(desired) };
    let next_look = view.pods.iter().filter_map(kept_until).min();
    Ok((BudgetCount { expected, desired, healthy, allowed }, next_look))
}

/// The replicas of every controller that has a pod here, each once.
fn expected_scale(view: &BudgetView<'_>) -> Result<u32, NoScale> {
    let mut counted = vec![false; view.replicas.len()];
    for pod in view.pods {
        match pod.scale {
            PodScale::Unmanaged => {}
            PodScale::Of(place) => counted[place] = true,
            PodScale::Unscaled => return Err(NoScale),
        }
    }
    let replicas = view.replicas.iter().zip(counted);
    Ok(replicas.filter(|(_, counted)| *counted).map(|(replicas, _)| replicas).sum())
}

/// What an eviction looks at in its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvictedPod {
    /// It is Running; others go without a check.
    pub running: bool,
    /// It is ready.
    pub ready: bool,
    /// It is asked to stop.
    pub terminating: bool,
}

/// What an eviction looks at in a budget that selects its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetStatus {
    /// The status as written last, evictions since then taken off.
    pub count: BudgetCount,
    /// It is of the present specification.
    pub is_observed: bool,
    /// Evicted pods that are still there.
    pub evicted: usize,
    /// What is done about pods that are not ready.
    pub unhealthy: UnhealthyPodEviction,
}

/// Decides about an eviction; `budgets` are those that select the pod.
pub fn answer_eviction(pod: &EvictedPod, budgets: &[BudgetStatus]) -> EvictionAnswer {
    if !pod.running || pod.terminating {
        return EvictionAnswer::Unchecked;
    }
    let budget = match budgets {
        [] => return EvictionAnswer::Unchecked,
        [budget] => budget,
        _ => return EvictionAnswer::SeveralBudgets,
    };
    let count = &budget.count;
    let goes_freely = match budget.unhealthy {
        UnhealthyPodEviction::AlwaysAllow => true,
        UnhealthyPodEviction::IfHealthyBudget => {
            count.desired > 0 && count.healthy >= count.desired
        }
    };
    if !pod.ready && goes_freely {
        EvictionAnswer::Unchecked
    } else if !budget.is_observed {
        EvictionAnswer::NotObserved
    } else if budget.evicted > MOST_EVICTED {
        EvictionAnswer::TooManyEvicted
    } else if count.allowed == 0 {
        EvictionAnswer::Refused
    } else {
        EvictionAnswer::Charged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Time = Time::from_secs(10_000);
    const POD: BudgetedPod =
        BudgetedPod { scale: PodScale::Of(0), ready: true, terminating: false, evicted: None };
    const RUNNING: EvictedPod = EvictedPod { running: true, ready: true, terminating: false };

    fn count(limit: DisruptionLimit, replicas: u32, healthy: usize) -> BudgetCount {
        let mut pods = vec![POD; replicas as usize];
        pods.iter_mut().skip(healthy).for_each(|pod| pod.ready = false);
        let view = BudgetView { limit, replicas: &[replicas], pods: &pods };
        count_budget(&view, NOW).unwrap().0
    }

    fn least(text: &str) -> DisruptionLimit {
        DisruptionLimit::MinAvailable(text.parse().unwrap())
    }

    fn most(text: &str) -> DisruptionLimit {
        DisruptionLimit::MaxUnavailable(text.parse().unwrap())
    }

    fn status(count: BudgetCount) -> BudgetStatus {
        let unhealthy = UnhealthyPodEviction::IfHealthyBudget;
        BudgetStatus { count, is_observed: true, evicted: 0, unhealthy }
    }

    /// Checks 1 and 2 of section 7.6.
    #[test]
    fn budgets_are_rounded_up() {
        for (limit, replicas, healthy, desired, allowed) in [
            (most("30%"), 10, 10, 7, 3),
            (most("50%"), 7, 7, 3, 4),
            (least("50%"), 7, 6, 4, 2),
            (least("2"), 3, 3, 2, 1),
            (most("0"), 5, 5, 5, 0),
            (most("10%"), 1, 1, 0, 1),
            (least("4"), 3, 3, 4, 0),
        ] {
            let found = count(limit, replicas, healthy);
            assert_eq!((found.desired, found.allowed), (desired, allowed), "{limit:?}");
        }
    }

    /// Checks 3, 4, 13 and 14 of section 7.6.
    #[test]
    fn evictions_are_answered() {
        let nine = count(most("1"), 10, 9);
        assert_eq!((nine.desired, nine.allowed), (9, 0));
        assert_eq!(answer_eviction(&RUNNING, &[status(nine)]), EvictionAnswer::Refused);
        let ill = EvictedPod { ready: false, ..RUNNING };
        assert_eq!(answer_eviction(&ill, &[status(nine)]), EvictionAnswer::Unchecked);
        let mut ten = count(most("1"), 10, 10);
        assert_eq!(answer_eviction(&RUNNING, &[status(ten)]).code(), 201);
        ten.allowed -= 1;
        assert_eq!(answer_eviction(&RUNNING, &[status(ten)]).code(), 429);
        let pending = EvictedPod { running: false, ..ill };
        assert_eq!(answer_eviction(&pending, &[status(nine)]).code(), 201);
        let two = [status(ten), status(nine)];
        assert_eq!(answer_eviction(&RUNNING, &two).code(), 500);
        assert_eq!(answer_eviction(&RUNNING, &[]), EvictionAnswer::Unchecked);
    }

    #[test]
    fn pods_that_are_not_ready_go_as_the_budget_says() {
        let ill = EvictedPod { ready: false, ..RUNNING };
        let eight = count(most("1"), 10, 8);
        assert_eq!(answer_eviction(&ill, &[status(eight)]), EvictionAnswer::Refused);
        let unhealthy = UnhealthyPodEviction::AlwaysAllow;
        let always = BudgetStatus { unhealthy, is_observed: false, ..status(eight) };
        assert_eq!(answer_eviction(&ill, &[always]), EvictionAnswer::Unchecked);
        assert_eq!(answer_eviction(&RUNNING, &[always]), EvictionAnswer::NotObserved);
        let crowded = BudgetStatus { evicted: 2001, ..status(count(most("5"), 10, 10)) };
        assert_eq!(answer_eviction(&RUNNING, &[crowded]).code(), 403);
    }

    /// Check 5 of section 7.6.
    #[test]
    fn an_evicted_pod_that_stays_counts_again_after_two_minutes() {
        let evicted = BudgetedPod { evicted: Some(NOW), ..POD };
        let pods = [POD, POD, evicted];
        let view = BudgetView { limit: most("1"), replicas: &[3], pods: &pods };
        let at = |seconds| count_budget(&view, NOW + Span::from_secs(seconds)).unwrap();
        assert_eq!((at(119).0.healthy, at(119).0.allowed), (2, 0));
        assert_eq!(at(119).1, Some(NOW + EVICTION_TIMEOUT));
        assert_eq!((at(120).0.healthy, at(120).0.allowed, at(120).1), (3, 1, None));
    }

    #[test]
    fn a_budget_needs_to_know_how_many_there_should_be() {
        let of_job = BudgetedPod { scale: PodScale::Unscaled, ..POD };
        let view = |limit| BudgetView { limit, replicas: &[], pods: &[POD; 0] };
        assert_eq!(count_budget(&view(most("1")), NOW).unwrap().0.allowed, 0);
        let pods = [of_job, of_job];
        let view = |limit| BudgetView { limit, replicas: &[], pods: &pods };
        assert_eq!(count_budget(&view(most("1")), NOW), Err(NoScale));
        assert_eq!(count_budget(&view(least("1")), NOW).unwrap().0.allowed, 1);
        let alone = BudgetedPod { scale: PodScale::Unmanaged, ..POD };
        let pods = [alone, POD, POD];
        let view = BudgetView { limit: most("1"), replicas: &[4], pods: &pods };
        let found = count_budget(&view, NOW).unwrap().0;
        assert_eq!((found.expected, found.desired, found.allowed), (4, 3, 0));
    }

    proptest! {
        /// Invariant 4 of section 8: evictions through the API never take the healthy pods below
        /// what the budget asks for, counted anew in between or not.
        #[test]
        fn evictions_keep_the_budget(
            limit in prop_oneof![
                (0u32..12).prop_map(|n| DisruptionLimit::MinAvailable(IntOrPercent::Int(n))),
                (0u32..101).prop_map(|n| DisruptionLimit::MinAvailable(IntOrPercent::Percent(n))),
                (0u32..12).prop_map(|n| DisruptionLimit::MaxUnavailable(IntOrPercent::Int(n))),
                (0u32..101).prop_map(|n| DisruptionLimit::MaxUnavailable(IntOrPercent::Percent(n))),
            ],
            ready in prop::collection::vec(prop::bool::weighted(0.8), 1..12),
            tries in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..40),
        ) {
            let mut pods: Vec<BudgetedPod> =
                ready.iter().map(|ready| BudgetedPod { ready: *ready, ..POD }).collect();
            let replicas = [pods.len() as u32];
            let recount = |pods: &[BudgetedPod]| {
                count_budget(&BudgetView { limit, replicas: &replicas, pods }, NOW).unwrap().0
            };
            let mut known = recount(&pods);
            let least = known.healthy.min(known.desired);
            for (at, counted_anew) in tries {
                let at = at.index(pods.len());
                let BudgetedPod { ready, terminating, .. } = pods[at];
                let asked = EvictedPod { running: true, ready, terminating };
                match answer_eviction(&asked, &[status(known)]) {
                    EvictionAnswer::Unchecked => pods[at].terminating = true,
                    EvictionAnswer::Charged => {
                        known.allowed -= 1;
                        pods[at].evicted = Some(NOW);
                        pods[at].terminating = true;
                    }
                    answer => prop_assert_eq!(answer, EvictionAnswer::Refused),
                }
                if counted_anew {
                    known = recount(&pods);
                }
                prop_assert!(recount(&pods).healthy >= least);
            }
        }
    }
}
