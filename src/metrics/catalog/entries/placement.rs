//! Metrics of placement.

use super::number;
use crate::metrics::catalog::{Entry, Over};
use crate::metrics::{ResourceResult, Results};

fn resource<'r>(results: &'r Results, name: &str) -> Option<&'r ResourceResult> {
    results.placement.resources.iter().find(|resource| resource.name == name)
}

pub(super) const ENTRIES: &[Entry] = &[
    number(
        "placement.allocation_ratio.{resource}.mean",
        "ratio",
        "Mean over time of requests of bound pods over the capacity of the nodes that count.",
        |r, key| resource(r, key).map(|x| x.allocation.mean),
    )
    .over(Over::Resources),
    number(
        "placement.allocation_ratio.{resource}.peak",
        "ratio",
        "Highest sample of requests of bound pods over the capacity of the nodes that count.",
        |r, key| resource(r, key).map(|x| x.allocation.peak),
    )
    .over(Over::Resources),
    number(
        "placement.allocation_ratio.{resource}.end",
        "ratio",
        "At the end of the run: requests of bound pods over the capacity of the nodes that \
         count.",
        |r, key| resource(r, key).map(|x| x.allocation.end),
    )
    .over(Over::Resources),
    number(
        "placement.imbalance.{resource}.standard_deviation.mean",
        "ratio",
        "Standard deviation of the nodes' allocation ratios, mean over the samples.",
        |r, key| resource(r, key).map(|x| x.imbalance.standard_deviation),
    )
    .over(Over::Resources),
    number(
        "placement.imbalance.{resource}.standard_deviation.end",
        "ratio",
        "Standard deviation of the nodes' allocation ratios at the end of the run.",
        |r, key| resource(r, key).map(|x| x.imbalance_end.standard_deviation),
    )
    .over(Over::Resources),
    number(
        "placement.imbalance.{resource}.range.mean",
        "ratio",
        "Largest less smallest of the nodes' allocation ratios, mean over the samples.",
        |r, key| resource(r, key).map(|x| x.imbalance.range),
    )
    .over(Over::Resources),
    number(
        "placement.imbalance.{resource}.range.end",
        "ratio",
        "Largest less smallest of the nodes' allocation ratios at the end of the run.",
        |r, key| resource(r, key).map(|x| x.imbalance_end.range),
    )
    .over(Over::Resources),
    number(
        "placement.imbalance.{resource}.gini.mean",
        "ratio",
        "Gini coefficient of the nodes' allocation ratios, mean over the samples.",
        |r, key| resource(r, key).map(|x| x.imbalance.gini),
    )
    .over(Over::Resources),
    number(
        "placement.imbalance.{resource}.gini.end",
        "ratio",
        "Gini coefficient of the nodes' allocation ratios at the end of the run.",
        |r, key| resource(r, key).map(|x| x.imbalance_end.gini),
    )
    .over(Over::Resources),
    number(
        "placement.stranded_ratio.{resource}.mean",
        "ratio",
        "Idle capacity that no typical pod can use because another resource of its node is \
         short, over capacity, mean over the samples.",
        |r, key| resource(r, key).map(|x| x.stranded.mean),
    )
    .over(Over::Resources),
    number(
        "placement.stranded_ratio.{resource}.peak",
        "ratio",
        "Idle capacity that no typical pod can use because another resource of its node is \
         short, over capacity, highest sample.",
        |r, key| resource(r, key).map(|x| x.stranded.peak),
    )
    .over(Over::Resources),
    number(
        "placement.stranded_ratio.{resource}.end",
        "ratio",
        "Idle capacity that no typical pod can use because another resource of its node is \
         short, over capacity, at the end of the run.",
        |r, key| resource(r, key).map(|x| x.stranded.end),
    )
    .over(Over::Resources),
    number(
        "placement.capacity.{resource}",
        "cores, bytes, devices, slots or units",
        "Capacity of the nodes that count at the end of the run.",
        |r, key| resource(r, key).map(|x| x.capacity),
    )
    .over(Over::Resources),
    number(
        "placement.fragmentation.mean",
        "devices",
        "Idle devices that typical pods cannot use, mean over the samples.",
        |r, _| r.placement.fragmentation.map(|x| x.amount.mean),
    ),
    number(
        "placement.fragmentation_ratio.mean",
        "ratio",
        "Idle devices that typical pods cannot use over idle devices, mean over the samples.",
        |r, _| r.placement.fragmentation.map(|x| x.ratio.mean),
    ),
    number(
        "placement.fragmentation.peak",
        "devices",
        "Idle devices that typical pods cannot use, highest sample.",
        |r, _| r.placement.fragmentation.map(|x| x.amount.peak),
    ),
    number(
        "placement.fragmentation_ratio.peak",
        "ratio",
        "Idle devices that typical pods cannot use over idle devices, highest sample.",
        |r, _| r.placement.fragmentation.map(|x| x.ratio.peak),
    ),
    number(
        "placement.fragmentation.end",
        "devices",
        "Idle devices that typical pods cannot use, at the end of the run.",
        |r, _| r.placement.fragmentation.map(|x| x.amount.end),
    ),
    number(
        "placement.fragmentation_ratio.end",
        "ratio",
        "Idle devices that typical pods cannot use over idle devices, at the end of the run.",
        |r, _| r.placement.fragmentation.map(|x| x.ratio.end),
    ),
    number(
        "placement.pod_density.mean",
        "pods per node",
        "Pods held per node that counts, mean over time.",
        |r, _| Some(r.placement.density.mean),
    ),
    number(
        "placement.pod_density.peak",
        "pods per node",
        "Pods held per node that counts, highest sample.",
        |r, _| Some(r.placement.density.peak),
    ),
    number(
        "placement.pod_density.end",
        "pods per node",
        "Pods held per node that counts, at the end of the run.",
        |r, _| Some(r.placement.density.end),
    ),
    number(
        "placement.nodes.mean",
        "nodes",
        "Nodes that joined and are ready as far as the store knows, mean over time.",
        |r, _| Some(r.placement.nodes.mean),
    ),
    number(
        "placement.nodes.peak",
        "nodes",
        "Nodes that joined and are ready as far as the store knows, most for some time.",
        |r, _| Some(r.placement.nodes.peak),
    ),
    number(
        "placement.nodes.end",
        "nodes",
        "Nodes that joined and are ready as far as the store knows, at the end of the run.",
        |r, _| Some(r.placement.nodes.end),
    ),
];
