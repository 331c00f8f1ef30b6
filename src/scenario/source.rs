//! Where text came from: files and `--set` arguments, and places in them.

use std::fmt;

/// A text that the user gave: a file, or one argument of `--set`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What messages call it: a path, `<stdin>` or `--set`.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// False if the text is one argument, for which a line number would say nothing.
    pub has_lines: bool,
    /// Where each line begins, in bytes: messages about a large file find theirs at once.
    starts: Vec<usize>,
}

impl Source {
    /// A file.
    pub fn file(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source::new(name.into(), text.into(), true)
    }

    /// One argument of `--set`.
    pub fn argument(text: impl Into<String>) -> Source {
        Source::new("--set".to_owned(), text.into(), false)
    }

    fn new(name: String, text: String, has_lines: bool) -> Source {
        let after = |(at, _): (usize, &str)| at + 1;
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(after)).collect();
        Source { name, text, has_lines, starts }
    }

    /// A line of the text, counted from 1, without its end.
    pub fn line(&self, number: u32) -> &str {
        let at = number.saturating_sub(1) as usize;
        let line = self.starts.get(at).map_or("", |start| &self.text[*start..]);
        line.lines().next().unwrap_or("")
    }
}

/// All texts that one scenario was made from. A place names its text by position here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// No texts yet.
    pub fn new() -> Sources {
        Sources::default()
    }

    /// Adds a text and returns its number.
    pub fn add(&mut self, source: Source) -> u32 {
        self.0.push(source);
        u32::try_from(self.0.len() - 1).expect("fewer than 2^32 texts")
    }

    /// The text that a place is in.
    ///
    /// # Panics
    /// If the place belongs to other sources.
    pub fn of(&self, place: Place) -> &Source {
        &self.0[place.source as usize]
    }
}

/// A range of characters in one text. Lines and columns count from 1; the end is one past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// Number of the text among the [`Sources`].
    pub source: u32,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column of the end.
    pub end_column: u32,
}

impl Place {
    /// A single position.
    pub fn point(source: u32, line: u32, column: u32) -> Place {
        Place { source, line, column, end_line: line, end_column: column }
    }

    /// `length` characters of one line.
    pub fn run(source: u32, line: u32, column: u32, length: usize) -> Place {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        Place { source, line, column, end_line: line, end_column: column.saturating_add(length) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
