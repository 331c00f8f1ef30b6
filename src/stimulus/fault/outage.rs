//! All failures of a scenario as one source, at set times and at random.
//!
//! Each (fault, node) goes through its own failures and repairs, on its own clock; a node is down
//! while at least one of them has it down. So overlapping outages of a node are one: it crashes
//! when the first begins and is repaired when the last ends, and an outage that begins at the very
//! instant at which another ends continues it. Draws are keyed by the fault's path in the
//! scenario, the node's name and the number of the failure.
//!
//! In equilibrium the first time to failure is a uniform part of an interval from the
//! length-biased distribution, which is exactly the residual life with density (1 - F(x)) / mean
//! (Cox, "Renewal Theory", 1962, section 5.4).

use super::params::{FaultParams, FaultStart};
use crate::ground::{Draws, Key, Problem, Purpose, Span, SpanDist, SpanDistParams, Time};
use crate::model::{Catalog, Stimulus, Timed};
use crate::stimulus::read::load_table;
use crate::stimulus::source::refuse_first;
use crate::stimulus::{Cursor, CursorState, PendingFault, Source, SourceError};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;

const UPTIME: Purpose = Purpose::new("fault.time-to-failure");
const RESIDUAL: Purpose = Purpose::new("fault.residual-life");
const REPAIR: Purpose = Purpose::new("fault.repair");

/// A node that a fault may strike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeTarget {
    /// Position in the scenario's node list.
    pub position: u32,
    /// Name: the key of its draws.
    pub name: String,
}

/// A fault and its nodes.
#[derive(Debug, Clone)]
pub struct FaultPlan {
    /// Its path in the scenario, such as `faults.0`: part of the key of its draws.
    pub path: String,
    /// What the scenario says; paths are relative to the working directory.
    pub params: FaultParams,
    /// The nodes that it strikes, each by itself.
    pub targets: Vec<NodeTarget>,
}

impl FaultParams {
    /// What is wrong with these parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.at.is_some() == self.rate.is_some() {
            problems.push(
                Problem::new("", "a fault has either a time `at` or a `rate`")
                    .hint("write `at: 10m`, or `rate: {time_to_failure: ...}`"),
            );
        }
        if !self.nodes.is_empty() && !self.selector.is_empty() {
            problems.push(
                Problem::new("selector", "stands beside `nodes`, which already says which nodes")
                    .hint("give one of the two"),
            );
        }
        if let Some(rate) = &self.rate
            && rate.time_to_failure.file().is_none()
        {
            let text = match rate.time_to_failure.resolve(&mut load_table) {
                Ok(dist) if dist.mean_secs() == Some(0.0) => {
                    Some("is always 0s: time would stand still".to_owned())
                }
                Ok(dist) if rate.start == FaultStart::Equilibrium => {
                    dist.length_biased().err().map(|error| error.to_string())
                }
                Ok(_) => None,
                Err(error) => Some(error.to_string()),
            };
            problems.extend(text.map(|text| Problem::new("rate.time_to_failure", text)));
        }
        problems
    }

    /// The files that are named, to make their paths absolute.
    pub fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let uptime = self.rate.as_mut().map(|rate| &mut rate.time_to_failure);
        uptime.into_iter().chain(&mut self.repair).filter_map(SpanDistParams::file_mut)
    }
}

#[derive(Debug)]
struct Fault {
    /// Time to failure; `None` for a failure at a set time.
    uptime: Option<SpanDist>,
    repair: Option<SpanDist>,
    targets: Vec<(u32, Key)>,
}

impl Fault {
    fn draw(
        &self,
        dist: &SpanDist,
        (draws, purpose): (Draws, Purpose),
        pending: PendingFault,
    ) -> Span {
        let (_, key) = self.targets[pending.target as usize];
        dist.sample(&mut draws.stream(purpose, key, pending.renewal))
    }
}

/// All failures of a scenario.
#[derive(Debug)]
pub struct FaultSource {
    faults: Vec<Fault>,
    pending: BinaryHeap<Reverse<PendingFault>>,
    /// How many faults have each node down, by position.
    down: Vec<u32>,
    draws: Draws,
    catalog: Catalog,
}

impl FaultSource {
    /// The failures from the start of the run on.
    pub fn open(plans: &[FaultPlan], draws: Draws) -> Result<FaultSource, SourceError> {
        let mut source = FaultSource {
            faults: Vec::new(),
            pending: BinaryHeap::new(),
            down: Vec::new(),
            draws,
            catalog: Catalog::new(),
        };
        for plan in plans {
            source.add(plan)?;
        }
        Ok(source)
    }

