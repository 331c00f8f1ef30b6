//! How full each node was on average: one cell per node, or per group of nodes that joined one
//! after the other, so that there are never more than 100 in a row.

use super::canvas::{Canvas, Side, Words, colour, fitting};
use super::frame::Layout;
use super::scale::percent_label;
use super::table::Table;
use super::{Chart, Plotted, drawn};
use crate::report::words::{count, counted, listed, percent};
use crate::stats::mean;
use plotters::style::Color;

const ROW: f64 = 34.0;
/// Cells in the table.
const GROUPS: usize = 100;

/// A row per resource, a block per run.
pub(super) struct Heat<'p, 'r> {
    words: Words,
    runs: &'p [Plotted<'r>],
}

/// Nodes in a cell.
fn size_of(nodes: usize, cells: usize) -> usize {
    nodes.div_ceil(cells).max(1)
}

fn values(run: &Plotted<'_>, resource: usize) -> Vec<f64> {
    let nodes = &run.results.nodes;
    nodes.iter().map(|node| node.allocation.get(resource).copied().unwrap_or(0.0)).collect()
}

/// How full nodes were.
pub(super) fn heat<'p, 'r>(runs: &'p [Plotted<'r>]) -> Option<Heat<'p, 'r>> {
    let any = |run: &Plotted<'_>| !run.results.nodes.is_empty() && drawn(run).next().is_some();
    if !runs.iter().any(any) {
        return None;
    }
    let sentence = |run: &Plotted<'_>| {
        let (at, resource) = drawn(run).next()?;
        let values = values(run, at);
        let fullest = values.iter().copied().fold(0.0, f64::max);
        let emptiest = values.iter().copied().fold(fullest, f64::min);
        let of = if runs.len() > 1 { format!("{}: the", run.label) } else { "The".to_owned() };
        Some(format!(
            "{of} fullest of {} had {} of its {} requested on average, the emptiest {}.",
            counted(values.len() as u64, "node"),
            percent(fullest),
            resource.name,
            percent(emptiest),
        ))
    };
    let mut names: Vec<String> = Vec::new();
    for (_, resource) in runs.iter().flat_map(drawn) {
        if !names.contains(&resource.name) {
            names.push(resource.name.clone());
        }
    }
    let words = Words {
        title: "How full each node was".to_owned(),
        shows: format!("Heat map: the mean allocation of {} of each node.", listed(&names)),
        caption: runs.iter().filter_map(sentence).collect::<Vec<_>>().join(" "),
    };
    Some(Heat { words, runs })
}

impl Heat<'_, '_> {
    fn block(&self, run: &Plotted<'_>) -> f64 {
        let head = if self.runs.len() > 1 { 26.0 } else { 4.0 };
        drawn(run).count() as f64 * ROW + head + 44.0
    }
}

impl Chart for Heat<'_, '_> {
    fn words(&self) -> &Words {
        &self.words
    }

    fn draw(&self, layout: &Layout<'_>, id: &str) -> String {
        let top = layout.top(&[]) + 30.0;
        let total: f64 = self.runs.iter().map(|run| self.block(run)).sum();
        let mut canvas = layout.canvas(&self.words.title, &[], top + total);
        scale(&mut canvas, layout, top - 22.0);
        let mut y = top;
        for run in self.runs {
            let mut inner = y + 4.0;
            if self.runs.len() > 1 {
                let look = layout.type_of(Side::Left).bold();
                let label = fitting(&run.label, layout.text, layout.right());
                canvas.text(&label, (4.0, y + 10.0), look);
                inner = y + 26.0;
            }
            draw_run(&mut canvas, layout, run, inner);
            y += self.block(run);
        }
        canvas.finish(id, &self.words)
    }

    fn data(&self) -> Table {
        let header =
            ["variant", "resource", "first_node", "last_node", "nodes", "mean_allocation_ratio"];
        let mut table = Table::new(&header);
        for run in self.runs {
            let nodes = &run.results.nodes;
            let size = size_of(nodes.len(), GROUPS);
            for (at, resource) in drawn(run) {
                for (group, values) in nodes.chunks(size).zip(values(run, at).chunks(size)) {
                    let (first, last) = (&group[0].name, &group[group.len() - 1].name);
                    table.rows.push(vec![
                        run.label.clone(),
                        resource.name.clone(),
                        first.clone(),
                        last.clone(),
                        group.len().to_string(),
                        mean(values).to_string(),
                    ]);
                }
            }
        }
        table
    }
}

/// The colours and what they stand for.
fn scale(canvas: &mut Canvas, layout: &Layout<'_>, y: f64) {
    let (left, width) = (40.0, if layout.is_narrow() { 12.0 } else { 22.0 });
    for step in 0..=10 {
        let x = left + f64::from(step) * width;
        let share = f64::from(step) / 10.0;
        let to = (x + width - 1.5, y + 6.0);
        canvas.rectangle((x, y - 6.0), to, colour(0).mix(strength(share)));
    }
    canvas.text("0 %", (left - 8.0, y), layout.type_of(Side::Right));
    let end = left + 11.0 * width + 6.0;
    canvas.text("100 % of a node is requested", (end, y), layout.type_of(Side::Left));
}

/// How opaque a cell is.
fn strength(share: f64) -> f64 {
    let share = 0.05 + 0.95 * share.clamp(0.0, 1.0);
    (share * 1000.0).round() / 1000.0
}

fn draw_run(canvas: &mut Canvas, layout: &Layout<'_>, run: &Plotted<'_>, top: f64) {
    let nodes = &run.results.nodes;
    let (left, right) = (layout.left() + 26.0, layout.right() - 50.0);
    let size = size_of(nodes.len(), layout.cells);
    let mut y = top;
    for (at, resource) in drawn(run) {
        let groups: Vec<f64> = values(run, at).chunks(size).map(mean).collect();
        let width = (right - left) / groups.len().max(1) as f64;
        let gap = if width > 6.0 { 1.5 } else { 0.5 };
        for (number, value) in groups.iter().enumerate() {
            let x = left + number as f64 * width;
            let to = (x + width - gap, y + ROW - 4.0);
            canvas.rectangle((x, y), to, colour(0).mix(strength(*value)));
        }
        let middle = y + ROW / 2.0 - 2.0;
        let name = fitting(&resource.name, layout.text, left - 12.0);
        canvas.text(&name, (left - 8.0, middle), layout.type_of(Side::Right));
        let whole = percent_label((resource.allocation.mean * 1000.0).round() / 1000.0);
        canvas.text(&whole, (right + 6.0, middle), layout.type_of(Side::Left));
        y += ROW;
    }
    let what = match size {
        1 => format!("{} in the order in which they joined", counted(nodes.len() as u64, "node")),
        size => format!("{} nodes, {size} to a cell, in order", count(nodes.len() as u64)),
    };
    let middle = f64::midpoint(left, right);
    canvas.text(&what, (middle, y + 10.0), layout.type_of(Side::Middle));
}
