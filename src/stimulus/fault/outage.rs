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
