//! Generators of pods: when they arrive and what they ask for.

mod arrivals;
mod batch;

pub use arrivals::{ArrivalParams, DailyParams, RateParams};
pub use batch::{BatchParams, BatchPlan, BatchSource, GpuParams, PodParams};

pub(crate) use arrivals::{Arrivals, Limits};
