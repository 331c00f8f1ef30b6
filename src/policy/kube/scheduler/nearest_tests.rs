//! For each cause of waiting: the change that is named is made, and the pod is bound.

use super::test_host::{Host, node_spec};
use crate::ground::{Bytes, Draws};
use crate::model::{
    AccessMode, AffinityTerm, BindingMode, Change, Claim, ClaimRef, DeviceMask, Effect, Inclusion,
    LabelSelector, NearMiss, NodeId, NodeSelectorTerm, Object, Operator, Outlook, PodId, PodSpec,
    PodUid, PodVolume, PreemptionPolicy, ReclaimPolicy, Requirement, SpreadConstraint,
    StorageClass, Taint, Volume, VolumeMode, WhenUnsatisfiable,
};
use crate::policy::{Action, Cx};

fn misses(host: &Host, pod: PodId) -> Vec<NearMiss> {
    let (catalog, view, now) = (&host.catalog, &host.view, host.now);
    let cx = Cx { catalog, view, now, draws: Draws::new(1) };
    match host.scheduler.outlook(cx, pod) {
        Some(Outlook::Misses(found)) => found,
        other => panic!("{other:?}"),
    }
}

/// A cluster of nodes of 1 core in zones a and b, each full but for `left` thousandths of a core.
fn full(zones: &[&str], left: u64) -> Host {
    let mut host = Host::plain();
    let key = host.name("topology.kubernetes.io/zone");
    for zone in zones {
        let zone = host.name(zone);
        let mut spec = node_spec(1000);
        spec.labels.set(key, zone);
        let status = host.status(&spec, &[], false);
        let node = host.add_node(status);
        if left < 1000 {
            let pod = host.pod_spec(1000 - left);
            let number = 100 + node.0;
            host.add_pod(number, &pod);
            assert!(host.attempt().unwrap().is_ok());
        }
    }
    host
}

/// Adds the pod, sees it refused, and returns what would help.
fn refused(host: &mut Host, spec: &PodSpec) -> Vec<NearMiss> {
    let pod = host.add_pod(1, spec);
    assert!(host.attempt().unwrap().is_err(), "the pod waits");
    misses(host, pod)
}

/// A changed pod in the place of the first is bound.
fn bound_instead(host: &mut Host, spec: &PodSpec) {
    host.tell(Change::PodRemoved { pod: PodId(1) });
    host.add_pod(2, spec);
    assert!(host.attempt().unwrap().is_ok());
}

#[test]
fn too_little_cpu() {
    let mut host = full(&["a", "b"], 300);
    let spec = host.pod_spec(500);
    let found = refused(&mut host, &spec);
    let [NearMiss::Free { node, amounts, pods: 0 }, less] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(amounts.cpu.0, 200);
    assert_eq!(*less, NearMiss::AskLess { node: *node, amounts: amounts.clone() });
    let smaller = host.pod_spec(300);
    bound_instead(&mut host.clone(), &smaller);
    // The pod that is there shrinks by as much.
    let there = PodId(100 + node.0);
    host.tell(Change::PodRemoved { pod: there });
    let mut smaller = host.pod_spec(700 - amounts.cpu.0);
    smaller.node_name = Some(host.view.node(*node).name);
    let pod = host.add_pod(50, &smaller);
    host.tell(Change::PodBound { pod, node: *node, devices: Default::default() });
    assert_eq!(host.attempt(), Some(Ok(*node)));
}

#[test]
fn a_taint_and_a_cordon() {
    let mut host = Host::plain();
    let (key, value) = (host.name("dedicated"), host.name("db"));
    let taint = Taint { key, value, effect: Effect::NoSchedule };
    for (taints, cordoned) in [(vec![taint], false), (vec![], true)] {
        let status = host.status(&node_spec(1000), &taints, cordoned);
        host.add_node(status);
    }
    let spec = host.pod_spec(500);
    let found = refused(&mut host, &spec);
    let wanted =
        [NearMiss::RemoveTaint { node: NodeId(0), taint }, NearMiss::Uncordon { node: NodeId(1) }];
    assert_eq!(found, wanted);
    let mut uncordoned = host.clone();
    let status = host.status(&node_spec(1000), &[], false);
    host.tell(Change::NodeUpdated { node: NodeId(0), status });
    assert_eq!(host.attempt(), Some(Ok(NodeId(0))));
    uncordoned.tell(Change::NodeUpdated { node: NodeId(1), status });
    assert_eq!(uncordoned.attempt(), Some(Ok(NodeId(1))));
}

fn app(host: &mut Host) -> (LabelSelector, PodSpec) {
    let (key, value) = (host.name("app"), host.name("web"));
    let mut spec = host.pod_spec(10);
    spec.labels.set(key, value);
    (LabelSelector::of(&spec.labels), spec)
}

#[test]
fn a_spread_constraint() {
    let mut host = full(&["a", "b"], 1000);
    let (selector, mut spec) = app(&mut host);
    spec.spread = vec![SpreadConstraint {
        max_skew: 1,
        topology_key: host.name("topology.kubernetes.io/zone"),
        when_unsatisfiable: WhenUnsatisfiable::DoNotSchedule,
        selector: Some(selector),
        min_domains: 3,
        node_affinity: Inclusion::Honor,
        node_taints: Inclusion::Ignore,
    }];
    for number in [11, 12] {
        host.add_pod(number, &spec);
        assert!(host.attempt().unwrap().is_ok());
    }
    // Two in one zone, one in the other, and the third zone that is asked for is not there.
    let pod = host.add_pod(13, &spec);
    let (node, devices) = (NodeId(0), DeviceMask::NONE);
    host.tell(Change::PodBound { pod, node, devices });
    assert_eq!(refused(&mut host, &spec), [NearMiss::DropSpread(0)]);
    spec.spread.clear();
    bound_instead(&mut host, &spec);
}

