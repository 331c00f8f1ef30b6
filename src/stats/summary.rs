//! The seven numbers that are published of every distribution: a mean is never shown alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Count, mean, quantiles (nearest rank) and maximum of some samples. All zero without samples.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Number of samples.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// The smallest sample that half of the samples do not exceed.
    pub p50: f64,
    /// The smallest sample that 90 % of the samples do not exceed.
    pub p90: f64,
    /// The smallest sample that 95 % of the samples do not exceed.
    pub p95: f64,
    /// The smallest sample that 99 % of the samples do not exceed.
    pub p99: f64,
    /// The largest sample.
    pub max: f64,
}

/// One number of a [`Summary`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stat {
    /// Number of samples.
    Count,
    /// Arithmetic mean.
    Mean,
    /// Median.
    P50,
    /// 90th percentile.
    P90,
    /// 95th percentile.
    P95,
    /// 99th percentile.
    P99,
    /// Maximum.
    Max,
}

impl Stat {
    /// All numbers, in the order in which they are shown.
    pub const ALL: [Stat; 7] =
        [Stat::Count, Stat::Mean, Stat::P50, Stat::P90, Stat::P95, Stat::P99, Stat::Max];

    /// The last part of a metric's name.
    pub const fn name(self) -> &'static str {
        match self {
            Stat::Count => "count",
            Stat::Mean => "mean",
            Stat::P50 => "p50",
            Stat::P90 => "p90",
            Stat::P95 => "p95",
            Stat::P99 => "p99",
            Stat::Max => "max",
        }
    }

    /// The number with this name.
    pub fn from_name(name: &str) -> Option<Stat> {
        Stat::ALL.into_iter().find(|stat| stat.name() == name)
    }
}

impl Summary {
    /// One number; `None` if there are no samples to take it from.
    pub fn get(&self, stat: Stat) -> Option<f64> {
        if stat == Stat::Count {
            return Some(self.count as f64);
        }
        (self.count > 0).then_some(match stat {
            Stat::Count => self.count as f64,
            Stat::Mean => self.mean,
            Stat::P50 => self.p50,
            Stat::P90 => self.p90,
            Stat::P95 => self.p95,
            Stat::P99 => self.p99,
            Stat::Max => self.max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_found_by_its_name() {
        let summary =
            Summary { count: 7, mean: 1.0, p50: 2.0, p90: 3.0, p95: 4.0, p99: 5.0, max: 6.0 };
        let found: Vec<f64> = Stat::ALL.iter().filter_map(|stat| summary.get(*stat)).collect();
        assert_eq!(found, [7.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        for stat in Stat::ALL {
            assert_eq!(Stat::from_name(stat.name()), Some(stat));
        }
        assert_eq!(Stat::from_name("median"), None);
    }

    #[test]
    fn without_samples_there_is_only_a_count() {
        let found: Vec<_> = Stat::ALL.iter().map(|stat| Summary::default().get(*stat)).collect();
        assert_eq!(found, [Some(0.0), None, None, None, None, None, None]);
    }
}
