//! Numbers of the specification: fenceposts, sizes, whole rollouts, resizing.

use super::*;
use IntOrPercent::{Int, Percent};

fn posts(surge: IntOrPercent, unavailable: IntOrPercent, replicas: u32) -> (u32, u32) {
    let spec = DeploymentSpec {
        strategy: rolling(surge, unavailable),
        ..DeploymentSpec::new(replicas, PodSpecId(0))
    };
    let Fenceposts { surge, unavailable } = Fenceposts::of(&spec);
    (surge, unavailable)
}

#[test]
fn fenceposts_of_the_specification() {
    for (replicas, resolved) in [
        (1, (1, 0)),
        (2, (1, 0)),
        (3, (1, 0)),
        (4, (1, 1)),
        (5, (2, 1)),
        (7, (2, 1)),
        (10, (3, 2)),
        (11, (3, 2)),
        (100, (25, 25)),
    ] {
        assert_eq!(posts(Percent(25), Percent(25), replicas), resolved, "{replicas}");
    }
    for (surge, unavailable, replicas, resolved) in [
        (Percent(39), Percent(39), 10, (4, 3)),
        (Int(0), Int(0), 10, (0, 1)),
        (Int(0), Percent(0), 3, (0, 1)),
        (Int(1), Int(10), 5, (1, 5)),
        (Int(1), Int(10), 0, (1, 0)),
        (Int(0), Percent(39), 10, (0, 3)),
        (Percent(39), Int(0), 10, (4, 0)),
        (Int(0), Percent(100), 5, (0, 5)),
        (Int(0), Percent(50), 10, (0, 5)),
    ] {
        assert_eq!(posts(surge, unavailable, replicas), resolved, "{surge:?} {unavailable:?}");
    }
}

#[test]
fn the_new_set_grows_into_what_is_left() {
    for (surge, old, new, sized) in
        [(2, 10, 0, 2), (2, 5, 0, 7), (2, 10, 2, 2), (2, 2, 11, 10), (0, 10, 0, 0)]
    {
        let mut lab = Lab::new(10, numbers(surge, 0), &[(old, 0), (new, 0)]);
        // Nothing of the old set may go, so only the new one is scaled.
        lab.sets[0].status.available = old;
        let writes = scaled(&lab.sync());
        let expected: Vec<_> = if new == sized { vec![] } else { vec![(1, new, sized)] };
        let of_new: Vec<_> = writes.into_iter().filter(|(place, ..)| *place == 1).collect();
        assert_eq!(of_new, expected, "surge {surge}, old {old}, new {new}");
    }
}

#[test]
fn old_sets_shrink_as_far_as_availability_allows() {
    // Old pods, those available, new pods, those available, and the old size after one sync.
    for (old, available, new, new_available, sized) in
        [(10, 10, 0, 0, 8), (10, 8, 0, 0, 8), (10, 9, 0, 0, 8), (8, 8, 2, 0, 8)]
    {
        let sets = [(old, available), (new, new_available)];
        let mut lab = Lab::new(10, numbers(0, 2), &sets);
        lab.sync();
        assert_eq!(lab.sizes(), (new, sized), "{sets:?}");
    }
}

#[test]
fn an_old_set_whose_pods_still_go_stops_the_step() {
    let mut lab = Lab::new(10, numbers(3, 2), &[(3, 5), (5, 5), (5, 5)]);
    assert_eq!(scaled(&lab.sync()), [], "the first has more available pods than it is to have");
    lab.sets[0].status.available = 3;
    assert_eq!(scaled(&lab.sync()), [(0, 3, 0), (1, 5, 3)]);
}

