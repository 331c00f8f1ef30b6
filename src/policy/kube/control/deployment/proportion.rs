//! What happens to ReplicaSets when their Deployment is resized, or while it is paused.
//!
//! Source: `scale` of `pkg/controller/deployment/sync.go` and `GetReplicaSetProportion` of its
//! `util`, Kubernetes 1.34.

use super::draft::{Conflict, Draft};
use super::fenceposts::most;
use super::sets::{Member, Sets};
use crate::model::{DeploymentSpec, RolloutStrategy};
use std::cmp::Ordering;

impl<'a> Draft<'a> {
    /// Gives the only active ReplicaSet all pods; ends a rollout whose new ReplicaSet is complete;
    /// else shares the difference among the active ones.
    pub(super) fn resize_sets(&mut self, sets: &Sets<'a>) -> Result<(), Conflict> {
        let spec = &self.view.spec;
        let active = sets.active();
        match active.as_slice() {
            [] => match sets.new.or(sets.old.last().copied()) {
                Some(mut newest) => self.scale(&mut newest, spec.replicas).map(|_| ()),
                None => Ok(()),
            },
            [only] => self.scale(&mut { *only }, spec.replicas).map(|_| ()),
            _ if sets.new.is_some_and(|new| is_saturated(spec, &new)) => {
                for mut old in sets.active_old().into_iter().rev() {
                    self.scale(&mut old, 0)?;
                }
                Ok(())
            }
            _ => self.share(sets),
        }
    }

    fn share(&mut self, sets: &Sets<'a>) -> Result<(), Conflict> {
        let spec = &self.view.spec;
        if spec.strategy == RolloutStrategy::Recreate {
            return Ok(());
        }
        let newest_first = sets.old.iter().rev().chain(sets.new.iter());
        let mut active: Vec<Member<'a>> =
            newest_first.filter(|member| member.is_active()).copied().collect();
        let wanted = if spec.replicas == 0 { 0 } else { i64::from(most(spec)) };
        let has: i64 = active.iter().map(|member| i64::from(member.set.replicas)).sum();
        let difference = wanted - has;
        active.sort_by(|one, other| {
            let larger = other.set.replicas.cmp(&one.set.replicas);
            match difference.signum() {
                1 => larger.then_with(|| other.by_creation(one)),
                -1 => larger.then_with(|| one.by_creation(other)),
                _ => Ordering::Equal,
            }
        });
        let mut left = difference;
        let mut sizes: Vec<i64> = Vec::with_capacity(active.len());
        for member in &active {
            let share = self.share_of(member, left, difference > 0);
            left -= share;
            sizes.push(i64::from(member.set.replicas) + share);
        }
        sizes[0] = (sizes[0] + left).max(0);
        for (member, size) in active.iter_mut().zip(sizes) {
            let size = u32::try_from(size).expect("a share takes no more than there is");
            self.resize(member, size)?;
        }
        Ok(())
    }

    /// By how many pods a ReplicaSet changes if `left` are left to be shared.
    fn share_of(&self, member: &Member<'_>, left: i64, grows: bool) -> i64 {
        let (spec, size) = (&self.view.spec, i64::from(member.set.replicas));
        let fraction = if spec.replicas == 0 {
            -size
        } else {
            let annotated = member.set.max.filter(|max| *max > 0);
            // Without the annotation the present size of the Deployment has to do.
            let before = i64::from(annotated.unwrap_or(self.status.replicas));
            if before == 0 { 0 } else { rounded(size * i64::from(most(spec)), before) - size }
        };
        if left == 0 {
            0
        } else if grows {
            fraction.min(left)
        } else {
            fraction.max(left)
        }
    }
}

/// A quotient, rounded half up. Neither number is negative.
fn rounded(dividend: i64, divisor: i64) -> i64 {
    (2 * dividend + divisor) / (2 * divisor)
}

/// True if a ReplicaSet has all pods that the Deployment wants, and all are available.
fn is_saturated(spec: &DeploymentSpec, new: &Member<'_>) -> bool {
    let set = &new.set;
    set.replicas == spec.replicas
        && set.desired == Some(spec.replicas)
        && set.status.available == spec.replicas
}
