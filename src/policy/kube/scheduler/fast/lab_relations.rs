//! What pods of the tests of the fast path want of other pods: services and controllers, spread,
//! affinity.

use super::lab::Lab;
use crate::ground::Name;
use crate::model::{
    AffinityTerm, Inclusion, LabelSelector, Labels, Object, Operator, Owner, OwnerKind, PodSpec,
    Requirement, SpreadConstraint, WeightedTerm, WhenUnsatisfiable,
};
use crate::policy::kube::scheduler::profile::{Profile, SpreadDefaults};
use crate::policy::kube::scheduler::test_host::Host;

const APPS: [&str; 3] = ["red", "green", "blue"];
const KEYS: [&str; 4] =
    ["kubernetes.io/hostname", "topology.kubernetes.io/zone", "disk", "no-such-label"];

impl Lab {
    fn app(&mut self, host: &mut Host) -> (Name, Name) {
        let at = self.below(APPS.len());
        (host.name("app"), host.name(APPS[at]))
    }

    fn labels(&mut self, host: &mut Host) -> Labels {
        let (key, value) = self.app(host);
        [(key, value)].into_iter().collect()
    }

    fn selector(&mut self, host: &mut Host) -> LabelSelector {
        let (key, value) = self.app(host);
        let (operator, values) = match self.below(8) {
            0 => return LabelSelector::default(),
            1 => (Operator::Exists, vec![]),
            2 => (Operator::NotIn, vec![value]),
            _ => (Operator::In, vec![value]),
        };
        LabelSelector(vec![Requirement { key, operator, values }])
    }

    fn key(&mut self, host: &mut Host) -> Name {
        let at = [0, 0, 0, 1, 1, 1, 2, 3][self.below(8)];
        host.name(KEYS[at])
    }

    fn constraint(&mut self, host: &mut Host, kind: WhenUnsatisfiable) -> SpreadConstraint {
        let inclusion = |honor| if honor { Inclusion::Honor } else { Inclusion::Ignore };
        SpreadConstraint {
            max_skew: 1 + self.below(3) as u32,
            topology_key: self.key(host),
            when_unsatisfiable: kind,
            selector: (!self.one_in(8)).then(|| self.selector(host)),
            min_domains: 1 + self.below(4) as u32,
            node_affinity: inclusion(self.one_in(2)),
            node_taints: inclusion(self.one_in(2)),
        }
    }

    fn term(&mut self, host: &mut Host) -> AffinityTerm {
        let (own, other) = (host.name("default"), host.name("other"));
        let by_labels = match self.below(5) {
            0 => Some(LabelSelector::default()),
            1 => Some(LabelSelector::of(&self.labels(host))),
            _ => None,
        };
        AffinityTerm {
            selector: (!self.one_in(10)).then(|| self.selector(host)),
            namespaces: [vec![own], vec![other], vec![own, other]][self.below(3)].clone(),
            namespace_selector: by_labels,
            topology_key: self.key(host),
        }
    }

    fn weighted(&mut self, host: &mut Host) -> WeightedTerm {
        WeightedTerm { weight: 1 + self.below(100) as i32, term: self.term(host) }
    }

    /// Gives the pods something to want of others.
    pub(super) fn relate(&mut self, host: &mut Host) {
        for mut pod in std::mem::take(&mut self.pods) {
            pod.labels = self.labels(host);
            if self.one_in(4) {
                pod.namespace = host.name("other");
            }
            if self.one_in(2) {
                let name = self.app(host).1;
                pod.owner = Some(Owner { kind: OwnerKind::ReplicaSet, name });
            }
            self.want(host, &mut pod);
            self.pods.push(pod);
        }
    }

    fn want(&mut self, host: &mut Host, pod: &mut PodSpec) {
        let kinds = [WhenUnsatisfiable::DoNotSchedule, WhenUnsatisfiable::ScheduleAnyway];
        if self.one_in(2) {
            for _ in 0..1 + self.below(3) {
                let kind = kinds[self.below(2)];
                pod.spread.push(self.constraint(host, kind));
            }
        }
        let affinity = &mut pod.pod_affinity;
        if self.one_in(6) {
            affinity.near.required.push(self.term(host));
        }
        if self.one_in(4) {
            affinity.far.required.push(self.term(host));
        }
        while self.one_in(4) {
            affinity.near.preferred.push(self.weighted(host));
        }
        while self.one_in(4) {
            affinity.far.preferred.push(self.weighted(host));
        }
    }

    /// A service, controller or namespace of some content.
    pub(super) fn object(&mut self, host: &mut Host) -> Object {
        let name = self.app(host).1;
        let namespace = host.name(["default", "other"][self.below(2)]);
        match self.below(3) {
            0 => {
                let selector = (!self.one_in(4)).then(|| self.labels(host));
                Object::Service { namespace, name, selector, publish: false, headless: false }
            }
            1 => {
                let owner = Owner { kind: OwnerKind::ReplicaSet, name };
                Object::Owner { namespace, owner, selector: self.selector(host) }
            }
            _ => Object::Namespace { name: namespace, labels: self.labels(host) },
        }
    }

    /// Other arguments of the plugins that look at other pods.
    pub(super) fn tune(&mut self, host: &mut Host, profile: &mut Profile) {
        let arguments = &mut profile.arguments;
        arguments.hard_pod_affinity_weight = [0, 1, 7][self.below(3)];
        arguments.ignore_preferred_terms_of_existing_pods = self.one_in(3);
        if self.one_in(3) {
            let kinds = [WhenUnsatisfiable::DoNotSchedule, WhenUnsatisfiable::ScheduleAnyway];
            let constraints = kinds.map(|kind| {
                let rule = self.constraint(host, kind);
                SpreadConstraint { selector: None, ..rule }
            });
            arguments.spread_defaults =
                SpreadDefaults { system: false, constraints: constraints.into() };
        }
    }
}
