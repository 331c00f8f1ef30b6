//! The pods of a trace as a stream of any chosen load.
//!
//! Pods are drawn from the rows with a lifetime above zero, all alike and with replacement, request
//! and lifetime together; they arrive as a Poisson process. The rate is
//! `load * capacity / mean(amount * lifetime)`, amount and lifetime of a row being those of the
//! chosen resource: then the mean of what is in use, if every pod started at once, is
//! `load * capacity` (Little's law).

use super::generate::{Arrivals, Limits};
use super::read::{Rows, Shape, Shapes, Slice, Wanted, changed, load_table};
use super::source::refuse_first;
use super::{Cursor, Ratio, Source, SourceError, TraceParams};
use crate::ground::{Draws, Name, Problem, Purpose, Span, SpanDist, SpanDistParams};
use crate::model::{Catalog, Lifetime, PodName, Stimulus, Timed, WorkloadId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The resource that a load is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoadResource {
    /// Thousandths of GPUs.
    Gpu,
    /// Thousandths of cores.
    Cpu,
    /// Bytes of memory.
    Memory,
}

/// A Poisson stream of pods that are drawn from a trace, with replacement, at the rate at which
/// they ask for a chosen share of the cluster on average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadParams {
    /// Where the pods are drawn from: rows with a lifetime above zero, request and lifetime
    /// together. Its `time_scale` has no meaning here and is refused.
    pub trace: TraceParams,
    /// Mean of what is asked for over what there is, such as `80%`; above 100% the queue grows.
    pub load: Ratio,
    /// The resource that `load` counts.
    pub of: LoadResource,
    /// Lifetimes to draw instead of those of the trace, which then may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetimes: Option<SpanDistParams>,
    /// When arrivals begin.
    #[serde(default)]
    pub from: Span,
    /// No arrivals at or after this time; until the end of the run if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Span>,
    /// No more arrivals than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

const PICK: Purpose = Purpose::new("stimulus.pick");
const LIFETIME: Purpose = Purpose::new("stimulus.lifetime");

/// A load to be generated.
#[derive(Debug, Clone)]
pub struct LoadPlan {
    /// Name: the key of every draw and the stem of the pods' names, so unique in a scenario.
    pub name: String,
    /// The workload of the pods.
    pub workload: WorkloadId,
    /// What the scenario says; paths are relative to the working directory.
    pub params: LoadParams,
    /// What the cluster has of the chosen resource: thousandths of GPUs or cores, or bytes.
    pub capacity: u64,
    /// A folder for a trace that has to be sorted on disk.
    pub scratch: Option<PathBuf>,
}

impl LoadParams {
    /// What is wrong with these parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> =
            self.trace.check().into_iter().map(|p| p.under("trace")).collect();
        if self.trace.time_scale.is_some() {
            problems.push(
                Problem::new("trace.time_scale", "has no effect here: arrivals follow the load")
                    .hint("change `load` instead"),
            );
        }
        if self.lifetimes.is_some() && !self.trace.lifetime.is_plain() {
            problems.push(
                Problem::new("trace.lifetime", "changes lifetimes that `lifetimes` replaces")
                    .hint("give one of the two"),
            );
        }
        if self.lifetimes.is_some() && (self.trace.from.is_some() || self.trace.to.is_some()) {
            problems.push(
                Problem::new("lifetimes", "reads a trace without its times, which cannot be cut")
                    .hint("leave `from` and `to` of the trace out"),
            );
        }
        if self.until.is_some_and(|until| until <= self.from) {
            problems.push(Problem::new("until", "is not after `from`: nothing would arrive"));
        }
        problems
    }

    /// The files that are named, to make their paths absolute.
    pub fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let table = self.lifetimes.as_mut().and_then(SpanDistParams::file_mut);
        self.trace.paths_mut().chain(table)
    }
}

fn amount(shape: &Shape, of: LoadResource) -> u64 {
    match of {
        LoadResource::Gpu => u64::from(shape.gpus) * u64::from(shape.gpu_milli),
        LoadResource::Cpu => shape.cpu,
        LoadResource::Memory => shape.memory,
    }
}

/// A load that is being generated.
#[derive(Debug)]
pub struct LoadSource {
    arrivals: Arrivals,
    /// Shape and lifetime of the rows to draw from.
    pool: Vec<(u32, Span)>,
    lifetimes: Option<SpanDist>,
    shapes: Shapes,
    content: u128,
    stem: Name,
    workload: WorkloadId,
    draws: Draws,
    mean_work: f64,
}

