//! Simulated time: unsigned integer nanoseconds, as instants ([`Time`]) and lengths ([`Span`]).
//!
//! Additions saturate at `Time::MAX`, about 584 years, which means "never": it is later than any
//! `until`, so a drawn length that is absurdly large simply does not happen within the run.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};
use std::str::FromStr;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// An instant of simulated time, in nanoseconds since the start of the run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Time(u64);

impl Time {
    /// The start of a run.
    pub const ZERO: Time = Time(0);
    /// Never: later than every instant that a run reaches.
    pub const MAX: Time = Time(u64::MAX);

    /// The instant `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Time {
        Time(nanos)
    }

    /// The instant `seconds` seconds after the start.
    pub const fn from_secs(seconds: u64) -> Time {
        Time(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the start, for display and statistics only.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// The length from `earlier` to this instant; zero if `earlier` is later.
    pub const fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// The length from the start of the run.
    pub const fn since_start(self) -> Span {
        Span(self.0)
    }

    /// This instant without its fraction of a second.
    pub const fn truncate_to_second(self) -> Time {
        Time(self.0 - self.0 % NANOS_PER_SECOND)
    }

    /// The first instant at or after this one of the form `phase + k * period`, with
    /// integer k >= 0.
    ///
    /// A zero period yields this instant itself.
    pub const fn next_tick(self, period: Span, phase: Span) -> Time {
        if period.0 == 0 {
            return self;
        }
        if self.0 <= phase.0 {
            return Time(phase.0);
        }
        let past = self.0 - phase.0;
        let ticks = past.div_ceil(period.0);
        Time(phase.0.saturating_add(ticks.saturating_mul(period.0)))
    }

    /// The last instant at or before this one of the form `phase + k * period` with integer k >= 0,
    /// or `None` before the first.
    pub const fn last_tick(self, period: Span, phase: Span) -> Option<Time> {
        if self.0 < phase.0 {
            return None;
        }
        if period.0 == 0 {
            return Some(self);
        }
        Some(Time(self.0 - (self.0 - phase.0) % period.0))
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Span(self.0).fmt(f)
    }
}

/// A length of simulated time in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// Longer than every run.
    pub const MAX: Span = Span(u64::MAX);

    /// A length in nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Span {
        Span(nanos)
    }

    /// A length in milliseconds.
    pub const fn from_millis(millis: u64) -> Span {
        Span(millis.saturating_mul(1_000_000))
    }

    /// A length in seconds.
    pub const fn from_secs(seconds: u64) -> Span {
        Span(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// A length in seconds from a sampled value: negative and not-a-number become zero, too large
    /// becomes [`Span::MAX`], else rounded half up to the nanosecond.
    pub fn from_secs_f64(seconds: f64) -> Span {
        let nanos = seconds * NANOS_PER_SECOND as f64;
        if nanos.is_nan() || nanos <= 0.0 {
            Span::ZERO
        } else if nanos >= u64::MAX as f64 {
            Span::MAX
        } else {
            Span((nanos + 0.5) as u64)
        }
    }

    /// Nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds, for display and statistics only.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// True for a length of zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The larger of the two differences that is not negative: `self - other`, at least zero.
    pub const fn saturating_sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Span) {
        *self = *self + other;
    }
}

impl Sub<Span> for Time {
    type Output = Time;
    /// At least the start of the run.
    fn sub(self, span: Span) -> Time {
        Time(self.0.saturating_sub(span.0))
    }
}

impl Mul<u64> for Span {
    type Output = Span;
    fn mul(self, factor: u64) -> Span {
        Span(self.0.saturating_mul(factor))
    }
}

/// Units in the order in which they are printed, each with its length in nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("w", 604_800 * NANOS_PER_SECOND),
    ("d", 86_400 * NANOS_PER_SECOND),
    ("h", 3_600 * NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("s", NANOS_PER_SECOND),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Why a text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseSpanError {
    /// A number without a unit.
    #[error("`{0}` has no unit; write for example `{0}s`, `{0}m`, `{0}h` or `{0}d`")]
    MissingUnit(String),
    /// A unit that is not one of ns, us, ms, s, m, min, h, d, w.
    #[error("`{unit}` in `{text}` is not a unit of time; use ns, us, ms, s, m, h, d or w")]
    UnknownUnit {
        /// The whole text.
        text: String,
        /// The part that is not a unit.
        unit: String,
    },
    /// A negative length.
    #[error("`{0}` is negative; a length of time starts at 0s")]
    Negative(String),
    /// Longer than 584 years.
    #[error("`{0}` is longer than 584 years, the most a run can hold")]
    TooLong(String),
    /// Anything else.
    #[error("`{0}` is not a length of time; write for example `90s`, `1h30m` or `250ms`")]
    Malformed(String),
}

impl FromStr for Span {
    type Err = ParseSpanError;

    /// Reads `90s`, `1.5h`, `1h30m`, `250ms`; every number needs a unit, except a lone `0`.
    fn from_str(text: &str) -> Result<Span, ParseSpanError> {
        let trimmed = text.trim();
        if trimmed == "0" {
            return Ok(Span::ZERO);
        }
        if trimmed.starts_with('-') {
            return Err(ParseSpanError::Negative(text.to_owned()));
        }
        let malformed = || ParseSpanError::Malformed(text.to_owned());
        let mut rest = trimmed;
        let mut total: u128 = 0;
        if rest.is_empty() {
            return Err(malformed());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (unit, next) = tail.split_at(end);
            if number.is_empty() || number.matches('.').count() > 1 || number == "." {
                return Err(malformed());
            }
            if unit.is_empty() {
                return Err(if tail.is_empty() {
                    ParseSpanError::MissingUnit(text.to_owned())
                } else {
                    malformed()
                });
            }
            let scale = unit_nanos(unit).ok_or_else(|| ParseSpanError::UnknownUnit {
                text: text.to_owned(),
                unit: unit.to_owned(),
            })?;
            total = total
                .checked_add(scaled(number, scale).ok_or_else(malformed)?)
                .ok_or_else(|| ParseSpanError::TooLong(text.to_owned()))?;
            rest = next;
        }
        u64::try_from(total).map(Span).map_err(|_| ParseSpanError::TooLong(text.to_owned()))
    }
}

fn unit_nanos(unit: &str) -> Option<u64> {
    let unit = if unit == "min" { "m" } else { unit };
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, nanos)| *nanos)
}

