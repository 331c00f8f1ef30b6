//! The numbers that the recovery fold publishes: one row per lost pod and per crash, and the
//! distributions over them.

use super::book::{Book, NEVER};
use super::recovery::{Case, Incident, Recovery};
use crate::ground::{Id, Time};
use crate::stats::{Samples, Summary};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseOutcome {
    /// A replacement is ready, or finished.
    Replaced,
    /// The pod itself came back with its node.
    Survived,
    /// The pod is gone and nobody replaced it.
    Gone,
    /// Censored: not over at the end of the run.
    Open,
}

/// Each leg of the way back, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Legs {
    /// Fault to detection.
    pub detect: Summary,
    /// To the request to stop the pod.
    pub evict: Summary,
    /// To the replacement's creation.
    pub recreate: Summary,
    /// To its binding.
    pub bind: Summary,
    /// To the start of all its containers.
    pub start: Summary,
    /// To its readiness.
    pub ready: Summary,
}

/// One line of the table of cases; instants in seconds since the start of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseRow {
    /// Number of the crash, if there was one.
    pub incident: Option<u32>,
    /// The lost pod.
    pub pod: String,
    /// Its owner.
    pub workload: String,
    /// Its node.
    pub node: Option<String>,
    /// The pod that took its place at last.
    pub replacement: Option<String>,
    /// How the case ended.
    pub outcome: CaseOutcome,
    /// The fault.
    pub fault: f64,
    /// The node's condition was not True any more.
    pub detected: Option<f64>,
    /// The pod was asked to stop.
    pub evicted: Option<f64>,
    /// The replacement was created.
    pub recreated: Option<f64>,
    /// It was bound.
    pub bound: Option<f64>,
    /// All containers had started.
    pub started: Option<f64>,
    /// It was ready.
    pub ready: Option<f64>,
}

/// One crash; instants in seconds since the start of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentRow {
    /// The node.
    pub node: String,
    /// Pods that it took down.
    pub pods: u64,
    /// The crash.
    pub fault: f64,
    /// The node's condition was not True any more.
    pub detected: Option<f64>,
    /// The NoExecute taint was put on.
    pub tainted: Option<f64>,
    /// The node had power again.
    pub repaired: Option<f64>,
    /// The node's condition was True again.
    pub node_ready: Option<f64>,
    /// Services that lost pods.
    pub services: u64,
    /// All of them were at their target again; `None` without services or if one is not.
    pub restored: Option<f64>,
}

/// What failures did, in numbers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct RecoveryResults {
    /// Crashes of nodes.
    pub incidents: u64,
    /// Pods that lost their node.
    pub affected: u64,
    /// Cases that ended with a replacement that is ready.
    pub replaced: u64,
    /// Cases in which the pod came back with its node.
    pub survived: u64,
    /// Cases of pods that nobody replaced.
    pub gone: u64,
    /// Cases not over at the end.
    pub censored: u64,
    /// Crash to detection, per crash, seconds.
    pub time_to_detect: Summary,
    /// Crash to power again, per crash, seconds.
    pub time_to_repair: Summary,
    /// Crashes not repaired at the end.
    pub repair_censored: u64,
    /// Legs of replaced pods.
    pub legs: Legs,
    /// Fault to a ready replacement, seconds.
    pub time_to_ready: Summary,
    /// Fault to ready again of pods that came back with their node, seconds.
    pub time_to_return: Summary,
    /// Fault to a service at its target, per crash and service, seconds.
    pub time_to_restore: Summary,
    /// Services not at their target at the end, per crash.
    pub restore_censored: u64,
    /// Every pod that lost its node.
    pub case_rows: Vec<CaseRow>,
    /// Every crash.
    pub incident_rows: Vec<IncidentRow>,
}

/// The seconds of an instant that was reached.
fn reached(at: Time) -> Option<f64> {
    (at != NEVER).then(|| at.as_secs_f64())
}

impl Case {
    fn outcome(&self) -> CaseOutcome {
        match (self.ready != NEVER || self.finished, self.replacement) {
            (true, Some(_)) => CaseOutcome::Replaced,
            (true, None) => CaseOutcome::Survived,
            (false, None) if self.gone => CaseOutcome::Gone,
            (false, _) => CaseOutcome::Open,
        }
    }
}

/// The samples behind the published distributions.
#[derive(Default)]
struct Distributions {
    legs: [Samples; 6],
    to_ready: Samples,
    to_return: Samples,
}

impl Distributions {
    /// Adds the legs of one replaced pod, each from the latest earlier step that was taken.
    fn add(&mut self, case: &Case, detected: Time) {
        let steps = [detected, case.evicted, case.recreated, case.bound, case.started, case.ready];
        let mut from = case.fault;
        for (leg, at) in self.legs.iter_mut().zip(steps) {
            if at != NEVER {
                leg.add(at.since(from).as_nanos());
                from = from.max(at);
            }
        }
    }

