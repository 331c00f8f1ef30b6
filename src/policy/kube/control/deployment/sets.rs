//! The ReplicaSets of a Deployment in the course of a sync.

use super::view::OwnedReplicaSet;
use std::cmp::Ordering;

/// A ReplicaSet as the sync holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    /// Its place in the view; one past the last if the sync created it.
    pub(super) place: usize,
    /// How often the sync had changed it when it got this copy.
    pub(super) version: u32,
    pub(super) set: OwnedReplicaSet<'a>,
}

impl Member<'_> {
    /// The one created first, then by name.
    pub(super) fn by_creation(&self, other: &Member<'_>) -> Ordering {
        (self.set.created, self.set.name).cmp(&(other.set.created, other.set.name))
    }

    pub(super) fn is_active(&self) -> bool {
        self.set.replicas > 0
    }
}

/// The ReplicaSet of the present template, and the others from the oldest.
#[derive(Debug, Clone)]
pub(super) struct Sets<'a> {
    pub(super) new: Option<Member<'a>>,
    pub(super) old: Vec<Member<'a>>,
}

impl<'a> Sets<'a> {
    pub(super) fn all(&self) -> impl Iterator<Item = &Member<'a>> {
        self.old.iter().chain(self.new.iter())
    }

    /// Those that are to have pods.
    pub(super) fn active(&self) -> Vec<Member<'a>> {
        self.all().filter(|member| member.is_active()).copied().collect()
    }

    /// Old ones that are to have pods.
    pub(super) fn active_old(&self) -> Vec<Member<'a>> {
        self.old.iter().filter(|member| member.is_active()).copied().collect()
    }

    /// Pods that all are to have.
    pub(super) fn replicas(&self) -> u32 {
        self.all().map(|member| member.set.replicas).sum()
    }

    /// Available pods of all.
    pub(super) fn available(&self) -> u32 {
        self.all().map(|member| member.set.status.available).sum()
    }
}
