//! Labels: named texts on nodes and pods.

use crate::ground::Name;
use serde::{Deserialize, Serialize};

/// Labels in ascending order of key identifier, each key once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(Vec<(Name, Name)>);

impl Labels {
    /// No labels.
    pub fn new() -> Labels {
        Labels::default()
    }

    /// The value under a key.
    pub fn get(&self, key: Name) -> Option<Name> {
        self.0.binary_search_by_key(&key, |(k, _)| *k).ok().map(|at| self.0[at].1)
    }

    /// Sets the value under a key.
    pub fn set(&mut self, key: Name, value: Name) {
        match self.0.binary_search_by_key(&key, |(k, _)| *k) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (key, value)),
        }
    }

    /// The same labels with every name replaced.
    pub(super) fn renamed(&self, rename: &mut impl FnMut(Name) -> Name) -> Labels {
        self.iter().map(|(key, value)| (rename(key), rename(value))).collect()
    }

    /// All labels, in order of key identifier.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Name, Name)> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<(Name, Name)> for Labels {
    fn from_iter<I: IntoIterator<Item = (Name, Name)>>(pairs: I) -> Labels {
        let mut labels = Labels::new();
        for (key, value) in pairs {
            labels.set(key, value);
        }
        labels
    }
}
