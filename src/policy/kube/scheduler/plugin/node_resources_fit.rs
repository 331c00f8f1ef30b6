//! NodeResourcesFit: does the pod fit, and how well does the node fill
//! (`plugins/noderesources/{fit,least_allocated,most_allocated,requested_to_capacity_ratio}.go`,
//! Kubernetes 1.34).
//!
//! Devices of the device model are not looked at here; the plugin Devices does.

use super::normalize::MAX_SCORE;
use super::resource_use::{self, Counting};
use crate::ground::Name;
use crate::model::{Code, NodeId, NodeSpec, PodSpec, Reason, Resource};
use crate::policy::kube::scheduler::event::Event;
use crate::policy::kube::scheduler::framework::{Cycle, NodeFacts, Reasons, Room};
use crate::policy::kube::scheduler::profile::{Arguments, Strategy};

/// Refuses a node where a request exceeds what is left: for good if it exceeds what the node has.
pub(crate) fn filter(cycle: &Cycle<'_>, room: Room<'_>, reasons: &mut Reasons) -> Option<Code> {
    let usage = room.usage;
    let spec = cycle.view.node_spec(room.node, cycle.catalog);
    let mut code = None;
    if usage.pods >= spec.pods {
        reasons.push(Reason::TooManyPods);
        code = Some(Code::Unschedulable);
    }
    let mut check = |resource, request: u64, requested: u64, allocatable: u64| {
        if request > 0 && request > allocatable.saturating_sub(requested) {
            reasons.push(Reason::Insufficient(resource));
            if request > allocatable {
                code = Some(Code::UnschedulableAndUnresolvable);
            } else {
                code.get_or_insert(Code::Unschedulable);
            }
        }
    };
    let (wanted, offer) = (&cycle.spec.requests, &spec.allocatable);
    check(Resource::Cpu, wanted.cpu.0, usage.cpu, offer.cpu.0);
    check(Resource::Memory, wanted.memory.0, usage.memory, offer.memory.0);
    check(
        Resource::EphemeralStorage,
        wanted.ephemeral_storage.0,
        usage.ephemeral_storage,
        offer.ephemeral_storage.0,
    );
    for (name, request) in wanted.extended.iter() {
        if !is_ignored(cycle, name) {
            let requested = room.holds.extended.get(name);
            check(Resource::Extended(name), request, requested, offer.extended.get(name));
        }
    }
    code
}

fn is_ignored(cycle: &Cycle<'_>, name: Name) -> bool {
    let arguments = &cycle.profile.arguments;
    if arguments.ignored_resources.is_empty() && arguments.ignored_resource_groups.is_empty() {
        return false;
    }
    let text = |name| cycle.catalog.names.text(name);
    is_extended(text(name))
        && (arguments.ignored_resources.contains(&name)
            || text(name).split_once('/').is_some_and(|(group, _)| {
                arguments.ignored_resource_groups.iter().any(|ignored| text(*ignored) == group)
            }))
}

/// True for a resource outside of Kubernetes' own names (core/v1 `IsExtendedResourceName`).
fn is_extended(name: &str) -> bool {
    name.contains('/') && !name.contains("kubernetes.io/") && !name.starts_with("requests.")
}

/// The weighted mean of the scores of the resources.
pub(crate) fn score(cycle: &Cycle<'_>, node: NodeId) -> i64 {
    let arguments = &cycle.profile.arguments;
    weighted_mean(arguments, |resource| {
        resource_use::allocatable_and_requested(cycle, node, resource, Counting::WithDefaults)
    })
}

fn weighted_mean(arguments: &Arguments, amounts: impl Fn(Resource) -> Option<(i64, i64)>) -> i64 {
    let (mut sum, mut weights) = (0, 0);
    for weighted in &arguments.fit_resources {
        let Some((allocatable, requested)) = amounts(weighted.resource) else { continue };
        let score = match &arguments.fit_strategy {
            Strategy::LeastAllocated if requested > allocatable => 0,
            Strategy::LeastAllocated => (allocatable - requested) * MAX_SCORE / allocatable,
            Strategy::MostAllocated => requested.min(allocatable) * MAX_SCORE / allocatable,
            Strategy::RequestedToCapacityRatio(shape) => {
                let used =
                    if requested > allocatable { 100 } else { requested * 100 / allocatable };
                match along(shape, used) {
                    ..=0 => continue,
                    score => score,
                }
            }
        };
        sum += score * weighted.weight;
        weights += weighted.weight;
    }
    match &arguments.fit_strategy {
        _ if weights == 0 => 0,
        Strategy::RequestedToCapacityRatio(_) => (sum as f64 / weights as f64).round() as i64,
        Strategy::LeastAllocated | Strategy::MostAllocated => sum / weights,
    }
}

