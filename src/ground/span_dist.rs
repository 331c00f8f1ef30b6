//! Distributions of lengths of time, ready to be sampled.

use super::{Dist, DistError, Span, Stream};
use rand_distr::Distribution;
use serde::{Deserialize, Serialize};

/// A distribution of lengths of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanDist {
    seconds: SpanKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum SpanKind {
    /// Exact to the nanosecond, and free of draws.
    Constant(Span),
    /// Seconds.
    Drawn(Dist),
}

impl SpanDist {
    /// Always the same length.
    pub const fn constant(span: Span) -> SpanDist {
        SpanDist { seconds: SpanKind::Constant(span) }
    }

    /// Lengths in seconds; negative samples become zero.
    pub const fn of_seconds(dist: Dist) -> SpanDist {
        SpanDist { seconds: SpanKind::Drawn(dist) }
    }

    /// A length, rounded to the nanosecond; samples below zero become zero.
    pub fn sample(&self, stream: &mut Stream) -> Span {
        match &self.seconds {
            SpanKind::Constant(span) => *span,
            SpanKind::Drawn(dist) => Span::from_secs_f64(dist.sample(stream)),
        }
    }

    /// The mean in seconds, `None` if it is infinite. A normal distribution's is that before
    /// samples below zero are made zero.
    pub fn mean_secs(&self) -> Option<f64> {
        match &self.seconds {
            SpanKind::Constant(span) => Some(span.as_secs_f64()),
            SpanKind::Drawn(dist) => dist.mean(),
        }
    }

    /// True if no draw is needed: every sample is the same.
    pub const fn is_constant(&self) -> bool {
        matches!(self.seconds, SpanKind::Constant(_))
    }

    /// The distribution of the interval that covers an instant chosen at random, see
    /// [`Dist::length_biased`].
    pub fn length_biased(&self) -> Result<SpanDist, DistError> {
        match &self.seconds {
            SpanKind::Constant(Span::ZERO) => {
                Err(DistError::NoEquilibrium("lengths that are zero or negative"))
            }
            SpanKind::Constant(span) => Ok(SpanDist::constant(*span)),
            SpanKind::Drawn(dist) => dist.length_biased().map(SpanDist::of_seconds),
        }
    }
}
