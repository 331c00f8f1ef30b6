//! What is wrong with the user's input: where, why, and what to do.

/// One thing wrong with the input, in terms of the path of the value, such as
/// `cluster.nodes.0.count`. The loader adds file, line and column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path of the value, empty for the whole document.
    pub path: String,
    /// What is wrong, without a full stop.
    pub text: String,
    /// What to do about it, if that can be said.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without a hint.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Problem {
        Problem { path: path.into(), text: text.into(), hint: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    /// The same problem seen from one level further out.
    #[must_use]
    pub fn under(mut self, parent: &str) -> Problem {
        self.path = match (parent.is_empty(), self.path.is_empty()) {
            (true, _) => self.path,
            (false, true) => parent.to_owned(),
            (false, false) => format!("{parent}.{}", self.path),
        };
        self
    }
}
