//! The node lifecycle controller: looks at all nodes every few seconds, writes the conditions of
//! silent ones, and taints nodes NoExecute through the queues of their zones.
//!
//! Only looks that find something take place: those at which a node is silent for the first time,
//! and the first one after a change of a node's Ready condition was seen. A look lasts until its
//! writes are answered; the next one is at the next multiple of the period.

use super::node_taints::{marks_of, needs_marks};
use super::{Client, Duty, Memory};
use crate::ground::{Key, Purpose, Span, Table, Time};
use crate::journal::{Fact, Sink};
use crate::model::{
    Catalog, Change, Condition, Effect, NodeId, NodeStatus, PodId, PodPhase, PodUid, Pressures,
    ZoneState,
};
use crate::policy::Cx;
use crate::policy::kube::control::{
    EXCLUDE_DISRUPTION_LABEL, Outage, TaintStep, Zone, ZoneCount, Zones, taint_step,
};
use crate::sim::Event;
use crate::sim::event::TaintWrite;
use crate::sim::host::Host;
use crate::sim::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const LOOK_PHASE: Purpose = Purpose::new("look-phase");
const REGION_LABEL: &str = "topology.kubernetes.io/region";
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// Nodes that a look works on at the same time (`scheduler.UpdateWorkerSize`).
const WORKERS: usize = 8;
/// Requests for the status of a node or a pod: the status, and the event that tells of it, which
/// goes through the same client.
const STATUS_REQUESTS: u32 = 2;
/// A node as the controller has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Watched {
    /// The Ready condition, as seen or written.
    ready: Condition,
    zone: Zone,
    /// It counts for the state of its zone.
    counts: bool,
    /// Its NoSchedule taints are about to be written.
    marking: bool,
}

/// What a worker of a look waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Write {
    /// The conditions of a silent node.
    Conditions(NodeId),
    /// The Ready condition of one of its pods.
    Unready(PodId, PodUid),
}

/// A worker of a look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Worker {
    write: Option<Write>,
    /// Pods of its node that are still to be marked as not ready.
    pods: VecDeque<(PodId, PodUid)>,
}

/// A look that is under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Pass {
    /// Nodes that no worker has taken yet, and whether they are silent.
    nodes: VecDeque<(NodeId, bool)>,
    workers: [Worker; WORKERS],
}

/// The controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct NodeLifecycle {
    /// At `placement` detail there is no such controller.
    active: bool,
    pub(super) client: Client,
    nodes: Table<NodeId, Watched>,
    counts: BTreeMap<Zone, ZoneCount>,
    zones: Zones,
    /// Nodes that the look of this time finds silent.
    silent: BTreeSet<NodeId>,
    /// Nodes that changed since they were looked at.
    changed: BTreeSet<NodeId>,
    pass: Option<Pass>,
    /// When the next look that finds something is.
    look: Option<Time>,
    /// When the next poll of the zones that finds something is.
    poll: Option<Time>,
    /// Every node counts as heard of at this time: the end of the last outage of all zones.
    heard: Option<Time>,
}

impl NodeLifecycle {
    pub(super) fn new(active: bool) -> NodeLifecycle {
        NodeLifecycle {
            active,
            client: Client::default(),
            nodes: Table::new(),
            counts: BTreeMap::new(),
            zones: Zones::new(),
            silent: BTreeSet::new(),
            changed: BTreeSet::new(),
            pass: None,
            look: None,
            poll: None,
            heard: None,
        }
    }

    /// What was there when the controller started needs no look.
    pub(super) fn start(&mut self) {
        debug_assert!(self.nodes.iter().all(|(_, node)| node.ready == Condition::True));
        self.changed.clear();
    }

