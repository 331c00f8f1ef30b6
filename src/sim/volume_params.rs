//! How long storage drivers take, and how long a lost node is left the volumes that it has.

use crate::ground::{
    DistError, DistForm, DistParams, Span, SpanDist, SpanDistParams, TableLoader, UniformForm,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Volumes of storage drivers. They cost time where they are made, attached to a node, detached
/// and mounted; volumes without a driver of the container storage interface cost none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VolumeParams {
    /// From asking a driver for a new volume to its being there. A modelling choice: 5 to 20s.
    pub provision: SpanDistParams,
    /// From asking a driver to attach a volume to a node to its end. A modelling choice: 5 to 15s.
    pub attach: SpanDistParams,
    /// From asking a driver to detach a volume from a node to its end. A modelling choice: 5 to
    /// 15s.
    pub detach: SpanDistParams,
    /// Mounting a volume that is attached, at the same time as all others of the pod. A modelling
    /// choice: 1 to 5s.
    pub mount: SpanDistParams,
    /// How long a volume is left to a node that is not Ready and has not said that it is unmounted.
    /// Kubernetes 1.34: 6m (`maxWaitForUnmountDuration`).
    pub force_detach: Span,
}

fn seconds(min: u64, max: u64) -> SpanDistParams {
    let form = UniformForm { min: Span::from_secs(min), max: Span::from_secs(max) };
    DistParams::try_from(DistForm::Uniform(form)).expect("min is below max")
}

impl Default for VolumeParams {
    fn default() -> VolumeParams {
        VolumeParams {
            provision: seconds(5, 20),
            attach: seconds(5, 15),
            detach: seconds(5, 15),
            mount: seconds(1, 5),
            force_detach: Span::from_secs(360),
        }
    }
}

impl VolumeParams {
    /// The delays that are drawn, by the name of their field.
    pub fn drawn_mut(&mut self) -> [(&'static str, &mut SpanDistParams); 4] {
        [
            ("provision", &mut self.provision),
            ("attach", &mut self.attach),
            ("detach", &mut self.detach),
            ("mount", &mut self.mount),
        ]
    }

    /// The delays, ready to be sampled. `load` loads a table.
    ///
    /// # Errors
    /// If the table of an empirical distribution cannot be used.
    pub fn delays(&self, load: &mut TableLoader<'_>) -> Result<VolumeDelays, DistError> {
        Ok(VolumeDelays {
            provision: self.provision.resolve(load)?,
            attach: self.attach.resolve(load)?,
            detach: self.detach.resolve(load)?,
            mount: self.mount.resolve(load)?,
            force_detach: self.force_detach,
        })
    }
}

/// The delays of volumes, ready to be sampled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolumeDelays {
    /// Making a volume.
    pub provision: SpanDist,
    /// Attaching a volume to a node.
    pub attach: SpanDist,
    /// Detaching a volume from a node.
    pub detach: SpanDist,
    /// Mounting a volume.
    pub mount: SpanDist,
    /// How long a volume is left to a node that is not Ready.
    pub force_detach: Span,
}

impl VolumeDelays {
    /// Nothing takes any time.
    pub const NONE: VolumeDelays = VolumeDelays {
        provision: SpanDist::constant(Span::ZERO),
        attach: SpanDist::constant(Span::ZERO),
        detach: SpanDist::constant(Span::ZERO),
        mount: SpanDist::constant(Span::ZERO),
        force_detach: Span::ZERO,
    };
}
