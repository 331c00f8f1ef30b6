//! All state of a run, and the ways in which it changes.

use super::control::Control;
use super::drain::Drains;
use super::feed::Feed;
use super::host::Host;
use super::machine::{Fleet, Machine, Program};
use super::monitor::{Monitor, declared};
use super::node::{Agent, Pulls};
use super::params::Timing;
use super::proxies::Proxies;
use super::schedule::SchedulerLoop;
use super::setup::Setup;
use super::store::Store;
use super::volumes::VolumeStates;
use super::{Detail, Event, KubeletDelays, SimParams, VolumeDelays};
use crate::engine::Queue;
use crate::ground::{Draws, Id, Key, Name, Table, Time};
use crate::journal::{Fact, Sink};
use crate::model::{
    Catalog, Change, Condition, Container, Lifetime, NodeId, NodeSpecId, NodeStatus,
    OperatorAction, PodId, PodName, PodSpecId, PodUid, Pressures, Resource, ServiceId, SourceId,
    Stimulus, Taint, View, WorkloadId, WorkloadKind,
};
use crate::policy::kube::kubelet::ContainerStatus;
use crate::policy::kube::tolerate_lost_nodes;
use crate::policy::{Cx, Scheduler};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// All state of a run but its queue, its sources and its journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct World {
    pub(super) timing: Timing,
    pub(super) catalog: Catalog,
    pub(super) draws: Draws,
    pub(super) store: Store,
    pub(super) fleet: Fleet,
    pub(super) pulls: Pulls,
    pub(super) drains: Drains,
    pub(super) volumes: VolumeStates,
    /// Room for the states of the containers of a pod.
    #[serde(skip)]
    pub(super) statuses: Vec<ContainerStatus>,
    pub(super) scheduler: SchedulerLoop,
    pub(super) control: Control,
    pub(super) monitor: Monitor,
    pub(super) proxies: Proxies,
    /// Names that facts may use already.
    named: Vec<bool>,
    /// Pod specifications of the setup that facts may use already.
    specified: BTreeSet<PodSpecId>,
    /// By source, the specification here of each specification there.
    adopted: Table<SourceId, Vec<Option<PodSpecId>>>,
}

/// A pod about to be created.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewPod {
    pub(super) spec: PodSpecId,
    pub(super) workload: WorkloadId,
    pub(super) name: PodName,
    pub(super) lifetime: Lifetime,
    /// The lost pod whose place it takes.
    pub(super) replaces: Option<PodUid>,
}

impl World {
    /// A world at time zero: nodes have joined, controllers know their services, nothing has run.
    pub fn new<S: Sink>(setup: Setup, queue: &mut Queue<Event>, sink: &mut S) -> World {
        let timing = Timing::new(&setup.params, setup.detail, setup.think_time, setup.delays);
        let shared = timing.views_are_shared();
        let volume_delays = match setup.detail {
            Detail::Placement => VolumeDelays::NONE,
            Detail::Lifecycle => setup.volume_delays,
        };
        let alerts: Vec<Name> = setup.monitoring.rules.iter().map(|rule| rule.alert).collect();
        let mut world = World {
            scheduler: SchedulerLoop::new(
                setup.scheduler,
                Feed::new(shared, timing.watch),
                timing.scheduler.map(|rate| rate.bucket()),
            ),
            control: Control::new(Feed::new(shared, timing.watch), &timing, &setup.rollbacks),
            monitor: Monitor::new(setup.monitoring),
            proxies: Proxies::default(),
            timing,
            catalog: setup.catalog,
            draws: setup.draws,
            store: Store::default(),
            fleet: Fleet::default(),
            pulls: Pulls::default(),
            drains: Drains::default(),
            volumes: VolumeStates::new(volume_delays),
            statuses: Vec::new(),
            named: Vec::new(),
            specified: BTreeSet::new(),
            adopted: Table::new(),
        };
        let mut host = Host { now: Time::ZERO, queue, sink };
        world.introduce_workloads(&mut host);
        for alert in alerts {
            world.introduce_name(&mut host, alert);
        }
        let mut introduced: Vec<NodeSpecId> = Vec::new();
        for node in &setup.nodes {
            if !introduced.contains(&node.spec) {
                introduced.push(node.spec);
                world.introduce_node_spec(&mut host, node.spec);
            }
            let status = NodeStatus {
                spec: node.spec,
                taints: node.taints,
                ready: Condition::True,
                pressures: Pressures::NONE,
                unschedulable: node.unschedulable,
            };
            world.add_node(&mut host, node.name, node.hostname, status);
        }
        for (workload, keeper) in &setup.services {
            world.introduce_pod_spec_once(&mut host, keeper.template());
            world.install_keeper(&mut host, *workload, *keeper);
        }
        for (workload, job) in &setup.jobs {
            world.install_job(&mut host, *workload, job);
        }
        for object in &setup.objects {
            world.define_service(&mut host, *object);
        }
        world.install_objects(&setup.objects);
        world.install_pods(&mut host, &setup.pods);
        world.install_slices(&mut host);
        world.sync_views(&mut host);
        world
    }

