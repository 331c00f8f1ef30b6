//! What releases did to those who use a service.
//!
//! A release begins when somebody gives a Deployment another template, and is followed until the
//! next one or the end of the run; a good one until its rollout is complete and its pods serve.
//! Giving the former template back is no release but the rollback of the one before. A release is
//! bad if its pods declare a greater error rate than those before, or if it was given up. Its
//! exposure is the time that its pods served users, all added up. It is restored when the pods of
//! other revisions serve in the number wanted and its own do not, until the end.

use super::book::{Book, PodRow};
use super::step::{Fold, Step};
use crate::ground::{Id, Time};
use crate::journal::Fact;
use crate::model::{AlertState, PodSpecId, ProgressReason, WorkloadId};
use crate::stats::{Samples, Summary, TimeWeighted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many pods served users from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServingPoint {
    /// Seconds since the release.
    pub after: f64,
    /// Pods of other revisions.
    pub others: u32,
    /// Pods of the release.
    pub released: u32,
}

/// One release; instants in seconds since the start of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseRow {
    /// The service.
    pub service: String,
    /// When it began.
    pub released: f64,
    /// It was bad.
    pub bad: bool,
    /// Its rollout was complete.
    pub completed: Option<f64>,
    /// The first alert of the service fired.
    pub alerted: Option<f64>,
    /// Somebody gave it up.
    pub decided: Option<f64>,
    /// A bad release did not serve any more, and enough others did.
    pub restored: Option<f64>,
    /// Pods created.
    pub created: u64,
    /// Pods asked to stop, or ended.
    pub killed: u64,
    /// Fewest pods that served.
    pub min_serving: u32,
    /// Fewest pods that are to serve.
    pub least_serving: u32,
    /// Most pods that were alive at a time.
    pub peak_pods: u32,
    /// Pods of a bad release that served, times how long, seconds; 0 of a good one.
    pub exposure: f64,
    /// Who served, from the release on.
    pub serving: Vec<ServingPoint>,
}

/// Releases, in numbers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct RolloutResults {
    /// Release to complete rollout, seconds.
    pub duration: Summary,
    /// Bad release to the first alert, seconds.
    pub time_to_alert: Summary,
    /// Bad release to the decision to give it up, seconds.
    pub time_to_decision: Summary,
    /// Bad release to a service that is restored, seconds.
    pub time_to_restore: Summary,
    /// Alerts that fired.
    pub alerts: u64,
    /// Every release.
    pub rows: Vec<ReleaseRow>,
}

/// A release that is followed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Release {
    workload: WorkloadId,
    from: PodSpecId,
    to: PodSpecId,
    released: Time,
    bad: bool,
    completed: Option<Time>,
    alerted: Option<Time>,
    decided: Option<Time>,
    restored: Option<Time>,
    created: u64,
    killed: u64,
    peak_pods: u32,
    exposed: TimeWeighted,
    /// Pods of other revisions and of this one that serve, from these times on.
    points: Vec<(Time, u32, u32)>,
    closed: Option<Time>,
}

/// A service with a Deployment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Service {
    template: Option<PodSpecId>,
    /// The only revision that requests go to.
    active: Option<PodSpecId>,
    serving: BTreeMap<PodSpecId, u32>,
    alive: u32,
    /// Its last release, by number.
    last: Option<usize>,
}

impl Service {
    /// Pods that serve users: others and those of a revision.
    fn served(&self, revision: PodSpecId) -> (u32, u32) {
        let active = |spec: &PodSpecId| self.active.is_none_or(|active| active == *spec);
        let serving = self.serving.iter().filter(|(spec, _)| active(spec));
        serving.fold((0, 0), |(others, own), (spec, pods)| {
            if *spec == revision { (others, own + pods) } else { (others + pods, own) }
        })
    }
}

/// The fold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Rollouts {
    services: BTreeMap<WorkloadId, Service>,
    releases: Vec<Release>,
    alerts: u64,
}

impl Rollouts {
    fn written(&mut self, at: Time, workload: WorkloadId, spec: PodSpecId, book: &Book) {
        let service = self.services.entry(workload).or_default();
        let Some(from) = service.template.replace(spec).filter(|from| *from != spec) else {
            return;
        };
        if let Some(last) = service.last.map(|last| &mut self.releases[last])
            && last.closed.is_none()
        {
            let is_over = last.completed.is_some() && !last.bad;
            if last.from == spec && !is_over {
                last.bad = true;
                return;
            }
            last.closed = Some(at);
        }
        let errors = |spec: PodSpecId| {
            book.pod_specs.get(spec.index()).and_then(|row| row.quality).map_or(0, |q| q.0)
        };
        let (others, own) = service.served(spec);
        let release = Release {
            workload,
            from,
            to: spec,
            released: at,
            bad: errors(spec) > errors(from),
            completed: None,
            alerted: None,
            decided: None,
            restored: None,
            created: 0,
            killed: 0,
            peak_pods: service.alive,
            exposed: TimeWeighted::new(),
            points: vec![(at, others, own)],
            closed: None,
        };
        service.last = Some(self.releases.len());
        self.releases.push(release);
    }

    /// The release of a service that is followed now.
    fn open(&mut self, workload: WorkloadId) -> Option<&mut Release> {
        let last = self.services.get(&workload)?.last?;
        self.releases.get_mut(last).filter(|release| release.closed.is_none())
    }

