//! The books that all folds share: what facts have said so far about names, specifications, nodes
//! and the pods that are alive. A pod that has finished or is gone leaves four bytes behind.

use super::states::PodState;
use crate::ground::{Id, Name, Names, Time};
use crate::journal::{DeletionCause, DiscoveryFact, Fact, Reach, Record};
use crate::model::{
    Condition, DeviceMask, MILLI_PER_DEVICE, NodeId, NodeSpecId, PluginSet, PodName, PodSpecId,
    PodUid, Resource, WorkloadId,
};
use serde::{Deserialize, Serialize};

/// The instant of something that has not happened.
pub(super) const NEVER: Time = Time::MAX;
/// The slot of a pod that is gone.
const GONE: u32 = u32::MAX;

/// How far a pod is, as its machine has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// No node yet.
    Waiting,
    /// Bound, not all containers started.
    Bound,
    /// All containers started.
    Started,
    /// Ready.
    Ready,
    /// Its node died under it.
    Interrupted,
}

/// A pod that is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PodRow {
    pub(super) pod: PodUid,
    /// Its place among the pods that are alive; used again after its end.
    pub(super) slot: u32,
    pub(super) spec: PodSpecId,
    pub(super) workload: WorkloadId,
    pub(super) name: PodName,
    pub(super) state: State,
    pub(super) deleting: Option<DeletionCause>,
    /// The kubelet stops its containers.
    pub(super) stopping: bool,
    /// The containers that cannot be started yet, a bit each; from the 64th on they share one.
    pub(super) waits: u64,
    /// Starts of its containers but the first of each.
    pub(super) restarts: u32,
    pub(super) node: Option<NodeId>,
    pub(super) devices: DeviceMask,
    pub(super) refusals: u32,
    pub(super) refusers: PluginSet,
    pub(super) created: Time,
    pub(super) queued: Time,
    pub(super) refused: Time,
    pub(super) bound: Time,
    pub(super) started: Time,
    pub(super) ready: Time,
    pub(super) interrupted: bool,
    pub(super) replaces: Option<PodUid>,
    /// True for a lifetime of zero: the pod is never there together with another.
    pub(super) momentary: bool,
    /// Services of which half of the proxies route to it; nothing if no service leads to it.
    routes: Option<u16>,
    /// Its containers got TERM, as it is stopped.
    ending: bool,
}

impl PodRow {
    /// True while the pod serves: ready, and reached by requests. Where no service leads to it,
    /// that is until it is asked to stop; else while half of the proxies route to it, but not after
    /// its containers got TERM.
    pub(super) fn serves(&self) -> bool {
        let reached = match self.routes {
            None => self.deleting.is_none(),
            Some(services) => services > 0 && !self.ending,
        };
        self.state == State::Ready && reached
    }

    /// True while its containers run.
    pub(super) fn runs(&self) -> bool {
        matches!(self.state, State::Started | State::Ready)
    }
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NodeRow {
    pub(super) name: Name,
    pub(super) spec: NodeSpecId,
    /// False from the moment its condition says that it is not ready.
    pub(super) counted: bool,
    pub(super) powered: bool,
    /// Requests of the pods it holds, by number of the resource.
    pub(super) used: Vec<u64>,
    pub(super) device_left: Vec<u32>,
    pub(super) pods: u32,
}

/// What is known of a node specification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NodeSpecRow {
    /// Number of the resource and amount.
    pub(super) amounts: Vec<(u16, u64)>,
    pub(super) device_milli: u64,
    pub(super) model: Option<Name>,
}

/// What is known of a pod specification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PodSpecRow {
    /// Number of the resource and amount.
    pub(super) amounts: Vec<(u16, u64)>,
    pub(super) cpu: u64,
    pub(super) memory: u64,
    pub(super) device_milli: u64,
    /// Share of requests answered with an error, millionths, and how much longer answers take,
    /// thousandths, if they do not answer as usual.
    pub(super) quality: Option<(u32, u32)>,
    pub(super) models: Vec<Name>,
    /// A service leads to its pods.
    pub(super) discovered: bool,
    /// Pods of this specification that came from outside; replacements are not counted.
    pub(super) submitted: u64,
}

