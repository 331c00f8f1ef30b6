//! Where the time from a fault to a ready replacement went, leg by leg.

use super::canvas::{Side, Words, colour, fitting, width_of};
use super::frame::{AXIS, Layout, Panel};
use super::scale::Axis;
use super::table::Table;
use super::{Chart, Plotted};
use crate::metrics::{CaseOutcome, CaseRow, Results};
use crate::report::words::{counted, duration};
use plotters::style::{Color, RGBColor};

const NAMES: [&str; 6] = ["detect", "evict", "recreate", "bind", "start", "ready"];
const BAR: f64 = 34.0;
const STEP: f64 = 64.0;

/// A bar: what it shows, and the length of each leg in seconds.
struct Bar {
    title: String,
    legs: [f64; 6],
}

impl Bar {
    fn total(&self) -> f64 {
        self.legs.iter().sum()
    }
}

/// Bars of legs on a common time since the fault.
pub(super) struct Waterfall {
    words: Words,
    bars: Vec<Bar>,
}

fn mean_bar(results: &Results) -> Bar {
    let legs = &results.recovery.legs;
    let legs = [legs.detect, legs.evict, legs.recreate, legs.bind, legs.start, legs.ready];
    let pods = results.recovery.time_to_ready.count;
    // A leg that only some pods went through weighs as much as it did over all of them.
    let share = |leg: crate::stats::Summary| leg.mean * leg.count as f64 / pods as f64;
    Bar { title: format!("mean of {}", counted(pods, "replaced pod")), legs: legs.map(share) }
}

fn case_bar(row: &CaseRow) -> Option<Bar> {
    let ready = row.ready?;
    let steps = [row.detected, row.evicted, row.recreated, row.bound, row.started, Some(ready)];
    let mut from = row.fault;
    let legs = steps.map(|step| {
        let length = (step.unwrap_or(from) - from).max(0.0);
        from += length;
        length
    });
    let replacement = row.replacement.as_deref().unwrap_or("");
    Some(Bar { title: format!("slowest: {} to {replacement}", row.pod), legs })
}

fn bars(run: &Plotted<'_>, several: bool) -> Vec<Bar> {
    let recovery = &run.results.recovery;
    if recovery.time_to_ready.count == 0 {
        return Vec::new();
    }
    let replaced = recovery.case_rows.iter().filter(|row| row.outcome == CaseOutcome::Replaced);
    let length = |row: &CaseRow| row.ready.map_or(0.0, |ready| ready - row.fault);
    let slowest = replaced.reduce(|a, b| if length(b) > length(a) { b } else { a });
    let mut bars = vec![mean_bar(run.results)];
    bars.extend(slowest.and_then(case_bar));
    if several {
        bars.iter_mut().for_each(|bar| bar.title = format!("{}, {}", run.label, bar.title));
    }
    bars
}

/// The way back, leg by leg.
pub(super) fn waterfall(runs: &[Plotted<'_>]) -> Option<Waterfall> {
    let bars: Vec<Bar> = runs.iter().flat_map(|run| bars(run, runs.len() > 1)).collect();
    let first = bars.first().filter(|_| bars.iter().any(|bar| bar.total() > 0.0))?;
    let longest =
        (0..NAMES.len()).reduce(|a, b| if first.legs[b] > first.legs[a] { b } else { a })?;
    let of = if runs.len() > 1 { format!("{}: the", runs[0].label) } else { "The".to_owned() };
    let caption = format!(
        "{of} longest part of the way back was to {}: {} of {} on average.",
        NAMES[longest],
        duration(first.legs[longest]),
        duration(first.total())
    );
    let words = Words {
        title: "From a lost node to a ready replacement".to_owned(),
        shows: "Bars over the time since the fault, in parts: detect, evict, recreate, bind, \
                start, ready."
            .to_owned(),
        caption,
    };
    Some(Waterfall { words, bars })
}

impl Chart for Waterfall {
    fn words(&self) -> &Words {
        &self.words
    }

    fn draw(&self, layout: &Layout<'_>, id: &str) -> String {
        let legend: Vec<(String, RGBColor)> =
            NAMES.iter().enumerate().map(|(at, name)| ((*name).to_owned(), colour(at))).collect();
        let top = layout.top(&legend) + 6.0;
        let bottom = top + self.bars.len() as f64 * STEP + 4.0;
        let place = Panel { layout: *layout, top, bottom };
        let mut canvas = layout.canvas(&self.words.title, &legend, bottom + AXIS);
        let longest = self.bars.iter().map(Bar::total).fold(0.0, f64::max);
        let edges = (if layout.is_narrow() { 8.0 } else { 24.0 }, layout.right() - 60.0);
        let x = Axis::linear((0.0, longest * 1.02), edges);
        for (tick, _) in x.time_ticks(if layout.is_narrow() { 4 } else { 8 }) {
            canvas.rule((x.at(tick), top), (x.at(tick), bottom), 0.22);
        }
        for (number, bar) in self.bars.iter().enumerate() {
            let y = top + number as f64 * STEP;
            let room = layout.right() - x.at(0.0);
            let title = fitting(&bar.title, layout.text, room);
            canvas.text(&title, (x.at(0.0), y + 10.0), layout.type_of(Side::Left).bold());
            let mut from = 0.0;
            for (leg, length) in bar.legs.iter().enumerate() {
                let (left, right) = (x.at(from), x.at(from + length));
                let (upper, lower) = ((left, y + 22.0), (right, y + 22.0 + BAR));
                if right - left > 0.25 {
                    canvas.rectangle(upper, lower, colour(leg).to_rgba());
                }
                let short = duration(*length);
                let long = format!("{} {short}", NAMES[leg]);
                let fits = |label: &&String| width_of(label, layout.text) + 8.0 < right - left;
                if let Some(label) = [&long, &short].into_iter().find(fits) {
                    let middle = (f64::midpoint(left, right), y + 22.0 + BAR / 2.0);
                    let white = RGBColor(0xff, 0xff, 0xff);
                    canvas.text(label, middle, layout.type_of(Side::Middle).coloured(white));
                }
                from += length;
            }
            let end = (x.at(from) + 8.0, y + 22.0 + BAR / 2.0);
            canvas.text(&duration(bar.total()), end, layout.type_of(Side::Left).bold());
        }
        place.horizontal(&mut canvas, &x, "time since the fault");
        canvas.finish(id, &self.words)
    }

    fn data(&self) -> Table {
        let mut table = Table::new(&["bar", "leg", "length_s"]);
        for bar in &self.bars {
            for (name, length) in NAMES.iter().zip(bar.legs) {
                table.rows.push(vec![bar.title.clone(), (*name).to_owned(), length.to_string()]);
            }
        }
        table
    }
}