/// The value at `x` of the broken line through the points, level beyond its ends.
fn along(shape: &[(i64, i64)], x: i64) -> i64 {
    let Some(at) = shape.iter().position(|(end, _)| x <= *end) else {
        return shape.last().map_or(0, |(_, y)| *y);
    };
    let (x1, y1) = shape[at];
    match at.checked_sub(1).map(|before| shape[before]) {
        None => y1,
        Some((x0, y0)) => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
    }
}

/// The end of any pod helps, and a node on which the pod fits alone if it is new or has more of
/// something that the pod asks for. Ignored resources are not ignored here, as upstream.
pub(crate) fn helps(event: &Event<'_>, spec: &PodSpec) -> bool {
    match event {
        Event::PodGone(_) => true,
        Event::NodeAdded(node) => fits_alone(spec, node.spec),
        Event::NodeChanged { old, new, .. } => fits_alone(spec, new.spec) && grew(spec, old, new),
        _ => false,
    }
}

fn fits_alone(pod: &PodSpec, node: &NodeSpec) -> bool {
    let (wanted, offer) = (&pod.requests, &node.allocatable);
    node.pods >= 1
        && wanted.cpu <= offer.cpu
        && wanted.memory <= offer.memory
        && wanted.ephemeral_storage <= offer.ephemeral_storage
        && wanted.extended.iter().all(|(name, amount)| amount <= offer.extended.get(name))
}

fn grew(pod: &PodSpec, old: &NodeFacts<'_>, new: &NodeFacts<'_>) -> bool {
    let (before, after) = (&old.spec.allocatable, &new.spec.allocatable);
    let wanted = &pod.requests;
    new.spec.pods > old.spec.pods
        || (wanted.cpu.0 > 0 && after.cpu > before.cpu)
        || (wanted.memory.0 > 0 && after.memory > before.memory)
        || (wanted.ephemeral_storage.0 > 0 && after.ephemeral_storage > before.ephemeral_storage)
        || wanted
            .extended
            .iter()
            .any(|(name, _)| after.extended.get(name) > before.extended.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Names;
    use crate::policy::kube::scheduler::profile::Profile;

    const MIB: i64 = 1024 * 1024;

    fn score(strategy: Strategy, cpu: (i64, i64), memory: (i64, i64)) -> i64 {
        let mut arguments = Profile::default_for("s", &mut Names::new()).arguments;
        arguments.fit_strategy = strategy;
        weighted_mean(&arguments, |resource| match resource {
            Resource::Cpu => Some(cpu),
            _ => Some(memory),
        })
    }

    #[test]
    fn numbers_of_the_specification() {
        let (least, most) = (Strategy::LeastAllocated, Strategy::MostAllocated);
        let falling = Strategy::RequestedToCapacityRatio(vec![(0, 100), (100, 0)]);
        let rising = Strategy::RequestedToCapacityRatio(vec![(0, 0), (100, 100)]);
        for (strategy, cpu, memory, expected) in [
            (&least, (4000, 3000), (10_000, 5000), 37),
            (&least, (6000, 3000), (10_000, 5000), 50),
            (&most, (4000, 3000), (10_000, 5000), 62),
            (&most, (6000, 3000), (10_000, 5000), 50),
            (&falling, (4000, 5000), (10_000, 9000), 10),
            (&falling, (6000, 4000), (10_000, 7000), 32),
            (&rising, (4000, 5000), (10_000, 9000), 95),
            (&rising, (6000, 4000), (10_000, 7000), 68),
            (&least, (4000, 5000), (10_000, 10_001), 0),
            (&most, (4000, 5000), (10_000, 10_001), 100),
            // Pods without requests on 4 cores and 8 GiB: the first and the fourth.
            (&least, (4000, 100), (8192 * MIB, 200 * MIB), 97),
            (&least, (4000, 400), (8192 * MIB, 800 * MIB), 90),
        ] {
            let got = score(strategy.clone(), cpu, memory);
            assert_eq!(got, expected, "{strategy:?} {cpu:?} {memory:?}");
        }
    }

    #[test]
    fn broken_lines() {
        let shape = [(20, 100), (40, 20), (80, 60)];
        for (x, y) in [(0, 100), (20, 100), (30, 60), (40, 20), (41, 21), (80, 60), (100, 60)] {
            assert_eq!(along(&shape, x), y, "at {x}");
        }
    }

    #[test]
    fn names_outside_of_kubernetes() {
        for (name, extended) in [
            ("example.com/foo", true),
            ("hugepages-2Mi", false),
            ("cpu", false),
            ("kubernetes.io/x", false),
            ("sub.kubernetes.io/x", false),
            ("requests.example.com/foo", false),
        ] {
            assert_eq!(is_extended(name), extended, "{name}");
        }
    }
}
