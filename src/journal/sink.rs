//! Where facts go.

use super::{Digest, Fact, Ladder, Record};
use crate::ground::{Name, Time};
use crate::model::{Explain, PodUid};
use serde::{Deserialize, Serialize};

/// Takes facts as they happen.
pub trait Sink {
    /// A fact happened.
    fn record(&mut self, record: &Record);

    /// The text behind a name, told right before the fact that defines the name. Not a fact: the
    /// digest covers the hash in the fact.
    fn name(&mut self, name: Name, text: &str) {
        let _ = (name, text);
    }

    /// True if this sink wants to be told how each decision came about.
    fn wants_explanations(&self) -> bool {
        false
    }

    /// How the decision on a pod came about. Outside the digest.
    fn explain(&mut self, at: Time, pod: PodUid, explain: &Explain) {
        let _ = (at, pod, explain);
    }
}

impl<A: Sink, B: Sink> Sink for (A, B) {
    fn record(&mut self, record: &Record) {
        self.0.record(record);
        self.1.record(record);
    }
    fn name(&mut self, name: Name, text: &str) {
        self.0.name(name, text);
        self.1.name(name, text);
    }
    fn wants_explanations(&self) -> bool {
        self.0.wants_explanations() || self.1.wants_explanations()
    }
    fn explain(&mut self, at: Time, pod: PodUid, explain: &Explain) {
        self.0.explain(at, pod, explain);
        self.1.explain(at, pod, explain);
    }
}

/// Takes nothing.
impl Sink for () {
    fn record(&mut self, _: &Record) {}
}

impl<S: Sink> Sink for Option<S> {
    fn record(&mut self, record: &Record) {
        if let Some(sink) = self {
            sink.record(record);
        }
    }
    fn name(&mut self, name: Name, text: &str) {
        if let Some(sink) = self {
            sink.name(name, text);
        }
    }
    fn wants_explanations(&self) -> bool {
        self.as_ref().is_some_and(Sink::wants_explanations)
    }
    fn explain(&mut self, at: Time, pod: PodUid, explain: &Explain) {
        if let Some(sink) = self {
            sink.explain(at, pod, explain);
        }
    }
}

/// Keeps the running digest and its ladder, and the facts themselves if asked to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Journal {
    digest: Digest,
    ladder: Ladder,
    kept: Option<Vec<Record>>,
}

impl Journal {
    /// A journal that keeps only the digest and its ladder.
    pub fn new() -> Journal {
        Journal::default()
    }

    /// A journal that keeps every fact too.
    pub fn keeping() -> Journal {
        Journal { kept: Some(Vec::new()), ..Journal::default() }
    }

    /// The digest of all facts so far.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The digests at intervals.
    pub fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// The facts, if they are kept.
    pub fn records(&self) -> &[Record] {
        self.kept.as_deref().unwrap_or(&[])
    }

    /// Writes a fact.
    pub fn write(&mut self, at: Time, fact: Fact) {
        self.record(&Record { at, fact });
    }
}

impl Sink for Journal {
    fn record(&mut self, record: &Record) {
        self.digest.add(record);
        self.ladder.climb(record.at, &self.digest);
        if let Some(kept) = &mut self.kept {
            kept.push(*record);
        }
    }
}
