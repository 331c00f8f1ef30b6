//! Rows of a trace in memory, and the requests that they share.

use crate::ground::{Bytes, MilliCpu, Name, Time};
use crate::model::{
    Amounts, Catalog, Container, DeviceRequest, Labels, Lifetime, MILLI_PER_DEVICE, PodName,
    PodSpec, PodSpecId, RestartPolicy,
};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// Most GPUs of one request: as many as a device mask has bits.
pub(crate) const MOST_GPUS: u8 = 32;

/// What a pod of a trace or of a generator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// CPU request, thousandths of a core.
    pub(crate) cpu: u64,
    /// Memory request, bytes.
    pub(crate) memory: u64,
    /// Number of GPUs, 0 to 32.
    pub(crate) gpus: u8,
    /// Thousandths of each GPU, 0 without GPUs.
    pub(crate) gpu_milli: u32,
    /// Accepted models, separated by vertical bars; the name of the empty text accepts every one.
    pub(crate) models: Name,
    /// Priority.
    pub(crate) priority: i32,
    /// Labels as `key=value`, separated by semicolons.
    pub(crate) labels: Name,
}

/// The name of the empty text in every catalog.
pub(crate) const NO_TEXT: Name = Name(0);

/// Why GPUs cannot be asked for in this way.
pub(crate) fn gpu_problem(count: u64, milli: u64) -> Option<&'static str> {
    if count > u64::from(MOST_GPUS) {
        Some("is above 32, the most devices of a node")
    } else if count > 0 && milli == 0 {
        Some("is 0; a pod with GPUs asks for 1 to 1000 thousandths of each")
    } else if milli > u64::from(MILLI_PER_DEVICE) {
        Some("is above 1000, a whole GPU")
    } else if count > 1 && milli != u64::from(MILLI_PER_DEVICE) {
        Some("is below 1000; a share of a GPU can only be asked for with one GPU")
    } else {
        None
    }
}

/// Splits `key=value;key=value`; `None` if that is not what it is.
pub(crate) fn split_labels(text: &str) -> Option<Vec<(&str, &str)>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split(';')
        .map(|pair| pair.split_once('=').filter(|(k, v)| !k.is_empty() && !v.contains('=')))
        .collect()
}

/// One pod of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    /// When it is created, in the time of the trace.
    pub(crate) at: Time,
    /// How long it runs.
    pub(crate) lifetime: Lifetime,
    /// What it asks for.
    pub(crate) shape: u32,
    /// Its name.
    pub(crate) name: PodName,
}

/// Different shapes in order of first use, each with its specification.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shapes {
    catalog: Catalog,
    rows: Vec<(Shape, PodSpecId)>,
    by_content: FxHashMap<Shape, u32>,
}

impl Shapes {
    pub(crate) fn new() -> Shapes {
        Shapes::default()
    }

    /// The name of a text.
    pub(crate) fn name(&mut self, text: &str) -> Name {
        self.catalog.names.intern(text)
    }

    /// The name of a pod.
    pub(crate) fn pod_name(&mut self, text: &str) -> PodName {
        PodName::parse(text, &mut self.catalog.names)
    }

    /// The number of a shape, whose labels have been checked.
    pub(crate) fn intern(&mut self, shape: Shape) -> u32 {
        if let Some(known) = self.by_content.get(&shape) {
            return *known;
        }
        let spec = self.spec_of(&shape);
        let (spec, _) = self.catalog.intern_pod_spec(&spec);
        let number = u32::try_from(self.rows.len()).expect("fewer than 2^32 shapes");
        self.rows.push((shape, spec));
        self.by_content.insert(shape, number);
        number
    }

    fn spec_of(&mut self, shape: &Shape) -> PodSpec {
        let names = &mut self.catalog.names;
        let mut spec = PodSpec::new(names.intern("default"), names.intern("default-scheduler"));
        let requests =
            Amounts { cpu: MilliCpu(shape.cpu), memory: Bytes(shape.memory), ..Amounts::default() };
        spec.containers.push(Container { requests, ..Container::new(names.intern("main")) });
        if shape.gpus > 0 {
            let models = names.text(shape.models).to_owned();
            let models = models.split('|').filter(|model| !model.is_empty());
            spec.devices = Some(DeviceRequest {
                count: shape.gpus,
                milli_each: shape.gpu_milli,
                models: models.map(|model| names.intern(model)).collect(),
            });
        }
        let labels = names.text(shape.labels).to_owned();
        let labels = split_labels(&labels).expect("labels are checked when they are read");
        spec.labels =
            labels.iter().map(|(k, v)| (names.intern(k), names.intern(v))).collect::<Labels>();
        spec.priority = shape.priority;
        spec.restart_policy = RestartPolicy::Never;
        spec.compute_requests();
        spec
    }

    pub(crate) fn shape(&self, number: u32) -> &Shape {
        &self.rows[number as usize].0
    }

    pub(crate) fn spec(&self, number: u32) -> PodSpecId {
        self.rows[number as usize].1
    }

    /// All shapes, by number.
    pub(crate) fn all(&self) -> impl ExactSizeIterator<Item = &Shape> {
        self.rows.iter().map(|(shape, _)| shape)
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shapes_are_one_and_make_a_pod_as_documented() {
        let mut shapes = Shapes::new();
        let models = shapes.name("T4|V100M16");
        let labels = shapes.name("qos=LS;team=a");
        let shape = Shape {
            cpu: 4000,
            memory: 1 << 30,
            gpus: 1,
            gpu_milli: 500,
            models,
            priority: 7,
            labels,
        };
        let number = shapes.intern(shape);
        assert_eq!(shapes.intern(shape), number);
        let other = shapes.intern(Shape { priority: 8, ..shape });
        assert_ne!(other, number);
        let catalog = shapes.catalog();
        let spec = catalog.pod_spec(shapes.spec(number));
        let text = |name| catalog.names.text(name);
        assert_eq!((spec.requests.cpu, spec.requests.memory), (MilliCpu(4000), Bytes(1 << 30)));
        let request = spec.devices.as_ref().unwrap();
        assert_eq!((request.count, request.milli_each), (1, 500));
        let models: Vec<&str> = request.models.iter().map(|model| text(*model)).collect();
        assert_eq!(models, ["T4", "V100M16"]);
        assert_eq!(spec.labels.iter().len(), 2);
        assert_eq!(spec.restart_policy, RestartPolicy::Never);
        assert_eq!(text(spec.containers[0].name), "main");
        assert_eq!((text(spec.namespace), spec.priority), ("default", 7));
    }

    #[test]
    fn labels_are_split_or_refused() {
        assert_eq!(split_labels(""), Some(vec![]));
        assert_eq!(split_labels("a=1;b="), Some(vec![("a", "1"), ("b", "")]));
        for text in ["a", "a=1;", "=1", "a=b=c"] {
            assert_eq!(split_labels(text), None, "{text}");
        }
    }
}
