//! What the clusters of the decision bench are made of: machines and the shapes of pods.

use super::Noise;
use wavetank::ground::{Bytes, MilliCpu, Name};
use wavetank::model::{
    AffinityTerm, Amounts, Catalog, Effect, Inclusion, LabelSelector, Labels, NodeSpec, Object,
    Owner, OwnerKind, PodSpec, SpreadConstraint, Taint, Taints, Toleration, TolerationOperator,
    WeightedTerm, WhenUnsatisfiable,
};

/// Cores and GiB of the machines.
const MACHINES: [(u64, u64); 4] = [(16, 64), (32, 128), (32, 256), (64, 256)];
/// Zones of a cluster.
pub(crate) const ZONES: usize = 3;
const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// What pods ask for besides CPU and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nothing.
    Resources,
    /// Each shape belongs to a ReplicaSet and a Service: the default spread of upstream.
    Owned,
    /// Zones differ by at most 5 pods of the shape.
    Zones,
    /// No host has two pods of the shape.
    Hosts,
    /// Hosts without pods of the shape, zones with them, preferred.
    Preferred,
    /// A third of the nodes is to be avoided, a third closed to half of the shapes.
    Taints,
}

impl Wish {
    pub(crate) const ALL: [Wish; 6] =
        [Wish::Resources, Wish::Owned, Wish::Zones, Wish::Hosts, Wish::Preferred, Wish::Taints];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Wish::Resources => "resources",
            Wish::Owned => "owned",
            Wish::Zones => "hard-zone-spread",
            Wish::Hosts => "host-anti-affinity",
            Wish::Preferred => "preferred-affinity",
            Wish::Taints => "mixed-taints",
        }
    }
}

/// The machines, one of each size in each zone.
pub(crate) fn machines(catalog: &mut Catalog) -> Vec<NodeSpec> {
    let key = catalog.names.intern("topology.kubernetes.io/zone");
    let mut machines = Vec::new();
    for zone in 0..ZONES {
        let zone = catalog.names.intern(&format!("zone-{zone}"));
        for (cores, gib) in MACHINES {
            let mut labels = Labels::new();
            labels.set(key, zone);
            let (cpu, memory) = (MilliCpu(cores * 1000), Bytes(gib * GIB));
            let allocatable = Amounts { cpu, memory, ..Amounts::default() };
            machines.push(NodeSpec { allocatable, pods: 110, labels, ..NodeSpec::default() });
        }
    }
    machines
}

fn taint(catalog: &mut Catalog, effect: Effect) -> Taint {
    let (key, value) = (catalog.names.intern("pool"), catalog.names.intern("special"));
    Taint { key, value, effect }
}

/// The taints that the nodes have in turn.
pub(crate) fn taints(wish: Wish, catalog: &mut Catalog) -> Vec<Taints> {
    if wish != Wish::Taints {
        return vec![Taints::new()];
    }
    let avoided = taint(catalog, Effect::PreferNoSchedule);
    let closed = taint(catalog, Effect::NoSchedule);
    vec![Taints::new(), vec![avoided], vec![closed]]
}

/// A pod of 500 to 4,000 thousandths of a core and 1 to 16 GiB, by its number.
fn sized(catalog: &mut Catalog, number: usize) -> PodSpec {
    let mut noise = Noise::new(number as u64 + 1);
    let namespace = catalog.names.intern("default");
    let scheduler = catalog.names.intern("default-scheduler");
    let mut spec = PodSpec::new(namespace, scheduler);
    spec.requests.cpu = MilliCpu(500 + noise.below(3501) as u64);
    spec.requests.memory = Bytes((1024 + noise.below(15 * 1024) as u64) * MIB);
    (spec.scoring_cpu, spec.scoring_memory) = (spec.requests.cpu, spec.requests.memory);
    (spec.incoming_cpu, spec.incoming_memory) = (spec.requests.cpu, spec.requests.memory);
    spec
}

/// A pod with a wish, and the objects that come with it.
pub(crate) fn shape(wish: Wish, catalog: &mut Catalog, number: usize) -> (PodSpec, Vec<Object>) {
    let mut spec = sized(catalog, number);
    let app = catalog.names.intern("app");
    let value = catalog.names.intern(&format!("app-{number}"));
    let mut own = Labels::new();
    own.set(app, value);
    let selector = LabelSelector::of(&own);
    let host = catalog.hostname_key;
    let zone = catalog.names.intern("topology.kubernetes.io/zone");
    let namespace = spec.namespace;
    let near = |selector: &LabelSelector, topology_key: Name| AffinityTerm {
        selector: Some(selector.clone()),
        namespaces: vec![namespace],
        namespace_selector: None,
        topology_key,
    };
    let mut objects = Vec::new();
    if !matches!(wish, Wish::Resources | Wish::Taints) {
        spec.labels = own.clone();
    }
    match wish {
        Wish::Resources => {}
        Wish::Owned => {
            let owner = Owner { kind: OwnerKind::ReplicaSet, name: value };
            spec.owner = Some(owner);
            objects.push(Object::Owner { namespace, owner, selector });
            let selector = Some(own);
            let (publish, headless) = (false, false);
            let name = value;
            objects.push(Object::Service { namespace, name, selector, publish, headless });
        }
        Wish::Zones => spec.spread.push(SpreadConstraint {
            max_skew: 5,
            topology_key: zone,
            when_unsatisfiable: WhenUnsatisfiable::DoNotSchedule,
            selector: Some(selector),
            min_domains: 1,
            node_affinity: Inclusion::Honor,
            node_taints: Inclusion::Ignore,
        }),
        Wish::Hosts => spec.pod_affinity.far.required.push(near(&selector, host)),
        Wish::Preferred => {
            let weighted = |weight, term| WeightedTerm { weight, term };
            spec.pod_affinity.near.preferred.push(weighted(20, near(&selector, zone)));
            spec.pod_affinity.far.preferred.push(weighted(80, near(&selector, host)));
        }
        Wish::Taints if number.is_multiple_of(2) => spec.tolerations.push(Toleration {
            key: Some(app),
            operator: TolerationOperator::Exists,
            value,
            effect: None,
            seconds: None,
        }),
        Wish::Taints => {
            let Taint { key, value, .. } = taint(catalog, Effect::NoSchedule);
            let effect = Some(Effect::NoSchedule);
            let operator = TolerationOperator::Equal;
            let toleration = Toleration { key: Some(key), operator, value, effect, seconds: None };
            spec.tolerations.push(toleration);
        }
    }
    (spec, objects)
}

/// A pod that asks for this much CPU and as many MiB of memory, with a priority.
pub(crate) fn plain(catalog: &mut Catalog, cpu: u64, priority: i32) -> PodSpec {
    let mut spec = sized(catalog, 0);
    spec.requests.cpu = MilliCpu(cpu);
    spec.requests.memory = Bytes(cpu * MIB);
    (spec.scoring_cpu, spec.scoring_memory) = (spec.requests.cpu, spec.requests.memory);
    (spec.incoming_cpu, spec.incoming_memory) = (spec.requests.cpu, spec.requests.memory);
    spec.priority = priority;
    spec
}
