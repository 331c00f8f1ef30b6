//! The baseline orchestrator: deliberately tiny, it keeps the wall between orchestrators honest
//! and is the plainest thing that others can be compared with.

mod first_fit;

pub use first_fit::FirstFit;
