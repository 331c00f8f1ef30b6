//! LimitRanges: what containers ask for where they do not say, and what they may ask for.
//!
//! Source: `plugin/pkg/admission/limitranger/admission.go` and `SetDefaults_LimitRangeItem` of
//! `pkg/apis/core/v1/defaults.go`, Kubernetes 1.34.

use crate::ground::{Bytes, MilliCpu, Names};
use crate::model::{Amounts, Container, PodSpec, Resource};
use std::collections::BTreeMap;

/// Amounts of resources: CPU in thousandths of a core, bytes, or units.
type PerResource = BTreeMap<Resource, u64>;

/// What pods or containers may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitBounds {
    /// Least request and limit.
    pub min: PerResource,
    /// Greatest limit and request.
    pub max: PerResource,
    /// Greatest ratio of limit to request, in thousandths.
    pub ratio_milli: PerResource,
}

/// One item of a LimitRange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitRangeItem {
    /// Each container, init containers included.
    Container {
        /// What it may ask for.
        bounds: LimitBounds,
        /// Its limits where it has none.
        default: PerResource,
        /// Its requests where it has none.
        default_request: PerResource,
    },
    /// All containers of a pod together.
    Pod(LimitBounds),
    /// Each claim.
    Claim {
        /// Least size.
        min: Option<Bytes>,
        /// Greatest size.
        max: Option<Bytes>,
    },
}

impl LimitRangeItem {
    /// An item for containers as the API server stores it: without a default limit the greatest
    /// one is it, without a default request the default limit is it, or else the least request.
    pub fn container(
        bounds: LimitBounds,
        mut default: PerResource,
        mut default_request: PerResource,
    ) -> LimitRangeItem {
        let fill = |into: &mut PerResource, from: &PerResource| {
            from.iter().for_each(|(resource, amount)| {
                into.entry(*resource).or_insert(*amount);
            });
        };
        fill(&mut default, &bounds.max);
        fill(&mut default_request, &default);
        fill(&mut default_request, &bounds.min);
        LimitRangeItem::Container { bounds, default, default_request }
    }
}

fn amount(amounts: &Amounts, resource: Resource) -> u64 {
    match resource {
        Resource::Cpu => amounts.cpu.0,
        Resource::Memory => amounts.memory.0,
        Resource::EphemeralStorage => amounts.ephemeral_storage.0,
        Resource::Extended(name) => amounts.extended.get(name),
        Resource::Pods | Resource::Device => 0,
    }
}

fn set(amounts: &mut Amounts, resource: Resource, amount: u64) {
    match resource {
        Resource::Cpu => amounts.cpu = MilliCpu(amount),
        Resource::Memory => amounts.memory = Bytes(amount),
        Resource::EphemeralStorage => amounts.ephemeral_storage = Bytes(amount),
        Resource::Extended(name) => amounts.extended.set(name, amount),
        Resource::Pods | Resource::Device => {}
    }
}

/// Writes default limits and requests into a pod. Before that the API server has set requests that
/// were left out to the limits.
pub fn fill_limits(spec: &mut PodSpec, items: &[LimitRangeItem]) {
    for container in spec.containers.iter_mut().chain(&mut spec.init_containers) {
        for item in items {
            let LimitRangeItem::Container { default, default_request, .. } = item else { continue };
            for (resource, value) in default {
                if amount(&container.limits, *resource) == 0 {
                    set(&mut container.limits, *resource, *value);
                }
            }
            for (resource, value) in default_request {
                if !asks(container, *resource) {
                    set(&mut container.requests, *resource, *value);
                }
            }
        }
    }
    spec.compute_requests();
}

/// True if the container has a request, be it zero.
fn asks(container: &Container, resource: Resource) -> bool {
    let written_as_zero = match resource {
        Resource::Cpu => container.explicit_zero.cpu,
        Resource::Memory => container.explicit_zero.memory,
        _ => false,
    };
    written_as_zero || amount(&container.requests, resource) > 0
}

/// What is wrong with a pod, in upstream's words; nothing if it may be created.
pub fn check_limits(spec: &PodSpec, items: &[LimitRangeItem], names: &Names) -> Vec<String> {
    let mut wrong = Vec::new();
    for item in items {
        match item {
            LimitRangeItem::Container { bounds, .. } => {
                for container in spec.containers.iter().chain(&spec.init_containers) {
                    let asked = Asked {
                        kind: "Container",
                        requests: &container.requests,
                        limits: &container.limits,
                        names,
                    };
                    wrong.extend(asked.check(bounds, |resource| asks(container, resource)));
                }
            }
            LimitRangeItem::Pod(bounds) => {
                let (requests, limits) = (&spec.requests, &spec.limits());
                let asked = Asked { kind: "Pod", requests, limits, names };
                let containers = || spec.containers.iter().chain(&spec.init_containers);
                wrong.extend(asked.check(bounds, |resource| {
                    amount(requests, resource) > 0 || containers().any(|c| asks(c, resource))
                }));
            }
            LimitRangeItem::Claim { .. } => {}
        }
    }
    wrong
}