/// `number * scale` in integers, the fraction rounded down to the nanosecond.
fn scaled(number: &str, scale: u64) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = whole.checked_mul(u128::from(scale))?;
    let mut place = u128::from(scale);
    let mut remainder: u128 = 0;
    let mut divisor: u128 = 1;
    for digit in fraction.chars().take(18) {
        divisor *= 10;
        remainder = remainder * 10 + u128::from(digit.to_digit(10)?);
    }
    place *= remainder;
    nanos += place / divisor;
    Some(nanos)
}

impl fmt::Display for Span {
    /// Prints the exact length with the fewest units: `1h30m`, `2.5s`, `149d8h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, nanos) in &UNITS[1..4] {
            if rest >= *nanos {
                write!(f, "{}{unit}", rest / nanos)?;
                rest %= nanos;
            }
        }
        if rest == 0 {
            return Ok(());
        }
        let (unit, nanos) = if rest >= NANOS_PER_SECOND || self.0 != rest {
            UNITS[4]
        } else if rest >= 1_000_000 {
            UNITS[5]
        } else if rest >= 1_000 {
            UNITS[6]
        } else {
            UNITS[7]
        };
        write!(f, "{}", rest / nanos)?;
        let fraction = rest % nanos;
        if fraction > 0 {
            let width = nanos.ilog10() as usize;
            let digits = format!("{fraction:0width$}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str(unit)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        struct SpanVisitor;
        impl Visitor<'_> for SpanVisitor {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time with its unit, such as `90s`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Span, E> {
                number.to_string().parse().map_err(E::custom)
            }
        }
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(SpanVisitor)
        } else {
            u64::deserialize(deserializer).map(Span)
        }
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time with its unit: 90s, 1h30m, 250ms, 30d.",
            "pattern": r"^(0|([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|min|h|d|w))+)$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_print() {
        for (text, nanos, printed) in [
            ("0", 0, "0s"),
            ("90s", 90_000_000_000, "1m30s"),
            ("1h30m", 5_400_000_000_000, "1h30m"),
            ("1.5h", 5_400_000_000_000, "1h30m"),
            ("250ms", 250_000_000, "250ms"),
            ("2.5s", 2_500_000_000, "2.5s"),
            ("10min", 600_000_000_000, "10m"),
            ("30d", 2_592_000_000_000_000, "30d"),
            ("1500us", 1_500_000, "1.5ms"),
            ("1m0.25s", 60_250_000_000, "1m0.25s"),
            ("7ns", 7, "7ns"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.as_nanos(), nanos, "{text}");
            assert_eq!(span.to_string(), printed, "{text}");
            assert_eq!(printed.parse::<Span>().unwrap(), span, "{printed}");
        }
    }

    #[test]
    fn bad_spans_say_why() {
        for (text, part) in [
            ("90", "no unit"),
            ("-5s", "negative"),
            ("5 parsecs", "not a length"),
            ("5parsecs", "not a unit of time"),
            ("", "not a length"),
            ("1.2.3s", "not a length"),
            ("1000000w", "584 years"),
        ] {
            let error = text.parse::<Span>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn ticks_around_an_instant() {
        let period = Span::from_secs(5);
        let phase = Span::from_secs(2);
        for (at, next, last) in
            [(0, 2, None), (2, 2, Some(2)), (3, 7, Some(2)), (7, 7, Some(7)), (11, 12, Some(7))]
        {
            assert_eq!(Time::from_secs(at).next_tick(period, phase), Time::from_secs(next));
            assert_eq!(Time::from_secs(at).last_tick(period, phase), last.map(Time::from_secs));
        }
    }

    #[test]
    fn sampled_seconds_never_leave_the_range() {
        assert_eq!(Span::from_secs_f64(-1.0), Span::ZERO);
        assert_eq!(Span::from_secs_f64(f64::NAN), Span::ZERO);
        assert_eq!(Span::from_secs_f64(f64::INFINITY), Span::MAX);
        assert_eq!(Span::from_secs_f64(1.5), Span::from_millis(1500));
        assert_eq!(Time::from_secs(1) + Span::MAX, Time::MAX);
    }
}
