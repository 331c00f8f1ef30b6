//! Distributions as a scenario file writes them, over lengths of time or over plain numbers.
//!
//! A bare value stands for a constant; everything else is a map with one key, the kind:
//! `3s`, `{uniform: {min: 1s, max: 2s}}`, `{lognormal: {median: 20m, p95: 2h}}`. What is written
//! is checked while it is read, so that a loader that tracks positions can point at it. Only a
//! table in a file cannot be: [`DistParams::resolve`] asks a loader for it.

use super::{Dist, DistError, Empirical, Span, SpanDist};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

/// What a distribution in a scenario file may be over.
pub trait DistValue:
    Copy + Default + fmt::Debug + PartialEq + Serialize + DeserializeOwned + JsonSchema
{
    /// One such value, for messages.
    const EXAMPLE: &'static str;
    /// The value as a number: seconds for a length of time.
    fn to_number(self) -> f64;
}

impl DistValue for Span {
    const EXAMPLE: &'static str = "`90s`";
    fn to_number(self) -> f64 {
        self.as_secs_f64()
    }
}

impl DistValue for f64 {
    const EXAMPLE: &'static str = "`0.5`";
    fn to_number(self) -> f64 {
        self
    }
}

/// A distribution of lengths of time as it is written.
pub type SpanDistParams = DistParams<Span>;
/// A distribution of plain numbers as it is written.
pub type NumberDistParams = DistParams<f64>;

/// A distribution as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct DistParams<V> {
    form: DistForm<V>,
}

/// The kinds of distribution and their parameters.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DistForm<V> {
    /// Always the same value. A bare value means the same.
    Constant(V),
    /// Every value between two alike.
    Uniform(UniformForm<V>),
    /// Without memory.
    Exponential(ExponentialForm<V>),
    /// Normal; samples of a length of time below zero become zero.
    Normal(NormalForm<V>),
    /// Log-normal: median, and one of `p95`, `mean` or `sigma`.
    Lognormal(LognormalForm<V>),
    /// Weibull: shape, and one of `scale` or `mean`.
    Weibull(WeibullForm<V>),
    /// Pareto, truncated if `max` is given.
    Pareto(ParetoForm<V>),
    /// Gamma.
    Gamma(GammaForm<V>),
    /// The values of a table in a file.
    Empirical(EmpiricalForm),
}

/// Every value between two alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UniformForm<V> {
    /// Smallest value.
    pub min: V,
    /// Largest value.
    pub max: V,
}

/// Exponential.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExponentialForm<V> {
    /// Mean, above zero.
    pub mean: V,
}

/// Normal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NormalForm<V> {
    /// Mean, before samples below zero are made zero.
    pub mean: V,
    /// Standard deviation.
    pub sd: V,
}

/// Log-normal. Exactly one of `p95`, `mean` and `sigma` is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LognormalForm<V> {
    /// Median, above zero.
    pub median: V,
    /// 95th percentile, at least the median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<V>,
    /// Mean, at least the median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<V>,
    /// Standard deviation of the natural logarithm, at least zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f64>,
}

/// Weibull. Exactly one of `scale` and `mean` is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeibullForm<V> {
    /// Shape, above zero: below 1 early failures, 1 without memory, above 1 wear.
    pub shape: f64,
    /// Scale, the 63rd percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<V>,
    /// Mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<V>,
}

/// Pareto.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParetoForm<V> {
    /// Shape, above zero; the mean is infinite up to 1 unless `max` is given.
    pub shape: f64,
    /// Smallest value, above zero.
    pub min: V,
    /// Largest value: the distribution is truncated there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<V>,
}

/// Gamma.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GammaForm<V> {
    /// Shape, above zero.
    pub shape: f64,
    /// Mean, above zero.
    pub mean: V,
}

/// The values of a table in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmpiricalForm {
    /// A CSV file with a header line, gzip or not. Lengths of time carry their unit (`90s`) or are
    /// seconds.
    pub file: PathBuf,
    /// The column with the values.
    pub column: String,
    /// The column with the weights; without one every row weighs the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
}

