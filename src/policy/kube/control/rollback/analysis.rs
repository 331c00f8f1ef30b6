//! Analysis of a release: its error ratio is measured at intervals, and too many bad measurements
//! fail it.
//!
//! Source: `AnalysisTemplate` metrics (`interval`, `count`, `failureLimit`) and
//! `analysis/analysis.go`, Argo Rollouts 1.8. A measurement without data is inconclusive there and
//! counts neither way here.

use super::release::Release;
use crate::ground::{Span, Time};
use crate::policy::kube::control::MetricsView;
use serde::{Deserialize, Serialize};

/// How a release is analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalysisParams {
    /// Time between two measurements, and before the first.
    pub interval: Span,
    /// A measurement fails above this error ratio of the release's own pods, millionths.
    pub most_errors_ppm: u32,
    /// More failed measurements than this fail the analysis.
    pub failure_limit: u32,
    /// Measurements that an analysis takes where it has an end.
    pub count: u32,
}

/// The state of an analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Analysis {
    next: Time,
    measured: u32,
    failures: u32,
}

impl Analysis {
    /// One that begins now.
    pub(super) fn begin(params: &AnalysisParams, now: Time) -> Analysis {
        Analysis { next: now + params.interval, measured: 0, failures: 0 }
    }

    /// Measures if it is time to; false if the analysis has failed.
    pub(super) fn measure(
        &mut self,
        params: &AnalysisParams,
        release: &Release,
        now: Time,
        metrics: &dyn MetricsView,
    ) -> bool {
        if now >= self.next {
            self.next = now + params.interval;
            if let Some(found) = metrics.revision_error_ppm(release.template) {
                self.measured += 1;
                self.failures += u32::from(found > params.most_errors_ppm);
            }
        }
        self.failures <= params.failure_limit
    }

    /// When it measures next.
    pub(super) fn next(&self) -> Time {
        self.next
    }

    /// True if all measurements that it takes are there.
    pub(super) fn is_done(&self, params: &AnalysisParams) -> bool {
        self.measured >= params.count
    }
}
