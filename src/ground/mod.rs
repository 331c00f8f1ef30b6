//! The ground everything stands on: time, quantities, identifiers, names, random draws and
//! portable mathematics. Knows nothing of clusters and imports nothing of the crate.

mod dist;
mod dist_error;
mod dist_params;
mod empirical;
mod hash;
mod id;
pub mod math;
mod name;
mod normal;
mod problem;
mod quantity;
mod rng;
#[cfg(test)]
mod shared;
mod span_dist;
mod time;

pub use dist::Dist;
pub use dist_error::DistError;
pub use dist_params::{
    DistForm, DistParams, DistValue, EmpiricalForm, ExponentialForm, GammaForm, LognormalForm,
    NormalForm, NumberDistParams, ParetoForm, SpanDistParams, TableLoader, UniformForm,
    WeibullForm,
};
pub use empirical::Empirical;
pub use hash::{Mixer, stable_hash};
pub use id::{Id, Table};
pub use name::{Name, Names};
pub use problem::Problem;
pub use quantity::{Bytes, MilliCpu, Quantity, QuantityError};
#[cfg(test)]
pub(crate) use shared::shared;

pub use rng::{Draws, Key, Purpose, Stream};
pub use span_dist::SpanDist;
pub use time::{ParseSpanError, Span, Time};

pub(crate) use id::define_id;
