//! Which pods a kubelet stops so that a critical one fits.
//!
//! Source: `pkg/kubelet/preemption/preemption.go`, Kubernetes 1.34.

use super::{CRITICAL_PRIORITY, Qos, Rejection};
use crate::model::{Amounts, Resource};

/// A pod that runs on the node.
#[derive(Debug, Clone, Copy)]
pub struct RunningPod<'a> {
    /// Priority.
    pub priority: i32,
    /// Static or a mirror of one.
    pub is_static: bool,
    /// Quality of service.
    pub qos: Qos,
    /// What it requests.
    pub requests: &'a Amounts,
}

impl RunningPod<'_> {
    fn is_critical(&self) -> bool {
        self.is_static || self.priority >= CRITICAL_PRIORITY
    }

    fn request(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Cpu => self.requests.cpu.0,
            Resource::Memory => self.requests.memory.0,
            Resource::EphemeralStorage => self.requests.ephemeral_storage.0,
            Resource::Pods => 1,
            Resource::Device => 0,
            Resource::Extended(name) => self.requests.extended.get(name),
        }
    }
}

/// What speaks against a critical pod for good: everything but resources, which it can take from
/// others.
pub fn lasting_failures(failures: &[Rejection]) -> Vec<Rejection> {
    let lasting = |failure: &&Rejection| !matches!(failure, Rejection::OutOf(..));
    failures.iter().filter(lasting).copied().collect()
}

/// Amounts that are still missing; none of them zero.
#[derive(Debug, Clone)]
struct Missing(Vec<(Resource, u64)>);

impl Missing {
    fn without(&self, pods: &[RunningPod<'_>], stopped: impl Iterator<Item = usize>) -> Missing {
        let mut left = self.clone();
        for at in stopped {
            for (resource, amount) in &mut left.0 {
                *amount = amount.saturating_sub(pods[at].request(*resource));
            }
        }
        left.0.retain(|(_, amount)| *amount > 0);
        left
    }

    /// How far a pod is from covering what is missing: 0 if it does, at most 1 for each resource.
    fn distance(&self, pod: &RunningPod<'_>) -> f64 {
        let mut distance = 0.0;
        for (resource, amount) in &self.0 {
            let rest = amount.saturating_sub(pod.request(*resource));
            let share = rest as f64 / *amount as f64;
            distance += share * share;
        }
        distance
    }

    /// Stops one pod after the other, each time the one that comes nearest, the smaller of equals.
    fn cover(mut self, pods: &[RunningPod<'_>], mut from: Vec<usize>) -> Option<Vec<usize>> {
        let mut stopped = Vec::new();
        while !self.0.is_empty() {
            let mut best: Option<(usize, f64)> = None;
            for (place, at) in from.iter().enumerate() {
                let distance = self.distance(&pods[*at]);
                let better = best.is_none_or(|(other, least)| {
                    distance < least
                        || distance == least && is_smaller(&pods[*at], &pods[from[other]])
                });
                if better {
                    best = Some((place, distance));
                }
            }
            let at = from.swap_remove(best?.0);
            self = self.without(pods, std::iter::once(at));
            stopped.push(at);
        }
        Some(stopped)
    }
}

/// Equal pods count as smaller: the later one is taken.
fn is_smaller(pod: &RunningPod<'_>, other: &RunningPod<'_>) -> bool {
    let size = |pod: &RunningPod<'_>| (pod.requests.memory, pod.requests.cpu);
    size(pod) <= size(other)
}

/// The places of the pods to be stopped so that an arriving critical pod of this priority gets what
/// `failures` say is missing: BestEffort ones, then Burstable, then Guaranteed, as few of the later
/// as possible. `None` if stopping all that may be stopped does not suffice.
pub fn preempted_for_critical(
    failures: &[Rejection],
    priority: i32,
    pods: &[RunningPod<'_>],
) -> Option<Vec<usize>> {
    let missing = Missing(
        failures
            .iter()
            .filter_map(|failure| match failure {
                Rejection::OutOf(resource, short) => Some((*resource, *short)),
                _ => None,
            })
            .collect(),
    );
    let may = |pod: &RunningPod<'_>| !pod.is_critical() || priority > pod.priority;
    let class = |qos: Qos| -> Vec<usize> {
        (0..pods.len()).filter(|at| pods[*at].qos == qos && may(&pods[*at])).collect()
    };
    let [best_effort, burstable, guaranteed] =
        [Qos::BestEffort, Qos::Burstable, Qos::Guaranteed].map(class);
    let without =
        |left: &[usize], right: &[usize]| missing.without(pods, left.iter().chain(right).copied());
    let guaranteed = without(&best_effort, &burstable).cover(pods, guaranteed)?;
    let burstable = without(&best_effort, &guaranteed).cover(pods, burstable)?;
    let mut stopped = without(&burstable, &guaranteed).cover(pods, best_effort)?;
    stopped.extend(burstable);
    stopped.extend(guaranteed);
    Some(stopped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::{Bytes, MilliCpu};

    fn amounts(cpu: u64, memory: u64) -> Amounts {
        Amounts { cpu: MilliCpu(cpu), memory: Bytes(memory), ..Amounts::default() }
    }

    #[test]
    fn victims() {
        let (none, small, large) = (amounts(0, 0), amounts(100, 100), amounts(1000, 1000));
        let pod = |qos, requests| RunningPod { priority: 0, is_static: false, qos, requests };
        let system = RunningPod { priority: CRITICAL_PRIORITY, ..pod(Qos::Burstable, &large) };
        let cpu = |short| Rejection::OutOf(Resource::Cpu, short);
        let memory = |short| Rejection::OutOf(Resource::Memory, short);
        let slot = Rejection::OutOf(Resource::Pods, 1);
        let pods = [
            pod(Qos::Guaranteed, &large),
            pod(Qos::Burstable, &small),
            pod(Qos::Burstable, &large),
            pod(Qos::BestEffort, &none),
            system,
        ];
        for (failures, priority, victims) in [
            (vec![slot], CRITICAL_PRIORITY, Some(vec![3])),
            (vec![cpu(50)], CRITICAL_PRIORITY, Some(vec![1])),
            (vec![cpu(500)], CRITICAL_PRIORITY, Some(vec![2])),
            (vec![cpu(1100)], CRITICAL_PRIORITY, Some(vec![2, 1])),
            (vec![cpu(1000), memory(1200)], CRITICAL_PRIORITY, Some(vec![2, 0])),
            (vec![cpu(2100), slot], CRITICAL_PRIORITY, Some(vec![2, 1, 0])),
            (vec![cpu(2101)], CRITICAL_PRIORITY, None),
            (vec![cpu(2101)], CRITICAL_PRIORITY + 1000, Some(vec![4, 2, 0])),
            (vec![], CRITICAL_PRIORITY, Some(vec![])),
        ] {
            let found = preempted_for_critical(&failures, priority, &pods);
            assert_eq!(found, victims, "{failures:?}");
        }
    }

    #[test]
    fn a_critical_pod_still_minds_its_place() {
        let failures = [Rejection::OutOf(Resource::Pods, 1), Rejection::NodeAffinity];
        assert_eq!(lasting_failures(&failures), [Rejection::NodeAffinity]);
    }
}
