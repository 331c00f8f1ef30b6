//! ResourceQuotas: objects are charged when they are created, and refused when too little is left.
//!
//! Nothing is given back when an object goes: the quota controller counts anew, soon after it has
//! seen a deletion and every [`QUOTA_RESYNC`].
//!
//! Source: `staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go`,
//! `pkg/quota/v1/evaluator/core/pods.go` and `pkg/controller/resourcequota`, Kubernetes 1.34.

use super::usage::{QuotaAmounts, QuotaObject, QuotaPod, shown};
use crate::ground::{Names, Span};
use crate::model::{Container, PodSpec};
use crate::policy::kube::kubelet::{Qos, qos};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Every quota is counted anew that often (`ResourceQuotaSyncPeriod`).
pub const QUOTA_RESYNC: Span = Span::from_secs(300);

/// Which pods a quota limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuotaScope {
    /// Those with an active deadline.
    Terminating,
    /// Those without.
    NotTerminating,
    /// Those without requests and limits.
    BestEffort,
    /// The others.
    NotBestEffort,
    /// Those of some priority classes.
    PriorityClass(PriorityClassScope),
}

/// Which priority classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PriorityClassScope {
    /// These.
    In(Vec<String>),
    /// Any other, or none.
    NotIn(Vec<String>),
    /// Any.
    Exists,
    /// None.
    DoesNotExist,
}

impl QuotaScope {
    fn holds(&self, pod: &QuotaPod<'_>) -> bool {
        let class = pod.priority_class;
        let is_one_of = |list: &[String]| class.is_some_and(|own| list.iter().any(|c| c == own));
        match self {
            QuotaScope::Terminating => pod.spec.active_deadline.is_some(),
            QuotaScope::NotTerminating => pod.spec.active_deadline.is_none(),
            QuotaScope::BestEffort => qos(pod.spec) == Qos::BestEffort,
            QuotaScope::NotBestEffort => qos(pod.spec) != Qos::BestEffort,
            QuotaScope::PriorityClass(scope) => match scope {
                PriorityClassScope::In(list) => is_one_of(list),
                PriorityClassScope::NotIn(list) => !is_one_of(list),
                PriorityClassScope::Exists => class.is_some(),
                PriorityClassScope::DoesNotExist => class.is_none(),
            },
        }
    }
}

/// A ResourceQuota with what is used of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceQuota {
    /// Name.
    pub name: String,
    /// What there is.
    pub hard: QuotaAmounts,
    /// Which pods it limits; other objects only without scopes.
    pub scopes: Vec<QuotaScope>,
    /// What is used; `None` until it was counted for the first time.
    pub used: Option<QuotaAmounts>,
}

impl ResourceQuota {
    fn governs(&self, object: &QuotaObject<'_>) -> bool {
        let in_scope = match object {
            QuotaObject::Pod(pod) => self.scopes.iter().all(|scope| scope.holds(pod)),
            _ => self.scopes.is_empty(),
        };
        in_scope && self.hard.keys().any(|name| object.is_governed_by(name))
    }

    fn has_counted(&self, object: &QuotaObject<'_>) -> bool {
        let mut names = self.hard.keys().filter(|name| object.is_governed_by(name));
        self.used.as_ref().is_some_and(|used| names.all(|name| used.contains_key(name)))
    }

    /// A quota on requests or limits asks every container to say what it wants.
    fn unsaid(&self, spec: &PodSpec, names: &Names) -> BTreeMap<String, BTreeSet<String>> {
        let mut unsaid: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for container in spec.containers.iter().chain(&spec.init_containers) {
            for name in self.hard.keys().filter(|name| !says(container, name)) {
                let container = names.text(container.name).to_owned();
                unsaid.entry(name.clone()).or_default().insert(container);
            }
        }
        unsaid
    }
}

/// True if the container says how much of a resource it wants, or need not.
fn says(container: &Container, name: &str) -> bool {
    let (requests, limits, zero) =
        (&container.requests, &container.limits, container.explicit_zero);
    match name {
        "cpu" | "requests.cpu" => requests.cpu.0 > 0 || zero.cpu,
        "memory" | "requests.memory" => requests.memory.0 > 0 || zero.memory,
        "limits.cpu" => limits.cpu.0 > 0,
        "limits.memory" => limits.memory.0 > 0,
        _ => true,
    }
}

