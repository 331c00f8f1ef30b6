//! The terminal: colour or not, how wide, progress or not, and CPU time.

use super::ColorChoice;
use crate::ground::Time;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Error,
}

/// A stream that a person may be looking at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    colour: bool,
    width: usize,
}

impl Terminal {
    /// Standard output.
    pub(super) fn stdout(choice: ColorChoice) -> Terminal {
        Terminal::new(std::io::stdout().is_terminal(), choice)
    }

    /// Standard error.
    pub(super) fn stderr(choice: ColorChoice) -> Terminal {
        Terminal::new(std::io::stderr().is_terminal(), choice)
    }

    #[expect(clippy::disallowed_methods, reason = "NO_COLOR and COLUMNS are the user's words")]
    fn new(is_terminal: bool, choice: ColorChoice) -> Terminal {
        let colour = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        Terminal { colour, width: columns.unwrap_or(100).clamp(40, 200) }
    }

    /// True if colour is wanted.
    pub(super) fn colour(&self) -> bool {
        self.colour
    }

    /// Columns to fill at most.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The text in a style, if colour is wanted.
    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        match (self.colour, style) {
            (true, Style::Error) => format!("\u{1b}[1;31m{text}\u{1b}[0m"),
            (false, _) => text.to_owned(),
        }
    }

    /// Writes a line to standard error; there is nobody to tell if that fails.
    pub(super) fn error_line(&self, line: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}

/// Writes a whole text to standard output.
pub(super) fn print(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// How far a run is, on standard error, once it takes longer than a second; silent if standard
/// error is not a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    until: Time,
    started: Instant,
}

impl Progress {
    /// Progress of a run with this name to `until`.
    #[expect(clippy::disallowed_methods, reason = "people wait in wall time")]
    pub(super) fn new(name: &str, until: Time, quiet: bool) -> Progress {
        let visible = !quiet && std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{msg} {bar:40} {percent}% {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        let progress = Progress { bar, until, started: Instant::now() };
        if !visible {
            progress.bar.finish_and_clear();
        }
        progress
    }

    /// The run has come to `now`.
    pub(super) fn at(&self, now: Time) {
        if self.bar.is_finished() {
            return;
        }
        if self.bar.is_hidden() && self.started.elapsed() > Duration::from_secs(1) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let share = now.as_nanos() / (self.until.as_nanos() / 1000).max(1);
        self.bar.set_position(share.min(1000));
    }

    /// The run is over.
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

/// CPU time of this process so far, user and system, from the kernel's own books; `None` where
/// there are none.
pub(super) fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks as f64 / 100.0) // the kernel reports at 100 ticks a second on every platform
}
