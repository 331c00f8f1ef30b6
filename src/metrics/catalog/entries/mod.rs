//! The list of all metrics.

mod discovery;
mod nodes;
mod placement;
mod recovery;
mod rollouts;
mod waiting;

use super::{Entry, Over, Read};
use crate::metrics::Results;
use crate::stats::Summary;

const PARTS: [&[Entry]; 6] = [
    placement::ENTRIES,
    waiting::ENTRIES,
    nodes::ENTRIES,
    rollouts::ENTRIES,
    discovery::ENTRIES,
    recovery::ENTRIES,
];

const COUNT: usize = placement::ENTRIES.len()
    + waiting::ENTRIES.len()
    + nodes::ENTRIES.len()
    + rollouts::ENTRIES.len()
    + discovery::ENTRIES.len()
    + recovery::ENTRIES.len();

/// All metrics, in the order in which they are shown.
pub const ENTRIES: &[Entry] = &joined::<COUNT>();

const fn joined<const N: usize>() -> [Entry; N] {
    let mut all = [PARTS[0][0]; N];
    let (mut part, mut at, mut written) = (0, 0, 0);
    while written < N {
        if at == PARTS[part].len() {
            part += 1;
            at = 0;
        } else {
            all[written] = PARTS[part][at];
            at += 1;
            written += 1;
        }
    }
    all
}

/// A metric of its own.
const fn number(
    name: &'static str,
    unit: &'static str,
    meaning: &'static str,
    read: fn(&Results, &str) -> Option<f64>,
) -> Entry {
    Entry { name, unit, meaning, over: Over::Nothing, read: Read::Number(read) }
}

/// A distribution.
const fn summary(
    name: &'static str,
    unit: &'static str,
    meaning: &'static str,
    read: fn(&Results) -> &Summary,
) -> Entry {
    Entry { name, unit, meaning, over: Over::Nothing, read: Read::Summary(read) }
}

impl Entry {
    /// The same as a family.
    const fn over(mut self, over: Over) -> Entry {
        self.over = over;
        self
    }
}
