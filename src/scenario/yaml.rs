//! Text to trees: YAML 1.2, of which JSON is a part, every value with its place.
//!
//! The grammar is that of `saphyr-parser`. Anchors and aliases are followed, merge keys (`<<`) are
//! honoured, duplicate keys and unknown tags are refused, and what aliases may add is limited.

use super::{Diagnostic, Key, Kind, Node, Place, Source, Sources};
use rustc_hash::FxHashMap;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};
use std::borrow::Cow;

/// Deepest nesting of lists and maps.
const DEPTH_MAX: usize = 100;
/// Most values that all aliases of a text may add: far above any real file, and small enough that
/// a bomb of aliases fails at once.
const ALIAS_VALUES_MAX: usize = 1_000_000;

/// The text of a file, or where it stops being text.
pub(super) fn decode(name: &str, bytes: &[u8]) -> Result<String, Diagnostic> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.to_owned()),
        Err(error) => error.valid_up_to(),
    };
    let before = String::from_utf8_lossy(&bytes[..valid]);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut sources = Sources::new();
    let number = sources.add(Source::file(name, text));
    let place = Place::run(
        number,
        u32::try_from(line).unwrap_or(u32::MAX),
        u32::try_from(column).unwrap_or(u32::MAX),
        1,
    );
    let message = format!("the byte 0x{:02x} is not UTF-8 text", bytes[valid]);
    Err(Diagnostic::new(message).hint("save the file in the encoding UTF-8").at(place, &sources))
}

/// All documents of a text, in order. A text without any yields none.
pub(super) fn parse(source: u32, sources: &Sources) -> Result<Vec<Node>, Diagnostic> {
    let text = &sources.of(Place::point(source, 1, 1)).text;
    parse_text(text, source, 0).map_err(|wrong| wrong.diagnostic(sources))
}

/// The value that an argument of `--set` gives, whose text begins `shift` characters into the
/// source.
pub(super) fn parse_argument(
    text: &str,
    source: u32,
    shift: u32,
    sources: &Sources,
) -> Result<Node, Diagnostic> {
    let mut documents =
        parse_text(text, source, shift).map_err(|wrong| wrong.diagnostic(sources))?;
    match (documents.pop(), documents.is_empty()) {
        (Some(node), true) => Ok(node),
        _ => {
            let place = Place::run(source, 1, shift + 1, text.chars().count());
            Err(Diagnostic::new("a value is missing after `=`")
                .hint("write `null` to remove what the file says")
                .at(place, sources))
        }
    }
}

fn parse_text(text: &str, source: u32, shift: u32) -> Result<Vec<Node>, Wrong> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::new(source, shift);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let mark = builder.place(Span::empty(*error.marker()));
            Wrong::of_scan(error.info(), mark)
        })?;
        builder.take(event, span)?;
    }
    Ok(builder.documents)
}

/// What is wrong with a text.
struct Wrong {
    place: Place,
    message: String,
    hint: Option<String>,
}

