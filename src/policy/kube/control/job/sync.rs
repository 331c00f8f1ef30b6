//! One sync of a Job.
//!
//! Source: `syncJob`, `trackJobStatusAndRemoveFinalizers` and `enactJobFinished` of
//! `pkg/controller/job/job_controller.go` and `indexed_job_utils.go`, Kubernetes 1.34.

use super::manage::waiting_for_successor;
use super::{
    JobFailure, JobOutcome, JobPod, JobPodPhase, JobSuccess, JobSuspension, JobSync, JobView,
    PodFailureAction, PodReplacement, meets_success_policy, pod_failure_action,
};
use crate::ground::Time;
use std::collections::BTreeMap;

/// A sync that is being worked out.
pub(super) struct Draft<'a> {
    pub(super) view: &'a JobView<'a>,
    pub(super) now: Time,
    pub(super) sync: JobSync,
    /// Successes with those that are not counted yet.
    pub(super) succeeded: u32,
    /// How it ends, once the controller has seen all that it created and deleted.
    ends: Option<JobOutcome>,
    /// Failed pods that are kept until their index has another, by index.
    pub(super) waiting_for_successor: BTreeMap<u32, usize>,
}

/// One sync. `None` if the Job has ended: nothing is done about it any more.
pub fn sync_job(view: &JobView<'_>, now: Time) -> Option<JobSync> {
    if view.status.finished.is_some() {
        return None;
    }
    let mut draft = Draft::new(view, now);
    draft.note_pods();
    let outcome = draft.find_outcome();
    match outcome {
        Some(outcome) => draft.stop_pods(outcome),
        None => draft.go_on(),
    }
    draft.count_pods();
    draft.finish();
    draft.sync.counted.sort_unstable();
    Some(draft.sync)
}

