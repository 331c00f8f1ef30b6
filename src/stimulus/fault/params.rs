//! What a scenario says about faults.

use super::mode::FaultMode;
use crate::ground::{Span, SpanDistParams};
use crate::model::{CutDirection, FaultAction, FaultEffect};
use crate::stimulus::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a failing node begins the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultStart {
    /// As if it had just been repaired.
    #[default]
    New,
    /// As if it had been failing and being repaired for ever, and is up now: its first time to
    /// failure is the rest of an interval that covers the start.
    Equilibrium,
}

/// Faults at random.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewalParams {
    /// Time from the end of a fault (at first: from the start) to the next. Each node, rack or
    /// zone has its own process; with a `mode` there is one, which strikes some of them together.
    pub time_to_failure: SpanDistParams,
    /// How the run begins.
    #[serde(default)]
    pub start: FaultStart,
    /// Some fail more often than others: the rate of each is multiplied by a log-normal factor of
    /// median 1, and this is the standard deviation of its logarithm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lemons: Option<Ratio>,
}

/// A fault at a time (`at`), at intervals (`every`) or at random (`rate`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultParams {
    /// What is broken.
    pub action: FaultAction,
    /// When; the first time, if it comes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Span>,
    /// Again and again after so long; without `at` for the first time after the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// How often, at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<RenewalParams>,
    /// How long it lasts, drawn for each node, rack or zone; for ever if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<SpanDistParams>,
    /// The same for `node-crash`: the time from the crash to the repair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<SpanDistParams>,
    /// How many of the nodes, racks or zones are struck; all if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<FaultMode>,
    /// Names of the nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
    /// Labels of the nodes, all of which must be there. Every node if neither this nor `nodes` is
    /// given; not both.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// Label whose value says which nodes fail together, for `rack-outage` and `zone-outage`; that
    /// of racks and zones if left out. Another one stands for another tree: of power, or of the
    /// network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Which way `network-partition` cuts, seen from the node; both if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<CutDirection>,
}

impl FaultParams {
    /// How long it lasts, under either name.
    pub(super) fn length(&self) -> Option<&SpanDistParams> {
        self.duration.as_ref().or(self.repair.as_ref())
    }

    /// What it does to a node that it strikes.
    pub fn effect(&self) -> FaultEffect {
        match self.action {
            FaultAction::NodeCrash
            | FaultAction::NodeRestart
            | FaultAction::RackOutage
            | FaultAction::ZoneOutage => FaultEffect::Power,
            FaultAction::NetworkPartition => {
                FaultEffect::Partition(self.direction.unwrap_or_default())
            }
        }
    }
}