    fn add_node(&mut self, node: NodeId, status: &NodeStatus, catalog: &Catalog) {
        let labels = &catalog.node_spec(status.spec).labels;
        let label = |key: &str| catalog.names.find(key).and_then(|key| labels.get(key));
        let text = |key: &str| label(key).unwrap_or(Catalog::NO_TEXT);
        let zone = Zone { region: text(REGION_LABEL), zone: text(ZONE_LABEL) };
        let counts = label(EXCLUDE_DISRUPTION_LABEL).is_none();
        debug_assert_eq!(node, self.nodes.next_id(), "nodes join in order");
        self.nodes.push(Watched { ready: status.ready, zone, counts, marking: false });
        self.count(node, true);
        self.changed.insert(node);
    }

    fn remove_node(&mut self, node: NodeId) {
        self.count(node, false);
        self.zones.dequeue(self.nodes[node].zone, node);
        self.silent.remove(&node);
        self.nodes[node].counts = false;
        self.changed.insert(node);
    }

    /// Counts a node in its zone, or not any more.
    fn count(&mut self, node: NodeId, there: bool) {
        let Watched { ready, zone, counts, .. } = self.nodes[node];
        if !counts {
            return;
        }
        let count = self.counts.entry(zone).or_default();
        let side = match ready {
            Condition::True => &mut count.ready,
            Condition::False | Condition::Unknown => &mut count.not_ready,
        };
        *side = if there { *side + 1 } else { *side - 1 };
        if *count == ZoneCount::default() {
            self.counts.remove(&zone);
        }
    }

    /// The NoSchedule taints of a node have been written.
    pub(super) fn marked(&mut self, node: NodeId) {
        self.nodes[node].marking = false;
    }

    fn set_ready(&mut self, node: NodeId, ready: Condition) {
        if self.nodes[node].ready != ready {
            self.count(node, false);
            self.nodes[node].ready = ready;
            self.count(node, true);
            self.changed.insert(node);
        }
    }
}

impl Memory {
    /// Takes note of what concerns nodes in a change that the view is about to take.
    pub(super) fn nodes_observe(&mut self, cx: Cx<'_>, change: &Change) {
        let nodes = &mut self.nodes;
        if !nodes.active {
            return;
        }
        let (node, status) = match change {
            Change::NodeAdded { node, status, .. } => {
                nodes.add_node(*node, status, cx.catalog);
                (*node, status)
            }
            Change::NodeUpdated { node, status } => {
                nodes.set_ready(*node, status.ready);
                (*node, status)
            }
            Change::NodeRemoved { node } => return nodes.remove_node(*node),
            _ => return,
        };
        if !nodes.nodes[node].marking && needs_marks(cx.catalog, status) {
            nodes.nodes[node].marking = true;
            self.duties.push_back(Duty::Mark(node));
        }
    }
}

impl World {
    /// The first look of the node lifecycle controller at or after `now`.
    pub(in crate::sim) fn look_phase(&self) -> Span {
        let period = self.timing.node_lifecycle.monitor_period;
        self.draw_phase(LOOK_PHASE, Key::of("node-monitor"), period)
    }

