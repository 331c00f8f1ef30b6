//! Replays recorded decisions of kube-scheduler 1.34.1 line by line and compares what the plugins
//! that are built said: feasible nodes, who refused which node with which code and reasons, the
//! weighted scores, totals and best nodes, the message, and where the search starts.
//!
//! Lines whose pod uses a field that is not built, and lines on which a plugin that is not built
//! had a say, are not compared but take effect.

mod config;
mod convert;

use super::profile::Profile;
use super::{KubeScheduler, KubeSchedulerParams, TieBreak};
use crate::ground::{Draws, Span, Time, shared};
use crate::model::{
    Catalog, Change, Code, Condition, Explain, NodeId, NodeStatus, Plugin, PodId, PodName, PodSpec,
    PodUid, Pressures, Refusal, Verdict, View, WorkloadId,
};
use crate::policy::{Action, AttemptEnd, Cx, Scheduler};
use convert::{list, text};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

fn read(folder: &Path, name: &str) -> Option<String> {
    if let Ok(text) = std::fs::read_to_string(folder.join(name)) {
        return Some(text);
    }
    let packed = std::fs::read(folder.join(format!("{name}.gz"))).ok()?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    Some(text)
}

fn document(folder: &Path, name: &str) -> Value {
    read(folder, name).map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
}

fn full_name(object: &Value) -> String {
    let metadata = &object["metadata"];
    format!("{}/{}", text(metadata, "namespace"), text(metadata, "name"))
}

/// A cluster in the middle of a recording.
struct Replay {
    catalog: Catalog,
    view: View,
    scheduler: KubeScheduler,
    now: Time,
    uids: u32,
    bound: BTreeMap<String, PodId>,
    /// Priorities of pods with a nomination.
    nominated: BTreeMap<String, i32>,
    /// Selectors, each with its namespace, that make the default spreading constraints apply.
    services: Vec<Value>,
    pods: BTreeMap<String, Value>,
}

impl Replay {
    fn new(folder: &Path) -> Replay {
        let mut catalog = Catalog::new();
        let config = read(folder, "config.yaml");
        let mut profiles = config::profiles(config.as_deref(), &mut catalog.names);
        let percentage = document(folder, "case.json")["percentage_of_nodes_to_score"].as_u64();
        for profile in &mut profiles {
            profile.percentage_of_nodes_to_score = percentage.unwrap_or(100) as u32;
        }
        let params = KubeSchedulerParams { tie_break: TieBreak::First, ..Default::default() };
        let scheduler = KubeScheduler::with_profiles(&params, profiles, &mut catalog.names);
        let mut replay = Replay {
            catalog,
            view: View::new(),
            scheduler,
            now: Time::ZERO,
            uids: 0,
            bound: BTreeMap::new(),
            nominated: BTreeMap::new(),
            services: Vec::new(),
            pods: BTreeMap::new(),
        };
        let cluster = document(folder, "cluster.json");
        for object in list(&cluster["items"]) {
            match text(object, "kind") {
                "Node" => replay.add_node(object),
                "Pod" => {
                    let phase = text(&object["status"], "phase");
                    if !matches!(phase, "Succeeded" | "Failed") {
                        let pod = replay.add_pod(object).0;
                        replay.bind(pod, object, text(&object["spec"], "nodeName"));
                    }
                }
                "Service" => replay.services.push(object.clone()),
                _ => {}
            }
        }
        for object in list(&document(folder, "pods.json")["items"]) {
            let name = full_name(object);
            if !object["status"]["nominatedNodeName"].is_null() {
                replay.nominated.insert(name.clone(), priority(object));
            }
            replay.pods.insert(name, object.clone());
        }
        replay
    }

    fn tell(&mut self, change: Change) {
        let (catalog, view, now, draws) = (&self.catalog, &self.view, self.now, Draws::new(1));
        self.scheduler.observe(Cx { catalog, view, now, draws }, &change);
        self.view.apply(&change, &self.catalog);
    }

    fn add_node(&mut self, object: &Value) {
        let hostname_key = self.catalog.hostname_key;
        let node = convert::node(object, &mut self.catalog.names, hostname_key);
        let status = NodeStatus {
            spec: self.catalog.intern_node_spec(&node.spec).0,
            taints: self.catalog.intern_taints(&node.taints),
            ready: Condition::True,
            pressures: Pressures::NONE,
            unschedulable: node.unschedulable,
        };
        let (id, name, hostname) = (self.view.nodes().next_id(), node.name, node.hostname);
        self.tell(Change::NodeAdded { node: id, name, hostname, status });
    }