impl LoadSource {
    /// Begins to generate.
    pub fn open(plan: &LoadPlan, draws: Draws) -> Result<LoadSource, SourceError> {
        let params = &plan.params;
        refuse_first(params.check())?;
        let lifetimes = params.lifetimes.as_ref().map(|dist| dist.resolve(&mut load_table));
        let lifetimes =
            lifetimes.transpose().map_err(|error| SourceError::new(error.to_string()))?;
        let mut rows = Rows::open(&Wanted {
            params: &params.trace,
            scratch: plan.scratch.as_deref(),
            timed: lifetimes.is_none(),
        })?;
        let (pool, mean_work) = pool(params, lifetimes.as_ref(), &mut rows)?;
        let rate = params.load.value() * plan.capacity as f64 / mean_work;
        let limits = Limits::new(params.from, params.until, params.count);
        let arrivals = Arrivals::steady(&plan.name, rate, limits, draws);
        let content = rows.survey().content;
        let mut shapes = rows.into_shapes();
        let stem = shapes.name(&format!("{}-", plan.name));
        let workload = plan.workload;
        Ok(LoadSource {
            arrivals,
            pool,
            lifetimes,
            shapes,
            content,
            stem,
            workload,
            draws,
            mean_work,
        })
    }

    /// Continues where it was left.
    pub fn open_at(
        plan: &LoadPlan,
        draws: Draws,
        cursor: &Cursor,
    ) -> Result<LoadSource, SourceError> {
        let mut source = LoadSource::open(plan, draws)?;
        if source.content != cursor.content {
            return Err(changed(&plan.params.trace.pods));
        }
        source.arrivals.resume(&cursor.state)?;
        Ok(source)
    }

    /// Mean of amount times lifetime of a pod, in thousandths or bytes, times seconds.
    pub fn mean_work(&self) -> f64 {
        self.mean_work
    }
}

/// The rows to draw from, and the mean work of one of them.
fn pool(
    params: &LoadParams,
    lifetimes: Option<&SpanDist>,
    rows: &mut Rows,
) -> Result<(Vec<(u32, Span)>, f64), SourceError> {
    let file = &params.trace.pods;
    let most = params.trace.memory.0 / size_of::<(u32, Span)>() as u64;
    let slice = Slice::of(&params.trace);
    let mut pool = Vec::new();
    let mut work = 0u128;
    while let Some(row) = slice.next(rows)? {
        let amount = u128::from(amount(rows.shapes().shape(row.shape), params.of));
        let length = match params.trace.lifetime.apply(row.lifetime) {
            _ if lifetimes.is_some() => Span::ZERO,
            Lifetime::For(Span::ZERO) => continue,
            Lifetime::For(span) => span,
            Lifetime::Forever => {
                return Err(SourceError::of_file(file, "a pod of the trace never ends")
                    .hint("give `lifetime: {max: ...}` or `lifetimes`"));
            }
        };
        work += amount * if lifetimes.is_some() { 1 } else { u128::from(length.as_nanos()) };
        pool.push((row.shape, length));
        if pool.len() as u64 > most {
            let text = format!("has more rows than {} of memory hold", params.trace.memory);
            return Err(SourceError::of_file(file, text)
                .hint("raise `memory`, or draw from a part with `from` and `to`"));
        }
    }
    if work == 0 {
        return Err(SourceError::of_file(
            file,
            "no pod asks for the resource of the load for any time",
        )
        .hint("choose another resource in `of`"));
    }
    let mean = work as f64 / pool.len() as f64;
    let seconds = match lifetimes {
        None => 1e-9,
        Some(dist) => dist.mean_secs().filter(|mean| *mean > 0.0).ok_or_else(|| {
            SourceError::new("`lifetimes` has no finite mean above 0, so no rate gives the load")
                .hint("cut it with `max`, or choose another distribution")
        })?,
    };
    Ok((pool, mean * seconds))
}

impl Source for LoadSource {
    fn next(&mut self) -> Result<Option<Timed<Stimulus>>, SourceError> {
        let Some(arrival) = self.arrivals.next() else { return Ok(None) };
        let pick = self.draws.stream(PICK, arrival.key, 0).below(self.pool.len() as u64);
        let (shape, own) = self.pool[pick as usize];
        let lifetime = match &self.lifetimes {
            None => own,
            Some(dist) => dist.sample(&mut self.draws.stream(LIFETIME, arrival.key, 0)),
        };
        let what = Stimulus::Submit {
            workload: self.workload,
            spec: self.shapes.spec(shape),
            name: PodName::numbered(self.stem, arrival.number),
            lifetime: Lifetime::For(lifetime),
        };
        Ok(Some(Timed { at: arrival.at, what }))
    }

