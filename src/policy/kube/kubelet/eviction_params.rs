//! When a kubelet finds that a resource of its node runs out: signals and thresholds.
//!
//! Source: `pkg/kubelet/eviction/{helpers,defaults_linux}.go` and
//! `pkg/kubelet/apis/config/v1beta1/defaults.go`, Kubernetes 1.34.

use crate::ground::{Bytes, Problem, Span};
use crate::model::Pressure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a kubelet measures, under its upstream name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Signal {
    /// Memory that is not in use.
    #[serde(rename = "memory.available")]
    MemoryAvailable,
    /// Space on the file system of volumes and logs.
    #[serde(rename = "nodefs.available")]
    NodefsAvailable,
    /// Inodes there.
    #[serde(rename = "nodefs.inodesFree")]
    NodefsInodesFree,
    /// Space on the file system of images.
    #[serde(rename = "imagefs.available")]
    ImagefsAvailable,
    /// Inodes there.
    #[serde(rename = "imagefs.inodesFree")]
    ImagefsInodesFree,
    /// Process numbers.
    #[serde(rename = "pid.available")]
    PidAvailable,
}

impl Signal {
    /// The condition that the node gets.
    pub const fn pressure(self) -> Pressure {
        match self {
            Signal::MemoryAvailable => Pressure::Memory,
            Signal::NodefsAvailable
            | Signal::NodefsInodesFree
            | Signal::ImagefsAvailable
            | Signal::ImagefsInodesFree => Pressure::Disk,
            Signal::PidAvailable => Pressure::Pid,
        }
    }
}

/// An amount, or a share of the capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Level {
    /// Bytes, inodes or processes.
    Amount(u64),
    /// Hundredths of a percent, 0 to 10,000.
    Share(u32),
}

impl Level {
    /// The amount on a node with this capacity. Upstream keeps the share in single precision and
    /// rounds down.
    pub fn of(self, capacity: u64) -> u64 {
        match self {
            Level::Amount(amount) => amount,
            Level::Share(hundredths) => {
                let share = (hundredths as f32 / 100.0) / 100.0;
                (capacity as f64 * f64::from(share)) as u64
            }
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Level::Amount(amount) => Bytes(*amount).fmt(f),
            Level::Share(hundredths) => write!(f, "{}%", f64::from(*hundredths) / 100.0),
        }
    }
}

impl From<Level> for String {
    fn from(level: Level) -> String {
        level.to_string()
    }
}

impl TryFrom<String> for Level {
    type Error = String;

    fn try_from(text: String) -> Result<Level, String> {
        let Some(percent) = text.strip_suffix('%') else {
            return text
                .parse()
                .map(|Bytes(amount)| Level::Amount(amount))
                .map_err(|error| format!("{error}, or a share such as `10%`"));
        };
        let share = percent.parse::<f64>().ok().map(|percent| percent * 100.0);
        let hundredths = share.filter(|share| (0.0..=10_000.0).contains(share));
        let whole = hundredths.filter(|share| share.fract() == 0.0);
        whole.map(|share| Level::Share(share as u32)).ok_or_else(|| {
            format!("`{text}` is not a share; write 0% to 100%, with at most two decimals")
        })
    }
}

/// A level below which something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// What is measured.
    pub signal: Signal,
    /// Crossed below this.
    pub below: Level,
    /// How long it has to be crossed; zero makes it a hard threshold, others are soft.
    #[serde(default)]
    pub grace: Span,
    /// Once it is acted on, it counts as crossed until so much more than `below` is there.
    #[serde(default = "nothing")]
    pub minimum_reclaim: Level,
}

fn nothing() -> Level {
    Level::Amount(0)
}

impl Threshold {
    /// A hard threshold.
    pub const fn hard(signal: Signal, below: Level) -> Threshold {
        Threshold { signal, below, grace: Span::ZERO, minimum_reclaim: Level::Amount(0) }
    }

    /// True if it has no grace.
    pub const fn is_hard(&self) -> bool {
        self.grace.is_zero()
    }
}

/// When a kubelet evicts for lack of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvictionParams {
    /// Thresholds. Kubernetes 1.34 on Linux, all hard: memory.available 100Mi, nodefs.available
    /// 10%, nodefs.inodesFree 5%, imagefs.available 15%, imagefs.inodesFree 5%.
    pub thresholds: Vec<Threshold>,
    /// Time between two looks. Kubernetes 1.34: 10s.
    pub monitoring_interval: Span,
    /// How long a condition is kept after it was last found
    /// (`evictionPressureTransitionPeriod`). Kubernetes 1.34: 5m.
    pub transition_period: Span,
    /// Longest grace of a pod evicted for a soft threshold (`evictionMaxPodGracePeriod`).
    /// Kubernetes 1.34: 0s.
    pub max_pod_grace: Span,
    /// How long a look waits for an evicted pod to be cleaned up. Kubernetes 1.34: 30s.
    pub cleanup_timeout: Span,
}

