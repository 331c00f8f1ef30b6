//! A cluster in the middle of a recording.

use super::case::Case;
use super::line::{Outcome, line};
use super::objects::Reader;
use super::{Unreadable, wire};
use crate::ground::{Draws, Name, Span, Time};
use crate::model::{
    Catalog, Change, Condition, DeviceMask, Explain, NodeId, NodeStatus, PodId, PodName, PodUid,
    Pressures, View, VolumePlan, WorkloadId,
};
use crate::policy::{
    Action, Cx, Examined, KubeScheduler, KubeSchedulerParams, Scheduler, TieBreak,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// When the first pod of a recording starts.
const FIRST_START: &str = "2025-01-01T01:00:00Z";

/// What an attempt came to.
pub(super) struct Attempt {
    /// What was found out, in the form of a line.
    pub(super) line: Map<String, Value>,
    /// What the fast path found, if it is built for the pod, and what the plain one found.
    pub(super) paths: Option<(Found, Found)>,
}

/// What one path found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) examined: Examined,
    pub(super) actions: Vec<Action>,
    pub(super) next_start: usize,
}

/// The scheduler, what it believes, and where the recording is.
pub(super) struct Replay {
    pub(super) catalog: Catalog,
    pub(super) view: View,
    pub(super) compact: bool,
    scheduler: KubeScheduler,
    /// Sees the same, and decides on the fast path where that is built.
    fast: KubeScheduler,
    now: Time,
    pods: BTreeMap<String, PodId>,
    nodes: BTreeMap<String, NodeId>,
    next_pod: u32,
    /// Nominations as recorded; those that ended are still listed, without a node.
    nominated: BTreeMap<PodId, Option<NodeId>>,
}

impl Replay {
    /// The cluster as the recording begins.
    pub(super) fn new(case: &Case) -> Result<Replay, Unreadable> {
        let mut catalog = Catalog::new();
        let params = KubeSchedulerParams { tie_break: TieBreak::Name, ..Default::default() };
        let scheduler = KubeScheduler::configured(&case.configuration, &params, &mut catalog.names);
        let mut replay = Replay {
            catalog,
            view: View::new(),
            compact: case.settings.compact,
            fast: scheduler.clone(),
            scheduler,
            now: Time::ZERO,
            pods: BTreeMap::new(),
            nodes: BTreeMap::new(),
            next_pod: 0,
            nominated: BTreeMap::new(),
        };
        // Whatever nodes and pods refer to is there before them.
        let late = |object: &&Value| match object["kind"].as_str() {
            Some("Node") => 1,
            Some("Pod") => 2,
            _ => 0,
        };
        let mut objects: Vec<&Value> = case.cluster.iter().collect();
        objects.sort_by_key(late);
        for (file, objects) in
            [("cluster.json", objects), ("pods.json", case.pods.iter().collect())]
        {
            for object in objects {
                replay.add(object).map_err(|text| Unreadable {
                    place: format!("{}, {}", case.place(file), title(object)),
                    text,
                })?;
            }
        }
        Ok(replay)
    }

    fn tell(&mut self, change: Change) {
        let (catalog, view, now, draws) = (&self.catalog, &self.view, self.now, Draws::new(1));
        let cx = Cx { catalog, view, now, draws };
        self.scheduler.observe(cx, &change);
        self.fast.observe(cx, &change);
        self.view.apply(&change, &self.catalog);
    }

    fn add(&mut self, object: &Value) -> Result<(), String> {
        match object["kind"].as_str().unwrap_or("") {
            "Node" => self.add_node(object),
            "Pod" => self.add_pod(object),
            kind => {
                let mut reader = Reader { catalog: &mut self.catalog };
                if let Some(object) = reader.object(kind, object)? {
                    let object = self.catalog.intern_object(&object);
                    self.tell(Change::ObjectSet { object });
                }
                Ok(())
            }
        }
    }

    fn add_node(&mut self, object: &Value) -> Result<(), String> {
        let written: wire::Node =
            serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
        let hostname_key = self.catalog.hostname_key;
        let read = Reader { catalog: &mut self.catalog }.node(&written, hostname_key);
        let status = NodeStatus {
            spec: self.catalog.intern_node_spec(&read.spec).0,
            taints: self.catalog.intern_taints(&read.taints),
            ready: Condition::True,
            unschedulable: read.unschedulable,
            pressures: Pressures::NONE,
        };
        let (node, name, hostname) = (self.view.nodes().next_id(), read.name, read.hostname);
        self.tell(Change::NodeAdded { node, name, hostname, status });
        self.nodes.insert(written.metadata.name, node);
        Ok(())
    }

