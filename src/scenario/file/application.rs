//! How images behave: what a manifest does not say and a simulation needs.

use super::usage::{Size, UsageParams};
use crate::ground::{Bytes, MilliCpu, Problem, Span, SpanDistParams};
use crate::scenario::tree::join;
use crate::stimulus::Ratio;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// Size on disk of an image that nobody describes and no node reports: the median of 100,000
/// popular public images in March 2026 (one survey).
pub const IMAGE_SIZE_DEFAULT: Bytes = Bytes(245_000_000);
/// Share of its size on disk that is pulled of an image that does not say it (an assumption).
pub const COMPRESSED_SHARE_DEFAULT: f64 = 0.4;
/// Number of layers of an image that does not say it.
pub const LAYERS_DEFAULT: u8 = 5;
/// Most layers of an image (the limit of overlay file systems in container runtimes).
const LAYERS_MAX: usize = 127;
/// From its start to its end, of a container in a crash loop.
const CRASH_LOOP_AFTER: Span = Span::from_secs(1);

/// How the containers of one image behave. What is left out is healthy: a container starts at once,
/// is ready at once, runs until it is stopped, stops at once on TERM, uses what it requests and
/// answers without errors. An image that is not described at all is like that too; it has 245 MB
/// on disk (or the size that a node reports), of which 40 % are pulled, in 5 layers of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationParams {
    /// Name of the image as containers write it; without tag or digest it means `:latest`.
    pub image: String,
    /// Size on disk, with its unit; 245 MB if left out. Not beside a list of layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// What is pulled: an amount with its unit, or a share of the size; 40 % if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compressed: Option<CompressedParams>,
    /// Number of layers, or a list of them; 5 layers of its own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<LayersParams>,
    /// Its registry does not have it: pulls fail.
    #[serde(default, skip_serializing_if = "is_false")]
    pub missing: bool,
    /// From the order to create one of its containers to its start, when the image is there; as
    /// `orchestrator.kubernetes.kubelet.container_start` says if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_start: Option<SpanDistParams>,
    /// From its start to the first success of startup probes, which fail before.
    #[serde(default = "at_once")]
    pub startup: SpanDistParams,
    /// From the end of `startup` to the first success of readiness probes, which fail before.
    #[serde(default = "at_once")]
    pub ready_after: SpanDistParams,
    /// Readiness probes never succeed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub never_ready: bool,
    /// How long it takes to answer a probe.
    #[serde(default)]
    pub probe_answer: Span,
    /// From its start to the moment from which it answers no probe any more; never if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hang_after: Option<SpanDistParams>,
    /// From its start to its end by itself, with exit code 0. If left out, init containers take a
    /// second and others run until they are stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_for: Option<SpanDistParams>,
    /// It crashes; never if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<CrashParams>,
    /// Each life of a container ends after a second, with exit code 1.
    #[serde(default, skip_serializing_if = "is_false")]
    pub crash_loop: bool,
    /// From TERM to its end, or `ignores` if only a kill ends it.
    #[serde(default)]
    pub stop: StopParams,
    /// How long a postStart hook takes that is not a sleep.
    #[serde(default)]
    pub post_start: Span,
    /// How long a preStop hook takes that is not a sleep.
    #[serde(default)]
    pub pre_stop: Span,
    /// CPU that it uses; what it requests if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<UsageParams<MilliCpu>>,
    /// Memory that it uses; what it requests if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<UsageParams<Size>>,
    /// Writable layer and logs; nothing if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<UsageParams<Size>>,
    /// Share of requests that it answers with an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<Ratio>,
    /// How many times as long as usual its answers take; 1 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_factor: Option<Ratio>,
}

const fn at_once() -> SpanDistParams {
    SpanDistParams::constant(Span::ZERO)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// How a container crashes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrashParams {
    /// From its start to the crash.
    pub after: SpanDistParams,
    /// Exit code, 1 to 255.
    #[serde(default = "one")]
    pub exit_code: u8,
    /// Only the first so many lives of a container crash; all if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

const fn one() -> u8 {
    1
}

/// One layer of an image. Layers of one name are the same layer: a node keeps it once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayerParams {
    /// Name.
    pub name: String,
    /// Size on disk, with its unit.
    pub size: Size,
}

/// The layers of an image.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum LayersParams {
    /// So many of equal size, which no other image has.
    Number(u8),
    /// These, the lowest first.
    List(Vec<LayerParams>),
}

/// What is pulled of an image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum CompressedParams {
    /// This share of its size on disk.
    Share(Ratio),
    /// So much in all.
    Amount(Size),
}

/// What a container does on TERM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopParams {
    /// It ends after so long.
    After(Span),
    /// Nothing.
    Ignores,
}

impl Default for StopParams {
    fn default() -> StopParams {
        StopParams::After(Span::ZERO)
    }
}

/// The word for an application that ignores TERM.
const IGNORES: &str = "ignores";

impl Serialize for StopParams {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            StopParams::After(span) => span.serialize(serializer),
            StopParams::Ignores => serializer.serialize_str(IGNORES),
        }
    }
}

impl<'de> Deserialize<'de> for StopParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StopParams, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == IGNORES {
            return Ok(StopParams::Ignores);
        }
        text.parse().map(StopParams::After).map_err(|error| {
            let error = format!("{error}");
            match error.split_once("; ") {
                Some((text, hint)) => de::Error::custom(format!("{text}; {hint}, or `{IGNORES}`")),
                None => de::Error::custom(error),
            }
        })
    }
}

impl JsonSchema for StopParams {
    fn schema_name() -> Cow<'static, str> {
        "StopParams".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": "A length of time, or `ignores`."})
    }
}

