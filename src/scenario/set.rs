//! Changes to a tree by path: `--set a.b.0.c=value`, the `set:` of a variant, the axes of an
//! experiment. The tree is changed before it is typed, so the typed layer judges the result.
//!
//! A list entry is addressed by its number or by its name: `cluster.nodes.general.count`,
//! `workloads.web.replicas`. Maps on the way that the file leaves out are added.

use super::diagnostic::{list, nearest};
use super::tree::{first_segment, join, longest_key};
use super::yaml::parse_argument;
use super::{Diagnostic, Key, Kind, Node, Place, Source, Sources};

/// Sets what one argument of `--set` says.
pub fn set_argument(
    tree: &mut Node,
    argument: &str,
    sources: &mut Sources,
) -> Result<(), Diagnostic> {
    let source = sources.add(Source::argument(argument));
    let length = argument.chars().count();
    let Some((path, value)) = split_argument(argument) else {
        let place = Place::run(source, 1, 1, length);
        return Err(Diagnostic::new("an `=` is missing")
            .hint("write `--set path=value`, for example `--set cluster.nodes.0.count=5`")
            .at(place, sources));
    };
    let width = path.chars().count();
    let shift = u32::try_from(width + 1).unwrap_or(u32::MAX);
    let value = parse_argument(value, source, shift, sources)?;
    let place = Place::run(source, 1, 1, width);
    set(tree, path, place, &value, sources)
}

/// Splits at the first `=` outside quotes.
fn split_argument(argument: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = argument.find(|c| {
        quoted ^= c == '"';
        c == '=' && !quoted
    })?;
    Some((&argument[..at], &argument[at + 1..]))
}

/// Sets the value at `path`, which was written at `place`; null removes it.
pub fn set(
    tree: &mut Node,
    path: &str,
    place: Place,
    value: &Node,
    sources: &Sources,
) -> Result<(), Diagnostic> {
    let at = |part: &Part<'_>| part.place(path, place);
    if path.is_empty() || path.starts_with('.') || path.ends_with('.') || path.contains("..") {
        return Err(Diagnostic::new(format!("`{path}` is not a path"))
            .hint("write keys and numbers with dots between them, such as `cluster.nodes.0.count`")
            .at(place, sources));
    }
    let mut node = tree;
    let mut walked = String::new();
    let mut rest = path;
    loop {
        let part = Part { rest };
        let end = Entry { place: at(&part), value, walked: &walked };
        let (step, next) = match step(node, rest, &end) {
            Ok(found) => found,
            Err(diagnostic) => return Err(diagnostic.at(at(&part), sources)),
        };
        if next.is_empty() {
            step.put(node, &end);
            return Ok(());
        }
        let place = end.place;
        walked = join(&walked, &step.segment());
        node = step.enter(node, place);
        rest = next;
    }
}

/// What remains of a path.
struct Part<'p> {
    rest: &'p str,
}

impl Part<'_> {
    /// The place of the first segment of the rest.
    fn place(&self, path: &str, place: Place) -> Place {
        let before = path[..path.len() - self.rest.len()].chars().count();
        let (segment, _) = first_segment(self.rest);
        let quotes = if self.rest.starts_with('"') { 2 } else { 0 };
        let width = segment.chars().count() + quotes;
        // The text of a key in a file may be quoted, which moves what is in it by one.
        let written = place.end_column.saturating_sub(place.column) as usize;
        let quote = u32::from(written == path.chars().count() + 2);
        let before = u32::try_from(before).unwrap_or(u32::MAX);
        Place::run(place.source, place.line, place.column + before + quote, width)
    }
}

/// What is to be put at the end of a path.
struct Entry<'a> {
    place: Place,
    value: &'a Node,
    walked: &'a str,
}

/// One step from a value to one inside it.
enum Step {
    Key {
        text: String,
        at: Option<usize>,
    },
    Item(usize),
    /// Into the only value of an entry such as `service: {name: web, ..}`.
    Inside(usize, String),
}

