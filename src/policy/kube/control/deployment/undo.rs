//! `kubectl rollout undo`: which template a Deployment goes back to.
//!
//! Source: `DeploymentRollbacker` of `k8s.io/kubectl/pkg/polymorphichelpers/rollback.go`.

use super::view::DeploymentView;
use crate::model::PodSpecId;

/// Why nothing is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotUndone {
    /// The client refuses.
    #[error("a paused Deployment cannot be rolled back: resume it first")]
    Paused,
    /// There is no ReplicaSet of this revision.
    #[error("no ReplicaSet of revision {0} is kept")]
    NoSuchRevision(u32),
    /// There is no second ReplicaSet.
    #[error("no earlier revision is kept")]
    NoHistory,
    /// The Deployment has the template already.
    #[error("the template is that of revision {0} already")]
    SameTemplate(u32),
}

/// The template that is written into the specification; the controller does the rest, as in any
/// other rollout. Without a `revision` it is the one of the second greatest.
pub fn undo_rollout(
    view: &DeploymentView<'_>,
    revision: Option<u32>,
) -> Result<PodSpecId, NotUndone> {
    if view.spec.paused {
        return Err(NotUndone::Paused);
    }
    let mut known: Vec<(u32, PodSpecId)> =
        view.sets.iter().map(|set| (set.revision.unwrap_or(0), set.template)).collect();
    known.sort_by_key(|(number, _)| *number);
    let (number, template) = match revision {
        Some(wanted) => *known
            .iter()
            .find(|(number, _)| *number == wanted)
            .ok_or(NotUndone::NoSuchRevision(wanted))?,
        None => *known.iter().rev().nth(1).ok_or(NotUndone::NoHistory)?,
    };
    if template == view.spec.template {
        return Err(NotUndone::SameTemplate(number));
    }
    Ok(template)
}
