//! `wavetank run`: one scenario with one seed, each of its variants side by side.

use super::examples::quickstart;
use super::terminal::{Progress, Terminal, cpu_seconds, print, started};
use super::{Answer, ColorChoice, Failure, OutputArgs};
use crate::experiment::{Finished, RunFailure, Session, run as run_scenario};
use crate::ground::Time;
use crate::journal::EventWriter;
use crate::metrics::catalog;
use crate::report::{
    Drawn, Host, Look, RunReport, Shown, Streamed, TimelineLimits, TimelineWriter, changed,
    summary, text, write_comparison, write_run,
};
use crate::scenario::{BASE_VARIANT, Input, Loaded, Outcome, Scenario};
use clap::{Args, ValueEnum};
use rayon::prelude::*;
use std::fmt::Write;
use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wavetank run\n  wavetank run scenarios/quickstart.yaml\n  \
                        wavetank run my.yaml --seed 8 --set cluster.nodes.general.count=40\n  \
                        wavetank run my.yaml -o json > summary.json")]
pub(super) struct RunArgs {
    /// The scenario file; `-` is standard input. Without it, the quickstart is played.
    scenario: Option<PathBuf>,
    /// Seed of all random draws, in place of the one in the file.
    #[arg(long)]
    seed: Option<u64>,
    /// Change a value of the file; may be given several times.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Run only this variant; may be given several times.
    #[arg(long, value_name = "NAME")]
    variant: Vec<String>,
    /// Folder in which the results are put.
    #[arg(long, value_name = "FOLDER", default_value = "reports/runs")]
    out: PathBuf,
    /// Write the event log, too.
    #[arg(long)]
    events: bool,
    /// Write timeline.json, for Perfetto, however large the run: of its first 20,000 pods and two
    /// million events. Without it, runs of up to 2,000 pods and 200,000 events have one.
    #[arg(long)]
    timeline: bool,
    /// Check the invariants of the world after every event. Slow.
    #[arg(long)]
    check: bool,
    /// Form of the answer on standard output.
    #[arg(short, long, value_enum, default_value_t = Form::Table)]
    output: Form,
    #[command(flatten)]
    look: OutputArgs,
}

/// Form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Sentences and a table for people.
    Table,
    /// What `summary.json` holds, one object a variant.
    Json,
    /// One line a metric: variant, metric, unit, value.
    Csv,
    /// The same as a table in Markdown.
    Markdown,
}

impl RunArgs {
    /// What bare `wavetank` means.
    pub(super) fn quickstart() -> RunArgs {
        RunArgs {
            scenario: None,
            seed: None,
            set: Vec::new(),
            variant: Vec::new(),
            out: PathBuf::from("reports/runs"),
            events: false,
            timeline: false,
            check: false,
            output: Form::Table,
            look: OutputArgs { color: ColorChoice::Auto, quiet: false },
        }
    }

