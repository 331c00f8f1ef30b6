//! How unevenly something is spread over its holders: standard deviation, range and Gini
//! coefficient, of the whole population.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The three measures of spread that are published together.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// Standard deviation (of the population, divisor n).
    pub standard_deviation: f64,
    /// Largest less smallest value.
    pub range: f64,
    /// Gini coefficient, 0 (even) to 1 - 1/n (one holds all).
    pub gini: f64,
}

impl Spread {
    /// The spread of these values, which are sorted by the call.
    pub fn of(values: &mut [f64]) -> Spread {
        values.sort_unstable_by(f64::total_cmp);
        let [first, .., last] = values else {
            return Spread::default();
        };
        Spread {
            range: *last - *first,
            standard_deviation: standard_deviation(values),
            gini: gini(values),
        }
    }
}

/// Arithmetic mean, zero without values.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Standard deviation of a whole population, zero without values.
pub fn standard_deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    let squares: Vec<f64> = values.iter().map(|v| (v - centre) * (v - centre)).collect();
    mean(&squares).sqrt()
}

/// Gini coefficient of values that are not negative and in ascending order; zero if all are zero.
pub fn gini(ascending: &[f64]) -> f64 {
    let total: f64 = ascending.iter().sum();
    if total <= 0.0 {
        return 0.0;
    }
    let count = ascending.len() as f64;
    let ranked: f64 = ascending.iter().enumerate().map(|(i, v)| (i + 1) as f64 * v).sum();
    (2.0 * ranked / (count * total) - (count + 1.0) / count).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        for (values, deviation, range, gini) in [
            (vec![], 0.0, 0.0, 0.0),
            (vec![0.7], 0.0, 0.0, 0.0),
            (vec![0.5, 0.5, 0.5], 0.0, 0.0, 0.0),
            (vec![0.0, 0.0], 0.0, 0.0, 0.0),
            (vec![1.0, 0.0, 0.0, 0.0], 0.433_012_701_892_219_3, 1.0, 0.75),
            (vec![4.0, 1.0, 3.0, 2.0], 1.118_033_988_749_895, 3.0, 0.25),
        ] {
            let spread = Spread::of(&mut values.clone());
            assert!((spread.standard_deviation - deviation).abs() < 1e-12, "{values:?}");
            assert!((spread.range - range).abs() < 1e-12, "{values:?}");
            assert!((spread.gini - gini).abs() < 1e-12, "{values:?}: {}", spread.gini);
        }
    }
}
