//! What a watcher of the API server saw of one run: the lives of pods and the states of objects.
//! Recorded runs and our own are brought into this one form, in which names that are drawn at
//! random are replaced by what they stand for.

use serde_json::Value;
use std::collections::BTreeMap;

/// Microseconds after the start of the script; what came before is negative.
pub(super) type Micros = i64;

/// The fields of an object.
pub(super) type State = BTreeMap<String, Value>;

/// What happened to a pod, in the order in which it is told where it came at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PodEvent {
    Created,
    Unschedulable,
    Nominated,
    Bound,
    Running,
    Ready,
    Restarted,
    Disrupted,
    Deleting,
    Succeeded,
    Failed,
    Unready,
    Gone,
}

/// Each event and the word that recordings have for it.
pub(super) const POD_EVENTS: [(PodEvent, &str); 13] = [
    (PodEvent::Created, "created"),
    (PodEvent::Unschedulable, "unschedulable"),
    (PodEvent::Nominated, "nominated"),
    (PodEvent::Bound, "bound"),
    (PodEvent::Running, "running"),
    (PodEvent::Ready, "ready"),
    (PodEvent::Restarted, "restarted"),
    (PodEvent::Disrupted, "disruptionTarget"),
    (PodEvent::Deleting, "deleting"),
    (PodEvent::Succeeded, "succeeded"),
    (PodEvent::Failed, "failed"),
    (PodEvent::Unready, "unready"),
    (PodEvent::Gone, "gone"),
];

impl PodEvent {
    /// The event of a word.
    pub(super) fn of(word: &str) -> Option<PodEvent> {
        POD_EVENTS.iter().find(|(_, known)| *known == word).map(|(event, _)| *event)
    }

    /// Its word.
    pub(super) fn word(self) -> &'static str {
        POD_EVENTS[self as usize].1
    }
}

/// The life of one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PodLife {
    /// Its name, which means nothing where it was drawn at random.
    pub(super) name: String,
    /// Kind and name of the workload that it belongs to.
    pub(super) owner: String,
    /// Normalised image of its first container.
    pub(super) image: String,
    /// Its completion index.
    pub(super) index: Option<String>,
    /// What happened to it.
    pub(super) events: Vec<(Micros, PodEvent)>,
}

impl PodLife {
    /// Pods of one workload and image count as equals.
    pub(super) fn group(&self) -> String {
        format!("{} {}", self.owner, self.image)
    }

    /// When something first happened to it.
    pub(super) fn first(&self, event: PodEvent) -> Option<Micros> {
        self.events.iter().find(|(_, other)| *other == event).map(|(at, _)| *at)
    }

    /// The words for what happened to it.
    pub(super) fn words(&self) -> String {
        let words: Vec<&str> = self.events.iter().map(|(_, event)| event.word()).collect();
        words.join(" ")
    }
}

/// One run.
#[derive(Debug, Clone, Default)]
pub(super) struct Trace {
    /// Pods in order of creation.
    pub(super) pods: Vec<PodLife>,
    /// What happened to pods, each by its place in `pods`, in the order in which it was noted.
    pub(super) noted: Vec<(Micros, usize, PodEvent)>,
    /// Kind and name of each object, with its states and their times; empty once it is gone.
    pub(super) objects: BTreeMap<String, Vec<(Micros, State)>>,
    /// Answers to requests to evict a pod: true if it was accepted.
    pub(super) evictions: Vec<(Micros, bool)>,
}

impl Trace {
    /// Notes the state of an object.
    pub(super) fn object(&mut self, key: String, at: Micros, state: State) {
        self.objects.entry(key).or_default().push((at, state));
    }

    /// Notes what happened to a pod at one time; it is told in one order.
    pub(super) fn pod(&mut self, at: usize, when: Micros, mut events: Vec<PodEvent>) {
        events.sort_unstable();
        events.dedup();
        self.noted.extend(events.iter().map(|event| (when, at, *event)));
        let life = &mut self.pods[at].events;
        life.extend(events.into_iter().map(|event| (when, event)));
    }

    /// The state of an object at a time, nothing before its first one.
    pub(super) fn state_at(&self, key: &str, at: Micros) -> Option<&State> {
        let states = self.objects.get(key)?;
        let state = states.iter().take_while(|(time, _)| *time <= at).last();
        state.map(|(_, state)| state).filter(|state| !state.is_empty())
    }

    /// True if nothing is noted after `from`, up to `to`.
    pub(super) fn is_quiet(&self, from: Micros, to: Micros) -> bool {
        let within = |at: &Micros| *at > from && *at <= to;
        let pods = self.pods.iter().flat_map(|pod| pod.events.iter().map(|(at, _)| at));
        let states = self.objects.values().flatten().map(|(at, _)| at);
        !pods.chain(states).any(within)
    }
}