/// Exactly one of several parameters.
fn one_of<T, const N: usize>(
    (kind, choices): (&'static str, &'static str),
    made: [Option<T>; N],
) -> Result<T, DistError> {
    let mut given = made.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(DistError::Choice { kind, choices }),
    }
}

/// Loads the values and weights of a table: values as numbers, seconds for lengths of time.
pub type TableLoader<'a> = dyn FnMut(&EmpiricalForm) -> Result<Vec<(f64, f64)>, DistError> + 'a;

impl<V: DistValue> DistParams<V> {
    /// Always the same value.
    pub const fn constant(value: V) -> DistParams<V> {
        DistParams { form: DistForm::Constant(value) }
    }

    /// What is written.
    pub const fn form(&self) -> &DistForm<V> {
        &self.form
    }

    /// The file that has to be loaded first, if there is one.
    pub const fn file(&self) -> Option<&EmpiricalForm> {
        match &self.form {
            DistForm::Empirical(table) => Some(table),
            _ => None,
        }
    }

    /// The path of the file that has to be loaded first, to make it absolute.
    pub fn file_mut(&mut self) -> Option<&mut PathBuf> {
        match &mut self.form {
            DistForm::Empirical(table) => Some(&mut table.file),
            _ => None,
        }
    }

    /// The distribution as numbers. `load` is asked only for the table of an empirical one.
    pub fn numbers(&self, load: &mut TableLoader<'_>) -> Result<Dist, DistError> {
        let n = V::to_number;
        match &self.form {
            DistForm::Constant(value) => Dist::constant(n(*value)),
            DistForm::Uniform(form) => Dist::uniform(n(form.min), n(form.max)),
            DistForm::Exponential(form) => Dist::exponential(n(form.mean)),
            DistForm::Normal(form) => Dist::normal(n(form.mean), n(form.sd)),
            DistForm::Lognormal(form) => {
                let median = n(form.median);
                one_of(
                    ("log-normal", "`p95`, `mean` and `sigma`"),
                    [
                        form.p95.map(|p95| Dist::lognormal_p95(median, n(p95))),
                        form.mean.map(|mean| Dist::lognormal_mean(median, n(mean))),
                        form.sigma.map(|sigma| Dist::lognormal(median, sigma)),
                    ],
                )?
            }
            DistForm::Weibull(form) => one_of(
                ("Weibull", "`scale` and `mean`"),
                [
                    form.scale.map(|scale| Dist::weibull(form.shape, n(scale))),
                    form.mean.map(|mean| Dist::weibull_mean(form.shape, n(mean))),
                ],
            )?,
            DistForm::Pareto(form) => Dist::pareto(form.shape, n(form.min), form.max.map(n)),
            DistForm::Gamma(form) => Dist::gamma(form.shape, n(form.mean)),
            DistForm::Empirical(form) => Ok(Dist::empirical(Empirical::new(load(form)?)?)),
        }
    }

    /// Checks what can be checked without the file of a table.
    pub fn check(&self) -> Result<(), DistError> {
        let mut unread = |_: &EmpiricalForm| Ok(vec![(0.0, 1.0)]);
        self.numbers(&mut unread).map(|_| ())
    }
}

impl DistParams<Span> {
    /// The distribution, ready to be sampled. `load` is asked only for the table of an empirical
    /// one.
    pub fn resolve(&self, load: &mut TableLoader<'_>) -> Result<SpanDist, DistError> {
        match self.form {
            DistForm::Constant(span) => Ok(SpanDist::constant(span)),
            _ => self.numbers(load).map(SpanDist::of_seconds),
        }
    }
}

impl<V: DistValue> TryFrom<DistForm<V>> for DistParams<V> {
    type Error = DistError;
    fn try_from(form: DistForm<V>) -> Result<DistParams<V>, DistError> {
        let params = DistParams { form };
        params.check()?;
        Ok(params)
    }
}

