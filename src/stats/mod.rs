//! Numbers from samples: exact quantiles, summaries, time-weighted means and measures of spread.
//! Knows nothing of clusters.

mod ramp;
mod samples;
mod spread;
mod summary;
mod timed;

pub use ramp::{Line, Ramp};
pub use samples::Samples;
pub use spread::{Spread, gini, mean, standard_deviation};
pub use summary::{Stat, Summary};
pub use timed::TimeWeighted;
