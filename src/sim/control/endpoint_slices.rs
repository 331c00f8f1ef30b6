//! The EndpointSlice controller: five workers over one queue of services, one client.
//!
//! A sync looks at the pods of a service that have changed since the one before, writes the slices
//! that change one after the other, and lasts until the last of them is answered. One that does
//! not see yet what was written before fails and comes back after a second, as upstream
//! (`EndpointSliceTracker.StaleSlices`). Nobody else writes slices, so that the sync a second after
//! a slice was changed by others never comes about.
//!
//! Source: `pkg/controller/endpointslice/endpointslice_controller.go`, Kubernetes 1.34.

use super::Client;
use super::work_queue::WorkQueue;
use crate::ground::{Id, Span, Table, Time};
use crate::journal::{DiscoveryFact, Fact, Sink};
use crate::model::{
    Change, EndpointConditions, PodId, PodUid, ServiceId, ServiceSlices, SliceChange, SliceId, View,
};
use crate::policy::Cx;
use crate::policy::kube::discovery::{
    ENDPOINTS_PER_SLICE, ExistingSlice, SlicePlan, endpoint_of, place_endpoints,
};
use crate::sim::Event;
use crate::sim::discovery_event::DiscoveryEvent;
use crate::sim::host::Host;
use crate::sim::services::Services;
use crate::sim::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Services that are synced at the same time (`--concurrent-service-endpoint-syncs`).
const WORKERS: u32 = 5;
/// First delay of a service whose sync failed (`defaultSyncBackOff`).
const FIRST_DELAY: Span = Span::from_secs(1);
/// How often a service comes back after failures (`maxRetries`).
const RETRIES: u32 = 15;

/// A write of a slice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SliceWrite {
    slice: SliceId,
    /// The slice is deleted; otherwise these endpoints get these conditions, or are taken out.
    delete: bool,
    endpoints: Vec<(PodUid, Option<EndpointConditions>)>,
}

/// What the controller remembers of a service.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Known {
    /// It is among what the controller sees.
    seen: bool,
    /// The pods that it selects.
    pods: BTreeMap<PodUid, PodId>,
    /// Those that may have changed since the last sync.
    touched: BTreeSet<PodUid>,
    /// Writes and deletions of its slices so far.
    writes: u64,
    /// Number of the next slice.
    next: u32,
    /// Writes of the present sync.
    pending: VecDeque<SliceWrite>,
}

/// The controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SliceLoop {
    pub(super) client: Client,
    /// The services of the run.
    pub(super) services: Services,
    known: Table<ServiceId, Known>,
    queue: WorkQueue<ServiceId>,
    /// When services are to be queued later.
    looks: BTreeMap<ServiceId, Time>,
}

impl SliceLoop {
    pub(super) fn new() -> SliceLoop {
        SliceLoop {
            client: Client::default(),
            services: Services::default(),
            known: Table::new(),
            queue: WorkQueue::with_first_delay(WORKERS, FIRST_DELAY),
            looks: BTreeMap::new(),
        }
    }

    fn known(&mut self, service: ServiceId) -> &mut Known {
        while self.known.len() <= service.index() {
            self.known.push(Known::default());
        }
        &mut self.known[service]
    }

    /// True if a change concerns a service or a pod of one.
    pub(super) fn cares_about(&self, cx: Cx<'_>, change: &Change) -> bool {
        if self.services.is_empty() {
            return false;
        }
        let pod = match *change {
            Change::ObjectSet { object } => {
                return self.services.service(object, cx.catalog).is_some();
            }
            // Whoever has not seen its own writes cannot sync.
            Change::Slice(SliceChange::Written { .. } | SliceChange::Deleted { .. }) => {
                return true;
            }
            Change::PodPhase { pod, .. }
            | Change::PodDeleting { pod }
            | Change::PodRemoved { pod } => pod,
            _ => return false,
        };
        let spec = cx.view.pod(pod).map(|row| row.spec);
        spec.is_some_and(|spec| self.services.select(spec))
    }

