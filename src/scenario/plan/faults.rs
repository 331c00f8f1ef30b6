//! Faults and the nodes that they strike.

use super::nodes::{HOSTNAME_LABEL, RACK_LABEL, ZONE_LABEL};
use super::{NodePlan, Planner};
use crate::model::{FaultAction, FaultEffect};
use crate::scenario::diagnostic::{key_of, list, nearest};
use crate::scenario::tree::join;
use crate::sim::Detail;
use crate::stimulus::{FaultParams, FaultPlan, FaultUnit, NodeTarget, SourcePlan};
use std::collections::{BTreeMap, BTreeSet};

/// How many names a hint lists.
const LISTED_MAX: usize = 10;

impl Planner<'_> {
    /// Plans all faults, as one source.
    pub(super) fn faults(&mut self) {
        let file = self.file;
        let mut plans = Vec::new();
        for (at, fault) in file.faults.iter().enumerate() {
            let path = format!("faults.{at}");
            self.under(&path, fault.check());
            if let (Some(at), Some(until)) = (fault.at, file.until)
                && at >= until
            {
                let text = format!("the fault comes at {at}, the run ends at {until}");
                self.warn(join(&path, "at"), text, "make the run longer or the fault earlier");
            }
            if file.detail == Detail::Placement && fault.effect() != FaultEffect::Power {
                let text = format!("`{}` needs kubelets", fault.action.name());
                self.wrong(join(&path, "action"), text, "write `detail: lifecycle`");
            }
            let mut params = fault.clone();
            self.resolve(&path, params.paths_mut());
            // Without the nodes of a broken cluster every name would be unknown.
            let units = match self.plan.nodes.is_empty() {
                true => Vec::new(),
                false => self.units_meant(fault, &path),
            };
            plans.push(FaultPlan { path, params, units });
        }
        if !plans.is_empty() {
            self.plan.sources.push(SourcePlan::Faults(plans));
        }
    }

    /// What a fault may strike.
    fn units_meant(&mut self, fault: &FaultParams, path: &str) -> Vec<FaultUnit> {
        let nodes = self.nodes_meant(&fault.nodes, &fault.selector, path);
        let label = match (fault.action, &fault.domain) {
            (FaultAction::RackOutage, None) => RACK_LABEL,
            (FaultAction::ZoneOutage, None) => ZONE_LABEL,
            (_, Some(label)) => label.as_str(),
            _ => return nodes.into_iter().map(FaultUnit::from).collect(),
        };
        if nodes.is_empty() {
            return Vec::new(); // that was told already
        }
        let mut domains: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for node in nodes {
            let row = &self.plan.nodes[node.position as usize];
            if let Some(domain) = self.label(row, label) {
                domains.entry(domain.to_owned()).or_default().push(node.position);
            }
        }
        if domains.is_empty() {
            let text = format!("none of the nodes has the label `{label}`");
            let hint = match label {
                RACK_LABEL => "write `racks:` in a group of nodes".to_owned(),
                ZONE_LABEL => "write `zones:` in a group of nodes".to_owned(),
                _ => self.known_labels(label),
            };
            let key = if fault.domain.is_some() { "domain" } else { "action" };
            self.wrong(join(path, key), text, &hint);
        }
        domains.into_iter().map(|(name, nodes)| FaultUnit { name, nodes }).collect()
    }

    /// The nodes of these names, or, without names, those with these labels.
    pub(super) fn nodes_meant(
        &mut self,
        names: &[String],
        selector: &BTreeMap<String, String>,
        path: &str,
    ) -> Vec<NodeTarget> {
        let target = |position: usize, name: &str| NodeTarget {
            position: u32::try_from(position).expect("fewer nodes than 2^32"),
            name: name.to_owned(),
        };
        if !names.is_empty() {
            let by_name: BTreeMap<&str, usize> = self
                .plan
                .nodes
                .iter()
                .enumerate()
                .map(|(at, node)| (self.plan.catalog.names.text(node.name), at))
                .collect();
            let mut targets = Vec::new();
            let mut unknown = Vec::new();
            for (at, name) in names.iter().enumerate() {
                match by_name.get(name.as_str()) {
                    Some(position) => targets.push(target(*position, name)),
                    None => unknown.push((at, name, self.nearest_node(name))),
                }
            }
            for (at, name, hint) in unknown {
                let path = format!("{path}.nodes.{at}");
                self.wrong(path, format!("no node is called `{name}`"), &hint);
            }
            return targets;
        }
        let targets: Vec<NodeTarget> = self
            .plan
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| selector.iter().all(|(k, v)| self.has(node, k, v)))
            .map(|(at, node)| target(at, self.plan.catalog.names.text(node.name)))
            .collect();
        if targets.is_empty() {
            self.no_match(selector, &join(path, "selector"));
        }
        targets
    }

    fn nearest_node(&self, name: &str) -> String {
        let names = || self.plan.nodes.iter().map(|node| self.plan.catalog.names.text(node.name));
        match nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let groups: BTreeSet<&str> = self
                    .plan
                    .nodes
                    .iter()
                    .map(|node| self.plan.catalog.names.text(node.group))
                    .collect();
                let first = names().next().unwrap_or("general-0");
                format!(
                    "nodes are called like `{first}`; the groups are {}",
                    some(groups.into_iter())
                )
            }
        }
    }

    fn has(&self, node: &NodePlan, key: &str, value: &str) -> bool {
        self.label(node, key) == Some(value)
    }

    /// The value of a label of a node; `zone` is short for the label of zones.
    fn label(&self, node: &NodePlan, key: &str) -> Option<&str> {
        let names = &self.plan.catalog.names;
        if key == HOSTNAME_LABEL {
            return Some(names.text(node.hostname));
        }
        let labels = &self.plan.catalog.node_spec(node.spec).labels;
        let find = |key: &str| labels.get(names.find(key)?).map(|value| names.text(value));
        find(key).or_else(|| find(full_label(key)?))
    }

    /// Says which labels there are.
    fn no_match(&mut self, selector: &BTreeMap<String, String>, path: &str) {
        let values = |key: &str| -> BTreeSet<&str> {
            self.plan.nodes.iter().filter_map(|node| self.label(node, key)).collect()
        };
        let mut wrong = Vec::new();
        for (key, value) in selector {
            let there = values(key);
            if there.is_empty() {
                let text = format!("no node has the label `{key}`");
                wrong.push((key_of(&join(path, key)), text, self.known_labels(key)));
            } else if !there.contains(value.as_str()) {
                let text = format!("no node has the label `{key}: {value}`");
                let hint = format!("its values are {}", some(there.into_iter()));
                wrong.push((join(path, key), text, hint));
            }
        }
        if wrong.is_empty() {
            let text = "no node has all of these labels together";
            wrong.push((path.to_owned(), text.to_owned(), "remove one of them".to_owned()));
        }
        for (path, text, hint) in wrong {
            self.wrong(path, text, &hint);
        }
    }

    fn known_labels(&self, key: &str) -> String {
        let mut labels: BTreeSet<&str> = BTreeSet::from([HOSTNAME_LABEL]);
        for node in &self.plan.nodes {
            let spec = self.plan.catalog.node_spec(node.spec);
            labels.extend(spec.labels.iter().map(|(key, _)| self.plan.catalog.names.text(key)));
        }
        for short in ["rack", "zone"] {
            if full_label(short).is_some_and(|label| labels.contains(label)) {
                labels.insert(short);
            }
        }
        match nearest(key, labels.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the labels are {}", some(labels.into_iter())),
        }
    }
}

/// The label that a short word stands for.
fn full_label(key: &str) -> Option<&'static str> {
    match key {
        "rack" => Some(RACK_LABEL),
        "zone" => Some(ZONE_LABEL),
        _ => None,
    }
}

/// Lists names, the first few of many.
pub(super) fn some<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let count = names.len();
    let shown = list(names.take(LISTED_MAX), if count > LISTED_MAX { "," } else { "and" });
    if count > LISTED_MAX { format!("{shown} and {} more", count - LISTED_MAX) } else { shown }
}
