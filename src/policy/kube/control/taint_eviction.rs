//! How long a pod stays on a node with NoExecute taints.
//!
//! Source: `pkg/controller/tainteviction/taint_eviction.go`, Kubernetes 1.34.

use crate::ground::{Span, Time};
use crate::model::{Effect, Taint, Toleration};
use serde::{Deserialize, Serialize};

/// How long a pod may stay if it tolerates every NoExecute taint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stay {
    /// For ever: no such taint, or all tolerated without a limit.
    Forever,
    /// So long, counted from when this was first found.
    For(Span),
}

/// The stay if every NoExecute taint is tolerated. Of several tolerations that cover a taint, the
/// first one is used.
fn tolerated_stay(taints: &[Taint], tolerations: &[Toleration]) -> Option<Stay> {
    let mut shortest: Option<i64> = None;
    for taint in taints.iter().filter(|taint| taint.effect == Effect::NoExecute) {
        let used = tolerations.iter().find(|toleration| toleration.tolerates(taint))?;
        if let Some(seconds) = used.seconds {
            shortest = Some(shortest.map_or(seconds, |least| least.min(seconds)));
        }
    }
    Some(match shortest {
        None => Stay::Forever,
        Some(seconds) => Stay::For(Span::from_secs(u64::try_from(seconds).unwrap_or(0))),
    })
}

/// When a pod has to leave its tainted node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvictionTimer {
    /// When the controller first found that the pod may not stay for ever.
    pub since: Time,
    /// When the pod is deleted.
    pub at: Time,
}

/// The timer of a pod after its node's taints or its own tolerations were looked at, `running`
/// being the one it had. A timer that runs is kept while everything stays tolerated, even if a
/// shorter toleration is used now; it fires at once if something is not; it ends with the taints.
pub fn eviction_timer(
    running: Option<EvictionTimer>,
    taints: &[Taint],
    tolerations: &[Toleration],
    now: Time,
) -> Option<EvictionTimer> {
    match tolerated_stay(taints, tolerations) {
        None => Some(EvictionTimer { since: now, at: now }),
        Some(Stay::Forever) => None,
        Some(Stay::For(span)) => match running {
            Some(timer) if timer.since < now => running,
            Some(_) | None => Some(EvictionTimer { since: now, at: now + span }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Name;
    use crate::model::TolerationOperator;

    const UNREACHABLE: Name = Name(5);
    const NOT_READY: Name = Name(6);

    fn taint(key: Name, effect: Effect) -> Taint {
        Taint { key, value: Name(0), effect }
    }

    fn no_execute(key: Name) -> Taint {
        taint(key, Effect::NoExecute)
    }

    fn toleration(key: Option<Name>, seconds: Option<i64>) -> Toleration {
        let operator = TolerationOperator::Exists;
        Toleration { key, operator, value: Name(0), effect: Some(Effect::NoExecute), seconds }
    }

    fn stay_with(taints: &[Taint], tolerations: &[Toleration]) -> Stay {
        tolerated_stay(taints, tolerations).unwrap_or(Stay::For(Span::ZERO))
    }

    #[test]
    fn stays() {
        let unreachable = no_execute(UNREACHABLE);
        let not_ready = no_execute(NOT_READY);
        let both =
            [toleration(Some(UNREACHABLE), Some(60)), toleration(Some(NOT_READY), Some(300))];
        let no_schedule = [Effect::NoSchedule, Effect::PreferNoSchedule];
        let cordon = no_schedule.map(|effect| taint(UNREACHABLE, effect));
        let cases: [(&[Taint], &[Toleration], Stay); 7] = [
            (&[], &[], Stay::Forever),
            (&cordon, &[], Stay::Forever),
            (&[unreachable], &[], Stay::For(Span::ZERO)),
            (&[unreachable], &both, Stay::For(Span::from_secs(60))),
            (&[not_ready, unreachable], &both, Stay::For(Span::from_secs(60))),
            (&[unreachable], &[toleration(None, None)], Stay::Forever),
            (&[unreachable], &[toleration(None, Some(-3))], Stay::For(Span::ZERO)),
        ];
        for (taints, tolerations, stay) in cases {
            assert_eq!(stay_with(taints, tolerations), stay, "{taints:?} {tolerations:?}");
        }
    }

    fn timer(since: u64, at: u64) -> Option<EvictionTimer> {
        Some(EvictionTimer { since: Time::from_secs(since), at: Time::from_secs(at) })
    }

    #[test]
    fn timers() {
        let unreachable = [no_execute(UNREACHABLE)];
        let not_ready = [no_execute(NOT_READY)];
        let other = [no_execute(NOT_READY), no_execute(Name(9))];
        let defaults =
            [toleration(Some(UNREACHABLE), Some(300)), toleration(Some(NOT_READY), Some(300))];
        let short = [toleration(Some(UNREACHABLE), Some(60)), toleration(Some(NOT_READY), Some(0))];
        let now = Time::from_secs(200);
        let cases: [(_, &[Taint], &[Toleration], _); 9] = [
            (None, &unreachable, &defaults, timer(200, 500)),
            (timer(100, 400), &not_ready, &defaults, timer(100, 400)),
            (timer(100, 400), &unreachable, &short, timer(100, 400)),
            (timer(100, 400), &not_ready, &short, timer(100, 400)),
            (timer(200, 500), &unreachable, &short, timer(200, 260)),
            (None, &not_ready, &short, timer(200, 200)),
            (timer(100, 400), &other, &defaults, timer(200, 200)),
            (timer(100, 400), &[], &defaults, None),
            (timer(100, 400), &unreachable, &[toleration(None, None)], None),
        ];
        for (running, taints, tolerations, expected) in cases {
            let next = eviction_timer(running, taints, tolerations, now);
            assert_eq!(next, expected, "{running:?} {taints:?} {tolerations:?}");
        }
    }
}
