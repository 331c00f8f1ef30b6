//! Comparisons of what happened to pods.

use super::judge::{Deviation, Judge};
use super::series::{Numbers, Story, seconds};
use super::setup::{Played, Setup};
use super::trace::{Micros, POD_EVENTS, PodEvent, PodLife, Trace};
use crate::model::normalized_image;
use std::collections::{BTreeMap, BTreeSet};

/// A pod that is gone before the script starts is of no interest.
fn watched(trace: &Trace) -> impl Iterator<Item = &PodLife> {
    trace.pods.iter().filter(|pod| pod.first(PodEvent::Gone).is_none_or(|at| at >= 0))
}

fn groups(judge: &Judge<'_>) -> BTreeSet<String> {
    let runs = judge.runs.into_iter().chain([judge.ours]);
    runs.flat_map(watched).map(PodLife::group).collect()
}

/// What happens to each pod, from first to last: as many pods of each group live each life as in
/// one of the recorded runs.
pub(super) fn lives(judge: &mut Judge<'_>) {
    for group in groups(judge) {
        let of = |trace: &Trace| {
            let mut lives: BTreeMap<String, usize> = BTreeMap::new();
            for pod in watched(trace).filter(|pod| pod.group() == group) {
                *lives.entry(pod.words()).or_default() += 1;
            }
            lives
        };
        let words = |lives: &BTreeMap<String, usize>| {
            let lives = lives.iter().map(|(life, count)| format!("{count} x {life}"));
            let lives: Vec<String> = lives.collect();
            if lives.is_empty() { "none".to_owned() } else { lives.join("; ") }
        };
        judge.either(|| format!("lives of pods of {group}"), of, words);
    }
}

/// How many pods of each group have come to each event, over time.
pub(super) fn counts(judge: &mut Judge<'_>) {
    for group in groups(judge) {
        for (event, word) in POD_EVENTS {
            let of = |trace: &Trace| {
                let pods = watched(trace).filter(|pod| pod.group() == group);
                let mut times: Vec<Micros> = pods
                    .flat_map(|pod| &pod.events)
                    .filter_map(|(at, other)| (*other == event).then_some(*at))
                    .collect();
                times.sort_unstable();
                let counted = times.into_iter().zip(1..);
                counted.collect::<Numbers>()
            };
            let job = group.starts_with("Job ");
            judge.numbers(format!("pods of {group}: {word}"), of, job);
        }
    }
}

/// The name that stays the same in every run, for pods that have one.
fn fixed_name(pod: &PodLife) -> Option<String> {
    match &pod.index {
        Some(index) => Some(format!("{} index {index}", pod.owner)),
        None if pod.owner.starts_with("StatefulSet ") => Some(pod.name.clone()),
        None => None,
    }
}

/// Pods whose names are fixed: when each of them, one after the other, comes, goes and so on, and
/// in which order they are created and asked to stop.
pub(super) fn named(judge: &mut Judge<'_>) {
    let runs = judge.runs.into_iter().chain([judge.ours]);
    let names: BTreeSet<String> = runs.flat_map(watched).filter_map(fixed_name).collect();
    for name in &names {
        let of = |trace: &Trace| {
            let pods = watched(trace).filter(|pod| fixed_name(pod).as_ref() == Some(name));
            let events = pods.flat_map(|pod| &pod.events).filter(|(at, _)| *at >= 0);
            events.map(|(at, event)| (*at, event.word().to_owned())).collect::<Story>()
        };
        judge.story(format!("pod {name}"), of, name.starts_with("Job "));
    }
    if names.is_empty() {
        return;
    }
    let order = |trace: &Trace| {
        let ordered = [PodEvent::Created, PodEvent::Deleting];
        let noted = trace.noted.iter();
        let noted = noted.filter(|(at, _, event)| *at >= 0 && ordered.contains(event));
        let named = noted.filter_map(|(_, pod, event)| {
            Some(format!("{} {}", fixed_name(&trace.pods[*pod])?, event.word()))
        });
        named.collect::<Vec<String>>()
    };
    let words = |order: &Vec<String>| order.join(", ");
    judge.either(|| "order of pods with fixed names".to_owned(), order, words);
}