fn step<'p>(
    node: &mut Node,
    rest: &'p str,
    end: &Entry<'_>,
) -> Result<(Step, &'p str), Diagnostic> {
    let (segment, next) = first_segment(rest);
    if node.is_null() {
        node.kind = Kind::Map(Vec::new());
    }
    // `orchestrator: kubernetes` is short for `orchestrator: {kubernetes: {}}`.
    if node.text() == Some(segment) && !next.is_empty() {
        let key = Key { text: segment.to_owned(), place: node.place };
        node.kind = Kind::Map(vec![(key, Node::empty_map(node.place))]);
    }
    match &node.kind {
        Kind::Map(entries) => Ok(match longest_key(entries, rest) {
            Some((at, next)) => {
                (Step::Key { text: entries[at].0.text.clone(), at: Some(at) }, next)
            }
            None => (Step::Key { text: segment.to_owned(), at: None }, next),
        }),
        Kind::Seq(nodes) => item(nodes, (segment, next), end.walked).map(|step| (step, next)),
        Kind::Scalar { text, .. } => {
            let message = format!("`{}` is `{text}`, nothing is inside it", end.walked);
            Err(Diagnostic::new(message).hint(format!("set `{}` itself", end.walked)))
        }
    }
}

/// True if a path goes on with the kind of an entry such as `service: {name: web, ..}`, which may
/// be written or left out.
fn names_kind(next: &str, kind: &str, inner: &Node) -> bool {
    let (segment, rest) = first_segment(next);
    segment == kind && (!rest.is_empty() || inner.get(kind).is_none())
}

/// The entry of a list with this number or name.
fn item(nodes: &[Node], (segment, next): (&str, &str), walked: &str) -> Result<Step, Diagnostic> {
    if let Ok(number) = segment.parse::<usize>() {
        if number < nodes.len() {
            return Ok(Step::Item(number));
        }
        let (count, entries) = match nodes.len() {
            0 => ("no".to_owned(), "entries"),
            1 => ("1".to_owned(), "entry"),
            count => (count.to_string(), "entries"),
        };
        let message = format!("`{walked}` has {count} {entries}, there is no number {number}");
        let hint = match nodes.len().checked_sub(1) {
            Some(0) => "numbers count from 0: write 0".to_owned(),
            Some(last) => format!("numbers count from 0: write 0 to {last}"),
            None => format!("set the whole list: `{walked}=[...]`"),
        };
        return Err(Diagnostic::new(message).hint(hint));
    }
    let name = |node: &Node| node.get("name").and_then(Node::text).map(str::to_owned);
    let mut names = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        if let Some(own) = name(node) {
            if own == segment {
                return Ok(Step::Item(at));
            }
            names.push(own);
        }
        if let [(kind, inner)] = node.entries()
            && let Some(own) = name(inner)
        {
            if own == segment && names_kind(next, &kind.text, inner) {
                return Ok(Step::Item(at));
            }
            if own == segment {
                return Ok(Step::Inside(at, own));
            }
            names.push(own);
        }
    }
    let message = format!("no entry of `{walked}` has the name `{segment}`");
    let names = names.iter().map(String::as_str);
    let hint = match nearest(segment, names.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None if names.len() == 0 => format!("write its number, such as `{walked}.0`"),
        None => format!("the names are {}", list(names, "and")),
    };
    Err(Diagnostic::new(message).hint(hint))
}

impl Step {
    fn segment(&self) -> String {
        match self {
            Step::Key { text, .. } => text.clone(),
            Step::Item(at) => at.to_string(),
            Step::Inside(_, name) => name.clone(),
        }
    }

    /// The value to which the step leads, an empty map if the file leaves it out.
    fn enter(self, node: &mut Node, place: Place) -> &mut Node {
        match (&mut node.kind, self) {
            (Kind::Map(entries), Step::Key { text, at }) => {
                let at = at.unwrap_or_else(|| {
                    entries.push((Key { text, place }, Node::empty_map(place)));
                    entries.len() - 1
                });
                &mut entries[at].1
            }
            (Kind::Seq(nodes), Step::Item(at)) => &mut nodes[at],
            (Kind::Seq(nodes), Step::Inside(at, _)) => match &mut nodes[at].kind {
                Kind::Map(entries) => &mut entries[0].1,
                _ => unreachable!("an entry with a name inside is a map"),
            },
            _ => unreachable!("a step fits the value that it was made for"),
        }
    }

