//! Canary: a release gets a share of the pods, step by step, and so that share of the requests.
//!
//! Source: `rollout/canary.go`, Argo Rollouts 1.8, without a traffic router; see
//! [`weighted_sizes`] for the numbers of pods. A step of a weight and a pause is over when the
//! pause has passed since both revisions had their sizes. A background analysis begins with the
//! release; its first measurement comes after one interval. A release that is given up keeps its
//! template and loses its pods until the template changes; one that goes back to the stable
//! template skips all steps.

use super::analysis::{Analysis, AnalysisParams};
use super::canary_sizes::weighted_sizes;
use super::release::{Course, Pace, Release, ReleaseView};
use crate::ground::{Span, Time};
use crate::model::{PodSpecId, ReleaseDecision};
use crate::policy::kube::control::{Fenceposts, MetricsView};
use serde::{Deserialize, Serialize};

/// A step of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryStep {
    /// Share of the pods, percent.
    pub weight: u32,
    /// How long it is held once its pods are available.
    pub pause: Span,
}

/// A canary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryParams {
    /// Its steps; all pods follow after the last.
    pub steps: Vec<CanaryStep>,
    /// How the release is analysed while it goes on.
    pub analysis: Option<AnalysisParams>,
    /// A release that has stalled is given up.
    pub progress_deadline_abort: bool,
}

/// Pods of the release and of the stable revision at a weight.
fn sizes(view: &ReleaseView<'_>, weight: u32) -> (u32, u32) {
    weighted_sizes(view.spec.replicas, weight, Fenceposts::of(view.spec).surge)
}

impl CanaryParams {
    pub(super) fn course(
        &self,
        release: &mut Release,
        view: &ReleaseView<'_>,
        stable: PodSpecId,
        metrics: &dyn MetricsView,
    ) -> Course {
        let mut course = Course::settled(view, stable, Pace::of(view.spec));
        if release.aborted.is_none() {
            course.decision = self.judge(release, view, metrics);
        }
        if release.aborted.is_some() {
            (course.new, course.kept) = (0, view.spec.replicas);
            return course;
        }
        if course.decision.is_none() {
            course.decision = self.advance(release, view, stable);
        }
        let weight = self.steps.get(release.step as usize).map_or(100, |step| step.weight);
        (course.new, course.kept) = sizes(view, weight);
        if let Some(end) = self.step_ends(release) {
            course.holds = true;
            course.look_at(end);
        }
        if let Some(analysis) = release.analysis.filter(|_| !release.is_over()) {
            course.look_at(analysis.next());
        }
        course
    }

    /// Measures, and gives up what fails.
    fn judge(
        &self,
        release: &mut Release,
        view: &ReleaseView<'_>,
        metrics: &dyn MetricsView,
    ) -> Option<ReleaseDecision> {
        let mut fails = self.progress_deadline_abort && release.is_stalled(view.status);
        if let Some(params) = &self.analysis {
            let begun = release.analysis;
            let mut analysis = begun.unwrap_or_else(|| Analysis::begin(params, view.now));
            fails |= !analysis.measure(params, release, view.now, metrics);
            release.analysis = Some(analysis);
        }
        fails.then(|| release.abort(view.now))
    }

    /// Goes on to the next step if the present one was held for long enough.
    fn advance(
        &self,
        release: &mut Release,
        view: &ReleaseView<'_>,
        stable: PodSpecId,
    ) -> Option<ReleaseDecision> {
        let replicas = view.spec.replicas;
        let Some(step) = self.steps.get(release.step as usize) else {
            let (_, available) = view.of(release.template);
            let (kept, _) = view.of(stable);
            release.over = available >= replicas && kept == 0;
            return release.over.then_some(ReleaseDecision::Promote);
        };
        let (wanted, left) = sizes(view, step.weight);
        let (pods, available) = view.of(release.template);
        let (kept, _) = view.of(stable);
        let there = pods == wanted && available == wanted && kept == left;
        if there && release.reached.is_none() {
            release.reached = Some(view.now);
        }
        if self.step_ends(release).is_none_or(|end| end > view.now) {
            return None;
        }
        release.step += 1;
        release.reached = None;
        Some(ReleaseDecision::Step)
    }

    /// When the pause of the present step ends, if it has begun.
    fn step_ends(&self, release: &Release) -> Option<Time> {
        let step = self.steps.get(release.step as usize)?;
        release.reached.map(|reached| reached + step.pause)
    }
}
