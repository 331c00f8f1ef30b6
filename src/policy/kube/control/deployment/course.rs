//! One sync of a Deployment whose rollout a policy steers: its ReplicaSets go to the sizes that the
//! policy wants, within the limits that it keeps.
//!
//! Source: `rollout/replicaset.go`, `rollout/sync.go` and `utils/replicaset/canary.go`
//! (`CalculateReplicaCountsForBasicCanary`), Argo Rollouts 1.8: first sets grow as far as there is
//! room, then sets shrink, pods that are not available first, as long as enough stay available.

use super::draft::{Conflict, Draft};
use super::sets::{Member, Sets};
use super::sync::{DeploymentSync, NextLook};
use super::view::DeploymentView;
use crate::ground::Time;
use crate::policy::kube::control::Course;

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
            let room = course.most.saturating_sub(sets.replicas());
            sets.new = Some(self.create_set(&sets, course.new.min(room))?);
            return self.finish_rollout(&sets);
        }
        let found = sets.clone();
        self.grow(&mut sets, course)?;
        self.shrink(&mut sets, course)?;
        let settled = course.kept == 0 && !holds;
        if settled && found.old.iter().all(|member| !member.is_active()) {
            self.clean_up(&found.old);
        }
        if holds { self.finish_resize(&found) } else { self.finish_rollout(&found) }
    }

    fn grow(&mut self, sets: &mut Sets<'a>, course: &Course) -> Result<(), Conflict> {
        let mut room = course.most.saturating_sub(sets.replicas());
        for member in sets.new.iter_mut().chain(&mut sets.old) {
            let more = goal(member, self.view, course).saturating_sub(member.set.replicas);
            let more = more.min(room);
            if more > 0 {
                room -= more;
                self.scale(member, member.set.replicas + more)?;
            }
        }
        Ok(())
    }

    fn shrink(&mut self, sets: &mut Sets<'a>, course: &Course) -> Result<(), Conflict> {
        let mut spare = sets.available().saturating_sub(course.least);
        for member in sets.old.iter_mut().chain(&mut sets.new) {
            let (wanted, has) = (goal(member, self.view, course), member.set.replicas);
            let surplus = has.saturating_sub(wanted);
            let idle = has.saturating_sub(member.set.status.available).min(surplus);
            let healthy = (surplus - idle).min(spare);
            spare -= healthy;
            self.scale(member, has.min(has - idle - healthy))?;
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
