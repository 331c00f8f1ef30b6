//! How fast clients of services find their pods, and how long they go on to those that stopped.
//!
//! Discovery lag (network programming latency) runs from the write that a pod is ready to the
//! moment at which the proxies of half of the nodes route to it, which is when it serves; and from
//! the write that it is not ready any more, or is asked to stop, to the moment at which half of
//! them do not. To the last proxy it is told apart. Of a headless service clients who look up
//! names take the place of proxies. Pods that were there at the start have no lag.
//!
//! A pod takes no requests from the TERM that ends it on, or from when its node loses power. The
//! time from then until half of the proxies do not route to it is the removal race: its clients
//! see errors.

use super::book::Book;
use super::step::{Fold, Step};
use crate::ground::{Id, Name, Table, Time};
use crate::journal::{DiscoveryFact, Fact, Reach};
use crate::model::{PodUid, ServiceId};
use crate::stats::{Samples, Summary};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The discovery of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceDiscovery {
    /// The service, with its namespace unless that is `default`.
    pub service: String,
    /// Clients find its pods by name.
    pub headless: bool,
    /// Writes and deletions of its slices.
    pub slice_writes: u64,
    /// Pods that half of the proxies began to route to.
    pub added: u64,
    /// Pods that half of the proxies ceased to route to.
    pub removed: u64,
    /// Pods that were routed to after they had stopped.
    pub stopped_routed: u64,
    /// How long they were, all added up, seconds.
    pub stopped_seconds: f64,
    /// Those of them that still were at the end.
    pub open: u64,
}

/// How services were discovered.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DiscoveryResults {
    /// From a ready pod to half of the proxies, seconds.
    pub added: Summary,
    /// From a ready pod to the last proxy, seconds.
    pub added_everywhere: Summary,
    /// From a pod that goes to half of the proxies, seconds.
    pub removed: Summary,
    /// From a pod that goes to the last proxy, seconds.
    pub removed_everywhere: Summary,
    /// How long each pod that stopped was still routed to, seconds.
    pub stopped: Summary,
    /// Per service, in order of appearance.
    pub services: Vec<ServiceDiscovery>,
}

/// A service.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Service {
    namespace: Name,
    name: Name,
    headless: bool,
    slice_writes: u64,
    added: u64,
    removed: u64,
    stopped_routed: u64,
    stopped_nanos: u64,
}

/// A pod behind a service.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Pod {
    ready: Option<Time>,
    left: Option<Time>,
    stopped: Option<Time>,
    /// Services of which half of the proxies route to it.
    routed: Vec<ServiceId>,
}

/// The fold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Discovery {
    services: Table<ServiceId, Service>,
    pods: BTreeMap<PodUid, Pod>,
    added: [Samples; 2],
    removed: [Samples; 2],
    stopped: Samples,
}

impl Discovery {
    fn routed(&mut self, at: Time, (pod, service): (PodUid, ServiceId), reach: Reach, on: bool) {
        let row = self.pods.entry(pod).or_default();
        let (since, samples) = match on {
            true => (row.ready, &mut self.added),
            false => (row.left, &mut self.removed),
        };
        let place = usize::from(reach == Reach::All);
        if let Some(since) = since.filter(|since| *since > Time::ZERO && reach != Reach::First) {
            samples[place].add(at.since(since).as_nanos());
        }
        if reach != Reach::Half {
            return;
        }
        let counts = &mut self.services[service];
        if on {
            counts.added += 1;
            row.routed.push(service);
            return;
        }
        counts.removed += 1;
        row.routed.retain(|one| *one != service);
        if let Some(stopped) = row.stopped {
            let nanos = at.since(stopped).as_nanos();
            counts.stopped_routed += 1;
            counts.stopped_nanos += nanos;
            self.stopped.add(nanos);
        }
    }

    /// A pod takes no requests any more.
    fn stops(&mut self, at: Time, pod: PodUid) {
        let Some(row) = self.pods.get_mut(&pod) else { return };
        if row.stopped.is_none() {
            row.stopped = Some(at);
            if row.routed.is_empty() {
                self.stopped.add(0);
            }
        }
    }

    /// The containers of a pod start again: what was routed to it meanwhile is over.
    fn starts(&mut self, at: Time, pod: PodUid) {
        let Some(row) = self.pods.get_mut(&pod) else { return };
        let Some(stopped) = row.stopped.take() else { return };
        for service in &row.routed {
            let nanos = at.since(stopped).as_nanos();
            let counts = &mut self.services[*service];
            counts.stopped_routed += 1;
            counts.stopped_nanos += nanos;
            self.stopped.add(nanos);
        }
    }

    /// The numbers of a run that ends here.
    pub(super) fn finish(self, book: &Book, end: Time) -> DiscoveryResults {
        let mut services: Vec<ServiceDiscovery> = Vec::new();
        for (_, row) in self.services.iter() {
            let (namespace, name) = (book.text(row.namespace), book.text(row.name));
            let service = if namespace == "default" { name } else { format!("{namespace}/{name}") };
            services.push(ServiceDiscovery {
                service,
                headless: row.headless,
                slice_writes: row.slice_writes,
                added: row.added,
                removed: row.removed,
                stopped_routed: row.stopped_routed,
                stopped_seconds: row.stopped_nanos as f64 / 1e9,
                open: 0,
            });
        }
        for pod in self.pods.values() {
            let Some(stopped) = pod.stopped else { continue };
            for service in &pod.routed {
                let row = &mut services[service.index()];
                row.stopped_routed += 1;
                row.stopped_seconds += end.since(stopped).as_secs_f64();
                row.open += 1;
            }
        }
        let [added, added_everywhere] = self.added.map(|samples| samples.summary(1e9));
        let [removed, removed_everywhere] = self.removed.map(|samples| samples.summary(1e9));
        let stopped = self.stopped.summary(1e9);
        DiscoveryResults { added, added_everywhere, removed, removed_everywhere, stopped, services }
    }
}

impl Fold for Discovery {
    fn fold(&mut self, step: &Step<'_>) {
        let at = step.at;
        match step.fact {
            Fact::Discovery(DiscoveryFact::ServiceDefined {
                namespace, name, headless, ..
            }) => {
                self.services.push(Service {
                    namespace,
                    name,
                    headless,
                    slice_writes: 0,
                    added: 0,
                    removed: 0,
                    stopped_routed: 0,
                    stopped_nanos: 0,
                });
            }
            Fact::Discovery(
                DiscoveryFact::SliceWritten { service, .. }
                | DiscoveryFact::SliceDeleted { service, .. },
            ) => self.services[service].slice_writes += 1,
            Fact::Discovery(DiscoveryFact::EndpointRouted { pod, service, reach, on }) => {
                self.routed(at, (pod, service), reach, on);
            }
            Fact::Discovery(DiscoveryFact::TermSent { pod }) => self.stops(at, pod),
            Fact::Interrupted { pod } => self.stops(at, pod),
            Fact::ContainerStarted { pod, .. } => self.starts(at, pod),
            Fact::Ready { pod } if step.book.is_discovered(pod) => {
                let row = self.pods.entry(pod).or_default();
                (row.ready, row.left) = (Some(at), None);
            }
            Fact::Unready { pod } | Fact::Deleting { pod, .. } => {
                if let Some(row) = self.pods.get_mut(&pod) {
                    row.ready = None;
                    row.left = Some(row.left.unwrap_or(at));
                }
            }
            _ => {}
        }
    }
}
