//! Figures over simulated time as lines: allocation, real use and imbalance per resource.

use super::canvas::{Words, colour};
use super::frame::{AXIS, Layout};
use super::scale::{Axis, percent_label, round_end};
use super::table::Table;
use super::{Chart, Plotted, RESOURCES, drawn};
use crate::metrics::ResourceResult;
use crate::report::words::{duration, listed, percent};
use plotters::style::RGBColor;

/// Values of one line over the samples of its run.
struct Column<'r> {
    /// What it is called in the table.
    name: String,
    seconds: &'r [f64],
    values: &'r [f64],
}

/// The lines of one panel.
struct Lines<'r> {
    title: String,
    note: String,
    columns: Vec<Column<'r>>,
}

/// Panels under each other with lines over a common time.
pub(super) struct OverTime<'r> {
    words: Words,
    legend: Vec<String>,
    panels: Vec<Lines<'r>>,
    /// The vertical axes end here, or at the largest value.
    end: Option<f64>,
}

impl Chart for OverTime<'_> {
    fn words(&self) -> &Words {
        &self.words
    }

    fn draw(&self, layout: &Layout<'_>, id: &str) -> String {
        let columns = || self.panels.iter().flat_map(|panel| &panel.columns);
        let end = columns().filter_map(|column| column.seconds.last()).copied().fold(0.0, f64::max);
        let names = self.legend.iter().enumerate();
        let legend: Vec<(String, RGBColor)> = match self.legend.len() {
            0 | 1 => Vec::new(),
            _ => names.map(|(at, name)| (name.clone(), colour(at))).collect(),
        };
        let places = layout.panels(layout.top(&legend), self.panels.len());
        let last = places[places.len() - 1];
        let mut canvas = layout.canvas(&self.words.title, &legend, last.bottom + AXIS);
        let x = Axis::linear((0.0, end), (layout.left(), layout.right()));
        for (panel, place) in self.panels.iter().zip(&places) {
            let values = panel.columns.iter().flat_map(|column| column.values);
            let largest = values.copied().fold(0.0, f64::max);
            let top = self.end.map_or_else(|| round_end(largest), |end| end.max(largest));
            let y = Axis::linear((0.0, top), (place.bottom, place.top));
            place.vertical(&mut canvas, &y, percent_label, &panel.title);
            place.note(&mut canvas, &panel.title, &panel.note);
            let alone = panel.columns.len() == 1;
            for (at, Column { seconds, values, .. }) in panel.columns.iter().enumerate() {
                let points = seconds.iter().zip(*values).map(|(s, v)| (x.at(*s), y.at(*v)));
                place.curve(&mut canvas, &points.collect::<Vec<_>>(), colour(at), alone);
            }
        }
        last.horizontal(&mut canvas, &x, "simulated time");
        canvas.finish(id, &self.words)
    }

    fn data(&self) -> Table {
        let columns = self.panels.iter().flat_map(|panel| &panel.columns);
        Table::over_time(
            columns.map(|column| (format!("{}_ratio", column.name), column.seconds, column.values)),
        )
    }
}

/// What a figure per resource shows.
struct Subject<'w> {
    title: &'w str,
    /// The vertical axis.
    axis: &'w str,
    /// The columns of the series, before the name of the resource.
    series: &'w str,
    end: Option<f64>,
}

/// One run: all resources in one panel. Several runs: one panel per resource.
fn per_resource<'r>(
    runs: &[Plotted<'r>],
    subject: &Subject<'_>,
    caption: String,
    mean: impl Fn(&Plotted<'r>, &str) -> Option<f64>,
) -> Option<OverTime<'r>> {
    let named = |run: &Plotted<'r>, name: &String| {
        !run.results.series.values(&format!("{}.{name}", subject.series)).is_empty()
    };
    let mut resources = resources(runs);
    resources.retain(|name| runs.iter().any(|run| named(run, name)));
    let column = |run: &Plotted<'r>, name: &str| {
        let results: &'r crate::metrics::Results = run.results;
        let label = if runs.len() > 1 { format!("{}.", run.label) } else { String::new() };
        Column {
            name: format!("{label}{}.{name}", subject.series),
            seconds: &results.series.seconds,
            values: results.series.values(&format!("{}.{name}", subject.series)),
        }
    };
    let noted = |run: &Plotted<'r>, name: &str| mean(run, name).map(percent);
    let (legend, panels) = if let [run] = runs {
        let columns = resources.iter().map(|name| column(run, name)).collect();
        let legend = resources.iter().map(|name| match noted(run, name) {
            Some(mean) => format!("{name}, mean {mean}"),
            None => name.clone(),
        });
        let title = subject.axis.to_owned();
        (legend.collect(), vec![Lines { title, note: String::new(), columns }])
    } else {
        let panel = |name: &String| {
            let means = runs.iter().map(|run| noted(run, name).unwrap_or_else(|| "-".to_owned()));
            let means: Vec<String> = means.collect();
            Lines {
                title: format!("{name}: {}", subject.axis),
                note: format!("mean {}", means.join(" / ")),
                columns: runs.iter().map(|run| column(run, name)).collect(),
            }
        };
        let labels = runs.iter().map(|run| run.label.clone()).collect();
        (labels, resources.iter().map(panel).collect())
    };
    let end = runs.iter().map(|run| run.results.ended_at.as_secs_f64()).fold(0.0, f64::max);
    let empty = panels.iter().all(|p| p.columns.iter().all(|column| column.values.is_empty()));
    if end <= 0.0 || empty {
        return None;
    }
    let shows = format!(
        "Lines over simulated time from 0 to {}: {} of {}.",
        duration(end),
        subject.axis,
        listed(&resources)
    );
    let words = Words { title: subject.title.to_owned(), shows, caption };
    Some(OverTime { words, legend, panels, end: subject.end })
}