    /// The next look takes this node in.
    pub(super) fn look_again<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        self.control.memory.nodes.changed.insert(node);
        self.plan_look(host);
    }

    /// Sees to the next look, if it finds something.
    pub(super) fn plan_look<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let nodes = &self.control.memory.nodes;
        if nodes.pass.is_some() || (nodes.silent.is_empty() && nodes.changed.is_empty()) {
            return;
        }
        let period = self.timing.node_lifecycle.monitor_period;
        let at = host.now.next_tick(period, self.look_phase());
        let nodes = &mut self.control.memory.nodes;
        if nodes.look.is_none_or(|look| at < look) {
            nodes.look = Some(at);
            host.turn(at, Event::NodesLook);
        }
    }

    /// A node has been silent for too long by the look of this time. Tells when to come again if
    /// its grace period began anew meanwhile.
    pub(in crate::sim) fn silent_at_look<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
    ) -> Option<Time> {
        let params = self.timing.node_lifecycle;
        if let Some(heard) = self.control.memory.nodes.heard {
            let silent =
                (heard + params.grace_period).next_tick(params.monitor_period, self.look_phase());
            if host.now < silent {
                return Some(silent);
            }
        }
        self.control.memory.nodes.silent.insert(node);
        self.plan_look(host);
        None
    }

    /// One look at the nodes.
    pub(in crate::sim) fn nodes_look<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let nodes = &mut self.control.memory.nodes;
        if nodes.look != Some(host.now) {
            return;
        }
        nodes.look = None;
        if nodes.pass.is_some() {
            return; // the end of that look sees to the next
        }
        let silent = std::mem::take(&mut nodes.silent);
        let mut seen = std::mem::take(&mut nodes.changed);
        seen.extend(&silent);
        let seen = seen.into_iter().map(|node| (node, silent.contains(&node))).collect();
        nodes.pass = Some(Pass { nodes: seen, workers: Default::default() });
        for worker in 0..WORKERS {
            self.work(host, worker);
        }
        self.end_look(host);
    }

    fn pass(&mut self) -> &mut Pass {
        self.control.memory.nodes.pass.as_mut().expect("a look is under way")
    }

    /// Lets a worker of the look go on until it waits for an answer or finds nothing more.
    fn work<S: Sink>(&mut self, host: &mut Host<'_, S>, worker: usize) {
        loop {
            if let Some((pod, uid)) = self.pass().workers[worker].pods.pop_front() {
                let view = self.store.truth.pod_if(pod, uid);
                if view.is_some_and(|view| view.phase == PodPhase::Ready) {
                    return self.send_write(host, worker, Write::Unready(pod, uid));
                }
                continue;
            }
            let Some((node, silent)) = self.pass().nodes.pop_front() else { return };
            let row = self.store.truth.node(node);
            if silent && row.present && row.status.ready != Condition::Unknown {
                return self.send_write(host, worker, Write::Conditions(node));
            }
            self.reconcile_node(host, node);
        }
    }

    fn send_write<S: Sink>(&mut self, host: &mut Host<'_, S>, worker: usize, write: Write) {
        self.pass().workers[worker].write = Some(write);
        let sent = self.control.memory.nodes.client.send(host.now, STATUS_REQUESTS);
        let event = Event::LookWrites { worker: worker as u8 };
        host.store_at(sent + self.timing.request, event);
    }

    /// A write of the look reaches the store.
    pub(in crate::sim) fn look_writes<S: Sink>(&mut self, host: &mut Host<'_, S>, worker: u8) {
        let worker = usize::from(worker);
        let write = self.pass().workers[worker].write.take();
        match write.expect("an answer follows a write") {
            // A node that is heard again has renewed its lease, and its report settles the rest.
            Write::Conditions(node) if !self.fleet.machines[node].silent => {}
            Write::Conditions(node) => {
                self.silence(host, node);
                self.reconcile_node(host, node);
                let truth = &self.store.truth;
                let pods = self.pods_by_age(node).into_iter();
                let pods = pods.filter_map(|pod| Some((pod, truth.pod(pod)?.uid))).collect();
                self.pass().workers[worker].pods = pods;
            }
            Write::Unready(pod, uid) => {
                if self.store.truth.pod_if(pod, uid).is_some() {
                    self.pod_is_unready(host, pod);
                }
            }
        }
        self.work(host, worker);
        self.end_look(host);
    }

    /// Writes the conditions of a silent node.
    fn silence<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        self.write_pressures(host, node, Pressures::NONE);
        self.set_condition(host, node, Condition::Unknown);
        self.control.memory.nodes.set_ready(node, Condition::Unknown);
        self.control.memory.nodes.changed.remove(&node);
    }

    /// Does what the Ready condition of a node asks for about its NoExecute taint.
    fn reconcile_node<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        let row = self.store.truth.node(node);
        if !row.present {
            return;
        }
        let tainted = marks_of(&self.catalog, &row.status, Effect::NoExecute).first().copied();
        let nodes = &mut self.control.memory.nodes;
        let Watched { ready, zone, .. } = nodes.nodes[node];
        match taint_step(Some(ready), tainted) {
            TaintStep::Keep => {}
            TaintStep::Swap(_) => self.write_taints(host, node, TaintWrite::NoExecute),
            TaintStep::Enqueue => {
                nodes.zones.enqueue(&self.timing.zones, zone, node);
                self.plan_poll(host);
            }
            TaintStep::Clear => {
                nodes.zones.dequeue(zone, node);
                if tainted.is_some() {
                    self.write_taints(host, node, TaintWrite::Clear);
                }
            }
        }
    }

    /// After the last write of a look: the states of the zones.
    fn end_look<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let nodes = &mut self.control.memory.nodes;
        let busy = |pass: &Pass| pass.workers.iter().any(|worker| worker.write.is_some());
        if nodes.pass.as_ref().is_none_or(busy) {
            return;
        }
        nodes.pass = None;
        let known: BTreeSet<Zone> = nodes.counts.keys().copied().collect();
        let states = |zones: &Zones| -> Vec<(Zone, ZoneState)> {
            known.iter().map(|zone| (*zone, zones.state(*zone))).collect()
        };
        let before = states(&nodes.zones);
        let outage = nodes.zones.look(&self.timing.zones, &nodes.counts, host.now);
        let after = states(&nodes.zones);
        for ((zone, before), (_, state)) in before.into_iter().zip(after) {
            let begins = before == ZoneState::Initial && state == ZoneState::Normal;
            if state != before && !begins {
                self.zone_fact(host, zone, state);
            }
        }
        match outage {
            Outage::Unchanged => {}
            Outage::Begins => self.outage_begins(host),
            Outage::Ends => self.control.memory.nodes.heard = Some(host.now),
        }
        self.plan_poll(host);
        // What happened meanwhile is for the next look, never for another one of this instant.
        let period = self.timing.node_lifecycle.monitor_period;
        let nodes = &self.control.memory.nodes;
        if !(nodes.silent.is_empty() && nodes.changed.is_empty()) {
            let at = (host.now + Span::from_nanos(1)).next_tick(period, self.look_phase());
            self.control.memory.nodes.look = Some(at);
            host.turn(at, Event::NodesLook);
        }
    }

    fn zone_fact<S: Sink>(&mut self, host: &mut Host<'_, S>, zone: Zone, state: ZoneState) {
        let Zone { region, zone } = zone;
        for name in [region, zone] {
            self.introduce_name(host, name);
        }
        host.fact(Fact::ZoneDisrupted { region, zone, state });
    }

    /// Every zone is fully disrupted: no node is tainted any more, and the next look lets all wait.
    fn outage_begins<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let present: Vec<NodeId> = self
            .store
            .truth
            .nodes()
            .iter()
            .filter(|(_, row)| row.present)
            .map(|(node, _)| node)
            .collect();
        for node in present {
            let status = self.store.truth.node(node).status;
            if !marks_of(&self.catalog, &status, Effect::NoExecute).is_empty() {
                self.write_taints(host, node, TaintWrite::Clear);
            }
            self.control.memory.nodes.changed.insert(node);
        }
    }

    /// Sees to the next poll of the zones at which a node can be taken.
    fn plan_poll<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let nodes = &mut self.control.memory.nodes;
        let next = nodes.zones.next_due(self.timing.node_lifecycle.taint_poll, host.now);
        let Some(at) = next else { return };
        if nodes.poll.is_none_or(|poll| at < poll) {
            nodes.poll = Some(at);
            host.turn(at, Event::ZonesPoll);
        }
    }

    /// One poll of the nodes that wait for their NoExecute taint.
    pub(in crate::sim) fn zones_poll<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let nodes = &mut self.control.memory.nodes;
        if nodes.poll != Some(host.now) {
            return;
        }
        nodes.poll = None;
        for node in nodes.zones.poll(host.now) {
            if self.control.memory.nodes.nodes[node].ready != Condition::True {
                self.write_taints(host, node, TaintWrite::NoExecute);
            }
        }
        self.plan_poll(host);
    }
}