/// Why an object is refused. As text it is what upstream answers after "is forbidden: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuotaRefusal {
    /// Too little is left.
    Exceeded {
        /// Name of the quota.
        quota: String,
        /// What is asked for, of the resources of which too little is left.
        requested: QuotaAmounts,
        /// What of them is used.
        used: QuotaAmounts,
        /// What of them there is.
        limited: QuotaAmounts,
    },
    /// Containers do not say what they want.
    Unsaid {
        /// Name of the quota.
        quota: String,
        /// Names of containers by resource.
        containers: BTreeMap<String, BTreeSet<String>>,
    },
    /// The quota has not been counted yet.
    NotCounted {
        /// Name of the quota.
        quota: String,
        /// What it limits.
        resources: BTreeSet<String>,
    },
}

impl std::error::Error for QuotaRefusal {}

impl fmt::Display for QuotaRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |amounts: &QuotaAmounts| {
            let each = amounts.iter().map(|(name, amount)| (name, shown(name, *amount)));
            joined(each.map(|(name, amount)| format!("{name}={amount}")), ",")
        };
        match self {
            QuotaRefusal::Exceeded { quota, requested, used, limited } => write!(
                f,
                "exceeded quota: {quota}, requested: {}, used: {}, limited: {}",
                list(requested),
                list(used),
                list(limited)
            ),
            QuotaRefusal::Unsaid { quota, containers } => {
                let each = containers.iter().map(|(resource, containers)| {
                    format!("{resource} for: {}", joined(containers.iter().cloned(), ","))
                });
                write!(f, "failed quota: {quota}: must specify {}", joined(each, "; "))
            }
            QuotaRefusal::NotCounted { quota, resources } => {
                let resources = joined(resources.iter().cloned(), ",");
                write!(f, "status unknown for quota: {quota}, resources: {resources}")
            }
        }
    }
}

fn joined(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.collect::<Vec<_>>().join(between)
}

/// Charges an object that is created to every quota of its namespace, in order of name: what is
/// used of each afterwards, `None` where nothing changes. A refusal by one charges none.
pub fn charge_quotas(
    quotas: &[ResourceQuota],
    object: &QuotaObject<'_>,
    names: &Names,
) -> Result<Vec<Option<QuotaAmounts>>, QuotaRefusal> {
    for quota in quotas.iter().filter(|quota| quota.governs(object)) {
        let name = quota.name.clone();
        if let QuotaObject::Pod(pod) = object {
            let containers = quota.unsaid(pod.spec, names);
            if !containers.is_empty() {
                return Err(QuotaRefusal::Unsaid { quota: name, containers });
            }
        }
        if !quota.has_counted(object) {
            let resources = quota.hard.keys().cloned().collect();
            return Err(QuotaRefusal::NotCounted { quota: name, resources });
        }
    }
    let usage = object.usage(names);
    quotas.iter().map(|quota| charge(quota, object, &usage)).collect()
}

fn charge(
    quota: &ResourceQuota,
    object: &QuotaObject<'_>,
    usage: &QuotaAmounts,
) -> Result<Option<QuotaAmounts>, QuotaRefusal> {
    let Some(used) = quota.used.as_ref().filter(|_| quota.governs(object)) else {
        return Ok(None);
    };
    let requested: QuotaAmounts = (usage.iter())
        .filter(|(name, amount)| quota.hard.contains_key(*name) && **amount > 0)
        .map(|(name, amount)| (name.clone(), *amount))
        .collect();
    let mut after = used.clone();
    for (name, amount) in &requested {
        let sum = after.entry(name.clone()).or_default();
        *sum = sum.saturating_add(*amount);
    }
    let is_exceeded =
        |name: &String| requested.contains_key(name) && after[name] > quota.hard[name];
    if requested.keys().any(is_exceeded) {
        let exceeded = |amounts: &QuotaAmounts| -> QuotaAmounts {
            let rows = amounts.iter().filter(|(name, _)| is_exceeded(name));
            rows.map(|(name, amount)| (name.clone(), *amount)).collect()
        };
        return Err(QuotaRefusal::Exceeded {
            quota: quota.name.clone(),
            requested: exceeded(&requested),
            used: exceeded(used),
            limited: exceeded(&quota.hard),
        });
    }
    Ok(Some(after).filter(|after| after != used))
}

