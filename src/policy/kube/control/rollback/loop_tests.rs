//! Releases from their begin to their end: the policy and the sync that follows it, in a loop with
//! a cluster that makes each pod available within a turn, or never.

use super::*;
use crate::ground::{Span, Time};
use crate::model::{DeploymentSpec, ReleaseDecision, ReplicaSetStatus};
use crate::policy::kube::control::{
    DeploymentView, DeploymentWrite, OwnedReplicaSet, sync_on_course,
};

/// Answers without errors.
struct Quiet;

impl MetricsView for Quiet {
    fn error_ppm(&self) -> Option<u32> {
        Some(0)
    }

    fn revision_error_ppm(&self, _: PodSpecId) -> Option<u32> {
        Some(0)
    }

    fn missing_ppm(&self) -> u32 {
        0
    }
}

const TURN: Span = Span::from_secs(5);

struct World {
    spec: DeploymentSpec,
    status: DeploymentStatus,
    sets: Vec<OwnedReplicaSet<'static>>,
    memory: RollbackMemory,
    now: Time,
}

impl World {
    fn new(replicas: u32) -> World {
        World {
            spec: DeploymentSpec::new(replicas, PodSpecId(0)),
            status: DeploymentStatus::default(),
            sets: Vec::new(),
            memory: RollbackMemory::default(),
            now: Time::ZERO,
        }
    }

    /// One sync, after which pods of templates that are not `broken` are available.
    fn turn(&mut self, policy: &RollbackPolicy, broken: PodSpecId) -> Course {
        let World { spec, status, now, .. } = *self;
        let release = ReleaseView { spec: &spec, status: &status, sets: &self.sets, now };
        let course = policy.course(&mut self.memory, &release, &Quiet).unwrap();
        let (generation, deleting) = (1, false);
        let view = DeploymentView { spec, status, generation, deleting, sets: &self.sets };
        let before: u32 = self.sets.iter().map(|set| set.replicas).sum();
        let (sync, had) = (sync_on_course(&view, &course, now), available(&self.sets));
        sync.writes.into_iter().for_each(|write| self.take(write));
        let after: u32 = self.sets.iter().map(|set| set.replicas).sum();
        if let Pace::Within { most, least } = course.pace {
            assert!(after <= most.max(before), "{after} pods of at most {most}");
            let left = available(&self.sets);
            assert!(left >= least.min(had), "{left} available pods of at least {least}");
        }
        for set in &mut self.sets {
            let replicas = set.replicas;
            let available = if set.template == broken { 0 } else { replicas };
            set.status = ReplicaSetStatus { replicas, ready: available, available, observed: 1 };
        }
        self.now += TURN;
        course
    }

    fn turns(&mut self, count: u32, policy: &RollbackPolicy, broken: PodSpecId) {
        for _ in 0..count {
            self.turn(policy, broken);
        }
    }

    fn take(&mut self, write: DeploymentWrite) {
        match write {
            DeploymentWrite::Create(new) => self.sets.push(OwnedReplicaSet {
                name: "",
                created: self.now,
                template: new.template,
                replicas: new.replicas,
                min_ready: new.min_ready,
                revision: Some(new.revision),
                desired: Some(new.desired),
                max: Some(new.max),
                generation: 1,
                deleting: false,
                status: ReplicaSetStatus::default(),
                unfinished_pods: 0,
            }),
            DeploymentWrite::Adopt { set, revision, .. } => {
                self.sets[set].revision = Some(revision);
            }
            DeploymentWrite::Scale { set, resized } => self.sets[set].replicas = resized.to,
            DeploymentWrite::Status(status) => self.status = status,
            // The second status of a sync is a conflict; the next turn makes up for it.
            DeploymentWrite::Refused => {}
            DeploymentWrite::Delete { .. } => panic!("none is old enough: {write:?}"),
        }
    }

    /// Pods of each template.
    fn sizes(&self) -> Vec<u32> {
        self.sets.iter().map(|set| set.replicas).collect()
    }
}

