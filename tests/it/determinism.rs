//! One digest, however a run is done: twice, in parallel, read ahead or not, watched or not, saved
//! and continued.

use crate::shared::root;
use rayon::prelude::*;
use wavetank::engine::{Limits, Stopped};
use wavetank::experiment::{Session, run};
use wavetank::ground::{Span, Time};
use wavetank::journal::{EventWriter, Journal, Record, RunEnd, Sink};
use wavetank::metrics::{Metrics, Settings};
use wavetank::model::{Explain, PodUid};
use wavetank::scenario::{Input, Scenario};
use wavetank::sim::{Run, SavedRun};
use wavetank::stimulus::{SourceError, Stream, StreamCursor};

/// A little of everything: a service that is rolled and scaled, generated batch work, a trace, faults
/// that come back.
const MIXED: &str = "
apiVersion: wavetank/v1
kind: Scenario
name: mixed
seed: 3
until: 3h
cluster:
  nodes:
    - {name: plain, count: 8, cpu: 16, memory: 64Gi, zones: [a, b]}
    - {name: gpu, count: 3, cpu: 32, memory: 128Gi, gpus: {count: 4, model: T4}}
workloads:
  - service:
      name: web
      replicas: 12
      pod: {containers: [{name: web, resources: {requests: {cpu: 1, memory: 1Gi}}}]}
  - batch:
      name: nightly
      arrivals: {rate: 120/h}
      pods: [{cpu: 2, memory: 4Gi, lifetime: {gamma: {shape: 2, mean: 15m}}}]
  - trace: {name: sample, format: native, pods: traces/sample.csv}
faults:
  - action: node-crash
    rate: {time_to_failure: {weibull: {shape: 0.7, mean: 5h}}}
    repair: {lognormal: {median: 10m, p95: 1h}}
timeline:
  - {at: 40m, set-image: {workload: web, image: 'web:v2'}}
  - {at: 41m, scale: {workload: web, replicas: 16}}
  - {at: 2h, rollout-undo: {workload: web}}
rollback: {web: on-progress-deadline}
";

fn mixed() -> Scenario {
    let (name, text) = ("mixed".to_owned(), MIXED.as_bytes().to_vec());
    let loaded = Scenario::load(&Input::Text { name, text, folder: root() }, &[]);
    let mut loaded = loaded.unwrap_or_else(|diagnostics| {
        panic!("{}", diagnostics.iter().map(|d| d.render(false)).collect::<String>())
    });
    loaded.scenarios.remove(0)
}

fn digest(session: &Session) -> String {
    run(&mixed(), session, (), |_| {}).unwrap().digest.to_string()
}

#[test]
fn the_same_twice_and_beside_others() {
    let session = Session::new(3);
    let alone = digest(&session);
    assert_eq!(alone, digest(&session));
    let beside: Vec<String> = (0..8).into_par_iter().map(|_| digest(&session)).collect();
    assert!(beside.iter().all(|digest| *digest == alone), "{beside:?}");
    assert_ne!(alone, digest(&Session::new(4)), "the seed counts");
}

#[test]
fn reading_ahead_changes_nothing() {
    let with = |read_ahead| digest(&Session { read_ahead, ..Session::new(3) });
    let one = with(1);
    for read_ahead in [2, 17, 10_000] {
        assert_eq!(with(read_ahead), one, "{read_ahead}");
    }
}

/// Wants every explanation, and counts them.
#[derive(Default)]
struct Curious(u64);

impl Sink for Curious {
    fn record(&mut self, _: &Record) {}
    fn wants_explanations(&self) -> bool {
        true
    }
    fn explain(&mut self, _: Time, _: PodUid, explain: &Explain) {
        self.0 += u64::from(!explain.nodes.is_empty());
    }
}

#[test]
fn watching_changes_nothing() {
    let session = Session::new(3);
    let plain = digest(&session);
    let explained = run(&mixed(), &session, Curious::default(), |_| {}).unwrap();
    assert!(explained.sink.0 > 100, "{} explanations", explained.sink.0);
    assert_eq!(explained.digest.to_string(), plain);
    let logged = run(&mixed(), &session, EventWriter::new(Vec::new()), |_| {}).unwrap();
    assert!(!logged.sink.finish().unwrap().is_empty());
    assert_eq!(logged.digest.to_string(), plain);
    let mut times = 0;
    let watched = run(&mixed(), &session, (), |_| times += 1).unwrap();
    assert!(times > 0, "progress was told");
    assert_eq!(watched.digest.to_string(), plain);
    let checked = digest(&Session { check: true, ..session });
    assert_eq!(checked, plain);
}

type Watched = Run<Stream, (Journal, Metrics)>;

fn start(scenario: &Scenario) -> Watched {
    let built = scenario.build(3, None).unwrap();
    let stream = Stream::open(&built.sources, built.draws, 100).unwrap();
    let metrics = Metrics::new(Settings { until: built.until, ..Settings::default() });
    Run::new(built.setup, stream, (Journal::new(), metrics))
}

fn finish(mut run: Watched) -> (String, String) {
    let until = Time::ZERO + Span::from_secs(3 * 3600);
    let stopped = run.run(&Limits::until(until));
    assert!(matches!(stopped, Stopped::Until | Stopped::Exhausted));
    run.close(until, RunEnd::Until);
    let (journal, metrics) = run.into_sink();
    (journal.digest().to_string(), format!("{:?}", metrics.finish(until)))
}

#[test]
fn saved_at_half_time_and_continued() {
    let scenario = mixed();
    let straight = finish(start(&scenario));
    assert_eq!(straight.0, digest(&Session::new(3)));
    for pause in [0, 1, 1800, 5400, 10_799] {
        let mut first = start(&scenario);
        let until = Limits::until(Time::from_secs(3 * 3600));
        assert_eq!(first.run(&until.pause_at(Time::from_secs(pause))), Stopped::Paused);
        let bytes = first.save(first.arrivals().cursor()).to_bytes().unwrap();
        let saved = SavedRun::<StreamCursor, (Journal, Metrics)>::from_bytes(&bytes).unwrap();
        let built = scenario.build(3, None).unwrap();
        let reopen = |cursor| -> Result<Stream, SourceError> {
            Stream::open_at(&built.sources, built.draws, 7, &cursor)
        };
        let resumed = Run::resume(saved, reopen).unwrap();
        assert_eq!(finish(resumed), straight, "paused at {pause} s");
    }
}
