//! What operators do to Deployments at set times, by the names of kubectl.

use super::source::{Cursor, CursorState, Source, SourceError};
use crate::ground::{Problem, Span, Time};
use crate::model::{Catalog, OperatorAction, Stimulus, Timed, WorkloadId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that an operator does: `at`, and exactly one of the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TimelineParams {
    /// When.
    pub at: Span,
    /// Another image for a container of a Deployment: a new revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_image: Option<SetImageParams>,
    /// Another number of pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<ScaleParams>,
    /// Back to an earlier revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_undo: Option<RolloutUndoParams>,
    /// The Deployment of this name is not rolled out until it is resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_pause: Option<String>,
    /// The Deployment of this name goes on after a pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_resume: Option<String>,
    /// Whether a pod may be ready, said from outside as a readiness gate does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<ReadinessParams>,
}

/// Whether a pod may be ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadinessParams {
    /// Name of the Deployment.
    pub workload: String,
    /// The pod: those of a workload are counted from 0, in order of creation.
    pub pod: u32,
    /// False: it is not ready, whatever its containers say; true: it is if they are.
    pub ready: bool,
}

/// Another image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetImageParams {
    /// Name of the Deployment.
    pub workload: String,
    /// Name of the container; may be left out if there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The image.
    pub image: String,
}

/// Another number of pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleParams {
    /// Name of the Deployment, or of a ReplicaSet that belongs to none.
    pub workload: String,
    /// Number of pods.
    pub replicas: u32,
}

/// Back to an earlier revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RolloutUndoParams {
    /// Name of the Deployment.
    pub workload: String,
    /// Number of the revision; the one before the present one if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_revision: Option<u32>,
}

impl TimelineParams {
    /// Name of the Deployment, and the key under which it stands.
    ///
    /// # Errors
    /// If there is not exactly one action.
    pub fn workload(&self) -> Result<(&str, &'static str), Problem> {
        let actions = [
            (self.set_image.as_ref().map(|one| one.workload.as_str()), "set-image.workload"),
            (self.scale.as_ref().map(|one| one.workload.as_str()), "scale.workload"),
            (self.rollout_undo.as_ref().map(|one| one.workload.as_str()), "rollout-undo.workload"),
            (self.rollout_pause.as_deref(), "rollout-pause"),
            (self.rollout_resume.as_deref(), "rollout-resume"),
            (self.readiness.as_ref().map(|one| one.workload.as_str()), "readiness.workload"),
        ];
        let mut given = actions.into_iter().filter_map(|(name, key)| Some((name?, key)));
        match (given.next(), given.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => {
                let hint = "write one of `set-image`, `scale`, `rollout-undo`, `rollout-pause`, \
                            `rollout-resume` and `readiness` beside `at`";
                Err(Problem::new("", "nothing is said to happen").hint(hint))
            }
            (Some(_), Some((_, key))) => {
                let text = "two things stand in one entry";
                let key = key.split('.').next().unwrap_or(key);
                Err(Problem::new(key, text).hint("give each its own entry with its own `at`"))
            }
        }
    }

    /// What it is, with names in a catalog; images are normalised as those of pods are.
    fn action(&self, catalog: &mut Catalog) -> Option<OperatorAction> {
        let names = &mut catalog.names;
        if let Some(one) = &self.set_image {
            let container = one.container.as_deref().map(|name| names.intern(name));
            let image = names.intern(&crate::model::normalized_image(&one.image));
            return Some(OperatorAction::SetImage { container, image });
        }
        if let Some(one) = &self.scale {
            return Some(OperatorAction::Scale { replicas: one.replicas });
        }
        if let Some(one) = &self.rollout_undo {
            return Some(OperatorAction::Undo { revision: one.to_revision });
        }
        if let Some(ReadinessParams { pod, ready, .. }) = self.readiness {
            return Some(OperatorAction::Readiness { pod, ready });
        }
        if self.rollout_pause.is_some() {
            return Some(OperatorAction::Pause);
        }
        self.rollout_resume.as_ref().map(|_| OperatorAction::Resume)
    }
}

/// All actions of a scenario.
#[derive(Debug, Clone, Default)]
pub struct TimelinePlan {
    /// In order of time, then as written.
    pub entries: Vec<(WorkloadId, TimelineParams)>,
}

/// The actions of a scenario, one after the other.
#[derive(Debug)]
pub struct TimelineSource {
    catalog: Catalog,
    actions: Vec<Timed<Stimulus>>,
    next: usize,
}

impl TimelineSource {
    /// All actions.
    pub fn open(plan: &TimelinePlan) -> TimelineSource {
        let mut catalog = Catalog::new();
        let mut actions = Vec::new();
        for (workload, params) in &plan.entries {
            if let Some(action) = params.action(&mut catalog) {
                let (at, workload) = (Time::ZERO + params.at, *workload);
                actions.push(Timed { at, what: Stimulus::Operate { workload, action } });
            }
        }
        actions.sort_by_key(|timed| timed.at);
        TimelineSource { catalog, actions, next: 0 }
    }

    /// The actions from a cursor on.
    ///
    /// # Errors
    /// If the cursor is not one of a timeline of at least so many actions.
    pub fn open_at(plan: &TimelinePlan, cursor: &Cursor) -> Result<TimelineSource, SourceError> {
        let mut source = TimelineSource::open(plan);
        let next = match cursor.state {
            CursorState::Rows(rows) => usize::try_from(rows).ok(),
            _ => None,
        };
        match next.filter(|next| *next <= source.actions.len()) {
            Some(next) => source.next = next,
            None => {
                return Err(SourceError::new("the saved run had another timeline")
                    .hint("open it with the scenario with which it was started"));
            }
        }
        Ok(source)
    }
}

impl Source for TimelineSource {
    fn next(&mut self) -> Result<Option<Timed<Stimulus>>, SourceError> {
        let timed = self.actions.get(self.next).copied();
        self.next += usize::from(timed.is_some());
        Ok(timed)
    }

    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn cursor(&self) -> Cursor {
        Cursor { content: 0, state: CursorState::Rows(self.next as u64) }
    }
}
