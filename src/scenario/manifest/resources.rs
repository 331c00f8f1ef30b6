//! Requests and limits: names of resources, amounts, and what one implies for the other
//! (core/v1 defaults and validation, Kubernetes 1.34).

use super::container::ResourcesManifest;
use super::convert::Reader;
use crate::ground::{Bytes, MilliCpu, Quantity, QuantityError};
use crate::model::{Amounts, Container, PodLevel, PodSpec};
use crate::scenario::diagnostic::{key_of, nearest};
use crate::scenario::names::is_qualified;
use crate::scenario::tree::join;
use std::collections::BTreeMap;

/// The resource by which real pods ask for whole GPUs.
pub(in crate::scenario) const GPU_RESOURCE: &str = "nvidia.com/gpu";

/// Resources without a domain in their name.
const NATIVE: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// Amounts by name of resource.
pub(super) fn amounts(
    reader: &mut Reader<'_>,
    written: &BTreeMap<String, String>,
    path: &str,
) -> Amounts {
    let mut amounts = Amounts::default();
    for (name, text) in written {
        let path = join(path, name);
        if let Err(text) = check_resource(name) {
            let hint = match nearest(name, NATIVE) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "other resources are named like `example.com/fpga`".to_owned(),
            };
            reader.wrong(key_of(&path), text, &hint);
            continue;
        }
        let Some(quantity) = quantity(reader, text, &path) else { continue };
        match name.as_str() {
            "cpu" => amounts.cpu = MilliCpu(quantity.ceil_milli()),
            "memory" => amounts.memory = Bytes(quantity.ceil()),
            "ephemeral-storage" => amounts.ephemeral_storage = Bytes(quantity.ceil()),
            _ => {
                let whole = quantity.ceil();
                if !name.starts_with("hugepages-") && quantity.ceil_milli() != whole * 1000 {
                    let text = format!("`{text}` of `{name}` is not a whole number");
                    reader.wrong(path, text, "such a resource is given in whole units");
                }
                let name = reader.catalog.names.intern(name);
                amounts.extended.set(name, whole);
            }
        }
    }
    amounts
}

/// An amount, if it is one.
pub(super) fn quantity(reader: &mut Reader<'_>, text: &str, path: &str) -> Option<Quantity> {
    match text.parse() {
        Ok(quantity) => Some(quantity),
        Err(error) => {
            let error: QuantityError = error;
            let error = error.to_string();
            let (text, hint) = error.split_once("; ").unwrap_or((&error, ""));
            reader.wrong(path.to_owned(), text, hint);
            None
        }
    }
}

/// Requests and limits of a container: a limit without a request is a request, no request is above
/// its limit, and of an extended resource both are equal.
pub(super) fn requests_and_limits(
    reader: &mut Reader<'_>,
    resources: &ResourcesManifest,
    path: &str,
) -> (Amounts, Amounts) {
    let limits_path = join(path, "limits");
    let limits = amounts(reader, &resources.limits, &limits_path);
    let mut effective = resources.requests.clone();
    let requests_path = join(path, "requests");
    // Read once for its problems; the limits that are added below were read above.
    let written = amounts(reader, &effective, &requests_path);
    let problems = reader.problems.len();
    for (name, limit) in &resources.limits {
        effective.entry(name.clone()).or_insert_with(|| limit.clone());
    }
    let requests = amounts(reader, &effective, &requests_path);
    reader.problems.truncate(problems);

    let mut compare = |name: &str, request: u64, limit: u64, whole: bool| {
        let limited = resources.limits.contains_key(name);
        let path = join(&requests_path, name);
        if limited && request > limit {
            let text = format!("the request of `{name}` is above its limit");
            reader.wrong(path, text, "lower the request or raise the limit");
        } else if whole && request != limit {
            let text = format!("request and limit of `{name}` differ");
            reader.wrong(path, text, "write the same amount twice, or only the limit");
        }
    };
    compare("cpu", written.cpu.0, limits.cpu.0, false);
    compare("memory", written.memory.0, limits.memory.0, false);
    let (request, limit) = (written.ephemeral_storage.0, limits.ephemeral_storage.0);
    compare("ephemeral-storage", request, limit, false);
    for name in resources.requests.keys().filter(|name| !NATIVE.contains(&name.as_str())) {
        let Some(id) = reader.catalog.names.find(name) else { continue };
        let (request, limit) = (written.extended.get(id), limits.extended.get(id));
        if request != limit {
            let text = format!("request and limit of `{name}` differ");
            let path = join(&requests_path, name);
            reader.wrong(path, text, "write the same amount as request and as limit");
        }
    }
    (requests, limits)
}

