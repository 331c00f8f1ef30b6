//! Probability distributions of numbers without a unit, with the same bits on every machine.
//!
//! Every sample is the inverse of the distribution function at one uniform number of 53 bits, so a
//! sample costs one draw and a larger draw never gives a smaller sample; only the gamma
//! distribution rejects and may take more. Formulas: Weibull, log-normal and Pareto as in
//! Johnson, Kotz, Balakrishnan, "Continuous Univariate Distributions"; normal quantile AS241
//! (Wichura 1988, see [`normal_quantile`]); gamma by Marsaglia and Tsang, "A simple method for
//! generating gamma variables", ACM TOMS 26 (2000).

use super::dist_error::{DistError, finite, not_negative, positive};
use super::empirical::Empirical;
use super::math;
use super::normal::normal_quantile;
use rand::Rng;
use rand_distr::Distribution;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Kind {
    Constant(f64),
    Uniform {
        min: f64,
        max: f64,
    },
    /// Density proportional to the value: the length-biased form of `Uniform`.
    Ramp {
        min: f64,
        max: f64,
    },
    Exponential {
        mean: f64,
    },
    Normal {
        mean: f64,
        sd: f64,
    },
    LogNormal {
        mu: f64,
        sigma: f64,
    },
    Weibull {
        shape: f64,
        scale: f64,
    },
    /// A Weibull variable weighted by its value: `scale * G^(1/shape)`, G gamma of `1 + 1/shape`.
    WeibullBiased {
        shape: f64,
        scale: f64,
    },
    Pareto {
        shape: f64,
        min: f64,
    },
    /// The shape may be any number here: the length-biased form has a shape smaller by one.
    TruncatedPareto {
        shape: f64,
        min: f64,
        max: f64,
    },
    Gamma {
        shape: f64,
        scale: f64,
    },
    Empirical(Empirical),
}

/// A distribution of numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Dist {
    kind: Kind,
}

impl Dist {
    /// Always the same value.
    pub fn constant(value: f64) -> Result<Dist, DistError> {
        Ok(Kind::Constant(finite("constant", value)?).into())
    }

    /// Every value between `min` and `max` alike.
    pub fn uniform(min: f64, max: f64) -> Result<Dist, DistError> {
        let (min, max) = (finite("min", min)?, finite("max", max)?);
        if min > max {
            return Err(DistError::Order { lower: "min", upper: "max" });
        }
        finite("max", max - min)?;
        Ok(Kind::Uniform { min, max }.into())
    }

    /// Without memory, with this mean.
    pub fn exponential(mean: f64) -> Result<Dist, DistError> {
        Ok(Kind::Exponential { mean: positive("mean", mean)? }.into())
    }

    /// Normal with this mean and standard deviation.
    pub fn normal(mean: f64, sd: f64) -> Result<Dist, DistError> {
        Ok(Kind::Normal { mean: finite("mean", mean)?, sd: not_negative("sd", sd)? }.into())
    }

    /// Log-normal with this median; `sigma` is the standard deviation of the logarithm.
    pub fn lognormal(median: f64, sigma: f64) -> Result<Dist, DistError> {
        let mu = math::ln(positive("median", median)?);
        Ok(Kind::LogNormal { mu, sigma: not_negative("sigma", sigma)? }.into())
    }

    /// Log-normal with this median and 95th percentile.
    pub fn lognormal_p95(median: f64, p95: f64) -> Result<Dist, DistError> {
        let ratio = positive("p95", p95)? / positive("median", median)?;
        if ratio < 1.0 {
            return Err(DistError::Order { lower: "median", upper: "p95" });
        }
        Dist::lognormal(median, math::ln(ratio) / normal_quantile(0.95))
    }

    /// Log-normal with this median and mean: `sigma = sqrt(2 ln(mean / median))`.
    pub fn lognormal_mean(median: f64, mean: f64) -> Result<Dist, DistError> {
        let ratio = positive("mean", mean)? / positive("median", median)?;
        if ratio < 1.0 {
            return Err(DistError::Order { lower: "median", upper: "mean" });
        }
        Dist::lognormal(median, (2.0 * math::ln(ratio)).sqrt())
    }

