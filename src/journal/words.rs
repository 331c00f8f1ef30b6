//! The canonical form of facts, which the digest covers.

use super::Fact;
use crate::model::{Resource, Strike};

/// Two small numbers in one word.
pub(super) const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

const fn resource_word(resource: Resource) -> u64 {
    match resource {
        Resource::Cpu => 0,
        Resource::Memory => 1,
        Resource::EphemeralStorage => 2,
        Resource::Pods => 3,
        Resource::Device => 4,
        Resource::Extended(name) => pair(5, name.0),
    }
}

impl Fact {
    /// The canonical form that the digest covers: a tag with the first field, and two more words.
    pub const fn words(&self) -> [u64; 3] {
        match *self {
            Fact::NameDefined { name, hash } => [pair(1, name.0), hash, 0],
            Fact::NodeSpecDefined { .. }
            | Fact::PodSpecDefined { .. }
            | Fact::WorkloadDefined { .. }
            | Fact::QualityDefined { .. } => self.definition_words(),
            Fact::NodeAdded { node, name, spec } => [pair(5, node.0), name.0 as u64, spec.0 as u64],
            Fact::PodCreated { pod, spec, workload, stem, number, digits } => {
                let tag = 6 | (digits as u32) << 8;
                [pair(tag, pod.0), pair(spec.0, workload.0), pair(stem.0, number)]
            }
            Fact::LifetimeSet { pod, lifetime } => [pair(7, pod.0), lifetime.as_nanos(), 0],
            Fact::Replaced { pod, lost } => [pair(8, pod.0), lost.0 as u64, 0],
            Fact::Queued { pod } => [pair(9, pod.0), 0, 0],
            Fact::Refused { pod, refusers } => [pair(10, pod.0), refusers.0 as u64, 0],
            Fact::Bound { pod, node, devices } => [pair(11, pod.0), pair(node.0, devices.0), 0],
            Fact::BindFailed { pod, node } => [pair(12, pod.0), node.0 as u64, 0],
            Fact::Started { pod } => [pair(13, pod.0), 0, 0],
            Fact::Ready { pod } => [pair(14, pod.0), 0, 0],
            Fact::Unready { pod } => [pair(15, pod.0), 0, 0],
            Fact::Finished { pod } => [pair(16, pod.0), 0, 0],
            Fact::Interrupted { pod } => [pair(17, pod.0), 0, 0],
            Fact::Deleting { pod, cause } => [pair(18, pod.0), cause as u64, 0],
            Fact::Removed { pod } => [pair(19, pod.0), 0, 0],
            Fact::FaultBegan { node, strike } => Fact::strike_words(pair(98, node.0), strike),
            Fact::FaultEnded { node, strike } => Fact::strike_words(pair(99, node.0), strike),
            Fact::NodeCrashed { node } => [pair(20, node.0), 0, 0],
            Fact::NodeRepaired { node } => [pair(21, node.0), 0, 0],
            Fact::NodeCondition { node, ready } => [pair(22, node.0), ready as u64, 0],
            Fact::NodeTainted { node, on } => [pair(23, node.0), on as u64, 0],
            Fact::NodeModelDefined { spec, model } => [pair(25, spec.0), model.0 as u64, 0],
            Fact::PodModelAccepted { spec, model } => [pair(26, spec.0), model.0 as u64, 0],
            Fact::ZoneDisrupted { region, zone, state } => {
                [pair(50, zone.0), region.0 as u64, state as u64]
            }
            Fact::NodeRemoved { node } => [pair(51, node.0), 0, 0],
            Fact::RunEnded { end } => [pair(24, end as u32), 0, 0],
            Fact::Discovery(fact) => fact.words(),
            _ => self.group_words(),
        }
    }

    const fn strike_words(head: u64, strike: Strike) -> [u64; 3] {
        [head, pair(strike.fault, strike.number), strike.action as u64]
    }

    /// The canonical form of a fact that belongs to a group.
    const fn group_words(&self) -> [u64; 3] {
        match *self {
            Fact::DeploymentWritten { .. }
            | Fact::RolloutProgress { .. }
            | Fact::OperatorRefused { .. }
            | Fact::ReplicaSetCreated { .. }
            | Fact::ReplicaSetScaled { .. }
            | Fact::ReplicaSetObserved { .. }
            | Fact::ReplicaSetRemoved { .. } => self.rollout_words(),
            Fact::StatefulSetWritten { .. }
            | Fact::StatefulSetObserved { .. }
            | Fact::RevisionWritten { .. }
            | Fact::RevisionRemoved { .. } => self.stateful_words(),
            Fact::AlertChanged { .. }
            | Fact::ReleaseDecided { .. }
            | Fact::TrafficRouted { .. } => self.release_words(),
            Fact::ContainerDefined { .. }
            | Fact::PullBegan { .. }
            | Fact::PullEnded { .. }
            | Fact::ContainerWaiting { .. }
            | Fact::ContainerStarted { .. }
            | Fact::ContainerEnded { .. }
            | Fact::ProbeChanged { .. } => self.container_words(),
            Fact::Admitted { .. }
            | Fact::SandboxReady { .. }
            | Fact::Stopping { .. }
            | Fact::UsageSet { .. }
            | Fact::Throttled { .. }
            | Fact::Failed { .. }
            | Fact::NodePressure { .. }
            | Fact::ImagesCollected { .. } => self.kubelet_words(),
            Fact::JobCreated { .. }
            | Fact::JobObserved { .. }
            | Fact::JobIndexFailed { .. }
            | Fact::JobEnded { .. }
            | Fact::JobRemoved { .. }
            | Fact::OwnerDeleted { .. } => self.task_words(),
            Fact::Volume(fact) => fact.words(),
            _ => self.operation_words(),
        }
    }

