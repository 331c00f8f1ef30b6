//! Numbered revisions of the template of a StatefulSet or a DaemonSet.
//!
//! Source: `getStatefulSetRevisions` and `truncateHistory` of
//! `pkg/controller/statefulset/stateful_set_control.go`, `constructHistory` and `cleanupHistory` of
//! `pkg/controller/daemon/update.go`, Kubernetes 1.34. Templates are known by their content here,
//! so that no two revisions have equal ones.

use serde::{Deserialize, Serialize};

/// A template that was in force once. `T` tells templates apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ControllerRevision<T> {
    /// The template.
    pub template: T,
    /// The number; the present template has the greatest.
    pub number: u32,
}

/// What has to be written so that the present template is the latest revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevisionWrite<T> {
    /// A revision is created.
    Create(ControllerRevision<T>),
    /// One that was there gets this number, as the template was put back.
    Renumber(ControllerRevision<T>),
}

/// The write that makes `template` the latest of the revisions, `None` if it is already.
pub fn latest_revision<T: Copy + Eq>(
    revisions: &[ControllerRevision<T>],
    template: T,
) -> Option<RevisionWrite<T>> {
    let others = revisions.iter().filter(|revision| revision.template != template);
    let number = others.map(|revision| revision.number).max().unwrap_or(0) + 1;
    let revision = ControllerRevision { template, number };
    match revisions.iter().find(|revision| revision.template == template) {
        None => Some(RevisionWrite::Create(revision)),
        Some(found) if found.number < number => Some(RevisionWrite::Renumber(revision)),
        Some(_) => None,
    }
}

/// Revisions to delete, the oldest first: of those that are neither the present one nor `in_use`,
/// all beyond `limit`.
///
/// A DaemonSet counts revisions that its pods use against the limit, a StatefulSet does not.
pub fn surplus_revisions<T: Copy + Eq>(
    revisions: &[ControllerRevision<T>],
    present: T,
    in_use: impl Fn(T) -> bool,
    limit: HistoryLimit,
) -> Vec<T> {
    let mut old: Vec<_> =
        revisions.iter().filter(|revision| revision.template != present).collect();
    old.sort_by_key(|revision| revision.number);
    let unused: Vec<T> = (old.iter().map(|revision| revision.template))
        .filter(|template| !in_use(*template))
        .collect();
    let surplus = match limit {
        HistoryLimit::Unused(most) => unused.len().saturating_sub(most as usize),
        HistoryLimit::Old(most) => old.len().saturating_sub(most as usize),
    };
    unused.into_iter().take(surplus).collect()
}

/// How many old revisions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryLimit {
    /// So many that no pod uses, as a StatefulSet counts.
    Unused(u32),
    /// So many, used or not, as a DaemonSet counts.
    Old(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revisions(rows: &[(char, u32)]) -> Vec<ControllerRevision<char>> {
        rows.iter().map(|(template, number)| revision(*template, *number)).collect()
    }

    fn revision(template: char, number: u32) -> ControllerRevision<char> {
        ControllerRevision { template, number }
    }

    #[test]
    fn the_present_template_is_the_latest() {
        let three = revisions(&[('a', 1), ('b', 2), ('c', 3)]);
        assert_eq!(latest_revision(&[], 'a'), Some(RevisionWrite::Create(revision('a', 1))));
        assert_eq!(latest_revision(&three, 'c'), None);
        assert_eq!(latest_revision(&three, 'd'), Some(RevisionWrite::Create(revision('d', 4))));
        let back = RevisionWrite::Renumber(revision('a', 4));
        assert_eq!(latest_revision(&three, 'a'), Some(back));
    }

    #[test]
    fn what_is_used_is_kept() {
        let five = revisions(&[('e', 5), ('a', 1), ('b', 2), ('c', 3), ('d', 4)]);
        let surplus = |limit| surplus_revisions(&five, 'e', |template| template == 'a', limit);
        assert_eq!(surplus(HistoryLimit::Unused(3)), []);
        assert_eq!(surplus(HistoryLimit::Unused(1)), ['b', 'c']);
        assert_eq!(surplus(HistoryLimit::Old(3)), ['b']);
        assert_eq!(surplus(HistoryLimit::Old(0)), ['b', 'c', 'd']);
    }
}
