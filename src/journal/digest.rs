//! The digest of a run, its values at intervals, and where two runs first differ.

use super::Record;
use crate::ground::{Mixer, Time};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A running hash over the canonical form of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Digest {
    mixer: Mixer,
    facts: u64,
}

impl Digest {
    /// Adds a fact.
    pub fn add(&mut self, record: &Record) {
        let [first, second, third] = record.fact.words();
        self.mixer.add(record.at.as_nanos(), first);
        self.mixer.add(second, third);
        self.facts += 1;
    }

    /// Number of facts covered.
    pub fn facts(&self) -> u64 {
        self.facts
    }
}

impl fmt::Display for Digest {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.mixer.finish())
    }
}

/// The digest after some number of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Number of facts covered.
    pub facts: u64,
    /// Time of the last of them.
    pub at: Time,
    /// Digest of all of them.
    pub digest: Digest,
}

/// Digests at intervals of a fixed number of facts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    rungs: Vec<Rung>,
}

impl Ladder {
    /// Facts from one rung to the next.
    pub const INTERVAL: u64 = 1024;

    pub(crate) fn climb(&mut self, at: Time, digest: &Digest) {
        if digest.facts.is_multiple_of(Ladder::INTERVAL) {
            self.rungs.push(Rung { facts: digest.facts, at, digest: *digest });
        }
    }

    /// The rungs, lowest first.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }
}

/// Where two runs first differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// So many facts at the start are the same.
    pub same_facts: u64,
    /// Time of the last fact known to be the same.
    pub same_until: Time,
    /// The first difference is among the facts up to this number.
    pub different_by: u64,
}

/// The window in which the first difference of two runs lies, `None` if they are the same.
///
/// A run of the window with a keeping journal finds the fact itself.
pub fn first_difference(
    (left, left_end): (&Ladder, &Digest),
    (right, right_end): (&Ladder, &Digest),
) -> Option<Window> {
    if left_end == right_end {
        return None;
    }
    let same = left.rungs.iter().zip(&right.rungs).take_while(|(l, r)| l == r).count();
    let last = same.checked_sub(1).map(|at| left.rungs[at]);
    let same_facts = last.map_or(0, |rung| rung.facts);
    Some(Window {
        same_facts,
        same_until: last.map_or(Time::ZERO, |rung| rung.at),
        different_by: (same_facts + Ladder::INTERVAL).min(left_end.facts.max(right_end.facts)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Fact, Journal};
    use crate::model::PodUid;

    fn run(facts: u32, changed: Option<u32>) -> Journal {
        let mut journal = Journal::new();
        for number in 0..facts {
            let pod = PodUid(if changed == Some(number) { u32::MAX } else { number });
            journal.write(Time::from_secs(u64::from(number)), Fact::Started { pod });
        }
        journal
    }

    #[test]
    fn the_first_difference_is_found() {
        let straight = run(5000, None);
        let end = |journal: &Journal| journal.digest();
        assert_eq!(
            first_difference(
                (straight.ladder(), &end(&straight)),
                (run(5000, None).ladder(), &end(&run(5000, None)))
            ),
            None
        );
        for changed in [0, 1023, 1024, 3000, 4999] {
            let other = run(5000, Some(changed));
            let window = first_difference(
                (straight.ladder(), &end(&straight)),
                (other.ladder(), &end(&other)),
            )
            .unwrap();
            assert!(window.same_facts <= u64::from(changed), "{changed}: {window:?}");
            assert!(u64::from(changed) < window.different_by, "{changed}: {window:?}");
        }
        let shorter = run(4999, None);
        let window = first_difference(
            (straight.ladder(), &end(&straight)),
            (shorter.ladder(), &end(&shorter)),
        )
        .unwrap();
        assert_eq!((window.same_facts, window.different_by), (4096, 5000));
    }
}