    fn add_pod(&mut self, object: &Value) -> Result<(), String> {
        let written: wire::Pod =
            serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
        let wire::Pod { metadata, spec: written_spec, status } = &written;
        if matches!(status.phase.as_str(), "Succeeded" | "Failed") {
            return Ok(());
        }
        let spec = Reader { catalog: &mut self.catalog }.pod(&written)?;
        let spec = self.catalog.intern_pod_spec(&spec).0;
        let name = PodName::plain(self.catalog.names.intern(&metadata.name));
        let (pod, uid) = (PodId(self.next_pod), PodUid(self.next_pod));
        self.next_pod += 1;
        let (workload, created) = (WorkloadId(0), self.now);
        self.tell(Change::PodAdded { pod, uid, spec, workload, name, created });
        self.pods.insert(format!("{}/{}", metadata.namespace, metadata.name), pod);
        if !written_spec.node_name.is_empty() {
            let node = self.node(&written_spec.node_name)?;
            self.tell(Change::PodBound { pod, node, devices: DeviceMask::NONE });
        }
        if let Some(start) = &status.start_time {
            let at = seconds(start).ok_or_else(|| format!("`{start}` is not a time"))?;
            self.tell(Change::PodStarted { pod, at: Time::from_secs(at) });
        }
        let preempted = status.conditions.iter().any(|condition| {
            (condition.kind.as_str(), condition.status.as_str()) == ("DisruptionTarget", "True")
                && condition.reason == "PreemptionByScheduler"
        });
        if preempted {
            self.tell(Change::PodPreempted { pod });
        }
        if metadata.deletion_timestamp.is_some() {
            self.tell(Change::PodDeleting { pod });
        }
        if !status.nominated_node_name.is_empty() {
            let node = Some(self.node(&status.nominated_node_name)?);
            self.nominated.insert(pod, node);
            self.tell(Change::PodNominated { pod, node });
        }
        Ok(())
    }

    fn node(&self, name: &str) -> Result<NodeId, String> {
        self.nodes.get(name).copied().ok_or_else(|| format!("there is no node `{name}`"))
    }

    fn pod(&self, name: &str) -> Result<PodId, String> {
        self.pods.get(name).copied().ok_or_else(|| format!("there is no pod `{name}`"))
    }

    /// The name of a node.
    pub(super) fn node_name(&self, node: NodeId) -> &str {
        self.catalog.names.text(self.view.node(node).name)
    }

    /// Namespace and name of a pod.
    pub(super) fn pod_name(&self, pod: PodId) -> String {
        let row = self.view.pod(pod).expect("a pod that is named is there");
        let namespace = self.catalog.pod_spec(row.spec).namespace;
        let names = &self.catalog.names;
        format!("{}/{}", names.text(namespace), row.name.text(names))
    }

    /// Makes the attempt of a recorded line on both paths.
    pub(super) fn attempt(&mut self, theirs: &Value) -> Result<Attempt, String> {
        let pod = self.pod(text(theirs, "pod"))?;
        let number = u32::try_from(theirs["attempt"].as_u64().unwrap_or(1)).unwrap_or(1);
        self.now += Span::from_millis(10);
        let row = self.view.pod(pod).expect("a pod that is listed is there");
        let spec = self.catalog.pod_spec(row.spec);
        let profile = self.catalog.names.text(spec.scheduler_name).to_owned();
        let mut explain = Explain::default();
        let mut fast = None;
        let start = self.scheduler.next_start();
        let outcome = if let Some(refusal) = self.scheduler.held_back(spec) {
            explain.refused_before_nodes = Some(refusal);
            Outcome::Gated
        } else {
            let (catalog, view, now, draws) = (&self.catalog, &self.view, self.now, Draws::new(1));
            let (cx, mut actions) = (Cx { catalog, view, now, draws }, Vec::new());
            let tried = self.scheduler.attempt(cx, (pod, number), &mut actions, Some(&mut explain));
            let mut path = Found::default();
            if self.fast.attempt_fast(cx, (pod, number), &mut path.actions, &mut path.examined) {
                path.next_start = self.fast.next_start();
                let plain = Found {
                    examined: Examined::of(&explain),
                    actions: actions.clone(),
                    next_start: self.scheduler.next_start(),
                };
                fast = Some((path, plain));
            } else {
                self.fast.attempt(cx, (pod, number), &mut path.actions, None);
            }
            match actions.first() {
                _ if !tried => Outcome::NoProfile,
                Some(Action::Bind { .. }) => Outcome::Scheduled,
                _ if explain.makes_room_on.is_some() => Outcome::Preempting,
                _ => Outcome::Unschedulable,
            }
        };
        let mut ours = line(self, outcome, &explain, &profile);
        if let Some(recorded) = theirs["start_index"].as_u64() {
            ours.insert("start_index".to_owned(), json!(start));
            if start as u64 != recorded {
                // The next lines are judged from where the recording is.
                let examined = self.scheduler.next_start() + self.nodes.len() - start;
                let next = (recorded as usize + examined) % self.nodes.len();
                self.scheduler.start_at(next);
                self.fast.start_at(next);
            }
        }
        if theirs.get("node_order").is_some() {
            let order = self.scheduler.search_order();
            let names: Vec<&str> = order.iter().map(|node| self.node_name(*node)).collect();
            ours.insert("node_order".to_owned(), json!(names));
        }
        Ok(Attempt { line: ours, paths: fast })
    }

