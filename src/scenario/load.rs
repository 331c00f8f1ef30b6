//! Loading: the text, the changes of the command line and of each variant, the types, the checks.
//! Everything that is wrong is said at once, each thing once.

use super::diagnostic::Severity;
use super::plan::{Findings, Written, plan};
use super::read::read;
use super::set::{set, set_argument};
use super::yaml::{decode, parse};
use super::{
    Diagnostic, Key, Kind, Node, Plan, ScenarioFile, Source, Sources, VariantParams, later,
};
use crate::ground::Problem;
use crate::scenario::names::check_folder;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Name of the only scenario of a file without variants.
pub const BASE_VARIANT: &str = "base";

/// Where a scenario comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// A text, such as standard input or an example that is built in.
    Text {
        /// What messages call it.
        name: String,
        /// The text.
        text: Vec<u8>,
        /// Where relative paths start.
        folder: PathBuf,
    },
}

/// One variant of a scenario, complete and checked.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Name of the variant, [`BASE_VARIANT`] if the file has none.
    pub variant: String,
    /// The file as it holds for this variant.
    pub file: ScenarioFile,
    /// What the run is built from.
    pub plan: Plan,
    /// Paths of fields that are known and have no effect.
    pub without_effect: Vec<String>,
}

/// A scenario file, loaded.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// All variants, in the order of the file; at least one.
    pub scenarios: Vec<Scenario>,
    /// What is probably not meant.
    pub warnings: Vec<Diagnostic>,
}

impl Scenario {
    /// Loads a scenario with the changes of the command line (`path=value`), or says everything
    /// that is wrong with it.
    ///
    /// Relative paths start in the folder of the file, wherever they are written.
    pub fn load(input: &Input, sets: &[String]) -> Result<Loaded, Vec<Diagnostic>> {
        let (name, bytes, folder) = open(input).map_err(|diagnostic| vec![diagnostic])?;
        let text = decode(&name, &bytes).map_err(|diagnostic| vec![diagnostic])?;
        let mut sources = Sources::new();
        let source = sources.add(Source::file(name, text));
        let mut tree = document(source, &sources).map_err(|diagnostic| vec![diagnostic])?;
        check_head(&tree, &sources).map_err(|diagnostic| vec![diagnostic])?;
        let mut found = Vec::new();
        for argument in sets {
            found.extend(set_argument(&mut tree, argument, &mut sources).err());
        }
        let variants = match variants(&tree, &sources) {
            Ok(variants) if found.is_empty() => variants,
            Ok(_) => return Err(sorted(found)),
            Err(diagnostics) => {
                found.extend(diagnostics);
                return Err(sorted(found));
            }
        };
        finish(variants, &folder, &sources)
    }
}

/// The name, content and folder of an input.
fn open(input: &Input) -> Result<(String, Vec<u8>, PathBuf), Diagnostic> {
    match input {
        Input::Text { name, text, folder } => Ok((name.clone(), text.clone(), folder.clone())),
        Input::File(path) => {
            let name = path.display().to_string();
            let bytes = std::fs::read(path).map_err(|error| {
                Diagnostic::new(format!("the file cannot be read: {}", unreadable(error.kind())))
                    .in_file(&name)
                    .hint("check the path of the scenario file")
            })?;
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            Ok((name, bytes, folder))
        }
    }
}

/// Why a file cannot be read, in words that do not depend on the platform.
fn unreadable(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::NotFound => "it does not exist".to_owned(),
        ErrorKind::PermissionDenied => "you may not read it".to_owned(),
        ErrorKind::IsADirectory => "it is a folder".to_owned(),
        other => other.to_string(),
    }
}

/// The only document of a text.
fn document(source: u32, sources: &Sources) -> Result<Node, Diagnostic> {
    let mut documents = parse(source, sources)?.into_iter();
    let Some(first) = documents.next().filter(|document| !document.is_null()) else {
        let name = &sources.of(super::Place::point(source, 1, 1)).name;
        return Err(Diagnostic::new("the file is empty")
            .in_file(name)
            .hint("begin with `apiVersion: wavetank/v1` and `kind: Scenario`"));
    };
    match documents.next() {
        None => Ok(first),
        Some(second) => Err(Diagnostic::new("a second document begins here")
            .hint("a scenario is one document; write it into a file of its own")
            .at(second.place, sources)),
    }
}

/// Checks what kind of document it is, before anything else is judged.
fn check_head(tree: &Node, sources: &Sources) -> Result<(), Diagnostic> {
    if !matches!(tree.kind, Kind::Map(_)) {
        return Err(Diagnostic::new("a scenario is a map of keys and values")
            .hint("begin with `apiVersion: wavetank/v1` and `kind: Scenario`")
            .at(tree.place, sources));
    }
    for (key, wanted) in [("apiVersion", "wavetank/v1"), ("kind", "Scenario")] {
        let Some(node) = tree.get(key) else {
            return Err(Diagnostic::new(format!("the key `{key}` is missing"))
                .hint(format!("write `{key}: {wanted}`"))
                .at(tree.place, sources));
        };
        let written = node.text().unwrap_or("");
        if written == wanted {
            continue;
        }
        let hint = match (key, written) {
            ("kind", "Experiment") => "an experiment is run with `wavetank compare`".to_owned(),
            (
                "kind",
                "Deployment" | "Pod" | "StatefulSet" | "ReplicaSet" | "Job" | "Node" | "List",
            ) => "write a scenario that names this file under `objects:`".to_owned(),
            _ => format!("write `{key}: {wanted}`"),
        };
        let place = tree.place_of(key);
        return Err(Diagnostic::new(format!("`{key}` is `{written}`, not `{wanted}`"))
            .hint(hint)
            .path(key)
            .at(place, sources));
    }
    Ok(())
}