impl Wrong {
    fn new(place: Place, message: impl Into<String>) -> Wrong {
        Wrong { place, message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Wrong {
        self.hint = Some(hint.into());
        self
    }

    /// The parser's words for what users do wrong most often are about its own grammar; these are
    /// about the file.
    fn of_scan(info: &str, place: Place) -> Wrong {
        const INDENT: &str =
            "indent the keys of one map, and the `- ` of one list, by the same number of spaces";
        const ADVICE: [(&str, &str, &str); 12] = [
            ("unprintable", "an unprintable character", "remove it"),
            ("tab", "a tab cannot be used as indentation", "indent with spaces"),
            (
                "mapping values are not allowed",
                "a `key: value` cannot stand here",
                "check the indentation of this line and the one above, and put quotes around \
                 text that contains `: `",
            ),
            (
                "did not find expected key",
                "this line does not fit the indentation of the lines above",
                INDENT,
            ),
            ("expected '-' indicator", "this line does not fit the list above", INDENT),
            (
                "invalid indentation in flow",
                "a bracket above is not closed before this line",
                "close every `[` with `]` and every `{` with `}`",
            ),
            (
                "invalid indentation in quoted",
                "this quote is not closed",
                "end the text with the same quote with which it begins",
            ),
            (
                "invalid indentation",
                "this line does not fit the indentation of the lines above",
                INDENT,
            ),
            (
                "simple key expect",
                "a `:` is missing after this key",
                "write `key: value`, with a space after the colon",
            ),
            (
                "expected ',' or",
                "a `,` or the closing bracket is missing before this",
                "close every `[` with `]` and every `{` with `}`",
            ),
            (
                "unexpected end of stream",
                "a quote is not closed",
                "end the text with the same quote with which it begins",
            ),
            (
                "unknown anchor",
                "this alias names no anchor",
                "define it above with `&name`, or put quotes around text that begins with `*`",
            ),
        ];
        match ADVICE.iter().find(|(part, ..)| info.contains(part)) {
            Some((_, message, hint)) => Wrong::new(place, *message).hint(*hint),
            None => Wrong::new(place, format!("not YAML: {info}")),
        }
    }

    fn diagnostic(self, sources: &Sources) -> Diagnostic {
        let mut diagnostic = Diagnostic::new(self.message);
        diagnostic.hint = self.hint;
        diagnostic.at(self.place, sources)
    }
}

/// A list or map that is not closed yet.
struct Open {
    place: Place,
    anchor: usize,
    content: Content,
}

enum Content {
    Seq(Vec<Node>),
    Map(OpenMap),
}

#[derive(Default)]
struct OpenMap {
    entries: Vec<(Key, Node)>,
    seen: FxHashMap<String, Place>,
    /// The key that waits for its value, and whether it is a merge key.
    key: Option<(Key, bool)>,
    merged: Vec<Node>,
}

/// What an anchor stands for, with the number of its values and its depth.
struct Anchored {
    node: Node,
    size: usize,
    depth: usize,
}

struct Builder {
    source: u32,
    shift: u32,
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: FxHashMap<usize, Anchored>,
    alias_values: usize,
}

impl Builder {
    fn new(source: u32, shift: u32) -> Builder {
        Builder {
            source,
            shift,
            documents: Vec::new(),
            open: Vec::new(),
            anchors: FxHashMap::default(),
            alias_values: 0,
        }
    }

    fn place(&self, span: Span) -> Place {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let column = |mark: &Marker| {
            let shift = if mark.line() == 1 { self.shift } else { 0 };
            number(mark.col() + 1).saturating_add(shift)
        };
        Place {
            source: self.source,
            line: number(span.start.line()),
            column: column(&span.start),
            end_line: number(span.end.line()),
            end_column: column(&span.end),
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Wrong> {
        let place = self.place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let quoted = is_text(style, tag.as_deref(), place)?;
                let kind = Kind::Scalar { text: text.into_owned(), quoted };
                self.finish(Node { place, kind }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(place, anchor, tag, Content::Seq(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(place, anchor, tag, Content::Map(OpenMap::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop().expect("the parser closes what it opened");
                let kind = match open.content {
                    Content::Seq(nodes) => Kind::Seq(nodes),
                    Content::Map(map) => Kind::Map(map.close()),
                };
                // A list or map in brackets is pointed at by its opening bracket.
                let start = Place::point(self.source, open.place.line, open.place.column);
                self.finish(Node { place: start, kind }, open.anchor)
            }
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(
        &mut self,
        place: Place,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        content: Content,
    ) -> Result<(), Wrong> {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            return Err(unknown_tag(&tag, place));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep(place));
        }
        self.open.push(Open { place, anchor, content });
        Ok(())
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Wrong> {
        let Some(target) = self.anchors.get(&anchor) else {
            return Err(Wrong::new(place, "this alias stands for something that contains it")
                .hint("write the value out"));
        };
        self.alias_values += target.size;
        if self.alias_values > ALIAS_VALUES_MAX {
            let message = format!("the aliases add more than {ALIAS_VALUES_MAX} values");
            return Err(Wrong::new(place, message).hint("do not nest aliases in aliases"));
        }
        if self.open.len() + target.depth > DEPTH_MAX {
            return Err(too_deep(place));
        }
        let node = target.node.clone();
        self.finish(node, 0)
    }

    /// Puts a complete value where it belongs.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Wrong> {
        if anchor > 0 {
            let (size, depth) = (node.size(), depth(&node));
            self.anchors.insert(anchor, Anchored { node: node.clone(), size, depth });
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.documents.push(node),
            Some(Content::Seq(nodes)) => nodes.push(node),
            Some(Content::Map(map)) => map.add(node)?,
        }
        Ok(())
    }
}

impl OpenMap {
    /// Takes a key if none waits for its value, else the value.
    fn add(&mut self, node: Node) -> Result<(), Wrong> {
        let Some((key, merges)) = self.key.take() else {
            return self.add_key(node);
        };
        if merges {
            return self.merge(node);
        }
        self.entries.push((key, node));
        Ok(())
    }

    fn add_key(&mut self, node: Node) -> Result<(), Wrong> {
        let place = node.place;
        let Kind::Scalar { text, quoted } = node.kind else {
            return Err(Wrong::new(place, "a list or map cannot be a key")
                .hint("a `{` or `[` begins a map or list; put quotes around text"));
        };
        let merges = text == "<<" && !quoted;
        if !merges && let Some(first) = self.seen.insert(text.clone(), place) {
            let message = format!("the key `{text}` is there twice in one map");
            let hint = format!("the first one is in line {}; keep one of them", first.line);
            return Err(Wrong::new(place, message).hint(hint));
        }
        self.key = Some((Key { text, place }, merges));
        Ok(())
    }

    fn merge(&mut self, node: Node) -> Result<(), Wrong> {
        let place = node.place;
        let maps = match node.kind {
            Kind::Seq(nodes) => nodes,
            _ => vec![node],
        };
        if maps.iter().any(|map| !matches!(map.kind, Kind::Map(_))) {
            return Err(Wrong::new(place, "`<<` takes a map or a list of maps")
                .hint("write for example `<<: *defaults`"));
        }
        self.merged.extend(maps);
        Ok(())
    }

    /// The entries, own ones first: they win over merged ones, and earlier merged ones over later.
    fn close(mut self) -> Vec<(Key, Node)> {
        for map in self.merged {
            let Kind::Map(entries) = map.kind else { continue };
            for (key, node) in entries {
                if self.seen.insert(key.text.clone(), key.place).is_none() {
                    self.entries.push((key, node));
                }
            }
        }
        self.entries
    }
}

fn too_deep(place: Place) -> Wrong {
    Wrong::new(place, format!("lists and maps are nested more than {DEPTH_MAX} deep"))
}

fn unknown_tag(tag: &Tag, place: Place) -> Wrong {
    Wrong::new(place, format!("the tag `{tag}` is not supported"))
        .hint("remove it, or put quotes around text that begins with `!`")
}

/// True if a scalar is text whatever it looks like.
fn is_text(style: ScalarStyle, tag: Option<&Tag>, place: Place) -> Result<bool, Wrong> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema() => Err(unknown_tag(tag, place)),
        Some(tag) => Ok(style != ScalarStyle::Plain || tag.suffix == "str"),
        None => Ok(style != ScalarStyle::Plain),
    }
}

fn depth(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar { .. } => 0,
        Kind::Seq(nodes) => 1 + nodes.iter().map(depth).max().unwrap_or(0),
        Kind::Map(entries) => 1 + entries.iter().map(|(_, node)| depth(node)).max().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Node>, String> {
        let mut sources = Sources::new();
        let source = sources.add(Source::file("t.yaml", text));
        parse(source, &sources).map_err(|diagnostic| diagnostic.render(false))
    }

    fn text_at(text: &str, path: &str) -> Option<String> {
        read(text).unwrap()[0].find(path).and_then(Node::text).map(str::to_owned)
    }

    #[test]
    fn values_are_found_by_path() {
        let text = "a:\n  b: [1, {c: x}]\n  \"d.e/f\": y\n";
        for (path, value) in
            [("a.b.0", "1"), ("a.b.1.c", "x"), ("a.d.e/f", "y"), ("a.\"d.e/f\"", "y")]
        {
            assert_eq!(text_at(text, path).as_deref(), Some(value), "{path}");
        }
        for path in ["a.b.2", "a.b.x", "z", "a.b.0.q"] {
            assert_eq!(text_at(text, path), None, "{path}");
        }
    }

    #[test]
    fn places_are_those_of_the_file() {
        let text = "a:\n  b: [1, {c: xyz}]\n";
        let nodes = read(text).unwrap();
        for (path, line, column, end) in
            [("a.b.1.c", 2, 14, 17), ("a.b.0", 2, 7, 8), ("a.b", 2, 3, 4), ("a.nothing", 1, 1, 2)]
        {
            let place = nodes[0].place_of(path);
            let found = (place.line, place.column, place.end_column);
            assert_eq!(found, (line, column, end), "{path}");
        }
    }

    #[test]
    fn aliases_and_merge_keys_are_followed() {
        let text = "base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\n\
                    use:\n  <<: [*b, *o]\n  x: 9\ncopy: *b\n";
        for (path, value) in
            [("use.x", "9"), ("use.y", "2"), ("use.z", "4"), ("copy.x", "1"), ("copy.y", "2")]
        {
            assert_eq!(text_at(text, path).as_deref(), Some(value), "{path}");
        }
    }

    #[test]
    fn json_and_several_documents_are_read() {
        assert_eq!(text_at("{\"a\": {\"b\": [true, \"\\u0041\"]}}", "a.b.1").unwrap(), "A");
        assert_eq!(read("a: 1\n---\nb: 2\n").unwrap().len(), 2);
        assert_eq!(read("# nothing\n").unwrap().len(), 0);
    }

    #[test]
    fn bombs_are_refused() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let alias = format!("*a{}", level - 1);
            let aliases = [alias.as_str(); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(read(&bomb).unwrap_err().contains("aliases add more"));
        let mut tower = String::from("a0: &a0 [x]\n");
        for level in 1..150 {
            tower.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
        }
        assert!(read(&tower).unwrap_err().contains("nested more than"));
        assert!(read(&"[".repeat(5000)).is_err());
        assert!(read(&"- ".repeat(200)).unwrap_err().contains("nested more than"));
        assert!(read("a: &a [*a]\n").unwrap_err().contains("contains it"));
    }

    #[test]
    fn what_is_not_text_is_refused_with_its_position() {
        let error = decode("t.yaml", b"a: 1\nb: \xff\n").unwrap_err();
        let excerpt = error.excerpt.unwrap();
        assert_eq!((excerpt.line, excerpt.column), (2, 4));
        assert_eq!(decode("t.yaml", b"\xef\xbb\xbfa: 1").unwrap(), "a: 1");
    }
}
