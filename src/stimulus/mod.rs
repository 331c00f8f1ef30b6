//! Everything that reaches the cluster from outside: traces, generators, faults.
//!
//! A scenario's parameters become *plans* ([`SourcePlan`]), plans are opened as *sources*, and a
//! [`Stream`] merges the sources in (time, source, row) order. A source can be closed and reopened
//! at a cursor; nothing that a cluster does reaches back into a source.

mod amount;
mod fault;
mod generate;
mod read;
mod shape;

pub use amount::{Rate, RateError, Ratio, RatioError};
pub use fault::{FaultAction, FaultParams, FaultStart, RenewalParams};
pub use generate::{ArrivalParams, BatchParams, DailyParams, GpuParams, PodParams, RateParams};
pub use read::{BadRows, LifetimeParams, TraceFormat, TraceParams};
pub use shape::{LoadParams, LoadResource};
