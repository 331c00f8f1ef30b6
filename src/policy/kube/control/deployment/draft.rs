//! The requests of a sync as they come up.

use super::fenceposts::most;
use super::sets::Member;
use super::view::{DeploymentView, DeploymentWrite, Resized};
use crate::ground::Time;
use crate::model::{DeploymentStatus, ProgressReason, Progressing};

/// The API server refused a request, so the sync ends with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Conflict;

/// What a sync has sent so far.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) view: &'a DeploymentView<'a>,
    pub(super) now: Time,
    /// The status that the sync holds: what was believed at its begin, with what it changed since.
    pub(super) status: DeploymentStatus,
    pub(super) writes: Vec<DeploymentWrite>,
    /// The sync does not take over the object that the API server answers a status update with, so
    /// a second one is a conflict.
    status_is_sent: bool,
    /// How often the sync has changed each ReplicaSet.
    versions: Vec<u32>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(view: &'a DeploymentView<'a>, now: Time) -> Draft<'a> {
        Draft {
            view,
            now,
            status: view.status,
            writes: Vec::new(),
            status_is_sent: false,
            versions: vec![0; view.sets.len()],
        }
    }

    /// Sets the condition Progressing; nothing changes if it has this reason already.
    pub(super) fn set_progress(&mut self, reason: ProgressReason) {
        if self.status.progressing.is_none_or(|progressing| progressing.reason != reason) {
            let last_update = self.now.truncate_to_second();
            self.status.progressing = Some(Progressing { reason, last_update });
        }
    }

    /// Sends the status that the sync holds.
    pub(super) fn send_status(&mut self) -> Result<(), Conflict> {
        if self.status_is_sent {
            return self.refuse();
        }
        self.status_is_sent = true;
        self.writes.push(DeploymentWrite::Status(self.status));
        Ok(())
    }

    /// Sends an update of a ReplicaSet, of which `member` is then the newest copy.
    pub(super) fn send_update(
        &mut self,
        member: &mut Member<'a>,
        update: DeploymentWrite,
    ) -> Result<(), Conflict> {
        let version = &mut self.versions[member.place];
        if *version != member.version {
            return self.refuse();
        }
        *version += 1;
        member.version = *version;
        self.writes.push(update);
        Ok(())
    }

    fn refuse(&mut self) -> Result<(), Conflict> {
        self.writes.push(DeploymentWrite::Refused);
        Err(Conflict)
    }

    /// Scales a ReplicaSet if it has another number of pods; true if it had. Annotations alone are
    /// no reason.
    pub(super) fn scale(&mut self, member: &mut Member<'a>, to: u32) -> Result<bool, Conflict> {
        if member.set.replicas == to {
            return Ok(false);
        }
        self.resize(member, to)?;
        Ok(true)
    }

    /// Scales a ReplicaSet and lets its annotations follow the Deployment.
    pub(super) fn resize(&mut self, member: &mut Member<'a>, to: u32) -> Result<(), Conflict> {
        let (desired, max) = (self.view.spec.replicas, most(&self.view.spec));
        let set = &member.set;
        let resized = Resized { from: set.replicas, to, desired, max };
        if set.replicas == to && set.desired == Some(desired) && set.max == Some(max) {
            return Ok(());
        }
        let update = DeploymentWrite::Scale { set: member.place, resized };
        self.send_update(member, update)?;
        let set = &mut member.set;
        (set.replicas, set.desired, set.max) = (to, Some(desired), Some(max));
        Ok(())
    }
}
