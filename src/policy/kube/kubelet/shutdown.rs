//! Graceful shutdown of a node: which pods stop when, and how long each group may take.
//!
//! Source: `pkg/kubelet/nodeshutdown/nodeshutdown_manager.go`, Kubernetes 1.34. While it goes on,
//! the node is not ready and admits no pod; pods end Failed with the reason Terminated.

use super::CRITICAL_PRIORITY;
use crate::ground::{Problem, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Time for the pods from one priority up to the next entry's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriorityGrace {
    /// Lowest priority of the group; pods below the lowest entry belong to it too.
    pub priority: i32,
    /// Time for the group.
    pub grace: Span,
}

/// Time that a node has to stop its pods. Both zero and no table: off, as by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShutdownParams {
    /// `shutdownGracePeriod`: time in all. Kubernetes 1.34: 0s.
    pub grace: Span,
    /// `shutdownGracePeriodCriticalPods`: the last part of it, for critical pods. Kubernetes 1.34:
    /// 0s.
    pub critical: Span,
    /// `shutdownGracePeriodByPodPriority`: a table instead of the two.
    pub by_priority: Vec<PriorityGrace>,
}

impl ShutdownParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.critical > self.grace {
            problems.push(
                Problem::new("critical", "`critical` is longer than `grace`, of which it is part")
                    .hint("make `grace` the longer one"),
            );
        }
        if !self.by_priority.is_empty() && !self.grace.is_zero() {
            let text = "`by_priority` and `grace` are given, and only one of them can be followed";
            problems.push(Problem::new("by_priority", text));
        }
        problems
    }

    /// The groups in the order in which they stop; none if graceful shutdown is off.
    pub fn groups(&self) -> Vec<PriorityGrace> {
        let mut groups = self.by_priority.clone();
        if groups.is_empty() && !self.grace.is_zero() {
            let ordinary = self.grace.saturating_sub(self.critical);
            groups.push(PriorityGrace { priority: 0, grace: ordinary });
            groups.push(PriorityGrace { priority: CRITICAL_PRIORITY, grace: self.critical });
        }
        groups.sort_by_key(|group| group.priority);
        groups
    }
}

/// A pod on a node that shuts down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShutdownPod {
    /// Priority.
    pub priority: i32,
    /// Its own `terminationGracePeriodSeconds`.
    pub grace: Span,
}

/// When a pod is told to stop, from the begin of the shutdown, and how long it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShutdownStop {
    /// When it is told.
    pub at: Span,
    /// Its grace: its own or its group's, whichever is shorter.
    pub grace: Span,
}

/// What becomes of each pod. `takes` tells how long the pod at a place needs to stop with a grace.
/// A group begins when the one before has stopped or used its time up; empty groups take none.
/// Nothing is stopped gracefully if shutdown is off.
pub fn shut_down(
    groups: &[PriorityGrace],
    pods: &[ShutdownPod],
    mut takes: impl FnMut(usize, Span) -> Span,
) -> Vec<ShutdownStop> {
    let mut stops = vec![ShutdownStop { at: Span::ZERO, grace: Span::ZERO }; pods.len()];
    let mut begin = Span::ZERO;
    for (number, group) in groups.iter().enumerate() {
        let mut needed = Span::ZERO;
        for (at, pod) in pods.iter().enumerate() {
            if group_of(groups, pod.priority) != number {
                continue;
            }
            let grace = pod.grace.min(group.grace);
            stops[at] = ShutdownStop { at: begin, grace };
            needed = needed.max(takes(at, grace));
        }
        begin += needed.min(group.grace);
    }
    stops
}

/// The group of the highest entry that is not above the priority, else the lowest.
fn group_of(groups: &[PriorityGrace], priority: i32) -> usize {
    groups.iter().rposition(|group| group.priority <= priority).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(span: u64) -> Span {
        Span::from_secs(span)
    }

    fn pod(priority: i32, grace: u64) -> ShutdownPod {
        ShutdownPod { priority, grace: seconds(grace) }
    }

    #[test]
    fn critical_pods_stop_last_within_their_part() {
        let params =
            ShutdownParams { grace: seconds(30), critical: seconds(10), ..Default::default() };
        let groups = params.groups();
        let pods = [pod(0, 30), pod(-5, 5), pod(CRITICAL_PRIORITY, 30), pod(1_000_000, 15)];
        let stop = |at, grace| ShutdownStop { at: seconds(at), grace: seconds(grace) };
        let slow = shut_down(&groups, &pods, |_, grace| grace + seconds(2));
        assert_eq!(slow, [stop(0, 20), stop(0, 5), stop(20, 10), stop(0, 15)]);
        let quick = shut_down(&groups, &pods, |_, _| seconds(3));
        assert_eq!(quick[2], stop(3, 10));
    }

    #[test]
    fn a_table_by_priority() {
        let entry = |priority, grace| PriorityGrace { priority, grace: seconds(grace) };
        let params = ShutdownParams {
            by_priority: vec![entry(100_000, 10), entry(1000, 120), entry(10_000, 180)],
            ..Default::default()
        };
        let groups = params.groups();
        for (priority, grace) in
            [(0, 120), (1000, 120), (9_999, 120), (10_000, 180), (99_999, 180), (2_000_000, 10)]
        {
            assert_eq!(groups[group_of(&groups, priority)].grace, seconds(grace), "{priority}");
        }
        assert_eq!(ShutdownParams::default().groups(), []);
        let stops = shut_down(&[], &[pod(0, 30)], |_, _| seconds(1));
        assert_eq!(stops[0].grace, Span::ZERO);
    }

    #[test]
    fn wrong_parameters_are_named() {
        let wrong = ShutdownParams {
            grace: seconds(5),
            critical: seconds(10),
            by_priority: vec![PriorityGrace { priority: 0, grace: seconds(1) }],
        };
        let paths: Vec<_> = wrong.check().into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["critical", "by_priority"]);
    }
}
