//! Zones that lose many nodes at once, and how fast nodes are tainted NoExecute meanwhile.
//!
//! Source: `pkg/controller/nodelifecycle/node_lifecycle_controller.go` and
//! `scheduler/rate_limited_queue.go`, Kubernetes 1.34. One difference: upstream re-stamps the nodes
//! that wait at each look in an arbitrary order; here they are served first come, first served.

use super::TokenBucket;
use crate::ground::{Name, Problem, Span, Time};
use crate::model::{NodeId, ZoneState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// The label of a node that is not counted in the state of its zone.
pub const EXCLUDE_DISRUPTION_LABEL: &str = "node.kubernetes.io/exclude-disruption";

/// How fast nodes are tainted NoExecute, by the state of their zone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ZoneParams {
    /// Nodes per second and zone (`--node-eviction-rate`), zero for none. Kubernetes 1.34: 0.1.
    pub eviction_rate: f64,
    /// The same in a large zone that is partly disrupted (`--secondary-node-eviction-rate`).
    /// Kubernetes 1.34: 0.01.
    pub secondary_eviction_rate: f64,
    /// A zone is large above this many nodes; a smaller one that is partly disrupted is left alone
    /// (`--large-cluster-size-threshold`). Kubernetes 1.34: 50.
    pub large_zone: u32,
    /// The share of nodes that are not ready, 0 to 1, from which a zone is partly disrupted
    /// (`--unhealthy-zone-threshold`). Kubernetes 1.34: 0.55.
    pub unhealthy_threshold: f32,
}

impl Default for ZoneParams {
    fn default() -> ZoneParams {
        ZoneParams {
            eviction_rate: 0.1,
            secondary_eviction_rate: 0.01,
            large_zone: 50,
            unhealthy_threshold: 0.55,
        }
    }
}

/// Tokens that a zone saves up (`EvictionRateLimiterBurst`).
const BURST: u32 = 1;

/// The nodes of a zone that count, by whether their Ready condition is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ZoneCount {
    /// Ready nodes.
    pub ready: u32,
    /// All others, those without a condition included.
    pub not_ready: u32,
}

impl ZoneParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (path, rate) in [
            ("eviction_rate", self.eviction_rate),
            ("secondary_eviction_rate", self.secondary_eviction_rate),
        ] {
            if !rate.is_finite() || rate < 0.0 {
                problems.push(
                    Problem::new(path, format!("`{path}` is {rate}, not a number of nodes"))
                        .hint("write nodes per second, such as 0.1"),
                );
            }
        }
        if !(0.0..=1.0).contains(&self.unhealthy_threshold) {
            let text = format!("`unhealthy_threshold` is {}", self.unhealthy_threshold);
            problems
                .push(Problem::new("unhealthy_threshold", text).hint("write a share from 0 to 1"));
        }
        problems
    }

    /// The state of a zone with these nodes. The share is computed in single precision, as
    /// upstream does.
    pub fn state(&self, count: ZoneCount) -> ZoneState {
        let total = count.ready + count.not_ready;
        let share = count.not_ready as f32 / total as f32;
        if count.ready == 0 && count.not_ready > 0 {
            ZoneState::FullDisruption
        } else if count.not_ready > 2 && share >= self.unhealthy_threshold {
            ZoneState::PartialDisruption
        } else {
            ZoneState::Normal
        }
    }

    /// Nodes tainted per second in a zone in this state, while not all zones are fully disrupted.
    pub fn rate(&self, state: ZoneState, count: ZoneCount) -> f64 {
        match state {
            ZoneState::PartialDisruption if count.ready + count.not_ready > self.large_zone => {
                self.secondary_eviction_rate
            }
            ZoneState::PartialDisruption => 0.0,
            ZoneState::Initial | ZoneState::Normal | ZoneState::FullDisruption => {
                self.eviction_rate
            }
        }
    }
}

/// The time from one node to the next, `None` at rate zero.
fn interval(rate: f64) -> Option<Span> {
    (rate > 0.0).then(|| Span::from_secs_f64(1.0 / rate))
}

/// A zone: the values of its two labels, the empty text where one is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Zone {
    /// Value of `topology.kubernetes.io/region`.
    pub region: Name,
    /// Value of `topology.kubernetes.io/zone`.
    pub zone: Name,
}

