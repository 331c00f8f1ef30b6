//! Typed values from trees, with as many errors as can be found at once.

use super::de::from_node;
use super::{DeError, Diagnostic, Kind, Node, Sources};
use serde::de::DeserializeOwned;

/// Most errors that are looked for in one document.
const ERRORS_MAX: usize = 20;

/// A typed value from a tree, or as many of its errors as can be found: after an unknown key or a
/// bad list entry the rest is read without it.
pub fn read<T: DeserializeOwned>(tree: &Node, sources: &Sources) -> Result<T, Vec<Diagnostic>> {
    let mut rest = None;
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    while diagnostics.len() < ERRORS_MAX {
        let error = match from_node(rest.as_ref().unwrap_or(tree)) {
            Ok(value) if diagnostics.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(error) => error,
        };
        diagnostics.push(error.diagnostic(sources));
        let tree = rest.get_or_insert_with(|| tree.clone());
        if !remove_wrong(tree, &error) {
            break;
        }
    }
    Err(diagnostics)
}

/// Takes the wrong part out of the tree, if the rest can be judged without it. An unknown key that
/// is near to one that is not there is taken for that one.
fn remove_wrong(tree: &mut Node, error: &DeError) -> bool {
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
    for end in (0..segments.len()).rev() {
        let Some(Node { kind: Kind::Seq(nodes), .. }) = child_at(tree, &segments[..end]) else {
            continue;
        };
        if let Some(at) = segments[end].parse::<usize>().ok().filter(|at| *at < nodes.len()) {
            nodes.remove(at);
            return true;
        }
    }
    false
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
