//! Reads a recorded run: `timeline-1.jsonl` or `timeline-2.jsonl`.

use super::chosen::{Choices, PodDetails};
use super::trace::{Micros, PodEvent, PodLife, State, Trace};
use crate::experiment::Unreadable;
use crate::model::normalized_image;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// A recorded run.
#[derive(Debug, Clone, Default)]
pub(super) struct Recording {
    /// What was seen.
    pub(super) trace: Trace,
    /// The wall clock at the start of the script, seconds since 1970.
    pub(super) unix: f64,
    /// When the objects were applied.
    pub(super) applied: Micros,
    /// Images of containers.
    pub(super) images: Vec<String>,
    /// When controllers asked for something, as far as records show it, by kind of their objects.
    requests: BTreeMap<String, Vec<Micros>>,
    /// What else is recorded of each pod.
    details: Vec<PodDetails>,
    names: Names,
    /// What the slices say of pods, by key of the slice.
    endpoints: BTreeMap<String, BTreeMap<String, String>>,
}

/// Requests that a controller may send at once (Kubernetes 1.34, `--kube-api-burst`).
const REQUESTS_AT_ONCE: usize = 30;

/// What names that were drawn stand for.
#[derive(Debug, Clone, Default)]
struct Names {
    /// The Deployment and the number of each ReplicaSet that has a hash.
    sets: BTreeMap<String, (String, usize)>,
    /// Numbers of revisions by object.
    revisions: BTreeMap<String, Vec<String>>,
    /// CronJobs, and the Jobs made for each, in order.
    crons: BTreeMap<String, Vec<String>>,
    pods: BTreeMap<String, usize>,
}

#[derive(Debug, Deserialize)]
struct PodRecord {
    t: f64,
    ev: Vec<String>,
    name: String,
    owner: String,
    image: String,
    #[serde(default)]
    index: Option<String>,
    #[serde(default)]
    node: String,
    #[serde(default)]
    uid: String,
    #[serde(default, rename = "createdUnix")]
    created: u64,
    #[serde(default, rename = "readySinceUnix")]
    ready_since: Option<u64>,
}

/// Kinds of records that tell the state of an object.
const OBJECTS: [&str; 9] = [
    "CronJob",
    "DaemonSet",
    "Deployment",
    "EndpointSlice",
    "Job",
    "Node",
    "PodDisruptionBudget",
    "ReplicaSet",
    "StatefulSet",
];

/// Fields that name the object, that hold what is drawn at random, or that say in words what
/// others say in numbers.
const PASSED_OVER: [&str; 8] =
    ["t", "kind", "name", "hash", "service", "slice", "changes", "disruptedPods"];

impl Recording {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Recording, Unreadable> {
        let text = std::fs::read_to_string(path).map_err(|error| Unreadable {
            place: path.display().to_string(),
            text: format!("the file cannot be read: {error}"),
        })?;
        let mut recording = Recording::default();
        for (at, line) in text.lines().enumerate() {
            let unreadable =
                |text: String| Unreadable { place: format!("{}:{}", path.display(), at + 1), text };
            let record: Map<String, Value> =
                serde_json::from_str(line).map_err(|error| unreadable(error.to_string()))?;
            recording.take(record).map_err(unreadable)?;
        }
        recording.images.sort_unstable();
        recording.images.dedup();
        Ok(recording)
    }

    fn take(&mut self, record: Map<String, Value>) -> Result<(), String> {
        let kind = record.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        let t = record.get("t").and_then(Value::as_f64).ok_or("the record has no time `t`")?;
        match kind.as_str() {
            "Start" => self.unix = record.get("unix").and_then(Value::as_f64).unwrap_or(0.0),
            "Action" | "LastLease" => {}
            "Event" => {
                let object = record.get("object").and_then(Value::as_str).unwrap_or_default();
                let kind = object.split('/').next().unwrap_or_default();
                self.requested(kind, micros(t));
            }
            "Evict" => self.evict(micros(t), &record),
            "Pod" => self.pod(record)?,
            known if OBJECTS.contains(&known) => self.object(known, micros(t), record)?,
            other => return Err(format!("`kind` is `{other}`, which is not known")),
        }
        Ok(())
    }

