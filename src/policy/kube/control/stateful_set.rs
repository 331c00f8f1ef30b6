//! One sync of a StatefulSet: which of its pods are created and deleted, and what it counts.
//!
//! A pod is known by its ordinal, and its name is free again only when the object is gone from the
//! API server; so a pod that is there, in whatever state, is never created a second time.
//!
//! Source: `pkg/controller/statefulset/stateful_set_control.go` and `stateful_set_utils.go`,
//! Kubernetes 1.34 without MaxUnavailableStatefulSet. The API server always writes a partition, so
//! that what upstream does without one never happens.

use super::is_available;
use crate::ground::{Span, Time};
use crate::model::{PodManagement, StatefulSetSpec, StatefulSetStatus, StatefulUpdate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most pods that are created or deleted together (`MaxBatchSize`).
const BATCH_MOST: usize = 500;

/// How far a pod of a StatefulSet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StatefulPhase {
    /// Pending.
    Pending,
    /// Running; ready since then (whole seconds), `None` if it is not.
    Running(Option<Time>),
    /// Succeeded or Failed.
    Ended,
}

/// A pod of a StatefulSet, as its controller knows it. `R` tells revisions apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatefulPod<R> {
    /// The number at the end of its name.
    pub ordinal: u32,
    /// The revision that it was created with.
    pub revision: R,
    /// How far it is.
    pub phase: StatefulPhase,
    /// It is asked to stop.
    pub terminating: bool,
}

impl<R> StatefulPod<R> {
    fn is_ready(&self) -> bool {
        matches!(self.phase, StatefulPhase::Running(Some(_)))
    }

    fn is_available(&self, min_ready: Span, now: Time) -> bool {
        match self.phase {
            StatefulPhase::Running(since) => is_available(since, min_ready, now),
            StatefulPhase::Pending | StatefulPhase::Ended => false,
        }
    }
}

/// What a sync looks at.
#[derive(Debug, Clone, Copy)]
pub struct StatefulSetView<'a, R> {
    /// The specification.
    pub spec: StatefulSetSpec,
    /// The set is being deleted: only its status is written.
    pub deleting: bool,
    /// The revision of pods that are not to be updated (`status.currentRevision`).
    pub current: R,
    /// The revision of the present template.
    pub update: R,
    /// Its pods, no two of one ordinal.
    pub pods: &'a [StatefulPod<R>],
    /// Ordinals whose claims belong to a pod that is gone and are still to be deleted: such a pod
    /// is not created yet.
    pub stale_claims: &'a [u32],
}

/// One write of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatefulAct<R> {
    /// A pod is created, after those of its claims that are missing.
    Create {
        /// Its ordinal.
        ordinal: u32,
        /// Its revision.
        revision: R,
    },
    /// A pod is deleted.
    Delete {
        /// Its ordinal.
        ordinal: u32,
    },
}

/// What one sync does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatefulSetSync<R> {
    /// Writes. Those of one batch are sent together, each batch when all of the one before have
    /// been answered; a refused one ends the sync. No batch is empty.
    pub batches: Vec<Vec<StatefulAct<R>>>,
    /// What the walk over the pods counted.
    pub counted: StatefulSetStatus,
    /// The status to write afterwards: the same, but once all pods have the present revision they
    /// are those of the current one too.
    pub status: StatefulSetStatus,
    /// The current revision to write with it: the present one once all pods have it.
    pub current: R,
    /// When the next ready pod becomes available, if nothing else changes.
    pub next_available: Option<Time>,
}

/// One sync.
pub fn sync_stateful_set<R: Copy + Eq>(
    view: &StatefulSetView<'_, R>,
    now: Time,
) -> StatefulSetSync<R> {
    let mut draft = Draft::new(view, now);
    if !view.deleting && draft.fill_slots() && draft.delete_condemned() {
        draft.update_highest();
    }
    let waits = view.pods.iter().filter_map(|pod| match pod.phase {
        StatefulPhase::Running(Some(since)) => Some(since + view.spec.min_ready),
        _ => None,
    });
    let mut sync = StatefulSetSync {
        batches: draft.batches,
        counted: draft.status,
        status: draft.status,
        current: view.current,
        next_available: waits.filter(|at| *at > now).min(),
    };
    complete(view, &mut sync);
    sync
}

