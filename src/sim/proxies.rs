//! Those who route requests to the pods of services: the proxies of the nodes, and clients that
//! look up the pods of headless services by name.
//!
//! All proxies watch the same slices. They differ by how late each sees a write, which is drawn
//! once for its node, and by when it synced last. So what one does follows from the times of the
//! writes alone, moved by its own latency, and proxies that synced last at the same moved time
//! will do so for ever: they are one cohort. A write is taken in by the next sync of each cohort,
//! which is known at once; when the first proxy, half of them and all of them have it follows, and
//! only these three moments are events. Cohorts become one within a few writes.
//!
//! A proxy lists everything when its node gets power, or is connected again, and counts no more
//! when it loses that, which moves none of the moments already planned. Clients are spread evenly
//! over nodes, so that a pod serves when the proxies of half of the nodes route to it. A client
//! keeps an answer of the name server for the TTL, at a phase spread evenly.

use super::Event;
use super::discovery_event::DiscoveryEvent;
use super::host::Host;
use super::world::World;
use crate::ground::{Purpose, Span, Time};
use crate::journal::{DiscoveryFact, Fact, Reach, Sink};
use crate::model::{NodeId, PodId, PodUid, ServiceId, ServiceSlices};
use crate::policy::kube::discovery::{DiscoveryParams, SyncRule, is_routed};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Purpose of the draw of how late a proxy sees a write.
const WATCH: Purpose = Purpose::new("proxy-watch");
/// Purpose of the draw of when a proxy synced before the run.
const PHASE: Purpose = Purpose::new("proxy-phase");

/// Proxies that sync at the same times, but for their latencies.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cohort {
    /// The last sync that is planned or was made, as a proxy without latency would make it, and
    /// one full period later so that it can be before the run.
    last: Time,
    /// Their latencies, ascending.
    members: Vec<(Span, NodeId)>,
}

/// A change of where requests go that is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Change {
    service: ServiceId,
    /// When the first has it, half of them and all.
    at: [Time; 3],
    /// Pods, and whether requests go to them.
    pods: Vec<(PodUid, bool)>,
}

/// All of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Proxies {
    cohorts: Vec<Cohort>,
    running: bool,
    changes: BTreeMap<u32, Change>,
    next: u32,
    /// The last change about a pod of a service, while it is on its way.
    under_way: BTreeMap<(ServiceId, PodUid), u32>,
    /// Pods that requests go to, as slices are written.
    routed: BTreeMap<ServiceId, BTreeSet<PodUid>>,
    /// Services of which half of those who route send requests to a pod.
    serving: BTreeMap<PodUid, u32>,
    /// Pods whose containers got TERM: they take no new connections.
    ending: BTreeSet<PodUid>,
}

impl Proxies {
    /// True if half of those who route to a service send requests to the pod, and it takes them as
    /// long as it is ready.
    pub(super) fn reach(&self, pod: PodUid) -> bool {
        self.serving.contains_key(&pod) && !self.ending.contains(&pod)
    }

    /// A pod is gone.
    pub(super) fn forget(&mut self, pod: PodUid) {
        self.ending.remove(&pod);
    }

    fn join(&mut self, last: Time, member: (Span, NodeId)) {
        self.cohorts.push(Cohort { last, members: vec![member] });
    }

    fn leave(&mut self, node: NodeId) {
        for cohort in &mut self.cohorts {
            cohort.members.retain(|(_, member)| *member != node);
        }
        self.cohorts.retain(|cohort| !cohort.members.is_empty());
    }

    /// When the first proxy, half of them and all of them have taken in a write made now.
    fn sync(&mut self, rule: SyncRule, now: Time) -> [Time; 3] {
        for cohort in &mut self.cohorts {
            cohort.last = rule.sync_of(cohort.last, now + rule.full);
        }
        self.cohorts.sort_by_key(|cohort| cohort.last);
        let before = self.cohorts.len();
        let mut merged: Vec<Cohort> = Vec::new();
        for cohort in std::mem::take(&mut self.cohorts) {
            match merged.last_mut().filter(|before| before.last == cohort.last) {
                Some(before) => before.members.extend(cohort.members),
                None => merged.push(cohort),
            }
        }
        if merged.len() < before {
            merged.iter_mut().for_each(|cohort| cohort.members.sort_unstable());
        }
        self.cohorts = merged;
        self.reached().map(|at| at.map_or(now, |at| at - rule.full))
    }