    /// True if a controller sent as many requests within a second of the script as it may at once.
    pub(super) fn is_held_back(&self) -> bool {
        let held_back = |times: &Vec<Micros>| {
            let mut times: Vec<Micros> = times.iter().copied().filter(|at| *at >= 0).collect();
            times.sort_unstable();
            times
                .windows(REQUESTS_AT_ONCE)
                .any(|window| window[REQUESTS_AT_ONCE - 1] - window[0] <= 1_000_000)
        };
        self.requests.values().any(held_back)
    }

    fn requested(&mut self, kind: &str, at: Micros) {
        self.requests.entry(kind.to_owned()).or_default().push(at);
    }

    fn evict(&mut self, at: Micros, record: &Map<String, Value>) {
        let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default();
        if !text("pod").is_empty() {
            self.trace.evictions.push((at, text("result") == "accepted"));
        }
    }

    fn pod(&mut self, record: Map<String, Value>) -> Result<(), String> {
        let record: PodRecord =
            serde_json::from_value(Value::Object(record)).map_err(|error| error.to_string())?;
        let words = record.ev.iter().filter(|word| !word.starts_with("container:"));
        let mut events = Vec::new();
        for word in words.filter(|word| *word != "pending") {
            let event = PodEvent::of(word);
            events.push(event.ok_or_else(|| format!("`{word}` is no event of a pod"))?);
        }
        if events.contains(&PodEvent::Created) || events.contains(&PodEvent::Deleting) {
            let kind = record.owner.split('/').next().unwrap_or_default();
            self.requested(kind, micros(record.t));
        }
        let known = self.names.pods.get(&record.name).copied();
        let at = match known.filter(|_| !events.contains(&PodEvent::Created)) {
            Some(at) => at,
            None => {
                let image = normalized_image(&record.image).into_owned();
                self.images.push(record.image);
                let owner = self.owner(&record.owner);
                let (name, index) = (record.name.clone(), record.index);
                self.trace.pods.push(PodLife { name, owner, image, index, events: Vec::new() });
                let set = self.set_of(&record.owner);
                let (uid, created) = (record.uid, record.created);
                self.details.push(PodDetails { set, uid, created, ..PodDetails::default() });
                self.trace.pods.len() - 1
            }
        };
        let details = &mut self.details[at];
        details.node = record.node;
        details.ready_since.extend(record.ready_since.map(|since| (micros(record.t), since)));
        self.names.pods.insert(record.name, at);
        self.trace.pod(at, micros(record.t), events);
        Ok(())
    }

