//! Sets of completion indexes, and their compressed text.
//!
//! Source: `pkg/controller/job/indexed_job_utils.go`, Kubernetes 1.34.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Indexes as ascending runs that neither touch nor overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IndexSet(Vec<Run>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Run {
    first: u32,
    last: u32,
}

impl IndexSet {
    /// No index.
    pub fn new() -> IndexSet {
        IndexSet::default()
    }

    /// Reads the compressed text of a status, without indexes from `completions` up. What is no
    /// index or run of indexes is passed over, as upstream does.
    pub fn parse(text: &str, completions: u32) -> IndexSet {
        let mut set = IndexSet::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) else {
                continue;
            };
            if first < completions {
                set.insert_run(Run { first, last: last.min(completions - 1) });
            }
        }
        set
    }

    /// How many indexes.
    pub fn len(&self) -> u32 {
        self.0.iter().map(|run| run.last - run.first + 1).sum()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if it is one of them.
    pub fn contains(&self, index: u32) -> bool {
        let after = self.0.partition_point(|run| run.first <= index);
        after.checked_sub(1).is_some_and(|at| index <= self.0[at].last)
    }

    /// Adds an index.
    pub fn insert(&mut self, index: u32) {
        self.insert_run(Run { first: index, last: index });
    }

    /// Adds all of another set.
    pub fn merge(&mut self, other: &IndexSet) {
        other.0.iter().for_each(|run| self.insert_run(*run));
    }

    fn insert_run(&mut self, mut run: Run) {
        if run.last < run.first {
            return;
        }
        let from = self.0.partition_point(|own| own.last.saturating_add(1) < run.first);
        let to = self.0.partition_point(|own| own.first <= run.last.saturating_add(1));
        if let Some(touched) = self.0.get(from..to).filter(|touched| !touched.is_empty()) {
            run.first = run.first.min(touched[0].first);
            run.last = run.last.max(touched[touched.len() - 1].last);
        }
        self.0.splice(from..to, [run]);
    }

    /// The lowest `count` indexes below `completions` that are not in the set.
    pub fn first_missing(&self, count: usize, completions: u32) -> Vec<u32> {
        let mut missing = Vec::new();
        let mut candidate = 0;
        let end = Run { first: completions, last: completions };
        for run in self.0.iter().chain([&end]) {
            let free = candidate..run.first.min(completions);
            missing.extend(free.take(count - missing.len()));
            candidate = candidate.max(run.last.saturating_add(1));
        }
        missing
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|run| run.first..=run.last)
    }

    /// How many indexes both sets have.
    pub fn common(&self, other: &IndexSet) -> u32 {
        let mut common = 0;
        let (mut own, mut others) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(one), Some(two)) = (own.peek(), others.peek()) {
            let (first, last) = (one.first.max(two.first), one.last.min(two.last));
            common += (last + 1).saturating_sub(first);
            if one.last <= two.last {
                own.next();
            } else {
                others.next();
            }
        }
        common
    }
}

impl FromIterator<u32> for IndexSet {
    fn from_iter<I: IntoIterator<Item = u32>>(indexes: I) -> IndexSet {
        let mut set = IndexSet::new();
        indexes.into_iter().for_each(|index| set.insert(index));
        set
    }
}

impl fmt::Display for IndexSet {
    /// The compressed text: runs of three or more as `first-last`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Run { first, last }) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            match last - first {
                0 => write!(f, "{comma}{first}")?,
                1 => write!(f, "{comma}{first},{last}")?,
                _ => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn texts() {
        for (text, completions, same, count) in [
            ("", 5, "", 0),
            ("0,1,13-16", 17, "0,1,13-16", 6),
            ("1-3,4,6", 10, "1-4,6", 5),
            ("2-9", 5, "2-4", 3),
            ("x,7,3", 9, "3,7", 2),
        ] {
            let set = IndexSet::parse(text, completions);
            assert_eq!((set.to_string().as_str(), set.len()), (same, count), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_is_a_set(
            one in prop::collection::btree_set(0u32..60, 0..40),
            two in prop::collection::btree_set(0u32..60, 0..40),
            (count, completions) in (0usize..20, 1u32..70),
        ) {
            let set: IndexSet = one.iter().rev().copied().collect();
            let other: IndexSet = two.iter().copied().collect();
            prop_assert_eq!(&IndexSet::parse(&set.to_string(), 60), &set);
            prop_assert_eq!(set.len() as usize, one.len());
            prop_assert!((0..60).all(|index| set.contains(index) == one.contains(&index)));
            prop_assert_eq!(set.common(&other) as usize, one.intersection(&two).count());
            let missing: Vec<u32> =
                (0..completions).filter(|index| !one.contains(index)).take(count).collect();
            prop_assert_eq!(set.first_missing(count, completions), missing);
            let mut both = set.clone();
            both.merge(&other);
            let union: BTreeSet<u32> = one.union(&two).copied().collect();
            prop_assert_eq!(both, union.into_iter().collect::<IndexSet>());
        }
    }
}
