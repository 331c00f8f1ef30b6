//! On which nodes the pods of a DaemonSet belong, and what is added to their specification.
//!
//! Source: `nodeShouldRunDaemonPod` of `pkg/controller/daemon/daemon_controller.go` and
//! `pkg/controller/daemon/util/daemonset_util.go`, Kubernetes 1.34.

use super::DaemonFit;
use crate::ground::{Name, Names};
use crate::model::{
    Catalog, Effect, NodeSelectorTerm, Operator, PodSpec, Requirement, Taint, Toleration,
    TolerationOperator,
};

/// Taints that pods of a DaemonSet tolerate for ever, in the order in which they are added.
const TOLERATED: [(&str, Effect); 6] = [
    ("node.kubernetes.io/not-ready", Effect::NoExecute),
    ("node.kubernetes.io/unreachable", Effect::NoExecute),
    ("node.kubernetes.io/disk-pressure", Effect::NoSchedule),
    ("node.kubernetes.io/memory-pressure", Effect::NoSchedule),
    ("node.kubernetes.io/pid-pressure", Effect::NoSchedule),
    ("node.kubernetes.io/unschedulable", Effect::NoSchedule),
];
/// The one that they tolerate too if they use the network of the node.
const OF_HOST_NETWORK: (&str, Effect) =
    ("node.kubernetes.io/network-unavailable", Effect::NoSchedule);

/// Adds the tolerations of a DaemonSet to the specification of its pods.
pub fn tolerate_as_daemon(spec: &mut PodSpec, host_network: bool, names: &mut Names) {
    for (key, effect) in TOLERATED.into_iter().chain(host_network.then_some(OF_HOST_NETWORK)) {
        let added = Toleration {
            key: Some(names.intern(key)),
            operator: TolerationOperator::Exists,
            value: Catalog::NO_TEXT,
            effect: Some(effect),
            seconds: None,
        };
        // One that differs only in how long it lasts is replaced.
        let same = |own: &&mut Toleration| Toleration { seconds: None, ..**own } == added;
        match spec.tolerations.iter_mut().find(same) {
            Some(own) => *own = added,
            None => spec.tolerations.push(added),
        }
    }
}

/// Makes the specification that of a pod for one node: the scheduler binds it, and to no other.
pub fn pin_daemon(spec: &mut PodSpec, node: Name, names: &mut Names) {
    let key = names.intern("metadata.name");
    let named = Requirement { key, operator: Operator::In, values: vec![node] };
    let term = NodeSelectorTerm { match_labels: Vec::new(), match_fields: vec![named] };
    spec.node_affinity.required = Some(vec![term]);
}

/// Does a DaemonSet whose pods have this specification, its tolerations added, want one on a node
/// with this name, these labels and these taints?
pub fn daemon_fit(
    spec: &PodSpec,
    name: Name,
    label: impl Fn(Name) -> Option<Name>,
    taints: &[Taint],
    catalog: &Catalog,
) -> DaemonFit {
    let terms = spec.node_affinity.required.as_ref();
    let matches = spec.node_name.is_none_or(|wanted| wanted == name)
        && spec.node_selector.iter().all(|(key, value)| label(key) == Some(value))
        && terms.is_none_or(|terms| terms.iter().any(|term| term.matches(name, &label, catalog)));
    let tolerates = |taint: &Taint| spec.tolerations.iter().any(|own| own.tolerates(taint));
    let keeps_away =
        |effect| taints.iter().any(|taint| taint.effect == effect && !tolerates(taint));
    if !matches || keeps_away(Effect::NoExecute) {
        DaemonFit::Leaves
    } else if keeps_away(Effect::NoSchedule) {
        DaemonFit::Stays
    } else {
        DaemonFit::Runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(catalog: &mut Catalog) -> PodSpec {
        let names = &mut catalog.names;
        PodSpec::new(names.intern("default"), names.intern("default-scheduler"))
    }

    fn fit(catalog: &mut Catalog, spec: &PodSpec, taints: &[(&str, Effect)]) -> DaemonFit {
        let taints: Vec<Taint> = taints
            .iter()
            .map(|(key, effect)| Taint {
                key: catalog.names.intern(key),
                value: Catalog::NO_TEXT,
                effect: *effect,
            })
            .collect();
        let (name, disk, fast) =
            (catalog.names.intern("n1"), catalog.names.intern("disk"), catalog.names.intern("ssd"));
        daemon_fit(spec, name, |key| (key == disk).then_some(fast), &taints, catalog)
    }

    #[test]
    fn taints_and_selectors_decide() {
        let mut catalog = Catalog::new();
        let mut daemon = spec(&mut catalog);
        tolerate_as_daemon(&mut daemon, false, &mut catalog.names);
        for (taint, effect, expected) in [
            ("node.kubernetes.io/unreachable", Effect::NoExecute, DaemonFit::Runs),
            ("node.kubernetes.io/unschedulable", Effect::NoSchedule, DaemonFit::Runs),
            ("node.kubernetes.io/network-unavailable", Effect::NoSchedule, DaemonFit::Stays),
            ("maintenance", Effect::NoSchedule, DaemonFit::Stays),
            ("maintenance", Effect::PreferNoSchedule, DaemonFit::Runs),
            ("maintenance", Effect::NoExecute, DaemonFit::Leaves),
        ] {
            let found = fit(&mut catalog, &daemon, &[(taint, effect)]);
            assert_eq!(found, expected, "{taint} {effect:?}");
        }
        tolerate_as_daemon(&mut daemon, true, &mut catalog.names);
        let network = [("node.kubernetes.io/network-unavailable", Effect::NoSchedule)];
        assert_eq!(fit(&mut catalog, &daemon, &network), DaemonFit::Runs);
        assert_eq!(daemon.tolerations.len(), 7, "none is added twice");
        let disk = catalog.names.intern("disk");
        daemon.node_selector.set(disk, catalog.names.intern("ssd"));
        assert_eq!(fit(&mut catalog, &daemon, &[]), DaemonFit::Runs);
        daemon.node_selector.set(disk, catalog.names.intern("hdd"));
        assert_eq!(fit(&mut catalog, &daemon, &[]), DaemonFit::Leaves);
    }

    #[test]
    fn a_pod_for_one_node_fits_no_other() {
        let mut catalog = Catalog::new();
        let mut daemon = spec(&mut catalog);
        let other = catalog.names.intern("n2");
        pin_daemon(&mut daemon, other, &mut catalog.names);
        assert_eq!(fit(&mut catalog, &daemon, &[]), DaemonFit::Leaves);
        let own = catalog.names.intern("n1");
        pin_daemon(&mut daemon, own, &mut catalog.names);
        assert_eq!(fit(&mut catalog, &daemon, &[]), DaemonFit::Runs);
    }

    #[test]
    fn a_limit_of_its_own_is_lifted() {
        let mut catalog = Catalog::new();
        let mut daemon = spec(&mut catalog);
        let key = catalog.names.intern("node.kubernetes.io/unreachable");
        daemon.tolerations.push(Toleration {
            key: Some(key),
            operator: TolerationOperator::Exists,
            value: Catalog::NO_TEXT,
            effect: Some(Effect::NoExecute),
            seconds: Some(30),
        });
        tolerate_as_daemon(&mut daemon, false, &mut catalog.names);
        let lasting: Vec<_> = daemon.tolerations.iter().map(|own| own.seconds).collect();
        assert_eq!(lasting, [None; 6]);
    }
}
