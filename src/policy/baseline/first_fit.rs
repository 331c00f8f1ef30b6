//! First fit: pods in order of arrival, each on the first node, in order of joining, that is
//! ready, not cordoned and has room. Every change that may
//! make room brings all the refused back.

use crate::ground::Time;
use crate::model::{
    Change, Code, Condition, DeviceMask, Explain, NodeId, NodeVerdict, Plugin, PluginSet, PodId,
    PodSpec, PodUid, Reason, Refusal, Resource, Verdict,
};
use crate::policy::devices::{self, DeviceRefusal};
use crate::policy::{Action, AttemptEnd, Cx, Scheduler};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A pod by its order of arrival, which is the order of its number.
type Waiting = BTreeMap<PodUid, PodId>;

/// The scheduler of the baseline orchestrator. It has no parameters.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FirstFit {
    /// Pods to be tried.
    ready: Waiting,
    /// Pods that no node had room for when it was last looked.
    refused: Waiting,
    /// The pod whose attempt is under way.
    trying: Option<PodUid>,
    /// The cluster changed since that attempt began.
    changed: bool,
}

impl FirstFit {
    /// A scheduler that has seen nothing yet.
    pub fn new() -> FirstFit {
        FirstFit::default()
    }

    fn forget(&mut self, uid: PodUid) {
        self.ready.remove(&uid);
        self.refused.remove(&uid);
    }

    fn retry_all(&mut self) {
        self.ready.append(&mut self.refused);
        self.changed = true;
    }
}

impl Scheduler for FirstFit {
    fn observe(&mut self, cx: Cx<'_>, change: &Change) {
        match *change {
            Change::PodAdded { pod, uid, spec, .. } => {
                if cx.catalog.pod_spec(spec).node_name.is_none() {
                    self.ready.insert(uid, pod);
                }
                return;
            }
            Change::PodBound { pod, .. } => {
                if let Some(row) = cx.view.pod(pod) {
                    self.forget(row.uid);
                }
                return;
            }
            Change::PodRemoved { pod } => {
                let Some(row) = cx.view.pod(pod) else { return };
                self.forget(row.uid);
                if row.node.is_none() {
                    return;
                }
            }
            Change::PodPhase { phase, .. } if phase.is_terminal() => {}
            Change::NodeAdded { .. } | Change::NodeUpdated { .. } => {}
            // Nothing of this makes room.
            Change::PodPhase { .. }
            | Change::PodDeleting { .. }
            | Change::PodStarted { .. }
            | Change::PodNominated { .. }
            | Change::PodPreempted { .. }
            | Change::NodeRemoved { .. }
            | Change::DeploymentWritten { .. }
            | Change::DeploymentObserved { .. }
            | Change::ReplicaSetAdded { .. }
            | Change::ReplicaSetWritten { .. }
            | Change::ReplicaSetObserved { .. }
            | Change::ReplicaSetRemoved { .. }
            | Change::StatefulSetWritten { .. }
            | Change::StatefulSetObserved { .. }
            | Change::RevisionWritten { .. }
            | Change::RevisionRemoved { .. }
            | Change::Task(_)
            | Change::Slice(_)
            | Change::OwnerRemoved { .. }
            | Change::ObjectSet { .. }
            | Change::ObjectRemoved { .. } => return,
        }
        self.retry_all();
    }

    fn due(&self, now: Time) -> Option<Time> {
        (!self.ready.is_empty()).then_some(now)
    }