    /// The failures from a cursor on.
    pub fn open_at(
        plans: &[FaultPlan],
        draws: Draws,
        cursor: &Cursor,
    ) -> Result<FaultSource, SourceError> {
        let mut source = FaultSource::open(plans, draws)?;
        let CursorState::Faults(pending) = &cursor.state else {
            return Err(SourceError::new("the saved run had no faults here"));
        };
        source.pending.clear();
        source.down.fill(0);
        for pending in pending {
            let fault = source.faults.get(pending.fault as usize);
            let target = fault.and_then(|fault| fault.targets.get(pending.target as usize));
            let Some((position, _)) = target else {
                return Err(SourceError::new("the saved run had other faults or other nodes")
                    .hint("open it with the scenario with which it was started"));
            };
            // What waits for its repair is down now.
            source.down[*position as usize] += u32::from(pending.repair);
            source.pending.push(Reverse(*pending));
        }
        Ok(source)
    }

    fn add(&mut self, plan: &FaultPlan) -> Result<(), SourceError> {
        let problems = plan.params.check().into_iter().map(|p| p.under(&plan.path)).collect();
        refuse_first(problems)?;
        let resolve = |dist: &SpanDistParams| {
            dist.resolve(&mut load_table)
                .map_err(|error| Problem::new(plan.path.as_str(), error.to_string()))
        };
        let params = &plan.params;
        let uptime = params.rate.as_ref().map(|rate| resolve(&rate.time_to_failure)).transpose()?;
        let repair = params.repair.as_ref().map(resolve).transpose()?;
        let biased = match (&params.rate, &uptime) {
            (Some(rate), Some(uptime)) if rate.start == FaultStart::Equilibrium => {
                let biased = uptime.length_biased();
                Some(biased.map_err(|e| Problem::new(plan.path.as_str(), e.to_string()))?)
            }
            _ => None,
        };
        let key = |target: &NodeTarget| Key::of(&format!("{}\n{}", plan.path, target.name));
        let targets = plan.targets.iter().map(|target| (target.position, key(target))).collect();
        let number = u32::try_from(self.faults.len()).expect("fewer than 2^32 faults");
        let fault = Fault { uptime, repair, targets };
        for (target, (position, key)) in fault.targets.iter().enumerate() {
            let target = u32::try_from(target).expect("fewer than 2^32 nodes");
            let first =
                PendingFault { at: Time::ZERO, repair: false, fault: number, target, renewal: 0 };
            let after = match (&fault.uptime, &biased) {
                (None, _) => params.at.unwrap_or(Span::MAX),
                (Some(uptime), None) => fault.draw(uptime, (self.draws, UPTIME), first),
                (Some(_), Some(biased)) => {
                    let mut stream = self.draws.stream(RESIDUAL, *key, 0);
                    let part = stream.open01();
                    Span::from_secs_f64(part * biased.sample(&mut stream).as_secs_f64())
                }
            };
            self.plan(PendingFault { at: Time::ZERO + after, ..first });
            let nodes = *position as usize + 1;
            self.down.resize(self.down.len().max(nodes), 0);
        }
        self.faults.push(fault);
        Ok(())
    }

    /// Notes what happens next, unless that is never.
    fn plan(&mut self, pending: PendingFault) {
        if pending.at < Time::MAX {
            self.pending.push(Reverse(pending));
        }
    }

    /// A failure; true if the node was up.
    fn fail(&mut self, pending: PendingFault) -> bool {
        let fault = &self.faults[pending.fault as usize];
        let node = fault.targets[pending.target as usize].0 as usize;
        let after = match &fault.repair {
            Some(repair) => fault.draw(repair, (self.draws, REPAIR), pending),
            None => Span::MAX,
        };
        // Kept even if it is never: it is how a reopened source knows that the node is down.
        let at = pending.at + after;
        self.pending.push(Reverse(PendingFault { at, repair: true, ..pending }));
        self.down[node] += 1;
        self.down[node] == 1
    }

    /// A repair; true if nothing else has the node down.
    fn repair(&mut self, pending: PendingFault) -> bool {
        let fault = &self.faults[pending.fault as usize];
        let node = fault.targets[pending.target as usize].0 as usize;
        if let Some(uptime) = &fault.uptime {
            let next = PendingFault { repair: false, renewal: pending.renewal + 1, ..pending };
            let at = pending.at + fault.draw(uptime, (self.draws, UPTIME), next);
            self.plan(PendingFault { at, ..next });
        }
        self.down[node] -= 1;
        self.down[node] == 0
    }
}

