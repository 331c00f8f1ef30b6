//! `report.html`: one file with everything a meeting asks for, without a network, on a phone, a
//! wide screen or paper. Its size depends on how many samples, nodes' groups and variants are
//! shown, not on how many pods or nodes there were.

mod html;
mod rows;
mod tables;

use super::chart::{DRAWN, Figure};
use super::words::{count, counted, duration};
use super::{Expected, RunReport, answer};
use crate::metrics::catalog;
use html::Html;
use rows::Shape;

const STYLE: &str = include_str!("style.css");

/// A file that the page points to, beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// Where it is, from the folder of the page.
    pub(super) path: String,
    /// What it is.
    pub(super) what: String,
}

/// The page of one run, or of several variants of one scenario.
pub(super) fn page(runs: &[&RunReport], figures: &[Figure], files: &[Link]) -> String {
    let Some(first) = runs.first() else {
        return String::new();
    };
    let mut html = Html::new();
    html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\"/>\n");
    let variant = if runs.len() == 1 { first.variant.as_str() } else { "" };
    let separator = if variant.is_empty() { "" } else { ", " };
    let name = format!("{}{separator}{variant}", first.scenario);
    html.leaf("title", &format!("{name}, seed {}", first.seed));
    html.raw("<style>\n").raw(STYLE).raw("</style>\n</head>\n<body>\n");
    head(&mut html, &name, first);
    html.raw("<main>\n");
    said(&mut html, runs);
    expectations(&mut html, runs);
    html.raw("<section class=\"card\" id=\"again\">\n").leaf("h2", "The same again");
    let mut commands: Vec<&str> = runs.iter().map(|run| run.command.as_str()).collect();
    commands.dedup();
    for command in commands {
        html.raw("<pre>").leaf("code", command).raw("</pre>\n");
    }
    html.raw("</section>\n");
    tables::numbers(&mut html, runs);
    html.raw("<div class=\"grid\">\n");
    let (before, after): (Vec<&Figure>, Vec<&Figure>) =
        figures.iter().partition(|figure| !matches!(figure.name, "imbalance" | "recovery"));
    before.iter().for_each(|drawn| figure(&mut html, drawn));
    tables::reasons(&mut html, runs);
    tables::containers(&mut html, runs);
    let recovery = |name| after.iter().filter(move |figure| (figure.name == "recovery") == name);
    recovery(true).for_each(|drawn| figure(&mut html, drawn));
    tables::crashes(&mut html, runs);
    tables::services(&mut html, runs);
    recovery(false).for_each(|drawn| figure(&mut html, drawn));
    html.raw("</div>\n");
    tables::parameters(&mut html, runs);
    links(&mut html, files);
    html.raw("</main>\n");
    foot(&mut html, runs);
    html.raw("</body>\n</html>\n");
    html.finish()
}

fn head(html: &mut Html, name: &str, first: &RunReport) {
    html.raw("<header>\n").leaf("h1", name).raw("<p class=\"about\">");
    let simulated = duration(first.results.ended_at.as_secs_f64());
    for text in [
        format!("seed {}", first.seed),
        format!("{simulated} simulated"),
        counted(first.results.nodes.len() as u64, "node"),
        format!("wavetank {}", first.version),
    ] {
        html.leaf("span", &text).raw(" ");
    }
    html.raw("</p>\n</header>\n");
}

/// The answer, in the sentences that the terminal has.
fn said(html: &mut Html, runs: &[&RunReport]) {
    html.raw("<section class=\"answer\" id=\"answer\" aria-label=\"Answer\">\n");
    for run in runs {
        html.raw("<p>");
        if runs.len() > 1 {
            html.leaf("b", &label(run)).raw(": ");
        }
        html.text(&answer(&run.results)).raw("</p>\n");
    }
    html.raw("</section>\n");
}

/// The name of a run among others.
fn label(run: &RunReport) -> String {
    if run.variant.is_empty() { "(unnamed)".to_owned() } else { run.variant.clone() }
}