/// What is used of a quota, counted anew over all objects of its namespace.
pub fn recount_quota<'a>(
    quota: &ResourceQuota,
    objects: impl Iterator<Item = QuotaObject<'a>>,
    names: &Names,
) -> QuotaAmounts {
    let mut used: QuotaAmounts = quota.hard.keys().map(|name| (name.clone(), 0)).collect();
    for object in objects.filter(|object| quota.governs(object)) {
        for (name, amount) in object.usage(names) {
            if let Some(sum) = used.get_mut(&name) {
                *sum = sum.saturating_add(amount);
            }
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::{Bytes, MilliCpu};
    use crate::model::Catalog;
    use crate::policy::kube::control::SlowStart;
    use crate::policy::kube::quota::quota_amount;

    fn amounts(rows: &[(&str, &str)]) -> QuotaAmounts {
        let read = |(name, text): &(&str, &str)| {
            ((*name).to_owned(), quota_amount(name, text.parse().unwrap()))
        };
        rows.iter().map(read).collect()
    }

    fn quota(name: &str, hard: &[(&str, &str)]) -> ResourceQuota {
        let hard = amounts(hard);
        let used = Some(hard.keys().map(|name| (name.clone(), 0)).collect());
        ResourceQuota { name: name.to_owned(), hard, scopes: Vec::new(), used }
    }

    fn pod(catalog: &mut Catalog, milli: u64, mebibytes: u64) -> PodSpec {
        let names = &mut catalog.names;
        let mut spec = PodSpec::new(names.intern("default"), names.intern("default-scheduler"));
        let mut container = Container::new(names.intern("main"));
        container.requests.cpu = MilliCpu(milli);
        container.requests.memory = Bytes(mebibytes << 20);
        container.limits = container.requests.clone();
        spec.containers.push(container);
        spec.compute_requests();
        spec
    }

    fn whole(spec: &PodSpec) -> QuotaObject<'_> {
        QuotaObject::Pod(QuotaPod { spec, priority_class: None, ended: false })
    }

    fn create(
        quotas: &mut [ResourceQuota],
        object: &QuotaObject<'_>,
        names: &Names,
    ) -> Result<(), String> {
        let after = charge_quotas(quotas, object, names).map_err(|refusal| refusal.to_string())?;
        for (quota, used) in quotas.iter_mut().zip(after) {
            quota.used = used.or(quota.used.take());
        }
        Ok(())
    }

    /// Check 10 of section 7.6.
    #[test]
    fn a_quota_of_ten_pods_lets_ten_of_fifteen_in() {
        let mut catalog = Catalog::new();
        let spec = pod(&mut catalog, 100, 64);
        let names = &catalog.names;
        let mut quotas = [quota("few", &[("pods", "10")])];
        let (mut start, mut created, mut refused) = (SlowStart::new(15), 0, 0);
        let mut said = String::new();
        while refused == 0 {
            for _ in 0..start.next_batch() {
                match create(&mut quotas, &whole(&spec), names) {
                    Ok(()) => created += 1,
                    Err(text) => (refused, said) = (refused + 1, text),
                }
            }
        }
        assert_eq!((created, refused), (10, 5), "the batch of eight is the last one");
        assert_eq!(said, "exceeded quota: few, requested: pods=1, used: pods=10, limited: pods=10");
        let rest = vec![whole(&spec); 9];
        assert!(create(&mut quotas, &whole(&spec), names).is_err(), "not counted anew yet");
        quotas[0].used = Some(recount_quota(&quotas[0], rest.into_iter(), names));
        assert!(create(&mut quotas, &whole(&spec), names).is_ok());
        assert!(create(&mut quotas, &whole(&spec), names).is_err());
    }

    #[test]
    fn refusals_are_upstreams_words() {
        let mut catalog = Catalog::new();
        let big = pod(&mut catalog, 1500, 768);
        let mut vague = pod(&mut catalog, 0, 64);
        vague.containers[0].limits.memory = Bytes::ZERO;
        let names = &catalog.names;
        let mut quotas =
            [quota("compute", &[("requests.cpu", "2"), ("limits.memory", "1Gi"), ("pods", "9")])];
        create(&mut quotas, &whole(&big), names).unwrap();
        assert_eq!(
            create(&mut quotas, &whole(&big), names).unwrap_err(),
            "exceeded quota: compute, requested: limits.memory=768Mi,requests.cpu=1500m, \
             used: limits.memory=768Mi,requests.cpu=1500m, \
             limited: limits.memory=1Gi,requests.cpu=2"
        );
        assert_eq!(
            create(&mut quotas, &whole(&vague), names).unwrap_err(),
            "failed quota: compute: must specify limits.memory for: main; requests.cpu for: main"
        );
        quotas[0].used = None;
        assert_eq!(
            create(&mut quotas, &whole(&big), names).unwrap_err(),
            "status unknown for quota: compute, resources: limits.memory,pods,requests.cpu"
        );
    }

    #[test]
    fn one_refusal_charges_no_quota() {
        let mut catalog = Catalog::new();
        let spec = pod(&mut catalog, 100, 64);
        let names = &catalog.names;
        let mut quotas = [quota("a", &[("pods", "5")]), quota("b", &[("pods", "0")])];
        let before = quotas.clone();
        assert!(create(&mut quotas, &whole(&spec), names).is_err());
        assert_eq!(quotas, before);
    }

    #[test]
    fn scopes_and_ended_pods() {
        let mut catalog = Catalog::new();
        let (spec, idle) = (pod(&mut catalog, 100, 64), pod(&mut catalog, 0, 0));
        let names = &catalog.names;
        let gold = QuotaPod { spec: &spec, priority_class: Some("gold"), ended: false };
        let counted = |scope: QuotaScope, pod: QuotaPod<'_>| {
            let quota = ResourceQuota { scopes: vec![scope], ..quota("q", &[("pods", "9")]) };
            recount_quota(&quota, [QuotaObject::Pod(pod)].into_iter(), names)["pods"]
        };
        let of = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let class = |scope| QuotaScope::PriorityClass(scope);
        for (scope, count) in [
            (QuotaScope::Terminating, 0),
            (QuotaScope::NotTerminating, 1),
            (QuotaScope::BestEffort, 0),
            (QuotaScope::NotBestEffort, 1),
            (class(PriorityClassScope::In(of(&["gold"]))), 1),
            (class(PriorityClassScope::NotIn(of(&["gold"]))), 0),
            (class(PriorityClassScope::Exists), 1),
            (class(PriorityClassScope::DoesNotExist), 0),
        ] {
            assert_eq!(counted(scope.clone(), gold), count, "{scope:?}");
        }
        assert_eq!(counted(QuotaScope::BestEffort, QuotaPod { spec: &idle, ..gold }), 1);
        let ended = QuotaObject::Pod(QuotaPod { ended: true, ..gold });
        let both = quota("q", &[("pods", "9"), ("count/pods", "9"), ("cpu", "9")]);
        let used = recount_quota(&both, [ended, whole(&spec)].into_iter(), names);
        assert_eq!(used, amounts(&[("pods", "1"), ("count/pods", "2"), ("cpu", "100m")]));
    }

    #[test]
    fn claims_are_charged_by_size_and_class() {
        let names = &Catalog::new().names;
        let fast = "fast.storageclass.storage.k8s.io/requests.storage";
        let mut quotas = [quota("disks", &[("requests.storage", "10Gi"), (fast, "4Gi")])];
        let claim = |gibibytes: u64, class| QuotaObject::Claim {
            size: Bytes(gibibytes << 30),
            class: Some(class),
        };
        create(&mut quotas, &claim(3, "fast"), names).unwrap();
        let refused = create(&mut quotas, &claim(2, "fast"), names).unwrap_err();
        assert!(refused.ends_with(&format!("used: {fast}=3Gi, limited: {fast}=4Gi")), "{refused}");
        create(&mut quotas, &claim(7, "slow"), names).unwrap();
        assert!(create(&mut quotas, &claim(1, "slow"), names).is_err());
        let mut few = [quota("few", &[("services", "1")])];
        create(&mut few, &QuotaObject::Other("services"), names).unwrap();
        assert!(create(&mut few, &QuotaObject::Other("services"), names).is_err());
        assert!(create(&mut few, &claim(1, "slow"), names).is_ok());
    }
}