impl From<Span> for DistParams<Span> {
    fn from(span: Span) -> DistParams<Span> {
        DistParams::constant(span)
    }
}

impl<V: DistValue> Serialize for DistParams<V> {
    /// A constant is written bare.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.form {
            DistForm::Constant(value) => value.serialize(serializer),
            form => form.serialize(serializer),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindName {
    Constant,
    Uniform,
    Exponential,
    Normal,
    Lognormal,
    Weibull,
    Pareto,
    Gamma,
    Empirical,
}

struct FormVisitor<V>(PhantomData<V>);

impl<V: DistValue> FormVisitor<V> {
    fn bare<'de, E: de::Error, T: IntoDeserializer<'de, E>>(value: T) -> Result<DistParams<V>, E> {
        V::deserialize(value.into_deserializer()).map(DistParams::constant)
    }
}

impl<'de, V: DistValue> Visitor<'de> for FormVisitor<V> {
    type Value = DistParams<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a value such as {} or a distribution such as `{{exponential: {{mean: ...}}}}`",
            V::EXAMPLE
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<DistParams<V>, E> {
        Self::bare(text)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<DistParams<V>, E> {
        Self::bare(number)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<DistParams<V>, E> {
        Self::bare(number)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<DistParams<V>, E> {
        Self::bare(number)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DistParams<V>, A::Error> {
        let Some(kind) = map.next_key::<KindName>()? else {
            return Err(de::Error::invalid_length(0, &self));
        };
        let form = match kind {
            KindName::Constant => DistForm::Constant(map.next_value()?),
            KindName::Uniform => DistForm::Uniform(map.next_value()?),
            KindName::Exponential => DistForm::Exponential(map.next_value()?),
            KindName::Normal => DistForm::Normal(map.next_value()?),
            KindName::Lognormal => DistForm::Lognormal(map.next_value()?),
            KindName::Weibull => DistForm::Weibull(map.next_value()?),
            KindName::Pareto => DistForm::Pareto(map.next_value()?),
            KindName::Gamma => DistForm::Gamma(map.next_value()?),
            KindName::Empirical => DistForm::Empirical(map.next_value()?),
        };
        if let Some(second) = map.next_key::<String>()? {
            return Err(de::Error::custom(format!(
                "`{second}` is a second key; a distribution is one kind with its parameters"
            )));
        }
        DistParams::try_from(form).map_err(de::Error::custom)
    }
}

impl<'de, V: DistValue> Deserialize<'de> for DistParams<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DistParams<V>, D::Error> {
        deserializer.deserialize_any(FormVisitor(PhantomData))
    }
}

impl<V: DistValue> JsonSchema for DistParams<V> {
    fn schema_name() -> Cow<'static, str> {
        format!("DistributionOf{}", V::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let bare = generator.subschema_for::<V>();
        let form = generator.subschema_for::<DistForm<V>>();
        json_schema!({
            "description": "A value, or a distribution to draw it from.",
            "anyOf": [bare, form],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::{Draws, Key, Purpose};

    fn read(json: &str) -> Result<SpanDistParams, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    fn no_file(_: &EmpiricalForm) -> Result<Vec<(f64, f64)>, DistError> {
        panic!("no table is asked for")
    }

    #[test]
    fn what_is_written_reads_and_prints() {
        for (json, mean) in [
            (r#""3s""#, 3.0),
            (r#"{"uniform":{"min":"1s","max":"2s"}}"#, 1.5),
            (r#"{"exponential":{"mean":"30d"}}"#, 2_592_000.0),
            (r#"{"normal":{"mean":"10s","sd":"2s"}}"#, 10.0),
            (r#"{"lognormal":{"median":"1h","mean":"6h"}}"#, 21_600.0),
            (r#"{"lognormal":{"median":"1s","sigma":0.0}}"#, 1.0),
            (r#"{"weibull":{"shape":1.0,"scale":"10s"}}"#, 10.0),
            (r#"{"weibull":{"shape":0.7,"mean":"10s"}}"#, 10.0),
            (r#"{"pareto":{"shape":2.0,"min":"1s"}}"#, 2.0),
            (r#"{"pareto":{"shape":1.1,"min":"1s","max":"1s"}}"#, 1.0),
            (r#"{"gamma":{"shape":2.0,"mean":"10s"}}"#, 10.0),
        ] {
            let params = read(json).unwrap();
            assert_eq!(serde_json::to_string(&params).unwrap(), json);
            let dist = params.resolve(&mut no_file).unwrap();
            let got = dist.mean_secs().unwrap();
            assert!((got - mean).abs() < 1e-9 * mean, "{json}: {got}");
        }
        assert_eq!(read(r#"{"constant":"3s"}"#), Ok(Span::from_secs(3).into()));
        let number: NumberDistParams = serde_json::from_str("0.5").unwrap();
        assert_eq!(number.numbers(&mut no_file).unwrap().mean(), Some(0.5));
    }

    #[test]
    fn mistakes_are_named() {
        for (json, part) in [
            ("3", "has no unit"),
            (r#""3 parsecs""#, "not a length of time"),
            ("true", "expected a value such as `90s`"),
            ("{}", "expected a value such as `90s`"),
            (r#"{"expo": {"mean": "3s"}}"#, "unknown variant `expo`, expected one of `constant`"),
            (r#"{"exponential": {"mean": "3s", "sd": "1s"}}"#, "unknown field `sd`"),
            (r#"{"exponential": {}}"#, "missing field `mean`"),
            (r#"{"exponential": {"mean": "0s"}}"#, "`mean` must be a finite number above 0"),
            (r#"{"uniform": {"min": "2s", "max": "1s"}}"#, "`min` must not be above `max`"),
            (r#"{"lognormal": {"median": "2s"}}"#, "exactly one of `p95`, `mean` and `sigma`"),
            (
                r#"{"weibull": {"shape": 1, "scale": "1s", "mean": "1s"}}"#,
                "exactly one of `scale` and `mean`",
            ),
            (r#"{"gamma": {"shape": 1, "mean": "1s"}, "normal": {}}"#, "`normal` is a second key"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }

    #[test]
    fn a_table_is_asked_for_when_it_is_needed() {
        let json = r#"{"empirical":{"file":"gaps.csv","column":"seconds"}}"#;
        let params = read(json).unwrap();
        assert_eq!(params.file().unwrap().column, "seconds");
        let dist = params.resolve(&mut |_| Ok(vec![(1.0, 1.0), (3.0, 1.0)])).unwrap();
        assert_eq!(dist.mean_secs(), Some(2.0));
        let failed = params.resolve(&mut |form| {
            Err(DistError::Table(format!("{} is not there", form.file.display())))
        });
        assert_eq!(failed.unwrap_err().to_string(), "gaps.csv is not there");
        assert_eq!(params.resolve(&mut |_| Ok(vec![])), Err(DistError::Empty));
    }

    #[test]
    fn samples_are_lengths() {
        let mut stream = Draws::new(1).stream(Purpose::new("t"), Key(1), 0);
        let normal = read(r#"{"normal": {"mean": "0s", "sd": "1s"}}"#).unwrap();
        let normal = normal.resolve(&mut no_file).unwrap();
        let samples: Vec<Span> = (0..1000).map(|_| normal.sample(&mut stream)).collect();
        let zeros = samples.iter().filter(|span| span.is_zero()).count();
        assert!((430..570).contains(&zeros), "{zeros} negative samples became zero");
        let exact = SpanDist::constant(Span::from_nanos(123_456_789_012_345_678));
        assert_eq!(exact.sample(&mut stream), Span::from_nanos(123_456_789_012_345_678));
    }

    #[test]
    fn the_schema_knows_both_forms() {
        let schema = schemars::schema_for!(SpanDistParams).to_value().to_string();
        for part in ["anyOf", "exponential", "pattern", "additionalProperties\":false"] {
            assert!(schema.contains(part), "{part}: {schema}");
        }
    }
}