    /// Lets a recorded line take effect, the `at`-th from 0.
    pub(super) fn follow(&mut self, theirs: &Value, at: usize) -> Result<(), String> {
        let pod = self.pod(text(theirs, "pod"))?;
        match text(theirs, "outcome") {
            "scheduled" => self.bind(pod, theirs, at)?,
            "preempting" => {
                for other in list(theirs, "cleared_nominations") {
                    let other = self.pod(other)?;
                    self.nominated.insert(other, None);
                }
                for victim in list(theirs, "victims") {
                    let pod = self.pod(victim)?;
                    self.pods.remove(victim);
                    self.tell(Change::PodRemoved { pod });
                }
                let node = self.node(text(theirs, "nominated"))?;
                self.nominated.insert(pod, Some(node));
            }
            "unschedulable" | "gated" | "error" => {
                let tried = theirs.get("postfilter_message").is_some();
                if tried && !text(theirs, "postfilter_message").contains("not eligible") {
                    self.nominated.entry(pod).and_modify(|node| *node = None);
                }
            }
            other => return Err(format!("`{other}` is not an outcome")),
        }
        let nominated: Vec<(PodId, Option<NodeId>)> =
            self.nominated.iter().map(|(pod, node)| (*pod, *node)).collect();
        for (pod, node) in nominated {
            if self.view.pod(pod).is_some_and(|row| row.node.is_none()) {
                self.tell(Change::PodNominated { pod, node });
            }
        }
        Ok(())
    }

    fn bind(&mut self, pod: PodId, theirs: &Value, at: usize) -> Result<(), String> {
        let node = self.node(text(theirs, "chosen"))?;
        let plan = self.recorded_volumes(theirs);
        let uid = self.view.pod(pod).expect("a pod that is listed is there").uid;
        self.scheduler.reserve(uid, plan.clone(), self.view.node(node).name);
        self.fast.reserve(uid, plan, self.view.node(node).name);
        self.nominated.remove(&pod);
        if self.view.pod(pod).is_some_and(|row| row.node.is_some()) {
            return Err(format!("`{}` is bound already", text(theirs, "pod")));
        }
        self.tell(Change::PodBound { pod, node, devices: DeviceMask::NONE });
        let start = seconds(FIRST_START).expect("a constant is a time") + at as u64;
        self.tell(Change::PodStarted { pod, at: Time::from_secs(start) });
        Ok(())
    }

    fn recorded_volumes(&mut self, theirs: &Value) -> VolumePlan {
        let mut reader = Reader { catalog: &mut self.catalog };
        let volumes = &theirs["volumes"];
        let bind = volumes["bind"].as_object().into_iter().flatten();
        let bind: Vec<_> = bind
            .map(|(claim, volume)| {
                let volume: Name = reader.name(volume.as_str().unwrap_or(""));
                (reader.claim_ref(claim), volume)
            })
            .collect();
        let provision = list(volumes, "provision").map(|claim| reader.claim_ref(claim)).collect();
        VolumePlan { bind, provision }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or("")
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    value[key].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Kind and name of an object, for messages.
fn title(object: &Value) -> String {
    format!("{} {}", text(object, "kind"), text(&object["metadata"], "name"))
}

/// Seconds from 1970 to a time such as `2025-01-01T01:00:00Z`.
fn seconds(text: &str) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !text.ends_with('Z') || year < 1970 || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    // Years begin in March, so that a leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = 365 * year + leap_days + (153 * month + 2) / 5 + day - 1;
    Some(((days.checked_sub(719_468)? * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_in_seconds() {
        assert_eq!(seconds("1970-03-01T00:00:01Z"), Some(59 * 86400 + 1));
        assert_eq!(seconds("2025-01-01T01:00:00Z"), Some(1_735_693_200));
        assert_eq!(seconds("2024-02-29T23:59:59Z"), Some(1_709_251_199));
        assert_eq!(seconds("2025-01-01"), None);
    }
}
