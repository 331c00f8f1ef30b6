//! All faults of a scenario as one source, at set times and at random.
//!
//! What fails together is a *unit*: a node by itself, or all nodes of a rack or a zone. At random
//! each unit goes through its own faults, on its own clock, unless the fault has a mode: then, and
//! at set times, the fault itself has one clock and strikes some of its units. Each unit that is
//! struck recovers by itself. Overlapping faults are the simulation's business. Draws are keyed by
//! the fault's path in the scenario, the unit's name and the number of the strike.
//!
//! In equilibrium the first time to failure is a uniform part of an interval from the
//! length-biased distribution, which is exactly the residual life with density (1 - F(x)) / mean
//! (Cox, "Renewal Theory", 1962, section 5.4).

use super::mode::FaultMode;
use super::params::{FaultParams, FaultStart};
use crate::ground::{Dist, Draws, Key, Problem, Purpose, Span, SpanDist, SpanDistParams, Time};
use crate::model::{Catalog, FaultEffect, Stimulus, Strike, Timed};
use crate::stimulus::read::load_table;
use crate::stimulus::source::refuse_first;
use crate::stimulus::{Cursor, CursorState, FaultCursor, PendingFault, Source, SourceError};
use rand_distr::Distribution;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const UPTIME: Purpose = Purpose::new("fault.time-to-failure");
const RESIDUAL: Purpose = Purpose::new("fault.residual-life");
const LENGTH: Purpose = Purpose::new("fault.repair");
const CHOICE: Purpose = Purpose::new("fault.choice");
const LEMON: Purpose = Purpose::new("fault.lemon");

/// Stands for all units of a fault that has one clock.
const JOINT: u32 = u32::MAX;

/// A node that a fault may strike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeTarget {
    /// Position in the scenario's node list.
    pub position: u32,
    /// Name.
    pub name: String,
}

/// What fails together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultUnit {
    /// Name of the node, the rack or the zone: the key of its draws.
    pub name: String,
    /// Positions of its nodes in the scenario's node list.
    pub nodes: Vec<u32>,
}

impl From<NodeTarget> for FaultUnit {
    fn from(node: NodeTarget) -> FaultUnit {
        FaultUnit { name: node.name, nodes: vec![node.position] }
    }
}

/// A fault and what it may strike.
#[derive(Debug, Clone)]
pub struct FaultPlan {
    /// Its path in the scenario, such as `faults.0`: part of the key of its draws.
    pub path: String,
    /// What the scenario says; paths are relative to the working directory.
    pub params: FaultParams,
    /// What it may strike.
    pub units: Vec<FaultUnit>,
}

#[derive(Debug)]
struct Unit {
    nodes: Vec<u32>,
    key: Key,
    /// By how much times to failure are shorter than drawn.
    rate: f64,
}

#[derive(Debug)]
struct Fault {
    strike: Strike,
    effect: FaultEffect,
    /// Time to failure; `None` for a fault at set times.
    uptime: Option<SpanDist>,
    every: Option<Span>,
    length: Option<SpanDist>,
    mode: FaultMode,
    /// Key of what is drawn for the fault and not for a unit.
    key: Key,
    units: Vec<Unit>,
}

impl Fault {
    fn unit(&self, target: u32) -> (Key, f64) {
        match self.units.get(target as usize) {
            Some(unit) => (unit.key, unit.rate),
            None => (self.key, 1.0),
        }
    }

    /// Time to the next failure of a unit, or of the fault as a whole.
    fn uptime(&self, uptime: &SpanDist, draws: Draws, target: u32, renewal: u32) -> Span {
        let (key, rate) = self.unit(target);
        faster(uptime.sample(&mut draws.stream(UPTIME, key, renewal)), rate)
    }

    /// How long a strike lasts for a unit.
    fn length(&self, draws: Draws, unit: u32, renewal: u32) -> Span {
        let key = self.units[unit as usize].key;
        let length = self.length.as_ref();
        length.map_or(Span::MAX, |length| length.sample(&mut draws.stream(LENGTH, key, renewal)))
    }

    /// The units that are struck.
    fn struck(&self, draws: Draws, pending: &PendingFault) -> Vec<u32> {
        if pending.target != JOINT {
            return vec![pending.target];
        }
        self.mode.choose(self.units.len(), &mut draws.stream(CHOICE, self.key, pending.renewal))
    }
}

/// A time of one whose rate is so many times as high.
fn faster(time: Span, rate: f64) -> Span {
    if rate == 1.0 || time == Span::MAX {
        time
    } else {
        Span::from_secs_f64(time.as_secs_f64() / rate)
    }
}

/// All faults of a scenario.
#[derive(Debug)]
pub struct FaultSource {
    faults: Vec<Fault>,
    pending: BinaryHeap<Reverse<PendingFault>>,
    /// What is under way: its nodes, of which some were given already.
    current: Option<(PendingFault, Vec<u32>)>,
    given: u32,
    draws: Draws,
    catalog: Catalog,
}

impl FaultSource {
    /// The faults from the start of the run on.
    pub fn open(plans: &[FaultPlan], draws: Draws) -> Result<FaultSource, SourceError> {
        let mut source = FaultSource {
            faults: Vec::new(),
            pending: BinaryHeap::new(),
            current: None,
            given: 0,
            draws,
            catalog: Catalog::new(),
        };
        for plan in plans {
            source.add(plan)?;
        }
        Ok(source)
    }

