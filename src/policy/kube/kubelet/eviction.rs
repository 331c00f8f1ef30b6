//! One look of the kubelet's eviction loop: which conditions the node has, and for which threshold
//! a pod has to go.
//!
//! Source: `pkg/kubelet/eviction/eviction_manager.go` (`synchronize`) and `helpers.go`, Kubernetes
//! 1.34. A look for which nothing changed and no time below has come does nothing new, so it need
//! not take place.
//!
//! A look goes: pods above their own local limits are evicted first, all of them; else, for the
//! threshold found here, the node's own garbage goes; else exactly one pod. After an eviction the
//! next look waits for the pod's cleanup (at most `cleanup_timeout`) and then takes place at once.

use super::{EvictionParams, Signal, Threshold};
use crate::ground::{Span, Time};
use crate::model::Pressure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// What was measured.
    pub signal: Signal,
    /// What is left, in bytes, inodes or processes.
    pub available: u64,
    /// What there is in all.
    pub capacity: u64,
}

/// What the eviction loop remembers. Thresholds are known by their place in the parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvictionMemory {
    /// Thresholds that the last look acted on: they are subject to the minimum reclaim.
    met: Vec<usize>,
    /// Since when each threshold is crossed.
    first_observed: BTreeMap<usize, Time>,
    /// When each condition was last found.
    last_observed: BTreeMap<Pressure, Time>,
}

fn is_crossed(threshold: &Threshold, reclaim: bool, observations: &[Observation]) -> bool {
    let seen = observations.iter().find(|seen| seen.signal == threshold.signal);
    seen.is_some_and(|seen| {
        let more = if reclaim { threshold.minimum_reclaim.of(seen.capacity) } else { 0 };
        threshold.below.of(seen.capacity).saturating_add(more) > seen.available
    })
}

