//! The claims of a StatefulSet: how they are called, and what they are deleted with.
//!
//! Source: `getPersistentVolumeClaimName`, `updateClaimOwnerRefForSetAndPod` and
//! `isClaimOwnerUpToDate` of `pkg/controller/statefulset/stateful_set_utils.go`, Kubernetes 1.34.

use crate::model::{ClaimFate, ClaimRetention};
use serde::{Deserialize, Serialize};

/// The object with which garbage collection takes a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ClaimOwner {
    /// None: it stays.
    Nobody,
    /// The StatefulSet.
    Set,
    /// The pod of its ordinal.
    Pod,
}

/// The name of the claim that a pod has from a template.
pub fn claim_name(template: &str, set: &str, ordinal: u32) -> String {
    format!("{template}-{set}-{ordinal}")
}

/// Who owns the claims of a pod; `condemned` if its ordinal is not wanted any more. The owner is
/// written before such a pod is deleted.
pub fn claim_owner(retention: ClaimRetention, condemned: bool) -> ClaimOwner {
    if retention.when_scaled == ClaimFate::Delete && condemned {
        ClaimOwner::Pod
    } else if retention.when_deleted == ClaimFate::Delete {
        ClaimOwner::Set
    } else {
        ClaimOwner::Nobody
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_owners() {
        assert_eq!(claim_name("data", "db", 2), "data-db-2");
        let fates = [ClaimFate::Retain, ClaimFate::Delete];
        let mut owners = Vec::new();
        for when_deleted in fates {
            for when_scaled in fates {
                let retention = ClaimRetention { when_deleted, when_scaled };
                owners.push([false, true].map(|condemned| claim_owner(retention, condemned)));
            }
        }
        use ClaimOwner::{Nobody, Pod, Set};
        assert_eq!(owners, [[Nobody, Nobody], [Nobody, Pod], [Set, Set], [Set, Pod]]);
    }
}