    fn legs(&self) -> Legs {
        let [detect, evict, recreate, bind, start, ready] =
            self.legs.each_ref().map(|samples| samples.summary(1e9));
        Legs { detect, evict, recreate, bind, start, ready }
    }
}

impl Recovery {
    /// When the crash behind a case was detected.
    fn detected(&self, case: &Case) -> Time {
        let detected = case.incident.map_or(NEVER, |i| self.incidents[i as usize].detected);
        detected.max(case.fault)
    }

    /// Closes what stays at its target for the rest of the run.
    fn settle(&mut self) {
        for watch in self.watches.values() {
            let Some(since) = watch.at_target_since else {
                continue;
            };
            for number in &watch.open {
                let restoration = &mut self.restorations[*number as usize];
                let fault = self.incidents[restoration.incident as usize].fault;
                restoration.restored = since.max(fault);
            }
        }
    }

    /// The numbers of a run.
    pub(super) fn finish(mut self, book: &Book) -> RecoveryResults {
        self.settle();
        let mut of_cases = Distributions::default();
        for case in &self.cases {
            match (case.outcome(), case.ready) {
                (_, NEVER) => {}
                (CaseOutcome::Replaced, ready) => {
                    of_cases.add(case, self.detected(case));
                    of_cases.to_ready.add(ready.since(case.fault).as_nanos());
                }
                (_, ready) => of_cases.to_return.add(ready.since(case.fault).as_nanos()),
            }
        }
        let until = |end: fn(&Incident) -> Time| {
            let mut samples = Samples::new();
            for incident in self.incidents.iter().filter(|incident| end(incident) != NEVER) {
                samples.add(end(incident).since(incident.fault).as_nanos());
            }
            samples.summary(1e9)
        };
        let mut to_restore = Samples::new();
        for restoration in self.restorations.iter().filter(|r| r.restored != NEVER) {
            let fault = self.incidents[restoration.incident as usize].fault;
            to_restore.add(restoration.restored.since(fault).as_nanos());
        }
        let count = |outcome| self.cases.iter().filter(|c| c.outcome() == outcome).count() as u64;
        let incidents = self.incidents.len() as u64;
        let time_to_repair = until(|incident| incident.repaired);
        RecoveryResults {
            incidents,
            affected: self.cases.len() as u64,
            replaced: count(CaseOutcome::Replaced),
            survived: count(CaseOutcome::Survived),
            gone: count(CaseOutcome::Gone),
            censored: count(CaseOutcome::Open),
            time_to_detect: until(|incident| incident.detected),
            time_to_repair,
            repair_censored: incidents - time_to_repair.count,
            legs: of_cases.legs(),
            time_to_ready: of_cases.to_ready.summary(1e9),
            time_to_return: of_cases.to_return.summary(1e9),
            time_to_restore: to_restore.summary(1e9),
            restore_censored: self.restorations.len() as u64 - to_restore.count(),
            case_rows: self.cases.iter().map(|case| self.case_row(case, book)).collect(),
            incident_rows: self.incident_rows(book),
        }
    }

    fn case_row(&self, case: &Case, book: &Book) -> CaseRow {
        CaseRow {
            incident: case.incident,
            pod: book.pod_text(case.name),
            workload: book.workload_text(case.workload),
            node: case.node.map(|node| book.text(book.nodes[node.index()].name)),
            replacement: case.replacement.map(|name| book.pod_text(name)),
            outcome: case.outcome(),
            fault: case.fault.as_secs_f64(),
            detected: reached(self.detected(case)),
            evicted: reached(case.evicted),
            recreated: reached(case.recreated),
            bound: reached(case.bound),
            started: reached(case.started),
            ready: reached(case.ready),
        }
    }

    fn incident_rows(&self, book: &Book) -> Vec<IncidentRow> {
        let mut rows: Vec<IncidentRow> = Vec::new();
        for incident in &self.incidents {
            rows.push(IncidentRow {
                node: book.text(book.nodes[incident.node.index()].name),
                pods: incident.pods,
                fault: incident.fault.as_secs_f64(),
                detected: reached(incident.detected),
                tainted: reached(incident.tainted),
                repaired: reached(incident.repaired),
                node_ready: reached(incident.node_ready),
                services: 0,
                restored: None,
            });
        }
        for restoration in &self.restorations {
            let row = &mut rows[restoration.incident as usize];
            let first = row.services == 0;
            row.services += 1;
            row.restored = match (first, row.restored, reached(restoration.restored)) {
                (true, _, restored) => restored,
                (false, Some(before), Some(restored)) => Some(before.max(restored)),
                _ => None,
            };
        }
        rows
    }
}
