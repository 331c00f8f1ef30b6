//! `wavetank explain`: the life of one pod, each step with its reason.

use super::run::{broken_input, load, quoted};
use super::terminal::{Progress, Terminal, print};
use super::{Answer, Failure, OutputArgs};
use crate::experiment::{DEFAULT_NAMESPACE, Followed, PodRef, Session, follow};
use crate::ground::{Span, Time};
use crate::model::{PodUid, WorkloadId};
use crate::report::{ExplainHead, Look, explanation, explanation_text};
use crate::scenario::{BASE_VARIANT, Scenario};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wavetank explain scenarios/quickstart.yaml --pod web-36\n  \
                        wavetank explain my.yaml --pod shop/web-3 --at 40m30s\n  \
                        wavetank explain my.yaml --pod web-3 --variant patient -o json")]
pub(super) struct ExplainArgs {
    /// The scenario file; `-` is standard input. Without it, the quickstart is played.
    scenario: Option<PathBuf>,
    /// The pod: its name, with its namespace before it if that is not `default`.
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pod: String,
    /// Tell its life up to this simulated time, such as `40m`; else up to the end of the run.
    #[arg(long, value_name = "TIME")]
    at: Option<Span>,
    /// Seed of all random draws, in place of the one in the file.
    #[arg(long)]
    seed: Option<u64>,
    /// Change a value of the file; may be given several times.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// The variant that is played.
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Form of the answer on standard output.
    #[arg(short, long, value_enum, default_value_t = Form::Table)]
    output: Form,
    #[command(flatten)]
    look: OutputArgs,
}

/// Form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Sentences and tables for people.
    Table,
    /// One object with every step and every attempt.
    Json,
}

impl ExplainArgs {
    /// The command that gives this explanation again.
    fn command(&self, seed: u64) -> String {
        let mut words = vec!["wavetank".to_owned(), "explain".to_owned()];
        words.extend(self.scenario.as_deref().map(|path| path.display().to_string()));
        words.extend(["--pod".to_owned(), self.pod.clone()]);
        words.extend(self.at.iter().flat_map(|at| ["--at".to_owned(), at.to_string()]));
        words.extend(["--seed".to_owned(), seed.to_string()]);
        words.extend(self.set.iter().flat_map(|set| ["--set".to_owned(), set.clone()]));
        words.extend(self.variant.iter().flat_map(|v| ["--variant".to_owned(), v.clone()]));
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

/// Plays the scenario, following the pod, and prints its life.
pub(super) fn explain(args: &ExplainArgs) -> Result<Answer, Failure> {
    let wanted = PodRef::parse(&args.pod).ok_or_else(|| {
        let help = "write its name, or its namespace, a slash and its name";
        Failure::input(format!("`{}` does not name a pod", args.pod), help)
    })?;
    let loaded = load(args.scenario.as_deref(), &args.set, args.look.color)?;
    let stderr = Terminal::stderr(args.look.color);
    for warning in loaded.warnings.iter().filter(|_| !args.look.quiet) {
        stderr.error_line(&warning.render(stderr.colour()));
    }
    let scenario = chosen(&loaded.scenarios, args.variant.as_deref())?;
    let seed = args.seed.unwrap_or(scenario.file.seed);
    let at = moment(args, scenario)?;
    let bars = Progress::new(&scenario.file.name, 1, args.look.quiet);
    let end = at.or(scenario.file.until.map(|until| Time::ZERO + until)).unwrap_or(Time::MAX);
    let share = |now: Time| bars.at(0, now.as_secs_f64() / end.as_secs_f64());
    let followed = follow(scenario, &Session::new(seed), wanted, at, share);
    bars.done();
    let followed = followed.map_err(broken_input)?;
    let is_base = scenario.variant == BASE_VARIANT;
    let head = ExplainHead {
        scenario: scenario.file.name.clone(),
        variant: if is_base { String::new() } else { scenario.variant.clone() },
        seed,
        command: args.command(seed),
    };
    let told = explanation(&followed, &head).ok_or_else(|| unknown(&followed))?;
    let text = match args.output {
        Form::Json => serde_json::to_string_pretty(&told)
            .map(|text| text + "\n")
            .map_err(|error| Failure::Internal(format!("no JSON can be made: {error}.")))?,
        Form::Table => {
            let terminal = Terminal::stdout(args.look.color);
            let look = Look { width: terminal.width(), colour: terminal.colour() };
            explanation_text(&told, look)
        }
    };
    if !args.look.quiet || args.output != Form::Table {
        print(&text)?;
    }
    Ok(Answer::Held)
}

/// The variant that is played: the named one, or the only one.
fn chosen<'s>(scenarios: &'s [Scenario], name: Option<&str>) -> Result<&'s Scenario, Failure> {
    let known: Vec<&str> = scenarios.iter().map(|s| s.variant.as_str()).collect();
    let known = known.join(", ");
    match (name, scenarios) {
        (None, [only]) => Ok(only),
        (None, _) => Err(Failure::input(
            "the scenario has several variants, and each pod a life in each",
            format!("choose one with --variant: {known}"),
        )),
        (Some(name), _) => {
            scenarios.iter().find(|scenario| scenario.variant == name).ok_or_else(|| {
                let message = format!("the scenario has no variant `{name}`");
                Failure::input(message, format!("its variants are {known}"))
            })
        }
    }
}

