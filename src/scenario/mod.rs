//! The user's file: load, check, override, build.

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
mod plan;
mod print;
mod read;
mod scalar;
mod schema;
mod set;
mod source;
mod to_node;
mod tree;
mod yaml;

pub use de::from_node;
pub use de_error::DeError;
pub use diagnostic::{Diagnostic, Excerpt, Severity};
pub use expect::{Comparison, Expectation, ExpectationError, Outcome};
pub use file::*;
pub use load::{BASE_VARIANT, Input, Loaded, Scenario};
pub use manifest::*;
pub use plan::{NodePlan, Plan};
pub use print::to_yaml;
pub use read::read;
pub use schema::scenario_schema;
pub use set::{set, set_argument};
pub use source::{Place, Source, Sources};
pub use tree::{Key, Kind, Node};

#[cfg(test)]
mod cases_tests;
#[cfg(test)]
mod de_tests;