    /// Replaces, adds or removes what the step leads to.
    fn put(self, node: &mut Node, end: &Entry<'_>) {
        let remove = end.value.is_null();
        match (&mut node.kind, self) {
            (Kind::Map(entries), Step::Key { at: Some(at), .. }) if remove => {
                entries.remove(at);
            }
            (Kind::Map(_), Step::Key { at: None, .. }) if remove => {}
            (Kind::Map(entries), Step::Key { text, at: None }) => {
                entries.push((Key { text, place: end.place }, end.value.clone()));
            }
            (Kind::Seq(nodes), Step::Item(at) | Step::Inside(at, _)) if remove => {
                nodes.remove(at);
            }
            (_, step) => *step.enter(node, end.place) = end.value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::yaml::parse;

    const FILE: &str = "\
cluster:
  nodes:
    - {name: general, count: 3, labels: {a.b/c: x}}
    - {name: gpu, count: 1}
workloads:
  - service: {name: web, replicas: 2}
orchestrator: kubernetes
empty:
";

    fn after(argument: &str, path: &str) -> Result<Option<String>, String> {
        let mut sources = Sources::new();
        let source = sources.add(Source::file("t.yaml", FILE));
        let mut tree = parse(source, &sources).unwrap().remove(0);
        set_argument(&mut tree, argument, &mut sources).map_err(|d| d.render(false))?;
        Ok(tree.find(path).and_then(Node::text).map(str::to_owned))
    }

    #[test]
    fn values_are_set_by_number_name_and_key() {
        for (argument, path, value) in [
            ("cluster.nodes.0.count=5", "cluster.nodes.0.count", Some("5")),
            ("cluster.nodes.gpu.count=5", "cluster.nodes.1.count", Some("5")),
            ("workloads.web.replicas=5", "workloads.0.service.replicas", Some("5")),
            ("cluster.nodes.0.labels.a.b/c=y", "cluster.nodes.0.labels.a.b/c", Some("y")),
            ("cluster.nodes.0.labels.\"d.e\"=y", "cluster.nodes.0.labels.d.e", Some("y")),
            ("orchestrator.kubernetes.x.y=1", "orchestrator.kubernetes.x.y", Some("1")),
            ("empty.x=1", "empty.x", Some("1")),
            ("cluster.nodes.0.count=null", "cluster.nodes.0.count", None),
            ("cluster.nodes.0=null", "cluster.nodes.0.name", Some("gpu")),
            ("a=[1, {b: \"2=3\"}]", "a.1.b", Some("2=3")),
        ] {
            assert_eq!(after(argument, path).unwrap().as_deref(), value, "{argument}");
        }
    }

    #[test]
    fn paths_that_lead_nowhere_say_what_is_there() {
        for (argument, part) in [
            ("cluster.nodes.7.count=5", "has 2 entries, there is no number 7"),
            ("cluster.nodes.genral.count=5", "did you mean `general`"),
            ("cluster.nodes.0.count.x=5", "nothing is inside it"),
            ("cluster", "an `=` is missing"),
            ("cluster.nodes.0.count=", "a value is missing"),
            ("cluster..nodes=1", "is not a path"),
            ("empty=[1", "closing bracket"),
        ] {
            let error = after(argument, "").unwrap_err();
            assert!(error.contains(part), "{argument}: {error}");
        }
    }

    #[test]
    fn carets_stand_under_the_wrong_segment() {
        let error = after("cluster.nodes.7.count=5", "").unwrap_err();
        assert!(error.contains(" | cluster.nodes.7.count=5\n |               ^\n"), "{error}");
    }
}
