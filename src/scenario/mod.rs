//! The user's file: load, check, override, build.
//!
//! Text becomes a tree in which every key and value knows its place ([`Node`]); `--set` and
//! variants change the tree ([`set`], [`set_argument`]); the tree becomes types
//! ([`ScenarioFile`], by [`read`]); the types become a [`Plan`], on the way to which everything
//! that does not fit together is found. What is wrong is said in [`Diagnostic`]s with file, line,
//! column and advice. [`Scenario::load`] is all of this in one call. Nothing here knows what a run
//! does.

mod arrivals;
mod build;
mod de;
mod de_error;
mod diagnostic;
mod expect;
mod file;
mod flat;
mod later;
mod load;
mod manifest;
mod names;
mod objects;
mod plan;
mod print;
mod read;
mod scalar;
mod scheduler_configuration;
mod schema;
mod set;
mod source;
mod to_node;
mod tree;
mod yaml;

pub use build::Built;
pub use de::from_node;
pub use de_error::DeError;
pub use diagnostic::{Diagnostic, Excerpt, Severity};
pub use expect::{Comparison, Expectation, ExpectationError, Outcome};
pub use file::*;
pub use load::{BASE_VARIANT, Input, Loaded, Scenario};
pub use manifest::*;
pub use plan::{ApplicationPlan, NodePlan, Plan};
pub use print::to_yaml;
pub use read::read;
pub use scheduler_configuration::read_scheduler_configuration;
pub use schema::scenario_schema;
pub use set::{set, set_argument};
pub use source::{Place, Source, Sources};
pub use tree::{Key, Kind, Node};

#[cfg(test)]
mod cases_tests;
#[cfg(test)]
mod de_tests;
