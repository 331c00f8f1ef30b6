//! How long pods took to be bound, running and ready: which share of them took at most how long.

use super::canvas::{Words, colour};
use super::frame::{AXIS, Layout};
use super::scale::{Axis, percent_label};
use super::table::Table;
use super::{Chart, Plotted};
use crate::report::words::{duration, listed};
use crate::stats::Summary;
use plotters::style::RGBColor;

/// Beyond this ratio of the largest to the smallest time the axis is logarithmic.
const WIDE: f64 = 50.0;

/// One way to measure a start.
struct Kind {
    name: &'static str,
    title: &'static str,
    quantiles: for<'r> fn(&Plotted<'r>) -> &'r [f64],
    summary: for<'r> fn(&Plotted<'r>) -> &'r Summary,
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "time_to_bind",
        title: "first queued to bound",
        quantiles: |run| &run.results.waiting.distribution,
        summary: |run| &run.results.waiting.time_to_bind,
    },
    Kind {
        name: "time_to_running",
        title: "created to running",
        quantiles: |run| &run.results.life.running_distribution,
        summary: |run| &run.results.life.time_to_running,
    },
    Kind {
        name: "time_to_ready",
        title: "created to ready",
        quantiles: |run| &run.results.life.ready_distribution,
        summary: |run| &run.results.life.time_to_ready,
    },
];

/// One run: a curve per kind in one panel. Several: a panel per kind with a curve per run.
pub(super) struct Starts<'p, 'r> {
    words: Words,
    runs: &'p [Plotted<'r>],
    kinds: Vec<&'static Kind>,
}

/// The empirical distributions.
pub(super) fn starts<'p, 'r>(runs: &'p [Plotted<'r>]) -> Option<Starts<'p, 'r>> {
    let kinds: Vec<&Kind> = KINDS
        .iter()
        .filter(|kind| runs.iter().any(|run| !(kind.quantiles)(run).is_empty()))
        .collect();
    if kinds.is_empty() {
        return None;
    }
    let sentence = |run: &Plotted<'_>| {
        let parts = kinds.iter().map(|kind| {
            let summary = (kind.summary)(run);
            let what = kind.name.trim_start_matches("time_to_").replace("bind", "bound");
            format!("{what} within {} (99 %: {})", duration(summary.p50), duration(summary.p99))
        });
        let of = if runs.len() > 1 { format!("{}: half", run.label) } else { "Half".to_owned() };
        format!("{of} of the pods were {}.", listed(&parts.collect::<Vec<_>>()))
    };
    let mut caption = runs.iter().map(sentence).collect::<Vec<_>>().join(" ");
    let pending: u64 = runs.iter().map(|run| run.results.waiting.censored.count).sum();
    if pending > 0 {
        caption.push_str(" Pods still without a node at the end are not in it.");
    }
    let words = Words {
        title: "How long pods took to start".to_owned(),
        shows: "Distribution curves: the share of pods that took at most so long.".to_owned(),
        caption,
    };
    Some(Starts { words, runs, kinds })
}

/// The quantiles of a curve, and its colour.
type Curve<'c> = (&'c [f64], RGBColor);

impl Starts<'_, '_> {
    fn axis(&self, layout: &Layout<'_>) -> (Axis, bool) {
        let all = || self.runs.iter().flat_map(|run| self.kinds.iter().map(|k| (k.quantiles)(run)));
        let times = || all().flatten().copied();
        let largest = times().fold(0.0, f64::max);
        let smallest = times().filter(|time| *time > 0.0).fold(largest, f64::min);
        let pixels = (layout.left(), layout.right());
        if largest > smallest * WIDE {
            (Axis::logarithmic((smallest / 2.0, largest * 1.2), pixels), true)
        } else {
            (Axis::linear((0.0, largest), pixels), false)
        }
    }

    fn entry(kind: &Kind, run: &Plotted<'_>, label: &str) -> String {
        let summary = (kind.summary)(run);
        format!("{label}: p50 {}, p99 {}", duration(summary.p50), duration(summary.p99))
    }

    /// Title and curves of each panel.
    fn panels(&self) -> Vec<(String, Vec<Curve<'_>>)> {
        if let [run] = self.runs {
            let curves = self.kinds.iter().enumerate();
            let curves = curves.map(|(at, kind)| ((kind.quantiles)(run), colour(at))).collect();
            return vec![("share of pods that took at most".to_owned(), curves)];
        }
        let panel = |kind: &&Kind| {
            let curves = self.runs.iter().enumerate();
            let curves = curves.map(|(at, run)| ((kind.quantiles)(run), colour(at))).collect();
            (format!("{}: share of pods that took at most", kind.title), curves)
        };
        self.kinds.iter().map(panel).collect()
    }
}

impl Chart for Starts<'_, '_> {
    fn words(&self) -> &Words {
        &self.words
    }

    fn draw(&self, layout: &Layout<'_>, id: &str) -> String {
        let legend: Vec<(String, RGBColor)> = match self.runs {
            [run] => {
                let kinds = self.kinds.iter().enumerate();
                kinds.map(|(at, kind)| (Self::entry(kind, run, kind.title), colour(at))).collect()
            }
            runs => {
                let runs = runs.iter().enumerate();
                runs.map(|(at, run)| (run.label.clone(), colour(at))).collect()
            }
        };
        let panels = self.panels();
        let places = layout.panels(layout.top(&legend), panels.len());
        let last = places[places.len() - 1];
        let mut canvas = layout.canvas(&self.words.title, &legend, last.bottom + AXIS);
        let (x, logarithmic) = self.axis(layout);
        for ((title, curves), place) in panels.iter().zip(&places) {
            let y = Axis::linear((0.0, 1.0), (place.bottom, place.top));
            place.vertical(&mut canvas, &y, percent_label, title);
            for (quantiles, colour) in curves {
                let parts = quantiles.len().saturating_sub(1).max(1) as f64;
                let mut points = Vec::new();
                let mut height = place.bottom;
                for (number, time) in quantiles.iter().enumerate() {
                    points.push((x.at(*time), height));
                    height = y.at(number as f64 / parts);
                    points.push((x.at(*time), height));
                }
                if let Some((_, last)) = points.last().copied() {
                    points.push((layout.right(), last));
                }
                place.curve(&mut canvas, &points, *colour, curves.len() == 1);
            }
        }
        let scale = if logarithmic { "time (logarithmic)" } else { "time" };
        last.horizontal(&mut canvas, &x, scale);
        canvas.finish(id, &self.words)
    }

    fn data(&self) -> Table {
        let mut table = Table::new(&["share"]);
        let mut columns: Vec<&[f64]> = Vec::new();
        for kind in &self.kinds {
            for run in self.runs {
                let label =
                    if self.runs.len() > 1 { format!("{}.", run.label) } else { String::new() };
                table.header.push(format!("{label}{}_s", kind.name));
                columns.push((kind.quantiles)(run));
            }
        }
        let rows = columns.iter().map(|column| column.len()).max().unwrap_or(0);
        for at in 0..rows {
            let share = at as f64 / (rows - 1).max(1) as f64;
            let cells = columns.iter().map(|column| column.get(at));
            let cells = cells.map(|cell| cell.map_or_else(String::new, f64::to_string));
            table.rows.push(std::iter::once(share.to_string()).chain(cells).collect());
        }
        table
    }
}
