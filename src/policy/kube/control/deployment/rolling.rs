//! One step of a rolling update.
//!
//! Source: `pkg/controller/deployment/rolling.go`, Kubernetes 1.34.

use super::draft::{Conflict, Draft};
use super::fenceposts::{least_available, next_new_size};
use super::progress::rollout_is_complete;
use super::sets::{Member, Sets};
use super::sync::NextLook;

/// Replicas that the steps down count, which may come out below zero.
type Count = i64;

impl<'a> Draft<'a> {
    /// Grows the new ReplicaSet; if it stays as it is, shrinks the old ones; if they stay too and
    /// the rollout is complete, deletes those that are not kept.
    pub(super) fn roll(&mut self) -> Result<NextLook, Conflict> {
        let sets = self.number_or_create_sets()?;
        if self.reconcile_new(&sets)? || self.reconcile_old(&sets)? {
            return self.finish_rollout(&sets);
        }
        if rollout_is_complete(&self.view.spec, self.view.generation, &self.status) {
            self.clean_up(&sets.old);
        }
        self.finish_rollout(&sets)
    }

    fn reconcile_new(&mut self, sets: &Sets<'a>) -> Result<bool, Conflict> {
        let Some(mut new) = sets.new else { return Ok(false) };
        let spec = &self.view.spec;
        let size = if new.set.replicas > spec.replicas {
            spec.replicas
        } else {
            next_new_size(spec, new.set.replicas, sets.replicas())
        };
        self.scale(&mut new, size)
    }

    fn reconcile_old(&mut self, sets: &Sets<'a>) -> Result<bool, Conflict> {
        let mut old = sets.active_old();
        let Some(new) = sets.new.filter(|_| !old.is_empty()) else { return Ok(false) };
        let least = Count::from(least_available(&self.view.spec));
        let new_unavailable = Count::from(new.set.replicas) - Count::from(new.set.status.available);
        let budget = Count::from(sets.replicas()) - least - new_unavailable;
        if budget <= 0 {
            return Ok(false);
        }
        let Some(unhealthy) = self.clean_unhealthy(&mut old, budget)? else { return Ok(false) };
        let surplus = Count::from(available(&old) + new.set.status.available) - least;
        let healthy = self.scale_down(&mut old, surplus)?;
        Ok(unhealthy + healthy > 0)
    }

    /// Takes from the old ReplicaSets, the oldest first, pods that are not available. `None` where
    /// one has more available pods than it is to have: upstream makes an invalid request of that
    /// and gives up on old ReplicaSets for this sync.
    fn clean_unhealthy(
        &mut self,
        old: &mut [Member<'a>],
        budget: Count,
    ) -> Result<Option<Count>, Conflict> {
        let mut cleaned = 0;
        for member in old {
            if cleaned >= budget {
                break;
            }
            let (size, available) = (member.set.replicas, member.set.status.available);
            if size < available {
                return Ok(None);
            }
            let gone = Count::from(size - available).min(budget - cleaned);
            self.scale(member, less(size, gone))?;
            cleaned += gone;
        }
        Ok(Some(cleaned))
    }

    /// Takes so many pods from the old ReplicaSets, the oldest first.
    fn scale_down(&mut self, old: &mut [Member<'a>], surplus: Count) -> Result<Count, Conflict> {
        let mut done = 0;
        for member in old {
            if done >= surplus {
                break;
            }
            let size = member.set.replicas;
            let gone = Count::from(size).min(surplus - done);
            self.scale(member, less(size, gone))?;
            done += gone;
        }
        Ok(done)
    }
}

fn available(sets: &[Member<'_>]) -> u32 {
    sets.iter().map(|member| member.set.status.available).sum()
}

fn less(size: u32, gone: Count) -> u32 {
    u32::try_from(Count::from(size) - gone).expect("no more than there are goes")
}