    fn reached(&self) -> [Option<Time>; 3] {
        let pick = |at: &dyn Fn(usize) -> Option<Time>, count: usize| {
            [at(0), at(count.saturating_sub(1) / 2), at(count.saturating_sub(1))]
        };
        if let [cohort] = self.cohorts.as_slice() {
            let at = |place: usize| Some(cohort.last + cohort.members.get(place)?.0);
            return pick(&at, cohort.members.len());
        }
        let of = |cohort: &Cohort| {
            let last = cohort.last;
            cohort.members.iter().map(move |(latency, _)| last + *latency).collect::<Vec<Time>>()
        };
        let mut all: Vec<Time> = self.cohorts.iter().flat_map(of).collect();
        all.sort_unstable();
        pick(&|place| all.get(place).copied(), all.len())
    }

    /// Notes a change on its way. Where one before it would come to everybody at the same times,
    /// nobody sees either.
    fn plan(
        &mut self,
        service: ServiceId,
        at: [Time; 3],
        pods: Vec<(PodUid, bool)>,
    ) -> Option<u32> {
        let number = self.next;
        let mut seen = Vec::new();
        for (pod, on) in pods {
            let before = self.under_way.remove(&(service, pod));
            let before = before.and_then(|number| self.changes.get_mut(&number));
            match before.filter(|before| before.at == at) {
                Some(before) => before.pods.retain(|(other, _)| *other != pod),
                None => {
                    self.under_way.insert((service, pod), number);
                    seen.push((pod, on));
                }
            }
        }
        if seen.is_empty() {
            return None;
        }
        self.next += 1;
        self.changes.insert(number, Change { service, at, pods: seen });
        Some(number)
    }

    /// Pods of a service to which requests begin or cease to go, by what is written.
    /// `changed`: its endpoints that were written; `ready`: how many were ready before.
    fn reroute(
        &mut self,
        service: ServiceId,
        slices: &ServiceSlices,
        (changed, ready): (&[PodUid], u32),
    ) -> Vec<(PodUid, bool)> {
        let any_ready = slices.ready() > 0;
        let routed = self.routed.entry(service).or_default();
        let mut candidates: BTreeSet<PodUid> = changed.iter().copied().collect();
        if any_ready != (ready > 0) {
            candidates.extend(slices.endpoints().map(|(pod, _)| pod));
            candidates.extend(routed.iter());
        }
        let mut pods = Vec::new();
        for pod in candidates {
            let endpoint = slices.endpoint(pod);
            let on = endpoint.is_some_and(|(_, conditions)| is_routed(conditions, any_ready));
            let differs = if on { routed.insert(pod) } else { routed.remove(&pod) };
            if differs {
                pods.push((pod, on));
            }
        }
        pods
    }

    /// A service sends requests to a pod, or does not any more; true if that makes a difference.
    fn count(&mut self, pod: PodUid, on: bool) -> bool {
        let count = self.serving.entry(pod).or_default();
        *count = if on { *count + 1 } else { *count - 1 };
        let (none, first) = (*count == 0, on && *count == 1);
        if none {
            self.serving.remove(&pod);
        }
        none || first
    }
}

impl World {
    fn proxy_latency(&self, node: NodeId) -> Span {
        let DiscoveryParams { proxy, .. } = self.timing.discovery;
        let spread = proxy.watch_most.saturating_sub(proxy.watch_least).as_nanos();
        let key = self.fleet.machines[node].key;
        let drawn = self.draws.stream(WATCH, key, 0).below(spread + 1);
        proxy.watch_least + Span::from_nanos(drawn)
    }

