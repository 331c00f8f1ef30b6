//! How an image behaves once its container runs: what a manifest does not say and a simulation
//! needs.

use crate::ground::{Bytes, Name, Span, SpanDist};
use serde::{Deserialize, Serialize};

/// A layer of an image. Layers of one name are the same layer: a node keeps it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Layer {
    /// Name, which stands for its digest.
    pub name: Name,
    /// Bytes that are pulled.
    pub compressed: Bytes,
    /// Bytes on disk.
    pub unpacked: Bytes,
}

/// How much of a resource a container really uses, from the start of its present life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Usage {
    /// Thousandths of its request; what it has no request for, it does not use.
    Share(u32),
    /// The same all the time: millicores or bytes.
    Constant(u64),
    /// More and more.
    Growth {
        /// At the start: millicores or bytes.
        start: u64,
        /// More per hour.
        per_hour: u64,
        /// Never more than this.
        most: u64,
    },
    /// Steps: from so long after the start on, so many millicores or bytes. In order of time, the
    /// first at zero; the last holds for ever.
    Series(Vec<(Span, u64)>),
}

impl Usage {
    /// Usage at an age, by a container that requests `request`.
    pub fn at(&self, age: Span, request: u64) -> u64 {
        match self {
            Usage::Share(permille) => {
                let used = u128::from(request) * u128::from(*permille) / 1000;
                u64::try_from(used).unwrap_or(u64::MAX)
            }
            Usage::Constant(amount) => *amount,
            Usage::Growth { start, per_hour, most } => {
                let grown = u128::from(*per_hour) * u128::from(age.as_nanos())
                    / u128::from(HOUR.as_nanos());
                let grown = u64::try_from(grown).unwrap_or(u64::MAX);
                start.saturating_add(grown).min(*most)
            }
            Usage::Series(steps) => {
                let step = steps.iter().rev().find(|(from, _)| *from <= age);
                step.map_or(0, |(_, amount)| *amount)
            }
        }
    }

    /// The first age, not before `from`, at which more than `limit` is used; `None` if never.
    pub fn exceeds(&self, limit: u64, from: Span, request: u64) -> Option<Span> {
        if self.at(from, request) > limit {
            return Some(from);
        }
        match self {
            Usage::Share(_) | Usage::Constant(_) => None,
            Usage::Growth { start, per_hour, most } => {
                if *most <= limit || *per_hour == 0 {
                    return None;
                }
                let more = u128::from(limit.saturating_sub(*start)) + 1;
                let nanos = (more * u128::from(HOUR.as_nanos())).div_ceil(u128::from(*per_hour));
                u64::try_from(nanos).ok().map(Span::from_nanos)
            }
            Usage::Series(steps) => {
                let step = steps.iter().find(|(at, amount)| *at > from && *amount > limit);
                step.map(|(at, _)| *at)
            }
        }
    }

    /// The first age after `from` at which usage jumps or ceases to grow; `None` if it goes on as
    /// it does.
    pub fn next_bend(&self, from: Span) -> Option<Span> {
        match self {
            Usage::Series(steps) => steps.iter().map(|(at, _)| *at).find(|at| *at > from),
            Usage::Growth { start, per_hour, most } if *per_hour > 0 => {
                let grown = u128::from(most.saturating_sub(*start)) * u128::from(HOUR.as_nanos());
                let nanos = grown.div_ceil(u128::from(*per_hour));
                let bend = u64::try_from(nanos).ok().map(Span::from_nanos);
                bend.filter(|bend| *bend > from)
            }
            Usage::Share(_) | Usage::Constant(_) | Usage::Growth { .. } => None,
        }
    }

    /// How much more is used per hour from an age on, until the next bend.
    pub fn growth(&self, age: Span) -> u64 {
        match self {
            Usage::Growth { per_hour, most, .. } if self.at(age, 0) < *most => *per_hour,
            _ => 0,
        }
    }
}

const HOUR: Span = Span::from_secs(3600);