/// What is known of a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WorkloadRow {
    pub(super) name: Name,
    /// Pods wanted now.
    pub(super) replicas: u32,
    /// It was a service from the start, or somebody wanted pods of it since.
    is_service: bool,
    pub(super) min_serving: u32,
    pub(super) defined: Time,
    /// Pods that serve now.
    pub(super) serving: u32,
}

/// Everything facts have said so far that later facts refer to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Book {
    pub(super) texts: Vec<String>,
    pub(super) resources: Vec<Resource>,
    pub(super) node_specs: Vec<NodeSpecRow>,
    pub(super) pod_specs: Vec<PodSpecRow>,
    pub(super) workloads: Vec<Option<WorkloadRow>>,
    pub(super) nodes: Vec<NodeRow>,
    /// Pods that are alive, by [`PodState`].
    pub(super) states: [u64; PodState::COUNT],
    slots: Vec<u32>,
    rows: Vec<Option<PodRow>>,
    free: Vec<u32>,
}

/// The row of a table that grows as rows are named.
fn row_mut<T: Default>(rows: &mut Vec<T>, index: usize) -> &mut T {
    if rows.len() <= index {
        rows.resize_with(index + 1, T::default);
    }
    &mut rows[index]
}

impl Default for Book {
    fn default() -> Book {
        Book {
            texts: Vec::new(),
            resources: vec![Resource::Pods],
            node_specs: Vec::new(),
            pod_specs: Vec::new(),
            workloads: Vec::new(),
            nodes: Vec::new(),
            states: [0; PodState::COUNT],
            slots: Vec::new(),
            rows: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl Book {
    /// The text of a name; a name that was never told is shown by its number.
    pub(super) fn text(&self, name: Name) -> String {
        self.texts.get(name.index()).cloned().unwrap_or_else(|| format!("#{}", name.0))
    }

    /// The name of a pod.
    pub(super) fn pod_text(&self, name: PodName) -> String {
        let (stem, number, digits) = name.parts();
        match usize::from(digits) {
            0 => self.text(stem),
            width => format!("{}{number:0width$}", self.text(stem)),
        }
    }

    /// The name of a workload.
    pub(super) fn workload_text(&self, workload: WorkloadId) -> String {
        let row = self.workloads.get(workload.index()).copied().flatten();
        row.map_or_else(|| format!("#{}", workload.0), |row| self.text(row.name))
    }

    /// Keeps the text of a name.
    pub(super) fn tell(&mut self, name: Name, text: &str) {
        *row_mut(&mut self.texts, name.index()) = text.to_owned();
    }

    /// The name of a resource as users write it.
    pub(super) fn resource_text(&self, resource: Resource) -> String {
        match resource {
            Resource::Extended(name) => self.text(name),
            other => other.text(&Names::new()).to_owned(),
        }
    }

    /// The row of a pod that is alive.
    pub(super) fn pod(&self, pod: PodUid) -> Option<&PodRow> {
        let slot = *self.slots.get(pod.index())?;
        self.rows.get(slot as usize)?.as_ref()
    }

    fn pod_mut(&mut self, pod: PodUid) -> Option<&mut PodRow> {
        let slot = *self.slots.get(pod.index())?;
        self.rows.get_mut(slot as usize)?.as_mut()
    }

    /// All pods that are alive, in no particular but a fixed order.
    pub(super) fn pods(&self) -> impl Iterator<Item = &PodRow> {
        self.rows.iter().flatten()
    }

    /// A workload that is a service.
    pub(super) fn service(&self, workload: WorkloadId) -> Option<&WorkloadRow> {
        self.workloads.get(workload.index())?.as_ref().filter(|row| row.is_service)
    }

    /// All services with their identifiers, ascending.
    pub(super) fn services(&self) -> impl Iterator<Item = (WorkloadId, &WorkloadRow)> {
        let ids = (0..self.workloads.len()).map(WorkloadId::from_index);
        ids.filter_map(|id| Some((id, self.service(id)?)))
    }

    fn resource_number(&mut self, resource: Resource) -> u16 {
        let known = self.resources.iter().position(|r| *r == resource);
        let at = known.unwrap_or_else(|| {
            self.resources.push(resource);
            self.resources.len() - 1
        });
        u16::try_from(at).expect("fewer than 2^16 resources")
    }

    /// Brings the books up to date by one fact.
    pub(super) fn apply(&mut self, record: &Record) {
        let at = record.at;
        match record.fact {
            Fact::NodeSpecDefined { spec, resource, amount } => {
                let number = self.resource_number(resource);
                let row = row_mut(&mut self.node_specs, spec.index());
                row.amounts.push((number, amount));
                if resource == Resource::Device {
                    row.device_milli = amount;
                }
            }
            Fact::PodSpecDefined { spec, resource, amount } => {
                self.define_pod_spec(spec, resource, amount);
            }
            Fact::NodeModelDefined { spec, model } => {
                row_mut(&mut self.node_specs, spec.index()).model = Some(model);
            }
            Fact::PodModelAccepted { spec, model } => {
                row_mut(&mut self.pod_specs, spec.index()).models.push(model);
            }
            Fact::WorkloadDefined { workload, name, replicas, min_serving } => {
                let (is_service, serving) = (replicas > 0, 0);
                let row =
                    WorkloadRow { name, replicas, is_service, min_serving, defined: at, serving };
                *row_mut(&mut self.workloads, workload.index()) = Some(row);
            }
            Fact::DeploymentWritten { workload, replicas, .. }
            | Fact::StatefulSetWritten { workload, replicas, .. } => {
                if let Some(row) = row_mut(&mut self.workloads, workload.index()) {
                    row.replicas = replicas;
                    row.is_service |= replicas > 0;
                }
            }
            Fact::NodeAdded { name, spec, .. } => self.add_node(name, spec),
            Fact::NodeCondition { node, ready } => {
                if let Some(row) = self.nodes.get_mut(node.index()) {
                    row.counted = ready == Condition::True;
                }
            }
            Fact::NodeRemoved { node } => {
                if let Some(row) = self.nodes.get_mut(node.index()) {
                    row.counted = false;
                }
            }
            Fact::NodeCrashed { node } => self.power(node, false),
            Fact::NodeRepaired { node } => self.power(node, true),
            Fact::QualityDefined { spec, error_ppm, latency_permille } => {
                let row = row_mut(&mut self.pod_specs, spec.index());
                row.quality = Some((error_ppm, latency_permille));
            }
            Fact::Discovery(fact) => self.discover(fact),
            _ => self.apply_to_pod(record),
        }
    }

    fn discover(&mut self, fact: DiscoveryFact) {
        match fact {
            DiscoveryFact::PodsSelected { spec, .. } => {
                row_mut(&mut self.pod_specs, spec.index()).discovered = true;
            }
            DiscoveryFact::EndpointRouted { pod, reach: Reach::Half, on, .. } => {
                self.change(pod, |row| {
                    if let Some(services) = &mut row.routes {
                        *services = *services + u16::from(on) - u16::from(!on);
                    }
                });
            }
            DiscoveryFact::TermSent { pod } => self.change(pod, |row| row.ending = true),
            _ => {}
        }
    }

    /// True for a pod that is alive and that a service leads to.
    pub(super) fn is_discovered(&self, pod: PodUid) -> bool {
        self.pod(pod).is_some_and(|row| row.routes.is_some())
    }

    fn power(&mut self, node: NodeId, on: bool) {
        if let Some(row) = self.nodes.get_mut(node.index()) {
            row.powered = on;
        }
    }

    /// True for a pod whose node has no power: what the store still learns of it is stale.
    fn is_dark(&self, row: &PodRow) -> bool {
        let node = row.node.and_then(|node| self.nodes.get(node.index()));
        row.state == State::Interrupted && node.is_some_and(|node| !node.powered)
    }

    fn define_pod_spec(&mut self, spec: PodSpecId, resource: Resource, amount: u64) {
        if resource == Resource::Pods {
            return; // every pod takes one slot
        }
        let number = self.resource_number(resource);
        let row = row_mut(&mut self.pod_specs, spec.index());
        row.amounts.push((number, amount));
        match resource {
            Resource::Cpu => row.cpu = amount,
            Resource::Memory => row.memory = amount,
            Resource::Device => row.device_milli = amount,
            _ => {}
        }
    }

    fn add_node(&mut self, name: Name, spec: NodeSpecId) {
        let row = row_mut(&mut self.node_specs, spec.index());
        let devices = (row.device_milli / u64::from(MILLI_PER_DEVICE)) as usize;
        self.nodes.push(NodeRow {
            name,
            spec,
            counted: true,
            powered: true,
            used: Vec::new(),
            device_left: vec![MILLI_PER_DEVICE; devices],
            pods: 0,
        });
    }

    fn apply_to_pod(&mut self, record: &Record) {
        let at = record.at;
        match record.fact {
            Fact::PodCreated { pod, spec, workload, stem, number, digits } => {
                let name = PodName::from_parts((stem, number, digits));
                let known = row_mut(&mut self.pod_specs, spec.index());
                known.submitted += 1;
                let routes = known.discovered.then_some(0);
                self.add_pod(PodRow { routes, ..pod_row(pod, spec, workload, name, at) });
            }
            Fact::Replaced { pod, lost } => {
                if let Some(row) = self.pod_mut(pod) {
                    row.replaces = Some(lost);
                    let spec = row.spec;
                    self.pod_specs[spec.index()].submitted -= 1;
                }
            }
            Fact::Bound { pod, node, devices, .. } => self.hold(pod, node, devices, at),
            Fact::Finished { pod } | Fact::Failed { pod, .. } | Fact::Removed { pod } => {
                self.release(pod);
            }
            Fact::Deleting { pod, cause } => self.change(pod, |row| row.deleting = Some(cause)),
            Fact::Stopping { pod, .. } => self.change(pod, |row| {
                row.stopping = true;
                row.waits = 0;
            }),
            Fact::Interrupted { pod } => self.change(pod, |row| {
                row.state = State::Interrupted;
                row.interrupted = true;
                row.waits = 0;
            }),
            Fact::Started { pod }
            | Fact::Ready { pod }
            | Fact::Unready { pod }
            | Fact::ContainerStarted { pod, .. }
            | Fact::ContainerWaiting { pod, .. }
            | Fact::PullBegan { pod, .. }
                if self.pod(pod).is_some_and(|row| !self.is_dark(row)) =>
            {
                self.change(pod, |row| news(row, &record.fact, at));
            }
            Fact::Queued { pod } => self.change(pod, |row| row.queued = at),
            Fact::Refused { pod, refusers } => self.change(pod, |row| {
                row.refusals += 1;
                row.refusers = refusers;
                row.refused = at;
            }),
            Fact::LifetimeSet { pod, lifetime } => {
                self.change(pod, |row| row.momentary = lifetime.is_zero());
            }
            _ => {}
        }
    }

    fn add_pod(&mut self, mut row: PodRow) {
        self.states[PodState::of(&row) as usize] += 1;
        let index = row.pod.index();
        if self.slots.len() <= index {
            self.slots.resize(index + 1, GONE);
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            (self.rows.len() - 1) as u32
        });
        self.slots[index] = slot;
        row.slot = slot;
        self.rows[slot as usize] = Some(row);
    }

    /// Changes a row, and the number of serving pods of its owner with it.
    fn change(&mut self, pod: PodUid, change: impl FnOnce(&mut PodRow)) {
        let Some(row) = self.pod_mut(pod) else {
            return;
        };
        let before = (row.serves(), PodState::of(row));
        change(row);
        let (after, workload) = ((row.serves(), PodState::of(row)), row.workload);
        self.count_serving(workload, before.0, after.0);
        self.states[before.1 as usize] -= 1;
        self.states[after.1 as usize] += 1;
    }

    fn count_serving(&mut self, workload: WorkloadId, before: bool, after: bool) {
        if before != after
            && let Some(Some(row)) = self.workloads.get_mut(workload.index())
        {
            row.serving = row.serving + u32::from(after) - u32::from(before);
        }
    }

    fn hold(&mut self, pod: PodUid, node: NodeId, devices: DeviceMask, at: Time) {
        let Some(spec) = self.pod(pod).map(|row| row.spec) else {
            return;
        };
        self.change(pod, |row| {
            row.state = State::Bound;
            row.node = Some(node);
            row.devices = devices;
            row.bound = at;
        });
        let width = self.resources.len();
        let spec = row_mut(&mut self.pod_specs, spec.index());
        let host = &mut self.nodes[node.index()];
        host.used.resize(width, 0);
        host.pods += 1;
        host.used[0] += 1;
        for (number, amount) in &spec.amounts {
            host.used[usize::from(*number)] += amount;
        }
        for device in devices.iter() {
            host.device_left[device] -= milli_each(spec.device_milli, devices);
        }
    }

    fn release(&mut self, pod: PodUid) {
        let Some(row) = self.pod(pod).copied() else {
            return; // it ended before
        };
        let slot = std::mem::replace(&mut self.slots[pod.index()], GONE);
        self.rows[slot as usize] = None;
        self.free.push(slot);
        self.count_serving(row.workload, row.serves(), false);
        self.states[PodState::of(&row) as usize] -= 1;
        let Some(node) = row.node else {
            return;
        };
        let spec = &self.pod_specs[row.spec.index()];
        let host = &mut self.nodes[node.index()];
        host.pods -= 1;
        host.used[0] -= 1;
        for (number, amount) in &spec.amounts {
            host.used[usize::from(*number)] -= amount;
        }
        for device in row.devices.iter() {
            host.device_left[device] += milli_each(spec.device_milli, row.devices);
        }
    }
}

/// What the store or the kubelet learned of a pod whose node has power.
fn news(row: &mut PodRow, fact: &Fact, at: Time) {
    let bit = |container: u8| 1u64 << container.min(63);
    match *fact {
        Fact::Started { .. } => {
            row.state = if row.state == State::Ready { State::Ready } else { State::Started };
            row.started = row.started.min(at);
        }
        Fact::Ready { .. } => {
            row.state = State::Ready;
            row.ready = row.ready.min(at);
        }
        Fact::Unready { .. } if row.state == State::Ready => row.state = State::Started,
        Fact::ContainerWaiting { container, .. } => row.waits |= bit(container),
        Fact::PullBegan { container, .. } => row.waits &= !bit(container),
        Fact::ContainerStarted { container, restarts, .. } => {
            row.waits &= !bit(container);
            row.restarts += u32::from(restarts > 0);
            if row.state == State::Interrupted {
                row.state = State::Bound;
            }
        }
        _ => {}
    }
}

/// What a pod takes of each of its devices, thousandths.
fn milli_each(total: u64, devices: DeviceMask) -> u32 {
    (total / u64::from(devices.len().max(1))) as u32
}

fn pod_row(
    pod: PodUid,
    spec: PodSpecId,
    workload: WorkloadId,
    name: PodName,
    created: Time,
) -> PodRow {
    PodRow {
        pod,
        slot: GONE,
        spec,
        workload,
        name,
        state: State::Waiting,
        deleting: None,
        stopping: false,
        waits: 0,
        restarts: 0,
        node: None,
        devices: DeviceMask::NONE,
        refusals: 0,
        refusers: PluginSet::EMPTY,
        created,
        queued: NEVER,
        refused: NEVER,
        bound: NEVER,
        started: NEVER,
        ready: NEVER,
        interrupted: false,
        replaces: None,
        momentary: false,
        routes: None,
        ending: false,
    }
}
