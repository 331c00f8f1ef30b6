//! The whole input of a run: all sources, merged in (time, source, row) order.
//!
//! Each source is read ahead by a bounded number of stimuli. How many changes nothing that can be
//! seen from outside, neither order nor cursors: a cursor holds where each buffer began to be
//! filled and how much of it is used up.

use super::{
    BatchPlan, BatchSource, Cursor, FaultPlan, FaultSource, LoadPlan, LoadSource, Source,
    SourceError, TimelinePlan, TimelineSource, TracePlan, TraceSource,
};
use crate::ground::{Draws, Id, Time};
use crate::model::{Catalog, SourceId, Stimulus, Timed};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::path::Path;

/// Everything that is needed to open a source.
#[derive(Debug, Clone)]
pub enum SourcePlan {
    /// A trace, row by row.
    Trace(TracePlan),
    /// Generated batch work.
    Batch(BatchPlan),
    /// A load drawn from a trace.
    Load(LoadPlan),
    /// All failures of the scenario: one plan for all of them, so that outages that overlap become
    /// one.
    Faults(Vec<FaultPlan>),
    /// What operators do.
    Timeline(TimelinePlan),
}

impl SourcePlan {
    /// Names a folder for a trace that is too large to be sorted in memory.
    pub fn set_scratch(&mut self, folder: Option<&Path>) {
        match self {
            SourcePlan::Trace(plan) => plan.scratch = folder.map(Path::to_owned),
            SourcePlan::Load(plan) => plan.scratch = folder.map(Path::to_owned),
            SourcePlan::Batch(_) | SourcePlan::Faults(_) | SourcePlan::Timeline(_) => {}
        }
    }
}

/// A source of any kind.
#[derive(Debug)]
pub enum AnySource {
    /// A trace.
    Trace(Box<TraceSource>),
    /// Batch work.
    Batch(Box<BatchSource>),
    /// A load.
    Load(Box<LoadSource>),
    /// Failures.
    Faults(Box<FaultSource>),
    /// What operators do.
    Timeline(Box<TimelineSource>),
}

impl AnySource {
    /// Opens a source at its beginning.
    pub fn open(plan: &SourcePlan, draws: Draws) -> Result<AnySource, SourceError> {
        Ok(match plan {
            SourcePlan::Trace(plan) => AnySource::Trace(Box::new(TraceSource::open(plan)?)),
            SourcePlan::Batch(plan) => AnySource::Batch(Box::new(BatchSource::open(plan, draws)?)),
            SourcePlan::Load(plan) => AnySource::Load(Box::new(LoadSource::open(plan, draws)?)),
            SourcePlan::Faults(plans) => {
                AnySource::Faults(Box::new(FaultSource::open(plans, draws)?))
            }
            SourcePlan::Timeline(plan) => AnySource::Timeline(Box::new(TimelineSource::open(plan))),
        })
    }

    /// Opens a source where it was left.
    pub fn open_at(
        plan: &SourcePlan,
        draws: Draws,
        cursor: &Cursor,
    ) -> Result<AnySource, SourceError> {
        Ok(match plan {
            SourcePlan::Trace(plan) => {
                AnySource::Trace(Box::new(TraceSource::open_at(plan, cursor)?))
            }
            SourcePlan::Batch(plan) => {
                AnySource::Batch(Box::new(BatchSource::open_at(plan, draws, cursor)?))
            }
            SourcePlan::Load(plan) => {
                AnySource::Load(Box::new(LoadSource::open_at(plan, draws, cursor)?))
            }
            SourcePlan::Faults(plans) => {
                AnySource::Faults(Box::new(FaultSource::open_at(plans, draws, cursor)?))
            }
            SourcePlan::Timeline(plan) => {
                AnySource::Timeline(Box::new(TimelineSource::open_at(plan, cursor)?))
            }
        })
    }
}

impl Source for AnySource {
    fn next(&mut self) -> Result<Option<Timed<Stimulus>>, SourceError> {
        match self {
            AnySource::Trace(source) => source.next(),
            AnySource::Batch(source) => source.next(),
            AnySource::Load(source) => source.next(),
            AnySource::Faults(source) => source.next(),
            AnySource::Timeline(source) => source.next(),
        }
    }

