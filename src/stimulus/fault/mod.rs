//! Faults: when they strike and whom. What they do is the simulation's business.

mod check;
mod mode;
mod params;
mod source;
#[cfg(test)]
mod tests;

pub use mode::FaultMode;
pub use params::{FaultParams, FaultStart, RenewalParams};
pub use source::{FaultPlan, FaultSource, FaultUnit, NodeTarget};