/// What is wrong with a claim of this size; nothing if it may be created.
pub fn check_claim_limits(size: Bytes, items: &[LimitRangeItem]) -> Vec<String> {
    let mut wrong = Vec::new();
    for item in items {
        let LimitRangeItem::Claim { min, max } = item else { continue };
        let kind = "storage usage per PersistentVolumeClaim is";
        if let Some(min) = min.filter(|min| size < *min) {
            wrong.push(format!("minimum {kind} {min}, but request is {size}"));
        }
        if let Some(max) = max.filter(|max| size > *max) {
            wrong.push(format!("maximum {kind} {max}, but request is {size}"));
        }
    }
    wrong
}

struct Asked<'a> {
    kind: &'static str,
    requests: &'a Amounts,
    limits: &'a Amounts,
    names: &'a Names,
}

impl Asked<'_> {
    fn check(&self, bounds: &LimitBounds, is_asked: impl Fn(Resource) -> bool) -> Vec<String> {
        let request =
            |resource: &Resource| is_asked(*resource).then_some(amount(self.requests, *resource));
        let mut wrong = Vec::new();
        for (resource, min) in &bounds.min {
            wrong.extend(self.too_small(*resource, request(resource), *min));
        }
        for (resource, max) in &bounds.max {
            wrong.extend(self.too_great(*resource, request(resource), *max));
        }
        for (resource, ratio) in &bounds.ratio_milli {
            wrong.extend(self.too_unequal(*resource, *ratio));
        }
        wrong
    }

    fn usage(&self, which: &str, resource: Resource, value: u64) -> String {
        let (name, value) = (self.name(resource), shown(resource, value));
        format!("{which} {name} usage per {} is {value}", self.kind)
    }

    fn too_small(&self, resource: Resource, request: Option<u64>, min: u64) -> Option<String> {
        let usage = self.usage("minimum", resource, min);
        let limit = amount(self.limits, resource);
        match request {
            None => Some(format!("{usage}.  No request is specified")),
            Some(request) if request < min => {
                Some(format!("{usage}, but request is {}", shown(resource, request)))
            }
            Some(_) if limit > 0 && limit < min => {
                Some(format!("{usage}, but limit is {}", shown(resource, limit)))
            }
            Some(_) => None,
        }
    }

    fn too_great(&self, resource: Resource, request: Option<u64>, max: u64) -> Option<String> {
        let usage = self.usage("maximum", resource, max);
        let limit = amount(self.limits, resource);
        let request = request.filter(|request| *request > max);
        if limit == 0 {
            Some(format!("{usage}.  No limit is specified"))
        } else if limit > max {
            Some(format!("{usage}, but limit is {}", shown(resource, limit)))
        } else {
            request.map(|request| format!("{usage}, but request is {}", shown(resource, request)))
        }
    }

    fn too_unequal(&self, resource: Resource, ratio_milli: u64) -> Option<String> {
        let (request, limit) = (amount(self.requests, resource), amount(self.limits, resource));
        let (name, most) = (self.name(resource), MilliCpu(ratio_milli));
        let rule = format!("{name} max limit to request ratio per {} is {most}", self.kind);
        if request == 0 {
            return Some(format!("{rule}, but no request is specified or request is 0"));
        }
        if limit == 0 {
            return Some(format!("{rule}, but no limit is specified or limit is 0"));
        }
        let exceeds = u128::from(limit) * 1000 > u128::from(ratio_milli) * u128::from(request);
        let ratio = limit as f64 / request as f64;
        exceeds.then(|| format!("{rule}, but provided ratio is {ratio:.6}"))
    }

    fn name(&self, resource: Resource) -> String {
        match resource {
            Resource::Cpu => "cpu".to_owned(),
            Resource::Memory => "memory".to_owned(),
            Resource::EphemeralStorage => "ephemeral-storage".to_owned(),
            Resource::Extended(name) => self.names.text(name).to_owned(),
            Resource::Pods | Resource::Device => format!("{resource:?}"),
        }
    }
}