    fn catalog(&self) -> &Catalog {
        self.shapes.catalog()
    }

    fn cursor(&self) -> Cursor {
        Cursor { content: self.content, state: self.arrivals.state() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::shared;
    use crate::stimulus::TraceFormat;
    use crate::stimulus::read::TraceFacts;

    fn params(json: &str) -> LoadParams {
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/traces/sample.csv");
        let mut params: LoadParams = serde_json::from_str(json).unwrap();
        params.trace.pods = sample.into();
        params
    }

    fn plan(params: LoadParams, capacity: u64) -> LoadPlan {
        LoadPlan { name: "load".into(), workload: WorkloadId(0), params, capacity, scratch: None }
    }

    fn json(load: &str, of: &str, rest: &str) -> String {
        format!(
            r#"{{"trace": {{"format": "native", "pods": ""}}, "load": "{load}", "of": "{of}",
                "until": "20d" {rest}}}"#
        )
    }

    /// Work offered over time is load times capacity, whatever the resource and the lifetimes.
    #[test]
    fn the_offered_load_is_the_one_asked_for() {
        for (of, capacity, rest) in [
            ("cpu", 400_000, ""),
            ("gpu", 64_000, ""),
            ("memory", 1 << 40, ""),
            ("cpu", 400_000, r#", "lifetimes": {"exponential": {"mean": "30m"}}"#),
        ] {
            let plan = plan(params(&json("80%", of, rest)), capacity);
            let mut source = LoadSource::open(&plan, Draws::new(6)).unwrap();
            let mut work = 0.0;
            while let Some(stimulus) = source.next().unwrap() {
                let Stimulus::Submit { spec, lifetime, .. } = stimulus.what else { panic!() };
                let Lifetime::For(lifetime) = lifetime else { panic!() };
                let spec = source.catalog().pod_spec(spec);
                let amount = match plan.params.of {
                    LoadResource::Cpu => spec.requests.cpu.0,
                    LoadResource::Memory => spec.requests.memory.0,
                    LoadResource::Gpu => spec.device_milli(),
                };
                work += amount as f64 * lifetime.as_secs_f64();
            }
            let offered = work / (20.0 * 86_400.0 * capacity as f64);
            assert!((offered - 0.8).abs() < 0.06, "{of} {rest}: {offered}");
        }
    }

    #[test]
    fn the_cap_counts_in_the_rate() {
        let open = |params| LoadSource::open(&plan(params, 1000), Draws::new(1)).unwrap();
        let whole = open(params(&json("1", "cpu", ""))).mean_work();
        let mut capped = params(&json("1", "cpu", ""));
        capped.trace.lifetime.max = Some(Span::from_secs(600));
        let capped = open(capped).mean_work();
        assert!(capped < 0.9 * whole, "{capped} {whole}");
    }

    #[test]
    fn a_list_without_times_needs_lifetimes() {
        let list = "data/alibaba-gpu-2023/openb_pod_list_multigpu20.csv";
        let Some(path) = shared(list) else { return };
        let mut params = params(&json("1", "gpu", ""));
        params.trace = TraceParams::new(TraceFormat::AlibabaGpu2023, &path);
        let error = LoadSource::open(&plan(params.clone(), 1), Draws::new(1)).unwrap_err();
        assert!(error.to_string().contains("give the `lifetimes`"), "{error}");
        params.lifetimes = Some(Span::from_secs(100).into());
        let source = LoadSource::open(&plan(params.clone(), 1), Draws::new(1)).unwrap();
        assert_eq!(source.mean_work(), 7_086_800.0 / 8324.0 * 100.0);
        assert!(TraceFacts::count(&params.trace, None).is_err());
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        let check = |change: fn(&mut LoadParams)| {
            let mut params = params(&json("1", "cpu", ""));
            change(&mut params);
            params.check()[0].text.clone()
        };
        for (text, part) in [
            (check(|p| p.trace.time_scale = Ratio::new(2.0)), "arrivals follow the load"),
            (check(|p| p.until = Some(Span::ZERO)), "nothing would arrive"),
            (
                check(|p| {
                    p.lifetimes = Some(Span::from_secs(1).into());
                    p.trace.lifetime.max = Some(Span::from_secs(1));
                }),
                "that `lifetimes` replaces",
            ),
        ] {
            assert!(text.contains(part), "{text}");
        }
        let endless = json("1", "cpu", r#", "lifetimes": {"pareto": {"shape": 1, "min": "1s"}}"#);
        let error = LoadSource::open(&plan(params(&endless), 1), Draws::new(1)).unwrap_err();
        assert!(error.to_string().contains("no finite mean"), "{error}");
    }
}
