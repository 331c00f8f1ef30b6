//! One step of a rollout by Recreate.
//!
//! Source: `pkg/controller/deployment/recreate.go`, Kubernetes 1.34.

use super::draft::{Conflict, Draft};
use super::progress::rollout_is_complete;
use super::sets::Sets;
use super::sync::NextLook;

impl Draft<'_> {
    /// Scales the old ReplicaSets to nothing, waits until none of their pods is left, and only then
    /// lets the new one have its pods.
    pub(super) fn recreate(&mut self) -> Result<NextLook, Conflict> {
        let mut sets = self.number_sets()?;
        let mut scaled = false;
        for mut member in sets.active_old() {
            scaled |= self.scale(&mut member, 0)?;
        }
        if scaled || old_pods_are_left(&sets) {
            return self.finish_rollout(&sets);
        }
        if sets.new.is_none() {
            sets = self.number_or_create_sets()?;
        }
        if let Some(mut new) = sets.new {
            self.scale(&mut new, self.view.spec.replicas)?;
        }
        if rollout_is_complete(&self.view.spec, self.view.generation, &self.status) {
            self.clean_up(&sets.old);
        }
        self.finish_rollout(&sets)
    }
}

/// Pods count until they have ended or are gone, also those asked to stop.
fn old_pods_are_left(sets: &Sets<'_>) -> bool {
    sets.old.iter().any(|member| member.set.status.replicas > 0 || member.set.unfinished_pods > 0)
}