    fn add_pod(&mut self, object: &Value) -> (PodId, PodSpec) {
        let spec = convert::pod(object, &mut self.catalog.names);
        let name = self.catalog.names.intern(text(&object["metadata"], "name"));
        let spec_id = self.catalog.intern_pod_spec(&spec).0;
        let (pod, uid) = (PodId(self.uids), PodUid(self.uids));
        self.uids += 1;
        self.tell(Change::PodAdded {
            pod,
            uid,
            spec: spec_id,
            workload: WorkloadId(0),
            name: PodName::plain(name),
            created: self.now,
        });
        (pod, spec)
    }

    fn node_name(&self, node: NodeId) -> &str {
        self.catalog.names.text(self.view.node(node).name)
    }

    fn bind(&mut self, pod: PodId, object: &Value, node: &str) {
        let name = self.catalog.names.find(node).unwrap();
        let (node, _) = self.view.nodes().iter().find(|(_, row)| row.name == name).unwrap();
        self.tell(Change::PodBound { pod, node, devices: Default::default() });
        self.bound.insert(full_name(object), pod);
    }
}

fn priority(object: &Value) -> i32 {
    object["spec"]["priority"].as_i64().unwrap_or(0) as i32
}

/// Why a line is not compared, or `None` if it is.
fn not_comparable(replay: &Replay, object: &Value, line: &Value) -> Option<&'static str> {
    let spec = &object["spec"];
    let affinity = &spec["affinity"];
    let has = |value: &Value| !value.is_null();
    if has(&affinity["podAffinity"]) || has(&affinity["podAntiAffinity"]) {
        return Some("affinity between pods");
    }
    if has(&spec["topologySpreadConstraints"]) {
        return Some("spread constraints");
    }
    if has(&spec["volumes"]) {
        return Some("volumes");
    }
    if has(&object["metadata"]["ownerReferences"]) || replay.is_served(object) {
        return Some("default spread constraints");
    }
    if has(&line["nominated_node"]) || replay.nominated.values().any(|p| *p >= priority(object)) {
        return Some("nominations");
    }
    if text(line, "outcome") == "error" {
        return Some("no profile");
    }
    let built = |name: &str| {
        let plugin = Plugin::from_name(name).unwrap();
        Profile::can_filter(plugin) || Profile::can_score(plugin)
    };
    let rejected = line["rejected"].as_object().into_iter().flatten();
    let refusers = rejected.map(|(_, refusal)| text(refusal, "plugin"));
    let scorers = line["scores"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    if !refusers.chain(scorers).all(built) {
        return Some("a plugin that is not built had a say");
    }
    None
}

/// Names of the nodes that are feasible, in alphabetical order.
fn feasible<'r>(replay: &'r Replay, explain: &'r Explain) -> Vec<(&'r str, &'r [(Plugin, i64)])> {
    let mut nodes: Vec<_> = explain
        .nodes
        .iter()
        .filter_map(|node| match &node.verdict {
            Verdict::Feasible(scores) => Some((replay.node_name(node.node), scores.as_slice())),
            Verdict::Refused(_) => None,
        })
        .collect();
    nodes.sort_unstable();
    nodes
}

/// A refusal as the recordings write it.
fn recorded(refusal: &Refusal, catalog: &Catalog) -> Value {
    let mut reasons = refusal.texts(catalog);
    reasons.sort_unstable();
    let code = match refusal.code {
        Code::Unschedulable => "Unschedulable",
        Code::UnschedulableAndUnresolvable => "UnschedulableAndUnresolvable",
    };
    json!({"plugin": refusal.plugin.to_string(), "code": code, "reasons": reasons})
}

/// What we found out, in the form of a recorded line; `compact` as in the large cases.
fn as_line(replay: &Replay, explain: &Explain, compact: bool) -> Map<String, Value> {
    let mut line = Map::new();
    let feasible = feasible(replay, explain);
    line.insert("feasible_count".into(), json!(feasible.len()));
    let total = |scores: &[(Plugin, i64)]| scores.iter().map(|(_, score)| score).sum::<i64>();
    let best = feasible.iter().map(|(_, scores)| total(scores)).max();
    if let Some(best) = best {
        let top = feasible.iter().filter(|(_, scores)| total(scores) == best);
        let top: Vec<&str> = top.map(|(name, _)| *name).collect();
        line.insert("top_count".into(), json!(top.len()));
        line.insert("top".into(), json!(&top[..top.len().min(if compact { 50 } else { 1000 })]));
        if feasible.len() > 1 {
            line.insert("best".into(), json!(best));
        }
    }
    if !compact {
        insert_nodes(&mut line, replay, explain, &feasible);
    }
    let refusal = explain.refused_before_nodes.as_ref();
    if let Some(refusal) = refusal {
        let refusal = recorded(refusal, &replay.catalog);
        line.insert("prefilter".into(), json!({ "rejected": refusal }));
    }
    if feasible.is_empty() && refusal.is_none_or(|r| r.plugin != Plugin::SchedulingGates) {
        let message = explain.fit_error(replay.view.present_nodes(), &replay.catalog);
        line.insert("message".into(), Value::String(message));
    }
    line
}

