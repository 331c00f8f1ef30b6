//! The words for what becomes of containers and pods on a node.

use serde::{Deserialize, Serialize};

/// What runs out on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Pressure {
    /// Memory.
    Memory = 0,
    /// Space or inodes of a file system.
    Disk = 1,
    /// Process numbers.
    Pid = 2,
}

/// Why a pod is Failed, in the words of `status.reason` where Kubernetes has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum FailedReason {
    /// A container ended badly and is not started again.
    ContainerFailed = 0,
    /// Its containers were lost with the power of its node and are not started again.
    ContainersLost = 1,
    /// The kubelet had no CPU left for it (`OutOfcpu`).
    OutOfCpu = 2,
    /// No memory (`OutOfmemory`).
    OutOfMemory = 3,
    /// No node-local storage (`OutOfephemeral-storage`).
    OutOfEphemeralStorage = 4,
    /// No slot (`OutOfpods`).
    OutOfPods = 5,
    /// Another resource was short.
    OutOfExtended = 6,
    /// Selector or required node affinity does not match any more.
    NodeAffinity = 7,
    /// It wants another node.
    NodeName = 8,
    /// A host port is taken.
    NodePorts = 9,
    /// A NoExecute taint is not tolerated.
    TaintToleration = 10,
    /// A device that it was given is not free.
    UnexpectedAdmissionError = 11,
    /// Evicted, or not admitted, because of memory.
    EvictedMemory = 12,
    /// Evicted, or not admitted, because of disk.
    EvictedDisk = 13,
    /// Evicted, or not admitted, because of process numbers.
    EvictedPid = 14,
    /// Evicted because it kept more local storage than its limits allow.
    EvictedLocalStorage = 15,
    /// Its node shut down (`Terminated`).
    NodeShutdown = 16,
    /// Displaced by a critical pod on its node (`Preempting`).
    Preempted = 17,
    /// It was active for longer than `activeDeadlineSeconds`.
    DeadlineExceeded = 18,
    /// Its node is gone (`DeletionByPodGC`).
    NodeGone = 19,
}

impl FailedReason {
    /// The reason as `status.reason` has it; empty where Kubernetes gives none.
    pub const fn word(self) -> &'static str {
        match self {
            FailedReason::ContainerFailed => "",
            FailedReason::ContainersLost => "ContainerStatusUnknown",
            FailedReason::OutOfCpu => "OutOfcpu",
            FailedReason::OutOfMemory => "OutOfmemory",
            FailedReason::OutOfEphemeralStorage => "OutOfephemeral-storage",
            FailedReason::OutOfPods => "OutOfpods",
            FailedReason::OutOfExtended => "OutOfresource",
            FailedReason::NodeAffinity => "NodeAffinity",
            FailedReason::NodeName => "NodeName",
            FailedReason::NodePorts => "NodePorts",
            FailedReason::TaintToleration => "TaintToleration",
            FailedReason::UnexpectedAdmissionError => "UnexpectedAdmissionError",
            FailedReason::EvictedMemory
            | FailedReason::EvictedDisk
            | FailedReason::EvictedPid
            | FailedReason::EvictedLocalStorage => "Evicted",
            FailedReason::NodeShutdown => "Terminated",
            FailedReason::Preempted => "Preempting",
            FailedReason::DeadlineExceeded => "DeadlineExceeded",
            FailedReason::NodeGone => "DeletionByPodGC",
        }
    }

    /// True if the kubelet evicted the pod.
    pub const fn is_eviction(self) -> bool {
        matches!(
            self,
            FailedReason::EvictedMemory
                | FailedReason::EvictedDisk
                | FailedReason::EvictedPid
                | FailedReason::EvictedLocalStorage
        )
    }
}

/// How a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum ContainerEnd {
    /// By itself, well (`Completed`).
    Completed = 0,
    /// By itself, badly (`Error`).
    Error = 1,
    /// The kernel killed it for its memory (`OOMKilled`).
    OomKilled = 2,
    /// Its startup probe failed.
    StartupProbe = 3,
    /// Its liveness probe failed.
    LivenessProbe = 4,
    /// It was asked to stop with its pod, and did.
    Stopped = 5,
    /// It was asked to stop with its pod, and was killed when the grace was over.
    Killed = 6,
    /// Its node lost power.
    NodeLost = 7,
}

/// Why a container is not started yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum ContainerWait {
    /// It ended not long ago (`CrashLoopBackOff`).
    CrashLoopBackOff = 0,
    /// The pull has just failed (`ErrImagePull`).
    ErrImagePull = 1,
    /// Its image is not tried again so soon (`ImagePullBackOff`).
    ImagePullBackOff = 2,
    /// Its image is not there, and the policy is Never (`ErrImageNeverPull`).
    ErrImageNeverPull = 3,
}

impl ContainerWait {
    /// The reason as a container status words it.
    pub const fn word(self) -> &'static str {
        match self {
            ContainerWait::CrashLoopBackOff => "CrashLoopBackOff",
            ContainerWait::ErrImagePull => "ErrImagePull",
            ContainerWait::ImagePullBackOff => "ImagePullBackOff",
            ContainerWait::ErrImageNeverPull => "ErrImageNeverPull",
        }
    }
}