/// Names of the resources that any of the runs used, those that are drawn.
fn resources(runs: &[Plotted<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (_, resource) in runs.iter().flat_map(drawn) {
        if !names.contains(&resource.name) {
            names.push(resource.name.clone());
        }
    }
    names.truncate(RESOURCES);
    names
}

fn resource<'r>(run: &Plotted<'r>, name: &str) -> Option<&'r ResourceResult> {
    run.results.placement.resources.iter().find(|resource| resource.name == name)
}

/// `cpu 74 % on average and 90 % at most` for each resource of each run.
fn means_and_peaks(
    runs: &[Plotted<'_>],
    of: impl Fn(&Plotted<'_>, &str) -> Option<(f64, f64)>,
) -> String {
    let resources = resources(runs);
    let one = |run: &Plotted<'_>, names: &[String]| {
        let parts = names.iter().filter_map(|name| {
            let (mean, peak) = of(run, name)?;
            let (mean, peak) = (percent(mean), percent(peak));
            Some(format!("{name} {mean} on average, {peak} at most"))
        });
        parts.collect::<Vec<_>>().join("; ")
    };
    match runs {
        [run] => one(run, &resources),
        // With many runs, one resource is as much as a sentence can carry.
        runs => {
            let first = &resources[..resources.len().min(1)];
            let parts = runs.iter().map(|run| format!("{}: {}", run.label, one(run, first)));
            parts.collect::<Vec<_>>().join("; ")
        }
    }
}

/// Requests held over capacity, per resource.
pub(super) fn allocation<'r>(runs: &[Plotted<'r>]) -> Option<OverTime<'r>> {
    let subject = Subject {
        title: "How full the cluster was",
        axis: "requests over capacity",
        series: "allocation_ratio",
        end: Some(1.0),
    };
    let found = means_and_peaks(runs, |run, name| {
        resource(run, name).map(|r| (r.allocation.mean, r.allocation.peak))
    });
    per_resource(runs, &subject, format!("Requested: {found}."), |run, name| {
        resource(run, name).map(|resource| resource.allocation.mean)
    })
}

/// Real use over capacity, of CPU and memory.
pub(super) fn utilisation<'r>(runs: &[Plotted<'r>]) -> Option<OverTime<'r>> {
    let used = |run: &Plotted<'_>, name: &str| {
        let found = run.results.usage.resources.iter().find(|row| row.name == name);
        found.map(|row| (row.utilisation.mean, row.utilisation.peak))
    };
    let subject = Subject {
        title: "How much was really used",
        axis: "use over capacity",
        series: "utilisation",
        end: Some(1.0),
    };
    let found = means_and_peaks(runs, used);
    let told = runs.iter().any(|run| run.results.usage.told > 0);
    let note =
        if told { "" } else { " No pod says otherwise: running pods use what they request." };
    per_resource(runs, &subject, format!("Used: {found}.{note}"), |run, name| {
        used(run, name).map(|(mean, _)| mean)
    })
}

/// Spread of the nodes, per resource.
pub(super) fn imbalance<'r>(runs: &[Plotted<'r>]) -> Option<OverTime<'r>> {
    let deviation = |run: &Plotted<'_>, name: &str| {
        resource(run, name).map(|resource| resource.imbalance.standard_deviation)
    };
    let subject = Subject {
        title: "How unevenly nodes were filled",
        axis: "standard deviation of the nodes",
        series: "imbalance_sd",
        end: None,
    };
    let first = resources(runs).first().cloned().unwrap_or_default();
    let parts = runs.iter().filter_map(|run| {
        let found = percent(deviation(run, &first)?);
        Some(if runs.len() > 1 { format!("{found} ({})", run.label) } else { found })
    });
    let parts: Vec<String> = parts.collect();
    let caption = format!(
        "The allocation of {first} varied over the nodes by {} (standard deviation, on average).",
        listed(&parts)
    );
    per_resource(runs, &subject, caption, deviation)
}
