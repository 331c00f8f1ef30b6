//! Alibaba cluster-trace-gpu-v2023 ("openb"): pod lists and node lists.
//!
//! A pod has one container `main` with the row's CPU and memory as requests and the row's GPUs as
//! its device request; `gpu_milli` above 1000 is cut to 1000, and without GPUs the GPU columns are
//! ignored, both as in the simulator that the trace was published with
//! (hkust-adsl/kubernetes-scheduler-simulator). `qos` becomes the label `qos`: it is not a
//! priority. The lifetime is `deletion_time - creation_time`. `scheduled_time` and `pod_phase` tell
//! what the recorded cluster did and are not used: the simulated scheduler decides anew.

use super::row::{MOST_GPUS, NO_TEXT, Row, Shape, Shapes, gpu_problem};
use super::table::{Cells, Column, Fault, TableFile};
use crate::ground::{Bytes, MilliCpu, Name, Span, Time};
use crate::model::{Amounts, Catalog, DeviceGroup, Labels, Lifetime, MILLI_PER_DEVICE, NodeSpec};
use crate::stimulus::SourceError;
use std::path::Path;

const MIB: u64 = 1 << 20;
/// Largest CPU amount of a row, in thousandths: a million cores.
const MOST_CPU: u64 = 1_000_000_000;
/// Largest memory amount of a row in MiB: an exbibyte.
const MOST_MIB: u64 = 1 << 40;
/// Latest time of a row in seconds, about 317 years.
const LATEST: u64 = 10_000_000_000;

/// The label that names a node's GPU model.
pub const GPU_MODEL_LABEL: &str = "node.wavetank/gpu-model";
/// Most pods of a node of the trace, as its published experiments have it.
const MOST_PODS: u32 = 1001;

/// Columns that are known and not used.
const UNUSED: [&str; 2] = ["scheduled_time", "pod_phase"];

/// Where the columns of a pod list are.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    name: Column,
    cpu: Column,
    memory: Column,
    gpus: Column,
    gpu_milli: Column,
    models: Option<Column>,
    qos: Option<Column>,
    times: Option<[Column; 2]>,
}

impl Columns {
    /// Finds the columns. Without `timed` a list without times will do.
    pub(super) fn find(file: &TableFile, timed: bool) -> Result<Columns, SourceError> {
        let [name, cpu, memory, gpus, gpu_milli] =
            file.require(["name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"])?;
        let times = if timed {
            let found = file.require(["creation_time", "deletion_time"]);
            Some(found.map_err(|error| {
                error.hint(
                    "a list without times cannot be replayed; draw from it with `load` and give \
                     the `lifetimes`",
                )
            })?)
        } else {
            None
        };
        let (models, qos) = (file.find("gpu_spec")?, file.find("qos")?);
        Ok(Columns { name, cpu, memory, gpus, gpu_milli, models, qos, times })
    }

    /// True for a column that this reader knows.
    pub(super) fn knows(name: &str) -> bool {
        const USED: [&str; 9] = [
            "name",
            "cpu_milli",
            "memory_mib",
            "num_gpu",
            "gpu_milli",
            "gpu_spec",
            "qos",
            "creation_time",
            "deletion_time",
        ];
        USED.contains(&name) || UNUSED.contains(&name)
    }

    /// Reads one row.
    pub(super) fn row(&self, cells: Cells<'_>, shapes: &mut Shapes) -> Result<Row, Fault> {
        cells.check()?;
        let name = cells.text(self.name)?;
        if name.is_empty() {
            return Err(self.name.fault(name, "is empty; every pod needs a name"));
        }
        let cpu = cells.integer(self.cpu, MOST_CPU, "thousandths of a core")?;
        let memory = cells.integer(self.memory, MOST_MIB, "MiB")? * MIB;
        let labels = self.labels(cells, shapes)?;
        let shape = self.gpus(
            cells,
            shapes,
            Shape { cpu, memory, gpus: 0, gpu_milli: 0, models: NO_TEXT, priority: 0, labels },
        )?;
        let (at, lifetime) = self.times(cells)?;
        let shape = shapes.intern(shape);
        Ok(Row { at, lifetime, shape, name: shapes.pod_name(name) })
    }

