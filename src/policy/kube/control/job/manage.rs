//! How many pods of a Job come and go.
//!
//! Source: `manageJob` and `activePodsForRemoval` of `pkg/controller/job/job_controller.go`,
//! `firstPendingIndexes` and `getPodsWithDelayedDeletionPerIndex` of `indexed_job_utils.go`,
//! Kubernetes 1.34.

use super::sync::Draft;
use super::{
    IndexFailures, IndexSet, JobBackoff, JobPod, JobPodPhase, MOST_PER_SYNC, NewJobPod,
    PodFailureAction, PodReplacement,
};
use crate::ground::Time;
use std::cmp::Reverse;
use std::collections::BTreeMap;

impl Draft<'_> {
    /// Deletes what is too much, or else creates what is missing.
    pub(super) fn manage(&mut self) {
        let active = self.view.pods.iter().filter(|pod| pod.is_active()).count();
        if self.view.spec.suspended {
            self.remove(active, usize::MAX);
            return;
        }
        let wanted = self.wanted(active);
        if self.remove(active.saturating_sub(wanted), MOST_PER_SYNC) {
            return;
        }
        let terminating = match self.view.spec.replacement {
            PodReplacement::Failed => self.sync.status.terminating as usize,
            PodReplacement::TerminatingOrFailed => 0,
        };
        let missing = wanted.saturating_sub(active + terminating);
        if missing > 0 {
            self.create(missing.min(MOST_PER_SYNC));
        }
    }

    fn wanted(&self, active: usize) -> usize {
        let spec = self.view.spec;
        let parallelism = spec.parallelism as usize;
        match spec.completions {
            None if self.succeeded > 0 => active,
            None => parallelism,
            Some(completions) => {
                parallelism.min(completions.saturating_sub(self.succeeded) as usize)
            }
        }
    }

    /// Deletes at least so many active pods, and all whose index another one has. They are not
    /// counted. True if any was deleted.
    fn remove(&mut self, at_least: usize, most: usize) -> bool {
        let pods = self.view.pods;
        let active: Vec<usize> = (0..pods.len()).filter(|at| pods[*at].is_active()).collect();
        let (mut removed, mut left) = match self.view.spec.completions {
            Some(completions) if self.view.spec.indexed => repeated(pods, &active, completions),
            _ => (Vec::new(), active),
        };
        left.sort_by_key(|at| removal_key(&pods[*at]));
        left.truncate(at_least.saturating_sub(removed.len()));
        removed.append(&mut left);
        removed.truncate(most);
        for at in &removed {
            self.delete(*at);
            if !pods[*at].counted {
                self.sync.counted.push(*at);
            }
        }
        !removed.is_empty()
    }

    fn create(&mut self, missing: usize) {
        let view = self.view;
        let per_index = view.spec.per_index.is_some();
        let wait = self.sync.status.backoff.until().filter(|at| !per_index && *at > self.now);
        if let Some(at) = wait {
            self.wait(at);
            return;
        }
        let Some(completions) = view.spec.completions.filter(|_| view.spec.indexed) else {
            let pod = NewJobPod { index: None, index_failures: IndexFailures::default() };
            self.sync.create = vec![pod; missing];
            self.sync.status.active += count(missing);
            return;
        };
        let indexes = self.taken().first_missing(missing, completions);
        let (mut now, mut later) = (Vec::new(), None::<Time>);
        for index in indexes {
            let failed = self.waiting_for_successor.get(&index).map(|at| &view.pods[*at]);
            let until = failed.and_then(|pod| index_wait(pod).until());
            match until.filter(|at| per_index && *at > self.now) {
                Some(at) => later = Some(later.map_or(at, |next| next.min(at))),
                None => now.push(self.successor(index, failed)),
            }
        }
        match later.filter(|_| now.is_empty()) {
            Some(at) => self.wait(at),
            None => {
                self.sync.status.active += count(now.len());
                self.sync.create = now;
            }
        }
    }

    /// Looks again then. Upstream leaves out what is active when it writes the status meanwhile.
    fn wait(&mut self, at: Time) {
        self.look_at(at);
        self.sync.status.active = 0;
    }

    fn successor(&self, index: u32, failed: Option<&JobPod<'_>>) -> NewJobPod {
        let index_failures = match failed {
            None => IndexFailures::default(),
            Some(pod) => {
                let IndexFailures { counted, ignored } = pod.index_failures;
                if self.action(pod) == PodFailureAction::Ignore {
                    IndexFailures { counted, ignored: ignored + 1 }
                } else {
                    IndexFailures { counted: counted + 1, ignored }
                }
            }
        };
        NewJobPod { index: Some(index), index_failures }
    }

    /// Indexes for which no pod is created.
    fn taken(&self) -> IndexSet {
        let waits_for_end = self.view.spec.replacement == PodReplacement::Failed;
        let takes = |pod: &&JobPod<'_>| {
            pod.is_active() || (waits_for_end && pod.terminating && !pod.has_ended())
        };
        let mut taken: IndexSet =
            self.view.pods.iter().filter(takes).filter_map(|pod| pod.index).collect();
        taken.merge(&self.sync.status.completed_indexes);
        taken.merge(&self.sync.status.failed_indexes);
        taken
    }
}