    /// Names, specifications and workloads.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Namespace and name of a service that selects pods.
    pub fn service_name(&self, service: ServiceId) -> (Name, Name) {
        let row = self.control.services().row(service);
        (row.namespace, row.name)
    }

    /// What the store knows.
    pub fn truth(&self) -> &View {
        &self.store.truth
    }

    /// Drops everything that can be computed again.
    pub fn drop_caches(&mut self) {
        self.scheduler.policy.drop_caches();
    }

    /// Replaces the timing of everything but the scheduler and storage drivers from now on. What is
    /// under way keeps its time.
    pub(super) fn set_params(&mut self, params: &SimParams, delays: KubeletDelays) {
        self.timing = Timing::new(params, self.timing.detail, self.timing.think, delays);
        self.scheduler.feed.set_delay(self.timing.watch);
        self.control.set_params(&self.timing);
    }

    /// Commits a change to the store and lets those who watch it know.
    pub(super) fn commit<S: Sink>(&mut self, host: &mut Host<'_, S>, change: Change) {
        if let Change::ObjectSet { object } = change {
            self.define_service(host, object);
        }
        let shared = self.scheduler.feed.is_shared();
        if shared {
            self.scheduler_observes(host, &change);
            let cx = cx(&self.catalog, &self.store.truth, host.now, self.draws);
            self.control.memory.observe(cx, host.now, &change);
        }
        let unread = self.control.feed.behind(&self.store);
        let believed = cx(&self.catalog, &self.store.truth, host.now, self.draws);
        let controllers_care = self.control.memory.cares_about(believed, &change, unread);
        let monitored = self.monitored(&change);
        self.store.commit(host.now, change, !shared, &self.catalog);
        if let Some(workload) = monitored {
            self.plan_scrape(host, workload, host.now);
        }
        if self.scheduler.cares_about(&change) || self.scheduler.feed.behind(&self.store) > BEHIND {
            self.scheduler.feed.want_last(&self.store);
            let at = self.scheduler.feed.reaches(host.now);
            self.wake_scheduler(host, at);
        }
        if controllers_care || self.control.feed.behind(&self.store) > BEHIND {
            self.control.feed.want_last(&self.store);
            let at = self.control.feed.reaches(host.now);
            self.wake_controllers(host, at);
        }
    }