    fn catalog(&self) -> &Catalog {
        match self {
            AnySource::Trace(source) => source.catalog(),
            AnySource::Batch(source) => source.catalog(),
            AnySource::Load(source) => source.catalog(),
            AnySource::Faults(source) => source.catalog(),
            AnySource::Timeline(source) => source.catalog(),
        }
    }

    fn cursor(&self) -> Cursor {
        match self {
            AnySource::Trace(source) => source.cursor(),
            AnySource::Batch(source) => source.cursor(),
            AnySource::Load(source) => source.cursor(),
            AnySource::Faults(source) => source.cursor(),
            AnySource::Timeline(source) => source.cursor(),
        }
    }
}

/// Where a stream is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamCursor {
    slots: Vec<SlotCursor>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SlotCursor {
    /// Where the source was after its first `read` stimuli.
    mark: Cursor,
    read: u64,
    /// Stimuli given out, at least `read`.
    used: u64,
}

/// Stimuli from one mark of a cursor to the next. Independent of the read-ahead, so that cursors
/// are, too.
const MARK_EVERY: u64 = 256;

#[derive(Debug)]
struct Slot {
    source: AnySource,
    ahead: VecDeque<Timed<Stimulus>>,
    /// The source could not go on after what is in `ahead`.
    failed: Option<SourceError>,
    ended: bool,
    /// Stimuli read from the source.
    read: u64,
    /// Stimuli given out.
    used: u64,
    /// Numbers of stimuli read so far, and where the source was then.
    marks: VecDeque<(u64, Cursor)>,
    last: Time,
}

impl Slot {
    /// A source that has given out `read` stimuli.
    fn new(source: AnySource, read: u64) -> Slot {
        let marks = VecDeque::from([(read, source.cursor())]);
        let ahead = VecDeque::new();
        let last = Time::ZERO;
        Slot { source, ahead, failed: None, ended: false, read, used: read, marks, last }
    }

    /// Reads ahead if nothing is left.
    fn fill(&mut self, read_ahead: usize) {
        if !self.ahead.is_empty() {
            return;
        }
        while self.ahead.len() < read_ahead && !self.ended && self.failed.is_none() {
            let marked = self.marks.back().is_some_and(|(read, _)| *read == self.read);
            if self.read.is_multiple_of(MARK_EVERY) && !marked {
                self.marks.push_back((self.read, self.source.cursor()));
            }
            match self.source.next() {
                Ok(Some(stimulus)) => {
                    assert!(stimulus.at >= self.last, "the times of a source never fall");
                    self.last = stimulus.at;
                    self.read += 1;
                    self.ahead.push_back(stimulus);
                }
                Ok(None) => self.ended = true,
                Err(error) => self.failed = Some(error),
            }
        }
    }

    /// When its next stimulus, or its failure, is due.
    fn due(&self) -> Option<Time> {
        let failure = self.failed.as_ref().map(|_| self.last);
        self.ahead.front().map(|stimulus| stimulus.at).or(failure)
    }

    fn take(&mut self) -> Option<Timed<Stimulus>> {
        let stimulus = self.ahead.pop_front()?;
        self.used += 1;
        // At least one stays: the mark at or before what was given out.
        while self.marks.get(1).is_some_and(|(read, _)| *read <= self.used) {
            self.marks.pop_front();
        }
        Some(stimulus)
    }

    fn cursor(&self) -> SlotCursor {
        let (read, mark) = self
            .marks
            .iter()
            .rfind(|(read, _)| *read <= self.used)
            .expect("a mark is dropped only when a later one is behind");
        SlotCursor { mark: mark.clone(), read: *read, used: self.used }
    }
}

/// All stimuli of a run.
#[derive(Debug)]
pub struct Stream {
    slots: Vec<Slot>,
    due: BinaryHeap<Reverse<(Time, usize)>>,
    read_ahead: usize,
}

impl Stream {
    /// Opens all sources at their beginning. At most `read_ahead` stimuli (at least 1) of each are
    /// held at a time.
    ///
    /// # Panics
    /// If there are two plans of faults: their numbers would not be unique.
    pub fn open(
        plans: &[SourcePlan],
        draws: Draws,
        read_ahead: usize,
    ) -> Result<Stream, SourceError> {
        let faults = plans.iter().filter(|plan| matches!(plan, SourcePlan::Faults(_)));
        assert!(faults.count() <= 1, "all faults of a scenario are one plan");
        let open = |plan| AnySource::open(plan, draws).map(|source| Slot::new(source, 0));
        let slots = plans.iter().map(open).collect::<Result<Vec<Slot>, SourceError>>()?;
        Ok(Stream::of(slots, read_ahead))
    }

