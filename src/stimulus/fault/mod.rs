//! Failures of machines: when they happen. What they do is the simulation's business.

mod outage;
mod params;

pub use outage::{FaultPlan, FaultSource, NodeTarget};
pub use params::{FaultAction, FaultParams, FaultStart, RenewalParams};
