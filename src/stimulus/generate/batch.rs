//! Batch work: arrivals times a mix of pods times their lifetimes.

use super::arrivals::{ArrivalParams, Arrivals, Limits};
use crate::ground::{
    Bytes, Draws, MilliCpu, Name, Problem, Purpose, Span, SpanDist, SpanDistParams, Time,
};
use crate::model::{Catalog, Lifetime, PodName, Stimulus, Timed, WorkloadId};
use crate::stimulus::read::{NO_TEXT, Row, Shape, Shapes, gpu_problem, load_table, write_text};
use crate::stimulus::source::refuse_first;
use crate::stimulus::{Cursor, Source, SourceError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// Pods that arrive, run for a drawn lifetime and finish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchParams {
    /// When pods arrive.
    pub arrivals: ArrivalParams,
    /// What arrives: each arrival is one of these, at random by weight.
    pub pods: Vec<PodParams>,
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

/// One kind of pod in a mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodParams {
    /// Its share of the arrivals is its weight over the sum of all weights.
    #[serde(default = "one")]
    pub weight: u32,
    /// CPU request.
    #[serde(default)]
    pub cpu: MilliCpu,
    /// Memory request.
    #[serde(default)]
    pub memory: Bytes,
    /// GPU request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuParams>,
    /// Priority.
    #[serde(default)]
    pub priority: i32,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// How long it runs; for ever if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<SpanDistParams>,
}

const fn one() -> u32 {
    1
}

/// A request for GPUs of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpuParams {
    /// Number of GPUs, 1 to 32.
    #[serde(default = "one_gpu")]
    pub count: u8,
    /// Thousandths of each GPU, 1 to 1000; below 1000 only with `count` 1.
    #[serde(default = "whole_gpu")]
    pub milli: u32,
    /// Accepted models; every model if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
}

const fn one_gpu() -> u8 {
    1
}

const fn whole_gpu() -> u32 {
    1000
}

const PICK: Purpose = Purpose::new("stimulus.pick");
const LIFETIME: Purpose = Purpose::new("stimulus.lifetime");

/// Batch work to be generated.
#[derive(Debug, Clone)]
pub struct BatchPlan {
    /// Name: the key of every draw and the stem of the pods' names, so unique in a scenario.
    pub name: String,
    /// The workload of the pods.
    pub workload: WorkloadId,
    /// What the scenario says; paths are relative to the working directory.
    pub params: BatchParams,
}

impl BatchParams {
    /// What is wrong with these parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> =
            self.arrivals.check().into_iter().map(|p| p.under("arrivals")).collect();
        if self.pods.iter().map(|pod| u64::from(pod.weight)).sum::<u64>() == 0 {
            problems.push(
                Problem::new("pods", "has no entry with a weight above 0")
                    .hint("describe at least one kind of pod"),
            );
        }
        for (at, pod) in self.pods.iter().enumerate() {
            problems.extend(pod.check().into_iter().map(|p| p.under(&format!("pods.{at}"))));
        }
        if self.until.is_some_and(|until| until <= self.from) {
            problems.push(Problem::new("until", "is not after `from`: nothing would arrive"));
        }
        problems
    }

    /// The files that are named, to make their paths absolute.
    pub fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let gap = match &mut self.arrivals {
            ArrivalParams::Gap(gap) => Some(gap),
            ArrivalParams::Rate(_) => None,
        };
        let lifetimes = self.pods.iter_mut().filter_map(|pod| pod.lifetime.as_mut());
        gap.into_iter().chain(lifetimes).filter_map(SpanDistParams::file_mut)
    }
}

impl PodParams {
    /// What is wrong with these parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(gpu) = &self.gpu {
            if gpu.count == 0 {
                problems.push(Problem::new(
                    "gpu.count",
                    "is 0; leave `gpu` out for a pod without GPUs",
                ));
            } else if let Some(text) = gpu_problem(u64::from(gpu.count), u64::from(gpu.milli)) {
                let field = if gpu.count > 32 { "gpu.count" } else { "gpu.milli" };
                problems.push(Problem::new(field, text));
            }
            if gpu.models.iter().any(|model| model.is_empty() || model.contains('|')) {
                problems.push(Problem::new("gpu.models", "has a name that is empty or has a `|`"));
            }
        }
        let bad = |text: &String| text.contains(['=', ';']);
        if self.labels.iter().any(|(k, v)| k.is_empty() || bad(k) || bad(v)) {
            problems.push(Problem::new("labels", "has an empty key, or a `=` or `;` in a text"));
        }
        problems
    }

    fn shape(&self, shapes: &mut Shapes) -> u32 {
        let pairs: Vec<String> = self.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let labels = shapes.name(&pairs.join(";"));
        let (gpus, gpu_milli, models) = match &self.gpu {
            Some(gpu) => (gpu.count, gpu.milli, shapes.name(&gpu.models.join("|"))),
            None => (0, 0, NO_TEXT),
        };
        let (cpu, memory, priority) = (self.cpu.0, self.memory.0, self.priority);
        shapes.intern(Shape { cpu, memory, gpus, gpu_milli, models, priority, labels })
    }
}