impl Default for EvictionParams {
    fn default() -> EvictionParams {
        let hard = Threshold::hard;
        EvictionParams {
            thresholds: vec![
                hard(Signal::MemoryAvailable, Level::Amount(100 << 20)),
                hard(Signal::NodefsAvailable, Level::Share(1000)),
                hard(Signal::NodefsInodesFree, Level::Share(500)),
                hard(Signal::ImagefsAvailable, Level::Share(1500)),
                hard(Signal::ImagefsInodesFree, Level::Share(500)),
            ],
            monitoring_interval: Span::from_secs(10),
            transition_period: Span::from_secs(300),
            max_pod_grace: Span::ZERO,
            cleanup_timeout: Span::from_secs(30),
        }
    }
}

/// Grace of a pod evicted for a hard threshold or its own limits.
const IMMEDIATE: Span = Span::from_secs(1);

impl EvictionParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.monitoring_interval.is_zero() {
            problems.push(
                Problem::new("monitoring_interval", "`monitoring_interval` is zero")
                    .hint("write a length such as `10s`"),
            );
        }
        for (at, threshold) in self.thresholds.iter().enumerate() {
            let before = &self.thresholds[..at];
            let same = |other: &&Threshold| {
                other.signal == threshold.signal && other.is_hard() == threshold.is_hard()
            };
            if before.iter().any(|other| same(&other)) {
                let text = "a second threshold of one kind for one signal";
                problems.push(Problem::new(format!("thresholds[{at}].signal"), text));
            }
        }
        problems
    }

    /// The grace of a pod evicted for a threshold; `pod` is the pod's own grace.
    pub fn pod_grace(&self, threshold: &Threshold, pod: Span) -> Span {
        if threshold.is_hard() { IMMEDIATE } else { self.max_pod_grace.min(pod) }
    }

    /// The grace of a pod evicted for its own limits of local storage.
    pub const fn limit_grace(&self) -> Span {
        IMMEDIATE
    }

    /// What the hard threshold of a signal keeps from pods: allocatable is the capacity without
    /// this and the reservations.
    pub fn reserved(&self, signal: Signal, capacity: u64) -> u64 {
        let hard = self.thresholds.iter().find(|t| t.signal == signal && t.is_hard());
        hard.map_or(0, |threshold| threshold.below.of(capacity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        for (text, capacity, amount) in [
            ("100Mi", 7, 100 << 20),
            ("10%", 1000, 100),
            ("5%", 1_000_000, 50_000),
            ("15%", 100 << 30, 16_106_128_000),
            ("12.5%", 800, 100),
            ("0%", 800, 0),
        ] {
            let level = Level::try_from(text.to_owned()).unwrap();
            assert_eq!(level.of(capacity), amount, "{text}");
            assert_eq!(level.to_string(), text);
        }
        for text in ["-3%", "101%", "x%", "10 parsecs", "0.001%"] {
            assert!(Level::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn parameters_read_and_complain() {
        let json = r#"{"thresholds": [
            {"signal": "memory.available", "below": "1Gi", "grace": "90s"},
            {"signal": "memory.available", "below": "100Mi"}]}"#;
        let read: EvictionParams = serde_json::from_str(json).unwrap();
        assert_eq!(read.check(), []);
        assert_eq!(read.thresholds[0].grace, Span::from_secs(90));
        assert!(read.thresholds[1].is_hard());
        let twice = EvictionParams {
            thresholds: vec![read.thresholds[1], read.thresholds[1]],
            monitoring_interval: Span::ZERO,
            ..read
        };
        assert_eq!(twice.check().len(), 2);
    }

    #[test]
    fn graces_and_reservations() {
        let params = EvictionParams { max_pod_grace: Span::from_secs(20), ..Default::default() };
        let hard = params.thresholds[0];
        let soft = Threshold { grace: Span::from_secs(90), ..hard };
        let seconds = Span::from_secs;
        assert_eq!(params.pod_grace(&hard, seconds(30)), seconds(1));
        assert_eq!(params.pod_grace(&soft, seconds(30)), seconds(20));
        assert_eq!(params.pod_grace(&soft, seconds(10)), seconds(10));
        assert_eq!(params.reserved(Signal::MemoryAvailable, 1 << 34), 100 << 20);
        assert_eq!(params.reserved(Signal::NodefsAvailable, 1000), 100);
        assert_eq!(params.reserved(Signal::PidAvailable, 1000), 0);
    }
}
