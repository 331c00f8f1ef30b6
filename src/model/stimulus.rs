//! Stimuli: everything that reaches the cluster from outside, each with its time.

use super::{FaultEffect, PodName, PodSpecId, Strike, Taint, WorkloadId};
use crate::ground::{Name, Span, Time, define_id};
use serde::{Deserialize, Serialize};

define_id! {
    /// A source of stimuli, by its position in the scenario: part of the order of equal times.
    SourceId;
}

/// How long a pod of a stimulus lives once it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lifetime {
    /// Until it is stopped.
    Forever,
    /// So long after it started, then it succeeds.
    For(Span),
}

/// Something done to the cluster from outside.
///
/// Specifications and names belong to the source's own catalog: the world takes them over when the
/// stimulus arrives, so how far a source is read ahead changes nothing.
///
/// Nodes and faults name the node by its position in the scenario's node list, which is the
/// order in which nodes join at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stimulus {
    /// A pod is created.
    Submit {
        /// The workload it belongs to.
        workload: WorkloadId,
        /// Its specification, in the catalog of the source.
        spec: PodSpecId,
        /// Its name, with the names of the catalog of the source.
        name: PodName,
        /// How long it lives.
        lifetime: Lifetime,
    },
    /// A fault strikes a node, or ceases to.
    Fault {
        /// Position of the node in the scenario's node list.
        node: u32,
        /// Which strike of which fault.
        strike: Strike,
        /// What it does.
        effect: FaultEffect,
        /// True: it begins.
        on: bool,
    },
    /// A taint is put on a node or taken off it by hand.
    Taint {
        /// Position of the node in the scenario's node list.
        node: u32,
        /// The taint, with the names of the catalog of the source.
        taint: Taint,
        /// True: put on.
        on: bool,
    },
    /// An operator writes what a Deployment is to be.
    Operate {
        /// The workload of the Deployment.
        workload: WorkloadId,
        /// How.
        action: OperatorAction,
    },
    /// A node is cordoned, or uncordoned (`kubectl cordon`).
    Cordon {
        /// Position of the node in the scenario's node list.
        node: u32,
        /// True: cordoned.
        on: bool,
    },
    /// A node is cordoned, and its pods are evicted (`kubectl drain`).
    Drain {
        /// Position of the node in the scenario's node list.
        node: u32,
        /// How.
        options: DrainOptions,
    },
    /// A pod is deleted (`kubectl delete pod`).
    DeletePod {
        /// Its name, with the names of the catalog of the source.
        name: PodName,
    },
    /// The Node object is deleted.
    DeleteNode {
        /// Position of the node in the scenario's node list.
        node: u32,
    },
}

impl Stimulus {
    /// A node loses power.
    pub const fn crash(node: u32) -> Stimulus {
        Stimulus::Fault { node, strike: Strike::CRASH, effect: FaultEffect::Power, on: true }
    }

    /// A node that crashed has power again.
    pub const fn repair(node: u32) -> Stimulus {
        Stimulus::Fault { node, strike: Strike::CRASH, effect: FaultEffect::Power, on: false }
    }
}

/// How a node is drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainOptions {
    /// Pods without a controller go too.
    pub force: bool,
    /// The drain is given up after so long; `None`: never.
    pub timeout: Option<Span>,
}

/// What an operator does to a Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperatorAction {
    /// Gives a container another image (`kubectl set image`).
    SetImage {
        /// Its name, with the names of the catalog of the source; `None`: the only one.
        container: Option<Name>,
        /// Normalised image, with the names of the catalog of the source.
        image: Name,
    },
    /// Changes the number of pods (`kubectl scale`).
    Scale {
        /// Number of pods.
        replicas: u32,
    },
    /// Says from which ordinal on the pods of a StatefulSet are updated (`kubectl patch` of
    /// `spec.updateStrategy.rollingUpdate.partition`).
    Partition {
        /// So many pods, counted from the first, keep the current revision.
        partition: u32,
    },
    /// Goes back to an earlier revision (`kubectl rollout undo`).
    Undo {
        /// Its number; `None`: the one before the present one.
        revision: Option<u32>,
    },
    /// Replaces all pods by new ones of the same template (`kubectl rollout restart`).
    Restart,
    /// Stops a rollout (`kubectl rollout pause`).
    Pause,
    /// Lets it go on (`kubectl rollout resume`).
    Resume,
    /// Deletes it, or a ReplicaSet that nobody owns, or a Job (`kubectl delete`).
    Delete {
        /// What it owns stays (`--cascade=orphan`).
        orphan: bool,
    },
    /// Says from outside whether one of its pods may be ready, as a readiness gate does.
    Readiness {
        /// Number of the pod, in order of creation from 0.
        pod: u32,
        /// True: it is ready if its containers are.
        ready: bool,
    },
}

/// Something with the time at which it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timed<T> {
    /// When.
    pub at: Time,
    /// What.
    pub what: T,
}