    /// The command that repeats this run, whatever the file says later about its seed.
    fn command(&self, seed: u64) -> String {
        let mut command = "wavetank run".to_owned();
        let scenario = self.scenario.as_deref().map(|path| path.display().to_string());
        for word in scenario.into_iter().chain(["--seed".to_owned(), seed.to_string()]) {
            write!(command, " {}", quoted(&word)).expect("a string takes any text");
        }
        for (flag, values) in [("--set", &self.set), ("--variant", &self.variant)] {
            for value in values {
                write!(command, " {flag} {}", quoted(value)).expect("a string takes any text");
            }
        }
        command
    }
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Where the scenario of these arguments comes from.
pub(super) fn input(scenario: Option<&Path>) -> Result<Input, Failure> {
    match scenario {
        None => {
            let (name, text) = quickstart();
            let (name, text) = (name.to_owned(), text.as_bytes().to_vec());
            Ok(Input::Text { name, text, folder: PathBuf::new() })
        }
        Some(path) if path.as_os_str() == "-" => {
            let mut text = Vec::new();
            std::io::stdin().lock().read_to_end(&mut text).map_err(|error| {
                Failure::input(
                    format!("standard input cannot be read: {error}"),
                    "pipe a scenario into this command",
                )
            })?;
            Ok(Input::Text { name: "standard input".to_owned(), text, folder: PathBuf::new() })
        }
        Some(path) => Ok(Input::File(path.to_owned())),
    }
}

/// Loads a scenario; what is wrong with it is the failure.
pub(super) fn load(
    scenario: Option<&Path>,
    sets: &[String],
    color: ColorChoice,
) -> Result<Loaded, Failure> {
    let colour = Terminal::stderr(color).colour();
    Scenario::load(&input(scenario)?, sets).map_err(|diagnostics| {
        Failure::Input(diagnostics.iter().map(|diagnostic| diagnostic.render(colour)).collect())
    })
}

/// A finished run and where it went.
struct Done {
    report: RunReport,
    folder: PathBuf,
    expectations: Vec<Outcome>,
    drawn: Drawn,
}

/// Runs the scenario, writes the results and prints the answer.
pub(super) fn run(args: &RunArgs) -> Result<Answer, Failure> {
    let loaded = load(args.scenario.as_deref(), &args.set, args.look.color)?;
    let stderr = Terminal::stderr(args.look.color);
    for warning in loaded.warnings.iter().filter(|_| !args.look.quiet) {
        stderr.error_line(&warning.render(stderr.colour()));
    }
    let scenarios = chosen(&loaded.scenarios, &args.variant)?;
    let name = &loaded.scenarios[0].file.name;
    let bars = Progress::new(name, scenarios.len(), args.look.quiet);
    let done: Vec<Result<Done, Failure>> = scenarios
        .par_iter()
        .enumerate()
        .map(|(number, scenario)| run_one(args, scenario, |share| bars.at(number, share)))
        .collect();
    bars.done();
    let done = done.into_iter().collect::<Result<Vec<Done>, Failure>>()?;
    let compared = compare(args, name, &done)?;
    if !args.look.quiet || args.output != Form::Table {
        print(&answer(args, &done, compared.as_deref())?)?;
    }
    let held = done.iter().flat_map(|run| &run.expectations).all(|outcome| outcome.passed);
    Ok(if held { Answer::Held } else { Answer::Failed })
}

fn chosen<'s>(scenarios: &'s [Scenario], names: &[String]) -> Result<Vec<&'s Scenario>, Failure> {
    if names.is_empty() {
        return Ok(scenarios.iter().collect());
    }
    let find = |name: &String| {
        scenarios.iter().find(|scenario| scenario.variant == *name).ok_or_else(|| {
            let known: Vec<&str> = scenarios.iter().map(|s| s.variant.as_str()).collect();
            Failure::input(
                format!("the scenario has no variant `{name}`"),
                format!("its variants are {}", known.join(", ")),
            )
        })
    };
    names.iter().map(find).collect()
}

