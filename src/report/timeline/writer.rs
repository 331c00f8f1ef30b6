//! Trace events as JSON, one a line, to a stream that is never read again.

use crate::ground::Time;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// A process and a thread: one line of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Track {
    pub(super) process: u32,
    pub(super) thread: u32,
}

/// A named value of an event.
pub(super) type Arg<'a> = (&'static str, &'a str);

/// The events of a file.
#[derive(Debug)]
pub(super) struct Events<W: Write> {
    out: W,
    error: Option<io::Error>,
    written: u64,
    /// Most events, not counting the ends of what was begun.
    most: u64,
    pub(super) left_out: u64,
    /// Tracks with a slice that has not ended.
    open: BTreeSet<Track>,
    /// Processes and tracks that have a name.
    named: BTreeSet<Track>,
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text can be written as JSON")
}

/// Microseconds with nanoseconds as decimals.
fn micros(at: Time) -> String {
    let nanos = at.as_nanos();
    format!("{}.{:03}", nanos / 1000, nanos % 1000)
}

fn args_of(args: &[Arg<'_>]) -> String {
    if args.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> =
        args.iter().map(|(name, value)| format!("{}:{}", quoted(name), quoted(value))).collect();
    format!(",\"args\":{{{}}}", pairs.join(","))
}

impl<W: Write> Events<W> {
    pub(super) fn new(out: W, most: u64) -> Events<W> {
        let mut events = Events {
            out,
            error: None,
            written: 0,
            most,
            left_out: 0,
            open: BTreeSet::new(),
            named: BTreeSet::new(),
        };
        events.put("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[");
        events
    }

    fn put(&mut self, text: &str) {
        if self.error.is_none() {
            self.error = self.out.write_all(text.as_bytes()).err();
        }
    }

    fn event(&mut self, text: &str) {
        let separator = if self.written > 0 { ",\n" } else { "\n" };
        self.written += 1;
        self.put(separator);
        self.put(text);
    }

    /// False, and counted, if there are so many events already that this one is left out.
    fn may_write(&mut self) -> bool {
        let may = self.written < self.most;
        self.left_out += u64::from(!may);
        may
    }

    /// Names a process, if it has no name yet.
    pub(super) fn name_process(&mut self, process: u32, name: &str) {
        if self.named.insert(Track { process, thread: 0 }) {
            let name = quoted(name);
            self.event(&format!(
                "{{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":{process},\"tid\":0,\
                 \"args\":{{\"name\":{name}}}}}"
            ));
            self.event(&format!(
                "{{\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":{process},\"tid\":0,\
                 \"args\":{{\"sort_index\":{process}}}}}"
            ));
        }
    }

    /// Names a track, if it has no name yet.
    pub(super) fn name_track(&mut self, track: Track, name: &str) {
        if self.named.insert(track) {
            let (Track { process, thread }, name) = (track, quoted(name));
            self.event(&format!(
                "{{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":{process},\"tid\":{thread},\
                 \"args\":{{\"name\":{name}}}}}"
            ));
        }
    }

    /// A track is not used any more and need not be remembered.
    pub(super) fn forget(&mut self, track: Track) {
        self.named.remove(&track);
    }

    /// Begins a slice on a track that has none.
    pub(super) fn begin(&mut self, track: Track, at: Time, name: &str, args: &[Arg<'_>]) {
        if self.open.contains(&track) || !self.may_write() {
            return;
        }
        self.open.insert(track);
        let (Track { process, thread }, ts) = (track, micros(at));
        let (name, args) = (quoted(name), args_of(args));
        self.event(&format!(
            "{{\"ph\":\"B\",\"ts\":{ts},\"pid\":{process},\"tid\":{thread},\"name\":{name}{args}}}"
        ));
    }

    /// Ends the slice of a track, if there is one.
    pub(super) fn end(&mut self, track: Track, at: Time, args: &[Arg<'_>]) {
        if self.open.remove(&track) {
            let (Track { process, thread }, ts) = (track, micros(at));
            let args = args_of(args);
            self.event(&format!(
                "{{\"ph\":\"E\",\"ts\":{ts},\"pid\":{process},\"tid\":{thread}{args}}}"
            ));
        }
    }

    /// A mark on a track.
    pub(super) fn mark(&mut self, track: Track, at: Time, name: &str, args: &[Arg<'_>]) {
        if !self.may_write() {
            return;
        }
        let (Track { process, thread }, ts) = (track, micros(at));
        let (name, args) = (quoted(name), args_of(args));
        self.event(&format!(
            "{{\"ph\":\"i\",\"s\":\"t\",\"ts\":{ts},\"pid\":{process},\"tid\":{thread},\
             \"name\":{name}{args}}}"
        ));
    }

    /// Ends what is open, writes what is to be known of the whole, and returns the output.
    pub(super) fn finish(mut self, at: Time, about: &str) -> io::Result<W> {
        for track in std::mem::take(&mut self.open) {
            self.open.insert(track);
            self.end(track, at, &[("end", "the run ended")]);
        }
        self.put("\n],\"otherData\":");
        self.put(about);
        self.put("}\n");
        match self.error {
            Some(error) => Err(error),
            None => {
                self.out.flush()?;
                Ok(self.out)
            }
        }
    }
}