    /// The faults from a cursor on.
    pub fn open_at(
        plans: &[FaultPlan],
        draws: Draws,
        cursor: &Cursor,
    ) -> Result<FaultSource, SourceError> {
        let mut source = FaultSource::open(plans, draws)?;
        let CursorState::Faults(cursor) = &cursor.state else {
            return Err(SourceError::new("the saved run had no faults here"));
        };
        let known = |pending: &PendingFault| {
            let fault = source.faults.get(pending.fault as usize);
            let last = fault.map_or(0, |fault| fault.units.len());
            fault.is_some() && (pending.target == JOINT || (pending.target as usize) < last)
        };
        if !cursor.pending.iter().chain(&cursor.current).all(known) {
            return Err(SourceError::new("the saved run had other faults or other nodes")
                .hint("open it with the scenario with which it was started"));
        }
        source.pending = cursor.pending.iter().copied().map(Reverse).collect();
        source.current = cursor.current.map(|pending| (pending, source.nodes(&pending)));
        source.given = cursor.given;
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
        let biased = match (&params.rate, &uptime) {
            (Some(rate), Some(uptime)) if rate.start == FaultStart::Equilibrium => {
                let biased = uptime.length_biased();
                Some(biased.map_err(|e| Problem::new(plan.path.as_str(), e.to_string()))?)
            }
            _ => None,
        };
        let number = u32::try_from(self.faults.len()).expect("fewer than 2^32 faults");
        let lemons = params.rate.as_ref().and_then(|rate| rate.lemons);
        let factor = lemons.map(|sigma| Dist::lognormal(1.0, sigma.value())).transpose();
        let factor = factor.map_err(|e| Problem::new(plan.path.as_str(), e.to_string()))?;
        let unit = |unit: &FaultUnit| {
            let key = Key::of(&format!("{}\n{}", plan.path, unit.name));
            let draw = |factor: &Dist| factor.sample(&mut self.draws.stream(LEMON, key, 0));
            Unit { nodes: unit.nodes.clone(), key, rate: factor.as_ref().map_or(1.0, draw) }
        };
        let fault = Fault {
            strike: Strike { fault: number, number: 0, action: params.action },
            effect: params.effect(),
            uptime,
            every: params.every,
            length: params.length().map(resolve).transpose()?,
            mode: params.mode.unwrap_or_default(),
            key: Key::of(&plan.path),
            units: plan.units.iter().map(unit).collect(),
        };
        let by_itself = fault.uptime.is_some() && params.mode.is_none();
        let units = u32::try_from(fault.units.len()).expect("fewer than 2^32 nodes");
        let clocks = if by_itself { 0..units } else { 0..0 };
        let joint = (!by_itself && units > 0).then_some(JOINT);
        for target in clocks.chain(joint) {
            let first =
                PendingFault { at: Time::ZERO, repair: false, fault: number, target, renewal: 0 };
            let after = match (&fault.uptime, &biased) {
                (None, _) => params.at.or(params.every).unwrap_or(Span::MAX),
                (Some(uptime), None) => fault.uptime(uptime, self.draws, target, 0),
                (Some(_), Some(biased)) => {
                    let (key, rate) = fault.unit(target);
                    let mut stream = self.draws.stream(RESIDUAL, key, 0);
                    let part = stream.open01();
                    let whole = faster(biased.sample(&mut stream), rate);
                    Span::from_secs_f64(part * whole.as_secs_f64())
                }
            };
            self.plan(PendingFault { at: Time::ZERO + after, ..first });
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

    /// The nodes of what is struck, or recovers.
    fn nodes(&self, pending: &PendingFault) -> Vec<u32> {
        let fault = &self.faults[pending.fault as usize];
        let units = fault.struck(self.draws, pending);
        units.iter().flat_map(|unit| &fault.units[*unit as usize].nodes).copied().collect()
    }

    /// Plans the ends of a strike and the next one.
    fn strike(&mut self, pending: PendingFault) {
        let fault = &self.faults[pending.fault as usize];
        let mut next = Vec::new();
        let mut over = pending.at;
        for unit in fault.struck(self.draws, &pending) {
            let at = pending.at + fault.length(self.draws, unit, pending.renewal);
            over = over.max(at);
            next.push(PendingFault { at, repair: true, target: unit, ..pending });
        }
        let renewal = pending.renewal + 1;
        let again = match (&fault.uptime, fault.every) {
            (Some(uptime), _) => {
                Some(over + fault.uptime(uptime, self.draws, pending.target, renewal))
            }
            (None, every) => every.map(|every| pending.at + every),
        };
        next.extend(again.map(|at| PendingFault { at, renewal, ..pending }));
        next.into_iter().for_each(|pending| self.plan(pending));
    }
}

impl Source for FaultSource {
    fn next(&mut self) -> Result<Option<Timed<Stimulus>>, SourceError> {
        loop {
            if let Some((pending, nodes)) = &self.current {
                if let Some(node) = nodes.get(self.given as usize).copied() {
                    self.given += 1;
                    let fault = &self.faults[pending.fault as usize];
                    let strike = Strike { number: pending.renewal, ..fault.strike };
                    let (effect, on) = (fault.effect, !pending.repair);
                    let what = Stimulus::Fault { node, strike, effect, on };
                    return Ok(Some(Timed { at: pending.at, what }));
                }
                self.current = None;
            }
            let Some(Reverse(pending)) = self.pending.pop() else { return Ok(None) };
            if !pending.repair {
                self.strike(pending);
            }
            self.current = Some((pending, self.nodes(&pending)));
            self.given = 0;
        }
    }

    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn cursor(&self) -> Cursor {
        let mut pending: Vec<PendingFault> = self.pending.iter().map(|p| p.0).collect();
        pending.sort_unstable();
        let current = self.current.as_ref().map(|(pending, _)| *pending);
        let cursor = FaultCursor { pending, current, given: self.given };
        Cursor { content: 0, state: CursorState::Faults(cursor) }
    }
}
