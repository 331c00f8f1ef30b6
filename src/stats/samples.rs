//! A set of integer samples whose quantiles are exact up to a limit of ten million values.
//!
//! Beyond the limit the values move into a histogram of 128 equal steps per power of two, after
//! which a quantile may be too high by at most one part in 128; count, sum, minimum and maximum
//! stay exact. So memory never exceeds 80 MB.

use super::Summary;
use serde::{Deserialize, Serialize};

/// Most values that are kept one by one.
const EXACT_LIMIT: usize = 10_000_000;
/// Equal steps per power of two in the histogram.
const STEPS: u64 = 128;
/// log2 of `STEPS`.
const STEP_BITS: u32 = STEPS.trailing_zeros();

/// Non-negative integer samples, such as nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Samples {
    values: Vec<u64>,
    histogram: Vec<u64>,
    count: u64,
    sum: u128,
    max: u64,
}

/// The step that a value falls into. Values below `STEPS` have a step each.
const fn step_of(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let shift = value.ilog2() - STEP_BITS;
    ((shift as u64 + 1) * STEPS + (value >> shift) - STEPS) as usize
}

/// The largest value of a step.
const fn end_of(step: usize) -> u64 {
    let step = step as u64;
    if step < STEPS {
        return step;
    }
    let shift = step / STEPS - 1;
    let end = ((step % STEPS + STEPS) as u128 + 1) << shift;
    (end - 1) as u64
}

impl Samples {
    /// No samples yet.
    pub fn new() -> Samples {
        Samples::default()
    }

    /// Adds a sample.
    pub fn add(&mut self, value: u64) {
        self.count += 1;
        self.sum += u128::from(value);
        self.max = self.max.max(value);
        if self.is_exact() && self.values.len() < EXACT_LIMIT {
            self.values.push(value);
        } else {
            self.spill();
            self.histogram[step_of(value)] += 1;
        }
    }

    fn spill(&mut self) {
        if self.histogram.is_empty() {
            self.histogram = vec![0; step_of(u64::MAX) + 1];
        }
        for value in std::mem::take(&mut self.values) {
            self.histogram[step_of(value)] += 1;
        }
    }

    /// Number of samples.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Sum of all samples.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// False once there were so many samples that quantiles are rounded up by up to 1/128.
    pub fn is_exact(&self) -> bool {
        self.histogram.is_empty()
    }

    /// The quantiles at these shares, each numerator over `parts`, ascending or not: the smallest
    /// sample that at least that share of the samples does not exceed (nearest rank). Empty
    /// without samples.
    pub fn quantiles(&self, shares: &[u64], parts: u64) -> Vec<u64> {
        if self.count == 0 {
            return Vec::new();
        }
        let rank = |share: u64| {
            let rank = (u128::from(share) * u128::from(self.count)).div_ceil(u128::from(parts));
            (rank as u64).clamp(1, self.count)
        };
        if self.is_exact() {
            let mut sorted = self.values.clone();
            sorted.sort_unstable();
            return shares.iter().map(|share| sorted[rank(*share) as usize - 1]).collect();
        }
        shares.iter().map(|share| self.rough_quantile(rank(*share))).collect()
    }

    fn rough_quantile(&self, rank: u64) -> u64 {
        let mut seen = 0;
        for (step, count) in self.histogram.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return end_of(step).min(self.max);
            }
        }
        self.max
    }

    /// The published numbers, each sample divided by `unit` (1e9 turns nanoseconds to seconds).
    pub fn summary(&self, unit: f64) -> Summary {
        let quantiles = self.quantiles(&[50, 90, 95, 99], 100);
        let [p50, p90, p95, p99] = quantiles[..] else {
            return Summary::default();
        };
        let scaled = |value: u64| value as f64 / unit;
        Summary {
            count: self.count,
            mean: self.sum as f64 / self.count as f64 / unit,
            p50: scaled(p50),
            p90: scaled(p90),
            p95: scaled(p95),
            p99: scaled(p99),
            max: scaled(self.max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nearest_rank() {
        let mut samples = Samples::new();
        for value in [15, 20, 35, 40, 50] {
            samples.add(value);
        }
        for (percent, expected) in [(5, 15), (30, 20), (40, 20), (50, 35), (100, 50), (0, 15)] {
            assert_eq!(samples.quantiles(&[percent], 100), [expected], "{percent} %");
        }
        let summary = samples.summary(10.0);
        assert_eq!((summary.count, summary.mean, summary.p50), (5, 3.2, 3.5));
        assert_eq!((summary.p90, summary.max), (5.0, 5.0));
        assert_eq!(Samples::new().summary(1.0), Summary::default());
    }

    #[test]
    fn steps_cover_every_value_once() {
        for value in [0, 1, 127, 128, 129, 255, 256, 257, 1 << 40, u64::MAX - 1, u64::MAX] {
            let step = step_of(value);
            assert!(end_of(step) >= value, "{value}");
            assert!(step == 0 || end_of(step - 1) < value, "{value}");
            assert!(end_of(step) - value <= value / STEPS, "{value}");
        }
    }

    proptest! {
        #[test]
        fn a_spilled_set_is_off_by_less_than_one_step(
            values in prop::collection::vec(0u64..1 << 50, 1..200),
        ) {
            let mut exact = Samples::new();
            let mut spilled = Samples::new();
            spilled.spill();
            for value in &values {
                exact.add(*value);
                spilled.add(*value);
            }
            prop_assert!(exact.is_exact() && !spilled.is_exact());
            let shares: Vec<u64> = (0..=100).collect();
            let pairs = exact.quantiles(&shares, 100).into_iter();
            for (right, rough) in pairs.zip(spilled.quantiles(&shares, 100)) {
                prop_assert!(rough >= right && rough - right <= right / STEPS);
            }
            prop_assert_eq!((exact.count, exact.sum), (spilled.count, spilled.sum));
        }
    }
}
