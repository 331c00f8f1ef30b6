//! What is said once about many objects.

use super::Planner;
use crate::ground::Problem;
use crate::scenario::objects::{Head, Objects};
use crate::scenario::plan::faults::some;
use std::collections::BTreeMap;

/// What is said about the objects, before their names, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Note {
    pub(super) text: String,
    pub(super) hint: &'static str,
}

/// Notes with the objects that they are about, of which the first is pointed at.
#[derive(Debug, Default)]
pub(super) struct Notes<'o>(BTreeMap<Note, Vec<&'o Head>>);

impl<'o> Notes<'o> {
    pub(super) fn add(&mut self, text: impl Into<String>, hint: &'static str, head: &'o Head) {
        self.0.entry(Note { text: text.into(), hint }).or_default().push(head);
    }

    /// Warns of everything that was noted.
    pub(super) fn tell(self, planner: &mut Planner<'_>, objects: &Objects) {
        for (note, heads) in self.0 {
            let names: Vec<String> = heads.iter().map(|head| head.full_name()).collect();
            let names = some(names.iter().map(String::as_str));
            let text = format!("{}: {names}", note.text);
            let problem = Problem::new("metadata.name", text).hint(note.hint);
            let warning = objects.diagnostic(heads[0], &problem).warning().path("");
            planner.findings.diagnostics.push(warning);
        }
    }
}
