//! What has to hold at the end of a run: `metric operator value`.

use crate::ground::{Bytes, Span};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Below.
    Less,
    /// At most.
    AtMost,
    /// Equal.
    Equal,
    /// Different.
    Different,
    /// At least.
    AtLeast,
    /// Above.
    Greater,
}

impl Comparison {
    /// Longer signs first, so that `<=` is not read as `<`.
    const SIGNS: [(&'static str, Comparison); 6] = [
        ("<=", Comparison::AtMost),
        (">=", Comparison::AtLeast),
        ("==", Comparison::Equal),
        ("!=", Comparison::Different),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];

    /// True if `left` compares so with `right`.
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Comparison::Less => left < right,
            Comparison::AtMost => left <= right,
            Comparison::Equal => left == right,
            Comparison::Different => left != right,
            Comparison::AtLeast => left >= right,
            Comparison::Greater => left > right,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Comparison::SIGNS.iter().find(|(_, comparison)| comparison == self);
        f.write_str(found.expect("every comparison has a sign").0)
    }
}

/// One thing that has to hold at the end, such as `wait.time_to_bind.p99 <= 10s`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// Name of the metric.
    pub metric: String,
    /// How it compares.
    pub comparison: Comparison,
    /// With what, in the unit of the metric: seconds, bytes, shares of 1, or numbers.
    pub value: f64,
    /// The value as it was written.
    pub written: String,
}

/// Why a text is not an expectation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpectationError {
    /// There is no comparison that is known.
    #[error("`{0}` compares nothing; write `metric <= value`, with <=, >=, <, >, == or !=")]
    Comparison(String),
    /// A sign that looks like a comparison.
    #[error("`{0}` is not a comparison; use <=, >=, <, >, == or !=")]
    Sign(String),
    /// Nothing stands before the sign.
    #[error("`{0}` names no metric; write for example `wait.time_to_bind.p99 <= 10s`")]
    Metric(String),
    /// What stands after the sign is not a value.
    #[error("`{0}` is not a value; write for example `10s`, `99.9%`, `2Gi` or `3`")]
    Value(String),
}

/// How an expectation turned out.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The expectation.
    pub expectation: Expectation,
    /// What the metric was; `None` if the run has no such metric, or nothing to measure it on.
    pub actual: Option<f64>,
    /// True if it held. Without a value nothing holds.
    pub passed: bool,
}

impl Expectation {
    /// Compares with what the run measured.
    pub fn evaluate(&self, metric: &dyn Fn(&str) -> Option<f64>) -> Outcome {
        let actual = metric(&self.metric);
        let passed = actual.is_some_and(|actual| self.comparison.holds(actual, self.value));
        Outcome { expectation: self.clone(), actual, passed }
    }
}

impl FromStr for Expectation {
    type Err = ExpectationError;

    fn from_str(text: &str) -> Result<Expectation, ExpectationError> {
        let is_sign = |c: char| "<>=!~".contains(c);
        let Some(start) = text.find(is_sign) else {
            return Err(ExpectationError::Comparison(text.to_owned()));
        };
        let rest = &text[start..];
        let (sign, value) = rest.split_at(rest.find(|c| !is_sign(c)).unwrap_or(rest.len()));
        let found = Comparison::SIGNS.iter().find(|(known, _)| *known == sign);
        let Some((_, comparison)) = found else {
            return Err(ExpectationError::Sign(sign.to_owned()));
        };
        let metric = text[..start].trim();
        let of_metric = |c: char| c.is_ascii_alphanumeric() || "._-()/".contains(c);
        if metric.is_empty() || !metric.chars().all(of_metric) {
            return Err(ExpectationError::Metric(text.to_owned()));
        }
        let written = value.trim();
        let value =
            parse_value(written).ok_or_else(|| ExpectationError::Value(written.to_owned()))?;
        Ok(Expectation {
            metric: metric.to_owned(),
            comparison: *comparison,
            value,
            written: written.to_owned(),
        })
    }
}

/// A number, a share (`99.9%`), a length of time (`10s`) or an amount of bytes (`2Gi`).
fn parse_value(text: &str) -> Option<f64> {
    let number = |text: &str| {
        let plain = text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
        text.parse::<f64>().ok().filter(|number| plain && number.is_finite())
    };
    if let Some(percent) = text.strip_suffix('%') {
        return number(percent.trim_end()).map(|percent| percent / 100.0);
    }
    if let Some(number) = number(text) {
        return Some(number);
    }
    if let Ok(span) = text.parse::<Span>() {
        return Some(span.as_secs_f64());
    }
    text.parse::<Bytes>().ok().map(|bytes| bytes.0 as f64)
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.metric, self.comparison, self.written)
    }
}

impl Serialize for Expectation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Expectation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Expectation, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Expectation {
    fn schema_name() -> Cow<'static, str> {
        "Expectation".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "metric, comparison, value: `wait.time_to_bind.p99 <= 10s`",
            "pattern": "^[A-Za-z0-9._()/-]+ *(<=|>=|==|!=|<|>) *[^ ]+$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_read_and_evaluated() {
        for (text, metric, value, actual, passed) in [
            ("wait.p99 <= 400s", "wait.p99", 400.0, 400.0, true),
            ("availability(web) >= 99.9%", "availability(web)", 0.999, 0.99, false),
            ("pods.pending == 0", "pods.pending", 0.0, 0.0, true),
            ("a<5m", "a", 300.0, 299.0, true),
            ("memory.free > 2Gi", "memory.free", 2_147_483_648.0, 1.0, false),
            ("a != 1", "a", 1.0, 1.0, false),
        ] {
            let expectation: Expectation = text.parse().unwrap();
            assert_eq!(expectation.metric, metric, "{text}");
            assert!((expectation.value - value).abs() < 1e-12, "{text}");
            let outcome = expectation.evaluate(&|name| (name == metric).then_some(actual));
            assert_eq!((outcome.actual, outcome.passed), (Some(actual), passed), "{text}");
            let again: Expectation = expectation.to_string().parse().unwrap();
            assert_eq!(again, expectation);
            assert!(!expectation.evaluate(&|_| None).passed);
        }
    }

    #[test]
    fn what_is_no_expectation_says_why() {
        for (text, part) in [
            ("wait.p99", "compares nothing"),
            ("wait.p99 =< 4s", "`=<` is not a comparison"),
            ("wait.p99 = 4s", "`=` is not a comparison"),
            ("<= 4s", "names no metric"),
            ("wait p99 <= 4s", "names no metric"),
            ("wait.p99 <= fast", "`fast` is not a value"),
            ("wait.p99 <=", "`` is not a value"),
        ] {
            let error = text.parse::<Expectation>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