/// What a container of an image does from its start on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Behaviour {
    /// From the order to create a container to its start; `None`: as the kubelet's parameters say.
    pub container_start: Option<SpanDist>,
    /// From its start to the first success of startup probes, which fail before.
    pub startup: SpanDist,
    /// From the end of `startup` to the first success of readiness probes, which fail before.
    pub ready_after: SpanDist,
    /// Readiness probes never succeed.
    pub never_ready: bool,
    /// How long it takes to answer a probe.
    pub probe_answer: Span,
    /// From its start to the moment from which it answers no probe any more.
    pub hang_after: Option<SpanDist>,
    /// From its start to its end by itself with exit code 0. Without it, init containers take a
    /// second and others run until they are stopped.
    pub run_for: Option<SpanDist>,
    /// From its start to its end by itself with `exit_code`.
    pub crash_after: Option<SpanDist>,
    /// Only the first so many lives of a container crash; `None` for all.
    pub crashes: Option<u32>,
    /// Exit code of a crash, 1 to 255.
    pub exit_code: u8,
    /// From TERM to its end; `None` if it ignores TERM.
    pub stop: Option<Span>,
    /// How long a postStart hook takes that is not a sleep.
    pub post_start: Span,
    /// How long a preStop hook takes that is not a sleep.
    pub pre_stop: Span,
    /// CPU, millicores.
    pub cpu: Usage,
    /// Memory, bytes.
    pub memory: Usage,
    /// Writable layer and logs, bytes.
    pub disk: Usage,
    /// Share of requests that it answers with an error, millionths.
    pub error_ppm: u32,
    /// How much longer than usual its answers take, thousandths: 1000 is as usual.
    pub latency_permille: u32,
}

impl Default for Behaviour {
    /// A healthy application: starts at once, is ready at once, runs until it is stopped, stops at
    /// once on TERM, uses what it requests, answers without errors.
    fn default() -> Behaviour {
        Behaviour {
            container_start: None,
            startup: SpanDist::constant(Span::ZERO),
            ready_after: SpanDist::constant(Span::ZERO),
            never_ready: false,
            probe_answer: Span::ZERO,
            hang_after: None,
            run_for: None,
            crash_after: None,
            crashes: None,
            exit_code: 1,
            stop: Some(Span::ZERO),
            post_start: Span::ZERO,
            pre_stop: Span::ZERO,
            cpu: Usage::Share(1000),
            memory: Usage::Share(1000),
            disk: Usage::Constant(0),
            error_ppm: 0,
            latency_permille: 1000,
        }
    }
}

/// An image, and how its containers behave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// Normalised name of the image.
    pub image: Name,
    /// Layers, the lowest first.
    pub layers: Vec<Layer>,
    /// Its registry does not have it: pulls fail.
    pub missing: bool,
    /// What its containers do.
    pub behaviour: Behaviour,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(number: u64) -> Span {
        Span::from_secs(60 * number)
    }

    #[test]
    fn usage_over_a_life() {
        let growth = Usage::Growth { start: 100, per_hour: 60, most: 150 };
        let series = Usage::Series(vec![(Span::ZERO, 5), (minutes(10), 50), (minutes(20), 7)]);
        for (usage, at, used) in [
            (&Usage::Share(500), 3, 100),
            (&Usage::Constant(7), 3, 7),
            (&growth, 0, 100),
            (&growth, 30, 130),
            (&growth, 500, 150),
            (&series, 9, 5),
            (&series, 10, 50),
            (&series, 999, 7),
        ] {
            assert_eq!(usage.at(minutes(at), 200), used, "{usage:?} {at}");
        }
    }

    #[test]
    fn the_moment_at_which_a_limit_is_crossed() {
        let growth = Usage::Growth { start: 100, per_hour: 60, most: 150 };
        let crossed = growth.exceeds(129, Span::ZERO, 0).unwrap();
        assert_eq!((crossed, growth.at(crossed, 0)), (minutes(30), 130));
        assert_eq!(growth.at(crossed.saturating_sub(Span::from_nanos(1)), 0), 129);
        assert_eq!(growth.exceeds(129, minutes(40), 0), Some(minutes(40)));
        assert_eq!(growth.exceeds(150, Span::ZERO, 0), None);
        let series = Usage::Series(vec![(Span::ZERO, 5), (minutes(10), 50), (minutes(20), 7)]);
        assert_eq!(series.exceeds(10, Span::ZERO, 0), Some(minutes(10)));
        assert_eq!(series.exceeds(10, minutes(20), 0), None);
        assert_eq!(series.next_bend(minutes(10)), Some(minutes(20)));
        assert_eq!(growth.next_bend(minutes(1)), Some(minutes(50)));
        assert_eq!((growth.growth(minutes(49)), growth.growth(minutes(50))), (60, 0));
        assert_eq!(Usage::Share(2000).exceeds(10, minutes(1), 6), Some(minutes(1)));
    }
}
