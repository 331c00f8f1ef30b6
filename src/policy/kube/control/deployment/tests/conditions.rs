//! Conditions, the progress deadline, and the requests of a sync.

use super::*;

/// A rollout whose only new pod does not get ready, one second after the start of a deadline.
fn stuck(deadline: u64) -> Lab {
    let mut lab = Lab::new(3, numbers(1, 0), &[(3, 3), (1, 0)]);
    lab.spec.progress_deadline = Some(Span::from_secs(deadline));
    lab.settle();
    lab
}

#[test]
fn a_deadline_passes_after_it_not_at_it() {
    let spec = DeploymentSpec {
        progress_deadline: Some(Span::from_secs(10)),
        ..DeploymentSpec::new(3, PodSpecId(0))
    };
    let status = DeploymentStatus {
        progressing: Some(Progressing {
            reason: ProgressReason::ReplicaSetUpdated,
            last_update: Time::from_secs(69),
        }),
        ..DeploymentStatus::default()
    };
    for (second, out) in [(80, true), (79, false), (78, false)] {
        assert_eq!(rollout_timed_out(&spec, &status, Time::from_secs(second)), out, "{second}");
    }
    let never = DeploymentSpec { progress_deadline: None, ..spec };
    assert!(!rollout_timed_out(&never, &status, Time::from_secs(9999)));
}

#[test]
fn a_stuck_rollout_is_looked_at_a_second_after_its_deadline_and_then_left() {
    let mut lab = stuck(20);
    let last = lab.status.progressing.unwrap().last_update;
    let NextLook::At(at) = lab.next else { panic!("{:?}", lab.next) };
    assert_eq!(at, last + Span::from_secs(21));
    lab.now = last + Span::from_millis(19_500);
    assert!(lab.sync().is_empty());
    assert_eq!(lab.next, NextLook::At(last + Span::from_millis(20_005)));
    lab.now = at;
    lab.settle();
    assert_eq!(lab.reason(), Some(ProgressReason::ProgressDeadlineExceeded));
    assert_eq!((lab.next, lab.sizes()), (NextLook::WhenChanged, (1, 3)));
    // It goes on when the pod gets ready after all.
    lab.pods_become_available();
    lab.settle();
    assert_eq!(lab.reason(), Some(ProgressReason::ReplicaSetUpdated));
}

#[test]
fn a_completed_rollout_does_not_stall_when_pods_are_lost() {
    let mut lab = Lab::new(3, numbers(1, 0), &[(3, 3)]);
    lab.settle();
    assert_eq!(lab.reason(), Some(ProgressReason::NewReplicaSetAvailable));
    assert_eq!((lab.status.is_available, lab.next), (Some(true), NextLook::WhenChanged));
    lab.sets[0].status.available = 1;
    lab.now += Span::from_secs(5000);
    lab.settle();
    assert_eq!(lab.reason(), Some(ProgressReason::NewReplicaSetAvailable));
    assert_eq!((lab.status.is_available, lab.status.unavailable), (Some(false), 2));
}

#[test]
fn a_pause_stops_the_clock_of_the_deadline() {
    let mut lab = stuck(20);
    lab.change(|spec| spec.paused = true);
    lab.settle();
    assert_eq!(lab.reason(), Some(ProgressReason::DeploymentPaused));
    lab.now += Span::from_secs(500);
    lab.settle();
    assert_eq!(
        (lab.reason(), lab.next),
        (Some(ProgressReason::DeploymentPaused), NextLook::WhenChanged)
    );
    let resumed = lab.now;
    lab.change(|spec| spec.paused = false);
    lab.settle();
    let progressing = lab.status.progressing.unwrap();
    assert_eq!(progressing.reason, ProgressReason::DeploymentResumed);
    assert!(progressing.last_update >= resumed.truncate_to_second());
    lab.now += Span::from_secs(22);
    lab.settle();
    assert_eq!(lab.reason(), Some(ProgressReason::ProgressDeadlineExceeded));
    lab.change(|spec| spec.paused = true);
    lab.settle();
    assert_eq!(lab.reason(), Some(ProgressReason::ProgressDeadlineExceeded), "it stays said");
}

#[test]
fn without_a_deadline_the_condition_is_not_kept() {
    let mut lab = stuck(20);
    lab.change(|spec| spec.progress_deadline = None);
    lab.settle();
    assert_eq!((lab.reason(), lab.next), (None, NextLook::WhenChanged));
    lab.change(|spec| spec.progress_deadline = Some(Span::from_secs(20)));
    lab.settle();
    assert_eq!(lab.reason(), Some(ProgressReason::FoundNewReplicaSet));
}

#[test]
fn the_first_sync_of_a_release_creates_and_shrinks_and_loses_its_last_status() {
    let mut lab = Lab::new(10, RolloutStrategy::default(), &[(10, 10)]);
    lab.settle();
    lab.change(|spec| spec.template = PodSpecId(7));
    let writes = lab.sync();
    let [
        DeploymentWrite::Create(new),
        DeploymentWrite::Status(status),
        DeploymentWrite::Scale { set: 0, resized },
        DeploymentWrite::Refused,
    ] = writes.as_slice()
    else {
        panic!("{writes:?}");
    };
    assert_eq!((new.replicas, new.revision, new.desired, new.max), (3, 2, 10, 13));
    assert_eq!((resized.from, resized.to), (10, 8));
    assert_eq!((status.revision, status.observed), (2, 1), "the generation is not observed yet");
    let reason = status.progressing.unwrap().reason;
    assert_eq!(reason, ProgressReason::NewReplicaSetCreated);
    assert_eq!(lab.next, NextLook::Retry);
    // As recorded: the next sync grows the new set, and counts pods as it found them.
    lab.sync();
    assert_eq!(lab.sizes(), (5, 8));
    assert_eq!((lab.status.observed, lab.status.unavailable), (2, 1));
}

#[test]
fn a_refused_creation_is_told() {
    let mut lab = Lab::new(3, numbers(1, 0), &[(3, 3)]);
    let told = |lab: &Lab| {
        let status = after_refused_replica_set(&lab.view(), lab.now);
        status.map(|status| status.progressing.unwrap().reason)
    };
    assert_eq!(told(&lab), Some(ProgressReason::ReplicaSetCreateError));
    lab.spec.progress_deadline = None;
    assert_eq!(told(&lab), None);
}

#[test]
fn a_deployment_that_is_deleted_only_counts() {
    let lab = Lab::new(10, RolloutStrategy::default(), &[(10, 10), (0, 0)]);
    let view = DeploymentView { deleting: true, ..lab.view() };
    let sync = sync_deployment(&view, lab.now);
    assert!(matches!(sync.writes.as_slice(), [DeploymentWrite::Status(_)]), "{sync:?}");
}
