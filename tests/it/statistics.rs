//! What is drawn at random has the distribution that it says: failures of nodes, by themselves and
//! through the whole simulation.

use crate::shared::root;
use rayon::prelude::*;
use wavetank::experiment::{Session, run};
use wavetank::ground::{Draws, Time};
use wavetank::journal::{Fact, Record, Sink};
use wavetank::model::Stimulus;
use wavetank::scenario::{Input, Scenario};
use wavetank::stimulus::{FaultSource, Source, SourcePlan};

const NODES: usize = 100;
const YEARS: u64 = 10;
/// Mean times to failure of 30 days and to repair of one.
const AVAILABILITY: f64 = 30.0 / 31.0;
/// The 97.5th percentile of Student's distribution with 99 degrees of freedom.
const T_99: f64 = 1.984;

fn cluster() -> Scenario {
    let text = format!(
        "{{apiVersion: wavetank/v1, kind: Scenario, name: failures, seed: 1, until: {days}d, \
         cluster: {{nodes: [{{name: n, count: {NODES}, cpu: 4, memory: 16Gi, zones: [a, b, c]}}]}}, \
         faults: [{{action: node-crash, repair: {{exponential: {{mean: 1d}}}}, rate: \
         {{time_to_failure: {{exponential: {{mean: 30d}}}}}}}}]}}",
        days = YEARS * 365
    );
    let input =
        Input::Text { name: "failures".to_owned(), text: text.into_bytes(), folder: root() };
    Scenario::load(&input, &[]).map_err(|found| found.len()).unwrap().scenarios.remove(0)
}

fn end() -> Time {
    Time::from_secs(YEARS * 365 * 86_400)
}

/// Since when each node is down, and for how long it was before.
#[derive(Debug, Clone)]
struct Down {
    since: Vec<Option<Time>>,
    seconds: Vec<f64>,
}

impl Down {
    fn new() -> Down {
        Down { since: vec![None; NODES], seconds: vec![0.0; NODES] }
    }

    fn power(&mut self, node: usize, at: Time, lost: bool) {
        match (lost, self.since[node].take()) {
            (true, None) => self.since[node] = Some(at),
            (false, Some(since)) => self.seconds[node] += at.since(since).as_secs_f64(),
            other => panic!("node {node} at {at}: {other:?}"),
        }
    }

    /// True if the 95 % interval of the mean over the nodes covers the truth.
    fn covers(mut self) -> bool {
        for node in 0..NODES {
            if self.since[node].is_some() {
                self.power(node, end(), false);
            }
        }
        let whole = end().since(Time::ZERO).as_secs_f64();
        let up: Vec<f64> = self.seconds.iter().map(|down| 1.0 - down / whole).collect();
        let count = NODES as f64;
        let mean = up.iter().sum::<f64>() / count;
        let variance = up.iter().map(|up| (up - mean) * (up - mean)).sum::<f64>() / (count - 1.0);
        (mean - AVAILABILITY).abs() <= T_99 * (variance / count).sqrt()
    }
}

impl Sink for Down {
    fn record(&mut self, record: &Record) {
        match record.fact {
            Fact::NodeCrashed { node } => self.power(node.0 as usize, record.at, true),
            Fact::NodeRepaired { node } => self.power(node.0 as usize, record.at, false),
            _ => {}
        }
    }
}

/// In 34 to 40 of 40 runs a 95 % interval covers the truth, but for one time in 200.
fn assert_covered(covered: usize) {
    assert!((34..=40).contains(&covered), "{covered} of 40 intervals cover {AVAILABILITY}");
}

#[test]
fn availability_is_that_of_the_renewal_process() {
    let scenario = cluster();
    let [SourcePlan::Faults(plans)] = scenario.plan.sources.as_slice() else {
        panic!("the scenario has faults and nothing else")
    };
    let covers = |seed: u64| {
        let mut source = FaultSource::open(&plans[..], Draws::new(seed)).unwrap();
        let mut down = Down::new();
        while let Some(next) = source.next().unwrap().filter(|next| next.at <= end()) {
            let Stimulus::Fault { node, on, .. } = next.what else { panic!("{:?}", next.what) };
            down.power(node as usize, next.at, on);
        }
        down.covers()
    };
    assert_covered((1..=40u64).into_par_iter().filter(|seed| covers(*seed)).count());
}

#[test]
#[cfg_attr(debug_assertions, ignore = "forty times ten years: in release builds")]
fn availability_is_the_same_through_the_whole_simulation() {
    let scenario = cluster();
    let covers = |seed: u64| {
        let finished = run(&scenario, &Session::new(seed), Down::new(), |_| {}).unwrap();
        finished.sink.covers()
    };
    assert_covered((1..=40u64).into_par_iter().filter(|seed| covers(*seed)).count());
}
