//! Everything that reaches the cluster from outside: traces, generators, faults.
//!
//! A scenario's parameters become *plans* ([`SourcePlan`]), plans are opened as *sources*, and a
//! [`Stream`] merges the sources in (time, source, row) order. A source can be closed and reopened
//! at a cursor; nothing that a cluster does reaches back into a source.

mod amount;
mod fault;
mod generate;
mod operation;
mod read;
mod shape;
mod source;
mod stream;
mod timeline;

pub use amount::{Rate, RateError, Ratio, RatioError};
pub use fault::{
    FaultMode, FaultParams, FaultPlan, FaultSource, FaultStart, FaultUnit, NodeTarget,
    RenewalParams,
};
pub use generate::{
    ArrivalParams, BatchParams, BatchPlan, BatchSource, DailyParams, GpuParams, PodParams,
    RateParams,
};
pub use operation::{DeleteParams, DrainParams, NodesParams, TaintParams};
pub use read::{
    BadRows, GPU_MODEL_LABEL, LifetimeParams, NativeForm, TraceFacts, TraceFormat, TraceParams,
    TracePlan, TraceSource, convert, load_table, read_openb_nodes,
};
pub use shape::{LoadParams, LoadPlan, LoadResource, LoadSource};
pub use source::{Cursor, CursorState, FaultCursor, PendingFault, Source, SourceError};
pub use stream::{AnySource, SourcePlan, Stream, StreamCursor};
pub use timeline::{
    ReadinessParams, RolloutUndoParams, ScaleParams, SetImageParams, TimelineEntry, TimelineParams,
    TimelinePlan, TimelineSource, TimelineTarget,
};