impl<'a> Draft<'a> {
    fn new(view: &'a JobView<'a>, now: Time) -> Draft<'a> {
        let sync = JobSync {
            create: Vec::new(),
            delete: Vec::new(),
            counted: Vec::new(),
            status: view.status.clone(),
            next_look: None,
        };
        let waiting_for_successor = BTreeMap::new();
        Draft { view, now, sync, succeeded: 0, ends: None, waiting_for_successor }
    }

    /// A pod of the Job failed if its phase says so, or if it was deleted before it succeeded and
    /// pods are replaced at once.
    pub(super) fn has_failed(&self, pod: &JobPod<'_>) -> bool {
        match pod.phase {
            JobPodPhase::Failed => true,
            JobPodPhase::Succeeded => false,
            JobPodPhase::Pending | JobPodPhase::Running(_) => {
                pod.terminating && self.view.spec.replacement == PodReplacement::TerminatingOrFailed
            }
        }
    }

    /// What the rules say of a failed pod.
    pub(super) fn action(&self, pod: &JobPod<'_>) -> PodFailureAction {
        let rules = self.view.spec.pod_failure_policy.as_deref().unwrap_or_default();
        pod_failure_action(rules, &pod.facts)
    }

    /// True if the Job has this index.
    pub(super) fn has_index(&self, index: u32) -> bool {
        self.view.spec.completions.is_some_and(|completions| index < completions)
    }

    /// Pods that are still to be counted, without those of an indexed Job that have no index of it.
    fn uncounted(&self) -> impl Iterator<Item = &'a JobPod<'a>> + '_ {
        let indexed = self.view.spec.indexed;
        self.view.pods.iter().filter(move |pod| {
            let valid = !indexed || pod.index.is_some_and(|index| self.has_index(index));
            !pod.counted && valid
        })
    }

    pub(super) fn look_at(&mut self, at: Time) {
        self.sync.next_look = Some(self.sync.next_look.map_or(at, |next| next.min(at)));
    }

    pub(super) fn delete(&mut self, at: usize) {
        self.sync.delete.push(at);
        let status = &mut self.sync.status;
        status.active -= 1;
        status.terminating += 1;
        status.ready -= u32::from(self.view.pods[at].is_ready());
    }

    /// Counts what is there and takes in what ended since the last sync.
    fn note_pods(&mut self) {
        let pods = self.view.pods;
        let times = |ended: &dyn Fn(&JobPod<'_>) -> bool| -> Vec<Time> {
            self.uncounted().filter(|pod| ended(pod)).map(|pod| pod.ended).collect()
        };
        let succeeded = times(&|pod| pod.phase == JobPodPhase::Succeeded);
        let failed = times(&|pod| self.has_failed(pod));
        let count =
            |kind: &dyn Fn(&JobPod<'_>) -> bool| pods.iter().filter(|pod| kind(pod)).count() as u32;
        let status = &mut self.sync.status;
        status.backoff = status.backoff.after(&succeeded, &failed);
        status.active = count(&|pod| pod.is_active());
        status.ready = count(&|pod| pod.is_active() && pod.is_ready());
        status.terminating = count(&|pod| pod.terminating && !pod.has_ended());
        if status.started.is_none() && !self.view.spec.suspended {
            status.started = Some(self.now);
        }
        self.succeeded = status.succeeded + succeeded.len() as u32;
        if self.view.spec.indexed {
            self.note_indexes();
        }
    }

    fn note_indexes(&mut self) {
        let view = self.view;
        let completed: Vec<u32> = (self.uncounted())
            .filter(|pod| pod.phase == JobPodPhase::Succeeded)
            .filter_map(|pod| pod.index)
            .collect();
        let done = &mut self.sync.status.completed_indexes;
        completed.into_iter().for_each(|index| done.insert(index));
        self.succeeded = done.len();
        let Some(limits) = view.spec.per_index else { return };
        let failed: Vec<u32> = (self.uncounted())
            .filter(|pod| self.has_failed(pod))
            .filter(|pod| match self.action(pod) {
                PodFailureAction::FailIndex => true,
                PodFailureAction::Ignore => false,
                PodFailureAction::Count | PodFailureAction::FailJob => {
                    pod.index_failures.counted >= limits.failures
                }
            })
            .filter_map(|pod| pod.index)
            .collect();
        let lost = &mut self.sync.status.failed_indexes;
        failed.into_iter().for_each(|index| lost.insert(index));
        self.waiting_for_successor = waiting_for_successor(self);
    }

    /// How the Job ends, if it does.
    fn find_outcome(&mut self) -> Option<JobOutcome> {
        if let Some(outcome) = self.view.status.outcome {
            return Some(outcome);
        }
        if let Some(failure) = self.find_failure() {
            return Some(JobOutcome::Failed(failure));
        }
        let spec = self.view.spec;
        let done = &self.sync.status.completed_indexes;
        let met = spec.indexed && meets_success_policy(&spec.success_policy, done);
        met.then_some(JobOutcome::Complete(JobSuccess::SuccessPolicy))
    }

    fn find_failure(&mut self) -> Option<JobFailure> {
        let spec = self.view.spec;
        let mut failed_pods = self.view.pods.iter().filter(|pod| self.has_failed(pod));
        if failed_pods.any(|pod| self.action(pod) == PodFailureAction::FailJob) {
            return Some(JobFailure::PodFailurePolicy);
        }
        let new = self.uncounted().filter(|pod| self.has_failed(pod));
        let counted = new.filter(|pod| self.action(pod) != PodFailureAction::Ignore).count();
        let failed = self.sync.status.failed as usize + counted;
        if failed > spec.backoff_limit as usize || self.restarts_too_often() {
            return Some(JobFailure::BackoffLimitExceeded);
        }
        let started = self.sync.status.started.filter(|_| !spec.suspended);
        if let Some((started, deadline)) = started.zip(spec.active_deadline) {
            if self.now >= started + deadline {
                return Some(JobFailure::DeadlineExceeded);
            }
            self.look_at(started + deadline);
        }
        let limits = spec.per_index.filter(|_| spec.indexed)?;
        let status = &self.sync.status;
        let failed = status.failed_indexes.len();
        if limits.failed_indexes.is_some_and(|most| failed > most) {
            return Some(JobFailure::MaxFailedIndexesExceeded);
        }
        let ended = failed + status.completed_indexes.len();
        let all_ended = failed > 0 && spec.completions.is_some_and(|all| ended >= all);
        all_ended.then_some(JobFailure::FailedIndexes)
    }

    /// Containers that are restarted in place count against the limit while their pod lives.
    fn restarts_too_often(&self) -> bool {
        let spec = self.view.spec;
        let live = self.view.pods.iter().filter(|pod| !pod.has_ended());
        let restarts: u32 = live.map(|pod| pod.restarts).sum();
        spec.restarts_containers && restarts >= spec.backoff_limit.max(1)
    }

    /// The Job is going to end: its pods are asked to stop. Before the controller has seen all its
    /// pods, nothing is said of the end.
    fn stop_pods(&mut self, outcome: JobOutcome) {
        let pods = self.view.pods;
        for at in (0..pods.len()).filter(|at| pods[*at].is_active()) {
            self.delete(at);
        }
        self.ends = Some(outcome).filter(|_| self.view.is_current);
    }

    /// Pods come and go, and the Job may be complete.
    fn go_on(&mut self) {
        let view = self.view;
        let manages = view.is_current && !view.deleting;
        if manages {
            self.manage();
        }
        let active = self.sync.status.active;
        let complete = match view.spec.completions {
            None => self.succeeded > 0 && active == 0,
            Some(completions) => self.succeeded >= completions && active == 0,
        };
        let status = &mut self.sync.status;
        if complete {
            self.ends = Some(JobOutcome::Complete(JobSuccess::CompletionsReached));
        } else if manages {
            match (view.spec.suspended, status.suspension) {
                (true, _) => status.suspension = JobSuspension::Suspended,
                (false, JobSuspension::Suspended) => {
                    status.suspension = JobSuspension::Resumed;
                    status.started = Some(self.now);
                }
                (false, JobSuspension::Never | JobSuspension::Resumed) => {}
            }
        }
    }

    /// Counts pods that ended. When the Job fails, all that are left count as failed.
    fn count_pods(&mut self) {
        let view = self.view;
        for (at, pod) in view.pods.iter().enumerate() {
            if pod.counted || self.sync.counted.contains(&at) {
                continue;
            }
            let failed = self.has_failed(pod);
            let waits = |index| self.waiting_for_successor.get(&index) == Some(&at);
            let ended =
                pod.phase == JobPodPhase::Succeeded || (failed && !pod.index.is_some_and(waits));
            if !ended && !view.deleting && self.ends.is_none() {
                continue;
            }
            self.sync.counted.push(at);
            if view.spec.indexed && !pod.index.is_some_and(|index| self.has_index(index)) {
                continue;
            }
            let fails = failed || matches!(self.ends, Some(JobOutcome::Failed(_)));
            if pod.phase == JobPodPhase::Succeeded {
                self.sync.status.succeeded += u32::from(!view.spec.indexed);
            } else if fails && self.action(pod) != PodFailureAction::Ignore {
                self.sync.status.failed += 1;
            }
        }
        if view.spec.indexed {
            self.sync.status.succeeded = self.sync.status.completed_indexes.len();
        }
    }

    /// The Job has ended when nothing of it runs any more.
    fn finish(&mut self) {
        let Some(outcome) = self.ends else { return };
        let status = &mut self.sync.status;
        status.outcome = Some(outcome);
        if status.terminating == 0 {
            status.finished = Some(self.now);
        }
    }
}
