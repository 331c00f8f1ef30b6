//! SchedulingGates: a pod with gates does not enter the queue
//! (`plugins/schedulinggates/scheduling_gates.go`, Kubernetes 1.34).

use crate::model::{Code, Plugin, PodSpec, Reason, Refusal};

/// Refuses a pod with gates.
pub(crate) fn pre_enqueue(spec: &PodSpec) -> Option<Refusal> {
    let reasons: Vec<Reason> = spec.scheduling_gates.iter().copied().map(Reason::Gated).collect();
    (!reasons.is_empty()).then_some(Refusal {
        plugin: Plugin::SchedulingGates,
        code: Code::UnschedulableAndUnresolvable,
        reasons,
    })
}
