//! Devices of a node (GPUs) and requests for them, whole or in fractions.

use crate::ground::Name;
use serde::{Deserialize, Serialize};

/// The capacity of one device in the unit of requests.
pub const MILLI_PER_DEVICE: u32 = 1000;

/// The devices of a node, all of one model, numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeviceGroup {
    /// Number of devices, 1 to 32.
    pub count: u8,
    /// Model of each.
    pub model: Name,
}

impl DeviceGroup {
    /// Thousandths of a device over all devices.
    pub fn capacity_milli(self) -> u64 {
        u64::from(self.count) * u64::from(MILLI_PER_DEVICE)
    }
}

/// A request for devices of one node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// Number of devices, at least 1.
    pub count: u8,
    /// Thousandths of each device, 1 to 1000; below 1000 only with `count` 1.
    pub milli_each: u32,
    /// Accepted models; empty accepts every model.
    pub models: Vec<Name>,
}

impl DeviceRequest {
    /// Thousandths of a device over all devices asked for.
    pub fn total_milli(&self) -> u64 {
        u64::from(self.count) * u64::from(self.milli_each)
    }

    /// True if a node with devices of this model may serve the request.
    pub fn accepts(&self, model: Name) -> bool {
        self.models.is_empty() || self.models.contains(&model)
    }
}

/// A set of devices of one node, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceMask(pub u32);

impl DeviceMask {
    /// No device.
    pub const NONE: DeviceMask = DeviceMask(0);

    /// Adds a device.
    pub fn insert(&mut self, device: usize) {
        debug_assert!(device < 32, "device {device} does not exist");
        self.0 |= 1 << device;
    }

    /// Number of devices.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// True for no device.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The numbers of the devices, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..32).filter(move |device| self.0 & (1 << device) != 0)
    }
}
