//! Decisions: pure functions of what a component believes, its own memory, the time and named
//! random draws. Nothing here knows a clock, a file, the engine or the simulator; the same code
//! could decide for a live cluster.

mod any;
mod baseline;
mod devices;
pub mod kube;
mod scheduler;

pub use any::AnyScheduler;
pub use baseline::FirstFit;
pub(crate) use devices::choose as choose_devices;
pub use kube::{
    Examined, KubeScheduler, KubeSchedulerConfiguration, KubeSchedulerParams, ResourceWeight,
    SchedulingPath, ScoringStrategy, ScoringType, ShapePoint, TieBreak,
};
pub use scheduler::{Action, AttemptEnd, Cx, Scheduler};
