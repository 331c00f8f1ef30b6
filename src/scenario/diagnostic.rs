//! Messages about the user's text, drawn with the line they are about.

use super::{Node, Place, Sources};
use crate::ground::Problem;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing can be run.
    Error,
    /// It can be run, but is probably not what was meant.
    Warning,
}

/// Ends the path of a problem that is about a key and not about its value.
const KEY_MARK: char = '\u{0}';

/// The path of a problem about the key at `path`.
pub(super) fn key_of(path: &str) -> String {
    format!("{path}{KEY_MARK}")
}

/// One message about the user's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Dotted path of the value, empty for the whole document.
    pub path: String,
    /// The variant in which it is wrong, if it is not wrong in all of them.
    pub variant: Option<String>,
    /// Where it was written, if a text is to blame.
    pub excerpt: Option<Box<Excerpt>>,
}

/// The part of a text that a message is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Excerpt {
    /// Name of the text: a file or `--set`.
    pub file: String,
    /// Line from 1; 0 if it is about the whole text, or about an argument.
    pub line: u32,
    /// Column from 1, in characters; 0 if it is about the whole text.
    pub column: u32,
    /// The line itself, or the part around the place of a very long one.
    pub text: String,
    /// How many characters of the line are left out before `text`.
    pub skipped: u32,
    /// How many characters of the line are meant, at least 1.
    pub width: u32,
}

impl Diagnostic {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            hint: None,
            path: String::new(),
            variant: None,
            excerpt: None,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the path of the value.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Diagnostic {
        self.path = path.into();
        self
    }

    /// Makes it a warning.
    #[must_use]
    pub fn warning(mut self) -> Diagnostic {
        self.severity = Severity::Warning;
        self
    }