    /// Looks again at who serves users.
    fn look(&mut self, at: Time, workload: WorkloadId, book: &Book) {
        let Some(service) = self.services.get(&workload) else { return };
        let Some(last) = service.last else { return };
        let release = &mut self.releases[last];
        if release.closed.is_some() {
            return;
        }
        let (others, own) = service.served(release.to);
        release.peak_pods = release.peak_pods.max(service.alive);
        release.exposed.set(at, u64::from(own));
        let wanted = book.service(workload).map_or(0, |row| row.replicas);
        release.restored =
            if own == 0 && others >= wanted { Some(release.restored.unwrap_or(at)) } else { None };
        match release.points.last_mut() {
            Some(last) if last.0 == at => *last = (at, others, own),
            Some(last) if (last.1, last.2) == (others, own) => {}
            _ => release.points.push((at, others, own)),
        }
        if release.completed.is_some() && !release.bad && own >= wanted {
            release.closed = Some(at);
        }
    }

    fn pod_moves(&mut self, step: &Step<'_>, workload: WorkloadId) {
        let before = step.pod.copied();
        let pod = step.fact.subject().pod;
        let after = pod.and_then(|pod| step.book.pod(pod)).copied();
        let alive = |row: Option<PodRow>| row.is_some_and(|row| row.deleting.is_none());
        let serves = |row: Option<PodRow>| row.is_some_and(|row| row.serves());
        let Some(spec) = before.or(after).map(|row| row.spec) else { return };
        let (was, is) = (alive(before), alive(after));
        let (served, now) = (serves(before), serves(after));
        if was == is && served == now {
            return;
        }
        let service = self.services.entry(workload).or_default();
        service.alive = service.alive + u32::from(is && !was) - u32::from(was && !is);
        let count = service.serving.entry(spec).or_default();
        *count = *count + u32::from(now && !served) - u32::from(served && !now);
        if let Some(release) = self.open(workload)
            && (release.completed.is_none() || release.bad)
        {
            release.created += u64::from(is && !was);
            release.killed += u64::from(was && !is);
        }
        self.look(step.at, workload, step.book);
    }

    /// The numbers of a run that ends here.
    pub(super) fn finish(self, book: &Book, end: Time) -> RolloutResults {
        let mut samples: [Samples; 4] = Default::default();
        for release in &self.releases {
            let bad = |at: Option<Time>| at.filter(|_| release.bad);
            let found = [
                release.completed,
                bad(release.alerted),
                bad(release.decided),
                bad(release.restored),
            ];
            for (samples, at) in samples.iter_mut().zip(found) {
                if let Some(at) = at {
                    samples.add(at.since(release.released).as_nanos());
                }
            }
        }
        let [duration, time_to_alert, time_to_decision, time_to_restore] =
            samples.map(|samples| samples.summary(1e9));
        let rows = self.releases.iter().map(|release| release.row(book, end)).collect();
        let alerts = self.alerts;
        RolloutResults { duration, time_to_alert, time_to_decision, time_to_restore, alerts, rows }
    }
}

impl Release {
    fn row(&self, book: &Book, end: Time) -> ReleaseRow {
        let seconds = |at: Option<Time>| at.map(|at| at.as_secs_f64());
        let point = |(at, others, released): &(Time, u32, u32)| ServingPoint {
            after: at.since(self.released).as_secs_f64(),
            others: *others,
            released: *released,
        };
        // What holds for no time at all, while several pods come and go at once, nobody sees.
        let serving = self.points.iter().map(|(_, others, own)| others + own);
        let min_serving = serving.min().unwrap_or(0);
        let exposed = self.exposed.area_until(self.closed.unwrap_or(end)) as f64 / 1e9;
        ReleaseRow {
            service: book.workload_text(self.workload),
            released: self.released.as_secs_f64(),
            bad: self.bad,
            completed: seconds(self.completed),
            alerted: seconds(self.alerted),
            decided: seconds(self.decided),
            restored: seconds(self.restored.filter(|_| self.bad)),
            created: self.created,
            killed: self.killed,
            min_serving,
            least_serving: book.service(self.workload).map_or(0, |row| row.min_serving),
            peak_pods: self.peak_pods,
            exposure: if self.bad { exposed } else { 0.0 },
            serving: self.points.iter().map(point).collect(),
        }
    }
}

impl Fold for Rollouts {
    fn fold(&mut self, step: &Step<'_>) {
        let at = step.at;
        match step.fact {
            Fact::DeploymentWritten { workload, spec, .. } => {
                self.written(at, workload, spec, step.book);
                self.look(at, workload, step.book);
            }
            Fact::RolloutProgress { workload, reason } => {
                let complete = reason == ProgressReason::NewReplicaSetAvailable;
                let template = self.services.get(&workload).and_then(|service| service.template);
                if let Some(release) = self.open(workload)
                    && complete
                    && template == Some(release.to)
                    && release.decided.is_none()
                {
                    release.completed = Some(at);
                }
                self.look(at, workload, step.book);
            }
            Fact::AlertChanged { workload, state: AlertState::Firing, .. } => {
                self.alerts += 1;
                if let Some(release) = self.open(workload) {
                    release.alerted = Some(release.alerted.unwrap_or(at));
                }
            }
            Fact::ReleaseDecided { workload, decision } if decision.gives_up() => {
                if let Some(release) = self.open(workload) {
                    release.decided = Some(release.decided.unwrap_or(at));
                    release.bad = true;
                }
            }
            Fact::TrafficRouted { workload, spec } => {
                self.services.entry(workload).or_default().active = spec;
                self.look(at, workload, step.book);
            }
            Fact::PodCreated { workload, .. } => self.pod_moves(step, workload),
            _ => {
                if let Some(row) = step.pod.filter(|row| step.book.service(row.workload).is_some())
                {
                    self.pod_moves(step, row.workload);
                }
            }
        }
    }
}
