//! Jobs from their start to their end.

use super::*;
use crate::ground::Name;
use proptest::prelude::*;

fn second(at: u64) -> Time {
    Time::from_secs(at)
}

fn pod(phase: JobPodPhase) -> JobPod<'static> {
    JobPod {
        phase,
        terminating: false,
        counted: false,
        index: None,
        index_failures: IndexFailures::default(),
        bound: true,
        created: second(1),
        ended: second(50),
        restarts: 0,
        most_restarts: 0,
        facts: FailedPodFacts::default(),
    }
}

const RUNNING: JobPodPhase = JobPodPhase::Running(Some(Time::from_secs(3)));

fn sync(spec: &JobSpec, status: &JobStatus, pods: &[JobPod<'_>], now: u64) -> JobSync {
    let view = JobView { spec, status, pods, deleting: false, is_current: true };
    sync_job(&view, second(now)).unwrap()
}

fn indexed(completions: u32, parallelism: u32) -> JobSpec {
    JobSpec { parallelism, completions: Some(completions), indexed: true, ..JobSpec::new() }
}

fn with_index(index: u32, phase: JobPodPhase) -> JobPod<'static> {
    JobPod { index: Some(index), ..pod(phase) }
}

/// Checks 13 and 20 of section 2.13.
#[test]
fn no_more_pods_than_are_wanted() {
    let spec = JobSpec { parallelism: 3, completions: Some(5), ..JobSpec::new() };
    let status = JobStatus { succeeded: 3, ..JobStatus::default() };
    let step = sync(&spec, &status, &[pod(RUNNING)], 60);
    assert_eq!((step.create.len(), step.status.active), (1, 2));
    let open = JobSpec { parallelism: 4, completions: None, ..JobSpec::new() };
    let mut pods = [pod(RUNNING); 4];
    pods[1] = pod(JobPodPhase::Succeeded);
    let step = sync(&open, &JobStatus::default(), &pods, 60);
    assert!(step.create.is_empty() && step.delete.is_empty());
    assert_eq!((step.counted, step.status.succeeded, step.status.finished), (vec![1], 1, None));
    let pods = [pod(JobPodPhase::Succeeded); 4];
    let step = sync(&open, &JobStatus::default(), &pods, 60);
    assert_eq!(step.status.finished, Some(second(60)));
    let many = JobSpec { parallelism: 700, completions: Some(900), ..JobSpec::new() };
    assert_eq!(sync(&many, &JobStatus::default(), &[], 60).create.len(), 500);
}

#[test]
fn failures_are_waited_for_and_limited() {
    let spec = JobSpec { backoff_limit: 1, ..JobSpec::new() };
    let first = sync(&spec, &JobStatus::default(), &[pod(JobPodPhase::Failed)], 51);
    assert!(first.create.is_empty());
    assert_eq!((first.next_look, first.status.failed), (Some(second(60)), 1));
    let counted = JobPod { counted: true, ..pod(JobPodPhase::Failed) };
    let again = sync(&spec, &first.status, &[counted], 60);
    assert_eq!(again.create.len(), 1);
    let second_failure = JobPod { ended: second(70), ..pod(JobPodPhase::Failed) };
    let last = sync(&spec, &again.status, &[counted, second_failure], 71);
    let failed = JobOutcome::Failed(JobFailure::BackoffLimitExceeded);
    assert_eq!((last.status.outcome, last.status.failed), (Some(failed), 2));
    assert_eq!(last.status.finished, Some(second(71)));
    let view =
        JobView { spec: &spec, status: &last.status, pods: &[], deleting: false, is_current: true };
    assert_eq!(sync_job(&view, second(80)), None);
    assert_eq!(JobSpec { ttl: Some(Span::ZERO), ..spec }.deleted_at(second(71)), Some(second(71)));
}

#[test]
fn a_job_that_fails_stops_its_pods_first() {
    let deadline = Some(Span::from_secs(30));
    let spec = JobSpec {
        parallelism: 2,
        completions: Some(9),
        active_deadline: deadline,
        ..JobSpec::new()
    };
    let status = JobStatus { started: Some(second(10)), ..JobStatus::default() };
    let mut pods = [pod(RUNNING); 2];
    let before = sync(&spec, &status, &pods, 39);
    assert_eq!((before.status.outcome, before.next_look), (None, Some(second(40))));
    let step = sync(&spec, &status, &pods, 40);
    let failed = Some(JobOutcome::Failed(JobFailure::DeadlineExceeded));
    assert_eq!((step.status.outcome, step.status.finished), (failed, None));
    assert_eq!((step.delete, step.counted), (vec![0, 1], vec![0, 1]));
    assert_eq!((step.status.failed, step.status.terminating), (2, 2));
    for pod in &mut pods {
        (pod.terminating, pod.counted) = (true, true);
    }
    let waits = sync(&spec, &step.status, &pods, 41);
    assert_eq!((waits.status.finished, waits.status.failed), (None, 2));
    let end = sync(&spec, &waits.status, &[], 42);
    assert_eq!((end.status.outcome, end.status.finished), (failed, Some(second(42))));
}

