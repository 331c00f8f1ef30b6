//! Quality of service of pods, and whom the kernel kills when memory runs out.
//!
//! Source: `pkg/apis/core/v1/helper/qos`, `pkg/kubelet/qos/policy.go` and
//! `pkg/kubelet/types/pod_update.go`, Kubernetes 1.34; badness: `mm/oom_kill.c` of Linux.

use crate::ground::Bytes;
use crate::model::{Container, PodSpec};
use serde::{Deserialize, Serialize};

/// Priority from which a pod is critical: never evicted, always admitted under pressure
/// (`SystemCriticalPriority`).
pub const CRITICAL_PRIORITY: i32 = 2_000_000_000;

/// Priority of the class `system-node-critical`.
pub const NODE_CRITICAL_PRIORITY: i32 = 2_000_001_000;

/// Exit code of a container that was killed with SIGKILL, by the kernel with reason OOMKilled.
pub const KILLED_EXIT_CODE: i32 = 137;

/// Quality of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Qos {
    /// Neither requests nor limits.
    BestEffort,
    /// Everything else.
    Burstable,
    /// Limits for CPU and memory everywhere, and requests equal to them.
    Guaranteed,
}

/// The quality of service of a pod over CPU and memory. Admission has set requests that were left
/// out to the limits before.
pub fn qos(spec: &PodSpec) -> Qos {
    let whole = &spec.pod_level;
    if whole.is_set() {
        let (cpu, memory) = (whole.cpu.unwrap_or_default(), whole.memory.unwrap_or_default());
        let pairs = [(cpu.0, whole.cpu_limit.0), (memory.0, whole.memory_limit.0)];
        return qos_of(std::iter::once(pairs));
    }
    let containers = spec.containers.iter().chain(&spec.init_containers);
    qos_of(containers.map(|container| {
        let (requests, limits) = (&container.requests, &container.limits);
        [(requests.cpu.0, limits.cpu.0), (requests.memory.0, limits.memory.0)]
    }))
}

/// The class by pairs of request and limit, of CPU and of memory.
fn qos_of(parts: impl Iterator<Item = [(u64, u64); 2]>) -> Qos {
    let (mut any, mut exact) = (false, true);
    for pairs in parts {
        any |= pairs.iter().any(|(request, limit)| *request > 0 || *limit > 0);
        exact &= pairs.iter().all(|(request, limit)| *limit > 0 && request == limit);
    }
    match (any, exact) {
        (false, _) => Qos::BestEffort,
        (true, true) => Qos::Guaranteed,
        (true, false) => Qos::Burstable,
    }
}

/// The `oom_score_adj` of a container of a pod, −997 to 1000, on a node with so much memory.
///
/// # Panics
/// If the node has no memory.
pub fn oom_score_adj(spec: &PodSpec, container: &Container, qos: Qos, capacity: Bytes) -> i32 {
    const GUARANTEED: i32 = -997;
    const BEST_EFFORT: i32 = 1000;
    assert!(capacity > Bytes::ZERO, "a node that runs containers has memory");
    if spec.priority >= NODE_CRITICAL_PRIORITY || qos == Qos::Guaranteed {
        return GUARANTEED;
    }
    if qos == Qos::BestEffort {
        return BEST_EFFORT;
    }
    // A sidecar is not to be killed before the container that it serves.
    let smallest = spec.containers.iter().map(|main| main.requests.memory).min();
    let request = match smallest {
        Some(smallest) if container.sidecar => container.requests.memory.max(smallest),
        Some(_) | None => container.requests.memory,
    };
    let share = u128::from(request.0) * 1000 / u128::from(capacity.0);
    let adjusted = BEST_EFFORT - i32::try_from(share.min(1000)).expect("at most 1000");
    adjusted.clamp(BEST_EFFORT + GUARANTEED, BEST_EFFORT - 1)
}

/// A process as the kernel sees it when memory runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomProcess {
    /// Memory in use.
    pub usage: Bytes,
    /// Its `oom_score_adj`; −1000 exempts it.
    pub adj: i32,
}

impl OomProcess {
    /// Share of memory in thousandths plus the adjustment, times the memory of the node.
    fn badness(&self, capacity: Bytes) -> i128 {
        i128::from(self.usage.0) * 1000 + i128::from(self.adj) * i128::from(capacity.0)
    }
}

