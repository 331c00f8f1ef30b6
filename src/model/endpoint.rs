//! EndpointSlices: which pods a service leads to, as the API server has it.
//!
//! Source: `staging/src/k8s.io/api/discovery/v1/types.go`, Kubernetes 1.34.

use super::PodUid;
use crate::ground::define_id;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

define_id! {
    /// A service that selects pods, in order of appearance.
    ServiceId;
}

define_id! {
    /// A slice of a service; numbers are not given again.
    SliceId;
}

/// The conditions of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointConditions {
    /// Requests are to go there.
    pub ready: bool,
    /// The pod is ready, whether it is asked to stop or not.
    pub serving: bool,
    /// The pod is asked to stop.
    pub terminating: bool,
}

/// A change of the slices of a service. A write of a slice is a change for each endpoint that is
/// different, and then [`SliceChange::Written`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SliceChange {
    /// An endpoint is in this slice from now on, with these conditions.
    Set {
        /// Service.
        service: ServiceId,
        /// Slice.
        slice: SliceId,
        /// Pod.
        pod: PodUid,
        /// Its conditions.
        conditions: EndpointConditions,
    },
    /// An endpoint is not in any slice of the service any more.
    Taken {
        /// Service.
        service: ServiceId,
        /// Pod.
        pod: PodUid,
    },
    /// A slice is new, or was written.
    Written {
        /// Service.
        service: ServiceId,
        /// Slice.
        slice: SliceId,
    },
    /// A slice is gone, and with it what was in it.
    Deleted {
        /// Service.
        service: ServiceId,
        /// Slice.
        slice: SliceId,
    },
}

/// A slice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSlice {
    /// Endpoints, by pod.
    pub endpoints: BTreeMap<PodUid, EndpointConditions>,
    /// Number of writes.
    pub version: u32,
}

impl EndpointSlice {
    /// Endpoints that requests are to go to, and those of pods that are asked to stop.
    pub fn counts(&self) -> (u32, u32) {
        let count = |(ready, terminating), one: &EndpointConditions| {
            (ready + u32::from(one.ready), terminating + u32::from(one.terminating))
        };
        self.endpoints.values().fold((0, 0), count)
    }
}

/// The slices of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSlices {
    slices: BTreeMap<SliceId, EndpointSlice>,
    slice_of: BTreeMap<PodUid, SliceId>,
    ready: u32,
    writes: u64,
}

impl ServiceSlices {
    /// Slices, in order of creation.
    pub fn slices(&self) -> impl Iterator<Item = (SliceId, &EndpointSlice)> {
        self.slices.iter().map(|(id, slice)| (*id, slice))
    }

    /// A slice, if it is there.
    pub fn slice(&self, slice: SliceId) -> Option<&EndpointSlice> {
        self.slices.get(&slice)
    }

    /// The slice that a pod is in, and its conditions there.
    pub fn endpoint(&self, pod: PodUid) -> Option<(SliceId, EndpointConditions)> {
        let slice = *self.slice_of.get(&pod)?;
        Some((slice, *self.slices.get(&slice)?.endpoints.get(&pod)?))
    }

    /// All endpoints, by pod.
    pub fn endpoints(&self) -> impl Iterator<Item = (PodUid, EndpointConditions)> {
        self.slice_of.keys().filter_map(|pod| Some((*pod, self.endpoint(*pod)?.1)))
    }

    /// Number of endpoints that requests are to go to.
    pub fn ready(&self) -> u32 {
        self.ready
    }

    /// Number of writes and deletions of slices so far.
    pub fn writes(&self) -> u64 {
        self.writes
    }

    fn take(&mut self, pod: PodUid) {
        let Some(slice) = self.slice_of.remove(&pod) else { return };
        let slice = self.slices.get_mut(&slice).expect("a slice with an endpoint is there");
        let conditions = slice.endpoints.remove(&pod).expect("it was placed in this slice");
        self.ready -= u32::from(conditions.ready);
    }
}

/// The slices of all services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSlices(BTreeMap<ServiceId, ServiceSlices>);

impl EndpointSlices {
    /// The slices of a service; `None` before the first is written.
    pub fn of(&self, service: ServiceId) -> Option<&ServiceSlices> {
        self.0.get(&service)
    }

    /// All services with slices.
    pub fn services(&self) -> impl Iterator<Item = (ServiceId, &ServiceSlices)> {
        self.0.iter().map(|(id, slices)| (*id, slices))
    }

    /// Takes a change in.
    ///
    /// # Panics
    /// If the change does not follow from what is there.
    pub(super) fn apply(&mut self, change: &SliceChange) {
        match *change {
            SliceChange::Set { service, slice, pod, conditions } => {
                let row = self.0.entry(service).or_default();
                row.take(pod);
                row.slices.entry(slice).or_default().endpoints.insert(pod, conditions);
                row.slice_of.insert(pod, slice);
                row.ready += u32::from(conditions.ready);
            }
            SliceChange::Taken { service, pod } => {
                self.0.get_mut(&service).expect("it has slices").take(pod);
            }
            SliceChange::Written { service, slice } => {
                let row = self.0.entry(service).or_default();
                row.writes += 1;
                row.slices.entry(slice).or_default().version += 1;
            }
            SliceChange::Deleted { service, slice } => {
                let row = self.0.get_mut(&service).expect("it has slices");
                let pods: Vec<PodUid> = row.slices[&slice].endpoints.keys().copied().collect();
                pods.into_iter().for_each(|pod| row.take(pod));
                row.slices.remove(&slice);
                row.writes += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_follow_what_is_written() {
        let mut all = EndpointSlices::default();
        let (service, slice) = (ServiceId(0), SliceId(0));
        let ready = EndpointConditions { ready: true, serving: true, terminating: false };
        let going = EndpointConditions { ready: false, terminating: true, ..ready };
        for pod in [PodUid(7), PodUid(3)] {
            all.apply(&SliceChange::Set { service, slice, pod, conditions: ready });
        }
        all.apply(&SliceChange::Written { service, slice });
        all.apply(&SliceChange::Set { service, slice, pod: PodUid(7), conditions: going });
        all.apply(&SliceChange::Written { service, slice });
        let row = all.of(service).unwrap();
        assert_eq!((row.ready(), row.writes()), (1, 2));
        assert_eq!(row.endpoint(PodUid(7)), Some((slice, going)));
        assert_eq!(row.slice(slice).map(EndpointSlice::counts), Some((1, 1)));
        all.apply(&SliceChange::Taken { service, pod: PodUid(7) });
        all.apply(&SliceChange::Deleted { service, slice });
        let row = all.of(service).unwrap();
        assert_eq!((row.ready(), row.writes(), row.endpoints().count()), (0, 3, 0));
        assert_eq!(row.slices().count(), 0);
    }
}
