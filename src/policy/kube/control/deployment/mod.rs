//! The Deployment controller of Kubernetes 1.34: from what it believes about a Deployment and its
//! ReplicaSets to the requests that one sync sends.
//!
//! A sync is one pass over one Deployment. It never waits: whatever it changes makes the informers
//! tell of it, and that asks for the next sync. What is not modelled: annotations that users give
//! a Deployment are not copied to its ReplicaSets, and the rollback annotation of API versions
//! before `apps/v1` is unknown; undoing is the client's work, see [`undo_rollout`].
//!
//! Source: `pkg/controller/deployment` and its `util`, Kubernetes 1.34.

mod cleanup;
mod course;
mod draft;
mod fenceposts;
mod progress;
mod proportion;
mod recreate;
mod revision;
mod rolling;
mod sets;
mod status;
mod sync;
#[cfg(test)]
mod tests;
mod undo;
mod view;

pub use course::sync_on_course;
pub use fenceposts::Fenceposts;
pub use progress::{rollout_is_complete, rollout_progresses, rollout_timed_out};
pub use status::after_refused_replica_set;
pub use sync::{DeploymentSync, NextLook, sync_deployment};
pub use undo::{NotUndone, undo_rollout};
pub use view::{DeploymentView, DeploymentWrite, NewReplicaSet, OwnedReplicaSet, Resized};