    /// The canonical form of facts about budgets and what operators do.
    const fn operation_words(&self) -> [u64; 3] {
        match *self {
            Fact::EvictionAnswered { pod, answer } => [pair(90, pod.0), answer as u64, 0],
            Fact::BudgetObserved { budget, desired, healthy, expected, allowed } => {
                [pair(91, budget.0), pair(desired, healthy), pair(expected, allowed)]
            }
            Fact::NodeCordoned { node, on } => [pair(92, node.0), on as u64, 0],
            Fact::DrainEnded { node, end } => [pair(93, node.0), end as u64, 0],
            Fact::PodUnknown { name } => [pair(94, name.0), 0, 0],
            _ => panic!("only facts about operations come here"),
        }
    }

    /// The canonical form of what is said once of specifications and workloads.
    const fn definition_words(&self) -> [u64; 3] {
        match *self {
            Fact::NodeSpecDefined { spec, resource, amount } => {
                [pair(2, spec.0), resource_word(resource), amount]
            }
            Fact::PodSpecDefined { spec, resource, amount } => {
                [pair(3, spec.0), resource_word(resource), amount]
            }
            Fact::WorkloadDefined { workload, name, replicas, min_serving } => {
                [pair(4, workload.0), name.0 as u64, pair(replicas, min_serving)]
            }
            Fact::QualityDefined { spec, error_ppm, latency_permille } => {
                [pair(28, spec.0), pair(error_ppm, latency_permille), 0]
            }
            _ => panic!("only definitions come here"),
        }
    }

    /// The canonical form of what kubelets tell of pods and nodes as wholes.
    const fn kubelet_words(&self) -> [u64; 3] {
        match *self {
            Fact::Admitted { pod } => [pair(29, pod.0), 0, 0],
            Fact::SandboxReady { pod } => [pair(30, pod.0), 0, 0],
            Fact::Stopping { pod, grace } => [pair(37, pod.0), grace.as_nanos(), 0],
            Fact::UsageSet { pod, memory, amount, per_hour } => {
                [pair(38 | (memory as u32) << 8, pod.0), amount, per_hour]
            }
            Fact::Throttled { pod, on } => [pair(39, pod.0), on as u64, 0],
            Fact::Failed { pod, reason } => [pair(40, pod.0), reason as u64, 0],
            Fact::NodePressure { node, pressure, on } => {
                [pair(41, node.0), pair(pressure as u32, on as u32), 0]
            }
            Fact::ImagesCollected { node, images, freed } => {
                [pair(42, node.0), images as u64, freed.0]
            }
            _ => panic!("only facts of kubelets come here"),
        }
    }

    /// The canonical form of facts about a container; its place is beside the tag.
    const fn container_words(&self) -> [u64; 3] {
        const fn head(tag: u32, container: u8, of: u32) -> u64 {
            pair(tag | (container as u32) << 8, of)
        }
        match *self {
            Fact::ContainerDefined { spec, container, init, name, image } => {
                [head(27, container, spec.0), pair(name.0, image.0), init as u64]
            }
            Fact::PullBegan { pod, container, image } => {
                [head(31, container, pod.0), image.0 as u64, 0]
            }
            Fact::PullEnded { pod, container, outcome } => {
                [head(32, container, pod.0), outcome as u64, 0]
            }
            Fact::ContainerWaiting { pod, container, wait, until } => {
                [head(33, container, pod.0), wait as u64, until.as_nanos()]
            }
            Fact::ContainerStarted { pod, container, restarts } => {
                [head(34, container, pod.0), restarts as u64, 0]
            }
            Fact::ContainerEnded { pod, container, end, exit_code } => {
                [head(35, container, pod.0), pair(end as u32, exit_code as u32), 0]
            }
            Fact::ProbeChanged { pod, container, probe, well } => {
                [head(36, container, pod.0), pair(probe as u32, well as u32), 0]
            }
            _ => panic!("only facts about containers come here"),
        }
    }

