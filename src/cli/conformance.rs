//! `wavetank conformance`: replays recorded decisions of real systems.

use super::terminal::print;
use super::{Answer, Failure};
use crate::experiment::{
    CaseReport, Deviation, Difference, TimelineReport, TopicReport, Unreadable, recorded_cases,
    recorded_timelines, recorded_topics, replay_case, replay_timeline, replay_topic,
};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Arguments of `conformance`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wavetank conformance recordings/kube-scheduler\n  \
                        wavetank conformance recordings/kube-controllers/decisions\n  \
                        wavetank conformance recordings/kube-controllers/timelines --show 50\n  \
                        wavetank conformance one-case -o json > differences.json")]
pub(super) struct ConformanceArgs {
    /// Folders with recordings: each a case, full of cases, with decisions, one file a topic, or
    /// with timelines, one folder each.
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Most differences that are shown; of each timeline that many. JSON has all of them.
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
    KubeDecisions,
    KubeTimelines,
    ClusterAutoscaler,
    VerticalPodAutoscaler,
    Swarm,
    GpuSharing,
}

impl Recording {
    fn name(self) -> &'static str {
        match self {
            Recording::KubeScheduler => "decisions of kube-scheduler",
            Recording::KubeDecisions => "decisions of Kubernetes controllers",
            Recording::KubeTimelines => "timelines of Kubernetes controllers",
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
        } else if !recorded_topics(folder).is_empty() {
            Some(Recording::KubeDecisions)
        } else if !recorded_timelines(folder).is_empty() {
            Some(Recording::KubeTimelines)
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

/// What was found over all recordings.
#[derive(Debug, Default, Serialize)]
struct Found {
    cases: usize,
    cases_agreeing: usize,
    lines: usize,
    lines_agreeing: usize,
    /// Lines that were decided on the fast path too.
    lines_fast: usize,
    reports: Vec<CaseReport>,
    /// Decisions, topic by topic.
    topics: Vec<TopicReport>,
    /// Timelines that were run.
    timelines: Vec<TimelineReport>,
    /// Recordings that are there but that this version cannot replay.
    not_covered: Vec<NotCovered>,
}

#[derive(Debug, Serialize)]
struct NotCovered {
    recording: String,
    cases: usize,
    /// Why, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Found {
    /// Replays the recordings of a folder.
    fn replay(&mut self, folder: &Path) -> Result<(), Unreadable> {
        for case in recorded_cases(folder) {
            let report = replay_case(&case)?;
            self.cases += 1;
            self.cases_agreeing += usize::from(report.agreeing == report.lines);
            self.lines += report.lines;
            self.lines_agreeing += report.agreeing;
            self.lines_fast += report.fast;
            self.reports.push(report);
        }
        let topics = recorded_topics(folder);
        for topic in &topics {
            if topic.is_covered {
                self.topics.push(replay_topic(topic)?);
            } else {
                let (recording, cases) = (topic.name.clone(), topic.cases()?);
                self.not_covered.push(NotCovered { recording, cases, reason: None });
            }
        }
        for timeline in recorded_timelines(folder) {
            let report = replay_timeline(&timeline)?;
            if let Some(reason) = report.not_covered {
                let (recording, reason) = (report.timeline, Some(reason));
                self.not_covered.push(NotCovered { recording, cases: 1, reason });
            } else {
                self.timelines.push(report);
            }
        }
        Ok(())
    }

    /// True if everything that was replayed agrees. Nothing replayed is no agreement.
    fn agrees(&self) -> bool {
        self.lines_agreeing == self.lines
            && self.topics.iter().all(|topic| topic.agreeing == topic.cases)
            && self.timelines.iter().all(TimelineReport::agrees)
            && !(self.reports.is_empty() && self.topics.is_empty() && self.timelines.is_empty())
    }

    fn text(&self, show: usize) -> String {
        let mut text = String::new();
        self.tell_cases(&mut text);
        self.tell_topics(&mut text);
        self.tell_timelines(&mut text, show);
        self.tell_not_covered(&mut text);
        let of_cases = self.reports.iter().flat_map(|report| {
            report.differences.iter().map(|difference| (report.case.as_str(), difference))
        });
        let of_topics = self.topics.iter().flat_map(|report| {
            report.differences.iter().map(|difference| (report.topic.as_str(), difference))
        });
        let differences = of_cases.chain(of_topics);
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

    fn tell_cases(&self, text: &mut String) {
        let Found { cases, cases_agreeing, lines, lines_agreeing, lines_fast, .. } = self;
        if self.reports.is_empty() {
            return;
        }
        let percent = percent(*lines_agreeing, *lines);
        writeln!(
            text,
            "{cases} cases, {cases_agreeing} agree as a whole.\n\
             {lines} lines, {lines_agreeing} agree: {percent} %.\n\
             {lines_fast} of the lines were also decided on the fast path, which must not differ."
        )
        .expect("a string takes any text");
    }

    fn tell_topics(&self, text: &mut String) {
        let mut tell = |line: String| writeln!(text, "{line}").expect("a string takes any text");
        if !self.topics.is_empty() {
            let cases: usize = self.topics.iter().map(|topic| topic.cases).sum();
            let agreeing: usize = self.topics.iter().map(|topic| topic.agreeing).sum();
            let percent = percent(agreeing, cases);
            tell(format!("{cases} decisions, {agreeing} agree: {percent} %."));
        }
        for TopicReport { topic, cases, agreeing, .. } in &self.topics {
            tell(format!("  {topic:<30} {agreeing:>5} of {cases:>5} agree"));
        }
    }

    fn tell_timelines(&self, text: &mut String, show: usize) {
        let mut tell = |line: String| writeln!(text, "{line}").expect("a string takes any text");
        if self.timelines.is_empty() {
            return;
        }
        let (all, agreeing) = (self.timelines.len(), self.timelines.iter());
        let agreeing = agreeing.filter(|timeline| timeline.agrees()).count();
        tell(format!("{all} timelines, {agreeing} agree as a whole."));
        for TimelineReport { timeline, compared, deviations, .. } in &self.timelines {
            let differ = deviations.len();
            match differ {
                0 => tell(format!("  {timeline:<30} agrees in {compared} comparisons")),
                _ => tell(format!("  {timeline:<30} differs in {differ} of {compared}")),
            }
            for Deviation { what, exact, at, recorded: [first, second], ours } in
                deviations.iter().take(show)
            {
                let at = at.as_ref().map_or(String::new(), |at| format!(", {at}"));
                let kind = if *exact { "" } else { " (within the tolerance of neither)" };
                tell(format!("    {what}{at}{kind}\n      recorded: {first}"));
                if first != second {
                    tell(format!("            or: {second}"));
                }
                tell(format!("      wavetank: {ours}"));
            }
            if differ > show {
                tell(format!("    {} more; -o json has all of them", differ - show));
            }
        }
    }

    fn tell_not_covered(&self, text: &mut String) {
        let mut tell = |line: String| writeln!(text, "{line}").expect("a string takes any text");
        if !self.not_covered.is_empty() {
            tell("Not covered yet, and not compared:".to_owned());
        }
        for NotCovered { recording, cases, reason } in &self.not_covered {
            match reason {
                Some(reason) => tell(format!("  {recording:<30} {reason}")),
                None => tell(format!("  {recording:<39} {cases:>5}")),
            }
        }
    }
}

/// Cut to two decimals, so that 100 means all.
fn percent(part: usize, whole: usize) -> f64 {
    (part * 10_000).checked_div(whole).unwrap_or(0) as f64 / 100.0
}

fn show_difference(text: &mut String, case: &str, difference: &Difference) {
    let value = |value: &Option<serde_json::Value>| {
        value.as_ref().map_or("nothing".to_owned(), ToString::to_string)
    };
    let Difference { line, pod, field, ours, theirs } = difference;
    let (ours, theirs) = (value(ours), value(theirs));
    let pod = if pod.is_empty() { String::new() } else { format!(", pod {pod}") };
    let (their, our) = match field.starts_with("fast.") {
        true => ("plain path", "fast path"),
        false => ("recorded", "wavetank"),
    };
    writeln!(text, "\n{case}, line {line}{pod}: {field}\n  {their}: {theirs}\n  {our}: {ours}")
        .expect("a string takes any text");
}

/// Replays every folder. A folder of another kind is refused by name before anything is replayed.
pub(super) fn conformance(args: &ConformanceArgs) -> Result<Answer, Failure> {
    let refused: Vec<String> = args.folders.iter().filter_map(|folder| refuse(folder)).collect();
    if !refused.is_empty() {
        return Err(Failure::Input(refused));
    }
    let mut found = Found::default();
    for folder in &args.folders {
        found.replay(folder).map_err(|error| {
            Failure::input(error.to_string(), "a case is recorded as the README describes")
        })?;
    }
    let text = match args.output {
        Form::Text => found.text(args.show),
        Form::Json => {
            let json = serde_json::to_string_pretty(&found);
            json.map_err(|error| Failure::Internal(format!("no JSON can be made: {error}.")))?
                + "\n"
        }
    };
    print(&text)?;
    Ok(if found.agrees() { Answer::Held } else { Answer::Failed })
}

/// Why a folder cannot be replayed.
fn refuse(folder: &Path) -> Option<String> {
    let (message, help) = match Recording::recognise(folder) {
        Some(Recording::KubeScheduler | Recording::KubeDecisions | Recording::KubeTimelines) => {
            return None;
        }
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
