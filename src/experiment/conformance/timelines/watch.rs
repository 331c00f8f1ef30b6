//! Watches one of our own runs as the recordings were watched: after every event the store is
//! looked at, and what has changed is noted.

use super::recording::tidy;
use super::script::{Script, recorded_node};
use super::trace::{Micros, PodEvent, PodLife, State, Trace};
use crate::engine::{Limits, Stopped};
use crate::experiment::{RunFailure, Session};
use crate::ground::{Id, Span, Time};
use crate::model::{
    Catalog, Condition, Deployment, Effect, EndpointConditions, EndpointSlice, NodeView, PodId,
    PodPhase, PodSpecId, PodUid, PodView, ProgressReason, ReplicaSet, ReplicaSetId, ServiceId,
    SliceId, StatefulSet, StatefulUpdate, View, WorkloadId,
};
use crate::scenario::Built;
use crate::sim::{Run, World};
use crate::stimulus::Stream;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Runs a scenario with this seed and notes what a watcher sees.
pub(super) fn watch(script: &Script, seed: u64) -> Result<Trace, RunFailure> {
    let session = Session::new(seed);
    let Built { setup, sources, draws, .. } = script.scenario.build(session.seed, None)?;
    let arrivals = Stream::open(&sources, draws, session.read_ahead)?;
    let mut run = Run::new(setup, arrivals, ());
    let mut watcher = Watcher::new(script.origin);
    let mut stops: Vec<Time> = script.times.iter().map(|at| time(script.origin + at)).collect();
    stops.push(time(script.origin + script.end));
    stops.sort_unstable();
    watcher.look(run.now(), run.world());
    for stop in stops {
        loop {
            let limits = Limits::until(stop).events(run.events() + 1);
            let stopped = run.run(&limits);
            watcher.look(run.now(), run.world());
            match stopped {
                Stopped::Input(error) => return Err(error.into()),
                Stopped::Events => {}
                _ => break,
            }
        }
    }
    Ok(watcher.trace)
}

fn time(micros: Micros) -> Time {
    Time::ZERO + Span::from_nanos(u64::try_from(micros).unwrap_or(0) * 1000)
}

/// What was seen last.
struct Watcher {
    origin: Micros,
    trace: Trace,
    nodes: Vec<NodeView>,
    pods: BTreeMap<PodUid, (usize, PodView, PodId)>,
    deployments: BTreeMap<WorkloadId, Deployment>,
    sets: BTreeMap<ReplicaSetId, (ReplicaSet, String)>,
    /// StatefulSets, and the revisions that their status has named, in that order.
    stateful_sets: BTreeMap<WorkloadId, (StatefulSet, Vec<PodSpecId>)>,
    /// Slices: writes of each service, and what the trace calls each slice.
    slices: BTreeMap<ServiceId, (u64, BTreeMap<SliceId, String>)>,
    /// Sets seen of each workload.
    numbers: BTreeMap<WorkloadId, usize>,
}

