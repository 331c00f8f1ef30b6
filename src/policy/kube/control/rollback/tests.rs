//! Rollback policies, one decision after the other.

use super::*;
use crate::ground::{Span, Time};
use crate::model::{DeploymentSpec, Progressing, ReleaseDecision};

fn status(reason: ProgressReason, observed: u32) -> DeploymentStatus {
    let progressing = Some(Progressing { reason, last_update: Time::ZERO });
    DeploymentStatus { observed, progressing, ..DeploymentStatus::default() }
}

#[test]
fn a_stalled_rollout_is_undone_once() {
    let mut memory = RollbackMemory::default();
    let stalled = status(ProgressReason::ProgressDeadlineExceeded, 2);
    let policy = RollbackPolicy::OnProgressDeadline;
    let moving = status(ProgressReason::ReplicaSetUpdated, 2);
    assert!(!policy.undoes(&mut memory, &moving, 2));
    assert!(!policy.undoes(&mut memory, &stalled, 3), "a status about another specification");
    assert!(policy.undoes(&mut memory, &stalled, 2));
    assert!(!policy.undoes(&mut memory, &stalled, 2));
    let again = status(ProgressReason::ProgressDeadlineExceeded, 3);
    assert!(!policy.undoes(&mut memory, &again, 3), "the rollback itself has stalled");
    let next = status(ProgressReason::ProgressDeadlineExceeded, 4);
    assert!(policy.undoes(&mut memory, &next, 4), "another release");
    assert!(!RollbackPolicy::None.undoes(&mut RollbackMemory::default(), &stalled, 2));
}

/// A service whose release answers so many requests in a million with an error.
struct Errors(Option<u32>);

impl MetricsView for Errors {
    fn error_ppm(&self) -> Option<u32> {
        self.0
    }

    fn revision_error_ppm(&self, _: PodSpecId) -> Option<u32> {
        self.0
    }

    fn missing_ppm(&self) -> u32 {
        0
    }
}

fn canary() -> RollbackPolicy {
    let interval = Span::from_secs(30);
    RollbackPolicy::Canary(CanaryParams {
        steps: vec![CanaryStep { weight: 10, pause: Span::from_secs(300) }],
        analysis: Some(AnalysisParams {
            interval,
            most_errors_ppm: 50_000,
            failure_limit: 1,
            count: 1,
        }),
        progress_deadline_abort: false,
    })
}

/// Courses of a release of 20 pods none of which is available, one each 30 s.
fn courses(policy: &RollbackPolicy, errors: Option<u32>) -> Vec<Course> {
    let mut memory = RollbackMemory::default();
    let mut course = |template, at| {
        let spec = DeploymentSpec::new(20, PodSpecId(template));
        let now = Time::ZERO + Span::from_secs(at);
        let status = &DeploymentStatus::default();
        let view = ReleaseView { spec: &spec, status, sets: &[], now };
        policy.course(&mut memory, &view, &Errors(errors)).unwrap()
    };
    let first = course(0, 0);
    assert_eq!((first.new, first.kept, first.decision), (20, 0, None));
    (1..5).map(|turn| course(1, turn * 30)).collect()
}

#[test]
fn a_canary_that_answers_with_errors_is_given_up() {
    let bad = courses(&canary(), Some(300_000));
    let sizes: Vec<(u32, u32)> = bad.iter().map(|course| (course.new, course.kept)).collect();
    assert_eq!(sizes, [(2, 18), (2, 18), (0, 20), (0, 20)]);
    let decided: Vec<_> = bad.iter().map(|course| course.decision).collect();
    assert_eq!(decided, [None, None, Some(ReleaseDecision::Abort), None]);
    for errors in [None, Some(50_000)] {
        let good = courses(&canary(), errors);
        assert!(good.iter().all(|course| course.decision.is_none() && course.new == 2));
    }
}

#[test]
fn users_meet_a_blue_green_release_only_after_its_promotion() {
    let policy = RollbackPolicy::BlueGreen(BlueGreenParams {
        preview_replicas: None,
        auto_promotion_after: Span::ZERO,
        pre_promotion: None,
        post_promotion: None,
        scale_down_delay: Span::from_secs(30),
        abort_scale_down_delay: Span::from_secs(30),
        progress_deadline_abort: false,
    });
    for course in courses(&policy, Some(300_000)) {
        assert_eq!((course.new, course.kept), (20, 20));
        assert_eq!(course.active, Some(PodSpecId(0)));
    }
}
