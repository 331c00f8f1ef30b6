//! Probability distributions of numbers without a unit, with the same bits on every machine.
//!
//! Every sample is the inverse of the distribution function at one uniform number of 53 bits, so a
//! sample costs one draw and a larger draw never gives a smaller sample; only the gamma
//! distribution rejects and may take more. Formulas: Weibull, log-normal and Pareto as in
//! Johnson, Kotz, Balakrishnan, "Continuous Univariate Distributions"; normal quantile AS241
//! (Wichura 1988, see [`normal_quantile`]); gamma by Marsaglia and Tsang, "A simple method for
//! generating gamma variables", ACM TOMS 26 (2000).

use super::math;
use super::normal::normal_quantile;
use rand::Rng;
use rand_distr::Distribution;
use serde::{Deserialize, Serialize};

/// Why a distribution cannot be made. The texts say what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DistError {
    /// A parameter that has to be above zero and finite is not.
    #[error("`{0}` must be a finite number above 0")]
    NotPositive(&'static str),
    /// A parameter that has to be at least zero and finite is not.
    #[error("`{0}` must be a finite number, at least 0")]
    Negative(&'static str),
    /// A parameter is infinite or not a number.
    #[error("`{0}` must be a finite number")]
    NotFinite(&'static str),
    /// Two parameters are in the wrong order.
    #[error("`{lower}` must not be above `{upper}`")]
    Order {
        /// The parameter that has to be the smaller one.
        lower: &'static str,
        /// The parameter that has to be the larger one.
        upper: &'static str,
    },
    /// Too few or too many of the parameters that say the same thing.
    #[error("a {kind} distribution takes exactly one of {choices}")]
    Choice {
        /// Kind of distribution.
        kind: &'static str,
        /// The parameters, of which one is to be given.
        choices: &'static str,
    },
    /// A table without values.
    #[error("an empirical distribution needs at least one value with a weight above 0")]
    Empty,
    /// The table of an empirical distribution could not be read.
    #[error("{0}")]
    Table(String),
    /// A residual life was asked of a distribution that has none or whose residual life has no
    /// exact form here.
    #[error("a process cannot start in equilibrium with {0}; use `start: new`")]
    NoEquilibrium(&'static str),
}

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
    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let below = std::iter::once(0.0).chain(self.up_to.iter().copied());
        self.values.iter().zip(&self.up_to).zip(below).map(|((v, up), low)| (*v, up - low))
    }
}

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

fn finite(what: &'static str, value: f64) -> Result<f64, DistError> {
    if value.is_finite() { Ok(value) } else { Err(DistError::NotFinite(what)) }
}

fn positive(what: &'static str, value: f64) -> Result<f64, DistError> {
    if value.is_finite() && value > 0.0 { Ok(value) } else { Err(DistError::NotPositive(what)) }
}

fn not_negative(what: &'static str, value: f64) -> Result<f64, DistError> {
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err(DistError::Negative(what)) }
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
            Kind::Empirical(table) => table.values[0],
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
