//! The event log on disk: gzip of one JSON object per line, readable without this program.
//!
//! The first line is a header with `"schema": "wavetank.events/1"`. Every other line is a fact: its
//! time in nanoseconds, the fact with its numbers, and the names behind the numbers. The same facts
//! give the same bytes. The reader gives back the facts, compressed or not.

use super::{Fact, Record, Sink, Subject};
use crate::ground::{Name, Time};
use crate::model::{NodeId, PodName, PodUid, WorkloadId};
use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder, write::GzEncoder};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Lines, Read, Write};

/// The first bytes of gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The schema of the event log, with its version.
pub const EVENTS_SCHEMA: &str = "wavetank.events/1";

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    schema: String,
}

/// Every other line.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    at_ns: Time,
    fact: Fact,
    /// The text of a name that is defined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pod: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workload: Option<String>,
}

/// Why an event log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The file cannot be read, or is cut off.
    #[error("line {line} cannot be read: {source}")]
    Read {
        /// Number of the line, from 1.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// Not an event log, or one of another version.
    #[error("the first line is not the header of an event log with schema {EVENTS_SCHEMA}")]
    Schema,
    /// A line that is not a fact.
    #[error("line {line} is not a fact: {source}")]
    Line {
        /// Number of the line, from 1.
        line: u64,
        /// Why.
        source: serde_json::Error,
    },
}

/// A sink that writes the event log as facts come.
///
/// A sink cannot fail, so the first error is kept and [`EventWriter::finish`] returns it.
#[derive(Debug)]
pub struct EventWriter<W: Write> {
    out: GzEncoder<W>,
    error: Option<io::Error>,
    texts: FxHashMap<Name, String>,
    nodes: FxHashMap<NodeId, Name>,
    workloads: FxHashMap<WorkloadId, Name>,
    pods: FxHashMap<PodUid, PodName>,
}

impl<W: Write> EventWriter<W> {
    /// A writer to `out`, which should be buffered.
    pub fn new(out: W) -> EventWriter<W> {
        let out = GzBuilder::new().mtime(0).write(out, Compression::default());
        let mut writer = EventWriter {
            out,
            error: None,
            texts: FxHashMap::default(),
            nodes: FxHashMap::default(),
            workloads: FxHashMap::default(),
            pods: FxHashMap::default(),
        };
        writer.write(&Header { schema: EVENTS_SCHEMA.to_owned() });
        writer
    }

    /// Writes what is left and returns the output.
    pub fn finish(self) -> io::Result<W> {
        match self.error {
            Some(error) => Err(error),
            None => {
                let mut out = self.out.finish()?;
                out.flush()?;
                Ok(out)
            }
        }
    }

    fn write(&mut self, line: &impl Serialize) {
        if self.error.is_some() {
            return;
        }
        let written = serde_json::to_writer(&mut self.out, line)
            .map_err(io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"));
        self.error = written.err();
    }

    fn learn(&mut self, fact: &Fact) {
        match *fact {
            Fact::NodeAdded { node, name, .. } => {
                self.nodes.insert(node, name);
            }
            Fact::WorkloadDefined { workload, name, .. } => {
                self.workloads.insert(workload, name);
            }
            Fact::PodCreated { pod, stem, number, digits, .. } => {
                self.pods.insert(pod, PodName::from_parts((stem, number, digits)));
            }
            _ => {}
        }
    }

    fn text(&self, name: Name) -> Option<String> {
        self.texts.get(&name).cloned()
    }

    fn pod_text(&self, pod: PodUid) -> Option<String> {
        let (stem, number, digits) = self.pods.get(&pod)?.parts();
        let stem = self.text(stem)?;
        let width = usize::from(digits);
        Some(if width == 0 { stem } else { format!("{stem}{number:0width$}") })
    }
}

impl<W: Write> Sink for EventWriter<W> {
    fn record(&mut self, record: &Record) {
        self.learn(&record.fact);
        let Subject { pod, node, workload } = record.fact.subject();
        let text = match record.fact {
            Fact::NameDefined { name, .. } => self.text(name),
            _ => None,
        };
        let line = Line {
            at_ns: record.at,
            fact: record.fact,
            text,
            pod: pod.and_then(|pod| self.pod_text(pod)),
            node: node.and_then(|node| self.text(*self.nodes.get(&node)?)),
            workload: workload.and_then(|w| self.text(*self.workloads.get(&w)?)),
        };
        self.write(&line);
        if let Fact::Removed { pod } = record.fact {
            self.pods.remove(&pod);
        }
    }

