//! When the containers of a pod that has to stop get TERM and KILL, and when they are gone.
//!
//! Source: `pkg/kubelet/kuberuntime/kuberuntime_container.go` (`killContainer`) and
//! `kuberuntime_termination_order.go`, Kubernetes 1.34.

use super::Role;
use crate::ground::Span;
use serde::{Deserialize, Serialize};

/// What is left for the way from TERM to KILL, however long preStop took.
const MINIMUM: Span = Span::from_secs(2);

/// Why containers are stopped, as far as it decides their grace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GraceInputs {
    /// `terminationGracePeriodSeconds` of the pod.
    pub pod: Span,
    /// Grace of the deletion, once the pod has a deletion timestamp.
    pub deletion: Option<Span>,
    /// Grace of the liveness or startup probe that failed, if that is the reason.
    pub probe: Option<Span>,
    /// Grace that an eviction or a node shutdown gives.
    pub imposed: Option<Span>,
}

/// The grace that containers get.
pub fn stop_grace(inputs: &GraceInputs) -> Span {
    inputs.imposed.or(inputs.deletion).or(inputs.probe).unwrap_or(inputs.pod)
}

/// A container that is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stopping {
    /// Its place in the pod.
    pub role: Role,
    /// It runs; others are gone already.
    pub running: bool,
    /// How long its preStop hook takes, if it has one.
    pub pre_stop: Option<Span>,
    /// How long it takes to end after TERM; `None` if it ignores TERM.
    pub reaction: Option<Span>,
}

/// How a container is stopped, in times from the moment at which its pod is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stopped {
    /// When it gets TERM.
    pub term: Span,
    /// When it is gone.
    pub end: Span,
    /// It was gone only because it got KILL then (exit code 137).
    pub killed: bool,
}

/// How each container of a pod is stopped within `grace`; `None` for those that do not run.
///
/// All preStop hooks begin at once. Ordinary containers get TERM after theirs, sidecars only when
/// every ordinary container and every later sidecar is gone or the grace is used up.
pub fn stop_pod(grace: Span, containers: &[Stopping]) -> Vec<Option<Stopped>> {
    let mut stops: Vec<Option<Stopped>> = vec![None; containers.len()];
    let mut sidecars_may = Span::ZERO;
    for (at, container) in containers.iter().enumerate() {
        if container.running && container.role != Role::Sidecar {
            let stop = stop_container(grace, container, Span::ZERO);
            if container.role == Role::Main {
                sidecars_may = sidecars_may.max(stop.end);
            }
            stops[at] = Some(stop);
        }
    }
    for (at, container) in containers.iter().enumerate().rev() {
        if container.running && container.role == Role::Sidecar {
            let stop = stop_container(grace, container, sidecars_may);
            sidecars_may = sidecars_may.max(stop.end);
            stops[at] = Some(stop);
        }
    }
    stops
}

/// When the last container is gone.
pub fn all_gone(stops: &[Option<Stopped>]) -> Span {
    stops.iter().flatten().map(|stop| stop.end).max().unwrap_or(Span::ZERO)
}

fn stop_container(grace: Span, container: &Stopping, turn: Span) -> Stopped {
    let mut left = grace;
    let mut term = Span::ZERO;
    if let Some(hook) = container.pre_stop.filter(|_| !left.is_zero()) {
        term = hook.min(left);
        left = left.saturating_sub(whole_seconds(term));
    }
    if turn > term && !left.is_zero() {
        let waited = turn.saturating_sub(term).min(left);
        term += waited;
        left = left.saturating_sub(whole_seconds(waited));
    }
    let kill = term + left.max(MINIMUM);
    let end = container.reaction.map_or(Span::MAX, |reaction| term + reaction);
    Stopped { term, end: end.min(kill), killed: end > kill }
}

/// Upstream counts what hooks and turns took in whole seconds, rounded down.
fn whole_seconds(span: Span) -> Span {
    Span::from_nanos(span.as_nanos() - span.as_nanos() % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: Stopping =
        Stopping { role: Role::Main, running: true, pre_stop: None, reaction: None };

    fn millis(span: u64) -> Span {
        Span::from_millis(span)
    }

    fn seconds(span: u64) -> Span {
        Span::from_secs(span)
    }

    #[test]
    fn one_container() {
        for (grace, hook, reaction, term, end, killed) in [
            (30_000, None, Some(500), 0, 500, false),
            (30_000, None, None, 0, 30_000, true),
            (30_000, Some(25_000), None, 25_000, 30_000, true),
            (30_000, Some(40_000), None, 30_000, 32_000, true),
            (30_000, Some(40_000), Some(1_000), 30_000, 31_000, false),
            (30_000, Some(29_000), None, 29_000, 31_000, true),
            (30_000, Some(25_600), None, 25_600, 30_600, true),
            (30_000, None, Some(30_000), 0, 30_000, false),
            (0, Some(10_000), None, 0, 2_000, true),
            (1_000, None, None, 0, 2_000, true),
        ] {
            let container =
                Stopping { pre_stop: hook.map(millis), reaction: reaction.map(millis), ..MAIN };
            let expected = Stopped { term: millis(term), end: millis(end), killed };
            assert_eq!(stop_pod(millis(grace), &[container]), [Some(expected)], "{container:?}");
        }
    }

    #[test]
    fn sidecars_stop_last_and_in_reverse_order() {
        let sidecar = Stopping { role: Role::Sidecar, reaction: Some(seconds(1)), ..MAIN };
        let main = Stopping { reaction: Some(seconds(5)), ..MAIN };
        let gone = Stopping { running: false, ..main };
        let stops = stop_pod(seconds(30), &[sidecar, sidecar, main, gone]);
        let stop =
            |term, end, killed| Some(Stopped { term: seconds(term), end: seconds(end), killed });
        assert_eq!(stops, [stop(6, 7, false), stop(5, 6, false), stop(0, 5, false), None]);
        assert_eq!(all_gone(&stops), seconds(7));
        // Nothing is left for sidecars of a pod whose container has to be killed.
        let deaf = Stopping { reaction: None, ..sidecar };
        let stops = stop_pod(seconds(30), &[sidecar, deaf, MAIN]);
        assert_eq!(stops, [stop(30, 31, false), stop(30, 32, true), stop(0, 30, true)]);
    }

    #[test]
    fn graces() {
        let pod = GraceInputs { pod: seconds(30), deletion: None, probe: None, imposed: None };
        for (inputs, grace) in [
            (pod, 30),
            (GraceInputs { probe: Some(seconds(5)), ..pod }, 5),
            (GraceInputs { probe: Some(seconds(5)), deletion: Some(seconds(60)), ..pod }, 60),
            (GraceInputs { deletion: Some(seconds(60)), imposed: Some(seconds(1)), ..pod }, 1),
        ] {
            assert_eq!(stop_grace(&inputs), seconds(grace), "{inputs:?}");
        }
    }
}