    /// The first service is there: the proxies of the nodes have something to do.
    pub(super) fn proxies_start(&mut self) {
        if std::mem::replace(&mut self.proxies.running, true) {
            return;
        }
        let full = self.timing.discovery.proxy.rule().full;
        let nodes: Vec<NodeId> = self.fleet.machines.ids().collect();
        for node in nodes {
            if self.proxy_works(node) {
                let machine = &self.fleet.machines[node];
                let phase = self.draws.stream(PHASE, machine.key, 0).below(full.as_nanos());
                let latency = self.proxy_latency(node);
                self.proxies.join(Time::ZERO + Span::from_nanos(phase), (latency, node));
            }
        }
    }

    /// True if the proxy of a node runs and is told what changes.
    fn proxy_works(&self, node: NodeId) -> bool {
        let machine = &self.fleet.machines[node];
        machine.powered && machine.taken.way_in == 0 && self.store.truth.node(node).present
    }

    /// A node has power or is connected again: its proxy lists what is there, if it works.
    pub(super) fn proxy_joins(&mut self, node: NodeId, now: Time) {
        if self.proxies.running && self.proxy_works(node) {
            let latency = self.proxy_latency(node);
            let full = self.timing.discovery.proxy.rule().full;
            let last = (now + full).since(Time::ZERO + latency);
            self.proxies.join(Time::ZERO + last, (latency, node));
        }
    }

    /// The proxy of a node does not work any more.
    pub(super) fn proxy_leaves(&mut self, node: NodeId) {
        self.proxies.leave(node);
    }

