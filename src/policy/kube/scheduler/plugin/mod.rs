//! The plugins, one file each. A plugin is a handful of functions named after the extension
//! points; `framework.rs` says which is called where.

pub(super) mod balanced_allocation;
pub(super) mod claims;
pub(super) mod devices;
pub(super) mod image_locality;
pub(super) mod inter_pod_affinity;
pub(super) mod node_affinity;
pub(super) mod node_name;
pub(super) mod node_ports;
pub(super) mod node_resources_fit;
pub(super) mod node_unschedulable;
pub(super) mod node_volume_limits;
pub(super) mod normalize;
pub(super) mod pod_topology_spread;
mod priority_sort;
mod resource_use;
pub(super) mod scheduling_gates;
pub(super) mod taint_toleration;
pub(super) mod volume_binding;
pub(super) mod volume_restrictions;
pub(super) mod volume_zone;

pub(super) use image_locality::Images;
pub(super) use inter_pod_affinity::{AffinityCounts, Attraction};
pub(super) use pod_topology_spread::{SoftSpread, SpreadCounts};
pub(super) use priority_sort::SortKey;
pub(super) use volume_binding::Claims;
pub(super) use volume_restrictions::ClaimsInUse;
pub(super) use volume_zone::VolumeZones;
