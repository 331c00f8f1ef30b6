//! What a trace contains, counted in one pass over its rows in order of time.

use super::row::{Row, Shape};
use super::trace::TraceSource;
use super::{TraceParams, TracePlan};
use crate::ground::{Bytes, Time};
use crate::model::{Lifetime, WorkloadId};
use crate::stimulus::SourceError;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::path::Path;

/// What a trace contains.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct TraceFacts {
    /// Rows that can be used.
    pub rows: u64,
    /// Rows with a lifetime above zero, endless ones included.
    pub lasting: u64,
    /// Rows with an endless lifetime.
    pub endless: u64,
    /// Rows that ask for GPUs.
    pub gpu_rows: u64,
    /// Rows that ask for a share of a GPU.
    pub shared_gpu_rows: u64,
    /// Different requests.
    pub shapes: u64,
    /// Most pods at a time, if each runs from its creation for its lifetime. The end of a lifetime
    /// does not belong to it.
    pub peak: u64,
    /// When that many are reached first.
    pub peak_at: Time,
    /// First creation.
    pub first: Time,
    /// Last creation.
    pub last: Time,
    /// Last end of a lifetime that has one.
    pub last_end: Time,
    /// Sum of the CPU requests, thousandths of a core.
    pub cpu: u128,
    /// Sum of the memory requests, bytes.
    pub memory: u128,
    /// Sum of the GPU requests, thousandths of a GPU.
    pub gpu_milli: u128,
    /// True if the file itself is in order of time.
    pub in_order: bool,
    /// Rows that were left out, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Columns that the reader does not know and leaves alone.
    pub unknown_columns: Vec<String>,
}

impl TraceFacts {
    /// Counts a trace as its parameters slice and scale it.
    pub fn count(params: &TraceParams, scratch: Option<&Path>) -> Result<TraceFacts, SourceError> {
        let plan = TracePlan {
            workload: WorkloadId(0),
            params: params.clone(),
            scratch: scratch.map(Path::to_owned),
        };
        let mut source = TraceSource::open(&plan)?;
        let mut facts = TraceFacts::default();
        let mut ends = BinaryHeap::new();
        while let Some(row) = source.next_row()? {
            let shape = *source.rows().shapes().shape(row.shape);
            facts.add(&row, &shape, &mut ends);
        }
        let survey = source.rows().survey();
        facts.shapes = source.rows().shapes().all().len() as u64;
        facts.in_order = survey.in_order;
        facts.skipped.clone_from(&survey.skipped);
        facts.unknown_columns.clone_from(&survey.unknown_columns);
        Ok(facts)
    }

    /// Adds a row; `ends` holds the ends of the pods that run.
    fn add(&mut self, row: &Row, shape: &Shape, ends: &mut BinaryHeap<Reverse<Time>>) {
        if self.rows == 0 {
            self.first = row.at;
        }
        self.rows += 1;
        self.last = row.at;
        self.gpu_rows += u64::from(shape.gpus > 0);
        self.shared_gpu_rows += u64::from(shape.gpus > 0 && shape.gpu_milli < 1000);
        self.cpu += u128::from(shape.cpu);
        self.memory += u128::from(Bytes(shape.memory).0);
        self.gpu_milli += u128::from(shape.gpus) * u128::from(shape.gpu_milli);
        while ends.peek().is_some_and(|Reverse(end)| *end <= row.at) {
            ends.pop();
        }
        let end = match row.lifetime {
            Lifetime::Forever => {
                self.endless += 1;
                Time::MAX
            }
            Lifetime::For(span) => {
                self.last_end = self.last_end.max(row.at + span);
                row.at + span
            }
        };
        if end > row.at {
            self.lasting += 1;
            ends.push(Reverse(end));
            if ends.len() as u64 > self.peak {
                self.peak = ends.len() as u64;
                self.peak_at = row.at;
            }
        }
    }
}