    /// Takes note of a change that the view is about to take; the services to be looked at.
    pub(super) fn observe(&mut self, cx: Cx<'_>, change: &Change) -> Vec<ServiceId> {
        if self.services.is_empty() {
            return Vec::new();
        }
        let (pod, uid, spec) = match *change {
            Change::ObjectSet { object } => {
                let service = self.services.service(object, cx.catalog);
                service.into_iter().for_each(|service| self.service_appears(cx, service));
                return service.into_iter().collect();
            }
            Change::PodAdded { pod, uid, spec, .. } => (pod, uid, spec),
            Change::PodPhase { pod, .. }
            | Change::PodDeleting { pod }
            | Change::PodRemoved { pod } => match cx.view.pod(pod) {
                Some(row) => (pod, row.uid, row.spec),
                None => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        let mut services = self.services.of(spec, cx.catalog).to_vec();
        for service in &services {
            let known = self.known(*service);
            match change {
                // Without an address it is in no slice.
                Change::PodAdded { .. } => {
                    known.pods.insert(uid, pod);
                    continue;
                }
                Change::PodRemoved { .. } => drop(known.pods.remove(&uid)),
                _ => {}
            }
            known.touched.insert(uid);
        }
        services.retain(|service| {
            let known = &self.known[*service];
            known.seen && known.touched.contains(&uid)
        });
        services
    }

    /// A service is seen, or has another content than before.
    fn service_appears(&mut self, cx: Cx<'_>, service: ServiceId) {
        let mut pods: BTreeMap<PodUid, PodId> = BTreeMap::new();
        for (pod, row) in cx.view.pods() {
            if self.services.of(row.spec, cx.catalog).contains(&service) {
                pods.insert(row.uid, pod);
            }
        }
        let known = self.known(service);
        known.touched.extend(known.pods.keys());
        known.touched.extend(pods.keys());
        known.pods = pods;
        known.seen = true;
    }

    /// The row of a pod behind a service, as far as the controller knows.
    pub(super) fn pod_of(&self, service: ServiceId, pod: PodUid) -> Option<PodId> {
        self.known.get(service)?.pods.get(&pod).copied()
    }

    /// What a sync of a service writes.
    fn plan(&mut self, view: &View, service: ServiceId) -> VecDeque<SliceWrite> {
        let publish = self.services.row(service).publish;
        let none = ServiceSlices::default();
        let there = view.slices().of(service).unwrap_or(&none);
        let known = self.known(service);
        let mut existing: Vec<(SliceId, ExistingSlice)> = Vec::new();
        for (id, slice) in there.slices() {
            let endpoints = slice.endpoints.len();
            existing.push((id, ExistingSlice { endpoints, kept: endpoints, changed: false }));
        }
        let mut changes: BTreeMap<SliceId, Vec<(PodUid, Option<EndpointConditions>)>> =
            BTreeMap::new();
        let mut added: VecDeque<(PodUid, Option<EndpointConditions>)> = VecDeque::new();
        for uid in std::mem::take(&mut known.touched) {
            let row = known.pods.get(&uid).and_then(|pod| view.pod_if(*pod, uid));
            let wanted = row.and_then(|row| endpoint_of(row.phase, row.deleting, publish));
            match there.endpoint(uid) {
                None => added.extend(wanted.map(|conditions| (uid, Some(conditions)))),
                Some((_, now)) if wanted == Some(now) => {}
                Some((slice, _)) => {
                    let row = existing.iter_mut().find(|(id, _)| *id == slice);
                    let (_, row) = row.expect("its slice is there");
                    row.kept -= usize::from(wanted.is_none());
                    row.changed |= wanted.is_some();
                    changes.entry(slice).or_default().push((uid, wanted));
                }
            }
        }
        let rows: Vec<ExistingSlice> = existing.iter().map(|(_, row)| *row).collect();
        let mut writes = VecDeque::new();
        for plan in place_endpoints(&rows, added.len(), ENDPOINTS_PER_SLICE) {
            let (slice, takes, delete) = match plan {
                SlicePlan::Create { takes } => {
                    known.next += 1;
                    (SliceId(known.next - 1), takes, false)
                }
                SlicePlan::Update { slice, takes } => (existing[slice].0, takes, false),
                SlicePlan::Delete { slice } => (existing[slice].0, 0, true),
            };
            let mut endpoints = changes.remove(&slice).unwrap_or_default();
            endpoints.extend(added.drain(..takes));
            writes.push_back(SliceWrite { slice, delete, endpoints });
        }
        debug_assert!(changes.is_empty() && added.is_empty(), "every change has its slice");
        writes
    }
}

impl World {
    pub(super) fn enqueue_service<S: Sink>(&mut self, host: &mut Host<'_, S>, service: ServiceId) {
        let period = self.timing.discovery.batch_period;
        if period.is_zero() {
            self.control.memory.slices.queue.add(service);
            self.sync_services(host);
        } else {
            self.look_at_service(host, service, host.now + period);
        }
    }

    /// Queues a service at `at`, or earlier if it is to be queued earlier anyway.
    fn look_at_service<S: Sink>(&mut self, host: &mut Host<'_, S>, service: ServiceId, at: Time) {
        let looks = &mut self.control.memory.slices.looks;
        if looks.get(&service).is_none_or(|look| at < *look) {
            looks.insert(service, at);
            host.turn(at, Event::Discovery(DiscoveryEvent::ServiceLooks { service }));
        }
    }

    pub(in crate::sim) fn service_looks<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        service: ServiceId,
    ) {
        let slices = &mut self.control.memory.slices;
        if slices.looks.get(&service) == Some(&host.now) {
            slices.looks.remove(&service);
            slices.queue.add(service);
            self.sync_services(host);
        }
    }

    fn sync_services<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        if !self.control.memory.slices.queue.starts() {
            return;
        }
        while let Some(service) = self.control.memory.slices.queue.take() {
            self.sync_service(host, service);
        }
    }

