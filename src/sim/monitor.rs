//! Monitoring of services: how many pods of each revision serve, and alerts about that.
//!
//! A service is scraped once per interval, at a phase of its own. A scrape that cannot find
//! anything new is not made: the next one is planned when a pod of the service begins or ceases to
//! serve, when another number of pods is wanted, and while an alert is pending.

use super::Event;
use super::host::Host;
use super::world::World;
use crate::ground::{Key, Purpose, Span, Time};
use crate::journal::{Fact, Sink};
use crate::model::{
    Catalog, Change, PodId, PodPhase, PodSpecId, PodUid, PodView, View, WorkloadId,
};
use crate::policy::kube::control::{Alert, AlertRule, MetricsView};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Purpose of the draw of the phase at which a service is scraped.
const SCRAPE: Purpose = Purpose::new("scrape-phase");

/// What is monitored, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MonitoringSetup {
    /// Time between two scrapes.
    pub interval: Span,
    /// Rules, for each of the services.
    pub rules: Vec<AlertRule>,
    /// The services: those with rules, and those whose releases are analysed.
    pub services: Vec<WorkloadId>,
}

/// A service that is monitored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Watched {
    /// Pods that serve, by revision.
    serving: BTreeMap<PodSpecId, u32>,
    /// The only revision that requests go to.
    active: Option<PodSpecId>,
    alerts: Vec<Alert>,
    /// The next scrape.
    look: Option<Time>,
}

/// Monitoring.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Monitor {
    interval: Span,
    rules: Vec<AlertRule>,
    watched: BTreeMap<WorkloadId, Watched>,
}

/// What is measured of a service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured<'a> {
    watched: Option<&'a Watched>,
    catalog: &'a Catalog,
    wanted: u32,
}

impl MetricsView for Measured<'_> {
    fn error_ppm(&self) -> Option<u32> {
        let watched = self.watched?;
        let active = |spec: &PodSpecId| watched.active.is_none_or(|active| active == *spec);
        let serving = watched.serving.iter().filter(|(spec, _)| active(spec));
        let (errors, pods) = serving.fold((0, 0), |(errors, pods), (spec, count)| {
            let count = u64::from(*count);
            (errors + u64::from(declared(self.catalog, *spec).0) * count, pods + count)
        });
        errors.checked_div(pods).and_then(|mean| u32::try_from(mean).ok())
    }

    fn revision_error_ppm(&self, revision: PodSpecId) -> Option<u32> {
        self.watched?.serving.get(&revision)?;
        Some(declared(self.catalog, revision).0)
    }

    fn missing_ppm(&self) -> u32 {
        let serving = self.watched.map_or(0, |watched| watched.serving.values().sum::<u32>());
        let missing = u64::from(self.wanted.saturating_sub(serving)) * 1_000_000;
        missing.checked_div(u64::from(self.wanted)).map_or(0, |share| share as u32)
    }
}

/// Share of requests that pods answer with an error, millionths, and how much longer than usual
/// they take, thousandths: the worst of their containers counts.
pub(super) fn declared(catalog: &Catalog, spec: PodSpecId) -> (u32, u32) {
    let images = catalog.pod_spec(spec).containers.iter().filter_map(|container| container.image);
    let known = images.filter_map(|image| catalog.application(image));
    known.fold((0, 1000), |(errors, latency), known| {
        let behaviour = &known.behaviour;
        (errors.max(behaviour.error_ppm), latency.max(behaviour.latency_permille))
    })
}

impl Monitor {
    pub(super) fn new(setup: MonitoringSetup) -> Monitor {
        let alerts = vec![Alert::default(); setup.rules.len()];
        let watched = Watched { alerts, ..Watched::default() };
        let services = setup.services.into_iter();
        Monitor {
            interval: setup.interval,
            rules: setup.rules,
            watched: services.map(|workload| (workload, watched.clone())).collect(),
        }
    }