fn expectations(html: &mut Html, runs: &[&RunReport]) {
    let all: Vec<&Expected> = runs.iter().flat_map(|run| &run.expectations).collect();
    if all.is_empty() {
        return;
    }
    let held = all.iter().filter(|expected| expected.held).count() as u64;
    let title = if held == all.len() as u64 {
        "What was expected held".to_owned()
    } else {
        format!("{} of {} expectations held", count(held), count(all.len() as u64))
    };
    html.raw("<section class=\"card\" id=\"expected\">\n").leaf("h2", &title);
    html.raw("<ul class=\"expect\">\n");
    for run in runs {
        for expected in &run.expectations {
            let (class, mark) = if expected.held {
                ("held", "\u{2713} held")
            } else {
                ("failed", "\u{2717} failed")
            };
            html.raw(&format!("<li class=\"{class}\"><span class=\"mark\">{mark}</span>"));
            html.raw("<span>");
            if runs.len() > 1 {
                html.text(&format!("{}: ", label(run)));
            }
            html.leaf("code", &expected.text);
            let found = match expected.actual {
                Some(actual) => format!("it was {}", measured(&expected.metric, actual)),
                None => "there was nothing to measure it on".to_owned(),
            };
            html.raw(" <span class=\"note\">").text(&found).raw("</span></span></li>\n");
        }
    }
    html.raw("</ul>\n</section>\n");
}

/// A value in the unit of its metric.
fn measured(metric: &str, value: f64) -> String {
    let unit = catalog::entry(metric).map_or("", |entry| entry.unit);
    match unit {
        _ if metric.ends_with(".count") => rows::text(value, Shape::Count),
        "seconds" => rows::text(value, Shape::Duration),
        "ratio" => rows::text(value, Shape::Percent),
        _ if value.fract() == 0.0 && value.abs() < 1e15 => rows::text(value, Shape::Count),
        _ => format!("{value:.3}"),
    }
}

fn figure(html: &mut Html, figure: &Figure) {
    html.raw(&format!("<figure class=\"card\" id=\"{}\">\n", figure.name));
    html.leaf("h2", &figure.title).raw("<figcaption>").text(&figure.caption);
    html.raw(&format!(
        " <span class=\"files\">(<a href=\"plots/{0}.csv\">data</a>, \
         <a href=\"plots/{0}.svg\">picture</a>)</span></figcaption>\n",
        figure.name
    ));
    for (class, svg) in [("wide", &figure.wide), ("narrow", &figure.narrow)] {
        html.raw(&format!("<div class=\"{class}\">\n")).raw(&inline(svg)).raw("</div>\n");
    }
    html.raw("</figure>\n");
}

/// A picture as a part of a page: what the page says for all of them is left out.
fn inline(svg: &str) -> String {
    let mut text = svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    while let Some(start) = text.find(" font-family=\"") {
        let length = text[start + 14..].find('"').map_or(0, |end| end + 15);
        let attribute = text[start..start + length].to_owned();
        text = text.replace(&attribute, "");
    }
    text.replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
        .replace(".00000000000001", "")
}

fn links(html: &mut Html, files: &[Link]) {
    html.raw("<section class=\"card\" id=\"files\">\n").leaf("h2", "Files");
    html.raw("<ul class=\"plain\">\n");
    for Link { path, what } in files {
        let target: String = path.split('/').map(html::url).collect::<Vec<_>>().join("/");
        html.raw("<li><a href=\"").text(&target).raw("\">").text(path).raw("</a> ");
        html.raw("<span class=\"note\">").text(what).raw("</span></li>\n");
    }
    html.raw("</ul>\n</section>\n");
}

fn foot(html: &mut Html, runs: &[&RunReport]) {
    html.raw("<footer>\n<p>The same scenario, seed and version give the same digest everywhere: ");
    for (at, run) in runs.iter().enumerate() {
        if at > 0 {
            html.raw(", ");
        }
        if runs.len() > 1 {
            html.text(&format!("{} ", label(run)));
        }
        html.leaf("code", &run.digest);
    }
    html.raw(".</p>\n");
    if runs.len() > DRAWN {
        let text = format!("Figures show the first {DRAWN} of {} variants.", runs.len());
        html.leaf("p", &text);
    }
    html.raw("</footer>\n");
}

#[cfg(test)]
mod tests;
