//! How full each node was on average: one cell per node, or per group of nodes that joined one
//! after the other, so that there are at most 100 in a row.

use super::Plotted;
use super::canvas::{Canvas, Side, Type, colour};
use super::frame::{LEFT, RIGHT, TOP, titled};
use super::scale::percent_label;
use crate::stats::mean;
use plotters::style::Color;

/// Most cells in a row.
const CELLS: usize = 100;
const ROW: f64 = 34.0;
const TEXT: f64 = 13.0;
/// Room for the names of resources.
const NAMES: f64 = 60.0;

/// Means of groups of neighbours of equal size.
fn grouped(values: &[f64]) -> Vec<f64> {
    let size = values.len().div_ceil(CELLS).max(1);
    values.chunks(size).map(mean).collect()
}

/// A row per resource, a block per run.
pub(super) fn heat(runs: &[Plotted<'_>], subtitle: &str) -> Option<String> {
    let rows = |run: &Plotted<'_>| {
        let resources = &run.results.placement.resources;
        resources.iter().filter(|resource| resource.name != "pods").count().min(6)
    };
    let several = runs.len() > 1;
    let block = |run: &Plotted<'_>| rows(run) as f64 * ROW + if several { 58.0 } else { 42.0 };
    let total: f64 = runs.iter().map(block).sum();
    if runs.iter().all(|run| run.results.nodes.is_empty() || rows(run) == 0) {
        return None;
    }
    let mut canvas = titled(TOP + total, "How full each node was on average", subtitle);
    scale(&mut canvas);
    let mut top = TOP;
    for run in runs {
        if several {
            let look = Type::new(TEXT, Side::Left).bold();
            canvas.text(&run.label, (24.0, top), look);
        }
        draw_run(&mut canvas, run, if several { top + 14.0 } else { top });
        top += block(run);
    }
    Some(canvas.finish())
}

/// The colours and what they stand for.
fn scale(canvas: &mut Canvas) {
    let (left, width) = (LEFT + NAMES - 40.0, 22.0);
    for step in 0..=10 {
        let x = left + f64::from(step) * width;
        let share = f64::from(step) / 10.0;
        canvas.rectangle((x, 70.0), (x + width - 1.5, 82.0), colour(0).mix(strength(share)));
    }
    let label = Type::new(TEXT, Side::Right);
    canvas.text("0 %", (left - 8.0, 76.0), label);
    let end = left + 11.0 * width + 6.0;
    canvas.text("100 % of the requests a node takes", (end, 76.0), Type::new(TEXT, Side::Left));
}

/// How opaque a cell is.
fn strength(share: f64) -> f64 {
    let share = 0.05 + 0.95 * share.clamp(0.0, 1.0);
    (share * 1000.0).round() / 1000.0
}

fn draw_run(canvas: &mut Canvas, run: &Plotted<'_>, top: f64) {
    let nodes = &run.results.nodes;
    let (left, right) = (LEFT + NAMES, RIGHT - 60.0);
    let mut y = top;
    let mut cells = 0;
    for (at, resource) in run.results.placement.resources.iter().enumerate().take(7) {
        if resource.name == "pods" {
            continue;
        }
        let values: Vec<f64> =
            nodes.iter().map(|node| node.allocation.get(at).copied().unwrap_or(0.0)).collect();
        let groups = grouped(&values);
        cells = groups.len();
        let width = (right - left) / cells.max(1) as f64;
        let gap = if width > 6.0 { 1.5 } else { 0.5 };
        for (number, value) in groups.iter().enumerate() {
            let x = left + number as f64 * width;
            let to = (x + width - gap, y + ROW - 4.0);
            canvas.rectangle((x, y), to, colour(0).mix(strength(*value)));
        }
        let middle = y + ROW / 2.0 - 2.0;
        canvas.text(&resource.name, (left - 10.0, middle), Type::new(TEXT, Side::Right));
        let whole = percent_label((resource.allocation.mean * 1000.0).round() / 1000.0);
        canvas.text(&whole, (right + 8.0, middle), Type::new(TEXT, Side::Left));
        y += ROW;
    }
    let size = nodes.len().div_ceil(CELLS).max(1);
    let what = match size {
        1 => "nodes in the order in which they joined".to_owned(),
        size => format!("nodes in the order in which they joined, {size} to a cell"),
    };
    if let (Some(first), Some(last), true) = (nodes.first(), nodes.last(), cells > 0) {
        canvas.text(&first.name, (left, y + 10.0), Type::new(TEXT, Side::Left));
        canvas.text(&last.name, (right, y + 10.0), Type::new(TEXT, Side::Right));
        let middle = f64::midpoint(left, right);
        canvas.text(&what, (middle, y + 10.0), Type::new(TEXT, Side::Middle));
    }
}
