//! Sizes of the two revisions of a canary without a traffic router: the share of pods is the share
//! of requests.
//!
//! Source: `approximateWeightedCanaryStableReplicaCounts` and
//! `CalculateReplicaCountsForBasicCanary` of `utils/replicaset/canary.go`, Argo Rollouts 1.8.

/// The pods of the canary and of the stable revision whose share is nearest to a weight in percent.
/// Together they are `replicas`, or one more where pods may be added and that comes nearer. Below
/// 100 % and above 0 % neither revision is without pods, as far as there are two.
pub(super) fn weighted_sizes(replicas: u32, weight: u32, surge: u32) -> (u32, u32) {
    if replicas == 0 {
        return (0, 0);
    }
    let share = u64::from(replicas) * u64::from(weight);
    let size = |pods: u64| u32::try_from(pods).expect("a share of the pods is no more than all");
    let (ceiling, floor) = (size(share.div_ceil(100)), size(share / 100));
    let may_be_zero = weight == 0 || weight == 100 || (replicas == 1 && surge == 0);
    let floor_fits = |total: u32| !is_tied(weight, total) && (floor != 0 || may_be_zero);
    let mut options = Vec::with_capacity(4);
    if ceiling < replicas || may_be_zero {
        options.push((ceiling, replicas));
    }
    if floor_fits(replicas) {
        options.push((floor, replicas));
    }
    if surge > 0 {
        options.push((ceiling, replicas + 1));
        if floor_fits(replicas + 1) {
            options.push((floor, replicas + 1));
        }
    }
    let distance = |(canary, total): (u32, u32)| {
        let actual = f64::from(canary) * 100.0 / f64::from(total);
        (actual - f64::from(weight)).abs()
    };
    // The first of those that are equally near.
    let nearest = options
        .into_iter()
        .reduce(|best, option| if distance(option) < distance(best) { option } else { best });
    nearest.map_or((0, replicas), |(canary, total)| (canary, total - canary))
}

/// True if the numbers above and below a share are equally far from it: the greater is taken.
fn is_tied(weight: u32, total: u32) -> bool {
    let share = f64::from(total) * (f64::from(weight) / 100.0);
    share.fract() == 0.5
}

/// A ReplicaSet as its scaling sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetSize {
    /// Pods that it is to have.
    pub replicas: u32,
    /// Available pods that it has.
    pub available: u32,
    /// Pods that it is to have in the end.
    pub goal: u32,
}

impl SetSize {
    /// Pods that stand against the fewest that have to stay. Of the set that is drained those that
    /// are not available count too, or they would keep it from shrinking.
    fn counted(&self, available_only: bool) -> i64 {
        let pods = if available_only { self.available } else { self.replicas };
        i64::from(pods.min(self.replicas))
    }
}

/// How far the sets of a canary may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanaryLimits {
    /// Most pods of all sets together.
    pub most: u32,
    /// Fewest available pods.
    pub least: u32,
    /// Pods of older revisions, which have to go first.
    pub older: u32,
}

/// The next sizes of the set of the present template and of the stable one, if that is another.
pub fn next_sizes(new: SetSize, stable: Option<SetSize>, limits: CanaryLimits) -> (u32, u32) {
    let wide = i64::from;
    let (mut to_new, mut to_stable) = (wide(new.replicas), 0);
    let total = to_new + wide(limits.older) + stable.map_or(0, |stable| wide(stable.replicas));
    let mut room = (wide(limits.most) - total).max(0);
    if let Some(stable) = stable {
        let more = (wide(stable.goal) - wide(stable.replicas)).clamp(0, room);
        to_stable = wide(stable.replicas) + more;
        room -= more;
    }
    to_new += (wide(new.goal) - wide(new.replicas)).clamp(0, room);
    if limits.older == 0 {
        let grows = new.goal >= new.replicas;
        let counted = new.counted(grows) + stable.map_or(0, |stable| stable.counted(!grows));
        let spare = counted - wide(limits.least);
        let limits = (wide(limits.most), wide(limits.least));
        match stable {
            _ if spare <= 0 => {}
            Some(stable) if grows => {
                let drained = shrunk(&stable, spare, to_stable);
                (to_stable, to_new) = within((&stable, drained), Some((&new, to_new)), limits);
            }
            None if grows => {}
            stable => {
                let drained = shrunk(&new, spare, to_new);
                let kept = stable.as_ref().map(|stable| (stable, to_stable));
                (to_new, to_stable) = within((&new, drained), kept, limits);
            }
        }
    }
    let size = |pods: i64| u32::try_from(pods.max(0)).unwrap_or(u32::MAX);
    (size(to_new), size(to_stable))
}