    /// What is measured of a service of which so many pods are wanted.
    pub(super) fn measured<'a>(
        &'a self,
        workload: WorkloadId,
        wanted: u32,
        catalog: &'a Catalog,
    ) -> Measured<'a> {
        Measured { watched: self.watched.get(&workload), catalog, wanted }
    }

    /// Takes note of a change that the store is about to take; the service that it concerns.
    /// `reach`: requests reach a pod and are taken; nothing if no service leads to it, so that
    /// every ready pod serves until it is asked to stop.
    fn observe(
        &mut self,
        truth: &View,
        change: &Change,
        reach: impl Fn(&PodView) -> Option<bool>,
    ) -> Option<WorkloadId> {
        if self.watched.is_empty() {
            return None;
        }
        let open = |row: &PodView| reach(row).unwrap_or(!row.deleting);
        let serves = |row: &PodView| row.phase == PodPhase::Ready && open(row);
        let (pod, now) = match *change {
            Change::PodPhase { pod, phase } => {
                let row = truth.pod(pod)?;
                (row, phase == PodPhase::Ready && open(row))
            }
            Change::PodDeleting { pod } => {
                let row = truth.pod(pod)?;
                (row, reach(row).is_some() && serves(row))
            }
            Change::PodRemoved { pod } => (truth.pod(pod)?, false),
            Change::DeploymentWritten { workload, .. } => {
                return self.watched.contains_key(&workload).then_some(workload);
            }
            _ => return None,
        };
        self.count(pod, (serves(pod), now))
    }

    /// A pod served or did not, and does so now; its service if that is new.
    fn count(&mut self, pod: &PodView, (before, now): (bool, bool)) -> Option<WorkloadId> {
        let watched = self.watched.get_mut(&pod.workload)?;
        match (before, now) {
            (false, true) => *watched.serving.entry(pod.spec).or_default() += 1,
            (true, false) => {
                let count = watched.serving.get_mut(&pod.spec).expect("it served until now");
                *count -= 1;
                if *count == 0 {
                    watched.serving.remove(&pod.spec);
                }
            }
            _ => return None,
        }
        Some(pod.workload)
    }
}

impl World {
    /// Shows a change that the store is about to take to the monitoring; the service that it
    /// concerns.
    pub(super) fn monitored(&mut self, change: &Change) -> Option<WorkloadId> {
        let World { monitor, control, proxies, store, .. } = self;
        let behind = |row: &PodView| control.services().select(row.spec);
        let reach = |row: &PodView| behind(row).then(|| proxies.reach(row.uid));
        monitor.observe(&store.truth, change, reach)
    }

    /// Requests begin or cease to reach a pod behind a service.
    pub(super) fn service_measures<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        (pod, uid): (PodId, PodUid),
        on: bool,
    ) {
        let row = self.store.truth.pod_if(pod, uid);
        let Some(row) = row.filter(|row| row.phase == PodPhase::Ready).copied() else { return };
        if let Some(workload) = self.monitor.count(&row, (!on, on)) {
            self.plan_scrape(host, workload, host.now);
        }
    }

    /// Plans the next scrape of a service, at `from` or later.
    pub(super) fn plan_scrape<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        from: Time,
    ) {
        let interval = self.monitor.interval.as_nanos();
        if self.monitor.rules.is_empty() || interval == 0 {
            return;
        }
        let Some(watched) = self.monitor.watched.get_mut(&workload) else { return };
        let name = self.catalog.names.text(self.catalog.workloads[workload].name);
        let phase = self.draws.stream(SCRAPE, Key::of(name), 0).below(interval);
        let elapsed = from.since_start().as_nanos().saturating_sub(phase);
        let at = Time::ZERO + Span::from_nanos(phase + elapsed.div_ceil(interval) * interval);
        if watched.look.is_none_or(|look| at < look) {
            watched.look = Some(at);
            host.turn(at, Event::ServiceScraped { workload });
        }
    }

    pub(super) fn service_scraped<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
    ) {
        let Some(watched) = self.monitor.watched.get_mut(&workload) else { return };
        if watched.look != Some(host.now) {
            return;
        }
        watched.look = None;
        let mut alerts = std::mem::take(&mut watched.alerts);
        let wanted = self.store.truth.rollouts().deployment(workload);
        let wanted = wanted.map_or(0, |deployment| deployment.spec.replicas);
        let measured = self.monitor.measured(workload, wanted, &self.catalog);
        let mut due = None;
        for (alert, rule) in alerts.iter_mut().zip(&self.monitor.rules) {
            if let Some(state) = alert.look(rule, rule.holds(&measured), host.now) {
                host.fact(Fact::AlertChanged { workload, alert: rule.alert, state });
            }
            due = due.into_iter().chain(alert.due(rule)).min();
        }
        if let Some(watched) = self.monitor.watched.get_mut(&workload) {
            watched.alerts = alerts;
        }
        if let Some(due) = due {
            self.plan_scrape(host, workload, due);
        }
    }

    /// Requests go to the pods of one revision, or to those of all.
    pub(super) fn route<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        active: Option<PodSpecId>,
    ) {
        let Some(watched) = self.monitor.watched.get_mut(&workload) else { return };
        if watched.active != active {
            watched.active = active;
            host.fact(Fact::TrafficRouted { workload, spec: active });
            self.plan_scrape(host, workload, host.now);
        }
    }
}