#[test]
fn anti_affinity() {
    let mut host = full(&["a"], 1000);
    let (selector, mut spec) = app(&mut host);
    spec.pod_affinity.far.required = vec![AffinityTerm {
        selector: Some(selector),
        namespaces: vec![spec.namespace],
        namespace_selector: None,
        topology_key: host.catalog.hostname_key,
    }];
    host.add_pod(11, &spec);
    assert!(host.attempt().unwrap().is_ok());
    // The other pod keeps away from it too: dropping its own term would not help.
    let (node, pod) = (NodeId(0), PodUid(11));
    assert_eq!(refused(&mut host, &spec), [NearMiss::RemovePod { node, pod }]);
    host.tell(Change::PodRemoved { pod: PodId(11) });
    assert_eq!(host.attempt(), Some(Ok(node)));
}

#[test]
fn anti_affinity_to_pods_that_do_not_mind() {
    let mut host = full(&["a"], 1000);
    let (selector, mut spec) = app(&mut host);
    host.add_pod(11, &spec);
    assert!(host.attempt().unwrap().is_ok());
    spec.pod_affinity.far.required = vec![AffinityTerm {
        selector: Some(selector),
        namespaces: vec![spec.namespace],
        namespace_selector: None,
        topology_key: host.catalog.hostname_key,
    }];
    let found = refused(&mut host, &spec);
    assert!(found.contains(&NearMiss::DropAntiAffinity(0)), "{found:?}");
    spec.pod_affinity = Default::default();
    bound_instead(&mut host, &spec);
}

#[test]
fn a_volume_in_another_zone() {
    let mut host = full(&["a", "b"], 300);
    let (key, a, b) = (host.name("topology.kubernetes.io/zone"), host.name("a"), host.name("b"));
    // Zone b is full, and the volume is there.
    host.tell(Change::PodRemoved { pod: PodId(100) });
    let (name, class) = (host.name("data"), host.name("fast"));
    let in_zone = |zone| NodeSelectorTerm {
        match_labels: vec![Requirement { key, operator: Operator::In, values: vec![zone] }],
        match_fields: vec![],
    };
    let namespace = host.name("default");
    let mut volume = Volume {
        access_modes: vec![AccessMode::ReadWriteOnce],
        node_affinity: Some(vec![in_zone(b)]),
        claim: Some(ClaimRef { namespace, name }),
        available: false,
        ..Volume::new(name, class, Bytes(1 << 30))
    };
    let claim = Claim {
        namespace,
        name,
        request: Bytes(1 << 30),
        access_modes: vec![AccessMode::ReadWriteOnce],
        mode: VolumeMode::Filesystem,
        class,
        attributes_class: None,
        selector: None,
        volume: Some(name),
        bound: true,
        selected_node: None,
        lost: false,
        deleting: false,
        owner_pod: None,
    };
    let provisioner = host.name("csi.example");
    let (binding, topologies) = (BindingMode::Immediate, vec![]);
    let (is_default, reclaim) = (false, ReclaimPolicy::Delete);
    let class = StorageClass { name: class, provisioner, binding, topologies, is_default, reclaim };
    for object in
        [Object::StorageClass(class), Object::Volume(volume.clone()), Object::Claim(claim)]
    {
        let object = host.catalog.intern_object(&object);
        host.tell(Change::ObjectSet { object });
    }
    let mut spec = host.pod_spec(500);
    spec.volumes = vec![PodVolume::Claim(name)];
    let found = refused(&mut host, &spec);
    assert!(found.contains(&NearMiss::MoveVolumes { node: NodeId(0) }), "{found:?}");
    volume.node_affinity = Some(vec![in_zone(a)]);
    let object = host.catalog.intern_object(&Object::Volume(volume));
    host.tell(Change::ObjectSet { object });
    assert_eq!(host.attempt(), Some(Ok(NodeId(0))));
}

#[test]
fn a_preemption_that_is_not_allowed() {
    let mut host = full(&["a"], 300);
    let mut spec = host.pod_spec(500);
    spec.priority = 10;
    spec.preemption_policy = PreemptionPolicy::Never;
    let found = refused(&mut host, &spec);
    assert!(host.preemption.is_empty(), "it displaces nobody");
    let victims = vec![PodUid(100)];
    assert!(found.contains(&NearMiss::AllowPreemption { node: NodeId(0), victims }), "{found:?}");
    spec.preemption_policy = PreemptionPolicy::PreemptLowerPriority;
    host.tell(Change::PodRemoved { pod: PodId(1) });
    host.add_pod(2, &spec);
    assert!(host.attempt().unwrap().is_err());
    let preempted = |action: &&Action| matches!(action, Action::Preempt { pod: PodId(100), .. });
    assert_eq!(host.preemption.iter().filter(preempted).count(), 1);
    host.tell(Change::PodRemoved { pod: PodId(100) });
    assert_eq!(host.attempt(), Some(Ok(NodeId(0))));
}