#[test]
fn restarts_in_place_count_while_a_pod_lives() {
    let spec = JobSpec { restarts_containers: true, backoff_limit: 3, ..JobSpec::new() };
    for (restarts, limit, fails) in [(2, 3, false), (3, 3, true), (0, 0, false), (1, 0, true)] {
        let spec = JobSpec { backoff_limit: limit, ..spec.clone() };
        let running = JobPod { restarts, ..pod(RUNNING) };
        let step = sync(&spec, &JobStatus::default(), &[running], 60);
        assert_eq!(step.status.outcome.is_some(), fails, "{restarts} of {limit}");
    }
}

#[test]
fn each_index_has_its_own_failures() {
    let limits = PerIndexLimits { failures: 1, failed_indexes: Some(0) };
    let spec = JobSpec {
        per_index: Some(limits),
        backoff_limit: JobSpec::default_backoff_limit(true),
        ..indexed(3, 2)
    };
    let failed = with_index(1, JobPodPhase::Failed);
    let running = with_index(0, RUNNING);
    let first = sync(&spec, &JobStatus::default(), &[running, failed], 51);
    assert!(first.create.is_empty(), "1 is the lowest that is missing, and it waits");
    assert_eq!((first.next_look, first.status.active), (Some(second(60)), 0));
    assert!(first.counted.is_empty(), "it is kept for its annotations");
    let done = with_index(0, JobPodPhase::Succeeded);
    let both = sync(&spec, &first.status, &[done, failed], 52);
    let next = NewJobPod { index: Some(2), index_failures: IndexFailures::default() };
    assert_eq!((both.create, both.counted), (vec![next], vec![0]));
    let again = sync(&spec, &first.status, &[running, failed], 60);
    let after_one = IndexFailures { counted: 1, ignored: 0 };
    assert_eq!(again.create, [NewJobPod { index: Some(1), index_failures: after_one }]);
    let second_try = JobPod { index_failures: after_one, ..failed };
    let end = sync(&spec, &again.status, &[running, failed, second_try], 80);
    let outcome = JobOutcome::Failed(JobFailure::MaxFailedIndexesExceeded);
    assert_eq!((end.status.outcome, end.status.failed), (Some(outcome), 3));
    assert_eq!(end.status.failed_indexes.to_string(), "1");
}

#[test]
fn rules_ignore_count_or_fail() {
    const DISRUPTION: Name = Name(9);
    let disrupted = [(DISRUPTION, crate::model::Condition::True)];
    let rule = |action| PodFailureRule {
        action,
        pattern: PodFailurePattern::Conditions(disrupted.to_vec()),
    };
    let facts = FailedPodFacts { exits: &[], conditions: &disrupted };
    let failed = JobPod { facts, ended: second(5), ..pod(JobPodPhase::Failed) };
    for (action, counted, fails) in [
        (PodFailureAction::Ignore, 0, false),
        (PodFailureAction::Count, 1, false),
        (PodFailureAction::FailJob, 1, true),
    ] {
        let pod_failure_policy = Some(vec![rule(action)]);
        let replacement = JobSpec::default_replacement(true);
        let spec = JobSpec { pod_failure_policy, replacement, ..JobSpec::new() };
        let step = sync(&spec, &JobStatus::default(), &[failed], 60);
        assert_eq!(step.status.failed, counted, "{action:?}");
        assert_eq!(step.status.finished.is_some(), fails, "{action:?}");
        assert_eq!(step.create.len(), usize::from(!fails), "{action:?}");
    }
}

#[test]
fn a_pod_that_stops_is_replaced_at_once_or_when_it_has_failed() {
    let going = JobPod { terminating: true, ended: second(20), ..pod(RUNNING) };
    let at_once = JobSpec::new();
    let step = sync(&at_once, &JobStatus::default(), &[going], 60);
    assert_eq!((step.create.len(), step.status.failed), (1, 1));
    let patient = JobSpec { replacement: PodReplacement::Failed, ..JobSpec::new() };
    let step = sync(&patient, &JobStatus::default(), &[going], 60);
    assert_eq!((step.create.len(), step.status.failed, step.status.terminating), (0, 0, 1));
}

