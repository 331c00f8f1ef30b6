//! Jobs through the simulator, in the spirit of the recorded timelines s13a to s13d; and what
//! becomes of the things that a deleted object owned.

use super::lab::{Lab, after, app, secs};
use super::{Bench, times};
use crate::engine::Limits;
use crate::ground::{Key, Span, Time};
use crate::journal::{DeletionCause, Fact, Journal, Record};
use crate::model::{
    Behaviour, FinishedPods, JobFailure, JobOutcome, JobSuccess, LossPolicy, OperatorAction,
    PodSpec, RestartPolicy, Stimulus, Workload, WorkloadId, WorkloadKind,
};
use crate::policy::kube::control::{JobSpec, JobStatus, PerIndexLimits};
use crate::sim::{JobSetup, Run};

/// The facts of one Job on one node.
fn facts_of(spec: JobSpec, behaviour: Behaviour, until: u64) -> Vec<Record> {
    let lab = Lab::new().app("app:v1", 1, behaviour);
    let (mut setup, script) = lab.setup();
    let names = &mut setup.catalog.names;
    let mut pod = PodSpec::new(names.intern("default"), names.intern("default-scheduler"));
    app(&mut pod, names);
    pod.restart_policy = RestartPolicy::Never;
    pod.compute_requests();
    let name = names.intern("render");
    let (template, _) = setup.catalog.intern_pod_spec(&pod);
    let workload = setup.catalog.workloads.push(Workload {
        name,
        key: Key::of("render"),
        kind: WorkloadKind::Batch,
        on_loss: LossPolicy::Forget,
        finished: FinishedPods::Keep,
        startup: None,
    });
    setup.jobs.push((workload, JobSetup { name, template, spec, status: JobStatus::default() }));
    let mut run = Run::new(setup, script, Journal::keeping()).checking();
    run.run(&Limits::until(Time::from_secs(until)));
    run.sink().records().to_vec()
}

fn works(span: u64) -> Behaviour {
    Behaviour { run_for: after(span), ..Behaviour::default() }
}

fn count(facts: &[Record], which: impl Fn(&Fact) -> bool) -> usize {
    times(facts, which).len()
}

fn created(facts: &[Record]) -> Vec<Time> {
    times(facts, |fact| matches!(fact, Fact::PodCreated { .. }))
}

fn ended(facts: &[Record]) -> Option<(Time, JobOutcome)> {
    facts.iter().find_map(|record| match record.fact {
        Fact::JobEnded { outcome, .. } => Some((record.at, outcome)),
        _ => None,
    })
}

/// Active, succeeded and failed pods, as the status said last.
fn last_count(facts: &[Record]) -> Option<[u32; 3]> {
    facts.iter().rev().find_map(|record| match record.fact {
        Fact::JobObserved { active, succeeded, failed, .. } => Some([active, succeeded, failed]),
        _ => None,
    })
}

fn most_alive(facts: &[Record]) -> i32 {
    let (mut alive, mut most) = (0i32, 0);
    for record in facts {
        match record.fact {
            Fact::PodCreated { .. } => alive += 1,
            Fact::Finished { .. } | Fact::Failed { .. } => alive -= 1,
            _ => {}
        }
        most = most.max(alive);
    }
    most
}

#[test]
fn a_job_of_which_one_pod_fails_is_complete() {
    let spec = JobSpec { parallelism: 4, completions: Some(12), ..JobSpec::new() };
    let behaviour = Behaviour { crash_after: after(3), crash_pods: Some(1), ..works(5) };
    let facts = facts_of(spec, behaviour, 300);
    assert_eq!((created(&facts).len(), most_alive(&facts)), (13, 4));
    assert_eq!(last_count(&facts), Some([0, 12, 1]));
    let complete = JobOutcome::Complete(JobSuccess::CompletionsReached);
    assert_eq!(ended(&facts).map(|(_, outcome)| outcome), Some(complete));
}

/// Check 19 of section 2.13: pure failures wait 10, 20 and 40 s from the second of the last one.
#[test]
fn a_job_that_always_fails_waits_longer_each_time() {
    let spec = JobSpec { backoff_limit: 3, ..JobSpec::new() };
    let facts = facts_of(spec, Behaviour { crash_after: after(1), ..works(5) }, 300);
    let created = created(&facts);
    assert_eq!((created.len(), most_alive(&facts), last_count(&facts)), (4, 1, Some([0, 0, 4])));
    let failed = times(&facts, |fact| matches!(fact, Fact::ContainerEnded { .. }));
    for (at, wait) in [10, 20, 40].into_iter().enumerate() {
        let due = failed[at].truncate_to_second() + secs(wait);
        let late = created[at + 1].since(due);
        assert!(late < Span::from_millis(100), "pod {} is {late} late", at + 1);
    }
    let (at, outcome) = ended(&facts).unwrap();
    assert_eq!(outcome, JobOutcome::Failed(JobFailure::BackoffLimitExceeded));
    assert!(at.since(created[3]) < secs(6), "{at}");
}