impl Watcher {
    fn new(origin: Micros) -> Watcher {
        Watcher {
            origin,
            trace: Trace::default(),
            nodes: Vec::new(),
            pods: BTreeMap::new(),
            deployments: BTreeMap::new(),
            sets: BTreeMap::new(),
            stateful_sets: BTreeMap::new(),
            slices: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    fn look(&mut self, now: Time, world: &World) {
        let (view, catalog) = (world.truth(), world.catalog());
        let at = now.as_nanos() as Micros / 1000 - self.origin;
        self.nodes(at, view, catalog);
        self.deployments(at, view, catalog);
        self.sets(at, view, catalog);
        self.stateful_sets(at, view, catalog);
        self.slices(at, world);
        self.pods(at, view, catalog);
    }

    fn slices(&mut self, at: Micros, world: &World) {
        for (service, there) in world.truth().slices().services() {
            let (writes, keys) = self.slices.entry(service).or_default();
            if *writes == there.writes() {
                continue;
            }
            *writes = there.writes();
            let (_, name) = world.service_name(service);
            let name = world.catalog().names.text(name);
            for (id, slice) in there.slices() {
                let number = keys.len();
                let key =
                    keys.entry(id).or_insert_with(|| format!("EndpointSlice {name}/{number}"));
                let state = slice_state(slice);
                let known = self.trace.objects.get(key).and_then(|states| states.last());
                if known.is_none_or(|(_, known)| *known != state) {
                    self.trace.object(key.clone(), at, state);
                }
            }
            let gone = keys.iter().filter(|(id, _)| there.slice(**id).is_none());
            for (_, key) in gone {
                let known = self.trace.objects.get(key).and_then(|states| states.last());
                if known.is_some_and(|(_, known)| !known.is_empty()) {
                    self.trace.object(key.clone(), at, State::new());
                }
            }
        }
    }

    fn nodes(&mut self, at: Micros, view: &View, catalog: &Catalog) {
        for (id, node) in view.nodes().iter() {
            if self.nodes.get(id.index()) == Some(node) {
                continue;
            }
            self.nodes.truncate(id.index().max(self.nodes.len()));
            match self.nodes.get_mut(id.index()) {
                Some(known) => *known = *node,
                None => self.nodes.push(*node),
            }
            let key = format!("Node {}", recorded_node(catalog.names.text(node.name)));
            let state = if node.present { node_state(node, catalog) } else { State::new() };
            self.trace.object(key, at, state);
        }
    }

    fn deployments(&mut self, at: Micros, view: &View, catalog: &Catalog) {
        for workload in catalog.workloads.ids() {
            let Some(deployment) = view.rollouts().deployment(workload) else { continue };
            if self.deployments.get(&workload) == Some(deployment) {
                continue;
            }
            self.deployments.insert(workload, *deployment);
            let key = format!("Deployment {}", workload_name(workload, catalog));
            self.trace.object(key, at, deployment_state(deployment, catalog));
        }
    }

    fn sets(&mut self, at: Micros, view: &View, catalog: &Catalog) {
        let known: Vec<ReplicaSetId> = self.sets.keys().copied().collect();
        for id in known {
            if view.rollouts().set(id).is_none()
                && let Some((_, key)) = self.sets.remove(&id)
            {
                self.trace.object(key, at, State::new());
            }
        }
        for workload in catalog.workloads.ids() {
            for (id, set) in view.rollouts().sets_of(workload) {
                if self.sets.get(&id).is_some_and(|(known, _)| known == set) {
                    continue;
                }
                let key = match self.sets.get(&id) {
                    Some((_, key)) => key.clone(),
                    None => self.set_key(workload, view, catalog),
                };
                self.sets.insert(id, (*set, key.clone()));
                self.trace.object(key, at, set_state(set, catalog));
            }
        }
    }

    fn stateful_sets(&mut self, at: Micros, view: &View, catalog: &Catalog) {
        for workload in catalog.workloads.ids() {
            let Some(set) = view.stateful_sets().get(workload) else { continue };
            let known = self.stateful_sets.get(&workload);
            // Its revisions are objects of their own.
            if known.is_some_and(|(known, _)| known.version == set.version) {
                continue;
            }
            let mut named = known.map(|(_, named)| named.clone()).unwrap_or_default();
            for revision in set.record.iter().flat_map(|record| [record.current, record.update]) {
                if !named.contains(&revision) {
                    named.push(revision);
                }
            }
            let key = format!("StatefulSet {}", workload_name(workload, catalog));
            self.trace.object(key, at, stateful_set_state(set, &named));
            self.stateful_sets.insert(workload, (set.clone(), named));
        }
    }

    fn set_key(&mut self, workload: WorkloadId, view: &View, catalog: &Catalog) -> String {
        let name = workload_name(workload, catalog);
        if view.rollouts().deployment(workload).is_none() {
            return format!("ReplicaSet {name}");
        }
        let number = self.numbers.entry(workload).or_default();
        *number += 1;
        format!("ReplicaSet {name}#{number}")
    }

    fn pods(&mut self, at: Micros, view: &View, catalog: &Catalog) {
        let seen: Vec<(PodUid, PodId)> =
            self.pods.iter().map(|(uid, (_, _, row))| (*uid, *row)).collect();
        for (uid, row) in seen {
            if view.pod_if(row, uid).is_none()
                && let Some((place, before, _)) = self.pods.remove(&uid)
            {
                let mut events = vec![PodEvent::Gone];
                events.extend((before.phase == PodPhase::Ready).then_some(PodEvent::Unready));
                self.trace.pod(place, at, events);
            }
        }
        let mut new: Vec<(PodUid, PodId)> = Vec::new();
        for (row, pod) in view.pods() {
            match self.pods.get_mut(&pod.uid) {
                Some((place, before, _)) if before != pod => {
                    let events = pod_events(before, pod);
                    let place = *place;
                    *before = *pod;
                    if !events.is_empty() {
                        self.trace.pod(place, at, events);
                    }
                }
                Some(_) => {}
                None => new.push((pod.uid, row)),
            }
        }
        new.sort_unstable();
        for (uid, row) in new {
            let Some(pod) = view.pod(row) else { continue };
            let life = pod_life(pod, view, catalog);
            self.trace.pods.push(life);
            let place = self.trace.pods.len() - 1;
            let pending = PodView { node: None, phase: PodPhase::Pending, ..*pod };
            let mut events = vec![PodEvent::Created];
            events.extend(pod_events(&pending, pod));
            self.trace.pod(place, at, events);
            self.pods.insert(uid, (place, *pod, row));
        }
    }
}

fn workload_name(workload: WorkloadId, catalog: &Catalog) -> String {
    catalog.names.text(catalog.workloads[workload].name).to_owned()
}

fn pod_life(pod: &PodView, view: &View, catalog: &Catalog) -> PodLife {
    let name = workload_name(pod.workload, catalog);
    let kind = if view.stateful_sets().get(pod.workload).is_some() {
        "StatefulSet"
    } else if view.rollouts().deployment(pod.workload).is_some() {
        "Deployment"
    } else {
        "ReplicaSet"
    };
    PodLife {
        name: pod.name.text(&catalog.names),
        owner: format!("{kind} {name}"),
        image: image_of(pod.spec, catalog),
        index: None,
        events: Vec::new(),
    }
}

fn image_of(spec: crate::model::PodSpecId, catalog: &Catalog) -> String {
    let container = catalog.pod_spec(spec).containers.first();
    let image = container.and_then(|container| container.image);
    image.map_or("", |image| catalog.names.text(image)).to_owned()
}

/// What happened to a pod between two looks.
fn pod_events(before: &PodView, pod: &PodView) -> Vec<PodEvent> {
    let mut events = Vec::new();
    let mut tell = |when: bool, event: PodEvent| events.extend(when.then_some(event));
    tell(before.nominated.is_none() && pod.nominated.is_some(), PodEvent::Nominated);
    tell(before.node.is_none() && pod.node.is_some(), PodEvent::Bound);
    let runs = |phase: PodPhase| matches!(phase, PodPhase::Running | PodPhase::Ready);
    let was_pending = before.phase == PodPhase::Pending;
    tell(was_pending && runs(pod.phase), PodEvent::Running);
    let ready = |phase: PodPhase| phase == PodPhase::Ready;
    tell(!ready(before.phase) && ready(pod.phase), PodEvent::Ready);
    tell(ready(before.phase) && !ready(pod.phase), PodEvent::Unready);
    tell(!before.preempted && pod.preempted, PodEvent::Disrupted);
    tell(!before.deleting && pod.deleting, PodEvent::Deleting);
    let ended = |phase: PodPhase| before.phase != phase && pod.phase == phase;
    tell(ended(PodPhase::Succeeded), PodEvent::Succeeded);
    tell(ended(PodPhase::Failed), PodEvent::Failed);
    events
}

fn node_state(node: &NodeView, catalog: &Catalog) -> State {
    let status = node.status;
    let (ready, reason) = match status.ready {
        Condition::True => ("True", "KubeletReady"),
        Condition::False => ("False", "KubeletNotReady"),
        Condition::Unknown => ("Unknown", "NodeStatusUnknown"),
    };
    let effect = |effect: Effect| match effect {
        Effect::NoSchedule => "NoSchedule",
        Effect::PreferNoSchedule => "PreferNoSchedule",
        Effect::NoExecute => "NoExecute",
    };
    let taints = catalog.taints(status.taints).iter();
    let taints: Vec<String> = taints
        .map(|taint| format!("{}:{}", catalog.names.text(taint.key), effect(taint.effect)))
        .collect();
    fields(
        "Node",
        json!({
            "ready": ready,
            "reason": reason,
            "taints": taints,
            "unschedulable": status.unschedulable,
        }),
    )
}

fn deployment_state(deployment: &Deployment, catalog: &Catalog) -> State {
    let Deployment { spec, status, generation, .. } = deployment;
    let mut conditions: Vec<String> = Vec::new();
    if let Some(available) = status.is_available {
        let (status, reason) =
            if available { ("True", "Available") } else { ("False", "Unavailable") };
        conditions.push(format!("Available={status}/MinimumReplicas{reason}"));
    }
    if let Some(progressing) = status.progressing {
        let status = match progressing.reason {
            ProgressReason::ProgressDeadlineExceeded | ProgressReason::ReplicaSetCreateError => {
                "False"
            }
            ProgressReason::DeploymentPaused | ProgressReason::DeploymentResumed => "Unknown",
            _ => "True",
        };
        conditions.push(format!("Progressing={status}/{:?}", progressing.reason));
    }
    let revision = match status.revision {
        0 => String::new(),
        revision => revision.to_string(),
    };
    fields(
        "Deployment",
        json!({
            "gen": generation,
            "observedGen": status.observed,
            "specReplicas": spec.replicas,
            "paused": spec.paused,
            "replicas": status.replicas,
            "updated": status.updated,
            "ready": status.ready,
            "available": status.available,
            "unavailable": status.unavailable,
            "revision": revision,
            "image": image_of(spec.template, catalog),
            "conditions": conditions,
        }),
    )
}

fn slice_state(slice: &EndpointSlice) -> State {
    let (ready, terminating) = slice.counts();
    let count = |is: fn(&EndpointConditions) -> bool| {
        slice.endpoints.values().filter(|one| is(one)).count()
    };
    fields(
        "EndpointSlice",
        json!({
            "readyCount": ready,
            "terminatingCount": terminating,
            "notReadyCount": count(|one| !one.ready && !one.terminating),
            "servingCount": count(|one| one.serving && one.terminating),
        }),
    )
}

fn stateful_set_state(set: &StatefulSet, named: &[PodSpecId]) -> State {
    let counts = set.record.map(|record| record.counts).unwrap_or_default();
    let revision = |revision: Option<PodSpecId>| {
        let place = named.iter().position(|one| Some(*one) == revision);
        place.map_or(String::new(), |place| format!("revision {}", place + 1))
    };
    let partition = match set.goal.spec.update {
        StatefulUpdate::RollingUpdate { partition } => partition,
        StatefulUpdate::OnDelete => 0,
    };
    fields(
        "StatefulSet",
        json!({
            "gen": set.generation,
            "observedGen": set.record.map_or(0, |record| record.observed),
            "specReplicas": set.goal.spec.replicas,
            "partition": partition,
            "replicas": counts.replicas,
            "ready": counts.ready,
            "available": counts.available,
            "current": counts.current,
            "updated": counts.updated,
            "currentRevision": revision(set.record.map(|record| record.current)),
            "updateRevision": revision(set.record.map(|record| record.update)),
        }),
    )
}

fn set_state(set: &ReplicaSet, catalog: &Catalog) -> State {
    let ReplicaSet { spec, status, generation, template, .. } = set;
    let text = |number: Option<u32>| number.map_or(String::new(), |number| number.to_string());
    fields(
        "ReplicaSet",
        json!({
            "gen": generation,
            "observedGen": status.observed,
            "specReplicas": spec.replicas,
            "replicas": status.replicas,
            "ready": status.ready,
            "available": status.available,
            "revision": text(spec.revision),
            "desiredReplicas": text(spec.desired),
            "maxReplicas": text(spec.max),
            "image": image_of(*template, catalog),
        }),
    )
}

/// The fields of an object in the form of a recording.
fn fields(kind: &str, object: Value) -> State {
    let mut state: State = match object {
        Value::Object(map) => map.into_iter().collect(),
        _ => State::new(),
    };
    tidy(kind, &mut state);
    state
}
