//! `wavetank conformance`: replays recorded decisions of real systems.

use super::terminal::print;
use super::{Answer, Failure};
use crate::experiment::{CaseReport, Difference, recorded_cases, replay_case};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Arguments of `conformance`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wavetank conformance recordings/kube-scheduler\n  \
                        wavetank conformance one-case -o json > differences.json")]
pub(super) struct ConformanceArgs {
    /// Folders with recordings: each a case, or full of cases.
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Most differences that are shown; JSON has all of them.
    #[arg(long, default_value_t = 10, value_name = "NUMBER")]
    show: usize,
    /// Form of the answer on standard output.
    #[arg(short, long, value_enum, default_value_t = Form::Text)]
    output: Form,
}

/// Form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Sentences for people.
    Text,
    /// One object with every case and every difference.
    Json,
}

/// A kind of recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recording {
    KubeScheduler,
    KubeControllers,
    ClusterAutoscaler,
    VerticalPodAutoscaler,
    Swarm,
    GpuSharing,
}

impl Recording {
    fn name(self) -> &'static str {
        match self {
            Recording::KubeScheduler => "decisions of kube-scheduler",
            Recording::KubeControllers => "timelines of Kubernetes controllers",
            Recording::ClusterAutoscaler => "decisions of the Cluster Autoscaler",
            Recording::VerticalPodAutoscaler => "recommendations of the Vertical Pod Autoscaler",
            Recording::Swarm => "placements of Swarm",
            Recording::GpuSharing => "results of the GPU-sharing paper",
        }
    }

    /// What a folder holds, by the files that only this kind has.
    fn recognise(folder: &Path) -> Option<Recording> {
        let has = |file: &str| folder.join(file).exists();
        if !recorded_cases(folder).is_empty() {
            Some(Recording::KubeScheduler)
        } else if has("decisions") && has("timelines") {
            Some(Recording::KubeControllers)
        } else if has("estimator.jsonl") {
            Some(Recording::ClusterAutoscaler)
        } else if has("recommender.jsonl") {
            Some(Recording::VerticalPodAutoscaler)
        } else if has("placement.jsonl") {
            Some(Recording::Swarm)
        } else if has("expected.csv") && has("exact.csv") {
            Some(Recording::GpuSharing)
        } else {
            None
        }
    }
}

/// What was found over all cases.
#[derive(Debug, Serialize)]
struct Found {
    cases: usize,
    cases_agreeing: usize,
    lines: usize,
    lines_agreeing: usize,
    /// Lines that were decided on the fast path too.
    lines_fast: usize,
    reports: Vec<CaseReport>,
}

impl Found {
    fn new(reports: Vec<CaseReport>) -> Found {
        let whole = |report: &&CaseReport| report.agreeing == report.lines;
        Found {
            cases: reports.len(),
            cases_agreeing: reports.iter().filter(whole).count(),
            lines: reports.iter().map(|report| report.lines).sum(),
            lines_agreeing: reports.iter().map(|report| report.agreeing).sum(),
            lines_fast: reports.iter().map(|report| report.fast).sum(),
            reports,
        }
    }

    fn text(&self, show: usize) -> String {
        let mut text = String::new();
        let percent = match self.lines {
            0 => 0.0,
            lines => (self.lines_agreeing * 10_000 / lines) as f64 / 100.0,
        };
        let Found { cases, cases_agreeing, lines, lines_agreeing, lines_fast, .. } = self;
        writeln!(
            text,
            "{cases} cases, {cases_agreeing} agree as a whole.\n\
             {lines} lines, {lines_agreeing} agree: {percent} %.\n\
             {lines_fast} of the lines were also decided on the fast path, which must not differ."
        )
        .expect("a string takes any text");
        let differences = self.reports.iter().flat_map(|report| {
            report.differences.iter().map(|difference| (report.case.as_str(), difference))
        });
        let all = differences.clone().count();
        for (case, difference) in differences.take(show) {
            show_difference(&mut text, case, difference);
        }
        if all > show {
            writeln!(text, "\n{} more differences; -o json has all of them.", all - show)
                .expect("a string takes any text");
        }
        text
    }
}

fn show_difference(text: &mut String, case: &str, difference: &Difference) {
    let value = |value: &Option<serde_json::Value>| {
        value.as_ref().map_or("nothing".to_owned(), ToString::to_string)
    };
    let Difference { line, pod, field, ours, theirs } = difference;
    let (ours, theirs) = (value(ours), value(theirs));
    let (their, our) = match field.starts_with("fast.") {
        true => ("plain path", "fast path"),
        false => ("recorded", "wavetank"),
    };
    writeln!(
        text,
        "\n{case}, line {line}, pod {pod}: {field}\n  {their}: {theirs}\n  {our}: {ours}"
    )
    .expect("a string takes any text");
}

/// Replays every folder. A folder of another kind is refused by name before anything is replayed.
pub(super) fn conformance(args: &ConformanceArgs) -> Result<Answer, Failure> {
    let refused: Vec<String> = args.folders.iter().filter_map(|folder| refuse(folder)).collect();
    if !refused.is_empty() {
        return Err(Failure::Input(refused));
    }
    let mut reports = Vec::new();
    for folder in args.folders.iter().flat_map(|folder| recorded_cases(folder)) {
        let report = replay_case(&folder);
        reports.push(report.map_err(|error| {
            Failure::input(error.to_string(), "a case is recorded as the README describes")
        })?);
    }
    let found = Found::new(reports);
    let text = match args.output {
        Form::Text => found.text(args.show),
        Form::Json => {
            let json = serde_json::to_string_pretty(&found);
            json.map_err(|error| Failure::Internal(format!("no JSON can be made: {error}.")))?
                + "\n"
        }
    };
    print(&text)?;
    let agrees = found.lines_agreeing == found.lines;
    Ok(if agrees { Answer::Held } else { Answer::Failed })
}

/// Why a folder cannot be replayed.
fn refuse(folder: &Path) -> Option<String> {
    let (message, help) = match Recording::recognise(folder) {
        Some(Recording::KubeScheduler) => return None,
        Some(recording) => (
            format!("`{}` holds {}", folder.display(), recording.name()),
            "this version of wavetank cannot replay them yet; nothing was compared",
        ),
        None => (
            format!("`{}` holds no recording that wavetank knows", folder.display()),
            "name a folder of recorded cases, one folder a case",
        ),
    };
    Some(format!("error: {message}\n  = help: {help}"))
}
