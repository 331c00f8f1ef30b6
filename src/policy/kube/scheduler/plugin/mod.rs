//! The plugins, one file each. A plugin is a handful of functions named after the extension
//! points; `framework.rs` says which is called where.

pub(super) mod balanced_allocation;
pub(super) mod devices;
pub(super) mod image_locality;
pub(super) mod node_affinity;
pub(super) mod node_name;
pub(super) mod node_ports;
pub(super) mod node_resources_fit;
pub(super) mod node_unschedulable;
pub(super) mod normalize;
mod priority_sort;
mod resource_use;
pub(super) mod scheduling_gates;
pub(super) mod taint_toleration;

pub(super) use image_locality::Images;
pub(super) use priority_sort::SortKey;
