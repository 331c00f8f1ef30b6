//! When pods arrive: a Poisson process, steady or in daily waves, or one gap after another.
//!
//! A rate that changes is made from the highest one by thinning (Lewis and Shedler, "Simulation of
//! nonhomogeneous Poisson processes by thinning", 1979). All draws of an arrival come from one
//! stream of its own, keyed by the source's name and the arrival's number, so nothing else that is
//! drawn for an arrival, now or in a later version, moves another arrival.

use crate::ground::{
    Draws, Key, Problem, Purpose, Span, SpanDist, SpanDistParams, Stream, Time, math,
};
use crate::stimulus::read::load_table;
use crate::stimulus::{CursorState, Rate, Ratio, SourceError};
use schemars::JsonSchema;
use serde::de::{self, Deserializer, IgnoredAny, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// When pods arrive: at random with a rate, or one after another with gaps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalParams {
    /// A Poisson process with this rate.
    Rate(RateParams),
    /// The time from one arrival to the next, and from the start to the first.
    Gap(SpanDistParams),
}

/// A rate over time; a bare rate such as `120/h` is constant.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RateParams {
    /// A wave with a period of a day.
    Daily(DailyParams),
    /// The same all the time.
    #[serde(untagged)]
    Constant(Rate),
}

impl<'de> Deserialize<'de> for RateParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RateParams, D::Error> {
        deserializer.deserialize_any(RateVisitor)
    }
}

struct RateVisitor;

/// The kinds of rate that are written as a map.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RateKind {
    Constant,
    Daily,
}

impl<'de> Visitor<'de> for RateVisitor {
    type Value = RateParams;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rate such as `120/h` or a wave such as `{daily: {mean: .., peak: ..}}`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RateParams, E> {
        Rate::deserialize(text.into_deserializer()).map(RateParams::Constant)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RateParams, A::Error> {
        let Some(kind) = map.next_key::<RateKind>()? else {
            return Err(de::Error::invalid_length(0, &self));
        };
        let rate = match kind {
            RateKind::Constant => RateParams::Constant(map.next_value()?),
            RateKind::Daily => RateParams::Daily(map.next_value()?),
        };
        match map.next_key::<IgnoredAny>()? {
            None => Ok(rate),
            Some(_) => Err(de::Error::custom("a rate has one kind, `constant` or `daily`")),
        }
    }
}

/// A cosine wave with a period of 24 hours: the rate is `mean` on average and `peak` at `peak_at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DailyParams {
    /// Mean rate over a day.
    pub mean: Rate,
    /// Highest rate, from `mean` to twice `mean`.
    pub peak: Rate,
    /// Time of day of the highest rate; a run starts at midnight.
    #[serde(default = "default_peak_at")]
    pub peak_at: Span,
    /// Factors for the days of the week, seven of them, the first for the first day of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<[Ratio; 7]>,
}

const fn default_peak_at() -> Span {
    Span::from_secs(14 * 3600)
}

const GAP: Purpose = Purpose::new("stimulus.arrival");
const DAY: u64 = 86_400_000_000_000;

impl ArrivalParams {
    /// What is wrong with these parameters.
    pub fn check(&self) -> Vec<Problem> {
        let problem = match self {
            ArrivalParams::Rate(RateParams::Constant(_)) => None,
            ArrivalParams::Rate(RateParams::Daily(daily)) => {
                let (mean, peak) = (daily.mean.per_second(), daily.peak.per_second());
                let text = "is not between `mean` and twice `mean`, so it is no wave around it";
                (peak < mean || peak > 2.0 * mean).then(|| {
                    Problem::new("rate.daily.peak", text)
                        .hint("a wave falls as far below its mean as it rises above")
                })
            }
            ArrivalParams::Gap(gap) => {
                let zero = gap.file().is_none() && mean_secs(gap) == Some(0.0);
                zero.then(|| Problem::new("gap", "is always 0s: time would stand still"))
            }
        };
        problem.into_iter().collect()
    }
}

fn mean_secs(dist: &SpanDistParams) -> Option<f64> {
    dist.resolve(&mut load_table).ok()?.mean_secs()
}

/// How the rate of a process changes over a day and a week.
#[derive(Debug, Clone)]
struct Wave {
    mean: f64,
    above: f64,
    peak_at: u64,
    weekly: [f64; 7],
}

