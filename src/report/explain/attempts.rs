//! Attempts to place a pod: who refused it on how many nodes and why, and what spoke for the node
//! that was chosen.

use crate::journal::{Attempt, AttemptEnd};
use crate::report::fact_words::Cast;
use crate::report::words::listed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nodes refused by one plugin for the same reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusalRow {
    /// Who refused.
    pub plugin: String,
    /// On how many nodes.
    pub nodes: u32,
    /// Why.
    pub reasons: Vec<String>,
}

/// What one plugin gave the chosen node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginScore {
    /// Plugin.
    pub plugin: String,
    /// Weighted score of the chosen node.
    pub score: i64,
    /// Weighted score of the next best node; null if there is none.
    pub next_best: Option<i64>,
}

/// One attempt to place a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptRow {
    /// Number, from 1.
    pub number: usize,
    /// When the scheduler looked, nanoseconds.
    pub at_ns: u64,
    /// When it ended, nanoseconds.
    pub ended_ns: u64,
    /// `refused`, `bound`, `bind-failed`, or `open` if it goes on.
    pub outcome: String,
    /// Nodes looked at. The scheduler stops when it has found enough.
    pub examined: u32,
    /// Nodes among them that could take the pod.
    pub feasible: u32,
    /// A refusal of the pod as a whole, before any node was looked at.
    pub refused_as_a_whole: Option<RefusalRow>,
    /// Plugins that let only named nodes be looked at.
    pub narrowed_by: Vec<String>,
    /// Nodes refused, most first.
    pub refusals: Vec<RefusalRow>,
    /// The chosen node; null if there is none.
    pub node: Option<String>,
    /// Score of the chosen node; null if it was the only one.
    pub score: Option<i64>,
    /// Feasible nodes with that score, the chosen one included.
    pub tied: u32,
    /// Scores by plugin, empty if the chosen node was the only one.
    pub scores: Vec<PluginScore>,
    /// The best of the nodes with another score; null if there is none.
    pub next_best: Option<String>,
}

/// An attempt in words.
pub(super) fn row(attempt: &Attempt, number: usize, cast: &Cast<'_>) -> AttemptRow {
    let (outcome, node) = match attempt.end {
        AttemptEnd::Open => ("open", None),
        AttemptEnd::Refused => ("refused", None),
        AttemptEnd::Bound(node) => ("bound", Some(node)),
        AttemptEnd::BindFailed(node) => ("bind-failed", Some(node)),
    };
    let scores = attempt.chosen.iter().flat_map(|chosen| &chosen.scores);
    let next = attempt.next_best.as_ref();
    let of_next = |plugin| {
        let found = next?.scores.iter().find(|(scorer, _)| *scorer == plugin);
        found.map(|(_, score)| *score)
    };
    let scores: Vec<PluginScore> = scores
        .map(|(plugin, score)| PluginScore {
            plugin: plugin.to_string(),
            score: *score,
            next_best: of_next(*plugin),
        })
        .collect();
    AttemptRow {
        number,
        at_ns: attempt.at.as_nanos(),
        ended_ns: attempt.ended.as_nanos(),
        outcome: outcome.to_owned(),
        examined: attempt.examined,
        feasible: attempt.feasible,
        refused_as_a_whole: attempt.refused_before_nodes.as_ref().map(|refusal| RefusalRow {
            plugin: refusal.plugin.to_string(),
            nodes: 0,
            reasons: refusal.texts(cast.catalog),
        }),
        narrowed_by: attempt.narrowed_by.iter().map(|plugin| plugin.to_string()).collect(),
        refusals: refusals(attempt, cast),
        node: node.map(|node| cast.node(node)),
        score: attempt.chosen.as_ref().filter(|_| attempt.feasible > 1).map(|best| best.total()),
        tied: attempt.tied,
        scores,
        next_best: next.map(|next| cast.node(next.node)),
    }
}

/// Refusals in words, most nodes first, then by text.
fn refusals(attempt: &Attempt, cast: &Cast<'_>) -> Vec<RefusalRow> {
    let mut rows: Vec<RefusalRow> = Vec::new();
    for refusals in &attempt.refusals {
        let texts = refusals.reasons.iter().map(|reason| reason.text(cast.catalog));
        let (plugin, nodes) = (refusals.plugin.to_string(), refusals.nodes);
        rows.push(RefusalRow { plugin, nodes, reasons: texts.collect() });
    }
    rows.sort_by(|a, b| {
        let most = b.nodes.cmp(&a.nodes);
        most.then_with(|| a.plugin.cmp(&b.plugin)).then_with(|| a.reasons.cmp(&b.reasons))
    });
    rows
}

impl AttemptRow {
    /// Why no node was found, or why this one, in half a sentence.
    pub(super) fn why(&self) -> String {
        if let Some(whole) = &self.refused_as_a_whole {
            return format!("{}: {}", whole.plugin, whole.reasons.join(", "));
        }
        match self.outcome.as_str() {
            "refused" => self.why_not(),
            _ => self.why_there(),
        }
    }

    fn why_not(&self) -> String {
        if self.examined == 0 && self.narrowed_by.is_empty() {
            return "there was no node to look at".to_owned();
        }
        let mut parts = Vec::new();
        for (at, row) in self.refusals.iter().enumerate() {
            let of = if at == 0 { format!(" of {} nodes", self.examined) } else { String::new() };
            parts.push(format!("{}{of}: {}", row.nodes, row.plain()));
        }
        if !self.narrowed_by.is_empty() {
            parts.push(format!("others not looked at because of {}", listed(&self.narrowed_by)));
        }
        parts.join("; ")
    }

    fn why_there(&self) -> String {
        let refused = self.examined - self.feasible;
        let others = match refused {
            0 => String::new(),
            refused => format!(" ({refused} refused)"),
        };
        match (self.score, self.feasible) {
            (_, 0) => String::new(),
            (None, 1) => format!("the only one of {} nodes that could take it", self.examined),
            (None, _) => format!("of {} nodes looked at{others}", self.examined),
            (Some(score), feasible) => {
                let tied = match self.tied {
                    0 | 1 => String::new(),
                    2 => ", shared with one other".to_owned(),
                    tied => format!(", shared with {} others", tied - 1),
                };
                format!("best of {feasible} nodes{others}: score {score}{tied}")
            }
        }
    }
}

impl RefusalRow {
    /// The reasons without the counted noun that upstream texts begin with.
    pub(super) fn plain(&self) -> String {
        let plain = |text: &String| text.strip_prefix("node(s) ").unwrap_or(text).to_owned();
        listed(&self.reasons.iter().map(plain).collect::<Vec<_>>())
    }
}
