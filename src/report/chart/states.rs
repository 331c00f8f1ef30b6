//! How many pods were in which state, over simulated time: areas on top of each other.

use super::canvas::{GREY, Words, colour};
use super::frame::{AXIS, Layout, without_flats};
use super::scale::{Axis, number_label, round_end};
use super::table::Table;
use super::{Chart, Plotted};
use crate::metrics::PodState;
use crate::report::words::{count, duration, listed};
use plotters::style::{Color, RGBColor};

/// From the bottom to the top.
const STACK: [PodState; PodState::COUNT] = [
    PodState::Ready,
    PodState::NotReady,
    PodState::Starting,
    PodState::BackOff,
    PodState::Terminating,
    PodState::Interrupted,
    PodState::Pending,
];

fn look(state: PodState) -> (&'static str, RGBColor) {
    match state {
        PodState::Pending => ("without a node", colour(1)),
        PodState::Starting => ("starting", colour(0)),
        PodState::BackOff => ("in back-off", colour(3)),
        PodState::NotReady => ("not ready", colour(5)),
        PodState::Ready => ("ready", colour(2)),
        PodState::Terminating => ("terminating", GREY),
        PodState::Interrupted => ("on a dead node", colour(6)),
    }
}

/// A panel per run.
pub(super) struct States<'p, 'r> {
    words: Words,
    runs: &'p [Plotted<'r>],
    /// States that any run has pods in, from the bottom to the top.
    states: Vec<PodState>,
}

fn peak(run: &Plotted<'_>, state: PodState) -> f64 {
    let found = run.results.states.iter().find(|row| row.state == state);
    found.map_or(0.0, |row| row.pods.peak)
}

/// Pods by state.
pub(super) fn states<'p, 'r>(runs: &'p [Plotted<'r>]) -> Option<States<'p, 'r>> {
    let seen = |state: &PodState| runs.iter().any(|run| peak(run, *state) > 0.0);
    let states: Vec<PodState> = STACK.into_iter().filter(seen).collect();
    let end = runs.iter().map(|run| run.results.ended_at.as_secs_f64()).fold(0.0, f64::max);
    if states.is_empty() || end <= 0.0 {
        return None;
    }
    let sentence = |run: &Plotted<'_>| {
        let of = if runs.len() > 1 { format!("{}: at", run.label) } else { "At".to_owned() };
        let most = |state| count(peak(run, state) as u64);
        format!(
            "{of} most {} pods were ready at a time and {} without a node; {} of {} had no node \
             at the end.",
            most(PodState::Ready),
            most(PodState::Pending),
            count(run.results.life.pending_at_end),
            count(run.results.life.submitted + run.results.life.replaced),
        )
    };
    let names: Vec<String> = states.iter().map(|state| look(*state).0.to_owned()).collect();
    let words = Words {
        title: "What pods were doing".to_owned(),
        shows: format!(
            "Areas on top of each other over simulated time from 0 to {}: pods {}.",
            duration(end),
            listed(&names)
        ),
        caption: runs.iter().map(sentence).collect::<Vec<_>>().join(" "),
    };
    Some(States { words, runs, states })
}

impl Chart for States<'_, '_> {
    fn words(&self) -> &Words {
        &self.words
    }

    fn draw(&self, layout: &Layout<'_>, id: &str) -> String {
        let legend: Vec<(String, RGBColor)> = self
            .states
            .iter()
            .rev()
            .map(|state| (look(*state).0.to_owned(), look(*state).1))
            .collect();
        let places = layout.panels(layout.top(&legend), self.runs.len());
        let last = places[places.len() - 1];
        let mut canvas = layout.canvas(&self.words.title, &legend, last.bottom + AXIS);
        let ends = self.runs.iter().map(|run| run.results.ended_at.as_secs_f64());
        let x = Axis::linear((0.0, ends.fold(0.0, f64::max)), (layout.left(), layout.right()));
        let largest = self.runs.iter().flat_map(|run| heights(run, &self.states).pop());
        let largest = largest.flatten().fold(0.0, f64::max);
        for (run, place) in self.runs.iter().zip(&places) {
            let y = Axis::linear((0.0, round_end(largest)), (place.bottom, place.top));
            let mut below: Vec<(f64, f64)> = Vec::new();
            for (state, above) in self.states.iter().zip(heights(run, &self.states)) {
                let points = run.results.series.seconds.iter().zip(above);
                let points: Vec<(f64, f64)> =
                    points.map(|(s, pods)| (x.at(*s), y.at(pods))).collect();
                let line = without_flats(&points);
                if below.is_empty() {
                    below = line.iter().map(|(x, _)| (*x, place.bottom)).collect();
                }
                let mut area = line.clone();
                area.extend(below.iter().rev());
                canvas.area(&area, look(*state).1.mix(0.82));
                below = line;
            }
            let title =
                if self.runs.len() > 1 { format!("{}: pods", run.label) } else { "pods".into() };
            place.vertical(&mut canvas, &y, number_label, &title);
        }
        last.horizontal(&mut canvas, &x, "simulated time");
        canvas.finish(id, &self.words)
    }

    fn data(&self) -> Table {
        let columns = self.runs.iter().flat_map(|run| {
            let label = if self.runs.len() > 1 { format!("{}.", run.label) } else { String::new() };
            self.states.iter().map(move |state| {
                let series = &run.results.series;
                let name = format!("{label}{}_pods", state.name());
                (name, &series.seconds[..], series.values(state.name()))
            })
        });
        Table::over_time(columns)
    }
}

/// The upper edges of the areas of a run.
fn heights(run: &Plotted<'_>, states: &[PodState]) -> Vec<Vec<f64>> {
    let mut height = vec![0.0; run.results.series.seconds.len()];
    let mut edges = Vec::new();
    for state in states {
        for (height, pods) in height.iter_mut().zip(run.results.series.values(state.name())) {
            *height += pods;
        }
        edges.push(height.clone());
    }
    edges
}
