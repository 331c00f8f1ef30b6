//! Devices: GPUs, whole and shared, by the device model of nodes. Ours: upstream has no such
//! plugin in tree. Runs last among the filters, as upstream's dynamic resources do.

use crate::model::{Code, DeviceMask, NodeId, PodSpec, Reason};
use crate::policy::devices::{self, DeviceRefusal};
use crate::policy::kube::scheduler::event::Event;
use crate::policy::kube::scheduler::framework::{Cycle, NodeFacts, PreFilter, Reasons, Room};

/// Skips pods that ask for no device.
pub(crate) fn pre_filter(spec: &PodSpec) -> PreFilter {
    if spec.devices.is_none() { PreFilter::Skip } else { PreFilter::Pass }
}

/// Refuses a node whose devices cannot serve the request: for good if they could not even if all
/// were free.
pub(crate) fn filter(cycle: &Cycle<'_>, room: Room<'_>, reasons: &mut Reasons) -> Option<Code> {
    let request = cycle.spec.devices.as_ref()?;
    let group = cycle.view.node_spec(room.node, cycle.catalog).devices;
    let left = &room.holds.device_left;
    let (reason, code) = match devices::choose(request, group, left).err()? {
        DeviceRefusal::Model => (Reason::DeviceModel, Code::UnschedulableAndUnresolvable),
        DeviceRefusal::TooFew => (Reason::TooFewDevices, Code::UnschedulableAndUnresolvable),
        DeviceRefusal::Fragmented => (Reason::DeviceFragmented, Code::Unschedulable),
    };
    reasons.push(reason);
    Some(code)
}

/// The devices that a pod of this specification would take of a node, if there are enough.
pub(crate) fn likely(cycle: &Cycle<'_>, spec: &PodSpec, room: Room<'_>) -> DeviceMask {
    let Some(request) = &spec.devices else { return DeviceMask::NONE };
    let group = cycle.view.node_spec(room.node, cycle.catalog).devices;
    devices::choose(request, group, &room.holds.device_left).unwrap_or(DeviceMask::NONE)
}

/// The devices that the pod takes of a node which passed the filter.
pub(crate) fn reserve(cycle: &Cycle<'_>, node: NodeId) -> DeviceMask {
    let Some(request) = &cycle.spec.devices else { return DeviceMask::NONE };
    let group = cycle.view.node_spec(node, cycle.catalog).devices;
    let left = &cycle.view.holds(node).device_left;
    devices::choose(request, group, left).expect("a chosen node has passed the filter")
}

/// The end of a pod with devices helps, and a node that is new or changed and could serve the
/// request.
pub(crate) fn helps(event: &Event<'_>, spec: &PodSpec) -> bool {
    let could_serve = |node: &NodeFacts<'_>| {
        let group = node.spec.devices.map(|group| (group.model, group.count));
        spec.devices.as_ref().is_some_and(|request| devices::could_serve(request, group).is_ok())
    };
    match event {
        Event::NodeAdded(node) => could_serve(node),
        Event::NodeChanged { old, new, .. } => {
            old.spec.devices != new.spec.devices && could_serve(new)
        }
        Event::PodGone(gone) => gone.devices.is_some(),
        _ => false,
    }
}