/// Limits that are never crossed.
pub(super) fn limits(judge: &mut Judge<'_>) {
    let ready = |trace: &Trace| {
        extreme(trace, i64::min, |pod, at| {
            let state = pod.events.iter().take_while(|(time, _)| *time <= at);
            state.fold(false, |ready, (_, event)| match event {
                PodEvent::Ready => true,
                PodEvent::Unready
                | PodEvent::Deleting
                | PodEvent::Succeeded
                | PodEvent::Failed
                | PodEvent::Gone => false,
                _ => ready,
            })
        })
    };
    judge.either(|| "least ready pods".to_owned(), ready, |least| format!("{least:?}"));
    let live = |trace: &Trace| {
        extreme(trace, i64::max, |pod, at| {
            let ends = [PodEvent::Deleting, PodEvent::Succeeded, PodEvent::Failed, PodEvent::Gone];
            let over = ends.iter().any(|end| pod.first(*end).is_some_and(|time| time <= at));
            pod.first(PodEvent::Created).is_some_and(|time| time <= at) && !over
        })
    };
    let recorded = judge.runs.map(live);
    let ours = live(judge.ours);
    judge.check((ours > recorded[0].max(recorded[1])).then(|| Deviation {
        what: "most live pods".to_owned(),
        exact: true,
        at: None,
        recorded: recorded.map(|most| format!("{most:?}")),
        ours: format!("{ours:?}"),
    }));
    let owners = judge.runs[0].objects.keys().filter(|key| key.starts_with("Deployment "));
    let owners: Vec<String> = owners.cloned().collect();
    for owner in owners {
        let name = owner.trim_start_matches("Deployment ");
        let prefix = format!("ReplicaSet {name}#");
        let most = |trace: &Trace| most_wanted(trace, &prefix);
        let what = || format!("most pods wanted by all ReplicaSets of {name}");
        judge.either(what, most, |most| format!("{most:?}"));
    }
}

/// The least or most number of pods of which something holds, from the start of the script on.
fn extreme(
    trace: &Trace,
    pick: fn(i64, i64) -> i64,
    holds: impl Fn(&PodLife, Micros) -> bool,
) -> Option<i64> {
    let mut times: Vec<Micros> =
        trace.pods.iter().flat_map(|pod| pod.events.iter().map(|(at, _)| *at)).collect();
    times.push(0);
    times.retain(|at| *at >= 0);
    times.sort_unstable();
    times.dedup();
    let count = |at| trace.pods.iter().filter(|pod| holds(pod, at)).count() as i64;
    times.into_iter().map(count).reduce(pick)
}

fn most_wanted(trace: &Trace, prefix: &str) -> Option<i64> {
    let sets: Vec<&String> = trace.objects.keys().filter(|key| key.starts_with(prefix)).collect();
    let mut times: Vec<Micros> =
        sets.iter().flat_map(|key| trace.objects[*key].iter().map(|(at, _)| *at)).collect();
    times.push(0);
    let wanted = |at: Micros| {
        let of = |key: &&String| trace.state_at(key, at)?.get("specReplicas")?.as_i64();
        sets.iter().filter_map(of).sum::<i64>()
    };
    times.into_iter().filter(|at| *at >= 0).map(wanted).max()
}

/// How far apart the looks of a kubelet at its containers are: by so much either end of a time can
/// be late.
const LOOKS: Micros = 1_000;

/// Times that come from what the set-up says about the pods of an image.
pub(super) fn delays(judge: &mut Judge<'_>, setup: &Setup) {
    let played: BTreeMap<String, &Played> = setup
        .behaviours
        .iter()
        .map(|(image, played)| (normalized_image(image).into_owned(), played))
        .collect();
    let ours = judge.ours;
    for pod in &ours.pods {
        let played = played.get(&pod.image).copied().or_else(|| setup.behaviours.get("default"));
        let Some(played) = played else { continue };
        let ready = u64::try_from(played.ready_ms).ok();
        let steps = [
            (PodEvent::Bound, PodEvent::Running, Some(played.start_ms)),
            (PodEvent::Running, PodEvent::Ready, ready),
        ];
        for (from, to, wanted) in steps {
            let (Some(from_at), Some(to_at)) = (pod.first(from), pod.first(to)) else { continue };
            let took = to_at - from_at;
            let wanted = wanted.map(|millis| millis as Micros * 1000);
            let fits = wanted.is_some_and(|wanted| {
                took >= wanted - LOOKS && took <= wanted + judge.tolerance.plain
            });
            let recorded = wanted.map_or("never".to_owned(), seconds);
            judge.check((!fits).then(|| Deviation {
                what: format!("pod {}: from {} to {}", pod.name, from.word(), to.word()),
                exact: true,
                at: Some(seconds(from_at)),
                recorded: [recorded.clone(), recorded],
                ours: seconds(took),
            }));
        }
    }
    evictions(judge);
}

/// How many evictions were accepted, as in either run.
fn evictions(judge: &mut Judge<'_>) {
    let accepted = |trace: &Trace| trace.evictions.iter().filter(|(_, yes)| *yes).count();
    judge.either(|| "evictions accepted".to_owned(), accepted, ToString::to_string);
}
