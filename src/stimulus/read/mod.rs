//! Readers of workload traces and machine lists.

mod block;
#[cfg(test)]
mod cases;
mod convert;
mod facts;
mod input;
mod lengths;
mod native;
mod openb;
#[cfg(test)]
mod openb_tests;
mod params;
mod row;
mod rows;
mod sort;
mod table;
mod trace;

pub use convert::{NativeForm, convert};
pub use facts::TraceFacts;
pub use lengths::load_table;
pub use openb::{GPU_MODEL_LABEL, read_openb_nodes};
pub use params::{BadRows, LifetimeParams, TraceFormat, TraceParams};
pub use trace::{TracePlan, TraceSource};

pub(crate) use convert::write_text;
pub(crate) use row::{NO_TEXT, Row, Shape, Shapes, gpu_problem};
pub(crate) use rows::{Rows, Wanted, changed};
pub(crate) use trace::Slice;
