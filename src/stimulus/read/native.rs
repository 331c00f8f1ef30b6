//! Our own trace as text: CSV whose cells carry their units.
//!
//! The header names the columns, in any order. `submit` (time of creation), `name`, `cpu`,
//! `memory` and `lifetime` are required; `lifetime` is a length of time or `forever`. Optional:
//! `gpu_count` (0 if empty), `gpu_milli` (thousandths of each GPU, 1000 if empty), `gpu_models`
//! (accepted models separated by `|`), `priority` (0 if empty), `labels` (`key=value`, separated by
//! `;`). Every other column is refused: a misspelt one would be silently without effect.
//!
//! ```text
//! submit,name,cpu,memory,lifetime,gpu_count,gpu_milli
//! 0s,train-0,8,32Gi,2h30m,1,1000
//! 1m12.5s,notebook-0,500m,2Gi,45m,1,250
//! ```
//!
//! Amounts are read as Kubernetes reads quantities, times as scenario files write them. Rows need
//! not be in order of time; those that are created together keep the order of the file.

use super::row::{NO_TEXT, Row, Shape, Shapes, gpu_problem, split_labels};
use super::table::{Cells, Column, Fault, TableFile};
use crate::ground::{Bytes, MilliCpu, Name, Names, Span, Time};
use crate::model::{Lifetime, MILLI_PER_DEVICE};
use crate::stimulus::SourceError;
use std::fmt;
use std::io;
use std::str::FromStr;

const REQUIRED: [&str; 5] = ["submit", "name", "cpu", "memory", "lifetime"];
const OPTIONAL: [&str; 5] = ["gpu_count", "gpu_milli", "gpu_models", "priority", "labels"];

/// What the cell of an endless lifetime says.
const FOREVER: &str = "forever";

/// Where the columns are.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    required: [Column; 5],
    optional: [Option<Column>; 5],
}

impl Columns {
    /// Finds the columns and refuses unknown ones.
    pub(super) fn find(file: &TableFile) -> Result<Columns, SourceError> {
        let required = file.require(REQUIRED)?;
        let mut optional = [None; 5];
        for (name, column) in OPTIONAL.iter().zip(&mut optional) {
            *column = file.find(name)?;
        }
        let known = |name: &str| REQUIRED.contains(&name) || OPTIONAL.contains(&name);
        match file.header().iter().find(|name| !known(name)) {
            None => Ok(Columns { required, optional }),
            Some(name) => {
                Err(file.error(&Fault { column: None, cell: None, what: unknown(name) }).line(1))
            }
        }
    }

    /// Reads one row.
    pub(super) fn row(&self, cells: Cells<'_>, shapes: &mut Shapes) -> Result<Row, Fault> {
        cells.check()?;
        let [submit, name, cpu, memory, lifetime] = self.required;
        let at = Time::ZERO + parse::<Span>(cells, submit)?;
        let text = cells.text(name)?;
        if text.is_empty() {
            return Err(name.fault(text, "is empty; every pod needs a name"));
        }
        let cpu = parse::<MilliCpu>(cells, cpu)?.0;
        let memory = parse::<Bytes>(cells, memory)?.0;
        let lifetime = match cells.text(lifetime)? {
            FOREVER => Lifetime::Forever,
            _ => Lifetime::For(parse::<Span>(cells, lifetime)?),
        };
        let (gpus, gpu_milli, models) = self.gpus(cells, shapes)?;
        let [.., priority, labels] = self.optional;
        let priority = match self.optional_text(cells, priority)? {
            Some((_, "")) | None => 0,
            Some((column, text)) => {
                text.parse().map_err(|_| column.fault(text, "is not a whole number"))?
            }
        };
        let labels = match self.optional_text(cells, labels)? {
            None => NO_TEXT,
            Some((column, text)) if split_labels(text).is_none() => {
                return Err(column.fault(text, "is not of the form `key=value;key=value`"));
            }
            Some((_, text)) => shapes.name(text),
        };
        let shape = Shape { cpu, memory, gpus, gpu_milli, models, priority, labels };
        let shape = shapes.intern(shape);
        Ok(Row { at, lifetime, shape, name: shapes.pod_name(text) })
    }

    fn gpus(&self, cells: Cells<'_>, shapes: &mut Shapes) -> Result<(u8, u32, Name), Fault> {
        let [count, milli, models, ..] = self.optional;
        let number = |column: Option<Column>, most: u64, unit: &str, default: u64| match column {
            Some(column) if !cells.text(column)?.is_empty() => cells.integer(column, most, unit),
            _ => Ok(default),
        };
        let gpus = number(count, 32, "GPUs", 0)?;
        if gpus == 0 {
            return Ok((0, 0, NO_TEXT));
        }
        let most = u64::from(MILLI_PER_DEVICE);
        let each = number(milli, most, "thousandths of a GPU", most)?;
        if let Some(problem) = gpu_problem(gpus, each) {
            let column = milli.or(count).expect("there are GPUs, so there is their column");
            return Err(column.fault(&each.to_string(), problem));
        }
        let models = match self.optional_text(cells, models)? {
            Some((_, text)) => shapes.name(text),
            None => NO_TEXT,
        };
        Ok((gpus as u8, each as u32, models))
    }

    fn optional_text<'a>(
        &self,
        cells: Cells<'a>,
        column: Option<Column>,
    ) -> Result<Option<(Column, &'a str)>, Fault> {
        column.map(|column| Ok((column, cells.text(column)?))).transpose()
    }
}

fn unknown(name: &str) -> String {
    format!(
        "the column `{name}` is unknown; known are `{}` and `{}`",
        REQUIRED.join("`, `"),
        OPTIONAL.join("`, `")
    )
}

/// A cell in the text form of its type, whose message quotes the cell.
fn parse<T: FromStr<Err: fmt::Display>>(cells: Cells<'_>, column: Column) -> Result<T, Fault> {
    let text = cells.text(column)?;
    if text.is_empty() {
        return Err(column.fault(text, "is empty; every pod needs one"));
    }
    text.parse().map_err(|error: T::Err| Fault {
        column: Some(column.name),
        cell: None,
        what: error.to_string(),
    })
}

/// Writes rows as text, all columns, in the order in which they are given.
#[derive(Debug)]
pub(super) struct Writer<W: io::Write> {
    out: csv::Writer<W>,
}

impl<W: io::Write> Writer<W> {
    /// Writes the header.
    pub(super) fn new(out: W) -> Result<Writer<W>, csv::Error> {
        let mut out = csv::WriterBuilder::new().from_writer(out);
        out.write_record(REQUIRED.iter().chain(&OPTIONAL))?;
        Ok(Writer { out })
    }

    /// Writes a row whose shape is `shape`.
    pub(super) fn row(&mut self, row: &Row, shape: &Shape, names: &Names) -> csv::Result<()> {
        let lifetime = match row.lifetime {
            Lifetime::Forever => FOREVER.to_owned(),
            Lifetime::For(span) => span.to_string(),
        };
        let gpu = |value: u64| if shape.gpus == 0 { String::new() } else { value.to_string() };
        let priority = if shape.priority == 0 { String::new() } else { shape.priority.to_string() };
        self.out.write_record([
            row.at.to_string().as_str(),
            &row.name.text(names),
            &MilliCpu(shape.cpu).to_string(),
            &Bytes(shape.memory).to_string(),
            &lifetime,
            &gpu(u64::from(shape.gpus)),
            &gpu(u64::from(shape.gpu_milli)),
            names.text(shape.models),
            &priority,
            names.text(shape.labels),
        ])
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}
