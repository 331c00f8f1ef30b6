//! Conservation, read off the facts alone: every pod is created once, bound at most once, and ends
//! in one way; containers start and end in turns; nothing runs on a node without power; time never
//! goes back.

use crate::ground::{Name, Table, Time};
use crate::journal::{Fact, PullOutcome, Record, Sink};
use crate::model::{ContainerEnd, NodeId, PodName, PodUid};
use std::collections::BTreeMap;

/// How a pod ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Finished,
    Failed,
    Removed,
}

/// A container so far.
#[derive(Debug, Clone, Copy, Default)]
struct Life {
    running: bool,
    started: bool,
    restarts: u32,
}

/// A pod so far.
#[derive(Debug, Clone)]
pub(super) struct PodSoFar {
    name: PodName,
    pub(super) node: Option<NodeId>,
    /// When it was created, bound, or had its node back, whichever came last.
    pub(super) touched: Time,
    started: bool,
    /// It started, and no node lost power under it since: its init containers would run again.
    start_is_told: bool,
    ready: bool,
    end: Option<End>,
    gone: bool,
    replaced: bool,
    containers: Vec<Life>,
}

impl PodSoFar {
    /// True while it is in the store and has not ended.
    pub(super) fn is_alive(&self) -> bool {
        self.end.is_none()
    }
}

/// Follows all facts and finds what cannot be.
#[derive(Debug, Clone, Default)]
pub(super) struct Conserve {
    now: Time,
    pods: Table<PodUid, PodSoFar>,
    dark: Table<NodeId, bool>,
    texts: BTreeMap<Name, String>,
    crashes: u64,
    restarts: u64,
    broken: Option<String>,
}

impl Sink for Conserve {
    fn record(&mut self, record: &Record) {
        if self.broken.is_some() {
            return;
        }
        if let Err(text) = self.judge(record) {
            let pod = record.fact.subject().pod.map(|pod| self.name_of(pod)).unwrap_or_default();
            self.broken = Some(format!("at {}: {text}: {pod}{:?}", record.at, record.fact));
        }
    }

    fn name(&mut self, name: Name, text: &str) {
        self.texts.insert(name, text.to_owned());
    }
}

type Judged = Result<(), &'static str>;

fn must(holds: bool, else_wrong: &'static str) -> Judged {
    if holds { Ok(()) } else { Err(else_wrong) }
}

impl Conserve {
    /// The first thing that cannot be, if there was one.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Pods created.
    pub(super) fn pods(&self) -> u64 {
        self.pods.len() as u64
    }

    /// Crashes of nodes.
    pub(super) fn crashes(&self) -> u64 {
        self.crashes
    }

    /// Restarts of containers.
    pub(super) fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Every pod that was ever created.
    pub(super) fn all(&self) -> impl Iterator<Item = (PodUid, &PodSoFar)> {
        self.pods.iter()
    }

    /// One pod.
    pub(super) fn pod(&self, pod: PodUid) -> &PodSoFar {
        &self.pods[pod]
    }

    /// True for a node without power.
    pub(super) fn is_dark(&self, node: NodeId) -> bool {
        self.dark[node]
    }

    /// The name of a pod, for messages.
    fn name_of(&self, pod: PodUid) -> String {
        let (stem, number, digits) = self.pods[pod].name.parts();
        let stem = self.texts.get(&stem).map_or("", String::as_str);
        if digits == 0 { format!("{stem}: ") } else { format!("{stem}{number}: ") }
    }

    /// Does something to each pod on a node.
    fn each_on(&mut self, node: NodeId, mut change: impl FnMut(&mut PodSoFar)) {
        let pods: Vec<PodUid> = self.pods.ids().collect();
        for pod in pods {
            let pod = &mut self.pods[pod];
            if pod.node == Some(node) {
                change(pod);
            }
        }
    }