#[expect(clippy::disallowed_methods, reason = "how long a run took belongs into host.json")]
fn run_one(args: &RunArgs, scenario: &Scenario, progress: impl Fn(f64)) -> Result<Done, Failure> {
    let (wall, cpu, started) = (Instant::now(), cpu_seconds(), started());
    let seed = args.seed.unwrap_or(scenario.file.seed);
    let scratch = Some(args.out.join(".scratch"));
    let session = Session { check: args.check, scratch, ..Session::new(seed) };
    let folder = args.out.join(&scenario.file.name).join(&scenario.variant).join(seed.to_string());
    let (events, timeline) = (events_file(args, &folder)?, timeline_file(args, &folder)?);
    let (events, events_path) = events.unzip();
    let (timeline, timeline_path) = timeline;
    let until = scenario.file.until.map_or(Time::MAX, |until| Time::ZERO + until);
    let share = |now: Time| progress(now.as_secs_f64() / until.as_secs_f64());
    let sinks = (events, timeline);
    let finished = run_scenario(scenario, &session, sinks, share).map_err(|failure| {
        // What was begun is of no use; that it cannot be removed either is not the error to tell.
        for path in events_path.iter().chain([&timeline_path]) {
            let _ = std::fs::remove_file(path);
        }
        broken_input(failure)
    })?;
    let Finished { results, digest, sink: (events, timeline), .. } = finished;
    if let Some(events) = events {
        events.finish().map_err(|error| {
            Failure::Internal(format!("the event log cannot be written: {error}."))
        })?;
    }
    let is_base = scenario.variant == BASE_VARIANT;
    let (drawn, timeline_path) = finish_timeline(timeline, timeline_path)?;
    let value = |name: &str| catalog::value(&results, name);
    let expectations: Vec<Outcome> =
        scenario.file.expect.iter().map(|expectation| expectation.evaluate(&value)).collect();
    let report = RunReport {
        scenario: scenario.file.name.clone(),
        variant: if is_base { String::new() } else { scenario.variant.clone() },
        seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: args.command(seed),
        digest: digest.to_string(),
        expectations: expectations.iter().map(Into::into).collect(),
        changed: changed(&scenario.file),
        results,
    };
    let host = Host {
        cpu_seconds: cpu_seconds().zip(cpu).map_or(0.0, |(end, start)| end - start),
        wall_seconds: wall.elapsed().as_secs_f64(),
        started,
    };
    let streamed = Streamed { events: events_path, pods: None, timeline: timeline_path };
    write_run(&folder, &report, &host, &streamed)
        .map_err(|error| Failure::Input(vec![format!("error: {error}")]))?;
    Ok(Done { report, folder, expectations, drawn })
}

/// Writes the page over all variants, if there are several, and returns its path.
fn compare(args: &RunArgs, scenario: &str, done: &[Done]) -> Result<Option<PathBuf>, Failure> {
    if done.len() < 2 {
        return Ok(None);
    }
    let folder = args.out.join(scenario);
    let inside: Vec<String> =
        done.iter().map(|run| format!("{}/{}", run.report.variant, run.report.seed)).collect();
    let runs: Vec<(&RunReport, &str)> =
        done.iter().zip(&inside).map(|(run, inside)| (&run.report, inside.as_str())).collect();
    write_comparison(&folder, &runs)
        .map_err(|error| Failure::Input(vec![format!("error: {error}")]))?;
    Ok(Some(folder.join("report.html")))
}

/// A file that is written while the run goes on, and its path.
type Growing = (BufWriter<File>, PathBuf);

/// A file beside the folder of a run, which takes it in at the end.
fn file_beside(folder: &Path, ending: &str) -> Result<Growing, Failure> {
    let path = folder.with_extension(ending);
    let parent = path.parent().unwrap_or(Path::new("."));
    let file = std::fs::create_dir_all(parent).and_then(|()| File::create(&path));
    let file = file.map_err(|error| {
        Failure::input(
            format!("`{}` cannot be written: {error}", path.display()),
            "choose another folder with --out",
        )
    })?;
    Ok((BufWriter::new(file), path))
}

/// A sink for the event log, if it is wanted, and its path.
#[expect(clippy::type_complexity, reason = "a writer and its path")]
fn events_file(
    args: &RunArgs,
    folder: &Path,
) -> Result<Option<(EventWriter<BufWriter<File>>, PathBuf)>, Failure> {
    if !args.events {
        return Ok(None);
    }
    let (file, path) = file_beside(folder, "events.unfinished")?;
    Ok(Some((EventWriter::new(file), path)))
}

/// A sink for the time line, and its path.
fn timeline_file(
    args: &RunArgs,
    folder: &Path,
) -> Result<(TimelineWriter<BufWriter<File>>, PathBuf), Failure> {
    let limits = if args.timeline { TimelineLimits::LARGE } else { TimelineLimits::SMALL };
    let (file, path) = file_beside(folder, "timeline.unfinished")?;
    Ok((TimelineWriter::new(file, limits), path))
}

/// How the time line came out, and where it is if it is of use.
fn finish_timeline(
    timeline: TimelineWriter<BufWriter<File>>,
    path: PathBuf,
) -> Result<(Drawn, Option<PathBuf>), Failure> {
    let failed = |error: std::io::Error| {
        Failure::Internal(format!("the time line cannot be written: {error}."))
    };
    let (drawn, _) = timeline.finish().map_err(failed)?;
    if drawn == Drawn::TooLarge {
        std::fs::remove_file(&path).map_err(failed)?;
        return Ok((drawn, None));
    }
    Ok((drawn, Some(path)))
}

