//! Means over time of integer levels, without rounding before the last division.

use crate::ground::Time;
use serde::{Deserialize, Serialize};

/// A level that changes at instants, with the area under it since the start of the run.
///
/// Levels within one instant do not count for the peak, only the last of them: what ends and what
/// starts at the same time are not there together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TimeWeighted {
    level: u64,
    since: Time,
    area: u128,
    peak: u64,
}

impl TimeWeighted {
    /// Level zero from the start of the run.
    pub fn new() -> TimeWeighted {
        TimeWeighted::default()
    }

    fn advance(&mut self, at: Time) {
        if at > self.since {
            self.area = self.area_until(at);
            self.peak = self.peak.max(self.level);
            self.since = at;
        }
    }

    /// The level is this from now on.
    pub fn set(&mut self, at: Time, level: u64) {
        self.advance(at);
        self.level = level;
    }

    /// The level rises by this much.
    pub fn add(&mut self, at: Time, amount: u64) {
        self.set(at, self.level + amount);
    }

    /// The level falls by this much.
    ///
    /// # Panics
    /// If it would fall below zero: something ends that never began.
    pub fn subtract(&mut self, at: Time, amount: u64) {
        let level = self.level.checked_sub(amount);
        self.set(at, level.expect("what is taken away was added before"));
    }

    /// The level now.
    pub fn level(&self) -> u64 {
        self.level
    }

    /// Level times nanoseconds from the start of the run to this instant, which is not before the
    /// last change.
    pub fn area_until(&self, at: Time) -> u128 {
        self.area + u128::from(self.level) * u128::from(at.since(self.since).as_nanos())
    }

    /// Mean level from the start of the run to this instant; the level itself at the start.
    pub fn mean_until(&self, at: Time) -> f64 {
        match at.as_nanos() {
            0 => self.level as f64,
            nanos => self.area_until(at) as f64 / nanos as f64,
        }
    }

    /// The highest level that was held for some time, the present level included.
    pub fn peak(&self) -> u64 {
        self.peak.max(self.level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_peak_over_time() {
        let at = Time::from_secs;
        let mut level = TimeWeighted::new();
        level.set(at(10), 4);
        level.add(at(20), 6);
        level.subtract(at(20), 8); // 10 was held for no time at all
        level.set(at(40), 0);
        assert_eq!(level.area_until(at(50)), (10 * 4 + 20 * 2) * 1_000_000_000);
        assert_eq!(level.mean_until(at(50)), 1.6);
        assert_eq!(level.peak(), 4);
        assert_eq!(TimeWeighted::new().mean_until(Time::ZERO), 0.0);
    }

    #[test]
    #[should_panic(expected = "added before")]
    fn a_level_never_falls_below_zero() {
        TimeWeighted::new().subtract(Time::ZERO, 1);
    }
}
