//! A sink that follows the pods of one name: what happened to them and to the nodes they were on,
//! and how each attempt to place them came about. Of all other pods it keeps a row of a few bytes,
//! so that whoever is named beside the followed ones can be named.

use super::{DeletionCause, DiscoveryFact, Fact, Record, Sink};
use crate::ground::{Name, Table, Time};
use crate::model::{
    Explain, FailedReason, NodeId, NodeVerdict, Plugin, PluginSet, PodName, PodSpecId, PodUid,
    Reason, Refusal, ServiceId, Verdict, WorkloadId,
};

/// A workload as facts introduce it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrailWorkload {
    /// Name.
    pub name: Name,
    /// Desired pods of a service, 0 for batch.
    pub replicas: u32,
}

/// What is kept of every pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodRow {
    /// Name.
    pub name: PodName,
    /// Specification.
    pub spec: PodSpecId,
    /// Owner.
    pub workload: WorkloadId,
    /// Where it was bound.
    pub node: Option<NodeId>,
    /// Why it was asked to stop, or failed, if it was or did.
    pub loss: Option<Loss>,
}

/// How a pod was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// It was asked to stop.
    Deleted(DeletionCause),
    /// It failed.
    Failed(FailedReason),
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptEnd {
    /// It goes on, or its binding is on its way to the store.
    Open,
    /// No node was found.
    Refused,
    /// The binding to this node was written.
    Bound(NodeId),
    /// The binding to this node could not be written.
    BindFailed(NodeId),
}

/// Nodes that were refused for the same reasons by the same plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals {
    /// Who refused.
    pub plugin: Plugin,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Number of nodes.
    pub nodes: u32,
}

/// A feasible node and its weighted score by plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scored {
    /// Node.
    pub node: NodeId,
    /// Weighted score of each plugin; empty if it was the only feasible node.
    pub scores: Vec<(Plugin, i64)>,
}

impl Scored {
    /// The sum of the scores.
    pub fn total(&self) -> i64 {
        self.scores.iter().map(|(_, score)| score).sum()
    }
}

/// One attempt to place a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When the scheduler looked.
    pub at: Time,
    /// When it ended.
    pub ended: Time,
    /// How.
    pub end: AttemptEnd,
    /// Nodes looked at.
    pub examined: u32,
    /// Nodes among them that could take the pod.
    pub feasible: u32,
    /// A refusal of the pod as a whole, before any node was looked at.
    pub refused_before_nodes: Option<Refusal>,
    /// The plugins that narrowed the search to named nodes.
    pub narrowed_by: PluginSet,
    /// Nodes refused, in the order in which the reasons were met.
    pub refusals: Vec<Refusals>,
    /// The node that was chosen.
    pub chosen: Option<Scored>,
    /// Feasible nodes with the score of the chosen one, itself included.
    pub tied: u32,
    /// The best of the feasible nodes with another score, the first met of several.
    pub next_best: Option<Scored>,
}

/// What happened to one of the followed pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodTrail {
    /// Pod.
    pub pod: PodUid,
    /// Facts about it, those about the node it was on, and the one that names its replacement.
    pub records: Vec<Record>,
    /// Attempts to place it, in order.
    pub attempts: Vec<Attempt>,
    /// What the last attempt found node by node, in the order in which it looked.
    pub nodes: Vec<NodeVerdict>,
    /// The node whose facts concern it now.
    node: Option<NodeId>,
    /// The last explanation, until the outcome is told.
    open: Option<(Time, Explain)>,
}

/// Follows the pods of one name.
#[derive(Debug, Clone)]
pub struct Follow {
    /// Namespace, slash and name.
    wanted: String,
    /// Where the name begins.
    bare: usize,
    /// Names that the wanted one begins with, with or without its namespace, and where they end.
    stems: Vec<(Name, usize)>,
    /// The followed pods in order of creation.
    pub trails: Vec<PodTrail>,
    /// Name of each node.
    pub nodes: Table<NodeId, Name>,
    /// Every pod.
    pub pods: Table<PodUid, PodRow>,
    /// Every workload.
    pub workloads: Table<WorkloadId, TrailWorkload>,
    /// Name of each service.
    pub services: Table<ServiceId, Name>,
}

