//! An explanation for a terminal: the answer, the time line, and the attempts to place the pod.

use super::{AttemptRow, Explanation, OutlookRow, Step};
use crate::report::Look;
use crate::report::text::{STYLE, push, strong, wrapped};
use crate::report::words::{counted, duration, listed};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use std::collections::BTreeMap;

/// Steps of one family that are shown before the rest of them is folded.
const SHOWN: usize = 3;
/// Groups of equal attempts that are shown.
const GROUPS: usize = 6;
/// Nodes of the last attempt that are shown.
const NODES: usize = 8;
/// Changes that would help that are shown.
const CHANGES: usize = 4;

/// The explanation as a text.
pub fn explanation_text(explanation: &Explanation, look: Look) -> String {
    let look = Look { width: look.width.max(40), ..look };
    let Explanation { scenario, variant, seed, namespace, pod, workload, .. } = explanation;
    let of = if variant.is_empty() { String::new() } else { format!(" ({variant})") };
    let until = duration(explanation.at_seconds);
    let mut out = String::new();
    let head = format!("{namespace}/{pod} of the {workload}");
    let run = format!("{scenario}{of}, seed {seed}, at {until}");
    push(&mut out, &strong(&format!("{head}, {run}"), look));
    if explanation.earlier > 0 {
        let pods = counted(explanation.earlier as u64, "pod");
        push(&mut out, &format!("The last of its name: {pods} had it before."));
    }
    out.push('\n');
    push(&mut out, &wrapped(&explanation.answer, look.width, ""));
    out.push('\n');
    if let Some(outlook) = &explanation.outlook {
        push_outlook(&mut out, outlook, look);
    }
    push(&mut out, &time_line(&explanation.steps, look));
    push_attempts(&mut out, &explanation.attempts, look);
    push_nodes(&mut out, explanation, look);
    out.push('\n');
    push(&mut out, &format!("Again: {}", explanation.command));
    out
}

fn push_outlook(out: &mut String, outlook: &OutlookRow, look: Look) {
    let text = match outlook.changes.as_slice() {
        [] if outlook.fits => "A node would take it now; it waits for its next attempt.",
        [] => "No single change that is known would let it be placed.",
        [_] => "This change would let it be placed:",
        _ => "Each of these changes alone would let it be placed:",
    };
    push(out, &wrapped(text, look.width, ""));
    for change in outlook.changes.iter().take(CHANGES) {
        push(out, &wrapped(&format!("- {}", change.text), look.width, "  "));
    }
    let more = outlook.changes.len().saturating_sub(CHANGES);
    if more > 0 {
        push(out, &wrapped(&format!("- {more} more; -o json has all"), look.width, "  "));
    }
    out.push('\n');
}

/// The last attempt node by node, if there was a choice.
fn push_nodes(out: &mut String, explanation: &Explanation, look: Look) {
    let nodes = &explanation.nodes;
    let Some(last) = explanation.attempts.last().filter(|_| nodes.len() > 1) else { return };
    let title = format!("attempt {}, node by node", last.number);
    let mut table = table(look);
    table.set_header([Cell::new(title), right("sum"), Cell::new("found")]);
    for row in nodes.iter().take(NODES) {
        let sum = row.total.map_or(String::new(), |total| total.to_string());
        table.add_row([Cell::new(&row.node), right(sum), Cell::new(row.verdict())]);
    }
    if nodes.len() > NODES {
        let more = format!("... {} more", nodes.len() - NODES);
        table.add_row([Cell::new(more), right(""), Cell::new("-o json has all")]);
    }
    out.push('\n');
    push(out, &table.trim_fmt());
}

fn table(look: Look) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(look.width);
    table
}

fn right(text: impl ToString) -> Cell {
    Cell::new(text.to_string()).set_alignment(CellAlignment::Right)
}

/// A moment with milliseconds: `1:02:03.004`.
fn clock(at_ns: u64) -> String {
    let millis = at_ns / 1_000_000;
    let (hours, rest) = (millis / 3_600_000, millis % 3_600_000);
    let (minutes, seconds) = (rest / 60_000, rest % 60_000);
    format!("{hours}:{minutes:02}:{:02}.{:03}", seconds / 1000, seconds % 1000)
}

fn after(from_ns: u64, to_ns: u64) -> String {
    match to_ns - from_ns {
        0 => String::new(),
        apart => format!("+{}", duration(apart as f64 / 1e9)),
    }
}

/// A line of the time line.
enum Line<'a> {
    One(&'a Step),
    /// Steps that repeat what was shown often enough.
    Folded(Vec<&'a Step>),
}

fn folded(steps: &[Step]) -> Vec<Line<'_>> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lines: Vec<Line<'_>> = Vec::new();
    for step in steps {
        let count = seen.entry(step.family.as_str()).or_default();
        *count += 1;
        if *count <= SHOWN {
            lines.push(Line::One(step));
            continue;
        }
        match lines.last_mut() {
            Some(Line::Folded(run)) => run.push(step),
            _ => lines.push(Line::Folded(vec![step])),
        }
    }
    for line in &mut lines {
        if let Line::Folded(run) = line
            && let [only] = run.as_slice()
        {
            *line = Line::One(only);
        }
    }
    lines
}

