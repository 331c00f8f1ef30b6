//! Makes it happen: the store and its watchers, the machines, and the loops around policies.
//! Knows no metric, no file format and no scenario file.
//!
//! Two truths are kept apart. The *store* is what the API server knows; the *machines* are what
//! really runs. Failures live in the gap: pods of a crashed node stay as they were in the store
//! until the node lifecycle policy says otherwise.
//!
//! Quiescence is free: a periodic act whose outcome cannot differ from the last one is no event.
//! Heartbeats of healthy nodes, looks at them and idle scheduling loops cost nothing; when
//! something changes, the time of the next act that can matter is computed.

mod check;
mod control;
mod discovery_event;
mod drain;
mod event;
mod faults;
mod feed;
mod handle;
mod host;
mod install;
mod kubelet_params;
mod machine;
mod monitor;
mod node;
mod operate;
mod operate_stateful;
mod params;
mod prebind;
mod proxies;
mod run;
mod schedule;
mod services;
mod setup;
mod store;
mod task_event;
mod task_setup;
#[cfg(test)]
mod tests;
mod volume_event;
mod volume_params;
mod volumes;
mod world;

pub use discovery_event::DiscoveryEvent;
pub use event::Event;
pub use kubelet_params::{KubeletDelays, KubeletParams, RegistryParams, Unprobed};
pub use monitor::MonitoringSetup;
pub use params::{ApiParams, Detail, PlacementParams, RateParams, SimParams};
pub use run::{Arrivals, Run, RunState, SavedRun};
pub use setup::{Keeper, NodeSetup, PodSetup, Setup};
pub use task_event::{Owned, TaskEvent};
pub use task_setup::JobSetup;
pub use volume_event::VolumeEvent;
pub use volume_params::{VolumeDelays, VolumeParams};
pub use world::World;
