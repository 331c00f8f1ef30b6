//! Two small amounts that scenario files write with their unit: rates (`30/h`) and ratios (`80%`).

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// Events per time. Printed in the unit in which it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    number: f64,
    unit: usize,
}

/// Units of time of a rate, each with its length in seconds.
const UNITS: [(&str, f64); 4] = [("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];

/// Why a text is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rate; write a number at least 0 and a unit, for example `30/h` or `2.5/s`")]
pub struct RateError(String);

impl Rate {
    /// Events per second.
    pub fn per_second(self) -> f64 {
        self.number / UNITS[self.unit].1
    }
}

impl FromStr for Rate {
    type Err = RateError;

    /// Reads `30/h`, `2.5/s`, `100/m`, `7/d`.
    fn from_str(text: &str) -> Result<Rate, RateError> {
        let parse = || {
            let (number, unit) = text.trim().split_once('/')?;
            let number = decimal(number)?;
            let unit = UNITS.iter().position(|(name, _)| *name == unit)?;
            Some(Rate { number, unit })
        };
        parse().ok_or_else(|| RateError(text.to_owned()))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, UNITS[self.unit].0)
    }
}

/// A plain decimal number without sign and exponent.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// A share of something, at least 0; may be above 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Ratio {
    value: f64,
}

/// Why a text is not a ratio.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a ratio; write for example `80%` or `0.8`")]
pub struct RatioError(String);

impl Ratio {
    /// The ratio of this value; `None` if it is negative or not finite.
    pub fn new(value: f64) -> Option<Ratio> {
        (value.is_finite() && value >= 0.0).then_some(Ratio { value })
    }

    /// The value: 0.8 for `80%`.
    pub const fn value(self) -> f64 {
        self.value
    }
}

impl FromStr for Ratio {
    type Err = RatioError;

    /// Reads `80%` and `0.8`.
    fn from_str(text: &str) -> Result<Ratio, RatioError> {
        let value = match text.trim().strip_suffix('%') {
            Some(percent) => decimal(percent).map(|percent| percent / 100.0),
            None => decimal(text.trim()),
        };
        value.and_then(Ratio::new).ok_or_else(|| RatioError(text.to_owned()))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value)
    }
}

macro_rules! written_as_text {
    ($name:ident, $what:literal, $types:tt) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                struct TextVisitor;
                impl Visitor<'_> for TextVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$name, E> {
                        number.to_string().parse().map_err(E::custom)
                    }
                    fn visit_f64<E: de::Error>(self, number: f64) -> Result<$name, E> {
                        number.to_string().parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(TextVisitor)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": $types, "description": $what})
            }
        }
    };
}

written_as_text!(Rate, "a rate with its unit of time, such as `30/h`", "string");
written_as_text!(Ratio, "a ratio, such as `80%` or `0.8`", ["string", "number"]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_and_print() {
        for (text, per_second) in [("30/h", 30.0 / 3600.0), ("2.5/s", 2.5), ("0/d", 0.0)] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.per_second(), per_second, "{text}");
            assert_eq!(rate.to_string(), text);
        }
        for text in ["30", "30/y", "-1/s", "/s", "1e3/s", "inf/s", ""] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains("30/h"), "{text}: {error}");
        }
    }

    #[test]
    fn ratios_read_and_print() {
        for (text, value, printed) in [("80%", 0.8, "0.8"), ("0.8", 0.8, "0.8"), ("2", 2.0, "2")] {
            let ratio: Ratio = text.parse().unwrap();
            assert_eq!(ratio.value(), value, "{text}");
            assert_eq!(ratio.to_string(), printed);
        }
        assert_eq!(serde_json::from_str::<Ratio>("0.25").unwrap().value(), 0.25);
        for text in ["-1", "a lot", "%", "NaN"] {
            assert!(text.parse::<Ratio>().is_err(), "{text}");
        }
    }
}