    fn judge(&mut self, record: &Record) -> Judged {
        must(record.at >= self.now, "time goes back")?;
        self.now = record.at;
        match record.fact {
            Fact::NodeAdded { node, .. } => {
                let added = self.dark.push(false);
                must(added == node, "nodes are numbered in order")
            }
            Fact::NodeCrashed { node } => {
                self.crashes += 1;
                must(!self.dark[node], "a node without power crashes")?;
                self.dark[node] = true;
                self.each_on(node, |pod| pod.start_is_told = false);
                Ok(())
            }
            Fact::NodeRepaired { node } => {
                must(self.dark[node], "a node with power is repaired")?;
                self.dark[node] = false;
                self.each_on(node, |pod| pod.touched = record.at);
                Ok(())
            }
            Fact::PodCreated { pod, stem, number, digits, .. } => {
                let name = PodName::from_parts((stem, number, digits));
                let added = self.pods.push(PodSoFar {
                    name,
                    node: None,
                    touched: record.at,
                    started: false,
                    start_is_told: false,
                    ready: false,
                    end: None,
                    gone: false,
                    replaced: false,
                    containers: Vec::new(),
                });
                must(added == pod, "pods are numbered in order")
            }
            Fact::Replaced { lost, .. } => {
                let lost = &mut self.pods[lost];
                must(!lost.replaced, "a pod is replaced twice")?;
                must(lost.end != Some(End::Finished), "a pod that finished well is replaced")?;
                lost.replaced = true;
                Ok(())
            }
            _ => match record.fact.subject().pod {
                Some(pod) => self.judge_pod(pod, record),
                None => Ok(()),
            },
        }
    }

    fn judge_pod(&mut self, uid: PodUid, record: &Record) -> Judged {
        let pod = &mut self.pods[uid];
        must(!pod.gone, "something happens to a pod that is gone")?;
        let powered = pod.node.is_some_and(|node| !self.dark[node]);
        match record.fact {
            Fact::Queued { .. } | Fact::Refused { .. } | Fact::BindFailed { .. } => {
                must(pod.node.is_none(), "a pod that is bound is in the queue")
            }
            Fact::Bound { node, .. } => {
                must(pod.node.is_none(), "a pod is bound twice")?;
                must(pod.end.is_none(), "a pod that ended is bound")?;
                (pod.node, pod.touched) = (Some(node), record.at);
                Ok(())
            }
            Fact::Started { .. } => {
                must(pod.node.is_some(), "a pod starts nowhere")?;
                must(!pod.start_is_told, "a pod starts twice")?;
                (pod.started, pod.start_is_told) = (true, true);
                must(pod.end.is_none(), "a pod that ended starts")
            }
            Fact::Ready { .. } => {
                must(pod.started && !pod.ready, "a pod becomes ready that did not start, or is")?;
                pod.ready = true;
                must(pod.end.is_none(), "a pod that ended becomes ready")
            }
            Fact::Unready { .. } => {
                must(pod.ready, "a pod that is not ready becomes unready")?;
                pod.ready = false;
                Ok(())
            }
            Fact::Finished { .. } | Fact::Failed { .. } => {
                must(pod.end.is_none(), "a pod ends twice")?;
                let well = matches!(record.fact, Fact::Finished { .. });
                pod.end = Some(if well { End::Finished } else { End::Failed });
                must(!pod.runs(), "a pod ends while a container runs")
            }
            Fact::Removed { .. } => {
                must(!pod.runs(), "a pod is removed while a container runs")?;
                pod.gone = true;
                pod.end = pod.end.or(Some(End::Removed));
                Ok(())
            }
            Fact::ContainerStarted { .. } | Fact::ContainerEnded { .. } => {
                self.judge_container(uid, &record.fact, powered)
            }
            Fact::Interrupted { .. } => must(!powered, "a pod is interrupted on a node with power"),
            // What is being pulled is given up with the power.
            Fact::PullEnded { outcome: PullOutcome::Failed, .. } if !powered => Ok(()),
            Fact::Admitted { .. }
            | Fact::SandboxReady { .. }
            | Fact::PullBegan { .. }
            | Fact::PullEnded { .. }
            | Fact::ContainerWaiting { .. }
            | Fact::ProbeChanged { .. }
            | Fact::Stopping { .. }
            | Fact::Throttled { .. } => {
                must(powered, "a kubelet works without power, or for a pod that it does not have")?;
                must(pod.end.is_none(), "a kubelet works for a pod that ended")
            }
            _ => Ok(()),
        }
    }

