//! The summary of one or several runs for a terminal: the answer in a few sentences, one table, why
//! pods waited, where the files are and how to get the same again.

use super::RunReport;
use super::words::{count, counted, duration, listed, percent};
use crate::metrics::{ReleaseRow, Results, catalog};
use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use std::fmt::Write;

/// Reasons for waiting that are shown.
const REASONS: usize = 3;

/// How the text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal, at least 40.
    pub width: u16,
    /// With ANSI colours.
    pub colour: bool,
}

/// A run and where its files are.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'r> {
    /// The run.
    pub report: &'r RunReport,
    /// Its folder, if it was written.
    pub folder: Option<&'r str>,
}

/// The summary of runs of one scenario that differ by their variant.
pub fn text(runs: &[Shown<'_>], look: Look) -> String {
    let Some(first) = runs.first() else {
        return String::new();
    };
    let look = Look { width: look.width.max(40), ..look };
    let mut out = String::new();
    let end = duration(first.report.results.ended_at.as_secs_f64());
    let head = format!("{}, seed {}, {end} simulated", first.report.scenario, first.report.seed);
    push(&mut out, &strong(&head, look));
    out.push('\n');
    for run in runs {
        let answer = answer(&run.report.results);
        let text = match label(run.report) {
            Some(label) if runs.len() > 1 => format!("{label}: {answer}"),
            _ => answer,
        };
        push(&mut out, &wrapped(&text, look.width, ""));
    }
    out.push('\n');
    push(&mut out, &table(runs, look));
    for run in runs {
        let why = why(&run.report.results);
        if !why.is_empty() {
            out.push('\n');
            let of = label(run.report).filter(|_| runs.len() > 1);
            let of = of.map_or_else(String::new, |label| format!(" ({label})"));
            push(&mut out, &strong(&format!("Why pods waited{of}"), look));
            for line in why {
                push(&mut out, &wrapped(&line, look.width, "  "));
            }
        }
    }
    out.push('\n');
    out.push_str(&origin(runs));
    out
}

pub(super) fn push(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

fn label(report: &RunReport) -> Option<&str> {
    Some(report.variant.as_str()).filter(|variant| !variant.is_empty())
}

pub(super) fn strong(text: &str, look: Look) -> String {
    if look.colour { format!("\u{1b}[1;36m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Breaks a text into lines of at most `width` characters.
pub(super) fn wrapped(text: &str, width: u16, indent: &str) -> String {
    let mut lines = String::new();
    let mut length = 0;
    for word in text.split(' ') {
        let wide = word.chars().count();
        if length == 0 {
            lines.push_str(indent);
            length = indent.len();
        } else if length + 1 + wide > usize::from(width) {
            let _ = write!(lines, "\n{indent}{indent}");
            length = 2 * indent.len();
        } else {
            lines.push(' ');
            length += 1;
        }
        lines.push_str(word);
        length += wide;
    }
    lines
}

/// The answer in plain words.
pub(super) fn answer(results: &Results) -> String {
    let mut sentences = Vec::from_iter(released(results));
    sentences.push(placed(results));
    sentences.extend(waited(results));
    sentences.extend(recovered(results));
    sentences.extend(broke(results));
    sentences.extend(served(results));
    sentences.join(" ")
}

/// What bad releases did to users.
fn released(results: &Results) -> Option<String> {
    let bad: Vec<&ReleaseRow> = results.rollouts.rows.iter().filter(|row| row.bad).collect();
    let exposure: f64 = bad.iter().map(|row| row.exposure).sum();
    let served = match exposure > 0.0 {
        true => format!("served users for {} pod-seconds", count(exposure.round() as u64)),
        false => "never served users".to_owned(),
    };
    let [row] = bad[..] else {
        let lasting = bad.iter().filter(|row| row.restored.is_none()).count() as u64;
        return (bad.len() > 1).then(|| {
            let (bad, were) = (counted(bad.len() as u64, "bad release"), were(lasting));
            format!("{bad} {served}; {} {were} not recovered from.", count(lasting))
        });
    };
    let after = |at: f64| duration(at - row.released);
    let end = match (row.decided, row.restored) {
        (Some(decided), _) if exposure == 0.0 => format!("was given up after {}", after(decided)),
        (Some(decided), Some(restored)) => {
            format!(
                "was given up after {}, recovered from after {}",
                after(decided),
                after(restored)
            )
        }
        (None, Some(restored)) => format!("was recovered from after {}", after(restored)),
        (_, None) => "was not recovered from".to_owned(),
    };
    Some(format!("The bad release of {} {served} and {end}.", row.service))
}

fn were(number: u64) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

fn placed(results: &Results) -> String {
    let life = &results.life;
    let pods = life.submitted + life.replaced;
    match (pods, life.pending_at_end) {
        (0, _) => "No pods were submitted.".to_owned(),
        (_, 0) => match results.waiting.pending.peak as u64 {
            0 => format!("All {} were placed at once.", counted(pods, "pod")),
            peak => format!(
                "All {} were placed; at most {} waited at a time.",
                counted(pods, "pod"),
                count(peak)
            ),
        },
        (_, pending) => format!(
            "{} of {}{} {} never placed: still pending at the end, the longest for {}.",
            count(pending),
            counted(pods, "pod"),
            match life.replaced {
                0 => String::new(),
                replaced => format!(" ({} of them replacements)", count(replaced)),
            },
            were(pending),
            duration(results.waiting.censored.max)
        ),
    }
}

fn waited(results: &Results) -> Option<String> {
    let wait = &results.waiting.time_to_bind;
    if wait.count == 0 {
        return None;
    }
    if wait.max == 0.0 {
        return Some("None of those placed had to wait.".to_owned());
    }
    Some(format!(
        "Those placed waited {} at the median, {} at the 99th percentile and {} at most.",
        duration(wait.p50),
        duration(wait.p99),
        duration(wait.max)
    ))
}

fn recovered(results: &Results) -> Option<String> {
    let recovery = &results.recovery;
    if recovery.affected == 0 {
        let crashes = counted(recovery.incidents, "crash");
        return (recovery.incidents > 0).then(|| format!("{crashes} took no pod down."));
    }
    let cause = match recovery.incidents {
        0 => "Failures".to_owned(),
        incidents => counted(incidents, "crash"),
    };
    let mut parts = Vec::new();
    if recovery.replaced > 0 {
        let ready = &recovery.time_to_ready;
        let when = match ready.count {
            0 => String::new(),
            _ => format!(
                " after {} at the median and {} at most",
                duration(ready.p50),
                duration(ready.max)
            ),
        };
        parts.push(format!(
            "{} {} replaced{when}",
            count(recovery.replaced),
            were(recovery.replaced)
        ));
    }
    if recovery.survived > 0 {
        parts.push(format!("{} came back with their node", count(recovery.survived)));
    }
    if recovery.gone > 0 {
        parts.push(format!("{} {} not replaced", count(recovery.gone), were(recovery.gone)));
    }
    if recovery.censored > 0 {
        parts.push(format!(
            "{} {} still down at the end",
            count(recovery.censored),
            were(recovery.censored)
        ));
    }
    Some(format!("{cause} took {} down: {}.", counted(recovery.affected, "pod"), listed(&parts)))
}

/// What went wrong with pods and containers on nodes that did not.
fn broke(results: &Results) -> Option<String> {
    let mut parts = Vec::new();
    if results.life.failed > 0 {
        let reasons = results.life.failures.iter().take(REASONS);
        let reasons: Vec<String> =
            reasons.map(|row| format!("{} {}", count(row.pods), row.reason)).collect();
        let pods = counted(results.life.failed, "pod");
        parts.push(format!("{pods} ended badly ({})", listed(&reasons)));
    }
    let containers = &results.containers;
    if containers.restarts > 0 {
        let most = containers.restarts_by_cause.iter().max_by_key(|row| row.count)?;
        let times = match containers.restarts {
            1 => "once".to_owned(),
            times => format!("{} times", count(times)),
        };
        parts.push(format!("containers were started again {times}, mostly after {}", most.cause));
    }
    let mut text = parts.join("; ");
    if let Some(first) = text.get(..1).map(str::to_uppercase) {
        text.replace_range(..1, &first);
        text.push('.');
    }
    (!text.is_empty()).then_some(text)
}

fn served(results: &Results) -> Option<String> {
    let services = &results.availability.services;
    let worst = services.iter().min_by(|a, b| a.availability.total_cmp(&b.availability))?;
    if worst.availability >= 1.0 {
        return Some(match services.len() {
            1 => format!("{} was available all the time.", worst.name),
            _ => format!("All {} services were available all the time.", services.len()),
        });
    }
    Some(format!(
        "{} was available {} of the time ({} without){}.",
        worst.name,
        percent(worst.availability),
        duration(worst.unavailable_seconds),
        if services.len() > 1 { ", the least of the services" } else { "" }
    ))
}

/// How a value is shown.
#[derive(Clone, Copy)]
enum Shape {
    Count,
    Duration,
    Percent,
    Decimal,
}

/// Rows of the table: what people call it, the metrics side by side, how they are shown. A row
/// without any value in any run is left out.
const ROWS: [(&str, &[&str], Shape); 30] = [
    ("pods submitted / with a lifetime above zero", &SUBMITTED, Shape::Count),
    ("pods finished", &["life.finished"], Shape::Count),
    ("pods pending at the end", &["life.pending_at_end"], Shape::Count),
    ("peak of pods alive, demanded / measured", &PEAKS, Shape::Count),
    ("time to bind: p50 / p99 / max", &BIND, Shape::Duration),
    ("time to running: p50 / p99 / max", &RUNNING, Shape::Duration),
    ("attempts without a node", &["wait.refused_attempts"], Shape::Count),
    ("pods failed / evicted", &["life.failed", "life.evicted"], Shape::Count),
    ("containers started again", &["containers.restarts"], Shape::Count),
    ("cpu allocated: mean / peak", &CPU, Shape::Percent),
    ("memory allocated: mean / peak", &MEMORY, Shape::Percent),
    ("gpu allocated: mean / peak", &GPU, Shape::Percent),
    (
        "cpu imbalance (sd over nodes)",
        &["placement.imbalance.cpu.standard_deviation.mean"],
        Shape::Percent,
    ),
    ("idle gpus of no use: mean / end", &FRAGMENT, Shape::Decimal),
    ("bad releases / not recovered from", &RELEASES, Shape::Count),
    ("bad release to alert", &["rollout.time_to_alert.mean"], Shape::Duration),
    ("bad release to decision", &["rollout.time_to_decision.mean"], Shape::Duration),
    ("bad release to restored", &["rollout.time_to_restore.mean"], Shape::Duration),
    ("exposure, bad pods serving (pod-seconds)", &["rollout.exposure"], Shape::Count),
    (
        "pods created / gone in releases",
        &["rollout.pods_created", "rollout.pods_killed"],
        Shape::Count,
    ),
    (
        "in releases, pods serving: fewest / alive: most",
        &["rollout.min_serving", "rollout.peak_pods"],
        Shape::Count,
    ),
    ("ready pod to requests: p50 / max", &DISCOVERED, Shape::Duration),
    ("pod that goes to no requests: p50 / max", &LEFT, Shape::Duration),
    ("stopped pods still routed to (pod-seconds)", &["discovery.stopped_seconds"], Shape::Decimal),
    ("crashes", &["recovery.incidents"], Shape::Count),
    (
        "pods that lost their node / replaced",
        &["recovery.affected", "recovery.replaced"],
        Shape::Count,
    ),
    ("fault to ready replacement: p50 / max", &REPLACED, Shape::Duration),
    ("time to restore services: p50 / max", &RESTORED, Shape::Duration),
    ("services not restored", &["recovery.restore_censored"], Shape::Count),
    (
        "availability: mean / worst service",
        &["availability.mean", "availability.worst"],
        Shape::Percent,
    ),
];
/// Rows that are left out if they are all zero, by their first metric.
const QUIET: [&str; 4] = ["life.failed", "containers.restarts", "rollout.bad", "rollout.exposure"];
const DISCOVERED: [&str; 2] = ["discovery.lag.p50", "discovery.lag.max"];
const LEFT: [&str; 2] = ["discovery.removal_lag.p50", "discovery.removal_lag.max"];
const RELEASES: [&str; 2] = ["rollout.bad", "rollout.not_restored"];
const SUBMITTED: [&str; 2] = ["life.submitted", "life.with_lifetime"];
const PEAKS: [&str; 2] = ["life.peak_alive.demanded", "life.peak_alive.measured"];
const BIND: [&str; 3] = ["wait.time_to_bind.p50", "wait.time_to_bind.p99", "wait.time_to_bind.max"];
const RUNNING: [&str; 3] =
    ["life.time_to_running.p50", "life.time_to_running.p99", "life.time_to_running.max"];
const CPU: [&str; 2] =
    ["placement.allocation_ratio.cpu.mean", "placement.allocation_ratio.cpu.peak"];
const MEMORY: [&str; 2] =
    ["placement.allocation_ratio.memory.mean", "placement.allocation_ratio.memory.peak"];
const GPU: [&str; 2] =
    ["placement.allocation_ratio.gpu.mean", "placement.allocation_ratio.gpu.peak"];
const FRAGMENT: [&str; 2] = ["placement.fragmentation.mean", "placement.fragmentation.end"];
const REPLACED: [&str; 2] = ["recovery.time_to_ready.p50", "recovery.time_to_ready.max"];
const RESTORED: [&str; 2] = ["recovery.time_to_restore.p50", "recovery.time_to_restore.max"];

fn shown(value: f64, shape: Shape) -> String {
    match shape {
        Shape::Count => count(value as u64),
        Shape::Duration => duration(value),
        Shape::Percent => percent(value),
        Shape::Decimal => format!("{value:.1}"),
    }
}

fn cell(results: &Results, names: &[&str], shape: Shape) -> Option<String> {
    let values: Vec<Option<f64>> = names.iter().map(|n| catalog::value(results, n)).collect();
    if values.iter().all(Option::is_none) {
        return None;
    }
    let texts: Vec<String> =
        values.iter().map(|v| v.map_or_else(|| "-".to_owned(), |v| shown(v, shape))).collect();
    Some(texts.join(" / "))
}

/// Lines above, below and under the header; none between rows.
pub(super) const STYLE: TableStyle = {
    let line = LineStyle::none().fill('─').junction('─');
    TableStyle::new().top_border(line).header_separator(line).bottom_border(line)
};

fn table(runs: &[Shown<'_>], look: Look) -> String {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(look.width);
    if runs.len() > 1 {
        let right = |text: &str| Cell::new(text).set_alignment(CellAlignment::Right);
        let labels = runs.iter().map(|run| right(label(run.report).unwrap_or("(unnamed)")));
        table.set_header(std::iter::once(Cell::new("")).chain(labels));
    }
    let crashes = runs.iter().any(|run| run.report.results.recovery.incidents > 0);
    for (name, metrics, shape) in ROWS {
        let of_recovery = metrics.iter().any(|metric| metric.starts_with("recovery."));
        let zero = |name: &&str| {
            runs.iter().all(|run| catalog::value(&run.report.results, name) == Some(0.0))
        };
        let quiet = QUIET.contains(&metrics[0]) && metrics.iter().all(zero);
        if quiet || (of_recovery && !crashes) {
            continue;
        }
        let cells: Vec<Option<String>> =
            runs.iter().map(|run| cell(&run.report.results, metrics, shape)).collect();
        if cells.iter().all(Option::is_none) {
            continue;
        }
        let mut row = vec![Cell::new(name)];
        row.extend(cells.into_iter().map(|text| {
            Cell::new(text.unwrap_or_else(|| "-".to_owned())).set_alignment(CellAlignment::Right)
        }));
        table.add_row(row);
    }
    table.trim_fmt()
}

/// The main reasons for waiting, one line each.
fn why(results: &Results) -> Vec<String> {
    let waiting = &results.waiting;
    let total: f64 =
        waiting.queue_seconds + waiting.reasons.iter().map(|row| row.wait_seconds).sum::<f64>();
    let mut lines = Vec::new();
    for row in waiting.reasons.iter().take(REASONS) {
        let who = match row.plugins.as_slice() {
            [] => "An error of the scheduler".to_owned(),
            plugins => listed(plugins),
        };
        let share = if total > 0.0 { row.wait_seconds / total } else { 0.0 };
        let mut line = format!(
            "{who}: {} of all waiting, {} ({} in sum)",
            percent(share),
            counted(row.attempts, "refused attempt"),
            duration(row.wait_seconds)
        );
        if row.pending > 0 {
            let _ = write!(line, "; {} still pending", count(row.pending));
        }
        lines.push(line);
    }
    let hidden = waiting.reasons.len().saturating_sub(REASONS);
    if hidden > 0 {
        lines.push(format!("and {} in summary.json", counted(hidden as u64, "other reason")));
    }
    lines
}

/// Files, digest and the command that gives the same again.
fn origin(runs: &[Shown<'_>]) -> String {
    let mut out = String::new();
    for run in runs {
        let of = label(run.report).filter(|_| runs.len() > 1);
        let of = of.map_or_else(String::new, |label| format!(" ({label})"));
        if let Some(folder) = run.folder {
            push(&mut out, &format!("Files{of}: {folder}"));
        }
        push(&mut out, &format!("Digest{of}: {}", run.report.digest));
    }
    let mut commands: Vec<&str> = runs.iter().map(|run| run.report.command.as_str()).collect();
    commands.dedup();
    for command in commands {
        push(&mut out, &format!("Again: {command}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Time;
    use crate::metrics::Metrics;
    use crate::report::example::example_report;

    const PLAIN: Look = Look { width: 90, colour: false };

    fn one(report: &RunReport, look: Look) -> String {
        text(&[Shown { report, folder: Some("reports/runs/example/7") }], look)
    }

    #[test]
    fn the_answer_comes_first() {
        let report = example_report("", true);
        let text = one(&report, PLAIN);
        println!("{text}");
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("example, seed 7, 2h simulated"));
        assert_eq!(lines.next(), Some(""));
        let order = [
            "were ",
            "crashes took",
            "pods submitted",
            "Why pods waited",
            "Files: ",
            "Digest: ",
            "Again: wavetank run",
        ];
        let places: Vec<_> = order.iter().map(|part| text.find(part).expect(part)).collect();
        assert!(places.is_sorted(), "{places:?}");
        assert!(!text.contains('\u{1b}'));
        assert!(one(&report, Look { colour: true, ..PLAIN }).contains('\u{1b}'));
    }

    #[test]
    fn a_bad_release_is_told_first() {
        let row = |exposure, decided, restored| ReleaseRow {
            service: "web".to_owned(),
            released: 600.0,
            bad: true,
            completed: None,
            alerted: None,
            decided,
            restored,
            created: 0,
            killed: 0,
            min_serving: 0,
            least_serving: 0,
            peak_pods: 0,
            exposure,
            serving: Vec::new(),
        };
        let (decided, restored) = (Some(690.0), Some(697.0));
        for (rows, told) in [
            (
                vec![row(160.0, decided, restored)],
                "The bad release of web served users for 160 \
             pod-seconds and was given up after 1m30s, recovered from after 1m37s. ",
            ),
            (
                vec![row(0.0, decided, Some(600.0))],
                "The bad release of web never served users and \
             was given up after 1m30s. ",
            ),
            (
                vec![row(7968.4, None, None)],
                "The bad release of web served users for 7,968 \
             pod-seconds and was not recovered from. ",
            ),
            (
                vec![row(1.0, None, None), row(2.0, None, restored)],
                "2 bad releases served users \
             for 3 pod-seconds; 1 was not recovered from. ",
            ),
        ] {
            let mut results = example_report("", true).results;
            results.rollouts.rows = rows;
            let answer = format!("{} ", answer(&results));
            assert!(answer.starts_with(told), "{answer}");
        }
        assert!(!answer(&example_report("", true).results).contains("release"));
    }

    #[test]
    fn variants_stand_side_by_side_within_the_width() {
        let reports = [example_report("packed", true), example_report("spread", false)];
        let shown = reports.each_ref().map(|report| Shown { report, folder: None });
        for width in [60, 100] {
            let text = text(&shown, Look { width, colour: false });
            println!("{text}");
            for line in text.lines().filter(|line| !line.starts_with("Digest")) {
                assert!(line.chars().count() <= usize::from(width), "{line}");
            }
            assert!(text.contains("packed: ") && text.contains("Why pods waited (spread)"));
            assert_eq!(text.matches("Again: ").count(), 1);
        }
    }

    #[test]
    fn a_run_without_anything_is_said_plainly() {
        let report = RunReport {
            results: Metrics::default().finish(Time::ZERO),
            ..example_report("", true)
        };
        let text = one(&report, PLAIN);
        assert!(text.contains("No pods were submitted."), "{text}");
        assert!(!text.contains("crash") && !text.contains("NaN"), "{text}");
        assert_eq!(super::text(&[], PLAIN), "");
    }
}
