//! Means over time of levels that grow steadily between changes: integrals of linear pieces, in
//! integers.

use crate::ground::{Span, Time};
use serde::{Deserialize, Serialize};

/// Nanoseconds of an hour: amounts are kept so many times as large, so that growth is exact.
const HOUR: u128 = Span::from_secs(3600).as_nanos() as u128;

/// An amount that grows steadily from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Line {
    amount: u64,
    per_hour: u64,
    since: Time,
}

impl Line {
    /// `amount` at `since`, growing by `per_hour` each hour.
    pub fn new(amount: u64, per_hour: u64, since: Time) -> Line {
        Line { amount, per_hour, since }
    }

    /// The amount times `HOUR` at an instant not before its start.
    fn scaled(&self, at: Time) -> u128 {
        let grown = u128::from(self.per_hour) * u128::from(at.since(self.since).as_nanos());
        u128::from(self.amount) * HOUR + grown
    }
}

/// A sum of lines, with the area under it since the start of the run. Each piece of the area is
/// rounded down by less than one unit for one nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ramp {
    /// Level times `HOUR` at `since`.
    scaled: u128,
    per_hour: u128,
    since: Time,
    area: u128,
}

impl Ramp {
    /// Nothing from the start of the run.
    pub fn new() -> Ramp {
        Ramp::default()
    }

    fn scaled_at(&self, at: Time) -> u128 {
        self.scaled + self.per_hour * u128::from(at.since(self.since).as_nanos())
    }

    fn advance(&mut self, at: Time) {
        self.area = self.area_until(at);
        self.scaled = self.scaled_at(at);
        self.since = at;
    }

    /// The line is part of the sum from this instant on.
    pub fn add(&mut self, at: Time, line: &Line) {
        self.advance(at);
        self.scaled += line.scaled(at);
        self.per_hour += u128::from(line.per_hour);
    }

    /// The line is not part of the sum any more.
    ///
    /// # Panics
    /// If it never was.
    pub fn remove(&mut self, at: Time, line: &Line) {
        self.advance(at);
        let left = self.scaled.checked_sub(line.scaled(at));
        self.scaled = left.expect("what is taken away was added before");
        self.per_hour -= u128::from(line.per_hour);
    }

    /// The level at an instant not before the last change.
    pub fn level(&self, at: Time) -> f64 {
        self.scaled_at(at) as f64 / HOUR as f64
    }

    /// Level times nanoseconds from the start of the run to an instant not before the last change.
    pub fn area_until(&self, at: Time) -> u128 {
        let nanos = u128::from(at.since(self.since).as_nanos());
        let (whole, part) = (self.scaled / HOUR, self.scaled % HOUR);
        // Twice the triangle that growth adds, in units for nanoseconds.
        let grown = self.per_hour * nanos;
        let twice = grown / HOUR * nanos + grown % HOUR * nanos / HOUR;
        self.area + whole * nanos + part * nanos / HOUR + twice / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_triangle_has_half_the_area_of_its_box() {
        let hour = |number: u64| Time::from_secs(3600 * number);
        let line = Line::new(10, 4, hour(1));
        let mut ramp = Ramp::new();
        ramp.add(hour(1), &line);
        assert_eq!(ramp.area_until(hour(1)), 0);
        assert_eq!(ramp.level(hour(3)), 18.0);
        assert_eq!(ramp.area_until(hour(3)), (2 * 10 + 8) * HOUR);
        ramp.remove(hour(3), &line);
        assert_eq!((ramp.level(hour(9)), ramp.area_until(hour(9))), (0.0, 28 * HOUR));
    }

    #[test]
    fn a_large_cluster_for_a_long_time_does_not_overflow() {
        let mut ramp = Ramp::new();
        let line = Line::new(1 << 40, 1 << 40, Time::ZERO);
        (0..20_000).for_each(|_| ramp.add(Time::ZERO, &line));
        let year = Time::from_secs(365 * 86_400);
        let hours = 365.0 * 24.0;
        let expected = 20_000.0 * (1u64 << 40) as f64 * (hours + hours * hours / 2.0);
        let area = ramp.area_until(year) as f64 / HOUR as f64;
        assert!((area / expected - 1.0).abs() < 1e-12, "{area} {expected}");
    }

    proptest! {
        #[test]
        fn the_sum_is_that_of_its_lines(
            lines in prop::collection::vec((0u64..1000, 0u64..100, 0u64..50, 0u64..50), 1..20),
        ) {
            let at = |minutes: u64| Time::from_secs(60 * minutes);
            let mut changes = Vec::new();
            let mut expected = 0.0;
            for (amount, per_hour, start, length) in lines {
                let line = Line::new(amount, per_hour, at(start));
                changes.extend([(start, true, line), (start + length, false, line)]);
                let hours = length as f64 / 60.0;
                expected += amount as f64 * hours + per_hour as f64 * hours * hours / 2.0;
            }
            changes.sort_by_key(|(start, joins, _)| (*start, !*joins));
            let mut ramp = Ramp::new();
            for (start, joins, line) in changes {
                if joins { ramp.add(at(start), &line) } else { ramp.remove(at(start), &line) }
            }
            prop_assert_eq!(ramp.level(at(200)), 0.0);
            let area = ramp.area_until(at(200)) as f64 / HOUR as f64;
            prop_assert!((area - expected).abs() < 1e-6, "{} {}", area, expected);
        }
    }
}