    fn sync_service<S: Sink>(&mut self, host: &mut Host<'_, S>, service: ServiceId) {
        let view = self.control.feed.view(&self.store);
        let slices = &mut self.control.memory.slices;
        let seen = view.slices().of(service).map_or(0, ServiceSlices::writes);
        if seen < slices.known(service).writes {
            let again = slices.queue.failed(service, host.now);
            if slices.queue.failures(service) > RETRIES {
                slices.queue.succeeded(service);
            } else {
                self.look_at_service(host, service, again);
            }
            self.control.memory.slices.queue.put_back(service);
            return;
        }
        let writes = slices.plan(view, service);
        slices.known(service).pending = writes;
        self.send_slice_write(host, service);
    }

    /// Sends the next write of a sync, or ends it.
    fn send_slice_write<S: Sink>(&mut self, host: &mut Host<'_, S>, service: ServiceId) {
        let slices = &mut self.control.memory.slices;
        if slices.known(service).pending.is_empty() {
            slices.queue.succeeded(service);
            slices.queue.put_back(service);
            self.sync_services(host);
            return;
        }
        let at = slices.client.send(host.now, 1) + self.timing.request;
        host.store_at(at, Event::Discovery(DiscoveryEvent::SliceWriteArrives { service }));
    }

    pub(in crate::sim) fn slice_write_arrives<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        service: ServiceId,
    ) {
        let known = self.control.memory.slices.known(service);
        let write = known.pending.pop_front().expect("one for each event");
        known.writes += 1;
        let ready = self.store.truth.slices().of(service).map_or(0, ServiceSlices::ready);
        let pods: Vec<PodUid> = write.endpoints.iter().map(|(pod, _)| *pod).collect();
        for change in changes_of(service, &write) {
            self.commit(host, Change::Slice(change));
        }
        self.tell_slice(host, service, write.slice);
        self.slices_change(host, service, (&pods, ready));
        // The answer takes as long as the request.
        let answered = DiscoveryEvent::SliceWriteAnswered { service };
        host.turn(host.now + self.timing.request, Event::Discovery(answered));
    }

    pub(in crate::sim) fn slice_write_answered<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        service: ServiceId,
    ) {
        self.send_slice_write(host, service);
    }

    fn tell_slice<S: Sink>(&self, host: &mut Host<'_, S>, service: ServiceId, slice: SliceId) {
        let there = self.store.truth.slices().of(service).and_then(|row| row.slice(slice));
        let fact = match there {
            Some(content) => {
                let (ready, terminating) = content.counts();
                let (ready, terminating) = (ready as u16, terminating as u16);
                let endpoints = content.endpoints.len() as u16;
                DiscoveryFact::SliceWritten { service, slice, endpoints, ready, terminating }
            }
            None => DiscoveryFact::SliceDeleted { service, slice },
        };
        host.fact(Fact::Discovery(fact));
    }

    /// Pods that are there at the start are in slices, and proxies route to them.
    pub(in crate::sim) fn install_slices<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        for service in self.control.memory.slices.services.ids() {
            let slices = &mut self.control.memory.slices;
            for (pod, row) in self.store.truth.pods() {
                if slices.services.of(row.spec, &self.catalog).contains(&service) {
                    slices.known(service).pods.insert(row.uid, pod);
                    slices.known(service).touched.insert(row.uid);
                }
            }
            let writes = slices.plan(&self.store.truth, service);
            slices.known(service).writes += writes.len() as u64;
            for write in writes {
                for change in changes_of(service, &write) {
                    self.list(host.now, Change::Slice(change));
                }
                self.tell_slice(host, service, write.slice);
            }
            self.routed_from_the_start(host, service);
        }
    }
}

/// The changes that a write is.
fn changes_of(service: ServiceId, write: &SliceWrite) -> Vec<SliceChange> {
    let slice = write.slice;
    if write.delete {
        return vec![SliceChange::Deleted { service, slice }];
    }
    let endpoint = |(pod, conditions): &(PodUid, Option<EndpointConditions>)| match *conditions {
        Some(conditions) => SliceChange::Set { service, slice, pod: *pod, conditions },
        None => SliceChange::Taken { service, pod: *pod },
    };
    let endpoints = write.endpoints.iter().map(endpoint);
    endpoints.chain([SliceChange::Written { service, slice }]).collect()
}
