//! The face of every source of stimuli, and what a source says when its input is not what it has
//! to be.

use crate::ground::{Problem, Time};
use crate::model::{Catalog, Stimulus, Timed};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// A source of stimuli.
pub trait Source {
    /// The next stimulus. Times never fall; equal times come in the order of the source's rows.
    fn next(&mut self) -> Result<Option<Timed<Stimulus>>, SourceError>;

    /// The names and specifications that this source's stimuli refer to, complete from the moment
    /// of opening.
    fn catalog(&self) -> &Catalog;

    /// Where the source is: opened at this cursor, it continues with the next stimulus.
    fn cursor(&self) -> Cursor;
}

/// Where a source is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Hash of the content of the source's file; 0 without a file.
    pub content: u128,
    /// What is left to know.
    pub state: CursorState,
}

/// The part of a cursor that differs from source to source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CursorState {
    /// So many rows of the trace, in order of time, are behind.
    Rows(u64),
    /// The last arrival and the number of arrivals so far.
    Arrivals {
        /// Time of the last arrival, at first the time from which pods arrive.
        at: Time,
        /// Arrivals so far.
        ordinal: u64,
    },
    /// What the faults do next.
    Faults(FaultCursor),
}

/// What the faults of a scenario do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCursor {
    /// What is to happen, in order.
    pub pending: Vec<PendingFault>,
    /// What is under way.
    pub current: Option<PendingFault>,
    /// Nodes of it that were given already.
    pub given: u32,
}

/// The next thing to happen by one fault.
///
/// Ordered by time, then failures before repairs, so that an outage that begins as another ends
/// continues it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PendingFault {
    /// When.
    pub at: Time,
    /// False: the fault strikes. True: it ends.
    pub repair: bool,
    /// Which fault, by position.
    pub fault: u32,
    /// Which of the units that it may strike, by position; the greatest number for a choice of
    /// them.
    pub target: u32,
    /// Strikes before this one.
    pub renewal: u32,
}

/// Why a source cannot be opened or continued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceError {
    /// The file.
    pub file: Option<PathBuf>,
    /// Line in the file, from 1.
    pub line: Option<u64>,
    /// Name of the column.
    pub column: Option<String>,
    /// What is wrong, without a full stop.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl SourceError {
    /// An error that has no place in a file.
    pub fn new(text: impl Into<String>) -> SourceError {
        SourceError { file: None, line: None, column: None, text: text.into(), hint: None }
    }

    /// An error about a file.
    pub fn of_file(file: &Path, text: impl Into<String>) -> SourceError {
        SourceError { file: Some(file.to_owned()), ..SourceError::new(text) }
    }

    /// Adds the line.
    #[must_use]
    pub fn line(mut self, line: u64) -> SourceError {
        self.line = Some(line);
        self
    }

    /// Adds the column.
    #[must_use]
    pub fn column(mut self, column: impl Into<String>) -> SourceError {
        self.column = Some(column.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> SourceError {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for SourceError {
    /// `file:line: column: what is wrong; what to do.`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}", file.display())?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        if let Some(column) = &self.column {
            write!(f, "column `{column}`: ")?;
        }
        f.write_str(&self.text)?;
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        f.write_str(".")
    }
}

impl std::error::Error for SourceError {}

impl From<Problem> for SourceError {
    fn from(problem: Problem) -> SourceError {
        let text = match problem.path.as_str() {
            "" => problem.text,
            path => format!("`{path}`: {}", problem.text),
        };
        SourceError { hint: problem.hint, ..SourceError::new(text) }
    }
}

/// The first of these problems as an error.
pub(super) fn refuse_first(problems: Vec<Problem>) -> Result<(), SourceError> {
    problems.into_iter().next().map_or(Ok(()), |problem| Err(problem.into()))
}