    /// Weibull: `scale * (-ln u)^(1/shape)`. A shape below 1 means that what survived is likelier
    /// to survive longer, above 1 that it wears out.
    pub fn weibull(shape: f64, scale: f64) -> Result<Dist, DistError> {
        let (shape, scale) = (positive("shape", shape)?, positive("scale", scale)?);
        Ok(Kind::Weibull { shape, scale }.into())
    }

    /// Weibull with this mean: `scale = mean / Gamma(1 + 1/shape)`.
    pub fn weibull_mean(shape: f64, mean: f64) -> Result<Dist, DistError> {
        let (shape, mean) = (positive("shape", shape)?, positive("mean", mean)?);
        let scale = mean / math::exp(math::ln_gamma(1.0 + 1.0 / shape));
        Dist::weibull(shape, scale)
    }

    /// Pareto: `min * u^(-1/shape)`, at most `max` if that is given (truncated, not clipped).
    pub fn pareto(shape: f64, min: f64, max: Option<f64>) -> Result<Dist, DistError> {
        let (shape, min) = (positive("shape", shape)?, positive("min", min)?);
        let Some(max) = max else { return Ok(Kind::Pareto { shape, min }.into()) };
        if min > positive("max", max)? {
            return Err(DistError::Order { lower: "min", upper: "max" });
        }
        Ok(Kind::TruncatedPareto { shape, min, max }.into())
    }

    /// Gamma with this shape and mean.
    pub fn gamma(shape: f64, mean: f64) -> Result<Dist, DistError> {
        let scale = positive("mean", mean)? / positive("shape", shape)?;
        Ok(Kind::Gamma { shape, scale: positive("mean", scale)? }.into())
    }

    /// The values of a table.
    pub fn empirical(table: Empirical) -> Dist {
        Kind::Empirical(table).into()
    }

    /// The mean, or `None` if it is infinite.
    pub fn mean(&self) -> Option<f64> {
        let mean = match &self.kind {
            Kind::Constant(value) => *value,
            Kind::Uniform { min, max } => min + 0.5 * (max - min),
            Kind::Ramp { min, max } => {
                2.0 / 3.0 * (min * min + min * max + max * max) / (min + max)
            }
            Kind::Exponential { mean } | Kind::Normal { mean, .. } => *mean,
            Kind::LogNormal { mu, sigma } => math::exp(mu + 0.5 * sigma * sigma),
            Kind::Weibull { shape, scale } => scale * math::exp(math::ln_gamma(1.0 + 1.0 / shape)),
            Kind::WeibullBiased { shape, scale } => {
                let log = math::ln_gamma(1.0 + 2.0 / shape) - math::ln_gamma(1.0 + 1.0 / shape);
                scale * math::exp(log)
            }
            Kind::Pareto { shape, .. } if *shape <= 1.0 => f64::INFINITY,
            Kind::Pareto { shape, min } => shape * min / (shape - 1.0),
            Kind::TruncatedPareto { shape, min, max } => truncated_pareto_mean(*shape, *min, *max),
            Kind::Gamma { shape, scale } => shape * scale,
            Kind::Empirical(table) => table.mean(),
        };
        mean.is_finite().then_some(mean)
    }