/// Syncs and lets pods follow until nothing moves, with all pods available after each stretch; the
/// sizes of the new set and the old ones, each time they changed.
fn rollout(replicas: u32, strategy: RolloutStrategy) -> Vec<(u32, u32)> {
    let mut lab = Lab::new(replicas, strategy, &[(replicas, replicas)]);
    lab.settle();
    lab.change(|spec| spec.template = PodSpecId(7));
    let mut sizes = vec![lab.sizes()];
    for _ in 0..30 {
        loop {
            let (_, old) = lab.sizes();
            let writes = lab.sync();
            for write in &writes {
                if let DeploymentWrite::Create(new) = write
                    && new.replicas > 0
                {
                    sizes.push((new.replicas, old));
                }
            }
            if sizes.last() != Some(&lab.sizes()) {
                sizes.push(lab.sizes());
            }
            lab.pods_follow();
            if writes.is_empty() {
                break;
            }
        }
        lab.pods_become_available();
    }
    assert_eq!(lab.reason(), Some(ProgressReason::NewReplicaSetAvailable));
    sizes
}

#[test]
fn whole_rollouts_of_the_specification() {
    assert_eq!(
        rollout(10, RolloutStrategy::default()),
        [(0, 10), (3, 10), (3, 8), (5, 8), (5, 3), (10, 3), (10, 0)]
    );
    assert_eq!(rollout(3, numbers(1, 0)), [(0, 3), (1, 3), (1, 2), (2, 2), (2, 1), (3, 1), (3, 0)]);
    assert_eq!(
        rollout(10, numbers(0, 2)),
        [(0, 10), (0, 8), (2, 8), (2, 6), (4, 6), (4, 4), (6, 4), (6, 2), (8, 2), (8, 0), (10, 0)]
    );
    assert_eq!(rollout(4, RolloutStrategy::Recreate), [(0, 4), (0, 0), (4, 0)]);
}

/// What sizes become when the Deployment is resized; the new set comes last.
fn resized(from: u32, to: u32, surge: (u32, u32), sizes: &[u32]) -> Vec<u32> {
    let sets: Vec<(u32, u32)> = sizes.iter().map(|size| (*size, 0)).collect();
    let mut lab = Lab::new(from, numbers(surge.0, 1), &sets);
    lab.change(|spec| {
        spec.replicas = to;
        spec.strategy = numbers(surge.1, 1);
    });
    lab.sync();
    assert!(lab.sets.iter().filter(|set| set.replicas > 0).all(|set| set.desired == Some(to)));
    lab.sets.iter().map(|set| set.replicas).collect()
}

#[test]
fn several_sets_share_what_a_resize_brings() {
    assert_eq!(resized(5, 10, (0, 0), &[3, 2]), [6, 4]);
    assert_eq!(resized(7, 10, (0, 0), &[2, 3, 2]), [3, 4, 3]);
    assert_eq!(resized(10, 20, (2, 2), &[6, 6]), [11, 11]);
    assert_eq!(resized(10, 50, (3, 6), &[8, 5]), [34, 22]);
    assert_eq!(resized(3, 2, (0, 0), &[1, 1, 1]), [0, 1, 1]);
    assert_eq!(resized(5, 0, (0, 0), &[3, 2]), [0, 0]);
    assert_eq!(resized(4, 9, (0, 0), &[0, 4]), [0, 9], "a single one takes everything");
}

#[test]
fn without_the_annotation_the_present_size_is_the_base() {
    let mut lab = Lab::new(5, numbers(0, 1), &[(3, 0), (2, 0)]);
    lab.sets[0].max = None;
    lab.change(|spec| spec.replicas = 10);
    lab.sync();
    assert_eq!(lab.sizes(), (4, 6));
}

#[test]
fn a_saturated_set_ends_the_rollout_even_while_paused() {
    let mut lab = Lab::new(5, numbers(1, 0), &[(1, 1), (5, 5)]);
    lab.change(|spec| spec.paused = true);
    lab.settle();
    assert_eq!(lab.sizes(), (5, 0));
}

#[test]
fn a_paused_deployment_is_resized_and_does_not_roll() {
    let mut lab = Lab::new(4, numbers(1, 0), &[(4, 4)]);
    lab.settle();
    lab.change(|spec| {
        spec.paused = true;
        spec.template = PodSpecId(7);
        spec.replicas = 6;
    });
    lab.settle();
    assert_eq!((lab.sets.len(), lab.sizes()), (1, (0, 6)));
    lab.pods_follow();
    lab.pods_become_available();
    lab.change(|spec| spec.paused = false);
    lab.settle();
    assert_eq!(lab.sizes(), (1, 6));
}

