//! Figures over simulated time: allocation and imbalance per resource, pods by state.

use super::Plotted;
use super::frame::{LEFT, Panel, RIGHT, legend, panels, titled};
use super::scale::{Axis, number_label, percent_label, round_end};
use crate::report::words::percent;

/// Most resources that are drawn.
const RESOURCES: usize = 6;

/// Names of the resources that any of the runs has, slots for pods left out.
fn resources(runs: &[Plotted<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for resource in runs.iter().flat_map(|run| &run.results.placement.resources) {
        if resource.name != "pods" && !names.contains(&resource.name) {
            names.push(resource.name.clone());
        }
    }
    names.truncate(RESOURCES);
    names
}

/// The columns of one panel, one per line.
struct Lines<'r> {
    title: String,
    note: String,
    columns: Vec<(&'r [f64], &'r [f64])>,
}

fn column<'r>(run: &Plotted<'r>, name: &str) -> (&'r [f64], &'r [f64]) {
    (&run.results.series.seconds, run.results.series.values(name))
}

/// How the values of a figure are written.
#[derive(Clone, Copy)]
struct Values {
    label: fn(f64) -> String,
    /// The axis ends here, or at the largest value if that is not given.
    end: Option<f64>,
}

/// Panels under each other with lines over a common time.
fn draw(
    (title, subtitle): (&str, &str),
    names: &[String],
    lines: &[Lines<'_>],
    values: Values,
) -> Option<String> {
    let end = lines.iter().flat_map(|panel| &panel.columns).filter_map(|(x, _)| x.last());
    let end = end.copied().fold(0.0, f64::max);
    if end <= 0.0 || lines.iter().all(|panel| panel.columns.iter().all(|(_, y)| y.is_empty())) {
        return None;
    }
    let (height, gap) = match lines.len() {
        1 => (340.0, 0.0),
        2 => (190.0, 46.0),
        _ => (130.0, 44.0),
    };
    let places: Vec<Panel> = panels(lines.len(), height, gap);
    let bottom = places.last()?.bottom;
    let mut canvas = titled(bottom + 60.0, title, subtitle);
    if names.len() > 1 {
        legend(&mut canvas, names);
    }
    let x = Axis::linear((0.0, end), (LEFT, RIGHT));
    for (panel, place) in lines.iter().zip(&places) {
        let largest = panel.columns.iter().flat_map(|(_, y)| y.iter()).copied().fold(0.0, f64::max);
        let top = values.end.map_or_else(|| round_end(largest), |end| end.max(largest));
        let y = Axis::linear((0.0, top), (place.bottom, place.top));
        place.vertical(&mut canvas, &y, values.label, &panel.title);
        place.note(&mut canvas, &panel.note);
        let alone = panel.columns.len() == 1;
        for (at, (seconds, values)) in panel.columns.iter().enumerate() {
            let points: Vec<(f64, f64)> =
                seconds.iter().zip(*values).map(|(s, v)| (x.at(*s), y.at(*v))).collect();
            place.curve(&mut canvas, &points, at, alone);
        }
    }
    places.last()?.horizontal(&mut canvas, &x, "simulated time");
    Some(canvas.finish())
}

/// One run: all resources in one panel. Several runs: one panel per resource.
fn per_resource<'r>(
    runs: &[Plotted<'r>],
    what: &str,
    title: &str,
    note: impl Fn(&Plotted<'r>, &str) -> Option<f64>,
) -> (Vec<String>, Vec<Lines<'r>>) {
    let resources = resources(runs);
    let noted = |run: &Plotted<'r>, name: &str| note(run, name).map(percent);
    if let [run] = runs {
        let columns = resources.iter().map(|name| column(run, &format!("{what}.{name}"))).collect();
        let legend = resources.iter().map(|name| match noted(run, name) {
            Some(mean) => format!("{name}, mean {mean}"),
            None => name.clone(),
        });
        let panel = Lines { title: title.to_owned(), note: String::new(), columns };
        return (legend.collect(), vec![panel]);
    }
    let panel = |name: &String| {
        let means = runs.iter().map(|run| noted(run, name).unwrap_or_else(|| "-".to_owned()));
        let means: Vec<String> = means.collect();
        Lines {
            title: format!("{name}: {title}"),
            note: format!("mean {}", means.join(" / ")),
            columns: runs.iter().map(|run| column(run, &format!("{what}.{name}"))).collect(),
        }
    };
    (labels(runs), resources.iter().map(panel).collect())
}

fn labels(runs: &[Plotted<'_>]) -> Vec<String> {
    runs.iter().map(|run| run.label.clone()).collect()
}

fn resource<'r>(run: &Plotted<'r>, name: &str) -> Option<&'r crate::metrics::ResourceResult> {
    run.results.placement.resources.iter().find(|resource| resource.name == name)
}

/// Requests held over capacity, per resource.
pub(super) fn allocation(runs: &[Plotted<'_>], subtitle: &str) -> Option<String> {
    let (names, lines) =
        per_resource(runs, "allocation_ratio", "requests over capacity", |run, name| {
            resource(run, name).map(|resource| resource.allocation.mean)
        });
    let values = Values { label: percent_label, end: Some(1.0) };
    draw(("How full the cluster was", subtitle), &names, &lines, values)
}

/// Spread of the nodes, per resource.
pub(super) fn imbalance(runs: &[Plotted<'_>], subtitle: &str) -> Option<String> {
    let title = "standard deviation of the nodes' allocation";
    let (names, lines) = per_resource(runs, "imbalance_sd", title, |run, name| {
        resource(run, name).map(|resource| resource.imbalance.standard_deviation)
    });
    let values = Values { label: percent_label, end: None };
    draw(("How unevenly nodes were filled", subtitle), &names, &lines, values)
}

/// Running and pending pods.
pub(super) fn pods(runs: &[Plotted<'_>], subtitle: &str) -> Option<String> {
    let peak = |run: &Plotted<'_>, name: &str| {
        let peak = match name {
            "running" => run.results.life.running.peak,
            _ => run.results.waiting.pending.peak,
        };
        number_label(peak)
    };
    let panel = |(name, title): (&str, &str)| {
        let peaks: Vec<String> = runs.iter().map(|run| peak(run, name)).collect();
        Lines {
            title: title.to_owned(),
            note: format!("most {}", peaks.join(" / ")),
            columns: runs.iter().map(|run| column(run, name)).collect(),
        }
    };
    let lines = [("running", "running pods"), ("pending", "pods without a node")].map(panel);
    let pods = runs.iter().any(|run| run.results.life.submitted > 0);
    let values = Values { label: number_label, end: None };
    let title = ("How many pods ran and how many waited", subtitle);
    pods.then(|| draw(title, &labels(runs), &lines, values)).flatten()
}
