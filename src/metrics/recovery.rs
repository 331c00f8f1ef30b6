//! What failures did: for each pod that lost its node and for each crash, when each step of the
//! way back was taken.
//!
//! The time line of a pod: fault, detected (the node's condition is not True), evicted (deletion
//! asked), recreated (a replacement exists), bound, started, ready. A leg runs from the latest
//! earlier step that was taken. If a replacement is lost before it was ready, the case goes on with
//! the next one, and the replacement's own loss is a case too. Legs are published over pods that
//! were replaced; pods that came back by themselves, because their node did, are apart.
//!
//! A service is restored at the first instant from which its ready pods are at the desired number
//! for 60 s or for the rest of the run. Time to restore is counted per crash and affected service.

use super::book::{Book, NEVER, PodRow, State};
use super::step::{Fold, Step};
use crate::ground::{Span, Time};
use crate::journal::{DeletionCause, Fact};
use crate::model::{Condition, FailedReason, NodeId, PodName, PodUid, WorkloadId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long a service must stay at its target to be restored.
const SETTLED: Span = Span::from_secs(60);

/// One pod that lost its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Case {
    pub(super) incident: Option<u32>,
    pub(super) lost: PodUid,
    pub(super) name: PodName,
    pub(super) workload: WorkloadId,
    pub(super) node: Option<NodeId>,
    pub(super) cause: Option<DeletionCause>,
    /// The pod that carries the case on, if it is not the lost one.
    pub(super) replacement: Option<PodName>,
    pub(super) gone: bool,
    pub(super) fault: Time,
    pub(super) evicted: Time,
    pub(super) recreated: Time,
    pub(super) bound: Time,
    pub(super) started: Time,
    pub(super) ready: Time,
    pub(super) finished: bool,
}

/// One crash of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Incident {
    pub(super) node: NodeId,
    pub(super) fault: Time,
    pub(super) detected: Time,
    pub(super) tainted: Time,
    pub(super) repaired: Time,
    pub(super) node_ready: Time,
    pub(super) pods: u64,
}

/// A crash and a service that it took pods from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Restoration {
    pub(super) incident: u32,
    pub(super) workload: WorkloadId,
    pub(super) restored: Time,
}

/// A service that is not restored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watch {
    pub(super) at_target_since: Option<Time>,
    pub(super) open: Vec<u32>,
}

/// The fold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Recovery {
    pub(super) cases: Vec<Case>,
    pub(super) incidents: Vec<Incident>,
    pub(super) restorations: Vec<Restoration>,
    /// The last incident of each node.
    pub(super) last: BTreeMap<NodeId, u32>,
    /// Open cases by the pod that carries them on.
    pub(super) open: BTreeMap<PodUid, Vec<u32>>,
    pub(super) watches: BTreeMap<WorkloadId, Watch>,
}

impl Recovery {
    /// The crash that a pod is lost by: the last of its node, unless it was over before the pod
    /// came.
    fn incident_of(&self, row: &PodRow) -> Option<u32> {
        let number = *self.last.get(&row.node?)?;
        (row.bound < self.incidents[number as usize].node_ready).then_some(number)
    }

    /// The incident of a node whose crash is not over.
    fn open_incident(&mut self, node: NodeId) -> Option<&mut Incident> {
        let incident = &mut self.incidents[*self.last.get(&node)? as usize];
        (incident.node_ready == NEVER).then_some(incident)
    }

    fn open_case(&mut self, row: &PodRow, incident: Option<u32>, at: Time) -> u32 {
        let number = self.cases.len() as u32;
        let fault = incident.map_or(at, |i| self.incidents[i as usize].fault);
        let held_since = if row.bound == NEVER { row.created } else { row.bound };
        self.cases.push(Case {
            incident,
            lost: row.pod,
            name: row.name,
            workload: row.workload,
            node: row.node,
            cause: None,
            replacement: None,
            gone: false,
            fault: fault.max(held_since).min(at),
            evicted: NEVER,
            recreated: NEVER,
            bound: NEVER,
            started: NEVER,
            ready: NEVER,
            finished: false,
        });
        self.open.entry(row.pod).or_default().push(number);
        if let Some(incident) = incident {
            self.incidents[incident as usize].pods += 1;
        }
        number
    }

    /// A crash took a pod from a service: the service is to be restored.
    fn watch(&mut self, incident: Option<u32>, workload: WorkloadId, book: &Book) {
        let Some(incident) = incident.filter(|_| book.service(workload).is_some()) else {
            return;
        };
        let watch = self.watches.entry(workload).or_default();
        let known = watch.open.iter().any(|n| self.restorations[*n as usize].incident == incident);
        if !known {
            watch.open.push(self.restorations.len() as u32);
            self.restorations.push(Restoration { incident, workload, restored: NEVER });
        }
    }

    /// A pod lost its node: opens its case if there is none.
    fn lose(&mut self, row: &PodRow, step: &Step<'_>) {
        let own =
            |recovery: &Recovery, number: &u32| recovery.cases[*number as usize].lost == row.pod;
        let known = self.open.get(&row.pod).and_then(|open| open.iter().find(|n| own(self, n)));
        let number = match known {
            Some(number) => *number,
            None => {
                let incident = self.incident_of(row);
                self.watch(incident, row.workload, step.book);
                self.open_case(row, incident, step.at)
            }
        };
        if let Fact::Deleting { cause, .. } = step.fact {
            let case = &mut self.cases[number as usize];
            case.evicted = case.evicted.min(step.at);
            case.cause = Some(cause);
        }
    }

