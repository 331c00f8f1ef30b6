//! The nearest misses of a pod that waits, in words: which single change would let it be placed.

use crate::ground::Name;
use crate::model::{Amounts, Effect, NearMiss, Outlook, PodSpec, PodUid, Resource, Taint};
use crate::report::fact_words::Cast;
use crate::report::words::{counted, listed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What would become of a pod that waits if it were tried now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutlookRow {
    /// True if a node would take it: it only waits for its turn.
    pub fits: bool,
    /// Single changes each of which would let it be placed, the nearest first; empty if it fits or
    /// no single change helps.
    pub changes: Vec<ChangeRow>,
}

/// A single change that would let a pod be placed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeRow {
    /// `free`, `ask-less`, `remove-taint`, `uncordon`, `remove-pod`, `drop-spread`,
    /// `drop-affinity`, `drop-anti-affinity`, `drop-node-affinity`, `drop-host-ports`,
    /// `move-volumes` or `allow-preemption`.
    pub change: String,
    /// The change in words.
    pub text: String,
    /// The node that would take the pod; null if the change does not single one out.
    pub node: Option<String>,
    /// How much of each resource is to be freed or not to be asked for, as Kubernetes writes it.
    pub amounts: BTreeMap<String, String>,
    /// The taint, as `key=value:effect`; null if it is about none.
    pub taint: Option<String>,
    /// Position, from 0, of the constraint or term among those of its kind; null if it is about
    /// none.
    pub position: Option<usize>,
    /// Pods that would have to go.
    pub pods: Vec<String>,
}

/// How the keys of taints begin that the cluster itself puts on nodes.
const WELL_KNOWN: &str = "node.kubernetes.io/";
/// Pods that are named before they are only counted.
const NAMED: usize = 3;

/// Words for the pod that waits.
#[derive(Clone, Copy)]
pub(super) struct Teller<'a> {
    pub(super) cast: &'a Cast<'a>,
    pub(super) pod: PodUid,
}

