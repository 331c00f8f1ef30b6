//! How long a Job waits after its pods failed.
//!
//! Source: `pkg/controller/job/backoff_utils.go`, Kubernetes 1.34. The documentation says that the
//! longest wait is six minutes; the code has ten.

use crate::ground::{Span, Time};
use serde::{Deserialize, Serialize};

/// The wait after the first failure (`DefaultJobPodFailureBackOff`); it doubles with each.
const FIRST: Span = Span::from_secs(10);
/// The longest wait (`MaxJobPodFailureBackOff`).
const LONGEST: Span = Span::from_secs(600);

/// Failures since the last success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JobBackoff {
    /// How many.
    pub failures: u32,
    /// When the last of these pods ended, in whole seconds.
    pub last: Option<Time>,
}

impl JobBackoff {
    /// After some pods ended, of which the controller learns now: when each succeeded or failed,
    /// in whole seconds.
    #[must_use]
    pub fn after(self, succeeded: &[Time], failed: &[Time]) -> JobBackoff {
        if succeeded.is_empty() && failed.is_empty() {
            return self;
        }
        let Some(success) = succeeded.iter().max() else {
            let new = u32::try_from(failed.len()).expect("pods are counted in 32 bits");
            return JobBackoff {
                failures: self.failures + new,
                last: failed.iter().max().copied(),
            };
        };
        let later = failed.iter().filter(|at| *at > success);
        let failures = u32::try_from(later.clone().count()).expect("pods are counted in 32 bits");
        JobBackoff { failures, last: later.max().copied() }
    }

    /// No pod is created before then; `None` if nothing failed.
    pub fn until(&self) -> Option<Time> {
        let doublings = self.failures.checked_sub(1)?;
        let wait = 1u64.checked_shl(doublings).map_or(LONGEST, |factor| FIRST * factor);
        Some(self.last.unwrap_or(Time::ZERO) + wait.min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(at: u64) -> Time {
        Time::from_secs(at)
    }

    /// Checks 12 and 19 of section 2.13.
    #[test]
    fn waits_double_up_to_ten_minutes() {
        for (failures, wait) in
            [(1, 10), (2, 20), (3, 40), (4, 80), (6, 320), (7, 600), (8, 600), (200, 600)]
        {
            let backoff = JobBackoff { failures, last: Some(seconds(50)) };
            assert_eq!(backoff.until(), Some(seconds(50 + wait)), "{failures}");
        }
        assert_eq!(JobBackoff::default().until(), None);
        let mixed = JobBackoff::default()
            .after(&[], &[seconds(10), seconds(20)])
            .after(&[seconds(30)], &[seconds(40)]);
        assert_eq!(mixed, JobBackoff { failures: 1, last: Some(seconds(40)) });
        assert_eq!(mixed.until(), Some(seconds(50)));
    }

    #[test]
    fn a_success_forgets_earlier_failures() {
        let three = JobBackoff::default().after(&[], &[seconds(1), seconds(3), seconds(2)]);
        assert_eq!(three, JobBackoff { failures: 3, last: Some(seconds(3)) });
        assert_eq!(three.after(&[], &[]), three);
        assert_eq!(three.after(&[seconds(9)], &[seconds(9)]), JobBackoff::default());
    }
}
