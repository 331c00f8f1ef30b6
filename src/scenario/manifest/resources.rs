//! Requests and limits: names of resources, amounts, and what one implies for the other
//! (core/v1 defaults and validation, Kubernetes 1.34).

use super::container::ResourcesManifest;
use super::convert::Reader;
use crate::ground::{Bytes, MilliCpu, Quantity};
use crate::model::Amounts;
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
        let quantity: Quantity = match text.parse() {
            Ok(quantity) => quantity,
            Err(error) => {
                let error = error.to_string();
                let (text, hint) = error.split_once("; ").unwrap_or((&error, ""));
                reader.wrong(path, text, hint);
                continue;
            }
        };
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

/// Why this is not the name of a resource.
pub(in crate::scenario) fn check_resource(name: &str) -> Result<(), String> {
    let known = NATIVE.contains(&name) || name.starts_with("hugepages-");
    if known || (name.contains('/') && is_qualified(name)) {
        return Ok(());
    }
    Err(format!("`{name}` is not a resource"))
}
