//! The terminal: colour or not, how wide, progress or not, and CPU time.

use super::ColorChoice;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Error,
}

/// A stream that a person may be looking at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    colour: bool,
    width: u16,
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
    pub(super) fn width(&self) -> u16 {
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

/// How far the runs of a scenario are, on standard error, once they take longer than a second;
/// silent if standard error is not a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    shares: Vec<AtomicU64>,
    visible: bool,
    started: Instant,
}

/// Steps of the bar for one run.
const STEPS: u64 = 1000;

impl Progress {
    /// Progress of so many runs.
    #[expect(clippy::disallowed_methods, reason = "people wait in wall time")]
    pub(super) fn new(name: &str, runs: usize, quiet: bool) -> Progress {
        let target = ProgressDrawTarget::hidden();
        let bar = ProgressBar::with_draw_target(Some(STEPS * runs as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {percent}%, {eta} left") {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        Progress {
            bar,
            shares: (0..runs).map(|_| AtomicU64::new(0)).collect(),
            visible: !quiet && std::io::stderr().is_terminal(),
            started: Instant::now(),
        }
    }

    /// A run has done this share of its simulated time, 0 to 1.
    pub(super) fn at(&self, run: usize, share: f64) {
        if !self.visible {
            return;
        }
        self.shares[run].store((share * STEPS as f64) as u64, Ordering::Relaxed);
        if self.started.elapsed() > Duration::from_secs(1) {
            if self.bar.is_hidden() {
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            self.bar.set_position(self.shares.iter().map(|s| s.load(Ordering::Relaxed)).sum());
        }
    }

    /// The runs are over.
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

/// CPU time of this thread so far, from the kernel's own books; `None` where there are none.
pub(super) fn cpu_seconds() -> Option<f64> {
    let books = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: u64 = books.split_whitespace().next()?.parse().ok()?;
    Some(nanos as f64 / 1e9)
}

/// Now, as seconds since 1970 in a text.
#[expect(clippy::disallowed_methods, reason = "when a run was started belongs into host.json")]
pub(super) fn started() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(String::new(), |since| format!("{} s since 1970-01-01 UTC", since.as_secs()))
}