/// Node by node: which are feasible, their scores and totals, and who refused the others.
fn insert_nodes(
    line: &mut Map<String, Value>,
    replay: &Replay,
    explain: &Explain,
    feasible: &[(&str, &[(Plugin, i64)])],
) {
    if !feasible.is_empty() {
        let names: Vec<&str> = feasible.iter().map(|(name, _)| *name).collect();
        line.insert("feasible".into(), json!(names));
    }
    if feasible.len() > 1 {
        let mut scores = Map::new();
        let mut totals = Map::new();
        for (name, by_plugin) in feasible {
            for (plugin, score) in *by_plugin {
                scores.entry(plugin.to_string()).or_insert_with(|| json!({}))[name] = json!(score);
            }
            let total: i64 = by_plugin.iter().map(|(_, score)| score).sum();
            totals.insert((*name).into(), json!(total));
        }
        line.insert("scores".into(), Value::Object(scores));
        line.insert("total".into(), Value::Object(totals));
    }
    let mut rejected = Map::new();
    for node in &explain.nodes {
        if let Verdict::Refused(refusal) = &node.verdict {
            let name = replay.node_name(node.node).to_owned();
            rejected.insert(name, recorded(refusal, &replay.catalog));
        }
    }
    if !rejected.is_empty() {
        line.insert("rejected".into(), Value::Object(rejected));
    }
}

/// The fields of a line that are compared.
fn comparable(line: &Value) -> Map<String, Value> {
    const FIELDS: [&str; 9] = [
        "feasible_count",
        "feasible",
        "scores",
        "total",
        "best",
        "top_count",
        "top",
        "rejected",
        "message",
    ];
    let mut fields: Map<String, Value> = line
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, _)| FIELDS.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let refused = &line["prefilter"]["rejected"];
    if !refused.is_null() {
        fields.insert("prefilter".into(), json!({ "rejected": refused }));
    }
    fields
}

impl Replay {
    fn is_served(&self, pod: &Value) -> bool {
        self.services.iter().any(|service| {
            let selector = service["spec"]["selector"].as_object();
            text(&service["metadata"], "namespace") == text(&pod["metadata"], "namespace")
                && selector.is_some_and(|selector| {
                    let labels = &pod["metadata"]["labels"];
                    !selector.is_empty() && selector.iter().all(|(k, v)| labels[k] == *v)
                })
        })
    }

    /// Makes one attempt through the scheduler's face; what was found out.
    fn attempt(&mut self, object: &Value) -> (PodId, Explain) {
        self.now += Span::from_millis(10);
        let (pod, spec) = self.add_pod(object);
        let mut explain = Explain::default();
        if let Some(refusal) = self.scheduler.held_back(&spec) {
            assert_eq!(self.scheduler.due(self.now), None, "a gated pod is never due");
            explain.refused_before_nodes = Some(refusal);
            return (pod, explain);
        }
        let (catalog, view, now, draws) = (&self.catalog, &self.view, self.now, Draws::new(1));
        let cx = Cx { catalog, view, now, draws };
        let mut actions = Vec::new();
        self.scheduler.step(cx, &mut actions, Some(&mut explain));
        let [action] = actions.as_slice() else { return (pod, explain) };
        check_action(action, &explain);
        if let Action::Refuse { refusers, .. } = *action {
            self.scheduler.end(cx, action, AttemptEnd::Refused(refusers));
        }
        (pod, explain)
    }

    /// Lets a recorded line take effect.
    fn follow(&mut self, line: &Value, pod: PodId, object: &Value) {
        let name = full_name(object);
        match text(line, "outcome") {
            "scheduled" => {
                self.nominated.remove(&name);
                self.bind(pod, object, text(line, "chosen"));
                return;
            }
            "preempting" => {
                for other in list(&line["cleared_nominations"]) {
                    self.nominated.remove(other.as_str().unwrap());
                }
                for victim in list(&line["victims"]) {
                    let victim = self.bound.remove(victim.as_str().unwrap()).unwrap();
                    self.tell(Change::PodRemoved { pod: victim });
                }
                self.nominated.insert(name, priority(object));
            }
            _ => {
                if !text(line, "postfilter_message").contains("not eligible") {
                    self.nominated.remove(&name);
                }
            }
        }
        self.tell(Change::PodRemoved { pod });
    }
}

