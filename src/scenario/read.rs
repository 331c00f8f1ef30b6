//! Typed values from trees, with as many errors as can be found at once.

use super::de::from_node;
use super::tree::join;
use super::{DeError, Diagnostic, Kind, Node, Sources};
use serde::de::DeserializeOwned;

/// Most errors that are looked for in one document.
const ERRORS_MAX: usize = 20;
/// Most parts that are taken out of one document to find them.
const REPAIRS_MAX: usize = 100;

/// A typed value from a tree, or as many of its errors as can be found.
pub fn read<T: DeserializeOwned>(tree: &Node, sources: &Sources) -> Result<T, Vec<Diagnostic>> {
    let reading = read_on(tree, sources);
    match reading.value {
        Some(value) if reading.errors.is_empty() => Ok(value),
        _ => Err(reading.errors),
    }
}

/// What was made of a tree.
#[derive(Debug)]
pub(super) struct Reading<T> {
    /// The value, if there is one without what is wrong.
    pub(super) value: Option<T>,
    /// What is wrong.
    pub(super) errors: Vec<Diagnostic>,
    /// The tree without it, if something is.
    pub(super) rest: Option<Node>,
    /// Paths of what was taken out. `None` if numbers of list entries have changed by that.
    pub(super) taken: Option<Vec<String>>,
}

/// Reads a value from a tree as far as that is possible: what is wrong is taken out and the rest
/// is read without it, and an unknown key that is near to one that is not there is taken for that
/// one.
pub(super) fn read_on<T: DeserializeOwned>(tree: &Node, sources: &Sources) -> Reading<T> {
    let mut rest: Option<Node> = None;
    let mut removed = Removed::default();
    let mut errors: Vec<Diagnostic> = Vec::new();
    let mut value = None;
    for _ in 0..REPAIRS_MAX {
        let error = match from_node(rest.as_ref().unwrap_or(tree)) {
            Ok(read) => {
                value = Some(read);
                break;
            }
            Err(error) => error,
        };
        let path = removed.original(&error);
        if !removed.explain(&error, &path) {
            errors.push(error.diagnostic(sources).path(dotted(&path)));
        }
        let tree = rest.get_or_insert_with(|| tree.clone());
        if errors.len() >= ERRORS_MAX || !repair(tree, &error, &mut removed) {
            break;
        }
    }
    let taken = removed.values.iter().map(|(map, key)| join(&dotted(map), key)).collect();
    let taken = removed.items.is_empty().then_some(taken);
    Reading { value, errors, rest, taken }
}

fn dotted(path: &[String]) -> String {
    path.iter().fold(String::new(), |path, segment| join(&path, segment))
}

/// What was taken out, by its path as in the file.
#[derive(Default)]
struct Removed {
    /// The path of each list of which entries were taken, and their numbers.
    items: Vec<(Vec<String>, usize)>,
    /// The path of each map of which values were taken, and their keys.
    values: Vec<(Vec<String>, String)>,
}

impl Removed {
    /// True for an error in a map that is only there because a value was taken out of it.
    fn explain(&self, error: &DeError, path: &[String]) -> bool {
        let mut keys = self.values.iter().filter(|(map, _)| map == path).map(|(_, key)| key);
        match error.missing_key() {
            Some(name) => keys.any(|key| key == name),
            None => error.unknown_key().is_none() && keys.next().is_some(),
        }
    }

    /// The path of an error as it is in the file.
    fn original(&self, error: &DeError) -> Vec<String> {
        let mut path: Vec<String> = Vec::new();
        for segment in error.segments() {
            let mut gone: Vec<usize> =
                self.items.iter().filter(|(list, _)| *list == path).map(|(_, at)| *at).collect();
            gone.sort_unstable();
            let shifted = segment.parse::<usize>().ok().filter(|_| !gone.is_empty()).map(|at| {
                gone.iter().fold(at, |at, gone| if *gone <= at { at + 1 } else { at }).to_string()
            });
            path.push(shifted.unwrap_or_else(|| segment.to_owned()));
        }
        path
    }
}

/// Takes the wrong part out of the tree, if the rest can be judged without it.
fn repair(tree: &mut Node, error: &DeError, removed: &mut Removed) -> bool {
    let segments: Vec<&str> = error.segments().collect();
    if let Some((key, meant)) = error.unknown_key() {
        let Some(Node { kind: Kind::Map(entries), .. }) = child_at(tree, &segments) else {
            return false;
        };
        let Some(at) = entries.iter().position(|(k, _)| k.text == key) else { return false };
        match meant.filter(|meant| entries.iter().all(|(k, _)| k.text != *meant)) {
            Some(meant) => meant.clone_into(&mut entries[at].0.text),
            None => drop(entries.remove(at)),
        }
        return true;
    }
    let Some((last, parents)) = segments.split_last() else { return false };
    let mut path = removed.original(error);
    let own = path.pop().expect("as many segments as in the tree");
    match child_at(tree, parents).map(|parent| &mut parent.kind) {
        Some(Kind::Seq(nodes)) => {
            let Some(at) = last.parse().ok().filter(|at: &usize| *at < nodes.len()) else {
                return false;
            };
            nodes.remove(at);
            removed.items.push((path, own.parse().expect("the number of a list entry")));
        }
        Some(Kind::Map(entries)) => {
            let Some(at) = entries.iter().position(|(key, _)| key.text == *last) else {
                return false;
            };
            entries.remove(at);
            removed.values.push((path, own));
        }
        _ => return false,
    }
    true
}

fn child_at<'n>(tree: &'n mut Node, segments: &[&str]) -> Option<&'n mut Node> {
    segments.iter().try_fold(tree, |node, segment| match &mut node.kind {
        Kind::Map(entries) => {
            entries.iter_mut().find(|(key, _)| key.text == *segment).map(|(_, value)| value)
        }
        Kind::Seq(nodes) => nodes.get_mut(segment.parse::<usize>().ok()?),
        Kind::Scalar { .. } => None,
    })
}
