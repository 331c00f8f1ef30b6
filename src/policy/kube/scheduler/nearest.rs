//! The nearest miss: which single change would let a pod that fits nowhere be placed. Every change
//! is tried on the filters before it is named, so that it helps if it is made.
//!
//! Not for the hot path: it looks at all nodes several times.

use super::KubeScheduler;
use super::caches::Caches;
use super::framework::{self, Cycle, Other, Reasons, Room, Search, State};
use super::preempt::{self, Chance, Decided, Failed};
use super::profile::Profile;
use crate::ground::{Bytes, MilliCpu};
use crate::model::{
    Amounts, Code, Effect, NearMiss, NodeBooks, NodeId, Outlook, Plugin, PodId, PodSpec,
    PreemptionPolicy, Reason, Taint, Toleration, TolerationOperator, WhenUnsatisfiable,
};
use crate::policy::Cx;

impl KubeScheduler {
    /// What would become of a pod if it were tried now, and which single changes would help;
    /// `None` if it is not to be tried: it is bound or held back, or no profile is for it.
    pub fn outlook(&self, cx: Cx<'_>, pod: PodId) -> Option<Outlook> {
        let row = cx.view.pod(pod).filter(|row| row.node.is_none() && !row.deleting)?;
        let spec = cx.catalog.pod_spec(row.spec);
        let profile = self.profile(spec)?;
        if framework::pre_enqueue(profile, spec).is_some() {
            return None;
        }
        let cycle = Cycle {
            catalog: cx.catalog,
            view: cx.view,
            profile,
            uid: row.uid,
            name: row.name,
            spec_id: row.spec,
            spec,
            nominations: &self.nominations,
            reservations: &self.reservations,
            nodes: self.order.len(),
        };
        if fits_somewhere(&cycle) {
            return Some(Outlook::Fits);
        }
        let mut found = Vec::new();
        found.extend(on_nodes(&cycle));
        found.extend(of_pod(&cycle));
        found.extend(volumes(&cycle));
        found.extend(preemption(&cycle, cx));
        Some(Outlook::Misses(found))
    }
}

/// What the pre-filters leave, if they leave anything.
fn prepared(cycle: &Cycle<'_>) -> Option<(State, Vec<NodeId>)> {
    let mut state = State::default();
    let nodes = match framework::run_pre_filters(cycle, &mut state).ok()? {
        Search::Everywhere => cycle.all_nodes().collect(),
        Search::Among(names, _) => {
            cycle.all_nodes().filter(|node| names.contains(&cycle.view.node(*node).name)).collect()
        }
    };
    Some((state, nodes))
}

fn passes(cycle: &Cycle<'_>, state: &State, room: Room<'_>) -> bool {
    // Verdicts of the pod as it is must not be taken for those of a changed one.
    let mut caches = Caches::default();
    framework::run_filters(cycle, state, &mut caches, room, &mut Reasons::new(false)).is_none()
}

fn fits_somewhere(cycle: &Cycle<'_>) -> bool {
    prepared(cycle).is_some_and(|(state, nodes)| {
        nodes.into_iter().any(|node| passes(cycle, &state, Room::of(cycle.view, node)))
    })
}

/// Changes of single nodes.
fn on_nodes(cycle: &Cycle<'_>) -> Vec<NearMiss> {
    let Some((state, nodes)) = prepared(cycle) else { return Vec::new() };
    let mut caches = Caches::default();
    let (mut room, mut less) = (None, None);
    let (mut taint, mut cordon, mut pod) = (None, None, None);
    for node in nodes {
        let here = Room::of(cycle.view, node);
        let mut reasons = Reasons::new(true);
        let refused = framework::run_filters(cycle, &state, &mut caches, here, &mut reasons);
        match (refused, reasons.take().first()) {
            (Some((Plugin::NodeResourcesFit, _)), _) => {
                keep_least(&mut room, with_more_room(cycle, &state, node));
                keep_least(&mut less, with_less(cycle, &state, node));
            }
            (Some((Plugin::TaintToleration, _)), Some(Reason::UntoleratedTaint(marked)))
                if taint.is_none() && passes_tolerating(cycle, &state, node, *marked) =>
            {
                taint = Some(NearMiss::RemoveTaint { node, taint: *marked });
            }
            (Some((Plugin::InterPodAffinity | Plugin::NodePorts, Code::Unschedulable)), _)
                if pod.is_none() =>
            {
                pod = in_the_way(cycle, &state, node);
            }
            (Some((Plugin::NodeUnschedulable, _)), _) if cordon.is_none() => {
                let arguments = &cycle.profile.arguments;
                let marked = Taint {
                    key: arguments.unschedulable_taint,
                    value: arguments.empty,
                    effect: Effect::NoSchedule,
                };
                if passes_tolerating(cycle, &state, node, marked) {
                    cordon = Some(NearMiss::Uncordon { node });
                }
            }
            _ => {}
        }
    }
    let sizes = room.into_iter().chain(less).map(|(_, miss)| miss);
    sizes.chain(taint).chain(cordon).chain(pod).collect()
}