    fn name(&mut self, name: Name, text: &str) {
        self.texts.insert(name, text.to_owned());
    }
}

/// What the log says next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The fact.
    pub record: Record,
    /// The text, if the fact defines a name and the text is known.
    pub text: Option<String>,
}

/// Reads an event log fact by fact.
pub struct EventReader<'r> {
    lines: Lines<Box<dyn BufRead + 'r>>,
    line: u64,
}

impl<'r> EventReader<'r> {
    /// A reader of a log, compressed or not; reads its header.
    pub fn new(source: impl Read + 'r) -> Result<EventReader<'r>, EventsError> {
        let mut source = BufReader::new(source);
        let start = source.fill_buf().map_err(|source| EventsError::Read { line: 1, source })?;
        let source: Box<dyn BufRead + 'r> = if start.starts_with(&GZIP) {
            Box::new(BufReader::new(MultiGzDecoder::new(source)))
        } else {
            Box::new(source)
        };
        let mut reader = EventReader { lines: source.lines(), line: 0 };
        let header = reader.next_line()?.ok_or(EventsError::Schema)?;
        match serde_json::from_str::<Header>(&header) {
            Ok(header) if header.schema == EVENTS_SCHEMA => Ok(reader),
            _ => Err(EventsError::Schema),
        }
    }

    fn next_line(&mut self) -> Result<Option<String>, EventsError> {
        self.line += 1;
        let line = self.line;
        self.lines.next().transpose().map_err(|source| EventsError::Read { line, source })
    }

    /// Tells the whole rest of the log to a sink; returns the number of facts.
    pub fn tell(self, sink: &mut dyn Sink) -> Result<u64, EventsError> {
        let mut facts = 0;
        for event in self {
            let Event { record, text } = event?;
            if let (Fact::NameDefined { name, .. }, Some(text)) = (record.fact, text) {
                sink.name(name, &text);
            }
            sink.record(&record);
            facts += 1;
        }
        Ok(facts)
    }
}