    /// The canonical form of facts about Deployments and ReplicaSets.
    const fn rollout_words(&self) -> [u64; 3] {
        match *self {
            Fact::DeploymentWritten { workload, spec, replicas, paused } => {
                [pair(60, workload.0), pair(spec.0, replicas), paused as u64]
            }
            Fact::RolloutProgress { workload, reason } => [pair(61, workload.0), reason as u64, 0],
            Fact::OperatorRefused { workload } => [pair(66, workload.0), 0, 0],
            Fact::ReplicaSetCreated { set, workload, spec } => {
                [pair(62, set.0), pair(workload.0, spec.0), 0]
            }
            Fact::ReplicaSetScaled { set, replicas, revision } => {
                [pair(63, set.0), pair(replicas, revision), 0]
            }
            Fact::ReplicaSetObserved { set, replicas, ready, available } => {
                [pair(64, set.0), pair(replicas, ready), available as u64]
            }
            Fact::ReplicaSetRemoved { set } => [pair(65, set.0), 0, 0],
            _ => panic!("only facts about rollouts come here"),
        }
    }

    /// The canonical form of facts about StatefulSets.
    const fn stateful_words(&self) -> [u64; 3] {
        match *self {
            Fact::StatefulSetWritten { workload, spec, replicas } => {
                [pair(70, workload.0), pair(spec.0, replicas), 0]
            }
            Fact::StatefulSetObserved { workload, replicas, ready, updated } => {
                [pair(71, workload.0), pair(replicas, ready), updated as u64]
            }
            Fact::RevisionWritten { workload, spec, revision } => {
                [pair(72, workload.0), pair(spec.0, revision), 0]
            }
            Fact::RevisionRemoved { workload, spec } => [pair(73, workload.0), spec.0 as u64, 0],
            _ => panic!("only facts about StatefulSets come here"),
        }
    }

    /// The canonical form of facts about Jobs and deleted owners.
    const fn task_words(&self) -> [u64; 3] {
        match *self {
            Fact::JobCreated { job, workload, name } => {
                [pair(80, job.0), pair(workload.0, name.0), 0]
            }
            Fact::JobObserved { job, active, succeeded, failed } => {
                [pair(81, job.0), pair(active, succeeded), failed as u64]
            }
            Fact::JobIndexFailed { job, index } => [pair(82, job.0), index as u64, 0],
            Fact::JobEnded { job, outcome } => [pair(83, job.0), outcome.code() as u64, 0],
            Fact::JobRemoved { job } => [pair(84, job.0), 0, 0],
            Fact::OwnerDeleted { workload, propagation } => {
                [pair(88, workload.0), propagation as u64, 0]
            }
            _ => panic!("only facts about tasks and owners come here"),
        }
    }

    /// The canonical form of what watchers of releases tell.
    const fn release_words(&self) -> [u64; 3] {
        match *self {
            Fact::AlertChanged { workload, alert, state } => {
                [pair(100, workload.0), alert.0 as u64, state as u64]
            }
            Fact::ReleaseDecided { workload, decision } => {
                [pair(101, workload.0), decision as u64, 0]
            }
            Fact::TrafficRouted { workload, spec } => match spec {
                Some(spec) => [pair(102, workload.0), spec.0 as u64, 1],
                None => [pair(102, workload.0), 0, 0],
            },
            _ => panic!("only facts about releases come here"),
        }
    }
}

#[cfg(test)]
mod tests {
    /// A fact without words would end a run. The facts are matched group by group, which the
    /// compiler does not see through; so it is looked for in the text that each has an arm with its
    /// fields, and one in `group_words` unless it is matched without a group.
    #[test]
    fn every_fact_has_words() {
        let (_, facts) = include_str!("fact.rs").split_once("pub enum Fact {").unwrap();
        let (facts, _) = facts.split_once("\n}").unwrap();
        let name = |line: &'static str| {
            let (name, _) = line.strip_prefix("    ")?.split_once(" {")?;
            name.starts_with(|first: char| first.is_ascii_uppercase()).then_some(name)
        };
        let facts: Vec<&str> = facts.lines().filter_map(name).collect();
        assert!(facts.len() > 60, "{} facts", facts.len());
        let (text, _) = include_str!("words.rs").split_once("#[cfg(test)]").unwrap();
        let functions: Vec<&str> = text.split("const fn ").collect();
        for fact in facts {
            let named = |function: &&&str| function.contains(&format!("Fact::{fact} {{"));
            let grouped = |function: &&str| function.contains(&format!("Fact::{fact} {{ .. }}"));
            let ungrouped = |function: &&str| {
                function.starts_with("words(") || function.starts_with("operation_words(")
            };
            let arm = functions.iter().filter(named).find(|function| !grouped(function));
            let arm = arm.unwrap_or_else(|| panic!("{fact} has no words"));
            let found = ungrouped(arm) || functions.iter().any(grouped);
            assert!(found, "{fact} is in no group");
        }
    }
}