    /// Names a file without pointing into it.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Diagnostic {
        let (file, text) = (file.into(), String::new());
        self.excerpt =
            Some(Box::new(Excerpt { file, line: 0, column: 0, text, skipped: 0, width: 1 }));
        self
    }

    /// Points to a place.
    #[must_use]
    pub fn at(mut self, place: Place, sources: &Sources) -> Diagnostic {
        let source = sources.of(place);
        let line = source.line(place.line);
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (text, skipped) = shown(line, place.column as usize);
        let length = number(line.trim_end().chars().count() + 1);
        let end = if place.end_line > place.line { length } else { place.end_column };
        let end = end.min(number(skipped + text.chars().count()).saturating_add(1));
        self.excerpt = Some(Box::new(Excerpt {
            file: source.name.clone(),
            line: if source.has_lines { place.line } else { 0 },
            column: place.column,
            text,
            skipped: number(skipped),
            width: end.saturating_sub(place.column).max(1),
        }));
        self
    }

    /// The message for a problem of a value in `tree`: the place is that of the value, or of the
    /// nearest thing around it that was written.
    pub fn of_problem(problem: &Problem, tree: &Node, sources: &Sources) -> Diagnostic {
        let path = problem.path.strip_suffix(KEY_MARK);
        let place = match path {
            Some(path) => tree.key_place_of(path),
            None => tree.place_of(&problem.path),
        };
        let path = path.unwrap_or(&problem.path);
        let text = with_subject(path, &problem.text);
        let (text, hint) = match text.split_once("; ") {
            Some((text, hint)) if problem.hint.is_none() => (text, Some(hint.to_owned())),
            _ => (text.as_str(), problem.hint.clone()),
        };
        let diagnostic = Diagnostic { hint, ..Diagnostic::new(text) };
        diagnostic.path(path).at(place, sources)
    }

    /// Draws the message, with a line feed at the end.
    pub fn render(&self, color: bool) -> String {
        let paint = |code: &'static str| if color { code } else { "" };
        let (bold, blue, reset) = (paint("\u{1b}[1m"), paint("\u{1b}[1;34m"), paint("\u{1b}[0m"));
        let (word, tone) = match self.severity {
            Severity::Error => ("error", paint("\u{1b}[1;31m")),
            Severity::Warning => ("warning", paint("\u{1b}[1;33m")),
        };
        let mut lines = vec![format!("{tone}{word}{reset}{bold}: {}{reset}", self.message)];
        let line = self.excerpt.as_ref().map_or(0, |excerpt| excerpt.line);
        let gutter = if line > 0 { line.to_string() } else { String::new() };
        let pad = " ".repeat(gutter.len());
        if let Some(excerpt) = &self.excerpt {
            let Excerpt { file, column, skipped, width, .. } = excerpt.as_ref();
            let at = if line > 0 { format!(":{line}:{column}") } else { String::new() };
            lines.push(format!("{pad}{blue}-->{reset} {file}{at}"));
            if *column > 0 {
                // A tab would move the carets, so it is drawn as one space.
                let text = excerpt.text.trim_end().replace('\t', " ");
                let indent = " ".repeat(column.saturating_sub(1 + skipped) as usize);
                let carets = "^".repeat(*width as usize);
                lines.push(format!("{pad} {blue}|{reset}"));
                lines.push(format!("{blue}{gutter} |{reset} {text}"));
                lines.push(format!("{pad} {blue}|{reset} {indent}{tone}{carets}{reset}"));
            }
        }
        if !self.path.is_empty() {
            lines.push(format!("{pad} {blue}={reset} in: {}", self.path));
        }
        if let Some(variant) = &self.variant {
            lines.push(format!("{pad} {blue}={reset} variant: {variant}"));
        }
        if let Some(hint) = &self.hint {
            lines.push(format!("{bold}help{reset}: {hint}"));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// Longest line that is shown whole, characters. JSON is often all in one line.
const LINE_MAX: usize = 240;
/// How much is shown of a longer one before the column, characters.
const BEFORE: usize = 60;

/// The part of a line that is shown, and how many characters before it are not.
fn shown(line: &str, column: usize) -> (String, usize) {
    // Counting stops where it is known to be long: the line may be a whole file.
    if line.chars().nth(LINE_MAX).is_none() {
        return (line.to_owned(), 0);
    }
    let skipped = column.saturating_sub(BEFORE + 1);
    (line.chars().skip(skipped).take(LINE_MAX / 2).collect(), skipped)
}

/// The text of a problem, with the name of the value if it begins with a verb (`is not after ..`).
fn with_subject(path: &str, text: &str) -> String {
    const VERBS: [&str; 7] = ["is", "has", "stands", "changes", "reads", "takes", "needs"];
    let first = text.split(' ').next().unwrap_or("");
    match path.rsplit('.').next() {
        Some(name) if VERBS.contains(&first) && !name.is_empty() => format!("`{name}` {text}"),
        _ => text.to_owned(),
    }
}

/// The nearest of `known` to what was written, if one is near enough to be meant.
pub(super) fn nearest<'k>(
    written: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    let lower = written.to_lowercase();
    let most = (written.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| {
            *distance <= most || (lower.len() >= 3 && name.to_lowercase().starts_with(&lower))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Lists names as `a`, `b` and `c`.
pub(super) fn list<'k>(names: impl IntoIterator<Item = &'k str>, last: &str) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Source;

    #[test]
    fn carets_stand_under_the_place() {
        let mut sources = Sources::new();
        let file = sources.add(Source::file("a.yaml", "one: 1\n\ttwo: 22\n"));
        let argument = sources.add(Source::argument("one=two"));
        let drawn = Diagnostic::new("no")
            .hint("write yes")
            .at(Place::run(file, 2, 7, 2), &sources)
            .render(false);
        let expected = "error: no\n --> a.yaml:2:7\n  |\n2 |  two: 22\n  |       ^^\n\
                        help: write yes\n";
        assert_eq!(drawn, expected);
        let drawn = Diagnostic::new("no").at(Place::run(argument, 1, 5, 3), &sources).render(false);
        assert_eq!(drawn, "error: no\n--> --set\n |\n | one=two\n |     ^^^\n");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let mut sources = Sources::new();
        let text = format!("{}wrong{}", "a".repeat(500), "b".repeat(5000));
        let file = sources.add(Source::file("a.json", text));
        let drawn = Diagnostic::new("no").at(Place::run(file, 1, 501, 5), &sources).render(false);
        let (before, after) = ("a".repeat(60), "b".repeat(55));
        let carets = format!("{}^^^^^", " ".repeat(60));
        let expected =
            format!("error: no\n --> a.json:1:501\n  |\n1 | {before}wrong{after}\n  | {carets}\n");
        assert_eq!(drawn, expected);
    }

    #[test]
    fn only_near_names_are_suggested() {
        let known = ["count", "cpu", "memory"];
        for (written, found) in [
            ("coutn", Some("count")),
            ("mem", Some("memory")),
            ("zebra", None),
            ("CPU", Some("cpu")),
        ] {
            assert_eq!(nearest(written, known), found, "{written}");
        }
        assert_eq!(list(known, "or"), "`count`, `cpu` or `memory`");
    }
}
