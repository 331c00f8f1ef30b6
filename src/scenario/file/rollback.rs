//! Who goes back to the previous revision, and what is monitored.

use crate::ground::{Problem, Span};
use crate::policy::kube::control::{
    AlertMetric, AnalysisParams, BlueGreenParams, CanaryParams, CanaryStep, RollbackPolicy,
};
use crate::stimulus::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who goes back to the previous revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackParams {
    /// Nobody: plain Kubernetes only says that a rollout has stalled.
    None,
    /// A pipeline that undoes a rollout at the first sign that its progress deadline has passed.
    OnProgressDeadline,
    /// A release gets its pods step by step while its answers are analysed, as Argo Rollouts does
    /// it without a traffic router.
    Canary(Canary),
    /// A release gets all its pods at once, and requests only when they are available, as Argo
    /// Rollouts does it.
    BlueGreen(BlueGreen),
}

/// A canary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// Its steps, at least one, with growing weights; all pods follow after the last.
    pub steps: Vec<Step>,
    /// How its answers are analysed from its begin on; not at all if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Analysis>,
    /// A release that passes its progress deadline is given up.
    #[serde(default)]
    pub progress_deadline_abort: bool,
}

/// A step of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Share of the pods, and so of the requests, above 0 and below 100 %.
    pub weight: Ratio,
    /// How long it is held once its pods are available.
    #[serde(default)]
    pub pause: Span,
}

/// Blue/green.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlueGreen {
    /// Pods of the release before its promotion begins; all if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_replicas: Option<u32>,
    /// How long the release is available before it is promoted.
    #[serde(default)]
    pub auto_promotion_after: Span,
    /// The analysis of the release before it gets requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_promotion: Option<Analysis>,
    /// The analysis of the release once it has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_promotion: Option<Analysis>,
    /// How long the old pods stay after promotion.
    #[serde(default = "half_a_minute")]
    pub scale_down_delay: Span,
    /// How long the pods of a release that was given up stay.
    #[serde(default = "half_a_minute")]
    pub abort_scale_down_delay: Span,
    /// A release that passes its progress deadline is given up.
    #[serde(default)]
    pub progress_deadline_abort: bool,
}

/// Argo Rollouts 1.8, `DefaultScaleDownDelaySeconds` and `DefaultAbortScaleDownDelaySeconds`.
const fn half_a_minute() -> Span {
    Span::from_secs(30)
}

/// How the answers of a release are judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Analysis {
    /// Time between two measurements, and before the first.
    pub interval: Span,
    /// A measurement fails above this share of errors.
    pub most_errors: Ratio,
    /// More failed measurements than this fail the release.
    #[serde(default)]
    pub failure_limit: u32,
    /// Measurements before and after a promotion; a canary is measured as long as it lasts.
    #[serde(default = "one")]
    pub count: u32,
}

const fn one() -> u32 {
    1
}

impl Analysis {
    fn params(self) -> AnalysisParams {
        AnalysisParams {
            interval: self.interval,
            most_errors_ppm: millionths(self.most_errors),
            failure_limit: self.failure_limit,
            count: self.count,
        }
    }

    fn check(self, path: &str, problems: &mut Vec<Problem>) {
        if self.interval.is_zero() {
            let problem = Problem::new(format!("{path}.interval"), "nobody measures all the time");
            problems.push(problem.hint("write for example `30s`"));
        }
        if self.most_errors.value() >= 1.0 {
            let problem = Problem::new(format!("{path}.most_errors"), "this never fails");
            problems.push(problem.hint("write less than `100%`"));
        }
    }
}

/// A ratio as a whole number of millionths.
pub(in crate::scenario) fn millionths(ratio: Ratio) -> u32 {
    (ratio.value() * 1e6).round() as u32
}

