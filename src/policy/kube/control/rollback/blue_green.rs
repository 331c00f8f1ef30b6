//! Blue/green: a release gets all its pods beside the stable ones, and requests only when they are
//! available and were judged good.
//!
//! Source: `rollout/bluegreen.go`, `rollout/replicaset.go` and `utils/defaults`, Argo Rollouts 1.8.
//! Until promotion only the preview service leads to the release; it has `preview_replicas` pods
//! until its analysis and its pause are over, and then all. A service that changes its
//! selector is one object; its programming delay is not modelled. The stable pods stay for
//! `scale_down_delay` after promotion; a release that is given up loses requests at once and its
//! pods `abort_scale_down_delay` after all stable pods are available. Pods of a revision that is
//! neither stable nor present go at once; upstream keeps them for `scale_down_delay`.

use super::analysis::{Analysis, AnalysisParams};
use super::release::{Course, Pace, Release, ReleaseView};
use crate::ground::{Span, Time};
use crate::model::{PodSpecId, ReleaseDecision};
use crate::policy::kube::control::MetricsView;
use serde::{Deserialize, Serialize};

/// Blue/green.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlueGreenParams {
    /// Pods of the release before its promotion; all if `None`.
    pub preview_replicas: Option<u32>,
    /// How long the release is available before it is promoted.
    pub auto_promotion_after: Span,
    /// The analysis of the preview, before promotion.
    pub pre_promotion: Option<AnalysisParams>,
    /// The analysis after promotion.
    pub post_promotion: Option<AnalysisParams>,
    /// How long the stable pods stay after promotion.
    pub scale_down_delay: Span,
    /// How long the pods of a release stay after it was given up.
    pub abort_scale_down_delay: Span,
    /// A release that has stalled is given up.
    pub progress_deadline_abort: bool,
}

impl BlueGreenParams {
    pub(super) fn course(
        &self,
        release: &mut Release,
        view: &ReleaseView<'_>,
        stable: PodSpecId,
        metrics: &dyn MetricsView,
    ) -> Course {
        let replicas = view.spec.replicas;
        let mut course = Course::settled(view, stable, Pace::AtOnce);
        course.kept = replicas;
        if release.aborted.is_none() {
            course.decision = self.judge(release, view, metrics);
        }
        course.active = Some(if release.promoted.is_some() && release.aborted.is_none() {
            release.template
        } else {
            stable
        });
        if release.aborted.is_some() {
            course.new = view.of(release.template).0;
            // The delay begins when all requests can be answered without the release.
            if release.replaced.is_none() && view.of(stable).1 == replicas {
                release.replaced = Some(view.now);
            }
            match release.replaced.map(|at| at + self.abort_scale_down_delay) {
                Some(end) if view.now >= end => course.new = 0,
                Some(end) => course.look_at(end),
                None => {}
            }
            return course;
        }
        if !release.cleared
            && let Some(preview) = self.preview_replicas
        {
            course.new = preview.min(replicas);
        }
        self.wait(release, view, &mut course);
        course
    }

    /// Whether the release goes on, is promoted or given up.
    fn judge(
        &self,
        release: &mut Release,
        view: &ReleaseView<'_>,
        metrics: &dyn MetricsView,
    ) -> Option<ReleaseDecision> {
        let (now, replicas) = (view.now, view.spec.replicas);
        let (pods, available) = view.of(release.template);
        if self.progress_deadline_abort && release.is_stalled(view.status) {
            return Some(release.abort(now));
        }
        let first = self.preview_replicas.map_or(replicas, |preview| preview.min(replicas));
        let params = match release.promoted {
            None if release.reached.is_none() && pods >= first && available >= first => {
                release.reached = Some(now);
                release.analysis = self.pre_promotion.map(|params| Analysis::begin(&params, now));
                self.pre_promotion
            }
            None => self.pre_promotion,
            Some(_) => self.post_promotion,
        };
        let mut done = true;
        if let (Some(params), Some(mut analysis)) = (params, release.analysis) {
            if !analysis.measure(&params, release, now, metrics) {
                return Some(release.abort(now));
            }
            done = analysis.is_done(&params);
            release.analysis = Some(analysis);
        }
        let waited = release.reached.is_some_and(|at| now >= at + self.auto_promotion_after);
        release.cleared |= waited && done;
        if release.promoted.is_none() && release.cleared && available >= replicas {
            release.promoted = Some(now);
            release.analysis = self.post_promotion.map(|params| Analysis::begin(&params, now));
            return Some(ReleaseDecision::Promote);
        }
        let kept = release.promoted.is_none_or(|at| now < at + self.scale_down_delay);
        release.over = !kept && done;
        None
    }

    /// When to look again, and whether waiting is no stall.
    fn wait(&self, release: &Release, view: &ReleaseView<'_>, course: &mut Course) {
        if release.is_over() {
            course.kept = 0;
            return;
        }
        let running = match release.promoted {
            None => self.pre_promotion,
            Some(_) => self.post_promotion,
        };
        let open = |analysis: &Analysis| running.is_some_and(|params| !analysis.is_done(&params));
        if let Some(analysis) = release.analysis.filter(|analysis| open(analysis)) {
            course.look_at(analysis.next());
        }
        let end = match (release.promoted, release.reached) {
            (Some(at), _) => Some(at + self.scale_down_delay),
            (None, Some(at)) => Some(at + self.auto_promotion_after),
            (None, None) => None,
        };
        if let Some(end) = end.filter(|end: &Time| *end > view.now) {
            course.look_at(end);
        }
        course.holds = release.reached.is_some();
    }
}
