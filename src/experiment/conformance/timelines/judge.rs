//! Compares what a watcher saw of our run with what was recorded of two runs of the real thing.
//!
//! Compared exactly, with both runs where they agree and with either where they differ: which
//! objects there are, their states where both recorded runs are at rest, the stories of their
//! conditions and of everything else that is not a number, the life of each pod, the order in
//! which pods with fixed names come and go, and limits that are never crossed. Compared within the
//! tolerance: when all of this happens, and every number over time.

use super::pods;
use super::series::{Numbers, Outside, Story, outside, same, seconds, story, told};
use super::setup::Setup;
use super::trace::{Micros, State, Trace};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Something that is not as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deviation {
    /// What was compared.
    pub what: String,
    /// False where only the time is not within the tolerance, or a number while it changes.
    pub exact: bool,
    /// When ours leaves what was recorded, seconds after the start of the script; nothing where
    /// that is no moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What the two recorded runs have.
    pub recorded: [String; 2],
    /// What we have.
    pub ours: String,
}

/// How far times may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tolerance {
    /// Of times that only the machine's own speed moves.
    pub(super) plain: Micros,
    /// Of times in which timestamps take part that are cut to whole seconds.
    pub(super) cut: Micros,
    /// Which workloads have such times, by name; they are those that count seconds.
    pub(super) counted: bool,
}

/// What is compared, and how far it went.
pub(super) struct Judge<'t> {
    pub(super) ours: &'t Trace,
    pub(super) runs: [&'t Trace; 2],
    pub(super) end: Micros,
    pub(super) tolerance: Tolerance,
    pub(super) compared: usize,
    pub(super) deviations: Vec<Deviation>,
}

