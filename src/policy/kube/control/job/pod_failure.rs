//! `podFailurePolicy` and `successPolicy` of a Job: rules that are tried in order.
//!
//! Source: `pkg/controller/job/pod_failure_policy.go` and `success_policy.go`, Kubernetes 1.34.

use super::IndexSet;
use crate::ground::Name;
use crate::model::Condition;
use serde::{Deserialize, Serialize};

/// What a failed pod does to its Job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PodFailureAction {
    /// The Job fails.
    FailJob,
    /// The failure is not counted, and the pod is replaced.
    Ignore,
    /// The failure is counted, as without rules.
    Count,
    /// The index fails; only with a back-off limit per index.
    FailIndex,
}

/// What a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PodFailurePattern {
    /// A container that ended with a code other than zero.
    ExitCodes {
        /// Only this container.
        container: Option<Name>,
        /// Codes.
        codes: Vec<i32>,
        /// The code is one of them, or none of them.
        listed: bool,
    },
    /// A condition of the pod that has this status.
    Conditions(Vec<(Name, Condition)>),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodFailureRule {
    /// What follows.
    pub action: PodFailureAction,
    /// When.
    pub pattern: PodFailurePattern,
}

/// What rules see of a pod that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailedPodFacts<'a> {
    /// Exit codes of containers that have ended, the ordinary ones first.
    pub exits: &'a [(Name, i32)],
    /// Conditions.
    pub conditions: &'a [(Name, Condition)],
}

impl PodFailurePattern {
    fn matches(&self, pod: &FailedPodFacts<'_>) -> bool {
        match self {
            PodFailurePattern::ExitCodes { container, codes, listed } => {
                pod.exits.iter().any(|(name, code)| {
                    *code != 0
                        && container.is_none_or(|only| only == *name)
                        && codes.contains(code) == *listed
                })
            }
            PodFailurePattern::Conditions(patterns) => {
                patterns.iter().any(|pattern| pod.conditions.contains(pattern))
            }
        }
    }
}

/// What the first rule that matches says; without one the failure counts.
pub fn pod_failure_action(rules: &[PodFailureRule], pod: &FailedPodFacts<'_>) -> PodFailureAction {
    let rule = rules.iter().find(|rule| rule.pattern.matches(pod));
    rule.map_or(PodFailureAction::Count, |rule| rule.action)
}

/// One rule by which an indexed Job is complete before all indexes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuccessRule {
    /// Indexes that matter; `None` if all do.
    pub indexes: Option<IndexSet>,
    /// How many of them have to succeed; `None` if all have to.
    pub count: Option<u32>,
}

/// True if a rule is met.
pub fn meets_success_policy(rules: &[SuccessRule], succeeded: &IndexSet) -> bool {
    rules.iter().any(|rule| match (&rule.indexes, rule.count) {
        (None, None) => false,
        (None, Some(count)) => succeeded.len() >= count,
        (Some(indexes), count) => {
            succeeded.common(indexes) >= count.unwrap_or_else(|| indexes.len())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: Name = Name(1);
    const SIDE: Name = Name(2);
    const DISRUPTION: Name = Name(3);

    #[test]
    fn the_first_rule_that_matches_decides() {
        let exit = |action, container, codes: &[i32], listed| PodFailureRule {
            action,
            pattern: PodFailurePattern::ExitCodes { container, codes: codes.to_vec(), listed },
        };
        let disrupted = vec![(DISRUPTION, Condition::True)];
        let rules = [
            PodFailureRule {
                action: PodFailureAction::Ignore,
                pattern: PodFailurePattern::Conditions(disrupted.clone()),
            },
            exit(PodFailureAction::FailJob, Some(MAIN), &[42, 43], true),
            exit(PodFailureAction::FailIndex, None, &[1, 42, 137], false),
        ];
        let action = |exits: &[(Name, i32)], conditions: &[(Name, Condition)]| {
            pod_failure_action(&rules, &FailedPodFacts { exits, conditions })
        };
        assert_eq!(action(&[(MAIN, 42)], &disrupted), PodFailureAction::Ignore);
        assert_eq!(action(&[(SIDE, 0), (MAIN, 43)], &[]), PodFailureAction::FailJob);
        assert_eq!(action(&[(SIDE, 42)], &[]), PodFailureAction::Count);
        assert_eq!(action(&[(MAIN, 2)], &[]), PodFailureAction::FailIndex);
        assert_eq!(action(&[(MAIN, 0)], &[]), PodFailureAction::Count, "zero never matches");
        let other = [(DISRUPTION, Condition::False)];
        assert_eq!(action(&[(MAIN, 1)], &other), PodFailureAction::Count);
    }

    #[test]
    fn early_success() {
        let rule = |indexes: Option<&str>, count| SuccessRule {
            indexes: indexes.map(|text| IndexSet::parse(text, 100)),
            count,
        };
        let done = IndexSet::parse("0,2,5-7", 10);
        for (rules, met) in [
            (vec![], false),
            (vec![rule(Some("0,2"), None)], true),
            (vec![rule(Some("0-2"), None)], false),
            (vec![rule(Some("0-2"), Some(2))], true),
            (vec![rule(None, Some(6)), rule(None, Some(5))], true),
            (vec![rule(None, Some(6))], false),
        ] {
            assert_eq!(meets_success_policy(&rules, &done), met, "{rules:?}");
        }
    }
}
