//! Interned text: a [`Name`] is four bytes, equal names are the same number.

use super::define_id;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

define_id! {
    /// A text known to a [`Names`].
    Name;
}

/// The texts behind names, in order of first use.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Names {
    texts: Vec<Box<str>>,
    by_text: FxHashMap<Box<str>, Name>,
}

impl Names {
    /// No names yet.
    pub fn new() -> Names {
        Names::default()
    }

    /// The name of a text, a new one if the text was never seen.
    pub fn intern(&mut self, text: &str) -> Name {
        if let Some(name) = self.by_text.get(text) {
            return *name;
        }
        let name = Name(u32::try_from(self.texts.len()).expect("fewer than 2^32 names"));
        self.texts.push(text.into());
        self.by_text.insert(text.into(), name);
        name
    }

    /// The name of a text, if it was seen before.
    pub fn find(&self, text: &str) -> Option<Name> {
        self.by_text.get(text).copied()
    }

    /// The text of a name.
    ///
    /// # Panics
    /// If the name belongs to another `Names`.
    pub fn text(&self, name: Name) -> &str {
        &self.texts[name.0 as usize]
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// True without names.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

impl From<Vec<String>> for Names {
    fn from(texts: Vec<String>) -> Names {
        let mut names = Names::new();
        for text in &texts {
            names.intern(text);
        }
        names
    }
}

impl From<Names> for Vec<String> {
    fn from(names: Names) -> Vec<String> {
        names.texts.into_iter().map(String::from).collect()
    }
}