    fn step(&mut self, cx: Cx<'_>, actions: &mut Vec<Action>, mut explain: Option<&mut Explain>) {
        while let Some((uid, pod)) = self.ready.pop_first() {
            let row = cx.view.pod_if(pod, uid);
            if row.is_none_or(|row| row.deleting || row.node.is_some()) {
                continue;
            }
            self.trying = Some(uid);
            self.changed = false;
            let spec = cx.view.pod_spec(pod, cx.catalog).expect("the pod was found above");
            for (node, row) in cx.view.nodes().iter().filter(|(_, row)| row.present) {
                let verdict = if row.status.ready != Condition::True {
                    Err(Reason::NotReady)
                } else if row.status.unschedulable {
                    Err(Reason::NodeUnschedulable)
                } else {
                    room(cx, spec, node)
                };
                if let Some(explain) = explain.as_deref_mut() {
                    explain.nodes.push(NodeVerdict { node, verdict: told(verdict) });
                }
                if let Ok(devices) = verdict {
                    actions.push(Action::Bind { pod, uid, node, devices });
                    return;
                }
            }
            let refusers = PluginSet::of(&[Plugin::FirstFit]);
            actions.push(Action::Refuse { pod, uid, refusers });
            return;
        }
    }

    fn end(&mut self, cx: Cx<'_>, action: &Action, end: AttemptEnd) {
        let (Action::Bind { pod, uid, .. } | Action::Refuse { pod, uid, .. }) = *action else {
            return; // it does nothing else
        };
        let changed = self.trying.take_if(|trying| *trying == uid).is_some() && self.changed;
        let waits = cx.view.pod_if(pod, uid).is_some_and(|row| row.node.is_none());
        match end {
            AttemptEnd::Assumed | AttemptEnd::Bound => {}
            AttemptEnd::Refused(_) if waits && !changed => {
                self.refused.insert(uid, pod);
            }
            AttemptEnd::Refused(_) => {
                if waits {
                    self.ready.insert(uid, pod);
                }
            }
            AttemptEnd::BindFailed => {
                self.retry_all();
                if waits {
                    self.ready.insert(uid, pod);
                }
            }
        }
    }

    fn pending(&self) -> usize {
        self.ready.len() + self.refused.len()
    }

    fn drop_caches(&mut self) {}
}

fn told(verdict: Result<DeviceMask, Reason>) -> Verdict {
    match verdict {
        Ok(_) => Verdict::Feasible(Vec::new()),
        Err(reason) => Verdict::Refused(Refusal {
            plugin: Plugin::FirstFit,
            code: Code::Unschedulable,
            reasons: vec![reason],
        }),
    }
}

