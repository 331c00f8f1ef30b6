//! One sync of a Deployment whose rollout a policy steers: its ReplicaSets go to the sizes that the
//! policy wants, within the limits that it keeps.
//!
//! Source: `rollout/replicaset.go`, `rollout/sync.go`, and `reconcileCanaryReplicaSets` and
//! `scaleDownOldReplicaSetsForCanary` of `rollout/canary.go`, Argo Rollouts 1.8. A new ReplicaSet
//! is created without pods.

use super::draft::{Conflict, Draft};
use super::sets::{Member, Sets};
use super::sync::{DeploymentSync, NextLook};
use super::view::DeploymentView;
use crate::ground::Time;
use crate::policy::kube::control::{CanaryLimits, Course, Pace, SetSize, next_sizes};
use std::cmp::Reverse;

/// One sync at `now`, on a course.
pub fn sync_on_course(view: &DeploymentView<'_>, course: &Course, now: Time) -> DeploymentSync {
    let mut draft = Draft::new(view, now);
    let next = match draft.follow(course).unwrap_or(NextLook::Retry) {
        NextLook::At(at) => NextLook::At(course.next.map_or(at, |next| next.min(at))),
        NextLook::WhenChanged => course.next.map_or(NextLook::WhenChanged, NextLook::At),
        NextLook::Retry => NextLook::Retry,
    };
    DeploymentSync { writes: draft.writes, next }
}

impl<'a> Draft<'a> {
    fn follow(&mut self, course: &Course) -> Result<NextLook, Conflict> {
        let holds = self.view.spec.paused || course.holds;
        self.note_hold(holds)?;
        let mut sets = self.number_sets()?;
        if self.view.spec.paused {
            return self.finish_resize(&sets);
        }
        if sets.new.is_none() {
            sets.new = Some(self.create_set(&sets, 0)?);
            return self.finish_rollout(&sets);
        }
        let found = sets.clone();
        match course.pace {
            Pace::AtOnce => self.take_sizes(&mut sets, course)?,
            Pace::Within { most, least } => self.step(&mut sets, course, (most, least))?,
        }
        let settled = course.kept == 0 && !holds;
        if settled && found.old.iter().all(|member| !member.is_active()) {
            self.clean_up(&found.old);
        }
        if holds { self.finish_resize(&found) } else { self.finish_rollout(&found) }
    }

    /// Each ReplicaSet takes its size.
    fn take_sizes(&mut self, sets: &mut Sets<'a>, course: &Course) -> Result<(), Conflict> {
        for member in sets.old.iter_mut().chain(&mut sets.new) {
            self.scale(member, goal(member, self.view, course))?;
        }
        Ok(())
    }

    /// The stable ReplicaSet takes its next size, or else the new one, or else older ones shrink.
    fn step(
        &mut self,
        sets: &mut Sets<'a>,
        course: &Course,
        (most, least): (u32, u32),
    ) -> Result<(), Conflict> {
        let Some(new) = sets.new.as_mut() else { return Ok(()) };
        let is_stable = |member: &Member<'_>| member.set.template == course.stable;
        let stable = sets.old.iter().position(is_stable);
        let size = |member: &Member<'_>, goal| SetSize {
            replicas: member.set.replicas,
            available: member.set.status.available,
            goal,
        };
        let older = sets.old.iter().filter(|member| !is_stable(member));
        let older = older.map(|member| member.set.replicas).sum();
        let (to_new, to_stable) = next_sizes(
            size(new, course.new),
            stable.map(|at| size(&sets.old[at], course.kept)),
            CanaryLimits { most, least, older },
        );
        if let Some(at) = stable
            && self.scale(&mut sets.old[at], to_stable)?
        {
            return Ok(());
        }
        if self.scale(new, to_new)? {
            return Ok(());
        }
        let spare = sets.available().saturating_sub(least);
        let older = sets.old.iter_mut().filter(|member| !is_stable(member) && member.is_active());
        self.drain(older.collect(), spare)
    }

    /// Takes pods from older ReplicaSets: those that are not available, and up to `spare` others,
    /// from the newest first.
    fn drain(&mut self, mut older: Vec<&mut Member<'a>>, mut spare: u32) -> Result<(), Conflict> {
        for member in &mut older {
            let available = member.set.status.available;
            if available > member.set.replicas {
                return Ok(()); // upstream makes an invalid request of that and gives up
            }
            self.scale(member, available)?;
        }
        older.sort_by_key(|member| Reverse(member.set.revision));
        for member in older {
            let gone = member.set.replicas.min(spare);
            spare -= gone;
            self.scale(member, member.set.replicas - gone)?;
        }
        Ok(())
    }
}

/// The size that a ReplicaSet is to come to.
fn goal(member: &Member<'_>, view: &DeploymentView<'_>, course: &Course) -> u32 {
    let template = member.set.template;
    if template == view.spec.template {
        course.new
    } else if template == course.stable {
        course.kept
    } else {
        0
    }
}