impl Judge<'_> {
    /// Notes one comparison.
    pub(super) fn check(&mut self, deviation: Option<Deviation>) {
        self.compared += 1;
        self.deviations.extend(deviation);
    }

    /// Compares something that has no time: ours has to be that of one of the runs.
    pub(super) fn either<T: PartialEq>(
        &mut self,
        what: impl FnOnce() -> String,
        of: impl Fn(&Trace) -> T,
        words: impl Fn(&T) -> String,
    ) {
        let ours = of(self.ours);
        let recorded = self.runs.map(&of);
        let agrees = recorded.contains(&ours);
        self.check((!agrees).then(|| Deviation {
            what: what(),
            exact: true,
            at: None,
            recorded: recorded.each_ref().map(&words),
            ours: words(&ours),
        }));
    }

    /// Compares a number over time.
    pub(super) fn numbers(&mut self, what: String, of: impl Fn(&Trace) -> Numbers, cut: bool) {
        let tolerance = self.tolerance(cut);
        let [first, second] = self.runs.map(&of);
        let found = outside(&of(self.ours), [&first, &second], tolerance, self.end);
        let range = |(least, most): (i64, i64)| match least == most {
            true => least.to_string(),
            false => format!("{least} to {most}"),
        };
        self.check(found.map(|Outside { at, ours, first, second }| Deviation {
            what,
            exact: false,
            at: Some(seconds(at)),
            recorded: [range(first), range(second)],
            ours: ours.to_string(),
        }));
    }

    /// Compares a story.
    pub(super) fn story(&mut self, what: String, of: impl Fn(&Trace) -> Story, cut: bool) {
        let tolerance = self.tolerance(cut);
        let ours = of(self.ours);
        let recorded = self.runs.map(&of);
        let agrees = recorded.iter().any(|theirs| same(&ours, theirs, tolerance));
        let exact = !recorded.iter().any(|theirs| same(&ours, theirs, Micros::MAX));
        self.check((!agrees).then(|| Deviation {
            what,
            exact,
            at: None,
            recorded: recorded.each_ref().map(told),
            ours: told(&ours),
        }));
    }

    fn tolerance(&self, cut: bool) -> Micros {
        if cut || self.tolerance.counted { self.tolerance.cut } else { self.tolerance.plain }
    }

    /// Compares everything.
    pub(super) fn everything(&mut self, setup: &Setup, rests: &[Micros]) {
        self.objects();
        self.at_rest(rests);
        pods::lives(self);
        pods::counts(self);
        pods::named(self);
        pods::limits(self);
        pods::delays(self, setup);
    }

    fn keys(&self) -> BTreeSet<String> {
        let runs = self.runs.into_iter().chain([self.ours]);
        let watched = |key: &&String| !is_unwatched(key);
        runs.flat_map(|trace| trace.objects.keys().filter(watched)).cloned().collect()
    }

    /// Every field of every object over time.
    fn objects(&mut self) {
        for key in self.keys() {
            let there = |trace: &Trace| {
                let states = trace.objects.get(&key).into_iter().flatten();
                let word = |state: &State| if state.is_empty() { "gone" } else { "there" };
                story(states.map(|(at, state)| (*at, word(state).to_owned())))
            };
            self.story(key.clone(), there, false);
            for field in self.fields(&key) {
                self.field(&key, &field);
            }
        }
    }

    /// All fields that an object ever has in a recording.
    fn fields(&self, key: &str) -> BTreeSet<String> {
        let states = |trace: &&Trace| trace.objects.get(key).cloned().unwrap_or_default();
        let runs = self.runs.iter().flat_map(states);
        runs.flat_map(|(_, state)| state.into_keys()).collect()
    }

    fn field(&mut self, key: &str, field: &str) {
        let what = format!("{key}: {field}");
        // Generations that were observed are compared at rest; between, each write shows.
        if field == "observed" {
            return;
        }
        let is_number = self.runs.iter().any(|trace| {
            let mut states = trace.objects.get(key).into_iter().flatten();
            states.any(|(_, state)| state.get(field).is_some_and(Value::is_number))
        });
        let job = key.starts_with("Job ");
        if is_number {
            let numbers = |trace: &Trace| {
                let states = trace.objects.get(key).into_iter().flatten();
                let number = |state: &State| state.get(field).and_then(Value::as_i64).unwrap_or(0);
                states.map(|(at, state)| (*at, number(state))).collect()
            };
            self.numbers(what, numbers, job);
        } else if field == "conditions" {
            for kind in self.condition_types(key) {
                let cut = job || kind == "Progressing" || kind == "Ready";
                let of = |trace: &Trace| condition_story(trace, key, &kind);
                self.story(format!("{key}: condition {kind}"), of, cut);
            }
        } else {
            let values = |trace: &Trace| {
                let states = trace.objects.get(key).into_iter().flatten();
                let there = states.filter(|(_, state)| !state.is_empty());
                story(there.map(|(at, state)| (*at, words(state.get(field)))))
            };
            self.story(what, values, job);
        }
    }

    fn condition_types(&self, key: &str) -> BTreeSet<String> {
        let runs = self.runs.into_iter().chain([self.ours]);
        let states = runs.flat_map(|trace| trace.objects.get(key)).flatten();
        let all = states.flat_map(|(_, state)| conditions(state));
        all.map(|(kind, _)| kind.to_owned()).collect()
    }

    /// The whole state of every object where both recorded runs are at rest.
    fn at_rest(&mut self, rests: &[Micros]) {
        for at in rests {
            for key in self.keys() {
                let what = || format!("{key} at rest, {}", seconds(*at));
                let of = |trace: &Trace| trace.state_at(&key, *at).cloned();
                let told = |state: &Option<State>| match state {
                    Some(state) => {
                        let fields = state.iter();
                        let fields = fields.map(|(field, value)| format!("{field} {value}"));
                        fields.collect::<Vec<String>>().join(", ")
                    }
                    None => "nothing".to_owned(),
                };
                self.either(what, of, told);
            }
        }
    }
}

/// Kinds of objects of which we keep no object to be watched yet.
const UNWATCHED: [&str; 4] = ["CronJob ", "DaemonSet ", "Job ", "PodDisruptionBudget "];

/// True for an object of a kind that we do not watch.
pub(super) fn is_unwatched(key: &str) -> bool {
    UNWATCHED.iter().any(|kind| key.starts_with(kind))
}

fn words(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

/// The conditions of an object: type, and status with reason.
fn conditions(state: &State) -> impl Iterator<Item = (&str, &str)> {
    let list = state.get("conditions").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|condition| condition.as_str()?.split_once('='))
}

fn condition_story(trace: &Trace, key: &str, kind: &str) -> Story {
    let states = trace.objects.get(key).into_iter().flatten();
    story(states.map(|(at, state)| {
        let found = conditions(state).find(|(other, _)| *other == kind);
        (*at, found.map_or(String::new(), |(_, value)| value.to_owned()))
    }))
}