fn shown(resource: Resource, value: u64) -> String {
    match resource {
        Resource::Cpu => MilliCpu(value).to_string(),
        Resource::Memory | Resource::EphemeralStorage => Bytes(value).to_string(),
        Resource::Pods | Resource::Device | Resource::Extended(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Catalog;

    const MIB: u64 = 1 << 20;

    fn per<const N: usize>(rows: [(Resource, u64); N]) -> PerResource {
        rows.into_iter().collect()
    }

    fn pod(catalog: &mut Catalog, cpu: &[(u64, u64)]) -> PodSpec {
        let names = &mut catalog.names;
        let mut spec = PodSpec::new(names.intern("default"), names.intern("default-scheduler"));
        for (request, limit) in cpu {
            let mut container = Container::new(names.intern("main"));
            container.requests.cpu = MilliCpu(*request);
            container.limits.cpu = MilliCpu(*limit);
            spec.containers.push(container);
        }
        spec.compute_requests();
        spec
    }

    #[test]
    fn what_is_not_said_is_filled_in() {
        let mut catalog = Catalog::new();
        let bounds = LimitBounds {
            min: per([(Resource::Memory, 64 * MIB), (Resource::EphemeralStorage, MIB)]),
            max: per([(Resource::Cpu, 2000), (Resource::Memory, 512 * MIB)]),
            ..LimitBounds::default()
        };
        let default = per([(Resource::Cpu, 800)]);
        let item = LimitRangeItem::container(bounds, default, per([(Resource::Memory, 99 * MIB)]));
        let mut spec = pod(&mut catalog, &[(0, 0), (100, 0)]);
        fill_limits(&mut spec, std::slice::from_ref(&item));
        let of = |at: usize| {
            let Container { requests, limits, .. } = &spec.containers[at];
            (requests.cpu.0, limits.cpu.0, requests.memory.0, limits.memory.0)
        };
        assert_eq!(of(0), (800, 800, 99 * MIB, 512 * MIB));
        assert_eq!(of(1), (100, 800, 99 * MIB, 512 * MIB));
        assert_eq!(spec.containers[0].requests.ephemeral_storage, Bytes(MIB));
        assert_eq!(spec.requests.cpu, MilliCpu(900));
        let wrong = check_limits(&spec, &[item], &catalog.names);
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn bounds_are_upstreams_words() {
        let mut catalog = Catalog::new();
        let cpu = |amount| per([(Resource::Cpu, amount)]);
        let bounds = LimitBounds {
            min: cpu(200),
            max: cpu(1000),
            ratio_milli: per([(Resource::Cpu, 2500)]),
        };
        let none = PerResource::new();
        let item = |bounds: &LimitBounds| LimitRangeItem::Container {
            bounds: bounds.clone(),
            default: none.clone(),
            default_request: none.clone(),
        };
        for (request, limit, texts) in [
            (400, 1000, vec![]),
            (100, 250, vec!["minimum cpu usage per Container is 200m, but request is 100m"]),
            (
                0,
                0,
                vec![
                    "minimum cpu usage per Container is 200m.  No request is specified",
                    "maximum cpu usage per Container is 1.  No limit is specified",
                    "cpu max limit to request ratio per Container is 2500m, but no request is \
                     specified or request is 0",
                ],
            ),
            (
                300,
                1500,
                vec![
                    "maximum cpu usage per Container is 1, but limit is 1500m",
                    "cpu max limit to request ratio per Container is 2500m, but provided ratio is \
                     5.000000",
                ],
            ),
        ] {
            let spec = pod(&mut catalog, &[(request, limit)]);
            assert_eq!(check_limits(&spec, &[item(&bounds)], &catalog.names), texts);
        }
        let both = pod(&mut catalog, &[(400, 800), (400, 800)]);
        let of_pod = LimitRangeItem::Pod(bounds);
        let text = "maximum cpu usage per Pod is 1, but limit is 1600m";
        assert_eq!(check_limits(&both, &[of_pod], &catalog.names), [text]);
    }

    #[test]
    fn claims_have_a_least_and_a_greatest_size() {
        let item = LimitRangeItem::Claim { min: Some(Bytes(MIB)), max: Some(Bytes(8 * MIB)) };
        let check = |size| check_claim_limits(Bytes(size), std::slice::from_ref(&item));
        assert!(check(MIB).is_empty() && check(8 * MIB).is_empty());
        let small = "minimum storage usage per PersistentVolumeClaim is 1Mi, but request is 512Ki";
        assert_eq!(check(MIB / 2), [small]);
        let great = "maximum storage usage per PersistentVolumeClaim is 8Mi, but request is 9Mi";
        assert_eq!(check(9 * MIB), [great]);
    }
}