/// Up to when the life is told, if that is asked.
fn moment(args: &ExplainArgs, scenario: &Scenario) -> Result<Option<Time>, Failure> {
    if let (Some(at), Some(until)) = (args.at, scenario.file.until)
        && at > until
    {
        let message = format!("--at {at} is after the end of the run");
        return Err(Failure::input(message, format!("the run ends at {until}")));
    }
    Ok(args.at.map(|at| Time::ZERO + at))
}

/// Most edits between a name and one that was probably meant.
const NEAR: usize = 3;
/// Pods that are listed.
const LISTED: usize = 3;

/// Says that there was no such pod, which was probably meant, and which there were.
fn unknown(followed: &Followed) -> Failure {
    let wanted = &followed.wanted;
    let full = |pod: PodUid| {
        let name = followed.name(pod);
        match followed.namespace(pod) {
            DEFAULT_NAMESPACE => name,
            namespace => format!("{namespace}/{name}"),
        }
    };
    let asked = match wanted.namespace.as_str() {
        DEFAULT_NAMESPACE => wanted.name.clone(),
        namespace => format!("{namespace}/{}", wanted.name),
    };
    let message = format!("there was no pod `{asked}` until {}", followed.at);
    let near = followed.follow.pods.ids().map(|pod| (distance(&full(pod), &asked), pod)).min();
    let Some((edits, nearest)) = near else {
        return Failure::input(message, "there was no pod at all");
    };
    let like = full(nearest);
    let meant = if edits <= NEAR { format!("did you mean `{like}`? ") } else { String::new() };
    let workload = followed.follow.pods[nearest].workload;
    Failure::input(message, format!("{meant}{}", siblings(followed, workload, full)))
}

/// Fewest edits from one name to the other; the same name in another namespace is near.
fn distance(name: &str, asked: &str) -> usize {
    let bare = |text: &str| text.rsplit('/').next().map(str::to_owned).unwrap_or_default();
    if bare(name) == bare(asked) { 1 } else { strsim::damerau_levenshtein(name, asked) }
}

/// A few pods of a workload.
fn siblings(followed: &Followed, workload: WorkloadId, full: impl Fn(PodUid) -> String) -> String {
    let follow = &followed.follow;
    let pods: Vec<PodUid> = follow
        .pods
        .iter()
        .filter(|(_, row)| row.workload == workload)
        .map(|(pod, _)| pod)
        .collect();
    let name = followed.catalog.names.text(follow.workloads[workload].name);
    let first: Vec<String> = pods.iter().take(LISTED).map(|pod| full(*pod)).collect();
    let rest = match pods.split_last() {
        Some((last, _)) if pods.len() > LISTED => format!(", ... {}", full(*last)),
        _ => String::new(),
    };
    format!("pods of {name}: {}{rest}", first.join(", "))
}