impl Follow {
    /// Follows the pods with this name, in whatever namespace, and those whose name has the
    /// namespace in it, as pods that come from manifests have.
    pub fn new(namespace: &str, name: &str) -> Follow {
        Follow {
            wanted: format!("{namespace}/{name}"),
            bare: namespace.len() + 1,
            stems: Vec::new(),
            trails: Vec::new(),
            nodes: Table::new(),
            pods: Table::new(),
            workloads: Table::new(),
            services: Table::new(),
        }
    }

    fn is_wanted(&self, name: PodName) -> bool {
        let (stem, number, digits) = name.parts();
        let ends = self.stems.iter().filter(|(known, _)| *known == stem).map(|(_, end)| *end);
        ends.map(|end| &self.wanted[end..]).any(|rest| match digits {
            0 => rest.is_empty(),
            digits => rest == format!("{number:0width$}", width = usize::from(digits)),
        })
    }

    fn trail(&mut self, pod: PodUid) -> Option<&mut PodTrail> {
        self.trails.iter_mut().find(|trail| trail.pod == pod)
    }

    /// Keeps the rows from which others can be named.
    fn note(&mut self, fact: &Fact) {
        match *fact {
            Fact::NodeAdded { name, .. } => {
                self.nodes.push(name);
            }
            Fact::Discovery(DiscoveryFact::ServiceDefined { name, .. }) => {
                self.services.push(name);
            }
            Fact::WorkloadDefined { name, replicas, .. } => {
                self.workloads.push(TrailWorkload { name, replicas });
            }
            Fact::PodCreated { pod, spec, workload, stem, number, digits } => {
                let name = PodName::from_parts((stem, number, digits));
                let row = PodRow { name, spec, workload, node: None, loss: None };
                let uid = self.pods.push(row);
                assert_eq!(uid, pod, "pods are numbered in order of creation");
                if self.is_wanted(name) {
                    self.trails.push(PodTrail::new(pod));
                }
            }
            Fact::Bound { pod, node, .. } => self.pods[pod].node = Some(node),
            Fact::Deleting { pod, cause } => self.pods[pod].loss = Some(Loss::Deleted(cause)),
            Fact::Failed { pod, reason } => self.pods[pod].loss = Some(Loss::Failed(reason)),
            _ => {}
        }
    }
}

impl Sink for Follow {
    fn record(&mut self, record: &Record) {
        self.note(&record.fact);
        let subject = record.fact.subject();
        if let Some(trail) = subject.pod.and_then(|pod| self.trail(pod)) {
            trail.take(record);
        } else if let (None, Some(node)) = (subject.pod, subject.node) {
            for trail in self.trails.iter_mut().filter(|trail| trail.node == Some(node)) {
                trail.records.push(*record);
            }
        }
        if let Fact::Replaced { lost, .. } = record.fact
            && let Some(trail) = self.trail(lost)
        {
            trail.records.push(*record);
        }
    }

    fn name(&mut self, name: Name, text: &str) {
        for from in [0, self.bare] {
            if self.wanted[from..].starts_with(text) {
                self.stems.push((name, from + text.len()));
            }
        }
    }

    fn wants_explanations(&self) -> bool {
        true
    }

    fn explain(&mut self, at: Time, pod: PodUid, explain: &Explain) {
        if let Some(trail) = self.trail(pod) {
            trail.open = Some((at, explain.clone()));
        }
    }
}

impl PodTrail {
    fn new(pod: PodUid) -> PodTrail {
        let (records, attempts, nodes) = (Vec::new(), Vec::new(), Vec::new());
        PodTrail { pod, records, attempts, nodes, node: None, open: None }
    }

