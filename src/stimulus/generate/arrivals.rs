//! When pods arrive.

use crate::ground::{Span, SpanDistParams};
use crate::stimulus::{Rate, Ratio};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When pods arrive: at random with a rate, or one after another with gaps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalParams {
    /// A Poisson process with this rate.
    Rate(RateParams),
    /// The time from one arrival to the next, and from the start to the first.
    Gap(SpanDistParams),
}

/// A rate over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RateParams {
    /// The same all the time.
    Constant(Rate),
    /// A wave with a period of a day.
    Daily(DailyParams),
}

/// A cosine wave with a period of 24 hours: the rate is `mean` on average and `peak` at `peak_at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DailyParams {
    /// Mean rate over a day.
    pub mean: Rate,
    /// Highest rate, from `mean` to twice `mean`.
    pub peak: Rate,
    /// Time of day of the highest rate; a run starts at midnight.
    #[serde(default = "default_peak_at")]
    pub peak_at: Span,
    /// Factors for the days of the week, seven of them, the first for the first day of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<[Ratio; 7]>,
}

const fn default_peak_at() -> Span {
    Span::from_secs(14 * 3600)
}