#[test]
fn a_suspended_job_has_no_pods_and_starts_anew() {
    let spec = JobSpec { parallelism: 2, completions: Some(4), suspended: true, ..JobSpec::new() };
    let status = JobStatus { started: Some(second(1)), ..JobStatus::default() };
    let step = sync(&spec, &status, &[pod(RUNNING), pod(JobPodPhase::Pending)], 60);
    assert_eq!((step.delete.len(), step.counted.len(), step.status.failed), (2, 2, 0));
    assert_eq!(step.status.suspension, JobSuspension::Suspended);
    let resumed = JobSpec { suspended: false, ..spec };
    let step = sync(&resumed, &step.status, &[], 90);
    assert_eq!((step.create.len(), step.status.started), (2, Some(second(90))));
    assert_eq!(step.status.suspension, JobSuspension::Resumed);
}

#[test]
fn what_has_come_least_far_is_deleted_first() {
    let spec = JobSpec { parallelism: 1, completions: Some(9), ..JobSpec::new() };
    let young = JobPod { created: second(9), ..pod(RUNNING) };
    let unbound = JobPod { bound: false, ..pod(JobPodPhase::Pending) };
    let pods = [pod(RUNNING), pod(JobPodPhase::Pending), unbound, young];
    let step = sync(&spec, &JobStatus::default(), &pods, 60);
    assert_eq!(step.delete, [2, 1, 3]);
    let twice =
        [with_index(0, RUNNING), with_index(0, JobPodPhase::Pending), with_index(7, RUNNING)];
    let step = sync(&indexed(3, 3), &JobStatus::default(), &twice, 60);
    assert_eq!(step.delete, [1, 2], "a second pod of an index, and an index that there is not");
    assert!(step.create.is_empty(), "no sync both deletes and creates");
}

#[test]
fn early_success_stops_the_others() {
    let rule = SuccessRule { indexes: None, count: Some(1) };
    let spec = JobSpec { success_policy: vec![rule], ..indexed(3, 2) };
    let pods = [with_index(0, JobPodPhase::Succeeded), with_index(1, RUNNING)];
    let step = sync(&spec, &JobStatus::default(), &pods, 60);
    let outcome = JobOutcome::Complete(JobSuccess::SuccessPolicy);
    assert_eq!((step.status.outcome, step.delete), (Some(outcome), vec![1]));
    assert_eq!((step.status.failed, step.status.succeeded), (0, 1));
    assert_eq!(step.status.finished, None);
}

proptest! {
    /// Whatever its pods do, a Job runs no more of them than it may, counts each once and ends.
    #[test]
    fn a_job_counts_each_pod_once_and_ends(
        (completions, parallelism, backoff_limit) in (1u32..8, 1u32..5, 0u32..4),
        is_indexed in any::<bool>(),
        fails in prop::collection::vec(prop::bool::weighted(0.3), 100),
    ) {
        let base = indexed(completions, parallelism);
        let spec = JobSpec { backoff_limit, indexed: is_indexed, ..base };
        let (mut status, mut pods) = (JobStatus::default(), Vec::<JobPod<'_>>::new());
        let mut now = 0;
        while status.finished.is_none() {
            now += 100;
            prop_assert!(now < 200_000, "it never ends");
            let step = sync(&spec, &status, &pods, now);
            for at in &step.delete {
                pods[*at].terminating = true;
            }
            for at in &step.counted {
                prop_assert!(!pods[*at].counted);
                pods[*at].counted = true;
            }
            for new in &step.create {
                pods.push(JobPod { index: new.index, ..pod(RUNNING) });
            }
            let active: Vec<_> = pods.iter().filter(|pod| pod.is_active()).collect();
            prop_assert!(active.len() <= parallelism as usize);
            let mut indexes: Vec<_> = active.iter().filter_map(|pod| pod.index).collect();
            indexes.sort_unstable();
            prop_assert!(indexes.windows(2).all(|pair| pair[0] < pair[1]));
            status = step.status;
            for (at, pod) in pods.iter_mut().enumerate() {
                if pod.terminating {
                    (pod.terminating, pod.phase) = (false, JobPodPhase::Failed);
                } else if pod.is_active() {
                    let bad = fails[at % fails.len()];
                    pod.phase = if bad { JobPodPhase::Failed } else { JobPodPhase::Succeeded };
                    pod.ended = second(now + 1);
                }
            }
        }
        prop_assert!(pods.iter().all(|pod| pod.counted));
        let ended = |phase| pods.iter().filter(|pod| pod.phase == phase).count() as u32;
        prop_assert_eq!(status.succeeded, ended(JobPodPhase::Succeeded));
        prop_assert_eq!(status.failed, ended(JobPodPhase::Failed));
        let complete = matches!(status.outcome, Some(JobOutcome::Complete(_)));
        prop_assert_eq!(complete, status.succeeded == completions);
    }
}
