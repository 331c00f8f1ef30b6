//! From API objects to the nouns of the model.

use super::wire;
use crate::ground::{Bytes, MilliCpu, Name};
use crate::model::{
    AffinityTerm, Amounts, Catalog, Container, Disk, ExplicitZero, HostPort, ImageOnNode,
    Inclusion, LabelSelector, Labels, NodeAffinity, NodeSelectorTerm, NodeSpec, Owner, PodAffinity,
    PodLevel, PodSpec, PodTerms, PodVolume, Preferred, Requirement, SpreadConstraint, Taint,
    Taints, Toleration, TolerationOperator, WeightedTerm, normalized_image,
};
use crate::scenario::claim_template;

/// Names what objects are made of.
pub(super) struct Reader<'n> {
    pub(super) catalog: &'n mut Catalog,
}

/// What a Node object says.
pub(super) struct ReadNode {
    pub(super) name: Name,
    pub(super) hostname: Option<Name>,
    pub(super) spec: NodeSpec,
    pub(super) taints: Taints,
    pub(super) unschedulable: bool,
}

impl Reader<'_> {
    pub(super) fn name(&mut self, text: &str) -> Name {
        self.catalog.names.intern(text)
    }

    pub(super) fn all(&mut self, texts: &[String]) -> Vec<Name> {
        texts.iter().map(|text| self.name(text)).collect()
    }

    pub(super) fn labels(&mut self, texts: &wire::Texts) -> Labels {
        texts.iter().map(|(key, value)| (self.name(key), self.name(value))).collect()
    }

    pub(super) fn amounts(&mut self, written: &wire::Amounts) -> Amounts {
        let mut amounts = Amounts::default();
        for (name, amount) in written {
            match name.as_str() {
                "cpu" => amounts.cpu = amount.cpu(),
                "memory" => amounts.memory = amount.bytes(),
                "ephemeral-storage" => amounts.ephemeral_storage = amount.bytes(),
                "pods" => {}
                other => amounts.extended.set(self.name(other), amount.whole()),
            }
        }
        amounts
    }

    pub(super) fn node(&mut self, node: &wire::Node, hostname_key: Name) -> ReadNode {
        let all = self.labels(&node.metadata.labels);
        let mut images = Vec::new();
        for image in &node.status.images {
            for name in &image.names {
                let (name, size) = (self.name(name), Bytes(image.size_bytes));
                images.push(ImageOnNode { name, size });
            }
        }
        let allocatable = &node.status.allocatable;
        let pods = allocatable.get("pods").map_or(0, |amount| amount.whole());
        let taints = node.spec.taints.iter().filter_map(|taint| {
            let (key, value) =
                (self.catalog.names.intern(&taint.key), self.catalog.names.intern(&taint.value));
            Some(Taint { key, value, effect: taint.effect.effect()? })
        });
        let taints = taints.collect();
        ReadNode {
            name: self.name(&node.metadata.name),
            hostname: all.get(hostname_key),
            spec: NodeSpec {
                allocatable: self.amounts(allocatable),
                pods: u32::try_from(pods).unwrap_or(u32::MAX),
                labels: all.iter().filter(|(key, _)| *key != hostname_key).collect(),
                images,
                ..NodeSpec::default()
            },
            taints,
            unschedulable: node.spec.unschedulable,
        }
    }

    fn requirements(&mut self, list: &[wire::Requirement]) -> Vec<Requirement> {
        list.iter()
            .map(|one| Requirement {
                key: self.name(&one.key),
                operator: one.operator,
                values: self.all(&one.values),
            })
            .collect()
    }

    fn node_term(&mut self, term: &wire::NodeTerm) -> NodeSelectorTerm {
        NodeSelectorTerm {
            match_labels: self.requirements(&term.match_expressions),
            match_fields: self.requirements(&term.match_fields),
        }
    }

    pub(super) fn node_terms(&mut self, selector: &wire::NodeSelector) -> Vec<NodeSelectorTerm> {
        selector.node_selector_terms.iter().map(|term| self.node_term(term)).collect()
    }

    fn node_affinity(&mut self, affinity: &wire::NodeAffinity) -> NodeAffinity {
        let preferred = affinity
            .preferred
            .iter()
            .map(|one| Preferred { weight: one.weight, term: self.node_term(&one.preference) });
        let preferred = preferred.collect();
        NodeAffinity {
            required: affinity.required.as_ref().map(|selector| self.node_terms(selector)),
            preferred,
        }
    }

    pub(super) fn selector(&mut self, selector: &wire::Selector) -> LabelSelector {
        let labels = self.labels(&selector.match_labels);
        let mut read = LabelSelector::of(&labels);
        read.0.extend(self.requirements(&selector.match_expressions));
        read
    }

    pub(super) fn maybe(&mut self, selector: &Option<wire::Selector>) -> Option<LabelSelector> {
        selector.as_ref().map(|selector| self.selector(selector))
    }

    /// Without any other namespace, a term means that of its pod.
    fn term(&mut self, term: &wire::PodTerm, namespace: Name) -> AffinityTerm {
        let own = term.namespaces.is_empty() && term.namespace_selector.is_none();
        AffinityTerm {
            selector: self.maybe(&term.label_selector),
            namespaces: if own { vec![namespace] } else { self.all(&term.namespaces) },
            namespace_selector: self.maybe(&term.namespace_selector),
            topology_key: self.name(&term.topology_key),
        }
    }

    fn terms(&mut self, terms: &wire::PodTerms, namespace: Name) -> PodTerms {
        let required = terms.required.iter().map(|term| self.term(term, namespace)).collect();
        let preferred = terms.preferred.iter().map(|weighted| WeightedTerm {
            weight: weighted.weight,
            term: self.term(&weighted.pod_affinity_term, namespace),
        });
        PodTerms { required, preferred: preferred.collect() }
    }

    fn spread(&mut self, one: &wire::SpreadConstraint, labels: &Labels) -> SpreadConstraint {
        let mut selector = self.maybe(&one.label_selector);
        for key in &one.match_label_keys {
            let key = self.name(key);
            if let Some(value) = labels.get(key) {
                selector.get_or_insert_default().require(key, value);
            }
        }
        SpreadConstraint {
            max_skew: one.max_skew,
            topology_key: self.name(&one.topology_key),
            when_unsatisfiable: one.when_unsatisfiable,
            selector,
            min_domains: one.min_domains.unwrap_or(1),
            node_affinity: one.node_affinity_policy.unwrap_or(Inclusion::Honor),
            node_taints: one.node_taints_policy.unwrap_or(Inclusion::Ignore),
        }
    }

    fn container(&mut self, container: &wire::Container) -> Container {
        let requests = &container.resources.requests;
        let zero = |name: &str| requests.get(name).is_some_and(|amount| amount.whole() == 0);
        let image = container.image.as_deref();
        Container {
            image: image.map(|image| self.name(&normalized_image(image))),
            requests: self.amounts(requests),
            explicit_zero: ExplicitZero { cpu: zero("cpu"), memory: zero("memory") },
            limits: self.amounts(&container.resources.limits),
            sidecar: container.restart_policy == "Always",
            ..Container::new(self.name(&container.name))
        }
    }

    fn host_port(&mut self, port: &wire::Port) -> Option<HostPort> {
        let any = matches!(port.host_ip.as_str(), "" | "0.0.0.0");
        (port.host_port > 0).then(|| HostPort {
            port: port.host_port,
            protocol: port.protocol.protocol(),
            address: (!any).then(|| self.name(&port.host_ip)),
        })
    }

    fn toleration(&mut self, toleration: &wire::Toleration) -> Toleration {
        Toleration {
            key: (!toleration.key.is_empty()).then(|| self.name(&toleration.key)),
            operator: toleration.operator.unwrap_or(TolerationOperator::Equal),
            value: self.name(&toleration.value),
            effect: toleration.effect.effect(),
            seconds: toleration.toleration_seconds,
        }
    }

    fn volume(&mut self, volume: &wire::PodVolume) -> Result<Option<PodVolume>, String> {
        if let Some(claim) = &volume.persistent_volume_claim {
            return Ok(Some(PodVolume::Claim(self.name(&claim.claim_name))));
        }
        if let Some(ephemeral) = &volume.ephemeral {
            let template = claim_template(&ephemeral.volume_claim_template, self.catalog)?;
            let name = self.name(&volume.name);
            return Ok(Some(PodVolume::Ephemeral(name, Box::new(template))));
        }
        let disk = if let Some(disk) = &volume.gce_persistent_disk {
            let name = self.name(&disk.pd_name);
            Disk::GcePersistentDisk { name, read_only: disk.read_only }
        } else if let Some(disk) = &volume.aws_elastic_block_store {
            Disk::AwsElasticBlockStore { volume: self.name(&disk.volume_id) }
        } else if let Some(disk) = &volume.iscsi {
            Disk::Iscsi { iqn: self.name(&disk.iqn), read_only: disk.read_only }
        } else if let Some(disk) = &volume.rbd {
            Disk::Rbd {
                monitors: self.all(&disk.monitors),
                pool: self.name(&disk.pool),
                image: self.name(&disk.image),
                read_only: disk.read_only,
            }
        } else {
            return Ok(None);
        };
        Ok(Some(PodVolume::Disk(disk)))
    }

    fn pod_level(&mut self, wire::Resources { requests, limits }: &wire::Resources) -> PodLevel {
        let huge = requests.iter().filter(|(name, _)| name.starts_with("hugepages-"));
        PodLevel {
            cpu: requests.get("cpu").map(|amount| amount.cpu()),
            memory: requests.get("memory").map(|amount| amount.bytes()),
            huge_pages: huge.map(|(name, amount)| (self.name(name), amount.whole())).collect(),
            cpu_limit: limits.get("cpu").map_or(MilliCpu::ZERO, |amount| amount.cpu()),
            memory_limit: limits.get("memory").map_or(Bytes::ZERO, |amount| amount.bytes()),
        }
    }

    fn owner(&mut self, metadata: &wire::Metadata) -> Option<Owner> {
        let owner = metadata.owner_references.iter().find(|owner| owner.controller)?;
        Some(Owner { kind: owner.owner_kind()?, name: self.name(&owner.name) })
    }

    pub(super) fn pod(&mut self, pod: &wire::Pod) -> Result<PodSpec, String> {
        let written = &pod.spec;
        if !written.resource_claims.is_empty() {
            return Err("`spec.resourceClaims` needs DynamicResources, which is not built".into());
        }
        let namespace = self.name(&pod.metadata.namespace);
        let mut spec = PodSpec::new(namespace, self.name(&written.scheduler_name));
        spec.labels = self.labels(&pod.metadata.labels);
        spec.owner = self.owner(&pod.metadata);
        spec.containers = written.containers.iter().map(|c| self.container(c)).collect();
        spec.init_containers = written.init_containers.iter().map(|c| self.container(c)).collect();
        spec.overhead = self.amounts(&written.overhead);
        spec.pod_level = self.pod_level(&written.resources);
        spec.compute_requests();
        let sidecars = written.init_containers.iter().filter(|c| c.restart_policy == "Always");
        for container in written.containers.iter().chain(sidecars) {
            spec.host_ports.extend(container.ports.iter().filter_map(|port| self.host_port(port)));
        }
        spec.priority = written.priority;
        spec.preemption_policy = written.preemption_policy.unwrap_or_default();
        spec.node_selector = self.labels(&written.node_selector);
        spec.node_affinity = self.node_affinity(&written.affinity.node_affinity);
        spec.pod_affinity = PodAffinity {
            near: self.terms(&written.affinity.pod_affinity, namespace),
            far: self.terms(&written.affinity.pod_anti_affinity, namespace),
        };
        let constraints = written.topology_spread_constraints.iter();
        spec.spread = constraints.map(|one| self.spread(one, &spec.labels)).collect();
        spec.tolerations = written.tolerations.iter().map(|t| self.toleration(t)).collect();
        spec.scheduling_gates =
            written.scheduling_gates.iter().map(|gate| self.name(&gate.name)).collect();
        for volume in &written.volumes {
            spec.volumes.extend(self.volume(volume)?);
        }
        Ok(spec)
    }
}