    /// Opens all sources where they were left.
    pub fn open_at(
        plans: &[SourcePlan],
        draws: Draws,
        read_ahead: usize,
        cursor: &StreamCursor,
    ) -> Result<Stream, SourceError> {
        if plans.len() != cursor.slots.len() {
            return Err(SourceError::new(format!(
                "the saved run had {} sources, this one has {}",
                cursor.slots.len(),
                plans.len()
            ))
            .hint("open it with the scenario with which it was started"));
        }
        let mut slots = Vec::with_capacity(plans.len());
        for (plan, at) in plans.iter().zip(&cursor.slots) {
            let mut slot = Slot::new(AnySource::open_at(plan, draws, &at.mark)?, at.read);
            while slot.used < at.used {
                slot.fill(1);
                if let Some(error) = slot.failed {
                    return Err(error);
                }
                if slot.take().is_none() {
                    return Err(SourceError::new("the saved run was further than its sources go"));
                }
            }
            slots.push(slot);
        }
        Ok(Stream::of(slots, read_ahead))
    }

    fn of(slots: Vec<Slot>, read_ahead: usize) -> Stream {
        let mut stream = Stream { slots, due: BinaryHeap::new(), read_ahead: read_ahead.max(1) };
        for source in 0..stream.slots.len() {
            stream.refill(source);
        }
        stream
    }

    fn refill(&mut self, source: usize) {
        let slot = &mut self.slots[source];
        slot.fill(self.read_ahead);
        if let Some(at) = slot.due() {
            self.due.push(Reverse((at, source)));
        }
    }

