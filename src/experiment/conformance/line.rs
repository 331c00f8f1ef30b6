//! What an attempt found out, in the form of a recorded line.

use super::replay::Replay;
use super::storage::full_name;
use crate::model::{Code, Explain, NodeId, Plugin, PodId, Preemption, Refusal, Verdict};
use serde_json::{Map, Value, json};

/// Compact lines name at most so many of the best nodes.
const TOP_MAX: usize = 50;
/// Compact lines list candidates of preemption up to this number.
const CANDIDATES_MAX: usize = 10;

/// How an attempt ended, as lines call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Scheduled,
    Unschedulable,
    Preempting,
    Gated,
    NoProfile,
}

impl Outcome {
    fn text(self) -> &'static str {
        match self {
            Outcome::Scheduled => "scheduled",
            Outcome::Unschedulable => "unschedulable",
            Outcome::Preempting => "preempting",
            Outcome::Gated => "gated",
            Outcome::NoProfile => "error",
        }
    }
}

/// A line under construction.
struct Line<'r> {
    replay: &'r Replay,
    explain: &'r Explain,
    compact: bool,
    fields: Map<String, Value>,
}

/// The line of an attempt.
pub(super) fn line(
    replay: &Replay,
    outcome: Outcome,
    explain: &Explain,
    profile: &str,
) -> Map<String, Value> {
    let compact = replay.compact;
    let mut line = Line { replay, explain, compact, fields: Map::new() };
    line.set("profile", json!(profile));
    line.set("outcome", json!(outcome.text()));
    let scored = line.feasible();
    line.set("feasible_count", json!(scored.len()));
    line.top(&scored);
    if !compact {
        line.nodes(&scored);
    }
    line.pre_filter();
    if let Some(node) = explain.nominated {
        line.set("nominated_node", json!(replay.node_name(node)));
    }
    if let Some(node) = explain.chosen {
        line.set("chosen", json!(replay.node_name(node)));
        line.volumes();
    }
    match outcome {
        Outcome::Scheduled | Outcome::Gated => {}
        Outcome::NoProfile => line.set("message", json!("no profile of that name")),
        Outcome::Unschedulable | Outcome::Preempting => line.failure(),
    }
    line.fields
}

type Scored<'r> = Vec<(&'r str, &'r [(Plugin, i64)])>;

fn total(scores: &[(Plugin, i64)]) -> i64 {
    scores.iter().map(|(_, score)| score).sum()
}

impl<'r> Line<'r> {
    fn set(&mut self, key: &str, value: Value) {
        self.fields.insert(key.to_owned(), value);
    }

