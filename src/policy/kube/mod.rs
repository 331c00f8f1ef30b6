//! Kubernetes 1.34: its decisions, written from the upstream source.

mod admission;
pub mod control;
pub mod discovery;
pub mod kubelet;
pub mod quota;
mod scheduler;

pub use admission::tolerate_lost_nodes;
pub use scheduler::{
    DisabledPlugin, EnabledPlugin, Examined, KubeScheduler, KubeSchedulerConfiguration,
    KubeSchedulerParams, PluginArguments, PluginList, PluginsConfiguration, ProfileConfiguration,
    ResourceWeight, SchedulingPath, ScoringStrategy, ScoringType, ShapePoint, TieBreak,
};
