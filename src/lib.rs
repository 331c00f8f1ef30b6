//! wavetank, a deterministic discrete-event simulator for container clusters.
//!
//! # The map
//!
//! Everything that reaches the cluster from outside is a *stimulus* with a time. The *engine* pops
//! events in (time, class, sequence) order; the *sim* applies each to the world and asks *policies*
//! what to do. What happened is written as *facts* to the *journal*; metrics, reports and the
//! digest read only facts. A *scenario* composes each module's own parameters; an *experiment* is
//! many scenarios and seeds. Below `cli` nothing prints, reads a clock or the environment.
//!
//! # Who may import whom
//!
//! The only list; `tests/it/house.rs` reads it. What is not listed is forbidden.
//!
//! ```text
//! ground:     -
//! stats:      ground
//! engine:     ground
//! model:      ground
//! policy:     ground stats model
//! stimulus:   ground stats model
//! journal:    ground model
//! sim:        ground engine model policy journal
//! metrics:    ground stats model journal
//! scenario:   ground engine model policy stimulus journal sim metrics
//! experiment: ground stats engine model policy stimulus journal sim metrics scenario
//! report:     ground stats model journal metrics scenario experiment
//! cli:        all
//! ```

pub mod cli;
pub mod engine;
pub mod experiment;
pub mod ground;
pub mod journal;
pub mod metrics;
pub mod model;
pub mod policy;
pub mod report;
pub mod scenario;
pub mod sim;
pub mod stats;
pub mod stimulus;
