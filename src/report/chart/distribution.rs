//! The distribution of the time to bind: which share of the pods waited at most how long.

use super::Plotted;
use super::frame::{LEFT, RIGHT, legend, panels, titled};
use super::scale::{Axis, percent_label};
use crate::report::words::duration;

/// Beyond this ratio of the largest to the smallest wait the axis is logarithmic.
const WIDE: f64 = 50.0;

/// The empirical distribution of each run.
pub(super) fn time_to_bind(runs: &[Plotted<'_>], subtitle: &str) -> Option<String> {
    let waits = |run: &Plotted<'_>| run.results.waiting.distribution.clone();
    let all: Vec<f64> = runs.iter().flat_map(waits).collect();
    let largest = all.iter().copied().fold(0.0, f64::max);
    if all.is_empty() {
        return None;
    }
    let positive = all.iter().copied().filter(|wait| *wait > 0.0);
    let smallest = positive.fold(largest, f64::min);
    let place = *panels(1, 340.0, 0.0).first()?;
    let mut canvas = titled(place.bottom + 60.0, "How long pods waited for a node", subtitle);
    let pixels = (LEFT, RIGHT);
    let x = if largest > smallest * WIDE {
        Axis::logarithmic((smallest / 2.0, largest * 1.2), pixels)
    } else {
        Axis::linear((0.0, largest), pixels)
    };
    let y = Axis::linear((0.0, 1.0), (place.bottom, place.top));
    place.vertical(&mut canvas, &y, percent_label, "share of placed pods that waited at most");
    let mut names = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let waits = &run.results.waiting.distribution;
        let parts = waits.len().saturating_sub(1).max(1) as f64;
        let mut points = Vec::new();
        let mut height = place.bottom;
        for (number, wait) in waits.iter().enumerate() {
            points.push((x.at(*wait), height));
            height = y.at(number as f64 / parts);
            points.push((x.at(*wait), height));
        }
        if let Some((_, last)) = points.last().copied() {
            points.push((RIGHT, last));
        }
        place.curve(&mut canvas, &points, at, runs.len() == 1);
        let wait = &run.results.waiting.time_to_bind;
        let figures = format!("p50 {}, p99 {}", duration(wait.p50), duration(wait.p99));
        names.push(match runs {
            [_] => figures,
            _ => format!("{}: {figures}", run.label),
        });
    }
    let pending: u64 = runs.iter().map(|run| run.results.waiting.censored.count).sum();
    if pending > 0 {
        place.note(&mut canvas, &format!("{pending} still pending at the end are not in it"));
    }
    legend(&mut canvas, &names);
    let scale = if largest > smallest * WIDE { " (logarithmic)" } else { "" };
    place.horizontal(&mut canvas, &x, &format!("time from first queued to bound{scale}"));
    Some(canvas.finish())
}