    /// The feasible nodes with their scores, in order of name.
    fn feasible(&self) -> Scored<'r> {
        let feasible = self.explain.nodes.iter().filter_map(|node| match &node.verdict {
            Verdict::Feasible(scores) => {
                Some((self.replay.node_name(node.node), scores.as_slice()))
            }
            Verdict::Refused(_) => None,
        });
        let mut feasible: Scored<'r> = feasible.collect();
        feasible.sort_unstable();
        feasible
    }

    fn top(&mut self, scored: &Scored<'_>) {
        let Some(best) = scored.iter().map(|(_, scores)| total(scores)).max() else { return };
        let top: Vec<&str> = scored
            .iter()
            .filter(|(_, scores)| total(scores) == best)
            .map(|(name, _)| *name)
            .collect();
        let shown = if self.compact { top.len().min(TOP_MAX) } else { top.len() };
        self.set("top_count", json!(top.len()));
        self.set("top", json!(&top[..shown]));
        if scored.len() > 1 {
            self.set("best", json!(best));
        }
    }

    /// Node by node: which are feasible, their scores and totals, and who refused the others.
    fn nodes(&mut self, scored: &Scored<'_>) {
        if !scored.is_empty() {
            let names: Vec<&str> = scored.iter().map(|(name, _)| *name).collect();
            self.set("feasible", json!(names));
        }
        if scored.len() > 1 {
            let mut scores = Map::new();
            let mut totals = Map::new();
            for (name, by_plugin) in scored {
                for (plugin, score) in *by_plugin {
                    let plugin = scores.entry(plugin.to_string()).or_insert_with(|| json!({}));
                    plugin[name] = json!(score);
                }
                totals.insert((*name).to_owned(), json!(total(by_plugin)));
            }
            self.set("scores", Value::Object(scores));
            self.set("total", Value::Object(totals));
        }
        let mut rejected = Map::new();
        for node in &self.explain.nodes {
            if let Verdict::Refused(refusal) = &node.verdict {
                let name = self.replay.node_name(node.node).to_owned();
                rejected.insert(name, self.refusal(refusal));
            }
        }
        if !rejected.is_empty() {
            self.set("rejected", Value::Object(rejected));
        }
    }

    fn refusal(&self, refusal: &Refusal) -> Value {
        let mut reasons = refusal.texts(&self.replay.catalog);
        reasons.sort_unstable();
        let code = match refusal.code {
            Code::Unschedulable => "Unschedulable",
            Code::UnschedulableAndUnresolvable => "UnschedulableAndUnresolvable",
        };
        json!({"plugin": refusal.plugin.to_string(), "code": code, "reasons": reasons})
    }

    fn pre_filter(&mut self) {
        let mut found = Map::new();
        if let Some(refusal) = &self.explain.refused_before_nodes {
            found.insert("rejected".to_owned(), self.refusal(refusal));
        } else if !self.explain.narrowed_by.is_empty() {
            let names = &self.replay.catalog.names;
            let mut nodes: Vec<&str> =
                self.explain.narrowed_to.iter().map(|name| names.text(*name)).collect();
            nodes.sort_unstable();
            nodes.dedup();
            found.insert("nodes".to_owned(), json!(nodes));
        }
        if !found.is_empty() {
            self.set("prefilter", Value::Object(found));
        }
    }

    fn volumes(&mut self) {
        let plan = &self.explain.volumes;
        let catalog = &self.replay.catalog;
        let mut found = Map::new();
        if !plan.bind.is_empty() {
            let bind: Map<String, Value> = plan
                .bind
                .iter()
                .map(|(claim, volume)| {
                    (full_name(*claim, catalog), json!(catalog.names.text(*volume)))
                })
                .collect();
            found.insert("bind".to_owned(), Value::Object(bind));
        }
        if !plan.provision.is_empty() {
            let mut claims: Vec<String> =
                plan.provision.iter().map(|claim| full_name(*claim, catalog)).collect();
            claims.sort_unstable();
            found.insert("provision".to_owned(), json!(claims));
        }
        if !found.is_empty() {
            self.set("volumes", Value::Object(found));
        }
    }

    fn failure(&mut self) {
        let (catalog, nodes) = (&self.replay.catalog, self.replay.view.present_nodes());
        self.set("message", json!(self.explain.fit_error(nodes, catalog)));
        if let Some(text) = self.explain.preemption.message(nodes, catalog) {
            self.set("postfilter_message", json!(text));
        }
        let Some(room) = self.explain.makes_room_on else { return };
        let Preemption::Tried(run) = &self.explain.preemption else { return };
        let name = |node: NodeId| self.replay.node_name(node).to_owned();
        let pods = |pods: &[PodId]| -> Vec<String> {
            pods.iter().map(|pod| self.replay.pod_name(*pod)).collect()
        };
        let mut best: Vec<String> = run.best.iter().map(|node| name(*node)).collect();
        best.sort_unstable();
        let mut candidates: Vec<_> = run.candidates.iter().collect();
        candidates.sort_by_key(|candidate| name(candidate.node));
        let chosen = candidates.iter().find(|candidate| candidate.node == room);
        let victims = chosen.map(|candidate| pods(&candidate.victims)).unwrap_or_default();
        let shown: Vec<Value> = candidates
            .iter()
            .map(|candidate| {
                json!({
                    "node": name(candidate.node),
                    "victims": pods(&candidate.victims),
                    "pdb_violations": candidate.violations,
                })
            })
            .collect();
        let mut cleared = pods(&self.explain.cleared);
        cleared.sort_unstable();
        let nominated = name(room);
        self.set("nominated", json!(nominated));
        self.set("nominated_top", json!(best));
        self.set("victims", json!(victims));
        if !self.compact || shown.len() <= CANDIDATES_MAX {
            self.set("candidates", json!(shown));
        }
        if !cleared.is_empty() {
            self.set("cleared_nominations", json!(cleared));
        }
    }
}