/// What a look at all zones changed for the cluster as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// Nothing.
    Unchanged,
    /// From now on every zone is fully disrupted: the controller suspects itself, so the NoExecute
    /// taints of this kind have to be taken off all nodes, and nothing more is tainted.
    Begins,
    /// That is over: every node counts as heard of now, a full new grace period.
    Ends,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ZoneMemory {
    state: ZoneState,
    /// `None`: nothing is tainted.
    limiter: Option<TokenBucket>,
    waiting: VecDeque<NodeId>,
}

impl ZoneMemory {
    /// Replaces the limiter. A new one starts empty if the old one is: a change of rate gives
    /// nothing away.
    fn swap_limiter(&mut self, rate: f64, now: Time) {
        let wanted = interval(rate);
        if self.limiter.map(|limiter| limiter.interval()) == wanted {
            return;
        }
        let had_token = self.limiter.is_some_and(|mut limiter| limiter.try_take(now));
        self.limiter = wanted.map(|interval| {
            let mut limiter = TokenBucket::new(interval, BURST);
            if !had_token {
                limiter.try_take(now);
            }
            limiter
        });
    }
}

/// What the controller remembers of the zones, with the nodes that wait for their NoExecute taint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zones {
    zones: BTreeMap<Zone, ZoneMemory>,
}

impl Zones {
    /// No zones.
    pub fn new() -> Zones {
        Zones::default()
    }

    /// The state of a zone.
    pub fn state(&self, zone: Zone) -> ZoneState {
        self.zones.get(&zone).map_or(ZoneState::Initial, |memory| memory.state)
    }

    /// Makes a zone known; it begins with a full bucket at the normal rate.
    pub fn add(&mut self, params: &ZoneParams, zone: Zone) {
        self.zones.entry(zone).or_insert_with(|| ZoneMemory {
            state: ZoneState::Initial,
            limiter: interval(params.eviction_rate)
                .map(|interval| TokenBucket::new(interval, BURST)),
            waiting: VecDeque::new(),
        });
    }

    /// One look: takes in how many nodes of each zone are ready, excluded nodes not counted, and
    /// sets the rates of the zones whose state changed. Zones that no node counts for keep theirs
    /// while nodes wait there, and are forgotten then.
    pub fn look(
        &mut self,
        params: &ZoneParams,
        counts: &BTreeMap<Zone, ZoneCount>,
        now: Time,
    ) -> Outage {
        for zone in counts.keys() {
            self.add(params, *zone);
        }
        self.zones.retain(|zone, memory| counts.contains_key(zone) || !memory.waiting.is_empty());
        let all_are = counts.values().all(|count| params.state(*count) == FULL);
        let all_were = counts.keys().all(|zone| self.zones[zone].state == FULL);
        if all_are && all_were {
            return Outage::Unchanged;
        }
        if all_are {
            for memory in self.zones.values_mut() {
                memory.swap_limiter(0.0, now);
                memory.state = ZoneState::FullDisruption;
                memory.waiting.clear();
            }
            return Outage::Begins;
        }
        for (zone, count) in counts {
            let memory = self.zones.get_mut(zone).expect("every counted zone was added");
            let state = params.state(*count);
            if state != memory.state || all_were {
                memory.swap_limiter(params.rate(state, *count), now);
                memory.state = state;
            }
        }
        if all_were { Outage::Ends } else { Outage::Unchanged }
    }

    /// Lets a node wait for its NoExecute taint, unless it waits already.
    pub fn enqueue(&mut self, params: &ZoneParams, zone: Zone, node: NodeId) {
        self.add(params, zone);
        let memory = self.zones.get_mut(&zone).expect("it was just added");
        if !memory.waiting.contains(&node) {
            memory.waiting.push_back(node);
        }
    }

    /// The node is ready again or gone: it does not wait any more. True if it did.
    pub fn dequeue(&mut self, zone: Zone, node: NodeId) -> bool {
        let Some(memory) = self.zones.get_mut(&zone) else { return false };
        let before = memory.waiting.len();
        memory.waiting.retain(|waiting| *waiting != node);
        memory.waiting.len() < before
    }

