//! `summary.json`: every metric of a run by name, and the small tables behind them, in a versioned
//! form with a JSON schema. Host-dependent figures are not in it.

use super::RunReport;
use crate::journal::RunEnd;
use crate::metrics::{
    IncidentRow, ReasonWait, ReleaseRow, ResourceResult, ServiceDiscovery, ServiceResult, catalog,
};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

/// The schema of `summary.json`, with its version: it changes when a field changes its meaning or
/// goes away, not when one is added.
pub const SUMMARY_SCHEMA: &str = "wavetank.summary/1";
/// The schema of `host.json`.
pub const HOST_SCHEMA: &str = "wavetank.host/1";

/// One metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// Name, as in the catalog of metrics.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Value; null if the run has nothing to take it from.
    pub value: Option<f64>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// Simulated time, seconds.
    pub at_seconds: f64,
    /// `until` (the foreseen end), `exhausted` (nothing was left to happen) or `unknown`.
    pub how: String,
}

/// The summary of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// `wavetank.summary/1`.
    pub schema: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the variant, empty if there is none.
    pub variant: String,
    /// Seed.
    pub seed: u64,
    /// Version of the program.
    pub version: String,
    /// The exact command that gives this run again.
    pub command: String,
    /// Digest of all facts.
    pub digest: String,
    /// How it ended.
    pub ended: Ended,
    /// Every metric, in the order of the catalog.
    pub metrics: Vec<Metric>,
    /// Per resource.
    pub resources: Vec<ResourceResult>,
    /// Why pods waited, longest wait first.
    pub waiting_reasons: Vec<ReasonWait>,
    /// Per crash.
    pub incidents: Vec<IncidentRow>,
    /// Per release.
    pub releases: Vec<ReleaseRow>,
    /// Per service that clients discover.
    pub discovery: Vec<ServiceDiscovery>,
    /// Per service.
    pub services: Vec<ServiceResult>,
    /// False if there were so many pods that quantiles are rounded up by up to 1/128.
    pub exact_quantiles: bool,
}

/// The summary of a run.
pub fn summary(report: &RunReport) -> Summary {
    let results = &report.results;
    let metric = |value: catalog::Value| Metric {
        name: value.name,
        unit: value.unit.to_owned(),
        value: value.value,
    };
    let how = match results.end {
        Some(RunEnd::Until) => "until",
        Some(RunEnd::Exhausted) => "exhausted",
        None => "unknown",
    };
    Summary {
        schema: SUMMARY_SCHEMA.to_owned(),
        scenario: report.scenario.clone(),
        variant: report.variant.clone(),
        seed: report.seed,
        version: report.version.clone(),
        command: report.command.clone(),
        digest: report.digest.clone(),
        ended: Ended { at_seconds: results.ended_at.as_secs_f64(), how: how.to_owned() },
        metrics: catalog::values(results).into_iter().map(metric).collect(),
        resources: results.placement.resources.clone(),
        waiting_reasons: results.waiting.reasons.clone(),
        incidents: results.recovery.incident_rows.clone(),
        releases: results.rollouts.rows.clone(),
        discovery: results.discovery.services.clone(),
        services: results.availability.services.clone(),
        exact_quantiles: results.waiting.exact,
    }
}

/// The JSON schema of `summary.json`.
pub fn summary_schema() -> Schema {
    schema_for!(Summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::example_report;

    #[test]
    fn a_summary_is_read_back_and_follows_its_schema() {
        let summary = summary(&example_report("plain", true));
        let text = serde_json::to_string(&summary).unwrap();
        let back: Summary = serde_json::from_str(&text).unwrap();
        assert_eq!((&back.digest, &back.ended), (&summary.digest, &summary.ended));
        assert_eq!(back.incidents.len(), summary.incidents.len());
        for (read, written) in back.metrics.iter().zip(&summary.metrics) {
            assert_eq!(read.name, written.name);
            let apart = read.value.unwrap_or(0.0) - written.value.unwrap_or(0.0);
            assert!(apart.abs() <= 1e-12 * written.value.unwrap_or(0.0).abs(), "{}", read.name);
        }
        assert!(text.starts_with(r#"{"schema":"wavetank.summary/1","scenario":"example""#));
        let metric = |name: &str| summary.metrics.iter().find(|metric| metric.name == name);
        assert!(metric("wait.time_to_bind.p99").unwrap().value.unwrap() > 0.0);
        let schema = summary_schema().to_value();
        let known = schema["properties"].as_object().unwrap();
        let written: serde_json::Value = serde_json::from_str(&text).unwrap();
        for field in written.as_object().unwrap().keys() {
            assert!(known.contains_key(field), "{field} is in the schema");
            assert!(known[field]["description"].is_string(), "{field} is described");
        }
    }
}