impl Source for FaultSource {
    fn next(&mut self) -> Result<Option<Timed<Stimulus>>, SourceError> {
        loop {
            let Some(Reverse(pending)) = self.pending.peek().copied() else { return Ok(None) };
            if pending.at == Time::MAX {
                return Ok(None);
            }
            self.pending.pop();
            let fault = &self.faults[pending.fault as usize];
            let node = fault.targets[pending.target as usize].0;
            let at = pending.at;
            if pending.repair && self.repair(pending) {
                return Ok(Some(Timed { at, what: Stimulus::Repair { node } }));
            } else if !pending.repair && self.fail(pending) {
                return Ok(Some(Timed { at, what: Stimulus::Crash { node } }));
            }
        }
    }

    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn cursor(&self) -> Cursor {
        let mut pending: Vec<PendingFault> = self.pending.iter().map(|p| p.0).collect();
        pending.sort_unstable();
        Cursor { content: 0, state: CursorState::Faults(pending) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::math;

    fn plan(number: usize, params: &str, nodes: &[u32]) -> FaultPlan {
        let params: FaultParams = serde_json::from_str(params).unwrap();
        assert_eq!(params.check(), []);
        let target = |n: &u32| NodeTarget { position: *n, name: format!("node-{n}") };
        FaultPlan {
            path: format!("faults.{number}"),
            params,
            targets: nodes.iter().map(target).collect(),
        }
    }

    fn until(source: &mut FaultSource, end: Time) -> Vec<(Time, Stimulus)> {
        let mut all = Vec::new();
        while let Some(stimulus) = source.next().unwrap() {
            if stimulus.at >= end {
                break;
            }
            all.push((stimulus.at, stimulus.what));
        }
        all
    }

    fn at(hours: u64) -> Time {
        Time::from_secs(hours * 3600)
    }

    #[test]
    fn overlapping_outages_are_one() {
        let crash = |hours, node| (at(hours), Stimulus::Crash { node });
        let repair = |hours, node| (at(hours), Stimulus::Repair { node });
        for (faults, expected) in [
            // FA-10: a rack from 10 to 12 and a node in it from 11 to 13.
            (
                vec![
                    (r#"{"action": "node-crash", "at": "10h", "repair": "2h"}"#, vec![4, 7]),
                    (r#"{"action": "node-crash", "at": "11h", "repair": "2h"}"#, vec![7]),
                ],
                vec![crash(10, 4), crash(10, 7), repair(12, 4), repair(13, 7)],
            ),
            // One begins as the other ends.
            (
                vec![
                    (r#"{"action": "node-crash", "at": "2h", "repair": "1h"}"#, vec![1]),
                    (r#"{"action": "node-crash", "at": "1h", "repair": "1h"}"#, vec![1]),
                ],
                vec![crash(1, 1), repair(3, 1)],
            ),
            // One is never repaired, one has no length.
            (
                vec![
                    (r#"{"action": "node-crash", "at": "5h"}"#, vec![0]),
                    (r#"{"action": "node-crash", "at": "1h", "repair": "0s"}"#, vec![0]),
                    (r#"{"action": "node-crash", "at": "4h", "repair": "3h"}"#, vec![0]),
                ],
                vec![crash(1, 0), repair(1, 0), crash(4, 0)],
            ),
        ] {
            let plans: Vec<FaultPlan> = faults
                .iter()
                .enumerate()
                .map(|(number, (params, nodes))| plan(number, params, nodes))
                .collect();
            let mut source = FaultSource::open(&plans, Draws::new(1)).unwrap();
            assert_eq!(until(&mut source, Time::MAX), expected);
            assert_eq!(source.next().unwrap(), None);
        }
    }

    const AGEING: &str = r#"{"action": "node-crash",
        "rate": {"time_to_failure": {"weibull": {"shape": 0.7, "mean": "10d"}}},
        "repair": {"lognormal": {"median": "1h", "mean": "6h"}}}"#;

    #[test]
    fn failures_do_not_depend_on_the_other_nodes_and_faults() {
        let of_node = |plans: &[FaultPlan]| {
            let mut source = FaultSource::open(plans, Draws::new(5)).unwrap();
            let mut all = until(&mut source, at(24 * 365));
            all.retain(|(_, what)| {
                matches!(what, Stimulus::Crash { node: 3 } | Stimulus::Repair { node: 3 })
            });
            all
        };
        let alone = of_node(&[plan(0, AGEING, &[3])]);
        assert!(alone.len() > 20, "{}", alone.len());
        assert_eq!(of_node(&[plan(0, AGEING, &[0, 9, 3, 1])]), alone);
        assert_eq!(of_node(&[plan(0, AGEING, &[3]), plan(1, AGEING, &[0, 1])]), alone);
        assert_ne!(of_node(&[plan(1, AGEING, &[3])]), alone);
    }

    #[test]
    fn down_time_and_number_of_failures_are_those_of_renewal_theory() {
        let nodes: Vec<u32> = (0..200).collect();
        let mut source = FaultSource::open(&[plan(0, AGEING, &nodes)], Draws::new(9)).unwrap();
        let end = at(24 * 400);
        let all = until(&mut source, end);
        let crashes = all.iter().filter(|(_, what)| matches!(what, Stimulus::Crash { .. }));
        // One in 10.25 days each; the ageing of a new node adds (c^2 - 1) / 2 of about 0.6.
        let expected = 200.0 * (400.0 / 10.25 + 0.6);
        let got = crashes.count() as f64;
        assert!((got / expected - 1.0).abs() < 0.04, "{got}, not {expected}");
    }

    #[test]
    fn equilibrium_begins_with_the_residual_life() {
        // Shape 0.5 and mean 2 days: F(x) = 1 - exp(-sqrt(x)), and the residual life has the
        // distribution function 1 - (1 + sqrt(x)) exp(-sqrt(x)), x in days.
        let nodes: Vec<u32> = (0..4000).collect();
        let params = r#"{"action": "node-crash", "rate": {"start": "equilibrium",
            "time_to_failure": {"weibull": {"shape": 0.5, "mean": "2d"}}}}"#;
        let mut source = FaultSource::open(&[plan(0, params, &nodes)], Draws::new(3)).unwrap();
        let first = until(&mut source, Time::MAX);
        assert_eq!(first.len(), 4000);
        for (number, (at, _)) in first.iter().enumerate() {
            let root = (at.as_secs_f64() / 86_400.0).sqrt();
            let share = 1.0 - (1.0 + root) * math::exp(-root);
            let gap = (number as f64 / 4000.0 - share).abs();
            assert!(gap < 1.95 / 4000f64.sqrt(), "{at}: {gap}");
        }
    }

    #[test]
    fn a_cursor_at_any_point_continues() {
        let plans = [
            plan(0, AGEING, &[0, 1, 2]),
            plan(1, r#"{"action": "node-crash", "at": "30d", "repair": "20d"}"#, &[1, 2]),
            plan(2, r#"{"action": "node-crash", "at": "60d"}"#, &[2]),
        ];
        let draws = Draws::new(11);
        let end = at(24 * 100);
        let straight = until(&mut FaultSource::open(&plans, draws).unwrap(), end);
        let mut source = FaultSource::open(&plans, draws).unwrap();
        for given in 0..straight.len() {
            let cursor = postcard::to_stdvec(&source.cursor()).unwrap();
            let cursor = postcard::from_bytes(&cursor).unwrap();
            let mut again = FaultSource::open_at(&plans, draws, &cursor).unwrap();
            assert_eq!(until(&mut again, end), straight[given..]);
            source.next().unwrap();
        }
    }

    #[test]
    fn impossible_faults_say_what_to_do() {
        for (params, part) in [
            (r#"{"action": "node-crash"}"#, "either a time `at` or a `rate`"),
            (
                r#"{"action": "node-crash", "at": "1s", "nodes": ["a"], "selector": {"b": "c"}}"#,
                "stands beside `nodes`",
            ),
            (
                r#"{"action": "node-crash", "rate": {"time_to_failure": "0s"}}"#,
                "time would stand still",
            ),
            (
                r#"{"action": "node-crash", "rate": {"start": "equilibrium",
                    "time_to_failure": {"normal": {"mean": "1d", "sd": "1h"}}}}"#,
                "a normal distribution; use `start: new`",
            ),
        ] {
            let params: FaultParams = serde_json::from_str(params).unwrap();
            let problems = params.check();
            assert!(problems[0].text.contains(part), "{problems:?}");
        }
        let unknown = r#"{"action": "zone-outage", "at": "1s"}"#;
        let error = serde_json::from_str::<FaultParams>(unknown).unwrap_err().to_string();
        assert!(error.contains("expected `node-crash`"), "{error}");
    }
}