impl Wave {
    fn rate(&self, at: Time) -> f64 {
        let nanos = at.as_nanos();
        let into = (nanos % DAY + DAY - self.peak_at) % DAY;
        let turn = 2.0 * std::f64::consts::PI * (into as f64 / DAY as f64);
        let day = (nanos / DAY % 7) as usize;
        (self.mean + self.above * math::cos(turn)) * self.weekly[day]
    }

    fn highest(&self) -> f64 {
        self.weekly.iter().fold(0.0, |high: f64, w| high.max(*w)) * (self.mean + self.above)
    }
}

#[derive(Debug, Clone)]
enum Process {
    Steady(f64),
    Wave(Wave),
    Gap(SpanDist),
}

/// When a source's arrivals begin and end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// When arrivals begin.
    pub(crate) from: Time,
    /// No arrivals at or after this time.
    pub(crate) until: Time,
    /// No more arrivals than this.
    pub(crate) count: u32,
}

impl Limits {
    /// Those that a scenario gives.
    pub(crate) fn new(from: Span, until: Option<Span>, count: Option<u32>) -> Limits {
        Limits {
            from: Time::ZERO + from,
            until: until.map_or(Time::MAX, |until| Time::ZERO + until),
            count: count.unwrap_or(u32::MAX),
        }
    }
}

/// Times of arrivals, one after another.
#[derive(Debug, Clone)]
pub(crate) struct Arrivals {
    process: Process,
    limits: Limits,
    draws: Draws,
    key: Key,
    at: Time,
    ordinal: u64,
}

/// An arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// When.
    pub(crate) at: Time,
    /// Number, from 0.
    pub(crate) number: u32,
    /// Key of everything else that is drawn for it.
    pub(crate) key: Key,
}

impl Arrivals {
    /// A Poisson process of so many arrivals per second.
    pub(crate) fn steady(name: &str, per_second: f64, limits: Limits, draws: Draws) -> Arrivals {
        Arrivals::new(Process::Steady(per_second), name, limits, draws)
    }

    /// The process that a scenario gives.
    pub(crate) fn open(
        params: &ArrivalParams,
        name: &str,
        limits: Limits,
        draws: Draws,
    ) -> Result<Arrivals, SourceError> {
        let process = match params {
            ArrivalParams::Rate(RateParams::Constant(rate)) => Process::Steady(rate.per_second()),
            ArrivalParams::Rate(RateParams::Daily(daily)) => Process::Wave(Wave {
                mean: daily.mean.per_second(),
                above: daily.peak.per_second() - daily.mean.per_second(),
                peak_at: daily.peak_at.as_nanos() % DAY,
                weekly: daily.weekly.map_or([1.0; 7], |weekly| weekly.map(Ratio::value)),
            }),
            ArrivalParams::Gap(gap) => {
                let gap = gap.resolve(&mut load_table);
                Process::Gap(gap.map_err(|error| SourceError::new(error.to_string()))?)
            }
        };
        Ok(Arrivals::new(process, name, limits, draws))
    }

    fn new(process: Process, name: &str, limits: Limits, draws: Draws) -> Arrivals {
        Arrivals { process, limits, draws, key: Key::of(name), at: limits.from, ordinal: 0 }
    }

    /// The next arrival.
    pub(crate) fn next(&mut self) -> Option<Arrival> {
        if self.ordinal >= u64::from(self.limits.count) || self.at >= self.limits.until {
            return None;
        }
        let key = self.key.nth(self.ordinal);
        let mut stream = self.draws.stream(GAP, key, 0);
        let at = self.process.after(self.at, self.limits.until, &mut stream);
        self.at = at;
        if at >= self.limits.until {
            return None;
        }
        let number = self.ordinal as u32;
        self.ordinal += 1;
        Some(Arrival { at, number, key })
    }

    pub(crate) fn state(&self) -> CursorState {
        CursorState::Arrivals { at: self.at, ordinal: self.ordinal }
    }

    /// Continues where arrivals were left.
    pub(crate) fn resume(&mut self, state: &CursorState) -> Result<(), SourceError> {
        let CursorState::Arrivals { at, ordinal } = *state else {
            return Err(SourceError::new("the saved run had no generator here")
                .hint("open it with the scenario with which it was started"));
        };
        (self.at, self.ordinal) = (at, ordinal);
        Ok(())
    }
}