impl<'de> Deserialize<'de> for CompressedParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<CompressedParams, D::Error> {
        let text = String::deserialize(deserializer)?;
        let share = text.ends_with('%') || text.parse::<f64>().is_ok_and(|share| share <= 1.0);
        if share {
            return text.parse().map(CompressedParams::Share).map_err(de::Error::custom);
        }
        Size::read(&text).map(CompressedParams::Amount).map_err(de::Error::custom)
    }
}

impl JsonSchema for CompressedParams {
    fn schema_name() -> Cow<'static, str> {
        "CompressedParams".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number"],
            "description": "Bytes with their unit, or a share of the size such as `40%`.",
        })
    }
}

impl<'de> Deserialize<'de> for LayersParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LayersParams, D::Error> {
        struct LayersVisitor;
        impl<'de> Visitor<'de> for LayersVisitor {
            type Value = LayersParams;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of layers, or a list such as `[{name: base, size: 80Mi}]`")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<LayersParams, E> {
                let fits =
                    u8::try_from(number).ok().filter(|n| (1..=LAYERS_MAX).contains(&(*n).into()));
                fits.map(LayersParams::Number).ok_or_else(|| {
                    E::custom(format!(
                        "{number} is not a number of layers; write 1 to {LAYERS_MAX}"
                    ))
                })
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<LayersParams, A::Error> {
                let mut layers = Vec::new();
                while let Some(layer) = seq.next_element()? {
                    layers.push(layer);
                }
                Ok(LayersParams::List(layers))
            }
        }
        deserializer.deserialize_any(LayersVisitor)
    }
}

impl JsonSchema for LayersParams {
    fn schema_name() -> Cow<'static, str> {
        "LayersParams".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let layer = generator.subschema_for::<LayerParams>();
        json_schema!({"oneOf": [
            {"type": "integer", "minimum": 1, "maximum": LAYERS_MAX},
            {"type": "array", "items": layer},
        ]})
    }
}

impl ApplicationParams {
    /// What is wrong with it, with paths below its entry.
    pub(in crate::scenario) fn check(&self) -> Vec<Problem> {
        let mut problems = self.check_layers();
        let mut wrong = |path: &str, text: &str, hint: &str| {
            problems.push(Problem::new(path, text).hint(hint));
        };
        if self.image.trim().is_empty() || self.image.contains(char::is_whitespace) {
            wrong("image", "this is not the name of an image", "write for example `web:v2`");
        }
        if self.crash_loop && self.crash.is_some() {
            let text = "`crash` and `crash_loop` exclude each other";
            wrong("crash_loop", text, "keep one of them");
        }
        if self.never_ready && self.ready_after != at_once() {
            let text = "`never_ready` and `ready_after` exclude each other";
            wrong("never_ready", text, "keep one of them");
        }
        if let Some(crash) = &self.crash {
            if crash.exit_code == 0 {
                let text = "a crash has an exit code from 1 to 255";
                wrong("crash.exit_code", text, "write `run_for:` for an end without failure");
            }
            if crash.times == Some(0) {
                wrong("crash.times", "it would never crash", "write 1 or more, or remove `crash`");
            }
        }
        if self.error_rate.is_some_and(|rate| rate.value() > 1.0) {
            wrong("error_rate", "more than all requests cannot fail", "write at most `100%`");
        }
        if self.latency_factor.is_some_and(|factor| factor.value() > 1_000_000.0) {
            wrong("latency_factor", "this is more than a million", "write a smaller number");
        }
        let (cpu, memory, disk) = (&self.cpu, &self.memory, &self.disk);
        problems.extend(cpu.iter().flat_map(|usage| usage.check("cpu")));
        problems.extend(memory.iter().flat_map(|usage| usage.check("memory")));
        problems.extend(disk.iter().flat_map(|usage| usage.check("disk")));
        problems
    }

    fn check_layers(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |path: &str, text: String, hint: &str| {
            problems.push(Problem::new(path, text).hint(hint));
        };
        if let Some(CompressedParams::Share(share)) = self.compressed
            && share.value() > 1.0
        {
            let text = "more than all of it cannot be pulled".to_owned();
            wrong("compressed", text, "write at most `100%`");
        }
        let Some(LayersParams::List(layers)) = &self.layers else { return problems };
        if layers.is_empty() || layers.len() > LAYERS_MAX {
            let text = format!("an image has 1 to {LAYERS_MAX} layers, this one {}", layers.len());
            wrong("layers", text, "list its layers, or write their number");
        }
        if self.size.is_some() {
            let text = "the size of an image is that of its layers together".to_owned();
            wrong("size", text, "remove it, or write the number of layers instead of a list");
        }
        for (at, layer) in layers.iter().enumerate() {
            let path = join(&format!("layers.{at}"), "name");
            if layer.name.is_empty() || layer.name.contains('#') {
                wrong(&path, format!("`{}` is not the name of a layer", layer.name), "name it");
            }
            if layers[..at].iter().any(|other| other.name == layer.name) {
                let text = format!("the layer `{}` is there twice", layer.name);
                wrong(&path, text, "keep one of them");
            }
        }
        problems
    }

    /// The files that are named, to make their paths absolute.
    pub(in crate::scenario) fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let crash = self.crash.as_mut().map(|crash| &mut crash.after);
        [&mut self.startup, &mut self.ready_after]
            .into_iter()
            .chain(&mut self.hang_after)
            .chain(&mut self.run_for)
            .chain(crash)
            .filter_map(SpanDistParams::file_mut)
    }

    /// From the start to the crash, if it crashes.
    pub(in crate::scenario) fn crash_after(&self) -> Option<SpanDistParams> {
        let looping = self.crash_loop.then(|| SpanDistParams::constant(CRASH_LOOP_AFTER));
        looping.or_else(|| self.crash.as_ref().map(|crash| crash.after.clone()))
    }
}