    fn gpus(&self, cells: Cells<'_>, shapes: &mut Shapes, shape: Shape) -> Result<Shape, Fault> {
        let gpus = cells.integer(self.gpus, u64::from(MOST_GPUS), "GPUs")?;
        if gpus == 0 {
            return Ok(shape);
        }
        let unit = "thousandths of a GPU";
        let milli = cells.integer(self.gpu_milli, u64::from(u32::MAX), unit)?;
        let milli = milli.min(u64::from(MILLI_PER_DEVICE));
        if let Some(problem) = gpu_problem(gpus, milli) {
            return Err(self.gpu_milli.fault(&milli.to_string(), problem));
        }
        let models = match self.models {
            Some(column) => shapes.name(cells.text(column)?),
            None => NO_TEXT,
        };
        Ok(Shape { gpus: gpus as u8, gpu_milli: milli as u32, models, ..shape })
    }

    fn labels(&self, cells: Cells<'_>, shapes: &mut Shapes) -> Result<Name, Fault> {
        let Some(column) = self.qos else { return Ok(NO_TEXT) };
        let text = match cells.text(column)? {
            "" => return Ok(NO_TEXT),
            "LS" => "qos=LS",
            "BE" => "qos=BE",
            "Burstable" => "qos=Burstable",
            "Guaranteed" => "qos=Guaranteed",
            other => {
                let what = "is not a class of service: LS, BE, Burstable or Guaranteed";
                return Err(column.fault(other, what));
            }
        };
        Ok(shapes.name(text))
    }

    fn times(&self, cells: Cells<'_>) -> Result<(Time, Lifetime), Fault> {
        let Some([created, deleted]) = self.times else {
            return Ok((Time::ZERO, Lifetime::Forever));
        };
        let from = cells.integer(created, LATEST, "seconds")?;
        let to = cells.integer(deleted, LATEST, "seconds")?;
        let Some(length) = to.checked_sub(from) else {
            return Err(deleted.fault(&to.to_string(), "is before `creation_time`"));
        };
        Ok((Time::from_secs(from), Lifetime::For(Span::from_secs(length))))
    }
}

/// Reads a node list: the name and the specification of each machine, in the order of the file.
///
/// Besides what the columns say, a machine takes 1001 pods and carries its GPU model as the label
/// [`GPU_MODEL_LABEL`].
pub fn read_openb_nodes(
    path: &Path,
    catalog: &mut Catalog,
) -> Result<Vec<(String, NodeSpec)>, SourceError> {
    let mut file = TableFile::open(path)?;
    let columns = file.require(["sn", "cpu_milli", "memory_mib", "gpu", "model"])?;
    let mut nodes = Vec::new();
    while let Some(cells) = file.next()? {
        match node(cells, &columns, catalog) {
            Ok(node) => nodes.push(node),
            Err(fault) => return Err(file.error(&fault)),
        }
    }
    Ok(nodes)
}

fn node(
    cells: Cells<'_>,
    [name, cpu, memory, gpus, model]: &[Column; 5],
    catalog: &mut Catalog,
) -> Result<(String, NodeSpec), Fault> {
    cells.check()?;
    let text = cells.text(*name)?;
    if text.is_empty() {
        return Err(name.fault(text, "is empty; every node needs a name"));
    }
    let allocatable = Amounts {
        cpu: MilliCpu(cells.integer(*cpu, MOST_CPU, "thousandths of a core")?),
        memory: Bytes(cells.integer(*memory, MOST_MIB, "MiB")? * MIB),
        ..Amounts::default()
    };
    let mut spec = NodeSpec { allocatable, pods: MOST_PODS, ..NodeSpec::default() };
    let count = cells.integer(*gpus, u64::from(MOST_GPUS), "GPUs")?;
    if count > 0 {
        let text = cells.text(*model)?;
        if text.is_empty() {
            return Err(model.fault(text, "is empty; a machine with GPUs has a model"));
        }
        let model = catalog.names.intern(text);
        spec.devices = Some(DeviceGroup { count: count as u8, model });
        let mut labels = Labels::new();
        labels.set(catalog.names.intern(GPU_MODEL_LABEL), model);
        spec.labels = labels;
    }
    Ok((text.to_owned(), spec))
}
