//! Everything about one attempt to place a pod, filled only when somebody asks: why here, or why
//! nowhere.

use super::{Catalog, ClaimRef, NodeId, Plugin, PluginSet, PodId, Reason, Refusal};
use crate::ground::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was found out about one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The first filter that refused.
    Refused(Refusal),
    /// It is feasible: weighted score of each plugin that scored, none when it was the only one.
    Feasible(Vec<(Plugin, i64)>),
}

/// One node and what was found out about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeVerdict {
    /// Node.
    pub node: NodeId,
    /// Verdict.
    pub verdict: Verdict,
}

/// What is bound and what is made for the claims of a pod on a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumePlan {
    /// Claims, each with the volume that it is bound to.
    pub bind: Vec<(ClaimRef, Name)>,
    /// Claims that volumes are made for.
    pub provision: Vec<ClaimRef>,
}

impl VolumePlan {
    /// True if nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.bind.is_empty() && self.provision.is_empty()
    }
}

/// A node on which preemption works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Node.
    pub node: NodeId,
    /// Pods that have to go, the most important first.
    pub victims: Vec<PodId>,
    /// How many of them a disruption budget protects.
    pub violations: usize,
}

/// What preemption found on the nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRun {
    /// Nodes on which it does not work although removing pods might help, each with the reasons.
    pub failed: Vec<(NodeId, Vec<Reason>)>,
    /// Nodes on which it works.
    pub candidates: Vec<Candidate>,
    /// Those of them that are equally good and better than the others.
    pub best: Vec<NodeId>,
}

/// What came of preemption.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preemption {
    /// It was not tried.
    #[default]
    NotTried,
    /// The pod may not displace others at all.
    Never,
    /// Pods that it displaced before are still on their way out.
    Terminating,
    /// It was tried.
    Tried(DryRun),
}

impl Preemption {
    /// The outcome in words, among `total` nodes, as upstream words it, if it did not help
    /// (`plugins/defaultpreemption/default_preemption.go`, Kubernetes 1.34).
    pub fn message(&self, total: usize, catalog: &Catalog) -> Option<String> {
        let text = match self {
            Preemption::NotTried => return None,
            Preemption::Never => "not eligible due to preemptionPolicy=Never.".to_owned(),
            Preemption::Terminating => {
                "not eligible due to a terminating pod on the nominated node.".to_owned()
            }
            Preemption::Tried(run) if run.candidates.is_empty() => {
                let failed = run.failed.iter().flat_map(|(_, reasons)| reasons);
                let mut counts: BTreeMap<String, usize> = BTreeMap::new();
                failed.for_each(|reason| *counts.entry(reason.text(catalog)).or_default() += 1);
                let others = total - run.failed.len();
                if others > 0 {
                    let text = Reason::PreemptionNotHelpful.text(catalog);
                    *counts.entry(text).or_default() += others;
                }
                unavailable(total, &counts)
            }
            Preemption::Tried(_) => return None,
        };
        Some(format!("preemption: {text}"))
    }
}

/// "0/3 nodes are available: 1 this, 2 that.", ordered as text.
fn unavailable(total: usize, counts: &BTreeMap<String, usize>) -> String {
    let mut parts: Vec<String> =
        counts.iter().map(|(text, count)| format!("{count} {text}")).collect();
    parts.sort_unstable();
    format!("0/{total} nodes are available: {}.", parts.join(", "))
}

/// Everything about one attempt, filled only when somebody asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explain {
    /// A refusal of the pod as a whole, before any node was looked at.
    pub refused_before_nodes: Option<Refusal>,
    /// The plugins that narrowed the search to named nodes; the others were not looked at.
    pub narrowed_by: PluginSet,
    /// The names to which they narrowed it; some may belong to no node.
    pub narrowed_to: Vec<Name>,
    /// The node that preemption had made room on for the pod before.
    pub nominated: Option<NodeId>,
    /// The nodes looked at, in the order of the search.
    pub nodes: Vec<NodeVerdict>,
    /// The node chosen.
    pub chosen: Option<NodeId>,
    /// What is done about the pod's volumes there.
    pub volumes: VolumePlan,
    /// What came of preemption.
    pub preemption: Preemption,
    /// The node on which preemption makes room now.
    pub makes_room_on: Option<NodeId>,
    /// Pods of lower priority that lose their nomination to that node.
    pub cleared: Vec<PodId>,
}

impl Explain {
    /// Why no node was found, among `total` nodes, as upstream words it
    /// (scheduler `framework/types.go`, `FitError`, Kubernetes 1.34).
    pub fn fit_error(&self, total: usize, catalog: &Catalog) -> String {
        if total == 0 {
            return Reason::NoNodes.text(catalog);
        }
        if let Some(refusal) = &self.refused_before_nodes {
            let texts = refusal.texts(catalog).join(", ");
            return format!("0/{total} nodes are available: {texts}.");
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut refused = 0;
        for node in &self.nodes {
            if let Verdict::Refused(refusal) = &node.verdict {
                refused += 1;
                for text in refusal.texts(catalog) {
                    *counts.entry(text).or_default() += 1;
                }
            }
        }
        if !self.narrowed_by.is_empty() && refused < total {
            let outside = Reason::OutsideNodeSet(self.narrowed_by).text(catalog);
            *counts.entry(outside).or_default() += total - refused;
        }
        unavailable(total, &counts)
    }
}