/// The size of a set that gives up to `spare` pods on the way to its goal.
fn shrunk(set: &SetSize, spare: i64, otherwise: i64) -> i64 {
    if set.replicas <= set.goal {
        return otherwise;
    }
    i64::from(set.goal).max(i64::from(set.replicas) - spare)
}

/// Takes from the set that is kept, and then from the one that is drained, what is too much for
/// both together, as far as enough stay available.
fn within(
    (drained, mut to_drained): (&SetSize, i64),
    kept: Option<(&SetSize, i64)>,
    (most, least): (i64, i64),
) -> (i64, i64) {
    let Some((kept, mut to_kept)) = kept else { return (to_drained, 0) };
    let (available, kept_available) = (i64::from(drained.available), i64::from(kept.available));
    to_kept -= (to_kept + to_drained - most).max(0);
    let stay = available.min(to_drained) + kept_available.min(to_kept);
    let lost = (kept_available - to_kept).max(0);
    to_kept += lost.min((least - stay).max(0));
    to_drained -= (to_kept + to_drained - most).max(0);
    (to_drained, to_kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_share_may_take_one_pod_more() {
        for (replicas, weight, surge, sizes) in [
            (20, 5, 0, (1, 19)),
            (10, 25, 0, (3, 7)),
            (10, 1, 0, (1, 9)),
            (10, 99, 0, (9, 1)),
            (7, 50, 0, (4, 3)),
            (10, 0, 3, (0, 10)),
            (10, 100, 3, (10, 0)),
            // 1 of 5 is 20 %, 1 of 4 is 25 %.
            (4, 10, 1, (1, 4)),
            (5, 1, 2, (1, 5)),
            (5, 20, 2, (1, 4)),
            // 2 of 4 or 3 of 6 is half; 2 of 5 and 3 of 5 are not.
            (5, 50, 2, (3, 3)),
            // 3 of 11 is 27.3 %, 3 of 10 is 30 %.
            (10, 25, 1, (3, 8)),
            (10, 18, 1, (2, 9)),
            (10, 99, 1, (10, 1)),
            (1, 10, 1, (1, 1)),
            (1, 10, 0, (0, 1)),
            (0, 50, 1, (0, 0)),
        ] {
            assert_eq!(
                weighted_sizes(replicas, weight, surge),
                sizes,
                "{replicas} {weight} {surge}"
            );
        }
    }

    fn step(
        (new, stable): ((u32, u32, u32), (u32, u32, u32)),
        (most, least, older): (u32, u32, u32),
    ) -> (u32, u32) {
        let set = |(replicas, available, goal)| SetSize { replicas, available, goal };
        let limits = CanaryLimits { most, least, older };
        next_sizes(set(new), Some(set(stable)), limits)
    }

    #[test]
    fn sets_grow_and_shrink_within_the_limits() {
        for (sets, limits, sizes) in [
            // The examples that upstream gives for 10 pods, in both of their directions.
            (((0, 0, 1), (10, 10, 9)), (11, 9, 0), (1, 9)),
            (((0, 0, 3), (10, 10, 7)), (13, 10, 0), (3, 10)),
            (((0, 0, 3), (10, 10, 7)), (10, 5, 0), (0, 7)),
            (((3, 3, 3), (10, 10, 7)), (13, 10, 0), (3, 7)),
            // Canary pods that are not available do not count for those of the stable revision.
            (((3, 0, 3), (10, 10, 7)), (13, 10, 0), (3, 10)),
            // Giving up: the stable set grows first; pods of the canary go however they are.
            (((3, 0, 0), (7, 7, 10)), (13, 8, 0), (1, 10)),
            (((1, 0, 0), (10, 10, 10)), (13, 8, 0), (0, 10)),
            (((5, 5, 0), (5, 5, 10)), (10, 10, 0), (5, 5)),
            (((5, 5, 0), (5, 5, 10)), (10, 8, 0), (3, 5)),
            // Pods of older revisions go first.
            (((2, 2, 2), (10, 10, 8)), (14, 8, 2), (2, 10)),
        ] {
            assert_eq!(step(sets, limits), sizes, "{sets:?} {limits:?}");
        }
    }

    #[test]
    fn without_another_stable_set_the_present_one_takes_all() {
        let limits = CanaryLimits { most: 13, least: 8, older: 0 };
        let new = SetSize { replicas: 4, available: 4, goal: 10 };
        assert_eq!(next_sizes(new, None, limits), (10, 0));
        let scaled_down = SetSize { replicas: 10, available: 10, goal: 9 };
        assert_eq!(next_sizes(scaled_down, None, limits), (9, 0));
    }
}
