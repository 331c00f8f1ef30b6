//! What can be scheduled about Jobs and the objects that others own.

use crate::model::{JobId, PodId, PodUid, ReplicaSetId, WorkloadId};
use serde::{Deserialize, Serialize};

/// An object that another one owned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Owned {
    /// A ReplicaSet.
    Set(ReplicaSetId),
    /// A pod: its number for ever, and its row.
    Pod(PodUid, PodId),
}

/// An event of the controllers of Jobs and of owned objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskEvent {
    /// A Job is to be looked at.
    JobLooks {
        /// Job.
        job: JobId,
    },
    /// The creation of one pod of a Job reaches the store.
    JobPodArrives {
        /// Job.
        job: JobId,
    },
    /// A request of a sync of a Job is answered, and the sync goes on.
    JobProceeds {
        /// Job.
        job: JobId,
    },
    /// A Job has stayed for as long as it may after its end.
    JobExpires {
        /// Job.
        job: JobId,
    },
    /// The deletion of a Job reaches the store.
    JobGoes {
        /// Job.
        job: JobId,
    },
    /// The store has told of an object whose owner is gone.
    OwnedIsRead {
        /// The object.
        owned: Owned,
    },
    /// The deletion of an object whose owner is gone reaches the store.
    OwnedGoes {
        /// The object.
        owned: Owned,
    },
    /// What an object owned has no owner any more, and the object goes.
    OwnerIsOrphaned {
        /// Its workload.
        workload: WorkloadId,
    },
}
