//! Kubernetes objects as users write them (core/v1, Kubernetes 1.34), and what becomes of them in
//! the model. Every field of the real object is known by name: it is read, or refused because it
//! would change a decision that is not built yet, or listed as without effect.

mod affinity;
mod container;
mod convert;
mod pod;
mod resources;
mod rest;
mod tolerations;

pub use affinity::{
    Affinity, EffectWord, NodeAffinityManifest, NodeSelector, NodeSelectorTermManifest,
    OperatorWord, PreferredTerm, RequirementManifest, TolerationManifest, TolerationOperatorWord,
};
pub use container::{ContainerManifest, PortManifest, ProtocolWord, ResourcesManifest};
pub use pod::{Gate, Metadata, PodManifest, PodTemplate, PreemptionWord, RestartWord, Volume};
pub use rest::{Known, Rest};

pub(super) use convert::{Written, convert};
pub(super) use resources::{GPU_RESOURCE, check_resource};

#[cfg(test)]
mod tests;