/// What the time line does not show, for people.
fn about_timeline(done: &[Done]) -> Option<String> {
    let worst = done.iter().map(|run| run.drawn).max_by_key(|drawn| match drawn {
        Drawn::Whole => 0,
        Drawn::Partly { pods, events } => 1 + pods + events,
        Drawn::TooLarge => u64::MAX,
    })?;
    match worst {
        Drawn::Whole => None,
        Drawn::Partly { pods, events } => Some(format!(
            "Time line: {pods} pods and {events} events are not in timeline.json, which has limits"
        )),
        Drawn::TooLarge => Some(
            "Time line: none, the run is large; --timeline writes its first 20,000 pods".to_owned(),
        ),
    }
}

pub(super) fn broken_input(failure: RunFailure) -> Failure {
    match failure {
        RunFailure::Source(error) => Failure::Input(vec![format!("error: {error}")]),
        RunFailure::Distribution(error) => Failure::Input(vec![format!("error: {error}")]),
    }
}

fn answer(args: &RunArgs, done: &[Done], compared: Option<&Path>) -> Result<String, Failure> {
    let internal =
        |error: serde_json::Error| Failure::Internal(format!("no JSON can be made: {error}."));
    match args.output {
        Form::Table => Ok(table(args, done, compared)),
        Form::Json => {
            let summaries: Vec<_> = done.iter().map(|run| summary(&run.report)).collect();
            let text = match summaries.as_slice() {
                [only] => serde_json::to_string_pretty(only),
                several => serde_json::to_string_pretty(several),
            };
            text.map(|text| text + "\n").map_err(internal)
        }
        Form::Csv => Ok(lines(done, "variant,metric,unit,value\n", |cells| cells.join(",") + "\n")),
        Form::Markdown => {
            let head = "| variant | metric | unit | value |\n|---|---|---|---:|\n";
            Ok(lines(done, head, |cells| format!("| {} |\n", cells.join(" | "))))
        }
    }
}

/// One line for each metric of each run.
fn lines(done: &[Done], head: &str, line: impl Fn([&str; 4]) -> String) -> String {
    let mut text = head.to_owned();
    for run in done {
        for metric in summary(&run.report).metrics {
            let value = metric.value.map_or(String::new(), |value| value.to_string());
            text += &line([run.report.variant.as_str(), &metric.name, &metric.unit, &value]);
        }
    }
    text
}

fn table(args: &RunArgs, done: &[Done], compared: Option<&Path>) -> String {
    let terminal = Terminal::stdout(args.look.color);
    let folders: Vec<String> = done.iter().map(|run| run.folder.display().to_string()).collect();
    let shown: Vec<Shown<'_>> = done
        .iter()
        .zip(&folders)
        .map(|(run, folder)| Shown { report: &run.report, folder: Some(folder) })
        .collect();
    let look = Look { width: terminal.width(), colour: terminal.colour() };
    let mut out = text(&shown, look);
    let page =
        compared.map(Path::to_owned).or_else(|| Some(done.first()?.folder.join("report.html")));
    if let Some(page) = page {
        writeln!(out, "Report: {}", page.display()).expect("a string takes any text");
    }
    if let Some(about) = about_timeline(done) {
        writeln!(out, "{about}").expect("a string takes any text");
    }
    let expected = done.iter().any(|run| !run.expectations.is_empty());
    if expected {
        out.push_str("\nExpected\n");
    }
    for run in done {
        for outcome in &run.expectations {
            let mark = if outcome.passed { "held  " } else { "FAILED" };
            let of = match run.report.variant.as_str() {
                "" => String::new(),
                variant => format!("{variant}: "),
            };
            let found = match outcome.actual {
                Some(actual) => format!("it was {actual}"),
                None => "nothing to measure it on".to_owned(),
            };
            let line = format!("  {mark} {of}{} ({found})\n", outcome.expectation);
            out.push_str(&line);
        }
    }
    out
}