/// The node chosen is the first in search order among the best.
fn check_action(action: &Action, explain: &Explain) {
    let total = |verdict: &Verdict| match verdict {
        Verdict::Feasible(scores) => Some(scores.iter().map(|(_, s)| *s).sum::<i64>()),
        Verdict::Refused(_) => None,
    };
    let best = explain.nodes.iter().filter_map(|node| total(&node.verdict)).max();
    let first = explain.nodes.iter().find(|n| best.is_some() && total(&n.verdict) == best);
    match (action, first) {
        (Action::Bind { node, .. }, Some(first)) => assert_eq!(*node, first.node),
        (Action::Refuse { .. }, None) => {}
        other => panic!("{other:?}"),
    }
}

/// Counts of one case: lines, lines compared, and why others were not.
#[derive(Default)]
struct Tally {
    compared: usize,
    skipped: BTreeMap<&'static str, usize>,
    problems: Vec<String>,
}

fn replay_case(folder: &Path, tally: &mut Tally) {
    let case = folder.file_name().unwrap().to_string_lossy().into_owned();
    let compact = document(folder, "case.json")["compact"].as_bool().unwrap_or(false);
    let mut replay = Replay::new(folder);
    for (number, line) in read(folder, "expected.jsonl").unwrap().lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        let object = replay.pods[text(&line, "pod")].clone();
        if let Some(start) = line["start_index"].as_u64()
            && replay.scheduler.next_start != start as usize
        {
            tally.problems.push(format!("{case}:{} starts elsewhere", number + 1));
            replay.scheduler.next_start = start as usize;
        }
        if let Some(order) = line["node_order"].as_array() {
            let nodes = replay.scheduler.order.interleaved();
            let ours: Vec<&str> = nodes.iter().map(|node| replay.node_name(*node)).collect();
            assert_eq!(&json!(ours), &json!(order), "{case}: node order");
        }
        let reason = not_comparable(&replay, &object, &line);
        let (pod, explain) = replay.attempt(&object);
        match reason {
            Some(reason) => *tally.skipped.entry(reason).or_default() += 1,
            None => {
                tally.compared += 1;
                let ours = as_line(&replay, &explain, compact);
                let theirs = comparable(&line);
                let differs = |key: &&String| ours.get(*key) != theirs.get(*key);
                let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
                for key in keys.iter().filter(|key| differs(key)) {
                    let (we, they) = (ours.get(*key), theirs.get(*key));
                    let at = number + 1;
                    tally
                        .problems
                        .push(format!("{case}:{at} {key}\n  ours {we:?}\n  not {they:?}"));
                }
            }
        }
        replay.follow(&line, pod, &object);
    }
}

/// Replays the cases that `wanted` names; at least so many lines are compared.
fn replay_cases(wanted: impl Fn(&str) -> bool, least: usize) {
    let Some(folder) = shared("golden/kube-scheduler") else { return };
    let cases = std::fs::read_dir(folder).unwrap();
    let mut tally = Tally::default();
    let (mut cases_compared, mut whole) = (0, 0);
    let folders: BTreeSet<_> = cases.map(|case| case.unwrap().path()).collect();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let name = folder.file_name().unwrap().to_string_lossy();
        // Requests of the pod as a whole are not built.
        if !wanted(&name) || name == "fit-pod-level-resources" {
            continue;
        }
        let skipped = |tally: &Tally| tally.skipped.values().sum::<usize>();
        let before = (tally.compared, skipped(&tally));
        replay_case(folder, &mut tally);
        cases_compared += usize::from(tally.compared > before.0);
        whole += usize::from(skipped(&tally) == before.1);
    }
    eprintln!(
        "{} lines of {cases_compared} cases compared, {whole} cases as a whole; others: {:?}",
        tally.compared, tally.skipped
    );
    let shown: Vec<&str> = tally.problems.iter().take(10).map(String::as_str).collect();
    assert!(shown.is_empty(), "{} differences:\n{}", tally.problems.len(), shown.join("\n"));
    assert!(tally.compared >= least, "{} lines compared", tally.compared);
}

#[test]
fn hand_written_recordings() {
    replay_cases(|name| !name.starts_with("random") && !name.starts_with("large"), 200);
}

#[test]
fn random_recordings() {
    replay_cases(|name| name.starts_with("random"), 1700);
}

#[test]
fn large_recordings() {
    replay_cases(|name| name.starts_with("large"), 300);
}