    /// Endpoints of a service were written; so many were ready before.
    pub(super) fn slices_change<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        service: ServiceId,
        written: (&[PodUid], u32),
    ) {
        let headless = self.control.services().row(service).headless;
        let DiscoveryParams { proxy, dns, .. } = self.timing.discovery;
        let at = if headless {
            let first = host.now + self.timing.watch;
            [first, first + Span::from_nanos(dns.ttl.as_nanos() / 2), first + dns.ttl]
        } else {
            self.proxies.sync(proxy.rule(), host.now)
        };
        let Some(slices) = self.store.truth.slices().of(service) else { return };
        let pods = self.proxies.reroute(service, slices, written);
        let Some(change) = self.proxies.plan(service, at, pods) else { return };
        for (reach, at) in [Reach::First, Reach::Half, Reach::All].into_iter().zip(at) {
            let reaches = DiscoveryEvent::ChangeReaches { change, reach };
            host.turn(at, Event::Discovery(reaches));
        }
    }

    /// A change has reached so many.
    pub(super) fn change_reaches<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        number: u32,
        reach: Reach,
    ) {
        let Some(change) = self.proxies.changes.get(&number) else { return };
        let (service, pods) = (change.service, change.pods.clone());
        for (pod, on) in pods {
            host.fact(Fact::Discovery(DiscoveryFact::EndpointRouted { pod, service, reach, on }));
            if reach == Reach::Half && self.proxies.count(pod, on) {
                self.routing_changes(host, (service, pod), on);
            }
            let key = (service, pod);
            if reach == Reach::All && self.proxies.under_way.get(&key) == Some(&number) {
                self.proxies.under_way.remove(&key);
            }
        }
        if reach == Reach::All {
            self.proxies.changes.remove(&number);
        }
    }

    /// Requests go to the pods of a service that are there at the start.
    pub(super) fn routed_from_the_start<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        service: ServiceId,
    ) {
        let Some(slices) = self.store.truth.slices().of(service) else { return };
        let listed: Vec<PodUid> = slices.endpoints().map(|(pod, _)| pod).collect();
        for (pod, on) in self.proxies.reroute(service, slices, (&listed, slices.ready())) {
            for reach in [Reach::First, Reach::Half, Reach::All] {
                host.fact(Fact::Discovery(DiscoveryFact::EndpointRouted {
                    pod,
                    service,
                    reach,
                    on,
                }));
            }
            if self.proxies.count(pod, on) {
                self.routing_changes(host, (service, pod), on);
            }
        }
    }

    /// The containers of a pod that is being stopped get TERM, unless something came between.
    pub(super) fn term_sent<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        (pod, uid): (PodId, PodUid),
        attempt: u32,
    ) {
        if self.fleet.program_if(pod, uid).is_some_and(|program| program.attempt == attempt) {
            host.fact(Fact::Discovery(DiscoveryFact::TermSent { pod: uid }));
            let reached = self.proxies.reach(uid);
            self.proxies.ending.insert(uid);
            if reached {
                self.service_measures(host, (pod, uid), false);
            }
        }
    }

    /// Requests begin or cease to go to a pod.
    fn routing_changes<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        (service, uid): (ServiceId, PodUid),
        on: bool,
    ) {
        let pod = self.control.pod_of(service, uid);
        if let Some(pod) = pod.filter(|_| !self.proxies.ending.contains(&uid)) {
            self.service_measures(host, (pod, uid), on);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULE: SyncRule = SyncRule { least: Span::from_secs(1), full: Span::from_secs(30) };

    fn millis(number: u64) -> Time {
        Time::ZERO + Span::from_millis(number)
    }

    #[test]
    fn proxies_become_one_cohort() {
        let mut proxies = Proxies::default();
        for node in 0..30u32 {
            let latency = Span::from_millis(10 + u64::from(node));
            proxies.join(Time::from_secs(u64::from(node)), (latency, NodeId(node)));
        }
        // Full syncs of one proxy each second: that of the last second puts the change off.
        let [first, half, all] = proxies.sync(RULE, millis(100_500));
        assert_eq!(proxies.cohorts.len(), 2);
        assert_eq!((first, half), (millis(100_510), millis(100_525)));
        assert_eq!(all, millis(101_000 + 20), "that of node 10 was at 100 s");
        proxies.sync(RULE, millis(110_000));
        assert_eq!(proxies.cohorts.len(), 1);
        assert_eq!(proxies.sync(RULE, millis(110_400))[0], millis(111_010));
        proxies.leave(NodeId(0));
        assert_eq!(proxies.sync(RULE, millis(110_500))[0], millis(111_011));
    }

    #[test]
    fn what_nobody_sees_is_not_told() {
        let mut proxies = Proxies::default();
        let (service, pod) = (ServiceId(0), PodUid(3));
        let at = [millis(10), millis(20), millis(30)];
        assert_eq!(proxies.plan(service, at, vec![(pod, true), (PodUid(4), true)]), Some(0));
        assert_eq!(proxies.plan(service, at, vec![(pod, false)]), None);
        assert_eq!(proxies.changes[&0].pods, [(PodUid(4), true)]);
        let later = [millis(10), millis(20), millis(40)];
        assert_eq!(proxies.plan(service, later, vec![(PodUid(4), false)]), Some(1));
        assert_eq!(proxies.changes[&0].pods.len(), 1, "some see it");
    }

    proptest! {
        /// Cohorts are what each proxy does alone.
        #[test]
        fn cohorts_are_as_good_as_proxies(
            nodes in proptest::collection::vec((0u64..30_000, 10u64..50), 1..8),
            gaps in proptest::collection::vec(0u64..4000, 1..30),
        ) {
            let mut proxies = Proxies::default();
            let mut lasts: Vec<(Time, Span)> = Vec::new();
            for (node, (phase, latency)) in nodes.iter().enumerate() {
                let latency = Span::from_millis(*latency);
                proxies.join(millis(*phase), (latency, NodeId(node as u32)));
                lasts.push((millis(*phase), latency));
            }
            let mut now = Time::ZERO;
            for gap in gaps {
                now += Span::from_millis(gap);
                for (last, _) in &mut lasts {
                    *last = RULE.sync_of(*last, now + RULE.full);
                }
                let mut alone: Vec<Time> =
                    lasts.iter().map(|(last, latency)| *last + *latency - RULE.full).collect();
                alone.sort_unstable();
                let half = (alone.len() - 1) / 2;
                let expected = [alone[0], alone[half], alone[alone.len() - 1]];
                prop_assert_eq!(proxies.sync(RULE, now), expected);
            }
        }
    }
}