impl EvictionMemory {
    /// One look; returns the threshold to be relieved now, memory before everything else.
    pub fn look<'p>(
        &mut self,
        params: &'p EvictionParams,
        observations: &[Observation],
        now: Time,
    ) -> Option<&'p Threshold> {
        let crossed: Vec<usize> = (0..params.thresholds.len())
            .filter(|at| is_crossed(&params.thresholds[*at], self.met.contains(at), observations))
            .collect();
        let since = |at: &usize| self.first_observed.get(at).copied().unwrap_or(now);
        self.first_observed = crossed.iter().map(|at| (*at, since(at))).collect();
        for at in &crossed {
            self.last_observed.insert(params.thresholds[*at].signal.pressure(), now);
        }
        self.last_observed.retain(|_, last| now.since(*last) < params.transition_period);
        let grace_is_over =
            |at: &usize| now.since(self.first_observed[at]) >= params.thresholds[*at].grace;
        self.met = crossed.into_iter().filter(grace_is_over).collect();
        let met = self.met.iter().map(|at| &params.thresholds[*at]);
        met.min_by_key(|threshold| threshold.signal != Signal::MemoryAvailable)
    }

    /// True while the node has this condition.
    pub fn has(&self, pressure: Pressure) -> bool {
        self.last_observed.contains_key(&pressure)
    }

    /// The conditions of the node.
    pub fn conditions(&self) -> impl Iterator<Item = Pressure> + '_ {
        self.last_observed.keys().copied()
    }

    /// When a look will find something new although nothing changes: a soft threshold's grace is
    /// over, or a condition has not been found for long enough. Looks that act, because a hard
    /// threshold stays crossed, are one interval apart.
    pub fn next_due(&self, params: &EvictionParams, now: Time) -> Option<Time> {
        let waiting = self.first_observed.iter().filter(|(at, _)| !self.met.contains(at));
        let graces = waiting.map(|(at, since)| *since + params.thresholds[*at].grace);
        let found: Vec<Pressure> =
            self.first_observed.keys().map(|at| params.thresholds[*at].signal.pressure()).collect();
        let kept = self.last_observed.iter().filter(|(pressure, _)| !found.contains(pressure));
        let ends = kept.map(|(_, last)| *last + params.transition_period);
        let acting = (!self.met.is_empty()).then(|| now + params.monitoring_interval);
        graces.chain(ends).chain(acting).min().map(|at| at.max(now + Span::from_nanos(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::kube::kubelet::Level;

    fn seconds(at: u64) -> Time {
        Time::from_secs(at)
    }

    fn memory(available: u64) -> Observation {
        Observation { signal: Signal::MemoryAvailable, available, capacity: 16 << 30 }
    }

    fn nodefs(available: u64) -> Observation {
        Observation { signal: Signal::NodefsAvailable, available, capacity: 1000 }
    }

    #[test]
    fn memory_comes_first_and_conditions_last_five_minutes() {
        let params = EvictionParams::default();
        let mut state = EvictionMemory::default();
        assert_eq!(state.look(&params, &[memory(100 << 20), nodefs(100)], seconds(0)), None);
        assert_eq!(state.next_due(&params, seconds(0)), None);
        let short = [nodefs(99), memory((100 << 20) - 1)];
        let found = state.look(&params, &short, seconds(10)).unwrap();
        assert_eq!(found.signal, Signal::MemoryAvailable);
        assert_eq!(state.next_due(&params, seconds(10)), Some(seconds(20)));
        let found = state.look(&params, &[nodefs(99), memory(1 << 30)], seconds(20)).unwrap();
        assert_eq!(found.signal, Signal::NodefsAvailable);
        assert_eq!(state.look(&params, &[nodefs(500), memory(1 << 30)], seconds(30)), None);
        assert_eq!(state.conditions().collect::<Vec<_>>(), [Pressure::Memory, Pressure::Disk]);
        assert_eq!(state.next_due(&params, seconds(30)), Some(seconds(310)));
        for (look, left) in [(309, 2), (310, 1), (319, 1), (320, 0)] {
            state.look(&params, &[], seconds(look));
            assert_eq!(state.conditions().count(), left, "{look}");
        }
        assert!(!state.has(Pressure::Disk));
    }

    #[test]
    fn a_soft_threshold_has_a_grace() {
        let hard = EvictionParams::default().thresholds[0];
        let soft = Threshold { below: Level::Amount(1 << 30), grace: Span::from_secs(90), ..hard };
        let params = EvictionParams { thresholds: vec![soft, hard], ..Default::default() };
        let mut state = EvictionMemory::default();
        let low = [memory(1 << 29)];
        assert_eq!(state.look(&params, &low, seconds(10)), None);
        assert!(state.has(Pressure::Memory), "the condition has no grace");
        assert_eq!(state.next_due(&params, seconds(10)), Some(seconds(100)));
        assert_eq!(state.look(&params, &low, seconds(99)), None);
        assert_eq!(state.look(&params, &low, seconds(100)), Some(&soft));
        state.look(&params, &[memory(2 << 30)], seconds(110));
        assert_eq!(state.look(&params, &low, seconds(120)), None, "the grace starts anew");
    }

    #[test]
    fn a_threshold_acted_on_holds_until_more_is_there() {
        let hard = EvictionParams::default().thresholds[0];
        let reclaiming = Threshold { minimum_reclaim: Level::Amount(1 << 20), ..hard };
        let params = EvictionParams { thresholds: vec![reclaiming], ..Default::default() };
        let mut state = EvictionMemory::default();
        let between = [memory(100 << 20)];
        assert_eq!(state.look(&params, &between, seconds(0)), None);
        assert!(state.look(&params, &[memory(99 << 20)], seconds(10)).is_some());
        assert!(state.look(&params, &between, seconds(20)).is_some());
        assert_eq!(state.look(&params, &[memory(101 << 20)], seconds(30)), None);
        assert_eq!(state.look(&params, &between, seconds(40)), None);
    }
}
