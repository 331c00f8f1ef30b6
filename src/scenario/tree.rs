//! The tree of a document: every value and key with its place, and the paths that lead to them.

use super::Place;

/// A value with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it was written.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A single value.
    Scalar {
        /// Its text, escapes resolved.
        text: String,
        /// True if it was quoted, a block, or tagged as text: it is text and nothing else.
        quoted: bool,
    },
    /// A list.
    Seq(Vec<Node>),
    /// A map in the order of the file, each key once.
    Map(Vec<(Key, Node)>),
}

/// A key of a map with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it was written.
    pub place: Place,
}

impl Node {
    /// A plain scalar.
    pub fn plain(text: impl Into<String>, place: Place) -> Node {
        Node { place, kind: Kind::Scalar { text: text.into(), quoted: false } }
    }

    /// An empty map.
    pub fn empty_map(place: Place) -> Node {
        Node { place, kind: Kind::Map(Vec::new()) }
    }

    /// True for a plain scalar that YAML reads as null: nothing, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, quoted: false }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value under a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(k, _)| k.text == key).map(|(_, node)| node)
    }

    /// Number of values in this tree, this one included.
    pub fn size(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar { .. } => 0,
            Kind::Seq(nodes) => nodes.iter().map(Node::size).sum(),
            Kind::Map(entries) => entries.iter().map(|(_, node)| node.size()).sum(),
        }
    }

    /// The value at a path such as `cluster.nodes.0.count`, if it was written.
    pub fn find(&self, path: &str) -> Option<&Node> {
        let mut node = self;
        let mut rest = path;
        while !rest.is_empty() {
            let (step, next) = node.step(rest)?;
            node = match (&node.kind, step) {
                (Kind::Map(entries), Step::Entry(at)) => &entries[at].1,
                (Kind::Seq(nodes), Step::Item(at)) => &nodes[at],
                _ => return None,
            };
            rest = next;
        }
        Some(node)
    }

    /// The place of the key at the end of a path, or of the nearest thing around it.
    pub fn key_place_of(&self, path: &str) -> Place {
        let mut node = self;
        let mut rest = path;
        while let Some((step, next)) = node.step(rest) {
            node = match (&node.kind, step) {
                (Kind::Map(entries), Step::Entry(at)) if next.is_empty() => {
                    return entries[at].0.place;
                }
                (Kind::Map(entries), Step::Entry(at)) => &entries[at].1,
                (Kind::Seq(nodes), Step::Item(at)) => &nodes[at],
                _ => break,
            };
            rest = next;
        }
        self.place_of(path)
    }

    /// The place of the value at a path, or of the nearest thing around it that was written.
    pub fn place_of(&self, path: &str) -> Place {
        let mut node = self;
        let mut place = self.place;
        let mut rest = path;
        while let Some((step, next)) = node.step(rest) {
            (node, place) = match (&node.kind, step) {
                // A map or list begins under its key, which says more than its first line.
                (Kind::Map(entries), Step::Entry(at)) => match &entries[at] {
                    (key, value) if matches!(value.kind, Kind::Scalar { .. }) => {
                        (value, if value.is_null() { key.place } else { value.place })
                    }
                    (key, value) => (value, key.place),
                },
                (Kind::Seq(nodes), Step::Item(at)) => (&nodes[at], nodes[at].place),
                _ => return place,
            };
            rest = next;
        }
        place
    }

    /// The first step of `path` from here, and the rest of the path.
    ///
    /// Keys may contain dots: a quoted segment is one key, and else the longest key that fits.
    fn step<'p>(&self, path: &'p str) -> Option<(Step, &'p str)> {
        if path.is_empty() {
            return None;
        }
        match &self.kind {
            Kind::Scalar { .. } => None,
            Kind::Seq(nodes) => {
                let (segment, rest) = first_segment(path);
                let at: usize = segment.parse().ok()?;
                (at < nodes.len()).then_some((Step::Item(at), rest))
            }
            Kind::Map(entries) => {
                let (at, rest) = longest_key(entries, path)?;
                Some((Step::Entry(at), rest))
            }
        }
    }
}

enum Step {
    Entry(usize),
    Item(usize),
}

/// The entry whose key is the longest beginning of `path`, and the rest of the path.
pub(super) fn longest_key<'p>(entries: &[(Key, Node)], path: &'p str) -> Option<(usize, &'p str)> {
    let (segment, rest) = first_segment(path);
    if path.starts_with('"') {
        return entries.iter().position(|(key, _)| key.text == segment).map(|at| (at, rest));
    }
    let fits = |key: &str| {
        let rest = path.strip_prefix(key)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
    };
    entries
        .iter()
        .enumerate()
        .filter_map(|(at, (key, _))| Some((key.text.len(), at, fits(&key.text)?)))
        .max_by_key(|(length, ..)| *length)
        .map(|(_, at, rest)| (at, rest))
}

/// The first segment of a path and the rest. A segment in double quotes may contain dots.
pub(super) fn first_segment(path: &str) -> (&str, &str) {
    if let Some(quoted) = path.strip_prefix('"')
        && let Some(end) = quoted.find('"')
    {
        let rest = &quoted[end + 1..];
        return (&quoted[..end], rest.strip_prefix('.').unwrap_or(rest));
    }
    path.split_once('.').unwrap_or((path, ""))
}

/// `path` with one more segment, quoted if it contains a dot.
pub(super) fn join(path: &str, segment: &str) -> String {
    let quote = if segment.contains('.') || segment.is_empty() { "\"" } else { "" };
    let dot = if path.is_empty() { "" } else { "." };
    format!("{path}{dot}{quote}{segment}{quote}")
}