impl RollbackParams {
    /// What is wrong with it.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        match self {
            RollbackParams::None | RollbackParams::OnProgressDeadline => {}
            RollbackParams::Canary(canary) => {
                if canary.steps.is_empty() {
                    let problem = Problem::new("canary.steps", "a canary has at least one step");
                    problems.push(problem.hint("write for example `{weight: 10%, pause: 2m}`"));
                }
                let mut before = 0.0;
                for (at, step) in canary.steps.iter().enumerate() {
                    let weight = (step.weight.value() * 100.0).round();
                    if weight <= before || weight >= 100.0 {
                        let path = format!("canary.steps.{at}.weight");
                        let text = "weights grow, in whole percent, and stay below 100 %";
                        problems.push(Problem::new(path, text).hint("all pods follow by itself"));
                    }
                    before = weight;
                }
                if let Some(analysis) = canary.analysis {
                    analysis.check("canary.analysis", &mut problems);
                }
            }
            RollbackParams::BlueGreen(params) => {
                for (analysis, key) in [
                    (params.pre_promotion, "blue-green.pre_promotion"),
                    (params.post_promotion, "blue-green.post_promotion"),
                ] {
                    if let Some(analysis) = analysis {
                        analysis.check(key, &mut problems);
                    }
                }
                if params.preview_replicas == Some(0) {
                    let text = "a preview without pods is never available";
                    problems
                        .push(Problem::new("blue-green.preview_replicas", text).hint("write 1"));
                }
            }
        }
        problems
    }

    /// The policy.
    pub fn policy(&self) -> RollbackPolicy {
        match self {
            RollbackParams::None => RollbackPolicy::None,
            RollbackParams::OnProgressDeadline => RollbackPolicy::OnProgressDeadline,
            RollbackParams::Canary(canary) => {
                let steps = canary.steps.iter().map(|step| CanaryStep {
                    weight: (step.weight.value() * 100.0).round() as u32,
                    pause: step.pause,
                });
                RollbackPolicy::Canary(CanaryParams {
                    steps: steps.collect(),
                    analysis: canary.analysis.map(Analysis::params),
                    progress_deadline_abort: canary.progress_deadline_abort,
                })
            }
            RollbackParams::BlueGreen(params) => RollbackPolicy::BlueGreen(BlueGreenParams {
                preview_replicas: params.preview_replicas,
                auto_promotion_after: params.auto_promotion_after,
                pre_promotion: params.pre_promotion.map(Analysis::params),
                post_promotion: params.post_promotion.map(Analysis::params),
                scale_down_delay: params.scale_down_delay,
                abort_scale_down_delay: params.abort_scale_down_delay,
                progress_deadline_abort: params.progress_deadline_abort,
            }),
        }
    }
}

/// What is monitored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MonitoringParams {
    /// Time between two scrapes of a service.
    #[serde(default = "scrape_interval")]
    pub scrape_interval: Span,
    /// Rules, each for every Deployment.
    #[serde(default = "rules")]
    pub rules: Vec<RuleParams>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleParams {
    /// Name of the alert.
    pub alert: String,
    /// What is looked at.
    pub metric: AlertMetric,
    /// The alert is pending while the metric is above this.
    pub above: Ratio,
    /// It fires when it was pending for so long.
    #[serde(rename = "for", default)]
    pub hold: Span,
}

/// As often as most Prometheus set-ups scrape.
const fn scrape_interval() -> Span {
    Span::from_secs(15)
}

fn rules() -> Vec<RuleParams> {
    let rule = |alert: &str, metric, above| RuleParams {
        alert: alert.to_owned(),
        metric,
        above: Ratio::new(above).expect("a share is a ratio"),
        hold: Span::from_secs(60),
    };
    vec![
        rule("errors", AlertMetric::ErrorRatio, 0.01),
        rule("missing-pods", AlertMetric::MissingRatio, 0.25),
    ]
}

impl MonitoringParams {
    /// What is wrong with it.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.scrape_interval.is_zero() {
            let problem = Problem::new("scrape_interval", "nobody scrapes all the time");
            problems.push(problem.hint("write for example `15s`"));
        }
        for (at, rule) in self.rules.iter().enumerate() {
            let mut wrong = |key: &str, text: &str, hint: &str| {
                problems.push(Problem::new(format!("rules.{at}.{key}"), text).hint(hint));
            };
            if rule.alert.is_empty() {
                wrong("alert", "an alert has a name", "write for example `errors`");
            }
            if self.rules[..at].iter().any(|other| other.alert == rule.alert) {
                wrong("alert", "two alerts have this name", "give each its own");
            }
            if rule.above.value() >= 1.0 {
                wrong("above", "this never fires", "write less than `100%`");
            }
        }
        problems
    }
}
