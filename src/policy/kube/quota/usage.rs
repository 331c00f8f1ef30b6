//! What an object uses of each resource that a ResourceQuota can limit.
//!
//! Source: `pkg/quota/v1/evaluator/core/pods.go` and `persistent_volume_claims.go`, Kubernetes
//! 1.34.

use crate::ground::{Bytes, MilliCpu, Names, Quantity};
use crate::model::{Amounts, PodSpec};
use std::collections::BTreeMap;

/// Amounts by the name that a quota gives the resource: CPU in thousandths of a core, everything
/// else in whole units.
pub type QuotaAmounts = BTreeMap<String, u64>;

/// The resource under which whole GPUs are asked for.
const GPU: &str = "nvidia.com/gpu";
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";

/// A pod as quotas see it.
#[derive(Debug, Clone, Copy)]
pub struct QuotaPod<'a> {
    /// What it asks for.
    pub spec: &'a PodSpec,
    /// Its `priorityClassName`.
    pub priority_class: Option<&'a str>,
    /// It has Succeeded or Failed: only its object counts.
    pub ended: bool,
}

/// An object that is charged.
#[derive(Debug, Clone, Copy)]
pub enum QuotaObject<'a> {
    /// A pod.
    Pod(QuotaPod<'a>),
    /// A claim.
    Claim {
        /// What it asks for.
        size: Bytes,
        /// Its storage class.
        class: Option<&'a str>,
    },
    /// Any other, by its resource and group, such as `services` or `deployments.apps`.
    Other(&'a str),
}

impl QuotaObject<'_> {
    /// True if the object can use a resource of this name.
    pub(super) fn is_governed_by(&self, name: &str) -> bool {
        match self {
            QuotaObject::Pod(_) => {
                let requested = name.strip_prefix("requests.").unwrap_or(name);
                let is_compute = ["cpu", "memory", "ephemeral-storage"].contains(&requested);
                let is_limit = ["limits.cpu", "limits.memory", "limits.ephemeral-storage"];
                let is_extended = requested != name && requested.contains('/');
                ["pods", "count/pods"].contains(&name)
                    || is_compute
                    || is_limit.contains(&name)
                    || (is_extended && !name.contains(OF_CLASS))
                    || requested.starts_with("hugepages-")
            }
            QuotaObject::Claim { .. } => {
                let own = ["persistentvolumeclaims", "requests.storage"];
                own.contains(&name)
                    || name == "count/persistentvolumeclaims"
                    || name.contains(OF_CLASS)
            }
            QuotaObject::Other(resource) => {
                name == *resource || name.strip_prefix("count/") == Some(*resource)
            }
        }
    }

    /// What it uses.
    pub(super) fn usage(&self, names: &Names) -> QuotaAmounts {
        match self {
            QuotaObject::Pod(pod) => of_pod(pod, names),
            QuotaObject::Claim { size, class } => of_claim(*size, *class),
            QuotaObject::Other(resource) => one_of([(*resource).to_owned(), count_of(resource)]),
        }
    }
}

fn count_of(resource: &str) -> String {
    format!("count/{resource}")
}

fn one_of<const N: usize>(names: [String; N]) -> QuotaAmounts {
    names.into_iter().map(|name| (name, 1)).collect()
}

fn of_claim(size: Bytes, class: Option<&str>) -> QuotaAmounts {
    let kind = "persistentvolumeclaims";
    let mut usage = one_of([kind.to_owned(), count_of(kind)]);
    usage.insert("requests.storage".to_owned(), size.0);
    if let Some(class) = class {
        usage.insert(format!("{class}{OF_CLASS}requests.storage"), size.0);
        usage.insert(format!("{class}{OF_CLASS}{kind}"), 1);
    }
    usage
}

fn of_pod(pod: &QuotaPod<'_>, names: &Names) -> QuotaAmounts {
    let mut usage = one_of([count_of("pods")]);
    if pod.ended {
        return usage;
    }
    usage.insert("pods".to_owned(), 1);
    let (requests, limits) = (&pod.spec.requests, pod.spec.limits());
    for (name, amount) in compute(requests) {
        usage.insert(name.to_owned(), amount);
        usage.insert(format!("requests.{name}"), amount);
    }
    for (name, amount) in compute(&limits) {
        usage.insert(format!("limits.{name}"), amount);
    }
    for (name, amount) in requests.extended.iter() {
        let name = names.text(name);
        if name.starts_with("hugepages-") {
            usage.insert(name.to_owned(), amount);
        }
        usage.insert(format!("requests.{name}"), amount);
    }
    if let Some(devices) = pod.spec.devices.as_ref().filter(|devices| devices.milli_each == 1000) {
        usage.insert(format!("requests.{GPU}"), devices.count.into());
    }
    usage
}

fn compute(amounts: &Amounts) -> impl Iterator<Item = (&'static str, u64)> {
    let Amounts { cpu, memory, ephemeral_storage, .. } = amounts;
    let rows = [("cpu", cpu.0), ("memory", memory.0), ("ephemeral-storage", ephemeral_storage.0)];
    rows.into_iter().filter(|(_, amount)| *amount > 0)
}

fn is_cpu(name: &str) -> bool {
    ["cpu", "requests.cpu", "limits.cpu"].contains(&name)
}

/// The amount that a quota means by a quantity of this resource.
pub fn quota_amount(name: &str, quantity: Quantity) -> u64 {
    if is_cpu(name) { quantity.ceil_milli() } else { quantity.ceil() }
}

/// The amount as text. Upstream keeps the unit that was written; here bytes have the largest binary
/// one that is exact.
pub(super) fn shown(name: &str, amount: u64) -> String {
    let kind = name.rsplit(['.', '/']).next().unwrap_or(name);
    let is_bytes = ["memory", "ephemeral-storage", "storage"].contains(&kind)
        || name.trim_start_matches("requests.").starts_with("hugepages-");
    if is_cpu(name) {
        MilliCpu(amount).to_string()
    } else if is_bytes {
        Bytes(amount).to_string()
    } else {
        amount.to_string()
    }
}