#[derive(Debug, Clone)]
struct Kind {
    /// Sum of the weights up to and with this kind.
    up_to: u64,
    shape: u32,
    lifetime: Option<SpanDist>,
}

/// Batch work that is being generated.
#[derive(Debug, Clone)]
pub struct BatchSource {
    arrivals: Arrivals,
    kinds: Vec<Kind>,
    shapes: Shapes,
    stem: Name,
    workload: WorkloadId,
    draws: Draws,
}

impl BatchSource {
    /// Begins to generate.
    pub fn open(plan: &BatchPlan, draws: Draws) -> Result<BatchSource, SourceError> {
        let params = &plan.params;
        refuse_first(params.check())?;
        let limits = Limits::new(params.from, params.until, params.count);
        let arrivals = Arrivals::open(&params.arrivals, &plan.name, limits, draws)?;
        let mut shapes = Shapes::new();
        let stem = shapes.name(&format!("{}-", plan.name));
        let mut kinds = Vec::new();
        let mut up_to = 0;
        for pod in &params.pods {
            up_to += u64::from(pod.weight);
            let lifetime = pod.lifetime.as_ref().map(|dist| dist.resolve(&mut load_table));
            let lifetime =
                lifetime.transpose().map_err(|error| SourceError::new(error.to_string()))?;
            kinds.push(Kind { up_to, shape: pod.shape(&mut shapes), lifetime });
        }
        Ok(BatchSource { arrivals, kinds, shapes, stem, workload: plan.workload, draws })
    }

    /// Continues where it was left.
    pub fn open_at(
        plan: &BatchPlan,
        draws: Draws,
        cursor: &Cursor,
    ) -> Result<BatchSource, SourceError> {
        let mut source = BatchSource::open(plan, draws)?;
        source.arrivals.resume(&cursor.state)?;
        Ok(source)
    }

    fn next_row(&mut self) -> Option<Row> {
        let arrival = self.arrivals.next()?;
        let all = self.kinds.last().expect("checked: there is a kind").up_to;
        let pick = self.draws.stream(PICK, arrival.key, 0).below(all);
        let kind = &self.kinds[self.kinds.partition_point(|kind| kind.up_to <= pick)];
        let lifetime = match &kind.lifetime {
            None => Lifetime::Forever,
            Some(dist) => {
                let mut stream = self.draws.stream(LIFETIME, arrival.key, 0);
                Lifetime::For(dist.sample(&mut stream))
            }
        };
        let name = PodName::numbered(self.stem, arrival.number);
        Some(Row { at: arrival.at, lifetime, shape: kind.shape, name })
    }

    /// Writes everything that is still to come as a native trace in text form. Never ends if the
    /// parameters give neither `until` nor `count`.
    pub fn write_trace(&mut self, out: impl io::Write) -> Result<(), SourceError> {
        let shapes = self.shapes.clone();
        write_text(std::iter::from_fn(|| self.next_row()).map(whole_millis), &shapes, out)
    }
}

/// Times without digits below the millisecond, which a text does not need.
fn whole_millis(row: Row) -> Row {
    let cut = |nanos: u64| nanos / 1_000_000 * 1_000_000;
    let lifetime = match row.lifetime {
        Lifetime::For(span) => Lifetime::For(Span::from_nanos(cut(span.as_nanos()))),
        Lifetime::Forever => Lifetime::Forever,
    };
    Row { at: Time::from_nanos(cut(row.at.as_nanos())), lifetime, ..row }
}

impl Source for BatchSource {
    fn next(&mut self) -> Result<Option<Timed<Stimulus>>, SourceError> {
        let workload = self.workload;
        Ok(self.next_row().map(|row| Timed {
            at: row.at,
            what: Stimulus::Submit {
                workload,
                spec: self.shapes.spec(row.shape),
                name: row.name,
                lifetime: row.lifetime,
            },
        }))
    }

    fn catalog(&self) -> &Catalog {
        self.shapes.catalog()
    }

