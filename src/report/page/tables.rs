//! The tables of the page: numbers side by side, reasons for waiting, containers, crashes,
//! services, parameters.

use super::html::Html;
use super::label;
use super::rows::rows;
use crate::metrics::{IncidentRow, Results, ServiceResult};
use crate::report::RunReport;
use crate::report::words::{bytes, count, duration, listed, percent};

/// Lines of a table of things that a run may have many of.
const LINES: usize = 8;

/// The main numbers of each run, with what is different from the first.
pub(super) fn numbers(html: &mut Html, runs: &[&RunReport]) {
    let results: Vec<&Results> = runs.iter().map(|run| &run.results).collect();
    let groups = rows(&results);
    if groups.is_empty() {
        return;
    }
    let several = runs.len() > 1;
    let (class, title) =
        if several { ("numbers several", "Side by side") } else { ("numbers", "In numbers") };
    html.raw(&format!("<section class=\"card {class}\" id=\"numbers\">\n")).leaf("h2", title);
    if several {
        let first = label(runs[0]);
        let text = format!("Small print: the difference to {first}, where there is one.");
        html.raw("<p class=\"note\">").text(&text);
        html.raw("</p>\n");
        let labels: Vec<String> = runs.iter().map(|run| label(run)).collect();
        let columns: Vec<&str> =
            std::iter::once("").chain(labels.iter().map(String::as_str)).collect();
        html.table(&columns);
    } else {
        html.raw("<div class=\"groups\">\n");
    }
    for (group, lines) in groups {
        if !several {
            html.raw("<table>\n<tbody>\n");
        }
        let span = runs.len() + 1;
        html.raw(&format!("<tr><th class=\"group\" scope=\"rowgroup\" colspan=\"{span}\">"));
        html.text(group).raw("</th></tr>\n");
        for line in lines {
            html.raw("<tr><th scope=\"row\">").text(line.name).raw("</th>");
            for value in &line.values {
                html.raw("<td class=\"n\">");
                html.text(value.as_ref().map_or("\u{2013}", |shown| &shown.text));
                if let Some(change) = value.as_ref().and_then(|shown| shown.change.as_ref()) {
                    html.raw("<span class=\"change\">").text(change).raw("</span>");
                }
                html.raw("</td>");
            }
            html.raw("</tr>\n");
        }
        if !several {
            html.raw("</tbody>\n</table>\n");
        }
    }
    if several {
        html.end_table().raw("</section>\n");
    } else {
        html.raw("</div>\n</section>\n");
    }
}

/// A card, if `body` writes anything for any run; the name of the run stands above its part.
fn card(
    html: &mut Html,
    (id, title): (&str, &str),
    runs: &[&RunReport],
    body: impl Fn(&mut Html, &Results),
) {
    let mut parts = Vec::new();
    for run in runs.iter().take(super::DRAWN) {
        let mut part = Html::new();
        body(&mut part, &run.results);
        parts.push((label(run), part.finish()));
    }
    if parts.iter().all(|(_, part)| part.is_empty()) {
        return;
    }
    html.raw(&format!("<section class=\"card\" id=\"{id}\">\n")).leaf("h2", title);
    for (label, part) in parts.iter().filter(|(_, part)| !part.is_empty()) {
        if runs.len() > 1 {
            html.raw("<p><b>").text(label).raw("</b></p>\n");
        }
        html.raw(part);
    }
    html.raw("</section>\n");
}

/// Who refused pods, longest wait first.
pub(super) fn reasons(html: &mut Html, runs: &[&RunReport]) {
    card(html, ("reasons", "Why pods waited"), runs, |html, results| {
        let waiting = &results.waiting;
        let refused: f64 = waiting.reasons.iter().map(|row| row.wait_seconds).sum();
        let total = waiting.queue_seconds + refused;
        if waiting.reasons.is_empty() {
            return;
        }
        html.table(&["refused by", "of all waiting", "in sum", "attempts", "still pending"]);
        for row in waiting.reasons.iter().take(LINES) {
            let who = match row.plugins.as_slice() {
                [] => "an error of the scheduler".to_owned(),
                plugins => listed(plugins),
            };
            let share = if total > 0.0 { row.wait_seconds / total } else { 0.0 };
            html.raw("<tr><th scope=\"row\">").text(&who);
            html.raw(&format!(
                "<span class=\"bar\" aria-hidden=\"true\"><i style=\"width:{:.1}%\"></i></span>\
                 </th>",
                share * 100.0
            ));
            html.cell("n", &percent(share)).cell("n", &duration(row.wait_seconds));
            html.cell("n", &count(row.attempts)).cell("n", &count(row.pending)).raw("</tr>\n");
        }
        html.end_table();
        more(html, waiting.reasons.len(), "reasons", "summary.json");
    });
}

/// Says how many lines are not shown, and where they are.
fn more(html: &mut Html, all: usize, what: &str, file: &str) {
    if all > LINES {
        let text = format!("{} more {what} are in {file}.", all - LINES);
        html.raw("<p class=\"note\">").text(&text).raw("</p>\n");
    }
}