/// Keeps the change that takes the smaller share of its node, the first of several.
fn keep_least(kept: &mut Option<(u64, NearMiss)>, miss: Option<(u64, NearMiss)>) {
    if let Some(miss) = miss
        && kept.as_ref().is_none_or(|(least, _)| miss.0 < *least)
    {
        *kept = Some(miss);
    }
}

/// The pod of a node without which the node takes the pod; the youngest if there are several.
fn in_the_way(cycle: &Cycle<'_>, state: &State, node: NodeId) -> Option<NearMiss> {
    let here = Room::of(cycle.view, node);
    let without = |other: &Other<'_>| {
        let (mut books, mut state) = (NodeBooks::of(here.usage, here.holds), state.clone());
        books.remove(other.pod, other.spec, other.row.devices);
        framework::count(cycle, &mut state, node, other.spec, -1);
        passes(cycle, &state, Room::with(node, &books))
    };
    let pod = cycle.pods(here).filter(without).map(|other| other.row.uid).max()?;
    Some(NearMiss::RemovePod { node, pod })
}

/// True if a node takes the pod once the pod tolerates one taint.
fn passes_tolerating(cycle: &Cycle<'_>, state: &State, node: NodeId, taint: Taint) -> bool {
    let mut spec = cycle.spec.clone();
    spec.tolerations.push(Toleration {
        key: Some(taint.key),
        operator: TolerationOperator::Equal,
        value: taint.value,
        effect: Some(taint.effect),
        seconds: None,
    });
    let changed = Cycle { spec: &spec, ..*cycle };
    passes(&changed, state, Room::of(cycle.view, node))
}

/// What a node lacks for the pod, if that is all it lacks and freeing it is possible; and how much
/// of the node that is, in thousandths.
fn with_more_room(cycle: &Cycle<'_>, state: &State, node: NodeId) -> Option<(u64, NearMiss)> {
    let room = Room::of(cycle.view, node);
    let offer = cycle.view.node_spec(node, cycle.catalog);
    let wanted = &cycle.spec.requests;
    let mut books = NodeBooks::of(room.usage, room.holds);
    let mut missing = Amounts::default();
    let mut share = 0;
    let mut lacks = |request: u64, used: u64, all: u64| {
        let lack = request.saturating_sub(all.saturating_sub(used)).min(used);
        share += lack * 1000 / all.max(1);
        lack
    };
    let cpu = lacks(wanted.cpu.0, room.usage.cpu, offer.allocatable.cpu.0);
    let memory = lacks(wanted.memory.0, room.usage.memory, offer.allocatable.memory.0);
    let storage = (room.usage.ephemeral_storage, offer.allocatable.ephemeral_storage.0);
    let storage = lacks(wanted.ephemeral_storage.0, storage.0, storage.1);
    for (name, request) in wanted.extended.iter() {
        let used = room.holds.extended.get(name);
        let lack = lacks(request, used, offer.allocatable.extended.get(name));
        missing.extended.set(name, lack);
    }
    books.usage.cpu -= cpu;
    books.usage.memory -= memory;
    books.usage.ephemeral_storage -= storage;
    books.holds.extended.subtract(&missing.extended);
    (missing.cpu, missing.memory) = (MilliCpu(cpu), Bytes(memory));
    missing.ephemeral_storage = Bytes(storage);
    let pods = u32::from(room.usage.pods >= offer.pods && room.usage.pods > 0);
    books.usage.pods -= pods;
    passes(cycle, state, Room::with(node, &books))
        .then_some((share, NearMiss::Free { node, amounts: missing, pods }))
}

/// By how much the pod asks for too much for a node, if a smaller pod would be taken there; and
/// how much of the node that is, in thousandths.
fn with_less(cycle: &Cycle<'_>, state: &State, node: NodeId) -> Option<(u64, NearMiss)> {
    let room = Room::of(cycle.view, node);
    let offer = &cycle.view.node_spec(node, cycle.catalog).allocatable;
    let (wanted, used) = (&cycle.spec.requests, room.usage);
    let (mut share, mut excess) = (0, Amounts::default());
    // A pod that may ask for nothing of what it needs is another pod: no such change is named.
    let mut over = |request: u64, used: u64, all: u64| {
        let free = all.saturating_sub(used);
        let over = request.saturating_sub(free);
        share += over * 1000 / all.max(1);
        (over == 0 || free > 0).then_some(over)
    };
    excess.cpu = MilliCpu(over(wanted.cpu.0, used.cpu, offer.cpu.0)?);
    excess.memory = Bytes(over(wanted.memory.0, used.memory, offer.memory.0)?);
    let storage = (wanted.ephemeral_storage.0, offer.ephemeral_storage.0);
    excess.ephemeral_storage = Bytes(over(storage.0, used.ephemeral_storage, storage.1)?);
    for (name, request) in wanted.extended.iter() {
        let used = room.holds.extended.get(name);
        excess.extended.set(name, over(request, used, offer.extended.get(name))?);
    }
    let mut spec = cycle.spec.clone();
    let smaller = &mut spec.requests;
    smaller.cpu = MilliCpu(smaller.cpu.0 - excess.cpu.0);
    smaller.memory = Bytes(smaller.memory.0 - excess.memory.0);
    smaller.ephemeral_storage = Bytes(storage.0 - excess.ephemeral_storage.0);
    smaller.extended.subtract(&excess.extended);
    let changed = Cycle { spec: &spec, ..*cycle };
    let miss = NearMiss::AskLess { node, amounts: excess };
    passes(&changed, state, room).then_some((share, miss))
}

