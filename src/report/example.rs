//! A report of the made-up cluster, for tests.

use super::{Changed, Expected, RunReport};
use crate::journal::Journal;
use crate::metrics::{Example, Metrics};

/// A run of the made-up cluster.
pub(super) fn example_report(variant: &str, packed: bool) -> RunReport {
    let mut sink = (Metrics::default(), Journal::new());
    let end = Example::tell(&mut sink, 7, packed);
    RunReport {
        scenario: "example".into(),
        variant: variant.into(),
        seed: 7,
        version: "0.1.0".into(),
        command: "wavetank run example.yaml --seed 7".into(),
        digest: sink.1.digest().to_string(),
        expectations: vec![
            Expected {
                text: "availability.worst >= 99%".into(),
                metric: "availability.worst".into(),
                actual: Some(0.97),
                held: false,
            },
            Expected {
                text: "wait.time_to_bind.p50 <= 10s".into(),
                metric: "wait.time_to_bind.p50".into(),
                actual: Some(0.005),
                held: true,
            },
        ],
        changed: vec![Changed {
            path: "orchestrator.kubernetes.node_lifecycle.grace_period".into(),
            value: if packed { "90s" } else { "20s" }.into(),
            default: "50s".into(),
        }],
        results: sink.0.finish(end),
    }
}
