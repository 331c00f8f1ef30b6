//! A token bucket in exact arithmetic: no token is ever lost or won by rounding.
//!
//! Source: `client-go/util/flowcontrol/throttle.go` over `golang.org/x/time/rate`, Kubernetes
//! 1.34, which computes the same with floating-point seconds.

use crate::ground::{Span, Time};
use serde::{Deserialize, Serialize};

/// A bucket that gains one token each interval up to its burst. It starts full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenBucket {
    interval: Span,
    burst: u32,
    /// When the bucket is full again if nothing more is taken. Everything else follows.
    full_at: Time,
}

impl TokenBucket {
    /// A full bucket of `burst` tokens (at least one) that gains one token each `interval`.
    pub fn new(interval: Span, burst: u32) -> TokenBucket {
        TokenBucket { interval, burst: burst.max(1), full_at: Time::ZERO }
    }

    /// Time from one token to the next.
    pub fn interval(&self) -> Span {
        self.interval
    }

    /// Most tokens that it holds.
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// The earliest time, never before `now`, at which a token can be taken.
    pub fn next_token(&self, now: Time) -> Time {
        now.max(self.full_at - self.interval * u64::from(self.burst - 1))
    }

    /// Takes the next token, now or as soon as there is one that nobody took before; when that is.
    pub fn reserve(&mut self, now: Time) -> Time {
        let at = self.next_token(now);
        self.full_at = self.full_at.max(now) + self.interval;
        at
    }

    /// Takes a token if there is one.
    pub fn try_take(&mut self, now: Time) -> bool {
        if self.next_token(now) > now {
            return false;
        }
        self.reserve(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_hundred_requests_at_twenty_a_second_with_burst_thirty() {
        let mut bucket = TokenBucket::new(Span::from_millis(50), 30);
        let mut now = Time::ZERO;
        for _ in 0..100 {
            now = bucket.reserve(now);
        }
        assert_eq!(now.since_start(), Span::from_millis(3500));
        assert!(!bucket.try_take(now));
    }

    #[test]
    fn reserved_tokens_come_one_after_the_other() {
        let mut bucket = TokenBucket::new(Span::from_millis(50), 2);
        let millis = |at: u64| Time::ZERO + Span::from_millis(at);
        let at: Vec<Time> = (0..4).map(|_| bucket.reserve(Time::ZERO)).collect();
        assert_eq!(at, [millis(0), millis(0), millis(50), millis(100)]);
        assert_eq!(bucket.reserve(millis(120)), millis(150));
        assert_eq!(bucket.reserve(millis(1000)), millis(1000));
    }

    proptest! {
        /// The plain definition: tokens as a rational number, counted in intervals.
        #[test]
        fn agrees_with_the_definition(
            burst in 1u32..5,
            interval in 1u64..20,
            gaps in prop::collection::vec(0u64..30, 1..40),
        ) {
            let mut bucket = TokenBucket::new(Span::from_nanos(interval), burst);
            let full = u64::from(burst) * interval;
            let (mut now, mut level) = (0, full);
            for gap in gaps {
                now += gap;
                level = full.min(level + gap);
                let there = level >= interval;
                prop_assert_eq!(bucket.try_take(Time::from_nanos(now)), there);
                if there {
                    level -= interval;
                }
            }
        }
    }
}
