//! Amounts: CPU in thousandths of a core, memory and storage in bytes, and the text form that
//! Kubernetes gives quantities (apimachinery `resource.Quantity`, v1.34).

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

/// An exact non-negative decimal amount, kept in billionths as upstream keeps it at the finest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity {
    nanos: u128,
}

/// Why a text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Below zero.
    #[error("`{0}` is negative; an amount starts at 0")]
    Negative(String),
    /// A suffix that Kubernetes does not know.
    #[error(
        "`{suffix}` in `{text}` is not a suffix of a quantity; use n, u, m, k, M, G, T, P, E, \
         Ki, Mi, Gi, Ti, Pi or Ei"
    )]
    Suffix {
        /// The whole text.
        text: String,
        /// The part that is not a suffix.
        suffix: String,
    },
    /// Larger than 2^63 - 1 units.
    #[error("`{0}` is larger than any amount that Kubernetes can hold")]
    TooLarge(String),
    /// A number of bytes without a unit.
    #[error("`{0}` has no unit; write for example `{0}Mi` or `{0}Gi`")]
    MissingUnit(String),
    /// Anything else.
    #[error("`{0}` is not a quantity; write for example `500m`, `2`, `1.5Gi`")]
    Malformed(String),
}

const NANO: u128 = 1_000_000_000;

/// Suffix, multiplier and divisor of the value.
const SUFFIXES: [(&str, u128, u128); 16] = [
    ("", 1, 1),
    ("n", 1, NANO),
    ("u", 1, 1_000_000),
    ("m", 1, 1_000),
    ("k", 1_000, 1),
    ("M", 1_000_000, 1),
    ("G", 1_000_000_000, 1),
    ("T", 1_000_000_000_000, 1),
    ("P", 1_000_000_000_000_000, 1),
    ("E", 1_000_000_000_000_000_000, 1),
    ("Ki", 1 << 10, 1),
    ("Mi", 1 << 20, 1),
    ("Gi", 1 << 30, 1),
    ("Ti", 1 << 40, 1),
    ("Pi", 1 << 50, 1),
    ("Ei", 1 << 60, 1),
];

impl Quantity {
    /// The amount rounded up to a whole number of units, as upstream's `Value()` does.
    pub fn ceil(self) -> u64 {
        u64::try_from(self.nanos.div_ceil(NANO)).expect("checked when read")
    }

    /// The amount in thousandths, rounded up, as upstream's `MilliValue()` does; at most
    /// `u64::MAX`.
    pub fn ceil_milli(self) -> u64 {
        u64::try_from(self.nanos.div_ceil(NANO / 1000)).unwrap_or(u64::MAX)
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Quantity, QuantityError> {
        let malformed = || QuantityError::Malformed(text.to_owned());
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        if let Some(rest) = unsigned.strip_prefix('-') {
            let looks_like_one = rest.starts_with(|c: char| c.is_ascii_digit() || c == '.');
            return Err(if looks_like_one {
                QuantityError::Negative(text.to_owned())
            } else {
                malformed()
            });
        }
        let end =
            unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (multiplier, divisor) = scale_of(suffix).ok_or_else(|| {
            if number.is_empty() {
                malformed()
            } else {
                QuantityError::Suffix { text: text.to_owned(), suffix: suffix.to_owned() }
            }
        })?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(malformed());
        }
        let too_large = || QuantityError::TooLarge(text.to_owned());
        let mut digits: u128 = 0;
        for digit in whole.chars().chain(fraction.chars()) {
            digits = digits
                .checked_mul(10)
                .and_then(|d| d.checked_add(u128::from(digit.to_digit(10)?)))
                .ok_or_else(too_large)?;
        }
        let places = u32::try_from(fraction.len()).map_err(|_| malformed())?;
        let below = 10u128.checked_pow(places).and_then(|p| p.checked_mul(divisor));
        let nanos = digits
            .checked_mul(multiplier)
            .and_then(|d| d.checked_mul(NANO))
            .zip(below)
            .map(|(above, below)| above.div_ceil(below))
            .ok_or_else(too_large)?;
        if nanos > u128::from(i64::MAX.unsigned_abs()) * NANO {
            return Err(too_large());
        }
        Ok(Quantity { nanos })
    }
}

