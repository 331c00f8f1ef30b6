//! From files and folders to the objects in them, each still a tree.

use crate::scenario::diagnostic::{list, nearest};
use crate::scenario::yaml::{decode, parse};
use crate::scenario::{Diagnostic, Kind, Node, Place, Source, Sources};
use std::io;
use std::path::{Path, PathBuf};

/// Most folders in folders.
const DEPTH_MAX: usize = 16;
/// How the files end that are read of a folder.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];
/// What a list of objects has.
const LIST_KEYS: [&str; 4] = ["apiVersion", "items", "kind", "metadata"];

/// An object as a tree, with what the list around it says of it.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) tree: Node,
    /// Version and kind of the items of a typed list.
    pub(super) of_list: Option<(String, String)>,
}

/// Reads all objects of a file or of a folder. What cannot be read is added to `found`.
pub(super) fn objects_at(
    path: &Path,
    sources: &mut Sources,
    found: &mut Vec<Diagnostic>,
) -> Vec<Raw> {
    let mut files = Vec::new();
    if path.is_dir() {
        let unread = files_below(path, 0, &mut files);
        found.extend(unread.err());
        if files.is_empty() && found.is_empty() {
            let text = "the folder holds no files that end in .yaml, .yml or .json";
            found.push(Diagnostic::new(text).in_file(path.display().to_string()));
        }
    } else {
        files.push(path.to_owned());
    }
    let mut objects = Vec::new();
    for file in files {
        if let Err(diagnostic) = objects_of(&file, sources, &mut objects, found) {
            found.push(diagnostic);
        }
    }
    objects
}

/// All files below a folder, in order of their paths; hidden ones are left out.
fn files_below(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Diagnostic> {
    let unread = |error: &io::Error| {
        Diagnostic::new(format!("the folder cannot be read: {}", error.kind()))
            .in_file(folder.display().to_string())
    };
    if depth > DEPTH_MAX {
        return Err(Diagnostic::new(format!("folders are nested more than {DEPTH_MAX} deep"))
            .in_file(folder.display().to_string()));
    }
    let entries: io::Result<Vec<PathBuf>> = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
    let mut entries = entries.map_err(|error| unread(&error))?;
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let known = path.extension().is_some_and(|own| EXTENSIONS.iter().any(|e| own == *e));
        if hidden {
            continue;
        } else if path.is_dir() {
            files_below(&path, depth + 1, files)?;
        } else if known {
            files.push(path);
        }
    }
    Ok(())
}

fn objects_of(
    file: &Path,
    sources: &mut Sources,
    objects: &mut Vec<Raw>,
    found: &mut Vec<Diagnostic>,
) -> Result<(), Diagnostic> {
    let name = file.display().to_string();
    let bytes = std::fs::read(file).map_err(|error| {
        Diagnostic::new(format!("the file cannot be read: {}", error.kind())).in_file(&name)
    })?;
    let source = sources.add(Source::file(&name, decode(&name, &bytes)?));
    for document in parse(source, sources)? {
        if !document.is_null() {
            expand(document, None, sources, objects, found);
        }
    }
    Ok(())
}

/// Adds an object, or the items of a list.
fn expand(
    tree: Node,
    of_list: Option<(String, String)>,
    sources: &Sources,
    objects: &mut Vec<Raw>,
    found: &mut Vec<Diagnostic>,
) {
    let text = |key: &str| tree.get(key).and_then(Node::text).unwrap_or("").to_owned();
    let kind = text("kind");
    let items = kind.strip_suffix("List").filter(|_| tree.get("items").is_some());
    let Some(item_kind) = items else {
        objects.push(Raw { tree, of_list });
        return;
    };
    let of_list = (!item_kind.is_empty()).then(|| (text("apiVersion"), item_kind.to_owned()));
    let Kind::Map(entries) = tree.kind else { unreachable!("it has keys") };
    for (key, value) in entries {
        if !LIST_KEYS.contains(&key.text.as_str()) {
            let hint = match nearest(&key.text, LIST_KEYS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys here are {}", list(LIST_KEYS, "and")),
            };
            let text = format!("unknown key `{}`", key.text);
            found.push(Diagnostic::new(text).hint(hint).path(kind.as_str()).at(key.place, sources));
        }
        if key.text != "items" || value.is_null() {
            continue;
        }
        match value.kind {
            Kind::Seq(items) => {
                for item in items {
                    expand(item, of_list.clone(), sources, objects, found);
                }
            }
            _ => {
                let text = "`items` is not a list";
                let place: Place = key.place;
                found.push(Diagnostic::new(text).path(kind.as_str()).at(place, sources));
            }
        }
    }
}