    /// The value below which a share `u` (above 0, below 1) of all samples lies; `None` where there
    /// is no closed form (gamma, and the length-biased Weibull).
    pub fn quantile(&self, u: f64) -> Option<f64> {
        Some(match &self.kind {
            Kind::Constant(value) => *value,
            Kind::Uniform { min, max } => min + u * (max - min),
            Kind::Ramp { min, max } => (min * min + u * (max * max - min * min)).sqrt(),
            Kind::Exponential { mean } => mean * -math::ln_1p(-u),
            Kind::Normal { mean, sd } => mean + sd * normal_quantile(u),
            Kind::LogNormal { mu, sigma } => math::exp(mu + sigma * normal_quantile(u)),
            Kind::Weibull { shape, scale } => scale * math::pow(-math::ln_1p(-u), 1.0 / shape),
            Kind::Pareto { shape, min } => min * math::pow(1.0 - u, -1.0 / shape),
            Kind::TruncatedPareto { shape, min, max } => {
                truncated_pareto_quantile(*shape, *min, *max, u)
            }
            Kind::Empirical(table) => table.quantile(u),
            Kind::WeibullBiased { .. } | Kind::Gamma { .. } => return None,
        })
    }

    /// The distribution of the length of the interval that covers an instant chosen at random, in
    /// a sequence of intervals of this distribution: each length weighs in proportion to itself.
    ///
    /// A uniform part of such an interval is the residual life of a renewal process in
    /// equilibrium. Every form here is exact; a normal distribution has none, because its
    /// negative part is cut off, and neither has one with an infinite or zero mean.
    pub fn length_biased(&self) -> Result<Dist, DistError> {
        if self.mean().is_none() {
            return Err(DistError::NoEquilibrium("a distribution whose mean is infinite"));
        }
        let lowest = match &self.kind {
            Kind::Constant(value) => *value,
            Kind::Uniform { min, .. } | Kind::Ramp { min, .. } => *min,
            Kind::Empirical(table) => table.lowest(),
            _ => 0.0,
        };
        if lowest < 0.0 || self.mean() == Some(0.0) {
            return Err(DistError::NoEquilibrium("lengths that are zero or negative"));
        }
        let kind = match &self.kind {
            Kind::Constant(value) => Kind::Constant(*value),
            Kind::Uniform { min, max } => Kind::Ramp { min: *min, max: *max },
            Kind::Exponential { mean } => Kind::Gamma { shape: 2.0, scale: *mean },
            Kind::LogNormal { mu, sigma } => {
                Kind::LogNormal { mu: mu + sigma * sigma, sigma: *sigma }
            }
            Kind::Weibull { shape, scale } => Kind::WeibullBiased { shape: *shape, scale: *scale },
            Kind::Pareto { shape, min } => Kind::Pareto { shape: shape - 1.0, min: *min },
            Kind::TruncatedPareto { shape, min, max } => {
                Kind::TruncatedPareto { shape: shape - 1.0, min: *min, max: *max }
            }
            Kind::Gamma { shape, scale } => Kind::Gamma { shape: shape + 1.0, scale: *scale },
            Kind::Empirical(table) => {
                Kind::Empirical(Empirical::new(table.pairs().map(|(v, w)| (v, v * w)))?)
            }
            Kind::Normal { .. } => return Err(DistError::NoEquilibrium("a normal distribution")),
            Kind::Ramp { .. } | Kind::WeibullBiased { .. } => {
                return Err(DistError::NoEquilibrium("a distribution that is length-biased"));
            }
        };
        Ok(kind.into())
    }
}

impl From<Kind> for Dist {
    fn from(kind: Kind) -> Dist {
        Dist { kind }
    }
}

fn truncated_pareto_mean(shape: f64, min: f64, max: f64) -> f64 {
    // Of the density x^(-shape-1): the integral of x times it over the integral of it.
    let integral = |power: f64| {
        if power == 0.0 { math::ln(max / min) } else { (math::pow(max / min, power) - 1.0) / power }
    };
    if max == min { min } else { min * integral(1.0 - shape) / integral(-shape) }
}

fn truncated_pareto_quantile(shape: f64, min: f64, max: f64, u: f64) -> f64 {
    let value = if shape == 0.0 {
        min * math::pow(max / min, u)
    } else {
        let cut = 1.0 - math::pow(min / max, shape);
        min * math::pow(1.0 - u * cut, -1.0 / shape)
    };
    value.clamp(min, max)
}