impl Iterator for EventReader<'_> {
    type Item = Result<Event, EventsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = match self.next_line() {
            Ok(line) => line?,
            Err(error) => return Some(Err(error)),
        };
        let line = self.line;
        Some(
            serde_json::from_str::<Line>(&text)
                .map(|read| Event {
                    record: Record { at: read.at_ns, fact: read.fact },
                    text: read.text,
                })
                .map_err(|source| EventsError::Line { line, source }),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::{Span, stable_hash};
    use crate::journal::{DeletionCause, Journal, RunEnd};
    use crate::model::{
        Condition, DeviceMask, NodeSpecId, PluginSet, PodSpecId, Resource, Strike, ZoneState,
    };

    fn facts() -> Vec<Fact> {
        let (pod, node) = (PodUid(7), NodeId(0));
        let (spec, workload) = (PodSpecId(3), WorkloadId(0));
        let name = |number, text: &str| Fact::NameDefined {
            name: Name(number),
            hash: stable_hash(text.as_bytes()),
        };
        let extended = Resource::Extended(Name(2));
        let node_spec = NodeSpecId(0);
        vec![
            name(1, "node-a"),
            name(2, "web-"),
            Fact::NodeSpecDefined { spec: node_spec, resource: Resource::Cpu, amount: u64::MAX },
            Fact::PodSpecDefined { spec, resource: extended, amount: 1 },
            Fact::NodeModelDefined { spec: node_spec, model: Name(2) },
            Fact::PodModelAccepted { spec, model: Name(2) },
            Fact::WorkloadDefined { workload, name: Name(2), replicas: 2, min_serving: 1 },
            Fact::NodeAdded { node, name: Name(1), spec: node_spec },
            Fact::PodCreated { pod, spec, workload, stem: Name(2), number: 7, digits: 3 },
            Fact::LifetimeSet { pod, lifetime: Span::from_nanos(1_500_000_001) },
            Fact::Replaced { pod, lost: PodUid(1) },
            Fact::Queued { pod },
            Fact::Refused { pod, refusers: PluginSet(5) },
            Fact::BindFailed { pod, node },
            Fact::Bound { pod, node, devices: DeviceMask(6) },
            Fact::Started { pod },
            Fact::Ready { pod },
            Fact::Unready { pod },
            Fact::Interrupted { pod },
            Fact::FaultBegan { node, strike: Strike::CRASH },
            Fact::NodeCrashed { node },
            Fact::NodeCondition { node, ready: Condition::Unknown },
            Fact::NodeTainted { node, on: true },
            Fact::NodeRepaired { node },
            Fact::ZoneDisrupted {
                region: Name(0),
                zone: Name(1),
                state: ZoneState::PartialDisruption,
            },
            Fact::NodeRemoved { node },
            Fact::Deleting { pod, cause: DeletionCause::NodeLost },
            Fact::Removed { pod },
            Fact::Finished { pod },
            Fact::RunEnded { end: RunEnd::Exhausted },
        ]
    }

    fn written(facts: &[Fact]) -> Vec<u8> {
        let mut writer = EventWriter::new(Vec::new());
        writer.name(Name(1), "node-a");
        writer.name(Name(2), "web-");
        for (number, fact) in facts.iter().enumerate() {
            let at = Time::from_nanos(number as u64 * 1_000_000_007);
            writer.record(&Record { at, fact: *fact });
        }
        writer.finish().unwrap()
    }

    #[test]
    fn every_fact_comes_back() {
        let bytes = written(&facts());
        assert_eq!(bytes, written(&facts()));
        let mut journal = Journal::keeping();
        let told = EventReader::new(&bytes[..]).unwrap().tell(&mut journal).unwrap();
        assert_eq!(told, facts().len() as u64);
        let back: Vec<Fact> = journal.records().iter().map(|record| record.fact).collect();
        assert_eq!(back, facts());
        assert_eq!(journal.records()[2].at, Time::from_nanos(2_000_000_014));
        let mut plain = String::new();
        MultiGzDecoder::new(&bytes[..]).read_to_string(&mut plain).unwrap();
        assert_eq!(EventReader::new(plain.as_bytes()).unwrap().count(), facts().len());
        let first: Vec<&str> = plain.lines().take(2).collect();
        assert_eq!(first[0], r#"{"schema":"wavetank.events/1"}"#);
        assert!(first[1].contains(r#""text":"node-a""#), "{}", first[1]);
        let bound = plain.lines().find(|line| line.contains("Bound")).unwrap();
        assert!(bound.contains(r#""pod":"web-007","node":"node-a""#), "{bound}");
    }

    #[test]
    fn broken_logs_say_where() {
        let gzip = written(&facts());
        let header = "{\"schema\":\"wavetank.events/1\"}\n";
        for (bytes, part) in [
            (Vec::new(), "not the header"),
            (b"{\"schema\":\"wavetank.events/2\"}\n".to_vec(), "wavetank.events/1"),
            (format!("{header}{{}}\n").into_bytes(), "line 2 is not a fact"),
            (gzip[..gzip.len() - 20].to_vec(), "cannot be read"),
        ] {
            let told = EventReader::new(&bytes[..]).and_then(|r| r.tell(&mut Journal::new()));
            let error = told.unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_full_disk_is_told_at_the_end() {
        #[derive(Debug)]
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let writer = EventWriter::new(Full);
        assert_eq!(writer.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
