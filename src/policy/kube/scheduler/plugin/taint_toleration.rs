//! TaintToleration: taints that keep pods away and taints that pods rather avoid
//! (`plugins/tainttoleration/taint_toleration.go`, Kubernetes 1.34).

use crate::model::{Catalog, Code, Effect, PodSpec, Reason, Taint, TaintsId};
use crate::policy::kube::scheduler::caches::Caches;
use crate::policy::kube::scheduler::event::Event;
use crate::policy::kube::scheduler::framework::{Cycle, NodeFacts, Reasons};

/// Refuses a node with a NoSchedule or NoExecute taint that the pod does not tolerate.
pub(crate) fn filter(
    cycle: &Cycle<'_>,
    caches: &mut Caches,
    node: &NodeFacts<'_>,
    reasons: &mut Reasons,
) -> Option<Code> {
    let taints = node.status.taints;
    if taints == Catalog::NO_TAINTS {
        return None;
    }
    let find = || untolerated(cycle.spec, taints, cycle.catalog);
    if !caches.tainted.get(cycle.spec_id, taints, || find().is_some()) {
        return None;
    }
    if let (true, Some(taint)) = (reasons.wanted(), find()) {
        reasons.push(Reason::UntoleratedTaint(taint));
    }
    Some(Code::UnschedulableAndUnresolvable)
}

/// The number of PreferNoSchedule taints that the pod does not tolerate.
pub(crate) fn score(cycle: &Cycle<'_>, caches: &mut Caches, taints: TaintsId) -> i64 {
    if taints == Catalog::NO_TAINTS {
        return 0;
    }
    caches.avoided.get(cycle.spec_id, taints, || {
        let avoided = cycle.catalog.taints(taints).iter().filter(|taint| {
            taint.effect == Effect::PreferNoSchedule && !tolerates(cycle.spec, taint)
        });
        avoided.count() as i64
    })
}

/// A node without untolerated taints helps if it is new or had one before.
pub(crate) fn helps(event: &Event<'_>, spec: &PodSpec, catalog: &Catalog) -> bool {
    let keeps_away = |node: &NodeFacts<'_>| untolerated(spec, node.status.taints, catalog);
    match event {
        Event::NodeAdded(node) => keeps_away(node).is_none(),
        Event::NodeChanged { old, new, .. } => {
            keeps_away(old).is_some() && keeps_away(new).is_none()
        }
        _ => false,
    }
}

fn tolerates(spec: &PodSpec, taint: &Taint) -> bool {
    spec.tolerations.iter().any(|toleration| toleration.tolerates(taint))
}

/// The first taint that keeps the pod away.
pub(super) fn untolerated(spec: &PodSpec, taints: TaintsId, catalog: &Catalog) -> Option<Taint> {
    catalog
        .taints(taints)
        .iter()
        .find(|taint| taint.effect != Effect::PreferNoSchedule && !tolerates(spec, taint))
        .copied()
}