/// Starts again, waits, pulls, failures and pressure, as lines of a name and what it was.
fn container_lines(results: &Results) -> Vec<(String, String)> {
    let containers = &results.containers;
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut line = |name: String, value: String| lines.push((name, value));
    for row in containers.restarts_by_cause.iter().filter(|row| row.count > 0) {
        line(format!("started again after {}", row.cause), count(row.count));
    }
    for row in containers.waits.iter().filter(|row| row.times > 0) {
        let open = if row.open > 0 { format!(", {} not over", count(row.open)) } else { "".into() };
        let value = format!("{} times, {} in sum{open}", count(row.times), duration(row.seconds));
        line(format!("waited in {}", row.reason), value);
    }
    if containers.pulled > 0 {
        let time = &containers.pull_time;
        let value = format!(
            "{}, each {} at the median, {} at most",
            count(containers.pulled),
            duration(time.p50),
            duration(time.max)
        );
        line("images pulled".to_owned(), value);
    }
    if containers.failed_pulls > 0 {
        line("pulls that failed".to_owned(), count(containers.failed_pulls));
    }
    if let Some(share) = containers.pulling_share.filter(|_| containers.pulled > 0) {
        line("of the time from binding to start spent pulling".to_owned(), percent(share));
    }
    for row in results.life.failures.iter().take(LINES) {
        line(format!("pods that failed: {}", row.reason), count(row.pods));
    }
    for row in results.node_health.pressure.iter().filter(|row| row.times > 0) {
        let value = format!("{} times, on {} nodes at once", count(row.times), row.nodes.peak);
        line(format!("{} ran out on a node", row.resource), value);
    }
    let health = &results.node_health;
    if health.collections > 0 {
        let value = format!("{}, {}", count(health.collected_images), bytes(health.freed_bytes));
        line("images thrown away".to_owned(), value);
    }
    if let Some(share) = results.usage.throttled_ratio.filter(|share| *share > 0.0) {
        line("of the time of running pods held back by CPU limits".to_owned(), percent(share));
    }
    lines
}

/// Containers, images and what ran out.
pub(super) fn containers(html: &mut Html, runs: &[&RunReport]) {
    let title = "Restarts, pulls and evictions";
    let quiet = "No container was started again, no image was pulled and no pod was evicted.";
    card(html, ("containers", title), runs, |html, results| {
        if results.life.submitted == 0 {
            return;
        }
        let lines = container_lines(results);
        if lines.is_empty() {
            html.leaf("p", quiet).raw("\n");
            return;
        }
        html.raw("<div class=\"scroll\"><table>\n<tbody>\n");
        for (name, value) in lines {
            html.raw("<tr><th scope=\"row\">").text(&name).raw("</th>");
            html.cell("n", &value).raw("</tr>\n");
        }
        html.end_table();
    });
}

/// Crashes, those that took most pods first.
pub(super) fn crashes(html: &mut Html, runs: &[&RunReport]) {
    card(html, ("crashes", "Crashes"), runs, |html, results| {
        let mut rows: Vec<&IncidentRow> = results.recovery.incident_rows.iter().collect();
        if rows.is_empty() {
            return;
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.pods));
        html.table(&["node", "at", "pods", "detected after", "node back after", "services after"]);
        for row in rows.iter().take(LINES) {
            let after = |at: Option<f64>| {
                at.map_or_else(|| "\u{2013}".to_owned(), |at| duration(at - row.fault))
            };
            html.raw("<tr><th scope=\"row\">").text(&row.node).raw("</th>");
            html.cell("n", &duration(row.fault)).cell("n", &count(row.pods));
            html.cell("n", &after(row.detected)).cell("n", &after(row.node_ready));
            html.cell("n", &after(row.restored)).raw("</tr>\n");
        }
        html.end_table();
        more(html, rows.len(), "crashes", "summary.json");
    });
}

/// Services, the least available first.
pub(super) fn services(html: &mut Html, runs: &[&RunReport]) {
    card(html, ("services", "Services"), runs, |html, results| {
        let mut rows: Vec<&ServiceResult> = results.availability.services.iter().collect();
        if rows.is_empty() {
            return;
        }
        rows.sort_by(|a, b| a.availability.total_cmp(&b.availability));
        html.table(&["service", "available", "without", "ready at the end", "errors", "answers"]);
        for row in rows.iter().take(LINES) {
            html.raw("<tr><th scope=\"row\">").text(&row.name).raw("</th>");
            html.cell("n", &percent(row.availability));
            html.cell("n", &duration(row.unavailable_seconds));
            html.cell("n", &format!("{} of {}", row.serving_at_end, row.desired));
            let none = || "\u{2013}".to_owned();
            html.cell("n", &row.error_share.map_or_else(none, percent));
            let factor = row.latency_factor.map_or_else(none, |factor| match factor {
                1.0 => "as usual".to_owned(),
                factor => format!("{factor:.2} times slower"),
            });
            html.cell("n", &factor).raw("</tr>\n");
        }
        html.end_table();
        more(html, rows.len(), "services", "summary.json");
    });
}

/// Parameters that are not as they would be by themselves.
pub(super) fn parameters(html: &mut Html, runs: &[&RunReport]) {
    let mut paths: Vec<(&str, &str)> = Vec::new();
    for changed in runs.iter().flat_map(|run| &run.changed) {
        if !paths.iter().any(|(path, _)| *path == changed.path) {
            paths.push((&changed.path, &changed.default));
        }
    }
    if paths.is_empty() {
        return;
    }
    html.raw("<section class=\"card\" id=\"parameters\">\n");
    html.leaf("h2", "Parameters that are not the defaults");
    let labels: Vec<String> =
        runs.iter().map(|run| if runs.len() > 1 { label(run) } else { "value".into() }).collect();
    let mut columns = vec!["parameter", "default"];
    columns.extend(labels.iter().map(String::as_str));
    html.table(&columns);
    for (path, default) in paths {
        html.raw("<tr><th scope=\"row\" class=\"path\">").leaf("code", path).raw("</th>");
        html.cell("n", default);
        for run in runs {
            let found = run.changed.iter().find(|changed| changed.path == path);
            html.cell("n", found.map_or(default, |changed| &changed.value));
        }
        html.raw("</tr>\n");
    }
    html.end_table().raw("</section>\n");
}
