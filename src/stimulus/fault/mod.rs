//! Failures of machines: when they happen. What they do is the simulation's business.

mod params;

pub use params::{FaultAction, FaultParams, FaultStart, RenewalParams};