    /// Choices that were recorded.
    pub(super) fn choices(&self) -> Choices<'_> {
        Choices { trace: &self.trace, details: &self.details, unix: self.unix }
    }

    /// The ReplicaSet of an owner, as objects are called.
    fn set_of(&self, owner: &str) -> Option<String> {
        let name = owner.strip_prefix("ReplicaSet/")?;
        Some(match self.names.sets.get(name) {
            Some((deployment, number)) => format!("ReplicaSet {deployment}#{number}"),
            None => format!("ReplicaSet {name}"),
        })
    }

    /// The workload of an owner: a Deployment for a ReplicaSet of one, a CronJob's Job by number.
    fn owner(&self, owner: &str) -> String {
        let Some((kind, name)) = owner.split_once('/') else { return owner.to_owned() };
        if let Some((deployment, _)) = self.names.sets.get(name).filter(|_| kind == "ReplicaSet") {
            return format!("Deployment {deployment}");
        }
        format!("{kind} {}", self.job(name))
    }

    /// The name of a Job, with its number if a CronJob made it.
    fn job(&self, name: &str) -> String {
        let of = |(cron, jobs): (&String, &Vec<String>)| {
            let number = jobs.iter().position(|job| job == name)?;
            Some(format!("{cron}#{}", number + 1))
        };
        self.names.crons.iter().find_map(of).unwrap_or_else(|| name.to_owned())
    }

    fn object(&mut self, kind: &str, at: Micros, record: Map<String, Value>) -> Result<(), String> {
        let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default();
        let name = match kind {
            "EndpointSlice" => format!("{}/{}", text("service"), record["slice"]),
            "ReplicaSet" => self.set_name(text("name"), text("hash")),
            "Job" => self.job_name(text("name")),
            _ => text("name").to_owned(),
        };
        if kind == "CronJob" {
            self.names.crons.entry(name.clone()).or_default();
        }
        if kind != "Node" && self.applied == 0 {
            self.applied = at.min(0);
        }
        self.requested(kind, at);
        let key = format!("{kind} {name}");
        let state = match record.get("gone").and_then(Value::as_bool) {
            Some(true) => State::new(),
            _ => self.state(kind, &key, &record),
        };
        self.trace.object(key, at, state);
        Ok(())
    }

    fn set_name(&mut self, name: &str, hash: &str) -> String {
        let stem = name.strip_suffix(hash).and_then(|stem| stem.strip_suffix('-'));
        let Some(stem) = stem.filter(|_| !hash.is_empty()) else { return name.to_owned() };
        let known = self.names.sets.values().filter(|(other, _)| other == stem).count();
        let entry = self.names.sets.entry(name.to_owned());
        let (stem, number) = entry.or_insert((stem.to_owned(), known + 1));
        format!("{stem}#{number}")
    }

    fn job_name(&mut self, name: &str) -> String {
        let stem = name.rsplit_once('-').map_or(name, |(stem, _)| stem);
        if let Some(jobs) = self.names.crons.get_mut(stem)
            && !jobs.iter().any(|job| job == name)
        {
            jobs.push(name.to_owned());
        }
        self.job(name)
    }

    fn state(&mut self, kind: &str, key: &str, record: &Map<String, Value>) -> State {
        let mut state = State::new();
        for (field, value) in record {
            if PASSED_OVER.contains(&field.as_str()) {
                continue;
            }
            let value = match (field.as_str(), value) {
                ("image", Value::String(image)) => {
                    self.images.push(image.clone());
                    Value::from(normalized_image(image).into_owned())
                }
                ("currentRevision" | "updateRevision", Value::String(revision)) => {
                    Value::from(self.revision(key, revision))
                }
                ("active", Value::Array(jobs)) => {
                    let job = |job: &Value| self.job(job.as_str().unwrap_or_default()).into();
                    Value::Array(jobs.iter().map(job).collect())
                }
                ("lastScheduleUnix" | "lastSuccessfulUnix", Value::Number(at)) => {
                    let since = at.as_f64().unwrap_or(0.0) - self.unix.floor();
                    Value::from(format!("{since} s"))
                }
                _ => value.clone(),
            };
            state.insert(field.clone(), value);
        }
        if let Some(Value::Object(changes)) = record.get("changes") {
            self.count_endpoints(key, changes, &mut state);
        }
        tidy(kind, &mut state);
        state
    }

    /// Counts the endpoints of a slice that are not told in numbers.
    fn count_endpoints(&mut self, key: &str, changes: &Map<String, Value>, state: &mut State) {
        let endpoints = self.endpoints.entry(key.to_owned()).or_default();
        for (pod, word) in changes {
            match word.as_str().unwrap_or_default() {
                "removed" => drop(endpoints.remove(pod)),
                word => drop(endpoints.insert(pod.clone(), word.to_owned())),
            }
        }
        let count = |wanted: &str| endpoints.values().filter(|word| *word == wanted).count();
        for (field, word) in
            [("notReadyCount", "notready"), ("servingCount", "serving-terminating")]
        {
            state.insert(field.to_owned(), Value::from(count(word)));
        }
    }

    fn revision(&mut self, key: &str, revision: &str) -> String {
        if revision.is_empty() {
            return String::new();
        }
        let known = self.names.revisions.entry(key.to_owned()).or_default();
        let at = known.iter().position(|other| other == revision).unwrap_or_else(|| {
            known.push(revision.to_owned());
            known.len() - 1
        });
        format!("revision {}", at + 1)
    }
}

/// Brings lists into one order, and replaces numbers of generations, which count writes of a
/// controller where it owns the object, by whether the present one was observed.
pub(super) fn tidy(kind: &str, state: &mut State) {
    for field in ["conditions", "taints"] {
        if let Some(Value::Array(list)) = state.get_mut(field) {
            list.sort_by_key(ToString::to_string);
        }
    }
    let observed = state.remove("observedGen");
    let generation = state.get("gen").cloned();
    if let (Some(observed), Some(generation)) = (observed, generation) {
        state.insert("observed".to_owned(), Value::from(observed == generation));
    }
    if kind == "ReplicaSet" {
        state.remove("gen");
    }
}

/// Milliseconds of a record as a time.
fn micros(millis: f64) -> Micros {
    (millis * 1000.0).round() as Micros
}