/// The trees of all variants.
fn variants(tree: &Node, sources: &Sources) -> Result<Vec<(String, Node)>, Vec<Diagnostic>> {
    let mut base = tree.clone();
    let Kind::Map(entries) = &mut base.kind else { unreachable!("the head was checked") };
    let Some(at) = entries.iter().position(|(key, _)| key.text == "variants") else {
        return Ok(vec![(BASE_VARIANT.to_owned(), base)]);
    };
    let entry: (Key, Node) = entries.remove(at);
    let holder = Node { place: entry.1.place, kind: Kind::Map(vec![entry]) };
    #[derive(serde::Deserialize)]
    struct Holder {
        #[serde(default)]
        variants: BTreeMap<String, VariantParams>,
    }
    let typed: Holder = read(&holder, sources)?;
    if typed.variants.is_empty() {
        return Ok(vec![(BASE_VARIANT.to_owned(), base)]);
    }
    let mut trees = Vec::new();
    let mut found = Vec::new();
    for (key, variant) in holder.entries()[0].1.entries() {
        let path = super::tree::join("variants", &key.text);
        if let Some(problem) = check_folder(&key.text, &path) {
            found.push(Diagnostic::of_problem(&problem, &holder, sources));
        }
        let mut tree = base.clone();
        for (path, value) in variant.get("set").map_or(&[][..], Node::entries) {
            let done = set(&mut tree, &path.text, path.place, value, sources);
            let inside = |mut diagnostic: Diagnostic| {
                diagnostic.variant = Some(key.text.clone());
                diagnostic
            };
            found.extend(done.err().map(inside));
        }
        trees.push((key.text.clone(), tree));
    }
    if found.is_empty() { Ok(trees) } else { Err(found) }
}

/// Types and checks every variant.
fn finish(
    variants: Vec<(String, Node)>,
    folder: &Path,
    sources: &Sources,
) -> Result<Loaded, Vec<Diagnostic>> {
    let count = variants.len();
    let mut scenarios = Vec::new();
    let mut found: Vec<(Diagnostic, usize)> = Vec::new();
    for (variant, tree) in variants {
        let (scenario, diagnostics) = one(&variant, tree, folder, sources);
        scenarios.extend(scenario);
        for mut diagnostic in diagnostics {
            match found.iter_mut().find(|(known, _)| same(known, &diagnostic)) {
                Some((_, times)) => *times += 1,
                None => {
                    diagnostic.variant = Some(variant.clone());
                    found.push((diagnostic, 1));
                }
            }
        }
    }
    let all = found.into_iter().map(|(mut diagnostic, times)| {
        // What is wrong everywhere is not a matter of the variant.
        diagnostic.variant = diagnostic.variant.take().filter(|_| times < count);
        diagnostic
    });
    let diagnostics = sorted(all.collect());
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(diagnostics);
    }
    Ok(Loaded { scenarios, warnings: diagnostics })
}

/// Writes `scheduler: FILE` as what it is short for.
fn spell_out(tree: &mut Node) {
    let mut node = tree;
    for key in ["orchestrator", "kubernetes", "scheduler"] {
        let Kind::Map(entries) = &mut node.kind else { return };
        let Some((_, value)) = entries.iter_mut().find(|(k, _)| k.text == key) else { return };
        node = value;
    }
    if let Kind::Scalar { .. } = node.kind
        && !node.is_null()
    {
        let mut map = Node::empty_map(node.place);
        let key = Key { text: "configuration".to_owned(), place: node.place };
        let file = std::mem::replace(node, Node::empty_map(map.place));
        map.kind = Kind::Map(vec![(key, file)]);
        *node = map;
    }
}

/// One variant, or what is wrong with it.
fn one(
    variant: &str,
    tree: Node,
    folder: &Path,
    sources: &Sources,
) -> (Option<Scenario>, Vec<Diagnostic>) {
    let mut judged = tree.clone();
    spell_out(&mut judged);
    let of = |tree: &Node, problem: &Problem| Diagnostic::of_problem(problem, tree, sources);
    let mut diagnostics: Vec<Diagnostic> =
        later::take(&mut judged).iter().map(|problem| of(&tree, problem)).collect();
    let file: ScenarioFile = match read(&judged, sources) {
        Ok(file) => file,
        Err(errors) => {
            diagnostics.extend(errors);
            return (None, diagnostics);
        }
    };
    let (plan, Findings { problems, warnings, without_effect, diagnostics: others }) =
        plan(&file, Written { tree: &judged, sources }, folder);
    diagnostics.extend(others);
    diagnostics.extend(problems.iter().map(|problem| of(&judged, problem)));
    diagnostics.extend(warnings.iter().map(|problem| of(&judged, problem).warning()));
    let variant = variant.to_owned();
    (Some(Scenario { variant, file, plan, without_effect }), diagnostics)
}

/// True for the same message about the same text.
fn same(a: &Diagnostic, b: &Diagnostic) -> bool {
    a.excerpt == b.excerpt && a.message == b.message
}

/// Errors first, then by place.
fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by(|a, b| a.severity.cmp(&b.severity).then_with(|| a.excerpt.cmp(&b.excerpt)));
    diagnostics
}
