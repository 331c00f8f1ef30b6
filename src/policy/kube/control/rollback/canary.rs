//! Canary: a release gets a share of the pods, step by step, and so that share of the requests.
//!
//! Source: `canary.go` and `utils/replicaset/canary.go`, Argo Rollouts 1.8, without a traffic
//! router: the share of pods is the share of requests. The number of canary pods is the one nearest
//! to the weight, the greater of two that are equally near, at least 1 and, below 100 %, fewer than
//! all; that one pod more in total may come nearer, which Argo tries, is not. Both revisions move
//! within `maxSurge` and `maxUnavailable` of the Deployment. A background analysis begins with the
//! release. A release that is given up keeps its template and loses its pods until the template
//! changes; one that goes back to the stable template skips all steps.

use super::analysis::{Analysis, AnalysisParams};
use super::release::{Course, Release, ReleaseView};
use crate::ground::{Span, Time};
use crate::model::{PodSpecId, ReleaseDecision};
use crate::policy::kube::control::MetricsView;
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

/// Canary pods among so many at a weight in percent.
fn canary_pods(replicas: u32, weight: u32) -> u32 {
    match weight {
        0 => 0,
        100.. => replicas,
        _ => {
            let nearest = (u64::from(replicas) * u64::from(weight) + 50) / 100;
            let nearest = u32::try_from(nearest).unwrap_or(u32::MAX);
            nearest.max(1).min(replicas.saturating_sub(1).max(1))
        }
    }
}

impl CanaryParams {
    pub(super) fn course(
        &self,
        release: &mut Release,
        view: &ReleaseView<'_>,
        stable: PodSpecId,
        metrics: &dyn MetricsView,
    ) -> Course {
        let mut course = Course::settled(view, stable);
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
        course.new = canary_pods(view.spec.replicas, weight);
        course.kept = view.spec.replicas.saturating_sub(course.new);
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
        let wanted = canary_pods(replicas, step.weight);
        let (pods, available) = view.of(release.template);
        let (kept, _) = view.of(stable);
        let there = pods == wanted && available >= wanted && kept == replicas - wanted;
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

#[cfg(test)]
mod tests {
    use super::canary_pods;

    #[test]
    fn pods_are_the_nearest_share() {
        for (replicas, weight, pods) in [
            (20, 5, 1),
            (20, 10, 2),
            (10, 25, 3),
            (10, 1, 1),
            (10, 99, 9),
            (1, 10, 1),
            (7, 50, 4),
            (10, 0, 0),
            (10, 100, 10),
        ] {
            assert_eq!(canary_pods(replicas, weight), pods, "{replicas} {weight}");
        }
    }
}
