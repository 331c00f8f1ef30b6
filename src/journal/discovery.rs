//! Facts of service discovery.

use super::words::pair;
use crate::ground::Name;
use crate::model::{PodSpecId, PodUid, ServiceId, SliceId};
use serde::{Deserialize, Serialize};

/// How many of those who route requests to a service have taken in a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Reach {
    /// The first.
    First = 0,
    /// Half of them.
    Half = 1,
    /// All.
    All = 2,
}

/// Something that happened to the endpoints of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiscoveryFact {
    /// A service that selects pods is known from now on.
    ServiceDefined {
        /// Service.
        service: ServiceId,
        /// Namespace.
        namespace: Name,
        /// Name.
        name: Name,
        /// Clients find its pods by name, and no proxy takes part.
        headless: bool,
    },
    /// Pods of a specification are behind a service: they serve while requests go to them.
    PodsSelected {
        /// Service.
        service: ServiceId,
        /// Specification.
        spec: PodSpecId,
    },
    /// A slice is new, or was written.
    SliceWritten {
        /// Service.
        service: ServiceId,
        /// Slice.
        slice: SliceId,
        /// Endpoints in it.
        endpoints: u16,
        /// Those that requests are to go to.
        ready: u16,
        /// Those of pods that are asked to stop.
        terminating: u16,
    },
    /// A slice was deleted.
    SliceDeleted {
        /// Service.
        service: ServiceId,
        /// Slice.
        slice: SliceId,
    },
    /// So many of those who route to a service send requests to a pod from now on, or do not any
    /// more.
    EndpointRouted {
        /// Pod.
        pod: PodUid,
        /// Service.
        service: ServiceId,
        /// How many.
        reach: Reach,
        /// True: they do.
        on: bool,
    },
    /// The containers of a pod behind a service get TERM, as it is stopped.
    TermSent {
        /// Pod.
        pod: PodUid,
    },
}

impl DiscoveryFact {
    /// The pod that the fact is about.
    pub const fn pod(&self) -> Option<PodUid> {
        match *self {
            DiscoveryFact::EndpointRouted { pod, .. } | DiscoveryFact::TermSent { pod } => {
                Some(pod)
            }
            _ => None,
        }
    }

    /// The canonical form that the digest covers.
    pub(super) const fn words(&self) -> [u64; 3] {
        match *self {
            DiscoveryFact::ServiceDefined { service, namespace, name, headless } => {
                [pair(103, service.0), pair(namespace.0, name.0), headless as u64]
            }
            DiscoveryFact::PodsSelected { service, spec } => {
                [pair(104, service.0), spec.0 as u64, 0]
            }
            DiscoveryFact::SliceWritten { service, slice, endpoints, ready, terminating } => {
                let counts = pair(ready as u32, terminating as u32);
                [pair(105, service.0), pair(slice.0, endpoints as u32), counts]
            }
            DiscoveryFact::SliceDeleted { service, slice } => {
                [pair(106, service.0), slice.0 as u64, 0]
            }
            DiscoveryFact::EndpointRouted { pod, service, reach, on } => {
                [pair(107, pod.0), service.0 as u64, pair(reach as u32, on as u32)]
            }
            DiscoveryFact::TermSent { pod } => [pair(108, pod.0), 0, 0],
        }
    }
}