/// Once every pod is ready and of the present template, its revision is the current one.
fn complete<R: Copy + Eq>(view: &StatefulSetView<'_, R>, sync: &mut StatefulSetSync<R>) {
    let status = &mut sync.status;
    let all = view.spec.replicas;
    if matches!(view.spec.update, StatefulUpdate::RollingUpdate { .. })
        && [status.updated, status.ready, status.replicas] == [all; 3]
    {
        status.current = status.updated;
        sync.current = view.update;
    }
}

/// Does a walk over the pods go on after one of them?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Walk {
    On,
    Stop,
}

struct Draft<'a, R> {
    view: &'a StatefulSetView<'a, R>,
    now: Time,
    /// The pod of each slot, `None` where it is missing.
    slots: Vec<Option<StatefulPod<R>>>,
    /// Pods outside the slots, the highest ordinal first.
    condemned: Vec<StatefulPod<R>>,
    /// The ordinal of the first pod that is missing or not available.
    first_unhealthy: Option<u32>,
    status: StatefulSetStatus,
    batches: Vec<Vec<StatefulAct<R>>>,
}

impl<'a, R: Copy + Eq> Draft<'a, R> {
    fn new(view: &'a StatefulSetView<'a, R>, now: Time) -> Draft<'a, R> {
        let spec = &view.spec;
        let by_ordinal: BTreeMap<u32, StatefulPod<R>> =
            view.pods.iter().map(|pod| (pod.ordinal, *pod)).collect();
        assert_eq!(by_ordinal.len(), view.pods.len(), "two pods of one ordinal");
        let slot = |place| by_ordinal.get(&(spec.first_ordinal + place)).copied();
        let slots: Vec<Option<StatefulPod<R>>> = (0..spec.replicas).map(slot).collect();
        let outside = by_ordinal.values().rev().filter(|pod| !spec.has_ordinal(pod.ordinal));
        let mut draft = Draft {
            view,
            now,
            slots,
            condemned: outside.copied().collect(),
            first_unhealthy: None,
            status: StatefulSetStatus::default(),
            batches: Vec::new(),
        };
        draft.first_unhealthy = draft.find_unhealthy();
        draft.status = draft.count();
        draft
    }

    fn is_monotonic(&self) -> bool {
        self.view.spec.management == PodManagement::OrderedReady
    }

    /// Missing, not available yet, or asked to stop.
    fn is_unavailable(&self, pod: Option<&StatefulPod<R>>) -> bool {
        pod.is_none_or(|pod| {
            pod.terminating || !pod.is_available(self.view.spec.min_ready, self.now)
        })
    }

    fn find_unhealthy(&self) -> Option<u32> {
        let first = self.view.spec.first_ordinal;
        let slot = (first..).zip(&self.slots).find(|(_, slot)| self.is_unavailable(slot.as_ref()));
        let mut outside = self.condemned.iter().rev().filter(|pod| self.is_unavailable(Some(pod)));
        slot.map(|(ordinal, _)| ordinal).or_else(|| outside.next().map(|pod| pod.ordinal))
    }

    fn count(&self) -> StatefulSetStatus {
        let mut status = StatefulSetStatus::default();
        for pod in self.view.pods {
            status.replicas += 1;
            status.ready += u32::from(pod.is_ready());
            let available = pod.is_available(self.view.spec.min_ready, self.now);
            status.available += u32::from(available);
            if !pod.terminating {
                status.current += u32::from(pod.revision == self.view.current);
                status.updated += u32::from(pod.revision == self.view.update);
            }
        }
        status
    }

    /// Walks over places: one by one until one of them stops the walk, or in parallel in batches
    /// that double. True if the sync goes on.
    fn walk(
        &mut self,
        places: usize,
        step: impl Fn(&Draft<'a, R>, usize) -> (Option<StatefulAct<R>>, Walk),
    ) -> bool {
        if self.is_monotonic() {
            for place in 0..places {
                let (act, walk) = step(self, place);
                self.batches.extend(act.map(|act| vec![act]));
                if walk == Walk::Stop {
                    return false;
                }
            }
            return true;
        }
        let (mut from, mut size) = (0, 1);
        while from < places {
            let to = places.min(from + size);
            size = (2 * size).min(BATCH_MOST);
            let batch: Vec<StatefulAct<R>> =
                (from..to).filter_map(|place| step(self, place).0).collect();
            self.batches.extend(Some(batch).filter(|batch| !batch.is_empty()));
            from = to;
        }
        true
    }

    /// Creates missing pods of the slots and deletes those that have ended.
    fn fill_slots(&mut self) -> bool {
        self.walk(self.slots.len(), |draft, place| {
            let Some(pod) = &draft.slots[place] else { return draft.create(place) };
            if pod.phase == StatefulPhase::Ended {
                let delete = StatefulAct::Delete { ordinal: pod.ordinal };
                return (Some(delete).filter(|_| !pod.terminating), Walk::Stop);
            }
            let stop = draft.is_unavailable(Some(pod));
            (None, if stop { Walk::Stop } else { Walk::On })
        })
    }

    fn create(&self, place: usize) -> (Option<StatefulAct<R>>, Walk) {
        let place = u32::try_from(place).expect("a place is an ordinal");
        let ordinal = self.view.spec.first_ordinal + place;
        if self.view.stale_claims.contains(&ordinal) {
            return (None, Walk::Stop);
        }
        let revision = match self.view.spec.update {
            StatefulUpdate::RollingUpdate { partition } if place < partition => self.view.current,
            _ => self.view.update,
        };
        (Some(StatefulAct::Create { ordinal, revision }), Walk::Stop)
    }

    /// Deletes pods outside the slots. One by one, a pod that is not available blocks the ones
    /// below it, unless it is the first such pod of the whole set. So two that have ended block
    /// each other, in upstream too.
    fn delete_condemned(&mut self) -> bool {
        self.walk(self.condemned.len(), |draft, place| {
            let pod = &draft.condemned[place];
            let blocks = draft.is_unavailable(Some(pod))
                && draft.first_unhealthy != Some(pod.ordinal)
                && draft.is_monotonic();
            if pod.terminating || blocks {
                return (None, Walk::Stop);
            }
            (Some(StatefulAct::Delete { ordinal: pod.ordinal }), Walk::Stop)
        })
    }

    /// Deletes the highest pod that is not of the present template, if all above it are available.
    fn update_highest(&mut self) {
        let StatefulUpdate::RollingUpdate { partition } = self.view.spec.update else { return };
        for slot in self.slots.iter().skip(partition as usize).rev() {
            // A pod that this sync created is of the present template.
            let is_old = |pod: &&StatefulPod<R>| pod.revision != self.view.update;
            if let Some(pod) = slot.as_ref().filter(is_old).filter(|pod| !pod.terminating) {
                self.batches.push(vec![StatefulAct::Delete { ordinal: pod.ordinal }]);
                self.status.current = self.status.current.saturating_sub(1);
                return;
            }
            if self.is_unavailable(slot.as_ref()) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Time = Time::from_secs(10_000);
    const OLD: u32 = 1;
    const NEW: u32 = 2;

    fn running(ordinal: u32, revision: u32) -> StatefulPod<u32> {
        let phase = StatefulPhase::Running(Some(Time::from_secs(1)));
        StatefulPod { ordinal, revision, phase, terminating: false }
    }

    fn starting(ordinal: u32, revision: u32) -> StatefulPod<u32> {
        StatefulPod { phase: StatefulPhase::Running(None), ..running(ordinal, revision) }
    }

    fn view(spec: StatefulSetSpec, pods: &[StatefulPod<u32>]) -> StatefulSetView<'_, u32> {
        StatefulSetView {
            spec,
            deleting: false,
            current: OLD,
            update: NEW,
            pods,
            stale_claims: &[],
        }
    }

    fn acts(spec: StatefulSetSpec, pods: &[StatefulPod<u32>]) -> Vec<Vec<StatefulAct<u32>>> {
        sync_stateful_set(&view(spec, pods), NOW).batches
    }

    fn create(ordinal: u32, revision: u32) -> StatefulAct<u32> {
        StatefulAct::Create { ordinal, revision }
    }

    fn delete(ordinal: u32) -> StatefulAct<u32> {
        StatefulAct::Delete { ordinal }
    }

    fn partitioned(replicas: u32, partition: u32) -> StatefulSetSpec {
        let update = StatefulUpdate::RollingUpdate { partition };
        StatefulSetSpec { update, ..StatefulSetSpec::new(replicas) }
    }

    /// Check 10 of section 2.13.
    #[test]
    fn pods_below_the_partition_keep_the_current_revision() {
        let spec = partitioned(5, 3);
        let mut pods: Vec<_> = (0..5).map(|ordinal| running(ordinal, OLD)).collect();
        assert_eq!(acts(spec, &pods), [[delete(4)]]);
        pods.pop();
        assert_eq!(acts(spec, &pods), [[create(4, NEW)]]);
        pods.push(starting(4, NEW));
        assert!(acts(spec, &pods).is_empty(), "4 is awaited");
        pods[4] = running(4, NEW);
        assert_eq!(acts(spec, &pods), [[delete(3)]]);
        pods[3] = running(3, NEW);
        let rest = sync_stateful_set(&view(spec, &pods), NOW);
        assert!(rest.batches.is_empty());
        assert_eq!((rest.status.current, rest.status.updated, rest.current), (3, 2, OLD));
        pods.remove(1);
        assert_eq!(acts(spec, &pods), [[create(1, OLD)]]);
    }

    #[test]
    fn one_by_one_or_all_at_once() {
        let ordered = StatefulSetSpec::new(4);
        let parallel = StatefulSetSpec { management: PodManagement::Parallel, ..ordered };
        assert_eq!(acts(ordered, &[]), [[create(0, NEW)]]);
        let all: [&[StatefulAct<u32>]; 3] =
            [&[create(0, NEW)], &[create(1, NEW), create(2, NEW)], &[create(3, NEW)]];
        assert_eq!(acts(parallel, &[]), all);
        assert!(acts(ordered, &[starting(0, NEW)]).is_empty());
        let six: Vec<_> = (0..6).map(|ordinal| running(ordinal, NEW)).collect();
        assert_eq!(acts(ordered, &six), [[delete(5)]]);
        let both: [&[StatefulAct<u32>]; 2] = [&[delete(5)], &[delete(4)]];
        assert_eq!(acts(parallel, &six), both);
    }

    #[test]
    fn a_stuck_pod_blocks_until_it_is_deleted_by_hand() {
        let spec = StatefulSetSpec::new(3);
        let mut pods = [running(0, NEW), running(1, NEW), starting(2, OLD)];
        // The template was put back: the bad pod is of another revision, and blocks as any other.
        assert!(acts(spec, &pods).is_empty());
        pods[2].terminating = true;
        assert!(acts(spec, &pods).is_empty(), "its name is taken until the object is gone");
        assert_eq!(acts(spec, &pods[..2]), [[create(2, NEW)]]);
        let condemned = [running(0, NEW), running(1, NEW), running(2, NEW), starting(4, NEW)];
        assert_eq!(acts(spec, &condemned), [[delete(4)]], "the first that is not healthy");
        let two =
            [running(0, NEW), running(1, NEW), running(2, NEW), starting(3, NEW), starting(4, NEW)];
        assert!(acts(spec, &two).is_empty(), "3 is the first, and 4 comes before it");
    }

    #[test]
    fn a_pod_counts_when_it_was_ready_for_long_enough() {
        let spec = StatefulSetSpec { min_ready: Span::from_secs(10), ..StatefulSetSpec::new(2) };
        let fresh = StatefulPhase::Running(Some(NOW - Span::from_secs(4)));
        let pods = [StatefulPod { phase: fresh, ..running(0, NEW) }];
        let sync = sync_stateful_set(&view(spec, &pods), NOW);
        assert!(sync.batches.is_empty());
        assert_eq!((sync.status.ready, sync.status.available), (1, 0));
        assert_eq!(sync.next_available, Some(NOW + Span::from_secs(6)));
        let later = sync_stateful_set(&view(spec, &pods), NOW + Span::from_secs(6));
        assert_eq!(later.batches, [[create(1, NEW)]]);
    }

    #[test]
    fn ordinals_may_start_anywhere_and_claims_are_awaited() {
        let spec = StatefulSetSpec { first_ordinal: 7, ..partitioned(2, 1) };
        assert_eq!(acts(spec, &[]), [[create(7, OLD)]]);
        assert_eq!(acts(spec, &[running(7, OLD)]), [[create(8, NEW)]]);
        assert_eq!(acts(spec, &[running(7, OLD), running(8, NEW), running(2, NEW)]), [[delete(2)]]);
        let stale = StatefulSetView { stale_claims: &[7], ..view(spec, &[]) };
        assert!(sync_stateful_set(&stale, NOW).batches.is_empty());
        let deleted = StatefulSetView { deleting: true, ..view(spec, &[]) };
        assert!(sync_stateful_set(&deleted, NOW).batches.is_empty());
    }

    fn any_pod(ordinal: u32) -> impl Strategy<Value = Option<StatefulPod<u32>>> {
        let phase = prop_oneof![
            Just(StatefulPhase::Pending),
            Just(StatefulPhase::Running(None)),
            (0u64..20).prop_map(|age| StatefulPhase::Running(Some(NOW - Span::from_secs(age)))),
            Just(StatefulPhase::Ended),
        ];
        let pod = (phase, prop_oneof![Just(OLD), Just(NEW)], prop::bool::weighted(0.2));
        prop::option::of(pod.prop_map(move |(phase, revision, terminating)| StatefulPod {
            ordinal,
            revision,
            phase,
            terminating,
        }))
    }

    fn any_set() -> impl Strategy<Value = (StatefulSetSpec, Vec<StatefulPod<u32>>)> {
        let management =
            prop_oneof![Just(PodManagement::OrderedReady), Just(PodManagement::Parallel)];
        let update = prop_oneof![
            Just(StatefulUpdate::OnDelete),
            (0u32..10).prop_map(|partition| StatefulUpdate::RollingUpdate { partition }),
        ];
        let spec = (0u32..8, 0u32..3, management, update, prop_oneof![Just(0u64), Just(10)]);
        let spec = spec.prop_map(|(replicas, first_ordinal, management, update, min_ready)| {
            let min_ready = Span::from_secs(min_ready);
            StatefulSetSpec { replicas, first_ordinal, management, update, min_ready }
        });
        let pods = (0..10).map(any_pod).collect::<Vec<_>>();
        (spec, pods.prop_map(|pods| pods.into_iter().flatten().collect()))
    }

    proptest! {
        /// Invariant 3 of section 8: a set never has two live pods of one ordinal, so a pod is
        /// created only where none is.
        #[test]
        fn an_ordinal_never_runs_twice((spec, pods) in any_set()) {
            let mut seen: Vec<u32> = pods.iter().map(|pod| pod.ordinal).collect();
            let batches = acts(spec, &pods);
            for act in batches.iter().flatten() {
                match act {
                    StatefulAct::Create { ordinal, .. } => {
                        prop_assert!(!seen.contains(ordinal), "{ordinal}");
                        prop_assert!(spec.has_ordinal(*ordinal));
                        seen.push(*ordinal);
                    }
                    StatefulAct::Delete { ordinal } => {
                        let pod = pods.iter().find(|pod| pod.ordinal == *ordinal);
                        prop_assert!(pod.is_some_and(|pod| !pod.terminating));
                    }
                }
            }
            if spec.management == PodManagement::OrderedReady {
                prop_assert!(batches.iter().flatten().count() <= 1);
            }
        }

        /// With pods that get ready and go at once, every set comes to rest with what was asked;
        /// those that are to go have not ended, as several that have stand in each other's way.
        #[test]
        fn a_set_comes_to_rest((spec, mut pods) in any_set()) {
            pods.retain(|pod| {
                let ended = pod.phase == StatefulPhase::Ended;
                !pod.terminating && (spec.has_ordinal(pod.ordinal) || !ended)
            });
            for pod in &mut pods {
                if pod.phase != StatefulPhase::Ended {
                    pod.phase = running(0, 0).phase;
                }
            }
            let mut rounds = 0;
            loop {
                let sync = sync_stateful_set(&view(spec, &pods), NOW);
                if sync.batches.is_empty() {
                    break;
                }
                for act in sync.batches.iter().flatten() {
                    match *act {
                        StatefulAct::Create { ordinal, revision } => {
                            pods.push(running(ordinal, revision));
                        }
                        StatefulAct::Delete { ordinal } => {
                            pods.retain(|pod| pod.ordinal != ordinal);
                        }
                    }
                }
                rounds += 1;
                prop_assert!(rounds < 60);
            }
            prop_assert_eq!(pods.len(), spec.replicas as usize);
            if let StatefulUpdate::RollingUpdate { partition } = spec.update {
                for pod in pods.iter().filter(|pod| pod.ordinal >= spec.first_ordinal + partition) {
                    prop_assert_eq!(pod.revision, NEW);
                }
            }
        }
    }
}