/// A uniform number in the open interval (0, 1) from one 64-bit draw, as `Stream::open01` makes it.
fn open01<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    ((rng.next_u64() >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
}

/// A gamma variable of scale 1 (Marsaglia and Tsang, with their boost for shapes below 1).
fn gamma_sample<R: Rng + ?Sized>(shape: f64, rng: &mut R) -> f64 {
    if shape < 1.0 {
        let boost = math::pow(open01(rng), 1.0 / shape);
        return boost * gamma_sample(shape + 1.0, rng);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal_quantile(open01(rng));
        let v = 1.0 + c * x;
        if v <= 0.0 {
            continue;
        }
        let v = v * v * v;
        let u = open01(rng);
        if math::ln(u) < 0.5 * x * x + d - d * v + d * math::ln(v) {
            return d * v;
        }
    }
}

impl Distribution<f64> for Dist {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        match &self.kind {
            Kind::Gamma { shape, scale } => scale * gamma_sample(*shape, rng),
            Kind::WeibullBiased { shape, scale } => {
                scale * math::pow(gamma_sample(1.0 + 1.0 / shape, rng), 1.0 / shape)
            }
            _ => self.quantile(open01(rng)).expect("every other kind has a closed form"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::{Draws, Key, Purpose, Stream};

    fn stream(number: u64) -> Stream {
        Draws::new(2024).stream(Purpose::new("dist-test"), Key(number), 0)
    }

    /// Every kind, with its exact mean and standard deviation (not a number: not checked).
    fn kinds() -> Vec<(&'static str, Dist, f64, f64)> {
        let nan = f64::NAN;
        let table = Empirical::new([(1.0, 1.0), (2.0, 2.0), (10.0, 1.0)]).unwrap();
        let root = |variance: f64| variance.sqrt();
        vec![
            ("constant", Dist::constant(3.0).unwrap(), 3.0, 0.0),
            ("uniform", Dist::uniform(1.0, 4.0).unwrap(), 2.5, root(0.75)),
            ("exponential", Dist::exponential(5.0).unwrap(), 5.0, 5.0),
            ("normal", Dist::normal(10.0, 2.0).unwrap(), 10.0, 2.0),
            ("log-normal", Dist::lognormal(1.0, 0.5).unwrap(), 1.133_148_453_066_826_4, 0.603_9),
            ("weibull", Dist::weibull(2.0, 1.0).unwrap(), 0.886_226_925_452_758, 0.463_251_4),
            ("weibull mean", Dist::weibull_mean(0.7, 4.0).unwrap(), 4.0, 5.849_698_292),
            ("pareto", Dist::pareto(5.0, 2.0, None).unwrap(), 2.5, root(5.0 / 12.0)),
            ("cut pareto", Dist::pareto(1.0, 1.0, Some(2.0)).unwrap(), 2.0 * math::ln(2.0), nan),
            ("gamma", Dist::gamma(2.5, 5.0).unwrap(), 5.0, root(10.0)),
            ("gamma small", Dist::gamma(0.5, 1.0).unwrap(), 1.0, root(2.0)),
            ("empirical", Dist::empirical(table), 3.75, root(13.1875)),
        ]
    }

    #[test]
    fn samples_have_the_exact_moments() {
        for (number, (name, dist, mean, sd)) in kinds().into_iter().enumerate() {
            let exact = dist.mean().unwrap();
            assert!((exact - mean).abs() <= 1e-12 * mean.abs(), "{name}: {exact}");
            let mut stream = stream(number as u64);
            let count = 40_000;
            let samples: Vec<f64> = (0..count).map(|_| dist.sample(&mut stream)).collect();
            let got = samples.iter().sum::<f64>() / f64::from(count);
            let square: f64 = samples.iter().map(|x| (x - got) * (x - got)).sum();
            let got_sd = (square / f64::from(count)).sqrt();
            assert!((got - mean).abs() <= 0.03 * mean, "{name}: mean {got}, not {mean}");
            let far = (got_sd - sd).abs() > 0.08 * sd + 1e-9;
            assert!(!far, "{name}: deviation {got_sd}, not {sd}");
        }
    }

    #[test]
    fn samples_follow_their_distribution_function() {
        // Kolmogorov-Smirnov: the inverse of the inverse must be uniform. 1.95 / sqrt(n) is passed
        // by chance once in a thousand.
        for (number, (name, dist, ..)) in kinds().into_iter().enumerate() {
            if dist.quantile(0.5).is_none() || name == "constant" || name == "empirical" {
                continue;
            }
            let mut stream = stream(100 + number as u64);
            let count = 4_000;
            let mut samples: Vec<f64> = (0..count).map(|_| dist.sample(&mut stream)).collect();
            samples.sort_by(f64::total_cmp);
            for percent in 1..100 {
                let u = f64::from(percent) / 100.0;
                let value = dist.quantile(u).unwrap();
                let below = samples.partition_point(|sample| *sample <= value) as f64;
                let gap = (below / f64::from(count) - u).abs();
                assert!(gap < 1.95 / f64::from(count).sqrt(), "{name} at {u}: {gap}");
            }
        }
    }

    #[test]
    fn gamma_follows_its_distribution_function() {
        // Shape 2 has the closed form 1 - (1 + x) e^-x.
        let dist = Dist::gamma(2.0, 2.0).unwrap();
        let mut stream = stream(300);
        let count = 8_000;
        let mut samples: Vec<f64> = (0..count).map(|_| dist.sample(&mut stream)).collect();
        samples.sort_by(f64::total_cmp);
        for (at, x) in samples.iter().enumerate() {
            let share = 1.0 - (1.0 + x) * math::exp(-x);
            let gap = (at as f64 / f64::from(count) - share).abs();
            assert!(gap < 1.95 / f64::from(count).sqrt(), "at {x}: {gap}");
        }
    }

    #[test]
    fn published_figures() {
        let near = |got: f64, expected: f64, within: f64| {
            assert!((got - expected).abs() <= within, "{got}, not {expected}");
        };
        // FA-3: Weibull with a mean of 8,760 h and shape 0.7.
        let weibull = Dist::weibull_mean(0.7, 8760.0).unwrap();
        near(weibull.quantile(1.0 - math::exp(-1.0)).unwrap(), 6920.40, 0.005);
        near(weibull.quantile(0.5).unwrap(), 4099.57, 0.005);
        near(weibull.quantile(0.1).unwrap(), 277.94, 0.005);
        // FA-4: log-normal with a median of 1 h and a mean of 6 h.
        let lognormal = Dist::lognormal_mean(1.0, 6.0).unwrap();
        near(lognormal.quantile(0.95).unwrap(), 22.505, 0.0005);
        let Kind::LogNormal { sigma, .. } = lognormal.kind else { panic!("{lognormal:?}") };
        near(sigma, 1.893_018, 5e-7);
        let by_p95 = Dist::lognormal_p95(20.0, 120.0).unwrap();
        near(by_p95.quantile(0.95).unwrap(), 120.0, 1e-9);
        near(by_p95.quantile(0.5).unwrap(), 20.0, 1e-12);
        near(Dist::pareto(1.5, 2.0, Some(8.0)).unwrap().quantile(1.0).unwrap(), 8.0, 1e-12);
    }

    #[test]
    fn samples_are_the_same_for_ever() {
        let golden: [[u64; 2]; 12] = [
            [0x4008_0000_0000_0000, 0x4008_0000_0000_0000],
            [0x4008_058e_9449_e8fc, 0x4004_4411_9732_c536],
            [0x3fd7_c7cf_cc5e_192b, 0x4014_ba11_4f72_a976],
            [0x4027_2a42_5d58_69b9, 0x402c_d5a6_d683_20bc],
            [0x3fea_1111_2a7e_bf3e, 0x3ff1_e5db_3997_1d11],
            [0x3ff1_b2fa_ad9b_a815, 0x3fe2_fdc2_faf3_5606],
            [0x4050_5050_4d38_4a8e, 0x3fea_7e76_c994_fcab],
            [0x4001_9ed0_03e8_c93e, 0x4000_411f_5147_3941],
            [0x3ffa_a3a0_14d6_ed5f, 0x3ff0_ca20_291e_7158],
            [0x3ff5_4dd9_7a5f_26c9, 0x4003_1494_36a7_788e],
            [0x4004_2565_9ec4_3eb3, 0x3fe0_72f1_4b2e_8edd],
            [0x4024_0000_0000_0000, 0x3ff0_0000_0000_0000],
        ];
        for (number, ((name, dist, ..), expected)) in kinds().into_iter().zip(golden).enumerate() {
            let mut stream = stream(200 + number as u64);
            let got = [(); 2].map(|()| dist.sample(&mut stream).to_bits());
            assert_eq!(got, expected, "{name}");
        }
    }

    #[test]
    fn length_biased_forms_weigh_by_length() {
        // The mean of the length-biased form is E[X^2] / E[X] of the form itself.
        for (number, (name, dist, mean, sd)) in kinds().into_iter().enumerate() {
            let biased = match dist.length_biased() {
                Ok(biased) => biased,
                Err(error) => {
                    assert_eq!(name, "normal", "{error}");
                    continue;
                }
            };
            let expected = if name == "cut pareto" {
                // E[X^2] of the density 2 / x^2 on 1 to 2 is 2.
                2.0 / mean
            } else {
                (sd * sd + mean * mean) / mean
            };
            let exact = biased.mean().unwrap();
            assert!((exact - expected).abs() < 2e-4 * expected, "{name}: {exact}, not {expected}");
            let mut stream = stream(400 + number as u64);
            let got = (0..40_000).map(|_| biased.sample(&mut stream)).sum::<f64>() / 40_000.0;
            assert!((got - exact).abs() < 0.04 * exact, "{name}: {got}, not {exact}");
        }
    }

    #[test]
    fn impossible_parameters_say_what_is_allowed() {
        let empty = Empirical::new([(1.0, 0.0)]).unwrap_err();
        for (error, part) in [
            (Dist::exponential(0.0).unwrap_err(), "`mean` must be a finite number above 0"),
            (Dist::exponential(f64::INFINITY).unwrap_err(), "`mean` must be a finite number"),
            (Dist::uniform(2.0, 1.0).unwrap_err(), "`min` must not be above `max`"),
            (Dist::normal(0.0, -1.0).unwrap_err(), "`sd` must be a finite number, at least 0"),
            (Dist::lognormal_mean(2.0, 1.0).unwrap_err(), "`median` must not be above `mean`"),
            (Dist::lognormal_p95(2.0, 1.0).unwrap_err(), "`median` must not be above `p95`"),
            (Dist::weibull(f64::NAN, 1.0).unwrap_err(), "`shape` must be"),
            (Dist::pareto(1.0, 3.0, Some(2.0)).unwrap_err(), "`min` must not be above `max`"),
            (Dist::gamma(-1.0, 3.0).unwrap_err(), "`shape` must be"),
            (Dist::constant(f64::NAN).unwrap_err(), "`constant` must be a finite number"),
            (empty, "at least one value"),
        ] {
            assert!(error.to_string().contains(part), "{error}");
        }
        assert_eq!(Dist::pareto(1.0, 1.0, None).unwrap().mean(), None);
        for dist in [
            Dist::pareto(1.0, 1.0, None).unwrap(),
            Dist::normal(1.0, 1.0).unwrap(),
            Dist::constant(0.0).unwrap(),
            Dist::uniform(-1.0, 2.0).unwrap(),
        ] {
            let error = dist.length_biased().unwrap_err().to_string();
            assert!(error.contains("`start: new`"), "{error}");
        }
    }
}