fn time_line(steps: &[Step], look: Look) -> String {
    let mut table = table(look);
    table.set_header([right("time"), right("after"), Cell::new("what"), Cell::new("why")]);
    let mut last = steps.first().map_or(0, |step| step.at_ns);
    for line in folded(steps) {
        let (step, what, why) = match &line {
            Line::One(step) => (*step, step.what.clone(), step.why.clone()),
            Line::Folded(run) => {
                let end = run[run.len() - 1];
                let what = format!("... {} more steps of these kinds, up to here", run.len());
                (end, what, repeated(run))
            }
        };
        let times = [right(clock(step.at_ns)), right(after(last, step.at_ns))];
        table.add_row(times.into_iter().chain([Cell::new(what), Cell::new(why)]));
        last = step.at_ns;
    }
    table.trim_fmt()
}

/// What repeats, with counts, in the order of first appearance.
fn repeated(run: &[&Step]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for step in run {
        match counts.iter_mut().find(|(family, _)| *family == step.family) {
            Some((_, count)) => *count += 1,
            None => counts.push((&step.family, 1)),
        }
    }
    let parts: Vec<String> =
        counts.iter().map(|(family, count)| format!("{count} x {family}")).collect();
    parts.join("; ")
}

/// Attempts with the same outcome for the same reasons, one after the other.
fn grouped(attempts: &[AttemptRow]) -> Vec<(&AttemptRow, &AttemptRow)> {
    let same = |a: &AttemptRow, b: &AttemptRow| {
        a.outcome == "refused"
            && b.outcome == "refused"
            && (a.examined, &a.refusals, &a.refused_as_a_whole, &a.narrowed_by)
                == (b.examined, &b.refusals, &b.refused_as_a_whole, &b.narrowed_by)
    };
    attempts.chunk_by(same).map(|group| (&group[0], &group[group.len() - 1])).collect()
}

fn push_attempts(out: &mut String, attempts: &[AttemptRow], look: Look) {
    let groups = grouped(attempts);
    if groups.is_empty() {
        return;
    }
    out.push('\n');
    push(out, &strong("Attempts to place it", look));
    let hidden = groups.len().saturating_sub(GROUPS);
    for (at, (first, last)) in groups.iter().enumerate() {
        // The first ones and the last ones are shown.
        if at >= GROUPS / 2 && at < GROUPS / 2 + hidden {
            if at == GROUPS / 2 {
                let others = attempts[first.number - 1..]
                    .iter()
                    .take_while(|row| row.number < groups[at + hidden].0.number)
                    .count();
                let text = format!("{} more with other counts; -o json has all", others);
                push(out, &wrapped(&text, look.width, "  "));
            }
            continue;
        }
        push_attempt(out, first, last, look);
    }
}

fn push_attempt(out: &mut String, first: &AttemptRow, last: &AttemptRow, look: Look) {
    let which = match (first.number, last.number) {
        (one, other) if one == other => format!("Attempt {one} at {}", clock(first.at_ns)),
        (from, to) => format!("Attempts {from} to {to}, the last at {}", clock(last.at_ns)),
    };
    let node = first.node.as_deref().unwrap_or("");
    let outcome = match first.outcome.as_str() {
        "bound" => format!("bound to {node}"),
        "bind-failed" => format!("the binding to {node} could not be written"),
        "open" => "under way".to_owned(),
        _ => "no node".to_owned(),
    };
    let looked = match first.examined {
        0 => String::new(),
        nodes => format!("; {} looked at", counted(nodes.into(), "node")),
    };
    push(out, &wrapped(&format!("{which}: {outcome}{looked}"), look.width, "  "));
    if !first.narrowed_by.is_empty() {
        let text = format!("{} let only named nodes be looked at", listed(&first.narrowed_by));
        push(out, &wrapped(&text, look.width, "    "));
    }
    if let Some(whole) = &first.refused_as_a_whole {
        let text = format!("{} refused the pod: {}", whole.plugin, whole.reasons.join(", "));
        push(out, &wrapped(&text, look.width, "    "));
    }
    for row in &first.refusals {
        let nodes = counted(row.nodes.into(), "node");
        let text = format!("{nodes} refused by {}: {}", row.plugin, row.plain());
        push(out, &wrapped(&text, look.width, "    "));
    }
    if first.feasible > 0 && first.node.is_some() {
        push(out, &wrapped(&format!("{node}: {}", first.why()), look.width, "    "));
    }
    if !first.scores.is_empty() {
        push(out, &scores(first, look));
    }
}

/// Scores of the chosen node beside those of the next best.
fn scores(attempt: &AttemptRow, look: Look) -> String {
    let mut table = table(look);
    let node = attempt.node.as_deref().unwrap_or("");
    let mut head = vec![Cell::new("score by plugin"), right(node)];
    head.extend(attempt.next_best.iter().map(|next| right(format!("{next} (next best)"))));
    table.set_header(head);
    let mut sums = (0, 0);
    for row in &attempt.scores {
        let next = row.next_best.unwrap_or(0);
        sums = (sums.0 + row.score, sums.1 + next);
        let mut cells = vec![Cell::new(&row.plugin), right(row.score)];
        cells.extend(attempt.next_best.iter().map(|_| right(next)));
        table.add_row(cells);
    }
    let mut cells = vec![Cell::new("sum"), right(sums.0)];
    cells.extend(attempt.next_best.iter().map(|_| right(sums.1)));
    table.add_row(cells);
    table.trim_fmt()
}
