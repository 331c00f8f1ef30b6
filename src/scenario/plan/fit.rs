//! Pods that fit on no node, however empty: most often a unit or a label that was not meant.

use super::{NodePlan, Planner};
use crate::model::{
    Amounts, Catalog, Container, DeviceRequest, Effect, NodeSpec, PodSpec, WorkloadKind,
};
use crate::scenario::Diagnostic;
use crate::scenario::WorkloadParams;
use crate::scenario::tree::join;
use crate::stimulus::PodParams;
use std::collections::BTreeMap;

const HINT: &str = "it would wait for ever; change what it asks for or what the nodes have";

impl Planner<'_> {
    /// Warns of pods that fit nowhere.
    pub(super) fn fit(&mut self) {
        let file = self.file;
        let mut services = self.plan.services.clone().into_iter();
        for (at, workload) in file.workloads.iter().enumerate() {
            match workload {
                WorkloadParams::Service(service) => {
                    let (id, spec) = services.next().expect("every service has a pod");
                    let kind = self.plan.catalog.workloads[id].kind;
                    debug_assert!(matches!(kind, WorkloadKind::Service { .. }));
                    let spec = self.plan.catalog.pod_spec(spec.template()).clone();
                    let key = if service.pod.is_some() { "pod" } else { "template" };
                    self.warn_if_nowhere(&spec, format!("workloads.{at}.service.{key}"));
                }
                WorkloadParams::Batch(batch) => {
                    for (number, pod) in batch.params.pods.iter().enumerate() {
                        let spec = bare_pod(pod, &mut self.plan.catalog);
                        let path = format!("workloads.{at}.batch.pods");
                        self.warn_if_nowhere(&spec, join(&path, &number.to_string()));
                    }
                }
                WorkloadParams::Trace(_) | WorkloadParams::Load(_) => {}
            }
        }
        for wanted in std::mem::take(&mut self.wanted) {
            let spec = self.plan.catalog.pod_spec(wanted.spec).clone();
            if let Some(text) = self.fits_nowhere(&spec) {
                let warning = Diagnostic { message: text, ..wanted.message };
                self.findings.diagnostics.push(warning.hint(HINT));
            }
        }
    }

    fn warn_if_nowhere(&mut self, spec: &PodSpec, path: String) {
        if let Some(text) = self.fits_nowhere(spec) {
            self.warn(path, text, HINT);
        }
    }

    /// Why a pod fits on no node, if it does not.
    fn fits_nowhere(&self, spec: &PodSpec) -> Option<String> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for node in &self.plan.nodes {
            *counts.entry(misfit(spec, node, &self.plan.catalog)?).or_default() += 1;
        }
        let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let why: Vec<String> = match counts.as_slice() {
            [(why, _)] => vec![why.clone()],
            several => several.iter().map(|(why, count)| format!("{why} ({count})")).collect(),
        };
        let nodes = match self.plan.nodes.len() {
            1 => "not on the only node".to_owned(),
            count => format!("on none of the {count} nodes"),
        };
        Some(format!("this pod fits {nodes}: {}", why.join(", ")))
    }
}

/// The pod of a generated mix, as far as fitting goes.
fn bare_pod(pod: &PodParams, catalog: &mut Catalog) -> PodSpec {
    let names = &mut catalog.names;
    let (namespace, scheduler) = (names.intern("default"), names.intern("default-scheduler"));
    let mut spec = PodSpec::new(namespace, scheduler);
    let requests = Amounts { cpu: pod.cpu, memory: pod.memory, ..Amounts::default() };
    spec.containers.push(Container { requests, ..Container::new(names.intern("main")) });
    spec.devices = pod.gpu.as_ref().map(|gpu| DeviceRequest {
        count: gpu.count,
        milli_each: gpu.milli,
        models: gpu.models.iter().map(|model| names.intern(model)).collect(),
    });
    spec.compute_requests();
    spec
}

/// Why an empty node cannot take the pod, as the reason of a sentence.
fn misfit(pod: &PodSpec, node: &NodePlan, catalog: &Catalog) -> Option<String> {
    if pod.node_name.is_some_and(|name| name != node.name) {
        return Some("it wants another `nodeName`".to_owned());
    }
    if node.unschedulable {
        return Some("it is cordoned".to_owned());
    }
    let spec = catalog.node_spec(node.spec);
    let label =
        |key| if key == catalog.hostname_key { Some(node.hostname) } else { spec.labels.get(key) };
    if !pod.node_selector.iter().all(|(key, value)| label(key) == Some(value)) {
        return Some("no label that its `nodeSelector` wants".to_owned());
    }
    if let Some(terms) = &pod.node_affinity.required
        && !terms.iter().any(|term| term.matches(node.name, label, catalog))
    {
        return Some("no match for its required node affinity".to_owned());
    }
    let refusing = catalog.taints(node.taints).iter().find(|taint| {
        taint.effect != Effect::PreferNoSchedule
            && !pod.tolerations.iter().any(|toleration| toleration.tolerates(taint))
    });
    if let Some(taint) = refusing {
        let key = catalog.names.text(taint.key);
        return Some(format!("the taint `{key}`, which it does not tolerate"));
    }
    too_little(pod, spec, catalog)
}

fn too_little(pod: &PodSpec, node: &NodeSpec, catalog: &Catalog) -> Option<String> {
    let (asked, there) = (&pod.requests, &node.allocatable);
    if asked.cpu > there.cpu {
        return Some(format!("less CPU than the {} it asks for", asked.cpu));
    }
    if asked.memory > there.memory {
        return Some(format!("less memory than the {} it asks for", asked.memory));
    }
    if asked.ephemeral_storage > there.ephemeral_storage {
        return Some(format!(
            "less ephemeral storage than the {} it asks for",
            asked.ephemeral_storage
        ));
    }
    let short = asked.extended.iter().find(|(name, amount)| there.extended.get(*name) < *amount);
    if let Some((name, amount)) = short {
        let name = catalog.names.text(name);
        return Some(format!("less `{name}` than the {amount} it asks for"));
    }
    let request = pod.devices.as_ref()?;
    match node.devices {
        None => Some("no GPUs".to_owned()),
        Some(gpus) if !request.accepts(gpus.model) => {
            Some("no GPU of a model it accepts".to_owned())
        }
        Some(gpus) if gpus.count < request.count => {
            Some(format!("fewer GPUs than the {} it asks for", request.count))
        }
        Some(_) => None,
    }
}