/// The devices that the pod would take of the node, or what the node has too little of.
fn room(cx: Cx<'_>, pod: &PodSpec, node: NodeId) -> Result<DeviceMask, Reason> {
    let (usage, holds) = (cx.view.usage(node), cx.view.holds(node));
    let spec = cx.view.node_spec(node, cx.catalog);
    let (wanted, offer) = (&pod.requests, &spec.allocatable);
    let needs = |resource, request: u64, taken: u64, offered: u64| {
        let fits = request == 0 || request <= offered.saturating_sub(taken);
        fits.then_some(()).ok_or(Reason::Insufficient(resource))
    };
    needs(Resource::Pods, 1, u64::from(usage.pods), u64::from(spec.pods))?;
    needs(Resource::Cpu, wanted.cpu.0, usage.cpu, offer.cpu.0)?;
    needs(Resource::Memory, wanted.memory.0, usage.memory, offer.memory.0)?;
    let storage = (wanted.ephemeral_storage.0, offer.ephemeral_storage.0);
    needs(Resource::EphemeralStorage, storage.0, usage.ephemeral_storage, storage.1)?;
    for (name, amount) in wanted.extended.iter() {
        let (taken, offered) = (holds.extended.get(name), offer.extended.get(name));
        needs(Resource::Extended(name), amount, taken, offered)?;
    }
    if pod.host_ports.iter().any(|port| holds.ports.iter().any(|held| held.conflicts(port))) {
        return Err(Reason::HostPort);
    }
    let Some(request) = &pod.devices else { return Ok(DeviceMask::NONE) };
    devices::choose(request, spec.devices, &holds.device_left).map_err(|refusal| match refusal {
        DeviceRefusal::Model => Reason::DeviceModel,
        DeviceRefusal::TooFew => Reason::TooFewDevices,
        DeviceRefusal::Fragmented => Reason::DeviceFragmented,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::{Draws, MilliCpu};
    use crate::model::{
        Amounts, Catalog, NodeSpec, NodeStatus, PodName, PodPhase, Pressures, View, WorkloadId,
    };

    struct Host {
        catalog: Catalog,
        view: View,
        scheduler: FirstFit,
    }

    impl Host {
        fn tell(&mut self, change: Change) {
            let (catalog, view, now, draws) =
                (&self.catalog, &self.view, Time::ZERO, Draws::new(1));
            self.scheduler.observe(Cx { catalog, view, now, draws }, &change);
            self.view.apply(&change, &self.catalog);
        }

        fn add_node(&mut self, cpu: u64, ready: Condition, unschedulable: bool) {
            let allocatable = Amounts { cpu: MilliCpu(cpu), ..Default::default() };
            let spec = NodeSpec { allocatable, pods: 10, ..Default::default() };
            let spec = self.catalog.intern_node_spec(&spec).0;
            let name = self.catalog.names.intern("n");
            let status = NodeStatus {
                spec,
                taints: Catalog::NO_TAINTS,
                ready,
                pressures: Pressures::NONE,
                unschedulable,
            };
            let node = self.view.nodes().next_id();
            self.tell(Change::NodeAdded { node, name, hostname: None, status });
        }

        fn add_pod(&mut self, number: u32, cpu: u64) {
            let name = self.catalog.names.intern("p");
            let mut spec = PodSpec::new(name, name);
            spec.requests.cpu = MilliCpu(cpu);
            let spec = self.catalog.intern_pod_spec(&spec).0;
            self.tell(Change::PodAdded {
                pod: PodId(number),
                uid: PodUid(number),
                spec,
                workload: WorkloadId(0),
                name: PodName::numbered(name, number),
                created: Time::ZERO,
            });
        }

        /// The pod tried next and its node.
        fn attempt(&mut self) -> Option<(u32, Option<u32>)> {
            let (catalog, now, draws) = (&self.catalog, Time::ZERO, Draws::new(1));
            let mut actions = Vec::new();
            let cx = Cx { catalog, view: &self.view, now, draws };
            self.scheduler.step(cx, &mut actions, None);
            let action = actions.pop()?;
            let (result, end) = match action {
                Action::Bind { pod, node, devices, .. } => {
                    self.view.assume(pod, node, devices, catalog);
                    ((pod.0, Some(node.0)), AttemptEnd::Assumed)
                }
                Action::Refuse { pod, refusers, .. } => {
                    ((pod.0, None), AttemptEnd::Refused(refusers))
                }
                other => panic!("{other:?}"),
            };
            self.scheduler.end(Cx { catalog, view: &self.view, now, draws }, &action, end);
            Some(result)
        }
    }

    #[test]
    fn first_node_with_room_in_order_of_arrival() {
        let mut host =
            Host { catalog: Catalog::new(), view: View::new(), scheduler: FirstFit::new() };
        host.add_node(9000, Condition::Unknown, false);
        host.add_node(9000, Condition::True, true);
        host.add_node(1000, Condition::True, false);
        host.add_node(2000, Condition::True, false);
        for (number, cpu) in [(0, 600), (1, 600), (2, 5000), (3, 400), (4, 1500)] {
            host.add_pod(number, cpu);
        }
        let tried: Vec<_> = std::iter::from_fn(|| host.attempt()).collect();
        assert_eq!(tried, [(0, Some(2)), (1, Some(3)), (2, None), (3, Some(2)), (4, None)]);
        assert_eq!((host.scheduler.pending(), host.scheduler.due(Time::ZERO)), (2, None));
        host.tell(Change::PodPhase { pod: PodId(1), phase: PodPhase::Succeeded });
        let tried: Vec<_> = std::iter::from_fn(|| host.attempt()).collect();
        assert_eq!(tried, [(2, None), (4, Some(3))]);
        host.tell(Change::PodRemoved { pod: PodId(2) });
        assert_eq!((host.scheduler.pending(), host.attempt()), (0, None));
    }
}