    fn cursor(&self) -> Cursor {
        Cursor { content: 0, state: self.arrivals.state() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/traces/sample");
    const SAMPLE_SEED: u64 = 2023;

    fn open(json: &str, seed: u64) -> Result<BatchSource, SourceError> {
        let params = serde_json::from_str(json).unwrap();
        let plan = BatchPlan { name: "sample".into(), workload: WorkloadId(0), params };
        BatchSource::open(&plan, Draws::new(seed))
    }

    fn sample() -> Vec<u8> {
        let params = fs::read_to_string(format!("{SAMPLE}.json")).unwrap();
        let mut out = Vec::new();
        open(&params, SAMPLE_SEED).unwrap().write_trace(&mut out).unwrap();
        out
    }

    #[test]
    fn the_sample_trace_is_what_its_parameters_make() {
        let kept = fs::read_to_string(format!("{SAMPLE}.csv")).unwrap();
        assert!(kept == String::from_utf8(sample()).unwrap(), "see traces/README.md");
        assert!((400..600).contains(&kept.lines().count()), "{}", kept.lines().count());
    }

    /// Runs with `cargo test --lib sample_trace_is_written -- --ignored`.
    #[test]
    #[ignore = "writes traces/sample.csv"]
    fn sample_trace_is_written() {
        fs::write(format!("{SAMPLE}.csv"), sample()).unwrap();
    }

    #[test]
    fn the_mix_follows_the_weights() {
        let json = r#"{"arrivals": {"gap": "1s"}, "count": 10000, "pods": [
            {"weight": 0, "cpu": "1"}, {"weight": 3, "cpu": "2"}, {"weight": 7, "cpu": "3"}]}"#;
        let mut source = open(json, 1).unwrap();
        let mut counts = [0; 3];
        while let Some(row) = source.next_row() {
            counts[row.shape as usize] += 1;
            assert_eq!(row.lifetime, Lifetime::Forever);
        }
        assert_eq!(counts[0], 0);
        assert!((2850..3150).contains(&counts[1]), "{counts:?}");
    }

    #[test]
    fn a_change_of_the_mix_moves_no_arrival() {
        let arrivals = |pods: &str| {
            let json = format!(
                r#"{{"arrivals": {{"rate": {{"constant": "1/m"}}}}, "count": 50, "pods": {pods}}}"#
            );
            let mut source = open(&json, 1).unwrap();
            std::iter::from_fn(|| source.next_row()).map(|row| row.at).collect::<Vec<Time>>()
        };
        let plain = arrivals(r#"[{"cpu": "1"}]"#);
        let lasting = r#"[{"cpu": "1", "lifetime": {"gamma": {"shape": 0.5, "mean": "1h"}}},
            {"cpu": "2", "lifetime": {"exponential": {"mean": "1h"}}}]"#;
        assert_eq!(arrivals(lasting), plain);
    }

    #[test]
    fn impossible_mixes_are_refused() {
        for (pods, part) in [
            ("[]", "no entry with a weight above 0"),
            (r#"[{"weight": 0}]"#, "no entry with a weight above 0"),
            (r#"[{"gpu": {"count": 2, "milli": 500}}]"#, "`pods.0.gpu.milli`: is below 1000"),
            (r#"[{"gpu": {"count": 33}}]"#, "`pods.0.gpu.count`: is above 32"),
            (r#"[{"gpu": {"count": 0}}]"#, "leave `gpu` out"),
            (r#"[{"gpu": {"models": ["a|b"]}}]"#, "`pods.0.gpu.models`"),
            (r#"[{"labels": {"": "x"}}]"#, "`pods.0.labels`"),
            (
                r#"[{"lifetime": {"empirical": {"file": "/no/such/file", "column": "x"}}}]"#,
                "/no/such/file: cannot be read",
            ),
        ] {
            let json = format!(r#"{{"arrivals": {{"gap": "1s"}}, "pods": {pods}}}"#);
            let error = open(&json, 1).unwrap_err().to_string();
            assert!(error.contains(part), "{pods}: {error}");
        }
    }

    #[test]
    fn lifetimes_come_from_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lengths.csv");
        fs::write(&path, "kind,length,weight\na,90s,1\nb,2.5,3\nc,1h,0\n").unwrap();
        let path = path.to_str().unwrap();
        let json = format!(
            r#"{{"arrivals": {{"gap": "1s"}}, "count": 400, "pods": [{{"lifetime": {{"empirical":
                {{"file": "{path}", "column": "length", "weight": "weight"}}}}}}]}}"#
        );
        let mut source = open(&json, 1).unwrap();
        let mut long = 0;
        while let Some(row) = source.next_row() {
            match row.lifetime {
                Lifetime::For(span) if span == Span::from_secs(90) => long += 1,
                lifetime => assert_eq!(lifetime, Lifetime::For(Span::from_millis(2500))),
            }
        }
        assert!((70..130).contains(&long), "{long}");
        for (text, part) in [
            ("a\nx\n", "no column `length`; there are `a`"),
            ("length,weight\nsoon,1\n", "`soon` is neither a number nor a length of time"),
            ("length,weight\n1s,much\n", "`much` is not a weight"),
        ] {
            fs::write(path, text).unwrap();
            let error = open(&json, 1).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