impl Process {
    /// The first arrival after `at`; some time at or after `until` if there is none before.
    fn after(&self, at: Time, until: Time, stream: &mut Stream) -> Time {
        let wait = |rate: f64, stream: &mut Stream| {
            if rate > 0.0 {
                Span::from_secs_f64(-math::ln(stream.open01()) / rate)
            } else {
                Span::MAX
            }
        };
        match self {
            Process::Gap(gap) => at + gap.sample(stream),
            Process::Steady(rate) => at + wait(*rate, stream),
            Process::Wave(wave) => {
                let highest = wave.highest();
                let mut at = at;
                loop {
                    at += wait(highest, stream);
                    if at >= until || stream.open01() * highest <= wave.rate(at) {
                        return at;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(params: &str, until: u64, seed: u64) -> Vec<Arrival> {
        let params: ArrivalParams = serde_json::from_str(params).unwrap();
        assert_eq!(params.check(), []);
        let limits = Limits::new(Span::ZERO, Some(Span::from_secs(until)), None);
        let mut arrivals = Arrivals::open(&params, "a", limits, Draws::new(seed)).unwrap();
        std::iter::from_fn(|| arrivals.next()).collect()
    }

    #[test]
    fn a_steady_rate_has_its_mean_and_its_scatter() {
        let hours = 500;
        let counts: Vec<f64> = (0..40)
            .map(|seed| times(r#"{"rate": {"constant": "2/h"}}"#, hours * 3600, seed).len() as f64)
            .collect();
        let mean = counts.iter().sum::<f64>() / 40.0;
        let variance = counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / 39.0;
        assert!((mean - 1000.0).abs() < 20.0, "{mean}");
        assert!((500.0..1700.0).contains(&variance), "{variance}");
    }

    #[test]
    fn a_daily_wave_is_high_at_its_peak_and_follows_the_week() {
        let params = r#"{"rate": {"daily": {"mean": "100/h", "peak": "180/h", "peak_at": "14h",
            "weekly": [1, 1, 1, 1, 1, 0.5, 0]}}}"#;
        let all = times(params, 28 * 86_400, 3);
        let within = |day: u64, from: u64, to: u64| {
            let inside = |arrival: &&Arrival| {
                let seconds = arrival.at.as_nanos() / 1_000_000_000;
                seconds / 86_400 % 7 == day
                    && (from * 3600..to * 3600).contains(&(seconds % 86_400))
            };
            all.iter().filter(inside).count() as f64 / 4.0
        };
        // Over an hour around the peak the wave is 179.7, around the trough 20.3.
        let peak: f64 = (0..5).map(|day| within(day, 13, 15)).sum::<f64>() / 10.0;
        let trough: f64 = (0..5).map(|day| within(day, 1, 3)).sum::<f64>() / 10.0;
        assert!((peak - 179.1).abs() < 8.0, "{peak}");
        assert!((trough - 20.9).abs() < 4.0, "{trough}");
        assert!((within(5, 0, 24) - 1200.0).abs() < 60.0);
        assert_eq!(within(6, 0, 24), 0.0);
    }

    #[test]
    fn gaps_and_limits() {
        let at: Vec<u64> =
            times(r#"{"gap": "10s"}"#, 35, 0).iter().map(|a| a.at.as_nanos()).collect();
        assert_eq!(at, [10_000_000_000, 20_000_000_000, 30_000_000_000]);
        let params: ArrivalParams = serde_json::from_str(r#"{"gap": "1s"}"#).unwrap();
        let limits = Limits::new(Span::from_secs(5), None, Some(2));
        let mut arrivals = Arrivals::open(&params, "a", limits, Draws::new(1)).unwrap();
        assert_eq!(arrivals.next().unwrap().at, Time::from_secs(6));
        assert_eq!(arrivals.next().unwrap().at, Time::from_secs(7));
        assert_eq!(arrivals.next(), None);
        assert_eq!(arrivals.next(), None);
        assert!(times(r#"{"rate": {"constant": "0/s"}}"#, 1000, 1).is_empty());
    }

    #[test]
    fn impossible_arrivals_are_refused() {
        for (params, part) in [
            (r#"{"gap": "0s"}"#, "stand still"),
            (r#"{"rate": {"daily": {"mean": "10/h", "peak": "30/h"}}}"#, "twice `mean`"),
            (r#"{"rate": {"daily": {"mean": "10/h", "peak": "5/h"}}}"#, "twice `mean`"),
        ] {
            let params: ArrivalParams = serde_json::from_str(params).unwrap();
            let problems = params.check();
            assert!(problems[0].text.contains(part), "{problems:?}");
        }
    }
}
