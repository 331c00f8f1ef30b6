//! Distributions that are tables: the inverse of an empirical distribution function.

use super::dist_error::{DistError, finite, not_negative};
use serde::{Deserialize, Serialize};

/// A table of values with weights: samples are its values, as often as they weigh.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Empirical {
    /// Ascending, each once.
    values: Vec<f64>,
    /// Share of all values up to and with this one; the last is 1.
    up_to: Vec<f64>,
}

impl Empirical {
    /// The table of these values and weights. Equal values are joined; weights of 0 are dropped.
    pub fn new(pairs: impl IntoIterator<Item = (f64, f64)>) -> Result<Empirical, DistError> {
        let mut pairs: Vec<(f64, f64)> = pairs.into_iter().collect();
        for (value, weight) in &pairs {
            finite("value", *value)?;
            not_negative("weight", *weight)?;
        }
        pairs.retain(|(_, weight)| *weight > 0.0);
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut values: Vec<f64> = Vec::new();
        let mut up_to: Vec<f64> = Vec::new();
        let mut sum = 0.0;
        for (value, weight) in pairs {
            sum += weight;
            if values.last() == Some(&value) {
                *up_to.last_mut().expect("as long as the values") = sum;
            } else {
                values.push(value);
                up_to.push(sum);
            }
        }
        if values.is_empty() {
            return Err(DistError::Empty);
        }
        finite("weight", sum)?;
        for share in &mut up_to {
            *share /= sum;
        }
        Ok(Empirical { values, up_to })
    }

    /// The smallest value.
    pub(super) fn lowest(&self) -> f64 {
        self.values[0]
    }

    /// The smallest value whose share, with all below it, is at least `share`.
    pub fn quantile(&self, share: f64) -> f64 {
        let at = self.up_to.partition_point(|up_to| *up_to < share);
        self.values[at.min(self.values.len() - 1)]
    }

    /// The weighted mean.
    pub fn mean(&self) -> f64 {
        self.pairs().map(|(value, weight)| value * weight).sum()
    }

    /// Values with their shares, ascending.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let below = std::iter::once(0.0).chain(self.up_to.iter().copied());
        self.values.iter().zip(&self.up_to).zip(below).map(|((v, up), low)| (*v, up - low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_smallest_values_that_reach_the_share() {
        let table = Empirical::new([(5.0, 1.0), (1.0, 1.0), (3.0, 1.0), (3.0, 1.0)]).unwrap();
        for (share, value) in [(0.01, 1.0), (0.25, 1.0), (0.26, 3.0), (0.75, 3.0), (0.76, 5.0)] {
            assert_eq!(table.quantile(share), value, "{share}");
        }
        assert_eq!(table.mean(), 3.0);
        assert_eq!((table.quantile(0.0), table.quantile(1.0)), (1.0, 5.0));
    }

    #[test]
    fn weights_count() {
        let table = Empirical::new([(1.0, 9.0), (2.0, 1.0), (7.0, 0.0)]).unwrap();
        assert_eq!((table.quantile(0.9), table.quantile(0.95)), (1.0, 2.0));
        assert!((table.mean() - 1.1).abs() < 1e-15);
        for pairs in [vec![], vec![(1.0, -1.0)], vec![(f64::NAN, 1.0)], vec![(1.0, 0.0)]] {
            assert!(Empirical::new(pairs).is_err());
        }
    }
}
