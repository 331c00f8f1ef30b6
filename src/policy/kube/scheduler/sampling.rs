//! How many nodes are looked at, and from where (`schedule_one.go`, Kubernetes 1.34).

/// Clusters of fewer nodes than this are searched as a whole, and at least so many feasible nodes
/// are looked for.
const MIN_FEASIBLE_NODES: usize = 100;
/// Least percentage of nodes that the adaptive rule looks for.
const MIN_PERCENTAGE: usize = 5;

/// Number of feasible nodes after which the search may stop, among `nodes` nodes; `percentage` 0
/// adapts it to the size of the cluster.
pub(crate) fn feasible_nodes_to_find(percentage: u32, nodes: usize) -> usize {
    if nodes < MIN_FEASIBLE_NODES {
        return nodes;
    }
    let percentage = match percentage {
        0 => 50usize.saturating_sub(nodes / 125).max(MIN_PERCENTAGE),
        fixed => fixed as usize,
    };
    if percentage >= 100 {
        return nodes;
    }
    (nodes * percentage / 100).max(MIN_FEASIBLE_NODES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_specification() {
        for (nodes, percentage, expected) in [
            (10, 0, 10),
            (99, 0, 99),
            (100, 0, 100),
            (250, 0, 120),
            (1000, 0, 420),
            (5000, 0, 500),
            (6000, 0, 300),
            (1000, 40, 400),
            (6000, 40, 2400),
            (300, 10, 100),
            (300, 100, 300),
            (50_000, 0, 2500),
        ] {
            assert_eq!(
                feasible_nodes_to_find(percentage, nodes),
                expected,
                "{nodes} nodes, {percentage} %"
            );
        }
    }
}
