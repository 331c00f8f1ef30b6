//! One line per pod, for tables. Lines of pods that have ended are kept up to a limit, or taken
//! away now and then by a caller who writes them to a file.

use super::book::{Book, NEVER, PodRow, State};
use super::step::{Fold, Step};
use crate::ground::Time;
use crate::journal::Fact;
use crate::model::{FailedReason, NodeId, PodName, PodUid, WorkloadId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a pod came.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PodEnd {
    /// It ended well.
    Finished,
    /// It ended badly.
    Failed,
    /// It left the store without having ended.
    Removed,
    /// It is running at the end of the run.
    Running,
    /// It is bound, but not running, at the end of the run.
    Starting,
    /// It has no node at the end of the run.
    Pending,
    /// Its node died under it, and it is still in the store at the end of the run.
    Interrupted,
}

/// What the table says of one pod. Instants that were not reached are [`Time::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodLine {
    /// Number, in order of creation.
    pub pod: PodUid,
    /// Name, with the names of the run.
    pub name: PodName,
    /// Owner.
    pub workload: WorkloadId,
    /// Node that it was bound to.
    pub node: Option<NodeId>,
    /// The lost pod that it replaced.
    pub replaces: Option<PodUid>,
    /// How far it came.
    pub end: PodEnd,
    /// Why it ended badly, if it did.
    pub reason: Option<FailedReason>,
    /// Attempts to place it, the successful one included.
    pub attempts: u32,
    /// Starts of its containers but the first of each.
    pub restarts: u32,
    /// Created.
    pub created: Time,
    /// First queued.
    pub queued: Time,
    /// Bound.
    pub bound: Time,
    /// All containers started, for the first time.
    pub started: Time,
    /// Ready, for the first time.
    pub ready: Time,
    /// Finished, failed or removed.
    pub ended: Time,
}

impl PodLine {
    fn of(row: &PodRow, end: PodEnd, ended: Time) -> PodLine {
        PodLine {
            pod: row.pod,
            name: row.name,
            workload: row.workload,
            node: row.node,
            replaces: row.replaces,
            end,
            reason: None,
            attempts: row.refusals + u32::from(row.bound != NEVER),
            restarts: row.restarts,
            created: row.created,
            queued: row.queued,
            bound: row.bound,
            started: row.started,
            ready: row.ready,
            ended,
        }
    }
}

/// The lines of a run with what is needed to show them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PodTable {
    /// Lines, by number of the pod.
    pub lines: Vec<PodLine>,
    /// Pods whose lines were not kept.
    pub not_kept: u64,
    /// The texts of the names, by number.
    pub texts: Vec<String>,
    /// The names of the workloads, by number.
    pub workloads: Vec<String>,
    /// The names of the nodes, by number.
    pub nodes: Vec<String>,
}

impl PodTable {
    /// The name of a pod.
    pub fn name(&self, name: PodName) -> String {
        let (stem, number, digits) = name.parts();
        let stem = self.texts.get(stem.0 as usize).map_or("", String::as_str);
        match usize::from(digits) {
            0 => stem.to_owned(),
            width => format!("{stem}{number:0width$}"),
        }
    }
}

/// The fold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Pods {
    lines: Vec<PodLine>,
    limit: usize,
    not_kept: u64,
}

impl Pods {
    /// Keeps at most so many lines.
    pub(super) fn new(limit: u32) -> Pods {
        Pods { limit: limit as usize, ..Pods::default() }
    }

    fn keep(&mut self, line: PodLine) {
        if self.lines.len() < self.limit {
            self.lines.push(line);
        } else {
            self.not_kept += 1;
        }
    }

    /// The lines kept so far, which are not kept any longer.
    pub(super) fn take(&mut self) -> Vec<PodLine> {
        std::mem::take(&mut self.lines)
    }

    /// The table of a run.
    pub(super) fn finish(mut self, book: &Book) -> PodTable {
        for row in book.pods() {
            let end = match row.state {
                State::Waiting => PodEnd::Pending,
                State::Bound => PodEnd::Starting,
                State::Started | State::Ready => PodEnd::Running,
                State::Interrupted => PodEnd::Interrupted,
            };
            self.keep(PodLine::of(row, end, NEVER));
        }
        self.lines.sort_unstable_by_key(|line| line.pod);
        PodTable { lines: self.lines, not_kept: self.not_kept, ..table_of(book) }
    }
}

/// A table without lines.
pub(super) fn table_of(book: &Book) -> PodTable {
    let workloads = (0..book.workloads.len() as u32).map(WorkloadId);
    PodTable {
        lines: Vec::new(),
        not_kept: 0,
        texts: book.texts.clone(),
        workloads: workloads.map(|workload| book.workload_text(workload)).collect(),
        nodes: book.nodes.iter().map(|node| book.text(node.name)).collect(),
    }
}

impl Fold for Pods {
    fn fold(&mut self, step: &Step<'_>) {
        let end = match step.fact {
            Fact::Finished { .. } => PodEnd::Finished,
            Fact::Failed { .. } => PodEnd::Failed,
            Fact::Removed { .. } => PodEnd::Removed,
            _ => return,
        };
        if let Some(row) = step.pod {
            let reason = match step.fact {
                Fact::Failed { reason, .. } => Some(reason),
                _ => None,
            };
            self.keep(PodLine { reason, ..PodLine::of(row, end, step.at) });
        }
    }
}
