//! Which old ReplicaSets are deleted.
//!
//! Source: `cleanupDeployment` of `pkg/controller/deployment/sync.go`, Kubernetes 1.34.

use super::draft::Draft;
use super::sets::Member;
use super::view::DeploymentWrite;

impl Draft<'_> {
    /// Deletes the ReplicaSets of the lowest revisions beyond those kept. One that still has pods,
    /// or whose last change its controller has not seen, is passed over, and no other goes in its
    /// place.
    pub(super) fn clean_up(&mut self, old: &[Member<'_>]) {
        let mut alive: Vec<&Member<'_>> =
            old.iter().filter(|member| !member.set.deleting).collect();
        let kept = usize::try_from(self.view.spec.history_limit).unwrap_or(usize::MAX);
        let surplus = alive.len().saturating_sub(kept);
        alive.sort_by(|one, other| {
            let revision = |member: &Member<'_>| member.set.revision.unwrap_or(0);
            revision(one).cmp(&revision(other)).then_with(|| one.by_creation(other))
        });
        for member in alive.into_iter().take(surplus) {
            let set = &member.set;
            let empty = set.replicas == 0 && set.status.replicas == 0;
            if empty && set.generation <= set.status.observed {
                self.writes.push(DeploymentWrite::Delete { set: member.place });
            }
        }
    }
}