    /// Applies one stimulus.
    pub(super) fn arrive<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        source: SourceId,
        catalog: &Catalog,
        stimulus: Stimulus,
    ) {
        match stimulus {
            Stimulus::Submit { workload, spec, name, lifetime } => {
                let spec = self.adopt(host, source, catalog, spec);
                let (stem, number, digits) = name.parts();
                let stem = self.catalog.names.intern(catalog.names.text(stem));
                let name = PodName::from_parts((stem, number, digits));
                self.create_pod(host, NewPod { spec, workload, name, lifetime, replaces: None });
            }
            Stimulus::Fault { node, strike, effect, on } => {
                self.fault(host, NodeId(node), (strike, effect), on);
            }
            Stimulus::Taint { node, taint, on } => {
                let names = &mut self.catalog.names;
                let key = names.intern(catalog.names.text(taint.key));
                let value = names.intern(catalog.names.text(taint.value));
                self.taint_by_hand(host, NodeId(node), Taint { key, value, ..taint }, on);
            }
            Stimulus::Operate { workload, action } => {
                let names = &mut self.catalog.names;
                let mut here = |name| names.intern(catalog.names.text(name));
                let action = match action {
                    OperatorAction::SetImage { container, image } => OperatorAction::SetImage {
                        container: container.map(&mut here),
                        image: here(image),
                    },
                    other => other,
                };
                self.operate(host, workload, action);
            }
            Stimulus::Cordon { node, on } => self.cordon(host, NodeId(node), on),
            Stimulus::Drain { node, options } => self.drain(host, NodeId(node), options),
            Stimulus::DeletePod { name } => {
                let (stem, number, digits) = name.parts();
                let stem = self.catalog.names.intern(catalog.names.text(stem));
                self.delete_pod_called(host, PodName::from_parts((stem, number, digits)));
            }
            Stimulus::DeleteNode { node } => self.delete_node(host, NodeId(node)),
        }
    }

    /// Creates a pod in the store, with the program that its machine will run.
    pub(super) fn create_pod<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        new: NewPod,
    ) -> (PodId, PodUid) {
        let NewPod { spec, workload, name, lifetime, replaces } = new;
        let (pod, uid) = self.store.next_pod();
        let (stem, number, digits) = name.parts();
        self.introduce_name(host, stem);
        self.tell_services_of(host, spec);
        host.fact(Fact::PodCreated { pod: uid, spec, workload, stem, number, digits });
        if let Lifetime::For(lifetime) = lifetime {
            host.fact(Fact::LifetimeSet { pod: uid, lifetime });
        }
        if let Some(lost) = replaces {
            host.fact(Fact::Replaced { pod: uid, lost });
        }
        let key = name.key(&self.catalog.names);
        self.fleet.install(pod, Program::new(uid, key, lifetime));
        let created = host.now;
        for object in self.claims_made_for(spec, name) {
            self.commit(host, Change::ObjectSet { object });
        }
        self.commit(host, Change::PodAdded { pod, uid, spec, workload, name, created });
        (pod, uid)
    }

    /// Removes a pod from the store; its row may be used again.
    pub(super) fn remove_pod<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        self.remember_lifetime(pod);
        self.job_pod_ends(pod, false);
        self.kubelet_forgets(host, pod);
        let row = self.store.truth.pod(pod).expect("only what is there is removed");
        self.proxies.forget(row.uid);
        let gone = *row;
        self.commit(host, Change::PodRemoved { pod });
        self.claims_go_with(host, &gone);
        self.fleet.uninstall(pod);
    }

    /// The specification here of a source's specification, taken over when it is first used.
    fn adopt<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        source: SourceId,
        catalog: &Catalog,
        spec: PodSpecId,
    ) -> PodSpecId {
        while self.adopted.len() <= source.index() {
            self.adopted.push(Vec::new());
        }
        let row = &mut self.adopted[source];
        if row.len() <= spec.index() {
            row.resize(spec.index() + 1, None);
        }
        if let Some(adopted) = row[spec.index()] {
            return adopted;
        }
        let names = &mut self.catalog.names;
        let rename = |name| names.intern(catalog.names.text(name));
        let mut admitted = catalog.pod_spec(spec).renamed(rename);
        tolerate_lost_nodes(&mut admitted, names);
        let (adopted, new) = self.catalog.intern_pod_spec(&admitted);
        row[spec.index()] = Some(adopted);
        if new {
            self.introduce_pod_spec(host, adopted);
        }
        adopted
    }

    fn add_node<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        name: Name,
        hostname: Option<Name>,
        status: NodeStatus,
    ) {
        let key = Key::of(self.catalog.names.text(name));
        let machine = Machine::new(key, host.now);
        let node = self.fleet.machines.push(machine);
        let agent = Agent::new(self, self.catalog.node_spec(status.spec));
        self.fleet.agents.push(agent);
        self.introduce_name(host, name);
        host.fact(Fact::NodeAdded { node, name, spec: status.spec });
        self.commit(host, Change::NodeAdded { node, name, hostname, status });
    }

    fn introduce_workloads<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let workloads: Vec<_> =
            self.catalog.workloads.iter().map(|(id, w)| (id, w.clone())).collect();
        for (id, workload) in workloads {
            self.introduce_name(host, workload.name);
            let (replicas, min_serving) = match workload.kind {
                WorkloadKind::Service { replicas, min_serving } => (replicas, min_serving),
                WorkloadKind::Batch => (0, 0),
            };
            let name = workload.name;
            host.fact(Fact::WorkloadDefined { workload: id, name, replicas, min_serving });
        }
    }

    pub(super) fn introduce_name<S: Sink>(&mut self, host: &mut Host<'_, S>, name: Name) {
        let at = name.index();
        if self.named.len() <= at {
            self.named.resize(at + 1, false);
        }
        if !self.named[at] {
            self.named[at] = true;
            let text = self.catalog.names.text(name);
            host.sink.name(name, text);
            host.fact(Fact::NameDefined { name, hash: Key::of(text).0 });
        }
    }

    fn introduce_node_spec<S: Sink>(&mut self, host: &mut Host<'_, S>, id: NodeSpecId) {
        let spec = self.catalog.node_spec(id);
        let devices = spec.devices.map_or(0, |group| group.capacity_milli());
        let mut amounts = vec![
            (Resource::Cpu, spec.allocatable.cpu.0),
            (Resource::Memory, spec.allocatable.memory.0),
            (Resource::EphemeralStorage, spec.allocatable.ephemeral_storage.0),
            (Resource::Pods, u64::from(spec.pods)),
            (Resource::Device, devices),
        ];
        amounts.extend(
            spec.allocatable.extended.iter().map(|(name, n)| (Resource::Extended(name), n)),
        );
        for (resource, amount) in amounts.into_iter().filter(|(_, amount)| *amount > 0) {
            if let Resource::Extended(name) = resource {
                self.introduce_name(host, name);
            }
            host.fact(Fact::NodeSpecDefined { spec: id, resource, amount });
        }
        if let Some(model) = self.catalog.node_spec(id).devices.map(|group| group.model) {
            self.introduce_name(host, model);
            host.fact(Fact::NodeModelDefined { spec: id, model });
        }
    }

    /// Introduces a pod specification of the setup.
    pub(super) fn introduce_pod_spec_once<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        id: PodSpecId,
    ) {
        if self.specified.insert(id) {
            self.introduce_pod_spec(host, id);
        }
    }

    fn introduce_pod_spec<S: Sink>(&mut self, host: &mut Host<'_, S>, id: PodSpecId) {
        let spec = self.catalog.pod_spec(id);
        let mut amounts = vec![
            (Resource::Cpu, spec.requests.cpu.0),
            (Resource::Memory, spec.requests.memory.0),
            (Resource::EphemeralStorage, spec.requests.ephemeral_storage.0),
            (Resource::Pods, 1),
            (Resource::Device, spec.device_milli()),
        ];
        amounts
            .extend(spec.requests.extended.iter().map(|(name, n)| (Resource::Extended(name), n)));
        for (resource, amount) in amounts.into_iter().filter(|(_, amount)| *amount > 0) {
            if let Resource::Extended(name) = resource {
                self.introduce_name(host, name);
            }
            host.fact(Fact::PodSpecDefined { spec: id, resource, amount });
        }
        let models = self.catalog.pod_spec(id).devices.as_ref().map(|request| &request.models);
        for model in models.cloned().unwrap_or_default() {
            self.introduce_name(host, model);
            host.fact(Fact::PodModelAccepted { spec: id, model });
        }
        if self.is_lifecycle() {
            self.introduce_containers(host, id);
        }
    }

    fn introduce_containers<S: Sink>(&mut self, host: &mut Host<'_, S>, id: PodSpecId) {
        let spec = self.catalog.pod_spec(id);
        let inits = spec.init_containers.len();
        let named =
            |container: &Container| (container.name, container.image.unwrap_or(Catalog::NO_TEXT));
        let containers: Vec<(Name, Name)> =
            spec.init_containers.iter().chain(&spec.containers).map(named).collect();
        for (place, (name, image)) in containers.into_iter().enumerate() {
            self.introduce_name(host, name);
            self.introduce_name(host, image);
            let (container, init) = (place as u8, place < inits);
            host.fact(Fact::ContainerDefined { spec: id, container, init, name, image });
        }
        let (error_ppm, latency_permille) = declared(&self.catalog, id);
        if (error_ppm, latency_permille) != (0, 1000) {
            host.fact(Fact::QualityDefined { spec: id, error_ppm, latency_permille });
        }
    }

    /// True at a level of detail with kubelets and heartbeats.
    pub(super) fn is_lifecycle(&self) -> bool {
        self.timing.is_lifecycle()
    }

    /// Forgets the commits that all views have.
    pub(super) fn trim_log(&mut self) {
        let needed =
            self.scheduler.feed.needs(&self.store).min(self.control.feed.needs(&self.store));
        self.store.trim(needed);
    }
}

/// Commits that a process may leave unread before it is woken only to read them.
const BEHIND: u64 = 4096;

/// What a policy sees.
pub(super) fn cx<'a>(catalog: &'a Catalog, view: &'a View, now: Time, draws: Draws) -> Cx<'a> {
    Cx { catalog, view, now, draws }
}
