//! Events of service discovery.

use crate::journal::Reach;
use crate::model::{PodId, PodUid, ServiceId};
use serde::{Deserialize, Serialize};

/// An event of service discovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiscoveryEvent {
    /// A service is to be looked at again.
    ServiceLooks {
        /// Service.
        service: ServiceId,
    },
    /// A write of a slice of a service reaches the store.
    SliceWriteArrives {
        /// Service.
        service: ServiceId,
    },
    /// A write of a slice of a service is answered.
    SliceWriteAnswered {
        /// Service.
        service: ServiceId,
    },
    /// A change of endpoints has reached so many of those who route.
    ChangeReaches {
        /// Number of the change.
        change: u32,
        /// How many.
        reach: Reach,
    },
    /// The containers of a pod that is being stopped get TERM.
    TermSent {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// The attempt to run its containers that is being stopped.
        attempt: u32,
    },
}