    fn judge_container(&mut self, uid: PodUid, fact: &Fact, powered: bool) -> Judged {
        let pod = &mut self.pods[uid];
        match *fact {
            Fact::ContainerStarted { container, restarts, .. } => {
                self.restarts += u64::from(restarts > 0);
                must(powered, "a container starts without power")?;
                must(pod.end.is_none(), "a container of a pod that ended starts")?;
                pod.container_starts(container, restarts)
            }
            Fact::ContainerEnded { container, end, .. } => {
                must(powered || end == ContainerEnd::NodeLost, "a container ends without power")?;
                let life = pod.life(container);
                must(life.running, "a container ends that does not run")?;
                life.running = false;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl PodSoFar {
    fn runs(&self) -> bool {
        self.containers.iter().any(|life| life.running)
    }

    fn life(&mut self, container: u8) -> &mut Life {
        let at = usize::from(container);
        if self.containers.len() <= at {
            self.containers.resize(at + 1, Life::default());
        }
        &mut self.containers[at]
    }

    fn container_starts(&mut self, container: u8, restarts: u32) -> Judged {
        let life = self.life(container);
        must(!life.running, "a container starts that runs")?;
        let expected = if life.started { life.restarts + 1 } else { 0 };
        (life.running, life.started, life.restarts) = (true, true, restarts);
        must(restarts == expected, "restarts do not count up by one")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DeviceMask, NodeSpecId, PodSpecId, WorkloadId};

    const POD: PodUid = PodUid(0);

    /// What is wrong after these facts, told one a second.
    fn broken(facts: &[Fact]) -> String {
        let node = Fact::NodeAdded { node: NodeId(0), name: Name(0), spec: NodeSpecId(0) };
        let (spec, workload, stem) = (PodSpecId(0), WorkloadId(0), Name(0));
        let pod = Fact::PodCreated { pod: POD, spec, workload, stem, number: 0, digits: 1 };
        let mut conserve = Conserve::default();
        for (second, fact) in [node, pod].iter().chain(facts).enumerate() {
            conserve.record(&Record { at: Time::from_secs(second as u64), fact: *fact });
        }
        conserve.broken().unwrap_or("nothing").to_owned()
    }

    #[test]
    fn what_cannot_be_is_found() {
        let pod = POD;
        let bound = Fact::Bound { pod, node: NodeId(0), devices: DeviceMask(0) };
        let crashed = Fact::NodeCrashed { node: NodeId(0) };
        let start = |restarts| Fact::ContainerStarted { pod, container: 0, restarts };
        let end = ContainerEnd::Error;
        let ended = Fact::ContainerEnded { pod, container: 0, end, exit_code: 1 };
        let (started, ready) = (Fact::Started { pod }, Fact::Ready { pod });
        let cases: [(&[Fact], &str); 13] = [
            (&[bound, start(0), started, ready, ended, start(1)], "nothing"),
            (&[bound, bound], "bound twice"),
            (&[started], "starts nowhere"),
            (&[bound, ready], "did not start"),
            (&[bound, started, ready, ready], "did not start, or is"),
            (&[bound, start(0), start(1)], "starts that runs"),
            (&[bound, start(0), ended, start(0)], "count up by one"),
            (&[bound, ended], "does not run"),
            (&[bound, crashed, start(0)], "without power"),
            (&[bound, start(0), Fact::Removed { pod }], "removed while"),
            (&[bound, Fact::Finished { pod }, Fact::Finished { pod }], "ends twice"),
            (&[Fact::Removed { pod }, bound], "that is gone"),
            (&[crashed, crashed], "without power crashes"),
        ];
        for (facts, part) in cases {
            assert!(broken(facts).contains(part), "{part}: {}", broken(facts));
        }
    }

    #[test]
    fn time_goes_forward() {
        let mut conserve = Conserve { now: Time::from_secs(5), ..Conserve::default() };
        let fact = Fact::Queued { pod: POD };
        let judged = conserve.judge(&Record { at: Time::from_secs(4), fact });
        assert_eq!(judged, Err("time goes back"));
    }
}
