//! Readers of workload traces and machine lists.

mod params;

pub use params::{BadRows, LifetimeParams, TraceFormat, TraceParams};