    fn take(&mut self, record: &Record) {
        self.records.push(*record);
        let end = match record.fact {
            Fact::Refused { .. } => AttemptEnd::Refused,
            Fact::Bound { node, .. } => {
                self.node = Some(node);
                AttemptEnd::Bound(node)
            }
            Fact::BindFailed { node, .. } => AttemptEnd::BindFailed(node),
            Fact::Finished { .. } | Fact::Failed { .. } | Fact::Removed { .. } => {
                self.node = None;
                return;
            }
            _ => return,
        };
        self.conclude(record.at, end);
    }

    fn conclude(&mut self, at: Time, end: AttemptEnd) {
        let (looked, explain) = self.open.take().unwrap_or((at, Explain::default()));
        self.nodes.clone_from(&explain.nodes);
        self.attempts.push(Attempt::new(looked, at, end, explain));
    }

    /// Closes the attempt that is under way when the run stops.
    pub fn close(&mut self, now: Time) {
        if self.open.is_some() {
            self.conclude(now, AttemptEnd::Open);
        }
    }
}

impl Attempt {
    fn new(at: Time, ended: Time, end: AttemptEnd, explain: Explain) -> Attempt {
        let Explain { refused_before_nodes, narrowed_by, nodes, .. } = explain;
        let examined = nodes.len() as u32;
        let (mut refusals, mut feasible) = (Vec::<Refusals>::new(), Vec::new());
        for node in nodes {
            match node.verdict {
                Verdict::Feasible(scores) => feasible.push(Scored { node: node.node, scores }),
                Verdict::Refused(Refusal { plugin, reasons, .. }) => {
                    let same =
                        |known: &&mut Refusals| known.plugin == plugin && known.reasons == reasons;
                    match refusals.iter_mut().find(same) {
                        Some(known) => known.nodes += 1,
                        None => refusals.push(Refusals { plugin, reasons, nodes: 1 }),
                    }
                }
            }
        }
        let node = match end {
            AttemptEnd::Bound(node) | AttemptEnd::BindFailed(node) => Some(node),
            AttemptEnd::Open | AttemptEnd::Refused => None,
        };
        let chosen = feasible.iter().find(|scored| Some(scored.node) == node).cloned();
        let best = chosen.as_ref().map(Scored::total);
        let count = feasible.len() as u32;
        let tied = feasible.iter().filter(|scored| Some(scored.total()) == best).count() as u32;
        let others = feasible.into_iter().filter(|scored| Some(scored.total()) != best);
        let next_best = others.reduce(|a, b| if b.total() > a.total() { b } else { a });
        Attempt {
            at,
            ended,
            end,
            examined,
            feasible: count,
            refused_before_nodes,
            narrowed_by,
            refusals,
            next_best: next_best.filter(|_| chosen.is_some()),
            chosen,
            tied,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Names;
    use crate::model::{Code, DeviceMask, NodeSpecId, Resource};

    fn created(pod: u32, stem: Name, number: u32, digits: u8) -> Fact {
        let (spec, workload) = (PodSpecId(0), WorkloadId(0));
        Fact::PodCreated { pod: PodUid(pod), spec, workload, stem, number, digits }
    }

    /// A follower of `web-3` and a way to tell it facts, one a second.
    fn follow(facts: &[Fact], names: &[&str]) -> Follow {
        let mut follow = Follow::new("default", "web-3");
        let mut known = Names::new();
        for text in names {
            let name = known.intern(text);
            follow.name(name, text);
        }
        for (second, fact) in facts.iter().enumerate() {
            follow.record(&Record { at: Time::from_secs(second as u64), fact: *fact });
        }
        follow
    }

    #[test]
    fn a_name_may_have_its_namespace_in_it() {
        let names = ["default/web-", "web-", "other/web-"];
        let facts: Vec<Fact> = (0..3).map(|at| created(at, Name(at), 3, 1)).collect();
        let follow = follow(&facts, &names);
        let pods: Vec<u32> = follow.trails.iter().map(|trail| trail.pod.0).collect();
        assert_eq!(pods, [0, 1]);
    }

    #[test]
    fn only_the_named_pod_is_followed_and_only_the_nodes_it_is_on() {
        let names = ["web-", "web-3", "web", "n-0", "n-1"];
        let [numbered, plain, stem] = [Name(0), Name(1), Name(2)];
        let node = |node, name| {
            let spec = NodeSpecId(0);
            Fact::NodeAdded { node: NodeId(node), name: Name(name), spec }
        };
        let devices = DeviceMask(0);
        let follow = follow(
            &[
                node(0, 3),
                node(1, 4),
                created(0, numbered, 3, 1),
                created(1, numbered, 33, 1),
                created(2, numbered, 3, 2),
                created(3, plain, 0, 0),
                created(4, stem, 3, 1),
                Fact::NodeCrashed { node: NodeId(1) },
                Fact::Bound { pod: PodUid(0), node: NodeId(1), devices },
                Fact::Bound { pod: PodUid(1), node: NodeId(0), devices },
                Fact::NodeCrashed { node: NodeId(0) },
                Fact::NodeRepaired { node: NodeId(1) },
                Fact::Removed { pod: PodUid(0) },
                Fact::NodeCrashed { node: NodeId(1) },
                Fact::Replaced { pod: PodUid(4), lost: PodUid(0) },
            ],
            &names,
        );
        let followed: Vec<PodUid> = follow.trails.iter().map(|trail| trail.pod).collect();
        assert_eq!(followed, [PodUid(0), PodUid(3)]);
        let seconds: Vec<u64> = follow.trails[0]
            .records
            .iter()
            .map(|record| record.at.as_nanos() / 1_000_000_000)
            .collect();
        assert_eq!(seconds, [2, 8, 11, 12, 14]);
        assert_eq!(follow.pods[PodUid(1)].node, Some(NodeId(0)));
    }

    #[test]
    fn attempts_are_counted_by_reason_and_score() {
        let mut follow = follow(&[created(0, Name(0), 3, 1)], &["web-"]);
        let short = || {
            let reasons = vec![Reason::Insufficient(Resource::Cpu)];
            let plugin = Plugin::NodeResourcesFit;
            Verdict::Refused(Refusal { plugin, code: Code::Unschedulable, reasons })
        };
        let scored = |score| Verdict::Feasible(vec![(Plugin::NodeResourcesFit, score)]);
        let explain = |verdicts: Vec<Verdict>| Explain {
            nodes: verdicts
                .into_iter()
                .enumerate()
                .map(|(node, verdict)| NodeVerdict { node: NodeId(node as u32), verdict })
                .collect(),
            ..Explain::default()
        };
        let pod = PodUid(0);
        let at = Time::from_secs(9);
        follow.explain(at, pod, &explain(vec![short(), short()]));
        follow.record(&Record { at, fact: Fact::Refused { pod, refusers: PluginSet::EMPTY } });
        let verdicts = vec![scored(5), short(), scored(7), scored(7), scored(3)];
        follow.explain(at, pod, &explain(verdicts));
        let fact = Fact::Bound { pod, node: NodeId(3), devices: DeviceMask(0) };
        follow.record(&Record { at, fact });
        let [refused, bound] = follow.trails[0].attempts.as_slice() else { panic!("two") };
        assert_eq!((refused.examined, refused.feasible, refused.refusals[0].nodes), (2, 0, 2));
        assert_eq!((bound.examined, bound.feasible, bound.tied), (5, 4, 2));
        assert_eq!(bound.chosen.as_ref().unwrap().node, NodeId(3));
        assert_eq!(bound.next_best.as_ref().unwrap().total(), 5);
    }
}
