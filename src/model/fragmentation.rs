//! Fragmentation of the devices of a node: how much of what is idle typical pods cannot use.
//!
//! The measure of "Beware of Fragmentation" (USENIX ATC 2023), after `pkg/utils/frag.go` of
//! hkust-adsl/kubernetes-scheduler-simulator, commit 8f3d641: the same floating-point operations
//! in the same order. Amounts are thousandths of a core and of a device. Memory plays no part.

use super::{DeviceRequest, MILLI_PER_DEVICE};
use crate::ground::Name;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The part of a pod's request that the measure looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeviceShape {
    /// CPU, thousandths of a core.
    pub cpu: u64,
    /// Thousandths of each device, 0 to 1000.
    pub milli_each: u32,
    /// Number of devices, 0 for a pod without.
    pub count: u32,
    /// Accepted models; empty accepts every model.
    pub models: Vec<Name>,
}

impl DeviceShape {
    /// The shape of a pod with this CPU and these devices.
    pub fn new(cpu: u64, devices: Option<&DeviceRequest>) -> DeviceShape {
        match devices {
            None => DeviceShape { cpu, milli_each: 0, count: 0, models: Vec::new() },
            Some(request) => DeviceShape {
                cpu,
                milli_each: request.milli_each,
                count: u32::from(request.count),
                models: request.models.clone(),
            },
        }
    }

    /// The shape of a pod of which only the total over its devices is known: a total below one
    /// device is a share of one, every other total is whole devices.
    pub fn from_total(cpu: u64, device_milli: u64, models: &[Name]) -> DeviceShape {
        let whole = u64::from(MILLI_PER_DEVICE);
        let (count, milli_each) = match device_milli {
            0 => (0, 0),
            share if share < whole => (1, share as u32),
            total => ((total / whole) as u32, MILLI_PER_DEVICE),
        };
        let models = if count == 0 { Vec::new() } else { models.to_vec() };
        DeviceShape { cpu, milli_each, count, models }
    }

    /// The accepted models as one text, as upstream writes them: joined by a vertical bar.
    fn model_text(&self, text: impl Fn(Name) -> String) -> String {
        let texts: Vec<String> = self.models.iter().map(|model| text(*model)).collect();
        texts.join("|")
    }
}

/// A shape and how popular it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TypicalPod {
    /// Shape.
    pub shape: DeviceShape,
    /// Share among the typical pods; all shares add up to 1.
    pub weight: f64,
}

/// The most popular shapes that together make up at least `threshold` percent of all pods, most
/// popular first; equal ones by CPU, share of a device, number of devices and model text, all
/// descending. Upstream's threshold is 95. `text` gives the text of a model.
pub fn typical_pods(
    counts: impl IntoIterator<Item = (DeviceShape, u64)>,
    threshold: u64,
    text: impl Fn(Name) -> String,
) -> Vec<TypicalPod> {
    let mut merged: BTreeMap<DeviceShape, u64> = BTreeMap::new();
    for (shape, count) in counts {
        *merged.entry(shape).or_default() += count;
    }
    let total: u64 = merged.values().sum();
    let mut ranked: Vec<(DeviceShape, u64)> =
        merged.into_iter().filter(|(_, count)| *count > 0).collect();
    ranked.sort_by_cached_key(|(shape, count)| {
        let models = shape.model_text(&text);
        Reverse((*count, shape.cpu, shape.milli_each, shape.count, models))
    });
    let mut taken = 0;
    let mut kept = 0;
    for (_, count) in &ranked {
        if u128::from(taken) * 100 >= u128::from(threshold) * u128::from(total) {
            break;
        }
        taken += count;
        kept += 1;
    }
    let all = kept == ranked.len();
    ranked.truncate(kept);
    let of_all = |count: u64| count as f64 / total as f64;
    let weight = |count| if all { of_all(count) } else { of_all(count) / of_all(taken) };
    ranked.into_iter().map(|(shape, count)| TypicalPod { shape, weight: weight(count) }).collect()
}

/// What is idle on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdleNode<'n> {
    /// CPU left, thousandths of a core.
    pub cpu: u64,
    /// What is left of each device, thousandths.
    pub devices: &'n [u32],
    /// Model of the devices.
    pub model: Option<Name>,
}

/// Idle thousandths of devices, split by why typical pods cannot use them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Fragmentation {
    /// Neither devices nor CPU suffice (Q1).
    pub lacks_both: f64,
    /// CPU suffices, devices do not, or this device is too small (Q2).
    pub lacks_devices: f64,
    /// Usable (Q3).
    pub usable: f64,
    /// Devices suffice, CPU does not (Q4).
    pub lacks_cpu: f64,
    /// The pod wants no device and would fit (XL).
    pub no_device_fits: f64,
    /// The pod wants no device and lacks CPU (XR).
    pub no_device_lacks_cpu: f64,
    /// The model is not accepted (NA).
    pub wrong_model: f64,
}

impl Fragmentation {
    /// What is idle and of no use, thousandths of a device.
    pub fn amount(&self) -> f64 {
        self.lacks_both
            + self.lacks_devices
            + self.lacks_cpu
            + self.no_device_fits
            + self.no_device_lacks_cpu
            + self.wrong_model
    }

    /// All that is idle, thousandths of a device.
    pub fn idle(&self) -> f64 {
        self.amount() + self.usable
    }

    /// Adds the figures of another node.
    pub fn add(&mut self, other: &Fragmentation) {
        self.lacks_both += other.lacks_both;
        self.lacks_devices += other.lacks_devices;
        self.usable += other.usable;
        self.lacks_cpu += other.lacks_cpu;
        self.no_device_fits += other.no_device_fits;
        self.no_device_lacks_cpu += other.no_device_lacks_cpu;
        self.wrong_model += other.wrong_model;
    }
}

