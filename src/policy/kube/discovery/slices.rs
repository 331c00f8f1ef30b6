//! Into which slices the endpoints of a service go.
//!
//! Slices that are written anyway are filled first, the fullest before the others. What is left
//! goes into one slice that has room for all of it, the one that is then the fullest, or else into
//! new ones. A service without endpoints keeps one empty slice. A slice that would be deleted is
//! written in place of one that would be created.
//!
//! Source: `staging/src/k8s.io/endpointslice/reconciler.go` (`reconcileByPortMapping`,
//! `reconcileByAddressType`, `finalize`), Kubernetes 1.34. Upstream takes equal slices, and
//! endpoints, in an order that is drawn; here in order of creation.

/// Most endpoints in a slice (`--max-endpoints-per-slice`, Kubernetes 1.34).
pub const ENDPOINTS_PER_SLICE: usize = 100;

/// A slice that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExistingSlice {
    /// Endpoints in it.
    pub endpoints: usize,
    /// Those of them that stay.
    pub kept: usize,
    /// Some that stay have other conditions than before.
    pub changed: bool,
}

/// What is to be done with a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlicePlan {
    /// A new one takes so many of the new endpoints, in order.
    Create {
        /// How many.
        takes: usize,
    },
    /// The slice at this place is written, and takes so many of the new endpoints, in order.
    Update {
        /// Its place.
        slice: usize,
        /// How many.
        takes: usize,
    },
    /// The slice at this place is deleted.
    Delete {
        /// Its place.
        slice: usize,
    },
}

/// What is to be written so that all endpoints are in slices, in order. `added`: endpoints that
/// are in no slice yet; `most`: endpoints that a slice may have.
pub fn place_endpoints(existing: &[ExistingSlice], added: usize, most: usize) -> Vec<SlicePlan> {
    let mut left = added;
    let mut deleted: Vec<usize> = Vec::new();
    let mut updated: Vec<(usize, usize)> = Vec::new();
    let mut unchanged: Vec<usize> = Vec::new();
    for (place, slice) in existing.iter().enumerate() {
        let written = slice.changed || slice.kept < slice.endpoints;
        match slice.kept {
            // Without endpoints a slice is without ports too, and not filled but replaced.
            0 if written || added > 0 => deleted.push(place),
            0 => {}
            _ if written => updated.push((place, 0)),
            _ => unchanged.push(place),
        }
    }
    updated.sort_by_key(|(place, _)| std::cmp::Reverse(existing[*place].kept));
    for (place, takes) in &mut updated {
        *takes = left.min(most.saturating_sub(existing[*place].kept));
        left -= *takes;
    }
    let mut created: Vec<usize> = Vec::new();
    while left > 0 {
        let room = |place: &usize| existing[*place].kept + left <= most;
        let fullest = |place: &usize| (existing[*place].kept, std::cmp::Reverse(*place));
        let fits = unchanged.iter().copied().filter(|place| left < most && room(place));
        if let Some(place) = fits.max_by_key(fullest) {
            updated.push((place, left));
            break;
        }
        let takes = left.min(most);
        created.push(takes);
        left -= takes;
    }
    let stays_empty = existing.iter().any(|slice| slice.endpoints == 0) && added == 0;
    if deleted.len() == existing.len() && created.is_empty() && !stays_empty {
        created.push(0);
    }
    while !deleted.is_empty() {
        let Some(takes) = created.pop() else { break };
        updated.push((deleted.remove(0), takes));
    }
    let created = created.into_iter().map(|takes| SlicePlan::Create { takes });
    let updated = updated.into_iter().map(|(slice, takes)| SlicePlan::Update { slice, takes });
    let deleted = deleted.into_iter().map(|slice| SlicePlan::Delete { slice });
    created.chain(updated).chain(deleted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rest(endpoints: usize) -> ExistingSlice {
        ExistingSlice { endpoints, kept: endpoints, changed: false }
    }

    fn loses(endpoints: usize, kept: usize) -> ExistingSlice {
        ExistingSlice { endpoints, kept, changed: false }
    }

    fn place(existing: &[ExistingSlice], added: usize) -> Vec<SlicePlan> {
        place_endpoints(existing, added, ENDPOINTS_PER_SLICE)
    }

    /// Check 12 of section 7.6 of the specification.
    #[test]
    fn a_slice_has_at_most_a_hundred_endpoints() {
        let created = |takes| SlicePlan::Create { takes };
        assert_eq!(place(&[], 250), [created(100), created(100), created(50)]);
    }

    #[test]
    fn a_service_without_endpoints_keeps_an_empty_slice() {
        assert_eq!(place(&[], 0), [SlicePlan::Create { takes: 0 }]);
        assert_eq!(place(&[rest(0)], 0), []);
        assert_eq!(place(&[rest(0)], 3), [SlicePlan::Update { slice: 0, takes: 3 }]);
        let emptied = place(&[loses(4, 0), loses(2, 0)], 0);
        let kept = SlicePlan::Update { slice: 0, takes: 0 };
        assert_eq!(emptied, [kept, SlicePlan::Delete { slice: 1 }]);
    }

    #[test]
    fn slices_that_are_written_anyway_are_filled_first() {
        let existing = [rest(10), loses(50, 40), loses(99, 95), rest(60)];
        let update = |slice, takes| SlicePlan::Update { slice, takes };
        assert_eq!(place(&existing, 3), [update(2, 3), update(1, 0)]);
        assert_eq!(place(&existing, 70), [update(2, 5), update(1, 60), update(3, 5)]);
        assert_eq!(place(&existing, 130), [update(2, 5), update(1, 60), update(0, 65)]);
        assert_eq!(place(&existing, 160)[0], SlicePlan::Create { takes: 95 });
        assert_eq!(place(&existing, 0), [update(2, 0), update(1, 0)]);
        assert_eq!(place(&[rest(100), rest(70)], 40), [SlicePlan::Create { takes: 40 }]);
        assert_eq!(place(&[loses(9, 0), rest(8)], 0), [SlicePlan::Delete { slice: 0 }]);
    }

    proptest! {
        #[test]
        fn every_endpoint_gets_a_place(
            rows in proptest::collection::vec((0usize..=20, 0usize..=20, any::<bool>()), 0..6),
            added in 0usize..70,
        ) {
            let most = 20;
            let row = |(endpoints, kept, changed): (usize, usize, bool)| {
                let kept = kept.min(endpoints);
                ExistingSlice { endpoints, kept, changed: changed && kept > 0 }
            };
            let existing: Vec<ExistingSlice> = rows.into_iter().map(row).collect();
            let mut sizes: Vec<Option<usize>> = existing.iter().map(|s| Some(s.kept)).collect();
            let mut placed = 0;
            for plan in place_endpoints(&existing, added, most) {
                match plan {
                    SlicePlan::Create { takes } => {
                        placed += takes;
                        sizes.push(Some(takes));
                    }
                    SlicePlan::Update { slice, takes } => {
                        placed += takes;
                        *sizes[slice].as_mut().unwrap() += takes;
                    }
                    SlicePlan::Delete { slice } => prop_assert_eq!(sizes[slice].take(), Some(0)),
                }
            }
            prop_assert_eq!(placed, added);
            let sizes: Vec<usize> = sizes.into_iter().flatten().collect();
            prop_assert!(!sizes.is_empty() && sizes.iter().all(|size| *size <= most));
        }
    }
}