/// Available pods that are not asked to stop.
fn available(sets: &[OwnedReplicaSet<'_>]) -> u32 {
    sets.iter().map(|set| set.status.available.min(set.replicas)).sum()
}

fn canary(weights: &[u32]) -> RollbackPolicy {
    let step = |weight: &u32| CanaryStep { weight: *weight, pause: Span::from_secs(60) };
    RollbackPolicy::Canary(CanaryParams {
        steps: weights.iter().map(step).collect(),
        analysis: None,
        progress_deadline_abort: false,
    })
}

const NONE: PodSpecId = PodSpecId(9);

#[test]
fn canaries_of_any_size_keep_to_the_limits_and_end() {
    for replicas in [1, 2, 3, 4, 7, 10, 25] {
        let policy = canary(&[1, 20, 50, 99]);
        let mut world = World::new(replicas);
        world.turns(5, &policy, NONE);
        assert_eq!(world.sizes(), [replicas]);
        world.spec.template = PodSpecId(1);
        let mut decided = Vec::new();
        for _ in 0..120 {
            decided.extend(world.turn(&policy, NONE).decision);
        }
        assert_eq!(world.sizes(), [0, replicas]);
        let steps = [ReleaseDecision::Step; 4];
        assert_eq!(decided[..4], steps, "{replicas} pods");
        assert_eq!(decided[4..], [ReleaseDecision::Promote], "{replicas} pods");
    }
}

#[test]
fn a_third_revision_takes_the_place_of_a_canary_and_a_rollback_skips_the_steps() {
    let policy = canary(&[30]);
    let mut world = World::new(10);
    world.turns(5, &policy, NONE);
    world.spec.template = PodSpecId(1);
    world.turns(6, &policy, PodSpecId(1));
    assert_eq!(world.sizes(), [8, 3], "two pods may be missing while the canary is not available");
    world.spec.template = PodSpecId(2);
    world.turns(8, &policy, PodSpecId(1));
    assert_eq!(world.sizes(), [7, 0, 3]);
    world.spec.template = PodSpecId(0);
    let back: Vec<_> = (0..8).filter_map(|_| world.turn(&policy, NONE).decision).collect();
    assert_eq!((world.sizes(), back), (vec![10, 0, 0], vec![]));
}

#[test]
fn blue_green_is_promoted_when_all_is_there_and_gives_up_what_stalls() {
    let policy = RollbackPolicy::BlueGreen(BlueGreenParams {
        preview_replicas: Some(2),
        auto_promotion_after: Span::from_secs(30),
        pre_promotion: None,
        post_promotion: None,
        scale_down_delay: Span::from_secs(30),
        abort_scale_down_delay: Span::from_secs(30),
        progress_deadline_abort: true,
    });
    let mut world = World::new(10);
    world.turns(4, &policy, NONE);
    world.spec.template = PodSpecId(1);
    world.turns(3, &policy, NONE);
    assert_eq!(world.sizes(), [10, 2], "a preview first");
    let mut switched = Vec::new();
    for turn in 0..30 {
        let course = world.turn(&policy, NONE);
        switched.extend(course.decision.map(|decision| (turn, decision)));
        let active = if switched.is_empty() { PodSpecId(0) } else { PodSpecId(1) };
        assert_eq!(course.active, Some(active), "turn {turn}");
    }
    assert_eq!(switched, [(6, ReleaseDecision::Promote)]);
    assert_eq!(world.sizes(), [0, 10]);

    world.spec.template = PodSpecId(2);
    let mut given_up = Vec::new();
    for turn in 0..200 {
        let course = world.turn(&policy, PodSpecId(2));
        given_up.extend(course.decision.map(|decision| (turn, decision)));
        assert_eq!(course.active, Some(PodSpecId(1)));
        assert_eq!(world.sizes()[1], 10);
    }
    // Ten minutes after the preview got its pods.
    assert!(matches!(given_up[..], [(120..=125, ReleaseDecision::Abort)]), "{given_up:?}");
    assert_eq!(world.sizes(), [0, 10, 0]);
}