    /// When the next stimulus happens; `None` if there is none.
    pub fn peek_time(&self) -> Option<Time> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// The next stimulus and its source.
    #[expect(
        clippy::should_implement_trait,
        reason = "a result of an option, not the other way round, so that `?` stops the run"
    )]
    pub fn next(&mut self) -> Result<Option<(SourceId, Timed<Stimulus>)>, SourceError> {
        let Some(Reverse((_, source))) = self.due.pop() else { return Ok(None) };
        let slot = &mut self.slots[source];
        let Some(stimulus) = slot.take() else {
            let failed = slot.failed.take().expect("what is due is a stimulus or a failure");
            slot.ended = true;
            return Err(failed);
        };
        self.refill(source);
        Ok(Some((SourceId::from_index(source), stimulus)))
    }

    /// Number of sources.
    pub fn sources(&self) -> usize {
        self.slots.len()
    }

    /// The names and specifications to which the stimuli of a source refer.
    pub fn catalog(&self, source: SourceId) -> &Catalog {
        self.slots[source.index()].source.catalog()
    }

    /// Where the stream is: opened there, it continues with the next stimulus.
    pub fn cursor(&self) -> StreamCursor {
        StreamCursor { slots: self.slots.iter().map(Slot::cursor).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WorkloadId;
    use crate::stimulus::{
        FaultParams, FaultUnit, LoadParams, LoadResource, NodeTarget, TraceFormat, TraceParams,
    };
    use std::path::Path;

    const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/traces/sample.csv");

    fn plans() -> Vec<SourcePlan> {
        let workload = WorkloadId(0);
        let trace = TraceParams::new(TraceFormat::Native, SAMPLE);
        let batch = r#"{"arrivals": {"rate": {"daily": {"mean": "100/h", "peak": "150/h"}}},
            "until": "5h", "pods": [{"weight": 2, "cpu": "1", "lifetime": "10m"},
            {"weight": 1, "cpu": "2", "lifetime": {"exponential": {"mean": "1h"}}}]}"#;
        let fault = r#"{"action": "node-crash", "repair": {"uniform": {"min": "1m", "max": "9m"}},
            "rate": {"time_to_failure": {"exponential": {"mean": "30m"}}}}"#;
        let fault: FaultParams = serde_json::from_str(fault).unwrap();
        let target = |position| NodeTarget { position, name: format!("n-{position}") };
        let load = LoadParams {
            trace: trace.clone(),
            load: "50%".parse().unwrap(),
            of: LoadResource::Cpu,
            lifetimes: None,
            from: crate::ground::Span::ZERO,
            until: Some(crate::ground::Span::from_secs(4 * 3600)),
            count: Some(300),
        };
        vec![
            SourcePlan::Trace(TracePlan { workload, params: trace.clone(), scratch: None }),
            SourcePlan::Batch(BatchPlan {
                name: "batch".into(),
                workload,
                params: serde_json::from_str(batch).unwrap(),
            }),
            SourcePlan::Faults(vec![FaultPlan {
                path: "faults.0".into(),
                params: fault,
                units: (0..8).map(target).map(FaultUnit::from).collect(),
            }]),
            // The same rows once more: every time is there twice, in the order of the sources.
            SourcePlan::Trace(TracePlan { workload, params: trace, scratch: None }),
            SourcePlan::Load(LoadPlan {
                name: "load".into(),
                workload,
                params: load,
                capacity: 100_000,
                scratch: None,
            }),
        ]
    }

    type All = Vec<(SourceId, Timed<Stimulus>)>;

    fn until(stream: &mut Stream, end: Time) -> All {
        let mut all = Vec::new();
        while let Some(at) = stream.peek_time() {
            if at >= end {
                break;
            }
            let next = stream.next().unwrap().unwrap();
            assert_eq!(next.1.at, at);
            all.push(next);
        }
        all
    }

    #[test]
    fn order_is_time_then_source_and_the_read_ahead_does_not_show() {
        let (plans, draws, end) = (plans(), Draws::new(4), Time::from_secs(6 * 3600));
        let mut one = Stream::open(&plans, draws, 1).unwrap();
        let expected = until(&mut one, end);
        assert!(expected.len() > 1_000, "{}", expected.len());
        assert!(expected.is_sorted_by_key(|(source, stimulus)| (stimulus.at, *source)));
        for source in 0..5 {
            assert!(expected.iter().any(|(from, _)| *from == SourceId(source)), "{source}");
        }
        for read_ahead in [2, 7, 256, 100_000] {
            let mut other = Stream::open(&plans, draws, read_ahead).unwrap();
            let mut slow = Stream::open(&plans, draws, 1).unwrap();
            for expected in &expected {
                assert_eq!(other.next().unwrap().as_ref(), Some(expected));
                slow.next().unwrap();
                if expected.1.at.as_nanos().is_multiple_of(16) {
                    assert_eq!(other.cursor(), slow.cursor(), "read-ahead {read_ahead}");
                }
            }
        }
    }

    #[test]
    fn a_stream_reopened_anywhere_continues() {
        let (plans, draws, end) = (plans(), Draws::new(4), Time::from_secs(6 * 3600));
        let expected = until(&mut Stream::open(&plans, draws, 64).unwrap(), end);
        let mut stream = Stream::open(&plans, draws, 64).unwrap();
        let mut given = 0;
        while given < expected.len() {
            let bytes = postcard::to_stdvec(&stream.cursor()).unwrap();
            let cursor: StreamCursor = postcard::from_bytes(&bytes).unwrap();
            let mut again = Stream::open_at(&plans, draws, 3, &cursor).unwrap();
            assert_eq!(again.cursor(), cursor);
            assert!(until(&mut again, end) == expected[given..], "after {given}");
            for _ in 0..97.min(expected.len() - given) {
                stream.next().unwrap();
                given += 1;
            }
        }
    }

    #[test]
    fn a_changed_file_or_another_scenario_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.csv");
        std::fs::copy(Path::new(SAMPLE), &path).unwrap();
        let plan = SourcePlan::Trace(TracePlan {
            workload: WorkloadId(0),
            params: TraceParams::new(TraceFormat::Native, &path),
            scratch: None,
        });
        let plans = [plan];
        let draws = Draws::new(0);
        let mut stream = Stream::open(&plans, draws, 4).unwrap();
        stream.next().unwrap();
        let cursor = stream.cursor();
        assert!(Stream::open_at(&plans, draws, 4, &cursor).is_ok());
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("0-", "1-", 1) + "\n").unwrap();
        let error = Stream::open_at(&plans, draws, 4, &cursor).unwrap_err().to_string();
        assert!(error.contains("not the one of the saved run; bring back"), "{error}");
        let error = Stream::open_at(&[], draws, 4, &cursor).unwrap_err().to_string();
        assert!(error.contains("had 1 sources, this one has 0"), "{error}");
    }
}
