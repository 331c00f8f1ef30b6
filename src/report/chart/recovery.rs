//! Where the time from a fault to a ready replacement went, leg by leg.

use super::Plotted;
use super::canvas::{Side, Type, colour, width_of};
use super::frame::{LEFT, Panel, RIGHT, TOP, legend, titled};
use super::scale::Axis;
use crate::metrics::{CaseOutcome, CaseRow, Results};
use crate::report::words::{counted, duration};
use plotters::style::{Color, RGBColor};

const NAMES: [&str; 6] = ["detect", "evict", "recreate", "bind", "start", "ready"];
const BAR: f64 = 36.0;
const STEP: f64 = 62.0;
const TEXT: f64 = 13.0;

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
    let legs = steps.map(|at| {
        let length = (at.unwrap_or(from) - from).max(0.0);
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

/// Bars of legs on a common time since the fault.
pub(super) fn legs(runs: &[Plotted<'_>], subtitle: &str) -> Option<String> {
    let bars: Vec<Bar> = runs.iter().flat_map(|run| bars(run, runs.len() > 1)).collect();
    let longest = bars.iter().map(Bar::total).fold(0.0, f64::max);
    if longest <= 0.0 {
        return None;
    }
    let top = TOP + 6.0;
    let place = Panel { top, bottom: top + bars.len() as f64 * STEP + 8.0 };
    let title = "From a lost node to a ready replacement";
    let mut canvas = titled(place.bottom + 60.0, title, subtitle);
    legend(&mut canvas, &NAMES.map(str::to_owned));
    let x = Axis::linear((0.0, longest * 1.02), (LEFT - 48.0, RIGHT - 60.0));
    for (tick, _) in x.time_ticks(8) {
        canvas.rule((x.at(tick), place.top), (x.at(tick), place.bottom), 0.22);
    }
    for (number, bar) in bars.iter().enumerate() {
        let y = place.top + number as f64 * STEP;
        canvas.text(&bar.title, (x.at(0.0), y + 10.0), Type::new(TEXT, Side::Left).bold());
        let mut from = 0.0;
        for (leg, length) in bar.legs.iter().enumerate() {
            let (left, right) = (x.at(from), x.at(from + length));
            let edges = ((left, y + 20.0), (right, y + 20.0 + BAR));
            if right - left > 0.25 {
                canvas.rectangle(edges.0, edges.1, colour(leg).to_rgba());
            }
            let label = format!("{} {}", NAMES[leg], duration(*length));
            if width_of(&label, TEXT) + 8.0 < right - left {
                let middle = (f64::midpoint(left, right), y + 20.0 + BAR / 2.0);
                let white = RGBColor(0xff, 0xff, 0xff);
                canvas.text(&label, middle, Type::new(TEXT, Side::Middle).coloured(white));
            }
            from += length;
        }
        let end = (x.at(from) + 8.0, y + 20.0 + BAR / 2.0);
        canvas.text(&duration(bar.total()), end, Type::new(TEXT, Side::Left).bold());
    }
    place.horizontal(&mut canvas, &x, "time since the fault");
    Some(canvas.finish())
}
