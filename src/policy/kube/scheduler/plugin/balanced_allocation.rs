//! NodeResourcesBalancedAllocation: prefers nodes whose resources are used to the same degree
//! (`plugins/noderesources/balanced_allocation.go`, Kubernetes 1.34).

use super::normalize::MAX_SCORE;
use super::resource_use::{self, Counting};
use crate::model::NodeId;
use crate::policy::kube::scheduler::framework::Cycle;

/// False for a pod that requests none of the resources: it is not scored.
pub(crate) fn scores(cycle: &Cycle<'_>) -> bool {
    let mut resources = cycle.profile.arguments.balanced_resources.iter();
    resources.any(|resource| resource_use::pod_request(cycle, *resource, Counting::Requested) > 0)
}

/// 100 less the standard deviation of the used fractions in percent.
pub(crate) fn score(cycle: &Cycle<'_>, node: NodeId) -> i64 {
    let resources = cycle.profile.arguments.balanced_resources.iter();
    balance(resources.filter_map(|resource| {
        resource_use::allocatable_and_requested(cycle, node, *resource, Counting::Requested)
    }))
}

/// The score for pairs of allocatable and requested amounts: the same operations in the same
/// order as upstream, because the result is cut to an integer.
fn balance(amounts: impl Iterator<Item = (i64, i64)> + Clone) -> i64 {
    let fractions = amounts.map(|(allocatable, requested)| {
        let fraction = requested as f64 / allocatable as f64;
        if fraction > 1.0 { 1.0 } else { fraction }
    });
    let count = fractions.clone().count();
    let deviation = match count {
        0 | 1 => 0.0,
        2 => {
            let mut pair = fractions;
            let first = pair.next().unwrap_or(0.0);
            let second = pair.next().unwrap_or(0.0);
            ((first - second) / 2.0).abs()
        }
        _ => {
            let total = fractions.clone().fold(0.0, |sum, fraction| sum + fraction);
            let mean = total / count as f64;
            let squares =
                fractions.fold(0.0, |sum, fraction| sum + (fraction - mean) * (fraction - mean));
            (squares / count as f64).sqrt()
        }
    };
    ((1.0 - deviation) * MAX_SCORE as f64) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_specification() {
        for (amounts, expected) in [
            (vec![(4000, 3000), (10_000, 5000)], 87),
            (vec![(10_000, 6000), (20_000, 10_000)], 95),
            (vec![(10_000, 6000), (20_000, 0)], 70),
            (vec![(5000, 6000), (20, 12)], 80),
            (vec![(4000, 3000)], 100),
            (vec![], 100),
            (vec![(10, 0), (10, 5), (10, 10)], 59),
        ] {
            assert_eq!(balance(amounts.iter().copied()), expected, "{amounts:?}");
        }
    }
}