/// Requests and limits of a pod as a whole (`spec.resources`, beta in 1.34): what is requested if
/// only a limit is written, and what containers may ask for beside it (core/v1 defaults
/// `defaultPodRequests` and validation, Kubernetes 1.34).
pub(super) fn pod_level(
    reader: &mut Reader<'_>,
    resources: &ResourcesManifest,
    (pod, path): (&PodSpec, &str),
) -> PodLevel {
    reader.rest(&resources.rest, path);
    let of_pods = |name: &str| matches!(name, "cpu" | "memory") || name.starts_with("hugepages-");
    let problems = reader.problems.len();
    for (key, list) in [("requests", &resources.requests), ("limits", &resources.limits)] {
        for name in list.keys().filter(|name| !of_pods(name)) {
            let text =
                format!("a pod as a whole asks for CPU, memory and huge pages, not `{name}`");
            let path = join(&join(path, key), name);
            reader.wrong(path, text, "write it in the containers");
        }
    }
    if reader.problems.len() > problems {
        return PodLevel::default();
    }
    let (mut requests, limits) = requests_and_limits(reader, resources, path);
    let of_containers = pod.requests_of_containers();
    if !resources.limits.is_empty() {
        // What containers ask for comes before the limit of the pod.
        let named = |name: &str| resources.requests.contains_key(name);
        if !named("cpu") && of_containers.cpu > MilliCpu::ZERO {
            requests.cpu = of_containers.cpu;
        }
        if !named("memory") && of_containers.memory > Bytes::ZERO {
            requests.memory = of_containers.memory;
        }
    }
    let is_set = |name: &str, amount: u64| amount > 0 || resources.requests.contains_key(name);
    let cpu = is_set("cpu", requests.cpu.0).then_some(requests.cpu);
    let memory = is_set("memory", requests.memory.0).then_some(requests.memory);
    for (name, less) in [
        ("cpu", cpu.is_some_and(|cpu| cpu < of_containers.cpu)),
        ("memory", memory.is_some_and(|memory| memory < of_containers.memory)),
    ] {
        if less {
            let text = format!("the containers ask for more `{name}` than the pod as a whole");
            reader.wrong(path.to_owned(), text, "raise it, or lower the requests of containers");
        }
    }
    let limited = [("cpu", limits.cpu.0), ("memory", limits.memory.0)];
    for (name, limit) in limited.into_iter().filter(|(_, limit)| *limit > 0) {
        let above = |container: &Container| match name {
            "cpu" => container.limits.cpu.0 > limit,
            _ => container.limits.memory.0 > limit,
        };
        if pod.containers.iter().chain(&pod.init_containers).any(above) {
            let text = format!("a container has a higher limit of `{name}` than the pod");
            reader.wrong(path.to_owned(), text, "lower it, or raise the limit of the pod");
        }
    }
    let names = &reader.catalog.names;
    let huge = requests.extended.iter().filter(|(name, _)| names.text(*name).starts_with("huge"));
    let huge_pages = huge.collect();
    PodLevel { cpu, memory, huge_pages, cpu_limit: limits.cpu, memory_limit: limits.memory }
}

/// Why this is not the name of a resource.
pub(in crate::scenario) fn check_resource(name: &str) -> Result<(), String> {
    let known = NATIVE.contains(&name) || name.starts_with("hugepages-");
    if known || (name.contains('/') && is_qualified(name)) {
        return Ok(());
    }
    Err(format!("`{name}` is not a resource"))
}