/// Multiplier and divisor of a suffix, a decimal exponent such as `e3` included.
fn scale_of(suffix: &str) -> Option<(u128, u128)> {
    if let Some((_, multiplier, divisor)) = SUFFIXES.iter().find(|(name, ..)| *name == suffix) {
        return Some((*multiplier, *divisor));
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let power = 10u128.checked_pow(exponent.unsigned_abs())?;
    Some(if exponent < 0 { (1, power) } else { (power, 1) })
}

macro_rules! define_amount {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u64);

        impl $name {
            /// Nothing.
            pub const ZERO: $name = $name(0);

            /// The sum, or `None` above 2^64 - 1.
            pub const fn checked_add(self, other: $name) -> Option<$name> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some($name(sum)),
                    None => None,
                }
            }

            /// The difference, or `None` below zero.
            pub const fn checked_sub(self, other: $name) -> Option<$name> {
                match self.0.checked_sub(other.0) {
                    Some(difference) => Some($name(difference)),
                    None => None,
                }
            }
        }

        impl Sum for $name {
            /// Saturates at 2^64 - 1.
            fn sum<I: Iterator<Item = $name>>(amounts: I) -> $name {
                $name(amounts.fold(0, |sum, amount| sum.saturating_add(amount.0)))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_u64(self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                struct AmountVisitor;
                impl Visitor<'_> for AmountVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($name::EXAMPLE)
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
                if deserializer.is_human_readable() {
                    deserializer.deserialize_str(AmountVisitor)
                } else {
                    u64::deserialize(deserializer).map($name)
                }
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": ["string", "number"],
                    "description": $name::EXAMPLE,
                })
            }
        }
    };
}

define_amount! {
    /// CPU in thousandths of a core.
    MilliCpu
}

define_amount! {
    /// Memory or storage in bytes.
    Bytes
}

impl MilliCpu {
    const EXAMPLE: &'static str = "CPU in cores, such as `2`, `0.5` or `500m`";
}

impl Bytes {
    const EXAMPLE: &'static str = "bytes with their unit, such as `512Mi` or `2Gi`";
}

impl FromStr for MilliCpu {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<MilliCpu, QuantityError> {
        let milli = text.parse::<Quantity>()?.ceil_milli();
        if milli > i64::MAX.unsigned_abs() {
            return Err(QuantityError::TooLarge(text.to_owned()));
        }
        Ok(MilliCpu(milli))
    }
}

impl FromStr for Bytes {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Bytes, QuantityError> {
        text.parse::<Quantity>().map(|quantity| Bytes(quantity.ceil()))
    }
}

impl fmt::Display for MilliCpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) {
            write!(f, "{}", self.0 / 1000)
        } else {
            write!(f, "{}m", self.0)
        }
    }
}

impl fmt::Display for Bytes {
    /// The exact amount with the largest binary suffix that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = SUFFIXES[10..]
            .iter()
            .rev()
            .map(|(suffix, size, _)| (suffix, *size as u64))
            .find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size));
        match exact {
            Some((suffix, size)) => write!(f, "{}{suffix}", self.0 / size),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_as_upstream_reads_them() {
        for (text, whole, milli) in [
            ("0", 0, 0),
            ("1", 1, 1000),
            ("500m", 1, 500),
            ("0.5", 1, 500),
            (".5", 1, 500),
            ("5.", 5, 5000),
            ("+2", 2, 2000),
            ("1500m", 2, 1500),
            ("100u", 1, 1),
            ("1n", 1, 1),
            ("1k", 1000, 1_000_000),
            ("1e3", 1000, 1_000_000),
            ("1E3", 1000, 1_000_000),
            ("12e-1", 2, 1200),
            ("2Ki", 2048, 2_048_000),
            ("1.5Gi", 1_610_612_736, 1_610_612_736_000),
            ("1E", 1_000_000_000_000_000_000, u64::MAX),
        ] {
            let quantity: Quantity = text.parse().unwrap();
            assert_eq!(quantity.ceil(), whole, "{text}");
            if milli != u64::MAX {
                assert_eq!(quantity.ceil_milli(), milli, "{text}");
            }
        }
    }

    #[test]
    fn bad_quantities_say_why() {
        for (text, part) in [
            ("", "not a quantity"),
            ("Gi", "not a quantity"),
            ("-1", "negative"),
            ("1GB", "not a suffix"),
            ("1 Gi", "not a suffix"),
            ("1.2.3", "not a quantity"),
            ("20Ei", "larger than"),
            ("1e99", "not a suffix"),
        ] {
            let error = text.parse::<Quantity>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn amounts_print_so_that_they_read_back() {
        for text in ["2", "1500m", "1m", "0"] {
            assert_eq!(text.parse::<MilliCpu>().unwrap().to_string(), text);
        }
        for text in ["2Gi", "1536Mi", "1000", "0", "1Ki"] {
            assert_eq!(text.parse::<Bytes>().unwrap().to_string(), text);
        }
    }
}