#[test]
fn recreate_waits_for_the_last_old_pod() {
    let mut lab = Lab::new(3, RolloutStrategy::Recreate, &[(3, 3)]);
    lab.settle();
    lab.change(|spec| spec.template = PodSpecId(7));
    lab.settle();
    assert_eq!(lab.sizes(), (0, 0));
    lab.sets[0].status = ReplicaSetStatus { observed: 1, ..ReplicaSetStatus::default() };
    lab.sets[0].unfinished_pods = 1;
    lab.settle();
    assert_eq!(lab.sets.len(), 1, "a pod that is asked to stop is still there");
    lab.sets[0].unfinished_pods = 0;
    lab.settle();
    assert_eq!(lab.sizes(), (3, 0));
}

#[test]
fn history_keeps_the_greatest_revisions() {
    let sets = [(0, 0), (0, 0), (0, 0), (0, 0), (3, 3)];
    let mut lab = Lab::new(3, numbers(1, 0), &sets);
    lab.spec.history_limit = 2;
    // Its controller has not seen its last change: it stays, and no other goes instead.
    lab.sets[1].generation = 2;
    lab.settle();
    lab.pods_follow();
    let left: Vec<_> = lab.sets.iter().map(|set| set.revision.unwrap()).collect();
    assert_eq!(left, [2, 3, 4, 5]);
    lab.settle();
    let left: Vec<_> = lab.sets.iter().map(|set| set.revision.unwrap()).collect();
    assert_eq!(left, [3, 4, 5], "now its controller has seen it");
}

#[test]
fn undo_goes_back_to_the_second_greatest_revision() {
    let mut lab = Lab::new(3, numbers(1, 0), &[(0, 0), (0, 0), (3, 3)]);
    let view = lab.view();
    assert_eq!(undo_rollout(&view, None), Ok(PodSpecId(1)));
    assert_eq!(undo_rollout(&view, Some(1)), Ok(PodSpecId(0)));
    assert_eq!(undo_rollout(&view, Some(3)), Err(NotUndone::SameTemplate(3)));
    assert_eq!(undo_rollout(&view, Some(9)), Err(NotUndone::NoSuchRevision(9)));
    let alone = Lab::new(3, numbers(1, 0), &[(3, 3)]);
    assert_eq!(undo_rollout(&alone.view(), None), Err(NotUndone::NoHistory));
    lab.spec.paused = true;
    assert_eq!(undo_rollout(&lab.view(), None), Err(NotUndone::Paused));
}

#[test]
fn a_set_that_is_used_again_gets_the_greatest_revision() {
    let mut lab = Lab::new(3, numbers(1, 0), &[(0, 0), (3, 3)]);
    lab.settle();
    lab.change(|spec| spec.template = PodSpecId(0));
    let adopted =
        DeploymentWrite::Adopt { set: 0, revision: 3, former: Some(1), min_ready: Span::ZERO };
    // The look for a resize numbers the set; the rollout after it still holds the old copy.
    assert_eq!(lab.sync(), [adopted, DeploymentWrite::Refused]);
    assert_eq!(lab.next, NextLook::Retry);
    lab.settle();
    assert_eq!((lab.sizes(), lab.status.revision), ((1, 3), 3));
}

#[test]
fn another_min_ready_reaches_the_set() {
    let mut lab = Lab::new(3, numbers(1, 0), &[(3, 3)]);
    lab.settle();
    lab.change(|spec| spec.min_ready = Span::from_secs(5));
    lab.settle();
    assert_eq!(lab.sets[0].min_ready, Span::from_secs(5));
    assert_eq!((lab.sets[0].revision, lab.sizes()), (Some(1), (3, 0)));
}

#[test]
fn the_oldest_set_of_a_template_is_the_new_one() {
    let mut lab = Lab::new(3, numbers(1, 0), &[(0, 0), (3, 3)]);
    lab.sets[0].template = lab.spec.template;
    lab.settle();
    assert_eq!(lab.sets[0].revision, Some(3));
    assert_eq!((lab.sets[0].replicas, lab.sets[1].replicas), (1, 3));
}
