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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::Ratio;

    fn replay(change: impl FnOnce(&mut TraceParams)) -> Result<Vec<(u64, String)>, SourceError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        let text = "submit,name,cpu,memory,lifetime\n0s,a,1,1Gi,10s\n10s,b,1,1Gi,100s\n\
                    20s,c,1,1Gi,0s\n30s,d,1,1Gi,forever\n";
        std::fs::write(&path, text).unwrap();
        let mut params = TraceParams::new(TraceFormat::Native, path);
        change(&mut params);
        let plan = TracePlan { workload: WorkloadId(3), params, scratch: None };
        let mut source = TraceSource::open(&plan)?;
        let mut all = Vec::new();
        while let Some(stimulus) = source.next()? {
            let Stimulus::Submit { workload, lifetime, .. } = stimulus.what else { panic!() };
            assert_eq!(workload, WorkloadId(3));
            let lifetime = match lifetime {
                Lifetime::Forever => "for ever".to_owned(),
                Lifetime::For(span) => span.to_string(),
            };
            all.push((stimulus.at.as_nanos() / 1_000_000_000, lifetime));
        }
        Ok(all)
    }

    #[test]
    fn traces_are_sliced_and_scaled() {
        let rows = |list: &[(u64, &str)]| -> Vec<(u64, String)> {
            list.iter().map(|(at, lifetime)| (*at, (*lifetime).to_owned())).collect()
        };
        let all = [(0, "10s"), (10, "1m40s"), (20, "0s"), (30, "for ever")];
        assert_eq!(replay(|_| ()).unwrap(), rows(&all));
        let sliced = replay(|params| {
            params.from = Some(Span::from_secs(10));
            params.to = Some(Span::from_secs(30));
            params.time_scale = Ratio::new(0.5);
        });
        assert_eq!(sliced.unwrap(), rows(&[(0, "1m40s"), (5, "0s")]));
        let shorter = replay(|params| {
            params.lifetime.scale = Ratio::new(2.0);
            params.lifetime.max = Some(Span::from_secs(60));
        });
        assert_eq!(shorter.unwrap(), rows(&[(0, "20s"), (10, "1m"), (20, "0s"), (30, "1m")]));
    }

    #[test]
    fn impossible_parameters_are_refused() {
        let refused = |change: fn(&mut TraceParams)| replay(change).unwrap_err().to_string();
        for (error, part) in [
            (refused(|p| p.to = Some(Span::ZERO)), "`to`: is not after `from`"),
            (refused(|p| p.time_scale = Ratio::new(0.0)), "`time_scale`: is 0"),
            (refused(|p| p.nodes = Some("n.csv".into())), "`nodes`: the native format has no"),
            (refused(|p| p.lifetime.max = Some(Span::ZERO)), "`lifetime.max`: is 0s"),
            (refused(|p| p.pods = "/no/such.csv".into()), "/no/such.csv: cannot be read"),
        ] {
            assert!(error.contains(part), "{error}");
        }
    }
}
