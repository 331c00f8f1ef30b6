//! How much of a resource an application uses, and amounts of bytes that carry their unit.

use super::cluster::sized;
use crate::ground::{Bytes, MilliCpu, Problem, QuantityError, Span};
use crate::model::Usage;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Bytes that carry their unit: `32` is refused, `32Gi` and `0` are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Size(#[serde(with = "sized")] pub Bytes);

impl Size {
    /// Reads a text such as `32Gi`.
    pub(super) fn read(text: &str) -> Result<Size, QuantityError> {
        let bare = text.chars().all(|c| c.is_ascii_digit() || c == '.');
        if bare && text.chars().any(|c| matches!(c, '1'..='9')) {
            return Err(QuantityError::MissingUnit(text.to_owned()));
        }
        text.parse().map(Size)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        Bytes::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Bytes::json_schema(generator)
    }
}

/// What usage is measured in.
pub trait UsageAmount:
    Copy + PartialOrd + Serialize + for<'de> Deserialize<'de> + JsonSchema
{
    /// One such amount, for messages.
    const EXAMPLE: &'static str;
    /// The amount of a text.
    fn read(text: &str) -> Result<Self, QuantityError>;
    /// Millicores or bytes.
    fn amount(self) -> u64;
}

impl UsageAmount for MilliCpu {
    const EXAMPLE: &'static str = "200m";
    fn read(text: &str) -> Result<MilliCpu, QuantityError> {
        text.parse()
    }
    fn amount(self) -> u64 {
        self.0
    }
}

impl UsageAmount for Size {
    const EXAMPLE: &'static str = "200Mi";
    fn read(text: &str) -> Result<Size, QuantityError> {
        Size::read(text)
    }
    fn amount(self) -> u64 {
        self.0.0
    }
}

/// How much of a resource a container uses, from the start of its present life.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum UsageParams<A> {
    /// A share of its request.
    Share(Percent),
    /// The same all the time.
    Constant(A),
    /// More and more.
    Growth(GrowthParams<A>),
    /// From so long after the start on, so much.
    Series(Vec<(Span, A)>),
}

/// A share of a request in hundredths, written with its sign: `60%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percent(pub f64);

impl Serialize for Percent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}%", self.0))
    }
}

/// Usage that grows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "A: Deserialize<'de>"))]
pub struct GrowthParams<A> {
    /// At the start.
    pub start: A,
    /// More per hour.
    pub per_hour: A,
    /// Never more than this; without end if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<A>,
}

impl<A: UsageAmount> UsageParams<A> {
    /// What is wrong with it, with paths below `path`.
    pub(super) fn check(&self, path: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        match self {
            UsageParams::Share(_) | UsageParams::Constant(_) => {}
            UsageParams::Growth(growth) => {
                if growth.most.is_some_and(|most| most < growth.start) {
                    let text = "`most` is below `start`";
                    problems.push(Problem::new(format!("{path}.most"), text).hint("raise it"));
                }
            }
            UsageParams::Series(steps) => {
                if steps.first().is_none_or(|(at, _)| !at.is_zero()) {
                    let text = "the first step is not at the start";
                    let hint = format!("begin with `[0s, {}]`", A::EXAMPLE);
                    problems.push(Problem::new(path, text).hint(hint));
                }
                let unsorted = steps.windows(2).position(|pair| pair[0].0 >= pair[1].0);
                if let Some(at) = unsorted {
                    let path = format!("{path}.{}", at + 1);
                    let text = "this step is not after the one before";
                    problems.push(Problem::new(path, text).hint("write steps in order of time"));
                }
            }
        }
        problems
    }

    /// The usage.
    pub(in crate::scenario) fn usage(&self) -> Usage {
        match self {
            UsageParams::Share(Percent(percent)) => Usage::Share((percent * 10.0).round() as u32),
            UsageParams::Constant(amount) => Usage::Constant(amount.amount()),
            UsageParams::Growth(growth) => Usage::Growth {
                start: growth.start.amount(),
                per_hour: growth.per_hour.amount(),
                most: growth.most.map_or(u64::MAX, UsageAmount::amount),
            },
            UsageParams::Series(steps) => {
                Usage::Series(steps.iter().map(|(at, amount)| (*at, amount.amount())).collect())
            }
        }
    }
}

struct UsageVisitor<A>(PhantomData<A>);

impl<A: UsageAmount> UsageVisitor<A> {
    fn text<E: de::Error>(text: &str) -> Result<UsageParams<A>, E> {
        if matches!(text, "load" | "following load" | "following-load" | "follows load") {
            return Err(E::custom(
                "usage that follows the load is not supported yet; it comes with traffic: write \
                 a share of the request such as `60%`",
            ));
        }
        if let Some(number) = text.strip_suffix('%') {
            let plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
            return match number.parse() {
                Ok(percent) if plain => Ok(UsageParams::Share(Percent(percent))),
                _ => Err(E::custom(format!("`{text}` is not a share; write for example `60%`"))),
            };
        }
        A::read(text).map(UsageParams::Constant).map_err(E::custom)
    }
}

impl<'de, A: UsageAmount> Visitor<'de> for UsageVisitor<A> {
    type Value = UsageParams<A>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let example = A::EXAMPLE;
        write!(
            f,
            "a share of the request such as `60%`, an amount such as `{example}`, \
             `{{start, per_hour, most}}` or steps such as `[[0s, {example}]]`"
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<UsageParams<A>, E> {
        Self::text(text)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<UsageParams<A>, E> {
        Self::text(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<UsageParams<A>, E> {
        Self::text(&number.to_string())
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<UsageParams<A>, M::Error> {
        GrowthParams::deserialize(de::value::MapAccessDeserializer::new(map))
            .map(UsageParams::Growth)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<UsageParams<A>, S::Error> {
        let mut steps = Vec::new();
        while let Some(step) = seq.next_element::<(Span, A)>()? {
            steps.push(step);
        }
        Ok(UsageParams::Series(steps))
    }
}

impl<'de, A: UsageAmount> Deserialize<'de> for UsageParams<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<UsageParams<A>, D::Error> {
        deserializer.deserialize_any(UsageVisitor(PhantomData))
    }
}

impl<A: UsageAmount> JsonSchema for UsageParams<A> {
    fn schema_name() -> Cow<'static, str> {
        format!("UsageOf{}", A::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let growth = generator.subschema_for::<GrowthParams<A>>();
        let (span, amount) = (generator.subschema_for::<Span>(), generator.subschema_for::<A>());
        json_schema!({"oneOf": [
            {"type": ["string", "number"],
             "description": "A share of the request such as `60%`, or an amount."},
            growth,
            {"type": "array", "description": "From so long after the start on, so much.",
             "items": {"type": "array", "prefixItems": [span, amount], "minItems": 2,
                       "maxItems": 2}},
        ]})
    }
}
