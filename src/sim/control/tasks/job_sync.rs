//! The Job controller: five workers over one queue of Jobs, one client.
//!
//! The requests of a sync follow one another: pods that are deleted or created, then the status
//! that lists what ended, the finalizers of these pods, and the status that counts them. Jobs are
//! deleted by another controller some time after their end.

use super::jobs::{Member, Row, Stage, Work};
use crate::ground::{Name, Time};
use crate::journal::{DeletionCause, Fact, Sink};
use crate::model::{
    Change, Condition, Job, JobCounts, JobId, Lifetime, PodId, PodName, PodUid, TaskChange,
    WorkloadId,
};
use crate::policy::kube::control::{
    IndexFailures, JobPod, JobStatus, JobView, NewJobPod, SlowStart, sync_job,
};
use crate::policy::kube::kubelet::Role;
use crate::sim::host::Host;
use crate::sim::machine::Turn;
use crate::sim::task_setup::JobSetup;
use crate::sim::world::{NewPod, World};
use crate::sim::{Event, TaskEvent};

/// Requests of the deletion of a Job after its end: it is read once more, then deleted.
const EXPIRY_REQUESTS: u32 = 2;

impl World {
    /// Lets a Job be looked at, now or later; a look that is to come earlier is enough.
    pub(super) fn look_at_job<S: Sink>(&mut self, host: &mut Host<'_, S>, job: JobId, at: Time) {
        let jobs = &mut self.control.memory.tasks.jobs;
        if at <= host.now {
            jobs.queue.add(job);
            self.sync_jobs(host);
            return;
        }
        let Some(row) = jobs.rows.get_mut(&job) else { return };
        if row.look.is_none_or(|look| at < look) {
            row.look = Some(at);
            host.turn(at, Event::Task(TaskEvent::JobLooks { job }));
        }
    }

    /// The time to look at a Job has come, unless it was put off.
    pub(super) fn job_looks<S: Sink>(&mut self, host: &mut Host<'_, S>, job: JobId) {
        let Some(row) = self.control.memory.tasks.jobs.rows.get_mut(&job) else { return };
        if row.look == Some(host.now) {
            row.look = None;
            self.look_at_job(host, job, host.now);
        }
    }

