//! A trace as a source of stimuli, and as a list of machines.

use super::openb;
use super::row::Row;
use super::rows::{Rows, Wanted};
use super::{LifetimeParams, TraceFormat, TraceParams};
use crate::ground::{Problem, Span, Time};
use crate::model::{Catalog, Lifetime, NodeSpec, Stimulus, Timed, WorkloadId};
use crate::stimulus::source::refuse_first;
use crate::stimulus::{Cursor, CursorState, Source, SourceError};
use std::path::PathBuf;

/// A trace to be replayed.
#[derive(Debug, Clone)]
pub struct TracePlan {
    /// The workload of its pods.
    pub workload: WorkloadId,
    /// What the scenario says; paths are relative to the working directory.
    pub params: TraceParams,
    /// A folder for a trace that has to be sorted on disk.
    pub scratch: Option<PathBuf>,
}

impl TraceParams {
    /// What is wrong with these parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.from.unwrap_or(Span::ZERO) >= self.to.unwrap_or(Span::MAX) {
            problems.push(
                Problem::new("to", "is not after `from`: no pod is left")
                    .hint("give a later time or leave one of them out"),
            );
        }
        if self.time_scale.is_some_and(|scale| scale.value() == 0.0) {
            problems.push(Problem::new("time_scale", "is 0; write a factor above 0"));
        }
        if self.nodes.is_some() && self.format == TraceFormat::Native {
            problems.push(
                Problem::new("nodes", "the native format has no list of nodes")
                    .hint("describe the nodes under `cluster`"),
            );
        }
        problems.extend(self.lifetime.check().into_iter().map(|p| p.under("lifetime")));
        problems
    }

    /// The files that are named, to make their paths absolute.
    pub fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        std::iter::once(&mut self.pods).chain(&mut self.nodes)
    }

    /// Reads the list of machines into a catalog; empty if none is named.
    pub fn read_nodes(
        &self,
        catalog: &mut Catalog,
    ) -> Result<Vec<(String, NodeSpec)>, SourceError> {
        match (&self.nodes, self.format) {
            (None, _) => Ok(Vec::new()),
            (Some(path), TraceFormat::AlibabaGpu2023) => openb::read_openb_nodes(path, catalog),
            (Some(_), TraceFormat::Native) => refuse_first(self.check()).map(|()| Vec::new()),
        }
    }
}

impl LifetimeParams {
    /// What is wrong with these parameters.
    pub fn check(&self) -> Vec<Problem> {
        let zero = self.max.is_some_and(Span::is_zero);
        let text = "is 0s: no pod would run; give a longer time or leave it out";
        Vec::from_iter(zero.then(|| Problem::new("max", text)))
    }

    /// True if lifetimes stay as they are.
    pub(crate) fn is_plain(&self) -> bool {
        *self == LifetimeParams::default()
    }

    /// A lifetime after scaling and cutting. `max` cuts endless ones, too.
    pub(crate) fn apply(&self, lifetime: Lifetime) -> Lifetime {
        let scaled = match lifetime {
            Lifetime::Forever => Lifetime::Forever,
            Lifetime::For(span) => {
                Lifetime::For(scale_span(span, self.scale.map_or(1.0, |scale| scale.value())))
            }
        };
        match (scaled, self.max) {
            (Lifetime::For(span), Some(max)) => Lifetime::For(span.min(max)),
            (Lifetime::Forever, Some(max)) => Lifetime::For(max),
            (lifetime, None) => lifetime,
        }
    }
}

/// A length times a factor, rounded to the nanosecond; never falls as the length grows.
fn scale_span(span: Span, factor: f64) -> Span {
    if factor == 1.0 {
        return span;
    }
    let nanos = span.as_nanos() as f64 * factor + 0.5;
    Span::from_nanos(nanos as u64)
}

/// Which rows of a trace count, by time of creation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slice {
    from: Time,
    to: Time,
}

impl Slice {
    pub(crate) fn of(params: &TraceParams) -> Slice {
        Slice {
            from: Time::ZERO + params.from.unwrap_or(Span::ZERO),
            to: Time::ZERO + params.to.unwrap_or(Span::MAX),
        }
    }

    /// The next row within the slice.
    pub(crate) fn next(self, rows: &mut Rows) -> Result<Option<Row>, SourceError> {
        loop {
            match rows.next()? {
                Some(row) if row.at < self.from => {}
                Some(row) if row.at < self.to => return Ok(Some(row)),
                _ => return Ok(None),
            }
        }
    }
}

/// A trace that is being replayed.
#[derive(Debug)]
pub struct TraceSource {
    rows: Rows,
    slice: Slice,
    time_scale: f64,
    lifetime: LifetimeParams,
    workload: WorkloadId,
}

impl TraceSource {
    /// Opens a trace at its beginning.
    pub fn open(plan: &TracePlan) -> Result<TraceSource, SourceError> {
        let params = &plan.params;
        refuse_first(params.check())?;
        let rows = Rows::open(&Wanted { params, scratch: plan.scratch.as_deref(), timed: true })?;
        Ok(TraceSource {
            rows,
            slice: Slice::of(params),
            time_scale: params.time_scale.map_or(1.0, |scale| scale.value()),
            lifetime: params.lifetime.clone(),
            workload: plan.workload,
        })
    }

    /// Opens a trace where it was left.
    pub fn open_at(plan: &TracePlan, cursor: &Cursor) -> Result<TraceSource, SourceError> {
        let mut source = TraceSource::open(plan)?;
        let CursorState::Rows(row) = cursor.state else {
            return Err(SourceError::of_file(&plan.params.pods, "the saved run had no trace here"));
        };
        source.rows.seek(row, cursor.content)?;
        Ok(source)
    }

    /// The rows themselves.
    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The next row, sliced and scaled.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        let row = self.slice.next(&mut self.rows)?;
        Ok(row.map(|row| Row {
            at: Time::ZERO + scale_span(row.at.since(self.slice.from), self.time_scale),
            lifetime: self.lifetime.apply(row.lifetime),
            ..row
        }))
    }
}

impl Source for TraceSource {
    fn next(&mut self) -> Result<Option<Timed<Stimulus>>, SourceError> {
        let workload = self.workload;
        Ok(self.next_row()?.map(|row| Timed {
            at: row.at,
            what: Stimulus::Submit {
                workload,
                spec: self.rows.shapes().spec(row.shape),
                name: row.name,
                lifetime: row.lifetime,
            },
        }))
    }

    fn catalog(&self) -> &Catalog {
        self.rows.shapes().catalog()
    }

    fn cursor(&self) -> Cursor {
        Cursor { content: self.rows.survey().content, state: CursorState::Rows(self.rows.at()) }
    }
}
