//! How long a pod stays on a node with NoExecute taints.
//!
//! Source: `pkg/controller/tainteviction/taint_eviction.go`, Kubernetes 1.34.

use crate::ground::Span;
use crate::model::{Effect, Taint, Toleration};

/// How long a pod may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// For ever: no such taint, or all tolerated without a limit.
    Forever,
    /// So long, counted from when this was first found; zero means it has to go now.
    For(Span),
}

/// How long a pod with these tolerations stays with these taints: not at all if a NoExecute taint
/// is not tolerated, else the shortest limit among the tolerations that are used.
pub fn stay_with(taints: &[Taint], tolerations: &[Toleration]) -> Stay {
    let mut shortest: Option<i64> = None;
    for taint in taints.iter().filter(|taint| taint.effect == Effect::NoExecute) {
        let Some(used) = tolerations.iter().find(|toleration| toleration.tolerates(taint)) else {
            return Stay::For(Span::ZERO);
        };
        if let Some(seconds) = used.seconds {
            shortest = Some(shortest.map_or(seconds, |least| least.min(seconds)));
        }
    }
    match shortest {
        None => Stay::Forever,
        Some(seconds) => Stay::For(Span::from_secs(u64::try_from(seconds).unwrap_or(0))),
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

    fn toleration(key: Option<Name>, seconds: Option<i64>) -> Toleration {
        let operator = TolerationOperator::Exists;
        Toleration { key, operator, value: Name(0), effect: Some(Effect::NoExecute), seconds }
    }

    #[test]
    fn stays() {
        let unreachable = taint(UNREACHABLE, Effect::NoExecute);
        let not_ready = taint(NOT_READY, Effect::NoExecute);
        let both =
            [toleration(Some(UNREACHABLE), Some(60)), toleration(Some(NOT_READY), Some(300))];
        let cases: [(&[Taint], &[Toleration], Stay); 7] = [
            (&[], &[], Stay::Forever),
            (&[taint(UNREACHABLE, Effect::NoSchedule)], &[], Stay::Forever),
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
}
