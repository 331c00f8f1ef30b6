//! Which devices of a node serve a request: the rules of the device model, shared by every
//! orchestrator (FGD artefact, `open_gpu_share.go`; the choice is first fit).

use crate::ground::Name;
use crate::model::{DeviceGroup, DeviceMask, DeviceRequest, MILLI_PER_DEVICE};

/// Why the devices of a node cannot serve a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceRefusal {
    /// There are no devices, or they are of another model.
    Model,
    /// There are fewer devices than asked for, however free.
    TooFew,
    /// Too little is left on each, or too few have enough left.
    Fragmented,
}

/// The devices that serve the request: the first that have enough left. A whole request takes free
/// devices, because a device that is shared has less than all of it left.
pub(crate) fn choose(
    request: &DeviceRequest,
    group: Option<DeviceGroup>,
    left: &[u32],
) -> Result<DeviceMask, DeviceRefusal> {
    could_serve(request, group.map(|group| (group.model, group.count)))?;
    debug_assert!(request.milli_each <= MILLI_PER_DEVICE, "a request is for parts of a device");
    let mut chosen = DeviceMask::NONE;
    for (device, left) in left.iter().enumerate() {
        if *left >= request.milli_each {
            chosen.insert(device);
            if chosen.len() == u32::from(request.count) {
                return Ok(chosen);
            }
        }
    }
    Err(DeviceRefusal::Fragmented)
}

/// Whether so many devices of this model could serve the request if all of them were free.
pub(crate) fn could_serve(
    request: &DeviceRequest,
    devices: Option<(Name, u8)>,
) -> Result<(), DeviceRefusal> {
    match devices {
        Some((model, count)) if request.accepts(model) && count > 0 => {
            if request.count > count {
                Err(DeviceRefusal::TooFew)
            } else {
                Ok(())
            }
        }
        _ => Err(DeviceRefusal::Model),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_fit_over_devices() {
        let group = Some(DeviceGroup { count: 4, model: Name(7) });
        let left = [300, 1000, 500, 1000];
        let request = |count, milli_each, models: &[u32]| DeviceRequest {
            count,
            milli_each,
            models: models.iter().map(|model| Name(*model)).collect(),
        };
        for (request, expected) in [
            (request(1, 300, &[]), Ok(0b0001)),
            (request(1, 301, &[]), Ok(0b0010)),
            (request(1, 500, &[7]), Ok(0b0010)),
            (request(1, 1000, &[]), Ok(0b0010)),
            (request(2, 1000, &[6, 7]), Ok(0b1010)),
            (request(3, 1000, &[]), Err(DeviceRefusal::Fragmented)),
            (request(5, 1000, &[]), Err(DeviceRefusal::TooFew)),
            (request(1, 10, &[8]), Err(DeviceRefusal::Model)),
        ] {
            assert_eq!(choose(&request, group, &left).map(|mask| mask.0), expected, "{request:?}");
            assert_eq!(choose(&request, None, &[]), Err(DeviceRefusal::Model));
        }
        assert_eq!(
            choose(&request(1, 600, &[]), group, &[599, 0, 0, 0]),
            Err(DeviceRefusal::Fragmented)
        );
    }
}
