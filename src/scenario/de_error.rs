//! What is wrong with a value, in words for the person who wrote it.

use super::diagnostic::{list, nearest};
use super::{Diagnostic, Kind, Node, Place, Sources};
use serde::de::{self, Expected, Unexpected};
use std::fmt;

/// Why a value does not fit its type, with the path and place of the value.
#[derive(Debug)]
pub struct DeError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    what: What,
    place: Option<Place>,
    /// Segments from the inside out.
    path: Vec<String>,
}

#[derive(Debug)]
enum What {
    UnknownKey { name: String, known: &'static [&'static str] },
    UnknownWord { word: String, known: &'static [&'static str] },
    MissingKey(&'static str),
    Other { message: String, hint: Option<String> },
}

/// How many known keys a hint lists at most.
const LISTED_MAX: usize = 24;

impl DeError {
    fn of(what: What) -> DeError {
        DeError(Box::new(Inner { what, place: None, path: Vec::new() }))
    }

    /// An error in plain words.
    pub(super) fn new(message: impl Into<String>) -> DeError {
        DeError::of(What::Other { message: message.into(), hint: None })
    }

    /// Adds what to do.
    pub(super) fn hint(mut self, advice: impl Into<String>) -> DeError {
        if let What::Other { hint, .. } = &mut self.0.what {
            *hint = Some(advice.into());
        }
        self
    }

    /// The value is of another kind than `expected`.
    pub(super) fn expected(expected: &str, node: &Node) -> DeError {
        let found = found(node);
        // The words of the standard visitors are about Rust.
        let expected = match expected {
            "a string" | "a borrowed string" => "text",
            "a sequence" => "a list",
            other => other,
        };
        DeError::new(format!("expected {expected}, found {found}"))
    }

    /// The place, unless a more exact one is known.
    pub(super) fn at(mut self, place: Place) -> DeError {
        self.0.place.get_or_insert(place);
        self
    }

    /// The same error seen from one level further out.
    pub(super) fn under(mut self, segment: impl Into<String>) -> DeError {
        self.0.path.push(segment.into());
        self
    }

    /// Makes the error about a map as exact as the map allows: an unknown key that was looked at
    /// without its place, and a missing key that is there without a value.
    pub(super) fn in_map(mut self, map: &Node) -> DeError {
        if self.0.place.is_some() || !self.0.path.is_empty() {
            return self;
        }
        let name = match &self.0.what {
            What::UnknownKey { name, .. } => name.as_str(),
            What::MissingKey(name) => name,
            _ => return self,
        };
        let Some((key, _)) = map.entries().iter().find(|(key, _)| key.text == name) else {
            return self;
        };
        self.0.place = Some(key.place);
        if let What::MissingKey(name) = self.0.what {
            self.0.what = What::Other { message: format!("`{name}` has no value"), hint: None };
        }
        self
    }

    /// The unknown key, if that is what is wrong, and the one that was probably meant.
    pub(super) fn unknown_key(&self) -> Option<(&str, Option<&'static str>)> {
        match &self.0.what {
            What::UnknownKey { name, known } => Some((name, nearest(name, known.iter().copied()))),
            _ => None,
        }
    }

    /// The key that is missing, if that is what is wrong.
    pub(super) fn missing_key(&self) -> Option<&'static str> {
        match &self.0.what {
            What::MissingKey(name) => Some(name),
            _ => None,
        }
    }

    /// Segments of the path, from the outside in.
    pub(super) fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.path.iter().rev().map(String::as_str)
    }

    /// The message.
    pub(super) fn diagnostic(&self, sources: &Sources) -> Diagnostic {
        let path = self.segments().fold(String::new(), |path, s| super::tree::join(&path, s));
        let (message, hint) = self.words();
        let mut diagnostic = Diagnostic::new(message).path(path);
        diagnostic.hint = hint;
        match self.0.place {
            Some(place) => diagnostic.at(place, sources),
            None => diagnostic,
        }
    }

    fn words(&self) -> (String, Option<String>) {
        match &self.0.what {
            What::UnknownKey { name, known } => {
                (format!("unknown key `{name}`"), Some(advice(name, known, "keys here are")))
            }
            What::UnknownWord { word, known } => {
                let advice = match known {
                    [only] => format!("write `{only}`"),
                    _ => advice(word, known, "known are"),
                };
                (format!("`{word}` is not known here"), Some(advice))
            }
            What::MissingKey(name) => {
                (format!("the key `{name}` is missing"), Some(format!("add `{name}:` here")))
            }
            What::Other { message, hint } => (message.clone(), hint.clone()),
        }
    }
}

/// "did you mean", or everything that could be meant.
fn advice(written: &str, known: &[&str], lead: &str) -> String {
    match nearest(written, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "nothing can stand here".to_owned(),
        None if known.len() > LISTED_MAX => {
            let shown = known[..LISTED_MAX].iter().map(|name| format!("`{name}`"));
            format!("{lead} {} and more", shown.collect::<Vec<_>>().join(", "))
        }
        None => format!("{lead} {}", list(known.iter().copied(), "and")),
    }
}

/// A value as a message names it.
pub(super) fn found(node: &Node) -> String {
    const SHOWN_MAX: usize = 60;
    match &node.kind {
        _ if node.is_null() => "nothing".to_owned(),
        Kind::Scalar { text, .. } if text.chars().count() > SHOWN_MAX => {
            format!("`{}...`", text.chars().take(SHOWN_MAX).collect::<String>())
        }
        Kind::Scalar { text, quoted: true } => format!("the text `\"{text}\"`"),
        Kind::Scalar { text, .. } => format!("`{text}`"),
        Kind::Seq(_) => "a list".to_owned(),
        Kind::Map(_) => "a map".to_owned(),
    }
}

impl fmt::Display for DeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().0)
    }
}

impl std::error::Error for DeError {}

impl de::Error for DeError {
    /// The errors of our own types say what is wrong, a semicolon, and what to do.
    fn custom<T: fmt::Display>(text: T) -> DeError {
        let text = text.to_string();
        match text.split_once("; ") {
            Some((message, hint)) => DeError::new(message).hint(hint),
            None => DeError::new(text),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> DeError {
        DeError::new(format!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> DeError {
        let found = match found {
            Unexpected::Unsigned(number) => format!("`{number}`"),
            Unexpected::Signed(number) => format!("`{number}`"),
            Unexpected::Float(number) => format!("`{number}`"),
            Unexpected::Str(text) => format!("`{text}`"),
            other => other.to_string(),
        };
        let expected = expected.to_string();
        if expected.starts_with("a nonzero ") {
            return DeError::new(format!("{found} is too small")).hint("write at least 1");
        }
        DeError::new(format!("expected {expected}, found {found}"))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> DeError {
        let expected = expected.to_string();
        let number = expected.strip_prefix("a tuple of size ");
        let expected = number.map_or(expected.clone(), |number| format!("{number} entries"));
        DeError::new(format!("expected {expected}, found {length}"))
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> DeError {
        DeError::of(What::UnknownWord { word: variant.to_owned(), known })
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> DeError {
        DeError::of(What::UnknownKey { name: field.to_owned(), known })
    }

    fn missing_field(field: &'static str) -> DeError {
        DeError::of(What::MissingKey(field))
    }

    fn duplicate_field(field: &'static str) -> DeError {
        DeError::new(format!("the key `{field}` is there twice"))
    }
}
