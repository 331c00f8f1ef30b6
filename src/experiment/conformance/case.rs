//! The files of a case.

use super::Unreadable;
use crate::policy::KubeSchedulerConfiguration;
use crate::scenario::read_scheduler_configuration;
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A case as recorded.
pub(super) struct Case {
    pub(super) name: String,
    /// Objects of `cluster.json`.
    pub(super) cluster: Vec<Value>,
    /// Pods of `pods.json`.
    pub(super) pods: Vec<Value>,
    pub(super) configuration: KubeSchedulerConfiguration,
    pub(super) settings: Settings,
    /// Lines of `expected.jsonl`.
    pub(super) lines: Vec<Value>,
    folder: PathBuf,
}

/// `case.json`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    /// When pods that preempted were tried again; the lines tell it too.
    #[serde(rename = "retry_preemptors")]
    _retry_preemptors: Option<String>,
    /// Lines carry less.
    pub(super) compact: bool,
    /// The value that was forced on every profile instead of 100.
    pub(super) percentage_of_nodes_to_score: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct List {
    items: Vec<Value>,
}

/// True for a folder that holds a case.
pub(super) fn is_case(folder: &Path) -> bool {
    ["cluster.json", "pods.json", "expected.jsonl"]
        .iter()
        .all(|name| folder.join(name).is_file() || folder.join(format!("{name}.gz")).is_file())
}

/// The text of a file, plain or gzipped; `None` if it is not there.
fn text(folder: &Path, name: &str) -> Result<Option<String>, Unreadable> {
    let (plain, packed) = (folder.join(name), folder.join(format!("{name}.gz")));
    let wrong = |path: &Path, error: std::io::Error| Unreadable {
        place: path.display().to_string(),
        text: format!("the file cannot be read: {error}"),
    };
    if plain.is_file() {
        return std::fs::read_to_string(&plain).map(Some).map_err(|error| wrong(&plain, error));
    }
    if !packed.is_file() {
        return Ok(None);
    }
    let mut text = String::new();
    let bytes = std::fs::read(&packed).map_err(|error| wrong(&packed, error))?;
    let read = GzDecoder::new(bytes.as_slice()).read_to_string(&mut text);
    read.map(|_| Some(text)).map_err(|error| wrong(&packed, error))
}

fn place(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

fn parse<T: serde::de::DeserializeOwned>(
    folder: &Path,
    name: &str,
    text: &str,
) -> Result<T, Unreadable> {
    let wrong = |error: serde_json::Error| Unreadable {
        place: place(folder, name),
        text: error.to_string(),
    };
    serde_json::from_str(text).map_err(wrong)
}

impl Case {
    pub(super) fn read(folder: &Path) -> Result<Case, Unreadable> {
        let needed = |name: &str| {
            let missing = || Unreadable {
                place: place(folder, name),
                text: "the file does not exist".to_owned(),
            };
            text(folder, name)?.ok_or_else(missing)
        };
        let objects = |name: &str| -> Result<Vec<Value>, Unreadable> {
            Ok(parse::<List>(folder, name, &needed(name)?)?.items)
        };
        let settings = match text(folder, "case.json")? {
            Some(text) => parse(folder, "case.json", &text)?,
            None => Settings::default(),
        };
        let expected = needed("expected.jsonl")?;
        let mut lines = Vec::new();
        for (at, line) in expected.lines().enumerate() {
            lines.push(serde_json::from_str(line).map_err(|error| Unreadable {
                place: format!("{}:{}", place(folder, "expected.jsonl"), at + 1),
                text: error.to_string(),
            })?);
        }
        Ok(Case {
            name: folder.file_name().map_or_else(String::new, |n| n.to_string_lossy().into()),
            cluster: objects("cluster.json")?,
            pods: objects("pods.json")?,
            configuration: configuration(folder, &settings)?,
            settings,
            lines,
            folder: folder.to_owned(),
        })
    }

    /// Where a line is.
    pub(super) fn line_place(&self, at: usize) -> String {
        format!("{}:{}", place(&self.folder, "expected.jsonl"), at + 1)
    }

    /// What messages call a file.
    pub(super) fn place(&self, name: &str) -> String {
        place(&self.folder, name)
    }
}

/// The configuration of a case, with the percentage that the recorder forced on every profile.
fn configuration(
    folder: &Path,
    settings: &Settings,
) -> Result<KubeSchedulerConfiguration, Unreadable> {
    let mut configuration = match text(folder, "config.yaml")? {
        Some(text) => {
            let name = place(folder, "config.yaml");
            read_scheduler_configuration(&name, &text).map_err(|diagnostics| {
                let texts: Vec<String> = diagnostics.iter().map(|d| d.render(false)).collect();
                Unreadable { place: name.clone(), text: texts.join("\n") }
            })?
        }
        None => KubeSchedulerConfiguration::default(),
    };
    let percentage = Some(settings.percentage_of_nodes_to_score.unwrap_or(100));
    configuration.percentage_of_nodes_to_score = percentage;
    for profile in &mut configuration.profiles {
        profile.percentage_of_nodes_to_score = percentage;
    }
    Ok(configuration)
}
