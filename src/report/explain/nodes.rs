//! The last attempt to place a pod, node by node: refused by what, or with which scores.

use super::attempts::AttemptRow;
use crate::model::{NodeVerdict, Verdict};
use crate::report::fact_words::Cast;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What an attempt found on one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeRow {
    /// Node.
    pub node: String,
    /// True if it was chosen.
    pub chosen: bool,
    /// The plugin that refused it; null if it could take the pod.
    pub refused_by: Option<String>,
    /// Why it was refused.
    pub reasons: Vec<String>,
    /// Sum of the weighted scores; null if it was refused or the only one left.
    pub total: Option<i64>,
    /// True if others have the same sum.
    pub tied: bool,
    /// Weighted score by plugin.
    pub scores: BTreeMap<String, i64>,
}

/// The nodes of an attempt: the chosen one, then by sum of scores, then the refused ones, each
/// group in the order in which the scheduler looked.
pub(super) fn rows(
    verdicts: &[NodeVerdict],
    attempt: Option<&AttemptRow>,
    cast: &Cast<'_>,
) -> Vec<NodeRow> {
    let chosen = attempt.and_then(|attempt| attempt.node.as_deref());
    let mut rows: Vec<NodeRow> = verdicts.iter().map(|found| row(found, chosen, cast)).collect();
    let mut sums: BTreeMap<i64, usize> = BTreeMap::new();
    for total in rows.iter().filter_map(|row| row.total) {
        *sums.entry(total).or_default() += 1;
    }
    for row in &mut rows {
        row.tied = row.total.is_some_and(|total| sums[&total] > 1);
    }
    rows.sort_by_key(|row| (!row.chosen, row.refused_by.is_some(), Reverse(row.total)));
    rows
}

fn row(found: &NodeVerdict, chosen: Option<&str>, cast: &Cast<'_>) -> NodeRow {
    let node = cast.node(found.node);
    let mut row = NodeRow {
        chosen: chosen == Some(node.as_str()),
        node,
        refused_by: None,
        reasons: Vec::new(),
        total: None,
        tied: false,
        scores: BTreeMap::new(),
    };
    match &found.verdict {
        Verdict::Feasible(scores) => {
            row.total = (!scores.is_empty()).then(|| scores.iter().map(|(_, s)| s).sum());
            let named = scores.iter().map(|(plugin, score)| (plugin.to_string(), *score));
            row.scores = named.collect();
        }
        Verdict::Refused(refusal) => {
            row.refused_by = Some(refusal.plugin.to_string());
            row.reasons = refusal.texts(cast.catalog);
        }
    }
    row
}

impl NodeRow {
    /// What the attempt found, in a few words.
    pub(super) fn verdict(&self) -> String {
        let plain = |text: &String| text.strip_prefix("node(s) ").unwrap_or(text).to_owned();
        if let Some(plugin) = &self.refused_by {
            let reasons: Vec<String> = self.reasons.iter().map(plain).collect();
            return format!("refused by {plugin}: {}", reasons.join(", "));
        }
        let chosen = if self.chosen { "chosen" } else { "could take it" };
        if self.tied { format!("{chosen}, tied") } else { chosen.to_owned() }
    }
}