    /// The next poll of the queues, one each `period` from the start of the run, at which a node
    /// can be taken; `None` while only a look can change that.
    pub fn next_due(&self, period: Span, now: Time) -> Option<Time> {
        self.zones
            .values()
            .filter(|memory| !memory.waiting.is_empty())
            .filter_map(|memory| Some(memory.limiter?.next_token(now)))
            .min()
            .map(|at| at.next_tick(period, Span::ZERO))
    }

    /// One poll of all queues: the nodes to be tainted now. A node that is ready by now has used
    /// its token up all the same, and is not tainted.
    pub fn poll(&mut self, now: Time) -> Vec<NodeId> {
        let mut taken = Vec::new();
        for memory in self.zones.values_mut() {
            let Some(limiter) = &mut memory.limiter else { continue };
            while !memory.waiting.is_empty() && limiter.try_take(now) {
                taken.extend(memory.waiting.pop_front());
            }
        }
        taken
    }
}

const FULL: ZoneState = ZoneState::FullDisruption;

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: Span = Span::from_millis(100);

    fn zone(number: u32) -> Zone {
        Zone { region: Name(0), zone: Name(number) }
    }

    fn count(ready: u32, not_ready: u32) -> ZoneCount {
        ZoneCount { ready, not_ready }
    }

    /// The times at which nodes are taken up to `end` if nothing else happens, in milliseconds.
    fn taken(zones: &mut Zones, from: Time, end: Time) -> Vec<(u64, u32)> {
        let mut taken = Vec::new();
        let mut now = from;
        while let Some(at) = zones.next_due(POLL, now).filter(|at| *at <= end) {
            now = at;
            let nodes = zones.poll(now);
            taken.extend(nodes.iter().map(|node| (now.as_nanos() / 1_000_000, node.0)));
        }
        taken
    }

    #[test]
    fn states_of_the_specification() {
        let params = ZoneParams::default();
        for (ready, not_ready, state, rate) in [
            (4, 6, ZoneState::PartialDisruption, 0.0),
            (5, 5, ZoneState::Normal, 0.1),
            (45, 55, ZoneState::PartialDisruption, 0.01),
            (46, 54, ZoneState::Normal, 0.1),
            (1, 2, ZoneState::Normal, 0.1),
            (9, 11, ZoneState::PartialDisruption, 0.0),
            (10, 10, ZoneState::Normal, 0.1),
            (0, 5, ZoneState::FullDisruption, 0.1),
            (0, 0, ZoneState::Normal, 0.1),
        ] {
            let count = count(ready, not_ready);
            assert_eq!(params.state(count), state, "{count:?}");
            assert_eq!(params.rate(state, count), rate, "{count:?}");
        }
    }

    #[test]
    fn a_lost_zone_is_tainted_one_node_each_ten_seconds() {
        let params = ZoneParams::default();
        let mut zones = Zones::new();
        let start = Time::from_secs(50);
        zones.look(
            &params,
            &BTreeMap::from([(zone(1), count(5, 0)), (zone(2), count(5, 0))]),
            start,
        );
        for node in 0..5 {
            zones.enqueue(&params, zone(1), NodeId(node));
        }
        let counts = BTreeMap::from([(zone(1), count(0, 5)), (zone(2), count(5, 0))]);
        assert_eq!(zones.look(&params, &counts, start), Outage::Unchanged);
        assert_eq!(zones.state(zone(1)), ZoneState::FullDisruption);
        let expected: Vec<_> =
            (0..5).map(|node| (50_000 + 10_000 * u64::from(node), node)).collect();
        assert_eq!(taken(&mut zones, start, Time::from_secs(500)), expected);
        assert_eq!(zones.next_due(POLL, Time::from_secs(500)), None);
    }

    #[test]
    fn a_large_zone_partly_lost_is_tainted_one_node_each_hundred_seconds() {
        let params = ZoneParams::default();
        let mut zones = Zones::new();
        for node in 0..55 {
            zones.enqueue(&params, zone(1), NodeId(node));
        }
        zones.look(&params, &BTreeMap::from([(zone(1), count(45, 55))]), Time::ZERO);
        let expected = [(0, 0), (100_000, 1), (200_000, 2)];
        assert_eq!(taken(&mut zones, Time::ZERO, Time::from_secs(299)), expected);
    }

    #[test]
    fn a_small_zone_partly_lost_is_left_alone_until_it_is_normal() {
        let params = ZoneParams::default();
        let mut zones = Zones::new();
        for node in 0..12 {
            zones.enqueue(&params, zone(1), NodeId(node));
        }
        zones.look(&params, &BTreeMap::from([(zone(1), count(8, 12))]), Time::ZERO);
        assert_eq!(zones.next_due(POLL, Time::ZERO), None);
        for node in 0..3 {
            assert!(zones.dequeue(zone(1), NodeId(node)));
        }
        let back = Time::from_secs(155);
        zones.look(&params, &BTreeMap::from([(zone(1), count(11, 9))]), back);
        // The limiter that takes over starts empty: the first node after one interval.
        let expected = [(165_000, 3), (175_000, 4)];
        assert_eq!(taken(&mut zones, back, Time::from_secs(180)), expected);
    }

    #[test]
    fn when_everything_is_lost_nothing_is_tainted_until_a_node_is_back() {
        let params = ZoneParams::default();
        let mut zones = Zones::new();
        let healthy: BTreeMap<_, _> = (0..3).map(|n| (zone(n), count(2, 0))).collect();
        let lost: BTreeMap<_, _> = (0..3).map(|n| (zone(n), count(0, 2))).collect();
        let mut first_back = lost.clone();
        first_back.insert(zone(0), count(1, 1));
        assert_eq!(zones.look(&params, &healthy, Time::ZERO), Outage::Unchanged);
        zones.enqueue(&params, zone(1), NodeId(3));
        assert_eq!(zones.look(&params, &lost, Time::from_secs(50)), Outage::Begins);
        assert!(!zones.dequeue(zone(1), NodeId(3)), "nobody waits any more");
        for node in 1..6 {
            zones.enqueue(&params, zone(node / 2), NodeId(node));
        }
        assert_eq!(zones.look(&params, &lost, Time::from_secs(55)), Outage::Unchanged);
        assert_eq!(zones.next_due(POLL, Time::from_secs(55)), None);
        let back = Time::from_secs(150);
        assert_eq!(zones.look(&params, &first_back, back), Outage::Ends);
        let expected = [(160_000, 1), (160_000, 2), (160_000, 4), (170_000, 3), (170_000, 5)];
        assert_eq!(taken(&mut zones, back, Time::from_secs(300)), expected);
        let normal = BTreeMap::from([(zone(0), count(2, 0))]);
        assert_eq!(zones.look(&params, &normal, Time::from_secs(300)), Outage::Unchanged);
        assert_eq!(zones.state(zone(2)), ZoneState::Initial, "a zone without nodes is forgotten");
    }

    #[test]
    fn a_cluster_that_begins_lost_suspects_itself_at_once() {
        let params = ZoneParams::default();
        let lost = BTreeMap::from([(zone(1), count(0, 4))]);
        assert_eq!(Zones::new().look(&params, &lost, Time::ZERO), Outage::Begins);
        assert_eq!(Zones::new().look(&params, &BTreeMap::new(), Time::ZERO), Outage::Unchanged);
    }

    #[test]
    fn a_lost_cluster_of_one_small_zone_is_not_tainted_when_one_node_returns() {
        let params = ZoneParams::default();
        let mut zones = Zones::new();
        zones.look(&params, &BTreeMap::from([(zone(1), count(6, 0))]), Time::ZERO);
        zones.look(&params, &BTreeMap::from([(zone(1), count(0, 6))]), Time::from_secs(50));
        for node in 1..6 {
            zones.enqueue(&params, zone(1), NodeId(node));
        }
        let back = BTreeMap::from([(zone(1), count(1, 5))]);
        assert_eq!(zones.look(&params, &back, Time::from_secs(150)), Outage::Ends);
        assert_eq!(zones.next_due(POLL, Time::from_secs(150)), None, "five of six are down");
    }

    #[test]
    fn wrong_parameters_are_named() {
        assert!(ZoneParams::default().check().is_empty());
        let wrong = ZoneParams {
            eviction_rate: f64::NAN,
            secondary_eviction_rate: -1.0,
            unhealthy_threshold: 1.5,
            ..ZoneParams::default()
        };
        let paths: Vec<_> = wrong.check().into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["eviction_rate", "secondary_eviction_rate", "unhealthy_threshold"]);
    }
}