#[test]
fn an_index_that_always_fails_does_not_stop_the_others() {
    let spec = JobSpec {
        parallelism: 2,
        completions: Some(5),
        indexed: true,
        backoff_limit: JobSpec::default_backoff_limit(true),
        per_index: Some(PerIndexLimits { failures: 1, failed_indexes: Some(3) }),
        ..JobSpec::new()
    };
    let behaviour = Behaviour { crash_after: after(2), crash_indexes: vec![1], ..works(3) };
    let facts = facts_of(spec, behaviour, 300);
    assert_eq!((created(&facts).len(), most_alive(&facts)), (6, 2));
    assert_eq!(last_count(&facts), Some([0, 4, 2]));
    let failed = |fact: &Fact| matches!(fact, Fact::JobIndexFailed { index: 1, .. });
    assert_eq!(count(&facts, failed), 1);
    let (_, outcome) = ended(&facts).unwrap();
    assert_eq!(outcome, JobOutcome::Failed(JobFailure::FailedIndexes));
}

#[test]
fn the_first_attempt_of_an_index_may_fail() {
    let spec = JobSpec { parallelism: 3, completions: Some(8), indexed: true, ..JobSpec::new() };
    let behaviour = Behaviour {
        crash_after: after(2),
        crash_indexes: vec![2],
        crash_pods: Some(1),
        ..works(3)
    };
    let facts = facts_of(spec, behaviour, 300);
    assert_eq!((created(&facts).len(), most_alive(&facts)), (9, 3));
    assert_eq!(last_count(&facts), Some([0, 8, 1]));
}

#[test]
fn a_deadline_stops_the_pods_and_a_limit_removes_the_job() {
    let spec = JobSpec {
        parallelism: 2,
        completions: Some(2),
        active_deadline: Some(secs(20)),
        ttl: Some(secs(30)),
        ..JobSpec::new()
    };
    let facts = facts_of(spec, works(100), 300);
    let (at, outcome) = ended(&facts).unwrap();
    assert_eq!(outcome, JobOutcome::Failed(JobFailure::DeadlineExceeded));
    let stopped =
        |fact: &Fact| matches!(fact, Fact::Deleting { cause: DeletionCause::JobEnds, .. });
    assert_eq!(count(&facts, stopped), 2);
    let removed = times(&facts, |fact| matches!(fact, Fact::JobRemoved { .. }));
    assert!(removed[0] >= at + secs(30) && removed[0] < at + secs(31), "{removed:?}");
    assert_eq!(count(&facts, |fact| matches!(fact, Fact::Removed { .. })), 2);
}

#[test]
fn pods_of_a_job_that_is_deleted_are_collected() {
    let spec =
        JobSpec { parallelism: 3, completions: Some(3), ttl: Some(secs(5)), ..JobSpec::new() };
    let facts = facts_of(spec, works(2), 300);
    assert_eq!(count(&facts, |fact| matches!(fact, Fact::Finished { .. })), 3);
    let collected =
        |fact: &Fact| matches!(fact, Fact::Deleting { cause: DeletionCause::OwnerDeleted, .. });
    assert_eq!(count(&facts, collected), 3);
    assert_eq!(count(&facts, |fact| matches!(fact, Fact::Removed { .. })), 3);
}

#[test]
fn what_a_deleted_deployment_owned_goes_or_stays() {
    for (orphan, sets, pods) in [(false, 1, 4), (true, 0, 0)] {
        let action = OperatorAction::Delete { orphan };
        let facts = Bench::new(2, 4)
            .at(Time::from_secs(60), Stimulus::Operate { workload: WorkloadId(0), action })
            .at(Time::from_secs(90), Stimulus::crash(0))
            .facts(Time::from_secs(600));
        let gone = count(&facts, |fact| matches!(fact, Fact::ReplicaSetRemoved { .. }));
        let collected =
            |fact: &Fact| matches!(fact, Fact::Deleting { cause: DeletionCause::OwnerDeleted, .. });
        assert_eq!((gone, count(&facts, collected)), (sets, pods), "orphan: {orphan}");
        // A ReplicaSet that nobody owns goes on.
        let replaced = count(&facts, |fact| matches!(fact, Fact::Replaced { .. }));
        assert_eq!(replaced > 0, orphan, "orphan: {orphan}");
    }
}
