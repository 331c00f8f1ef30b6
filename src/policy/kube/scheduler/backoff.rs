//! How long a pod waits after failed attempts, and the whole seconds on which such waits end
//! (`backend/queue/backoff_queue.go`, Kubernetes 1.34).

use crate::ground::{Span, Time};
use serde::{Deserialize, Serialize};

/// Period of the act that moves pods out of back-off; it falls on whole seconds.
pub(super) const FLUSH_PERIOD: Span = Span::from_secs(1);

/// The delays after failed attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backoff {
    /// Delay after the first failure.
    pub(crate) initial: Span,
    /// Longest delay.
    pub(crate) max: Span,
}

impl Backoff {
    /// Delay after `failures` failures: doubles with each, up to the longest.
    pub(crate) fn duration(self, failures: u32) -> Span {
        let Some(shift) = failures.checked_sub(1) else { return Span::ZERO };
        let (initial, max) = (self.initial.as_nanos(), self.max.as_nanos());
        if initial > max.checked_shr(shift).unwrap_or(0) {
            return self.max;
        }
        Span::from_nanos(initial.checked_shl(shift).unwrap_or(0))
    }

    /// The second in which the wait ends, or `None` without a wait.
    pub(crate) fn expiry(self, failures: u32, timestamp: Time) -> Option<Time> {
        (failures > 0).then(|| (timestamp + self.duration(failures)).truncate_to_second())
    }
}

/// True while a wait that ends in the second `expiry` is not over: it lasts that second too.
pub(super) fn is_backing_off(expiry: Time, now: Time) -> bool {
    expiry >= now.truncate_to_second()
}

/// The instant at which a wait that ends in the second `expiry` is over.
pub(super) fn flushed_at(expiry: Time) -> Time {
    expiry + FLUSH_PERIOD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_the_specification() {
        let backoff = Backoff { initial: Span::from_secs(1), max: Span::from_secs(10) };
        for (failures, seconds) in
            [(0, 0), (1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (6, 10), (64, 10), (1000, 10)]
        {
            assert_eq!(backoff.duration(failures), Span::from_secs(seconds), "{failures}");
        }
        let none = Backoff { initial: Span::ZERO, max: Span::from_secs(10) };
        assert_eq!(none.duration(40), Span::ZERO);
        assert_eq!(none.duration(400), Span::ZERO);
    }

    #[test]
    fn a_wait_lasts_to_the_end_of_its_last_second() {
        let backoff = Backoff { initial: Span::from_secs(1), max: Span::from_secs(10) };
        let at = |millis: u64| Time::from_nanos(millis * 1_000_000);
        assert_eq!(backoff.expiry(0, at(300)), None);
        let expiry = backoff.expiry(1, at(300)).unwrap();
        assert_eq!(expiry, at(1000));
        assert!(is_backing_off(expiry, at(1000)));
        assert!(is_backing_off(expiry, at(1999)));
        assert!(!is_backing_off(expiry, at(2000)));
        assert_eq!(flushed_at(expiry), at(2000));
    }
}