/// The fragmentation of one node over typical pods.
pub fn fragmentation(node: IdleNode<'_>, typical: &[TypicalPod]) -> Fragmentation {
    let mut result = Fragmentation::default();
    let idle: u64 = node.devices.iter().map(|left| u64::from(*left)).sum();
    if idle == 0 {
        return result;
    }
    for TypicalPod { shape, weight } in typical {
        let share = weight * idle as f64;
        let enough_cpu = node.cpu >= shape.cpu;
        if shape.count == 0 {
            if enough_cpu {
                result.no_device_fits += share;
            } else {
                result.no_device_lacks_cpu += share;
            }
            continue;
        }
        let accepted = node.model.is_some_and(|model| shape.models.contains(&model));
        if !shape.models.is_empty() && !accepted {
            result.wrong_model += share;
            continue;
        }
        let fitting = node.devices.iter().filter(|left| **left >= shape.milli_each).count();
        match (fitting as u64 >= u64::from(shape.count), enough_cpu) {
            (true, true) => {
                let small = node.devices.iter().filter(|left| **left < shape.milli_each);
                let small: u64 = small.map(|left| u64::from(*left)).sum();
                result.lacks_devices += weight * small as f64;
                result.usable += weight * (idle - small) as f64;
            }
            (true, false) => result.lacks_cpu += share,
            (false, true) => result.lacks_devices += share,
            (false, false) => result.lacks_both += share,
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Names;
    use crate::ground::shared;
    use serde_json::Value;

    fn shape(cpu: u64, milli_each: u32, count: u32) -> DeviceShape {
        DeviceShape { cpu, milli_each, count, models: Vec::new() }
    }

    #[test]
    fn typical_pods_are_the_popular_ones() {
        let text = |_| String::new();
        let counts = [
            (shape(1, 0, 0), 2),
            (shape(4, 500, 1), 60),
            (shape(8, 1000, 1), 19),
            (shape(8, 1000, 2), 19),
        ];
        let typical = typical_pods(counts.clone(), 95, text);
        let kept: Vec<_> = typical.iter().map(|pod| (pod.shape.cpu, pod.shape.count)).collect();
        assert_eq!(kept, [(4, 1), (8, 2), (8, 1)]);
        assert_eq!(typical[0].weight, 0.6 / 0.98);
        let everything = typical_pods(counts, 100, text);
        assert_eq!(everything.len(), 4);
        assert_eq!(everything[3].weight, 0.02);
        assert!(typical_pods([], 95, text).is_empty());
    }

    #[test]
    fn totals_tell_the_shape() {
        for (total, count, each) in [(0, 0, 0), (250, 1, 250), (1000, 1, 1000), (4000, 4, 1000)] {
            assert_eq!(DeviceShape::from_total(7, total, &[]), shape(7, each, count), "{total}");
        }
    }

    fn number(value: &Value, key: &str) -> u64 {
        value[key].as_u64().unwrap_or_else(|| panic!("{key} in {value}"))
    }

    fn shape_of(pod: &Value, names: &mut Names) -> DeviceShape {
        let spec = pod["gpu_spec"].as_str().unwrap();
        let models = spec.split('|').filter(|text| !text.is_empty());
        DeviceShape {
            cpu: number(pod, "cpu_milli"),
            milli_each: number(pod, "gpu_milli") as u32,
            count: number(pod, "num_gpu") as u32,
            models: models.map(|text| names.intern(text)).collect(),
        }
    }

    #[test]
    fn every_class_agrees_with_the_published_program() {
        let Some(path) = shared("golden/fgd/examples.json") else { return };
        let text = std::fs::read_to_string(path).unwrap();
        let cases: Value = serde_json::from_str(&text).unwrap();
        let mut checked = 0;
        for case in cases.as_array().unwrap() {
            let mut names = Names::new();
            let typical: Vec<TypicalPod> = case["typical_pods"]
                .as_array()
                .unwrap()
                .iter()
                .map(|pod| TypicalPod {
                    shape: shape_of(pod, &mut names),
                    weight: pod["weight"].as_f64().unwrap(),
                })
                .collect();
            for node in case["nodes"].as_array().unwrap() {
                let devices: Vec<u32> = node["gpu_milli_left"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|left| left.as_u64().unwrap() as u32)
                    .collect();
                let model = node["gpu_model"].as_str().map(|model| names.intern(model));
                let idle =
                    IdleNode { cpu: number(node, "cpu_milli_left"), devices: &devices, model };
                let found = fragmentation(idle, &typical);
                let expected = &node["frag_milli_before"];
                for (key, value) in [
                    ("no_access", found.wrong_model),
                    ("q1_lack_both", found.lacks_both),
                    ("q2_lack_gpu", found.lacks_devices),
                    ("q3_satisfied", found.usable),
                    ("q4_lack_cpu", found.lacks_cpu),
                    ("xl_satisfied", found.no_device_fits),
                    ("xr_lack_cpu", found.no_device_lacks_cpu),
                ] {
                    let right = expected[key].as_f64().unwrap();
                    assert!((value - right).abs() < 1e-6, "{}: {key}: {value}", case["id"]);
                }
                let total = node["frag_milli_before_total"].as_f64().unwrap();
                assert!((found.amount() - total).abs() < 1e-6, "{}", case["id"]);
                checked += 1;
            }
        }
        assert!(checked >= 10, "{checked} nodes");
    }
}