    /// A pod takes the place of a lost one: its cases go on with it.
    fn replace(&mut self, pod: PodUid, lost: PodUid, step: &Step<'_>) {
        let Some(numbers) = self.open.remove(&lost) else {
            return;
        };
        let name = step.pod.map(|row| row.name);
        for number in &numbers {
            let case = &mut self.cases[*number as usize];
            case.replacement = name;
            case.gone = false;
            case.recreated = step.at;
            (case.bound, case.started, case.ready) = (NEVER, NEVER, NEVER);
        }
        self.open.entry(pod).or_default().extend(numbers);
    }

    /// Writes a step into the cases that a pod carries on; closes them if it was the last.
    fn reach(&mut self, pod: PodUid, at: Time, fact: &Fact) {
        let Some(numbers) = self.open.get(&pod) else {
            return;
        };
        let mut over = false;
        for number in numbers {
            let case = &mut self.cases[*number as usize];
            match fact {
                Fact::Bound { .. } => case.bound = at,
                Fact::Started { .. } => case.started = at,
                Fact::Ready { .. } => {
                    case.ready = at;
                    over = true;
                }
                Fact::Finished { .. } => {
                    case.finished = true;
                    over = true;
                }
                Fact::Failed { .. } | Fact::Removed { .. } => case.gone = true,
                _ => {}
            }
        }
        if over {
            self.open.remove(&pod);
        }
    }

    /// Looks whether a service is at its target.
    fn look(&mut self, workload: WorkloadId, at: Time, book: &Book) {
        let Some(watch) = self.watches.get_mut(&workload) else {
            return;
        };
        let row = book.service(workload);
        if row.is_some_and(|row| row.serving >= row.replicas) {
            watch.at_target_since.get_or_insert(at);
            return;
        }
        if let Some(since) = watch.at_target_since.take()
            && at.since(since) >= SETTLED
        {
            for number in std::mem::take(&mut watch.open) {
                let restoration = &mut self.restorations[number as usize];
                let fault = self.incidents[restoration.incident as usize].fault;
                if fault <= since {
                    restoration.restored = since;
                } else {
                    watch.open.push(number);
                }
            }
            if watch.open.is_empty() {
                self.watches.remove(&workload);
            }
        }
    }

    fn fold_node(&mut self, fact: &Fact, at: Time) {
        match *fact {
            Fact::NodeCrashed { node } => {
                self.last.insert(node, self.incidents.len() as u32);
                self.incidents.push(Incident {
                    node,
                    fault: at,
                    detected: NEVER,
                    tainted: NEVER,
                    repaired: NEVER,
                    node_ready: NEVER,
                    pods: 0,
                });
            }
            Fact::NodeRepaired { node } => {
                if let Some(incident) = self.open_incident(node) {
                    incident.repaired = incident.repaired.min(at);
                }
            }
            Fact::NodeCondition { node, ready } => {
                if let Some(incident) = self.open_incident(node) {
                    if ready != Condition::True {
                        incident.detected = incident.detected.min(at);
                    } else if incident.repaired != NEVER {
                        incident.node_ready = at;
                    }
                }
            }
            Fact::NodeTainted { node, on: true } => {
                if let Some(incident) = self.open_incident(node) {
                    incident.tainted = incident.tainted.min(at);
                }
            }
            _ => {}
        }
    }
}

/// True if a pod ended because its node did, and not because of what ran in it.
const fn lost_by_its_node(reason: FailedReason) -> bool {
    matches!(
        reason,
        FailedReason::ContainersLost | FailedReason::NodeGone | FailedReason::NodeShutdown
    )
}

/// True for news of a pod whose node has no power: it was under way when the power went.
fn is_stale(step: &Step<'_>) -> bool {
    let news = matches!(step.fact, Fact::Started { .. } | Fact::Ready { .. });
    let after = step.pod.and_then(|row| step.book.pod(row.pod));
    news && after.is_some_and(|row| row.state == State::Interrupted)
}

impl Fold for Recovery {
    fn fold(&mut self, step: &Step<'_>) {
        self.fold_node(&step.fact, step.at);
        if let Fact::DeploymentWritten { workload, .. }
        | Fact::StatefulSetWritten { workload, .. } = step.fact
        {
            self.look(workload, step.at, step.book);
        }
        let Some(row) = step.pod else {
            return;
        };
        match step.fact {
            // What its owner has too many of is no loss.
            Fact::Deleting { cause, .. } if !cause.is_loss_of_node() => {}
            Fact::Interrupted { .. } | Fact::Deleting { .. } => self.lose(row, step),
            Fact::Replaced { pod, lost } => self.replace(pod, lost, step),
            Fact::Failed { reason, .. } => {
                if lost_by_its_node(reason) {
                    self.lose(row, step);
                }
                self.reach(row.pod, step.at, &step.fact);
            }
            _ if self.open.is_empty() || is_stale(step) => {}
            ref fact => self.reach(row.pod, step.at, fact),
        }
        if !self.watches.is_empty() {
            self.look(row.workload, step.at, step.book);
        }
    }
}