/// Of each index that neither has ended nor has an active pod, the failed pod with the most
/// failures: it is counted when its successor is there.
pub(super) fn waiting_for_successor(draft: &Draft<'_>) -> BTreeMap<u32, usize> {
    let status = &draft.sync.status;
    let pods = draft.view.pods;
    let active: IndexSet =
        pods.iter().filter(|pod| pod.is_active()).filter_map(|pod| pod.index).collect();
    let mut waiting: BTreeMap<u32, usize> = BTreeMap::new();
    for (at, pod) in pods.iter().enumerate() {
        let Some(index) = pod.index.filter(|index| draft.has_index(*index)) else { continue };
        let ended =
            status.completed_indexes.contains(index) || status.failed_indexes.contains(index);
        if pod.counted || !draft.has_failed(pod) || ended || active.contains(index) {
            continue;
        }
        let most = waiting.entry(index).or_insert(at);
        if failures(pod) > failures(&pods[*most]) {
            *most = at;
        }
    }
    waiting
}

fn failures(pod: &JobPod<'_>) -> u32 {
    pod.index_failures.counted + pod.index_failures.ignored
}

fn index_wait(failed: &JobPod<'_>) -> JobBackoff {
    JobBackoff { failures: failures(failed) + 1, last: Some(failed.ended) }
}

fn count(pods: usize) -> u32 {
    u32::try_from(pods).expect("pods are counted in 32 bits")
}

/// Pods of no index, of one that there is not, and all but the last of those that share one; and
/// the others.
fn repeated(pods: &[JobPod<'_>], active: &[usize], completions: u32) -> (Vec<usize>, Vec<usize>) {
    let mut by_index: BTreeMap<Option<u32>, Vec<usize>> = BTreeMap::new();
    for at in active {
        by_index.entry(pods[*at].index).or_default().push(*at);
    }
    let (mut removed, mut left) = (Vec::new(), Vec::new());
    for (index, mut group) in by_index {
        group.sort_by_key(|at| removal_key(&pods[*at]));
        if index.is_some_and(|index| index < completions) {
            left.extend(group.pop());
        }
        removed.append(&mut group);
    }
    (removed, left)
}

/// The order in which active pods are deleted (`ActivePods` of `controller_utils.go`): those that
/// have come least far first.
fn removal_key(pod: &JobPod<'_>) -> impl Ord + use<> {
    let since = match pod.phase {
        JobPodPhase::Running(since) => since,
        _ => None,
    };
    let runs = matches!(pod.phase, JobPodPhase::Running(_));
    let order = (pod.bound, runs, since.is_some(), Reverse(since));
    (order, Reverse(pod.most_restarts), Reverse(pod.created))
}
