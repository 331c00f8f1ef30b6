//! Who served users after a release: pods of the release and others, with what was done about it.

use super::canvas::{Words, colour};
use super::frame::{AXIS, Layout};
use super::scale::{Axis, number_label, round_end};
use super::table::Table;
use super::{Chart, Plotted};
use crate::metrics::{ReleaseRow, Results};
use crate::report::words::{count, duration};
use plotters::style::{Color, RGBColor};

/// Colours of the pods of other revisions and of the release.
const PODS: [(&str, usize); 2] = [("pods of other revisions", 2), ("pods of the release", 6)];
/// Marks and their colours.
const MARKS: [(&str, usize); 3] = [("alert", 1), ("decision", 3), ("restored", 0)];

/// How many pods of the others and the release a line is over.
type Pods = fn(u32, u32) -> u32;

/// One run.
#[derive(Debug, Clone)]
struct Strip {
    title: String,
    row: ReleaseRow,
}

impl Strip {
    /// Seconds from the release to the alert, the decision and the restoration.
    fn marks(&self) -> [Option<f64>; 3] {
        let row = &self.row;
        [row.alerted, row.decided, row.restored].map(|at| at.map(|at| at - row.released))
    }

    /// Corners of the line over the pods that `read` counts, until `end`.
    fn corners(&self, end: f64, read: Pods) -> Vec<(f64, f64)> {
        let mut corners: Vec<(f64, f64)> = Vec::new();
        for point in self.row.serving.iter().take_while(|point| point.after <= end) {
            let pods = f64::from(read(point.others, point.released));
            if let Some(last) = corners.last() {
                corners.push((point.after, last.1));
            }
            corners.push((point.after, pods));
        }
        if let Some(last) = corners.last() {
            corners.push((end, last.1));
        }
        corners
    }
}

/// Who served after a release, run by run.
pub(super) struct Releases {
    words: Words,
    strips: Vec<Strip>,
    end: f64,
}

/// The first bad release of a run, or the first one.
fn shown(results: &Results) -> Option<&ReleaseRow> {
    let rows = &results.rollouts.rows;
    rows.iter().find(|row| row.bad).or_else(|| rows.first())
}

/// Who served after a release.
pub(super) fn releases(runs: &[Plotted<'_>]) -> Option<Releases> {
    let strips: Vec<Strip> = runs
        .iter()
        .filter_map(|run| {
            let row = shown(run.results)?.clone();
            let title = if runs.len() > 1 { run.label.clone() } else { row.service.clone() };
            Some(Strip { title, row })
        })
        .collect();
    let first = strips.first()?;
    let room = runs
        .iter()
        .zip(&strips)
        .map(|(run, strip)| run.results.ended_at.as_secs_f64() - strip.row.released);
    let room = room.fold(0.0, f64::max);
    let done = |strip: &Strip| strip.row.completed.map(|at| at - strip.row.released);
    let marks = strips.iter().flat_map(|strip| strip.marks().into_iter().chain([done(strip)]));
    let last = marks.flatten().fold(60.0, f64::max);
    let end = (last * 2.0).min(room);
    let worst = strips.iter().reduce(|a, b| if b.row.exposure > a.row.exposure { b } else { a })?;
    let least = strips.iter().reduce(|a, b| if b.row.exposure < a.row.exposure { b } else { a })?;
    let caption = if worst.row.exposure == 0.0 {
        format!("At no time served fewer than {} pods.", first.row.min_serving)
    } else if strips.len() == 1 {
        let exposure = count(worst.row.exposure as u64);
        format!("Pods of the release served users for {exposure} pod-seconds.")
    } else {
        format!(
            "Pods of the release served users for {} pod-seconds under {}, and for {} under {}.",
            count(worst.row.exposure as u64),
            worst.title,
            count(least.row.exposure as u64),
            least.title
        )
    };
    let words = Words {
        title: "Who served users after the release".to_owned(),
        shows: "Pods that serve over the time since the release, those of the release below the \
                others, with the moments of alert, decision and restoration."
            .to_owned(),
        caption,
    };
    Some(Releases { words, strips, end })
}

impl Chart for Releases {
    fn words(&self) -> &Words {
        &self.words
    }

    fn draw(&self, layout: &Layout<'_>, id: &str) -> String {
        let named = PODS.iter().chain(&MARKS);
        let legend: Vec<(String, RGBColor)> =
            named.map(|(name, at)| ((*name).to_owned(), colour(*at))).collect();
        let panels = layout.panels(layout.top(&legend), self.strips.len());
        let bottom = panels.last().map_or(0.0, |panel| panel.bottom);
        let mut canvas = layout.canvas(&self.words.title, &legend, bottom + AXIS);
        let points = self.strips.iter().flat_map(|strip| &strip.row.serving);
        let most = points.map(|point| point.others + point.released).max().unwrap_or(1);
        let x = Axis::linear((0.0, self.end), (layout.left(), layout.right()));
        for (strip, panel) in self.strips.iter().zip(&panels) {
            let y = Axis::linear((0.0, round_end(f64::from(most))), (panel.bottom, panel.top));
            let all: Pods = |others, own| others + own;
            let own: Pods = |_, own| own;
            for (read, hue) in [(all, PODS[0].1), (own, PODS[1].1)] {
                let corners = strip.corners(self.end, read);
                let mut area = vec![(x.at(0.0), panel.bottom)];
                area.extend(corners.iter().map(|(at, pods)| (x.at(*at), y.at(*pods))));
                area.push((x.at(self.end), panel.bottom));
                canvas.area(&area, colour(hue).mix(0.85));
            }
            for (mark, (_, hue)) in strip.marks().into_iter().zip(MARKS) {
                if let Some(at) = mark.filter(|at| *at <= self.end) {
                    let line = [(x.at(at), panel.top - 4.0), (x.at(at), panel.bottom)];
                    canvas.line(&line, colour(hue).to_rgba(), 2.5);
                }
            }
            let mut told = strip.title.clone();
            for (mark, (name, _)) in strip.marks().into_iter().zip(MARKS) {
                if let Some(at) = mark.filter(|_| strip.row.bad) {
                    told.push_str(&format!(", {name} {}", duration(at)));
                }
            }
            if strip.row.bad && strip.row.restored.is_none() {
                told.push_str(", never restored");
            }
            panel.vertical(&mut canvas, &y, number_label, &told);
        }
        if let Some(panel) = panels.last() {
            panel.horizontal(&mut canvas, &x, "time since the release");
        }
        canvas.finish(id, &self.words)
    }

    fn data(&self) -> Table {
        let mut table = Table::new(&["run", "after_s", "others", "released"]);
        for strip in &self.strips {
            for point in &strip.row.serving {
                let cells = [point.after.to_string(), point.others.to_string()];
                let mut row = vec![strip.title.clone()];
                row.extend(cells);
                row.push(point.released.to_string());
                table.rows.push(row);
            }
        }
        table
    }
}