    fn sync_jobs<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        if !self.control.memory.tasks.jobs.queue.starts() {
            return;
        }
        while let Some(job) = self.control.memory.tasks.jobs.queue.take() {
            self.sync_one_job(host, job);
        }
    }

    fn sync_one_job<S: Sink>(&mut self, host: &mut Host<'_, S>, id: JobId) {
        let job = self.control.feed.view(&self.store).tasks().job(id).copied();
        let decided = job.and_then(|job| self.decide_job(host.now, id, &job));
        let jobs = &mut self.control.memory.tasks.jobs;
        if job.is_none() {
            jobs.forget(id);
        }
        let Some(work) = decided else {
            jobs.queue.put_back(id);
            return;
        };
        let row = jobs.rows.entry(id).or_default();
        row.creations += count(work.create.len());
        row.deletions.extend(&work.delete);
        row.work = Some(work);
        self.job_proceeds(host, id);
    }

    /// What a sync is going to do; `None` if the Job has ended.
    fn decide_job(&self, now: Time, id: JobId, job: &Job) -> Option<Work> {
        let jobs = &self.control.memory.tasks.jobs;
        let spec = jobs.specs.get(&job.workload).expect("a Job that is there has a specification");
        let none = Row::default();
        let row = jobs.rows.get(&id).unwrap_or(&none);
        let name = self.catalog.names.find("DisruptionTarget");
        let disruption: Vec<(Name, Condition)> =
            name.into_iter().map(|name| (name, Condition::True)).collect();
        let known: Vec<(PodUid, &Member)> = (row.members.iter())
            .filter(|(_, member)| member.pod.is_some())
            .map(|(uid, member)| (*uid, member))
            .collect();
        let pods: Vec<JobPod<'_>> = known
            .iter()
            .map(|(uid, member)| member.seen(&disruption, self.restarts_of(member, *uid)))
            .collect();
        let view = JobView {
            spec,
            status: &row.status,
            pods: &pods,
            deleting: false,
            is_current: row.creations == 0 && row.deletions.is_empty(),
        };
        let decided = sync_job(&view, now)?;
        let uids = |places: &[usize]| places.iter().map(|at| known[*at].0).collect();
        Some(Work {
            stage: Stage::Delete,
            delete: uids(&decided.delete),
            start: SlowStart::new(count(decided.create.len())),
            create: decided.create.into(),
            unanswered: 0,
            counted: uids(&decided.counted),
            status: decided.status,
            next_look: decided.next_look,
        })
    }

    /// Restarts of all containers of a pod, and the most of one.
    fn restarts_of(&self, member: &Member, uid: PodUid) -> (u32, u32) {
        // Kubelets report restarts within a status that is at most seconds old.
        let program = member.pod.and_then(|pod| self.fleet.program(pod));
        let Some(program) = program.filter(|program| program.uid == uid) else { return (0, 0) };
        let most = program.restarts(Role::Main).max(program.restarts(Role::Sidecar));
        (program.restarts_in_all(), most.max(program.restarts(Role::Init)))
    }

    /// A sync of a Job goes on: the next requests are sent, or it is over.
    pub(super) fn job_proceeds<S: Sink>(&mut self, host: &mut Host<'_, S>, job: JobId) {
        while !self.job_step(host, job) {}
    }

    /// One step of a sync; true if it waits for an answer, or is over.
    fn job_step<S: Sink>(&mut self, host: &mut Host<'_, S>, job: JobId) -> bool {
        let request = self.timing.request;
        let jobs = &mut self.control.memory.tasks.jobs;
        let row = jobs.rows.get_mut(&job).expect("a sync is that of a Job that is known");
        let work = row.work.as_mut().expect("a sync that goes on has begun");
        let event = Event::Task(TaskEvent::JobProceeds { job });
        match work.stage {
            Stage::Delete => {
                work.stage = Stage::Create;
                let going: Vec<(PodId, PodUid)> = (work.delete.iter())
                    .filter_map(|uid| Some((row.members.get(uid)?.pod?, *uid)))
                    .collect();
                let cause = match work.status.outcome.is_some() || work.status.active == 0 {
                    true => DeletionCause::JobEnds,
                    false => DeletionCause::ScaleDown,
                };
                let Some(last) = going.len().checked_sub(1) else { return false };
                for (at, (pod, uid)) in going.into_iter().enumerate() {
                    let arrives = jobs.client.send(host.now, 1) + request;
                    host.store_at(arrives, Event::DeletionArrives { pod, uid, cause });
                    if at == last {
                        host.turn(arrives, event);
                    }
                }
            }
            Stage::Create => {
                work.unanswered = work.start.next_batch();
                if work.unanswered == 0 {
                    work.stage = Stage::List;
                    return false;
                }
                for _ in 0..work.unanswered {
                    let arrives = jobs.client.send(host.now, 1) + request;
                    host.store_at(arrives, Event::Task(TaskEvent::JobPodArrives { job }));
                }
            }
            Stage::List if work.counted.is_empty() => {
                work.stage = Stage::Write;
                return false;
            }
            Stage::List => {
                work.stage = Stage::Release;
                host.store_at(jobs.client.send(host.now, 1) + request, event);
            }
            Stage::Release => {
                work.stage = Stage::Write;
                let requests = count(work.counted.len());
                host.store_at(jobs.client.send(host.now, requests) + request, event);
            }
            Stage::Write => {
                for uid in &work.counted {
                    if let Some(member) = row.members.get_mut(uid) {
                        member.counted = true;
                    }
                }
                if work.counted.is_empty() && work.status == row.status {
                    self.job_is_done(host, job);
                    return true;
                }
                work.stage = Stage::Written;
                host.store_at(jobs.client.send(host.now, 1) + request, event);
            }
            Stage::Written => {
                self.job_status_arrives(host, job);
                self.job_is_done(host, job);
            }
        }
        true
    }

    fn job_is_done<S: Sink>(&mut self, host: &mut Host<'_, S>, job: JobId) {
        let jobs = &mut self.control.memory.tasks.jobs;
        let work = jobs.rows.get_mut(&job).and_then(|row| row.work.take());
        jobs.drop_counted(job);
        if let Some(at) = work.and_then(|work| work.next_look) {
            self.look_at_job(host, job, at);
        }
        self.control.memory.tasks.jobs.queue.put_back(job);
        self.sync_jobs(host);
    }

    /// The status of a Job reaches the store.
    fn job_status_arrives<S: Sink>(&mut self, host: &mut Host<'_, S>, job: JobId) {
        let Some(before) = self.store.truth.tasks().job(job).copied() else { return };
        let jobs = &mut self.control.memory.tasks.jobs;
        let row = jobs.rows.get_mut(&job).expect("a sync is that of a Job that is known");
        let status = row.work.as_ref().expect("it is under way").status.clone();
        let lost =
            status.failed_indexes.iter().filter(|at| !row.status.failed_indexes.contains(*at));
        for index in lost {
            host.fact(Fact::JobIndexFailed { job, index });
        }
        let end = status.outcome.zip(status.finished);
        let JobStatus { active, succeeded, failed, .. } = status;
        row.status = status;
        let counts = JobCounts { active, succeeded, failed, end };
        if counts == before.counts {
            return;
        }
        if (JobCounts { end: before.counts.end, ..counts }) != before.counts {
            host.fact(Fact::JobObserved { job, active, succeeded, failed });
        }
        let expires = jobs.specs.get(&before.workload).zip(end);
        if let Some((outcome, finished)) = end.filter(|_| before.counts.end.is_none()) {
            host.fact(Fact::JobEnded { job, outcome });
            let at = expires.and_then(|(spec, _)| spec.deleted_at(finished));
            if let Some(at) = at {
                let at = at.max(host.now);
                host.turn(at, Event::Task(TaskEvent::JobExpires { job }));
            }
        }
        self.commit(host, Change::Task(TaskChange::JobObserved { job, counts }));
    }

    /// A Job has stayed for as long as it may after its end.
    pub(super) fn job_expires<S: Sink>(&mut self, host: &mut Host<'_, S>, job: JobId) {
        let client = &mut self.control.memory.tasks.jobs.ttl_client;
        let sent = client.send(host.now, EXPIRY_REQUESTS);
        let at = sent + self.timing.request * u64::from(EXPIRY_REQUESTS);
        host.store_at(at, Event::Task(TaskEvent::JobGoes { job }));
    }

    /// A Job is deleted; its pods are collected.
    pub(super) fn job_goes<S: Sink>(&mut self, host: &mut Host<'_, S>, job: JobId) {
        if self.store.truth.tasks().job(job).is_some() {
            host.fact(Fact::JobRemoved { job });
            self.commit(host, Change::Task(TaskChange::JobRemoved { job }));
        }
    }

    /// The creation of one pod of a Job reaches the store.
    pub(super) fn job_pod_arrives<S: Sink>(&mut self, host: &mut Host<'_, S>, job: JobId) {
        let there = self.store.truth.tasks().job(job).copied();
        let row = self.control.memory.tasks.jobs.rows.get_mut(&job);
        let row = row.expect("a sync is that of a Job that is known");
        let work = row.work.as_mut().expect("its sync waits for the answer");
        work.unanswered -= 1;
        let batch_over = work.unanswered == 0;
        let new = work.create.pop_front().expect("a pod that was asked for is known");
        match there {
            Some(there) => self.create_job_pod(host, (job, &there), new),
            None => row.creations -= 1,
        }
        if batch_over {
            self.job_proceeds(host, job);
        }
    }

    fn create_job_pod<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        (id, job): (JobId, &Job),
        new: NewJobPod,
    ) {
        let uid = self.store.upcoming();
        let jobs = &mut self.control.memory.tasks.jobs;
        jobs.expect(id, uid, Member::new(new, true));
        let row = jobs.rows.get_mut(&id).expect("it has a member");
        let before = row.created.entry(new.index).or_default();
        let attempt = *before;
        *before += 1;
        let text = self.catalog.names.text(job.name);
        let stem = match new.index {
            Some(index) => format!("{text}-{index}-"),
            None => format!("{text}-"),
        };
        let name = PodName::numbered(self.catalog.names.intern(&stem), attempt);
        self.introduce_pod_spec_once(host, job.template);
        let (spec, workload, lifetime) = (job.template, job.workload, Lifetime::Forever);
        let (pod, _) =
            self.create_pod(host, NewPod { spec, workload, name, lifetime, replaces: None });
        self.fleet.expect(pod).turn = Some(Turn { index: new.index, attempt });
    }

    /// The last status of a pod, which may be one of a Job, reaches the store: how its containers
    /// ended, and whether it was disrupted.
    pub(in crate::sim) fn job_pod_ends(&mut self, pod: PodId, disrupted: bool) {
        let Some(view) = self.store.truth.pod(pod) else { return };
        let Some(member) = self.control.memory.tasks.jobs.member(view.uid) else { return };
        member.disrupted |= disrupted;
        let Some(program) = self.fleet.program(pod) else { return };
        let spec = self.catalog.pod_spec(view.spec);
        let names = spec.init_containers.iter().chain(&spec.containers).map(|one| one.name);
        let runs = program.containers.iter().zip(names);
        let mut exits: Vec<(bool, Name, i32)> = runs
            .filter_map(|(run, name)| Some((run.role != Role::Main, name, run.last_exit?.into())))
            .collect();
        exits.sort_by_key(|(other, ..)| *other);
        member.exits = exits.into_iter().map(|(_, name, code)| (name, code)).collect();
        let ended = program.containers.iter().filter(|run| run.last_exit.is_some());
        member.exited = ended.map(|run| run.changed).max().or(member.exited);
    }

    /// A pod, which may be one of a Job, is deleted because of a disruption.
    pub(in crate::sim) fn job_pod_is_disrupted(&mut self, uid: PodUid) {
        if let Some(member) = self.control.memory.tasks.jobs.member(uid) {
            member.disrupted = true;
        }
    }

    /// Creates a Job that is there at the start.
    pub(in crate::sim) fn install_job<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        workload: WorkloadId,
        setup: &JobSetup,
    ) {
        let (job, created) = (self.store.truth.tasks().next_job(), host.now);
        let JobSetup { name, template, ref spec, ref status } = *setup;
        self.introduce_pod_spec_once(host, template);
        self.introduce_name(host, name);
        host.fact(Fact::JobCreated { job, workload, name });
        let jobs = &mut self.control.memory.tasks.jobs;
        jobs.specs.insert(workload, spec.clone());
        jobs.rows.entry(job).or_default().status = status.clone();
        let added = TaskChange::JobAdded { job, workload, name, template, created };
        self.list(created, Change::Task(added));
    }

    /// A pod that is there at the start may be one of a Job: its name says of which, and which
    /// index it has.
    pub(in crate::sim) fn adopt_job_pod(
        &mut self,
        workload: WorkloadId,
        uid: PodUid,
        name: PodName,
    ) {
        let text = name.text(&self.catalog.names);
        let of = self.store.truth.tasks().jobs_of(workload).filter_map(|(id, job)| {
            let rest = text.strip_prefix(self.catalog.names.text(job.name))?.strip_prefix('-')?;
            Some((rest.len(), id, rest))
        });
        let Some((_, job, rest)) = of.min_by_key(|(left, ..)| *left) else { return };
        let jobs = &mut self.control.memory.tasks.jobs;
        let indexed = jobs.specs.get(&workload).is_some_and(|spec| spec.indexed);
        let index = rest.split('-').next().and_then(|part| part.parse().ok());
        let index = index.filter(|_| indexed);
        let index_failures = IndexFailures::default();
        jobs.expect(job, uid, Member::new(NewJobPod { index, index_failures }, false));
        let row = jobs.rows.get_mut(&job).expect("it has a member");
        *row.created.entry(index).or_default() += 1;
    }
}

fn count(pods: usize) -> u32 {
    u32::try_from(pods).expect("pods are counted in 32 bits")
}