impl Teller<'_> {
    /// An outlook in words.
    pub(super) fn outlook(self, outlook: &Outlook) -> OutlookRow {
        match outlook {
            Outlook::Fits => OutlookRow { fits: true, changes: Vec::new() },
            Outlook::Misses(misses) => {
                let changes = misses.iter().map(|miss| self.change(miss)).collect();
                OutlookRow { fits: false, changes }
            }
        }
    }

    fn change(self, miss: &NearMiss) -> ChangeRow {
        match miss {
            NearMiss::Free { node, amounts, pods } => {
                self.free(self.cast.node(*node), amounts, *pods)
            }
            NearMiss::AskLess { node, amounts } => self.ask_less(self.cast.node(*node), amounts),
            NearMiss::RemoveTaint { node, taint } => self.taint(self.cast.node(*node), taint),
            NearMiss::Uncordon { node } => {
                let node = self.cast.node(*node);
                on("uncordon", format!("uncordon {node}, so that it takes pods again"), node)
            }
            NearMiss::RemovePod { node, pod } => {
                let (node, pod) = (self.cast.node(*node), self.cast.pod(*pod));
                let text = format!("remove {pod}, which keeps it away from {node}");
                ChangeRow { pods: vec![pod], ..on("remove-pod", text, node) }
            }
            NearMiss::MoveVolumes { node } => {
                let node = self.cast.node(*node);
                on("move-volumes", format!("have its volumes where {node} can use them"), node)
            }
            NearMiss::AllowPreemption { node, victims } => {
                let node = self.cast.node(*node);
                let pods: Vec<String> = victims.iter().map(|pod| self.cast.pod(*pod)).collect();
                let go = match pods.len() {
                    0..=NAMED => listed(&pods),
                    more => counted(more as u64, "pod"),
                };
                let text = format!("let it displace others: {go} would go from {node}");
                ChangeRow { pods, ..on("allow-preemption", text, node) }
            }
            NearMiss::DropSpread(at) => {
                let constraint = &self.spec().spread[*at];
                let over = self.name(constraint.topology_key);
                let text = format!(
                    "drop its spread constraint over {over} (maxSkew {}), or let it be \
                     ScheduleAnyway",
                    constraint.max_skew
                );
                ChangeRow { position: Some(*at), ..of_pod("drop-spread", text) }
            }
            NearMiss::DropAffinity(at) => {
                let over = self.name(self.spec().pod_affinity.near.required[*at].topology_key);
                let text = format!("drop its required pod affinity over {over}");
                ChangeRow { position: Some(*at), ..of_pod("drop-affinity", text) }
            }
            NearMiss::DropAntiAffinity(at) => {
                let over = self.name(self.spec().pod_affinity.far.required[*at].topology_key);
                let text = format!("drop its required pod anti-affinity over {over}");
                ChangeRow { position: Some(*at), ..of_pod("drop-anti-affinity", text) }
            }
            NearMiss::DropNodeAffinity => {
                let text = "drop its node selector and its required node affinity";
                of_pod("drop-node-affinity", text.to_owned())
            }
            NearMiss::DropHostPorts => of_pod("drop-host-ports", "drop its host ports".to_owned()),
        }
    }

    fn spec(&self) -> &PodSpec {
        self.cast.catalog.pod_spec(self.cast.pods[self.pod].spec)
    }

    fn name(&self, name: Name) -> &str {
        self.cast.catalog.names.text(name)
    }

    fn free(self, node: String, amounts: &Amounts, slots: u32) -> ChangeRow {
        let mut amounts = self.amounts(amounts);
        let part = |(resource, amount): (&String, &String)| format!("{amount} {resource}");
        let mut parts: Vec<String> = amounts.iter().map(part).collect();
        if slots > 0 {
            parts.push(counted(slots.into(), "pod slot"));
            amounts.insert("pods".to_owned(), slots.to_string());
        }
        let text = format!("free {} on {node}", listed(&parts));
        ChangeRow { amounts, ..on("free", text, node) }
    }

    fn ask_less(self, node: String, amounts: &Amounts) -> ChangeRow {
        let amounts = self.amounts(amounts);
        let asked = self.amounts(&self.spec().requests);
        let part = |(resource, less): (&String, &String)| {
            let asks = asked.get(resource).map_or("0", String::as_str);
            format!("{less} less {resource} than its {asks}")
        };
        let parts: Vec<String> = amounts.iter().map(part).collect();
        let text = format!("let it request {}: {node} would take it", listed(&parts));
        ChangeRow { amounts, ..on("ask-less", text, node) }
    }

    /// Amounts that are not zero, by resource.
    fn amounts(&self, amounts: &Amounts) -> BTreeMap<String, String> {
        let names = &self.cast.catalog.names;
        let Amounts { cpu, memory, ephemeral_storage: storage, extended } = amounts;
        let plain = [
            (Resource::Cpu, cpu.0, cpu.to_string()),
            (Resource::Memory, memory.0, memory.to_string()),
            (Resource::EphemeralStorage, storage.0, storage.to_string()),
        ];
        let more = extended.iter();
        let more = more.map(|(name, count)| (Resource::Extended(name), count, count.to_string()));
        plain
            .into_iter()
            .chain(more)
            .filter(|(_, amount, _)| *amount > 0)
            .map(|(resource, _, text)| (resource.text(names).to_owned(), text))
            .collect()
    }

    fn taint(self, node: String, taint: &Taint) -> ChangeRow {
        let effect = match taint.effect {
            Effect::NoSchedule => "NoSchedule",
            Effect::PreferNoSchedule => "PreferNoSchedule",
            Effect::NoExecute => "NoExecute",
        };
        let (key, value) = (self.name(taint.key), self.name(taint.value));
        let is = if value.is_empty() { String::new() } else { format!("={value}") };
        let written = format!("{key}{is}:{effect}");
        let away = if key.starts_with(WELL_KNOWN) {
            format!("have {node} lose the taint {written}, which the cluster put on")
        } else {
            format!("take the taint {written} off {node}")
        };
        let text = format!("{away}, or let the pod tolerate it");
        ChangeRow { taint: Some(written), ..on("remove-taint", text, node) }
    }
}

/// A change for the sake of one node.
fn on(change: &str, text: String, node: String) -> ChangeRow {
    ChangeRow { node: Some(node), ..of_pod(change, text) }
}

/// A change of what the pod asks of its place.
fn of_pod(change: &str, text: String) -> ChangeRow {
    ChangeRow { change: change.to_owned(), text, ..ChangeRow::default() }
}
