//! A report of the made-up cluster, for tests.

use super::RunReport;
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
        results: sink.0.finish(end),
    }
}