/// The place of the process that the kernel kills: the worst, the last of several that are.
pub fn oom_victim(processes: &[OomProcess], capacity: Bytes) -> Option<usize> {
    (0..processes.len())
        .filter(|at| processes[*at].adj > -1000)
        .max_by_key(|at| processes[*at].badness(capacity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::{MilliCpu, Name};
    use crate::model::{Amounts, PodLevel};

    const GIB: u64 = 1 << 30;
    const MIB: u64 = 1 << 20;

    fn amounts(cpu: u64, memory: u64) -> Amounts {
        Amounts { cpu: MilliCpu(cpu), memory: Bytes(memory), ..Amounts::default() }
    }

    fn container(requests: Amounts, limits: Amounts) -> Container {
        Container { requests, limits, ..Container::new(Name(0)) }
    }

    fn pod(containers: &[Container]) -> PodSpec {
        PodSpec { containers: containers.to_vec(), ..PodSpec::new(Name(0), Name(0)) }
    }

    #[test]
    fn classes() {
        let full = container(amounts(500, GIB), amounts(500, GIB));
        let none = container(amounts(0, 0), amounts(0, 0));
        let memory_only = container(amounts(0, GIB), amounts(0, GIB));
        let open = container(amounts(500, GIB), amounts(500, 2 * GIB));
        for (containers, class) in [
            (vec![none.clone()], Qos::BestEffort),
            (vec![full.clone(), full.clone()], Qos::Guaranteed),
            (vec![full.clone(), memory_only], Qos::Burstable),
            (vec![full.clone(), none.clone()], Qos::Burstable),
            (vec![open], Qos::Burstable),
        ] {
            assert_eq!(qos(&pod(&containers)), class, "{containers:?}");
        }
        let mut with_init = pod(std::slice::from_ref(&full));
        with_init.init_containers = vec![none.clone()];
        assert_eq!(qos(&with_init), Qos::Burstable);
        let mut whole = pod(&[none]);
        let one = MilliCpu(1000);
        whole.pod_level = PodLevel {
            cpu: Some(one),
            memory: Some(Bytes(GIB)),
            cpu_limit: one,
            memory_limit: Bytes(GIB),
            ..PodLevel::default()
        };
        assert_eq!(qos(&whole), Qos::Guaranteed);
        whole.pod_level.memory_limit = Bytes::ZERO;
        assert_eq!(qos(&whole), Qos::Burstable);
    }

    #[test]
    fn adjustments() {
        let burstable = |request| container(amounts(100, request), amounts(0, 0));
        for (request, capacity, adj) in [
            (4 * GIB, 16 * GIB, 750),
            (8 * GIB, 16 * GIB, 500),
            (0, 16 * GIB, 999),
            (100 * MIB, 64 * GIB, 999),
            (16 * GIB, 16 * GIB, 3),
            (20 * GIB, 16 * GIB, 3),
        ] {
            let container = burstable(request);
            let spec = pod(std::slice::from_ref(&container));
            let found = oom_score_adj(&spec, &container, Qos::Burstable, Bytes(capacity));
            assert_eq!(found, adj, "{request} {capacity}");
            for (qos, adj) in [(Qos::Guaranteed, -997), (Qos::BestEffort, 1000)] {
                assert_eq!(oom_score_adj(&spec, &container, qos, Bytes(capacity)), adj);
            }
        }
        let critical = PodSpec { priority: NODE_CRITICAL_PRIORITY, ..pod(&[burstable(0)]) };
        let container = &critical.containers[0];
        assert_eq!(oom_score_adj(&critical, container, Qos::Burstable, Bytes(GIB)), -997);
    }

    #[test]
    fn a_sidecar_is_at_least_as_safe_as_the_smallest_container() {
        let main = |request| container(amounts(100, request), amounts(0, 0));
        let spec = pod(&[main(8 * GIB), main(4 * GIB)]);
        for (request, adj) in [(GIB, 750), (8 * GIB, 500)] {
            let sidecar = Container { sidecar: true, ..main(request) };
            let found = oom_score_adj(&spec, &sidecar, Qos::Burstable, Bytes(16 * GIB));
            assert_eq!(found, adj);
        }
    }

    #[test]
    fn the_worst_is_killed() {
        let process = |usage, adj| OomProcess { usage: Bytes(usage), adj };
        let capacity = Bytes(16 * GIB);
        for (processes, victim) in [
            (vec![process(8 * GIB, 3), process(GIB, 1000), process(4 * GIB, 750)], Some(1)),
            (vec![process(8 * GIB, -997), process(GIB, 500)], Some(1)),
            (vec![process(GIB, 900), process(GIB, 900)], Some(1)),
            (vec![process(GIB, -1000)], None),
            (vec![], None),
        ] {
            assert_eq!(oom_victim(&processes, capacity), victim, "{processes:?}");
        }
    }
}
