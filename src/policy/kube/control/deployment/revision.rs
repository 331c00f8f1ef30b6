//! Finds or creates the ReplicaSet of the present template and numbers it.
//!
//! Source: `getAllReplicaSetsAndSyncRevision` and `getNewReplicaSet` of
//! `pkg/controller/deployment/sync.go`, Kubernetes 1.34.

use super::draft::{Conflict, Draft};
use super::fenceposts::{most, next_new_size};
use super::sets::{Member, Sets};
use super::view::{DeploymentWrite, NewReplicaSet, OwnedReplicaSet};
use crate::model::{ProgressReason, ReplicaSetStatus};

impl<'a> Draft<'a> {
    /// The ReplicaSets, sorted into the one of the present template and the others. The first has
    /// the greatest revision afterwards, and the Deployment the same.
    pub(super) fn number_sets(&mut self) -> Result<Sets<'a>, Conflict> {
        let mut sets = self.find_sets();
        if let Some(new) = &mut sets.new {
            let former = new.set.revision;
            let revision = next_revision(&sets.old).max(former.unwrap_or(0));
            let min_ready = self.view.spec.min_ready;
            if former.unwrap_or(0) != revision || new.set.min_ready != min_ready {
                let former = former.filter(|former| *former != revision);
                let set = new.place;
                let update = DeploymentWrite::Adopt { set, revision, former, min_ready };
                self.send_update(new, update)?;
                (new.set.revision, new.set.min_ready) = (Some(revision), min_ready);
            } else {
                self.note_revision(revision)?;
            }
        }
        Ok(sets)
    }

    /// The same, and where no ReplicaSet has the present template one is created.
    pub(super) fn number_or_create_sets(&mut self) -> Result<Sets<'a>, Conflict> {
        let mut sets = self.number_sets()?;
        if sets.new.is_none() {
            let size = next_new_size(&self.view.spec, 0, sets.replicas());
            sets.new = Some(self.create_set(&sets, size)?);
        }
        Ok(sets)
    }

    /// The oldest ReplicaSet of the present template is the new one.
    fn find_sets(&self) -> Sets<'a> {
        let view = self.view;
        let mut old: Vec<Member<'a>> = (view.sets.iter().enumerate())
            .map(|(place, set)| Member { place, version: 0, set: *set })
            .collect();
        old.sort_by(Member::by_creation);
        let fits = |member: &Member<'_>| member.set.template == view.spec.template;
        let new = old.iter().position(fits).map(|at| old.remove(at));
        Sets { new, old }
    }

    /// Writes the revision to the Deployment, and that its ReplicaSet was found if nothing is known
    /// of its progress.
    fn note_revision(&mut self, revision: u32) -> Result<(), Conflict> {
        let before = self.status;
        self.status.revision = revision;
        if self.view.spec.progress_deadline.is_some() && self.status.progressing.is_none() {
            self.set_progress(ProgressReason::FoundNewReplicaSet);
        }
        if self.status == before { Ok(()) } else { self.send_status() }
    }

    /// Creates the ReplicaSet of the present template with so many pods.
    pub(super) fn create_set(
        &mut self,
        sets: &Sets<'a>,
        replicas: u32,
    ) -> Result<Member<'a>, Conflict> {
        let spec = &self.view.spec;
        let created = NewReplicaSet {
            template: spec.template,
            replicas,
            min_ready: spec.min_ready,
            revision: next_revision(&sets.old),
            desired: spec.replicas,
            max: most(spec),
        };
        self.writes.push(DeploymentWrite::Create(created));
        let before = self.status;
        self.status.revision = created.revision;
        if spec.progress_deadline.is_some() {
            self.set_progress(ProgressReason::NewReplicaSetCreated);
        }
        if self.status != before {
            self.send_status()?;
        }
        Ok(Member { place: self.view.sets.len(), version: 0, set: as_created(&created, self) })
    }
}

/// One more than the greatest revision of the old ReplicaSets.
fn next_revision(old: &[Member<'_>]) -> u32 {
    old.iter().filter_map(|member| member.set.revision).max().unwrap_or(0) + 1
}

/// The answer to the creation of a ReplicaSet. Its name is not known yet, and nothing asks for it.
fn as_created<'a>(created: &NewReplicaSet, draft: &Draft<'_>) -> OwnedReplicaSet<'a> {
    OwnedReplicaSet {
        name: "",
        created: draft.now.truncate_to_second(),
        template: created.template,
        replicas: created.replicas,
        min_ready: created.min_ready,
        revision: Some(created.revision),
        desired: Some(created.desired),
        max: Some(created.max),
        generation: 1,
        deleting: false,
        status: ReplicaSetStatus::default(),
        unfinished_pods: 0,
    }
}