/// Changes of the pod.
fn of_pod(cycle: &Cycle<'_>) -> Vec<NearMiss> {
    let mut found = Vec::new();
    let mut try_it = |miss: NearMiss, change: &dyn Fn(&mut PodSpec)| {
        let mut spec = cycle.spec.clone();
        change(&mut spec);
        if spec != *cycle.spec && fits_somewhere(&Cycle { spec: &spec, ..*cycle }) {
            found.push(miss);
        }
    };
    let hard = cycle.spec.spread.iter().enumerate();
    let hard = hard.filter(|(_, c)| c.when_unsatisfiable == WhenUnsatisfiable::DoNotSchedule);
    for (at, _) in hard {
        try_it(NearMiss::DropSpread(at), &|spec| {
            spec.spread.remove(at);
        });
    }
    for at in 0..cycle.spec.pod_affinity.near.required.len() {
        try_it(NearMiss::DropAffinity(at), &|spec| {
            spec.pod_affinity.near.required.remove(at);
        });
    }
    for at in 0..cycle.spec.pod_affinity.far.required.len() {
        try_it(NearMiss::DropAntiAffinity(at), &|spec| {
            spec.pod_affinity.far.required.remove(at);
        });
    }
    try_it(NearMiss::DropNodeAffinity, &|spec| {
        spec.node_selector = Default::default();
        spec.node_affinity.required = None;
    });
    try_it(NearMiss::DropHostPorts, &|spec| spec.host_ports.clear());
    found
}

/// A node that would take the pod if it could use the pod's volumes.
fn volumes(cycle: &Cycle<'_>) -> Option<NearMiss> {
    if cycle.spec.volumes.is_empty() {
        return None;
    }
    let mut profile: Profile = cycle.profile.clone();
    let about_places = [Plugin::VolumeBinding, Plugin::VolumeZone];
    profile.filter.retain(|plugin| !about_places.contains(plugin));
    let free = Cycle { profile: &profile, ..*cycle };
    let (state, nodes) = prepared(&free)?;
    let node = nodes.into_iter().find(|node| passes(&free, &state, Room::of(cycle.view, *node)))?;
    Some(NearMiss::MoveVolumes { node })
}

/// What preemption would do for a pod that may not displace others.
fn preemption(cycle: &Cycle<'_>, cx: Cx<'_>) -> Option<NearMiss> {
    if cycle.profile.preempts && cycle.spec.preemption_policy != PreemptionPolicy::Never {
        return None; // it is tried anyway
    }
    let mut spec = cycle.spec.clone();
    spec.preemption_policy = PreemptionPolicy::PreemptLowerPriority;
    let bold = Cycle { spec: &spec, ..*cycle };
    let (state, nodes) = prepared(&bold)?;
    let mut caches = Caches::default();
    let helpable: Vec<NodeId> = nodes
        .into_iter()
        .filter(|node| {
            let (room, mut reasons) = (Room::of(cycle.view, *node), Reasons::new(false));
            let refused = framework::run_filters(&bold, &state, &mut caches, room, &mut reasons);
            refused.is_some_and(|(_, code)| code == Code::Unschedulable)
        })
        .collect();
    let failed = Failed { state: &state, helpable: &helpable, nominated: None };
    let key = cycle.name.text_key(&cycle.catalog.names);
    let rule = super::TieBreak::First;
    let chance = Chance { rule, draws: cx.draws, key, attempt: 0 };
    match preempt::preempt(&bold, &failed, &mut caches, chance, false).0 {
        Decided::MakeRoom { node, victims } => {
            let uid = |pod: PodId| cycle.view.pod(pod).map(|row| row.uid);
            let victims = victims.into_iter().filter_map(uid).collect();
            Some(NearMiss::AllowPreemption { node, victims })
        }
        Decided::Keep | Decided::Nothing => None,
    }
}
